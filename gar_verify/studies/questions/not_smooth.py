"""Targets that are not smooth or take few values: where does GAR help, and where does it hurt?

Theorem 4 speaks of differentiable functions; of Lipschitz ones it still holds (`proofs`), of
functions with jumps it says nothing. Two kinds of targets put that to the test.

Curves over x from 0 to n pi, of n waves of length pi, one of `NUMBERS`: the sine, and four that have
*irregular points*: steps and jumps (discontinuous), kinks and plateaus (Lipschitz). `DRAWN` points
in equal steps are dealt: 80 % are trained on, 20 % select. Errors are taken at points that lie
between these, `NEAR` an irregular point and away from them.

Real tables: three whose targets take few values, and three with targets that take many.

Cut to two cores: at most `ROWS` rows of a table, one learning rate (0.01; with 0.003 the MAE loss,
GAR, RankSim and RnC had learned no more of the curves), one network for all. 16 waves are left out:
no method came below half a deviation there.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from gar_verify.data import load_table
from gar_verify.data.table import Array, zscore
from gar_verify.studies import tables
from gar_verify.studies.methods import TABULAR, label, tabular_methods
from gar_verify.studies.questions import across, aggregate, deals
from gar_verify.studies.questions.across import Grid, Task
from gar_verify.studies.questions.deals import Deal
from gar_verify.studies.statistics import LEVEL
from gar_verify.studies.summaries import DIGITS
from gar_verify.training import Recipe

NAME = "not_smooth"
GRID = Grid(Recipe((64, 64, 64), 80, 32, (40, 60), "adam"), learning_rates=(1e-2,))
METHOD, BASELINE = "gar", "mae"

NUMBERS = (2, 4, 8)
"""Waves of a curve."""
DRAWN = 320
"""Points of a curve that train or select."""
NEAR = np.pi / 8
"""How far from an irregular point a point is still near."""
ROWS = 500

GOLDEN = (np.sqrt(5) - 1) / 2


def steps(x: Array) -> Array:
    """One level for each wave, up by 1.24 or down by 0.76."""
    level: Array = 2 * ((np.floor(x / np.pi) + 1) * GOLDEN % 1) - 1
    return level


def jumps(x: Array) -> Array:
    """Half a cosine, and at its end a jump by 2 back to its beginning."""
    return np.cos(x % np.pi)


def kinks(x: Array) -> Array:
    """A triangle wave."""
    wave: Array = 2 / np.pi * np.arcsin(np.sin(x))
    return wave


def plateaus(x: Array) -> Array:
    """A sine clipped at half its height, and doubled."""
    return np.clip(2 * np.sin(x), -1, 1)


CURVES: dict[str, tuple[Callable[[Array], Array], tuple[float, ...]]] = {
    "sine": (np.sin, ()),
    "kinks": (kinks, (1 / 2,)),
    "plateaus": (plateaus, (1 / 6, 5 / 6)),
    "steps": (steps, (1.0,)),
    "jumps": (jumps, (1.0,)),
}
"""Kinds of curves, and where in a wave they are irregular, as shares of it."""

ORDINAL = ("wine", "wq", "sf2")
CONTINUOUS = ("concrete", "airfoil", "energy")
PLAIN = "plain"
"""The one condition of each table."""

DRAWINGS = tuple(f"{kind}-{number}" for number, kind in product(NUMBERS, CURVES))
NAMES = (*ORDINAL, *CONTINUOUS, *DRAWINGS)
"""What is trained on."""
QUICK = ("wine", "concrete", "sine-2", "kinks-2", "steps-2")
"""Of the quick version, without any file beside the package."""


def irregular(kind: str, number: int) -> Array:
    """Irregular points of a curve, without its ends.

    >>> (irregular("steps", 3) / np.pi).tolist()
    [1.0, 2.0]
    """
    points = [k + share for k in range(number) for share in CURVES[kind][1]]
    return np.pi * np.array([point for point in points if 0 < point < number])


def is_lipschitz(kind: str, number: int) -> bool:
    """Whether the steepest slope between neighbours stays when they come 16 times nearer.

    Of a curve with a jump it is 16 times as steep then.
    """
    slopes = [
        np.abs(np.diff(CURVES[kind][0](x)) / np.diff(x)).max()
        for x in (np.linspace(0, number * np.pi, m * DRAWN)[1:-1] for m in (1, 16))
    ]
    return bool(slopes[1] < 4 * slopes[0])


def draw(kind: str, number: int, seeds: Sequence[int]) -> Deal:
    """A curve: its points dealt anew for every seed, tested at others between them.

    Returns:
        Test rows are the points near irregular ones; those away are scored under the name of the
        training part. A curve that is regular everywhere is tested at all points.
    """
    length = number * np.pi
    drawn = (np.arange(DRAWN) + 0.5) * length / DRAWN
    between = (np.arange(DRAWN // 2) * 2 + 1) * length / DRAWN
    x = np.concatenate([drawn, between])
    y = CURVES[kind][0](x)[:, None]
    dealt = deals.deal(drawn[:, None], y[:DRAWN], seeds)
    distance = np.abs(between[:, None] - irregular(kind, number)).min(1, initial=np.inf)
    near, away = (DRAWN + np.flatnonzero(where) for where in (distance < NEAR, distance >= NEAR))
    return replace(
        dealt,
        inputs=(x - length / 2)[:, None],
        targets=zscore(y, y[:DRAWN]),
        train=[np.concatenate(rows) for rows in zip(dealt.train, dealt.tests, strict=True)],
        tests=[near if len(near) else away] * len(seeds),
        scored_as_train=[away] * len(seeds) if len(near) else (),
    )


def task_of(name: str, seeds: Sequence[int]) -> Task:
    """What is trained on, by name: of `NAMES`."""
    if name in DRAWINGS:
        kind, number = name.split("-")
        return Task(name, PLAIN, draw(kind, int(number), seeds))
    return Task(name, PLAIN, deals.deal(*deals.rows_of(load_table(name), ROWS), seeds))


def run(
    methods: Sequence[str] = TABULAR,
    *,
    seeds: Sequence[int] = across.SEEDS,
    names: Sequence[str] | None = None,
    quick: bool = False,
    **options: Any,
) -> xr.Dataset:
    """Train methods on curves and tables.

    Args:
        methods: those of the tabular studies.
        seeds: each deals the rows anew.
        names: of curves and tables; default: `NAMES`, or `QUICK`.
        quick: few of them, few epochs and seeds.
        options: those of `across.run` (device, store, jobs, progress).

    Returns:
        As `across.run`, for the MAE alone: ``test`` is that of all rows, ``near`` and ``away`` of
        those near irregular points and away from them; NaN where there are no such points. Attribute
        ``values``: how many values the targets take, by name.

    Raises:
        DataError: if a table is not available.
        ValueError: for an unknown method or name.
    """
    grid = replace(GRID, seeds=tuple(seeds))
    grid = grid.quick() if quick else grid
    chosen = tabular_methods(methods, grid.recipe.epochs)
    tasks = [task_of(name, grid.seeds) for name in names or (QUICK if quick else NAMES)]
    results = across.run(NAME, tasks, chosen, grid, **options)
    values = {task.table: max(map(_distinct, task.deal.targets.T)) for task in tasks}
    return _parts(results.sel(metric=["MAE"]), tasks).assign_attrs(values=json.dumps(values))


def _distinct(values: Array) -> int:
    return len(np.unique(values.round(DIGITS)))


def _parts(results: xr.Dataset, tasks: Sequence[Task]) -> xr.Dataset:
    """Names for the parts, and the error of all rows: a mean, weighted by how many they are."""
    share = xr.DataArray(
        [_share_near(task.deal) for task in tasks], {"table": [task.table for task in tasks]}
    )
    near = results["test"].where(share > 0)
    away = results["other"] if "other" in results else xr.full_like(near, np.nan)
    whole = (share * near + (1 - share) * away).where(share > 0, results["test"])
    kept = results.drop_vars(["other", "test_by_other"], errors="ignore")
    return kept.assign(test=whole, near=near.round(DIGITS), away=away.round(DIGITS))


def _share_near(deal: Deal) -> float:
    if not deal.scored_as_train:
        return 0.0
    near, away = len(deal.tests[0]), len(deal.scored_as_train[0])
    return near / (near + away)


def code_of(summary: xr.Dataset) -> str:
    """The digest of the present code that a summary rests on, as its record holds it."""
    names = [str(name) for name in summary["method"].to_numpy()]
    return across.code_of(tabular_methods(names, GRID.recipe.epochs))


def is_full(results: xr.Dataset) -> bool:
    """Whether these are results of all curves, tables and seeds of the study."""
    wanted = {"table": NAMES, "seed": across.SEEDS}
    whole = all(set(results[dim].to_numpy().tolist()) == set(of) for dim, of in wanted.items())
    return whole and GRID.is_of(results)


PART = {"names": ("steps-2", "kinks-2")}
"""What of the study is trained again to verify it."""
