"""The formulas read by numba: value and gradient of a batch on the CPU, cheaper than `L1Loss`.

The functions of `gar_verify.formulas` and the aggregation of numbers are compiled as they stand;
what is written here is loops, and the way from tensors to addresses. A batch is taken target by
target in blocks that stay in the cache; their moments merge by `formulas.merge`, in pairs, so that
rounding grows with the logarithm of the batch. Sums within a block run in several lanes; means are
relative to a sample of the batch, which makes those of a constant exact. All is in float64.

The forward pass leaves the moments and the three coefficients of the gradient of each target (its
*state*), from which the backward pass writes the gradient in one go.
"""

from __future__ import annotations

import math
import threading
from functools import cache
from itertools import chain
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from gar_verify.formulas import (
    Gradient,
    Moments,
    Shifts,
    absolute,
    absolute_slope,
    error_share,
    huber,
    merge,
    one_minus_concordance,
    one_minus_concordance_gradient,
    ratio,
    residual,
    sample_gradient,
    shifted,
    square,
    square_slope,
    sub_losses,
    sub_losses_gradient,
)
from gar_verify.losses import _compiled
from gar_verify.losses._compiled import reordered_sums
from gar_verify.losses.gar.aggregation import aggregate_numbers, max_derivative, smallest
from gar_verify.losses.gar.options import (
    CONVENTIONAL,
    HALF,
    Options,
    Setting,
    check_labels,
    check_weight_values,
    result_dtype,
)
from gar_verify.losses.gar.tensor_reader import expand_weight, zero_rounding_residual

BLOCK = 1024
"""Samples to a block: its vectors fit into the nearest cache of a core."""
_APART = BLOCK + 40  # not by a multiple of a memory page, which would slow each other down
F, D, LABEL, STACK, COPY_F, COPY_Y, COPY_W, COPY_OUT = (k * _APART for k in range(8))
"""Where the vectors of a block begin in the work space: f, d = f - y and y relative to the anchor;
moments that wait to be merged; and what lies at distances, side by side."""
WORK = 8 * _APART

MOMENTS = len(Moments._fields)
AT_MOMENTS, AT_GRADIENT = 3, 3 + MOMENTS
AT_LOSS = AT_GRADIENT + len(Gradient._fields)
STATE = AT_LOSS + 1
"""Numbers of a target that the forward pass leaves: anchor (2), scale of the weights, `Moments`,
`Gradient` and the loss of the target by itself."""

CONCORDANCE = CONVENTIONAL.index("concordance")
EPS = float(np.finfo(np.float64).eps)
LIMIT = max_derivative(torch.float64)
LEAST_WEIGHT = 1e-300
"""The heaviest weight counts as at least this: its inverse is a number."""

Array = Any
"""Inside compiled code: a one-dimensional array, of float64 unless it is said to be another."""
Three = tuple[float, float, float]

# --- from memory to a block -----------------------------------------------------------------------

reals_at: Any = None
"""The numbers at an address, in the dtype of the batch. Given by `_kernels`, as the next two."""
weights_at: Any = None
"""The weights at an address, in their dtype."""
real: Any = None
"""A number rounded to the dtype of the batch."""


def to_float32(x: float) -> Any:
    """Rounded to float32."""
    return np.float32(x)


def to_float64(x: float) -> float:
    """As it is."""
    return x


def weight_of(w: Array, i: int, scale: float) -> float:
    """The weight of a sample of the block, in units of the heaviest of the target."""
    return w[i] * scale


def one(w: Array, i: int, scale: float) -> float:
    """`weight_of` in a batch without weights."""
    return 1.0


def side_by_side(source: Array, start: int, step: int, size: int, copy: Array) -> Array:
    """Samples ``source[start + i * step]`` as a vector, copied if they lie at distances."""
    if step == 1:
        return source[start : start + size]
    first, far = np.uint64(start), np.uint64(step)  # unsigned: no index counts from the end
    for i in range(np.uint64(size)):
        copy[i] = source[first + i * far]
    return copy[:size]


def heaviest_sample(weights: Array, start: int, step: int, count: int) -> tuple[int, bool]:
    """The number of the heaviest sample, and whether no weight is negative or NaN."""
    first, far = np.uint64(start), np.uint64(step)
    place: Any = 0
    most, valid = weights[first], True
    for i in range(np.uint64(count)):
        weight = weights[first + i * far]
        if weight > most:
            place, most = np.int64(i), weight
        if not weight >= 0:
            valid = False
    return place, valid


