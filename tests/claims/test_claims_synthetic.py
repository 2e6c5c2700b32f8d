"""Claims about the test errors on the synthetic curves."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import xarray as xr

from gar_verify.claims import Claim, Evidence, Verdict
from gar_verify.studies import published, summaries

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
    assert judge(name, store("sine", one)).verdict is Verdict.REPRODUCED
    both = swap(one, "gar_released", "rnc")
    assert judge(name, store("sine", both)).verdict is Verdict.NOT_REPRODUCED
    off = judge("figures-sine", store("sine", sine.assign(test=sine["test"] * 3)))
    assert off.verdict is Verdict.NOT_REPRODUCED


def test_mse_like_mae_is_judged_by_the_distance_that_it_is_about(
    judge: Judge, store: Callable[[str, xr.Dataset], Evidence]
) -> None:
    """The interval of the difference within, across and beyond the published one of MAE and GAR."""
    sine = summaries.read("sine")
    is_mse = sine["method"] == "mse"
    about = np.subtract(*(np.mean(published.synthetic_runs("sine", m)) for m in ("mae", "gar")))
    mae = sine["test"].sel({"method": "mae"}, drop=True)
    runs = xr.DataArray(np.linspace(-1, 1, sine.sizes["seed"]), dims="seed")
    for shift, spread, verdict in (
        (0.9, 0.001, Verdict.REPRODUCED),
        (1.0, 0.01, Verdict.TIE),
        (1.2, 0.001, Verdict.NOT_REPRODUCED),
        (0.0, 0.5, Verdict.TIE),
    ):
        moved = (mae + shift * about + spread * runs).where(is_mse).fillna(sine["test"])
        found = judge("mse-like-mae-sine", store("sine", sine.assign(test=moved)))
        assert found.verdict is verdict
