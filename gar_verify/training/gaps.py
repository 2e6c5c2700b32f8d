"""The stacked trainer for targets with gaps: trained alike, scored on what is observed.

The losses have to take gaps themselves (`losses.gaps`). Metrics are averaged over the targets that
have at least two observed labels in a part. Of the test part, the metrics of each target are kept
beside, and Pearson's correlation along each row, over the targets that it has.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gar_verify.metrics import METRICS
from gar_verify.metrics.gaps import GapScorer
from gar_verify.training import devices
from gar_verify.training.runs import PARTS, Problem, Recipe, Run, Trained
from gar_verify.training.trainer import (
    Objective,
    _models_in_cache,
    _Stack,
    _stacks,
    model_bytes,
    on_threads,
)

LEAST_IN_ROW = 3
"""Targets that a row must have for a correlation along it: of two it is 1 or -1."""


@dataclass(frozen=True, eq=False, kw_only=True)
class TrainedWithGaps(Trained):
    """`Trained`, with what the test part shows beside."""

    by_target: NDArray[np.float32]
    """[S, epoch, target, metric]: test metrics of each target."""
    by_row: NDArray[np.float32]
    """[S, epoch]: Pearson's correlation along the test rows, averaged over the rows."""


def train_with_gaps(
    problem: Problem,
    runs: Sequence[Run],
    recipe: Recipe,
    objective: Objective,
    *,
    device: str | torch.device = "cpu",
    memory_bytes: int | None = None,
    on_epoch: Callable[[int], None] | None = None,
) -> TrainedWithGaps:
    """`trainer.train` for targets that may be NaN.

    Raises:
        ValueError: if a fold has fewer training rows than a batch.
    """
    device = torch.device(device)
    bound = devices.default_bound(device) if memory_bytes is None else memory_bytes
    limit = max(1, bound // model_bytes(problem, recipe, objective))
    limit = min(limit, _models_in_cache(recipe, device))
    stacks = list(_stacks(problem, runs, recipe, limit))
    with on_threads(1):
        done = [
            _GapStack(problem, [runs[i] for i in stack], recipe, objective, device).train(on_epoch)
            for stack in stacks
        ]
    order = np.argsort(np.concatenate(stacks))
    joined = {
        field.name: np.concatenate([getattr(trained, field.name) for trained in done])[order]
        for field in fields(TrainedWithGaps)
        if field.name != "chunks"
    }
    return TrainedWithGaps(**joined, chunks=tuple(len(trained.diverged) for trained in done))


class _GapStack(_Stack):
    """Scores the observed entries, and keeps the scores of targets and rows of the test part."""

    def train(self, on_epoch: Callable[[int], None] | None) -> TrainedWithGaps:
        self.beside: list[tuple[Tensor, Tensor]] = []
        trained = super().train(on_epoch)
        by_target, by_row = (torch.stack(part, dim=1) for part in zip(*self.beside, strict=True))
        return TrainedWithGaps(
            **vars(trained),
            by_target=by_target.float().cpu().numpy(),
            by_row=by_row.float().cpu().numpy(),
        )

    def _scorer(self, part: str) -> tuple[Tensor, GapScorer] | None:  # type: ignore[override]
        rows = torch.from_numpy(
            np.stack([self.problem.parts(run.fold)[part] for run in self.runs])
        ).to(self.device)
        if rows.shape[1] == 0:
            return None
        targets = self.targets[rows]
        if part == PARTS[-1]:
            self.along_rows = GapScorer(targets)
        return rows[:, None], GapScorer(targets.transpose(1, 2))

    def _score(self, predictions: Tensor) -> Tensor:
        empty = predictions.new_full((len(self.runs), len(METRICS)), torch.nan).double()
        scores = []
        for part, scorer in zip(PARTS, self.scorers, strict=True):
            if scorer is None:
                scores.append(empty)
                continue
            rows, of_targets = cast(tuple[Tensor, GapScorer], scorer)
            chosen = predictions.gather(-1, rows.expand(-1, predictions.shape[1], -1))
            by_target = of_targets(chosen)
            scores.append(_mean(by_target, of_targets.count >= 2))
            if part == PARTS[-1]:
                along = self.along_rows.pearson(chosen.transpose(1, 2))
                enough = self.along_rows.count >= LEAST_IN_ROW
                self.beside.append((by_target, _mean(along[..., None], enough)[..., 0]))
        return torch.stack(scores, dim=1)


def _mean(scores: Tensor, chosen: Tensor) -> Tensor:
    """Means ``[S, metric]`` of scores ``[S, n, metric]`` over the chosen ones ``[S, n]``."""
    kept = scores.where(chosen[..., None], 0)
    return kept.sum(1) / chosen.sum(1, keepdim=True)
