"""The runtime study: what an epoch costs with each method, relative to the MAE, in three settings.

``published_loop``
    An epoch as the released scripts run it: a data loader that starts one worker process, the steps
    of the epoch, and the metrics of all three parts of the table.
``in_memory``
    The steps of the same epoch on rows in memory, and nothing else.
``loss_only``
    Forward and backward of what is minimised, against the batch size.

One model, one thread. Of ``rnc_contrastive`` every epoch is one of RnC's first phase; of ``rnc`` it
is the mean epoch of a whole training, whose second phase is training with the MAE.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import pandas as pd

from gar_verify.benchmarks.interleaved import Job, Turns, compare, on_threads, take_turns
from gar_verify.benchmarks.runtime_jobs import PARTS, Epochs, call_jobs
from gar_verify.benchmarks.runtime_settings import (
    COLUMNS,
    IN_MEMORY,
    LONG_CALLS,
    LOSS_ONLY,
    METHODS,
    PAIRS,
    PUBLISHED_LOOP,
    SETUPS,
    UNIT,
    Settings,
    whole_training,
)
from gar_verify.studies import tabular
from gar_verify.studies.objectives import CONTRAST
from gar_verify.studies.progress import Progress, Silent

LOOP_WORK = 5.0
"""Of a stage of epochs, see `_Stage.work`."""


@dataclass(frozen=True)
class Measured:
    """What the study found."""

    lines: pd.DataFrame
    """See `runtime_settings.COLUMNS`."""
    epoch: dict[str, float]
    """Median seconds of a published epoch with the MAE, the ``whole`` and each of its
    `runtime_jobs.PARTS` by itself; empty where that setting was left out."""
    settings: Settings


def measure(
    settings: Settings,
    progress: Progress | None = None,
    clock: Callable[[], float] = time.perf_counter,
) -> Measured:
    """Run the study; with the defaults it takes about three minutes.

    Raises:
        DataError: if the table of the loops is not available.
    """
    tell = progress or Silent()
    stages, lines, epoch = _stages(settings), [], {}
    tell.start("runtime", sum(stage.work for stage in stages))
    try:
        for stage in stages:
            with on_threads(1):
                turns = take_turns(stage.jobs(), rounds=stage.rounds, clock=clock)
            lines.append(_lines(settings, stage, turns))
            if stage.setup == PUBLISHED_LOOP:
                found = compare(turns, UNIT)["seconds"]
                epoch = {"whole": float(found[UNIT])} | {part: float(found[part]) for part in PARTS}
            tell.advance(stage.work)
    finally:
        tell.finish()
    return Measured(_in_order(pd.concat(lines)), epoch, settings)


@dataclass(frozen=True)
class _Stage:
    """Jobs that take turns."""

    setup: str
    batch_size: int
    jobs: Callable[[], dict[str, Job]]
    """Makes them, when it is their turn."""
    rounds: int
    leaves_out: tuple[str, ...] = ()
    """Methods that another stage reports."""
    work: float = 1.0
    """Roughly, in units of a stage of short calls."""


def _stages(settings: Settings) -> list[_Stage]:
    names, table, seed, rounds = settings.timed, settings.table, settings.seed, settings.rounds
    size = tabular.protocol(table).recipe.batch_size
    loops = {
        PUBLISHED_LOOP: lambda: (of := Epochs.of(table, seed)).published(names) | of.parts(UNIT),
        IN_MEMORY: lambda: Epochs.of(table, seed).in_memory(names),
    }
    stages = {
        setup: [_Stage(setup, size, jobs, rounds, work=LOOP_WORK)] for setup, jobs in loops.items()
    }
    stages[LOSS_ONLY] = [stage for n in settings.sizes for stage in _call_stages(settings, n)]
    return [stage for setup in settings.setups for stage in stages[setup]]


def _call_stages(settings: Settings, size: int) -> Iterator[_Stage]:
    """All calls together; or those of the losses of pairs apart, where they take long."""
    features = tabular.protocol(settings.table).recipe.hidden[-1]

    def jobs_of(names: Sequence[str]) -> Callable[[], dict[str, Job]]:
        return partial(call_jobs, names, size, features, settings.seed)

    pairs = [name for name in settings.timed if name in PAIRS]
    if size <= LONG_CALLS or not pairs:
        yield _Stage(LOSS_ONLY, size, jobs_of(settings.timed), settings.rounds)
        return
    others = [name for name in settings.timed if name not in PAIRS]
    yield _Stage(LOSS_ONLY, size, jobs_of(others), settings.rounds)
    rounds, work = settings.rounds_of_long_calls, (size / LONG_CALLS) ** 2
    yield _Stage(LOSS_ONLY, size, jobs_of([UNIT, *pairs]), rounds, (UNIT,), work)


def _lines(settings: Settings, stage: _Stage, turns: Turns) -> pd.DataFrame:
    """A line for each method of the settings that the stage reports."""
    if CONTRAST in turns:
        turns = {**turns, "rnc": whole_training(turns[CONTRAST], turns[UNIT])}
    chosen = [name for name in settings.reported if name in turns]
    frame = compare({name: turns[name] for name in chosen}, UNIT).drop(list(stage.leaves_out))
    frame = frame.rename_axis("method").reset_index()
    return frame.assign(setup=stage.setup, batch_size=stage.batch_size)[list(COLUMNS)]


def _in_order(lines: pd.DataFrame) -> pd.DataFrame:
    """By setting, batch size, and method."""
    ranks = {"setup": SETUPS.index, "method": METHODS.index}
    return lines.sort_values(
        ["setup", "batch_size", "method"],
        key=lambda column: column.map(ranks[column.name]) if column.name in ranks else column,
        ignore_index=True,
    )
