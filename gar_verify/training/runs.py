"""What is trained: runs with their coordinates, the recipe they share, and the rows they see."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.int64]


class Stream(NamedTuple):
    """The coordinates that determine the random numbers of a run."""

    seed: int
    fold: int
    hyperparameter_index: int


@dataclass(frozen=True)
class Run:
    """One training of one model.

    Its random numbers (initial parameters, order of batches) depend on ``seed``, ``fold`` and
    ``hyperparameter_index`` alone: they are the same for every loss, learning rate and weight
    decay, and in whatever company the run is trained.
    """

    learning_rate: float
    weight_decay: float = 0.0
    hyperparameter: float = float("nan")
    hyperparameter_index: int = 0
    fold: int = 0
    seed: int = 0

    def random(self) -> np.random.Generator:
        """A fresh generator, determined by the coordinates of the run."""
        return np.random.default_rng(self.stream)

    @property
    def stream(self) -> Stream:
        """The coordinates that determine the random numbers."""
        return Stream(self.seed, self.fold, self.hyperparameter_index)


@dataclass(frozen=True)
class Recipe:
    """How every run of a study is trained."""

    hidden: tuple[int, ...]
    epochs: int
    batch_size: int
    milestones: tuple[int, ...]
    """Epochs (from 0) at whose start every learning rate is multiplied by ``decay``."""
    optimizer: Literal["sgd", "adam"] = "sgd"
    momentum: float = 0.9
    decay: float = 0.1

    def factor(self, epoch: int) -> float:
        """What the schedule multiplies the learning rates by in an epoch (from 0)."""
        return float(self.decay ** sum(epoch >= milestone for milestone in self.milestones))


@dataclass(frozen=True, eq=False)
class Problem:
    """Inputs and targets of all rows, and for each fold the rows of each part.

    A part may be empty: its metrics are NaN.
    """

    inputs: NDArray[np.float64]
    """(n, F)"""
    targets: NDArray[np.float64]
    """(n, T)"""
    train: Sequence[Rows]
    """Row numbers of the training part, one array for each fold."""
    validation: Sequence[Rows]
    test: Rows

    def parts(self, fold: int) -> dict[str, Rows]:
        """Rows of each part of a fold, in the order of `PARTS`."""
        return dict(zip(PARTS, (self.train[fold], self.validation[fold], self.test), strict=True))


PARTS = ("train", "validation", "test")
"""The parts of a table that are scored after every epoch."""


@dataclass(frozen=True, eq=False)
class Trained:
    """The results of some runs; S of them, in the order they were given."""

    metrics: NDArray[np.float32]
    """[S, epoch, part, metric], parts in the order of `PARTS`, metrics in that of `METRICS`."""
    predictions: NDArray[np.float32]
    """[S, n, T]: outputs for all rows after the last epoch."""
    parameters: NDArray[np.float32]
    """[S, P] after the last epoch."""
    diverged: NDArray[np.bool_]
    """[S]: whether a parameter was not finite in the end."""
    chunks: tuple[int, ...] = field(default=())
    """How many models were trained together each time."""


@dataclass(frozen=True, eq=False)
class Epoch:
    """What chance decides in an epoch."""

    rows: NDArray[np.int64]
    """[S, steps, batch]: row numbers of the batches of each run."""
    numbers: NDArray[np.float32]
    """[S, steps, batch]: uniform random numbers for losses that choose rows at random."""


def epochs(problem: Problem, runs: Sequence[Run], recipe: Recipe) -> Iterator[Epoch]:
    """The epochs of some runs that have as many training rows each.

    The training rows of each run are shuffled anew and the last incomplete batch is dropped.
    """
    steps = len(problem.train[runs[0].fold]) // recipe.batch_size
    shape = (steps, recipe.batch_size)
    streams = {run.stream: run.random().spawn(2) for run in runs}
    for _ in range(recipe.epochs):
        drawn = {}
        for stream, (shuffler, source) in streams.items():
            order = shuffler.permutation(problem.train[stream.fold])[: steps * recipe.batch_size]
            drawn[stream] = order.reshape(shape), source.random(shape, dtype=np.float32)
        rows, numbers = zip(*(drawn[run.stream] for run in runs), strict=True)
        yield Epoch(np.stack(rows), np.stack(numbers))
