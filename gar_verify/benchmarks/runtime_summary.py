"""The summary of the runtime study that travels with the repository: ``runtime.csv``, ``.json``.

The CSV file has the lines of the study, the JSON file beside it says where they come from and holds
the checksum of the CSV file, so that figures are not drawn from numbers that somebody changed.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import platform
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from gar_verify import paths
from gar_verify.benchmarks.runtime import Measured
from gar_verify.benchmarks.runtime_jobs import PUBLISHED_LOADER
from gar_verify.benchmarks.runtime_settings import COLUMNS, LOSS_ONLY
from gar_verify.data import load_table
from gar_verify.experiments import provenance
from gar_verify.experiments.summaries import SummaryError

STEM = "runtime"
CHECKSUM = "csv_sha256"
AGAIN = "run the study again: gar-verify bench runtime"


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
    """Write both files, each whole or not at all.

    Args:
        summary: from `summarize`.
        folder: where to; default: `paths.summaries`.

    Returns:
        The CSV and the JSON file.
    """
    lines = summary.lines[list(COLUMNS)]
    table = lines.to_csv(index=False, float_format="%.6g", lineterminator="\n").encode()
    record = {**summary.provenance, CHECKSUM: checksum(table)}
    target = folder or paths.summaries()
    target.mkdir(parents=True, exist_ok=True)
    written = []
    for suffix, content in {
        ".csv": table,
        ".json": (json.dumps(record, indent=1, sort_keys=True) + "\n").encode(),
    }.items():
        path = target / f"{STEM}{suffix}"
        part = path.with_name(f".{path.name}.part")
        part.write_bytes(content)
        part.replace(path)
        written.append(path)
    return written


def read(folder: Path | None = None) -> Summary:
    """The summary in a folder; default: `paths.summaries`.

    Raises:
        SummaryError: if it is absent, was changed after it was written, or has other columns.
    """
    path = (folder or paths.summaries()) / f"{STEM}.csv"
    record = path.with_suffix(".json")
    for file in (path, record):
        if not file.is_file():
            raise SummaryError(f"there is no {file.name} in {file.parent}; {AGAIN}")
    content = path.read_bytes()
    found = json.loads(record.read_text(encoding="utf-8"))
    if checksum(content) != found.get(CHECKSUM):
        raise SummaryError(
            f"{path} is not the file whose checksum {record.name} holds: one of them was changed "
            f"after they were written; restore both, or {AGAIN}"
        )
    lines = pd.read_csv(io.BytesIO(content))
    if tuple(lines.columns) != COLUMNS:
        raise SummaryError(
            f"{path} has the columns {', '.join(lines.columns)}; expected {', '.join(COLUMNS)}; "
            f"{AGAIN}"
        )
    return Summary(lines, found)


def checksum(content: bytes) -> str:
    """SHA-256, as hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()


def machine() -> str:
    """The machine in words: processor and cores, no name."""
    return f"{_processor()}, {os.cpu_count()} cores, {platform.system()}"


def _processor() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return platform.machine()
    models = [line.split(":", 1)[1].strip() for line in text.splitlines() if "model name" in line]
    return models[0] if models else platform.machine()


def _load() -> tuple[float, ...]:
    """Load averages over 1, 5 and 15 minutes; empty where the system does not tell."""
    return os.getloadavg() if hasattr(os, "getloadavg") else ()
