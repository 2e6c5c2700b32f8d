"""The pairs of sentences of STS-B, in the split of the literature on imbalanced regression.

Three tab-separated files with a header, read with quoting off: a quotation mark is a character. The
last three columns are ``sentence1``, ``sentence2`` and ``score``, from 0 (nothing in common) to 5
(the same meaning).
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gar_verify import paths
from gar_verify.data import DataError, files

FILES = {"train": "sts_b_train.tsv", "validation": "sts_b_dev.tsv", "test": "sts_b_test.tsv"}
"""The file of each part."""

COLUMNS = ("sentence1", "sentence2", "score")
"""The last columns of each file."""

LARGEST_SCORE = 5.0

SOURCE = "STS-B in the balanced split of the literature on imbalanced regression"


@dataclass(frozen=True, eq=False)
class Pairs:
    """Pairs of sentences, and how alike they are."""

    first: tuple[str, ...]
    second: tuple[str, ...]
    score: NDArray[np.float64]
    """(n,), in [0, 5]."""

    def __len__(self) -> int:
        """How many pairs."""
        return len(self.first)

    @property
    def texts(self) -> list[tuple[str, str]]:
        """Both sentences of each pair."""
        return list(zip(self.first, self.second, strict=True))


def load() -> dict[str, Pairs]:
    """The three parts, from the folder that ``GAR_VERIFY_DATA`` names.

    Raises:
        DataError: if a file is absent or something else than its name says.
    """
    found = {part: files.find(name) for part, name in FILES.items()}
    absent = [FILES[part] for part, path in found.items() if path is None]
    if absent:
        raise DataError(
            f"STS-B is not available: no {', '.join(absent)}. Put {', '.join(FILES.values())} (see "
            f"docs/sentences.md) into a folder and name it in {paths.DATA_VARIABLE}."
        )
    return {part: read(path) for part, path in found.items() if path is not None}


def read(path: Path) -> Pairs:
    """The pairs of one file.

    Raises:
        DataError: if it cannot be read, a line has another number of columns than the header, a
            sentence is empty, or a score is no number from 0 to 5.
    """
    try:
        header, *lines = path.read_text(encoding="utf-8").removesuffix("\n").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path} cannot be read as text ({error}); fetch it anew") from error
    names = header.rstrip("\r").split("\t")
    if tuple(names[-3:]) != COLUMNS:
        raise DataError(
            f"{path}: the last columns are {names[-3:]}; expected {', '.join(COLUMNS)}, parted by "
            "tabs"
        )
    if not lines:
        raise DataError(f"{path} holds a header and no pairs")
    cells = [_cells(line, path, number, len(names)) for number, line in enumerate(lines, 2)]
    first, second, score = zip(*cells, strict=True)
    return Pairs(first, second, np.array(score))


def _cells(line: str, path: Path, number: int, columns: int) -> tuple[str, str, float]:
    cells = line.rstrip("\r").split("\t")
    if len(cells) != columns:
        raise DataError(f"{path}, line {number}: {len(cells)} columns, the header has {columns}")
    first, second, text = cells[-3:]
    if not (first.strip() and second.strip()):
        raise DataError(f"{path}, line {number}: a sentence is empty")
    try:
        score = float(text)
    except ValueError:
        score = math.nan
    if not 0 <= score <= LARGEST_SCORE:
        raise DataError(f"{path}, line {number}: the score {text!r} is no number from 0 to 5")
    return first, second, score


def shared(parts: Mapping[str, Pairs], part: str, other: str = "train") -> NDArray[np.bool_]:
    """Which pairs of a part are in another as well, in either order of the two sentences."""
    there = {frozenset(pair) for pair in parts[other].texts}
    return np.array([frozenset(pair) in there for pair in parts[part].texts])


def sentences(parts: Mapping[str, Pairs]) -> list[str]:
    """Every sentence once, in alphabetical order."""
    return sorted({text for pairs in parts.values() for pair in pairs.texts for text in pair})


def digest(parts: Mapping[str, Pairs]) -> str:
    """SHA-256 of all pairs and scores, as hexadecimal digits."""
    state = hashlib.sha256()
    for part, pairs in parts.items():
        for (first, second), score in zip(pairs.texts, pairs.score, strict=True):
            state.update(f"{part}\t{first}\t{second}\t{score!r}\n".encode())
    return state.hexdigest()
