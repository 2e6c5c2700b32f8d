"""What the columns of a table are: numbers, categories, or nothing that can be learned from.

Text that reads as numbers is numbers. Dates, infinities and mixtures of numbers and text are
refused, with the column and what to do; columns without information are left out, with a note.
"""

from __future__ import annotations

import calendar
import datetime
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gar_verify.integrations.regressor import check_size

MAX_LEVELS = 20
"""Levels of a category that are told apart; the rarest of more share one column."""

IDENTIFIER = 0.5
"""Different texts over rows above which a column names its rows and is left out."""

_MONTHS = "|".join((*calendar.month_name[1:], *calendar.month_abbr[1:], "Sept"))
_DATE = re.compile(
    r"\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4}|\d{1,2}:\d{2}"
    rf"|\d{{1,2}}\.?[- ]?({_MONTHS})[-.,\s]+\d{{2,4}}"
    rf"|({_MONTHS})[-.\s]+\d{{1,2}}(st|nd|rd|th)?[-,\s]+\d{{2,4}}",
    re.IGNORECASE,
)
_DECIMAL_COMMA = re.compile(r"[-+]?\d+,\d+$")


@dataclass(frozen=True, eq=False)
class Features:
    """Columns to learn from."""

    frame: pd.DataFrame
    """Numbers as float64; categories as text, None where missing."""
    numeric: list[str]
    categorical: list[str]
    notes: list[str] = field(default_factory=list)
    """What was left out and why, in sentences."""


def features_of(frame: pd.DataFrame, categories: Sequence[str] = ()) -> Features:
    """Sort the columns of a table.

    Args:
        frame: (n, F), named columns of any type.
        categories: columns to take as categories even if they hold numbers.

    Raises:
        ValueError: for dates, infinities, mixtures, values that are no scalars, names that occur
            twice, or if nothing is left to learn from.
    """
    names = [str(name) for name in frame.columns]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"several columns are called '{twice[0]}'; give each a name of its own")
    columns: dict[str, pd.Series] = {}
    notes: list[str] = []
    for name, (_, values) in zip(names, frame.items(), strict=True):
        column = _category(values) if name in categories else _understood(values, name)
        reason = _useless(column)
        if reason:
            notes.append(f"column '{name}' is left out: {reason}")
            continue
        columns[name] = column
        notes += _remarks(column, name)
    if not columns:
        raise ValueError(
            "there is nothing to learn from: no feature is left"
            + "".join(f"; {note}" for note in notes)
        )
    cleaned = pd.DataFrame(columns, index=frame.index)
    numeric = [name for name in columns if _is_numbers(cleaned[name])]
    return Features(cleaned, numeric, [name for name in columns if name not in numeric], notes)


def target_of(values: pd.Series, name: str) -> NDArray[np.float64]:
    """A target as numbers (n,), NaN where it is missing.

    Raises:
        ValueError: if it is text, dates, true and false, mixed, infinite, missing everywhere or
            constant.
    """
    if pd.api.types.is_bool_dtype(values.dtype):
        raise ValueError(
            f"target '{name}' holds true and false, which is a classification; a regression needs "
            "numbers as its target"
        )
    column = _understood(values, name, "target")
    if not _is_numbers(column):
        shown = ", ".join(repr(level) for level in column.dropna().unique()[:3])
        raise ValueError(
            f"target '{name}' holds text ({shown}); a regression needs numbers as its target"
        )
    present = column.dropna()
    if present.empty:
        raise ValueError(f"target '{name}' has no value at all")
    if present.nunique() == 1:
        raise ValueError(
            f"target '{name}' is constant ({present.iloc[0]:g}); there is nothing to predict"
        )
    return column.to_numpy(dtype=np.float64)


