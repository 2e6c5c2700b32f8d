"""Dirty data: which losses bear labels that are wrong, and which part of GAR breaks first?

The labels of a table are spoiled once, in one of the ways of `CONDITIONS`; every seed then deals
the rows anew. Training rows have spoiled labels, test rows clean ones. Candidates are selected on
clean validation rows, and once more on spoiled ones, as in practice. Beside the nine methods stand
the MAE with either of the parts that GAR adds, GAR with Huber's loss in the place of the MAE, and
GAR of the rows of a batch without the fifth with the largest errors (`stacked_trimmed`).

Cut to two cores: six tables of at most `deals.AT_MOST` rows, two learning rates, 40 epochs.

Source of the noise: the symmetric one is that of ConFrag (NeurIPS 2024), which draws the deviation
of its Gaussian noise for each label as here, in other units; the outliers are Neal's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from torch import Tensor

from gar_verify.data import load_table
from gar_verify.data.table import Array
from gar_verify.losses._distinct import Draw
from gar_verify.losses.gar.loss import stacked_gar
from gar_verify.losses.gar.options import Conventional, Part
from gar_verify.losses.registry import get_spec
from gar_verify.studies import summaries
from gar_verify.studies.methods import TABULAR, Method, label, refuse_unknown, tabular_methods
from gar_verify.studies.questions import across, aggregate, deals
from gar_verify.studies.questions.across import Grid, Task
from gar_verify.studies.questions.deals import Deal
from gar_verify.training import Objective, Recipe

NAME = "dirty_data"
TABLES = ("concrete", "wine", "airfoil", "energy", "diabetes", "protein")
QUICK_TABLES = ("concrete",)
"""Of the quick version: part of the package."""

RECIPE = Recipe(hidden=(16, 32, 16, 8), epochs=40, batch_size=64, milestones=(20, 30))
GRID = Grid(RECIPE, learning_rates=(1e-1, 1e-2))

TRIMMED = 0.2
"""Of the rows of a batch that the trimmed GAR leaves out."""

SPREAD = 0.5
"""Deviations of the target that a unit of the heavy-tailed noise has."""

CLEAN = "clean"
BASELINE = "mae"


def symmetric(labels: Array, rng: np.random.Generator, *, share: float) -> Array:
    """A share of labels (n,) replaced by draws from all labels, drawn again until different.

    Raises:
        ValueError: if all labels are equal: none is different.
    """
    if np.ptp(labels) == 0:
        raise ValueError("all labels are equal, so none can be replaced by a different one")
    spoiled = labels.copy()
    left = rng.permutation(len(labels))[: round(share * len(labels))]
    while len(left):
        spoiled[left] = rng.choice(labels, len(left))
        left = left[spoiled[left] == labels[left]]
    return spoiled


def gaussian(labels: Array, rng: np.random.Generator) -> Array:
    """Normal noise; for each label 1 to 10 tenths of the labels' deviation, drawn evenly."""
    scale = labels.std() / 10 * rng.integers(1, 11, len(labels))
    noisy: Array = labels + scale * rng.standard_normal(len(labels))
    return noisy


def outliers(labels: Array, rng: np.random.Generator) -> Array:
    """Normal noise of ten deviations of the labels, for 5 % of them."""
    hit = rng.permutation(len(labels))[: round(0.05 * len(labels))]
    noise = np.zeros(len(labels))
    noise[hit] = 10 * labels.std() * rng.standard_normal(len(hit))
    return labels + noise


def heavy_tails(labels: Array, rng: np.random.Generator, *, degrees: int) -> Array:
    """Noise of a t distribution for every label, its unit half a deviation of the labels."""
    noisy: Array = labels + SPREAD * labels.std() * rng.standard_t(degrees, len(labels))
    return noisy


CONDITIONS: dict[str, Callable[[Array, np.random.Generator], Array] | None] = {
    CLEAN: None,
    **{f"symmetric {s} %": partial(symmetric, share=s / 100) for s in (20, 40, 60, 80)},
    "Gaussian": gaussian,
    "outliers": outliers,
    **{f"t({d})": partial(heavy_tails, degrees=d) for d in (3, 2, 1)},
}
"""What is done to the labels; t(d) is the t distribution with d degrees of freedom."""

