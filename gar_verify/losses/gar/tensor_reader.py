"""The formulas read by torch: moments, value and gradient of a batch of tensors.

The formulas are those of `gar_verify.formulas`; this module brings the averaging operator of
tensors (with or without sample weights, along one named dimension), the precision, shapes, and the
conventional losses by name. Statistics are accumulated in float64 wherever the device has it, so
that float32 and half-precision batches lose nothing; see `aggregation.accumulation_dtype`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from functools import reduce
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from gar_verify import formulas
from gar_verify.formulas import Decomposition, Gradient, Moments, prediction_variance, square
from gar_verify.losses.gar.aggregation import (
    accumulation_dtype,
    aggregate,
    max_derivative,
    smallest,
)
from gar_verify.losses.gar.options import Conventional, Options, result_dtype

ROUNDINGS = 16
"""Rounding errors that `zero_rounding_residual` allows for; up to 5 were seen, whatever the size of
the batch."""


class Split(NamedTuple):
    """A batch split along its labels, with what is needed to average over it."""

    input: Tensor
    target: Tensor
    parts: Decomposition
    """Means, slope and per-sample parts; reduced entries keep the batch dimension, with size 1."""
    error: Tensor
    """d = f - y in the precision of the statistics, shape of the input."""
    mean: formulas.Mean
    """Average over the batch dimension, which stays with size 1."""
    share: Tensor | float
    """w_i / W: what each sample contributes to a mean; 1/N without weights."""
    weight: Tensor | float
    """W, or N without weights."""


def split(input: Tensor, target: Tensor, dim: int, sample_weight: Tensor | None = None) -> Split:
    """Split the errors ``input - target`` along the labels over the batch dimension ``dim``.

    ``input`` and ``target`` have one shape; ``sample_weight`` has that shape, or is 1-D of the size
    of ``dim``. A sample of weight zero is absent, whatever it holds (NaN too).
    """
    dtype = accumulation_dtype(input)
    f, y = input.to(dtype), target.to(dtype)
    if sample_weight is None:
        size = f.shape[dim]

        def plain_mean(x: Tensor, times: Tensor | None = None) -> Tensor:
            return (x if times is None else x * times).mean(dim, keepdim=True)

        shift_f, shift_y = f.narrow(dim, 0, 1), y.narrow(dim, 0, 1)
        parts = formulas.decompose(f, y, plain_mean, shift_f, shift_y)
        return Split(f, y, parts, f - y, plain_mean, 1 / size, float(size))
    w = _expand_weight(sample_weight.to(dtype), f, dim)
    heaviest = w.argmax(dim, keepdim=True)
    shift_f, shift_y = f.gather(dim, heaviest), y.gather(dim, heaviest)
    f, y = torch.where(w == 0, shift_f, f), torch.where(w == 0, shift_y, y)
    total = w.sum(dim, keepdim=True)
    share = w / total

    def mean(x: Tensor, times: Tensor | None = None) -> Tensor:
        return (share * (x if times is None else x * times)).sum(dim, keepdim=True)

    parts = formulas.decompose(f, y, mean, shift_f, shift_y)
    return Split(f, y, parts, f - y, mean, share, total)


def _expand_weight(weight: Tensor, like: Tensor, dim: int) -> Tensor:
    if weight.shape == like.shape:
        return weight
    shape = [1] * like.ndim
    shape[dim] = like.shape[dim]
    return weight.reshape(shape).expand_as(like)


def conventional_loss(name: Conventional, error: Any, delta: float = 1.0) -> Any:
    """phi(d) of each error: |d| (``"mae"``), d^2 (``"mse"``), Huber's function (``"huber"``).

    ``error`` is a tensor or a numpy array.
    """
    if name == "mae":
        return formulas.absolute(error)
    if name == "mse":
        return formulas.square(error)
    return formulas.huber(error, error.clip(-delta, delta))


def conventional_slope(name: Conventional, error: Any, delta: float = 1.0) -> Any:
    """phi'(d) of each error, a tensor or a numpy array; sign(0) = 0 for ``"mae"``."""
    if name == "mae":
        return formulas.absolute_slope(error, torch if isinstance(error, Tensor) else np)
    if name == "mse":
        return formulas.square_slope(error)
    return error.clip(-delta, delta)


def moments_of(batch: Split, conventional: Conventional = "mae", delta: float = 1.0) -> Moments:
    """The moments of a split batch; each keeps the batch dimension, with size 1."""
    phi = conventional_loss(conventional, batch.error, delta)
    return formulas.moments(batch.parts, phi, batch.weight, batch.mean)


def zero_rounding_residual(m: Moments, eps: float) -> Moments:
    """Moments whose Var(r) is zero where it is no more than rounding leaves of zero.

    ``eps`` is the distance from 1 to the next number. Two samples, or predictions exactly linear in
    the labels, leave residuals of a few eps; 1 / loss would make a gradient of 1e16 out of them.
    """
    noise = square(ROUNDINGS * eps) * (prediction_variance(m) + m.var_y)
    var_r = m.var_r * (m.var_r > noise)  # keeps NaN; infinity becomes NaN
    return Moments(m.weight, m.mean_d, m.mean_y, m.var_y, m.slope, var_r, m.conventional)


