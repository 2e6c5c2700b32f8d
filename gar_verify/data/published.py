"""The authors' arrays as rows in the order of the originals, to compare one with the other."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from gar_verify.data import files, uci
from gar_verify.data.splits import permutation
from gar_verify.data.table import Array, DataError, column

SPLIT = {"concrete": "concrete.npz", "wine": "wine_quality.npz"}
"""Files that hold features z-scored and rows split, by the name of the original."""

RAW = {"parkinsons": "parkinsons_telemonitoring.npz"}
"""Files that hold raw rows in the order of the original."""


def find(name: str) -> Path | None:
    """The authors' file of an original in the data folder, or None."""
    file = SPLIT.get(name) or RAW.get(name)
    return files.find(file) if file else None


def rows(name: str, path: Path) -> tuple[Array, Array]:
    """Features and targets in the order of the original; z-scored features where it is split."""
    if name in RAW:
        features, targets = files.read(path, "X", "y")
        return column(features), column(targets)
    keys = ("test_X", "train_X", "test_y", "train_y")
    test_X, train_X, test_y, train_y = (column(values) for values in files.read(path, *keys))
    back = np.argsort(permutation(name, len(test_X) + len(train_X)))
    return np.concatenate([test_X, train_X])[back], np.concatenate([test_y, train_y])[back]


def verify(name: str, path: Path) -> str:
    """Check the authors' file against the known content; what was compared, in words.

    Raises:
        DataError: if it holds something else.
    """
    if uci.content(*rows(name, path)) != uci.known_contents()[name]:
        raise DataError(f"{path} does not hold the values or the split that were published.")
    return f"rows, split and all values, to {uci.DECIMALS} decimals of a standard deviation"
