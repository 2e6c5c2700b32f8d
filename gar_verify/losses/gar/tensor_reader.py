"""The formulas read by torch: moments, value and gradient of a batch of tensors.

The formulas are those of `gar_verify.formulas`; this module brings the averaging operator of
tensors (with or without sample weights, over all samples of one named dimension or over groups of
them), the precision, shapes, and the conventional losses by name. Statistics are accumulated in
float64 wherever the device has it, so that float32 and half-precision batches lose nothing; see
`aggregation.accumulation_dtype`.

A *unit* is what has moments: the batch along its dimension, which stays with size 1, or each of its
groups.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from gar_verify import formulas
from gar_verify.formulas import (
    Decomposition,
    Gradient,
    Moments,
    Shifts,
    prediction_variance,
    square,
)
from gar_verify.losses._validation import executed_plainly
from gar_verify.losses.gar.aggregation import (
    accumulation_dtype,
    aggregate,
    max_derivative,
    smallest,
)
from gar_verify.losses.gar.options import Conventional, Options

ROUNDINGS = 16
"""Rounding errors that `zero_rounding_residual` allows for; up to 5 were seen, whatever the size of
the batch."""

ABSENT_BEYOND = 1e100
"""An absent sample (weight 0) as large as this, or not finite, is replaced by another one."""


def square_root(v: Tensor) -> Tensor:
    """Square root with derivative 0 at 0, where the true one is infinite.

    Of IEEE operations: MKL's is another on an AMD than on an Intel processor.
    """
    zero = v == 0
    return torch.where(zero, torch.zeros_like(v), v.masked_fill(zero, 1.0).rsqrt().reciprocal())


class Namespace:
    """What the formulas take their functions from (no instance: `torch.compile` follows it)."""

    sqrt = staticmethod(square_root)


class Groups(NamedTuple):
    """Which samples belong together."""

    of: Tensor
    """(N,): the number of each sample's group."""
    ids: Tensor
    """(G,): what the user calls each group, ascending."""

    def sums(self, x: Tensor) -> Tensor:
        """The sum over each group, (G, ...)."""
        return x.new_zeros(len(self.ids), *x.shape[1:]).index_add(0, self.of, x)

    def spread(self, x: Tensor) -> Tensor:
        """For each sample the entry of its group, (N, ...)."""
        return x.index_select(0, self.of)

    def heaviest(self, weight: Tensor) -> Tensor:
        """The first of the heaviest samples of each group, (G, ...)."""
        column = (-1, *[1] * (weight.ndim - 1))
        of = self.of.reshape(column).expand_as(weight)
        shape = (len(self.ids), *weight.shape[1:])
        top = weight.new_zeros(shape).scatter_reduce(0, of, weight, "amax")
        places = torch.arange(len(weight), device=weight.device).reshape(column).expand_as(weight)
        places = torch.where(weight == self.spread(top), places, len(weight) - 1)
        last = places.new_full(shape, len(weight) - 1)
        return last.scatter_reduce(0, of, places, "amin")


def grouped(groups: Tensor) -> Groups:
    """`Groups` of integers in any order."""
    ids, index = torch.unique(groups, return_inverse=True)
    return Groups(index, ids)


class Split(NamedTuple):
    """A batch split along its labels, with what is needed to average over it."""

    input: Tensor
    target: Tensor
    parts: Decomposition
    """Means and slopes of the units, at each of their samples or broadcasting against them, and the
    parts of each sample."""
    error: Tensor
    """d = f - y in the precision of the statistics, shape of the input."""
    mean: formulas.Mean
    """Average over the unit of each sample."""
    w: Tensor | float
    """The weight of each sample; 1 without weights."""
    weight: Tensor | float
    """W of each unit, or N without weights."""
    shifts: Shifts
    """Those of the units, from one sample of each."""
    dim: int
    anchor: Tensor | None
    """The place of that sample along ``dim``; None for the first."""
    groups: Groups | None

    def spread(self, x: Any) -> Any:
        """From the units to their samples."""
        return x if self.groups is None or not isinstance(x, Tensor) else self.groups.spread(x)

    def at_anchor(self, x: Tensor) -> Tensor:
        """From the samples to their units."""
        return x.narrow(self.dim, 0, 1) if self.anchor is None else x.gather(self.dim, self.anchor)


