"""The four metrics against targets with gaps: a NaN target is absent, and so is its prediction."""

from __future__ import annotations

import torch
from torch import Tensor

from gar_verify.metrics.scores import _ranks_in_order


class GapScorer:
    """`Scorer` against fixed targets some of which are NaN, over the observed ones.

    All four metrics are NaN where no target is observed, and the correlations where one is.

    Args:
        target: targets of shape [..., n], the samples last.
    """

    def __init__(self, target: Tensor) -> None:
        """Rank and centre the targets."""
        self.present = ~target.isnan()
        self.count = self.present.sum(-1).double()  # the root of integers is of single precision
        self.target = target.double()
        self._direction = self._directed(self.target)
        self._rank_direction = self._directed(self._ranks(self.target))

    def __call__(self, prediction: Tensor) -> Tensor:
        """Metrics of predictions [..., n] in the order of `METRICS`, as [..., 4]."""
        prediction = prediction.double()
        error = (prediction - self.target).where(self.present, 0)
        return torch.stack(
            [
                error.abs().sum(-1) / self.count,
                torch.linalg.vector_norm(error, dim=-1) / self.count.sqrt(),
                self.pearson(prediction),
                self.spearman(prediction),
            ],
            dim=-1,
        )

    def pearson(self, prediction: Tensor) -> Tensor:
        """Pearson's correlation of predictions [..., n] with the targets."""
        product = self._directed(prediction.double()) * self._direction
        return product.sum(-1).clamp(-1, 1)

    def spearman(self, prediction: Tensor) -> Tensor:
        """Spearman's correlation of predictions [..., n] with the targets."""
        prediction = prediction.double()
        poison = (prediction.where(self.present, 0) * 0).sum(-1)  # NaN if any is not finite
        product = self._directed(self._ranks(prediction)) * self._rank_direction
        return product.sum(-1).clamp(-1, 1) + poison

    def _ranks(self, values: Tensor) -> Tensor:
        """Ranks among the observed: the others come behind all of them."""
        ordered, order = values.masked_fill(~self.present, torch.inf).sort(dim=-1)
        return torch.empty_like(ordered).scatter_(-1, order, _ranks_in_order(ordered))

    def _directed(self, values: Tensor) -> Tensor:
        """Observed values centred, over their norm; 0 for the others, NaN where they are constant.

        Taken relative to an observed value: constant ones centre to exact zeros.
        """
        first = self.present.byte().argmax(-1, keepdim=True)
        shifted = (values - values.gather(-1, first)).where(self.present, 0)
        mean = shifted.sum(-1, keepdim=True) / self.count.unsqueeze(-1)
        centred = (shifted - mean).where(self.present, 0)
        norm = torch.linalg.vector_norm(centred, dim=-1, keepdim=True)
        return torch.where(norm == 0, torch.nan, centred / norm)
