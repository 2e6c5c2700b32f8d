"""Batches of exact rational numbers, for the refutations.

A claim about a batch is a function that takes one and returns its two sides. The columns are
attributes (``batch.f``), with the weighted ``mean`` that the formulas take, and sums over all
pairs; `language.Batch` offers the same as terms of the kernel.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from itertools import product
from types import SimpleNamespace
from typing import Any

import numpy as np

Pair = Callable[[Any, Any], Any]
"""A function of two samples, each with the columns of the batch as attributes."""


class ExactBatch:
    """Columns of rational numbers, one entry for each sample: every operation is exact.

    >>> batch = ExactBatch(f=(1, 2, 4))
    >>> print(batch.mean(batch.f * batch.f))
    7
    """

    def __init__(self, w: tuple[Any, ...] | None = None, **columns: tuple[Any, ...]) -> None:
        """Columns of equal length; ``w`` holds the weights, all one unless given."""
        self._columns = {name: _exact(values) for name, values in columns.items()}
        self.size = Fraction(len(next(iter(self._columns.values()))))
        self._weighted = w is not None
        self.w = _exact(w if w is not None else (1,) * int(self.size))

    def __getattr__(self, name: str) -> Any:
        """The column of that name, as an array of exact numbers."""
        try:
            return self.__dict__["_columns"][name]
        except KeyError:
            raise AttributeError(f"the batch has no column {name!r}") from None

    @property
    def weight(self) -> Any:
        """W, the sum of the weights."""
        return sum(self.w, Fraction(0))

    def total(self, body: Any) -> Any:
        """Weighted sum over the samples."""
        return sum(self.w * body, Fraction(0))

    def mean(self, body: Any, times: Any = 1) -> Any:
        """Weighted mean over the samples, of a product where there are two factors.

        A division by zero when the weights sum to zero.
        """
        return self.total(body * times) / self.weight

    def at(self, index: int) -> SimpleNamespace:
        """The sample at that place, counted from 0."""
        columns = self._columns | {"w": self.w}
        return SimpleNamespace(**{name: values[index] for name, values in columns.items()})

    def pair_total(self, function: Pair) -> Any:
        """Sum of w_i w_j function(i, j) over all ordered pairs, each sample with itself too."""
        samples = [self.at(place) for place in range(int(self.size))]
        return sum((a.w * b.w * function(a, b) for a in samples for b in samples), Fraction(0))

    def pair_mean(self, function: Pair) -> Any:
        """The weighted mean of function(i, j) over all ordered pairs."""
        return self.pair_total(function) / self.weight**2

    def varies(self, name: str) -> bool:
        """Whether the column has two different entries."""
        return len(set(self._columns[name])) > 1

    def __str__(self) -> str:
        """The data as text."""
        shown = self._columns | ({"w": self.w} if self._weighted else {})
        return ", ".join(f"{name} = ({', '.join(map(str, v))})" for name, v in shown.items())


def exact_batches(
    *columns: str, sizes: tuple[int, ...] = (1, 2, 3), values: tuple[int, ...] = (0, 1, -1)
) -> Iterator[ExactBatch]:
    """Every batch of these sizes with entries among the values, small ones first."""
    for size in sizes:
        for entries in product(values, repeat=size * len(columns)):
            rows = [entries[n * size : (n + 1) * size] for n in range(len(columns))]
            yield ExactBatch(**dict(zip(columns, rows, strict=True)))


def exact_weighted_batches() -> Iterator[ExactBatch]:
    """Every such batch of predictions f and labels y, with weights 1 and 2, not all of them 1."""
    for batch in exact_batches("f", "y", sizes=(2, 3)):
        for weights in product((1, 2), repeat=int(batch.size)):
            if 2 in weights:
                yield ExactBatch(w=weights, f=tuple(batch.f), y=tuple(batch.y))


def moments(formulas: Any, batch: Any, conventional: Any = None) -> Any:
    """The moments that the formulas make of a batch with columns f and y.

    ``conventional``: the conventional loss of each sample, the error itself unless given.
    """
    parts = formulas.decompose(batch.f, batch.y, batch.mean)
    values = batch.f - batch.y if conventional is None else conventional
    return formulas.moments(parts, values, batch.weight, batch.mean)


def _exact(values: tuple[Any, ...]) -> Any:
    return np.array([Fraction(v) if isinstance(v, int) else v for v in values], dtype=object)
