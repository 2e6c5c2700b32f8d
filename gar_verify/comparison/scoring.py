"""The metrics of a comparison: those of the paper, CCC, and Pearson within groups."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gar_verify import metrics
from gar_verify.metrics import RegressionMetrics

METRICS = (*metrics.METRICS, "CCC")
"""CCC is Lin's concordance: 1 only where predictions equal the targets."""

WITHIN = "Pearson within"
"""The mean over the groups of Pearson's correlation within each: what a pooled correlation hides
where groups differ in level."""

LOWER_IS_BETTER = {**metrics.LOWER_IS_BETTER, "CCC": False, WITHIN: False}

_KEYS = {"Pearson within": "within_pearson"}


def names(*, grouped: bool) -> tuple[str, ...]:
    """The metrics of a table with or without groups."""
    return (*METRICS, WITHIN) if grouped else METRICS


def score(
    prediction: NDArray[np.float64],
    target: NDArray[np.float64],
    weight: NDArray[np.float64] | None = None,
    groups: NDArray[np.int64] | None = None,
) -> NDArray[np.float64]:
    """Metrics [target, metric] of predictions (n, T), in the order of `names`.

    Args:
        prediction: (n, T).
        target: (n, T), NaN where there is none.
        weight: (n,), of the rows.
        groups: (n,), with which the metric within groups comes last.
    """
    seen = RegressionMetrics(missing="omit", spearman=True)
    seen.update(prediction, target, weight, groups)
    found = seen.per_target()
    keys = [_KEYS.get(name, name.lower()) for name in names(grouped=groups is not None)]
    return np.stack([found[key] for key in keys], axis=-1)


def mean_absolute_error(
    prediction: NDArray[np.float64],
    target: NDArray[np.float64],
    weight: NDArray[np.float64] | None = None,
) -> float:
    """Of predictions (n, T): within each target over the rows that have it, then over targets."""
    present = ~np.isnan(target)
    shares = present * (1.0 if weight is None else weight[:, None])
    seen = shares.sum(0) > 0
    if not seen.any():
        return float("nan")
    error = np.abs(prediction - np.where(present, target, 0))
    return float(((shares * error).sum(0)[seen] / shares.sum(0)[seen]).mean())
