"""A table as it was understood: what to learn from, what to predict, and what is to be known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gar_verify.comparison import levels, notation, remarks, repeats
from gar_verify.comparison.columns import Features, check_varies, features_of, numbers_of, target_of
from gar_verify.comparison.notation import Notation


@dataclass(frozen=True, eq=False)
class Table:
    """Rows with a target, in their order; of several, a row may lack some."""

    features: Features
    truth: pd.DataFrame
    """Targets (n, T) as float64, NaN where one is missing."""
    rows: pd.Index
    """What the rows are called."""
    present: NDArray[np.bool_]
    """Which rows of the table as it was given these are."""
    weights: NDArray[np.float64] | None
    """(n,) of the rows, or none."""
    subjects: tuple[str, ...]
    """Columns of the features whose values repeat like names of subjects."""
    notes: tuple[str, ...]
    """What was left out or changed, and what is strange, in sentences."""


def understood(
    features: pd.DataFrame,
    targets: pd.DataFrame,
    rows: pd.Index,
    *,
    categories: Sequence[str] = (),
    written: Notation | None = None,
    weights: pd.Series | None = None,
    log_target: bool = False,
    suggests_groups: bool = True,
) -> Table:
    """Understand the columns of a table, and leave rows without a target out.

    Args:
        features: (n, F), of any type.
        targets: (n, T), to predict.
        rows: (n,) what the rows are called.
        categories: features to take as categories even if they hold numbers.
        written: how numbers are written, and what means missing.
        weights: (n,) of the rows.
        log_target: whether the logarithm of the targets will be taken.
        suggests_groups: whether columns that repeat like subjects are pointed out.

    Raises:
        ValueError: for columns that cannot be used as what they are named as.
    """
    written = written or Notation()
    features, targets, notes = _with_missing(features, targets, written)
    columns = {str(name): target_of(targets[name], str(name), written) for name in targets.columns}
    truth = pd.DataFrame({name: column.values for name, column in columns.items()})
    present = truth.notna().any(axis=1).to_numpy()
    truth = truth[present]
    notes += _missing_targets(truth, present)
    for name, column in columns.items():
        check_varies(truth[name], name)  # constant, perhaps, now that rows are left out
        if log_target:
            _check_positive(truth[name], name)
        notes += [*column.notes, *remarks.of_target(truth[name], name)]
    checked = None if weights is None else weights_of(weights[present], written)
    if log_target:
        notes.append("the logarithm of the target is learned; scores are of the target itself")
    found = features_of(features[present], categories, written)
    subjects = repeats.subjects(found.frame)
    notes += [*found.notes, *(repeats.notes(found.frame, subjects) if suggests_groups else ())]
    return Table(found, truth, rows[present], present, checked, subjects, tuple(notes))


def weights_of(values: pd.Series, written: Notation | None = None) -> NDArray[np.float64]:
    """Weights (n,) of rows that have a target.

    Raises:
        ValueError: for weights that are missing, negative, no finite numbers, or all zero.
    """
    where = f"weight '{values.name}'"
    weights = numbers_of(values, where, written).values
    for bad, what in ((weights.isna(), "is missing"), (weights < 0, "is negative")):
        if bad.any():
            raise ValueError(
                f"{where} {what} in {bad.sum():,} rows, first in row {weights.index[bad][0]}; "
                "expected a number from 0 in every row with a target"
            )
    if not weights.any():
        raise ValueError(f"{where} is 0 in every row; expected some above 0")
    return weights.to_numpy(dtype=np.float64)


def _with_missing(
    features: pd.DataFrame, targets: pd.DataFrame, written: Notation
) -> tuple[pd.DataFrame, pd.DataFrame, list[str]]:
    """The tables without the values that mean missing, and how many there were of each."""
    notes = []
    for value in written.missing:
        in_features = features.apply(_are, args=(value, written))
        in_targets = targets.apply(_are, args=(value, written))
        count = int(in_features.to_numpy().sum() + in_targets.to_numpy().sum())
        columns = int(in_features.any().sum() + in_targets.any().sum())
        notes.append(
            f"{count:,} values {value} in {columns:,} columns are taken as missing (--na)"
            if count
            else f"no value is {value}, which was to mean missing (--na)"
        )
        features, targets = features.mask(in_features), targets.mask(in_targets)
    return features, targets, notes


def _are(values: pd.Series, value: str, written: Notation) -> pd.Series:
    """Which values are a given one, as text or as a number."""
    text = levels.trimmed(values).fillna("")
    number = pd.to_numeric(value, errors="coerce")
    return (text == value) | (written.reading.numbers(notation.tidy(text)) == number)


def _check_positive(target: pd.Series, name: str) -> None:
    low = target <= 0
    if low.any():
        raise ValueError(
            f"target '{name}' has {low.sum():,} values that are not above 0, first "
            f"{target[low].iloc[0]:g} in row {target.index[low][0]}; --log-target needs positive "
            "ones"
        )


def _missing_targets(truth: pd.DataFrame, present: NDArray[np.bool_]) -> list[str]:
    gone, gaps = int((~present).sum()), truth.isna().sum()
    found = [f"{gone:,} of {len(present):,} rows have no target and are left out"] if gone else []
    return found + [
        f"{count:,} of {len(truth):,} rows lack the target '{name}'; they count for the others"
        for name, count in gaps.items()
        if count
    ]
