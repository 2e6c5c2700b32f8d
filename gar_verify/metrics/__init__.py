"""How good predictions are: scores of arrays, and `RegressionMetrics` of what never lies together.

The functions take tensors and reduce one named dimension, for many models at once.
`RegressionMetrics` sees batches, groups and processes, and keeps no samples.
"""

from gar_verify.metrics.running import RegressionMetrics
from gar_verify.metrics.scores import (
    LOWER_IS_BETTER,
    METRICS,
    Scorer,
    mae,
    pearson,
    ranks,
    rmse,
    spearman,
)

__all__ = [
    "RegressionMetrics",
    "METRICS",
    "LOWER_IS_BETTER",
    "Scorer",
    "mae",
    "rmse",
    "pearson",
    "spearman",
    "ranks",
]
