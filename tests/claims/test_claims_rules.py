"""The shared rules at their edges."""

from __future__ import annotations

import numpy as np
import pytest

from gar_verify.claims import Verdict
from gar_verify.claims.rules import Figure, how_close, judge_figures, share


@pytest.mark.parametrize(
    ("hits", "verdict"),
    [
        ([True, True], Verdict.REPRODUCED),
        ([True, False], Verdict.IN_PART),
        ([False, False], Verdict.NOT_REPRODUCED),
        ([], Verdict.NOT_REPRODUCED),
    ],
)
def test_share(hits: list[bool], verdict: Verdict) -> None:
    assert share(hits) is verdict


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
    assert figure.is_close is close, figure.name


def test_the_figures_that_are_off_are_named_with_their_distance() -> None:
    figures = [Figure("MAE", 1.0, 0.1, 1.0), Figure("GAR", 2.0, 0.1, 1.0)]
    assert how_close(figures) == "1 of 2 figures close enough; off: GAR by 1.000"


def test_what_is_not_published_is_not_judged() -> None:
    found = judge_figures([Figure("MAE", 1.0, 0.1, 1.0), Figure("new", 5.0, 0.1, np.nan)], "")
    assert found.verdict is Verdict.REPRODUCED
    assert "new" not in found.measured
