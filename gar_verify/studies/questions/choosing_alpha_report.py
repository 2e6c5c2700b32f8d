"""What follows from the study of alpha: ways to choose it, and what each of them costs.

A policy gives one alpha for a table and a seed. Its regret is its test error over that of the best
alpha in hindsight, less 1. Hindsight picks among nine noisy numbers, so it is too good: even if
alpha did not matter at all, every policy would have some regret. Comparisons of two policies do not
suffer from that.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import xarray as xr
from scipy import stats

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
from gar_verify.studies.statistics import LEVEL

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
    lines = {condition: compared(results, condition, "MAE") for condition in CONDITIONS}
    sizes, both = results.sizes, (STANDARDISED, RAW)
    worth = " and ".join(f"{_against_default(lines[c], TUNED)} on {c} targets" for c in both)
    chosen = " and ".join(
        f"{_elsewhere(results, c)} on {c} targets, {_against_default(lines[c], ELSEWHERE)}"
        for c in both
    )
    return (
        f"{NAME}, {sizes['table']} tables and {sizes['seed']} seeds, test MAE: to choose alpha of "
        f"{len(ALPHAS)} by validation is {worth}. {_scale(results, lines)} The fixed alpha that is "
        f"best on all other tables is {chosen}."
    )


def _against_default(lines: pd.DataFrame, name: str) -> str:
    better, worse = aggregate.beyond_chance(lines)
    sure = (
        "not better" if name not in (*better, *worse) else "better" if name in better else "worse"
    )
    line, default = lines.loc[name], lines.loc[fixed(DEFAULT)]
    return (
        f"{sure} by more than chance than {DEFAULT:g} (probability of improvement "
        f"{line['better']:.2f}, 95 % interval {line['better low']:.2f} to "
        f"{line['better high']:.2f}; {line['regret']:.1f} % above the best in hindsight, not "
        f"{default['regret']:.1f} %)"
    )


def _elsewhere(results: xr.Dataset, condition: str) -> str:
    chosen = best_elsewhere(over_hindsight(of_alphas(results, condition, "MAE")))
    return " or ".join(f"{alpha:g}" for alpha in np.unique(chosen))


def decides(changed: int, comparisons: int) -> bool:
    """Whether so many changes are more than chance gives, each comparison being wrong at 5 %.

    >>> decides(1, 6), decides(2, 6)
    (False, True)
    """
    return bool(stats.binom.sf(changed - 1, comparisons, LEVEL) < LEVEL)


def _scale(results: xr.Dataset, lines: Mapping[str, pd.DataFrame]) -> str:
    found = of_scale(results)
    smaller, larger = aggregate.beyond_chance(found.set_axis(range(len(found))))
    words = ["no different"] * len(found)
    for word, places in (("smaller", smaller), ("larger", larger)):
        for place in map(int, places):
            words[place] = word
    changed = len(smaller) + len(larger)
    sure = decides(changed, len(words))
    said = dict(zip(found.index, words, strict=True))
    lost = {c: float(of["regret"].loc[fixed(DEFAULT)]) for c, of in lines.items()}
    losses = [f"{lost[c]:.1f} % {_where(c)} ({said[fixed(DEFAULT), c]})" for c in CONDITIONS[1:]]
    best = [f"{said[HINDSIGHT, c]} {_where(c)}" for c in CONDITIONS[1:]]
    return (
        f"The scale of the target {'decides' if sure else 'is not shown to decide'}: "
        f"{changed} of {len(words)} comparisons with standardised targets "
        f"{'differs' if changed == 1 else 'differ'} by more than chance; "
        f"{DEFAULT:g} loses {lost[STANDARDISED]:.1f} % there, "
        f"{_listed(losses)}, and the best alpha in hindsight is {_listed(best)}."
    )


def _where(condition: str) -> str:
    return f"at {SCALES[condition]:g} times" if condition in SCALES else f"on {condition} ones"


def _listed(words: Sequence[str]) -> str:
    return f"{', '.join(words[:-1])} and {words[-1]}"
