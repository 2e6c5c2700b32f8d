"""GAR in PyTorch's autograd, and the one place that chooses how a batch is read.

A batch on the CPU in eager mode goes to the compiled reader where there is one: the value in the
forward pass, the gradient in the backward pass. Everything else goes to the tensor reader: for a
first derivative in the input with the closed-form gradient, and for all other derivatives
(transforms, traces, second derivatives, those in target and weights) by differentiating the value
operation by operation.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from gar_verify.losses._compiled import STATUS
from gar_verify.losses._validation import PLAIN, executed_plainly, values_readable
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
    check_labels,
    check_weight_values,
    result_dtype,
)
from gar_verify.losses.gar.tensor_reader import (
    gradient_of,
    grouped,
    loss_of,
    moments_of,
    split,
    value_of,
)


def loss_of_checked(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None,
    alpha: float | Tensor,
    setting: Setting,
    groups: Tensor | None = None,
) -> Tensor:
    """The loss of a checked batch, by the fastest way that gives the derivatives asked for."""
    if setting.partial:
        check_derivatives(target, weight)
    arguments = (input, target, weight, alpha, setting, groups)
    plainly = executed_plainly() and type(input) in PLAIN and type(target) in PLAIN
    if torch.is_grad_enabled():
        others = target.requires_grad or (weight is not None and weight.requires_grad)
        others = others or (isinstance(alpha, Tensor) and alpha.requires_grad)
        if input.requires_grad and not others and (plainly or setting.partial):
            rest = (alpha, setting, groups)
            value: Tensor = ClosedForm.apply(input, target, weight, rest)  # type: ignore[no-untyped-call]
            return value
        if others or not plainly:
            return evaluate(*arguments)[0]
    elif not plainly:
        return evaluate(*arguments)[0]
    with torch.no_grad():
        if STATUS.failure is None:
            compiled = compiled_reader.value_and_state(*arguments)
            if compiled is not None:
                return compiled[0]
        return evaluate(*arguments)[0]


def evaluate(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None,
    alpha: float | Tensor,
    setting: Setting,
    groups: Tensor | None = None,
    with_gradient: bool = False,
) -> tuple[Tensor, Tensor]:
    """Value and closed-form gradient (an empty tensor unless asked for), by the tensor reader."""
    o, dtype = setting.options, result_dtype(input, target)
    if weight is not None and values_readable(weight):
        check_weight_values(weight, o.dim, setting.partial or o.missing == "omit")
    index = None if groups is None else grouped(groups)
    if setting.partial:
        m, vectors, batch = whole_batch(split_chunk(input, target, o.dim, weight, index), setting)
    else:
        batch = split(input, target, o.dim, weight, index)
        vectors = (batch.parts.residual, batch.parts.label)
        m = moments_of(batch, o.conventional, o.delta)
    if setting.reader == "auto" and values_readable(target) and bool(m.mean_y.isnan().any()):
        check_labels(target, weight, o.dim)
    loss = loss_of(m, alpha, o, dtype)
    value = value_of(loss, o, dtype)
    if not with_gradient:
        return value, input.new_empty(0)
    copies = 1 if setting.group is None else torch.distributed.get_world_size(setting.group)
    gradient = gradient_of(loss, m, batch, vectors, o, input.dtype, copies)
    return value, gradient.to(dtype)


class ClosedForm(torch.autograd.Function):
    """The loss in eager mode, with its closed-form gradient."""

    @staticmethod
    def forward(  # noqa: D102
        ctx: Any,
        input: Tensor,
        target: Tensor,
        weight: Tensor | None,
        rest: tuple[float | Tensor, Setting, Tensor | None],
    ) -> Tensor:
        ctx.rest = rest
        if STATUS.failure is None:
            compiled = compiled_reader.value_and_state(input, target, weight, *rest)
            if compiled is not None:
                value, ctx.state = compiled
                ctx.save_for_backward(input, target, weight)
                return value
        ctx.state = None
        value, gradient = evaluate(input, target, weight, *rest, with_gradient=True)
        ctx.save_for_backward(input, target, weight, gradient)
        return value

    @staticmethod
    def backward(ctx: Any, upstream: Tensor) -> Any:  # noqa: D102
        if torch.is_grad_enabled():
            gradient = _differentiable_gradient(ctx, upstream)
        elif ctx.state is None:
            gradient = _input_gradient(ctx, upstream)
        else:
            input, target, weight = ctx.saved_tensors
            gradient = compiled_reader.gradient(input, target, weight, ctx.state, upstream)
        return gradient, None, None, None


def _differentiable_gradient(ctx: Any, upstream: Tensor) -> Tensor:
    """The gradient as a function of the input, for a second derivative."""
    if ctx.rest[1].partial:
        refuse_second_derivatives()
    input, target, weight, *_ = ctx.saved_tensors
    value, _ = evaluate(input, target, weight, *ctx.rest)
    gradient: Tensor = torch.autograd.grad(value, input, upstream, create_graph=True)[0]
    return gradient


def _input_gradient(ctx: Any, upstream: Tensor) -> Tensor:
    input, _, _, gradient = ctx.saved_tensors
    if upstream.ndim > 0:
        upstream = _spread(upstream, input, ctx.rest[1].options)
    product: Tensor = upstream * gradient
    return product if product.dtype == input.dtype else product.to(input.dtype)


def _spread(upstream: Tensor, input: Tensor, o: Options) -> Tensor:
    """The derivative of the loss with respect to its value, shaped to meet the gradient."""
    if o.reduction == "none":
        return upstream.unsqueeze(o.dim)
    return upstream.reshape([n if d in o.kept else 1 for d, n in enumerate(input.shape)])
