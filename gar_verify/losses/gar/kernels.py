"""The loops of the compiled reader: what numba compiles, beside the functions of `formulas`.

The functions of `gar_verify.formulas` and the aggregation of numbers are compiled as they stand;
what is written here is loops. A batch is taken target by target in blocks that stay in the cache;
their moments merge by `formulas.merge`, in pairs, so that rounding grows with the logarithm of the
batch. Sums within a block run in several lanes; means are relative to a sample of the block, the
anchor, which makes those of a constant exact. All is in float64.

A *unit* is what has a loss of its own: a model of many, or a group of samples that lie side by
side. The forward pass leaves the moments and the three coefficients of the gradient of each target
of each unit (its *state*), from which the backward pass writes the gradient in one go.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch

from gar_verify.formulas import (
    Gradient,
    Moments,
    Shifts,
    absolute,
    absolute_slope,
    error_share,
    error_variance,
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
    unexplained,
)
from gar_verify.losses._compiled import reordered_sums
from gar_verify.losses.gar.aggregation import aggregate_numbers, max_derivative
from gar_verify.losses.gar.options import (
    CONVENTIONAL,
)
from gar_verify.losses.gar.tensor_reader import zero_rounding_residual

BLOCK = 2048
"""Samples to a block: its vectors fit into the nearest cache of a core."""
_APART = BLOCK + 40  # not by a multiple of a memory page, which would slow each other down
F, D, LABEL, STACK, COPY_F, COPY_Y, COPY_W, COPY_OUT = (k * _APART for k in range(8))
"""Where the vectors of a block begin in the work space: f, d = f - y and y relative to the anchor;
moments that wait to be merged; and what lies at distances, side by side."""
WORK = 8 * _APART

MOMENTS = len(Moments._fields)
WAITING = MOMENTS + 2
"""Numbers to moments that wait to be merged: they and the prediction and label of their anchor."""
AT_MOMENTS, AT_GRADIENT = 3, 3 + MOMENTS
AT_LOSS = AT_GRADIENT + len(Gradient._fields)
STATE = AT_LOSS + 1
"""Numbers of a target that the forward pass leaves: anchor (2), scale of the weights, `Moments`,
`Gradient` and the loss of the target by itself."""

NEAR = 4.0
"""In deviations: errors whose mean is within this of 0 lose at most two bits by rounding f - y."""

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


def side_by_side(
    source: Array, base: int, first: int, step: int, size: int, order: Array, copy: Array
) -> Array:
    """Samples from number ``first`` on as a vector, copied unless they lie side by side."""
    if order.size > 0:
        for i in range(size):
            copy[i] = source[base + order[first + i] * step]
        return copy[:size]
    start = base + first * step
    if step == 1:
        return source[start : start + size]
    at, far = np.uint64(start), np.uint64(step)  # unsigned: no index counts from the end
    for i in range(np.uint64(size)):
        copy[i] = source[at + i * far]
    return copy[:size]


def weights_side_by_side(
    w: Array, base: int, first: int, step: int, size: int, order: Array, copy: Array
) -> Array:
    """`side_by_side` of the weights."""
    return side_by_side(w, base, first, step, size, order, copy)


def no_weights(
    w: Array, base: int, first: int, step: int, size: int, order: Array, copy: Array
) -> Array:
    """Any vector, in a batch without weights."""
    return copy[:size]


def place_of(order: Array, number: int) -> int:
    """Where the sample of this number lies."""
    return order[number] if order.size > 0 else number


def heaviest_sample(
    weights: Array, base: int, first: int, step: int, count: int, order: Array
) -> tuple[int, bool]:
    """The place of the heaviest sample, and whether no weight is negative or NaN."""
    place: Any = place_of(order, first)
    most, valid = weights[base + place * step], True
    for i in range(count):
        here = place_of(order, first + i)
        weight = weights[base + here * step]
        if weight > most:
            place, most = here, weight
        if not weight >= 0:
            valid = False
    return place, valid


def first_sample(
    weights: Array, base: int, first: int, step: int, count: int, order: Array
) -> tuple[int, bool]:
    """`heaviest_sample` of a batch without weights."""
    return place_of(order, first), True


def scale_of(weights: Array, at: int) -> float:
    """The factor on all weights that makes this one 1."""
    return 1 / max(np.float64(weights[at]), LEAST_WEIGHT)


def no_scale(weights: Array, at: int) -> float:
    """`scale_of` in a batch without weights."""
    return 1.0


def start_of(layout: Array, vector: int, unit: int, target: int) -> int:
    """Where a target begins in predictions (0), labels (1), weights (2) and gradient (4)."""
    return unit * layout[3 + 3 * vector] + target * layout[4 + 3 * vector]


def starts_of(layout: Array, unit: int, target: int) -> tuple[int, int, int]:
    """Where a target begins in predictions, labels and weights."""
    return (
        start_of(layout, 0, unit, target),
        start_of(layout, 1, unit, target),
        start_of(layout, 2, unit, target),
    )


def units_of(layout: Array, bounds: Array) -> int:
    """How many units there are."""
    return bounds.size - 1 if bounds.size > 0 else layout[0]


def samples_of(layout: Array, bounds: Array, unit: int) -> tuple[int, int]:
    """The number of the first sample of a unit, and how many it has."""
    if bounds.size > 0:
        return bounds[unit], bounds[unit + 1] - bounds[unit]
    return 0, layout[2]


def runs_of(groups: Array, bounds: Array) -> tuple[int, bool, int, int]:
    """How many groups there are if they lie side by side, whether they do, the extreme numbers.

    ``bounds`` is filled with where each begins, and the end.
    """
    runs, rising, least, most = 0, True, groups[0], groups[0]
    bounds[0] = 0
    for i in range(1, groups.size):
        number = groups[i]
        if number > most:
            most = number
            runs += 1
            bounds[runs] = i
        elif number != most:
            rising = False
            least = min(least, number)
    bounds[runs + 1] = groups.size
    return runs + 1, rising, least, most


def in_order(groups: Array, least: int, begins: Array, order: Array, bounds: Array) -> int:
    """How many groups there are; the samples in the order of their groups, and where each begins.

    ``begins`` comes with zeros, two more than the largest number has above the least.
    """
    for i in range(groups.size):
        begins[groups[i] - least + 2] += 1
    runs = 0
    for k in range(2, begins.size):
        if begins[k] > 0:
            bounds[runs] = begins[k - 1]
            runs += 1
        begins[k] += begins[k - 1]
    bounds[runs] = groups.size
    for i in range(groups.size):
        number = groups[i] - least + 1
        order[begins[number]] = i
        begins[number] += 1
    return runs


def set_anchor(
    f: Array,
    y: Array,
    w: Array,
    layout: Array,
    bounds: Array,
    order: Array,
    unit: int,
    target: int,
    state: Array,
    at: int,
) -> bool:
    """Put the heaviest sample of a target and the scale of its weights into its state.

    Returns whether no weight is negative or NaN.
    """
    start, samples = starts_of(layout, unit, target), samples_of(layout, bounds, unit)
    place, valid = heaviest_sample(w, start[2], samples[0], layout[11], samples[1], order)
    state[at] = f[start[0] + place * layout[5]]
    state[at + 1] = y[start[1] + place * layout[8]]
    state[at + 2] = scale_of(w, start[2] + place * layout[11])
    return valid


def shifts_to(f: float, y: float) -> Shifts:
    """The shifts that make a sample of this prediction and label the anchor."""
    return Shifts(f, y, f - y)


def anchor_of(f: Array, y: Array, w: Array, scale: float, before: Shifts, order: Array) -> Shifts:
    """The shifts to the heaviest sample of a block; those of the block before if all are absent.

    They make constants exactly zero (see `formulas.Shifts`). An outlier, which would take the
    digits of all other samples if these were relative to it, is the anchor of its own block only.
    """
    place = heaviest_sample(w, 0, 0, 1, f.size, order[:0])[0]
    if weight_of(w, place, scale) > 0:
        return shifts_to(np.float64(f[place]), np.float64(y[place]))
    return before


def spread(part: Array, out: Array, base: int, first: int, step: int, order: Array) -> None:
    """Put a vector where the samples from number ``first`` on lie."""
    if order.size > 0:
        for i in range(part.size):
            out[base + order[first + i] * step] = part[i]
        return
    at, far = np.uint64(base + first * step), np.uint64(step)
    for i in range(np.uint64(part.size)):
        out[at + i * far] = part[i]


def reals_in(work: Array, at: int) -> Array:
    """A part of the work space as a vector of the dtype of the batch."""
    return reals_at(work.ctypes.data + 8 * at, BLOCK)


def weights_in(work: Array, at: int) -> Array:
    """A part of the work space as a vector of the dtype of the weights."""
    return weights_at(work.ctypes.data + 8 * at, BLOCK)


def numbers_of(f: float, y: float, present: bool, s: Shifts) -> tuple[float, float]:
    """Prediction and label of a sample in float64: an absent sample may hold anything."""
    return (np.float64(f), np.float64(y)) if present else (s.f, s.y)


def from_anchor(x: float, anchor: float) -> float:
    """A number less that of the anchor."""
    return x - anchor


# --- from a block to its moments ------------------------------------------------------------------


def clipped(d: float, delta: float) -> float:
    """An error clipped to [-delta, delta]; NaN stays."""
    d = -delta if d < -delta else d
    return delta if d > delta else d


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


def centred(work: Array, place: int, mean: float) -> float:
    """A number of the work space, less the mean."""
    return work[place] - mean


@reordered_sums
def weight_sum(w: Array, size: int, scale: float) -> float:
    """The sum of the weights of a block."""
    total = 0.0
    for i in range(size):
        total += weight_of(w, i, scale)
    return total


def count(w: Array, size: int, scale: float) -> float:
    """`weight_sum` in a batch without weights."""
    return float(size)


@reordered_sums
def error_sums(
    f: Array, y: Array, w: Array, scale: float, s: Shifts, work: Array, kind: int, delta: float
) -> Three:
    """Sums of errors, labels and conventional losses; errors, as rounded, and labels are kept."""
    errors = labels = losses = 0.0
    for i in range(f.size):
        v = weight_of(w, i, scale)
        prediction, label = numbers_of(f[i], y[i], v != 0, s)
        error = from_anchor(prediction, label)
        d, label = from_anchor(error, s.d), from_anchor(label, s.y)
        work[D + i] = d
        work[LABEL + i] = label
        errors += v * d
        labels += v * label
        losses += v * conventional_of(error, kind, delta)
    return errors, labels, losses


@reordered_sums
def exact_sums(
    f: Array, y: Array, w: Array, scale: float, s: Shifts, work: Array
) -> tuple[float, float]:
    """Sums of predictions and errors with all their digits, which are kept."""
    predictions = errors = 0.0
    for i in range(f.size):
        v = weight_of(w, i, scale)
        prediction, label = numbers_of(f[i], y[i], v != 0, s)
        prediction, d, _ = shifted(prediction, label, s)
        work[F + i] = prediction
        work[D + i] = d
        predictions += v * prediction
        errors += v * d
    return predictions, errors


@reordered_sums
def products(
    w: Array, scale: float, work: Array, place: int, size: int, mean: float, mean_y: float
) -> Three:
    """Sums of label^2, v * label and v^2, centred, for the errors or predictions v at a place."""
    labels = mixed = squares = 0.0
    for i in range(size):
        label, v = centred(work, LABEL + i, mean_y), centred(work, place + i, mean)
        weight = weight_of(w, i, scale)
        labels += weight * square(label)
        mixed += weight * (v * label)
        squares += weight * square(v)
    return labels, mixed, squares


@reordered_sums
def residual_sum(w: Array, weight_scale: float, work: Array, size: int, m: Moments) -> float:
    """Sum of r^2."""
    share, total = error_share(m.scale, m.slope), 0.0
    for i in range(size):
        f, d = centred(work, F + i, m.mean_f), centred(work, D + i, m.mean_d)
        y = centred(work, LABEL + i, m.mean_y)
        total += weight_of(w, i, weight_scale) * square(residual(f, d, y, m.scale, m.slope, share))
    return total


def block_moments(
    f: Array, y: Array, w: Array, scale: float, s: Shifts, work: Array, kind: int, delta: float
) -> Moments:
    """Moments of the block, the means relative to the anchor.

    Usually the errors alone tell all: Var(d) = Var(r) + slope^2 Var(y) and scale = 1 + slope. Where
    these differences, or the rounding of f - y, would cost more than a few bits, the block is gone
    through again by the formulas that lose none.
    """
    size, weight = f.size, weight_sum(w, f.size, scale)
    errors, labels, losses = error_sums(f, y, w, scale, s, work, kind, delta)
    mean_d, mean_y, phi = ratio(errors, weight), ratio(labels, weight), ratio(losses, weight)
    squares, mixed, own = products(w, scale, work, D, size, mean_d, mean_y)
    var_y, var_d = ratio(squares, weight), ratio(own, weight)
    slope = ratio(ratio(mixed, weight), var_y)
    var_r = unexplained(var_d, var_y, square(slope))
    near = square(mean_d + s.d) <= NEAR * NEAR * var_d
    if near and abs(slope) <= 0.5 and var_r >= 0.5 * var_d and var_y > 0:
        return Moments(weight, mean_d + mean_y, mean_d, mean_y, var_y, 1 + slope, slope, var_r, phi)
    predictions, errors = exact_sums(f, y, w, scale, s, work)
    mean_f, mean_d = ratio(predictions, weight), ratio(errors, weight)
    by_f = products(w, scale, work, F, size, mean_f, mean_y)[1]
    by_d = products(w, scale, work, D, size, mean_d, mean_y)[1]
    slopes = ratio(ratio(by_f, weight), var_y), ratio(ratio(by_d, weight), var_y)
    m = Moments(weight, mean_f, mean_d, mean_y, var_y, slopes[0], slopes[1], 0.0, phi)
    var_r = ratio(residual_sum(w, scale, work, size, m), weight)
    return Moments(weight, mean_f, mean_d, mean_y, var_y, slopes[0], slopes[1], var_r, phi)


def moved(m: Moments, f: float, d: float, y: float) -> Moments:
    """Moments of a batch whose samples are larger by these."""
    return Moments(
        m.weight,
        m.mean_f + f,
        m.mean_d + d,
        m.mean_y + y,
        m.var_y,
        m.scale,
        m.slope,
        m.var_r,
        m.conventional,
    )


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
    bounds: Array,
    order: Array,
    unit: int,
    target: int,
    state: Array,
    at: int,
    work: Array,
    kind: int,
    delta: float,
) -> Moments:
    """Moments of a target: those of its blocks, merged in pairs."""
    start, step = starts_of(layout, unit, target), (layout[5], layout[8], layout[11])
    copies, copy_w = (reals_in(work, COPY_F), reals_in(work, COPY_Y)), weights_in(work, COPY_W)
    s, scale = shifts_to(state[at], state[at + 1]), state[at + 2]
    first, samples = samples_of(layout, bounds, unit)
    begin, done, waiting = 0, 0, STACK
    while True:
        size, here = min(BLOCK, samples - begin), first + begin
        f_part = side_by_side(f, start[0], here, step[0], size, order, copies[0])
        y_part = side_by_side(y, start[1], here, step[1], size, order, copies[1])
        w_part = weights_side_by_side(w, start[2], here, step[2], size, order, copy_w)
        anchor = s = anchor_of(f_part, y_part, w_part, scale, s, order)
        m = block_moments(f_part, y_part, w_part, scale, s, work, kind, delta)
        begin += size
        done += 1
        pairs = done
        while waiting > STACK and (pairs % 2 == 0 or begin == samples):
            waiting -= WAITING
            to = shifts_to(work[waiting + MOMENTS], work[waiting + MOMENTS + 1])
            m = moved(m, anchor.f - to.f, anchor.d - to.d, anchor.y - to.y)
            m, anchor = merge(moments_in(work, waiting), m), to
            pairs //= 2
        if begin == samples:
            state[at], state[at + 1] = anchor.f, anchor.y
            return m
        put(m, work, waiting)
        work[waiting + MOMENTS], work[waiting + MOMENTS + 1] = anchor.f, anchor.y
        waiting += WAITING


# --- the two kernels ------------------------------------------------------------------------------


def evaluate(
    f_at: int,
    y_at: int,
    w_at: int,
    layout: Array,
    bounds: Array,
    order: Array,
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
        layout: from `compiled_reader._layout`.
        bounds: where each group begins, and the end; empty without groups.
        order: the samples in the order of their groups; empty if they lie so.
        alpha: of all units, unless ``alphas`` holds one for each.
        alphas: (models,), or empty.
        choices: `Options.numbers`.
        floor: what a smaller sub-loss counts as.
        limit: the largest value.
        heaviest_total: the largest sum of weights.
        work: (WORK,), space to work in.
        state: (units * targets * STATE,), to be filled.
        values_at: address of the values, one for each model, or for each target where these are
            not averaged.
    """
    values = reals_at(values_at, layout[0] * layout[1])
    f, y = reals_at(f_at, layout[12]), reals_at(y_at, layout[13])
    w = weights_at(w_at, layout[14])
    valid, numbers, units, targets = True, True, units_of(layout, bounds), layout[1]
    for unit in range(units):
        for target in range(targets):
            at = (unit * targets + target) * STATE
            valid &= set_anchor(f, y, w, layout, bounds, order, unit, target, state, at)
            m = target_moments(
                f,
                y,
                w,
                layout,
                bounds,
                order,
                unit,
                target,
                state,
                at,
                work,
                int(choices[0]),
                choices[1],
            )
            put(m, state, at + AT_MOMENTS)
            valid &= 0 < m.weight <= heaviest_total * state[at + 2]
            numbers &= not math.isnan(m.mean_y)
    if choices[10] > 0:
        pool_conventional(state, units, targets)
    total = loss = 0.0
    for unit in range(units):
        if alphas.size > 0:
            alpha = alphas[unit]
        at = unit * targets * STATE
        value = loss_of_unit(state, at, targets, alpha, choices, floor)
        if bounds.size > 0:
            size = size_of(state, at, targets) if choices[9] > 0 else 1.0
            total += size
            loss += size * value
        elif choices[5] > 0:
            values[unit] = real(limit if value > limit else value)
        else:
            for target in range(targets):
                value = state[at + target * STATE + AT_LOSS]
                values[unit * targets + target] = real(limit if value > limit else value)
    if bounds.size > 0:
        value = loss / total
        values[0] = real(limit if value > limit else value)
        average_coefficients(state, units, targets, total, choices)
    return valid, numbers


