"""Targets that are not smooth or take few values: where does GAR help, and where does it hurt?

Theorem 4 speaks of differentiable functions; of Lipschitz ones it still holds (`proofs`), of
functions with jumps it says nothing. Two kinds of targets put that to the test.

Curves over x from 0 to n pi, of n waves of length pi, one of `NUMBERS`: the sine, and four that
have *irregular points*: steps and jumps (discontinuous), kinks and plateaus (Lipschitz). `DRAWN`
points in equal steps are dealt: 80 % are trained on, 20 % select. Errors are taken at points that
lie between these, `NEAR` an irregular point and away from them.

Real tables: three whose targets take few values, and three with targets that take many.

Cut to two cores: at most `ROWS` rows of a table, one network for all, one learning rate (0.01; in
trials on curves 0.003 was not better for the MAE loss, GAR, RankSim or RnC). 16 waves are left out:
these four stayed above half a deviation there.
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
NEAR = 0.13 * np.pi
"""How far from an irregular point a point is still near; no point lies just so far from one."""
ROWS = 500
POWERS = {"MAE": 1, "RMSE": 2}
"""The metrics, and of what power of the errors each is a mean."""

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
    clipped: Array = np.clip(2 * np.sin(x), -1, 1)
    return clipped


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
        As `across.run`, for MAE and RMSE: ``test`` is that of all rows, ``near`` and ``away`` of
        those near irregular points and away from them; NaN where there are no such points. The
        attribute ``values``: how many values the targets take, by name.

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
    return _parts(results.sel(metric=list(POWERS)), tasks).assign_attrs(values=json.dumps(values))


def _distinct(values: Array) -> int:
    return len(np.unique(values.round(DIGITS)))


def _parts(results: xr.Dataset, tasks: Sequence[Task]) -> xr.Dataset:
    """Names for the parts, and the error of all rows from those of the parts."""
    share = xr.DataArray(
        [_share_near(task.deal) for task in tasks], {"table": [task.table for task in tasks]}
    )
    near = results["test"].where(share > 0)
    away = results["other"] if "other" in results else xr.full_like(near, np.nan)
    power = xr.DataArray(list(POWERS.values()), {"metric": list(POWERS)})
    whole = (share * near**power + (1 - share) * away**power) ** (1 / power)
    kept = results.drop_vars(["other", "test_by_other"], errors="ignore")
    whole = whole.where(share > 0, results["test"])
    return kept.assign(test=whole, near=near, away=away).round(DIGITS)


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


# --- what follows ---------------------------------------------------------------------------------


def kind_of(name: str) -> str:
    """The kind of a curve, or ``few values`` or ``many values`` of a table.

    >>> kind_of("steps-4"), kind_of("wine")
    ('steps', 'few values')
    """
    if name in DRAWINGS:
        return name.split("-")[0]
    return FEW if name in ORDINAL else MANY


FEW, MANY = "few values", "many values"
LIPSCHITZ, JUMPING = "Lipschitz, not smooth", "discontinuous"


def groups(results: xr.Dataset) -> dict[str, list[str]]:
    """Names of curves and tables that results have, by kind, and by what Theorem 4 asks of them."""
    names = [str(name) for name in results["table"].to_numpy()]
    kinds = list(dict.fromkeys([*CURVES, FEW, MANY]))
    found = {kind: [name for name in names if kind_of(name) == kind] for kind in kinds}
    rough = [name for name in names if is_irregular(name)]
    smooth = {name: is_lipschitz(*_drawing(name)) for name in rough}
    found[LIPSCHITZ] = [name for name in rough if smooth[name]]
    found[JUMPING] = [name for name in rough if not smooth[name]]
    return {group: of for group, of in found.items() if of}


def is_irregular(name: str) -> bool:
    """Whether it is a curve with irregular points.

    >>> is_irregular("steps-4"), is_irregular("sine-4"), is_irregular("wine")
    (True, False, False)
    """
    return name in DRAWINGS and len(irregular(*_drawing(name))) > 0


def _drawing(name: str) -> tuple[str, int]:
    kind, number = name.split("-")
    return kind, int(number)


def compare(
    results: xr.Dataset,
    names: Sequence[str],
    part: str = "test",
    method: str | None = None,
    metric: str = "MAE",
) -> pd.DataFrame:
    """Methods against the MAE loss on some curves or tables, see `aggregate.compare`.

    Args:
        results: from `run`, or its summary.
        names: of curves or tables.
        part: ``test``, all rows; ``near`` or ``away``.
        method: the one that is compared; default: all.
        metric: ``MAE`` or ``RMSE``.
    """
    scores = results[part].sel({"table": list(names), "metric": metric, "condition": PLAIN})
    if method is not None:
        scores = scores.sel({"method": list(dict.fromkeys([method, BASELINE]))})
    return aggregate.compare(scores, BASELINE)


def table(results: xr.Dataset) -> pd.DataFrame:
    """Test MAE divided by that of the MAE loss, a line for each kind of target and method.

    Args:
        results: from `run`, or its summary.

    Returns:
        ``all``, the interquartile mean of the ratios over curves or tables and seeds, with its
        ``low`` and ``high``; ``better``, the probability of a lower error on the same rows, and its
        ends; ``RMSE``, the ratio by that metric; ``near`` and ``away``, the ratios near irregular
        points and away from them; all with their ends.
    """
    lines = {}
    for group, names in groups(results).items():
        found = compare(results, names)
        frame = found.drop(columns="tables").rename(columns=lambda name: name.replace("ratio ", ""))
        frame = frame.join(_ratios(compare(results, names, metric="RMSE"), "RMSE"))
        for part in ("near", "away") if all(map(is_irregular, names)) else ():
            frame = frame.join(_ratios(compare(results, names, part), part))
        lines[group] = frame.rename(columns={"ratio": "all"})
    whole = pd.concat(lines, names=["targets", "method"])
    return whole.rename(index=label, level="method")


def _ratios(compared: pd.DataFrame, name: str) -> pd.DataFrame:
    ratios = compared[["ratio", "ratio low", "ratio high"]]
    return ratios.rename(columns=lambda column: column.replace("ratio", name))


def verdict(
    results: xr.Dataset, names: Sequence[str], part: str = "test", metric: str = "MAE"
) -> str:
    """GAR against the MAE loss: ``better`` or ``worse`` beyond chance, or ``even``.

    On one curve or table only seeds are drawn anew, and beyond chance means: in every seed of five.
    """
    up, down = aggregate.beyond_chance(compare(results, names, part, METHOD, metric))
    return "better" if METHOD in up else "worse" if METHOD in down else "even"


def each(results: xr.Dataset) -> pd.DataFrame:
    """GAR on each curve and table by itself.

    Args:
        results: from `run`, or its summary.

    Returns:
        By name: ``values``, how many the target takes; ``Lipschitz``; the mean test MAE of the
        ``MAE loss`` in deviations of the target; ``GAR / MAE loss``, the ratio to that, with
        ``low`` and ``high`` over the seeds; verdicts on ``all`` rows, by ``RMSE``, ``near`` and
        ``away``; ``best other`` method but the MAE loss, and ``its ratio``.
    """
    values = json.loads(results.attrs["values"])
    lines = {}
    for name in map(str, results["table"].to_numpy()):
        compared = compare(results, [name])
        others = compared["ratio"].drop([METHOD, BASELINE], errors="ignore")
        here = results["test"].sel({"table": name, "method": BASELINE, "metric": "MAE"})
        parts = ("near", "away") if is_irregular(name) else ()
        found = {part: verdict(results, [name], part) for part in parts}
        lines[name] = {
            "values": values[name],
            "Lipschitz": _yes(is_lipschitz(*_drawing(name))) if name in DRAWINGS else "",
            "MAE loss": float(here.mean()),
            "GAR / MAE loss": compared.loc[METHOD, "ratio"],
            "low": compared.loc[METHOD, "ratio low"],
            "high": compared.loc[METHOD, "ratio high"],
            "all": verdict(results, [name]),
            "RMSE": verdict(results, [name], metric="RMSE"),
            **(dict.fromkeys(("near", "away"), "") | found),
            "best other": label(str(others.idxmin())) if len(others) else "",
            "its ratio": others.min(),
        }
    return pd.DataFrame.from_dict(lines, orient="index").rename_axis("target")


def _yes(holds: bool) -> str:
    return "yes" if holds else "no"


def save_each(results: xr.Dataset, shown: xr.Dataset, folder: Path | None) -> list[Path]:
    """Write the table of `each`; nothing without GAR and the MAE loss."""
    return tables.save(each(shown), f"{NAME}_each", folder) if _compares(shown) else []


def contrast(results: xr.Dataset, ours: Sequence[str], theirs: Sequence[str]) -> tuple[float, ...]:
    """By how much GAR's ratio to the MAE loss is larger on some curves or tables than on others.

    Returns:
        The interquartile mean of the ratios on ``ours`` divided by that on ``theirs``, and the ends
        of its 95 % interval: curves or tables are drawn anew in both, and their seeds.
    """
    scores = results["test"].sel({"method": [METHOD, BASELINE], "metric": "MAE"})
    found, many = [], []
    for seed, names in enumerate((ours, theirs)):
        values = scores.sel(table=list(names)).transpose("method", "table", "seed", ...)
        plain = values.squeeze("condition").fillna(np.inf).to_numpy()
        again = aggregate.resampled(plain, seed=seed)
        found.append(aggregate.interquartile_mean(plain[0] / plain[1]))
        many.append(aggregate.interquartile_mean(again[:, 0] / again[:, 1]))
    ends = np.quantile(many[0] / many[1], [LEVEL / 2, 1 - LEVEL / 2])
    return float(found[0] / found[1]), *map(float, ends)


def _compares(results: xr.Dataset) -> bool:
    return {METHOD, BASELINE} <= set(results["method"].to_numpy().tolist())


def sentence(results: xr.Dataset) -> str:
    """Where GAR is better and worse than the MAE loss; empty without both, or without all kinds."""
    of = groups(results)
    if not _compares(results) or not {LIPSCHITZ, JUMPING, FEW, MANY} <= set(of):
        return ""
    curves = [name for name in map(str, results["table"].to_numpy()) if name in DRAWINGS]
    rough = [*of[LIPSCHITZ], *of[JUMPING]]
    return " ".join(
        [
            f"GAR against the MAE loss, better or worse in every seed: by test MAE on {len(curves)}"
            f" curves {_counts(results, curves)}; near irregular points, on {len(rough)}, "
            f"{_counts(results, rough, 'near')}; away from them {_counts(results, rough, 'away')}.",
            _by_hypothesis(results, of),
            f"On tables whose targets take few values ({len(of[FEW])}): {_both(results, of[FEW])}; "
            f"on those whose targets take many ({len(of[MANY])}): {_both(results, of[MANY])}.",
        ]
    )


def _by_hypothesis(results: xr.Dataset, of: dict[str, list[str]]) -> str:
    larger, low, high = contrast(results, of[JUMPING], of[LIPSCHITZ])
    beyond = low > 1 or high < 1
    first, second = (_lowest(results, of[kind]) for kind in (LIPSCHITZ, JUMPING))
    where = "both" if first == second else f"the former, {second} on the latter"
    return (
        f"On curves with kinks or plateaus, which are Lipschitz, its error is "
        f"{_ratio(results, of[LIPSCHITZ])} times that of the MAE loss, on discontinuous ones "
        f"{_ratio(results, of[JUMPING])}: the quotient of the two, {larger:.2f} "
        f"[{low:.2f}, {high:.2f}], {'differs' if beyond else 'does not differ'} from 1 beyond "
        f"chance; of {results.sizes['method']} losses {first} has the lowest error on {where}."
    )


def _both(results: xr.Dataset, names: Sequence[str]) -> str:
    """Counts and ratio by either metric."""
    found = [
        f"by {metric} {_counts(results, names, metric=metric)}, {_ratio(results, names, metric)} "
        "times the error"
        for metric in POWERS
    ]
    return ", ".join(found)


def _counts(
    results: xr.Dataset, names: Sequence[str], part: str = "test", metric: str = "MAE"
) -> str:
    found = [verdict(results, [name], part, metric) for name in names]
    return f"better on {found.count('better')}, worse on {found.count('worse')}"


def _ratio(results: xr.Dataset, names: Sequence[str], metric: str = "MAE") -> str:
    line = compare(results, names, method=METHOD, metric=metric).loc[METHOD]
    return f"{line['ratio']:.2f} [{line['ratio low']:.2f}, {line['ratio high']:.2f}]"


def _lowest(results: xr.Dataset, names: Sequence[str]) -> str:
    return label(str(compare(results, names)["ratio"].idxmin()))
