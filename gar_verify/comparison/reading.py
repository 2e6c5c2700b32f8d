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
from pathlib import Path

import numpy as np
import pandas as pd

BLOCK = 50_000
"""Rows of a file that are in memory at a time."""

SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
PARQUET = (".parquet", ".pq")
_INDEX = "__index_level_"
MISSING = "?"
"""Read as a missing value, besides an empty field and the usual NA, NaN, null, None."""


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
) -> Sample:
    """Rows of a CSV or Parquet file; columns of a CSV file are text, to be understood later.

    Args:
        path: Parquet if it ends in .parquet or .pq, else CSV: UTF-8, the first line with the names,
            separated by commas, semicolons, tabs or bars.
        wanted: columns that must exist.
        dropped: columns that must exist and are not read.
        max_rows: of more rows, so many are drawn at random.
        seed: of the drawing.

    Raises:
        ValueError: if the file or a column does not exist, or the file is no such table.
    """
    if path.is_dir():
        raise ValueError(f"{path} is a folder; name a CSV or Parquet file")
    if not path.is_file():
        raise ValueError(f"there is no file {path}{_near_files(path)}")
    if path.stat().st_size == 0:
        raise ValueError(f"{path} is empty; expected a table with column names and rows")
    source: _Parquet | _Csv = _Parquet(path) if path.suffix in PARQUET else _Csv(path)
    _check_names(source.names, path)
    find(source.names, [*wanted, *dropped], str(path))
    nameless = [name for name in source.names if name == "" or name.startswith(_INDEX)]
    columns = [name for name in source.names if name not in dropped and name not in nameless]
    drawn = draw(source.blocks(columns), max_rows, seed)
    if drawn.total == 0:
        raise ValueError(f"{path} has column names but no rows")
    notes = ("a column without a name (a row index, usually) is left out",) * bool(nameless)
    return replace(drawn, notes=notes + drawn.notes)


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
                f"there is no column '{name}' in {where}; {hint}its columns: {_listed(names)}"
            )


class _Csv:
    """A CSV file: its separator and names from the first line, its values as text."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with path.open("rb") as file:
            if b"\0" in file.read(4096):
                raise ValueError(
                    f"{path} is no CSV file: it holds binary data. Save the table as CSV (a "
                    "spreadsheet can export it), or as Parquet with the ending .parquet"
                )
        try:
            with path.open(encoding="utf-8-sig", newline="") as file:
                first = file.readline()
                self.separator = max(SEPARATORS, key=_outside_quotes(first).count)
                file.seek(0)
                names = next(csv.reader(file, delimiter=self.separator), [])
        except UnicodeDecodeError as error:
            raise ValueError(_not_utf8(path)) from error
        self.names = [name.strip() for name in names]
        if len(self.names) < 2:
            raise ValueError(
                f"{path} is no CSV file with several columns: its first line has one field, "
                f"{first.strip()[:60]!r}; expected names separated by "
                f"{', '.join(SEPARATORS.values())}"
            )
        if all(_is_number(name) for name in self.names):
            raise ValueError(
                f"the first line of {path} holds numbers, {_listed(self.names)}; expected the "
                "names of the columns: add a line with names"
            )

    def blocks(self, columns: Sequence[str]) -> Iterator[pd.DataFrame]:
        try:
            with pd.read_csv(
                self.path,
                sep=self.separator,
                header=0,
                names=self.names,
                dtype=str,
                na_values=[MISSING],
                skipinitialspace=True,
                encoding="utf-8-sig",
                chunksize=BLOCK,
                on_bad_lines="error",
            ) as reader:
                for block in reader:
                    if not isinstance(block.index, pd.RangeIndex):  # made of what is too much
                        raise ValueError(self._too_many("the first row"))
                    yield block[list(columns)]
        except UnicodeDecodeError as error:
            raise ValueError(_not_utf8(self.path)) from error
        except pd.errors.ParserError as error:
            reason = str(error).rsplit("C error: ", maxsplit=1)[-1].strip()
            raise ValueError(f"{self.path} is no sound CSV file: {reason}") from error

    def _too_many(self, where: str) -> str:
        return (
            f"{self.path} is no sound CSV file: {where} has more fields than the {len(self.names)} "
            f"names of the first line; quote texts with {SEPARATORS[self.separator]} in them"
        )


class _Parquet:
    """A Parquet file; its columns have types already."""

    def __init__(self, path: Path) -> None:
        import pyarrow
        from pyarrow import parquet

        self.path = path
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


def _check_names(names: Sequence[str], path: Path) -> None:
    twice = sorted({name for name in names if names.count(name) > 1})
    if "" in twice:
        raise ValueError(f"several columns of {path} have no name; give each one in the first line")
    if twice:
        raise ValueError(
            f"{path} has several columns called {_listed(twice)}; give each a name of its own"
        )


def _near_files(path: Path) -> str:
    folder = path.parent
    names = [p.name for p in folder.iterdir() if p.is_file()] if folder.is_dir() else []
    near = difflib.get_close_matches(path.name, names, n=1)
    return f"; did you mean {folder / near[0]}?" if near else ""


def _not_utf8(path: Path) -> str:
    return f"{path} is not UTF-8 text; save it as CSV in UTF-8"


def _outside_quotes(line: str) -> str:
    return "".join(line.split('"')[::2])


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _listed(names: Sequence[str], most: int = 20) -> str:
    shown = ", ".join(f"'{name}'" for name in names[:most])
    return f"{shown} and {len(names) - most} more" if len(names) > most else shown
