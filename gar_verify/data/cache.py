"""Original tables on this machine: part of the package, or fetched, found and checked again.

A table that is no part of the package lies as the file it came as, in the folder that
``GAR_VERIFY_DATA`` names or else in the cache. Beside a fetched one lies ``FILE.sha256``, its
checksum when it was fetched, in the format of ``sha256sum``: what comes is checked against what is
known of the table (`Original.read`), and later against that checksum as well.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from gar_verify import paths
from gar_verify._files import atomic_write
from gar_verify.data import download, files, uci
from gar_verify.data.table import Array, DataError


class Original(Protocol):
    """A table that is read from the file it came as: `uci.Original`, `collections.Member`."""

    @property
    def name(self) -> str:
        """What `fetch` knows it by."""

    @property
    def url(self) -> str:
        """Where the file comes from."""

    @property
    def file(self) -> str:
        """The file in a folder of tables."""

    @property
    def packaged(self) -> Path | None:
        """The file inside the package, or None."""

    def read(self, path: Path) -> tuple[Array, Array]:
        """Features and targets, or a `DataError` that says what is wrong with the file."""

    def checked(self) -> str:
        """What `read` compares, beyond columns, rows and finite numbers, in words."""


def find(original: Original) -> Path | None:
    """The file of a table in the package, the data folder or the cache, or None."""
    cached = path_of(original)
    found = original.packaged or files.find(original.file)
    return found or (cached if cached.is_file() else None)


def path_of(original: Original) -> Path:
    """Where the file lies after `fetch`."""
    return paths.downloads() / original.file


def fetch(
    original: Original,
    *,
    patience: download.Patience | None = None,
    note: Callable[[str], None] = lambda text: None,
) -> Path:
    """Fetch a table into the cache, check it, and record its checksum.

    Raises:
        DataError: if it cannot be fetched or is not what it should be; the message says what to do
            without a network. What was in the cache before stays.
    """
    path = path_of(original)
    try:
        download.download(
            original.url,
            path,
            limit=uci.LARGEST,
            check=lambda temporary: _check_first(temporary, original),
            patience=patience,
            note=note,
        )
    except (DataError, OSError) as error:
        raise DataError(f"{str(error).rstrip('.')}. {offline(original)}") from error
    _write_record(path)
    return path


def verify(original: Original) -> str:
    """Check the file of a table again; what was compared, in words.

    Raises:
        DataError: if there is none, or it is damaged; the message says what to do.
    """
    path = find(original)
    if path is None:
        raise DataError(f"The table '{original.name}' is not available. {offline(original)}")
    recorded = _recorded(path)
    if recorded is not None and recorded != _checksum(path):
        raise DataError(
            f"{path} is damaged: its SHA-256 is not the one recorded when it was fetched. "
            f"{again(original)}"
        )
    read(original)
    same = "unchanged since it was fetched" if recorded else "no checksum recorded"
    if original.packaged:
        same = "part of the package"
    return f"columns, rows and {original.checked()}; {same}"


def read(original: Original) -> tuple[Array, Array]:
    """Features and targets of the table; as from its own `Original.read`.

    Raises:
        DataError: if it is not available or not what it should be; the message says what to do.
    """
    path = find(original)
    if path is None:
        raise DataError(f"The table '{original.name}' is not available. {offline(original)}")
    try:
        return original.read(path)
    except DataError as error:
        raise DataError(f"{error} {again(original)}") from error


def offline(original: Original) -> str:
    """What to do without a network."""
    return (
        f"Without a network: fetch {original.url} elsewhere and put it, as {original.file}, into "
        f"{paths.downloads()} or the folder that {paths.DATA_VARIABLE} names."
    )


def again(original: Original) -> str:
    """What to do about a damaged file."""
    if original.packaged:
        return "It is part of the package: install gar_verify again."
    return f"Remove it, and run gar-verify data fetch {original.name}."


def _check_first(temporary: Path, original: Original) -> None:
    try:
        original.read(temporary)
    except DataError as error:
        told = str(error).replace(str(temporary), f"What {original.url} sent")
        raise DataError(f"{told} It was not kept.") from error


def _record_of(path: Path) -> Path:
    return path.with_name(f"{path.name}.sha256")


def _write_record(path: Path) -> None:
    atomic_write(_record_of(path), f"{_checksum(path)}  {path.name}\n")


def _recorded(path: Path) -> str | None:
    record = _record_of(path)
    if not record.is_file():
        return None
    return record.read_text(encoding="ascii", errors="replace").split(" ")[0]


def _checksum(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
