"""Several targets: is GAR aggregated jointly, per target, or has each target its own network?

The paper's loss has one target. With T of them its three parts are averaged over the targets and
then aggregated (joint, the library's default), or aggregated for each target and then averaged (per
target), or each target is a problem of its own, with a network, a learning rate, an alpha and an
epoch that its own validation rows select (own networks: T times the training). A fourth way turns
the batch around: error variance and correlation of a row, over its targets (across the row, where
there are at least three; of two any correlation is 1 or -1). MAE, MSE and Huber stand beside, and
the MAE with own networks, which tells what own networks do without GAR.

Eight tables of 2 to 14 targets, standardised. A target that does not vary in a part of some deal
can neither select nor be scored, and is left out (`usable`): of sf2, the X class.

Scores are means over the targets: the MAE in deviations of the target, the correlations, and
aRRMSE, the RMSE divided by that of predicting the mean of the training rows.

Source of aRRMSE: Spyromitros-Xioufis et al., "Multi-target regression via input space expansion",
Machine Learning 104 (2016).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from functools import partial
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from torch import Tensor

from gar_verify.data import Table, load_table
from gar_verify.losses import gaps
from gar_verify.losses._distinct import Draw
from gar_verify.losses.gar.loss import stacked_gar
from gar_verify.losses.stacking import StackedLoss
from gar_verify.metrics import METRICS
from gar_verify.studies import selection, summaries, workers
from gar_verify.studies.definitions import Definition
from gar_verify.studies.methods import (
    PER_TARGET,
    Method,
    losses_of,
    refuse_unknown,
    tabular_methods,
)
from gar_verify.studies.questions import across, deals
from gar_verify.studies.questions.deals import Deal
from gar_verify.studies.store import Piece
from gar_verify.training import PARTS, Recipe, Run
from gar_verify.training.targets import train_by_target

NAME = "several_targets"

TABLES = ("enb", "jura", "wq", "sf2", "edm", "slump", "andro", "atp1d")
PARKINSONS = "parkinsons"
"""The one packaged table of several targets, for ``--quick``: motor and total UPDRS. A patient has
about 140 rows, and other rows of a patient are among those that test."""

ROW, GAR_OWN, MAE_OWN = "gar_row", "gar_own", "mae_own"
OWN = {GAR_OWN: "gar", MAE_OWN: "mae"}
"""Methods with a network for each target, and what each network minimises."""
METHODS = ("mae", "mse", "huber", "gar", PER_TARGET, GAR_OWN, MAE_OWN, ROW)

LEAST_IN_ROW = 3
"""Targets that a table must have for a correlation across them."""

GRID = across.Grid()

ARRMSE = "aRRMSE"
SCORES = ("MAE", ARRMSE, "Pearson", "Spearman")
CORRELATIONS = SCORES[2:]


def stacked_row(f: Tensor, y: Tensor, x: Tensor, alpha: Tensor, draw: Draw) -> Tensor:
    """GAR across the targets of a row, its parts averaged over the rows, then aggregated."""
    return stacked_gar(f.mT, y.mT, alpha)


VARIANTS: dict[str, StackedLoss] = {
    PER_TARGET: partial(gaps.stacked_gar, targets="per_target"),
    ROW: stacked_row,
}


def methods_of(names: Sequence[str]) -> list[Method]:
    """Methods by name, with the grids of the tabular studies.

    Raises:
        ValueError: for a name that is none of `METHODS`.
    """
    refuse_unknown(names, METHODS, NAME)
    return [_method(name) for name in names]


def _method(name: str) -> Method:
    (method,) = tabular_methods(["gar" if name in VARIANTS else OWN.get(name, name)], 0)
    loss = VARIANTS.get(name, method.objective.loss)
    return replace(method, name=name, objective=replace(method.objective, loss=loss))


def run(
    methods: Sequence[str] = METHODS,
    *,
    seeds: Sequence[int] = across.SEEDS,
    names: Sequence[str] | None = None,
    quick: bool = False,
    grid: across.Grid = GRID,
    **options: Any,
) -> xr.Dataset:
    """Train every method on every table.

    Args:
        methods: of `METHODS`.
        seeds: each deals the rows anew.
        names: of tables; default: `TABLES`, or `PARKINSONS` with ``quick``.
        quick: a small part of the grid, on a packaged table.
        grid: what all methods share, but for the seeds.
        options: those of `across.gathered`.

    Returns:
        As `across.run`, with `SCORES`; ``tables`` in the attributes says of each table also the
        ``correlation`` of its targets.
    """
    grid = replace(grid, seeds=tuple(seeds))
    grid = grid.quick() if quick else grid
    names = names or ((PARKINSONS,) if quick else TABLES)
    tasks = [_task(name, grid.seeds) for name in names]
    pieces = [
        _piece(task, method, grid)
        for task in tasks
        for method in methods_of(methods)
        if method.name != ROW or task.deal.targets.shape[1] >= LEAST_IN_ROW
    ]
    about = {
        task.table: {**task.deal.sizes, "correlation": round(correlation(task.deal.targets), 3)}
        for task in tasks
    }
    results = across.gathered(NAME, tasks, pieces, **options).round(summaries.DIGITS)
    return results.assign_attrs(tables=json.dumps(about))


def _task(name: str, seeds: Sequence[int]) -> across.Task:
    inputs, targets = deals.rows_of(_table(name))
    return across.Task(name, "standardised", usable(deals.deal(inputs, targets, seeds)))


def _table(name: str) -> Table:
    if name != PARKINSONS:
        return load_table(name)
    motor, total = load_table("parkinsons_motor"), load_table("parkinsons_total")
    return replace(
        motor,
        name=name,
        target="motor and total UPDRS",
        train_y=np.hstack([motor.train_y, total.train_y]),
        test_y=np.hstack([motor.test_y, total.test_y]),
    )


def usable(deal: Deal) -> Deal:
    """A deal without the targets that do not vary in a part of some fold."""
    rows = [rows for fold in range(len(deal.train)) for rows in deal.parts(fold).values()]
    varies = np.array([np.ptp(deal.targets[part], axis=0) > 0 for part in rows]).all(0)
    return replace(deal, targets=deal.targets[:, varies])


def correlation(targets: NDArray[np.float64]) -> float:
    """Mean absolute Pearson correlation of the pairs of targets (n, T).

    >>> correlation(np.array([[0.0, 1.0], [1.0, 0.0], [2.0, -1.0]]))
    1.0
    """
    pairs = np.triu_indices(targets.shape[1], 1)
    return round(float(np.abs(np.atleast_2d(np.corrcoef(targets.T))[pairs]).mean()), 12)


def is_full(results: xr.Dataset) -> bool:
    """Whether these are results of all tables, seeds and learning rates."""
    rates = json.loads(results.attrs["settings"])["learning_rates"]
    found = results["table"].to_numpy().tolist(), results["seed"].to_numpy().tolist(), rates
    return found == (list(TABLES), list(GRID.seeds), list(GRID.learning_rates))


# --- training -------------------------------------------------------------------------------------


def _piece(task: across.Task, method: Method, grid: across.Grid) -> Piece:
    deal, objective, own = task.deal, method.objective, method.name in OWN
    recipe = across.recipe_of(grid.recipe, len(deal.train[0]))
    problems = each_target(deal) if own else [deal]
    runs = across.runs_of(method, grid)
    coordinates: dict[str, Sequence[Any]] = {
        "seed": list(grid.seeds),
        "learning_rate": list(grid.learning_rates),
        "hyperparameter": list(method.hyperparameters),
        "epoch": range(1, recipe.epochs + 1),
        "split": list(PARTS),
        "target": range(deal.targets.shape[1]),
        "metric": list(METRICS),
    }
    line = {"table": task.table, "condition": task.condition, "method": method.name}

    def compute(on_epoch: Callable[[int], None]) -> xr.Dataset:
        found = [_scores(problem, runs, recipe, method, on_epoch) for problem in problems]
        scores = np.concatenate(found, axis=3)
        sizes = [len(values) for values in coordinates.values()]
        whole = xr.DataArray(scores.reshape(sizes), coordinates, list(coordinates))
        return selected(whole, own=own).assign_coords(line)

    work = len(problems) * workers.work_per_epoch(problems[0], recipe, pairwise=False)
    return Piece(
        name="-".join(line.values()),
        settings={
            **line,
            "question": NAME,
            "data": deal.digest,
            "recipe": asdict(recipe),
            "losses": losses_of(method),
            "own": own,
            "learning_rates": grid.learning_rates,
            "hyperparameters": method.hyperparameters,
            "seeds": grid.seeds,
        },
        compute=compute,
        work=len(runs) * recipe.epochs * work,
        work_per_epoch=work / len(problems),
        functions=objective.functions,
    )


COMPUTE = Definition(__name__, "_piece.compute")

PART = {"names": ("slump",)}
"""What of the study is trained again to verify it."""


def code_of(summary: xr.Dataset) -> str:
    """The digest of the present code that a summary rests on, as its record holds it."""
    methods = methods_of(summary["method"].to_numpy().tolist())
    return across.code_of(methods, COMPUTE)


def each_target(deal: Deal) -> list[Deal]:
    """The same rows with one target, for each."""
    return [replace(deal, targets=column[:, None]) for column in deal.targets.T]


def _scores(
    deal: Deal,
    runs: Sequence[Run],
    recipe: Recipe,
    method: Method,
    on_epoch: Callable[[int], None],
) -> NDArray[np.float64]:
    """[run, epoch, part, target, metric], the RMSE relative to that of the training mean."""
    trained = train_by_target(deal, runs, recipe, method.objective, on_epoch=on_epoch)
    folds = [one.fold for one in runs]
    scores = trained.metrics.astype(np.float64)
    constant = np.stack([constant_rmse(deal, fold) for fold in folds])
    scores[..., METRICS.index("RMSE")] /= constant[:, None]
    return scores


def constant_rmse(deal: Deal, fold: int) -> NDArray[np.float64]:
    """RMSE [part, target] of predicting the mean of the training rows of a fold."""
    error = deal.targets - deal.targets[deal.train[fold]].mean(0)
    parts = deal.parts(fold).values()
    return np.stack([np.sqrt(np.square(error[rows]).mean(0)) for rows in parts])


def selected(scores: xr.DataArray, *, own: bool) -> xr.Dataset:
    """Test and validation values of the best candidate by validation, for each seed and score.

    Args:
        scores: over the candidates, seed, split, target and metric.
        own: whether each target selects a candidate by itself; else its mean over the targets does.

    Returns:
        Means over the targets; which candidate it was, where there is one for all targets.
    """
    mean = scores if own else scores.mean("target", skipna=False)
    found = selection.select(mean.to_dataset(name="metrics"), across.CANDIDATES)
    if own:
        found = found[["test", "validation"]].mean("target", skipna=False)
    return found.assign_coords(metric=list(SCORES))
