"""Rows that occur twice, and columns that tell which rows belong together."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence

import pandas as pd

from gar_verify.comparison.remarks import names_rows

LEAST_SUBJECTS = 5
"""Fewer different values are levels, not subjects."""

MANY_TEXTS = 20
"""More different texts that repeat are names, whatever the column is called."""

_SUBJECT = re.compile(
    r"(?:.*[ _.#-])?(?:subjects?|patients?|participants?|person|people|user|customer|client|animal"
    r"|country|state|city|town|county|station|site|school|hospital|clinic|household|family"
    r"|batch|session|store|shop|sensor|device|machine|player|id|iso3?)"
    r"(?:[ _.#-]*(?:id|no|nr|nbr|name|number|code|\d+))?[ _.#-]*|.*(?-i:[a-z](?:Id|ID))",
    re.IGNORECASE,
)


def that_differ(features: pd.DataFrame) -> pd.DataFrame:
    """The columns in which rows that are copies are equal: all but those that number the rows."""
    return features.loc[
        :, [not _numbers_rows(values, str(name)) for name, values in features.items()]
    ]


def subjects(features: pd.DataFrame) -> tuple[str, ...]:
    """Columns with names of subjects, each in several rows: by what they are called and hold."""
    return tuple(str(name) for name in features if _repeats(features[name], str(name)))


def notes(features: pd.DataFrame, names: Sequence[str]) -> list[str]:
    """What a reader should know of such columns, a sentence for each."""
    return [
        f"column '{name}' has {features[name].nunique():,} values in {len(features):,} rows, as if "
        "rows belonged to subjects. Rows of one subject resemble one another, and what is learned "
        f"of it in training helps in the test: --group {shlex.quote(name)} keeps them together"
        for name in names
    ]


def _repeats(column: pd.Series, name: str) -> bool:
    present = column.dropna()
    distinct = present.nunique()
    if not LEAST_SUBJECTS <= distinct <= len(present) / 2:
        return False
    if pd.api.types.is_float_dtype(column.dtype):
        return bool(_SUBJECT.fullmatch(name.strip())) and not (present % 1).any()
    return distinct > MANY_TEXTS or bool(_SUBJECT.fullmatch(name.strip()))


def _numbers_rows(column: pd.Series, name: str) -> bool:
    return pd.api.types.is_float_dtype(column.dtype) and names_rows(column, name)
