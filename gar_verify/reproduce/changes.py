"""What a run of the main job changed against what is committed, file by file.

Tables are compared number by number, pictures by their bytes and pixels. What measures time is
told apart from what should stay the same: the seconds of a summary, some sections of the report.
"""

from __future__ import annotations

import io
import json
import math
import re
import subprocess
import tarfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from gar_verify import paths

Kind = Literal["unchanged", "changed", "new"]

NUMBER = re.compile(r"(?<![\w.])[-+]?\d+(?:\.\d+)?(?:e[-+]?\d+)?(?!\w)", re.IGNORECASE)
MEASURED = ("seconds", "machine")
"""Keys of a summary's provenance that differ from run to run."""
TIMED = re.compile(r"<section [^>]*data-timed.*?</section>", re.DOTALL)
"""The sections of the report that hold what differs from run to run."""
TABLES = (".csv", ".md")
PICTURES = (".png", ".pdf", ".svg")


@dataclass(frozen=True)
class Change:
    """One file: what changed, and in words how."""

    path: str
    kind: Kind
    words: str = ""
    largest: float = 0.0
    """Largest relative change of a number in a table."""


def committed(folder: Path | None = None) -> dict[str, bytes]:
    """The files of a folder of the checkout as they are committed, by relative path.

    Args:
        folder: default: `paths.figures`.

    Returns:
        What git has at HEAD; what lies in the folder now where there is no git or no commit of it.
    """
    folder = folder or paths.figures()
    try:
        packed = subprocess.run(
            ["git", "archive", "--format=tar", "HEAD", "."],
            cwd=folder,
            capture_output=True,
            check=True,
        ).stdout
    except (OSError, subprocess.CalledProcessError):
        return contents(folder)
    found = {}
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        for member in archive:
            file = archive.extractfile(member)  # None for folders and links
            if file is not None:
                found[str(Path(member.name))] = file.read()
    return found


def contents(folder: Path) -> dict[str, bytes]:
    """The files of a folder by relative path; hidden ones are left out."""
    inside = {path.relative_to(folder): path for path in sorted(folder.rglob("*"))}
    return {
        name.as_posix(): path.read_bytes()
        for name, path in inside.items()
        if path.is_file() and not any(part.startswith(".") for part in name.parts)
    }


def compare(before: Mapping[str, bytes], after: Mapping[str, bytes]) -> list[Change]:
    """The change of every file in ``after``, in order of their names."""
    return [_change(name, before.get(name), content) for name, content in sorted(after.items())]


def text(changes: Iterable[Change], untouched: Iterable[str] = ()) -> str:
    """The changes as lines: what changed or is new with the reason, the rest by name.

    Args:
        changes: from `compare`.
        untouched: names of committed files that were not written.
    """
    changes = list(changes)
    lines = [
        f"  {change.kind:9} {change.path}{f': {change.words}' if change.words else ''}"
        for change in changes
        if change.kind != "unchanged" or change.words
    ]
    same = [change.path for change in changes if change.kind == "unchanged" and not change.words]
    lines += [f"  unchanged {name}" for name in same]
    left = sorted(untouched)
    lines += [f"  not written by this run: {', '.join(left)}"] * bool(left)
    return "\n".join([*lines, f"  {sentence(changes)}"])


def sentence(changes: Iterable[Change]) -> str:
    """Tables and figures in two sentences."""
    changes = list(changes)
    tables = [change for change in changes if change.path.endswith(TABLES)]
    largest = max(tables, key=lambda change: change.largest, default=None)
    said = f"Tables: {_count(tables)}"
    if largest is not None and largest.largest > 0:
        said += f", the largest relative change {_percent(largest.largest)} in {largest.path}"
    pictures = [change for change in changes if change.path.endswith(PICTURES)]
    exactly = _count(pictures).replace("unchanged", "unchanged to the byte")
    return f"{said}. Figures: {exactly}."


def _count(changes: Iterable[Change]) -> str:
    kinds = [change.kind for change in changes]
    counts = [(kinds.count(kind), kind) for kind in ("unchanged", "changed", "new")]
    return ", ".join(f"{count} {kind}" for count, kind in counts if count) or "none"


def _change(name: str, before: bytes | None, after: bytes) -> Change:
    if before is None:
        return Change(name, "new")
    if before == after:
        return Change(name, "unchanged")
    suffix = Path(name).suffix
    if suffix in TABLES:
        return _table(name, before.decode(), after.decode())
    if suffix == ".json":
        return _provenance(name, before, after)
    if suffix == ".png":
        return Change(name, "changed", _pixels(before, after))
    if suffix == ".html" and _untimed(before) == _untimed(after):
        return Change(name, "unchanged", "but for its sections on time")
    return Change(name, "changed")


def _table(name: str, before: str, after: str) -> Change:
    """Number by number where the words are the same."""
    if NUMBER.sub("#", before) != NUMBER.sub("#", after):
        return Change(name, "changed", f"other words or lines ({_lines(before, after)})")
    old, new = (np.array(NUMBER.findall(content), dtype=float) for content in (before, after))
    relative = np.abs(new - old) / np.where(old == 0, np.finfo(float).tiny, np.abs(old))
    relative[new == old] = 0
    where = int(relative.argmax())
    if relative[where] == 0:
        return Change(name, "changed", "numbers are written otherwise and equal")
    largest = math.inf if old[where] == 0 else float(relative[where])
    words = (
        f"{np.count_nonzero(relative)} of {len(old)} numbers, the largest relative change "
        f"{_percent(largest)} ({old[where]:g} became {new[where]:g})"
    )
    return Change(name, "changed", words, largest)


def _lines(before: str, after: str) -> str:
    return f"{len(before.splitlines())} lines became {len(after.splitlines())}"


def _provenance(name: str, before: bytes, after: bytes) -> Change:
    old, new = json.loads(before), json.loads(after)
    if not isinstance(old, dict) or not isinstance(new, dict):
        return Change(name, "changed")
    keys = sorted(key for key in old.keys() | new.keys() if old.get(key) != new.get(key))
    told = [key for key in keys if key not in MEASURED]
    if not told:
        return Change(name, "unchanged", f"but for {' and '.join(keys) or 'its layout'}")
    return Change(name, "changed", f"other {', '.join(told)}")


def _pixels(before: bytes, after: bytes) -> str:
    from matplotlib.image import imread  # takes a moment to load

    old, new = (imread(io.BytesIO(content), format="png") for content in (before, after))
    if old.shape != new.shape:
        sizes = [f"{shape[1]} by {shape[0]}" for shape in (old.shape, new.shape)]
        return f"{sizes[0]} pixels became {sizes[1]}"
    return f"{_percent(float((old != new).any(axis=-1).mean()))} of the pixels differ"


def _untimed(page: bytes) -> str:
    return TIMED.sub("", page.decode())


def _percent(share: float) -> str:
    return "without bound" if math.isinf(share) else f"{100 * share:.2g} %"
