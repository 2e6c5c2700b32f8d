"""What the runtime study times: an epoch of a method, its parts, and a call of its loss."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle

import torch

from gar_verify.benchmarks.interleaved import Job
from gar_verify.data import load_table
from gar_verify.studies import tabular
from gar_verify.studies.objectives import step_loss
from gar_verify.studies.reference_loop import PlainLoop, StepLoss
from gar_verify.training import Problem, Recipe, Run
from gar_verify.training.runs import Epoch, epochs

PUBLISHED_LOADER = 1
"""Worker processes of the released scripts' data loader."""

PARTS = ("loader", "steps", "metrics")
"""Of an epoch in the published loop."""

LABEL_SPREAD = 10.0
"""Standard deviation of the labels of `call_jobs`: that of a table with a unit, such as MPa."""


@dataclass(frozen=True)
class Epochs:
    """The loops of a table: one training part, one run, its batches again and again."""

    problem: Problem
    recipe: Recipe
    run: Run

    @classmethod
    def of(cls, table: str, seed: int) -> Epochs:
        """The first fold of a table, at the lowest learning rate and weight decay of its grid."""
        protocol = tabular.protocol(table)
        run = Run(min(protocol.learning_rates), min(protocol.weight_decays), seed=seed)
        return cls(tabular.folds(load_table(table), protocol.folds), protocol.recipe, run)

    def published(self, methods: Sequence[str]) -> dict[str, Job]:
        """An epoch as the released scripts run it: loader, steps, metrics of all parts."""

        def job_of(name: str) -> Job:
            loop, batches, loss = self._loop(PUBLISHED_LOADER), self._batches(), step_loss(name)

            def job() -> None:
                loop.steps(next(batches), loss)
                loop.scores()

            return job

        return {name: job_of(name) for name in methods}

    def in_memory(self, methods: Sequence[str]) -> dict[str, Job]:
        """The steps of an epoch on rows in memory."""

        def job_of(name: str) -> Job:
            loop, batches, loss = self._loop(None), self._batches(), step_loss(name)
            return lambda: loop.steps(next(batches), loss)

        return {name: job_of(name) for name in methods}

    def parts(self, method: str) -> dict[str, Job]:
        """The `PARTS` of a published epoch of a method, each by itself."""
        loop, batches = self._loop(PUBLISHED_LOADER), self._batches()
        return {
            "loader": lambda: list(loop.batches(next(batches))),
            "steps": self.in_memory([method])[method],
            "metrics": loop.scores,
        }

    def _loop(self, loader_processes: int | None) -> PlainLoop:
        return PlainLoop(self.problem, self.run, self.recipe, loader_processes)

    def _batches(self) -> Iterator[Epoch]:
        """The epochs of a training, and then again from the first: a benchmark may need more."""
        return cycle(epochs(self.problem, [self.run], self.recipe))


def call_jobs(methods: Sequence[str], rows: int, features: int, seed: int) -> dict[str, Job]:
    """Forward and backward of what each method minimises, on a random batch without equal labels.

    Args:
        methods: of `step_losses.STEP_LOSSES`.
        rows: the batch size.
        features: of a row, for the losses that read them.
        seed: of the batch.
    """
    generator = torch.Generator().manual_seed(seed)
    target = LABEL_SPREAD * torch.randn(rows, 1, generator=generator)
    prediction = (target + torch.randn(rows, 1, generator=generator)).requires_grad_()
    hidden = torch.randn(rows, features, generator=generator).requires_grad_()
    numbers = torch.rand(rows, generator=generator)

    def job_of(loss: StepLoss) -> Job:
        def job() -> None:
            prediction.grad = hidden.grad = None
            loss(prediction, target, hidden, numbers).backward()

        return job

    return {name: job_of(step_loss(name)) for name in methods}
