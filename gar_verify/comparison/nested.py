"""Nested cross-validation: settings chosen inside each training part, tested on what it left out.

For each seed the rows are dealt into folds anew (see `splits` for rows that belong together). For
each fold, parts of the other folds are held out, every candidate is trained on the rest, and the
learning rate, weight decay, number of epochs and hyper-parameter with the lowest mean absolute
error on what was held out are chosen, for each line of the table by itself. The choice is trained
again on all of the other folds and scored on the fold, which nothing before has seen: not the
networks, not the transformer of the columns, not the scale of the target. The references are
treated alike.
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
import xarray as xr
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from gar_verify.comparison import baselines, loop, scoring
from gar_verify.comparison.baselines import Reference, Setting
from gar_verify.comparison.catalogue import Candidate
from gar_verify.comparison.columns import Features
from gar_verify.comparison.plan import PRIMARY, Line, Plan
from gar_verify.comparison.preparation import prepare, standardize
from gar_verify.comparison.splits import Layout, Rows
from gar_verify.comparison.stacking import phases
from gar_verify.data.table import digest
from gar_verify.metrics import METRICS
from gar_verify.studies import provenance
from gar_verify.studies.definitions import Definition
from gar_verify.studies.store import Piece
from gar_verify.studies.workers import work_per_epoch
from gar_verify.training import Problem, Recipe, Run, train

Report = Callable[[int], None]
Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Data:
    """A table with its targets."""

    features: Features
    targets: Array
    """(n, T), NaN where a target is missing."""
    names: tuple[str, ...]
    """Of the T targets."""
    layout: Layout
    """Which rows belong together."""
    weight: Array | None = None
    """(n,) how much each row counts, in the losses and in the metrics."""
    log: bool = False
    """Whether the logarithm of the targets is learned."""

    @property
    def learned(self) -> Array:
        """(n, T) what is learned, before it is scaled."""
        return np.log(self.targets) if self.log else self.targets

    def in_units(self, learned: Array) -> Array:
        """Predictions of what is learned, in units of the targets."""
        with np.errstate(over="ignore"):
            return np.exp(learned) if self.log else learned

    @property
    def plain(self) -> bool:
        """Whether every row has every target and counts alike."""
        return self.weight is None and not np.isnan(self.targets).any()

    @property
    def digest(self) -> str:
        """SHA-256 of names, features, targets, weights, and of which rows belong together."""
        frame, layout = self.features.frame, self.layout
        state = hashlib.sha256(digest(self.learned).encode())
        state.update(repr((self.names, list(frame.columns))).encode())
        state.update(pd.util.hash_pandas_object(frame, index=False).to_numpy().tobytes())
        for rows in (layout.units, layout.times, layout.groups, self.weight):
            state.update(b"none" if rows is None else rows.tobytes())
        return state.hexdigest()

    @property
    def metrics(self) -> tuple[str, ...]:
        """The metrics of the table."""
        return scoring.names(grouped=self.layout.groups is not None)


@dataclass(frozen=True)
class Machine:
    """Where to train, and what."""

    device: str = "cpu"
    memory_bytes: int | None = None
    model: loop.Model | None = None
    """A network of one's own, in place of the perceptron of the plan."""


class Choice(NamedTuple):
    """The settings of one training."""

    candidate: Candidate
    learning_rate: float
    weight_decay: float
    epochs: int


class ReferenceChoice(NamedTuple):
    """The settings of one fit of a reference."""

    setting: Setting
    stage: int


@dataclass(frozen=True, eq=False)
class _Task:
    """One seed and fold: what is learned from, and with what."""

    data: Data
    plan: Plan
    machine: Machine
    seed: int
    outer: Rows
    test: Rows
    report: Report
    unit: float
    """Work of one network in one epoch."""

    @property
    def by_loop(self) -> bool:
        """Whether networks are trained one at a time."""
        return self.machine.model is not None or not self.data.plain


def pieces(data: Data, plan: Plan, machine: Machine) -> list[Piece]:
    """The work of a comparison, one piece for each seed and fold."""
    return [
        _piece(data, plan, machine, seed, fold, outer, test)
        for seed in plan.seeds
        for fold, (outer, test) in enumerate(data.layout.outer(plan.folds, seed))
    ]


