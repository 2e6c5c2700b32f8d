"""The learning rate along a cosine, as the released scripts for images have it."""

from __future__ import annotations

import math


def cosine(rate: float, epoch: int, epochs: int, last: float) -> float:
    """The rate in an epoch (from 0): half a cosine from ``rate`` towards ``last * rate``.

    >>> [round(cosine(1.0, epoch, 2, 0.0), 2) for epoch in (0, 1)]
    [1.0, 0.5]
    """
    least = last * rate
    return least + (rate - least) * (1 + math.cos(math.pi * epoch / epochs)) / 2
