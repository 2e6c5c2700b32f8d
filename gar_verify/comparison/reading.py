"""Tables from CSV and Parquet files, a block at a time: a file may be larger than memory.

Of a file with more rows than are wanted, rows are drawn at random: every row gets a random number
in the order of the file, and those with the smallest numbers stay. Which these are depends on the
seed and the file alone.
"""

from __future__ import annotations

import csv
import difflib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path

import numpy as np
import pandas as pd

from gar_verify.comparison.delimited import BLOCK, NAMELESS, Csv, Dialect, listed

PARQUET = (".parquet", ".pq")
SPREADSHEETS = (".xlsx", ".xlsm", ".xls", ".xlsb", ".ods")
_INDEX = "__index_level_"


@dataclass(frozen=True, eq=False)
class Sample:
    """Rows of a table, in their order."""

    frame: pd.DataFrame
    """Its index holds the row numbers in the whole table, from 1."""
    total: int
    """Rows of the whole table."""
    notes: tuple[str, ...] = ()
    """What was left out, in sentences."""


def read(
    path: Path,
    wanted: Sequence[str] = (),
    dropped: Sequence[str] = (),
    *,
    max_rows: int,
    seed: int = 0,
    dialect: Dialect | None = None,
) -> Sample:
    """Rows of a CSV or Parquet file; columns of a CSV file are text, to be understood later.

    Args:
        path: Parquet if it ends in .parquet or .pq, else CSV, the first line with the names.
        wanted: columns that must exist.
        dropped: columns that must exist and are not read.
        max_rows: of more rows, so many are drawn at random.
        seed: of the drawing.
        dialect: how a CSV file is separated and encoded.

    Raises:
        ValueError: if the file or a column does not exist, or the file is no such table.
    """
    source = _opened(path, dialect or Dialect(), [*wanted, *dropped])
    _check_names(source.names, path)
    find(source.names, [*wanted, *dropped], source.where)
    kept = [name for name in source.names if name not in dropped]
    columns = [name for name in kept if name and not name.startswith(_INDEX)]
    drawn = draw(source.blocks(columns), max_rows, seed)
    if drawn.total == 0:
        raise ValueError(f"{path} has column names but no rows")
    return _without_nameless(drawn, path, len(columns) < len(kept), source.notes)


def resolve(path: Path, given: Sequence[str], dialect: Dialect | None = None) -> tuple[str, ...]:
    """Names of columns from what was typed, such as "a" and "b,c".

    What is exactly the name of a column of the file is that column; of anything else, commas
    separate names, of which quoted ones may hold commas.

    Raises:
        ValueError: if the file cannot be read.
    """
    parts = {text.strip(): _split(text) for text in given}
    every = [*parts, *chain.from_iterable(parts.values())]
    names = _opened(path, dialect or Dialect(), every).names
    found = ([text] if text in names else own for text, own in parts.items())
    return tuple(chain.from_iterable(found))


def draw(blocks: Iterable[pd.DataFrame], max_rows: int, seed: int) -> Sample:
    """At most ``max_rows`` rows of a table that comes in blocks, drawn at random."""
    if max_rows < 1:
        raise ValueError(f"max-rows must be at least 1, got {max_rows}")
    if seed < 0:
        raise ValueError(f"seed must be a whole number from 0, got {seed}")
    rng = np.random.default_rng(seed)
    kept: list[pd.DataFrame] = []
    numbers: list[np.ndarray] = []
    total = held = 0
    for block in blocks:
        kept.append(block.set_axis(np.arange(total, total + len(block)) + 1, axis=0))
        numbers.append(rng.random(len(block)))
        total, held = total + len(block), held + len(block)
        if held > max_rows + BLOCK:
            kept, numbers = _smallest(kept, numbers, max_rows)
            held = max_rows
    kept, _ = _smallest(kept, numbers, max_rows) if held > max_rows else (kept, numbers)
    frame = pd.concat(kept) if kept else pd.DataFrame()
    if len(frame) == total:
        return Sample(frame, total)
    note = f"{len(frame):,} of {total:,} rows are used, drawn at random with seed {seed} (max-rows)"
    return Sample(frame, total, (note,))


