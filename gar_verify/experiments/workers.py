"""Pieces of a study side by side, in processes of one thread each.

The operations of the trainer are small: two processes use two cores fully, two threads do not. A
piece does not know in which process it is computed, so the results are the same bits. joblib starts
the processes, and honours ``joblib.parallel_config``: with its dask backend they may be those of a
cluster.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

import joblib

from gar_verify.training import Problem, Recipe
from gar_verify.training.trainer import architecture_of

WORTH_A_PROCESS = 20_000.0
"""Units of work below which starting a process does not pay; a unit is about 0.4 ms."""

PAIRWISE_STEP = 3.0
"""Units of work that a loss of pairs adds to one step of one model."""

UNIT = 3.5e6
"""Multiplications in a unit of work: one small model, one epoch of Concrete, a cheap loss."""

Item = TypeVar("Item")
Result = TypeVar("Result")


def default_jobs(work: float, device: str) -> int:
    """As many processes as cores are free to use, fewer for little work; one for a GPU."""
    if not device.startswith("cpu"):
        return 1
    return max(1, min(_cores(), int(work / WORTH_A_PROCESS)))


def work_per_epoch(problem: Problem, recipe: Recipe, *, pairwise: bool) -> float:
    """Units of work of one model in one epoch; a rough guess, never less than one."""
    steps = len(problem.train[0]) // recipe.batch_size
    passes = 3 * steps * recipe.batch_size + len(problem.inputs)  # backward counts twice
    cheap = max(1.0, passes * architecture_of(problem, recipe).size / UNIT)
    return cheap + steps * PAIRWISE_STEP * pairwise


def as_completed(
    function: Callable[[Item], Result], items: Sequence[Item], jobs: int
) -> Iterator[tuple[int, Result]]:
    """Results of the function with the numbers of their items, as they come.

    With one job everything happens here, in order. An error in a process is raised here.
    """
    jobs = min(jobs, len(items))
    if jobs <= 1:
        for position, item in enumerate(items):
            yield position, function(item)
        return
    calls = (joblib.delayed(_numbered)(function, i, item) for i, item in enumerate(items))
    yield from joblib.Parallel(n_jobs=jobs, return_as="generator_unordered")(calls)


def _numbered(function: Callable[[Item], Result], position: int, item: Item) -> tuple[int, Result]:
    return position, function(item)


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
