"""Batches for the losses that compare features."""

import torch
from torch import Tensor


def batch(
    seed: int, n: int, d: int = 3, targets: int = 1, models: int | None = None
) -> tuple[Tensor, Tensor]:
    """Random features, which require a gradient, and labels; of several models where asked for."""
    g = torch.Generator().manual_seed(seed)
    lead = () if models is None else (models,)
    x = torch.randn(*lead, n, d, generator=g, dtype=torch.float64)
    y = torch.randn(*lead, n, targets, generator=g, dtype=torch.float64)
    return x.requires_grad_(), y
