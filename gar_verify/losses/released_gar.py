"""GAR with the constants of the authors' released code, for parity and to compare running times.

Half the error variance, (N - 1)/N (1 - rho), and 1e-7 added to each part; see
`gar_verify.formulas.released_sub_losses`. The released code also leaves out the logarithm of its
normaliser, a constant to the gradient, which is in the value here.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from gar_verify import formulas
from gar_verify.losses._distinct import Draw
from gar_verify.losses._validation import check_batched, check_floating, promoted
from gar_verify.losses.gar.aggregation import aggregate
from gar_verify.losses.gar.options import (
    PARTS,
    Form,
    Options,
    Part,
    Reduction,
    TargetPolicy,
    check_alpha,
    check_batch,
)

EPS = 1e-7
"""Added to each sub-loss, and the least standard deviation."""


def _released(input: Tensor, target: Tensor, alpha: float | Tensor, o: Options) -> Tensor:
    """The loss of a checked batch, by plain autograd in the input's own precision."""

    def mean(x: Tensor) -> Tensor:
        return x.mean(o.dim, keepdim=True)

    def scale(x: Tensor) -> Tensor:
        return x.std(o.dim, keepdim=True).clamp(min=EPS)

    losses = torch.stack(
        formulas.released_sub_losses(input, target, mean, scale(input), scale(target), EPS)
    )
    averaged = o.averaged_dims(input.ndim)
    if averaged and o.targets == "joint":
        losses = losses.mean([d + 1 for d in averaged], keepdim=True)
    value, _, _ = aggregate(losses, alpha, o, 0.0, torch)  # with torch's own derivatives
    if averaged and o.targets == "per_target" and o.reduction == "mean":
        value = value.mean(averaged, keepdim=True)
    return value.squeeze(o.reduced_dims(input.ndim))


def released_gar_loss(
    input: Tensor,
    target: Tensor,
    alpha: float = 0.5,
    *,
    form: Form = "log",
    targets: TargetPolicy = "joint",
    dim: int = 0,
    reduction: Reduction = "mean",
    parts: tuple[Part, ...] = PARTS,
) -> Tensor:
    """GAR of one batch with the authors' constants; see `ReleasedGARLoss`.

    >>> import torch
    >>> labels = torch.tensor([0.0, 1.0, 2.0, 3.0])
    >>> round(released_gar_loss(labels + torch.tensor([0.1, -0.1, 0.1, -0.1]), labels).item(), 4)
    -2.8503
    """
    options = Options(form=form, targets=targets, dim=dim, reduction=reduction, parts=tuple(parts))
    return _of_user(input, target, alpha, options)


def _of_user(input: Tensor, target: Tensor, alpha: float, options: Options) -> Tensor:
    check_floating(input=input, target=target)
    check_batched(input=input, target=target)
    input, target = promoted(input, target)
    return _released(input, target, check_alpha(alpha), check_batch(input, target, None, options))


class ReleasedGARLoss(nn.Module):
    """GAR with the authors' constants: half the error variance, (N - 1)/N (1 - rho), plus 1e-7.

    Differentiated by plain autograd in the precision of the input: slower than `GARLoss`, and
    without its accuracy near a perfect fit.

    Args:
        alpha: in (0, inf); see `GARLoss`.
        form: ``"log"``, or ``"power_mean"`` for its exponential.
        targets: ``"joint"`` or ``"per_target"``, as in `GARLoss`.
        dim: the dimension that is the batch.
        reduction: ``"mean"`` over targets, or ``"none"`` (needs ``targets="per_target"``).
        parts: the sub-losses used.

    Shape:
        input, target: one shape, (N,) or (N, T). Returns a scalar, or (T,) without reduction.

    >>> import torch
    >>> labels = torch.tensor([1.0, 2.0, 3.0, 4.0])
    >>> round(ReleasedGARLoss()(torch.tensor([1.5, 1.5, 3.5, 3.5]), labels).item(), 4)
    -1.2005
    """

    def __init__(
        self,
        alpha: float = 0.5,
        *,
        form: Form = "log",
        targets: TargetPolicy = "joint",
        dim: int = 0,
        reduction: Reduction = "mean",
        parts: tuple[Part, ...] = PARTS,
    ) -> None:
        """Validate and keep the options."""
        super().__init__()
        self.alpha = check_alpha(alpha)
        self.options = Options(
            form=form, targets=targets, dim=dim, reduction=reduction, parts=tuple(parts)
        )

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """The loss of one batch."""
        return _of_user(input, target, self.alpha, self.options)

    def extra_repr(self) -> str:
        """The options that differ from the defaults."""
        return ", ".join([f"alpha={self.alpha:g}", *self.options.changed()])


def stacked_released(
    f: Tensor,
    y: Tensor,
    x: Any,
    alpha: Tensor,
    draw: Draw,
    *,
    parts: tuple[Part, ...] = PARTS,
) -> Tensor:
    """The loss of many models at once, as the stacked trainer calls it: see `StackedLoss`.

    One sub-loss in ``parts`` is the log of itself, whatever its alpha.
    """
    options = Options(parts=tuple(parts), dim=1, kept=(0,))
    if len(parts) == 1:
        alpha = alpha * 0 + 1
    alpha = alpha.to(torch.promote_types(f.dtype, torch.float32)).reshape(-1, 1, 1)
    return _released(f, y, alpha, options)
