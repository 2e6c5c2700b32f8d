"""Claims about running time, on times made by hand."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from gar_verify.benchmarks.speed import SUMMARY as SPEED
from gar_verify.claims import Claim, Evidence, MissingEvidence, Verdict
from gar_verify.claims.runtime import Ratio, growth, ratio, relative
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
        ({"gar_released": 1.05, "gar": 3.0, "gar_released__in_memory": 0.5}, Verdict.REPRODUCED),
        ({"gar_released__in_memory": 1.8}, Verdict.IN_PART),
        ({"gar_released": 2.0}, Verdict.NOT_REPRODUCED),
    ],
)
def test_the_same_time(
    judge: Judge, lines: Callable[..., Evidence], changes: dict[str, float], verdict: Verdict
) -> None:
    claim = judge("time-gar", lines("runtime", loops(**changes)))
    assert claim.verdict is verdict
    assert ("slower in" in claim.reason) is (verdict is not Verdict.REPRODUCED)


@pytest.mark.parametrize(
    ("loop", "memory", "verdict", "reached"),
    [
        (2.5, 9.0, Verdict.REPRODUCED, 2),
        (2.3, 2.3, Verdict.REPRODUCED, 2),
        (1.1, 5.8, Verdict.IN_PART, 1),
        (1.1, 2.4, Verdict.IN_PART, 1),
        (1.1, 2.0, Verdict.NOT_REPRODUCED, 0),
        (5.0, 5.8, Verdict.NOT_REPRODUCED, 2),
    ],
)
def test_relative_times(
    judge: Judge,
    lines: Callable[..., Evidence],
    loop: float,
    memory: float,
    verdict: Verdict,
    reached: int,
) -> None:
    rows = loops(ranksim__published_loop=loop, ranksim__in_memory=memory)
    claim = judge("time-ranksim", lines("runtime", rows))
    assert claim.verdict is verdict
    assert claim.counted == f"{reached} of 2 loops reach the published ratio"
    assert claim.reason.startswith("it depends on the loop") is (reached == 1 or loop == 2.5)


def test_a_ratio_on_the_edge_of_its_interval_says_so(
    judge: Judge, lines: Callable[..., Evidence]
) -> None:
    """The upper quartile is 1.1 times the ratio: 2.26 reaches 2.486, and 2.5 with a tenth more."""
    claim = judge("time-ranksim", lines("runtime", loops(ranksim=2.26)))
    assert claim.verdict is Verdict.NOT_REPRODUCED
    assert claim.edge.startswith("reproduced with figures")
    claim = judge("time-ranksim", lines("runtime", loops(ranksim=2.0)))
    assert (claim.verdict, claim.edge) == (Verdict.NOT_REPRODUCED, "")


def test_faster_in_one_loop_depends_on_the_loop(
    judge: Judge, lines: Callable[..., Evidence]
) -> None:
    rows = loops(**{f"{name}__published_loop": 1.0 for name in ("ranksim", "rnc", "conr")})
    claim = judge("time-faster", lines("runtime", rows))
    assert claim.verdict is Verdict.IN_PART
    assert claim.counted == "3 of 6 comparisons of a method in a loop"
    assert "0 of 3 in the published loop" in claim.reason


def test_a_quotient_is_as_wide_as_both() -> None:
    assert Ratio(4.0, 3.0, 5.0).over(Ratio(2.0, 1.0, 2.5)) == (2.0, 1.2, 5.0)
    assert [Ratio(4.0, 3.0, 5.0).hit(theirs) for theirs in (2.0, 3.0, 6.0)] == [1, 0, -1]
    assert relative([0, 1]) is Verdict.REPRODUCED


def test_seconds_are_compared_relative_to_the_mae(
    judge: Judge, lines: Callable[..., Evidence]
) -> None:
    seconds = published.published()["seconds_per_epoch"]
    names = {name: "gar_released" if name == "gar" else name for name in seconds}
    rows = [line("published_loop", names[n], s / seconds["mae"]) for n, s in seconds.items()]
    assert judge("seconds-per-epoch", lines("runtime", rows)).verdict is Verdict.REPRODUCED
    rows = [row if row["method"] != "rnc" else line("published_loop", "rnc", 1.8) for row in rows]
    claim = judge("seconds-per-epoch", lines("runtime", rows))
    assert (claim.verdict, claim.counted) == (Verdict.IN_PART, "7 of 8 ratios")
    assert claim.reason.startswith("other ratios: RnC; ")
    rows.append(line("published_loop", "rnc_contrastive", seconds["rnc"] / seconds["mae"]))
    assert judge("seconds-per-epoch", lines("runtime", rows)).verdict is Verdict.REPRODUCED


def alone(**exponents: float) -> list[dict[str, Any]]:
    return [
        line("loss_only", method, 1.0, size, seconds=1e-9 * size**exponent)
        for method, exponent in exponents.items()
        for size in SIZES
    ]


def large(gar: float, released: float, mae: float = 1.3) -> list[dict[str, Any]]:
    """Exponents of calls on 10^4 rows and more; below, all take the time of a call."""
    return [
        {
            "threads": 1,
            "N": n,
            "L1Loss [us]": 1.0 if n < 10_000 else n**mae,
            "GAR": 1.0 if n < 10_000 else n ** (gar - mae),
            "GAR, released constants": 1.0 if n < 10_000 else n ** (released - mae),
        }
        for n in (64, 4_096, 65_536, 1_000_000, 10_000_000)
    ]


@pytest.mark.parametrize(
    ("gar", "released", "ranksim", "verdict", "counted"),
    [
        (1.0, 1.2, 2.0, Verdict.REPRODUCED, 3),
        (1.4, 1.4, 2.0, Verdict.NOT_REPRODUCED, 1),
        (1.0, 1.0, 1.2, Verdict.IN_PART, 2),
        (1.4, 1.4, 1.2, Verdict.NOT_REPRODUCED, 0),
    ],
)
def test_linear_cost(
    judge: Judge,
    lines: Callable[..., Evidence],
    gar: float,
    released: float,
    ranksim: float,
    verdict: Verdict,
    counted: int,
) -> None:
    lines(SPEED, large(gar, released))
    claim = judge("linear-cost", lines("runtime", alone(ranksim=ranksim)))
    assert claim.verdict is verdict
    assert claim.counted == f"{counted} of 3 losses"
    assert f"GAR {gar:.2f} (0.00, N from 65,536)" in claim.measured


def test_the_contrastive_phase_stands_for_rnc(judge: Judge, lines: Callable[..., Evidence]) -> None:
    lines(SPEED, large(1.0, 1.0))
    claim = judge("linear-cost", lines("runtime", alone(rnc=1.0, rnc_contrastive=2.0)))
    assert claim.verdict is Verdict.REPRODUCED
    assert claim.measured.endswith("RnC, contrastive phase 2.00 (0.00, N from 1,024)")


def test_without_large_batches_the_cost_is_not_judged(
    judge: Judge, lines: Callable[..., Evidence]
) -> None:
    rows = alone(ranksim=2.0)
    claim = judge("linear-cost", lines("runtime", rows))
    assert claim.reason == "there is no table loss_speed.csv; to make it: gar-verify bench loss"
    lines(SPEED, large(1.0, 1.0)[:4])
    claim = judge("linear-cost", lines("runtime", rows))
    assert claim.verdict is Verdict.NOT_TESTABLE
    assert "a growth exponent needs 3 batch sizes of at least 10000" in claim.reason


def test_growth_is_of_the_larger_sizes() -> None:
    rows = pd.DataFrame(alone(gar=1.0))
    rows.loc[rows["batch_size"] <= 256, "seconds"] = 1.0
    assert growth(rows, "gar").exponent == pytest.approx(1.0)


def test_the_batch_size_of_the_paper_counts() -> None:
    rows = pd.DataFrame([line("loss_only", "gar", n / 256, n) for n in SIZES])
    assert ratio(rows, "loss_only", "gar").value == 1.0
    with pytest.raises(MissingEvidence, match="no time of conr in loss_only; to measure it: gar"):
        ratio(rows, "loss_only", "conr")


def test_without_times_nothing_is_testable(judge: Judge, tmp_path: Path) -> None:
    for name in ("time-gar", "time-rnc", "time-conr", "seconds-per-epoch", "linear-cost"):
        claim = judge(name, Evidence(tmp_path))
        assert claim.verdict is Verdict.NOT_TESTABLE
        assert claim.reason.startswith(
            "there is no table runtime.csv; to make it: gar-verify bench"
        )
