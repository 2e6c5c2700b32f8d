"""The conventional losses: mean absolute error, mean squared error and Huber's loss.

They are the averages of the functions of one error, e = input - target, that `formulas` defines.

Source: Zhu, Yang, Jerby, "Gradient Aligned Regression via Pairwise Losses", ICML 2025, section 5;
Huber (1964), "Robust estimation of a location parameter".
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Literal, get_args

import torch
from torch import Tensor, nn

from gar_verify import formulas
from gar_verify.losses._distinct import Draw
from gar_verify.losses._validation import (
    Hyperparameter,
    as_batch,
    at_least_float32,
    check_choice,
    check_positive,
    check_same_shape,
    per_model,
    positive_number,
    weights_of,
)

Reduction = Literal["mean", "sum", "none"]
REDUCTIONS: tuple[Reduction, ...] = get_args(Reduction)


def _errors(input: Tensor, target: Tensor) -> Tensor:
    check_same_shape(input, target)
    input, target = at_least_float32(input, target)
    return input - target


def mae_loss(input: Tensor, target: Tensor) -> Tensor:
    """Mean absolute error ``mean |e|`` of each model.

    ``input`` and ``target`` are ``[..., N, D]``, the result ``[...]`` in the unit of the labels.
    The gradient of an entry is ``sign(e) / (N D)``, with ``sign(0) = 0``.

    Raises ValueError if the shapes differ.
    """
    mean: Tensor = formulas.absolute(_errors(input, target)).mean((-2, -1))
    return mean


def mse_loss(input: Tensor, target: Tensor) -> Tensor:
    """Mean squared error ``mean e^2`` of each model.

    ``input`` and ``target`` are ``[..., N, D]``, the result ``[...]`` in the squared unit of the
    labels. The gradient of an entry is ``2 e / (N D)``.

    Raises ValueError if the shapes differ.
    """
    mean: Tensor = formulas.square(_errors(input, target)).mean((-2, -1))
    return mean


def huber_loss(input: Tensor, target: Tensor, delta: Hyperparameter = 1.0) -> Tensor:
    """Huber's loss of each model: quadratic up to ``delta``, linear beyond.

    ``mean h(e)`` with ``h(e) = e^2 / 2`` where ``|e| <= delta``, else
    ``delta (|e| - delta / 2)``. ``input`` and ``target`` are ``[..., N, D]``, ``delta`` (in the
    unit of the labels) a number or ``[...]``, the result ``[...]`` in the squared unit. The
    gradient of an entry is e clipped to ``[-delta, delta]``, over ``N D``.

    Raises ValueError if the shapes differ or ``delta`` is not positive.
    """
    check_positive("delta", delta)
    e = _errors(input, target)
    limit = torch.as_tensor(
        per_model("delta", delta, e.shape[:-2], 2), dtype=e.dtype, device=e.device
    )
    mean: Tensor = formulas.huber(e, e.clamp(-limit, limit)).mean((-2, -1))
    return mean


class EntrywiseLoss(nn.Module):
    """A function of each error, reduced as torch's losses are.

    ``reduction`` is ``"mean"`` or ``"sum"`` over the ``N D`` entries of each model, or ``"none"``:
    the function of each entry, in the shape of the input.
    """

    def __init__(self, reduction: Reduction = "mean") -> None:
        """Keep how the entries are reduced."""
        super().__init__()
        check_choice("reduction", reduction, REDUCTIONS)
        self.reduction = reduction

    def _reduced(
        self,
        mean: Callable[..., Tensor],
        input: Tensor,
        target: Tensor,
        sample_weight: Tensor | None = None,
    ) -> Tensor:
        """The mean of each model that ``mean`` gives, or of each entry by itself."""
        given = as_batch(input, target)
        if sample_weight is not None:
            f = given[0]
            weight = weights_of(sample_weight, f.shape[:-1], f, f.shape[-1])
            given = (*given, weight.expand_as(f))  # type: ignore[assignment]
        if self.reduction == "mean":
            return mean(*given)
        entries = mean(*(t[..., None, None] for t in given))
        return entries.sum((-2, -1)) if self.reduction == "sum" else entries.reshape(input.shape)

    def extra_repr(self) -> str:
        """Show the options when the module is printed."""
        return "" if self.reduction == "mean" else f"reduction={self.reduction!r}"


class MAELoss(EntrywiseLoss):
    """`mae_loss` as a module.

    >>> MAELoss()(torch.tensor([1.0, 4.0]), torch.tensor([2.0, 2.0])).item()
    1.5
    """

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Loss of ``input`` against ``target``, both ``(N,)`` or ``[..., N, D]``; ``[...]``."""
        return self._reduced(mae_loss, input, target)


class MSELoss(EntrywiseLoss):
    """`mse_loss` as a module.

    >>> MSELoss(reduction="none")(torch.tensor([1.0, 4.0]), torch.tensor([2.0, 2.0])).tolist()
    [1.0, 4.0]
    """

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Loss of ``input`` against ``target``, both ``(N,)`` or ``[..., N, D]``; ``[...]``."""
        return self._reduced(mse_loss, input, target)


class HuberLoss(EntrywiseLoss):
    """`huber_loss` as a module.

    >>> HuberLoss(delta=1.0)(torch.tensor([1.0, 4.0]), torch.tensor([2.0, 2.0])).item()
    1.0
    """

    def __init__(self, delta: float = 1.0, reduction: Reduction = "mean") -> None:
        """Keep ``delta``, the error (in the unit of the labels) at which the loss turns linear."""
        super().__init__(reduction)
        self.delta = positive_number("delta", delta)

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Loss of ``input`` against ``target``, both ``(N,)`` or ``[..., N, D]``; ``[...]``."""
        return self._reduced(partial(huber_loss, delta=self.delta), input, target)

    def extra_repr(self) -> str:
        """Show the hyper-parameter when the module is printed."""
        return ", ".join(filter(None, (f"delta={self.delta}", super().extra_repr())))


def stacked_mae(f: Tensor, y: Tensor, x: Tensor, repeat: Tensor, draw: Draw) -> Tensor:
    """`mae_loss` as the stacked trainer calls it, see `stacking.StackedLoss`."""
    return mae_loss(f, y)


def stacked_mse(f: Tensor, y: Tensor, x: Tensor, repeat: Tensor, draw: Draw) -> Tensor:
    """`mse_loss` as the stacked trainer calls it."""
    return mse_loss(f, y)


def stacked_huber(f: Tensor, y: Tensor, x: Tensor, delta: Tensor, draw: Draw) -> Tensor:
    """`huber_loss` as the stacked trainer calls it."""
    return huber_loss(f, y, delta)
