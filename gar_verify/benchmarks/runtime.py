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
from typing import Any, TypeVar

import numpy as np
import pandas as pd

from gar_verify.benchmarks.runtime_jobs import PARTS, Epochs, call_jobs
from gar_verify.benchmarks.turns import ROUNDS, Job, Turns, compare, on_threads, take_turns
from gar_verify.data import is_available
from gar_verify.experiments import tabular
from gar_verify.experiments.methods import RELEASED, TABULAR, label
from gar_verify.experiments.progress import Progress, Silent
from gar_verify.experiments.step_losses import CONTRAST
from gar_verify.losses import get_spec

PUBLISHED_LOOP, IN_MEMORY, LOSS_ONLY = SETUPS = ("published_loop", "in_memory", "loss_only")
COLUMNS = ("setup", "method", "batch_size", "seconds", "ratio", "ratio_low", "ratio_high")
"""Of the lines of the study: seconds are medians, per epoch in the loops and per call of the loss;
``ratio`` to the MAE in the same setting and batch size is the median over the rounds, ``ratio_low``
and ``ratio_high`` are the quartiles."""

UNIT = "mae"
SIZES = (64, 128, 256, 512, 1024, 2048, 4096)
QUICK_SIZES = (64, 256, 512, 1024, 2048)
"""Those of the loops, and three that a growth exponent can be fitted to."""

_AFTER_RNC = TABULAR.index("rnc") + 1
METHODS = (*TABULAR[:_AFTER_RNC], CONTRAST, *TABULAR[_AFTER_RNC:], RELEASED)
"""In the order of the paper's tables, RnC's first phase beside RnC and the released GAR last."""

LOOP_WORK = 5.0
LONG_CALLS = 512
"""Up to so many rows a call of a loss of pairs takes about a turn, and beyond, several."""

PAIRS = (*(name for name in TABULAR if get_spec(name).needs_features), CONTRAST)
"""Losses of pairs of rows: their time grows as N^2."""

Number = TypeVar("Number", float, np.ndarray)


@dataclass(frozen=True)
class Settings:
    """What is measured, and how often.

    Raises:
        ValueError: for names that are not of `METHODS` or `SETUPS`.
    """

    methods: tuple[str, ...] = METHODS
    """The MAE is measured in any case: it is the unit."""
    sizes: tuple[int, ...] = SIZES
    """Batch sizes of ``loss_only``."""
    setups: tuple[str, ...] = SETUPS
    rounds: int = 2 * ROUNDS + 1
    rounds_of_long_calls: int = 7
    """Of the losses of pairs (and the MAE beside them) at more than `LONG_CALLS` rows."""
    table: str = "concrete"
    """Its rows, network and batch size are those of the loops."""
    seed: int = 0

    def __post_init__(self) -> None:
        """Check the names."""
        for kind, given, known in (
            ("method", self.methods, METHODS),
            ("setup", self.setups, SETUPS),
        ):
            unknown = [name for name in given if name not in known]
            if unknown:
                raise ValueError(
                    f"the runtime study has no {kind} {unknown[0]!r}; it has {', '.join(known)}"
                )

    @property
    def reported(self) -> tuple[str, ...]:
        """The methods that get a line."""
        return tuple(name for name in METHODS if name in {UNIT, *self.methods})

    @property
    def timed(self) -> tuple[str, ...]:
        """The methods that are run: ``rnc`` is reckoned from its two phases."""
        needed = {*self.reported, CONTRAST} if "rnc" in self.reported else {*self.reported}
        return tuple(name for name in METHODS if name in needed - {"rnc"})


def settings(table: str, quick: bool = False) -> Settings:
    """Those of the whole study on a table; quick: a small part, in less than a minute."""
    if quick:
        return Settings(sizes=QUICK_SIZES, rounds=3, rounds_of_long_calls=3, table=table)
    return Settings(table=table)


@dataclass(frozen=True)
class Measured:
    """What the study found."""

    lines: pd.DataFrame
    """See `COLUMNS`."""
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
        DataError: if the table of the loops is not at hand.
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


def table_at_hand() -> str:
    """Concrete, as published; scikit-learn's diabetes table where it is not at hand."""
    return "concrete" if is_available("concrete") else "diabetes"


def method_label(name: str) -> str:
    """The name of a method of this study in figures and tables."""
    return f"{label('rnc')}, first phase" if name == CONTRAST else label(name)


def whole_training(contrast: Number, mae: Number) -> Number:
    """The mean over RnC's training of what its first phase costs and what the MAE costs."""
    share = float(get_spec("rnc").tabular_pretraining)
    return share * contrast + (1 - share) * mae


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
    names, table, seed = settings.timed, settings.table, settings.seed
    recipe = tabular.protocol(table).recipe
    loops = {PUBLISHED_LOOP: _published_jobs, IN_MEMORY: _in_memory_jobs}
    stages = {
        setup: [
            _Stage(
                setup,
                recipe.batch_size,
                partial(jobs, names, table, seed),
                settings.rounds,
                work=LOOP_WORK,
            )
        ]
        for setup, jobs in loops.items()
    }
    stages[LOSS_ONLY] = list(_call_stages(settings, recipe.hidden[-1]))
    return [stage for setup in settings.setups for stage in stages[setup]]


def _call_stages(settings: Settings, features: int) -> Iterator[_Stage]:
    """One for each size; where calls of the losses of pairs take long, one more for them."""
    cheap = tuple(name for name in settings.timed if name not in PAIRS)
    pairs = tuple(name for name in settings.timed if name in {UNIT, *PAIRS})
    for size in settings.sizes:

        def stage(names: Sequence[str], rounds: int, **changes: Any) -> _Stage:
            jobs = partial(call_jobs, names, size, features, settings.seed)  # noqa: B023
            return _Stage(LOSS_ONLY, size, jobs, rounds, **changes)  # noqa: B023

        if size <= LONG_CALLS or len(pairs) == 1:
            yield stage(settings.timed, settings.rounds)
            continue
        yield stage(cheap, settings.rounds)
        long = (size / LONG_CALLS) ** 2
        yield stage(pairs, settings.rounds_of_long_calls, leaves_out=(UNIT,), work=long)


def _published_jobs(names: Sequence[str], table: str, seed: int) -> dict[str, Job]:
    loops = Epochs.of(table, seed)
    return {**loops.published(names), **loops.parts(UNIT)}


def _in_memory_jobs(names: Sequence[str], table: str, seed: int) -> dict[str, Job]:
    return Epochs.of(table, seed).in_memory(names)


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
