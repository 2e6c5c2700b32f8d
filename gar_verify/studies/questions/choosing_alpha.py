"""How should GAR's one parameter, alpha, be chosen? And does the scale of the target decide?

GAR by the paper's formula at nine alphas, each selected for by itself (learning rate and epoch) and
all with the same random numbers, on eight tables in four conditions: targets standardised; targets
as the table has them; and standardised targets of which the loss alone sees a hundred times, or a
hundredth, of predictions and targets. Nothing but the attention that GAR gives to its parts depends
on that factor: the logarithm of a part has the same gradient in any unit. So it isolates the scale
from what else a unit changes, above all the steps that lead there.

Errors are in deviations of the target in every condition. The tables of `data.collections` have
centred targets, two of them logarithms: as the table has them, their scale is near 1 anyway. What
was cut: at most `deals.AT_MOST` rows of a table, the small network of `across` with its 60 epochs,
and one weight decay. Left out are parkinsons_motor, whose rows repeat patients, and bike, whose
features hold its answer.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import xarray as xr
from torch import Tensor

from gar_verify.data import Table, load_table
from gar_verify.losses._distinct import Draw
from gar_verify.losses.gar.loss import stacked_alpha
from gar_verify.metrics import LOWER_IS_BETTER
from gar_verify.studies import summaries
from gar_verify.studies.methods import Method, gar_at, tabular_methods
from gar_verify.studies.questions import across, deals

NAME = "choosing_alpha"
TABLES = (
    "concrete",
    "wine",
    "diabetes",
    "airfoil",
    "energy",
    "yacht",
    "autompg",
    "protein",
)
QUICK_TABLES = TABLES[:2]
"""Of the quick version: part of the package."""

ALPHAS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 10.0, 100.0)

STANDARDISED, RAW = "standardised", "raw"
SCALES = {"x0.01": 0.01, "x100": 100.0}
"""Conditions with standardised targets, and what the loss multiplies by."""
CONDITIONS = (STANDARDISED, RAW, *SCALES)

GRID = across.Grid(learning_rates=(1.0, *across.LEARNING_RATES), by_value=True)
"""With one rate more, for targets with large units are far from where a network starts."""

MAE = "mae"


def at(alpha: float) -> str:
    """The name of GAR at an alpha among the methods."""
    return f"gar {alpha:g}"


METHODS = (*map(at, ALPHAS), MAE)


def stacked_scaled(
    f: Tensor, y: Tensor, x: Tensor, alpha: Tensor, draw: Draw, *, scale: float
) -> Tensor:
    """GAR of targets that are ``scale`` times those of the network; see `stacking.StackedLoss`."""
    return stacked_alpha(scale * f, scale * y, x, alpha, draw)


def scaled_gar(scale: float) -> Method:
    """GAR at all alphas, to which targets and predictions are ``scale`` times as large."""
    method = gar_at(ALPHAS)
    loss = partial(stacked_scaled, scale=scale)
    return replace(method, objective=replace(method.objective, loss=loss))


def methods_of() -> dict[str, list[Method]]:
    """What is trained in each condition: GAR at all alphas, and MAE, which sees no scale."""
    (mae,) = tabular_methods([MAE], 0)
    both = [gar_at(ALPHAS), replace(mae, hyperparameters=(0.0,))]
    scaled = {name: [scaled_gar(scale)] for name, scale in SCALES.items()}
    return {STANDARDISED: both, RAW: both, **scaled}


def tasks_of(tables: Sequence[Table], seeds: Sequence[int]) -> list[across.Task]:
    """Every table in every condition, with what is trained there."""
    tasks = []
    for table in tables:
        inputs, targets = deals.rows_of(table)
        for condition, methods in methods_of().items():
            deal = deals.deal(inputs, targets, seeds, raw=condition == RAW)
            tasks.append(across.Task(table.name, condition, deal, methods))
    return tasks


def run(
    methods: Sequence[str] = METHODS,
    *,
    quick: bool = False,
    seeds: Sequence[int] | None = None,
    names: Sequence[str] | None = None,
    grid: across.Grid | None = None,
    **options: Any,
) -> xr.Dataset:
    """Train GAR at every alpha, and MAE, on every table in every condition.

    Args:
        methods: all of `METHODS`; none can be left out.
        quick: tables that need no data, and a small part of the grid.
        seeds: others than those of the grid.
        names: of other tables than `TABLES`.
        grid: another one than `GRID`.
        options: those of `across.run`.

    Returns:
        ``test`` and ``validation`` (table, condition, method, seed, metric) of what was selected
        for each alpha, with its ``rate`` and ``epoch``; errors in deviations of the target. MAE is
        trained where the loss sees the scale of the network. The attributes hold the ``means`` and
        ``deviations`` of the targets as the tables have them.

    Raises:
        ValueError: for a choice of methods.
    """
    if set(methods) != set(METHODS):
        raise ValueError(f"{NAME!r} is a study of GAR alone; leave the methods out")
    grid = grid or (GRID.quick() if quick else GRID)
    if seeds is not None:
        grid = replace(grid, seeds=tuple(seeds))
    tables = [load_table(name) for name in names or (QUICK_TABLES if quick else TABLES)]
    tasks = tasks_of(tables, grid.seeds)
    results = across.run(NAME, tasks, [], grid, **options)
    targets = {table.name: deals.rows_of(table)[1] for table in tables}
    found = in_deviations(by_alpha(results), tasks).transpose(*across.DIMENSIONS)
    return found.round(summaries.DIGITS).assign_attrs(
        means=json.dumps({name: round(float(y.mean()), 4) for name, y in targets.items()}),
        deviations=json.dumps({name: round(float(y.std()), 4) for name, y in targets.items()}),
    )


def by_alpha(results: xr.Dataset) -> xr.Dataset:
    """Methods that are named by their alpha, instead of values of a method."""
    gar = results.sel({"method": "gar"}, drop=True)
    lines = [gar.sel(value=alpha, drop=True) for alpha in ALPHAS]
    lines.append(results.sel({"method": MAE, "value": 0.0}, drop=True))
    named = xr.concat(lines, "method").assign_coords(method=list(METHODS))
    return named.assign_attrs(results.attrs)


def in_deviations(results: xr.Dataset, tasks: Sequence[across.Task]) -> xr.Dataset:
    """Errors in deviations of the target of each task; correlations as they are."""
    unit = xr.ones_like(results["test"].isel(method=0, seed=0, drop=True))
    for task in tasks:
        for metric in map(str, unit["metric"].to_numpy()):
            if LOWER_IS_BETTER[metric]:
                place = {"table": task.table, "condition": task.condition, "metric": metric}
                unit.loc[place] = task.deal.targets.std()
    return results.assign({part: results[part] / unit for part in ("test", "validation")})


def deviations(results: xr.Dataset) -> dict[str, float]:
    """Of the targets, as the tables have them, in ascending order."""
    found: dict[str, float] = json.loads(results.attrs["deviations"])
    return dict(sorted(found.items(), key=lambda item: item[1]))


def is_full(results: xr.Dataset) -> bool:
    """Whether these are results of the whole protocol."""
    wanted = {"table": TABLES, "condition": CONDITIONS, "method": METHODS, "seed": GRID.seeds}
    whole = all(set(results[dim].to_numpy().tolist()) >= set(of) for dim, of in wanted.items())
    return whole and GRID.is_of(results)


def code_of(summary: xr.Dataset) -> str:
    """The digest of the present code that a summary rests on, as its record holds it."""
    methods = methods_of()
    return across.code_of([m for name in summary["condition"].to_numpy() for m in methods[name]])


PART = {"names": ("diabetes",)}
"""What of the study is trained again to verify it."""
