"""Peaks of a curve that a method recovered, counted by a rule instead of by eye.

The truth crosses zero between its extrema, so every extremum, up or down, has a half-wave of its
own. On it the *chord* is the straight line between the values at its two ends, and a curve's rise
is how far it gets from its chord, in the direction of the peak, where it does so most. The peak
counts as recovered if the prediction rises at least half as far as the truth, and at most twice as
far.

Why so: measured from the chord, an offset or a slope of the prediction, which a network that has
given up still has, is no peak; a wave in the wrong direction is none either; half the height is
where a reader begins to see the wave, and a peak slightly beside its place still counts.
Peaks lower than `VISIBLE` of the highest one are left out: on a figure they are hardly more than
the width of its lines.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray
from scipy.signal import find_peaks

from gar_verify.studies import summaries
from gar_verify.studies.methods import SHOWN

LEAST, MOST = 0.5, 2.0
"""Of the rise of the truth: what a recovered peak rises at least, and at most."""

VISIBLE = 0.05
"""Of the highest peak: what is lower is not counted."""

TRUTH = "truth"
"""Stands for a method where the heights of the curve itself are written."""

SUFFIX = "_peaks"
"""Of the summary's name, after that of the study."""

Array = NDArray[np.float64]


def peaks_of(y: Array) -> list[tuple[int, int, int]]:
    """The peaks of a curve (n,), up and down: position, and both ends of the half-wave.

    A half-wave that an end of the curve cuts off counts if the curve is as good as zero there.

    >>> peaks_of(np.sin(np.linspace(0, 2 * np.pi, 9)).round(9))
    [(2, 0, 4), (6, 4, 8)]
    """
    height = np.abs(y)
    edges = [end for end in (0, len(y) - 1) if height[end] < VISIBLE * height.max()]
    found = []
    for k in find_peaks(height)[0]:
        opposite = np.union1d(np.flatnonzero(y * np.sign(y[k]) <= 0), edges).astype(int)
        before, after = opposite[opposite < k], opposite[opposite > k]
        if len(before) and len(after) and height[k] >= VISIBLE * height.max():
            found.append((int(k), int(before[-1]), int(after[0])))
    return found


def rise(x: Array, curve: Array, peak: tuple[int, int, int], sign: float) -> float:
    """How far a curve (n,) rises from its chord on a half-wave, ``sign`` being the way; 0 or more.

    >>> x = np.linspace(0, np.pi, 181)
    >>> round(rise(x, 3 * np.sin(x) + 7 * x, (90, 0, 180), 1.0), 3)
    3.0
    """
    _, left, right = peak
    wave = slice(left, right + 1)
    share = (x[wave] - x[left]) / (x[right] - x[left])
    chord = curve[left] * (1 - share) + curve[right] * share
    return float((sign * (curve[wave] - chord)).max())


def count(results: xr.Dataset) -> pd.DataFrame:
    """Every peak of the truth against every prediction.

    Args:
        results: from `sine.run`: ``prediction`` (method, seed, x), ``y`` (x).

    Returns:
        Columns ``method``, ``seed``; ``peak``, the x of the extremum; ``height``, y there, with its
        sign; ``predicted``, the height times the share of the truth's rise that the prediction
        has; ``recovered``, 1 or 0.
    """
    x, y = (results[name].to_numpy().astype(float) for name in ("x", "y"))
    lines = []
    for name in map(str, results["method"].to_numpy()):
        for seed in results["seed"].to_numpy().tolist():
            run = results["prediction"].sel({"method": name, "seed": seed})
            prediction = run.to_numpy().astype(float)
            for peak in peaks_of(y):
                height = y[peak[0]]
                way = np.sign(height)
                share = rise(x, prediction, peak, way) / rise(x, y, peak, way)
                lines.append(
                    {
                        "method": name,
                        "seed": seed,
                        "peak": round(x[peak[0]], 4),
                        "height": round(height, 4),
                        "predicted": round(share * height, 4),
                    }
                )
    return _judged(pd.DataFrame(lines))


def _judged(counted: pd.DataFrame) -> pd.DataFrame:
    share = counted["predicted"] / counted["height"]
    return counted.assign(recovered=share.between(LEAST, MOST).astype(int))


def wide(counted: pd.DataFrame) -> pd.DataFrame:
    """What `count` gives, smaller: the heights of `TRUTH`, then a line for each run."""
    heights = counted.groupby("peak", sort=False)["height"].first()
    runs = counted.set_index(["method", "seed", "peak"])["predicted"].unstack("peak", sort=False)
    lines = pd.concat([heights.to_frame((TRUTH, 0)).T, runs]).rename_axis(["method", "seed"])
    return lines.reset_index()


def long(lines: pd.DataFrame) -> pd.DataFrame:
    """What `count` gave, from `wide`."""
    values = lines.set_index(["method", "seed"]).rename_axis(columns="peak")
    values.columns = values.columns.astype(float)
    runs = pd.Series(values.drop(index=TRUTH, level="method").stack())
    predicted = runs.rename("predicted").reset_index()
    heights = values.loc[[(TRUTH, 0)]].iloc[0]
    predicted.insert(3, "height", predicted["peak"].map(heights))
    return _judged(predicted)


def table(counted: pd.DataFrame) -> pd.DataFrame:
    """Peaks recovered by each method: over the seeds, and by every one of them.

    Args:
        counted: from `count` or `read`.

    Returns:
        By method, in order of appearance: ``mean``, ``fewest`` and ``most`` peaks of a seed,
        ``by every seed``, those that no seed missed, and ``of``, how many there are.
    """
    by_seed = counted.groupby(["method", "seed"], sort=False)["recovered"].sum()
    runs = by_seed.groupby("method", sort=False)
    always = counted.groupby(["method", "peak"], sort=False)["recovered"].min()
    return pd.DataFrame(
        {
            "mean": runs.mean(),
            "fewest": runs.min(),
            "most": runs.max(),
            "by every seed": always.groupby("method", sort=False).sum(),
            "of": counted["peak"].nunique(),
        }
    )


def write(results: xr.Dataset, study: str, folder: Path | None = None) -> list[Path]:
    """Write the summary of the peaks of the methods that are shown, from full results."""
    shown = [name for name in map(str, results["method"].to_numpy()) if name in SHOWN]
    counted = count(results.sel({"method": shown}))
    provenance = summaries.provenance_of(results)
    return summaries.write_frame(wide(counted), study + SUFFIX, provenance, folder)


def read(study: str, folder: Path | None = None) -> pd.DataFrame:
    """What `count` gives, from the summary of a full run.

    Raises:
        SummaryError: if there is none, or if it was changed.
    """
    return long(summaries.read_frame(study + SUFFIX, folder)[0])
