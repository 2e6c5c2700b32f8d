"""The paper's selection rule, and what its tables report of the selected candidates.

For each fold and each metric by itself: of all weight decays, learning rates, hyper-parameters and
epochs, the candidate with the best validation value of that metric; a later one must be strictly
better, and NaN never wins. Its test value is what counts. The table shows the mean of the folds and
their standard deviation (divided by the number of folds), the gain over a competitor in per cent,
and an unpaired two-sided t-test with equal variances, uncorrected.

(A dimension called ``method`` is chosen by ``sel({"method": name})``: the keyword ``method`` of
xarray's ``sel`` means something else.)
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import xarray as xr
from scipy import stats

from gar_verify.metrics import LOWER_IS_BETTER
from gar_verify.studies.methods import is_competitor

CANDIDATES = ("weight_decay", "learning_rate", "hyperparameter", "epoch")
"""Dimensions selected over, the outermost first: of equals, the first in this order wins."""


def select(results: xr.Dataset, over: tuple[str, ...] = CANDIDATES) -> xr.Dataset:
    """Best candidate by validation, for each metric and everything else that is not selected over.

    Args:
        results: with ``metrics`` over ``over``, ``split``, ``metric`` and any others; or what was
            selected already, which is returned as it is.
        over: the dimensions of the candidates, the outermost first.

    Returns:
        ``test`` and ``validation`` of the selected candidates, and which they are (``selected_...``
        for each dimension of ``over``); NaN or -1 where every candidate is NaN.
    """
    if "test" in results:
        return results
    scores = results["metrics"].astype(float).stack(candidate=over)
    validation = scores.sel(split="validation", drop=True)
    rank = validation * _signs(validation["metric"])
    rank = rank.where(np.isfinite(rank), np.inf)
    best = rank.argmin("candidate")
    none = ~np.isfinite(rank.min("candidate"))
    chosen = scores.isel(candidate=best).drop_vars(["candidate", *over])
    shape = [results.sizes[dim] for dim in over]
    positions = np.unravel_index(best.to_numpy(), shape)
    selected = xr.Dataset(
        {part: chosen.sel(split=part, drop=True).where(~none) for part in ("validation", "test")}
    )
    for dim, position in zip(over, positions, strict=True):
        values = results[dim].to_numpy()[position]
        missing = -1 if np.issubdtype(values.dtype, np.integer) else np.nan
        selected[f"selected_{dim}"] = best.copy(data=values).where(~none, missing)
    return selected.drop_vars("candidate", errors="ignore").assign_attrs(results.attrs)


def summarize(selected: xr.Dataset) -> xr.Dataset:
    """Mean and standard deviation (1/5) over the folds, as the paper reports; seeds are folds too.

    A study need not have both.

    Dimensions left: method and metric.
    """
    runs = selected["test"].stack(run=[d for d in ("seed", "fold") if d in selected["test"].dims])
    return xr.Dataset(
        {"mean": runs.mean("run", skipna=False), "std": runs.std("run", ddof=0, skipna=False)}
    )


def gain(selected: xr.Dataset, method: str | list[str], baseline: str) -> pd.Series:
    """Improvement of a method over a baseline in per cent of the baseline, by metric.

    Of several methods by metric and method. Positive is better, for errors as for correlations.
    """
    mean = summarize(selected)["mean"]
    ours, theirs = mean.sel({"method": method}), mean.sel({"method": baseline})
    return (_signs(mean["metric"]) * (theirs - ours) / abs(theirs) * 100).to_series()


def t_test(selected: xr.Dataset, method: str, baseline: str) -> pd.Series:
    """p values of the paper's test by metric: two-sided, equal variances, unpaired, uncorrected.

    With several seeds, a fold counts once, with the mean over its seeds; the paper has one seed.
    """
    runs = selected["test"].mean("seed", skipna=False).rename(fold="run")
    moments = [
        number
        for name in (method, baseline)
        for number in _moments(runs.sel({"method": name}).transpose("run", ...).to_numpy())
    ]
    with np.errstate(divide="ignore", invalid="ignore"):  # no spread at all: p is 0 or NaN
        p = stats.ttest_ind_from_stats(*moments).pvalue
    return pd.Series(p, index=pd.Index(runs["metric"].to_numpy(), name="metric"))


def best_competitor(selected: xr.Dataset, method: str) -> pd.Series:
    """The best of the other methods by test mean, for each metric; see `methods.is_competitor`."""
    names = [str(name) for name in selected["method"].to_numpy()]
    others = [name for name in names if is_competitor(name, method)]
    mean = summarize(selected)["mean"].sel({"method": others})
    worse = (mean * _signs(mean["metric"])).transpose("metric", "method").fillna(np.inf)
    best = np.array(others)[worse.argmin("method").to_numpy()]
    return pd.Series(best, index=pd.Index(mean["metric"].to_numpy(), name="metric"))


def _moments(runs: np.ndarray) -> tuple[np.ndarray, np.ndarray, int]:
    return runs.mean(0), runs.std(0, ddof=1), len(runs)


def _signs(metric: xr.DataArray) -> xr.DataArray:
    """1 where lower is better, -1 where higher is."""
    return metric.copy(data=[1 if LOWER_IS_BETTER[name] else -1 for name in metric.to_numpy()])
