"""The tabular studies: five folds, a grid of settings, every epoch scored, the best selected.

``run("concrete", ("mae", "gar"))`` trains the paper's full protocol and returns every metric after
every epoch of every run; `selection.select` and `tables.tabular_table` make the paper's table of
it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
import xarray as xr
from sklearn.model_selection import GroupKFold, KFold

from gar_verify import paths
from gar_verify.data import Table, load_table
from gar_verify.metrics import METRICS
from gar_verify.studies.definitions import Definition
from gar_verify.studies.methods import LARGE_RATES, RELEASED, TABULAR, Method, tabular_methods
from gar_verify.studies.progress import Progress, Silent
from gar_verify.studies.store import Piece, collect, piece_of_training, summary_of
from gar_verify.training import PARTS, Problem, Recipe, Run, Trained, train

Scaling = Literal["all rows", "training part"]


@dataclass(frozen=True)
class Protocol:
    """The settings that all methods share on one table."""

    recipe: Recipe
    learning_rates: tuple[float, ...] = (1e-1, 1e-2, 1e-3)
    weight_decays: tuple[float, ...] = (1e-3, 1e-4, 1e-5)
    folds: int = 5


SMALL = Recipe(hidden=(16, 32, 16, 8), epochs=100, batch_size=256, milestones=(50, 75))
LARGE = replace(SMALL, hidden=(128, 256, 128, 64))

RECIPES = {
    "concrete": SMALL,
    "wine": SMALL,
    "diabetes": replace(SMALL, batch_size=64),
    "parkinsons_motor": LARGE,
    "parkinsons_total": LARGE,
    "superconductivity": LARGE,
    "supercon": LARGE,
    "supercon_elements": LARGE,
}
"""The recipe of each table of the tabular studies.

