"""How a long study tells where it stands: nothing, or a bar with the time left."""

from __future__ import annotations

import sys

from rich.console import Console
from rich.progress import BarColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.progress import Progress as Bar


class Progress:
    """What a study reports to: nothing comes of it here.

    Work is counted in units that take about the same time each.
    """

    def start(self, title: str, total: float) -> None:
        """A study begins; ``total`` units of work are ahead."""

    def advance(self, amount: float) -> None:
        """So many units of work are done."""

    def note(self, text: str) -> None:
        """Something a reader should know, in one line."""

    def stage(self, text: str) -> None:
        """Where a job of several studies stands, in one line, for somebody who watches."""

    def finish(self) -> None:
        """The study has ended."""


Silent = Progress
"""Reports nothing."""


class Notes(Progress):
    """No bar; notes go to stderr, one line each."""

    def note(self, text: str) -> None:
        """Print the line on stderr."""
        print(text, file=sys.stderr, flush=True)


class Terminal(Progress):
    """A bar on stderr with elapsed and remaining time."""

    def __init__(self) -> None:
        """Prepare the bar; `start` shows it."""
        self._bar = Bar(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f} %"),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            transient=True,
        )

    def start(self, title: str, total: float) -> None:
        """Show a bar."""
        self._task = self._bar.add_task(title, total=total)
        self._bar.start()

    def advance(self, amount: float) -> None:
        """Move the bar."""
        self._bar.advance(self._task, amount)

    def note(self, text: str) -> None:
        """Print a line above the bar."""
        self._bar.console.print(text, markup=False, highlight=False)

    def stage(self, text: str) -> None:
        """Print a line above the bar."""
        self.note(text)

    def finish(self) -> None:
        """Take the bar away."""
        self._bar.stop()
        self._bar.remove_task(self._task)


def progress_for_stderr() -> Progress:
    """A bar where stderr is a terminal; otherwise notes only."""
    return Terminal() if sys.stderr.isatty() else Notes()
