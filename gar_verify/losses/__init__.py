"""Losses: GAR, its parts and their pairwise definitions."""

from gar_verify.losses.aggregation import kl_dro
from gar_verify.losses.gar import GARLoss, error_variance_loss, gar_loss, pearson_loss
from gar_verify.losses.pairwise import normalized_pairwise_loss, pairwise_difference_loss

__all__ = [
    "GARLoss",
    "gar_loss",
    "error_variance_loss",
    "pearson_loss",
    "kl_dro",
    "pairwise_difference_loss",
    "normalized_pairwise_loss",
]
