"""A job of several parts: each writes its files together, is timed, and counts in the forecast."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from gar_verify import _files
from gar_verify.reproduce import changes, forecast
from gar_verify.reproduce.summary import Summary
from gar_verify.studies.progress import Progress


class Job:
    """What the parts of a job share: where they write, what they tell, how far the job is."""

    def __init__(
        self,
        folder: Path,
        store: Path,
        progress: Progress,
        trainings: Mapping[str, Sequence[Callable[..., Any]]],
    ) -> None:
        """Prepare a job.

        Args:
            folder: where files go; what a killed job left unfinished there is removed.
            store: folder that remembers how long parts take.
            progress: told which part begins and how much is left.
            trainings: what trains, for each part that does; see `forecast.work_ahead`.
        """
        _files.sweep(folder)
        self.folder, self.store, self.progress = folder, store, progress
        self.summary = Summary()
        self.names: set[str] = set()
        """Of the files that were written, relative to the folder."""
        self.forecast = forecast.Forecast(
            work={part: sum(map(forecast.work_ahead, train)) for part, train in trainings.items()},
            seconds=forecast.remembered(store),
        )

    @contextmanager
    def part(self, name: str) -> Iterator[Path]:
        """A folder for the files of a part, which appear in the job's folder when it has ended."""
        self.progress.stage(f"{name}; {forecast.words(self.forecast.left())} left in all, or so")
        begun = time.perf_counter()
        trains = name in self.forecast.work
        with _files.together(self.folder) as stage:
            yield stage
            self.names |= set(changes.contents(stage))
        seconds = time.perf_counter() - begun
        self.summary.seconds[name] = seconds
        self.forecast.finish(name, seconds)
        if not trains:  # the work of one that trains is known better
            forecast.remember(self.store, {name: round(seconds, 1)})

    def say(self, sentence: str) -> None:
        """Tell something at the end."""
        self.summary.sentences.append(sentence)

    def fail(self, what: str) -> None:
        """Tell at the end that something did not work, and go on."""
        self.summary.failures.append(what)
