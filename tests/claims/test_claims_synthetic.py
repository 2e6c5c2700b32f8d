"""Claims about the test errors on the synthetic curves."""

from __future__ import annotations

from collections.abc import Callable

import xarray as xr

from gar_verify.claims import Claim, Evidence, Verdict
from gar_verify.studies import summaries

Judge = Callable[[str, Evidence], Claim]


def test_the_lowest_error_flips(
    judge: Judge,
    store: Callable[[str, xr.Dataset], Evidence],
    swap: Callable[[xr.Dataset, str, str], xr.Dataset],
) -> None:
    sine = summaries.read("sine")
    name = "lowest-mae-sine"
    assert judge(name, store("sine", sine)).verdict is Verdict.REPRODUCED
    one = swap(sine, "gar", "ranksim")
    assert judge(name, store("sine", one)).verdict is Verdict.IN_PART
    both = swap(one, "gar_released", "mse")
    assert judge(name, store("sine", both)).verdict is Verdict.NOT_REPRODUCED
    off = judge("figures-sine", store("sine", sine.assign(test=sine["test"] * 3)))
    assert off.verdict is Verdict.NOT_REPRODUCED


def test_mse_like_mae_flips(judge: Judge, store: Callable[[str, xr.Dataset], Evidence]) -> None:
    sine = summaries.read("sine")
    name = "mse-like-mae-sine"
    is_mse = sine["method"] == "mse"
    mae, mse = (sine["test"].sel({"method": m, "metric": "MAE"}).to_numpy() for m in ("mae", "mse"))
    reach = max(mae.std(), mse.std())
    level = sine.assign(test=sine["test"] + is_mse * (mae.mean() - mse.mean()))
    for shift, verdict in ((0.9, Verdict.REPRODUCED), (1.1, Verdict.NOT_REPRODUCED)):
        moved = level.assign(test=level["test"] + is_mse * shift * reach)
        assert judge(name, store("sine", moved)).verdict is verdict
