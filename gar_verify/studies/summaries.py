"""Small summaries of full runs, as text that travels with the repository.

The arrays of a full run take megabytes and hours; what the tables need of them is the selected test
value of each method, seed, fold and metric. That is a CSV file, with the provenance of the run in a
JSON file beside it. The JSON holds the SHA-256 of the CSV: a summary that was changed by hand, or
is paired with the provenance of another run, is refused.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import xarray as xr

from gar_verify import paths
from gar_verify._files import atomic_write
from gar_verify.studies.selection import select

DIMENSIONS = ("table", "condition", "method", "alpha", "value", "seed", "fold", "metric")
"""Of a selection; no study has all of them."""

DIGITS = 6
"""Decimals of the values that are kept."""

CHECKSUM = "csv_sha256"
"""Key of the provenance under which the SHA-256 of the CSV's bytes stands."""


class SummaryError(Exception):
    """There is no such summary, or it cannot be read; the message says what to do."""


def write(results: xr.Dataset, study: str, folder: Path | None = None) -> list[Path]:
    """Write the summary of a study atomically.

    Args:
        results: of a tabular study; of any other, what its ``select`` makes of them.
        study: name of the files without suffix.
        folder: where to; default: `paths.new_summaries`.

    Returns:
        The CSV and the JSON file.
    """
    frame = select(results).to_dataframe().reset_index()
    rounded = frame.round({"test": DIGITS, "validation": DIGITS})
    return write_frame(rounded, study, provenance_of(results), folder)


def provenance_of(results: xr.Dataset) -> dict[str, Any]:
    """The attributes of a study's results, as `write_frame` takes them."""
    named = {str(key): value for key, value in results.attrs.items()}
    return {**named, "settings": json.loads(named["settings"])}


def write_frame(
    frame: pd.DataFrame, name: str, provenance: Mapping[str, Any], folder: Path | None = None
) -> list[Path]:
    """Write any small table with its provenance atomically.

    Args:
        frame: its columns are written, its index is not.
        name: of the files without suffix.
        provenance: plain values; the checksum of the CSV is added.
        folder: where to; default: `paths.new_summaries`.

    Returns:
        The CSV and the JSON file.
    """
    csv = frame.to_csv(index=False, lineterminator="\n").encode()
    sealed = {**provenance, CHECKSUM: hashlib.sha256(csv).hexdigest()}
    contents = {
        ".csv": csv,
        ".json": (json.dumps(sealed, indent=1, sort_keys=True) + "\n").encode(),
    }
    target = folder or paths.new_summaries()
    return [
        atomic_write(target / f"{name}{suffix}", content) for suffix, content in contents.items()
    ]


def amend(name: str, extra: Mapping[str, Any], folder: Path | None = None) -> Path:
    """Add to the provenance of a summary; its table stays as it is.

    Raises:
        SummaryError: as `read_frame`.
    """
    read_frame(name, folder)
    path = (folder or paths.summaries()) / f"{name}.json"
    record = {**_provenance(path), **extra}
    return atomic_write(path, json.dumps(record, indent=1, sort_keys=True) + "\n")


def checksum(name: str, folder: Path | None = None) -> str:
    """The SHA-256 of the CSV of a summary."""
    return hashlib.sha256(((folder or paths.summaries()) / f"{name}.csv").read_bytes()).hexdigest()


def exists(study: str, folder: Path | None = None) -> bool:
    """Whether there is a summary of that name."""
    return ((folder or paths.summaries()) / f"{study}.csv").is_file()


def read(study: str, folder: Path | None = None, command: str | None = None) -> xr.Dataset:
    """The selected test values of a study, as its ``select`` returns them.

    Args:
        study: name of the files without suffix.
        folder: as `read_frame`.
        command: as `read_frame`.

    Raises:
        SummaryError: as `read_frame`.
    """
    frame, provenance = read_frame(study, folder, command)
    names = [name for name in DIMENSIONS if name in frame]
    order = {name: frame[name].unique() for name in names}
    dataset = xr.Dataset.from_dataframe(frame.set_index(names)).reindex(order)
    return dataset.assign_attrs({**provenance, "settings": json.dumps(provenance["settings"])})


def read_frame(
    name: str, folder: Path | None = None, command: str | None = None
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """What `write_frame` wrote: the table and its provenance, without the checksum.

    Args:
        name: of the files without suffix.
        folder: where they are; default: `paths.summaries`.
        command: what makes them; default: the run of the study of that name.

    Raises:
        SummaryError: if there is no summary of that name, or if its CSV is not the one that the
            JSON beside it was written with.
    """
    source = folder or paths.summaries()
    path = source / f"{name}.csv"
    if not path.is_file():
        there = ", ".join(sorted(file.stem for file in source.glob("*.csv"))) or "none"
        raise SummaryError(
            f"there is no summary '{name}' in {source} (there: {there}); "
            f"run the study, which takes longer: {command or f'gar-verify run {name} --save'}"
        )
    provenance = _provenance(path.with_suffix(".json"))
    stored, found = provenance.pop(CHECKSUM, None), hashlib.sha256(path.read_bytes()).hexdigest()
    if stored != found:
        raise SummaryError(
            f"{path} was changed after it was written: its SHA-256 is {found}, "
            f"{path.with_suffix('.json').name} expects {stored}. Restore both files, or run the "
            "study again"
        )
    return pd.read_csv(path), provenance


def _provenance(path: Path) -> dict[str, Any]:
    try:
        provenance = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SummaryError(
            f"the provenance {path} cannot be read ({error}); restore it, or run the study again"
        ) from error
    if not isinstance(provenance, dict):
        raise SummaryError(f"{path} holds no names and values; restore it, or run the study again")
    return provenance
