"""The stacked trainer for a histogram head: a network's outputs are the shares of bins.

The labels are brought to [0, 1] by the lowest and the highest that is trained on in any fold; the
bins are even and reach `MARGIN` beyond either end. The prediction is the mean of the histogram,
scored in the units of the labels like that of any other network.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from gar_verify.metrics import Scorer
from gar_verify.training import devices
from gar_verify.training.runs import Problem, Recipe, Run, Trained
from gar_verify.training.trainer import (
    Objective,
    _models_in_cache,
    _reordered,
    _Stack,
    _stacks,
    model_bytes,
    on_threads,
)

BINS = 50
MARGIN = 0.1
"""Of the range of the labels, at either end."""

WIDTH = (1 + 2 * MARGIN) / BINS
"""Of a bin, where the labels lie in [0, 1]."""


def edges(like: Tensor) -> Tensor:
    """The BINS + 1 ends of the bins, in the precision of a tensor and on its device."""
    return torch.linspace(-MARGIN, 1 + MARGIN, BINS + 1, dtype=like.dtype, device=like.device)


def shares(labels: Tensor, sigma: Tensor) -> Tensor:
    """The histogram [..., BINS] of a normal distribution around labels [..., 1], cut to the bins.

    Args:
        labels: in [0, 1], where the training labels lie.
        sigma: deviation, in widths of a bin.
    """
    scaled = (edges(labels) - labels) / (sigma * WIDTH)
    below = torch.special.ndtr(scaled)
    histogram: Tensor = below.diff(dim=-1) / (below[..., -1:] - below[..., :1])
    return histogram


def stacked_hl_gauss(f: Tensor, y: Tensor, x: Tensor, sigma: Tensor, draw: object) -> Tensor:
    """Cross entropy of the histogram of a label and the predicted one, averaged over the rows.

    Args:
        f: (S, B, BINS), logarithms of the shares up to a constant.
        y: (S, B, BINS), of which the first column is the label, in [0, 1].
        x: not read.
        sigma: (S,), deviation of the label's histogram, in widths of a bin.
        draw: not read.

    Returns:
        (S,). Source: Imani and White, "Improving Regression Performance with Distributional
        Losses", ICML 2018.
    """
    target = shares(y[..., :1], sigma[:, None, None])
    return -(target * f.log_softmax(-1)).sum(-1).mean(-1)


def train_histogram(
    problem: Problem,
    runs: Sequence[Run],
    recipe: Recipe,
    objective: Objective,
    *,
    device: str | torch.device = "cpu",
    memory_bytes: int | None = None,
    on_epoch: Callable[[int], None] | None = None,
) -> Trained:
    """`trainer.train` of networks with `BINS` outputs, for one target.

    Raises:
        ValueError: for several targets, or if a fold has fewer training rows than a batch.
    """
    if problem.targets.shape[1] != 1:
        raise ValueError(f"a histogram is of one target, got {problem.targets.shape[1]}")
    device = torch.device(device)
    trained_on = problem.targets[np.unique(np.concatenate(problem.train))]
    low, high = trained_on.min(), trained_on.max()
    padded = np.zeros((len(problem.targets), BINS))
    padded[:, :1] = (problem.targets - low) / (high - low)
    wide = replace(problem, targets=padded)
    bound = devices.default_bound(device) if memory_bytes is None else memory_bytes
    limit = max(1, bound // model_bytes(wide, recipe, objective))
    limit = min(limit, _models_in_cache(recipe, device))
    stacks = list(_stacks(wide, runs, recipe, limit))
    with on_threads(1):
        done = [
            _HistogramStack(
                (low, high), wide, [runs[i] for i in stack], recipe, objective, device
            ).train(on_epoch)
            for stack in stacks
        ]
    return _reordered(done, np.argsort(np.concatenate(stacks)))


class _HistogramStack(_Stack):
    """Predicts the mean of the histogram, in the units of labels that lay between two ends."""

    def __init__(self, ends: tuple[float, float], *stack: Any) -> None:
        """The ends, and what a stack takes."""
        self.low, self.width = float(ends[0]), float(ends[1] - ends[0])
        super().__init__(*stack)

    def _scorer(self, part: str) -> tuple[Tensor, Scorer] | None:
        found = super()._scorer(part)
        if found is None:
            return None
        rows, _ = found
        return rows, Scorer((self.targets[:, 0] * self.width + self.low)[rows])

    def _predict(self) -> Tensor:
        ends = edges(self.targets)
        middles = (ends[1:] + ends[:-1]) / 2
        histogram = super()._predict().softmax(1)  # [S, BINS, n]
        mean = (middles[:, None] * histogram).sum(1, keepdim=True)
        return mean * self.width + self.low