def first_sample(weights: Array, start: int, step: int, count: int) -> tuple[int, bool]:
    """`heaviest_sample` of a batch without weights."""
    return 0, True


def scale_of(weights: Array, at: int) -> float:
    """The factor on all weights that makes this one 1."""
    return 1 / max(np.float64(weights[at]), LEAST_WEIGHT)


def no_scale(weights: Array, at: int) -> float:
    """`scale_of` in a batch without weights."""
    return 1.0


def start_of(layout: Array, vector: int, model: int, target: int) -> int:
    """Where a target begins in predictions (0), labels (1), weights (2) and gradient (4)."""
    return model * layout[3 + 3 * vector] + target * layout[4 + 3 * vector]


def starts_of(layout: Array, model: int, target: int) -> tuple[int, int, int]:
    """Where a target begins in predictions, labels and weights."""
    return (
        start_of(layout, 0, model, target),
        start_of(layout, 1, model, target),
        start_of(layout, 2, model, target),
    )


def set_anchor(
    f: Array, y: Array, w: Array, layout: Array, model: int, target: int, state: Array, at: int
) -> bool:
    """Put the heaviest sample of a target and the scale of its weights into its state.

    Returns whether no weight is negative or NaN.

    All numbers of the target are taken relative to this sample. That makes constants exactly zero
    (see `formulas.decompose`), in all blocks alike, so that it stays so when they are merged.
    """
    start = starts_of(layout, model, target)
    place, valid = heaviest_sample(w, start[2], layout[11], layout[2])
    state[at] = f[start[0] + place * layout[5]]
    state[at + 1] = y[start[1] + place * layout[8]]
    state[at + 2] = scale_of(w, start[2] + place * layout[11])
    return valid


def spread(source: Array, out: Array, start: int, step: int) -> None:
    """``out[start + i * step] = source[i]``."""
    first, far = np.uint64(start), np.uint64(step)
    for i in range(np.uint64(source.size)):
        out[first + i * far] = source[i]


def reals_in(work: Array, at: int) -> Array:
    """A part of the work space as a vector of the dtype of the batch."""
    return reals_at(work.ctypes.data + 8 * at, BLOCK)


def weights_in(work: Array, at: int) -> Array:
    """A part of the work space as a vector of the dtype of the weights."""
    return weights_at(work.ctypes.data + 8 * at, BLOCK)


def anchored(f: float, y: float, present: bool, s: Shifts) -> tuple[float, float, float, float]:
    """f - y of a sample, and f, f - y and y relative to the anchor, in float64."""
    g = np.float64(f) if present else s.f  # an absent sample may hold anything
    z = np.float64(y) if present else s.y
    prediction, error, label = shifted(g, z, s)
    return g - z, prediction, error, label


# --- from a block to its moments ------------------------------------------------------------------


def clipped(d: float, delta: float) -> float:
    """An error clipped to [-delta, delta]; NaN stays."""
    return -delta if d < -delta else (delta if d > delta else d)


def conventional_of(d: float, kind: int, delta: float) -> float:
    """phi(d) of the conventional loss, by its number in `options.CONVENTIONAL`.

    0 for concordance, which is a function of the moments.
    """
    if kind == 0:
        return absolute(d)
    if kind == 1:
        return square(d)
    if kind == 2:
        return huber(d, clipped(d, delta))
    return 0.0


def slope_of(d: float, kind: int, delta: float) -> float:
    """phi'(d) of the conventional loss; 1 for concordance, whose gradient has a constant part."""
    if kind == 0:
        return absolute_slope(d, np)
    if kind == 1:
        return square_slope(d)
    if kind == 2:
        return clipped(d, delta)
    return 1.0


@reordered_sums
def first_sums(
    f: Array, y: Array, w: Array, scale: float, s: Shifts, work: Array, kind: int, delta: float
) -> tuple[float, float, float, float, float]:
    """Sums of weights, predictions, errors, labels and conventional losses; three are kept."""
    weight = predictions = errors = labels = losses = 0.0
    for i in range(f.size):
        v = weight_of(w, i, scale)
        error, prediction, d, label = anchored(f[i], y[i], v != 0, s)
        work[F + i] = prediction
        work[D + i] = d
        work[LABEL + i] = label
        weight += v
        predictions += v * prediction
        errors += v * d
        labels += v * label
        losses += v * conventional_of(error, kind, delta)
    return weight, predictions, errors, labels, losses


