"""What follows from the study of alpha: ways to choose it, and what each of them costs.

A policy gives one alpha for a table and a seed. Its regret is its test error over that of the best
alpha in hindsight, less 1. Hindsight picks among nine noisy numbers, so it is too good: even if
alpha did not matter at all, every policy would have some regret. Comparisons of two policies do not
suffer from that.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import xarray as xr

from gar_verify.losses.registry import get_spec
from gar_verify.metrics import LOWER_IS_BETTER
from gar_verify.studies.questions import aggregate
from gar_verify.studies.questions.choosing_alpha import (
    ALPHAS,
    CONDITIONS,
    MAE,
    NAME,
    RAW,
    SCALES,
    STANDARDISED,
    at,
)

DEFAULT = 0.5
"""The paper's alpha where it does not tune."""
FIXED = (DEFAULT, 1.0)

SHORT, TUNED = "tuned over 3", f"tuned over {len(ALPHAS)}"
GRIDS = {SHORT: get_spec("gar").tabular_grid, TUNED: ALPHAS}
"""Policies that choose by validation, and among which alphas: the paper's three, and all."""
ELSEWHERE = "best elsewhere"
"""The fixed alpha that is best on all other tables."""
HINDSIGHT = "best in hindsight"
METRICS = ("MAE", "RMSE", "Pearson")
"""Of the table; a correlation counts as its distance from 1."""


def fixed(alpha: float) -> str:
    """The name of the policy that always takes an alpha."""
    return f"alpha {alpha:g}"


def errors(results: xr.Dataset, condition: str, metric: str, part: str = "test") -> xr.DataArray:
    """Errors (method, table, seed), or distances of correlations from 1; infinite without a number.

    Methods that are not trained in the condition are left out.
    """
    values = results[part].sel({"condition": condition, "metric": metric}).astype(float)
    values = values.dropna("method", how="all").transpose("method", "table", "seed")
    return (values if LOWER_IS_BETTER[metric] else 1 - values).fillna(np.inf)


def of_alphas(results: xr.Dataset, condition: str, metric: str, part: str = "test") -> xr.DataArray:
    """As `errors`, of GAR alone: (alpha, table, seed)."""
    found = errors(results, condition, metric, part).sel(
        {"method": [at(alpha) for alpha in ALPHAS]}
    )
    return found.rename(method="alpha").assign_coords(alpha=list(ALPHAS))


def over_hindsight(test: xr.DataArray) -> xr.DataArray:
    """Test errors (alpha, table, seed) divided by the smallest over alpha: 1 + regret."""
    return test / test.min("alpha")


def best_elsewhere(ratios: xr.DataArray) -> xr.DataArray:
    """For each table, the alpha with the lowest interquartile mean on all other tables.

    Args:
        ratios: (alpha, table, seed), from `over_hindsight`.
    """
    values = ratios.transpose("alpha", "table", "seed").to_numpy()
    chosen = [
        ratios["alpha"].to_numpy()[aggregate.interquartile_mean(np.delete(values, i, 1)).argmin()]
        for i in range(values.shape[1])
    ]
    return xr.DataArray(chosen, {"table": ratios["table"]}, name="alpha")


def policies(results: xr.Dataset, condition: str, metric: str) -> xr.DataArray:
    """Test errors of every policy, and of MAE where it was trained: (method, table, seed)."""
    test = of_alphas(results, condition, metric)
    validation = of_alphas(results, condition, metric, "validation")
    lines = {fixed(alpha): test.sel(alpha=alpha) for alpha in FIXED}
    for name, alphas in GRIDS.items():
        lines[name] = test.sel(alpha=validation.sel(alpha=list(alphas)).idxmin("alpha"))
    if test.sizes["table"] > 1:
        lines[ELSEWHERE] = test.sel(alpha=best_elsewhere(over_hindsight(test)))
    lines[HINDSIGHT] = test.min("alpha")
    everything = errors(results, condition, metric)
    if MAE in everything["method"]:
        lines["MAE"] = everything.sel({"method": MAE})
    found = [line.drop_vars(["alpha", "method"], errors="ignore") for line in lines.values()]
    return xr.concat(found, "method").assign_coords(method=list(lines))


def compared(results: xr.Dataset, condition: str, metric: str) -> pd.DataFrame:
    """Every policy but hindsight, across tables and seeds.

    Returns:
        By policy ``regret`` in per cent, an interquartile mean, and ``better``, the probability
        that it has the smaller error than the default on the same rows, both with ``low`` and
        ``high`` ends of 95 % intervals; ``tables``, on how many its mean over the seeds is smaller.
    """
    scores = policies(results, condition, metric)
    ratio = aggregate.compare(scores, HINDSIGHT)
    regret = 100 * (ratio[["ratio", "ratio low", "ratio high"]] - 1)
    against = aggregate.compare(scores, fixed(DEFAULT))
    frame = regret.rename(columns=lambda name: name.replace("ratio", "regret"))
    frame = frame.join(against[["better", "better low", "better high", "tables"]])
    return frame.drop(index=HINDSIGHT).rename_axis("policy")