QUICK_CONDITIONS = (CLEAN, "symmetric 40 %", "outliers")


def spoil(inputs: Array, targets: Array, condition: str, seeds: Sequence[int], stream: int) -> Deal:
    """Rows dealt anew for every seed, trained on with spoiled labels.

    Args:
        inputs: (n, F).
        targets: (n, 1).
        condition: of `CONDITIONS`.
        seeds: as in `deals.deal`.
        stream: of the noise; the seeds share it.

    Returns:
        A problem of 2n rows, first with clean, then with spoiled labels. Under the name of the
        training part the validation rows are scored with spoiled labels.
    """
    clean = deals.deal(inputs, targets, seeds)
    how, n = CONDITIONS[condition], len(inputs)
    labels = clean.targets[:, 0]
    noise = np.random.default_rng([stream, *condition.encode()])
    spoiled = labels if how is None else how(labels, noise)
    return replace(
        clean,
        inputs=np.concatenate([clean.inputs] * 2),
        targets=np.concatenate([labels, spoiled])[:, None],
        train=[rows + n for rows in clean.train],
        scored_as_train=[rows + n for rows in clean.validation],
    )


def stacked_trimmed(f: Tensor, y: Tensor, x: Tensor, alpha: Tensor, draw: Draw) -> Tensor:
    """GAR of the rows of each batch that have the smallest absolute errors, (S, B, 1) -> (S,).

    `TRIMMED` of the rows are left out and have no gradient.
    """
    kept = f.shape[1] - int(TRIMMED * f.shape[1])
    rows = (f - y).detach().abs().topk(kept, dim=1, largest=False, sorted=False).indices
    return stacked_gar(f.gather(1, rows), y.gather(1, rows), alpha)


def stacked_parts(
    f: Tensor,
    y: Tensor,
    x: Tensor,
    alpha: Tensor,
    draw: Draw,
    *,
    parts: tuple[Part, ...] = ("conventional", "error_variance", "pearson"),
    conventional: Conventional = "mae",
) -> Tensor:
    """GAR of some parts, or with another conventional loss, (S, B, 1) -> (S,)."""
    return stacked_gar(f, y, alpha, parts=parts, conventional=conventional)


OF_GAR: dict[str, tuple[str, Any]] = {
    "mae_variance": (
        "MAE + variance",
        partial(stacked_parts, parts=("conventional", "error_variance")),
    ),
    "mae_and_pearson": (
        "MAE + Pearson",
        partial(stacked_parts, parts=("conventional", "pearson")),
    ),
    "gar_huber": ("GAR, Huber", partial(stacked_parts, conventional="huber")),
    "gar_trimmed": ("GAR, trimmed", stacked_trimmed),
}
"""Lines of the table beside the losses: labels, and what is minimised. All take alpha."""

METHODS = (*TABULAR, *OF_GAR)
KEPT, METRICS = ("test", "test_by_other"), ("MAE",)
"""What results hold: enough for every statement, and small."""


def named(name: str) -> str:
    """The name of a line in tables and figures."""
    return OF_GAR[name][0] if name in OF_GAR else label(name)


def methods_of(names: Sequence[str], epochs: int) -> list[Method]:
    """Lines by name.

    Raises:
        ValueError: for a name that is none of `METHODS`.
    """
    refuse_unknown(names, METHODS, NAME)
    return [_method(name, epochs) for name in names]


def _method(name: str, epochs: int) -> Method:
    if name not in OF_GAR:
        return tabular_methods([name], epochs)[0]
    shown, loss = OF_GAR[name]
    return Method(name, shown, Objective(loss), get_spec("gar").tabular_grid, "alpha")