Diabetes is not the paper's: with its 282 training rows a batch of 256 leaves a hundred steps in
all, and GAR, whose gradient shrinks with the size of the loss, does not reach labels around 150.
"""

ONE_DECAY: dict[str, Any] = {"weight_decays": (1e-4,)}

GRIDS: dict[str, dict[str, Any]] = {
    "superconductivity": {"learning_rates": (1e-3, 1e-4, 1e-5)},
    "supercon": ONE_DECAY,
    "supercon_elements": ONE_DECAY,
}
"""Grids of the tables that do not have that of `Protocol`. SuperCon is not the paper's: its grid is
cut to what two cores can do."""

OWN_LEARNING_RATES = dict.fromkeys(
    (("superconductivity", name) for name in ("rnc", *LARGE_RATES)), Protocol.learning_rates
)
"""Learning rates that a method has in place of those of the table. The released script names RnC
and "FAR", most likely GAR before it was renamed; so GAR is trained with both."""

EXTRA_LEARNING_RATES = {("concrete", "ranksim"): (1e-4, 1e-5)}
"""Learning rates that the paper adds for one method on one table."""

FEW = ("mae", "mse", "huber", "gar", RELEASED)
METHODS = {
    "superconductivity": (*TABULAR, RELEASED, *LARGE_RATES),
    "supercon": FEW,
    "supercon_elements": FEW,
}
"""Methods of the tables that are not trained with all of `TABULAR` and no other."""


def protocol(table: str, quick: bool = False) -> Protocol:
    """The paper's protocol for a table; quick: few epochs, one rate and decay.

    Raises:
        ValueError: if the table takes part in no tabular study.
    """
    if table not in RECIPES:
        raise ValueError(f"no tabular study of '{table}'; choose one of {', '.join(RECIPES)}")
    full = Protocol(RECIPES[table], **GRIDS.get(table, {}))
    if not quick:
        return full
    # A minute is a twentieth of the epochs of a large network, a fifth of those of a small one.
    epochs = 5 if full.recipe.hidden == LARGE.hidden else 20
    recipe = replace(full.recipe, epochs=epochs, milestones=(epochs // 2, 3 * epochs // 4))
    middle = full.learning_rates[len(full.learning_rates) // 2]
    return replace(full, recipe=recipe, learning_rates=(middle,), weight_decays=(1e-4,))


def methods_of(table: str) -> tuple[str, ...]:
    """The methods that a table is trained with where none are named."""
    return METHODS.get(table, TABULAR)


def run(
    table_name: str, methods: Sequence[str] | None = None, *, quick: bool = False, **options: Any
) -> xr.Dataset:
    """Train methods on a table with the paper's protocol.

    Args:
        table_name: one of `RECIPES`.
        methods: names of losses that have a tabular grid; default: `methods_of` the table.
        quick: a small part of the grid and of the epochs.
        options: those of `run_methods` (seeds, scaling, device, store, jobs, progress, ...).

    Returns:
        ``metrics`` (method, seed, fold, learning_rate, weight_decay, hyperparameter, epoch, split,
        metric), ``diverged``, ``hyperparameter_value``, and the provenance in the attributes.
        ``hyperparameter`` counts from 0; NaN where a method has no such setting.
    """
    settings = protocol(table_name, quick)
    chosen = tabular_methods(methods or methods_of(table_name), settings.recipe.epochs)
    return run_methods(load_table(table_name), chosen, settings, **options)


def run_methods(
    table: Table,
    methods: Sequence[Method],
    settings: Protocol,
    *,
    piece: Callable[..., Piece] | None = None,
    fit: Callable[..., Trained] = train,
    seeds: Sequence[int] = (0,),
    scaling: Scaling = "all rows",
    device: str = "cpu",
    store: Path | None = None,
    memory_bytes: int | None = None,
    jobs: int | None = None,
    progress: Progress | None = None,
) -> xr.Dataset:
    """As `run`, for any table, methods and settings.

    Args:
        table: what is learned.
        methods: one line of the table each.
        settings: what they share.
        piece: makes a piece of table, problem, method, settings, seed, fold and fit; default: one
            that keeps what `run` returns.
        fit: the trainer.
        seeds: each repeats the whole study with other random numbers; the paper has one.
        scaling: features z-scored over all rows (the paper's leak) or on the training part only.
        device: where to train.
        store: folder to keep results in and to go on from; default: `paths.results`.
        memory_bytes: bound on the memory of a stack; default: a quarter of what is free.
        jobs: processes that train side by side; default: see `workers.default_jobs`.
        progress: told how far it is; default: nobody.
    """
    table = table.scaled_on_training_part() if scaling == "training part" else table
    problem = folds(table, settings.folds)
    bound = partial(fit, device=device, memory_bytes=memory_bytes)
    pieces = [
        (piece or _piece)(table, problem, method, settings, seed, fold, bound)
        for method in methods
        for seed in seeds
        for fold in range(settings.folds)
    ]
    folder = (store or paths.results()) / table.name
    done = collect(pieces, table.name, folder, progress or Silent(), device, jobs)
    return _combine(done, table)


def folds(table: Table, count: int) -> Problem:
    """The training part in unshuffled folds, groups whole; the same test part serves all."""
    n_train, n_test = len(table.train_X), len(table.test_X)
    groups = table.train_groups
    by_rows = KFold(count) if groups is None else GroupKFold(count)
    splits = list(by_rows.split(table.train_X, groups=groups))
    return Problem(
        inputs=np.concatenate([table.train_X, table.test_X]),
        targets=np.concatenate([table.train_y, table.test_y]),
        train=[train_rows for train_rows, _ in splits],
        validation=[validation_rows for _, validation_rows in splits],
        test=np.arange(n_train, n_train + n_test),
    )


def grid(
    method: Method, settings: Protocol, rates: Sequence[float], seed: int, fold: int
) -> list[Run]:
    """The runs of a method on a fold: decay within rate, hyper-parameter within decay."""
    return [
        Run(rate, decay, value, index, fold, seed)
        for rate in rates
        for decay in settings.weight_decays
        for index, value in enumerate(method.hyperparameters)
    ]


def learning_rates(method: Method, settings: Protocol, table: str) -> tuple[float, ...]:
    """The learning rates of a method on a table; a grid of one rate gets one, and no extra ones."""
    key = table, method.name
    own = OWN_LEARNING_RATES.get(key, settings.learning_rates)
    if len(settings.learning_rates) > 1:
        return own + EXTRA_LEARNING_RATES.get(key, ())
    return own[len(own) // 2 :][:1]


def _piece(
    table: Table,
    problem: Problem,
    method: Method,
    settings: Protocol,
    seed: int,
    fold: int,
    fit: Callable[..., Trained],
) -> Piece:
    rates = learning_rates(method, settings, table.name)
    runs = grid(method, settings, rates, seed, fold)

    def compute(on_epoch: Callable[[int], None]) -> xr.Dataset:
        trained = fit(problem, runs, settings.recipe, method.objective, on_epoch=on_epoch)
        return labelled(trained, method, rates, settings, seed, fold)

    return piece_of_training(
        f"{method.name}-seed{seed}-fold{fold}",
        table,
        problem,
        method,
        runs,
        settings.recipe,
        compute,
        hyperparameters=method.hyperparameters,
        learning_rates=rates,
        weight_decays=settings.weight_decays,
        folds=settings.folds,
        fold=fold,
        seed=seed,
    )


COMPUTE = Definition(__name__, "_piece.compute")
"""The code of a piece, which a summary rests on."""


def labelled(
    trained: Trained,
    method: Method,
    rates: Sequence[float],
    settings: Protocol,
    seed: int,
    fold: int,
) -> xr.Dataset:
    """What a piece trained, as arrays with names; ``trained`` is in the order of `grid`."""
    sizes = (len(rates), len(settings.weight_decays), len(method.hyperparameters))
    candidates = ("method", "seed", "fold", "learning_rate", "weight_decay", "hyperparameter")
    scores = trained.metrics.reshape(1, 1, 1, *sizes, *trained.metrics.shape[1:])
    return xr.Dataset(
        {
            "metrics": ((*candidates, "epoch", "split", "metric"), scores),
            "diverged": (candidates, trained.diverged.reshape(1, 1, 1, *sizes)),
            "hyperparameter_value": (("method", "hyperparameter"), [method.hyperparameters]),
        },
        coords={
            "method": [method.name],
            "seed": [seed],
            "fold": [fold],
            "learning_rate": list(rates),
            "weight_decay": list(settings.weight_decays),
            "hyperparameter": range(sizes[2]),
            "epoch": range(1, settings.recipe.epochs + 1),
            "split": list(PARTS),
            "metric": list(METRICS),
        },
    )


def _combine(pieces: Sequence[xr.Dataset], table: Table) -> xr.Dataset:
    """One dataset of all pieces; settings that a method does not have are NaN."""
    combined = pieces
    for dim in ("fold", "seed", "method"):
        others = [d for d in ("method", "seed", "fold") if d != dim and d in combined[0].dims]
        combined = _joined(combined, dim, others)
    ordered = combined[0].sortby("learning_rate", ascending=False)
    return ordered.assign_attrs(summary_of(pieces, table))


def _joined(pieces: Sequence[xr.Dataset], dim: str, others: Sequence[str]) -> Sequence[xr.Dataset]:
    """Join along a dimension the datasets that agree in the others, in order of appearance."""
    groups: dict[tuple[object, ...], list[xr.Dataset]] = {}
    for piece in pieces:
        key = tuple(tuple(piece[other].values) for other in others)
        groups.setdefault(key, []).append(piece)
    return [
        xr.concat(
            group,
            dim=dim,
            data_vars="minimal",
            coords="minimal",
            compat="override",
            join="outer",
            combine_attrs="drop",
            fill_value={"metrics": np.nan, "hyperparameter_value": np.nan, "diverged": False},
        )
        for group in groups.values()
    ]
