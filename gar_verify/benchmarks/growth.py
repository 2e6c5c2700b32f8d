"""How the time of a loss grows with the batch: the exponent k of seconds = c N^k.

It is the slope of a least-squares line through log(seconds) over log(N), over the larger sizes: at
small ones the cost of a call, which does not depend on N, flattens it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from gar_verify.benchmarks import speed
from gar_verify.studies import summaries
from gar_verify.studies.methods import RELEASED, label

FITTED_FROM = 512
"""Rows from which on sizes count."""
LARGE = 10_000
"""Rows from which on even a loss of a few means costs more than its call."""
RATIOS = {"gar": "GAR", RELEASED: "GAR, released constants"}
"""Columns of `speed.measure` that hold ratios to L1Loss, by method."""
LEAST = 3
"""Sizes that a fit needs: a line through two points has no error."""


class Growth(NamedTuple):
    """A fitted exponent."""

    exponent: float
    error: float
    """Its standard error, from the residuals of the line."""
    smallest: int
    """The smallest and the largest size that were fitted."""
    largest: int


def fit(sizes: Sequence[int], seconds: Sequence[float], fitted_from: int = FITTED_FROM) -> Growth:
    """Fit the exponent.

    Args:
        sizes: batch sizes N, in any order.
        seconds: time at each of them, positive.
        fitted_from: smaller sizes are left out.

    Raises:
        ValueError: if fewer than three sizes are left, or a time is not positive.

    >>> round(fit([512, 1024, 2048], [1.0, 4.0, 16.0]).exponent, 6)
    2.0
    """
    n, t = np.asarray(sizes, float), np.asarray(seconds, float)
    large = n >= fitted_from
    if large.sum() < LEAST:
        raise ValueError(
            f"a growth exponent needs {LEAST} batch sizes of at least {fitted_from}, got "
            f"{list(sizes)}; measure more, or choose another fitted_from"
        )
    if not (t[large] > 0).all():
        raise ValueError(f"times must be positive, got {t[large].tolist()}")
    x, y = np.log(n[large]), np.log(t[large])
    slope, height = np.polyfit(x, y, 1)
    scatter = ((y - slope * x - height) ** 2).sum() / (len(x) - 2)
    error = np.sqrt(scatter / ((x - x.mean()) ** 2).sum())
    return Growth(float(slope), float(error), int(n[large].min()), int(n[large].max()))


def of_methods(lines: pd.DataFrame) -> pd.DataFrame:
    """Exponents of all methods.

    Args:
        lines: with columns ``method``, ``batch_size``, ``seconds``; others are not looked at.

    Returns:
        By method, in order of appearance: the fields of `Growth`.
    """
    fits = {
        str(name): fit(group["batch_size"].tolist(), group["seconds"].tolist())._asdict()
        for name, group in lines.groupby("method", sort=False)
    }
    return pd.DataFrame.from_dict(fits, orient="index").rename_axis("method")


def of_large(lines: pd.DataFrame, method: str) -> Growth:
    """The exponent of a method of `RATIOS` or of ``mae``, over sizes that cost more than a call.

    Args:
        lines: from `speed.measure`; those of one thread are taken.
        method: its name.

    Raises:
        ValueError: as `fit`.
    """
    one = lines[lines["threads"] == 1]
    times = one["L1Loss [us]"] * (1 if method == "mae" else one[RATIOS[method]])
    return fit(one["N"].tolist(), times.tolist(), LARGE)


def of_large_batches() -> pd.DataFrame:
    """Exponents of what `gar-verify bench` measured: by label, the fields of `Growth`.

    Raises:
        SummaryError: as `summaries.read_frame`.
    """
    lines, _ = summaries.read_frame(speed.SUMMARY, command="gar-verify bench loss")
    fits = {label(name): of_large(lines, name)._asdict() for name in ("mae", *RATIOS)}
    return pd.DataFrame.from_dict(fits, orient="index").rename_axis("method")
