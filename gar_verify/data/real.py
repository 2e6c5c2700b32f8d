"""The real tables of the paper, and scikit-learn's diabetes set, which needs no download.

Features are z-scored over all rows, the test part included, as in the paper's released scripts (a
leak, kept for parity; `Table.scaled_on_training_part` goes without it). Targets are not scaled.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_diabetes

from gar_verify import paths
from gar_verify.data import files
from gar_verify.data.table import DataError, Table, column, zscore

DIABETES_SPLIT_SEED = 0


@dataclass(frozen=True)
class RealTable:
    """What is known of a table before it is read."""

    file: str
    title: str
    uci_id: int
    target: str
    unit: str
    target_column: int | None = None
    """Column of a file that holds raw rows and the ids of the split; None: split already."""


PARKINSONS = ("parkinsons_telemonitoring.npz", "Parkinsons Telemonitoring", 189)

REAL_TABLES = {
    "concrete": RealTable(
        "concrete.npz", "Concrete Compressive Strength", 165, "compressive strength", "MPa"
    ),
    "wine": RealTable("wine_quality.npz", "Wine Quality", 186, "quality", "points of 10"),
    "parkinsons_motor": RealTable(*PARKINSONS, "motor UPDRS", "points", 0),
    "parkinsons_total": RealTable(*PARKINSONS, "total UPDRS", "points", 1),
}


def load(name: str) -> Table:
    """A table of the paper from the data folder, with the split of the paper's authors.

    Raises:
        DataError: if the data folder is not set or lacks the file.
    """
    about = REAL_TABLES[name]
    path = files.find(about.file)
    if path is None:
        raise DataError(_absent(name, about))
    read = _read_split if about.target_column is None else _split_raw
    train_X, train_y, test_X, test_y = read(path, about)
    return Table(
        name=name,
        train_X=train_X,
        train_y=column(train_y),
        test_X=test_X,
        test_y=column(test_y),
        source=f"UCI {about.title} (id {about.uci_id}) from {about.file}; published split; "
        "features z-scored over all rows",
        target=about.target,
        unit=about.unit,
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
        f"{DIABETES_SPLIT_SEED}; features z-scored over all rows",
        target="disease progression",
        unit="",
    )


def _read_split(path: Path, about: RealTable) -> list[NDArray[Any]]:
    return files.read(path, "train_X", "train_y", "test_X", "test_y")


def _split_raw(path: Path, about: RealTable) -> list[NDArray[Any]]:
    raw, targets, ids = files.read(path, "X", "y", "ids")
    features = zscore(raw.astype(np.float64))
    test, train = ids[: len(ids) // 5], ids[len(ids) // 5 :]
    y = targets[:, about.target_column]
    return [features[train], y[train], features[test], y[test]]


def _absent(name: str, about: RealTable) -> str:
    folder = paths.data()
    where = f"{folder} does not hold {about.file}"
    if folder is None:
        where = f"{paths.DATA_VARIABLE} is not set"
    return (
        f"The table '{name}' is not at hand: {where}. Set {paths.DATA_VARIABLE} to a folder with "
        f"{about.file} (UCI {about.title}, id {about.uci_id}), or use 'diabetes', which comes with "
        "scikit-learn."
    )