def find(names: Sequence[str], wanted: Iterable[str], where: str) -> None:
    """Raise a ValueError, with the nearest name there is, for a column that does not exist."""
    for name in wanted:
        if name not in names:
            lower = {known.lower(): known for known in names}
            near = difflib.get_close_matches(name.lower(), lower, n=1)
            hint = f"did you mean '{lower[near[0]]}'? " if near else ""
            raise ValueError(
                f"there is no column '{name}' in {where}; {hint}its columns: {listed(names)}"
            )


class _Parquet:
    """A Parquet file; its columns have types already."""

    def __init__(self, path: Path) -> None:
        import pyarrow
        from pyarrow import parquet

        self.path = path
        self.where = str(path)
        self.notes: list[str] = []
        try:
            self.file = parquet.ParquetFile(path)
        except (pyarrow.ArrowException, OSError) as error:
            reason = str(error).splitlines()[0].rstrip(".")
            raise ValueError(
                f"{path} cannot be read as Parquet ({reason}); write it anew"
            ) from error
        self.names = [str(name) for name in self.file.schema_arrow.names]

    def blocks(self, columns: Sequence[str]) -> Iterator[pd.DataFrame]:
        import pyarrow

        try:
            for batch in self.file.iter_batches(batch_size=BLOCK, columns=list(columns)):
                yield batch.to_pandas(ignore_metadata=True)
        except (pyarrow.ArrowException, OSError) as error:
            raise ValueError(f"{self.path} is damaged ({error}); write it anew") from error


def _smallest(
    kept: list[pd.DataFrame], numbers: list[np.ndarray], count: int
) -> tuple[list[pd.DataFrame], list[np.ndarray]]:
    """The rows with the smallest numbers, in their order."""
    joined = np.concatenate(numbers)
    rows = np.sort(np.argpartition(joined, count)[:count])
    return [pd.concat(kept).iloc[rows]], [joined[rows]]


def _opened(path: Path, dialect: Dialect, wanted: Sequence[str]) -> _Parquet | Csv:
    if path.is_dir():
        raise ValueError(f"{path} is a folder; name a CSV or Parquet file")
    if not path.is_file():
        raise ValueError(f"there is no file {path}{_near_files(path)}")
    if path.stat().st_size == 0:
        raise ValueError(f"{path} is empty; expected a table with column names and rows")
    if path.suffix.lower() in SPREADSHEETS:
        raise ValueError(
            f"{path} is a spreadsheet, which is not read here: export the sheet as CSV in UTF-8, "
            "its names in the first line"
        )
    if path.suffix not in PARQUET:
        return Csv(path, dialect, wanted)
    if dialect != Dialect():
        raise ValueError(f"--sep and --encoding are for CSV files; {path} is Parquet")
    return _Parquet(path)


def _without_nameless(drawn: Sample, path: Path, has_index: bool, notes: list[str]) -> Sample:
    """Rows without the columns that have no name: a row index, or nothing."""
    nameless = [name for name in drawn.frame.columns if name.startswith(NAMELESS)]
    filled = [name for name in nameless if drawn.frame[name].notna().any()]
    if len(filled) > 1:
        raise ValueError(f"several columns of {path} have no name; give each one in the first line")
    if filled or has_index:
        notes = ["a column without a name (a row index, usually) is left out", *notes]
    if len(nameless) > len(filled):
        count = len(nameless) - len(filled)
        notes = [*notes, f"columns without a name and without values are left out: {count}"]
    return replace(drawn, frame=drawn.frame.drop(columns=nameless), notes=(*notes, *drawn.notes))


def _check_names(names: Sequence[str], path: Path) -> None:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(
            f"{path} has several columns called {listed(twice)}; give each a name of its own"
        )


def _split(text: str) -> list[str]:
    line = next(csv.reader([text], skipinitialspace=True), [])
    return [name.strip() for name in line if name.strip()]


def _near_files(path: Path) -> str:
    folder = path.parent
    names = [p.name for p in folder.iterdir() if p.is_file()] if folder.is_dir() else []
    near = difflib.get_close_matches(path.name, names, n=1)
    return f"; did you mean {folder / near[0]}?" if near else ""