@reordered_sums
def second_sums(
    w: Array, scale: float, work: Array, size: int, mean_f: float, mean_d: float, mean_y: float
) -> tuple[float, float, float]:
    """Sums of label^2, prediction * label and error * label, centred."""
    squares = products_f = products_d = 0.0
    for i in range(size):
        label = work[LABEL + i] - mean_y
        v = weight_of(w, i, scale)
        squares += v * square(label)
        products_f += v * ((work[F + i] - mean_f) * label)
        products_d += v * ((work[D + i] - mean_d) * label)
    return squares, products_f, products_d


@reordered_sums
def residual_sum(w: Array, weight_scale: float, work: Array, size: int, m: Moments) -> float:
    """Sum of r^2."""
    share, total = error_share(m.scale, m.slope), 0.0
    for i in range(size):
        f, d, y = work[F + i] - m.mean_f, work[D + i] - m.mean_d, work[LABEL + i] - m.mean_y
        total += weight_of(w, i, weight_scale) * square(residual(f, d, y, m.scale, m.slope, share))
    return total


def block_moments(
    f: Array, y: Array, w: Array, scale: float, s: Shifts, work: Array, kind: int, delta: float
) -> Moments:
    """Moments of the block, the means relative to the anchor."""
    size = f.size
    weight, predictions, errors, labels, losses = first_sums(f, y, w, scale, s, work, kind, delta)
    means = ratio(predictions, weight), ratio(errors, weight), ratio(labels, weight)
    squares, products_f, products_d = second_sums(w, scale, work, size, *means)
    var_y = ratio(squares, weight)
    slopes = ratio(ratio(products_f, weight), var_y), ratio(ratio(products_d, weight), var_y)
    phi = ratio(losses, weight)
    m = Moments(weight, means[0], means[1], means[2], var_y, slopes[0], slopes[1], 0.0, phi)
    var_r = ratio(residual_sum(w, scale, work, size, m), weight)
    return Moments(weight, means[0], means[1], means[2], var_y, slopes[0], slopes[1], var_r, phi)


def put(m: Moments, numbers: Array, at: int) -> None:
    """Store moments."""
    for k in range(MOMENTS):
        numbers[at + k] = m[k]


def moments_in(numbers: Array, at: int) -> Moments:
    """Moments that `put` has stored."""
    return Moments(
        numbers[at],
        numbers[at + 1],
        numbers[at + 2],
        numbers[at + 3],
        numbers[at + 4],
        numbers[at + 5],
        numbers[at + 6],
        numbers[at + 7],
        numbers[at + 8],
    )


def target_moments(
    f: Array,
    y: Array,
    w: Array,
    layout: Array,
    model: int,
    target: int,
    state: Array,
    at: int,
    work: Array,
    kind: int,
    delta: float,
) -> Moments:
    """Moments of a target: those of its blocks, merged in pairs."""
    start, step = starts_of(layout, model, target), (layout[5], layout[8], layout[11])
    copies, copy_w = (reals_in(work, COPY_F), reals_in(work, COPY_Y)), weights_in(work, COPY_W)
    s = Shifts(state[at], state[at + 1], state[at] - state[at + 1])
    begin, done, waiting = 0, 0, STACK
    while True:
        size = min(BLOCK, layout[2] - begin)
        m = block_moments(
            side_by_side(f, start[0] + begin * step[0], step[0], size, copies[0]),
            side_by_side(y, start[1] + begin * step[1], step[1], size, copies[1]),
            side_by_side(w, start[2] + begin * step[2], step[2], size, copy_w),
            state[at + 2],
            s,
            work,
            kind,
            delta,
        )
        begin += size
        done += 1
        pairs = done
        while waiting > STACK and (pairs % 2 == 0 or begin == layout[2]):
            waiting -= MOMENTS
            m = merge(moments_in(work, waiting), m)
            pairs //= 2
        if begin == layout[2]:
            return m
        put(m, work, waiting)
        waiting += MOMENTS


# --- the two kernels ------------------------------------------------------------------------------


