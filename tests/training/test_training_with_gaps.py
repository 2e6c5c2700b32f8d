"""The stacked trainer on targets with gaps against plain loops, one model at a time."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch
from scipy import stats

from gar_verify.comparison import loop
from gar_verify.comparison.catalogue import Candidate
from gar_verify.losses import gaps
from gar_verify.losses.conventional import stacked_mae
from gar_verify.studies import reference_loop
from gar_verify.training import Objective, Problem, Recipe, Run, train
from gar_verify.training.gaps import train_with_gaps
from gar_verify.training.runs import epochs

RECIPE = Recipe((8, 5), epochs=4, batch_size=16, milestones=(2,))
GAR = Objective(gaps.stacked_gar)


@pytest.fixture
def problem() -> Problem:
    """60 rows of 3 targets, a tenth of them absent, and a test row with fewer than three."""
    rng = np.random.default_rng(3)
    X = rng.normal(size=(60, 4))
    y = X @ rng.normal(size=(4, 3)) + 0.3 * rng.normal(size=(60, 3))
    y[rng.random(y.shape) < 0.1] = np.nan
    y[50, :2] = np.nan, 0.5
    rows = np.arange(60)
    return Problem(X, y, [rows[:40]], [rows[40:48]], rows[48:])


def test_gar_is_that_of_the_plain_loop_of_compare(problem: Problem) -> None:
    runs = [Run(rate, 1e-3, 0.7, seed=2) for rate in (0.05, 0.01)]
    trained = train_with_gaps(problem, runs, RECIPE, GAR)
    settings = [loop.Settings(Candidate("gar", 0.7), run.learning_rate, 1e-3) for run in runs]
    found = loop.fit(problem, RECIPE, settings, [RECIPE.epochs], seed=2)
    ours = trained.predictions[:, problem.test]
    np.testing.assert_allclose(ours, found.predictions, rtol=1e-4, atol=1e-5)


def test_mae_is_that_of_a_loop_over_observed_entries(problem: Problem) -> None:
    run = Run(0.05, 1e-3, seed=1)
    trained = train_with_gaps(problem, [run], RECIPE, Objective(gaps.stacked_mae))
    model = reference_loop.network(problem, run, RECIPE)
    optimizer = reference_loop.optimizer(model, run, RECIPE)
    X, y = (torch.tensor(a, dtype=torch.float32) for a in (problem.inputs, problem.targets))
    for number, epoch in enumerate(epochs(problem, [run], RECIPE)):
        optimizer.param_groups[0]["lr"] = run.learning_rate * RECIPE.factor(number)
        for rows in torch.from_numpy(epoch.rows[0]):
            seen = ~y[rows].isnan()
            optimizer.zero_grad()
            (model(X[rows])[seen] - y[rows][seen]).abs().mean().backward()
            optimizer.step()
    np.testing.assert_allclose(trained.predictions[0], model(X).detach(), rtol=1e-4, atol=1e-5)


def test_scores_are_of_what_is_observed(problem: Problem) -> None:
    trained = train_with_gaps(problem, [Run(0.05, 0, 0.7, seed=1), Run(0.02, 0, 0.7)], RECIPE, GAR)
    predicted, true = trained.predictions[1].astype(float), problem.targets.astype(np.float32)
    for number, rows in enumerate(problem.parts(0).values()):
        by_target = []
        for f, y in zip(predicted[rows].T, true[rows].T.astype(float), strict=True):
            seen = ~np.isnan(y)
            f, y = f[seen], y[seen]
            correlations = stats.pearsonr(f, y).statistic, stats.spearmanr(f, y).statistic
            by_target.append([np.abs(f - y).mean(), np.sqrt(((f - y) ** 2).mean()), *correlations])
        assert trained.metrics[1, -1, number] == pytest.approx(np.mean(by_target, 0), rel=1e-5)
    assert trained.by_target[1, -1] == pytest.approx(np.array(by_target), rel=1e-5)
    whole = [row for row in problem.test if not np.isnan(true[row]).any()]
    along = [stats.pearsonr(predicted[row], true[row]).statistic for row in whole]
    assert trained.by_row[1, -1] == pytest.approx(np.mean(along), rel=1e-5)
    assert len(whole) < len(problem.test)


def test_a_target_with_one_label_in_a_part_is_left_out_of_its_mean(problem: Problem) -> None:
    targets = problem.targets.copy()
    targets[problem.validation[0][1:], 0] = np.nan
    trained = train_with_gaps(replace(problem, targets=targets), [Run(0.05, 0, 0.7)], RECIPE, GAR)
    without = replace(problem, targets=targets[:, 1:])
    assert np.isfinite(trained.metrics).all()
    rows = problem.validation[0]
    f, y = trained.predictions[0, rows, 1:], without.targets[rows]
    mae = np.nanmean(np.abs(f - y), axis=0).mean()
    assert trained.metrics[0, -1, 1, 0] == pytest.approx(mae, rel=1e-5)


def test_without_gaps_it_is_the_usual_trainer(problem: Problem) -> None:
    complete = replace(problem, targets=np.nan_to_num(problem.targets))
    runs = [Run(0.05, seed=1), Run(0.02, seed=4)]
    ours = train_with_gaps(complete, runs, RECIPE, Objective(gaps.stacked_mae))
    theirs = train(complete, runs, RECIPE, Objective(stacked_mae))
    assert np.array_equal(ours.parameters, theirs.parameters)
    np.testing.assert_allclose(ours.metrics, theirs.metrics, rtol=1e-6)


def test_in_any_company_a_model_is_the_same(problem: Problem) -> None:
    objective = Objective(partial(gaps.stacked_gar, targets="per_target"))
    runs = [Run(0.05, 1e-3, 0.5, seed=seed) for seed in range(5)]
    together = train_with_gaps(problem, runs, RECIPE, objective)
    alone = train_with_gaps(problem, runs, RECIPE, objective, memory_bytes=1)
    assert (together.chunks, alone.chunks) == ((5,), (1,) * 5)
    for name in ("parameters", "metrics", "by_target", "by_row"):
        assert np.array_equal(getattr(together, name), getattr(alone, name))


def test_an_empty_part_has_no_scores(problem: Problem) -> None:
    no_validation = replace(problem, validation=[np.array([], dtype=int)])
    trained = train_with_gaps(no_validation, [Run(0.05, 0, 0.7)], RECIPE, GAR)
    assert np.isnan(trained.metrics[:, :, 1]).all()
    assert np.isfinite(trained.metrics[:, :, [0, 2]]).all()
