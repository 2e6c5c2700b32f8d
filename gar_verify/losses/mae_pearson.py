"""MAE-Pearson: the mean absolute error and a Pearson loss, weighted by the Pearson loss itself.

With z the standardised vectors (unbiased standard deviations, no floor, no epsilon),

    P = mean 1/2 (z_f - z_y)^2 = (N - 1)/N * (1 - rho)
    loss = (1 - beta) * MAE + beta * P,     beta = P / 2 without a gradient

so that the correlation matters while it is bad, and the absolute error takes over. P is computed
from `formulas.one_minus_pearson`, which keeps its digits when rho is close to 1.

Source: a baseline of the synthetic studies of Zhu, Yang, Jerby, "Gradient Aligned Regression via
Pairwise Losses", ICML 2025.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from gar_verify import formulas
from gar_verify.losses._distinct import Draw
from gar_verify.losses._validation import as_batch, at_least_float32, check_same_shape
from gar_verify.losses.gar.tensor_reader import Namespace, shifts_at


def _mean(v: Tensor, times: Tensor | None = None) -> Tensor:
    return (v if times is None else v * times).mean(-2, keepdim=True)


def _moments(input: Tensor, target: Tensor) -> formulas.Moments:
    """Moments of each target, ``[..., 1, D]``."""
    # shifted by its first row, a constant column becomes exactly zero
    shifts = shifts_at(input[..., :1, :], target[..., :1, :])
    parts = formulas.decompose(input, target, _mean, shifts)
    return formulas.moments(parts, formulas.absolute(input - target), input.shape[-2], _mean)


def _one_minus_pearson(m: formulas.Moments) -> Tensor:
    """1 - rho of each target, with gradient 0 where it is a choice and not a limit."""
    distance = formulas.one_minus_pearson(m, Namespace)
    constant = (formulas.prediction_variance(m) == 0) | (m.var_y == 0)
    return torch.where(constant, distance.detach(), distance)


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
    m = _moments(input, target)
    mae: Tensor = m.conventional.mean((-2, -1))
    pearson: Tensor = (m.weight - 1) / m.weight * _one_minus_pearson(m).mean((-2, -1))
    beta = pearson.detach() / 2
    return (1 - beta) * mae + beta * pearson


class MAEPearsonLoss(nn.Module):
    """`mae_pearson_loss` as a module; it has no hyper-parameter.

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
