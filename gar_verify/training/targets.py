"""The stacked trainer with every target scored by itself: trained alike, nothing averaged."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from gar_verify.training.runs import Problem, Recipe, Run, Trained
from gar_verify.training.trainer import (
    Objective,
    _models_in_cache,
    _reordered,
    _Stack,
    _stacks,
    on_threads,
)

CPU = torch.device("cpu")


def train_by_target(
    problem: Problem,
    runs: Sequence[Run],
    recipe: Recipe,
    objective: Objective,
    *,
    on_epoch: Callable[[int], None] | None = None,
) -> Trained:
    """`trainer.train` on a CPU, with metrics [S, epoch, part, target, metric]; no part is empty.

    Raises:
        ValueError: if a fold has fewer training rows than a batch.
    """
    stacks = list(_stacks(problem, runs, recipe, _models_in_cache(recipe, CPU)))
    with on_threads(1):
        done = [
            _TargetStack(problem, [runs[i] for i in stack], recipe, objective, CPU).train(on_epoch)
            for stack in stacks
        ]
    return _reordered(done, np.argsort(np.concatenate(stacks)))


class _TargetStack(_Stack):
    """Keeps the metrics of each target."""

    def _score(self, predictions: Tensor) -> Tensor:
        scores = []
        for rows, scorer in filter(None, self.scorers):
            chosen = predictions.gather(-1, rows.expand(-1, predictions.shape[1], -1))
            scores.append(scorer(chosen))
        return torch.stack(scores, dim=1)
