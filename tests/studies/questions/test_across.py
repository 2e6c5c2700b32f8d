"""Methods on tables: what is selected is a training of its own."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from gar_verify.metrics import LOWER_IS_BETTER, METRICS
from gar_verify.studies.methods import gar_at, tabular_methods
from gar_verify.studies.questions import across, deals
from gar_verify.studies.questions.across import Grid, Task
from gar_verify.training import PARTS, Recipe, Run, train

GRID = Grid(Recipe((4, 3), 4, 8, (2,)), learning_rates=(1e-1, 1e-2), seeds=(3, 5))


@pytest.fixture(autouse=True)
def _unpinned(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GAR_VERIFY_PINS", "off")


def task(name: str = "one", condition: str = "plain", rows: int = 40) -> Task:
    rng = np.random.default_rng(len(name))
    inputs = rng.normal(size=(rows, 3))
    targets = inputs[:, :1] + 0.1 * rng.normal(size=(rows, 1))
    return Task(name, condition, deals.deal(inputs, targets, GRID.seeds))


def test_the_selected_candidate_is_a_training_of_its_own(tmp_path: Path) -> None:
    """Every candidate alone, by the trainer: the best by validation is what the results say."""
    whole, methods = task(), tabular_methods(["mae", "gar"], 4)
    results = across.run("mine", [whole], methods, GRID, store=tmp_path, jobs=1)
    assert dict(results.sizes) == {"table": 1, "condition": 1, "method": 2, "seed": 2, "metric": 4}
    for method in methods:
        for fold, seed in enumerate(GRID.seeds):
            candidates = [
                (rate, value, index)
                for rate in GRID.learning_rates
                for index, value in enumerate(method.hyperparameters)
            ]
            scores = np.concatenate(
                [
                    train(
                        whole.deal,
                        [Run(rate, across.WEIGHT_DECAY, value, index, fold, seed)],
                        replace(GRID.recipe, batch_size=8),
                        method.objective,
                    ).metrics
                    for rate, value, index in candidates
                ]
            )
            one = results.squeeze(drop=True).sel({"method": method.name, "seed": seed})
            for m, metric in enumerate(METRICS):
                sign = 1 if LOWER_IS_BETTER[metric] else -1
                validation = sign * scores[:, :, PARTS.index("validation"), m]
                best = np.unravel_index(validation.argmin(), validation.shape)
                at = one.sel({"metric": metric})
                assert float(at["test"]) == pytest.approx(
                    float(scores[(*best, PARTS.index("test"), m)]), abs=1e-5
                )
                rate, value, _ = candidates[best[0]]
                assert (float(at["rate"]), float(at["chosen"])) == (rate, value)
                assert int(at["epoch"]) == best[1] + 1


def test_each_value_is_selected_for_as_if_it_were_alone(tmp_path: Path) -> None:
    """The random numbers included."""
    alphas, both = (0.5, 2.0, 8.0), replace(GRID, by_value=True)
    results = across.run("mine", [task()], [gar_at(alphas)], both, store=tmp_path, jobs=1)
    assert results["value"].to_numpy().tolist() == list(alphas)
    for alpha in alphas:
        alone = across.run("mine", [task()], [gar_at([alpha])], GRID, store=tmp_path, jobs=1)
        for name in ("test", "validation", "rate", "epoch"):
            found = results[name].sel(value=alpha, drop=True)
            assert np.array_equal(found.to_numpy(), alone[name].to_numpy())


def test_other_rows_judge_and_are_seen(tmp_path: Path) -> None:
    plain = task()
    turned = replace(plain.deal, validation=plain.deal.tests, scored_as_train=plain.deal.validation)
    methods = tabular_methods(["mae"], 4)
    ours = across.run("a", [replace(plain, deal=turned)], methods, GRID, store=tmp_path, jobs=1)
    theirs = across.run("b", [plain], methods, GRID, store=tmp_path, jobs=1)
    xr.testing.assert_equal(ours["test_by_other"], theirs["test"].rename("test_by_other"))
    assert "other" not in theirs
    sign = 1 if LOWER_IS_BETTER["MAE"] else -1
    seen = sign * ours["other"].sel({"metric": "MAE"})
    assert (seen >= sign * theirs["validation"].sel({"metric": "MAE"})).all()


def test_results_are_in_the_order_of_tasks_and_methods(tmp_path: Path) -> None:
    tasks = [task("zebra"), task("ant", rows=50), task("zebra", "other")]
    methods = tabular_methods(["mse", "mae"], 4)
    results = across.run("mine", tasks, methods, GRID, store=tmp_path, jobs=1)
    assert results["table"].to_numpy().tolist() == ["zebra", "ant"]
    assert results["condition"].to_numpy().tolist() == ["plain", "other"]
    assert results["method"].to_numpy().tolist() == ["mse", "mae"]
    assert np.isnan(results["test"].sel(table="ant", condition="other")).all()
    again = across.run("mine", tasks, methods, GRID, store=tmp_path, jobs=1)
    xr.testing.assert_identical(results, again)
    assert GRID.is_of(results)
    assert not replace(GRID, learning_rates=(1e-1,)).is_of(results)
    assert not GRID.quick().is_of(results)


@pytest.mark.parametrize(("rows", "batch"), [(5000, 64), (600, 64), (500, 32), (100, 8), (20, 8)])
def test_an_epoch_has_some_steps(rows: int, batch: int) -> None:
    assert across.recipe_of(across.RECIPE, rows).batch_size == batch


def test_a_task_may_have_methods_of_its_own(tmp_path: Path) -> None:
    mae, mse = tabular_methods(["mae", "mse"], 4)
    tasks = [task(), replace(task(condition="other"), methods=[mse])]
    test = across.run("mine", tasks, [mae], GRID, store=tmp_path, jobs=1)["test"].squeeze("table")
    known = test.notnull().all(("seed", "metric"))
    assert known.sel({"condition": "plain", "method": "mae"})
    assert known.sel({"condition": "other", "method": "mse"})
    assert int(known.sum()) == 2
