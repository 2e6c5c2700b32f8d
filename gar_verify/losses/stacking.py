"""What the stacked trainer minimises: one loss for each of many models, in one signature."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

import torch
from torch import Tensor

from gar_verify.losses._distinct import Draw, draw_numbers

StackedLoss = Callable[[Tensor, Tensor, Any, Any, Any], Tensor]
"""``(prediction[S, B, T], target[S, B, T], features[S, B, d], hyperparameter[S], draw) -> [S]``.

One loss for each of S models, B rows, T targets, d features. ``draw`` is the source of RankSim's
random choice, see `_distinct.Draw`. What a loss does not read may be None.
"""

PAIRS = 1 << 18
"""Pairs of rows that a CPU works on at a time: few enough to stay in its caches."""


def blockwise(*, random: bool = False) -> Callable[[StackedLoss], StackedLoss]:
    """A loss of pairs of rows, a few models at a time: up to three times as fast on a CPU.

    With ``random``, the numbers that the loss draws are drawn for all models at once.
    """

    def decorate(loss: StackedLoss) -> StackedLoss:
        @wraps(loss)
        def blocks(f: Tensor, y: Tensor, x: Tensor, hyperparameter: Tensor, draw: Draw) -> Tensor:
            models, rows = y.shape[:2]
            size = max(1, PAIRS // rows**2)
            draws: Sequence[Draw] = [draw] * -(-models // size)
            if random:
                draw = draw_numbers(draw, y.shape[:2], y.device)
                draws = draw.split(size)
            if y.device.type != "cpu" or size >= models:
                return loss(f, y, x, hyperparameter, draw)
            parts = [t.split(size) for t in (f, y, x, hyperparameter)]
            return torch.cat([loss(*block) for block in zip(*parts, draws, strict=True)])

        return blocks

    return decorate
