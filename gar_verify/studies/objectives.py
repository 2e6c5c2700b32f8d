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
    if name == CONTRAST:
        return _of_features(RnCLoss(_middle("rnc")))
    if name not in STEP_LOSSES:
        raise ValueError(f"no step loss {name!r}; choose from {', '.join(STEP_LOSSES)}")
    if name == "rnc":
        return _of_predictions(MAELoss())
    if name == "ranksim":
        return _ranksim(_middle(name))
    if name == "conr":
        return _conr(_middle(name))
    hyperparameter = get_spec(name).hyperparameter
    return _of_predictions(
        get_loss(name, **({hyperparameter: _middle(name)} if hyperparameter else {}))
    )


def _middle(name: str) -> float:
    grid = get_spec(name).tabular_grid
    return grid[len(grid) // 2]


def _of_predictions(loss: Callable[..., Tensor]) -> StepLoss:
    def step(prediction: Tensor, target: Tensor, features: Tensor, numbers: Tensor) -> Tensor:
        return loss(prediction, target)

    return step


def _of_features(loss: Callable[..., Tensor]) -> StepLoss:
    def step(prediction: Tensor, target: Tensor, features: Tensor, numbers: Tensor) -> Tensor:
        return loss(features, target)

    return step


def _ranksim(interpolation: float) -> StepLoss:
    source = torch.Generator().manual_seed(0)
    mae: Callable[..., Tensor] = MAELoss()
    regulariser: Callable[..., Tensor] = RankSimLoss(interpolation, TRAINING_WEIGHT, source)

    def step(prediction: Tensor, target: Tensor, features: Tensor, numbers: Tensor) -> Tensor:
        return mae(prediction, target) + regulariser(features, target)

    return step


def _conr(gamma: float) -> StepLoss:
    mae: Callable[..., Tensor] = MAELoss()
    regulariser: Callable[..., Tensor] = ConRLoss()

    def step(prediction: Tensor, target: Tensor, features: Tensor, numbers: Tensor) -> Tensor:
        return mae(prediction, target) + gamma * regulariser(features, target, prediction)

    return step
