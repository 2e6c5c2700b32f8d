"""CSV files: encoding, separator and names from their beginning, every row of the right length."""

from __future__ import annotations

import codecs
import csv
import itertools
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

import pandas as pd

BLOCK = 50_000
"""Rows of a file that are in memory at a time."""

SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars", " ": "blanks"}
GUESSED = tuple(sign for sign in SEPARATORS if sign != " ")
MISSING = "?"
"""Read as a missing value, besides an empty field and the usual NA, NaN, null, None."""

NAMELESS = "column without name "
"""With its number, the name of a column that has none."""

LINES = 50
"""Lines that the separator is told from."""

WINDOWS = "cp1252"
"""What texts that are not UTF-8 are in most often."""


@dataclass(frozen=True)
class Dialect:
    """How the fields of a CSV file are separated and encoded."""

    separator: str | None = None
    """One character; default: the one that fits."""
    encoding: str | None = None
    """As Python calls it; default: UTF-8."""

    def __post_init__(self) -> None:
        """Raise a ValueError for what is no separator or no encoding."""
        if self.separator is not None and (len(self.separator) != 1 or self.separator in '"\r\n'):
            raise ValueError(
                f"--sep takes one character, such as ';', or the word tab, and got "
                f"{self.separator!r}"
            )
        try:
            codecs.lookup(self.encoding or "utf-8")
        except LookupError as error:
            raise ValueError(
                f"there is no encoding {self.encoding!r}; --encoding takes names such as utf-8, "
                "cp1252, latin-1, utf-16"
            ) from error


