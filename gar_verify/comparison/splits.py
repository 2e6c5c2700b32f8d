"""Which rows belong together, and which of them are trained on, chosen by and tested on.

Rows that are equal, and rows of one group, lie in one part. With times, a fold is tested by what
was learned from the times before it (rolling origin), and so is what settings are chosen by. The
splitters are those of scikit-learn.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from sklearn.model_selection import (
    GroupKFold,
    GroupShuffleSplit,
    KFold,
    ShuffleSplit,
    TimeSeriesSplit,
)

from gar_verify.comparison import repeats

Rows = NDArray[np.int64]
Split = tuple[Rows, Rows]
"""Rows that are learned from, and rows that are held out."""

LEAST_ROWS_IN_FOLD = 4
"""Rows that a fold must hold at least: correlations of fewer mean nothing."""

LEAST_TIMES = 3
"""Times in the first part that is learned from: two to hold out, and one before them."""

INNER_SHARE = 0.2
"""Of the rows of a training part, held out for the inner selection."""


@dataclass(frozen=True, eq=False)
class Layout:
    """What the rows of a table have to do with one another."""

    rows: int
    units: Rows | None = None
    """(n,) rows with the same number never lie in two parts; None: every row is for itself."""
    times: Rows | None = None
    """(n,) the place of each row's time among the times, from 0; None: rows have no order."""
    groups: Rows | None = None
    """(n,) the group of each row, for metrics within groups."""

    def outer(self, folds: int, seed: int) -> list[Split]:
        """The folds of a seed, each with the rows that it is learned from."""
        if self.times is not None:
            return self._rolling(np.arange(self.rows), TimeSeriesSplit(folds))
        empty = np.empty((self.rows, 0))
        if self.units is None:
            return list(KFold(folds, shuffle=True, random_state=seed).split(empty))
        grouped = GroupKFold(folds, shuffle=True, random_state=seed)
        return list(grouped.split(empty, groups=self.units))

    def inner(self, part: Rows, count: int, seed: int) -> Iterator[Split]:
        """Hold-outs of a training part, to choose settings by."""
        if self.times is not None:
            size = max(1, int(INNER_SHARE * len(np.unique(self.times[part]))))
            splitter = TimeSeriesSplit(max(2, count), test_size=size)  # which takes two at least
            yield from self._rolling(part, splitter)[-count:]
            return
        kind = ShuffleSplit if self.units is None else GroupShuffleSplit
        units = None if self.units is None else self.units[part]
        chosen = kind(count, test_size=INNER_SHARE, random_state=seed)
        for learned, held_out in chosen.split(part, groups=units):
            yield part[learned], part[held_out]

    def _rolling(self, rows: Rows, splitter: TimeSeriesSplit) -> list[Split]:
        """Splits of some rows by their times: no time lies in two parts."""
        assert self.times is not None
        own = self.times[rows]
        moments = np.unique(own)
        return [
            (rows[np.isin(own, moments[before])], rows[np.isin(own, moments[after])])
            for before, after in splitter.split(moments)
        ]

    def least(self, folds: int, seeds: tuple[int, ...], inner: int) -> int:
        """Rows of the smallest part that anything is learned from.

        Raises:
            ValueError: if some part has too few rows.
        """
        smallest = self.rows
        for seed in seeds:
            for outer, test in self.outer(folds, seed):
                parts = [learned for learned, _ in self.inner(outer, inner, seed)]
                smallest = min(smallest, *map(len, parts))
                if min(len(test), smallest) < LEAST_ROWS_IN_FOLD:
                    raise ValueError(
                        f"a part of the {folds} folds has {min(len(test), smallest)} rows, too few "
                        "to learn or to judge from: take fewer folds"
                    )
        return smallest

    @property
    def words(self) -> str:
        """How the folds are made, in a sentence."""
        if self.times is not None:
            return (
                "Folds follow one another in time: each is predicted by what was learned from the "
                "times before it, and settings are chosen by the last times of those"
            )
        if self.groups is not None:
            return "No group lies in two parts: every prediction is for a group never seen"
        return "Rows are taken to be independent of one another, but for rows that are equal"


