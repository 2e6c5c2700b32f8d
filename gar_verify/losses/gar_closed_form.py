"""GAR of a batch with its gradient in closed form.

The batch is reduced to its moments, the moments to the value and to three coefficients, and the
gradient is those coefficients times three vectors (`formulas.Gradient`). All arithmetic on moments
is in `gar_verify.formulas`; what is here is shapes, precision and PyTorch's autograd.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from gar_verify import formulas
from gar_verify.formulas import Gradient, Moments
from gar_verify.losses.aggregation import aggregate, smallest, steepest
from gar_verify.losses.gar_chunks import (
    check_chunkable,
    gather,
    refuse_second_derivatives,
    split_chunk,
    summary,
    union,
)
from gar_verify.losses.gar_numbers import evaluate_numbers
from gar_verify.losses.gar_options import Options, numbers_readable, result_dtype, transforms_active
from gar_verify.moments import (
    Split,
    conventional_slope,
    moments_of,
    resolved,
    split,
)

if TYPE_CHECKING:
    from torch.distributed import ProcessGroup


def aggregate_targets(
    m: Moments, alpha: float | Tensor, o: Options, floor: float, averaged: tuple[int, ...]
) -> tuple[Tensor, list[Any], Tensor, Tensor]:
    """Value, derivatives in the sub-losses of each target, the sub-losses, and p_k.

    ``averaged`` lists the target dimensions (of the moments) that the value averages over; they
    stay with size 1, as does the batch dimension.
    """
    losses = torch.stack(formulas.sub_losses(m, torch))
    count = math.prod([losses.shape[d + 1] for d in averaged])
    if averaged and o.targets == "joint":
        losses = losses.mean([d + 1 for d in averaged], keepdim=True)
    value, derivatives, p = aggregate(losses, alpha, o, floor)
    if averaged and o.targets == "per_target" and o.reduction == "mean":
        value = value.mean(averaged, keepdim=True)
    if o.reduction == "mean":
        derivatives = [x / count for x in derivatives]
    return value, derivatives, losses, p


def _gradient(
    batch: Split, vectors: tuple[Tensor, Tensor], coefficients: Gradient, o: Options, scale: Any
) -> Tensor:
    """The gradient, sample by sample, from its coefficients (see `formulas.Gradient`)."""
    slope = conventional_slope(o.conventional, batch.error, o.delta)
    residual, label = vectors
    limit = steepest(residual.dtype)
    by_conventional, by_residual, by_label = (
        x.clamp(-limit, limit) if isinstance(x, Tensor) else x for x in coefficients
    )
    gradient: Tensor = by_residual * residual + by_label * label + by_conventional * slope
    share = batch.share * scale
    if isinstance(share, Tensor):  # an absent sample may hold anything
        return torch.where(share == 0, 0, gradient * share)
    gradient = gradient * share
    return gradient


@dataclass(frozen=True)
class Setting:
    """What determines the value besides tensors."""

    options: Options
    whole: Moments | None = None
    """Moments of the whole batch when the input is a chunk of it."""
    group: ProcessGroup | None = None

    def __post_init__(self) -> None:
        """Refuse options that a part of a batch cannot have."""
        if self.partial:
            check_chunkable(self.options)

    @property
    def partial(self) -> bool:
        """Whether the input is a part of the batch."""
        return self.whole is not None or self.group is not None


def averaged_dims(ndim: int, o: Options) -> tuple[int, ...]:
    """The target dimensions that the value averages over."""
    return tuple(d for d in range(ndim) if d != o.dim and d not in o.kept)


def reduced_dims(shape: torch.Size, o: Options) -> list[int]:
    """The dimensions that the value does not have."""
    if o.reduction == "none":
        return [o.dim]
    return [d for d in range(len(shape)) if d not in o.kept]


def whole_batch(
    batch: Split, setting: Setting
) -> tuple[Moments, tuple[Tensor, Tensor], float | Tensor]:
    """Moments of the whole batch, `resolved`; residual and label; the factor on the gradient.

    Under DistributedDataParallel gradients are averaged over the processes, hence their number.
    """
    o = setting.options
    processes = 1
    if setting.whole is not None:
        m = setting.whole
    elif setting.group is not None:
        m = union(gather(summary(batch, o), setting.group))
        processes = torch.distributed.get_world_size(setting.group)
    else:
        m = moments_of(batch, o.conventional, o.delta)
        return _resolved(m), (batch.parts.residual, batch.parts.label), 1.0
    vectors = formulas.residual_and_label(batch.input, batch.target, m)
    return _resolved(m), vectors, processes * batch.weight / m.weight


def _resolved(m: Moments) -> Moments:
    return resolved(m, torch.finfo(m.var_y.dtype).eps)


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
    if weight is None and _by_numbers(input, alpha, setting):
        return evaluate_numbers(input, target, alpha, o, with_gradient)  # type: ignore[arg-type]
    dtype = result_dtype(input)
    limit = torch.finfo(dtype).max
    batch = (split_chunk if setting.partial else split)(input, target, o.dim, weight)
    m, vectors, scale = whole_batch(batch, setting)
    averaged = averaged_dims(input.ndim, o)
    full, derivatives, _, _ = aggregate_targets(m, alpha, o, smallest(dtype), averaged)
    value = full.squeeze(reduced_dims(input.shape, o)).clamp(max=limit).to(dtype)
    if not with_gradient:
        return value, input.new_empty(0)
    coefficients = formulas.sub_losses_gradient(m, derivatives, torch)
    gradient = _gradient(batch, vectors, coefficients, o, scale)
    largest = torch.finfo(input.dtype).max
    return value, gradient.clamp(-largest, largest).to(dtype)


def _by_numbers(input: Tensor, alpha: float | Tensor, setting: Setting) -> bool:
    """Whether this is a whole batch of one target whose moments may be read as numbers."""
    o = setting.options
    return (
        setting.whole is None
        and setting.group is None
        and input.numel() == input.shape[o.dim]
        and not o.kept
        and o.reduction == "mean"
        and not isinstance(alpha, Tensor)
        and not torch.is_grad_enabled()
        and numbers_readable(input)
    )


class ClosedForm(torch.autograd.Function):
    """The loss with its closed-form gradient, computed together with the value."""

    @staticmethod
    def forward(  # noqa: D102
        ctx: Any,
        input: Tensor,
        target: Tensor,
        weight: Tensor | None,
        alpha: float | Tensor,
        setting: Setting,
    ) -> Tensor:
        value, gradient = evaluate(input, target, weight, alpha, setting)
        ctx.save_for_backward(input, gradient, target, weight)
        ctx.alpha, ctx.setting = alpha, setting
        return value

    @staticmethod
    def backward(ctx: Any, upstream: Tensor) -> Any:  # noqa: D102
        return _input_gradient(ctx, upstream), None, None, None, None


def _input_gradient(ctx: Any, upstream: Tensor) -> Tensor:
    input, gradient, target, weight = ctx.saved_tensors
    if torch.is_grad_enabled():  # a second derivative is asked for
        if ctx.setting.partial:
            refuse_second_derivatives()
        _, gradient = evaluate(input, target, weight, ctx.alpha, ctx.setting)
    if upstream.ndim > 0:
        upstream = _spread(upstream, input, ctx.setting.options)
    product: Tensor = upstream * gradient
    return product if product.dtype == input.dtype else product.to(input.dtype)


_WithoutTransforms: Any = getattr(
    torch.autograd.function, "_SingleLevelFunction", torch.autograd.Function
)
"""What `torch.autograd.Function` is made of, without the search for transforms of `torch.func`,
which takes a tenth of the time of a small batch."""


class ClosedFormOfNumbers(_WithoutTransforms):  # type: ignore[misc]  # which of two, torch says
    """`ClosedForm` for batches of which `whole_column` is true, without a detour."""

    @staticmethod
    def forward(  # noqa: D102
        ctx: Any, input: Tensor, target: Tensor, alpha: float, options: Options
    ) -> Tensor:
        value, gradient = evaluate_numbers(input, target, alpha, options, True)
        ctx.save_for_backward(input, gradient, target)
        ctx.alpha, ctx.options = alpha, options
        return value

    @staticmethod
    def backward(ctx: Any, upstream: Tensor) -> Any:  # noqa: D102
        input, gradient, target = ctx.saved_tensors
        if torch.is_grad_enabled():  # a second derivative is asked for
            _, gradient = evaluate(input, target, None, ctx.alpha, Setting(ctx.options))
        return upstream * gradient, None, None, None


def whole_column(input: Tensor, target: Tensor) -> bool:
    """Whether this is plainly one target on the CPU, in training: the batch of most loops.

    True only for what `check_batch` accepts with ``dim=0``.
    """
    return (
        not torch.compiler.is_compiling()
        and isinstance(input, Tensor)
        and isinstance(target, Tensor)
        and input.is_cpu
        and target.is_cpu
        and input.dtype is target.dtype
        and input.dtype in (torch.float32, torch.float64)
        and input.shape == target.shape
        and input.ndim > 0
        and 0 < input.numel() == len(input)
        and input.requires_grad
        and not target.requires_grad
        and torch.is_grad_enabled()
        and not transforms_active()
    )


class TransformableClosedForm(torch.autograd.Function):
    """`ClosedForm` in the form that `torch.compile` and the transforms of `torch.func` take.

    It costs several times the overhead, and has the gradient as a second output.
    """

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
        ctx.save_for_backward(input, output[1], target, weight)
        ctx.save_for_forward(input, output[1], target, weight)
        ctx.alpha, ctx.setting = alpha, setting

    @staticmethod
    def backward(ctx: Any, upstream: Tensor, _: Any) -> Any:  # noqa: D102
        return _input_gradient(ctx, upstream), None, None, None, None


class TransformableWithForwardMode(TransformableClosedForm):
    """`TransformableClosedForm` with forward-mode derivatives, which `torch.compile` refuses."""

    @staticmethod
    def jvp(ctx: Any, tangent: Tensor, *_: Any) -> tuple[Tensor, None]:  # noqa: D102
        _, gradient, *_ = ctx.saved_tensors
        reduced = reduced_dims(tangent.shape, ctx.setting.options)
        return (tangent * gradient).sum(reduced).to(gradient.dtype), None


def _spread(upstream: Tensor, input: Tensor, o: Options) -> Tensor:
    """The derivative of the loss with respect to its value, shaped to meet the gradient."""
    if o.reduction == "none":
        return upstream.unsqueeze(o.dim)
    return upstream.reshape([n if d in o.kept else 1 for d, n in enumerate(input.shape)])