def _piece(
    data: Data, plan: Plan, machine: Machine, seed: int, fold: int, outer: Rows, test: Rows
) -> Piece:
    unit = work_per_epoch(_problem(data, outer, test[:0], test[:0]), plan.recipe, pairwise=False)
    grid = len(plan.candidates) * len(plan.learning_rates) * len(plan.weight_decays)
    models = plan.inner * grid + len(plan.lines)

    def compute(report: Report) -> xr.Dataset:
        task = _Task(data, plan, machine, seed, outer, test, report, unit)
        with threadpool_limits(1):  # of scikit-learn's trees, too
            choices, predictions = _networks(task)
            references, others = _references(task)
        whole = np.concatenate([predictions, others]) if references else predictions
        return _labelled(data, {**choices, **references}, whole, test, seed, fold)

    return Piece(
        name=f"seed{seed}-fold{fold}",
        settings={
            "data": data.digest,
            "plan": asdict(replace(plan, references=())),
            "references": [(one.key, one.settings, one.stages) for one in plan.references],
            "model": None if machine.model is None else (machine.model.name, machine.model.digest),
            "versions": provenance.versions(),
            "seed": seed,
            "fold": fold,
        },
        compute=compute,
        work=models * plan.recipe.epochs * unit + _work_of_references(plan),
        work_per_epoch=unit,
        functions=(Definition(baselines.__name__, ""),),
    )


def _networks(task: _Task) -> tuple[dict[str, Choice], Array]:
    """What each line chose, and its predictions [line, test row, target]."""
    scores = _inner_scores(task)
    choices = {line.key: _choose(scores, task.plan, line) for line in task.plan.lines}
    return choices, _outer_predictions(task, list(choices.values()))


def _inner_scores(task: _Task) -> Array:
    """Validation MAE [candidate, learning rate, weight decay, length], a mean over the hold-outs.

    In deviations of the target, a mean over several targets.
    """
    plan = task.plan
    shape = (len(plan.candidates), len(plan.learning_rates), len(plan.weight_decays))
    settings = list(product(plan.candidates, plan.learning_rates, plan.weight_decays))
    choices = [Choice(*setting, plan.recipe.epochs) for setting in settings]
    total = np.zeros((*shape, len(plan.lengths)))
    for part, held_out in task.data.layout.inner(task.outer, plan.inner, task.seed):
        problem = _problem(task.data, part, held_out, part[:0])
        rows = np.concatenate([part, held_out])
        validation, _ = _fit(task, problem, plan.recipe, choices, rows)
        total += validation.reshape(total.shape)
    return total / plan.inner


def _choose(scores: Array, plan: Plan, line: Line) -> Choice:
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


def _outer_predictions(task: _Task, choices: Sequence[Choice]) -> Array:
    """Predictions [line, test row, target] of the chosen settings, in units of the targets."""
    data, plan = task.data, task.plan
    problem = _problem(data, task.outer, task.test[:0], task.test)
    rows = np.concatenate([task.outer, task.test])
    _, mean, deviation = standardize(data.learned, task.outer)
    found: dict[Choice, Array] = {}
    by_length: dict[int, list[Choice]] = defaultdict(list)
    for choice in dict.fromkeys(choices):
        by_length[choice.epochs].append(choice)
    for length, group in sorted(by_length.items()):
        recipe = replace(plan.recipe, epochs=length)
        _, outputs = _fit(task, problem, recipe, group, rows)
        found |= dict(zip(group, data.in_units(outputs * deviation + mean), strict=True))
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
    task: _Task, problem: Problem, recipe: Recipe, choices: Sequence[Choice], rows: Rows
) -> loop.Fit:
    """Networks of some choices, one length of training; ``rows`` are those of the problem."""
    lengths = [length for length in task.plan.lengths if length <= recipe.epochs]
    if not task.by_loop:
        return _fit_stacked(task, problem, recipe, choices, lengths)
    weight = None if task.data.weight is None else task.data.weight[rows]
    return loop.fit(
        problem,
        recipe,
        [loop.Settings(*choice[:3]) for choice in choices],
        lengths,
        seed=task.seed,
        model=task.machine.model,
        weight=weight,
        device=task.machine.device,
        report=task.report,
    )


