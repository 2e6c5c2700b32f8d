"""Files that appear together: written beside their place, and moved there when all of them are."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PREFIX = ".unfinished-"


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
