"""GAR of one target on the CPU, with the moments as Python floats: the fast path.

The same formulas as everywhere, read by `math` and numpy instead of torch: arithmetic on a handful
of numbers then costs no kernel launches. A long batch is taken in blocks that stay in the cache;
their moments merge exactly (`formulas.merge`).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from gar_verify import formulas
from gar_verify.formulas import Gradient, Moments
from gar_verify.losses.aggregation import aggregate, smallest
from gar_verify.losses.gar_options import Options, result_dtype
from gar_verify.moments import conventional_loss, conventional_slope, merge_all

BLOCK = 16_384
"""Samples to a block: its few float64 vectors fit into a core's cache."""


class _Block(NamedTuple):
    """A block of the batch and the vectors that its gradient is made of."""

    error: Tensor
    residual: Tensor
    label: Tensor
    moments: Moments


def evaluate_numbers(
    input: Tensor, target: Tensor, alpha: float, o: Options, with_gradient: bool
) -> tuple[Tensor, Tensor]:
    """Value and gradient (an empty tensor unless ``with_gradient``) of a batch of one target."""
    dtype = result_dtype(input)
    limit = torch.finfo(dtype).max
    f, y = input.reshape(-1), target.reshape(-1)
    if len(f) <= BLOCK:
        block = _block(f, y, o)
        whole = block.moments
    else:
        pairs = zip(f.split(BLOCK), y.split(BLOCK), strict=True)
        whole = merge_all([_block(a, b, o).moments for a, b in pairs])
    with np.errstate(all="ignore"):  # NaN and infinity are propagated without a word
        losses = np.array(formulas.sub_losses(whole, math))
        value, derivatives, _ = aggregate(losses, alpha, o, smallest(dtype), np)
    value = torch.tensor(min(value.item(), limit), dtype=dtype)
    if not with_gradient:
        return value, input.new_empty(0)
    coefficients = formulas.sub_losses_gradient(whole, [float(x) for x in derivatives], math)
    gradient = torch.empty_like(f, dtype=dtype)
    if len(f) <= BLOCK:
        _write_gradient(gradient, block, coefficients, o)
    else:
        for out, a, b in zip(gradient.split(BLOCK), f.split(BLOCK), y.split(BLOCK), strict=True):
            _write_gradient(out, _recentred(a, b, whole), coefficients, o)
    return value, gradient.clamp_(-limit, limit).view(input.shape)


def _block(f: Tensor, y: Tensor, o: Options) -> _Block:
    size = len(f)
    # Means of equal float32 numbers are exact in float64; those of float64 numbers need the shift.
    shift_f, shift_y = (f[0].item(), y[0].item()) if f.dtype == torch.float64 else (0.0, 0.0)
    f, y = f.double(), y.double()

    def mean(x: Tensor) -> float:
        return x.sum().item() / size

    error = f - y
    parts = formulas.decompose(f, y, mean, shift_f, shift_y)
    phi = conventional_loss(o.conventional, error, o.delta)
    return _Block(error, parts.residual, parts.label, formulas.moments(parts, phi, size, mean))


def _recentred(f: Tensor, y: Tensor, whole: Moments) -> _Block:
    f, y = f.double(), y.double()
    return _Block(f - y, *formulas.residual_and_label(f, y, whole), whole)


def _write_gradient(out: Tensor, block: _Block, coefficients: Gradient, o: Options) -> None:
    """`formulas.Gradient` in place: as few passes as its terms allow."""
    share = 1 / block.moments.weight
    gradient = conventional_slope(o.conventional, block.error, o.delta)
    gradient.mul_(coefficients.conventional * share)
    gradient.add_(block.residual, alpha=coefficients.residual * share)
    gradient.add_(block.label, alpha=coefficients.label * share)
    out.copy_(gradient)
