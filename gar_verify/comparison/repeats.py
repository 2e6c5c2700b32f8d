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


def repeated_rows(features: pd.DataFrame, targets: pd.DataFrame) -> int:
    """How many rows are equal to an earlier one in everything but columns that number the rows."""
    kept = [name for name in features.columns if not _numbers_rows(features[name], str(name))]
    both = pd.concat([features[kept], targets], axis=1, keys=["feature", "target"])
    return int(both.duplicated().sum())


def subjects(features: pd.DataFrame) -> list[str]:
    """Columns with names of subjects, each in several rows: by what they are called and hold."""
    return [str(name) for name in features.columns if _repeats(features[name], str(name))]


def notes(features: pd.DataFrame, duplicates: int, repeating: Sequence[str]) -> list[str]:
    """What a reader should know of them, in sentences."""
    total = len(features)
    found = []
    if duplicates:
        found.append(
            f"{duplicates:,} of {total:,} rows are exact copies of an earlier one, features and "
            "target; a copy of what is tested on may be trained on"
        )
    for name in repeating:
        found.append(
            f"column '{name}' has {features[name].nunique():,} values in {total:,} rows, as if "
            "rows belonged to subjects. Rows of one subject resemble one another, and what is "
            f"learned of it in training helps in the test: --group {shlex.quote(name)} keeps them "
            "together"
        )
    return found


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
