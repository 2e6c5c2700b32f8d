"""Methods on tables in some condition: trained with every seed at once, selected by validation.

For each seed and metric, of all learning rates, values of the hyper-parameter and epochs the
candidate with the best validation value is selected, and its test value counts (`selection`). A
seed deals the rows anew, so no row is test row only.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from gar_verify import paths
from gar_verify.metrics import METRICS
from gar_verify.studies import provenance, selection, workers
from gar_verify.studies.definitions import Definition
from gar_verify.studies.methods import Method, losses_of
from gar_verify.studies.progress import Progress, Silent
from gar_verify.studies.questions.deals import Deal
from gar_verify.studies.store import Piece, collect, summary_of
from gar_verify.training import PARTS, Recipe, Run, train

SEEDS = (0, 1, 2, 3, 4)
RECIPE = Recipe(hidden=(16, 32, 16, 8), epochs=60, batch_size=64, milestones=(30, 45))
LEARNING_RATES = (1e-1, 1e-2, 1e-3)
WEIGHT_DECAY = 1e-4

STEPS = 8
"""An epoch has at least so many steps, if a batch of `LEAST` allows."""
LEAST = 8
"""Rows of the smallest batch."""

CANDIDATES = ("learning_rate", "hyperparameter", "epoch")
DIMENSIONS = ("table", "condition", "method", "seed", "metric")
"""Of the results of a question."""

SELECTED = {
    "selected_learning_rate": "rate",
    "selected_hyperparameter": "chosen",
    "selected_epoch": "epoch",
    "hyperparameter": "value",
}
"""What is said of a candidate, and how it is called in the results."""


@dataclass(frozen=True, eq=False)
class Task:
    """What methods are compared on: a table in a condition."""

    table: str
    condition: str
    deal: Deal
    methods: Sequence[Method] | None = None
    """Others than those of all tasks."""


@dataclass(frozen=True)
class Grid:
    """What all methods share."""

    recipe: Recipe = RECIPE
    learning_rates: tuple[float, ...] = LEARNING_RATES
    seeds: tuple[int, ...] = SEEDS
    by_value: bool = False
    """Whether each value of the hyper-parameter is selected for by itself. All values have the same
    random numbers then: what differs between them is the value."""

    def quick(self) -> Grid:
        """A small part: two seeds, one learning rate, and a sixth of the epochs."""
        epochs = self.recipe.epochs // 6
        recipe = replace(self.recipe, epochs=epochs, milestones=(epochs // 2, 3 * epochs // 4))
        return replace(self, recipe=recipe, learning_rates=(1e-2,), seeds=self.seeds[:2])

    def is_of(self, results: xr.Dataset) -> bool:
        """Whether results were trained with these learning rates and epochs."""
        settings = json.loads(results.attrs["settings"])
        rates, epochs = settings["learning_rates"], settings["epochs"]
        return (tuple(rates), epochs) == (self.learning_rates, self.recipe.epochs)


def recipe_of(recipe: Recipe, training_rows: int) -> Recipe:
    """A recipe with smaller batches, powers of 2, where an epoch would have few steps."""
    size = max(LEAST, 1 << max(0, (training_rows // STEPS).bit_length() - 1))
    return replace(recipe, batch_size=min(recipe.batch_size, size))


def run(
    name: str,
    tasks: Sequence[Task],
    methods: Sequence[Method],
    grid: Grid,
    *,
    device: str = "cpu",
    store: Path | None = None,
    jobs: int | None = None,
    progress: Progress | None = None,
) -> xr.Dataset:
    """Train every method on every task.

    Args:
        name: of the question; its results are kept under it.
        tasks: tables in conditions, dealt with the seeds of the grid.
        methods: what each minimises, where a task names no others.
        grid: what they share.
        device: where to train.
        store: folder to keep results in and to go on from; default: `paths.results`.
        jobs: processes that train side by side; default: see `workers.default_jobs`.
        progress: told how far it is; default: nobody.

    Returns:
        ``test`` and ``validation`` of what was selected over `DIMENSIONS` (and ``value`` with
        ``by_value``), with ``rate``, ``chosen`` (the value) and ``epoch`` of it; for a deal with
        ``scored_as_train`` also ``other``, of these rows, and ``test_by_other``, of what they
        select; the provenance in the attributes.
    """
    pieces = [
        _piece(name, task, method, grid)
        for task in tasks
        for method in (methods if task.methods is None else task.methods)
    ]
    return gathered(name, tasks, pieces, device=device, store=store, jobs=jobs, progress=progress)


def gathered(
    name: str,
    tasks: Sequence[Task],
    pieces: Sequence[Piece],
    *,
    device: str = "cpu",
    store: Path | None = None,
    jobs: int | None = None,
    progress: Progress | None = None,
) -> xr.Dataset:
    """The results of the pieces of a question, a piece for a method on a task; see `run`."""
    folder = (store or paths.results()) / name
    done = collect(pieces, name, folder, progress or Silent(), device, jobs)
    return combined(done).assign_attrs(
        summary_of(done, _About(name, tasks)),
        tables=json.dumps({task.table: task.deal.sizes for task in tasks}),
    )


class _About:
    """What `store.summary_of` asks of the data."""

    unit = "deviations of the target"
    target = "the targets of the tables"

    def __init__(self, name: str, tasks: Sequence[Task]) -> None:
        """Of all tables together."""
        self.name = name
        self.source = ", ".join(dict.fromkeys(task.table for task in tasks))
        digests = "".join(task.deal.digest for task in tasks)
        self.checksum = hashlib.sha256(digests.encode()).hexdigest()


def taken_as(scores: xr.Dataset, parts: tuple[str, ...]) -> xr.Dataset:
    """Scores in which the parts, in the order of `PARTS`, are taken as others."""
    return scores.assign_coords(split=list(parts))


def combined(pieces: Sequence[xr.Dataset]) -> xr.Dataset:
    """One dataset of all pieces, in the order of their appearance; NaN where there is no piece."""
    frame = pd.concat([piece.to_dataframe().reset_index() for piece in pieces])
    frame = frame.rename(columns=SELECTED)
    by_value = "selected_hyperparameter" not in pieces[0]
    names = [*DIMENSIONS, *(["value"] if by_value else [])]
    order = {name: frame[name].unique() for name in names}
    return xr.Dataset.from_dataframe(frame.set_index(names)).reindex(order)


def runs_of(method: Method, grid: Grid) -> list[Run]:
    """Every seed with every learning rate and value of a method, in this order."""
    return [
        Run(rate, WEIGHT_DECAY, value, 0 if grid.by_value else index, fold, seed)
        for fold, seed in enumerate(grid.seeds)
        for rate in grid.learning_rates
        for index, value in enumerate(method.hyperparameters)
    ]


def _piece(name: str, task: Task, method: Method, grid: Grid) -> Piece:
    deal, objective = task.deal, method.objective
    recipe = recipe_of(grid.recipe, len(deal.train[0]))
    seeds, rates, values = grid.seeds, grid.learning_rates, method.hyperparameters
    runs = runs_of(method, grid)
    over = tuple(dim for dim in CANDIDATES if dim != "hyperparameter" or not grid.by_value)
    line = {"table": task.table, "condition": task.condition, "method": method.name}

    def compute(on_epoch: Callable[[int], None]) -> xr.Dataset:
        trained = train(deal, runs, recipe, objective, on_epoch=on_epoch)
        sizes = len(seeds), len(rates), len(values)
        scores = xr.Dataset(
            {
                "metrics": (
                    ("seed", *CANDIDATES, "split", "metric"),
                    trained.metrics.reshape(*sizes, *trained.metrics.shape[1:]),
                )
            },
            {
                "seed": list(seeds),
                "learning_rate": list(rates),
                "hyperparameter": list(values),
                "epoch": np.arange(1, recipe.epochs + 1),
                "split": list(PARTS),
                "metric": list(METRICS),
            },
        )
        selected = selection.select(scores, over)
        if deal.scored_as_train:
            seen = taken_as(scores, ("test", "validation", "train"))
            selected["other"] = selection.select(seen, over)["test"]
            judged = taken_as(scores, ("validation", "train", "test"))
            selected["test_by_other"] = selection.select(judged, over)["test"]
        return selected.assign_coords(line)

    work = workers.work_per_epoch(deal, recipe, pairwise=objective.pairwise)
    return Piece(
        name="-".join(line.values()),
        settings={
            **line,
            "question": name,
            "data": deal.digest,
            "recipe": asdict(recipe),
            "epochs": recipe.epochs,
            "pretraining_epochs": objective.pretraining_epochs,
            "losses": losses_of(method),
            "learning_rates": rates,
            "hyperparameters": values,
            "seeds": seeds,
            "over": over,
        },
        compute=compute,
        work=len(runs) * recipe.epochs * work,
        work_per_epoch=work,
        functions=objective.functions,
    )


COMPUTE = Definition(__name__, "_piece.compute")


def code_of(methods: Sequence[Method], compute: Definition = COMPUTE) -> str:
    """The digest of the present code that results of some methods rest on, as in their record.

    Args:
        methods: of the results.
        compute: what computes a piece, where that is another function than here.
    """
    return provenance.one_code(
        provenance.code_version((compute, *method.objective.functions)) for method in methods
    )