def _understood(values: pd.Series, name: str, what: str = "column") -> pd.Series:
    """Numbers as float64 or categories as text, None where missing."""
    where = f"{what} '{name}'"
    kind = values.dtype
    if isinstance(kind, pd.CategoricalDtype) or pd.api.types.is_bool_dtype(kind):
        return _category(values)
    if pd.api.types.is_datetime64_any_dtype(kind) or kind.kind in "mM" or _holds_dates(values):
        raise ValueError(_date(where, values))
    if kind.kind == "c":
        raise ValueError(f"{where} holds complex numbers; expected real ones")
    if pd.api.types.is_numeric_dtype(kind):
        return _finite(values.astype("float64"), where)
    return _from_text(values, where)


def _from_text(values: pd.Series, where: str) -> pd.Series:
    text = _category(values)
    present = text.dropna()
    strange = next(
        (v for v in values.dropna() if isinstance(v, (list, dict, set, np.ndarray))), None
    )
    if strange is not None:
        raise ValueError(f"{where} holds a {type(strange).__name__} in a cell; expected scalars")
    if len(present) and present.map(lambda s: bool(_DATE.match(s))).all():
        raise ValueError(_date(where, present))
    if len(present) and present.map(lambda s: bool(_DECIMAL_COMMA.match(s))).all():
        raise ValueError(
            f"{where} holds numbers with a decimal comma ({present.iloc[0]!r}); write them with a "
            "point"
        )
    numbers = pd.to_numeric(present, errors="coerce").astype("float64")
    if numbers.notna().all():
        return _finite(numbers.reindex(values.index), where)
    if numbers.notna().mean() >= 0.5:
        odd = present[numbers.isna()]
        shown = ", ".join(repr(v) for v in odd.unique()[:3])
        raise ValueError(
            f"{where} mixes numbers and text: {len(odd):,} of {len(present):,} values are no "
            f"numbers ({shown}, first in row {odd.index[0]}). Correct them, leave them empty where "
            "they mean missing, or take the column as categories"
        )
    return text


def _category(values: pd.Series) -> pd.Series:
    """Levels as trimmed text, None where missing or empty."""
    present = values.dropna()
    text = present.map(_level).astype(object)
    return text[text != ""].reindex(values.index).astype(object).where(lambda s: s.notna(), None)


def _level(value: object) -> str:
    """The text of a level; 2.0 and 2 are the same."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip()


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


def _holds_dates(values: pd.Series) -> bool:
    if isinstance(values.dtype, pd.PeriodDtype):
        return True
    dates = (datetime.date, datetime.time, datetime.timedelta)
    return values.dtype == object and any(isinstance(value, dates) for value in values.dropna())


def _date(where: str, values: pd.Series) -> str:
    if where.startswith("target"):
        return f"{where} holds dates ({values.dropna().iloc[0]}); a regression needs numbers"
    return (
        f"{where} holds dates or times ({values.dropna().iloc[0]}), which are not understood here: "
        "leave it out (--drop), or turn it into numbers first, such as days since the first"
    )


def _useless(column: pd.Series) -> str:
    """Why nothing can be learned from a column, or nothing."""
    present = column.dropna()
    if present.empty:
        return "it has no value at all"
    levels = present.nunique()
    if levels == 1 and len(present) == len(column):
        return f"it is constant ({_level(present.iloc[0])})"
    if not _is_numbers(column) and levels > MAX_LEVELS and levels > IDENTIFIER * len(present):
        return (
            f"it has {levels:,} different texts in {len(present):,} rows, so it names rows or is "
            "free text"
        )
    return ""


def _remarks(column: pd.Series, name: str) -> list[str]:
    """What a reader should know of a column that is used."""
    present = column.dropna()
    if not _is_numbers(column):
        levels = present.nunique()
        if levels > MAX_LEVELS:
            return [
                f"column '{name}' has {levels:,} levels; the {MAX_LEVELS - 1} most frequent are "
                "told apart, the others are one"
            ]
        return []
    steps = np.diff(column.to_numpy())
    if len(steps) > 1 and (steps == 1).all():
        return [f"column '{name}' numbers the rows; if it means nothing, leave it out (--drop)"]
    return []


def _is_numbers(column: pd.Series) -> bool:
    return pd.api.types.is_float_dtype(column.dtype)
