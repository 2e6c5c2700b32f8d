"""The methods beside the networks: tuned on the same hold-outs, scored on the same rows."""

from __future__ import annotations

from importlib.util import find_spec

import numpy as np
import pandas as pd
import pytest

from gar_verify import compare
from gar_verify.comparison import baselines
from gar_verify.comparison.scoring import mean_absolute_error, score

ROWS = 80
SMALL = {"losses": ["mae"], "folds": 3, "quick": True, "jobs": 1}


def linear() -> tuple[pd.DataFrame, np.ndarray]:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(ROWS, 2))
    return pd.DataFrame(x, columns=["a", "b"]), 100 + x @ [3.0, -2.0] + 0.1 * rng.normal(size=ROWS)


def test_the_references_are_what_they_are_called() -> None:
    X, y = linear()
    outcome = compare(X, y, **SMALL)
    predicted = outcome.predictions()
    folds = outcome.layout.outer(3, 0)
    for learned, test in folds:
        np.testing.assert_allclose(predicted["median"].iloc[test], np.median(y[learned]))
        np.testing.assert_allclose(predicted["mean"].iloc[test], np.mean(y[learned]))
    assert outcome.table().loc[("y", "ridge"), "MAE"] < 0.5
    assert "No network beats ridge" in outcome.verdict
    assert (
        outcome.scores().loc[("ridge", 0, 0, "y"), "chosen_hyperparameter"]
        == baselines.PENALTIES[0]
    )


def test_the_number_of_trees_is_chosen_among_the_stages() -> None:
    X, y = linear()
    chosen = compare(X, y, **SMALL).scores().loc["boosting, L1"]
    assert set(chosen["chosen_epochs"]) <= set(baselines.STAGES)
    assert chosen["chosen_hyperparameter"].isin(baselines.LEAVES).all()


def test_they_can_be_left_out() -> None:
    X, y = linear()
    assert list(compare(X, y, **SMALL, references=False).labels) == ["mae"]


@pytest.mark.parametrize("library", ["lightgbm", "xgboost"])
def test_gar_is_an_objective_of_boosting_libraries(library: str) -> None:
    if find_spec(library) is None:
        pytest.skip(f"{library} is not installed")
    (one,) = [r for r in baselines.boosters([1.0, 10.0]) if r.key == f"{library}_gar"]
    assert [setting.hyperparameter for setting in one.settings] == [1.0, 10.0]
    X, y = linear()
    inputs, targets = X.to_numpy(), ((y - y.mean()) / y.std())[:, None]
    staged = baselines.predict(one, one.settings[0], inputs, targets, inputs, None, 0)
    assert staged.shape == (len(baselines.STAGES), ROWS, 1)
    errors = [mean_absolute_error(at, targets) for at in staged]
    assert errors[-1] < errors[0] < np.abs(targets).mean()
    once = baselines.predict(one, one.settings[0], inputs, targets, inputs, None, 0, (50,))
    np.testing.assert_allclose(once[0], staged[baselines.STAGES.index(50)], rtol=1e-4, atol=1e-4)


def test_boosting_says_what_it_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(baselines, "find_spec", lambda name: None)
    with pytest.raises(ValueError, match="needs LightGBM or XGBoost: pip install"):
        baselines.boosters([1.0])


def test_a_row_without_weight_or_target_counts_for_nothing() -> None:
    X, y = linear()
    inputs, targets = X.to_numpy(), y[:, None].copy()
    weight = np.r_[np.zeros(20), np.ones(ROWS - 20)]
    gap = np.where(weight[:, None] > 0, targets, np.nan)
    odd = np.where(weight[:, None] > 0, targets, 1e6)
    for reference in baselines.REFERENCES[1:4]:
        setting = reference.settings[0]
        with_gap = baselines.predict(reference, setting, inputs, gap, inputs, None, 0)
        weighted = baselines.predict(reference, setting, inputs, odd, inputs, weight, 0)
        if reference.key != "trees_mae":  # whose bins are those of all rows
            np.testing.assert_allclose(with_gap, weighted)
        assert np.abs(weighted - targets).max() < 50
    near = targets + 1
    assert mean_absolute_error(near, gap) == pytest.approx(1)
    np.testing.assert_allclose(score(near, gap), score(near, odd, weight))


def test_correlation_within_groups_is_beside_the_pooled_one() -> None:
    groups = np.repeat([0, 1], 10)
    inside = np.tile(np.arange(10.0), 2)
    target = (100 * groups + inside)[:, None]
    prediction = (100 * groups - inside)[:, None]
    names = ("MAE", "RMSE", "Pearson", "Spearman", "CCC", "Pearson within")
    found = dict(zip(names, score(prediction, target, groups=groups)[0], strict=True))
    assert found["Pearson"] > 0.9
    assert found["CCC"] > 0.9
    assert found["Pearson within"] == pytest.approx(-1)