def evaluate(
    f_at: int,
    y_at: int,
    w_at: int,
    layout: Array,
    alpha: float,
    alphas: Array,
    choices: Array,
    floor: float,
    limit: float,
    heaviest_total: float,
    work: Array,
    state: Array,
    values_at: int,
) -> tuple[bool, bool]:
    """Fill ``state``, and the values; return whether weights are valid, and labels numbers.

    Args:
        f_at: address of the predictions.
        y_at: of the labels.
        w_at: of the weights.
        layout: from `_layout`.
        alpha: of all models, unless ``alphas`` holds one for each.
        alphas: (models,), or empty.
        choices: `Options.numbers`.
        floor: what a smaller sub-loss counts as.
        limit: the largest value.
        heaviest_total: the largest sum of weights.
        work: (WORK,), space to work in.
        state: (models * targets * STATE,), to be filled.
        values_at: address of the values, one for each model, or for each target where these are
            not averaged.
    """
    values = reals_at(values_at, layout[0] * layout[1])
    f, y = reals_at(f_at, layout[12]), reals_at(y_at, layout[13])
    w = weights_at(w_at, layout[14])
    valid, numbers = True, True
    for model in range(layout[0]):
        if alphas.size > 0:
            alpha = alphas[model]
        at = model * layout[1] * STATE
        for target in range(layout[1]):
            here = at + target * STATE
            valid &= set_anchor(f, y, w, layout, model, target, state, here)
            m = target_moments(
                f, y, w, layout, model, target, state, here, work, int(choices[0]), choices[1]
            )
            put(m, state, here + AT_MOMENTS)
            valid &= 0 < m.weight <= heaviest_total * state[here + 2]
            numbers &= not math.isnan(m.mean_y)
        if choices[4] > 0:
            value = loss_of_each(state, at, layout[1], alpha, choices, floor)
        else:
            value = joint_loss(state, at, layout[1], alpha, choices, floor)
        if choices[5] > 0:
            values[model] = real(limit if value > limit else value)
        else:
            for target in range(layout[1]):
                value = state[at + target * STATE + AT_LOSS]
                values[model * layout[1] + target] = real(limit if value > limit else value)
    return valid, numbers


def loss_of_each(
    state: Array,
    at: int,
    targets: int,
    alpha: float,
    choices: Array,
    floor: float,
) -> float:
    """The mean loss of the targets of a model; that of each is put into its state."""
    share = 1.0 / targets if choices[5] > 0 else 1.0
    total = 0.0
    for target in range(targets):
        here = at + target * STATE
        losses = losses_of(state, here, choices)
        value, by = loss_of_numbers(losses, alpha, choices, floor)
        keep_coefficients(state, here, by, share, choices)
        total += value * share
        state[here + AT_LOSS] = value
    return total


def joint_loss(
    state: Array, at: int, targets: int, alpha: float, choices: Array, floor: float
) -> float:
    """The loss of a model whose sub-losses are averaged over its targets."""
    conventional = variance = pearson = 0.0
    for target in range(targets):
        one_by_one = losses_of(state, at + target * STATE, choices)
        conventional += one_by_one[0]
        variance += one_by_one[1]
        pearson += one_by_one[2]
    losses = (conventional / targets, variance / targets, pearson / targets)
    value, by = loss_of_numbers(losses, alpha, choices, floor)
    for target in range(targets):
        keep_coefficients(state, at + target * STATE, by, 1.0 / targets, choices)
    return value


def loss_of_numbers(
    losses: Three, alpha: float, choices: Array, floor: float
) -> tuple[float, Three]:
    """`aggregate_numbers` with the options as they are passed here."""
    chosen = (choices[6] > 0, choices[7] > 0, choices[8] > 0)
    return aggregate_numbers(losses, chosen, alpha, choices[2] > 0, choices[3] > 0, floor, LIMIT)


def losses_of(state: Array, at: int, choices: Array) -> Three:
    """The three sub-losses of a target."""
    m = moments_in(state, at + AT_MOMENTS)
    losses = sub_losses(m, zero_rounding_residual(m, EPS), math)
    if int(choices[0]) == CONCORDANCE:
        return one_minus_concordance(with_mean_error(m, state, at)), losses[1], losses[2]
    return losses


def with_mean_error(m: Moments, state: Array, at: int) -> Moments:
    """Moments whose mean error is not relative to the anchor."""
    mean_d = m.mean_d + (state[at] - state[at + 1])
    return Moments(
        m.weight,
        m.mean_f,
        mean_d,
        m.mean_y,
        m.var_y,
        m.scale,
        m.slope,
        m.var_r,
        m.conventional,
    )