def run(
    methods: Sequence[str] = METHODS,
    *,
    seeds: Sequence[int] = across.SEEDS,
    names: Sequence[str] | None = None,
    conditions: Sequence[str] | None = None,
    quick: bool = False,
    **options: Any,
) -> xr.Dataset:
    """Train methods on spoiled labels.

    Args:
        methods: of `METHODS`.
        seeds: each deals the rows anew.
        names: of tables; default: `TABLES`, or `QUICK_TABLES`.
        conditions: default: all `CONDITIONS`, or `QUICK_CONDITIONS`.
        quick: one table of the package, few conditions, epochs and rates.
        options: those of `across.run` (device, store, jobs, progress).

    Returns:
        ``test`` and ``test_by_other`` as in `across.run`, for `METRICS`; the latter is of what
        spoiled validation rows select.

    Raises:
        DataError: if a table is not available.
        ValueError: for an unknown method.
    """
    grid = replace(GRID, seeds=tuple(seeds))
    grid = grid.quick() if quick else grid
    chosen = methods_of(methods, grid.recipe.epochs)
    tasks = [
        _task(name, condition, grid.seeds)
        for name in names or (QUICK_TABLES if quick else TABLES)
        for condition in conditions or (QUICK_CONDITIONS if quick else CONDITIONS)
    ]
    results = across.run(NAME, tasks, chosen, grid, **options)
    return results[list(KEPT)].sel(metric=list(METRICS)).round(summaries.DIGITS)


def _task(name: str, condition: str, seeds: Sequence[int]) -> Task:
    deal = spoil(*deals.rows_of(load_table(name)), condition, seeds, TABLES.index(name))
    return Task(name, condition, deal)


def code_of(summary: xr.Dataset) -> str:
    """The digest of the present code that a summary rests on, as its record holds it."""
    return across.code_of(methods_of(summary["method"].to_numpy().tolist(), GRID.recipe.epochs))


def is_full(results: xr.Dataset) -> bool:
    """Whether these are results of all tables, conditions and seeds of the study."""
    wanted = {"table": TABLES, "condition": CONDITIONS, "seed": across.SEEDS}
    whole = all(set(results[dim].to_numpy().tolist()) == set(of) for dim, of in wanted.items())
    return whole and GRID.is_of(results)


PART = {"names": ("concrete",), "conditions": ("symmetric 40 %",)}
"""What of the study is trained again to verify it."""

REFERENCE = "MAE on clean labels"


def table(results: xr.Dataset) -> pd.DataFrame:
    """Test MAE across tables and seeds, a line for each condition and method.

    Args:
        results: from `run`, or its summary.

    Returns:
        ``ratio`` to the error of the MAE loss that was trained on clean labels of the same rows, an
        interquartile mean, ``low`` and ``high``; ``to own``, the ratio to the method's own error
        with clean labels; ``by dirty rows``, the first ratio where spoiled labels selected;
        ``better``, the probability of a lower error than the MAE loss with the same labels, its
        ends, and ``tables``, on how many the mean is lower.
    """
    test = _errors(results, "test")
    parts = {}
    for condition in map(str, test["condition"].to_numpy()):
        here = test.sel(condition=condition)
        against = aggregate.compare(here, BASELINE)[
            ["better", "better low", "better high", "tables"]
        ]
        ratios = _against_clean(here, test)
        own = _ratio(here, test.sel(condition=CLEAN))
        dirty = _against_clean(_errors(results, "test_by_other").sel(condition=condition), test)
        frame = ratios.assign(**{"to own": own, "by dirty rows": dirty["ratio"]}).join(against)
        parts[condition] = frame.rename(columns={"ratio low": "low", "ratio high": "high"})
    whole = pd.concat(parts, names=["condition", "method"])
    return whole.rename(index=named, level="method")


def _errors(results: xr.Dataset, name: str) -> xr.DataArray:
    return results[name].sel({"metric": "MAE"})


def _against_clean(here: xr.DataArray, test: xr.DataArray) -> pd.DataFrame:
    """Ratios to the MAE loss on clean labels, with their intervals, by method."""
    clean = test.sel({"condition": CLEAN, "method": BASELINE}).transpose("table", "seed")
    ours = here.transpose("method", "table", "seed")
    names = [*map(str, ours["method"].to_numpy()), REFERENCE]
    values = np.concatenate([ours.to_numpy(), clean.to_numpy()[None]])
    both = xr.DataArray(values, {"method": names}, ours.dims)
    return aggregate.compare(both, REFERENCE).drop(index=REFERENCE)[
        ["ratio", "ratio low", "ratio high"]
    ]


def _ratio(here: xr.DataArray, clean: xr.DataArray) -> pd.Series:
    ratios = (here / clean).transpose("method", "table", "seed")
    means = aggregate.interquartile_mean(ratios.fillna(np.inf).to_numpy())
    names = [str(name) for name in here["method"].to_numpy()]
    return pd.Series(means, pd.Index(names, name="method"))


