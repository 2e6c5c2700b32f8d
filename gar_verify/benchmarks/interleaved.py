"""Fair measurement of time: jobs take turns, so that a busy moment of the machine hits all of them.

Ratios are taken within a round and then summed up by their median and quartiles.
"""

from __future__ import annotations

import contextlib
import time
import warnings
from collections.abc import Callable, Iterator, Mapping

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from gar_verify.training import trainer

ROUNDS = 15
SECONDS_PER_TURN = 0.02
WARM_UP = 4
"""Calls of each job before anything counts; two of them for a job that fills a turn by itself."""

Job = Callable[[], object]
Turns = dict[str, NDArray[np.float64]]
"""Seconds of one call of each job, one number for each round."""


def take_turns(
    jobs: Mapping[str, Job],
    device: str = "cpu",
    rounds: int = ROUNDS,
    clock: Callable[[], float] = time.perf_counter,
) -> Turns:
    """Time jobs that take turns within each round.

    Args:
        jobs: what is timed, by name; a short job is called several times in a turn.
        device: ``cpu``, or ``cuda``, where every turn ends with a synchronisation.
        rounds: how often all jobs have their turn.
        clock: tells the seconds.
    """

    def seconds(job: Job, times: int) -> float:
        start = clock()
        for _ in range(times):
            job()
        if device.startswith("cuda"):
            torch.cuda.synchronize()
        return (clock() - start) / times

    def repeats(job: Job) -> int:
        once = min(seconds(job, 1), seconds(job, 1))
        if once < SECONDS_PER_TURN:
            once = min(seconds(job, 1) for _ in range(WARM_UP - 2))
        return max(1, min(1000, round(SECONDS_PER_TURN / max(once, 1e-9))))

    times = {name: repeats(job) for name, job in jobs.items()}
    turns = [{name: seconds(job, times[name]) for name, job in jobs.items()} for _ in range(rounds)]
    return {name: np.array([turn[name] for turn in turns]) for name in jobs}


def compare(turns: Turns, unit: str) -> pd.DataFrame:
    """Median seconds of each job, and the quartiles of its ratio to ``unit`` over the rounds.

    Returns:
        A line for each job: ``seconds``, ``ratio`` (the median), ``ratio_low``, ``ratio_high``.
    """
    lines = {}
    for name, seconds in turns.items():
        low, middle, high = np.quantile(seconds / turns[unit], (0.25, 0.5, 0.75))
        lines[name] = {
            "seconds": float(np.median(seconds)),
            "ratio": float(middle),
            "ratio_low": float(low),
            "ratio_high": float(high),
        }
    return pd.DataFrame.from_dict(lines, orient="index")


@contextlib.contextmanager
def on_threads(count: int) -> Iterator[None]:
    """So many threads inside; and the compiler's own warnings are nobody's business."""
    with trainer.on_threads(count), warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # raised inside the compiler
        yield