def _fit_stacked(
    task: _Task,
    problem: Problem,
    recipe: Recipe,
    choices: Sequence[Choice],
    lengths: Sequence[int],
) -> loop.Fit:
    """As `loop.fit`, by the stacked trainer."""
    validation = np.empty((len(choices), len(lengths)))
    predictions = np.empty((len(choices), len(problem.test), problem.targets.shape[1]))
    for phase, members in phases(choices, task.plan.recipe.epochs):
        of_phase = [choices[i] for i in members]
        runs = [
            Run(one.learning_rate, one.weight_decay, phase.code(one.candidate), seed=task.seed)
            for one in of_phase
        ]
        trained = train(
            problem,
            runs,
            recipe,
            phase.objective,
            device=task.machine.device,
            memory_bytes=task.machine.memory_bytes,
            on_epoch=task.report,
        )
        ends = np.array(lengths, dtype=int) - 1
        validation[members] = trained.metrics[:, ends, 1, METRICS.index(PRIMARY)]
        predictions[members] = trained.predictions[:, problem.test]
    return loop.Fit(validation, predictions)


def _references(task: _Task) -> tuple[dict[str, ReferenceChoice], Array]:
    """What each reference chose, and its predictions [reference, test row, target]."""
    data, plan = task.data, task.plan
    hold_outs = [
        (len(part), _problem(data, part, held_out, part[:0]), np.concatenate([part, held_out]))
        for part, held_out in data.layout.inner(task.outer, plan.inner, task.seed)
    ]
    problem = _problem(data, task.outer, task.test[:0], task.test)
    _, mean, deviation = standardize(data.learned, task.outer)
    choices, predictions = {}, []
    for reference in plan.references:
        choice = _chosen(task, reference, hold_outs)
        weight = None if data.weight is None else data.weight[task.outer]
        size = len(task.outer)
        outputs = baselines.predict(
            reference,
            choice.setting,
            problem.inputs[:size],
            problem.targets[:size],
            problem.inputs[size:],
            weight,
            task.seed,
            (choice.stage,),
        )
        choices[reference.key] = choice
        predictions.append(data.in_units(outputs[0] * deviation + mean))
        task.report(round(reference.work / task.unit))
    return choices, np.array(predictions)


def _chosen(
    task: _Task, reference: Reference, hold_outs: Sequence[tuple[int, Problem, Rows]]
) -> ReferenceChoice:
    """The settings of a reference with the lowest validation MAE, a mean over the hold-outs."""
    if len(reference.settings) * len(reference.stages) == 1:
        return ReferenceChoice(reference.settings[0], reference.stages[0])
    total = np.zeros((len(reference.settings), len(reference.stages)))
    for size, problem, rows in hold_outs:
        weight = None if task.data.weight is None else task.data.weight[rows]
        parts = (None, None) if weight is None else (weight[:size], weight[size:])
        for i, setting in enumerate(reference.settings):
            staged = baselines.predict(
                reference,
                setting,
                problem.inputs[:size],
                problem.targets[:size],
                problem.inputs[size:],
                parts[0],
                task.seed,
            )
            truth = problem.targets[size:]
            total[i] += [scoring.mean_absolute_error(at, truth, parts[1]) for at in staged]
            task.report(round(reference.work / task.unit))
    best, stage = np.unravel_index(total.argmin(), total.shape)
    return ReferenceChoice(reference.settings[best], reference.stages[stage])


def _work_of_references(plan: Plan) -> float:
    fits = {one.key: plan.inner * len(one.settings) + 1 for one in plan.references}
    return sum(one.work * fits[one.key] for one in plan.references)


def _labelled(
    data: Data,
    choices: dict[str, Choice | ReferenceChoice],
    predictions: Array,
    test: Rows,
    seed: int,
    fold: int,
) -> xr.Dataset:
    """Test scores by line, target and metric, what was chosen, and the predictions."""
    weight = None if data.weight is None else data.weight[test]
    groups = None if data.layout.groups is None else data.layout.groups[test]
    truth = data.targets[test]
    scores = np.stack([scoring.score(one, truth, weight, groups) for one in predictions])
    chosen = {
        "learning_rate": [_at(choice).learning_rate for choice in choices.values()],
        "weight_decay": [getattr(choice, "weight_decay", np.nan) for choice in choices.values()],
        "epochs": [_length(choice) for choice in choices.values()],
        "hyperparameter": [_value(choice) for choice in choices.values()],
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
            "metric": list(data.metrics),
        },
    )


def _at(choice: Choice | ReferenceChoice) -> Choice | Setting:
    return choice.setting if isinstance(choice, ReferenceChoice) else choice


def _length(choice: Choice | ReferenceChoice) -> int:
    return choice.stage if isinstance(choice, ReferenceChoice) else choice.epochs


def _value(choice: Choice | ReferenceChoice) -> float:
    if isinstance(choice, ReferenceChoice):
        return choice.setting.hyperparameter
    return choice.candidate.value