def keep_coefficients(state: Array, at: int, by: Three, share: float, choices: Array) -> None:
    """Put the coefficients of the gradient into the state of a target, kept within range."""
    m = moments_in(state, at + AT_MOMENTS)
    resolved = zero_rounding_residual(m, EPS)
    if int(choices[0]) == CONCORDANCE:
        g = sub_losses_gradient(m, resolved, (0.0, by[1] * share, by[2] * share), math)
        own = one_minus_concordance_gradient(with_mean_error(m, state, at))
        factor = by[0] * share
        g = Gradient(
            factor * own.conventional,
            g.residual + factor * own.residual,
            g.label + factor * own.label,
        )
    else:
        derivatives = (by[0] * share, by[1] * share, by[2] * share)
        g = sub_losses_gradient(m, resolved, derivatives, math)
    state[at + AT_GRADIENT] = clipped(g.conventional, LIMIT)
    state[at + AT_GRADIENT + 1] = clipped(g.residual, LIMIT)
    state[at + AT_GRADIENT + 2] = clipped(g.label, LIMIT)


def write_gradient(
    f_at: int,
    y_at: int,
    w_at: int,
    upstream_at: int,
    out_at: int,
    layout: Array,
    choices: Array,
    limit: float,
    work: Array,
    state: Array,
) -> None:
    """Write the gradient, at most ``limit`` in size, times that of the value.

    Args:
        f_at: address of the predictions.
        y_at: of the labels.
        w_at: of the weights.
        upstream_at: of the derivatives with respect to the values.
        out_at: of the gradient, laid out as a contiguous input.
        layout: as in `evaluate`, and so are ``choices``, ``work`` and ``state``.
        choices: `Options.numbers`.
        limit: the largest number of the input's dtype.
        work: (WORK,), space to work in.
        state: what `evaluate` has filled.
    """
    f, y = reals_at(f_at, layout[12]), reals_at(y_at, layout[13])
    w = weights_at(w_at, layout[14])
    out = reals_at(out_at, layout[0] * layout[1] * layout[2])
    upstream = reals_at(upstream_at, layout[0] * layout[1])
    for model in range(layout[0]):
        for target in range(layout[1]):
            row = model * layout[1] + target
            factor = upstream[model if choices[5] > 0 else row]
            target_gradient(
                f,
                y,
                w,
                out,
                layout,
                model,
                target,
                state,
                row * STATE,
                factor,
                choices,
                limit,
                work,
            )


def target_gradient(
    f: Array,
    y: Array,
    w: Array,
    out: Array,
    layout: Array,
    model: int,
    target: int,
    state: Array,
    at: int,
    factor: float,
    choices: Array,
    limit: float,
    work: Array,
) -> None:
    """Write the gradient of a target."""
    start, step = starts_of(layout, model, target), (layout[5], layout[8], layout[11])
    copies, copy_w = (reals_in(work, COPY_F), reals_in(work, COPY_Y)), weights_in(work, COPY_W)
    to, far, copy_out = start_of(layout, 4, model, target), layout[17], reals_in(work, COPY_OUT)
    begin = 0
    while begin < layout[2]:
        size = min(BLOCK, layout[2] - begin)
        first = to + begin * far
        part = out[first : first + size] if far == 1 else copy_out[:size]
        block_gradient(
            side_by_side(f, start[0] + begin * step[0], step[0], size, copies[0]),
            side_by_side(y, start[1] + begin * step[1], step[1], size, copies[1]),
            side_by_side(w, start[2] + begin * step[2], step[2], size, copy_w),
            part,
            state,
            at,
            factor,
            int(choices[0]),
            choices[1],
            limit,
        )
        if far != 1:
            spread(part, out, first, far)
        begin += size


def block_gradient(
    f: Array,
    y: Array,
    w: Array,
    out: Array,
    state: Array,
    at: int,
    factor: float,
    kind: int,
    delta: float,
    limit: float,
) -> None:
    """Write the gradient of a block."""
    scale, s = state[at + 2], Shifts(state[at], state[at + 1], state[at] - state[at + 1])
    m, c = moments_in(state, at + AT_MOMENTS), at + AT_GRADIENT
    g = Gradient(state[c], state[c + 1], state[c + 2])
    weight_share, share = 1 / m.weight, error_share(m.scale, m.slope)
    for i in range(f.size):
        v = weight_of(w, i, scale)
        d, prediction, error, label = anchored(f[i], y[i], v != 0, s)
        prediction, error, label = prediction - m.mean_f, error - m.mean_d, label - m.mean_y
        r = residual(prediction, error, label, m.scale, m.slope, share)
        x = sample_gradient(g, slope_of(d, kind, delta), r, label) * (v * weight_share)
        out[i] = factor * real(clipped(x if v != 0 else 0.0, limit))


