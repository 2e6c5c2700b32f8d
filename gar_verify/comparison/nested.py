"""Nested cross-validation: settings chosen inside each training part, tested on what it left out.

For each seed the rows are dealt into folds anew. For each fold, parts of the other folds are held
out, every candidate is trained on the rest, and the learning rate, weight decay, number of epochs
and hyper-parameter with the lowest mean absolute error on what was held out are chosen, for each
line of the table by itself. The choice is trained again on all of the other folds and scored on the
fold, which nothing before has seen: not the networks, not the transformer of the columns, not the
scale of the target.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import product
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
import xarray as xr
from numpy.typing import NDArray
from sklearn.model_selection import KFold, ShuffleSplit

from gar_verify.comparison.columns import Features
from gar_verify.comparison.plan import INNER_SHARE, Candidate, Line, Plan
from gar_verify.comparison.preparation import prepare, standardize
from gar_verify.comparison.stacking import Phase, phases
from gar_verify.data.table import digest
from gar_verify.metrics import METRICS, Scorer
from gar_verify.studies.store import Piece
from gar_verify.studies.workers import work_per_epoch
from gar_verify.training import Problem, Recipe, Run, Trained, train

Rows = NDArray[np.int64]
Report = Callable[[int], None]


@dataclass(frozen=True, eq=False)
class Data:
    """A table with its targets."""

    features: Features
    targets: NDArray[np.float64]
    """(n, T)"""
    names: tuple[str, ...]
    """Of the T targets."""
    log: bool = False
    """Whether the logarithm of the targets is learned."""

    @property
    def learned(self) -> NDArray[np.float64]:
        """(n, T) what networks learn, before it is scaled."""
        return np.log(self.targets) if self.log else self.targets

    def in_units(self, learned: NDArray[np.float64]) -> NDArray[np.float64]:
        """Predictions of what is learned, in units of the targets."""
        with np.errstate(over="ignore"):
            return np.exp(learned) if self.log else learned

    @property
    def digest(self) -> str:
        """SHA-256 of names, features and targets."""
        frame = self.features.frame
        state = hashlib.sha256(digest(self.learned).encode())
        state.update(repr((self.names, list(frame.columns))).encode())
        state.update(pd.util.hash_pandas_object(frame, index=False).to_numpy().tobytes())
        return state.hexdigest()


@dataclass(frozen=True)
class Machine:
    """Where to train."""

    device: str = "cpu"
    memory_bytes: int | None = None


class Choice(NamedTuple):
    """The settings of one training."""

    candidate: Candidate
    learning_rate: float
    weight_decay: float
    epochs: int


def pieces(data: Data, plan: Plan, machine: Machine) -> list[Piece]:
    """The work of a comparison, one piece for each seed and fold."""
    return [
        _piece(data, plan, machine, seed, fold) for seed in plan.seeds for fold in range(plan.folds)
    ]


def _piece(data: Data, plan: Plan, machine: Machine, seed: int, fold: int) -> Piece:
    splits = KFold(plan.folds, shuffle=True, random_state=seed).split(data.targets)
    outer, test = list(splits)[fold]
    unit = work_per_epoch(_problem(data, outer, test[:0], test[:0]), plan.recipe, pairwise=False)
    grid = len(plan.candidates) * len(plan.learning_rates) * len(plan.weight_decays)
    models = plan.inner * grid + len(plan.lines)

    def compute(report: Report) -> xr.Dataset:
        scores = _inner_scores(data, plan, machine, outer, seed, report)
        choices = {line.key: _choose(scores, plan, line) for line in plan.lines}
        predictions = _outer_predictions(
            data, plan, machine, outer, test, list(choices.values()), seed, report
        )
        return _labelled(data, choices, predictions, test, seed, fold)

    return Piece(
        name=f"seed{seed}-fold{fold}",
        settings={
            "data": data.digest,
            "plan": asdict(plan),
            "seed": seed,
            "fold": fold,
        },
        compute=compute,
        work=models * plan.recipe.epochs * unit,
        work_per_epoch=unit,
    )


def _inner_scores(
    data: Data, plan: Plan, machine: Machine, outer: Rows, seed: int, report: Report
) -> NDArray[np.float64]:
    """Validation MAE [candidate, learning rate, weight decay, length], a mean over the hold-outs.

    In deviations of the target, a mean over several targets.
    """
    shape = (len(plan.candidates), len(plan.learning_rates), len(plan.weight_decays))
    settings = list(product(plan.candidates, plan.learning_rates, plan.weight_decays))
    total = np.zeros((*shape, len(plan.lengths)))
    splitter = ShuffleSplit(plan.inner, test_size=INNER_SHARE, random_state=seed)
    for part, held_out in splitter.split(outer):
        problem = _problem(data, outer[part], outer[held_out], outer[:0])
        choices = [Choice(*setting, plan.recipe.epochs) for setting in settings]
        for phase, members in phases(choices, plan.recipe.epochs):
            trained = _fit(
                problem, plan.recipe, phase, [choices[i] for i in members], seed, machine, report
            )
            ends = np.array(plan.lengths) - 1
            scored = trained.metrics[:, ends, 1, METRICS.index("MAE")]
            total.reshape(-1, len(plan.lengths))[members] += scored
    return total / plan.inner


def _choose(scores: NDArray[np.float64], plan: Plan, line: Line) -> Choice:
    """The best settings of a line; a candidate that diverged is never chosen over another."""
    own = [plan.candidates.index(candidate) for candidate in line.candidates]
    ranked = np.where(np.isfinite(scores[own]), scores[own], np.inf)
    c, rate, decay, length = np.unravel_index(ranked.argmin(), ranked.shape)
    return Choice(
        line.candidates[c],
        plan.learning_rates[rate],
        plan.weight_decays[decay],
        plan.lengths[length],
    )


def _outer_predictions(
    data: Data,
    plan: Plan,
    machine: Machine,
    outer: Rows,
    test: Rows,
    choices: Sequence[Choice],
    seed: int,
    report: Report,
) -> NDArray[np.float64]:
    """Predictions [line, test row, target] of the chosen settings, in units of the targets."""
    problem = _problem(data, outer, test[:0], test)
    _, mean, deviation = standardize(data.learned, outer)
    distinct = list(dict.fromkeys(choices))
    found: dict[Choice, NDArray[np.float64]] = {}
    by_length: dict[int, list[Choice]] = defaultdict(list)
    for choice in distinct:
        by_length[choice.epochs].append(choice)
    for length, group in sorted(by_length.items()):
        recipe = replace(plan.recipe, epochs=length)
        for phase, members in phases(group, plan.recipe.epochs):
            of_phase = [group[i] for i in members]
            trained = _fit(problem, recipe, phase, of_phase, seed, machine, report)
            outputs = trained.predictions[:, problem.test].astype(np.float64)
            found |= dict(zip(of_phase, data.in_units(outputs * deviation + mean), strict=True))
    return np.stack([found[choice] for choice in choices])


def _problem(data: Data, part: Rows, held_out: Rows, test: Rows) -> Problem:
    """Rows of a part, of what is held out to choose, and of the test, scaled on the part."""
    rows = np.concatenate([part, held_out, test])
    inputs = prepare(data.features, part, rows)
    targets, _, _ = standardize(data.learned, part)
    numbers = np.arange(len(rows))
    first, second = len(part), len(part) + len(held_out)
    return Problem(
        inputs, targets[rows], [numbers[:first]], [numbers[first:second]], numbers[second:]
    )


def _fit(
    problem: Problem,
    recipe: Recipe,
    phase: Phase,
    choices: Sequence[Choice],
    seed: int,
    machine: Machine,
    report: Report,
) -> Trained:
    runs = [
        Run(choice.learning_rate, choice.weight_decay, phase.code(choice.candidate), seed=seed)
        for choice in choices
    ]
    return train(
        problem,
        runs,
        recipe,
        phase.objective,
        device=machine.device,
        memory_bytes=machine.memory_bytes,
        on_epoch=report,
    )


def _labelled(
    data: Data,
    choices: dict[str, Choice],
    predictions: NDArray[np.float64],
    test: Rows,
    seed: int,
    fold: int,
) -> xr.Dataset:
    """Test scores by line, target and metric, what was chosen, and the predictions."""
    truth = torch.from_numpy(data.targets[test].T.copy())
    scores = Scorer(truth)(torch.from_numpy(predictions.transpose(0, 2, 1).copy())).numpy()
    chosen = {
        "learning_rate": [choice.learning_rate for choice in choices.values()],
        "weight_decay": [choice.weight_decay for choice in choices.values()],
        "epochs": [choice.epochs for choice in choices.values()],
        "hyperparameter": [choice.candidate.value for choice in choices.values()],
    }
    lines = ("method", "seed", "fold")
    everywhere = np.full((len(choices), 1, *data.targets.shape), np.nan)
    everywhere[:, 0, test] = predictions
    return xr.Dataset(
        {
            "test": ((*lines, "target", "metric"), scores[:, None, None]),
            "prediction": (("method", "seed", "row", "target"), everywhere),
            **{
                f"chosen_{name}": (lines, np.array(values)[:, None, None])
                for name, values in chosen.items()
            },
        },
        coords={
            "method": list(choices),
            "seed": [seed],
            "fold": [fold],
            "target": list(data.names),
            "metric": list(METRICS),
        },
    )
