"""Statistics reported beside the paper's t-test.

Methods are compared fold by fold: the random numbers and the rows are the same, so the differences
are paired. Where the same folds were trained with several seeds, a fold counts once, with the mean
over its seeds: more seeds make a difference more exact, not the rows more numerous. Training sets
of two folds share most of their rows, so the differences are not independent, and the usual t-test
is too sure of itself. The corrected resampled t-test of Nadeau and Bengio replaces the variance of
the mean, s^2 / n, by s^2 (1/n + r) with r the ratio of rows held out to rows trained on: 1/4 for
five folds. Holm's correction then accounts for the number of competitors.

The ratio r is that of the rows by which training sets differ, a fold, to the rows trained on.

One set of test rows serves all folds, and other rows would give another mean, which no fold shows.
Where the predictions are stored (`studies.predictions`), the variance of the mean over samples of
the test rows is added to that over the folds; the degrees of freedom are Welch and Satterthwaite's.
As there are more of them than the folds have, an interval is never narrower than that of the folds
alone. Otherwise the differences are those on these test rows.

Source: Nadeau and Bengio, "Inference for the Generalization Error", Machine Learning 52 (2003);
Holm, Scandinavian Journal of Statistics 6 (1979); Satterthwaite, Biometrics Bulletin 2 (1946).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray
from scipy import optimize, stats
from scipy.special import ndtr, stdtr, stdtrit

from gar_verify.metrics import LOWER_IS_BETTER
from gar_verify.studies.methods import EVERY_GAR, is_competitor, label
from gar_verify.studies.selection import t_test

TEST = "corrected resampled t-test with Holm's correction"
LEVEL = 0.05
"""Of the tests and, as 1 - LEVEL, of the intervals."""


def compare(selected: xr.Dataset, method: str = "gar") -> pd.DataFrame:
    """One method against every other, for each metric.

    GAR with other constants is no competitor of GAR: its line is corrected by itself.

    Args:
        selected: from `selection.select`, every seed with the same folds.
        method: the one that the others are compared with.

    Returns:
        Lines by (metric, competitor). ``difference``: mean advantage of the method in the units of
        the metric, positive where it is better, with the interval ``low`` to ``high``;
        ``error folds`` and ``error rows``: the standard errors of the folds and of the test rows
        that the interval rests on, the latter NaN where no predictions are stored; ``effect``:
        the difference in standard deviations of the paired differences, with Hedges' correction for
        few of them, and its interval ``effect low`` to ``effect high``, that of a noncentral t;
        ``p published``: the
        paper's test; ``p corrected``: the corrected resampled t-test; ``p holm``: with Holm's
        correction over the competitors; ``survives``: whether that is below 5 %.
    """
    runs = selected["test"].mean("seed", skipna=False).rename(fold="run")
    others = [str(name) for name in selected["method"].to_numpy() if name != method]
    families = [[name for name in others if is_competitor(name, method)]]
    families += [[name] for name in others if not is_competitor(name, method)]
    frame = pd.concat([_against(selected, runs, family, method, -1) for family in families])
    metrics = list(map(str, selected["metric"].to_numpy()))
    frame = frame.reindex(pd.MultiIndex.from_product([metrics, others]))
    published = {other: t_test(selected, method, other) for other in others}
    p = [published[other][metric] for metric, other in frame.index]
    frame.insert(int(frame.columns.get_loc("p holm")), "p published", p)  # type: ignore[arg-type]
    return frame.rename(index=label, level=1).rename_axis(["metric", "competitor"])


def _against(
    selected: xr.Dataset, runs: xr.DataArray, methods: list[str], baseline: str, sign: int = 1
) -> pd.DataFrame:
    """Methods against a baseline by (metric, method); sign -1: the baseline against each.

    ``difference`` is positive where the method is better than the baseline.
    """
    ratio = 1 / (selected.sizes["fold"] - 1)
    lines = []
    for metric in map(str, selected["metric"].to_numpy()):
        gains = sign * _advantages(runs, metric, methods, baseline)
        rows = rows_of(selected, metric, methods, baseline)
        for method, line in zip(methods, _tested(gains, ratio, rows), strict=True):
            lines.append({"metric": metric, "method": method, **line})
    return pd.DataFrame(lines).set_index(["metric", "method"])


def _advantages(
    runs: xr.DataArray, metric: str, methods: list[str], baseline: str
) -> NDArray[np.float64]:
    """How much better methods are than a baseline, [method, run]; the sign is the metric's."""
    sign = 1 if LOWER_IS_BETTER[metric] else -1
    of_metric = runs.sel({"metric": metric}).transpose("method", "run")
    theirs = of_metric.sel({"method": baseline}).to_numpy()
    gains: NDArray[np.float64] = sign * (theirs - of_metric.sel({"method": methods}).to_numpy())
    return gains