def _at(x: Tensor, dim: int, place: Tensor | None = None) -> Tensor:
    x = x.detach()
    return x.narrow(dim, 0, 1) if place is None else x.gather(dim, place)


def shifts_at(f: Tensor, y: Tensor) -> Shifts:
    """Shifts that make a sample zero."""
    return Shifts(f, y, f - y)


def split(
    input: Tensor,
    target: Tensor,
    dim: int,
    sample_weight: Tensor | None = None,
    groups: Groups | None = None,
) -> Split:
    """Split predictions and errors along the labels over the batch dimension ``dim``.

    ``input`` and ``target`` have one shape; ``sample_weight`` broadcasts against them, or is 1-D of
    the size of ``dim``; ``groups`` are along dimension 0. A sample of weight zero is absent,
    whatever it holds (NaN too).
    """
    dtype = accumulation_dtype(input)
    f, y = input.to(dtype), target.to(dtype)
    if sample_weight is None and groups is None:
        size = f.shape[dim]

        def plain_mean(x: Tensor, times: Tensor | None = None) -> Tensor:
            return (x if times is None else x * times).mean(dim, keepdim=True)

        s = shifts_at(_at(f, dim), _at(y, dim))
        parts = _decompose(f, y, plain_mean, s)
        return Split(f, y, parts, f - y, plain_mean, 1.0, float(size), s, dim, None, None)
    w = f.new_ones(()).expand_as(f)
    if sample_weight is not None:
        w = expand_weight(sample_weight.to(dtype), f, dim)
    if groups is None:
        anchor, total = w.detach().argmax(dim, keepdim=True), w.sum(dim, keepdim=True)
        share: Tensor = formulas.ratio(w, total)
    else:
        anchor, total = groups.heaviest(w.detach()), groups.sums(w)
        share = formulas.ratio(w, groups.spread(total))

    def mean(x: Tensor, times: Tensor | None = None) -> Tensor:
        product = share * (x if times is None else x * times)
        if groups is None:
            return product.sum(dim, keepdim=True)
        return groups.spread(groups.sums(product))

    s = shifts_at(_at(f, dim, anchor), _at(y, dim, anchor))
    at_samples = s if groups is None else Shifts(*map(groups.spread, s))
    gone = (w == 0) & ~(f.abs() + y.abs() < ABSENT_BEYOND)
    f, y = torch.where(gone, at_samples.f, f), torch.where(gone, at_samples.y, y)
    parts = _decompose(f, y, mean, at_samples)
    return Split(f, y, parts, f - y, mean, w, total, s, dim, anchor, groups)


def _decompose(f: Tensor, y: Tensor, mean: formulas.Mean, s: Shifts) -> Decomposition:
    """`formulas.decompose`, with the derivatives of constant labels as well.

    Labels that do not vary have no slope; as functions of the labels both are constant there, and
    the residual is the centred error.
    """
    parts = formulas.decompose(f, y, mean, s)
    if not (y.requires_grad or not executed_plainly()):
        return parts
    constant = parts.var_y == 0
    prediction = (f - s.f) - mean(f - s.f)
    return parts._replace(
        scale=parts.scale.masked_fill(constant, 0),
        slope=parts.slope.masked_fill(constant, 0),
        residual=torch.where(constant, prediction - parts.label, parts.residual),
    )


def expand_weight(weight: Tensor, like: Tensor, dim: int) -> Tensor:
    """Weights of the samples along ``dim`` in the shape of the batch."""
    if weight.ndim < like.ndim:
        shape = [1] * like.ndim
        shape[dim] = like.shape[dim]
        weight = weight.reshape(shape)
    return weight.expand_as(like)


def conventional_loss(name: Conventional, error: Any, delta: float = 1.0) -> Any:
    """phi(d) of each error: |d| (``"mae"``), d^2 (``"mse"``), Huber's function (``"huber"``).

    0 for ``"concordance"``, which is a function of the moments. ``error`` is a tensor or an array.
    """
    if name == "mae":
        return formulas.absolute(error)
    if name == "mse":
        return formulas.square(error)
    if name == "concordance":
        return error * 0
    return formulas.huber(error, error.clip(-delta, delta))


