"""How long the rest of a job of several studies will take.

A study tells how much work is ahead before it begins; what its store holds is not counted. The
seconds for a unit of work are a guess until the first study has been trained here.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gar_verify._files import atomic_write
from gar_verify.studies.progress import Progress, Silent

FIRST_GUESS = 4e-4
"""Seconds of one core for a unit of work: one small model, one epoch of a cheap loss."""
FILE = "seconds.json"


class _AheadError(Exception):
    """Carries the work ahead out of a study before any of it is done."""


class _Probe(Silent):
    def start(self, title: str, total: float) -> None:
        raise _AheadError(total)


def work_ahead(study: Callable[..., Any]) -> float:
    """Units of work that a study would do now: it is begun and left before the first of them.

    Args:
        study: reports to its argument ``progress``.
    """
    probe: Progress = _Probe()
    try:
        study(progress=probe)
    except _AheadError as ahead:
        return float(ahead.args[0])
    return 0.0


@dataclass
class Forecast:
    """The parts that are ahead, and what is known of their length."""

    work: dict[str, float]
    """Units of work of each part that trains."""
    seconds: dict[str, float] = field(default_factory=dict)
    """Of each other part, as long as it took the last time; unknown ones are left out."""
    rate: float = field(default_factory=lambda: FIRST_GUESS / (os.cpu_count() or 1))
    """Seconds for a unit of work."""
    _done: float = 0.0
    _took: float = 0.0

    def left(self) -> float:
        """Seconds that are left, as far as is known."""
        return self.rate * sum(self.work.values()) + sum(self.seconds.values())

    def finish(self, part: str, seconds: float) -> None:
        """A part took so long; the rate of the others follows from it."""
        self.seconds.pop(part, None)
        self._done += (work := self.work.pop(part, 0.0))
        self._took += seconds if work else 0.0
        if self._done:
            self.rate = self._took / self._done


def remembered(folder: Path) -> dict[str, float]:
    """Seconds of the parts as they took the last time; empty where nothing is known."""
    try:
        known = json.loads((folder / FILE).read_text(encoding="utf-8"))
        return {str(part): float(seconds) for part, seconds in known.items()}
    except (OSError, ValueError, AttributeError, TypeError):
        return {}


def remember(folder: Path, seconds: dict[str, float]) -> None:
    """Keep the seconds of parts for the next time, beside those of other parts."""
    atomic_write(folder / FILE, json.dumps({**remembered(folder), **seconds}, indent=1))


def words(seconds: float) -> str:
    """A length of time as one would say it.

    >>> words(42), words(400), words(9000)
    ('under a minute', '7 min', '2.5 h')
    """
    if seconds < 55:
        return "under a minute"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