def against(results: xr.Dataset, method: str, baseline: str, by: str = "test") -> dict[str, str]:
    """What a method is against another in each condition: better or worse beyond chance, or even.

    Args:
        results: from `run`, or its summary.
        method: the one that is judged.
        baseline: the one that it is compared with.
        by: ``test``, or ``test_by_other``, where spoiled rows select.
    """
    found = {}
    errors = _errors(results, by).sel({"method": [method, baseline]})
    for condition in map(str, errors["condition"].to_numpy()):
        compared = aggregate.compare(errors.sel(condition=condition), baseline)
        up, down = aggregate.beyond_chance(compared)
        found[condition] = "better" if method in up else "worse" if method in down else "even"
    return found


def verdicts(results: xr.Dataset, baseline: str) -> pd.DataFrame:
    """`against` a baseline of every other method: a line each, a column for each condition."""
    names = [str(name) for name in results["method"].to_numpy() if name != baseline]
    lines = {named(name): against(results, name, baseline) for name in names}
    return pd.DataFrame.from_dict(lines, orient="index").rename_axis(index="method")


def sentence(results: xr.Dataset) -> str:
    """What spoiled labels do to GAR against the MAE, to its parts, and whether a trimmed one helps.

    Empty without the methods and conditions that it is about.
    """
    needed = {"gar", "gar_trimmed", BASELINE, "mae_variance", "mae_and_pearson"}
    conditions = list(map(str, results["condition"].to_numpy()))
    if not needed <= set(results["method"].to_numpy()) or {CLEAN} >= set(conditions):
        return ""
    plain, dirty = (against(results, "gar", BASELINE, by) for by in ("test", "test_by_other"))
    changed = [c for c in conditions if dirty[c] != plain[c]]
    parts = [
        f"With clean labels GAR is {_in_words(plain[CLEAN])} the MAE loss by test MAE across "
        f"{results.sizes['table']} tables; of {len(conditions) - 1} kinds of spoiled labels it is "
        f"{_which(plain)}.",
        "Of the two parts that it adds to the MAE, the MAE with Pearson alone is, against the MAE "
        "with the variance alone, "
        f"{_which(against(results, 'mae_and_pearson', 'mae_variance'))}; against the MAE loss, "
        f"{_which(against(results, 'mae_and_pearson', BASELINE))}.",
        "GAR without the fifth of largest errors is, against GAR, "
        f"{_which(against(results, 'gar_trimmed', 'gar'))}; against the MAE loss, "
        f"{_which(against(results, 'gar_trimmed', BASELINE))}.",
        *_others(results),
        f"Where spoiled rows select, {len(changed) or 'none'} of these {len(conditions)} "
        f"comparisons of GAR with the MAE loss {'comes' if len(changed) == 1 else 'come'} out "
        "otherwise.",
    ]
    return " ".join(parts)


def _others(results: xr.Dataset) -> list[str]:
    """A sentence on the other losses of the paper, if there are any."""
    names = [n for n in map(str, results["method"].to_numpy()) if n in TABULAR[1:] and n != "gar"]
    if not names:
        return []
    found = {name: against(results, name, BASELINE) for name in names}
    for verdict in found.values():
        del verdict[CLEAN]
    better = ", ".join(named(n) for n in names if "better" in found[n].values()) or "none"
    bears = ", ".join(named(n) for n in names if "worse" not in found[n].values()) or "none"
    return [
        f"Of the {len(names)} other losses of the paper, better than the MAE loss with any kind: "
        f"{better}; worse with no kind: {bears}."
    ]


def _in_words(verdict: str) -> str:
    return {"better": "better than", "worse": "worse than", "even": "not told from"}[verdict]


def _which(verdicts: dict[str, str]) -> str:
    """With which spoiled labels a method is better, and worse."""
    spoiled = {name: verdict for name, verdict in verdicts.items() if name != CLEAN}
    found = {
        wanted: ", ".join(name for name, verdict in spoiled.items() if verdict == wanted)
        for wanted in ("better", "worse")
    }
    return f"better with {found['better'] or 'none'}, worse with {found['worse'] or 'none'}"
