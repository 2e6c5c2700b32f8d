"""The definitions of the paper, as sums over all pairs, for batches of numbers.

These are the left sides of the statements: what the loss is meant to be. They are written from
the paper alone and share nothing with `gar_verify.formulas`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Root = Callable[[Any], Any]
"""The square root, of numbers or of the terms of a solver."""


def variance(batch: Any, entry: Any) -> Any:
    """Population variance: the mean of (entry - mean(entry))^2."""
    return batch.mean((entry - batch.mean(entry)) ** 2)


def covariance(batch: Any, one: Any, other: Any) -> Any:
    """Population covariance."""
    return batch.mean((one - batch.mean(one)) * (other - batch.mean(other)))


def correlation(batch: Any, root: Root) -> Any:
    """rho(f, y)"""
    spread = root(variance(batch, batch.f)) * root(variance(batch, batch.y))
    return covariance(batch, batch.f, batch.y) / spread


def half_square(a: Any, b: Any) -> Any:
    """1/2 [(f_a - f_b) - (y_a - y_b)]^2 for two samples."""
    return ((a.f - b.f) - (a.y - b.y)) ** 2 / 2


def scaled_half_square(c: Any) -> Callable[[Any, Any], Any]:
    """1/2 [(f_a - f_b) - c (y_a - y_b)]^2 for two samples."""
    return lambda a, b: ((a.f - b.f) - c * (a.y - b.y)) ** 2 / 2


def difference_f(a: Any, b: Any) -> Any:
    """f_a - f_b"""
    return a.f - b.f


def difference_y(a: Any, b: Any) -> Any:
    """y_a - y_b"""
    return a.y - b.y


def norm(batch: Any, difference: Callable[[Any, Any], Any], root: Root) -> Any:
    """The Euclidean norm of the differences, as a vector of N^2 entries."""
    return root(batch.pair_total(lambda a, b: difference(a, b) ** 2))


def normalized_difference(batch: Any, root: Root) -> Any:
    """1/2 || df / ||df|| - dy / ||dy|| ||^2, where a vector of zeros stays one."""
    by_f, by_y = (norm(batch, d, root) for d in (difference_f, difference_y))
    by_f, by_y = by_f if by_f != 0 else 1, by_y if by_y != 0 else 1
    return (
        batch.pair_total(lambda a, b: (difference_f(a, b) / by_f - difference_y(a, b) / by_y) ** 2)
        / 2
    )
