"""What the columns of a table are: numbers, categories, or nothing that can be learned from.

Text that reads as numbers is numbers. What reads in two ways, dates, infinities and mixtures of
numbers and text are refused, with the columns and what to do; columns without information are left
out, with a note.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from gar_verify.comparison import dates, levels, refusals, remarks
from gar_verify.comparison.notation import Notation
from gar_verify.comparison.refusals import Unread
from gar_verify.comparison.texts import numbers_in
from gar_verify.integrations.regressor import check_size

MAX_LEVELS = 20
"""Levels of a category that are told apart; the rarest of more share one column."""

IDENTIFIER = 0.5
"""Different texts over rows above which a column names its rows and is left out."""


@dataclass(frozen=True, eq=False)
class Features:
    """Columns to learn from."""

    frame: pd.DataFrame
    """Numbers as float64; categories as text, None where missing."""
    numeric: list[str]
    categorical: list[str]
    notes: list[str] = field(default_factory=list)
    """What was left out and why, in sentences."""


@dataclass(frozen=True, eq=False)
class Column:
    """A column as it was understood."""

    values: pd.Series
    """Numbers as float64, or categories as text, None where missing."""
    notes: list[str] = field(default_factory=list)

    @property
    def is_numbers(self) -> bool:
        """Whether it holds numbers."""
        return pd.api.types.is_float_dtype(self.values.dtype)


def features_of(
    frame: pd.DataFrame, categories: Sequence[str] = (), written: Notation | None = None
) -> Features:
    """Sort the columns of a table.

    Args:
        frame: (n, F), named columns of any type.
        categories: columns to take as categories even if they hold numbers.
        written: how numbers are written in texts.

    Raises:
        ValueError: for dates, infinities, mixtures, numbers that read in two ways, values that are
            no scalars, names that occur twice, or if nothing is left to learn from. It names all
            such columns.
    """
    names = [str(name) for name in frame.columns]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"several columns are called '{twice[0]}'; give each a name of its own")
    kept: dict[str, Column] = {}
    notes: list[str] = []
    found = _all_understood(frame.set_axis(names, axis=1), categories, written or Notation())
    for name, column in found.items():
        reason = _useless(column)
        if reason:
            notes.append(f"column '{name}' is left out: {reason}")
            continue
        kept[name] = column
        notes += [*column.notes, *_remarks(column, name)]
    if not kept:
        raise ValueError(
            "there is nothing to learn from: no feature is left"
            + "".join(f"; {note}" for note in notes)
        )
    numeric = [name for name, column in kept.items() if column.is_numbers]
    return Features(
        pd.DataFrame({name: column.values for name, column in kept.items()}, index=frame.index),
        numeric,
        [name for name in kept if name not in numeric],
        notes,
    )


def target_of(values: pd.Series, name: str, written: Notation | None = None) -> Column:
    """A target as numbers (n,), NaN where it is missing.

    Raises:
        ValueError: if it is text, dates, true and false, mixed, infinite, missing everywhere or
            constant, or reads in two ways.
    """
    if pd.api.types.is_bool_dtype(values.dtype):
        raise ValueError(
            f"target '{name}' holds true and false, which is a classification; a regression needs "
            "numbers as its target"
        )
    column = numbers_of(values, f"target '{name}'", written)
    check_varies(column.values, name)
    return column


def check_varies(target: pd.Series, name: str) -> None:
    """Raise a ValueError if a target has one value, or none."""
    present = target.dropna()
    if present.empty:
        raise ValueError(f"target '{name}' has no value at all")
    if present.nunique() == 1:
        raise ValueError(
            f"target '{name}' is constant ({present.iloc[0]:g}); there is nothing to predict"
        )


def numbers_of(values: pd.Series, where: str, written: Notation | None = None) -> Column:
    """A column that must hold numbers; ``where`` is its role and name, such as "target 'y'".

    Raises:
        ValueError: if it holds anything else.
    """
    column = _understood(values, where, written or Notation())
    if not column.is_numbers:
        shown = ", ".join(repr(level) for level in column.values.dropna().unique()[:3])
        what = where.partition(" ")[0]
        raise ValueError(f"{where} holds text ({shown}); a regression needs numbers as its {what}")
    return column


def _all_understood(
    frame: pd.DataFrame, categories: Sequence[str], written: Notation
) -> dict[str, Column]:
    """Every column, or one error for all that cannot be read."""
    found: dict[str, Column] = {}
    errors: list[ValueError] = []
    for name, values in frame.items():
        where = f"column '{name}'"
        try:
            if name in categories:
                found[str(name)] = _category(values, where)
            else:
                found[str(name)] = _understood(values, where, written)
        except ValueError as error:
            errors.append(error)
    if errors:
        raise refusals.joined(errors)
    return found


def _understood(values: pd.Series, where: str, written: Notation) -> Column:
    kind = values.dtype
    if isinstance(kind, pd.CategoricalDtype) or pd.api.types.is_bool_dtype(kind):
        return _category(values, where)
    if dates.hold_dates(values):
        raise _dates(where, str(values.dropna().iloc[0]))
    if kind.kind == "c":
        raise ValueError(f"{where} holds complex numbers; expected real ones")
    if pd.api.types.is_numeric_dtype(kind):
        return Column(_finite(values.astype("float64"), where))
    return _from_text(values, where, written)


def _from_text(values: pd.Series, where: str, written: Notation) -> Column:
    if pd.api.types.is_object_dtype(values.dtype):
        _check_scalars(values, where)
    text = levels.trimmed(values).dropna()
    date = dates.one_of_dates(text) if pd.to_numeric(text, errors="coerce").isna().any() else None
    if date:
        raise _dates(where, date)
    numbers, notes = numbers_in(text, where, written)
    if numbers is None:
        category = _category(values, where)
        return Column(category.values, [*notes, *category.notes])
    return Column(_finite(numbers.reindex(values.index), where), notes)


def _check_scalars(values: pd.Series, where: str) -> None:
    for value in values.dropna():
        if isinstance(value, (list, dict, set, np.ndarray)):
            raise ValueError(f"{where} holds a {type(value).__name__} in a cell; expected scalars")


def _category(values: pd.Series, where: str) -> Column:
    text, merged = levels.one_spelling(levels.trimmed(values))
    notes = [f"levels {spellings} of {where} are taken as one" for spellings in merged[:3]]
    if len(merged) > 3:
        notes.append(f"{len(merged) - 3:,} more levels of {where} were spelled in several ways")
    return Column(text, notes)


def _finite(numbers: pd.Series, where: str) -> pd.Series:
    infinite = np.isinf(numbers.to_numpy())
    if infinite.any():
        raise ValueError(
            f"{where} holds {infinite.sum():,} infinite values, first in row "
            f"{numbers.index[infinite][0]}; correct them, or leave them empty where they mean "
            "missing"
        )
    check_size(where, numbers.abs().max())
    return numbers


def _dates(where: str, example: str) -> Unread:
    if where.startswith("target"):
        return Unread(where, "dates", example, "; a regression needs numbers")
    return Unread(
        where,
        "dates or times",
        example,
        ", which are not learned from: leave out what holds them ({drop}), turn them into numbers "
        "first, such as days since the first, or let one split the rows (--time)",
    )


def _useless(column: Column) -> str:
    """Why nothing can be learned from a column, or nothing."""
    present = column.values.dropna()
    if present.empty:
        return "it has no value at all"
    distinct = present.nunique()
    if distinct == 1 and len(present) == len(column.values):
        return f"it is constant ({levels.trimmed(present).iloc[0]})"
    if not column.is_numbers and distinct > MAX_LEVELS and distinct > IDENTIFIER * len(present):
        return (
            f"it has {distinct:,} different texts in {len(present):,} rows, so it names rows or is "
            "free text"
        )
    return ""


def _remarks(column: Column, name: str) -> list[str]:
    """What a reader should know of a column that is used."""
    if column.is_numbers:
        return remarks.of_feature(column.values, name)
    distinct = column.values.nunique()
    if distinct <= MAX_LEVELS:
        return []
    return [
        f"column '{name}' has {distinct:,} levels; the {MAX_LEVELS - 1} most frequent are told "
        "apart, the others are one"
    ]
