"""The two synthetic curves of the paper, generated; half of the grid trains, half tests.

Sine:          y = sin x on -10 pi, -10 pi + 0.1, ... (629 points)
Squared sine:  x = sign(t) sqrt|t| for t = -1024 ... 1023, y = 2 (x / 32)^2 sin x (2048 points)

The published split is a stored permutation ``ids`` (the first half tests). It is read from the data
folder where that holds it. Otherwise that of Sine is drawn as it was first (`splits`); for Squared
sine a permutation of ours takes its place, and the table's ``source`` says so.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from gar_verify import paths
from gar_verify.data import files, splits
from gar_verify.data.table import Array, DataError, Table

SPLIT_SEED = 0


def sine_curve() -> tuple[Array, Array]:
    """x and y of Sine, each (629,)."""
    x = np.arange(-10 * np.pi, 10 * np.pi, 0.1)
    return x, np.sin(x)


def squared_sine_curve() -> tuple[Array, Array]:
    """x and y of Squared sine, each (2048,)."""
    t = np.arange(-1024.0, 1024.0)
    x = np.sign(t) * np.sqrt(np.abs(t))
    return x, 2 * (x / 32) ** 2 * np.sin(x)


CURVES: dict[str, Callable[[], tuple[Array, Array]]] = {
    "sine": sine_curve,
    "squared_sine": squared_sine_curve,
}


def load(name: str) -> Table:
    """Sine or Squared sine as a table: unscaled x as the only feature, half of the rows to test."""
    x, y = CURVES[name]()
    ids, origin = _split(name, len(x))
    test, train = ids[: len(x) // 2], ids[len(x) // 2 :]
    return Table(
        name=name,
        train_X=x[train, None],
        train_y=y[train, None],
        test_X=x[test, None],
        test_y=y[test, None],
        source=f"generated; {origin}",
        target="y",
        unit="",
    )


def _split(name: str, n: int) -> tuple[NDArray[np.int64], str]:
    path = files.find(f"{name}.npz")
    if path is None and name in splits.PUBLISHED_SEEDS:
        return splits.permutation(name, n), splits.origin(name)
    if path is None:
        ids = np.random.default_rng(SPLIT_SEED).permutation(n)
        return ids, f"split by a permutation of ours with seed {SPLIT_SEED}, not the published one"
    (stored,) = files.read(path, "ids")
    if not np.array_equal(np.sort(stored), np.arange(n)):
        raise DataError(
            f"{path}: ids has shape {stored.shape}; expected a permutation of 0..{n - 1}. "
            f"Point {paths.DATA_VARIABLE} at another folder."
        )
    return stored.astype(np.int64), "published split"
