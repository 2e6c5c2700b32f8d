"""What holds across tables and seeds: interquartile means and probabilities of improvement.

Scores of different tables have no common unit, so a score is divided by that of a baseline on the
same rows. Of these ratios the interquartile mean is reported, the mean of their middle half, which
one table cannot decide; and the probability of improvement, how often a method is better on the
same rows, ties counting half, averaged over the tables. The intervals are those of a bootstrap of
two levels: tables are drawn, and for each the seeds, so they speak of other tables, as far as these
are a sample of them. All methods are resampled together.

Source: Agarwal et al., "Deep Reinforcement Learning at the Edge of the Statistical Precipice",
NeurIPS 2021, whose bootstrap draws the seeds alone.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray
from scipy import stats

from gar_verify.studies.statistics import LEVEL

RESAMPLES = 2000
TRIMMED = 0.25
"""Of the scores at either end that an interquartile mean leaves out."""

Scores = NDArray[np.float64]


def interquartile_mean(scores: Scores) -> Scores:
    """Mean of the middle half of all numbers in the last two axes.

    >>> float(interquartile_mean(np.array([[0.0, 1.0, 2.0, 99.0]])))
    1.5
    """
    flat = scores.reshape(*scores.shape[:-2], -1)
    mean: Scores = np.asarray(stats.trim_mean(flat, TRIMMED, axis=-1))
    return mean


def improvement(ours: Scores, theirs: Scores) -> Scores:
    """How often ours are lower, ties counting half, a mean over the last two axes.

    >>> float(improvement(np.array([[1.0, 2.0]]), np.array([[1.0, 3.0]])))
    0.75
    """
    share: Scores = ((ours < theirs) + 0.5 * (ours == theirs)).mean((-2, -1))
    return share


def resampled(scores: Scores, resamples: int = RESAMPLES, seed: int = 0) -> Scores:
    """Scores [method, table, seed] of tables drawn anew, and for each of seeds drawn anew.

    Returns:
        [resample, method, table, seed]; the same draws for all methods.
    """
    _, tables, seeds = scores.shape
    rng = np.random.default_rng(seed)
    of_table = rng.integers(tables, size=(resamples, tables, 1))
    of_seed = rng.integers(seeds, size=(resamples, tables, seeds))
    return np.moveaxis(scores[:, of_table, of_seed], 0, 1)


def compare(scores: xr.DataArray, baseline: str) -> pd.DataFrame:
    """Every method against a baseline across tables.

    Args:
        scores: (table, seed, method), positive, lower is better; a training without a number is
            worse than any that has one.
        baseline: the method that the others are compared with.

    Returns:
        By method, the baseline included: ``ratio``, the interquartile mean of its scores divided by
        those of the baseline on the same rows; ``better``, the probability that it is better on the
        same rows; both with ``low`` and ``high`` ends of 95 % intervals; ``tables``, on how many
        its mean over the seeds is better.
    """
    names = [str(name) for name in scores["method"].to_numpy()]
    values = scores.transpose("method", "table", "seed").fillna(np.inf).to_numpy().astype(float)
    place = names.index(baseline)
    if not np.isfinite(values[place]).all():
        raise ValueError(f"a training of {baseline}, the baseline, gave no number")
    lines = dict(zip(names, _lines(values.tobytes(), values.shape, place), strict=True))
    return pd.DataFrame.from_dict(lines, orient="index").rename_axis("method")


@cache  # a table, its sentence, its figure and its page ask for the same ones
def _lines(scores: bytes, shape: tuple[int, ...], baseline: int) -> list[dict[str, float]]:
    """The line of each method, from the bytes of the scores [method, table, seed]."""
    values = np.frombuffer(scores).reshape(shape)
    many, base = resampled(values), values[baseline]
    again = many[:, baseline]
    return [
        {
            "ratio": float(interquartile_mean(own / base)),
            **_interval("ratio", interquartile_mean(many[:, i] / again)),
            "better": float(improvement(own, base)),
            **_interval("better", improvement(many[:, i], again)),
            "tables": int((own.mean(1) < base.mean(1)).sum()),
        }
        for i, own in enumerate(values)
    ]


def _interval(name: str, values: Scores) -> dict[str, float]:
    ends = LEVEL / 2, 1 - LEVEL / 2
    low, high = np.quantile(values, ends, method="inverted_cdf")  # between inf there is no mean
    return {f"{name} low": float(low), f"{name} high": float(high)}


def beyond_chance(comparison: pd.DataFrame) -> tuple[list[str], list[str]]:
    """Methods that are better than the baseline, and worse, wherever the interval of ``better`` is.

    >>> lines = {"a": (0.6, 0.9), "b": (0.4, 0.6), "c": (0.1, 0.3)}
    >>> frame = pd.DataFrame.from_dict(lines, "index", columns=["better low", "better high"])
    >>> beyond_chance(frame)
    (['a'], ['c'])
    """
    up = comparison.index[comparison["better low"] > 0.5]
    down = comparison.index[comparison["better high"] < 0.5]
    return list(map(str, up)), list(map(str, down))
