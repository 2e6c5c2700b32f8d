"""The losses: GAR with its parts and their pairwise definitions, and the published baselines."""

from gar_verify.losses.conr import ConRLoss
from gar_verify.losses.conventional import HuberLoss, MAELoss, MSELoss
from gar_verify.losses.focal import FocalMAELoss, FocalMSELoss
from gar_verify.losses.gar import (
    ConcordanceLoss,
    ErrorVarianceLoss,
    GARAccumulator,
    GARLoss,
    PearsonLoss,
    concordance_loss,
    error_variance_loss,
    gar_loss,
    pearson_loss,
)
from gar_verify.losses.gar.aggregation import kl_dro
from gar_verify.losses.mae_pearson import MAEPearsonLoss
from gar_verify.losses.pairwise import normalized_pairwise_loss, pairwise_difference_loss
from gar_verify.losses.ranksim import RankSimLoss
from gar_verify.losses.registry import LOSSES, LossSpec, get_loss, get_spec
from gar_verify.losses.released_gar import ReleasedGARLoss
from gar_verify.losses.rnc import RnCLoss

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
    "kl_dro",
    "pairwise_difference_loss",
    "normalized_pairwise_loss",
    "get_loss",
    "get_spec",
    "LOSSES",
    "LossSpec",
    "MAELoss",
    "MSELoss",
    "HuberLoss",
    "FocalMAELoss",
    "FocalMSELoss",
    "MAEPearsonLoss",
    "RankSimLoss",
    "RnCLoss",
    "ConRLoss",
    "ReleasedGARLoss",
]
