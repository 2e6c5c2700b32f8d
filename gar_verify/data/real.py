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

from gar_verify import paths
from gar_verify.data import cache, files, splits, superconductors
from gar_verify.data.table import SCALED, DataError, Table, split_table, zscore
from gar_verify.data.uci import ABOUT, ORIGINALS, Original

DIABETES_SPLIT_SEED = 0


@dataclass(frozen=True)
class RealTable:
    """What is known of a table before it is read."""

    original: Original
    """The table as the UCI repository has it, with raw rows."""
    target: str
    unit: str
    target_column: int = 0
    arrays: str = ""
    """The authors' raw rows with the ids of their split, in the data folder; empty where the split
    follows from a seed, so that the original is enough."""


REAL_TABLES = {
    name: RealTable(**about | {"original": ORIGINALS[about["original"]]})
    for name, about in ABOUT["tables"].items()
}


def load(name: str, *, arrays: bool = True) -> Table:
    """A table of the paper, on the published split where that is known.

    Args:
        name: one of `REAL_TABLES`.
        arrays: whether the authors' arrays in the data folder come first; else the table is the
            same whether they are there or not.

    Raises:
        DataError: if it is not available, or is not what it should be.
    """
    about = REAL_TABLES[name]
    of_authors = files.find(about.arrays) if about.arrays and arrays else None
    if of_authors is not None:
        raw, targets, ids = files.read(of_authors, "X", "y", "ids")
        origin = f"{about.arrays}; published split"
    elif (path := cache.find(about.original)) is not None:
        raw, targets = cache.read(about.original)
        ids = splits.permutation(about.original.name, len(raw))
        origin = f"{path.name}; {splits.origin(about.original.name)}"
    elif name == "superconductivity" and (part := superconductors.load_part()) is not None:
        return part
    else:
        raise DataError(absent(name))
    source = f"UCI {about.original.title} (id {about.original.uci_id}) from {origin}; {SCALED}"
    y = targets[:, about.target_column]
    return _split(name, raw.astype(np.float64), y, ids, source, about.target, about.unit)


def place(name: str) -> Path | None:
    """The file that `load` reads, or None."""
    about = REAL_TABLES[name]
    arrays = files.find(about.arrays) if about.arrays else None
    whole = arrays or cache.find(about.original)
    return superconductors.place(name) if whole is None and name == "superconductivity" else whole


def absent(name: str) -> str:
    """What to do about a table that is not available."""
    about = REAL_TABLES[name]
    folder = paths.data()
    where = f"{folder} does not hold {about.original.file}"
    if folder is None:
        where = f"{paths.DATA_VARIABLE} is not set"
    return (
        f"The table '{name}' is not available: {where}. Run gar-verify data fetch "
        f"{about.original.name} (UCI {about.original.title}, id {about.original.uci_id}), set "
        f"{paths.DATA_VARIABLE} to a folder with {about.original.file}, or use 'concrete', which "
        "is part of the package."
    )


def load_diabetes_table() -> Table:
    """scikit-learn's diabetes set, 442 rows, split 80/20 by a permutation with a fixed seed."""
    from sklearn.datasets import load_diabetes  # the other tables need no scikit-learn

    bunch = load_diabetes(scaled=False)
    ids = np.random.default_rng(DIABETES_SPLIT_SEED).permutation(len(bunch.data))
    source = (
        f"scikit-learn's bundled diabetes set; 80/20 split by a permutation with seed "
        f"{DIABETES_SPLIT_SEED}; {SCALED}"
    )
    return _split(
        "diabetes", bunch.data, bunch.target, ids, source, target="disease progression", unit=""
    )


def diabetes_file() -> Path:
    """The file of scikit-learn's diabetes set that holds the features."""
    return Path(str(resources.files("sklearn.datasets.data").joinpath("diabetes_data_raw.csv.gz")))


def _split(
    name: str,
    raw: NDArray[Any],
    y: NDArray[Any],
    ids: NDArray[np.int64],
    source: str,
    target: str,
    unit: str,
) -> Table:
    """A table of z-scored rows; the first fifth of ``ids`` tests."""
    return split_table(
        name, zscore(raw), y, ids, len(ids) // 5, source=source, target=target, unit=unit
    )
