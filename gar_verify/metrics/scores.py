"""MAE, RMSE, Pearson and Spearman over one named dimension, for many models at once.

Every function takes predictions and targets that broadcast against each other, reduces ``dim``
(the samples) and keeps the rest, in float64 whatever comes in. MAE and RMSE are in the units of the
target. Pearson and Spearman lie in [-1, 1] and are NaN where predictions or targets are constant
(neither has a direction then); all four are NaN, or infinite for MAE and RMSE, where a prediction
is not finite. Spearman is Pearson of the ranks, ties taking the average of theirs.

None of these is a loss: they are not meant to be differentiated.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

METRICS = ("MAE", "RMSE", "Pearson", "Spearman")
"""The metrics of the paper, in the order of its tables."""

LOWER_IS_BETTER = {"MAE": True, "RMSE": True, "Pearson": False, "Spearman": False}


def mae(prediction: Tensor, target: Tensor, dim: int = -1) -> Tensor:
    """Mean absolute error over ``dim``.

    >>> mae(torch.tensor([1.0, 2.0, 5.0]), torch.tensor([1.0, 3.0, 3.0])).item()
    1.0
    """
    return (prediction.double() - target.double()).abs().mean(dim)


def rmse(prediction: Tensor, target: Tensor, dim: int = -1) -> Tensor:
    """Root of the mean squared error over ``dim``."""
    return _rms(prediction.double() - target.double(), dim)


def pearson(prediction: Tensor, target: Tensor, dim: int = -1) -> Tensor:
    """Pearson's correlation over ``dim``; NaN where either side is constant or not finite."""
    direction = _direction(prediction.double(), dim)
    return (direction * _direction(target.double(), dim)).sum(dim).clamp(-1, 1)


def spearman(prediction: Tensor, target: Tensor, dim: int = -1) -> Tensor:
    """Spearman's correlation over ``dim``, ties averaged; NaN where either side is constant.

    >>> rho = spearman(torch.tensor([1.0, 2.0, 9.0]), torch.tensor([0.1, 0.2, 0.3]))
    >>> round(rho.item(), 6)
    1.0
    """
    return Scorer(target.movedim(dim, -1)).spearman(prediction.movedim(dim, -1))


def ranks(values: Tensor, dim: int = -1) -> Tensor:
    """Ranks 1..n in ascending order over ``dim``, equal values sharing the mean of their ranks.

    >>> ranks(torch.tensor([30.0, 10.0, 20.0, 10.0])).tolist()
    [4.0, 1.5, 3.0, 1.5]
    """
    ordered, order = values.movedim(dim, -1).sort(dim=-1)
    ranked = torch.empty_like(ordered, dtype=torch.float64)
    return ranked.scatter_(-1, order, _ranks_in_order(ordered)).movedim(-1, dim)


class Scorer:
    """All four metrics against fixed targets, with everything about the targets computed once.

    Args:
        target: targets of shape [..., n], the samples last.
    """

    def __init__(self, target: Tensor) -> None:
        """Rank and centre the targets."""
        self.target = target.double()
        self._direction = _direction(self.target, -1)
        self._rank_direction = _direction(ranks(self.target), -1)

    def __call__(self, prediction: Tensor) -> Tensor:
        """Metrics of predictions [..., n] in the order of `METRICS`, as [..., 4]."""
        error = prediction.double() - self.target
        return torch.stack(
            [
                error.abs().mean(-1),
                _rms(error, -1),
                (_direction(prediction.double(), -1) * self._direction).sum(-1).clamp(-1, 1),
                self.spearman(prediction),
            ],
            dim=-1,
        )

    def spearman(self, prediction: Tensor) -> Tensor:
        """Spearman's correlation of predictions [..., n] with the targets."""
        shape = torch.broadcast_shapes(prediction.shape, self._rank_direction.shape)
        ordered, order = prediction.expand(shape).sort(dim=-1)
        paired = self._rank_direction.expand(shape).gather(-1, order)
        poison = (ordered[..., -1] - ordered[..., 0]).double() * 0  # NaN if any is not finite
        return (_direction(_ranks_in_order(ordered), -1) * paired).sum(-1).clamp(-1, 1) + poison


def _rms(error: Tensor, dim: int) -> Tensor:
    """Root of the mean square; by a norm, which rounds alike on every processor."""
    norm: Tensor = torch.linalg.vector_norm(error, dim=dim)
    return norm / math.sqrt(error.shape[dim])


def _direction(values: Tensor, dim: int) -> Tensor:
    """Centred values over their norm; NaN where they are constant.

    Taken relative to the first value: a constant vector centres to exact zeros.
    """
    shifted = values - values.narrow(dim, 0, 1)
    centred = shifted - shifted.mean(dim, keepdim=True)
    norm: Tensor = torch.linalg.vector_norm(centred, dim=dim, keepdim=True)
    return centred / norm


def _ranks_in_order(ordered: Tensor) -> Tensor:
    """Ranks 1..n of values that are sorted already along the last dimension, ties averaged."""
    positions = torch.arange(1.0, ordered.shape[-1] + 1, dtype=torch.float64, device=ordered.device)
    repeats = ordered[..., 1:] == ordered[..., :-1]
    if not bool(repeats.any()):
        return positions.expand(ordered.shape)
    begins = torch.nn.functional.pad(~repeats, (1, 0), value=True)
    ends = torch.nn.functional.pad(~repeats, (0, 1), value=True)
    first = torch.where(begins, positions, 1).cummax(-1).values
    last = torch.where(ends, positions, ordered.shape[-1]).flip(-1).cummin(-1).values.flip(-1)
    return (first + last) / 2
