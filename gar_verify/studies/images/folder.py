"""Images in a folder, with a table that says the target and the part of each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor

from gar_verify.data import DataError
from gar_verify.training import PARTS

COLUMNS = {
    "file": ("file", "path", "filename", "image"),
    "target": ("target", "age", "label"),
    "part": ("part", "split"),
}
"""What a table has to say of an image, and what columns of that are called."""

PART_NAMES = {"train": "train", "val": "validation", "validation": "validation", "test": "test"}


@dataclass(frozen=True, eq=False)
class Listing:
    """The rows of a table of images."""

    files: tuple[Path, ...]
    targets: NDArray[np.float32]
    """(N,)"""
    parts: Mapping[str, NDArray[np.intp]]
    """The rows of each part, in the order of the table."""
    checksum: str
    """SHA-256 of names, targets and parts; not of the images."""


def read_listing(
    table: Path, folder: Path, columns: Mapping[str, str | None] | None = None
) -> Listing:
    """Read the table of a folder of images.

    Args:
        table: a CSV file with a header.
        folder: what the names of files are relative to.
        columns: what the columns ``file``, ``target`` and ``part`` are called in the table;
            default: one of `COLUMNS`, so that AgeDB's and IMDB-WIKI's tables (path, age, split) are
            read as they are.

    Raises:
        DataError: if the table cannot be read, lacks a column, names a file that is not there or
            a part that is none of `PART_NAMES`, has a target that is no number, or an empty part.
    """
    try:
        frame = pd.read_csv(table)
    except (OSError, ValueError) as error:
        raise DataError(f"the table {table} cannot be read as CSV ({error})") from error
    named = {key: _column(frame, table, key, (columns or {}).get(key)) for key in COLUMNS}
    names = [str(name) for name in frame[named["file"]]]
    targets = pd.to_numeric(frame[named["target"]], errors="coerce").to_numpy(np.float32)
    if not np.isfinite(targets).all():
        row = int(np.flatnonzero(~np.isfinite(targets))[0])
        raise DataError(
            f"{table}: {named['target']} of {names[row]} is {frame[named['target']][row]}; "
            "expected a number"
        )
    parts = _parts([str(part) for part in frame[named["part"]]], table, named["part"])
    files = tuple(folder / name for name in names)
    absent = [file for file in files if not file.is_file()]
    if absent:
        raise DataError(
            f"{table} names {len(absent)} files that are not in {folder}, the first is "
            f"{absent[0]}; name the folder that its names are relative to (--folder)"
        )
    rows = pd.DataFrame({"file": names, "target": targets, "part": frame[named["part"]]})
    return Listing(files, targets, parts, sha256(rows.to_csv().encode()).hexdigest())


def _column(frame: pd.DataFrame, table: Path, key: str, named: str | None) -> str:
    wanted = COLUMNS[key] if named is None else (named,)
    found = next((name for name in wanted if name in frame), None)
    if found is None:
        raise DataError(
            f"{table} has the columns {', '.join(map(str, frame.columns))}; expected one called "
            f"{' or '.join(wanted)} for the {key} of an image: name it (--{key}-column)"
        )
    return found


def _parts(names: Sequence[str], table: Path, column: str) -> dict[str, NDArray[np.intp]]:
    strange = sorted(set(names) - PART_NAMES.keys())
    if strange:
        raise DataError(
            f"{table}: {column} holds {', '.join(map(repr, strange[:3]))}; expected "
            f"{', '.join(PART_NAMES)}"
        )
    parts = np.array([PART_NAMES[name] for name in names])
    rows = {part: np.flatnonzero(parts == part) for part in PARTS}
    empty = [part for part in PARTS if not len(rows[part])]
    if empty:
        raise DataError(f"{table}: no image is of the part {' or '.join(empty)} ({column})")
    return rows


def read_image(path: Path, side: int) -> tuple[Tensor, tuple[int, int]]:
    """An image scaled to a square [3, side, side] of bytes, and its own height and width.

    Raises:
        DataError: if it cannot be read.
        ModuleNotFoundError: without Pillow.
    """
    from PIL import Image

    try:
        with Image.open(path) as image:
            width, height = image.size
            square = image.convert("RGB").resize((side, side), Image.Resampling.BILINEAR)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise DataError(f"the image {path} cannot be read ({error})") from error
    return torch.from_numpy(np.array(square)).permute(2, 0, 1), (height, width)


def batches(
    listing: Listing, rows: Sequence[NDArray[np.intp]], side: int, threads: int
) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """Batches of images: bytes [B, 3, side, side], heights and widths [B, 2], targets [B, 1].

    The next batch is read while one is worked with.
    """
    with ThreadPoolExecutor(threads) as pool:

        def order(batch: NDArray[np.intp]) -> list[object]:
            return [pool.submit(read_image, listing.files[row], side) for row in batch]

        ahead = [order(batch) for batch in rows[:1]]
        for i, batch in enumerate(rows):
            ahead += [order(following) for following in rows[i + 1 : i + 2]]
            read = [future.result() for future in ahead.pop(0)]  # type: ignore[attr-defined]
            images, sizes = zip(*read, strict=True)
            targets = torch.from_numpy(listing.targets[batch])[:, None]
            yield torch.stack(images), torch.tensor(sizes), targets