# --- from tensors to the kernels ------------------------------------------------------------------


class Kernels(NamedTuple):
    """Both, compiled."""

    evaluate: Any
    write_gradient: Any


class Plan(NamedTuple):
    """How batches of one kind (dtypes, shapes, strides) are evaluated."""

    kernels: Kernels
    layout: Any
    choices: Any
    numbers: int
    """Length of the state."""
    blank: Tensor
    """A tensor like the value."""
    floor: float
    limit: float
    """The largest value."""
    largest: float
    """The largest gradient."""
    heaviest_total: float
    """The largest sum of weights."""
    direct: bool
    """Whether the tensors are read as they are: of full precision, the weights in their shape."""


State = tuple[Plan, Any]
"""What the backward pass needs besides the tensors: the plan, and numbers that the kernel left."""

_PLAIN = (Tensor, torch.nn.Parameter)
_ARRAYS = {torch.float32: _compiled.float32_at, torch.float64: _compiled.float64_at}
_PLANS = 64
"""Kinds of batches that a loss remembers."""
_UNKNOWN = object()
_NONE = np.empty(0)


class _Local(threading.local):
    """Each thread has its own space to work in."""

    def __init__(self) -> None:
        self.work = np.empty(WORK)


_local = _Local()


def value_and_state(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None,
    alpha: float | Tensor,
    setting: Setting,
    groups: Tensor | None = None,
) -> tuple[Tensor, State] | None:
    """The value, and what `gradient` needs; None if the tensor reader has to serve.

    A batch is served here if it is whole, on the CPU, in eager mode, of at most one dimension of
    targets and one of models.
    """
    if groups is not None or not (
        input.is_cpu
        and type(input) in _PLAIN
        and type(target) in _PLAIN
        and input.layout is torch.strided is target.layout
    ):
        return None
    key: Any = (input.dtype, target.dtype, input.shape, input.stride(), target.stride())
    if weight is not None:
        key = (*key, weight.dtype, weight.shape, weight.stride())
    plan = setting.plans.get(key, _UNKNOWN)
    if plan is _UNKNOWN:
        plan = _new_plan(key, input, target, weight, setting)
    if plan is None or input.is_neg() or target.is_neg():
        return None
    if not plan.direct:
        input, target, weight = _readable(input, target, weight, setting.options.dim)
    value, numbers, each = torch.empty_like(plan.blank), np.empty(plan.numbers), _NONE
    if isinstance(alpha, Tensor):
        if alpha.requires_grad:
            return None
        each = alpha.reshape(-1).double().numpy()
        alpha = 0.0
    valid, labelled = plan.kernels.evaluate(
        input.data_ptr(),
        target.data_ptr(),
        0 if weight is None else weight.data_ptr(),
        plan.layout,
        alpha,
        each,
        plan.choices,
        plan.floor,
        plan.limit,
        plan.heaviest_total,
        _local.work,
        numbers,
        value.data_ptr(),
    )
    if not (valid and labelled) and not setting.options.kept:
        o = setting.options
        if weight is not None:
            check_weight_values(weight, o.dim, chunk=o.missing == "omit")
        check_labels(target, weight, o.dim)
        if not valid and weight is not None:  # a target without labels
            return None
    return value, (plan, numbers)


def gradient(
    input: Tensor, target: Tensor, weight: Tensor | None, state: State, upstream: Tensor
) -> Tensor:
    """The gradient in the input, given that in the value."""
    plan, numbers = state
    dtype = input.dtype
    if not plan.direct:
        input, target, weight = _readable(input, target, weight, int(plan.layout[18]))
    if upstream.ndim > 0:
        upstream = upstream.contiguous()
    out = torch.empty_like(input)
    plan.kernels.write_gradient(
        input.data_ptr(),
        target.data_ptr(),
        0 if weight is None else weight.data_ptr(),
        upstream.data_ptr(),
        out.data_ptr(),
        plan.layout,
        plan.choices,
        plan.largest,
        _local.work,
        numbers,
    )
    return out if plan.direct else out.to(dtype)


