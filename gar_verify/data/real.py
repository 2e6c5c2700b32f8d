"""The real tables of the paper, and scikit-learn's diabetes set, which needs no download.

Features are z-scored over all rows, the test part included, as in the paper's released scripts (a
leak, kept for parity; `Table.scaled_on_training_part` goes without it). Targets are not scaled.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_diabetes

from gar_verify import paths
from gar_verify.data import fetched, files, splits
from gar_verify.data.originals import ORIGINALS, Original
from gar_verify.data.table import SCALED, Array, DataError, Table, column, zscore

DIABETES_SPLIT_SEED = 0


@dataclass(frozen=True)
class RealTable:
    """What is known of a table before it is read."""

    file: str
    """The authors' arrays, in the data folder."""
    original: Original
    """The table as the UCI repository has it, with raw rows."""
    target: str
    unit: str
    target_column: int | None = None
    """Column of a file that holds raw rows and the ids of the split; None: split already."""


PARKINSONS = ("parkinsons_telemonitoring.npz", ORIGINALS["parkinsons"])

REAL_TABLES = {
    "concrete": RealTable("concrete.npz", ORIGINALS["concrete"], "compressive strength", "MPa"),
    "wine": RealTable("wine_quality.npz", ORIGINALS["wine"], "quality", "points of 10"),
    "parkinsons_motor": RealTable(*PARKINSONS, "motor UPDRS", "points", 0),
    "parkinsons_total": RealTable(*PARKINSONS, "total UPDRS", "points", 1),
    "superconductivity": RealTable(
        "superconductivity.npz", ORIGINALS["superconductivity"], "critical temperature", "K", 0
    ),
}


def load(name: str) -> Table:
    """A table of the paper: the authors' arrays from the data folder, else the original.

    Raises:
        DataError: if neither is at hand, or what is at hand is not what it should be.
    """
    about = REAL_TABLES[name]
    path = files.find(about.file)
    if path is not None:
        read = _read_split if about.target_column is None else _split_raw
        parts, origin = read(path, about), f"{about.file}; published split"
    elif fetched.find(about.original) is not None:
        parts, origin = _split_original(about)
    else:
        raise DataError(absent(name))
    train_X, train_y, test_X, test_y = parts
    return Table(
        name=name,
        train_X=train_X,
        train_y=column(train_y),
        test_X=test_X,
        test_y=column(test_y),
        source=f"UCI {about.original.title} (id {about.original.uci_id}) from {origin}; {SCALED}",
        target=about.target,
        unit=about.unit,
    )


def place(name: str) -> Path | None:
    """The file that `load` reads, or None."""
    about = REAL_TABLES[name]
    return files.find(about.file) or fetched.find(about.original)


def absent(name: str) -> str:
    """What to do about a table that is not at hand."""
    about = REAL_TABLES[name]
    folder = paths.data()
    where = f"{folder} does not hold {about.file}"
    if folder is None:
        where = f"{paths.DATA_VARIABLE} is not set"
    return (
        f"The table '{name}' is not at hand: {where}. Run gar-verify data fetch "
        f"{about.original.name} (UCI {about.original.title}, id {about.original.uci_id}), set "
        f"{paths.DATA_VARIABLE} to a folder with {about.file}, or use 'diabetes', which comes with "
        "scikit-learn."
    )


def load_diabetes_table() -> Table:
    """scikit-learn's diabetes set, 442 rows, split 80/20 by a permutation with a fixed seed."""
    bunch = load_diabetes(scaled=False)
    ids = np.random.default_rng(DIABETES_SPLIT_SEED).permutation(len(bunch.data))
    cut = len(ids) // 5
    features, test, train = zscore(bunch.data), ids[:cut], ids[cut:]
    return Table(
        name="diabetes",
        train_X=features[train],
        train_y=column(bunch.target[train]),
        test_X=features[test],
        test_y=column(bunch.target[test]),
        source=f"scikit-learn's bundled diabetes set; 80/20 split by a permutation with seed "
        f"{DIABETES_SPLIT_SEED}; {SCALED}",
        target="disease progression",
        unit="",
    )


def diabetes_file() -> Path:
    """The file of scikit-learn's diabetes set that holds the features."""
    return Path(str(resources.files("sklearn.datasets.data").joinpath("diabetes_data_raw.csv.gz")))


def _read_split(path: Path, about: RealTable) -> list[NDArray[Any]]:
    return files.read(path, "train_X", "train_y", "test_X", "test_y")


def _split_raw(path: Path, about: RealTable) -> list[NDArray[Any]]:
    raw, targets, ids = files.read(path, "X", "y", "ids")
    return _split(raw.astype(np.float64), targets[:, about.target_column], ids)


def _split_original(about: RealTable) -> tuple[list[NDArray[Any]], str]:
    """The parts of an original, and where rows and split come from."""
    original = about.original
    raw, targets = fetched.read(original)
    ids = splits.permutation(original.name, len(raw))
    parts = _split(raw, targets[:, about.target_column or 0], ids)
    return parts, f"{original.file}; {splits.origin(original.name)}"


def _split(raw: Array, y: Array, ids: NDArray[np.int64]) -> list[NDArray[Any]]:
    features = zscore(raw)
    test, train = ids[: len(ids) // 5], ids[len(ids) // 5 :]
    return [features[train], y[train], features[test], y[test]]
