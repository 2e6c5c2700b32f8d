"""What a step of one model minimises, put together from the losses that a user imports.

The stacked forms of the registry serve many models at once; with one model they cost time that
nobody who trains one model pays. The tests hold the two against each other.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from gar_verify.losses import ConRLoss, MAELoss, RankSimLoss, RnCLoss, get_loss, get_spec
from gar_verify.losses.ranksim import TRAINING_WEIGHT
from gar_verify.studies.methods import RELEASED, TABULAR
from gar_verify.studies.reference_loop import StepLoss

CONTRAST = "rnc_contrastive"
"""The first phase of RnC by itself: the contrastive loss, with no gradient for the last layer. The
method ``rnc`` is its second phase here, the MAE."""

STEP_LOSSES = (*TABULAR, RELEASED, CONTRAST)
"""Names that `step_loss` accepts."""


def step_loss(name: str) -> StepLoss:
    """What training minimises, at the middle value of the method's grid.

    Raises:
        ValueError: for a name that is not one of `STEP_LOSSES`.
    """
    if name not in STEP_LOSSES:
        raise ValueError(f"no step loss {name!r}; choose from {', '.join(STEP_LOSSES)}")
    mae: Callable[..., Tensor] = MAELoss()
    if name == CONTRAST:
        contrast: Callable[..., Tensor] = RnCLoss(_middle("rnc"))
        return lambda prediction, target, features, numbers: contrast(features, target)
    if name == "rnc":
        return lambda prediction, target, features, numbers: mae(prediction, target)
    if name == "ranksim":
        source = torch.Generator().manual_seed(0)
        ranks: Callable[..., Tensor] = RankSimLoss(_middle(name), TRAINING_WEIGHT, source)
        return lambda prediction, target, features, numbers: (
            mae(prediction, target) + ranks(features, target)
        )
    if name == "conr":
        gamma = _middle(name)
        conr: Callable[..., Tensor] = ConRLoss()
        return lambda prediction, target, features, numbers: (
            mae(prediction, target) + gamma * conr(features, target, prediction)
        )
    hyperparameter = get_spec(name).hyperparameter
    loss = get_loss(name, **({hyperparameter: _middle(name)} if hyperparameter else {}))
    return lambda prediction, target, features, numbers: loss(prediction, target)


def _middle(name: str) -> float:
    grid = get_spec(name).tabular_grid
    return grid[len(grid) // 2]