def weight_in(state: Array, at: int) -> float:
    """The sum of the weights of a target of a unit."""
    return state[at + AT_MOMENTS] / state[at + 2]


def size_of(state: Array, at: int, targets: int) -> float:
    """The sum of the weights of a unit."""
    size = 0.0
    for target in range(targets):
        size += weight_in(state, at + target * STATE)
    return size


def pool_conventional(state: Array, units: int, targets: int) -> None:
    """Give each group the conventional loss of all samples."""
    for target in range(targets):
        weight = loss = 0.0
        for unit in range(units):
            at = (unit * targets + target) * STATE
            weight += weight_in(state, at)
            loss += weight_in(state, at) * state[at + AT_MOMENTS + MOMENTS - 1]
        for unit in range(units):
            state[(unit * targets + target) * STATE + AT_MOMENTS + MOMENTS - 1] = loss / weight


def average_coefficients(
    state: Array, units: int, targets: int, total: float, choices: Array
) -> None:
    """Multiply the coefficients of each group by its share of the value."""
    for unit in range(units):
        at = unit * targets * STATE
        share = (size_of(state, at, targets) if choices[9] > 0 else 1.0) / total
        for target in range(targets):
            for k in range(AT_GRADIENT, AT_LOSS):
                state[at + target * STATE + k] *= share
    if choices[10] > 0:
        for target in range(targets):
            weight = coefficient = 0.0
            for unit in range(units):
                at = (unit * targets + target) * STATE
                weight += weight_in(state, at)
                coefficient += state[at + AT_GRADIENT]
            for unit in range(units):
                at = (unit * targets + target) * STATE
                state[at + AT_GRADIENT] = coefficient * (weight_in(state, at) / weight)


