"""The summary of the runtime study that travels with the repository: ``runtime.csv``, ``.json``.

The CSV file has the lines of the study, the JSON file beside it says where they come from and holds
the checksum of the CSV file, so that figures are not drawn from numbers that somebody changed.
"""

from __future__ import annotations

import os
import platform
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from gar_verify.benchmarks.runtime import Measured
from gar_verify.benchmarks.runtime_jobs import PUBLISHED_LOADER
from gar_verify.benchmarks.runtime_settings import COLUMNS, LOSS_ONLY
from gar_verify.data import load_table
from gar_verify.studies import pins, provenance, summaries
from gar_verify.studies.summaries import SummaryError

STEM = "runtime"
COMMAND = "gar-verify bench runtime"


class Summary(NamedTuple):
    """What was measured once, and where it comes from."""

    lines: pd.DataFrame
    """See `runtime_settings.COLUMNS`."""
    provenance: dict[str, Any]

    def of(self, setup: str, batch_size: int | None = None) -> pd.DataFrame:
        """The lines of a setting by method, at one batch size where there are several."""
        chosen = self.lines[self.lines["setup"] == setup]
        if batch_size is not None:
            chosen = chosen[chosen["batch_size"] == batch_size]
        return chosen.set_index("method")

    @property
    def epoch_seconds(self) -> dict[str, float]:
        """Of a published epoch with the MAE, see `runtime.Measured`."""
        return dict(self.provenance["epoch_seconds"])

    @property
    def batch_size(self) -> int:
        """That of the loops."""
        return int(self.lines.loc[self.lines["setup"] != LOSS_ONLY, "batch_size"].iloc[0])


def summarize(measured: Measured) -> Summary:
    """A run of the study as it would be read from its files, but for rounding."""
    settings = asdict(measured.settings)
    table = load_table(settings["table"])
    found = {
        "study": STEM,
        "settings": settings,
        "epoch_seconds": {name: round(value, 6) for name, value in measured.epoch.items()},
        "table": table.name,
        "data": table.checksum,
        "rounds": settings["rounds"],
        "seed": settings["seed"],
        "threads": 1,
        "loader_processes": PUBLISHED_LOADER,
        "machine": machine(),
        "load_average": [round(number, 2) for number in _load()],
        "versions": provenance.versions(),
        "code": provenance.code_version(),
    }
    return Summary(measured.lines, found)


def write(summary: Summary, folder: Path | None = None) -> list[Path]:
    """Write both files atomically.

    Args:
        summary: from `summarize`.
        folder: where to; default: `paths.new_summaries`.

    Returns:
        The CSV and the JSON file.
    """
    lines = summary.lines[list(COLUMNS)]
    numbers = lines.select_dtypes("float").columns
    rounded = lines.assign(**{name: lines[name].map("{:.6g}".format) for name in numbers})
    return summaries.write_frame(rounded, STEM, summary.provenance, folder)


def read(folder: Path | None = None) -> Summary:
    """The summary in a folder; default: `paths.summaries`.

    Raises:
        SummaryError: if it is absent, was changed after it was written, or has other columns.
    """
    lines, found = summaries.read_frame(STEM, folder, COMMAND)
    if tuple(lines.columns) != COLUMNS:
        raise SummaryError(
            f"{STEM}.csv has the columns {', '.join(lines.columns)}; expected "
            f"{', '.join(COLUMNS)}; run the study again: {COMMAND}"
        )
    return Summary(lines, found)


def machine() -> str:
    """The machine in words: processor and cores, no name."""
    return f"{pins.processor()}, {os.cpu_count()} cores, {platform.system()}"


def _load() -> tuple[float, ...]:
    """Load averages over 1, 5 and 15 minutes; empty where the system does not tell."""
    return os.getloadavg() if hasattr(os, "getloadavg") else ()