class Rows(NamedTuple):
    """What other test rows would change of differences."""

    errors: NDArray[np.float64]
    """Standard errors; NaN where they are not known."""
    number: int = 0
    """Test rows."""


def rows_of(selected: xr.Dataset, metric: str, methods: Sequence[str], baseline: str) -> Rows:
    """What the record of a study says of its test rows, for differences to a baseline."""
    known = selected.attrs.get("rows", {"lines": [], "count": 0})
    if not {baseline, *methods} <= set(known["lines"]):
        return Rows(np.full(len(methods), np.nan))
    at = [known["lines"].index(name) for name in methods]
    one, covariance = (
        known["lines"].index(baseline),
        np.array(known["covariance"][metric], dtype=float),
    )
    variances = covariance[at, at] + covariance[one, one] - 2 * covariance[at, one]
    return Rows(np.sqrt(variances.clip(0)), known["count"])


def _tested(gains: NDArray[np.float64], ratio: float, rows: Rows) -> list[dict[str, float]]:
    """`paired` for each line of [method, run], with Holm's correction over the lines."""
    group = [
        paired(differences, ratio, error, rows.number)
        for differences, error in zip(gains, rows.errors, strict=True)
    ]
    corrected = holm(np.array([line["p corrected"] for line in group]))
    return [
        line | {"p holm": p, "survives": p < LEVEL}
        for line, p in zip(group, corrected, strict=True)
    ]


def paired(
    differences: NDArray[np.float64], ratio: float, error_rows: float = np.nan, rows: int = 0
) -> dict[str, float]:
    """`corrected`, with the effect size and its interval, which are of the folds alone.

    Raises:
        ValueError: for fewer than two differences.
    """
    line = corrected(differences, ratio, error_rows, rows)
    n, deviation = len(differences), differences.std(ddof=1)
    hedges = 1 - 3 / (4 * (n - 1) - 1)
    with np.errstate(divide="ignore", invalid="ignore"):  # no spread at all
        effect = line["difference"] / deviation * hedges
        unit = line["error folds"] / deviation * hedges
        t = np.float64(line["difference"]) / line["error folds"]
        low, high = (unit * bound for bound in _noncentralities(t, n - 1))
    return {
        **{key: line[key] for key in ("difference", "low", "high", "error folds", "error rows")},
        "effect": effect,
        "effect low": low,
        "effect high": high,
        "p corrected": line["p corrected"],
    }


def corrected(
    differences: NDArray[np.float64], ratio: float, error_rows: float = np.nan, rows: int = 0
) -> dict[str, float]:
    """The corrected resampled t-test of paired differences, with the standard errors of the mean.

    Args:
        differences: one for each fold and seed, at least two.
        ratio: rows held out over rows trained on.
        error_rows: standard error of the mean over samples of the test rows; NaN: not known, and
            the difference is one on these rows.
        rows: how many test rows there are.

    Raises:
        ValueError: for fewer than two differences.
    """
    n = len(differences)
    if n < 2:
        raise ValueError(f"a paired test needs at least two differences, got {n}")
    mean = differences.mean()
    folds = differences.var(ddof=1) * (1 / n + ratio)
    reach, p = _reach(mean, folds, n - 1)
    if not np.isnan(error_rows):
        both = folds + error_rows**2
        degrees = both**2 / (folds**2 / (n - 1) + error_rows**4 / (rows - 1)) if both else n - 1
        # More degrees of freedom than the folds have must not make it surer than they are.
        reach, p = np.fmax(_reach(mean, both, degrees), (reach, p))
    return {
        "difference": mean,
        "low": mean - reach,
        "high": mean + reach,
        "error": np.sqrt(folds + np.nan_to_num(error_rows) ** 2),
        "error folds": np.sqrt(folds),
        "error rows": error_rows,
        "p corrected": p,
    }


