"""GAR of a batch with its gradient in closed form.

The batch is reduced to its moments, the moments to the value and to three coefficients, and the
gradient is those coefficients times three vectors (`formulas.Gradient`). All arithmetic on moments
is in `gar_verify.formulas`; what is here is shapes, precision and PyTorch's autograd.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from gar_verify import formulas
from gar_verify.formulas import Decomposition, Gradient, Moments
from gar_verify.losses.aggregation import smallest, worst_case
from gar_verify.losses.gar_options import PARTS, Options, numbers_readable, result_dtype
from gar_verify.moments import (
    Split,
    all_reduce,
    conventional_slope,
    moments_of,
    recentre,
    split,
)

if TYPE_CHECKING:
    from torch.distributed import ProcessGroup


def aggregate(
    m: Moments, alpha: float | Tensor, o: Options, floor: float, averaged: tuple[int, ...], xp: Any
) -> tuple[Any, Any, Any, Any]:
    """Value, derivatives in the three sub-losses, the sub-losses, and p_k; xp: torch or numpy.

    ``averaged`` lists the target dimensions (of the moments) that the value averages over.
    """
    losses = xp.stack(formulas.sub_losses(m, xp))
    count = int(np.prod([losses.shape[d + 1] for d in averaged])) if averaged else 1
    if averaged and o.targets == "joint":
        losses = losses.mean([d + 1 for d in averaged], keepdim=True)
    chosen = [PARTS.index(part) for part in o.parts]
    if o.raw:
        value, p = losses[chosen[0]], xp.ones_like(losses[:1])
        derivatives = p
    else:
        used = losses[chosen] if len(chosen) < len(PARTS) else losses
        used = xp.clip(used, floor, None)
        value, p = worst_case(xp.log(used), alpha, xp)
        derivatives = p / used
        if o.form == "power_mean":
            value = xp.exp(value)
            derivatives = derivatives * value
    if averaged and o.targets == "per_target" and o.reduction == "mean":
        value = value.mean(averaged, keepdim=True)
    if not (o.targets == "per_target" and o.reduction == "none"):
        derivatives = derivatives / count
    by_part: list[Any] = [0.0, 0.0, 0.0]
    for i, part in enumerate(chosen):
        by_part[part] = derivatives[i]
    return value, by_part, losses, p


def _gradient(
    batch: Split, parts: Decomposition, coefficients: Gradient, o: Options, scale: Any
) -> Tensor:
    """The gradient, sample by sample, from its coefficients (see `formulas.Gradient`)."""
    slope = conventional_slope(o.conventional, batch.error, o.delta)
    gradient = coefficients.residual * parts.residual + coefficients.label * parts.label
    gradient = gradient + coefficients.conventional * slope
    return gradient * (batch.share * scale)


def _gradient_by_numbers(
    batch: Split, parts: Decomposition, coefficients: Gradient, o: Options, scale: Any
) -> Tensor:
    """`_gradient` with coefficients that are numbers: fewer kernels, in place."""
    slope = conventional_slope(o.conventional, batch.error, o.delta)
    gradient = torch.mul(slope, float(coefficients.conventional))
    gradient.add_(parts.residual, alpha=float(coefficients.residual))
    gradient.add_(parts.label, alpha=float(coefficients.label))
    return gradient.mul_(batch.share * scale)


def _numbers(m: Moments) -> Moments:
    """The moments of one target as numpy scalars: arithmetic on them costs no kernel launches."""
    return Moments(*(np.float64(x.item() if isinstance(x, Tensor) else x) for x in m))


@dataclass(frozen=True)
class Setting:
    """What determines the value besides tensors."""

    options: Options
    whole: Moments | None = None
    """Moments of the whole batch when the input is a chunk of it."""
    group: ProcessGroup | None = None


def averaged_dims(ndim: int, o: Options) -> tuple[int, ...]:
    """The target dimensions that the value averages over."""
    return tuple(d for d in range(ndim) if d != o.dim and d not in o.kept)


def reduced_dims(shape: torch.Size, o: Options) -> list[int]:
    """The dimensions that the value does not have."""
    if o.reduction == "none":
        return [o.dim]
    return [d for d in range(len(shape)) if d not in o.kept]


def whole_batch(batch: Split, setting: Setting) -> tuple[Moments, Decomposition, float | Tensor]:
    """Moments of the whole batch, the split relative to them, and the factor on the gradient.

    Under DistributedDataParallel gradients are averaged over the processes, hence their number.
    """
    o = setting.options
    m = moments_of(batch, o.conventional, o.delta)
    if setting.whole is None and setting.group is None:
        return m, batch.parts, 1.0
    processes = 1
    if setting.whole is not None:
        m = setting.whole
    if setting.group is not None:
        m = all_reduce(m, setting.group)
        processes = torch.distributed.get_world_size(setting.group)
    return m, recentre(batch.parts, m), processes * batch.weight / m.weight


def evaluate(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None,
    alpha: float | Tensor,
    setting: Setting,
    with_gradient: bool = True,
) -> tuple[Tensor, Tensor]:
    """Value and closed-form gradient (an empty tensor unless ``with_gradient``)."""
    o = setting.options
    dtype = result_dtype(input)
    batch = split(input, target, o.dim, weight)
    m, parts, scale = whole_batch(batch, setting)
    if m.mean_d.numel() == 1 and not isinstance(alpha, Tensor) and _by_numbers(input):
        with np.errstate(all="ignore"):
            numbers = _numbers(m)
            full, derivatives, _, _ = aggregate(numbers, alpha, o, smallest(dtype), (), np)
            coefficients = formulas.sub_losses_gradient(numbers, derivatives, np)
        value = torch.tensor(full).reshape([1] * len(o.kept))
        combine = _gradient_by_numbers
    else:
        averaged = averaged_dims(input.ndim, o)
        full, derivatives, _, _ = aggregate(m, alpha, o, smallest(dtype), averaged, torch)
        coefficients = formulas.sub_losses_gradient(m, derivatives, torch)
        value = full.squeeze(reduced_dims(input.shape, o))
        combine = _gradient
    limit = torch.finfo(dtype).max
    value = value.clamp(max=limit).to(dtype)
    if not with_gradient:
        return value, input.new_empty(0)
    gradient = combine(batch, parts, coefficients, o, scale)
    return value, gradient.clamp(-limit, limit).to(dtype)


def _by_numbers(input: Tensor) -> bool:
    return numbers_readable(input) and not torch.is_grad_enabled()


class ClosedForm(torch.autograd.Function):
    """The loss with its closed-form gradient, computed together with the value."""

    generate_vmap_rule = True

    @staticmethod
    def forward(  # noqa: D102
        input: Tensor,
        target: Tensor,
        weight: Tensor | None,
        alpha: float | Tensor,
        setting: Setting,
    ) -> tuple[Tensor, Tensor]:
        return evaluate(input, target, weight, alpha, setting)

    @staticmethod
    def setup_context(  # noqa: D102
        ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, Tensor]
    ) -> None:
        input, target, weight, alpha, setting = inputs
        ctx.mark_non_differentiable(output[1])
        saved: tuple[Any, ...] = (input, output[1], target, weight)
        if isinstance(alpha, Tensor):
            saved = (*saved, alpha)
        else:
            ctx.alpha = alpha
        ctx.save_for_backward(*saved)
        ctx.save_for_forward(*saved)
        ctx.setting = setting

    @staticmethod
    def backward(ctx: Any, upstream: Tensor, _: Any) -> Any:  # noqa: D102
        input, gradient, target, weight, *rest = ctx.saved_tensors
        if torch.is_grad_enabled():  # a second derivative is asked for
            alpha = rest[0] if rest else ctx.alpha
            _, gradient = evaluate(input, target, weight, alpha, ctx.setting)
        upstream = _spread(upstream, input, ctx.setting.options)
        return (upstream * gradient).to(input.dtype), None, None, None, None


class ClosedFormWithForwardMode(ClosedForm):
    """`ClosedForm` with forward-mode derivatives, which `torch.compile` does not take."""

    @staticmethod
    def jvp(ctx: Any, tangent: Tensor, *_: Any) -> tuple[Tensor, None]:  # noqa: D102
        _, gradient, *_ = ctx.saved_tensors
        reduced = reduced_dims(tangent.shape, ctx.setting.options)
        return (tangent * gradient).sum(reduced).to(gradient.dtype), None


def _spread(upstream: Tensor, input: Tensor, o: Options) -> Tensor:
    """The derivative of the loss with respect to its value, shaped to meet the gradient."""
    if upstream.ndim == 0:
        return upstream
    if o.reduction == "none":
        return upstream.unsqueeze(o.dim)
    return upstream.reshape([n if d in o.kept else 1 for d, n in enumerate(input.shape)])
