"""The original files of the UCI repository: where each is, and how its rows are read and checked.

Three of them are part of the package, compressed (``tables/``; its README has source and licence).
A file is read where it lies, an archive or a compressed file without unpacking it to the disk.
Nothing in it is executed or unpickled. What is read must be what it should be: the columns by name,
the number of rows, finite numbers, and the content or the checksum that is known (`contents.json`,
written by ``tools/write_contents.py`` from the published arrays).
"""

from __future__ import annotations

import hashlib
import io
import json
import lzma
import tomllib
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from gar_verify.data.table import Array, DataError, zscore

LARGEST = 64 * 2**20
"""Bytes beyond which a file, or what an archive holds, is refused; the largest is 24 MB."""

UNREADABLE = (
    OSError,
    ValueError,
    EOFError,
    NotImplementedError,
    lzma.LZMAError,
    zipfile.BadZipFile,
)
"""What reading raises when a file is damaged or something else."""

DECIMALS = 4
"""Decimals to which z-scored features and targets are compared with the published arrays."""


@dataclass(frozen=True)
class Original:
    """A table as the UCI repository has it."""

    name: str
    title: str
    uci_id: int
    doi: str
    url: str
    rows: int
    targets: Sequence[str]
    """Columns that are targets, in the order of the published arrays."""
    features: Sequence[str] = ()
    """Columns that are features, in that order; empty: all but the targets."""
    count: int = 0
    """How many features there are, where they are not named."""
    member: str = ""
    """The file inside the archive; empty: the file is no archive."""
    checksum: str = ""
    """SHA-256 of the CSV file as others have reported it; empty where none is known."""

    @property
    def file(self) -> str:
        """Name of the file in a folder of tables."""
        return f"{self.name}.{'zip' if self.member else 'csv'}"

    @property
    def packaged(self) -> Path | None:
        """The compressed file inside the package, or None where the table is not part of it."""
        path = TABLES / f"{self.file}.xz"
        return path if path.is_file() else None

    @property
    def page(self) -> str:
        """Address of the page that describes the table."""
        return f"https://archive.ics.uci.edu/dataset/{self.uci_id}"

    def read(self, path: Path) -> tuple[Array, Array]:
        """Features (n, F) and targets (n, T) in the order of the file, checked.

        Raises:
            DataError: if the file cannot be read or is not the table it should be.
        """
        try:
            text = _csv(path, self)
            frame = pd.read_csv(io.BytesIO(text))
            features, targets = _columns(frame, self)
        except UNREADABLE as error:
            raise DataError(f"{path} is not the table '{self.name}': {error}") from error
        _check(path, self, hashlib.sha256(text).hexdigest(), features, targets)
        return features, targets

    def checked(self) -> str:
        """What `read` compares, beyond columns, rows and finite numbers, in words."""
        if self.name in known_contents():
            return f"all values, to {DECIMALS} decimals of a standard deviation"
        return "the reported SHA-256" if self.checksum else "nothing more"


TABLES = Path(__file__).with_name("tables")
"""Folder of what comes with the package."""

ABOUT: dict[str, Any] = tomllib.loads(
    files("gar_verify.data").joinpath("originals.toml").read_text(encoding="utf8")
)
"""The tables in words and names, see its head."""

ORIGINALS = {name: Original(name, **about) for name, about in ABOUT["originals"].items()}


def content(features: Array, targets: Array) -> str:
    """SHA-256 of z-scored features and targets in order, to `DECIMALS` decimals.

    Features that are z-scored already give the same as those they came from.
    """
    state = hashlib.sha256()
    for values in (zscore(features), targets):
        rounded = np.rint(values * 10**DECIMALS).astype("<i8")
        state.update(str(rounded.shape).encode() + np.ascontiguousarray(rounded).tobytes())
    return state.hexdigest()


@cache
def known_contents() -> dict[str, str]:
    """`content` of the tables whose published arrays were available, by name."""
    text = files("gar_verify.data").joinpath("contents.json").read_text(encoding="utf8")
    known: dict[str, str] = json.loads(text)
    return known


def _csv(path: Path, original: Original) -> bytes:
    """The CSV file, or the one inside the archive, never more than `LARGEST` bytes of it."""
    if path.suffix == ".xz":
        with lzma.open(path) as stream:
            return limited(stream.read(LARGEST + 1), path.name)
    if not original.member:
        with path.open("rb") as stream:
            return limited(stream.read(LARGEST + 1), path.name)
    with zipfile.ZipFile(path) as archive:
        if original.member not in archive.namelist():
            raise ValueError(f"the archive holds {archive.namelist()}, not {original.member!r}")
        with archive.open(original.member) as stream:  # what it says of its size is not believed
            return limited(stream.read(LARGEST + 1), original.member)


def limited(text: bytes, name: str) -> bytes:
    """The text, of which no more than one byte beyond `LARGEST` need have been read.

    Raises:
        ValueError: if it is larger than that.
    """
    if len(text) > LARGEST:
        raise ValueError(f"{name} is larger than {LARGEST // 2**20} MB")
    return text


def _columns(frame: pd.DataFrame, original: Original) -> tuple[Array, Array]:
    names = original.features or [c for c in frame.columns if c not in original.targets]
    missing = [name for name in (*names, *original.targets) if name not in frame.columns]
    if missing:
        raise ValueError(f"no column {', '.join(missing)}; it has {', '.join(frame.columns)}")
    wanted = (original.rows, len(original.features) or original.count)
    if (len(frame), len(names)) != wanted:
        raise ValueError(
            f"{len(frame)} rows and {len(names)} features; expected {wanted[0]} and {wanted[1]}"
        )
    features = frame[list(names)].to_numpy(np.float64)
    targets = frame[list(original.targets)].to_numpy(np.float64)
    if not (np.isfinite(features).all() and np.isfinite(targets).all()):
        raise ValueError("some cells are empty or not finite")
    return features, targets


def _check(path: Path, original: Original, digest: str, features: Array, targets: Array) -> None:
    """The values where they are known, else the checksum of the file where that is."""
    known = known_contents().get(original.name)
    if known is not None and content(features, targets) != known:
        raise DataError(
            f"{path} is not the table '{original.name}': it has its shape, but other values or "
            "another order of rows than the published arrays."
        )
    if known is None and original.checksum and digest != original.checksum:
        raise DataError(
            f"{path} is not the table '{original.name}': the SHA-256 of {original.member or 'it'} "
            f"is {digest}, expected {original.checksum}."
        )