class Csv:
    """A CSV file; its values are text."""

    def __init__(self, path: Path, dialect: Dialect, wanted: Sequence[str] = ()) -> None:
        """Read the names; of separators that fit equally well, one that finds ``wanted`` wins."""
        self.path = path
        self.encoding = dialect.encoding or "utf-8"
        if codecs.lookup(self.encoding).name == "utf-8":
            self.encoding = "utf-8-sig"
        if not dialect.encoding:
            _check_text(path)
        with self._open() as file:
            lines = list(itertools.islice(file, LINES))
        self.separator = dialect.separator or _separator(lines, wanted)
        rows = list(_rows(lines, self.separator))
        self.names = [name.strip() for name in rows[0]] if rows else []
        if len(self.names) < 2:
            raise ValueError(
                f"{path} is no CSV file with several columns: its first line has one field, "
                f"{lines[0].strip()[:60]!r}; expected names separated by "
                f"{', '.join(SEPARATORS[sign] for sign in GUESSED)}, or by the sign that --sep "
                "names. If that line is a title, delete it"
            )
        if sum(len(row) > len(self.names) for row in rows) > len(rows) / 2:
            raise ValueError(self._too_long(len(rows[-1]), 2, is_first=True))
        if all(_is_number(name) for name in self.names):
            raise ValueError(
                f"the first line of {path} holds numbers, {listed(self.names)}; expected the "
                "names of the columns: add a line with names"
            )
        self.least = max(i for i, name in enumerate(self.names, 1) if name or i == 1)
        self.names = [name or f"{NAMELESS}{i}" for i, name in enumerate(self.names, 1)]
        self.notes: list[str] = []

    @property
    def where(self) -> str:
        """The file and how its fields are separated."""
        return f"{self.path} (separated by {_called(self.separator)}; --sep takes another sign)"

    def blocks(self, columns: Sequence[str]) -> Iterator[pd.DataFrame]:
        """Rows with some of the columns, a block at a time."""
        self._check_lengths()
        with (
            self._open() as file,
            pd.read_csv(
                file,
                sep=self.separator,
                header=0,
                names=self.names,
                index_col=False,
                dtype=str,
                na_values=[MISSING],
                skipinitialspace=True,
                chunksize=BLOCK,
                on_bad_lines="error",
            ) as reader,
        ):
            try:
                for block in reader:
                    yield block[list(columns)]
            except pd.errors.ParserError as error:
                reason = str(error).rsplit("C error: ", maxsplit=1)[-1].strip()
                raise ValueError(f"{self.path} is no sound CSV file: {reason}") from error

    @contextmanager
    def _open(self) -> Iterator[TextIO]:
        try:
            with self.path.open(encoding=self.encoding, newline="") as file:
                yield file
        except UnicodeError as error:
            raise ValueError(self._not_text(error)) from error

    def _check_lengths(self) -> None:
        """Refuse rows that are longer than the names; note those that are shorter."""
        short: list[tuple[int, int]] = []
        total = 0
        for line, fields in self._lengths():
            total += 1
            if fields > len(self.names):
                raise ValueError(self._too_long(fields, line, is_first=total == 1))
            if fields < self.least:
                short.append((line, fields))
        if not short:
            return
        line, fields = short[0]
        found = f"(the first in line {line}: {fields} of {self.least})"
        if len(short) == total:
            raise ValueError(
                f"every row of {self.path} has fewer fields than the first line {found}; if that "
                "line is a title, delete it; if another sign separates the fields: --sep"
            )
        self.notes.append(
            f"{len(short):,} of {total:,} rows have fewer fields than there are names {found}; "
            "what they lack is taken as missing"
        )

    def _lengths(self) -> Iterator[tuple[int, int]]:
        """Of each row, the line that it ends in and its number of fields."""
        with self._open() as file:
            reader = csv.reader(file, delimiter=self.separator, skipinitialspace=True)
            filled = (row for row in reader if len(row) > 1 or "".join(row).strip())
            try:
                for row in itertools.islice(filled, 1, None):
                    yield reader.line_num, len(row)
            except csv.Error as error:
                raise ValueError(f"{self.path} is no sound CSV file: {error}") from error

    def _too_long(self, fields: int, line: int, *, is_first: bool) -> str:
        where = f"{self.path} is no sound CSV file: "
        called = _called(self.separator)
        if not is_first:
            where += f"Expected {len(self.names)} fields in line {line}, saw {fields}"
            return f"{where}; quote texts with {called} in them, or name another separator (--sep)"
        return (
            f"{where}the first row has more fields than the {len(self.names)} names of the first "
            f"line; quote texts with {called} in them, name another separator (--sep), or delete "
            "the first line if it is a title"
        )

    def _not_text(self, error: UnicodeError) -> str:
        if self.encoding != "utf-8-sig":
            return f"{self.path} is not {self.encoding} text; name another with --encoding"
        shown = ""
        if isinstance(error, UnicodeDecodeError):
            around = error.object[max(0, error.start - 12) : error.start + 12]
            shown = f": read as {WINDOWS}, it has {around.decode(WINDOWS, 'replace').split()!r}"
        return (
            f"{self.path} is not UTF-8 text; name its encoding, most often --encoding "
            f"{WINDOWS}{shown}"
        )


def listed(names: Sequence[str], most: int = 20) -> str:
    """Names in quotes, not too many."""
    shown = ", ".join(f"'{name}'" for name in names[:most])
    return f"{shown} and {len(names) - most} more" if len(names) > most else shown


def _separator(lines: Sequence[str], wanted: Sequence[str]) -> str:
    """The sign that finds most of the wanted names, and then splits most lines alike."""

    def merit(sign: str) -> tuple[bool, int, float, int]:
        rows = list(_rows(lines, sign))
        names = [name.strip() for name in rows[0]] if rows else []
        alike = sum(len(row) == len(names) for row in rows) / max(1, len(rows))
        return len(names) > 1, sum(name in names for name in wanted), alike, len(names)

    return max(GUESSED, key=merit)


def _rows(lines: Iterable[str], separator: str) -> Iterator[list[str]]:
    """Fields of lines, empty lines left out."""
    return filter(None, csv.reader(lines, delimiter=separator, skipinitialspace=True))


def _called(separator: str) -> str:
    return SEPARATORS.get(separator, repr(separator))


def _check_text(path: Path) -> None:
    with path.open("rb") as file:
        head = file.read(4096)
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise ValueError(f"{path} is UTF-16 text, not UTF-8: --encoding utf-16 reads it")
    if b"\0" in head:
        raise ValueError(
            f"{path} is no CSV file: it holds binary data. Save the table as CSV (a "
            "spreadsheet can export it), or as Parquet with the ending .parquet"
        )


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
