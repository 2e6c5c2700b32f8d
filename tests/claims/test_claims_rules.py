"""The shared rules at their edges."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gar_verify.claims import Finding, Verdict
from gar_verify.claims.rules import (
    EDGE,
    Figure,
    every,
    found,
    how_close,
    judge_figures,
    share,
    unbeaten,
    with_gaps,
)


@pytest.mark.parametrize(
    ("hits", "verdict"),
    [
        ([True, True], Verdict.REPRODUCED),
        ([True, False], Verdict.IN_PART),
        ([False, False], Verdict.NOT_REPRODUCED),
        ([], Verdict.NOT_REPRODUCED),
        ([np.False_, np.True_], Verdict.IN_PART),
        ([1, 0], Verdict.IN_PART),
        ([0, 0], Verdict.TIE),
        ([0, -1], Verdict.NOT_REPRODUCED),
        ([1, 0, -1], Verdict.IN_PART),
        ([1, -1, -1], Verdict.NOT_REPRODUCED),
    ],
)
def test_share(hits: list[bool], verdict: Verdict) -> None:
    assert share(hits) is verdict


def test_the_other_rules() -> None:
    assert [every(hits) for hits in ([1, 1], [1, 0], [1, -1], [])] == [
        Verdict.REPRODUCED,
        Verdict.TIE,
        Verdict.NOT_REPRODUCED,
        Verdict.NOT_REPRODUCED,
    ]
    assert [unbeaten(hits) for hits in ([1, 0], [0, 0], [1, -1], [0, -1], [-1])] == [
        Verdict.REPRODUCED,
        Verdict.TIE,
        Verdict.IN_PART,
        Verdict.NOT_REPRODUCED,
        Verdict.NOT_REPRODUCED,
    ]


@given(st.lists(st.sampled_from((1, 0, -1)), min_size=1, max_size=6), st.integers(0, 5))
def test_a_failure_never_raises_a_verdict(hits: list[int], at: int) -> None:
    """From reproduced over in part and tie to not reproduced; with one hit made a failure."""
    order = (Verdict.NOT_REPRODUCED, Verdict.TIE, Verdict.IN_PART, Verdict.REPRODUCED)
    worse = [-1 if i == at % len(hits) else hit for i, hit in enumerate(hits)]
    for rule in (share, every, unbeaten):
        assert order.index(rule(worse)) <= order.index(rule(hits))


def test_in_part_says_how_many_of_how_many() -> None:
    assert Finding(Verdict.IN_PART, "", "", counted="1 of 2 runs").counted == "1 of 2 runs"
    for counted in ("", "some runs", "1 of 2"):
        with pytest.raises(ValueError, match="in part says 'k of n"):
            Finding(Verdict.IN_PART, "", "", counted=counted)


@pytest.mark.parametrize("rule", [share, every, unbeaten])
@pytest.mark.parametrize("sign", [1, -1])
def test_a_verdict_that_a_tenth_of_a_deviation_changes_says_so(rule, sign: int) -> None:
    """A figure of deviation 1, by ``margin`` on one side of what decides."""

    def finding(margin: float) -> Finding:
        return found(lambda shift: [margin + shift >= 0, True], "figures", "", "", rule=rule)

    near, far = finding(sign * 0.9 * EDGE), finding(sign * 1.1 * EDGE)
    assert near.verdict is far.verdict
    assert near.edge == (
        f"{finding(-sign * 0.9 * EDGE).verdict} with figures that differ by a tenth "
        "of their deviation"
    )
    assert far.edge == ""


def test_what_is_absent_makes_it_in_part_at_most() -> None:
    finding = found(lambda shift: [True], "tasks", "", "", absent=2)
    assert (finding.verdict, finding.counted) == (Verdict.IN_PART, "1 of 3 tasks")
    assert found(lambda shift: [False], "tasks", "", "", absent=2).verdict is Verdict.NOT_REPRODUCED


def test_a_tolerance_is_no_wider_than_the_distance_that_the_table_is_about() -> None:
    figures = [
        Figure("MAE", 4.90, 0.1, 5.0, 0.5),
        Figure("MSE", 4.45, 0.1, 4.8, 0.5),
        Figure("GAR", 4.55, 0.1, 4.7, 0.5),
        Figure("off", 9.00, 0.1, 4.9, 0.5),
    ]
    lines = with_gaps(figures, "GAR")
    assert [round(line.about, 6) for line in lines] == [0.3, 0.1, 0.1, 0.2]
    assert [line.hit() for line in lines] == [1, 0, 0, -1]
    finding = judge_figures(figures, "", "GAR")
    assert finding.counted == "1 of 4 figures, 2 cannot be told from chance"


@pytest.mark.parametrize(
    ("figure", "close"),
    [
        (Figure("three published deviations", 1.29, 9.0, 1.0, 0.1), True),
        (Figure("a little more", 1.31, 9.0, 1.0, 0.1), False),
        (Figure("published deviation before the measured one", 1.31, 0.5, 1.0, 0.1), False),
        (Figure("three measured ones", 1.059, 0.02, 1.0), True),
        (Figure("more than three measured ones", 1.061, 0.02, 1.0), False),
        (Figure("wide, more than a tenth", 1.11, 9.0, 1.0), False),
        (Figure("rounds to the published figure", 1.0004, 0.0, 1.0), True),
        (Figure("diverged", np.nan, 0.1, 1.0, 0.1), False),
    ],
)
def test_close(figure: Figure, close: bool) -> None:
    assert (figure.hit() > 0) is close, figure.name


def test_the_figures_that_are_off_are_named_with_their_distance() -> None:
    figures = [Figure("MAE", 1.0, 0.1, 1.0), Figure("GAR", 2.0, 0.1, 1.0)]
    assert how_close(figures) == "1 of 2 figures close enough; off: GAR by 1.000"


def test_what_is_not_published_is_not_judged() -> None:
    figures = [Figure("MAE", 1.0, 0.1, 1.0), Figure("new", 5.0, 0.1, np.nan)]
    finding = judge_figures(figures, "", "MAE")
    assert finding.verdict is Verdict.REPRODUCED
    assert "new" not in finding.measured
