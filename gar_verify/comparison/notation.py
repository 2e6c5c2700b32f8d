"""Numbers as people write them: decimal signs, separators of thousands, units, minus signs.

A column is judged as a whole. What changes the size of a number, such as a comma that may separate
thousands, is never guessed: the readings that fit are found, each with the option that chooses it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

import pandas as pd

T = TypeVar("T")

THOUSANDS = {",": "commas", ".": "points", " ": "blanks", "'": "apostrophes"}
MOST_UNITS = 5
"""More different units than this are no units but parts of names."""
MANY = 8
"""So many different numbers among texts are a quantity, whatever is behind them."""

_BLANKS = str.maketrans(dict.fromkeys("\u00a0\u2007\u2009\u202f", " "))
_MINUS = re.compile("^[\u2012\u2013\u2212](?=\\D{0,4}\\d)")
_PARENTHESES = re.compile(r"\(([^()]*\d[^()]*)\)")
_CURRENCY = r"[A-Z]{0,3}[$€£¥₹₽₩₺₫฿₴₪]|(?:USD|EUR|GBP|CHF|JPY|CAD|AUD|INR|CNY)\b"
_QUANTITY = re.compile(
    rf"([-+]?)({_CURRENCY}|) ?([-+]?[.,]?\d(?:[\d.,' ]*\d)?[.,]?(?:[eE][-+]?\d+)?)"
    rf" ?({_CURRENCY}|\+|[^\s\d,.;:()'+/-][^\s,;:()]{{0,11}}|)"
)


class Reading(NamedTuple):
    """A way to read digits with signs among them."""

    point: str
    thousands: str | None = None

    @property
    def options(self) -> str:
        """How it is asked for."""
        if not self.thousands:
            return f"--decimal {self.point}"
        sign = f'"{self.thousands}"' if self.thousands in " '" else self.thousands
        decimal = "--decimal , " if self.point == "," and self.thousands != "." else ""
        return f"{decimal}--thousands {sign}"

    @property
    def says(self) -> str:
        """What the numbers have in them, read so."""
        if not self.thousands:
            return f"a decimal {'comma' if self.point == ',' else 'point'}"
        decimal = " and a decimal comma" if self.point == "," and self.thousands != "." else ""
        return f"{THOUSANDS[self.thousands]} between thousands{decimal}"

    def numbers(self, text: pd.Series, *, strict: bool = False) -> pd.Series:
        """Numbers as float64, NaN where the text is none; ``strict``: no thousands run together."""
        point, mark = re.escape(self.point), re.escape(self.thousands or "")
        whole = r"\d{1,3}" if strict else r"\d+"
        grouped = rf"[1-9]\d{{0,2}}(?:{mark}\d{{3}})+|" if mark else ""
        digits = rf"(?:{grouped}{whole})(?:{point}\d*)?|{point}\d+"
        number = re.compile(rf"[-+]?(?:(?:{digits})(?:[eE][-+]?\d+)?|inf|infinity)", re.IGNORECASE)

        def plain(value: str) -> str | None:
            if not number.fullmatch(value):
                return None
            return value.replace(self.thousands or "", "").replace(self.point, ".")

        return pd.to_numeric(each(text, plain), errors="coerce").astype("float64")


READINGS = (
    Reading("."),
    Reading(","),
    Reading(".", ","),
    Reading(",", "."),
    Reading(".", " "),
    Reading(",", " "),
    Reading(".", "'"),
)


@dataclass(frozen=True)
class Notation:
    """How the numbers of a table are written."""

    decimal: str | None = None
    """A point or a comma; default: a point, or a comma where points separate thousands."""
    thousands: str | None = None
    """What separates groups of three digits: one of `THOUSANDS`."""
    strip_units: bool = False
    """Whether the sign of a currency before numbers, or a unit behind them, is taken off."""
    missing: tuple[str, ...] = ()
    """Values that mean missing, as text."""

    def __post_init__(self) -> None:
        """Raise a ValueError for signs that numbers are not written with."""
        if self.decimal not in (None, ".", ","):
            raise ValueError(f"--decimal takes . or , and got {self.decimal!r}")
        if self.thousands not in (None, *THOUSANDS):
            raise ValueError(
                f"--thousands takes one of {', '.join(map(repr, THOUSANDS))} and got "
                f"{self.thousands!r}"
            )
        if self.thousands == self.reading.point:
            raise ValueError(
                f"--decimal and --thousands are both {self.thousands!r}; they must differ"
            )

    @property
    def reading(self) -> Reading:
        """The signs that count."""
        return Reading(self.decimal or ("," if self.thousands == "." else "."), self.thousands)


def each(text: pd.Series, function: Callable[[str], T]) -> pd.Series:
    """A function of every text, computed once for equal ones."""
    return text.map({value: function(value) for value in text.unique()})


def tidy(text: pd.Series) -> pd.Series:
    """Texts with plain blanks and minus signs; (5.00), as accountants write it, becomes -5.00."""
    return each(text, _tidy)


def in_parentheses(text: pd.Series) -> int:
    """How many numbers are written as accountants write negative ones."""
    return int(each(text, lambda value: bool(_PARENTHESES.fullmatch(value))).sum())


def without_units(text: pd.Series) -> tuple[pd.Series, pd.Series]:
    """Texts without what stands before and behind a number, and that; '' where nothing stood."""
    found = {value: _QUANTITY.fullmatch(value) for value in text.unique()}
    bare = {value: m[1] + m[3] if m else value for value, m in found.items()}
    units = {value: " ".join(filter(None, (m[2], m[4]))) if m else "" for value, m in found.items()}
    return text.map(bare), text.map(units)


def are_units(numbers: pd.Series, units: pd.Series) -> bool:
    """Whether what stands beside numbers is a unit, not the end of a name such as 1Fam.

    Args:
        numbers: (n,) NaN where a text holds none.
        units: (n,) as of `without_units`.
    """
    found = units[numbers.notna() & (units != "")]
    if found.empty:
        return False
    distinct = numbers[found.index].nunique()
    if found.nunique() == 1 and distinct > 1 and numbers.notna().mean() >= 0.9:
        return True
    return bool(
        distinct >= MANY and numbers.notna().mean() >= 0.5 and found.nunique() <= MOST_UNITS
    )


def best_readings(text: pd.Series, own: Reading) -> dict[Reading, pd.Series]:
    """The readings that make the most numbers of texts, `own` alone if it is among them.

    Of readings with the same numbers, one.
    """
    found = own.numbers(text)
    if found.notna().all():
        return {own: found}
    numbers = {own: found} | {reading: reading.numbers(text) for reading in READINGS}
    most = max(found.notna().sum() for found in numbers.values())
    best: dict[Reading, pd.Series] = {}
    for reading, found in numbers.items():
        same = any(found.equals(other) for other in best.values())
        if found.notna().sum() == most and not same:
            best[reading] = found
    return {own: best[own]} if own in best else best


def maybe_thousands(text: pd.Series) -> str | None:
    """A value such as '20.123' where every point of a column might separate thousands."""
    points = text[text.str.contains(".", regex=False)]
    for some in (points.head(1), text):
        if points.empty or Reading(",", ".").numbers(some, strict=True).isna().any():
            return None
    return str(points.iloc[0])


def listed_units(units: pd.Series) -> list[str]:
    """Units, the most frequent first."""
    return [unit for unit, _ in Counter(units[units != ""]).most_common()]


def _tidy(value: str) -> str:
    value = _PARENTHESES.sub(r"-\1", value) if _PARENTHESES.fullmatch(value) else value
    return _MINUS.sub("-", value.translate(_BLANKS))
