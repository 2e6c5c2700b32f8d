"""The stacked trainer that keeps what models predict of the test rows after chosen epochs."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gar_verify.training.gaps import _GapStack
from gar_verify.training.runs import Problem, Recipe, Run
from gar_verify.training.trainer import (
    Objective,
    _models_in_cache,
    _Stack,
    _stacks,
    on_threads,
)

CPU = torch.device("cpu")

Kept = dict[int, tuple[NDArray[np.float32], NDArray[np.float32]]]
"""By epoch, from 1: the test metrics, and the predictions [m, T] of the test rows."""


def train_keeping(
    problem: Problem,
    runs: Sequence[Run],
    epochs: Sequence[Collection[int]],
    recipe: Recipe,
    objective: Objective,
    *,
    gaps: bool = False,
    on_epoch: Callable[[int], None] | None = None,
) -> list[Kept]:
    """Train runs on a CPU up to the last epoch that is kept; every number is that of `train`.

    Args:
        problem: as in `trainer.train`.
        runs: as in `trainer.train`.
        epochs: for each run, which are kept, counted from 1.
        recipe: as in `trainer.train`.
        objective: as in `trainer.train`.
        gaps: whether targets may be NaN, as in `gaps.train_with_gaps`.
        on_epoch: as in `trainer.train`.

    Raises:
        ValueError: if a fold has fewer training rows than a batch.
    """
    kept: list[Kept] = [{} for _ in runs]
    last = max((epoch for wanted in epochs for epoch in wanted), default=0)
    recipe = replace(recipe, epochs=last)
    make = _KeepingGaps if gaps else _Keeping
    with on_threads(1):
        for numbers in _stacks(problem, runs, recipe, _models_in_cache(recipe, CPU)):
            stack = make(
                [epochs[i] for i in numbers],
                [kept[i] for i in numbers],
                problem,
                [runs[i] for i in numbers],
                recipe,
                objective,
                CPU,
            )
            stack.train(on_epoch)
    return kept


class _Keeping(_Stack):
    """Keeps, whenever it scores, what is wanted of this epoch."""

    def __init__(
        self, wanted: Sequence[Collection[int]], kept: Sequence[Kept], *stack: Any
    ) -> None:
        """Epochs of each run, where they are kept, and what a stack takes."""
        self.wanted, self.kept, self.epoch = wanted, kept, 0
        super().__init__(*stack)

    def _score(self, predictions: Tensor) -> Tensor:
        scores = super()._score(predictions)
        self.epoch += 1
        for model, (wanted, kept) in enumerate(zip(self.wanted, self.kept, strict=True)):
            if self.epoch in wanted:
                rows = self.problem.parts(self.runs[model].fold)["test"]
                shown = predictions[model][:, torch.from_numpy(rows)].T
                kept[self.epoch] = scores[model, -1].float().numpy(), shown.numpy().copy()
        return scores


class _KeepingGaps(_Keeping, _GapStack):
    """The same for targets with gaps."""
