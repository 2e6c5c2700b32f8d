"""One way to write a file, or a set of files: complete, or as it was before."""

from __future__ import annotations

import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PREFIX = ".unfinished-"


@contextmanager
def replaced(path: Path) -> Iterator[Path]:
    """A temporary path beside ``path``, which it replaces when all went well; its folder is made.

    An error leaves what was there. Two processes do not meet.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}-{os.getpid()}-{secrets.token_hex(4)}.part")
    try:
        yield part
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def atomic_write(path: Path, content: bytes | str) -> Path:
    """Write a file in one step.

    Args:
        path: where to; what is there is replaced.
        content: bytes, or text that becomes UTF-8 with line feeds as they are.

    Returns:
        The path.

    Raises:
        OSError: if it cannot be written; nothing half-written stays.
    """
    with replaced(path) as part:
        part.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


@contextmanager
def together(folder: Path) -> Iterator[Path]:
    """A hidden folder to write into; its files are moved into ``folder`` when all went well.

    An error or an interruption while they are written leaves ``folder`` as it was. A file that is
    there already is replaced by the new one in one step, so that no reader ever sees half of it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    stage = Path(tempfile.mkdtemp(dir=folder, prefix=PREFIX))
    try:
        yield stage
        for path in sorted(stage.rglob("*")):
            if path.is_file():
                place = folder / path.relative_to(stage)
                place.parent.mkdir(parents=True, exist_ok=True)
                os.replace(path, place)
    finally:
        shutil.rmtree(stage, ignore_errors=True)


def sweep(folder: Path) -> None:
    """Remove what a killed process left of `together`; call it while nobody else writes there."""
    for left in folder.glob(f"{PREFIX}*"):
        shutil.rmtree(left, ignore_errors=True)
