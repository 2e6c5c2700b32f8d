"""GAR with the constants of the authors' released code, for parity and to compare running times."""

from __future__ import annotations

import torch
from torch import Tensor

from gar_verify import formulas
from gar_verify.losses.aggregation import aggregate
from gar_verify.losses.gar_closed_form import averaged_dims, reduced_dims
from gar_verify.losses.gar_options import Options

EPS = 1e-7
"""Added to each sub-loss, and the least standard deviation."""


def released_gar(input: Tensor, target: Tensor, alpha: float | Tensor, o: Options) -> Tensor:
    """The loss with the authors' constants, by plain autograd in the input's own precision."""

    def mean(x: Tensor) -> Tensor:
        return x.mean(o.dim, keepdim=True)

    def scale(x: Tensor) -> Tensor:
        return x.std(o.dim, keepdim=True).clamp(min=EPS)

    losses = torch.stack(
        formulas.released_sub_losses(input, target, mean, scale(input), scale(target), EPS)
    )
    averaged = averaged_dims(input.ndim, o)
    if averaged and o.targets == "joint":
        losses = losses.mean([d + 1 for d in averaged], keepdim=True)
    value, _, _ = aggregate(losses, alpha, o, 0.0)
    if averaged and o.targets == "per_target" and o.reduction == "mean":
        value = value.mean(averaged, keepdim=True)
    return value.squeeze(reduced_dims(input.shape, o))
