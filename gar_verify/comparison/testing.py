"""Which differences between losses are more than chance, and how large one must be to be seen.

Methods are compared with MAE fold by fold. Folds share training rows, so the test is the corrected
resampled one of Nadeau and Bengio (see `studies.statistics`). One family holds every test that the
sentence of a target speaks of: each loss, by each metric, with Holm's correction. Where there is a
first question (GAR against MAE, by MAE) it has half of the 5 %, and the others share the rest: the
weighted form of the correction, in Holm's own paper.

The detectable difference is the true difference in MAE that the test would find with a probability
of `POWER`, given the spread of the differences seen: the noncentrality of t at which it exceeds, so
often, the critical value of the first and strictest step of the correction, times the standard
error.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray
from scipy import optimize, stats
from scipy.special import ndtr

from gar_verify.comparison.scoring import LOWER_IS_BETTER
from gar_verify.studies import statistics
from gar_verify.studies.statistics import LEVEL

SHARE_OF_FIRST = 0.5
"""Of the level, for the first question."""

POWER = 0.8
"""Probability with which a difference as large as the detectable one is found."""


def against(
    scores: xr.DataArray,
    baseline: str,
    family: Sequence[str],
    ratio: float,
    *,
    first: tuple[str, str] | None = None,
    same_folds: bool = False,
) -> pd.DataFrame:
    """Every method against the baseline, by metric and method.

    Args:
        scores: (method, seed, fold, metric).
        baseline: the method that the others are compared with.
        family: methods whose tests are adjusted together, over all metrics; of the others
            ``p adjusted`` is NaN.
        ratio: rows held out over rows trained on.
        first: metric and method of the first question, if there is one.
        same_folds: whether every seed has the same folds; a fold counts once then, with the mean
            over the seeds.

    Returns:
        As `statistics.corrected`, ``difference`` positive where the method is better than the
        baseline; ``error``, its standard error; ``p adjusted``; ``survives``, whether that is
        below 5 %; ``detectable``, see the text of the module.
    """
    gains = differences(scores, baseline, same_folds=same_folds)
    lines = {which: _tested(values, ratio) for which, values in gains.items()}
    columns = ["difference", "low", "high", "error", "p corrected"]
    frame = pd.DataFrame.from_dict(lines, orient="index", columns=columns)
    frame.index = pd.MultiIndex.from_tuples(lines, names=["metric", "method"])
    together = frame.index.get_level_values("method").isin(family)
    weights = _weights(frame.index[together], first)
    frame["p adjusted"] = np.nan
    p = frame.loc[together, "p corrected"].to_numpy(dtype=float)
    frame.loc[together, "p adjusted"] = statistics.holm(p, weights)
    frame["survives"] = frame["p adjusted"] < LEVEL
    count = len(next(iter(gains.values())))
    reach = {weight: detectable(count - 1, LEVEL * weight) for weight in set(weights)}
    frame["detectable"] = np.nan
    frame.loc[together, "detectable"] = [reach[weight] for weight in weights]
    frame["detectable"] *= frame["error"]
    return frame


def _weights(family: pd.Index, first: tuple[str, str] | None) -> list[float]:
    """Shares of the level, one for each test of the family."""
    count = len(family)
    if first not in family or count == 1:
        return [1 / max(1, count)] * count
    others = (1 - SHARE_OF_FIRST) / (count - 1)
    return [SHARE_OF_FIRST if test == first else others for test in family]


def differences(
    scores: xr.DataArray, baseline: str, *, same_folds: bool
) -> dict[tuple[str, str], NDArray[np.float64]]:
    """How much better each method is than the baseline, run by run, for (metric, method)."""
    if same_folds:
        scores = scores.mean("seed", skipna=False, keepdims=True)
    each = scores.transpose("metric", "method", "seed", "fold")
    runs = each.to_numpy().reshape(*each.shape[:2], -1)
    metrics, methods = (list(map(str, scores[name].to_numpy())) for name in ("metric", "method"))
    found = {}
    for metric, of_metric in zip(metrics, runs, strict=True):
        sign = 1 if LOWER_IS_BETTER[metric] else -1
        theirs = of_metric[methods.index(baseline)]
        for method, own in zip(methods, of_metric, strict=True):
            if method != baseline:
                found[metric, method] = sign * (theirs - own)
    return found


@cache
def detectable(degrees: int, level: float = LEVEL) -> float:
    """The smallest true difference that is found with probability `POWER`, in standard errors.

    Args:
        degrees: of freedom of the t-test.
        level: of the test.

    >>> round(detectable(10**6), 2)  # 1.96 + 0.84
    2.8
    """
    critical = stats.t.ppf(1 - level / 2, degrees)
    roots, weights = statistics.chi_over_root(degrees)

    def excess(shift: float) -> float:
        return float(weights @ ndtr(shift - critical * roots)) - POWER

    return float(optimize.brentq(excess, 0, 10 + 10 * critical))


def _tested(gains: NDArray[np.float64], ratio: float) -> dict[str, float]:
    """`statistics.corrected`; no difference at all has a p of 1."""
    found = statistics.corrected(gains, ratio)
    return found if gains.any() else found | {"p corrected": 1.0}