def _reach(mean: float, variance: float, degrees: float) -> tuple[float, float]:
    """Half an interval around a mean, and its p; NaN where there is neither mean nor spread."""
    error = np.sqrt(variance)
    with np.errstate(divide="ignore", invalid="ignore"):  # no spread at all: p is 0 or NaN
        p = 2 * stdtr(degrees, -abs(np.float64(mean) / error))
    return float(stdtrit(degrees, 1 - LEVEL / 2) * error), float(p)


@cache  # a report, its pages and the claims ask for the same ones
def _noncentralities(t: float, degrees: int) -> tuple[float, float]:
    """The noncentral t distributions of which t is the upper, and the lower, end; NaN for no t.

    T <= t where Z + noncentrality <= t U, with Z normal and U the root of a chi-squared variable
    over its degrees of freedom: the mean of a normal probability over U. (SciPy's own function
    gives NaN for large t.)
    """
    if not np.isfinite(t):
        return np.nan, np.nan
    roots, weights = chi_over_root(degrees)
    # A tenth of the roots gives 1e-11 where the normal probability changes little between them,
    # and the density of U at 0 not at once.
    if degrees > 2 and abs(t) * roots[10] < 0.7:
        roots, weights = roots[::10], 10 * weights[::10]
    ends = t * roots
    reach = 10 + 2 * float(np.abs(ends).max())

    def bound(probability: float) -> float:
        def excess(shift: float) -> float:
            return float(weights @ ndtr(ends - shift)) - probability

        return float(optimize.brentq(excess, -reach, reach, xtol=1e-10))

    return bound(1 - LEVEL / 2), bound(LEVEL / 2)


@cache
def chi_over_root(degrees: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Values of U, see `_noncentralities`, and weights with which a sum over them is a mean."""
    root = np.sqrt(degrees)
    values, step = np.linspace(0, stats.chi.isf(1e-14, degrees) / root, 10_001, retstep=True)
    weights = step * root * stats.chi.pdf(values * root, degrees)
    weights[[0, -1]] /= 2  # the trapezoidal rule
    return values, weights


def holm(p: NDArray[np.float64], weights: Sequence[float] | None = None) -> NDArray[np.float64]:
    """Holm's correction of some p values; NaN stays NaN and counts as a test.

    ``weights``, up to a common factor, share the level among the tests: the weighted form of the
    correction, in Holm's own paper; default: alike.

    >>> holm(np.array([0.01, 0.04, 0.03])).round(4).tolist()
    [0.03, 0.06, 0.06]
    >>> holm(np.array([0.02, 0.01, 0.03]), [2, 1, 1]).round(4).tolist()
    [0.04, 0.04, 0.04]
    """
    shares = np.ones(len(p)) if weights is None else np.asarray(weights)
    order = np.argsort(p / shares)  # NaN last
    left = shares[order][::-1].cumsum()[::-1]  # of those not yet rejected
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(np.maximum.accumulate(p[order] * left / shares[order]), 1)
    return adjusted


def sentence(comparison: pd.DataFrame, method: str, study: str, metric: str = "MAE") -> str:
    """Which differences of a metric survive the corrections, in one honest sentence."""
    lines = pd.DataFrame(comparison.xs(metric))
    variants = {label(name) for name in EVERY_GAR if not is_competitor(name, method)}
    lines = lines[~lines.index.isin(variants)]
    absent = lines[lines["difference"].isna()]
    lines = lines.drop(index=absent.index)
    better, survives = lines["difference"] > 0, lines["survives"]
    if lines.empty:
        return ""
    of_rows = lines["error rows"].notna().all()
    test = f"{TEST} over folds and test rows" if of_rows else f"{TEST}, on these test rows"
    parts = [
        f"{study}: by test {metric}, {label(method)} is better on average than {better.sum()} of "
        f"{len(lines)} methods",
        f"than {_names(lines[better & survives])} by more than chance ({test}, 5 %)"
        if (better & survives).any()
        else f"no such difference survives the {test} at 5 %",
    ]
    if (~better & survives).any():
        parts.append(f"it is worse than {_names(lines[~better & survives])} by more than chance")
    if len(absent):
        parts.append(f"of {_names(absent)} a training gave no number")
    return "; ".join(parts) + "."


def _names(lines: object) -> str:
    return ", ".join(map(str, pd.DataFrame(lines).index))  # type: ignore[call-overload]
