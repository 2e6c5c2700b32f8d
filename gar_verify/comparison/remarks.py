"""What a reader should know of numbers that were read: they are used as they are."""

from __future__ import annotations

import re
import shlex

import numpy as np
import pandas as pd

from gar_verify.comparison import dates

EXPECTED_REPEATS = 5
"""Whole numbers, none twice, name rows where at random so many pairs would be alike."""

CARRIED = 0.9
"""Share of the variance that a hundredth of the values must carry to be called outlying."""

FEW = 3
"""A target with so few whole numbers may be classes."""

_NINES = re.compile("9{2,}|8{2,}")
_NAMES_ROWS = re.compile(
    r"(?:.*[ _.-])?(?:id|index|row|uuid|key)|.*(?-i:[a-z](?:Id|ID))", re.IGNORECASE
)


def of_feature(column: pd.Series, name: str) -> list[str]:
    """Sentences on a column of numbers, NaN where missing."""
    present = column.dropna()
    drop = f"--drop {shlex.quote(name)}"
    notes = _sentinels(present, f"column '{name}'")
    if names_rows(column, name):
        notes.append(
            f"column '{name}' numbers the rows; if it means nothing, leave it out ({drop})"
        )
    elif dates.are_written_as_numbers(present):
        notes.append(
            f"column '{name}' looks like dates written as numbers ({present.iloc[0]:.0f}), whose "
            f"distances mean little; leave it out ({drop}), or turn it into days since the first"
        )
    return notes


def of_target(column: pd.Series, name: str) -> list[str]:
    """Sentences on a target, NaN where missing."""
    present = column.dropna()
    where = f"target '{name}'"
    return [*_sentinels(present, where), *_outlying(present, where), *_classes(present, where)]


def names_rows(column: pd.Series, name: str) -> bool:
    """Whether a column of numbers is one of row numbers or identifiers, in any order."""
    present = column.dropna().to_numpy()
    if len(present) < 2 or (present % 1).any() or len(np.unique(present)) < len(present):
        return False
    span = float(np.ptp(present)) + 1
    by_chance = len(present) * (len(present) - 1) / (2 * span)
    return by_chance > EXPECTED_REPEATS or bool(_NAMES_ROWS.fullmatch(name.strip()))


def _sentinels(present: pd.Series, where: str) -> list[str]:
    """Repeated whole numbers at an end that stand apart, such as -200 and 9999."""
    values = np.sort(present.unique())
    if len(values) < 4:
        return []
    notes = []
    for end, rest in ((values[0], values[1:]), (values[-1], values[:-1])):
        count = int((present == end).sum())
        apart = np.abs(rest - end).min() > np.ptp(rest)
        below = end < 0 and (apart or rest.min() >= 0)
        if count > 1 and end % 1 == 0 and (below or (apart and _NINES.fullmatch(f"{end:.0f}"))):
            notes.append(
                f"{where} holds {end:.12g} in {count:,} rows, apart from all other values "
                f"({rest.min():.6g} to {rest.max():.6g}); if it means missing: --na {end:.12g}"
            )
    return notes


def _outlying(present: pd.Series, where: str) -> list[str]:
    """The few values, if there are some, that make nearly all of the variance."""
    squares = ((present - present.median()) ** 2).sort_values(ascending=False)
    most = max(1, len(present) // 100)
    shares = squares.iloc[:most].cumsum() / squares.sum()
    if len(present) < 20 or shares.iloc[-1] < CARRIED:
        return []
    count = int((shares < CARRIED).sum()) + 1
    row = squares.index[0]
    return [
        f"{where}: {count:,} of {len(present):,} values ({present[row]:.6g} in row {row}"
        f"{' and others' * (count > 1)}) make {100 * shares.iloc[count - 1]:.4g} % of its "
        "variance, and with it the scale that is trained on; correct such values, or leave them "
        "empty"
    ]


def _classes(present: pd.Series, where: str) -> list[str]:
    values = np.sort(present.unique())
    if len(values) > FEW or (values % 1).any():
        return []
    shown = ", ".join(f"{value:.12g}" for value in values)
    return [
        f"{where} holds {len(values)} different whole numbers only ({shown}); if they are classes, "
        "this is a classification, and their distances mean nothing"
    ]
