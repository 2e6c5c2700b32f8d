"""GAR, L1 and L2 as objectives of LightGBM and XGBoost, by the protocol of the tabular studies.

The same folds and test part, and the same rule of selection (`select`), with rounds of boosting for
epochs and leaves for weight decay. Every method has as many candidates: GAR three values of alpha,
L1 and L2 three repeats with other random numbers. Labels are centred by their mean over the rows
trained on, where all methods start; L1 is the library's own, which moves each finished leaf to the
median of its errors, as no objective from outside can.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from itertools import product
from typing import Any

import numpy as np
import torch
import xarray as xr
from numpy.typing import NDArray

from gar_verify.data import load_table
from gar_verify.integrations.boosting import lightgbm_objective, xgboost_objective
from gar_verify.losses.registry import get_spec
from gar_verify.metrics import METRICS, Scorer
from gar_verify.studies import provenance, selection, statistics, tabular, workers
from gar_verify.studies.progress import Progress, Silent
from gar_verify.training import PARTS, Problem

Array = NDArray[np.float64]

LIBRARIES = ("lightgbm", "xgboost")
METHODS = {"mae": "L1", "mse": "L2", "gar": "GAR"}
"""The losses, and what they are called as objectives of boosting."""

CANDIDATES = ("leaves", "learning_rate", "hyperparameter", "round")
"""Dimensions selected over, the outermost first."""

BUILT_IN = {
    "lightgbm": {"mae": "regression_l1", "mse": "regression"},
    "xgboost": {"mae": "reg:absoluteerror", "mse": "reg:squarederror"},
}
"""Names of the libraries' own objectives."""


@dataclass(frozen=True)
class Grid:
    """The settings that all methods share."""

    learning_rates: tuple[float, ...] = (0.2, 0.1)
    leaves: tuple[int, ...] = (8, 16)
    rounds: int = 1000
    score_every: int = 20
    fraction: float = 0.8
    """Of the rows and of the features, drawn for each tree."""
    least_rows: int = 5
    """In a leaf (XGBoost: the least curvature, which is 1 a row)."""


QUICK = Grid(learning_rates=(0.2,), leaves=(8,), rounds=40, score_every=10)


@dataclass(frozen=True)
class Job:
    """One booster: where it learns and with which settings."""

    library: str
    method: str
    fold: int
    leaves: int
    learning_rate: float
    hyperparameter: int


def run(
    table_name: str = "concrete",
    *,
    libraries: Sequence[str] = LIBRARIES,
    grid: Grid | None = None,
    quick: bool = False,
    seed: int = 0,
    jobs: int = 1,
    progress: Progress | None = None,
) -> xr.Dataset:
    """Boost with each objective on five folds of a table.

    Args:
        table_name: a table of `data.TABLES`.
        libraries: of `LIBRARIES`; each must be installed.
        grid: the settings; default: `Grid`, or `QUICK`, a small part of it.
        quick: see ``grid``.
        seed: of the rows and features that each tree draws.
        jobs: processes side by side.
        progress: told how far it is.

    Returns:
        ``metrics`` (library, method, seed, fold, leaves, learning_rate, hyperparameter, round,
        split, metric); the provenance in the attributes.

    Raises:
        ModuleNotFoundError: if a library is not installed.
        DataError: if the table is not available.
    """
    _check_installed(libraries)
    grid = grid or (QUICK if quick else Grid())
    table, progress = load_table(table_name), progress or Silent()
    problem = tabular.folds(table, 5)
    sizes: dict[str, Sequence[Any]] = {
        "library": list(libraries),
        "method": list(METHODS),
        "fold": range(len(problem.train)),
        "leaves": list(grid.leaves),
        "learning_rate": list(grid.learning_rates),
        "hyperparameter": range(len(get_spec("gar").tabular_grid)),
    }
    todo = [Job(**dict(zip(sizes, values, strict=True))) for values in product(*sizes.values())]
    progress.start(f"boosting on {table.name}", len(todo))
    scores: dict[int, Array] = {}
    for position, score in workers.as_completed(partial(_score, problem, grid, seed), todo, jobs):
        scores[position] = score
        progress.advance(1)
    progress.finish()
    stages = range(grid.score_every, grid.rounds + 1, grid.score_every)
    shape = [len(values) for values in sizes.values()]
    stacked = np.stack([scores[i] for i in range(len(todo))])
    metrics = xr.DataArray(
        stacked.reshape(*shape, len(stages), len(PARTS), len(METRICS)),
        dims=(*sizes, "round", "split", "metric"),
        coords={
            **{name: list(values) for name, values in sizes.items()},
            "round": list(stages),
            "split": list(PARTS),
            "metric": list(METRICS),
        },
    )
    settings = {**asdict(grid), "seed": seed, "alphas": get_spec("gar").tabular_grid}
    return xr.Dataset({"metrics": metrics.expand_dims(seed=[seed])}).assign_attrs(
        table=table.name,
        source=table.source,
        data=table.checksum,
        target=table.target,
        unit=table.unit,
        settings=provenance.canonical(settings),
        versions=json.dumps({**provenance.versions(), **_versions(libraries)}, sort_keys=True),
    )