def conventional_slope(name: Conventional, error: Any, delta: float = 1.0) -> Any:
    """phi'(d) of each error, a tensor or an array; sign(0) = 0 for ``"mae"``.

    1 for ``"concordance"``: what multiplies the constant part of its gradient.
    """
    if name == "mae":
        return formulas.absolute_slope(error, torch if isinstance(error, Tensor) else np)
    if name == "mse":
        return formulas.square_slope(error)
    if name == "concordance":
        return error * 0 + 1
    return error.clip(-delta, delta)


def moments_of(batch: Split, conventional: Conventional = "mae", delta: float = 1.0) -> Moments:
    """The moments of the units of a split batch; the dimension of the units stays."""
    phi = conventional_loss(conventional, batch.error, delta)
    m = formulas.moments(batch.parts, phi, batch.weight, batch.mean)
    if batch.groups is None:
        return m
    return Moments(m.weight, *(batch.at_anchor(x) for x in m[1:]))


def zero_rounding_residual(m: Moments, eps: float) -> Moments:
    """Moments whose Var(r) is zero where it is no more than rounding leaves of zero.

    ``eps`` is the distance from 1 to the next number. Two samples, or predictions exactly linear in
    the labels, leave residuals of a few eps, relative to the predictions; 1 / loss would make a
    gradient of 1e16 out of them.
    """
    noise = square(ROUNDINGS * eps) * prediction_variance(m)
    var_r = m.var_r * (m.var_r > noise)  # keeps NaN; infinity becomes NaN
    return Moments(
        m.weight,
        m.mean_f,
        m.mean_d,
        m.mean_y,
        m.var_y,
        m.scale,
        m.slope,
        var_r,
        m.conventional,
    )


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


# --- from the moments to the value and the gradient -----------------------------------------------


class Loss(NamedTuple):
    """The loss of a batch, in the precision of the statistics; all dimensions are there."""

    value: Tensor
    derivatives: list[Any]
    """In the three sub-losses of each unit and target."""
    losses: Tensor
    """The sub-losses along the first dimension; averaged over joint targets."""
    p: Tensor
    """The weights p_k of the aggregation, along the first dimension."""
    units: Tensor | None
    """What the loss of each unit contributes to the value; None where there is one unit."""


def without_rounding(m: Moments) -> Moments:
    """`zero_rounding_residual` in the precision of the moments."""
    return zero_rounding_residual(m, torch.finfo(m.var_y.dtype).eps)


def sub_losses_of(m: Moments, o: Options) -> Tensor:
    """The three sub-losses of each unit and target, along the first dimension.

    1 - Pearson has no gradient where its value is a choice and not a limit.
    """
    resolved = without_rounding(m)
    conventional, variance, pearson = formulas.sub_losses(m, resolved, Namespace)
    constant = (prediction_variance(resolved) == 0) | (m.var_y == 0)
    pearson = torch.where(constant, pearson.detach(), pearson)
    if o.conventional == "concordance":
        conventional = formulas.one_minus_concordance(m)
    if o.pooled:
        conventional = (pooled_share(m, o) * conventional).sum(o.dim, keepdim=True)
        conventional = conventional.expand_as(variance)
    losses: Tensor = torch.stack((conventional, variance, pearson))
    return losses


def pooled_share(m: Moments, o: Options) -> Tensor:
    """What each group contributes to a mean over all samples."""
    share: Tensor = formulas.ratio(m.weight, m.weight.sum(o.dim, keepdim=True))
    return share


