"""Levels of categories: one spelling for each."""

from __future__ import annotations

import re
from collections import Counter

import pandas as pd

_WHOLE = re.compile(r"([-+]?\d+)\.0+")


def trimmed(values: pd.Series) -> pd.Series:
    """Levels as text without blanks around, None where missing or empty; 2.0 and 2 are the same."""
    text = values.dropna().map(_text).astype(object)
    return _with_none(text[text != ""].reindex(values.index))


def one_spelling(text: pd.Series) -> tuple[pd.Series, list[str]]:
    """Texts in which levels that differ in case or blanks alone are one, as most often written.

    Returns:
        The texts, and the spellings that became one, such as "'male' and 'Male'".
    """
    spellings: dict[str, list[str]] = {}
    for level, _ in Counter(text.dropna()).most_common():
        spellings.setdefault(_key(level), []).append(level)
    several = [levels for levels in spellings.values() if len(levels) > 1]
    to_first = {level: levels[0] for levels in several for level in levels[1:]}
    joined = [" and ".join(map(repr, levels)) for levels in several]
    return _with_none(text.map(lambda level: to_first.get(level, level))), joined


def _with_none(text: pd.Series) -> pd.Series:
    return text.astype(object).where(lambda s: s.notna(), None)


def _text(value: object) -> str:
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip()


def _key(level: str) -> str:
    return _WHOLE.sub(r"\1", " ".join(level.split()).casefold())
