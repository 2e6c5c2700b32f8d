"""What is kept after chosen epochs is what the trainer has there."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from gar_verify.losses import gaps
from gar_verify.losses.gar.loss import stacked_alpha
from gar_verify.training import Objective, Problem, Recipe, Run, train
from gar_verify.training.gaps import train_with_gaps
from gar_verify.training.keeping import train_keeping

RECIPE = Recipe(hidden=(4,), epochs=6, batch_size=8, milestones=(2, 4))
SETTINGS = ((0.1, 0.5), (0.01, 2.0))
RUNS = [Run(rate, 1e-4, alpha, 0, fold) for fold in (0, 1) for rate, alpha in SETTINGS]
EPOCHS = [{1, 4}, set(), {5}, {2}]


def problem(missing: bool) -> Problem:
    rng = np.random.default_rng(0)
    inputs = rng.normal(size=(50, 3))
    targets = inputs @ rng.normal(size=(3, 2)) + rng.normal(size=(50, 2))
    if missing:
        targets[::7, 0] = np.nan
    rows = np.arange(50)
    return Problem(inputs, targets, [rows[:24], rows[8:33]], [rows[24:32], rows[:8]], rows[34:])


@pytest.mark.parametrize("missing", [False, True])
def test_what_is_kept_is_what_the_trainer_has_then(missing: bool) -> None:
    objective = Objective(gaps.stacked_gar if missing else stacked_alpha)
    given, fit = problem(missing), train_with_gaps if missing else train
    kept = train_keeping(given, RUNS, EPOCHS, RECIPE, objective, gaps=missing)
    whole = fit(given, RUNS, RECIPE, objective)
    assert [set(of_run) for of_run in kept] == EPOCHS
    for one, of_run in enumerate(kept):
        for epoch, (metrics, predictions) in of_run.items():
            np.testing.assert_array_equal(metrics, whole.metrics[one, epoch - 1, -1])
            until = fit(given, [RUNS[one]], replace(RECIPE, epochs=epoch), objective)
            np.testing.assert_array_equal(predictions, until.predictions[0, given.test])


def test_no_epoch_after_the_last_that_is_kept_is_trained() -> None:
    told: list[int] = []
    objective = Objective(stacked_alpha)
    train_keeping(problem(False), RUNS[:2], EPOCHS[:2], RECIPE, objective, on_epoch=told.append)
    assert told == [2] * 4
