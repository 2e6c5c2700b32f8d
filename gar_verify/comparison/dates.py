"""Which texts and values are dates or times."""

from __future__ import annotations

import calendar
import datetime
import re

import pandas as pd

_MONTHS = "|".join((*calendar.month_name[1:], *calendar.month_abbr[1:], "Sept"))
_DATE = re.compile(
    r"\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4}|\d{1,2}:\d{2}|\d{8}T\d{4}"
    rf"|\d{{1,2}}\.?[- ]?({_MONTHS})[-.,\s]+\d{{2,4}}"
    rf"|({_MONTHS})[-.\s]+\d{{1,2}}(st|nd|rd|th)?[-,\s]+\d{{2,4}}",
    re.IGNORECASE,
)
_MONTH = re.compile(
    r"(1[5-9]|20)\d\d([-/](0?[1-9]|1[0-2])|[- ]?[MQ]\d{1,2})|(0?[1-9]|1[0-2])/(1[5-9]|20)\d\d"
    rf"|({_MONTHS})[-.,/ ]+(\d{{2}}|\d{{4}})|(\d{{2}}|\d{{4}})[-/ ]({_MONTHS})"
    r"|Q[1-4][-/ ]?(\d{2}|\d{4})",
    re.IGNORECASE,
)


def one_of_dates(text: pd.Series) -> str | None:
    """A date, month, quarter or time, if at least half of texts, none missing, are such."""
    counts = text.value_counts()
    dates = [value for value in counts.index if _DATE.match(value) or _MONTH.fullmatch(value)]
    if not dates or counts[dates].sum() < len(text) / 2:
        return None
    return str(text[text.isin(dates)].iloc[0])


def hold_dates(values: pd.Series) -> bool:
    """Whether values of any type are of a type of dates or times."""
    kind = values.dtype
    if pd.api.types.is_datetime64_any_dtype(kind) or kind.kind in "mM":
        return True
    if isinstance(kind, pd.PeriodDtype):
        return True
    if not pd.api.types.is_object_dtype(kind):
        return False
    types = (datetime.date, datetime.time, datetime.timedelta)
    return any(isinstance(value, types) for value in values.dropna())


def are_written_as_numbers(numbers: pd.Series) -> bool:
    """Whether all numbers, none missing, are days such as 20141013."""
    if numbers.empty or not numbers.between(19_000_101, 20_991_231).all():
        return False
    text = numbers.map("{:.0f}".format)
    return bool(pd.to_datetime(text, format="%Y%m%d", errors="coerce").notna().all())
