"""Groups that differ, and nothing to learn within them: the grouped split says so."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from gar_verify import compare
from gar_verify.comparison import Comparison

GROUPS, EACH = 24, 10


def table() -> tuple[pd.DataFrame, np.ndarray]:
    """Every group has a level, and features of its own that tell it from the others."""
    rng = np.random.default_rng(0)
    who = np.repeat(np.arange(GROUPS), EACH)
    level, place = 10 * rng.normal(size=GROUPS), rng.normal(size=(GROUPS, 3))
    x = place[who] + 0.01 * rng.normal(size=(len(who), 3))
    frame = pd.DataFrame(x, columns=["a", "b", "c"]).assign(who=who)
    return frame, level[who] + rng.normal(size=len(who))


@pytest.fixture(scope="module")
def outcomes() -> tuple[Comparison, Comparison]:
    X, y = table()
    settings = {"losses": ["mae", "gar"], "alphas": [1.0], "folds": 4, "quick": True, "jobs": 1}
    return compare(X.drop(columns="who"), y, **settings), compare(X, y, group="who", **settings)


def test_the_grouped_split_is_not_fooled(outcomes: tuple[Comparison, Comparison]) -> None:
    fooled, honest = (outcome.table().loc["y"] for outcome in outcomes)
    trees = "boosting, L2"
    assert fooled.loc[trees, "MAE"] < 0.3 * fooled.loc["median", "MAE"]
    assert fooled.loc[trees, "Pearson"] > 0.9
    assert honest.loc[trees, "MAE"] > 0.9 * honest.loc["median", "MAE"]
    assert honest.loc["GAR", "MAE"] > honest.loc["median", "MAE"]
    assert abs(honest.loc["GAR", "Pearson within"]) < 0.3
    said = outcomes[1].verdict
    assert "Every network is worse than always predicting the median" in said
    assert "Every network is worse" not in outcomes[0].verdict


def test_the_page_says_how_rows_were_split(outcomes: tuple[Comparison, Comparison]) -> None:
    assert "No group lies in two parts" in str(outcomes[1])
    assert "group='who'" in outcomes[1].command
    assert outcomes[1].metrics[-1] == "Pearson within"
    assert "who" not in outcomes[1].columns.index


def test_in_time_the_first_rows_are_only_learned_from() -> None:
    X, y = table()
    when = np.random.default_rng(1).permutation(len(y))
    settings = {"losses": ["mae", "gar"], "alphas": [1.0], "folds": 3, "quick": True, "jobs": 1}
    outcome = compare(X, y, time=when, references=False, **settings)
    quarter = len(y) // 4
    assert len(outcome.predictions()) == len(y) - quarter
    assert set(outcome.predictions().index) == set(np.flatnonzero(when >= quarter) + 1)
    assert "over 3 paired differences" in outcome.verdict
    assert "predicted by what was learned from the times before it" in str(outcome)
