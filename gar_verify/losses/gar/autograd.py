"""GAR in PyTorch's autograd, and the one place that chooses how a batch is read.

A batch on the CPU in eager mode goes to the compiled reader where there is one: the value in the
forward pass, the gradient in the backward pass. Everything else goes to the tensor reader, which
has value and gradient in one. Second derivatives are those of the tensor reader's formula.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from gar_verify.losses._compiled import STATUS
from gar_verify.losses.gar import compiled_reader
from gar_verify.losses.gar.distributed import (
    check_derivatives,
    refuse_second_derivatives,
    split_chunk,
    whole_batch,
)
from gar_verify.losses.gar.options import (
    Options,
    Setting,
    check_weight_values,
    numbers_readable,
    result_dtype,
    transforms_active,
)
from gar_verify.losses.gar.tensor_reader import (
    gradient_of,
    loss_of,
    resolved_moments,
    split,
    value_of,
)


def loss_of_checked(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None,
    alpha: float | Tensor,
    setting: Setting,
) -> Tensor:
    """The loss of a checked batch, by the fastest way that gives the derivatives asked for."""
    if setting.partial:
        check_derivatives(target, weight)
    arguments = (input, target, weight, alpha, setting)
    if target.requires_grad or (weight is not None and weight.requires_grad):
        return evaluate(*arguments, with_gradient=False)[0]
    if torch.compiler.is_compiling():
        value: Tensor = TransformableClosedForm.apply(*arguments)[0]  # type: ignore[no-untyped-call]
        return value
    if transforms_active():
        value = TransformableWithForwardMode.apply(*arguments)[0]  # type: ignore[no-untyped-call]
        return value
    if input.requires_grad and torch.is_grad_enabled():
        value = ClosedForm.apply(*arguments)  # type: ignore[no-untyped-call]
        return value
    with torch.no_grad():
        if STATUS.failure is None:
            compiled = compiled_reader.value_and_state(*arguments)
            if compiled is not None:
                return compiled[0]
        return evaluate(*arguments, with_gradient=False)[0]


def evaluate(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None,
    alpha: float | Tensor,
    setting: Setting,
    with_gradient: bool = True,
) -> tuple[Tensor, Tensor]:
    """Value and closed-form gradient (an empty tensor unless asked for), by the tensor reader."""
    o, dtype = setting.options, result_dtype(input.dtype)
    if weight is not None and numbers_readable(weight):
        check_weight_values(weight, o.dim, setting.partial)
    if setting.partial:
        batch = split_chunk(input, target, o.dim, weight)
        m, vectors, scale = whole_batch(batch, setting)
    else:
        batch = split(input, target, o.dim, weight)
        vectors, scale = (batch.parts.residual, batch.parts.label), 1.0
        m = resolved_moments(batch, o)
    loss = loss_of(m, alpha, o, dtype)
    value = value_of(loss, o, dtype)
    if not with_gradient:
        return value, input.new_empty(0)
    return value, gradient_of(loss, m, batch, vectors, scale, o, input.dtype)


class ClosedForm(torch.autograd.Function):
    """The loss in eager mode, with its closed-form gradient."""

    @staticmethod
    def forward(  # noqa: D102
        ctx: Any,
        input: Tensor,
        target: Tensor,
        weight: Tensor | None,
        alpha: float | Tensor,
        setting: Setting,
    ) -> Tensor:
        ctx.alpha, ctx.setting = alpha, setting
        ctx.state = None
        if STATUS.failure is None:
            compiled = compiled_reader.value_and_state(input, target, weight, alpha, setting)
            if compiled is not None:
                value, ctx.state = compiled
                ctx.save_for_backward(input, target, weight)
                return value
        value, gradient = evaluate(input, target, weight, alpha, setting)
        ctx.save_for_backward(input, target, weight, gradient)
        return value

    @staticmethod
    def backward(ctx: Any, upstream: Tensor) -> Any:  # noqa: D102
        if ctx.state is None or torch.is_grad_enabled():
            return _input_gradient(ctx, upstream), None, None, None, None
        input, target, weight = ctx.saved_tensors
        gradient = compiled_reader.gradient(input, target, weight, ctx.state, upstream)
        return gradient, None, None, None, None


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
        ctx.save_for_backward(input, target, weight, output[1])
        ctx.save_for_forward(input, target, weight, output[1])
        ctx.alpha, ctx.setting = alpha, setting

    @staticmethod
    def backward(ctx: Any, upstream: Tensor, _: Any) -> Any:  # noqa: D102
        return _input_gradient(ctx, upstream), None, None, None, None


class TransformableWithForwardMode(TransformableClosedForm):
    """`TransformableClosedForm` with forward-mode derivatives, which `torch.compile` refuses."""

    @staticmethod
    def jvp(ctx: Any, tangent: Tensor, *_: Any) -> tuple[Tensor, None]:  # noqa: D102
        *_, gradient = ctx.saved_tensors
        reduced = ctx.setting.options.reduced_dims(tangent.ndim)
        return (tangent * gradient).sum(reduced).to(gradient.dtype), None


def _input_gradient(ctx: Any, upstream: Tensor) -> Tensor:
    input, target, weight, *gradient = ctx.saved_tensors
    if torch.is_grad_enabled():  # a second derivative is asked for
        if ctx.setting.partial:
            refuse_second_derivatives()
        gradient = evaluate(input, target, weight, ctx.alpha, ctx.setting)[1:]
    if upstream.ndim > 0:
        upstream = _spread(upstream, input, ctx.setting.options)
    product: Tensor = upstream * gradient[0]
    return product if product.dtype == input.dtype else product.to(input.dtype)


def _spread(upstream: Tensor, input: Tensor, o: Options) -> Tensor:
    """The derivative of the loss with respect to its value, shaped to meet the gradient."""
    if o.reduction == "none":
        return upstream.unsqueeze(o.dim)
    return upstream.reshape([n if d in o.kept else 1 for d, n in enumerate(input.shape)])
