"""The statistics of the tables, from their definitions.

Differences are paired fold by fold, [fold]; the ratio of rows held out to rows trained on is 1/4.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from scipy import optimize, special, stats
from stored_files import Array

HELD_OUT = 1 / 4
"""Rows held out over rows trained on, five folds."""
NODES, WEIGHTS = special.roots_legendre(800)


def students(a: Array, b: Array) -> float:
    """The paper's p: two-sided, unpaired, equal variances."""
    n, m = len(a), len(b)
    pooled = (((a - a.mean()) ** 2).sum() + ((b - b.mean()) ** 2).sum()) / (n + m - 2)
    t = (a.mean() - b.mean()) / math.sqrt(pooled * (1 / n + 1 / m))
    return float(2 * stats.t.sf(abs(t), n + m - 2))


def error_folds(d: Array) -> float:
    """Standard error of the mean of Nadeau and Bengio: s sqrt(1/n + 1/4)."""
    return float(d.std(ddof=1) * math.sqrt(1 / len(d) + HELD_OUT))


def difference_error(covariance: Array, a: int, b: int) -> float:
    """Standard error of a difference."""
    return math.sqrt(covariance[a, a] + covariance[b, b] - 2 * covariance[a, b])


def corrected(d: Array, error_rows: float, count: int) -> tuple[float, float, float]:
    """Interval and p of a mean difference: over folds and rows, never surer than over folds.

    Variances add, with Satterthwaite's degrees of freedom of n - 1 folds and N - 1 rows. Where
    the error over the rows is NaN, the folds are all there is.
    """
    mean, folds = float(d.mean()), error_folds(d)
    pairs = [(folds, len(d) - 1.0)]
    if not math.isnan(error_rows):
        both = math.hypot(folds, error_rows)
        parts = folds**4 / (len(d) - 1) + error_rows**4 / (count - 1)
        pairs.append((both, both**4 / parts))
    half = max(error * stats.t.ppf(0.975, free) for error, free in pairs)
    p = max(2 * stats.t.sf(abs(mean) / error, free) for error, free in pairs)
    return mean - half, mean + half, float(p)


def effect(d: Array) -> tuple[float, float, float]:
    """Mean over deviation of the differences, times Hedges' 1 - 3 / (4 (n - 1) - 1), and 95 %.

    The interval: noncentralities of which the corrected t is the upper and the lower 2.5 % point.
    """
    n = len(d)
    unit = math.sqrt(1 / n + HELD_OUT) * (1 - 3 / (4 * (n - 1) - 1))
    t = float(d.mean()) / error_folds(d)
    low, high = (noncentrality(t, n - 1, below) for below in (0.975, 0.025))
    return t * unit, low * unit, high * unit


def noncentrality(t: float, degrees: int, below: float) -> float:
    """The noncentral t distribution that has this much below t.

    T <= t where Z <= t S - noncentrality, with S = sqrt(chi squared / degrees): the mean of a
    normal probability over S, here by Gauss and Legendre's rule.
    """
    end = math.sqrt(stats.chi2.isf(1e-15, degrees) / degrees)
    s = (NODES + 1) / 2 * end
    density = WEIGHTS / 2 * end * stats.chi2.pdf(degrees * s**2, degrees) * 2 * degrees * s

    def excess(shift: float) -> float:
        return float((stats.norm.cdf(t * s - shift) * density).sum()) - below

    return float(optimize.brentq(excess, -5 * abs(t) - 10, 5 * abs(t) + 10))


def holm(p: Sequence[float]) -> list[float]:
    """The smallest p times n, the next times n - 1, and so on; never decreasing, at most 1."""
    found, largest = [0.0] * len(p), 0.0
    for place, index in enumerate(sorted(range(len(p)), key=lambda i: p[i])):
        largest = max(largest, min(1.0, p[index] * (len(p) - place)))
        found[index] = largest
    return found
