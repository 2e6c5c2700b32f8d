"""GAR of one target on the CPU, with numpy vectors and Python numbers: the fast path.

The same formulas as everywhere, read by `math` and numpy instead of torch, whose every operation on
a small tensor costs more than the arithmetic. A long batch is taken in blocks that stay in the
cache; their moments merge exactly (`formulas.merge`).
"""

from __future__ import annotations

import math
from functools import partial
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gar_verify import formulas
from gar_verify.formulas import Gradient, Moments
from gar_verify.losses.aggregation import smallest, steepest, worst_case_of_numbers
from gar_verify.losses.gar_options import PARTS, Options, result_dtype
from gar_verify.moments import conventional_loss, conventional_slope, merge_all, resolved

Vector = NDArray[np.float64]

BLOCK = 8_192
"""Samples to a block: its few float64 vectors fit into a core's cache."""

_ONES = np.ones(BLOCK)
_NUMPY_DTYPES = {torch.float32: np.float32, torch.float64: np.float64}
_RANGE = {dtype: (smallest(dtype), torch.finfo(dtype).max) for dtype in _NUMPY_DTYPES}
_STEEPEST = steepest(torch.float64)
_ALL = list(range(len(PARTS)))
_EPS = float(np.finfo(np.float64).eps)
_silent = partial(np.errstate, all="ignore")
"""NaN and infinity are propagated without a word."""


class _Block(NamedTuple):
    """A block of the batch and the vectors that its gradient is made of."""

    error: Vector
    residual: Vector
    label: Vector
    moments: Moments


def evaluate_numbers(
    input: Tensor, target: Tensor, alpha: float, o: Options, with_gradient: bool
) -> tuple[Tensor, Tensor]:
    """Value and gradient (an empty tensor unless ``with_gradient``) of a batch of one target."""
    dtype = result_dtype(input)
    tiny, limit = _RANGE[dtype]
    largest = torch.finfo(input.dtype).max
    f, y = _vector(input), _vector(target)
    size = f.size
    anchor = float(f[0]), float(y[0])
    with _silent():
        if size <= BLOCK:
            block = _block(f, y, anchor, o)
            whole = block.moments
        else:
            pairs = [(f[b], y[b]) for b in _blocks(size)]
            whole = merge_all(_block(a, b, anchor, o).moments for a, b in pairs)
        whole = resolved(whole, _EPS)
        value, derivatives = _aggregate(whole, alpha, o, tiny)
        result = torch.scalar_tensor(min(value, limit), dtype=dtype)
        if not with_gradient:
            return result, input.new_empty(0)
        coefficients = formulas.sub_losses_gradient(whole, derivatives, math)
        if size <= BLOCK:
            out = _gradient(block, coefficients, o, largest).astype(
                _NUMPY_DTYPES[dtype], copy=False
            )
        else:
            out = np.empty(size, _NUMPY_DTYPES[dtype])
            for b in _blocks(size):
                out[b] = _gradient(_recentred(f[b], y[b], anchor, whole), coefficients, o, largest)
    return result, torch.from_numpy(out.reshape(input.shape))


def _blocks(size: int) -> list[slice]:
    return [slice(i, i + BLOCK) for i in range(0, size, BLOCK)]


def _vector(tensor: Tensor) -> NDArray[np.floating]:
    """The numbers of a tensor; in float32 or float64, without a copy where it has either."""
    if tensor.dtype not in _NUMPY_DTYPES:
        tensor = tensor.float()
    return tensor.numpy(force=True).reshape(-1)


def _block(
    f: NDArray[np.floating], y: NDArray[np.floating], anchor: tuple[float, float], o: Options
) -> _Block:
    """A block split along its labels; its means are relative to the anchor.

    The anchor, a sample of the batch, makes constants exactly zero (see `formulas.decompose`), and
    is the same in all blocks, so that it stays so when they are merged.
    """
    size = len(f)
    ones = _ONES[:size]  # a sum by BLAS costs half of numpy's own

    def mean(x: Vector, times: Vector = ones) -> float:
        return float(x.dot(times)) / size

    f, y = f.astype(np.float64), y.astype(np.float64)
    error = f - y
    f -= anchor[0]
    y -= anchor[1]
    parts = formulas.split_errors(f, y, mean)
    phi = conventional_loss(o.conventional, error, o.delta)
    return _Block(error, parts.residual, parts.label, formulas.moments(parts, phi, size, mean))


def _recentred(
    f: NDArray[np.floating],
    y: NDArray[np.floating],
    anchor: tuple[float, float],
    whole: Moments,
) -> _Block:
    """A block split along the labels of the whole batch, whose means are relative to the anchor."""
    f, y = f.astype(np.float64), y.astype(np.float64)
    error = f - y
    f -= anchor[0]
    y -= anchor[1]
    return _Block(error, *formulas.residual_and_label(f, y, whole), whole)


def _aggregate(m: Moments, alpha: float, o: Options, floor: float) -> tuple[float, list[float]]:
    """Value of the chosen form, and its derivatives in the three sub-losses."""
    losses = formulas.sub_losses(m, math)
    by_part = [0.0] * len(PARTS)
    chosen = _ALL if o.parts == PARTS else [PARTS.index(part) for part in o.parts]
    if o.raw:
        by_part[chosen[0]] = 1.0
        return losses[chosen[0]], by_part
    used = [floor if losses[part] < floor else losses[part] for part in chosen]  # keeps NaN
    if math.inf in used:  # an infinite sub-loss becomes NaN
        used = [math.nan if x == math.inf else x for x in used]
    value, weights = worst_case_of_numbers([math.log(x) for x in used], alpha)
    scale = 1.0
    if o.form == "power_mean":
        value = scale = float(np.exp(value))
    for part, p, x in zip(chosen, weights, used, strict=True):
        if x != floor:  # where the loss is constant
            by_part[part] = min(p / x * scale, _STEEPEST)
    return value, by_part


def _gradient(block: _Block, coefficients: Gradient, o: Options, limit: float) -> Vector:
    """`formulas.Gradient` in as few passes as its terms allow, at most ``limit`` in size.

    The vectors of the block are used up.
    """
    m, size = block.moments, block.error.size
    conventional, residual, label = (x / m.weight for x in coefficients)
    largest = abs(residual) * math.sqrt(size * m.var_r) + abs(label) * math.sqrt(size * m.var_y)
    # No entry of a vector is larger than its norm; a sign is at most 1.
    within = o.conventional == "mae" and size == m.weight and abs(conventional) + largest < limit
    if not within:
        conventional, residual, label = (
            max(min(x, _STEEPEST), -_STEEPEST) for x in (conventional, residual, label)
        )  # finite, so that no zero is multiplied by infinity; NaN stays
    gradient: Vector = conventional_slope(o.conventional, block.error, o.delta)
    gradient *= conventional  # in place: a new vector costs more than the multiplication
    for vector, coefficient in ((block.residual, residual), (block.label, label)):
        vector *= coefficient
        gradient += vector
    return gradient if within else gradient.clip(-limit, limit)
