"""Claims about the synthetic curves, by summaries and by counted peaks."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import xarray as xr

from gar_verify.claims import Claim, Evidence, Verdict
from gar_verify.experiments import summaries

Judge = Callable[[str, Evidence], Claim]
HEIGHTS = (-2.0, -1.0, 1.0, 2.0)
ALL, OUTER = (1, 1, 1, 1), (1, 0, 0, 1)


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


def peaks(**runs: tuple[tuple[int, ...], ...]) -> list[dict[str, Any]]:
    """Lines of the table of peaks: for each method a tuple over the peaks for each seed."""
    return [
        {
            "method": method,
            "seed": seed,
            "peak": float(number),
            "height": height,
            "predicted": height * found,
            "recovered": found,
        }
        for method, seeds in runs.items()
        for seed, recovered in enumerate(seeds, 1)
        for number, (height, found) in enumerate(zip(HEIGHTS, recovered, strict=True))
    ]


@pytest.mark.parametrize(
    ("mae", "gar", "verdict"),
    [
        ((0, 1, 1, 1), ALL, Verdict.REPRODUCED),
        ((0, 0, 0, 0), ALL, Verdict.IN_PART),
        ((0, 1, 1, 1), (0, 0, 0, 1), Verdict.IN_PART),
        ((0, 0, 0, 1), (0, 0, 0, 0), Verdict.NOT_REPRODUCED),
    ],
)
def test_peaks_missed(
    judge: Judge,
    lines: Callable[..., Evidence],
    mae: tuple[int, ...],
    gar: tuple[int, ...],
    verdict: Verdict,
) -> None:
    evidence = lines("squared_sine_peaks", peaks(mae=(mae, mae), gar=(gar, gar)))
    assert judge("peaks-missed", evidence).verdict is verdict


def test_each_kind_of_gar_is_held_against_the_others_only(
    judge: Judge, lines: Callable[..., Evidence]
) -> None:
    mae, some = (0, 0, 1, 1), (0, 1, 1, 1)
    found = peaks(mae=(mae, mae), gar=(some, some), gar_released=(ALL, ALL))
    assert judge("peaks-missed", lines("squared_sine_peaks", found)).verdict is Verdict.REPRODUCED
    found = peaks(mae=(some, some), gar=(mae, mae), gar_released=(ALL, ALL))
    assert judge("peaks-missed", lines("squared_sine_peaks", found)).verdict is Verdict.IN_PART


def test_peaks_missed_is_a_mean_over_seeds(judge: Judge, lines: Callable[..., Evidence]) -> None:
    found = peaks(mae=((0, 1, 1, 1), (0, 0, 1, 1)), gar=(ALL, ALL))
    claim = judge("peaks-missed", lines("squared_sine_peaks", found))
    assert claim.measured == "peaks missed, mean over seeds: MAE 1.5, GAR 0.0, of 4"
    alone = lines("squared_sine_peaks", peaks(mae=(ALL, ALL)))
    assert judge("peaks-missed", alone).verdict is Verdict.NOT_TESTABLE


@pytest.mark.parametrize(
    ("seeds", "verdict"),
    [
        ((OUTER, (0, 0, 0, 1)), Verdict.REPRODUCED),
        ((OUTER, ALL), Verdict.IN_PART),
        ((ALL, (0, 0, 0, 0)), Verdict.NOT_REPRODUCED),
        (((0, 1, 1, 0), ALL), Verdict.NOT_REPRODUCED),
    ],
)
def test_only_the_largest_peak(
    judge: Judge,
    lines: Callable[..., Evidence],
    seeds: tuple[tuple[int, ...], ...],
    verdict: Verdict,
) -> None:
    evidence = lines("squared_sine_peaks", peaks(mse=seeds, gar=(ALL, ALL)))
    claim = judge("peaks-largest", evidence)
    assert claim.verdict is verdict
    assert claim.measured.endswith(", GAR 0, of 2")


def test_without_the_peaks_the_reason_says_what_makes_them(judge: Judge, tmp_path: Path) -> None:
    claim = judge("peaks-missed", Evidence(tmp_path))
    assert claim.verdict is Verdict.NOT_TESTABLE
    assert "squared_sine_peaks.csv" in claim.reason
    assert "gar-verify run squared_sine --save" in claim.reason


def test_a_table_without_a_column_is_an_error(judge: Judge, lines: Callable[..., Evidence]) -> None:
    evidence = lines("squared_sine_peaks", [{"method": "mae", "seed": 1}])
    with pytest.raises(ValueError, match=r"peaks\.csv lacks peak, height, predicted, recov"):
        judge("peaks-missed", evidence)