def _readable(
    input: Tensor, target: Tensor, weight: Tensor | None, dim: int
) -> tuple[Tensor, Tensor, Tensor | None]:
    """The tensors in float32 or float64, the weights in the shape of the input."""
    dtype = result_dtype(input, target)
    if weight is not None:
        if weight.dtype in HALF:
            weight = weight.float()
        weight = expand_weight(weight, input, dim)
    return input.to(dtype), target.to(dtype), weight


def _new_plan(
    key: Any, input: Tensor, target: Tensor, weight: Tensor | None, setting: Setting
) -> Plan | None:
    if len(setting.plans) >= _PLANS:
        setting.plans.clear()
    plan = setting.plans[key] = _make_plan(input, target, weight, setting)
    return plan


def _make_plan(
    input: Tensor, target: Tensor, weight: Tensor | None, setting: Setting
) -> Plan | None:
    o = setting.options
    if setting.partial or setting.reader == "tensor" or len(o.kept) > 1:
        return None
    if input.ndim > 2 + len(o.kept):
        return None
    f, y, w = _readable(input, target, weight, o.dim)
    kernels = _kernels(f.dtype, None if w is None else w.dtype)
    if kernels is None:
        return None
    layout = _layout(f, y, w, o)
    reduced = o.reduced_dims(f.ndim)
    blank = f.new_empty([n for d, n in enumerate(f.shape) if d not in reduced])
    return Plan(
        kernels=kernels,
        layout=layout,
        choices=o.numbers,
        numbers=int(layout[0] * layout[1]) * STATE,
        blank=blank,
        floor=smallest(f.dtype),
        limit=torch.finfo(f.dtype).max,
        largest=torch.finfo(input.dtype).max,
        heaviest_total=math.inf if w is None else torch.finfo(w.dtype).max,
        direct=f is input and y is target and w is weight,
    )


def _layout(f: Tensor, y: Tensor, w: Tensor | None, o: Options) -> Any:
    """Where the samples lie.

    (models, targets, samples), the distances of these in predictions, labels and weights (three
    each), the extents of the three, the distances in the gradient, and the batch dimension.
    """
    (models,) = o.kept or (None,)
    (targets,) = o.averaged_dims(f.ndim) or (None,)
    dims = (models, targets, o.dim)
    sizes = [1 if d is None else f.shape[d] for d in dims]
    strides = [
        f.stride(),
        y.stride(),
        (1,) * f.ndim if w is None else w.stride(),
        torch.empty_like(f).stride(),
    ]
    distances = [[0 if d is None else stride[d] for d in dims] for stride in strides]
    extents = [
        1 + sum((size - 1) * step for size, step in zip(sizes, steps, strict=True))
        for steps in distances[:3]
    ]
    return np.array([*sizes, *chain.from_iterable(distances[:3]), *extents, *distances[3], o.dim])


@cache
def _kernels(dtype: torch.dtype, weights: torch.dtype | None) -> Kernels | None:
    """The kernels for numbers and weights of these dtypes; None if they cannot be compiled."""
    variant: dict[str, Any] = {
        "reals_at": _ARRAYS[dtype],
        "weights_at": _ARRAYS[weights or torch.float64],
        "real": to_float32 if dtype == torch.float32 else to_float64,
    }
    if weights is None:
        variant |= {"weight_of": one, "heaviest_sample": first_sample, "scale_of": no_scale}
    compiled = _compiled.load((evaluate, write_gradient), variant)
    if compiled is None:
        return None
    kernels = Kernels(*compiled)
    try:
        _try_out(kernels, dtype, weights)
    except Exception as error:  # whatever a compiler can do wrong
        _compiled.give_up(error)
        return None
    return kernels


def _try_out(kernels: Kernels, dtype: torch.dtype, weights: torch.dtype | None) -> None:
    """Call both once, which compiles them."""
    batch, out = torch.arange(2, dtype=dtype), torch.empty(2, dtype=dtype)
    w = torch.ones(2, dtype=weights or torch.float64)
    o, work, state = Options(), np.empty(WORK), np.empty(STATE)
    same = (batch.data_ptr(), batch.data_ptr(), w.data_ptr())
    layout, choices, to = _layout(batch, batch, w, o), o.numbers, out.data_ptr()
    kernels.evaluate(*same, layout, 0.5, _NONE, choices, 1e-38, 1e38, 1e38, work, state, to)
    kernels.write_gradient(*same, to, to, layout, choices, 1e38, work, state)
