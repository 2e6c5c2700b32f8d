"""What RankSim and ConR ask of the features: the cosine similarity of every pair of rows."""

from __future__ import annotations

import torch
from torch import Tensor

NORM_FLOOR = 1e-12
"""A row of zeros stays one when it is normalised."""


def cosine_similarities(features: Tensor) -> Tensor:
    """``x_i . x_j / (|x_i| |x_j|)`` for features ``[..., N, d]``: ``[..., N, N]``, self included.

    Norms are floored at `NORM_FLOOR`, so rows of zeros have similarity 0, and a gradient 1e12 times
    that of rows of length 1. The product is taken in the features' precision even under autocast.
    """
    norms = torch.linalg.vector_norm(features, dim=-1, keepdim=True)
    x = features / norms.clamp(min=NORM_FLOOR)
    with torch.autocast(features.device.type, enabled=False):
        return x @ x.mT
