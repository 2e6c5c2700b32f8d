"""GAR, Gradient Aligned Regression, and its parts."""

from gar_verify.losses._compiled import backend
from gar_verify.losses.gar.accumulation import GARAccumulator
from gar_verify.losses.gar.loss import (
    ConcordanceLoss,
    ErrorVarianceLoss,
    GARLoss,
    PearsonLoss,
    concordance_loss,
    error_variance_loss,
    gar_loss,
    pearson_loss,
)

__all__ = [
    "GARLoss",
    "gar_loss",
    "GARAccumulator",
    "ErrorVarianceLoss",
    "error_variance_loss",
    "PearsonLoss",
    "pearson_loss",
    "ConcordanceLoss",
    "concordance_loss",
    "backend",
]