def select(results: xr.Dataset) -> xr.Dataset:
    """Best candidate by validation for each library, method, fold and metric."""
    return selection.select(results, CANDIDATES)


def sentences(results: xr.Dataset) -> list[str]:
    """Which differences between GAR and the others are more than chance, library by library."""
    selected = select(results)
    found = []
    for library in map(str, selected["library"].to_numpy()):
        comparison = statistics.compare(selected.sel(library=library), "gar")
        where = f"{library} on {results.attrs['table']}"
        found.append(statistics.sentence(comparison, "gar", where))
    return found


def _score(problem: Problem, grid: Grid, seed: int, job: Job) -> Array:
    """Metrics of one booster after every few rounds: (stages, parts, metrics)."""
    train = problem.train[job.fold]
    labels = problem.targets[:, 0]
    start = labels[train].mean()
    value = get_spec("gar").tabular_grid[job.hyperparameter]
    own = int(np.random.SeedSequence([seed, job.hyperparameter]).generate_state(1)[0] >> 1)
    predictions = boost(problem.inputs, labels - start, train, job, grid, value, own)
    rows = (train, problem.validation[job.fold], problem.test)
    by_part = dict(zip(("train", "validation", "test"), rows, strict=True))
    scores = [
        Scorer(torch.as_tensor(labels[by_part[part]]))(
            torch.as_tensor(predictions[:, by_part[part]] + start)
        )
        for part in PARTS
    ]
    return torch.stack(scores, dim=1).numpy()


def boost(
    inputs: Array,
    labels: Array,
    train: Any,
    job: Job,
    grid: Grid,
    alpha: float,
    seed: int,
    weight: Array | None = None,
) -> Array:
    """Predictions for all rows after every few rounds, (stages, rows).

    Args:
        inputs: (rows, features).
        labels: (rows,), with a mean near 0 over the rows learned from.
        train: numbers of the rows to learn from.
        job: the library, the method, leaves and learning rate.
        grid: the other settings.
        alpha: of GAR; the other methods do not read it.
        seed: of the rows and features that each tree draws.
        weight: of the rows learned from.
    """
    own: Callable[..., Array] = {"lightgbm": _lightgbm, "xgboost": _xgboost}[job.library]
    return own(inputs, labels, train, job, grid, alpha, seed, weight)


def _lightgbm(
    inputs: Array,
    labels: Array,
    train: Any,
    job: Job,
    grid: Grid,
    alpha: float,
    seed: int,
    weight: Array | None,
) -> Array:
    import lightgbm

    own = BUILT_IN["lightgbm"]
    parameters = {
        "objective": own.get(job.method) or lightgbm_objective(alpha),
        "learning_rate": job.learning_rate,
        "num_leaves": job.leaves,
        "min_data_in_leaf": grid.least_rows,
        "bagging_fraction": grid.fraction,
        "bagging_freq": 1,
        "feature_fraction": grid.fraction,
        "seed": seed,
        "deterministic": True,
        "num_threads": 1,
        "verbosity": -1,
    }
    data = lightgbm.Dataset(inputs[train], labels[train], weight=weight)
    booster = lightgbm.train(parameters, data, grid.rounds)
    every = grid.score_every
    steps = [
        booster.predict(inputs, start_iteration=i, num_iteration=every)
        for i in range(0, grid.rounds, every)
    ]
    return np.cumsum(steps, axis=0)


def _xgboost(
    inputs: Array,
    labels: Array,
    train: Any,
    job: Job,
    grid: Grid,
    alpha: float,
    seed: int,
    weight: Array | None,
) -> Array:
    import xgboost

    own = BUILT_IN["xgboost"].get(job.method)
    parameters = {
        "learning_rate": job.learning_rate,
        "max_leaves": job.leaves,
        "max_depth": 0,
        "grow_policy": "lossguide",
        "tree_method": "hist",
        "min_child_weight": grid.least_rows,
        "reg_lambda": 0.0,
        "subsample": grid.fraction,
        "colsample_bytree": grid.fraction,
        "base_score": 0.0,
        "seed": seed,
        "nthread": 1,
        **({"objective": own} if own else {}),
    }
    data = xgboost.DMatrix(inputs[train], labels[train], weight=weight)
    objective = None if own else xgboost_objective(alpha)
    booster = xgboost.train(parameters, data, grid.rounds, obj=objective)
    everything, every = xgboost.DMatrix(inputs), grid.score_every
    steps = [
        booster.predict(everything, iteration_range=(i, i + every), output_margin=True)
        for i in range(0, grid.rounds, every)
    ]
    return np.cumsum(np.array(steps, dtype=np.float64), axis=0)


def _check_installed(libraries: Sequence[str]) -> None:
    absent = [name for name in libraries if find_spec(name) is None]
    if absent:
        raise ModuleNotFoundError(
            f"{' and '.join(absent)} not installed; pip install 'gar_verify[integrations]', or "
            f"choose among the libraries {', '.join(LIBRARIES)}"
        )


def _versions(libraries: Sequence[str]) -> dict[str, str]:
    return {name: str(import_module(name).__version__) for name in libraries}
