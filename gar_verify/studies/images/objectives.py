"""What a step of training on images minimises: a loss of features, predictions and targets."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from gar_verify.losses import get_spec
from gar_verify.losses._distinct import Draw
from gar_verify.losses.conventional import mae_loss
from gar_verify.losses.ranksim import ranksim_loss
from gar_verify.losses.stacking import StackedLoss, blockwise
from gar_verify.studies.methods import GARS, RELEASED, TABULAR
from gar_verify.training import Objective

ImageLoss = Callable[[Tensor, Tensor, Tensor], Tensor]
"""``(prediction[N, 1], target[N, 1], features[N, d])`` to a number."""

METHODS = (*TABULAR, RELEASED)
"""Names that `objective` accepts."""

ALPHA = 0.5
"""The paper's default."""


def check_method(name: str) -> str:
    """The name, or a ValueError that lists those there are."""
    if name not in METHODS:
        raise ValueError(f"no loss {name!r} for images; choose from {', '.join(METHODS)}")
    return name


def default_value(name: str) -> float:
    """The hyper-parameter of a method: 0.5 for GAR, else the middle of its tabular grid.

    >>> default_value("gar"), default_value("rnc"), default_value("ranksim")
    (0.5, 2.0, 1.0)
    """
    grid = get_spec(check_method(name)).tabular_grid
    return ALPHA if name in GARS else grid[len(grid) // 2]


def objective(name: str, epochs: int) -> Objective:
    """What training minimises; RnC's contrast takes the first half of the epochs.

    Beside the MAE, RankSim has weight 1 and not 100 as in the tabular studies.
    """
    spec = get_spec(check_method(name))
    return Objective(
        loss=stacked_ranksim_once if name == "ranksim" else spec.stacked,
        pretraining=spec.stacked_pretraining,
        pretraining_epochs=int(spec.tabular_pretraining * epochs),
        pairwise=spec.pairs,
    )


def of_one(loss: StackedLoss, value: float, source: torch.Generator) -> ImageLoss:
    """A loss of stacked models, of one model.

    Args:
        loss: of the registry.
        value: of its hyper-parameter.
        source: of the rows that RankSim chooses among equal labels.
    """

    def of_one_model(prediction: Tensor, target: Tensor, features: Tensor) -> Tensor:
        given = torch.tensor([value], device=prediction.device)
        return loss(prediction[None], target[None], features[None], given, [source])[0]

    return of_one_model


@blockwise(random=True)
def stacked_ranksim_once(
    f: Tensor, y: Tensor, x: Tensor, interpolation: Tensor, draw: Draw
) -> Tensor:
    """MAE + RankSim."""
    return mae_loss(f, y) + ranksim_loss(x, y, interpolation, 1.0, draw)