def layout_of(
    features: pd.DataFrame,
    targets: NDArray[np.float64],
    folds: int,
    *,
    group: pd.Series | None = None,
    time: pd.Series | None = None,
) -> tuple[Layout, list[str]]:
    """The layout of some rows, and what a reader should know of it.

    Args:
        features: the columns that are learned from.
        targets: (n, T).
        folds: how many there must be.
        group: whom each row belongs to, such as a patient; a missing one is a group by itself.
        time: when each row was: numbers, dates, or text like 2024-05-31.

    Raises:
        ValueError: if both are given, there are too few groups or times, or times are not
            understood.
    """
    if group is not None and time is not None:
        raise ValueError(
            f"rows are split by group ('{group.name}') or by time ('{time.name}'), not by both; "
            "leave one of them out"
        )
    equal = _equal_rows(features, targets)
    copies = len(equal) - len(np.unique(equal))
    notes = []
    if time is not None:
        times = _places(time)
        _check_count(time, len(np.unique(times)), LEAST_TIMES * (folds + 1), "times")
        if copies:
            notes.append(f"{_copies(copies, len(equal))}; by time they may lie in different parts")
        return Layout(len(equal), times=times), notes
    if copies:
        notes.append(f"{_copies(copies, len(equal))}; rows that are equal stay in one part")
    if group is None:
        units = equal if copies else None
        if copies and len(np.unique(equal)) < folds * LEAST_ROWS_IN_FOLD:
            raise ValueError(
                f"only {len(np.unique(equal)):,} of {len(equal):,} rows differ; expected at least "
                f"{folds * LEAST_ROWS_IN_FOLD} different ones for {folds} folds"
            )
        return Layout(len(equal), units=units), notes
    groups = _codes(group)
    _check_count(group, len(np.unique(groups)), folds, "groups")
    units = _joined(groups, equal) if copies else groups
    if len(np.unique(units)) < folds:
        raise ValueError(
            f"groups of '{group.name}' share equal rows, so that only {len(np.unique(units))} "
            f"parts can be told apart, fewer than {folds} folds; remove the copies"
        )
    return Layout(len(equal), units=units, groups=groups), notes


def suggestions(features: pd.DataFrame, folds: int, said: Sequence[str] = ()) -> list[str]:
    """Columns whose values come back in many rows, as those of subjects do, in sentences.

    A column is suspected if it is text or whole numbers, has at least twice as many values as
    there are folds, each in two rows or more on average, and other columns that vary are the same
    wherever it is.
    """
    found = []
    for name in map(str, features.columns):
        if name in said:
            continue
        column = features[name]
        values = column.nunique()
        whole = column.dtype == object or bool((column.dropna() % 1 == 0).all())
        if not whole or not 2 * folds <= values <= len(column) / 2:
            continue
        others = features.drop(columns=name)
        within = others.groupby(column, observed=True).nunique(dropna=False).max()
        tied = [str(other) for other in within.index[within == 1] if others[other].nunique() > 1]
        if tied:
            found.append(
                f"column '{name}' has {values:,} values in {len(column):,} rows, and "
                f"'{tied[0]}' is the same wherever it is: if rows with one value belong together, "
                f"such as those of one subject, say so (--group '{name}'), or the scores are too "
                "good"
            )
    return found


def _equal_rows(features: pd.DataFrame, targets: NDArray[np.float64]) -> Rows:
    """(n,) a number for each different row, of features and targets."""
    features = repeats.that_differ(features)
    whole = pd.concat([features.reset_index(drop=True), pd.DataFrame(targets)], axis=1)
    return _codes(pd.Series(pd.util.hash_pandas_object(whole, index=False).to_numpy()))


def _copies(copies: int, rows: int) -> str:
    return f"{copies:,} of {rows:,} rows repeat another row exactly, the target included"


def _codes(values: pd.Series) -> Rows:
    """(n,) numbers from 0 by first appearance; each missing value has one of its own."""
    codes = pd.factorize(values)[0].astype(np.int64)
    missing = codes < 0
    codes[missing] = codes.max(initial=-1) + 1 + np.arange(missing.sum())
    return codes


def _joined(groups: Rows, equal: Rows) -> Rows:
    """(n,) the smallest parts in which no group and no rows that are equal are torn apart."""
    size = groups.max() + 1
    ends = (groups, size + equal)
    nodes = size + equal.max() + 1
    graph = coo_array((np.ones(len(groups)), ends), shape=(nodes, nodes))
    return np.asarray(connected_components(graph, directed=False)[1][groups], dtype=np.int64)


def _places(time: pd.Series) -> Rows:
    """(n,) the place of each time among the times there are."""
    if time.isna().any():
        raise ValueError(
            f"column '{time.name}' has {int(time.isna().sum()):,} rows without a time; expected "
            "one in every row"
        )
    understood: Any = pd.to_numeric(time, errors="coerce")
    if not pd.api.types.is_numeric_dtype(time.dtype) and understood.isna().any():
        try:
            understood = pd.to_datetime(time, format="ISO8601", utc=True)
        except (ValueError, TypeError) as error:
            raise ValueError(
                f"column '{time.name}' holds times that are not understood ({time.iloc[0]!r}); "
                "expected numbers, or dates as 2024-05-31 or 2024-05-31 16:30"
            ) from error
    return np.unique(understood.to_numpy(), return_inverse=True)[1].astype(np.int64)


def _check_count(column: pd.Series, found: int, least: int, what: str) -> None:
    if found < least:
        raise ValueError(
            f"column '{column.name}' has {found} {what}; expected at least {least}: take fewer "
            "folds, or another column"
        )
