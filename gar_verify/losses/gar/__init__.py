"""GAR, Gradient Aligned Regression, and its parts."""

from gar_verify.losses._compiled import backend
from gar_verify.losses.gar.accumulation import GARAccumulator
from gar_verify.losses.gar.loss import GARLoss, error_variance_loss, gar_loss, pearson_loss

__all__ = [
    "GARLoss",
    "gar_loss",
    "GARAccumulator",
    "error_variance_loss",
    "pearson_loss",
    "backend",
]
