"""A regression table: features and targets, split once into a training and a test part."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


class DataError(Exception):
    """A table is absent or is not what its name promises; the message says what to do."""


SCALED = "features z-scored over all rows"
SCALED_BY_TRAINING = "features z-scored on the training part"
"""How features are scaled, as the source of a table says it last."""


@dataclass(frozen=True, eq=False)
class Table:
    """One data set with its fixed split; arrays are float64 and read-only.

    Raises:
        DataError: if the arrays are not two-dimensional, do not match, or are not finite.
    """

    name: str
    train_X: Array
    """Features of the training part, (n_train, F)."""
    train_y: Array
    """Targets of the training part, (n_train, T), in ``unit``."""
    test_X: Array
    test_y: Array
    source: str
    """Where the values and the split come from, in words."""
    target: str
    """What the target is called on an axis."""
    unit: str
    """Unit of the target; empty for a pure number."""
    train_groups: NDArray[np.int64] | None = None
    """Groups (n_train,) that folds keep whole; None where rows stand for themselves."""
    checksum: str = field(init=False)
    """SHA-256 of the four arrays: equal values, equal checksum."""

    def __post_init__(self) -> None:
        """Check and freeze the arrays, and take their checksum."""
        for key in ("train_X", "train_y", "test_X", "test_y"):
            object.__setattr__(self, key, _frozen(self.name, key, getattr(self, key)))
        for part in ("train", "test"):
            _check_rows(self.name, getattr(self, f"{part}_X"), getattr(self, f"{part}_y"), part)
        arrays = (self.train_X, self.train_y, self.test_X, self.test_y)
        object.__setattr__(self, "checksum", digest(*arrays))

    def scaled_on_training_part(self) -> Table:
        """The same table with features z-scored by mean and deviation of the training part only.

        The paper scales over all rows, the test part included. z-scoring again undoes that: it is
        the same table as one scaled on the training part from the start. Constant features stay 0.
        """
        everything = np.concatenate([self.train_X, self.test_X])
        scaled = zscore(everything, self.train_X)
        return replace(
            self,
            train_X=scaled[: len(self.train_X)],
            test_X=scaled[len(self.train_X) :],
            source=f"{self.source.removesuffix(f'; {SCALED}')}; {SCALED_BY_TRAINING}",
        )


def split_table(
    name: str,
    features: Array,
    targets: NDArray[Any],
    order: NDArray[np.int64],
    test_rows: int,
    *,
    source: str,
    target: str,
    unit: str,
    groups: NDArray[np.int64] | None = None,
) -> Table:
    """A table of which the first rows of an order test.

    Args:
        name: of the table.
        features: (n, F), as they are trained on.
        targets: (n,) or (n, T).
        order: of all rows.
        test_rows: how many of them test.
        source: as in `Table`, like what follows.
        target: what the target is called.
        unit: of the target.
        groups: (n,); folds keep those of the training part whole.
    """
    test, train = order[:test_rows], order[test_rows:]
    y = column(targets)
    return Table(
        name=name,
        train_X=features[train],
        train_y=y[train],
        test_X=features[test],
        test_y=y[test],
        source=source,
        target=target,
        unit=unit,
        train_groups=None if groups is None else groups[train],
    )


def digest(*arrays: Array) -> str:
    """SHA-256 over shapes and little-endian values of some arrays, as hexadecimal digits."""
    state = hashlib.sha256()
    for array in arrays:
        state.update(str(array.shape).encode())
        state.update(np.ascontiguousarray(array, dtype="<f8").tobytes())
    return state.hexdigest()


def zscore(features: Array, over: Array | None = None) -> Array:
    """Features (n, F) with mean 0 and population deviation 1 over some rows; constants become 0.

    Args:
        features: what is scaled.
        over: the rows (m, F) of mean and deviation; default: all of ``features``.
    """
    over = features if over is None else over
    constant = np.ptp(over, axis=0) == 0  # a computed deviation need not be exactly 0
    deviation = np.where(constant, 1, over.std(0))
    return np.where(constant, 0, (features - over.mean(0)) / deviation)


def column(values: NDArray[Any]) -> Array:
    """Values (n,) or (n, T) as float64 (n, T)."""
    array = np.asarray(values, dtype=np.float64)
    return array[:, None] if array.ndim == 1 else array


def _frozen(name: str, key: str, values: Array) -> Array:
    array = np.array(values, dtype=np.float64)
    if array.ndim != 2:
        raise DataError(
            f"{name}: {key} has shape {array.shape}; expected two dimensions (rows, columns). "
            "Reshape a single column to (rows, 1)."
        )
    if not np.isfinite(array).all():
        raise DataError(f"{name}: {key} holds values that are not finite; drop or fill those rows.")
    array.setflags(write=False)
    return array


def _check_rows(name: str, features: Array, targets: Array, part: str) -> None:
    if len(features) != len(targets):
        raise DataError(
            f"{name}: {part}_X has shape {features.shape} and {part}_y {targets.shape}; "
            "expected as many rows in both."
        )