def loss_of_unit(
    state: Array, at: int, targets: int, alpha: float, choices: Array, floor: float
) -> float:
    """The loss of a unit; the coefficients of its gradient are put into the state."""
    if choices[4] > 0:
        return loss_of_each(state, at, targets, alpha, choices, floor)
    return joint_loss(state, at, targets, alpha, choices, floor)


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
    return moved(m, 0.0, state[at] - state[at + 1], 0.0)


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
    bounds: Array,
    order: Array,
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
        layout: as in `evaluate`, and so are the others.
        bounds: where each group begins.
        order: the samples in the order of their groups.
        choices: `Options.numbers`.
        limit: the largest number of the input's dtype.
        work: (WORK,), space to work in.
        state: what `evaluate` has filled.
    """
    f, y = reals_at(f_at, layout[12]), reals_at(y_at, layout[13])
    w = weights_at(w_at, layout[14])
    out = reals_at(out_at, layout[0] * layout[1] * layout[2])
    upstream = reals_at(upstream_at, layout[0] * layout[1])
    for unit in range(units_of(layout, bounds)):
        for target in range(layout[1]):
            row = unit * layout[1] + target
            place = row
            if choices[5] > 0:
                place = 0 if bounds.size > 0 else unit
            target_gradient(
                f,
                y,
                w,
                out,
                layout,
                bounds,
                order,
                unit,
                target,
                state,
                row * STATE,
                upstream[place],
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
    bounds: Array,
    order: Array,
    unit: int,
    target: int,
    state: Array,
    at: int,
    factor: float,
    choices: Array,
    limit: float,
    work: Array,
) -> None:
    """Write the gradient of a target."""
    start, step = starts_of(layout, unit, target), (layout[5], layout[8], layout[11])
    copies, copy_w = (reals_in(work, COPY_F), reals_in(work, COPY_Y)), weights_in(work, COPY_W)
    to, far, copy_out = start_of(layout, 4, unit, target), layout[17], reals_in(work, COPY_OUT)
    first, samples = samples_of(layout, bounds, unit)
    begin, straight = 0, far == 1 and order.size == 0
    while begin < samples:
        size, here = min(BLOCK, samples - begin), first + begin
        part = out[to + here : to + here + size] if straight else copy_out[:size]
        block_gradient(
            side_by_side(f, start[0], here, step[0], size, order, copies[0]),
            side_by_side(y, start[1], here, step[1], size, order, copies[1]),
            weights_side_by_side(w, start[2], here, step[2], size, order, copy_w),
            part,
            state,
            at,
            factor,
            int(choices[0]),
            choices[1],
            limit,
        )
        if not straight:
            spread(part, out, to, here, far, order)
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
    scale, s = state[at + 2], shifts_to(state[at], state[at + 1])
    m, c = moments_in(state, at + AT_MOMENTS), at + AT_GRADIENT
    g, share = Gradient(state[c], state[c + 1], state[c + 2]), 1 / m.weight
    by_error = error_share(m.scale, m.slope) >= 0.5
    near = by_error and square(m.mean_d + s.d) <= NEAR * NEAR * error_variance(m)
    slope, mean = (m.slope, m.mean_d) if by_error else (m.scale, m.mean_f)
    for i in range(f.size):
        v = weight_of(w, i, scale)
        prediction, label = numbers_of(f[i], y[i], v != 0, s)
        d = prediction - label
        if near:
            part, label = d - s.d, label - s.y
        else:
            prediction, error, label = shifted(prediction, label, s)
            part = error if by_error else prediction
        label -= m.mean_y
        r = unexplained(part - mean, label, slope)
        x = sample_gradient(g, slope_of(d, kind, delta), r, label) * (v * share)
        out[i] = factor * real(clipped(x if v != 0 else 0.0, limit))