def loss_of(m: Moments, alpha: float | Tensor, o: Options, dtype: torch.dtype) -> Loss:
    """The loss of a batch with these moments; ``dtype`` is that of the result.

    A target of weight 0 is absent from the means over targets, and a group from those over groups.
    """
    losses = sub_losses_of(m, o)
    present = None
    if isinstance(m.weight, Tensor) and (o.missing == "omit" or o.grouped):
        present = (m.weight > 0).expand_as(losses[0]).to(losses.dtype)
    averaged = o.averaged_dims(losses.ndim - 1)
    over_targets: Any = 1 / math.prod([losses.shape[d + 1] for d in averaged])
    if averaged and present is not None:
        over_targets = formulas.ratio(present, present.sum(averaged, keepdim=True))
    if averaged and o.targets == "joint":
        losses = (over_targets * losses).sum([d + 1 for d in averaged], keepdim=True)
    value, derivatives, p = aggregate(losses, alpha, o, smallest(dtype))
    if averaged and o.targets == "per_target" and o.reduction == "mean":
        value = (over_targets * value).sum(averaged, keepdim=True)
    if o.reduction == "mean":
        derivatives = [x * over_targets for x in derivatives]
    elif present is not None:  # a target without a label has no loss
        value = value.masked_fill(present == 0, 0)
    units = None
    if o.grouped:
        units = _unit_shares(m, present, o)
        value = (units * value).sum(o.dim, keepdim=True)
        derivatives = [x * units for x in derivatives]
        if o.pooled:
            everywhere = derivatives[0].sum(o.dim, keepdim=True)
            derivatives[0] = everywhere * pooled_share(m, o)
    return Loss(value, derivatives, losses, p, units)


def _unit_shares(m: Moments, present: Any, o: Options) -> Tensor:
    """What each group contributes to the value, (G, 1) or (G, T)."""
    size: Tensor = m.weight.expand_as(present) if o.group_weight == "size" else present
    averaged = o.averaged_dims(size.ndim)
    if averaged and o.reduction == "mean":
        size = size.sum(averaged, keepdim=True)
        if o.group_weight == "equal":
            size = (size > 0).to(size.dtype)
    share: Tensor = formulas.ratio(size, size.sum(o.dim, keepdim=True))
    return share


def value_of(loss: Loss, o: Options, dtype: torch.dtype) -> Tensor:
    """The value as the caller gets it, in its shape, its dtype and the range of that."""
    value = loss.value.squeeze(o.reduced_dims(loss.value.ndim))
    return value.clamp(max=torch.finfo(dtype).max).to(dtype)


def gradient_of(
    loss: Loss,
    m: Moments,
    batch: Split,
    vectors: tuple[Tensor, Tensor],
    o: Options,
    dtype: torch.dtype,
    copies: int = 1,
) -> Tensor:
    """The gradient in closed form, from the moments of the whole batch.

    Args:
        loss: from `loss_of` at these moments.
        m: moments of the whole batch, which ``batch`` may be a chunk of.
        batch: the samples.
        vectors: their residual and centred label.
        o: the options.
        dtype: of the input, whose range the gradient keeps to.
        copies: a factor on all of it.
    """
    limit = max_derivative(vectors[0].dtype)
    bounded = Gradient(
        *(
            batch.spread(x.clamp(-limit, limit)) if isinstance(x, Tensor) else x
            for x in coefficients_of(loss, m, o)
        )
    )
    slope = conventional_slope(o.conventional, batch.error, o.delta)
    gradient = formulas.sample_gradient(bounded, slope, *vectors)
    share = formulas.ratio(batch.w, batch.spread(m.weight)) * copies
    gradient = gradient * share
    if isinstance(share, Tensor):  # an absent sample may hold anything
        gradient = torch.where(share == 0, 0, gradient)
    largest = torch.finfo(dtype).max
    finite: Tensor = gradient.clamp(-largest, largest)
    return finite


def coefficients_of(loss: Loss, m: Moments, o: Options) -> Gradient:
    """The coefficients of the gradient of each unit and target."""
    by_conventional, *others = loss.derivatives
    if o.conventional != "concordance":
        return formulas.sub_losses_gradient(m, without_rounding(m), loss.derivatives, Namespace)
    g = formulas.sub_losses_gradient(m, without_rounding(m), (0.0, *others), Namespace)
    own = formulas.one_minus_concordance_gradient(m)
    return Gradient(*(x + by_conventional * y for x, y in zip(g, own, strict=True)))
