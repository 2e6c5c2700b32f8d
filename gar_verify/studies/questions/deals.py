"""A table's rows, dealt anew into training, validation and test rows for every seed.

Features are those of the table, z-scored over all rows. Targets are centred and divided by their
deviation over all rows, two constants that are the same for every method: errors are in
deviations of the target.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from gar_verify.data import Table, splits
from gar_verify.data.table import Array, digest, zscore
from gar_verify.training import PARTS, Problem
from gar_verify.training.runs import Rows

AT_MOST = 1000
"""Rows of a table that take part; of larger ones the first of a fixed permutation."""

SHARES = (0.6, 0.2, 0.2)
"""Of the rows that are trained on, that select, and that test."""


@dataclass(frozen=True, eq=False)
class Deal(Problem):
    """A problem in which every fold has test rows of its own.

    The parts that are scored need not be the rows that are trained on: see `parts`.
    """

    tests: Sequence[Rows] = ()
    """Row numbers of the test part, one array for each fold."""
    scored_as_train: Sequence[Rows] = field(default=())
    """Rows that are scored under the name of the training part; default: the training rows."""

    def parts(self, fold: int) -> dict[str, Rows]:
        """Rows of each part of a fold that is scored, in the order of `PARTS`."""
        first = (self.scored_as_train or self.train)[fold]
        return dict(zip(PARTS, (first, self.validation[fold], self.tests[fold]), strict=True))

    @property
    def sizes(self) -> dict[str, int]:
        """Rows, features and targets."""
        sizes = (*self.inputs.shape, self.targets.shape[1])
        return dict(zip(("rows", "features", "targets"), sizes, strict=True))

    @property
    def digest(self) -> str:
        """SHA-256 of all values, and of which rows are in which part."""
        rows = [*self.train, *self.validation, *self.tests, *self.scored_as_train]
        return digest(self.inputs, self.targets, *(r.astype(float) for r in rows))


def rows_of(table: Table, at_most: int = AT_MOST) -> tuple[Array, Array]:
    """Features (n, F) and targets (n, T) of the rows of a table that take part, in units."""
    inputs = np.concatenate([table.train_X, table.test_X])
    targets = np.concatenate([table.train_y, table.test_y])
    order = splits.permutation(table.name, len(inputs))[:at_most]
    return inputs[order], targets[order]


def deal(inputs: Array, targets: Array, seeds: Sequence[int], *, raw: bool = False) -> Deal:
    """Rows dealt anew for every seed; a fold is the position of a seed.

    Args:
        inputs: (n, F).
        targets: (n, T), in units.
        seeds: each decides a permutation of the rows.
        raw: leave the targets in their units.
    """
    n = len(inputs)
    first, second = (round(n * share) for share in np.cumsum(SHARES[:2]))
    orders = [np.random.default_rng([seed, n]).permutation(n) for seed in seeds]
    return Deal(
        inputs=inputs,
        targets=targets if raw else zscore(targets),
        train=[order[:first] for order in orders],
        validation=[order[first:second] for order in orders],
        test=np.arange(0),
        tests=[order[second:] for order in orders],
    )
