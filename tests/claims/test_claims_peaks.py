"""Claims about the peaks of the synthetic curves, on counts made by hand."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from gar_verify.claims import Claim, Evidence, Verdict
from gar_verify.claims.peaks import runs

Judge = Callable[[str, Evidence], Claim]
Lines = Callable[..., Evidence]
Run = tuple[int, ...]
HEIGHTS = (-2.0, -1.0, 0.5, 1.0, 2.0)
NONE, ALL, OUTER, ONE, INNER = (
    (0, 0, 0, 0, 0),
    (1, 1, 1, 1, 1),
    (1, 0, 0, 0, 1),
    (0, 0, 0, 0, 1),
    (0, 1, 0, 0, 0),
)
FOUR, THREE, TWO = (0, 1, 1, 1, 1), (0, 0, 1, 1, 1), (0, 0, 0, 1, 1)
CURVES = {
    **dict.fromkeys(("peaks-missed", "peaks-most", "peaks-medium-sine"), "sine_peaks"),
    **dict.fromkeys(
        ("peaks-largest", "peaks-almost-all", "peaks-medium-squared-sine"), "squared_sine_peaks"
    ),
}


def lines_of(**methods: tuple[Run, ...]) -> list[dict[str, Any]]:
    """Lines of the table of peaks: for each method, what each of its runs recovered."""
    everybody = dict.fromkeys(("gar", "rnc", "mae_pearson", "mae", "mse"), (NONE, NONE))
    return [
        {
            "method": method,
            "seed": seed,
            "peak": float(number),
            "height": height,
            "predicted": height * found,
            "recovered": found,
        }
        for method, seeds in (everybody | methods).items()
        for seed, recovered in enumerate(seeds, 1)
        for number, (height, found) in enumerate(zip(HEIGHTS, recovered, strict=True))
    ]


R, P, N = Verdict.REPRODUCED, Verdict.IN_PART, Verdict.NOT_REPRODUCED


@pytest.mark.parametrize(
    ("name", "methods", "verdict"),
    [
        ("peaks-missed", {"mae": (FOUR, THREE)}, R),
        ("peaks-missed", {"mae": (FOUR, TWO)}, P),
        ("peaks-missed", {"mae": (ALL, TWO)}, N),
        ("peaks-missed", {"mae": (TWO, TWO), "mse": (FOUR, FOUR)}, N),
        ("peaks-most", {"gar": (FOUR, TWO), "mse": (FOUR, TWO)}, R),
        ("peaks-most", {"gar": (FOUR, TWO), "mae_pearson": (NONE, THREE)}, P),
        ("peaks-most", {"gar": (ALL, ALL), "gar_released": (TWO, TWO), "rnc": (THREE, TWO)}, P),
        ("peaks-most", {"gar": (TWO, TWO), "mae": (THREE, THREE)}, N),
        ("peaks-most", {"gar": (TWO, TWO), "gar_released": (ALL, ALL), "huber": (ALL, ALL)}, R),
        ("peaks-largest", {"mae": (OUTER, ONE)}, R),
        ("peaks-largest", {"mae": (OUTER, FOUR)}, P),
        ("peaks-largest", {"mae": (ALL, NONE)}, N),
        ("peaks-largest", {"mae": (INNER, ALL), "mse": (OUTER, ONE)}, N),
        ("peaks-almost-all", {"gar": (ALL, ALL)}, R),
        ("peaks-almost-all", {"gar": (ALL, FOUR)}, P),
        ("peaks-almost-all", {"gar": (NONE, ALL), "gar_released": (ALL, ALL)}, R),
        ("peaks-almost-all", {"gar": (ALL, ALL), "gar_released": (NONE, NONE)}, N),
        ("peaks-almost-all", {"gar": (FOUR, FOUR), "mae": (ALL, ALL)}, N),
        ("peaks-medium-sine", {"rnc": (TWO, THREE), "gar": (ALL, ALL)}, R),
        ("peaks-medium-sine", {"rnc": (TWO, ALL), "gar": (ALL, ALL)}, P),
        ("peaks-medium-squared-sine", {"rnc": (TWO, TWO), "gar": (ALL, ALL), "mae": (TWO, TWO)}, N),
        ("peaks-medium-squared-sine", {"rnc": (NONE, NONE), "gar": (ALL, ALL)}, N),
    ],
)
def test_verdicts(
    judge: Judge, lines: Lines, name: str, methods: dict[str, tuple[Run, ...]], verdict: Verdict
) -> None:
    assert judge(name, lines(CURVES[name], lines_of(**methods))).verdict is verdict


def test_every_run_and_every_count_is_named(judge: Judge, lines: Lines) -> None:
    found = lines_of(gar=(ALL, FOUR), gar_released=(TWO, ALL))
    claim = judge("peaks-almost-all", lines("squared_sine_peaks", found))
    assert claim.measured.startswith("peaks recovered, seed by seed: GAR 5, 4; RnC 0, 0; ")
    assert claim.measured.endswith("GAR (released) 2, 5; of 5")
    assert claim.reason == (
        "the rule holds for 1 of 2 runs of GAR (released); beside it 1 of 2 runs of GAR"
    )
    assert claim.counted == "1 of 2 runs of GAR (released)"


def test_what_a_run_recovered() -> None:
    counts = runs(pd.DataFrame(lines_of(mae=(OUTER, FOUR))))
    assert counts.loc[("mae", 1)].tolist() == [2, 3, True]
    assert counts.loc[("mae", 2)].tolist() == [4, 1, False]
    assert counts.loc[("gar", 1)].tolist() == [0, 5, False]


@pytest.mark.parametrize(("name", "table"), CURVES.items())
def test_without_the_peaks_the_reason_says_what_makes_them(
    judge: Judge, lines: Lines, tmp_path: Path, name: str, table: str
) -> None:
    command = f"gar-verify run {table.removesuffix('_peaks')} --save"
    claim = judge(name, Evidence(tmp_path))
    assert claim.verdict is Verdict.NOT_TESTABLE
    assert f"no table {table}.csv" in claim.reason
    assert claim.reason.endswith(command)
    few = [line for line in lines_of() if line["method"] not in ("mae", "rnc")]
    claim = judge(name, lines(table, few))
    assert claim.verdict is Verdict.NOT_TESTABLE
    assert claim.reason == f"{table}.csv lacks RnC, MAE; to make it: {command}"


def test_a_table_without_a_column_is_an_error(judge: Judge, lines: Lines) -> None:
    evidence = lines("sine_peaks", [{"method": "mae"}])
    with pytest.raises(ValueError, match=r"peaks\.csv lacks seed"):
        judge("peaks-missed", evidence)
