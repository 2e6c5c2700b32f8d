"""GAR, L1 and L2 as objectives of boosting: every cell of the study is what its name says."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr

from gar_verify.data import load_table
from gar_verify.metrics import METRICS
from gar_verify.studies import boosting, tables, tabular

TINY = boosting.Grid(learning_rates=(0.3,), leaves=(4,), rounds=20, score_every=10)


@pytest.fixture(scope="module")
def results() -> xr.Dataset:
    for library in boosting.LIBRARIES:
        pytest.importorskip(library)
    return boosting.run("diabetes", grid=TINY)


def test_every_cell_is_filled(results: xr.Dataset) -> None:
    sizes = {"library": 2, "method": 3, "fold": 5, "hyperparameter": 3, "round": 2, "metric": 4}
    assert {name: results.sizes[name] for name in sizes} == sizes
    assert bool(np.isfinite(results["metrics"]).all())
    assert list(results["round"].values) == [10, 20]
    error = results["metrics"].sel(split="train", metric="RMSE").mean()
    assert error < load_table("diabetes").train_y.std()


def test_a_cell_is_what_the_library_predicts_when_asked_plainly(results: xr.Dataset) -> None:
    """XGBoost by its squared error on fold 2 without drawing rows: the last stage, from scratch."""
    xgboost = pytest.importorskip("xgboost")
    whole = replace(TINY, fraction=1.0)
    scored = boosting.run("diabetes", libraries=["xgboost"], grid=whole)["metrics"]
    problem = tabular.folds(load_table("diabetes"), 5)
    train, labels = problem.train[2], problem.targets[:, 0]
    start = labels[train].mean()
    model = xgboost.XGBRegressor(
        n_estimators=20,
        learning_rate=0.3,
        max_leaves=4,
        max_depth=0,
        grow_policy="lossguide",
        min_child_weight=5,
        reg_lambda=0,
        base_score=0.0,
        n_jobs=1,
    ).fit(problem.inputs[train], labels[train] - start)
    error = np.abs(model.predict(problem.inputs[problem.test]) + start - labels[problem.test])
    cell = {"library": "xgboost", "fold": 2, "round": 20, "split": "test", "metric": "MAE"}
    ours = scored.sel(cell).sel({"method": "mse"}).to_numpy().ravel()
    np.testing.assert_allclose(ours, error.mean(), rtol=1e-5)


def test_methods_and_repeats_differ_and_alphas_are_those_of_the_registry(
    results: xr.Dataset,
) -> None:
    error = results["metrics"].sel(split="test", metric="MAE", round=20, fold=0).squeeze()
    assert len(np.unique(error)) == error.size
    assert '"alphas": [0.1, 1.0, 10.0]' in results.attrs["settings"]


def test_same_seed_same_numbers(results: xr.Dataset) -> None:
    again = boosting.run("diabetes", libraries=["lightgbm"], grid=TINY, jobs=2)
    xr.testing.assert_identical(again["metrics"], results["metrics"].sel(library=["lightgbm"]))


def test_table_and_sentences(results: xr.Dataset) -> None:
    table = tables.boosting_table(results)
    assert list(table.index.names) == ["metric", "library", "objective"]
    assert len(table) == len(METRICS) * 2 * 3
    of_l2, of_gar = (table.loc[("Pearson", "xgboost", name)] for name in ("L2", "GAR"))
    assert of_l2["GAR better by"] == pytest.approx(of_gar["measured"] - of_l2["measured"])
    assert np.isnan(of_gar["p corrected"])
    sentences = boosting.sentences(results)
    assert [text.split(":")[0] for text in sentences] == [
        "lightgbm on diabetes",
        "xgboost on diabetes",
    ]


def test_a_library_that_is_absent_is_named() -> None:
    with pytest.raises(ModuleNotFoundError, match="no_such_library not installed; pip install"):
        boosting.run("diabetes", libraries=["no_such_library"])
