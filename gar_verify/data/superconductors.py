"""Critical temperatures: a part of UCI's Superconductivity, and SuperCon by compounds.

The whole table of UCI (`real`) is taken where it is. The part is a random fifth of its rows, as it
lies in the data folder, split by us. SuperCon (NIMS; CC BY 4.0) has features of 12,440 compounds
by composition, and the set of elements of each: split by rows, or so that no set of elements of the
test part, or of a validation fold, is among those that are trained on. Neither is in the package.
"""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gar_verify import paths
from gar_verify.data import files, splits
from gar_verify.data.table import (
    SCALED,
    Array,
    DataError,
    Table,
    column,
    digest,
    split_table,
    zscore,
)
from gar_verify.data.uci import ORIGINALS

PART = "superconductivity/subset_4252.csv.gz"
SUPERCON = "superconductivity/supercon_stanev.npz"
"""Files of the data folder."""

SUPERCON_TABLES = ("supercon", "supercon_elements")

TARGET: dict[str, Any] = {"target": "critical temperature", "unit": "K"}

OWN_SPLIT = "80/20 split of ours"
NOT_THE_PAPERS = "not the paper's table"
"""What the source of the part says of it."""

CHECKSUMS = {
    PART: "0544b19091b16e12122cc645776180224eab460db725ba76d12ecc06dc96741f",
    SUPERCON: "db85a59b5222ddd5c95ce76f648128578eb2fdaede280d430204ea77b39a6786",
}
"""`table.digest` of features and targets as they are in the file."""

UNREADABLE = (OSError, EOFError, ValueError, KeyError, zlib.error)


def load_part() -> Table | None:
    """The part of Superconductivity, split by us; None where the data folder lacks it.

    Raises:
        DataError: if the file is something else.
    """
    path = files.find(PART)
    if path is None:
        return None
    whole = ORIGINALS["superconductivity"]
    target = whole.targets[0]
    try:
        frame = pd.read_csv(path)
        raw, y = frame.drop(columns=target).to_numpy(np.float64), frame[[target]].to_numpy()
    except UNREADABLE as error:
        raise DataError(
            f"{path} is not a part of the table 'superconductivity': {error}"
        ) from error
    _check(path, PART, raw, y)
    order = splits.permutation(whole.name, len(raw))
    source = (
        f"{len(raw)} of the {whole.rows} rows of UCI {whole.title} (id {whole.uci_id}) from "
        f"{path.name}, {NOT_THE_PAPERS}; {OWN_SPLIT}; {SCALED}"
    )
    return split_table(whole.name, zscore(raw), y, order, len(raw) // 5, source=source, **TARGET)


def load_supercon(name: str) -> Table:
    """SuperCon, split by rows (``supercon``) or by sets of elements (``supercon_elements``).

    Raises:
        DataError: if the data folder lacks it, or the file is something else.
    """
    path = files.find(SUPERCON)
    if path is None:
        raise DataError(absent(name))
    raw, y, elements = files.read(path, "X", "y", "groups")
    _check(path, SUPERCON, raw, column(y))
    by_elements = name == "supercon_elements"
    order = _by_group(elements) if by_elements else splits.permutation(name, len(raw))
    n_test = len(raw) // 5
    while by_elements and elements[order[n_test - 1]] == elements[order[n_test]]:
        n_test += 1  # the last set of elements is tested whole
    how = "no set of elements in two parts" if by_elements else "by rows"
    source = f"SuperCon (NIMS) from {path.name}; {OWN_SPLIT}, {how}; {SCALED}"
    groups = elements if by_elements else None
    features = zscore(raw.astype(np.float64))
    table = split_table(name, features, y, order, n_test, source=source, groups=groups, **TARGET)
    return table.scaled_on_training_part()


def place(name: str) -> Path | None:
    """The file that SuperCon or the part is read from, or None."""
    return files.find(SUPERCON if name in SUPERCON_TABLES else PART)


def absent(name: str) -> str:
    """What to do about SuperCon where it is not available."""
    folder = paths.data()
    where = f"{paths.DATA_VARIABLE} is not set" if folder is None else f"{folder} lacks it"
    return (
        f"The table '{name}' is not available: {where}. Put SuperCon's features by composition "
        f"(arrays X, y in kelvin, and groups, the number of each compound's set of elements), as "
        f"{SUPERCON}, into the folder that {paths.DATA_VARIABLE} names."
    )


def _by_group(elements: NDArray[np.int64]) -> NDArray[np.int64]:
    """All rows, sets of elements in the order of our permutation, each together."""
    numbers, inverse = np.unique(elements, return_inverse=True)
    rank = np.argsort(splits.permutation("supercon", len(numbers)))
    return np.argsort(rank[inverse], kind="stable")


def _check(path: Path, name: str, features: Array, targets: Array) -> None:
    if digest(features, targets) != CHECKSUMS[name]:
        raise DataError(
            f"{path} is not the file that was studied: it has {features.shape[0]} rows and "
            f"{features.shape[1]} features of other values. Remove it, or put the right one there."
        )
