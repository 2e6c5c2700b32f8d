"""GAR of one target on the CPU, with numpy vectors and Python numbers: the fast path.

The same formulas as everywhere, read by `math` and numpy instead of torch, whose every operation on
a small tensor costs more than the arithmetic. A long batch is taken in blocks that stay in the
cache; their moments merge exactly (`formulas.merge`).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gar_verify import formulas
from gar_verify.formulas import Gradient, Moments
from gar_verify.losses.aggregation import aggregate, smallest
from gar_verify.losses.gar_options import Options, result_dtype
from gar_verify.moments import conventional_loss, conventional_slope, merge_all

Vector = NDArray[np.float64]

BLOCK = 8_192
"""Samples to a block: its few float64 vectors fit into a core's cache."""

_NUMPY_DTYPES = {torch.float32: np.float32, torch.float64: np.float64}


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
    limit = torch.finfo(dtype).max
    shifted = input.dtype == torch.float64
    f, y = _vector(input), _vector(target)
    with np.errstate(all="ignore"):  # NaN and infinity are propagated without a word
        blocks = [slice(i, i + BLOCK) for i in range(0, len(f), BLOCK)]
        first = _block(f[blocks[0]], y[blocks[0]], o, shifted)
        whole = first.moments
        if len(blocks) > 1:
            rest = [_block(f[b], y[b], o, shifted).moments for b in blocks[1:]]
            whole = merge_all([whole, *rest])
        losses = np.array(formulas.sub_losses(whole, math))
        value, derivatives, _ = aggregate(losses, alpha, o, smallest(dtype), np)
        result = torch.tensor(min(float(value), limit), dtype=dtype)
        if not with_gradient:
            return result, input.new_empty(0)
        coefficients = formulas.sub_losses_gradient(whole, [float(x) for x in derivatives], math)
        gradient = np.empty(len(f), dtype=_NUMPY_DTYPES[dtype])
        for b in blocks:
            block = first if len(blocks) == 1 else _recentred(f[b], y[b], whole)
            gradient[b] = _gradient(block, coefficients, o).clip(-limit, limit)
    return result, torch.from_numpy(gradient).view(input.shape)


def _vector(tensor: Tensor) -> NDArray[np.floating]:
    """The numbers of a tensor; in float32 or float64, without a copy where it has either."""
    tensor = tensor.detach().reshape(-1)
    return (tensor if tensor.dtype in _NUMPY_DTYPES else tensor.float()).numpy()


def _block(f: NDArray[np.floating], y: NDArray[np.floating], o: Options, shifted: bool) -> _Block:
    size = len(f)
    f, y = f.astype(np.float64), y.astype(np.float64)
    # Means of equal float32 numbers are exact in float64; those of float64 numbers need the shift.
    shift_f, shift_y = (f[0], y[0]) if shifted else (0.0, 0.0)

    def mean(x: Vector) -> float:
        return float(np.add.reduce(x)) / size

    error = f - y
    parts = formulas.decompose(f, y, mean, shift_f, shift_y)
    phi = conventional_loss(o.conventional, error, o.delta)
    return _Block(error, parts.residual, parts.label, formulas.moments(parts, phi, size, mean))


def _recentred(f: NDArray[np.floating], y: NDArray[np.floating], whole: Moments) -> _Block:
    f, y = f.astype(np.float64), y.astype(np.float64)
    return _Block(f - y, *formulas.residual_and_label(f, y, whole), whole)


def _gradient(block: _Block, coefficients: Gradient, o: Options) -> Vector:
    """`formulas.Gradient`, in as few passes as its terms allow."""
    share = 1 / block.moments.weight
    gradient = conventional_slope(o.conventional, block.error, o.delta)
    gradient = gradient * (coefficients.conventional * share)
    gradient += block.residual * (coefficients.residual * share)
    gradient += block.label * (coefficients.label * share)
    return gradient
