"""MAE-Pearson: the mean absolute error and a Pearson loss, weighted by the Pearson loss itself.

With z the standardised vectors (unbiased standard deviations, no floor, no epsilon),

    P = mean 1/2 (z_f - z_y)^2 = (N - 1)/N * (1 - rho)
    loss = (1 - beta) * MAE + beta * P,     beta = P / 2 without a gradient

so that the correlation matters while it is bad, and the absolute error takes over. P is computed
as that of GAR is, in float64, and keeps its digits when rho is close to 1.

Source: a baseline of the synthetic studies of Zhu, Yang, Jerby, "Gradient Aligned Regression via
Pairwise Losses", ICML 2025.
"""

from __future__ import annotations

from torch import Tensor, nn

from gar_verify import formulas
from gar_verify.losses._distinct import Draw
from gar_verify.losses._validation import as_batch, at_least_float32, check_same_shape
from gar_verify.losses.gar.autograd import loss_of_checked
from gar_verify.losses.gar.options import Options, Setting


def _mean_pearson(input: Tensor, target: Tensor) -> Tensor:
    """1 - rho of each model, averaged over its targets."""
    batch = input.ndim - 2
    options = Options(parts=("pearson",), dim=batch, kept=tuple(range(batch)), raw=True)
    return loss_of_checked(input, target, None, 1.0, Setting(options, reader="tensor"))


def mae_pearson_loss(input: Tensor, target: Tensor) -> Tensor:
    """``(1 - beta) MAE + beta P`` of each model, with ``beta = P / 2`` held fixed.

    ``input`` and ``target`` are ``[..., N, D]``, the result is ``[...]``: the unit of the labels
    for the one part, none for the other (as published). With several targets P is the mean over
    them. The gradient is that of the two parts, with beta a number between 0 and 1.

    Where predictions or labels of a target are constant (N = 1 included), rho does not exist; as
    in `formulas.one_minus_pearson`, 1 - rho counts as 1/2 if one of them is and 0 if both are, and
    has no gradient.

    Raises ValueError if the shapes differ.
    """
    check_same_shape(input, target)
    input, target = at_least_float32(input, target)
    n = input.shape[-2]
    mae = formulas.absolute(input - target).mean((-2, -1))
    pearson = (n - 1) / n * _mean_pearson(input, target)
    beta = pearson.detach() / 2
    return (1 - beta) * mae + beta * pearson  # type: ignore[no-any-return]


class MAEPearsonLoss(nn.Module):
    """`mae_pearson_loss` as a module; it has no hyper-parameter.

    >>> import torch
    >>> f, y = torch.tensor([1.0, 2.0, 3.0]), torch.tensor([3.0, 2.0, 1.0])
    >>> f"{MAEPearsonLoss()(f, y).item():.4f}"  # rho = -1: P = 4/3, beta = 2/3, MAE = 4/3
    '1.3333'
    """

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Loss of ``input`` against ``target``, both ``(N,)`` or ``[..., N, D]``; ``[...]``."""
        return mae_pearson_loss(*as_batch(input, target))


def stacked_mae_pearson(f: Tensor, y: Tensor, x: Tensor, repeat: Tensor, draw: Draw) -> Tensor:
    """`mae_pearson_loss` as the stacked trainer calls it."""
    return mae_pearson_loss(f, y)
