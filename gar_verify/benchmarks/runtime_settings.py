"""What the runtime study measures: settings, methods and how often, by name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from gar_verify.benchmarks.interleaved import ROUNDS
from gar_verify.losses import get_spec
from gar_verify.studies.methods import RELEASED, TABULAR, label
from gar_verify.studies.objectives import CONTRAST

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


def settings(quick: bool = False) -> Settings:
    """Those of the whole study; quick: a small part, in less than a minute."""
    if quick:
        return Settings(sizes=QUICK_SIZES, rounds=3, rounds_of_long_calls=3)
    return Settings()


def method_label(name: str) -> str:
    """The name of a method of this study in figures and tables."""
    return f"{label('rnc')}, first phase" if name == CONTRAST else label(name)


def whole_training(contrast: Number, mae: Number) -> Number:
    """The mean over RnC's training of what its first phase costs and what the MAE costs."""
    share = float(get_spec("rnc").tabular_pretraining)
    return share * contrast + (1 - share) * mae
