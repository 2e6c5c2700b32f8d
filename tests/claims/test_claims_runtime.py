"""Claims about running time, on times made by hand."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from gar_verify.claims import Claim, Evidence, MissingEvidence, Verdict
from gar_verify.claims.runtime import growth, ratio, relative
from gar_verify.studies import published

Judge = Callable[[str, Evidence], Claim]
PUBLISHED = {**published.published()["relative_time"], "gar_released": 1.0}
SIZES = (64, 256, 1024, 2048, 4096)


def line(setup: str, method: str, ratio: float, size: int = 256, seconds: float = 1.0) -> Any:
    return {
        "setup": setup,
        "method": method,
        "batch_size": size,
        "seconds": seconds,
        "ratio": ratio,
        "ratio_low": 0.9 * ratio,
        "ratio_high": 1.1 * ratio,
    }


def loops(**changes: float) -> list[dict[str, Any]]:
    """Ratios as published in both loops; ``method`` or ``method__setup`` changes them."""
    return [
        line(setup, method, changes.get(f"{method}__{setup}", changes.get(method, value)))
        for setup in ("published_loop", "in_memory")
        for method, value in PUBLISHED.items()
    ]


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        ({}, Verdict.REPRODUCED),
        ({"gar_released__in_memory": 1.8}, Verdict.IN_PART),
        ({"gar": 1.5, "gar_released": 2.0}, Verdict.NOT_REPRODUCED),
    ],
)
def test_the_same_time(
    judge: Judge, lines: Callable[..., Evidence], changes: dict[str, float], verdict: Verdict
) -> None:
    claim = judge("time-gar", lines("runtime", loops(**changes)))
    assert claim.verdict is verdict
    assert ("GAR (released) in an in-memory loop" in claim.reason) is bool(changes)


@pytest.mark.parametrize(
    ("measured", "verdict"),
    [
        (2.5, Verdict.REPRODUCED),
        (2.0, Verdict.REPRODUCED),
        (9.0, Verdict.IN_PART),
        (1.5, Verdict.IN_PART),
        (1.05, Verdict.NOT_REPRODUCED),
    ],
)
def test_relative_times(
    judge: Judge, lines: Callable[..., Evidence], measured: float, verdict: Verdict
) -> None:
    assert relative(measured, 2.5) is verdict
    evidence = lines("runtime", loops(ranksim__published_loop=measured))
    assert judge("time-ranksim", evidence).verdict is verdict


def test_seconds_are_compared_relative_to_the_mae(
    judge: Judge, lines: Callable[..., Evidence]
) -> None:
    seconds = published.published()["seconds_per_epoch"]
    rows = [line("published_loop", name, s / seconds["mae"]) for name, s in seconds.items()]
    assert judge("seconds-per-epoch", lines("runtime", rows)).verdict is Verdict.REPRODUCED
    rows = [row if row["method"] != "rnc" else line("published_loop", "rnc", 1.8) for row in rows]
    claim = judge("seconds-per-epoch", lines("runtime", rows))
    assert claim.verdict is Verdict.IN_PART
    assert claim.reason.startswith("other ratios: RnC; ")
    rows.append(line("published_loop", "rnc_contrastive", seconds["rnc"] / seconds["mae"]))
    assert judge("seconds-per-epoch", lines("runtime", rows)).verdict is Verdict.REPRODUCED


def alone(**exponents: float) -> list[dict[str, Any]]:
    return [
        line("loss_only", method, 1.0, size, seconds=1e-9 * size**exponent)
        for method, exponent in exponents.items()
        for size in SIZES
    ]


@pytest.mark.parametrize(
    ("gar", "ranksim", "verdict"),
    [
        (0.9, 2.0, Verdict.REPRODUCED),
        (2.0, 2.0, Verdict.IN_PART),
        (0.9, 1.2, Verdict.IN_PART),
        (1.2, 1.2, Verdict.NOT_REPRODUCED),
    ],
)
def test_linear_cost(
    judge: Judge, lines: Callable[..., Evidence], gar: float, ranksim: float, verdict: Verdict
) -> None:
    rows = alone(mae=1.0, gar=gar, gar_released=gar, ranksim=ranksim)
    claim = judge("linear-cost", lines("runtime", rows))
    assert claim.verdict is verdict
    assert f"GAR {gar:.2f}" in claim.measured


def test_the_contrastive_phase_stands_for_rnc(judge: Judge, lines: Callable[..., Evidence]) -> None:
    rows = alone(mae=1.0, gar=0.9, gar_released=0.9, rnc=1.0, rnc_contrastive=2.0)
    claim = judge("linear-cost", lines("runtime", rows))
    assert claim.verdict is Verdict.REPRODUCED
    assert claim.measured.endswith("GAR (released) 0.90, RnC, contrastive phase 2.00")


def test_growth_is_of_the_larger_sizes() -> None:
    rows = pd.DataFrame(alone(gar=1.0))
    rows.loc[rows["batch_size"] <= 256, "seconds"] = 1.0
    assert growth(rows, "gar") == pytest.approx(1.0)


def test_the_batch_size_of_the_paper_counts() -> None:
    rows = pd.DataFrame([line("loss_only", "gar", n / 256, n) for n in SIZES])
    assert ratio(rows, "loss_only", "gar") == 1.0
    with pytest.raises(MissingEvidence, match="no time of conr in loss_only; to measure it: gar"):
        ratio(rows, "loss_only", "conr")


def test_without_times_nothing_is_testable(judge: Judge, tmp_path: Path) -> None:
    for name in ("time-gar", "time-rnc", "time-conr", "seconds-per-epoch", "linear-cost"):
        claim = judge(name, Evidence(tmp_path))
        assert claim.verdict is Verdict.NOT_TESTABLE
        assert claim.reason.startswith(
            "there is no table runtime.csv; to make it: gar-verify bench"
        )
