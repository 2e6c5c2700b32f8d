"""What the pairwise losses share: similarities and distances of all pairs, and sorting them."""

from __future__ import annotations

import torch
from torch import Tensor

NORM_FLOOR = 1e-12
"""A row of zeros stays one when it is normalised."""

_INDEX_BITS = 16


def cosine_similarities(features: Tensor) -> Tensor:
    """``x_i . x_j / (|x_i| |x_j|)`` for features ``[..., N, d]``: ``[..., N, N]``, self included.

    Norms are floored at `NORM_FLOOR`, so rows of zeros have similarity 0, and a gradient 1e12 times
    that of rows of length 1. The product is taken in the features' precision even under autocast.
    """
    norms: Tensor = torch.linalg.vector_norm(features, dim=-1, keepdim=True)
    x = features / norms.clamp(min=NORM_FLOOR)
    with torch.autocast(features.device.type, enabled=False):
        return x @ x.mT


def label_distances(labels: Tensor) -> Tensor:
    """``sum_d |y_id - y_jd|`` for labels ``[..., N, D]``: ``[..., N, N]``, without a gradient."""
    labels = labels.detach()
    if labels.shape[-1] == 1:
        return (labels - labels.mT).abs_()  # the same numbers, much faster
    return torch.cdist(labels, labels, p=1.0)


def stable_argsort(v: Tensor) -> Tensor:
    """``v.argsort(dim=-1, stable=True)``, on a CPU several times as fast.

    There, float32 entries and their positions are packed into integers of the same order, which
    NumPy sorts with vector instructions. (A NaN ends up at either end.)
    """
    n = v.shape[-1]
    if v.device.type != "cpu" or v.dtype != torch.float32 or n > 1 << _INDEX_BITS:
        return v.argsort(dim=-1, stable=True)
    bits = (v.detach() + 0.0).view(torch.int32)  # + 0.0: -0.0 is equal to 0.0, its bits are not
    # negative floats are ordered the wrong way round as integers: flip all bits but the sign
    keys = (bits ^ ((bits >> 31) & 0x7FFFFFFF)).long() << _INDEX_BITS
    keys |= torch.arange(n)
    keys.numpy().sort(axis=-1)
    return keys & ((1 << _INDEX_BITS) - 1)