def table(results: xr.Dataset) -> pd.DataFrame:
    """The policies by (metric, condition, policy): see `compared`."""
    lines = {
        (metric, condition): compared(results, condition, metric)
        for metric in METRICS
        for condition in CONDITIONS
    }
    return pd.concat(lines, names=["metric", "condition"])


def of_scale(results: xr.Dataset, metric: str = "MAE") -> pd.DataFrame:
    """What the scale changes: every condition against standardised targets, on the same rows.

    Returns:
        By (quantity, condition) as `aggregate.compare`. The quantities are the default's error over
        that of the best alpha in hindsight, and that alpha itself: ``ratio`` above 1 or ``better``
        below one half says that it is larger.
    """
    by_condition = [of_alphas(results, condition, metric) for condition in CONDITIONS]
    quantities = {
        fixed(DEFAULT): [over_hindsight(test).sel(alpha=DEFAULT) for test in by_condition],
        HINDSIGHT: [test.idxmin("alpha") for test in by_condition],
    }
    lines = {}
    for name, values in quantities.items():
        found = [value.drop_vars("alpha", errors="ignore") for value in values]
        scores = xr.concat(found, "method").assign_coords(method=list(CONDITIONS))
        lines[name] = aggregate.compare(scores, STANDARDISED).drop(index=STANDARDISED)
    return pd.concat(lines, names=["quantity", "condition"])


# --- in words -------------------------------------------------------------------------------------


def sentence(results: xr.Dataset) -> str:
    """Whether tuning pays, whether the scale decides, and what the rule of thumb is worth."""
    sizes = results.sizes
    worth = " and ".join(_worth(results, condition) for condition in (STANDARDISED, RAW))
    return (
        f"{NAME}, {sizes['table']} tables and {sizes['seed']} seeds, test MAE: to choose alpha of "
        f"{len(ALPHAS)} by validation is {worth}. {_scale(results)} {_rule(results)}"
    )


def _worth(results: xr.Dataset, condition: str) -> str:
    lines = compared(results, condition, "MAE")
    ours, default = lines.loc[TUNED], lines.loc[fixed(DEFAULT)]
    return (
        f"{_verdict(lines, TUNED)} than {DEFAULT:g} on {condition} targets (probability of "
        f"improvement {_with_interval(ours, 'better')}; {ours['regret']:.1f} % above the best "
        f"alpha in hindsight against {default['regret']:.1f} %)"
    )


def _verdict(lines: pd.DataFrame, name: str) -> str:
    better, worse = aggregate.beyond_chance(lines)
    if name in better:
        return "better by more than chance"
    return "worse by more than chance" if name in worse else "not better by more than chance"


def _scale(results: xr.Dataset) -> str:
    found = of_scale(results)
    words = {
        quantity: [_changed(found.xs(quantity), condition) for condition in CONDITIONS[1:]]
        for quantity in (fixed(DEFAULT), HINDSIGHT)
    }
    changed = {word.split()[0] for of in words.values() for word in of} - {"unchanged"}
    return (
        f"The scale of the target {'decides' if changed else 'does not decide'} by more than "
        f"chance: against standardised targets, the loss from {DEFAULT:g} is "
        f"{_listed(words[fixed(DEFAULT)])}, and the best alpha in hindsight is "
        f"{_listed(words[HINDSIGHT])}."
    )


def _changed(lines: pd.DataFrame, condition: str) -> str:
    smaller, larger = aggregate.beyond_chance(lines)
    if condition not in (*smaller, *larger):
        return f"unchanged {_where(condition)}"
    return f"{'larger' if condition in larger else 'smaller'} {_where(condition)}"


def _where(condition: str) -> str:
    if condition == RAW:
        return "on raw ones"
    return f"where the loss sees {SCALES[condition]:g} times the target"


def _listed(words: Sequence[str]) -> str:
    return f"{', '.join(words[:-1])} and {words[-1]}"


def _rule(results: xr.Dataset) -> str:
    parts = []
    for condition in (STANDARDISED, RAW):
        lines = compared(results, condition, "MAE")
        chosen = best_elsewhere(over_hindsight(of_alphas(results, condition, "MAE")))
        alphas = "/".join(f"{alpha:g}" for alpha in np.unique(chosen))
        parts.append(
            f"{alphas} on {condition} targets, {_verdict(lines, ELSEWHERE)} than {DEFAULT:g} "
            f"({_with_interval(lines.loc[ELSEWHERE], 'better')})"
        )
    return f"The alpha that was best on all other tables is {' and '.join(parts)}."


def _with_interval(line: pd.Series, name: str) -> str:
    return (
        f"{line[name]:.2f}, 95 % interval {line[f'{name} low']:.2f} to {line[f'{name} high']:.2f}"
    )