def batch_moments(
    input: Tensor,
    target: Tensor,
    dim: int = 0,
    sample_weight: Tensor | None = None,
    conventional: Conventional = "mae",
    delta: float = 1.0,
) -> Moments:
    """Moments of a batch along ``dim``, in float64; each has the input's shape without ``dim``.

    >>> import torch
    >>> m = batch_moments(torch.tensor([1.0, 2.0, 4.0]), torch.tensor([1.0, 2.0, 3.0]))
    >>> [round(float(x), 4) for x in (m.mean_d, m.var_y, m.slope, m.var_r, m.conventional)]
    [0.3333, 0.6667, 0.5, 0.0556, 0.3333]
    """
    m = moments_of(split(input, target, dim, sample_weight), conventional, delta)
    squeezed = [x.squeeze(dim) if isinstance(x, Tensor) else x for x in m[1:]]
    weight = m.weight.squeeze(dim) if isinstance(m.weight, Tensor) else m.weight
    return Moments(torch.as_tensor(weight, dtype=squeezed[0].dtype), *squeezed)


def merge_all(chunks: Iterable[Moments]) -> Moments:
    """Moments of the union of disjoint chunks, by `formulas.merge` from left to right."""
    return reduce(formulas.merge, chunks)


# --- from the moments to the value and the gradient -----------------------------------------------


class Loss(NamedTuple):
    """The loss of a batch, in the precision of the statistics; all dimensions are there."""

    value: Tensor
    derivatives: list[Any]
    """In the three sub-losses of each target."""
    losses: Tensor
    """The sub-losses along the first dimension; averaged over joint targets."""
    p: Tensor
    """The weights p_k of the aggregation, along the first dimension."""


def loss_of(m: Moments, alpha: float | Tensor, o: Options, dtype: torch.dtype) -> Loss:
    """The loss of a batch with these moments; ``dtype`` is that of the result."""
    losses = torch.stack(formulas.sub_losses(m, torch))
    averaged = o.averaged_dims(losses.ndim - 1)
    count = math.prod([losses.shape[d + 1] for d in averaged])
    if averaged and o.targets == "joint":
        losses = losses.mean([d + 1 for d in averaged], keepdim=True)
    value, derivatives, p = aggregate(losses, alpha, o, smallest(dtype))
    if averaged and o.targets == "per_target" and o.reduction == "mean":
        value = value.mean(averaged, keepdim=True)
    if o.reduction == "mean":
        derivatives = [x / count for x in derivatives]
    return Loss(value, derivatives, losses, p)


def value_of(loss: Loss, o: Options, dtype: torch.dtype) -> Tensor:
    """The value as the caller gets it, in its shape, its dtype and the range of that."""
    value = loss.value.squeeze(o.reduced_dims(loss.value.ndim))
    return value.clamp(max=torch.finfo(dtype).max).to(dtype)


def gradient_of(
    loss: Loss,
    m: Moments,
    batch: Split,
    vectors: tuple[Tensor, Tensor],
    scale: float | Tensor,
    o: Options,
    dtype: torch.dtype,
) -> Tensor:
    """The gradient in closed form, from the moments of the whole batch.

    Args:
        loss: from `loss_of` at these moments.
        m: moments of the whole batch, which ``batch`` may be a chunk of.
        batch: the samples.
        vectors: their residual and centred label.
        scale: a factor on all of it.
        o: the options.
        dtype: of the input, whose range the gradient keeps to.
    """
    coefficients = formulas.sub_losses_gradient(m, loss.derivatives, torch)
    limit = max_derivative(vectors[0].dtype)
    bounded = Gradient(
        *(x.clamp(-limit, limit) if isinstance(x, Tensor) else x for x in coefficients)
    )
    slope = conventional_slope(o.conventional, batch.error, o.delta)
    gradient = formulas.sample_gradient(bounded, slope, *vectors)
    share = batch.share * scale
    gradient = gradient * share
    if isinstance(share, Tensor):  # an absent sample may hold anything
        gradient = torch.where(share == 0, 0, gradient)
    largest = torch.finfo(dtype).max
    finite: Tensor = gradient.clamp(-largest, largest)
    return finite.to(result_dtype(dtype))


def resolved_moments(batch: Split, o: Options) -> Moments:
    """Moments of a split batch, free of what rounding leaves of a residual."""
    return without_rounding(moments_of(batch, o.conventional, o.delta))


def without_rounding(m: Moments) -> Moments:
    """`zero_rounding_residual` in the precision of the moments."""
    return zero_rounding_residual(m, torch.finfo(m.var_y.dtype).eps)
