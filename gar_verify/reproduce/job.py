"""A job of several parts: each writes its files together and is timed."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gar_verify import _files
from gar_verify.reproduce import changes
from gar_verify.reproduce.summary import Summary
from gar_verify.studies.progress import Progress


class Job:
    """What the parts of a job share: where they write, what they tell, how far the job is."""

    def __init__(self, folder: Path, progress: Progress, parts: int) -> None:
        """Prepare a job.

        Args:
            folder: where files go; what a killed job left unfinished there is removed.
            progress: told which part begins.
            parts: how many there are.
        """
        _files.sweep(folder)
        self.folder, self.progress, self.parts = folder, progress, parts
        self.summary = Summary()
        self.names: set[str] = set()
        """Of the files that were written, relative to the folder."""

    @contextmanager
    def part(self, name: str) -> Iterator[Path]:
        """A folder for the files of a part, which appear in the job's folder when it has ended."""
        self.progress.stage(f"{name}; part {len(self.summary.seconds) + 1} of {self.parts}")
        begun = time.perf_counter()
        with _files.together(self.folder) as stage:
            yield stage
            self.names |= set(changes.contents(stage))
        self.summary.seconds[name] = time.perf_counter() - begun

    def say(self, sentence: str) -> None:
        """Tell something at the end."""
        self.summary.sentences.append(sentence)

    def fail(self, what: str) -> None:
        """Tell at the end that something did not work, and go on."""
        self.summary.failures.append(what)
