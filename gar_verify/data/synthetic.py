"""The two synthetic curves of the paper, generated; half of the grid trains, half tests.

Sine:          y = sin x on -10 pi, -10 pi + 0.1, ... (629 points)
Squared sine:  x = sign(t) sqrt|t| for t = -1024 ... 1023, y = 2 (x / 32)^2 sin x (2048 points)

The split is the published one (`splits`): that of Sine by its seed, that of Squared sine by the
stored rows of its test half. The order of Squared sine's training rows is not the published one.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from gar_verify.data import splits
from gar_verify.data.table import Array, Table


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
    if name in splits.PUBLISHED_SEEDS:
        ids, origin = splits.permutation(name, len(x)), splits.origin(name)
    else:
        ids, origin = splits.test_half_first(name, len(x)), "published split (stored rows)"
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
