"""Numbers in a column of texts: read, or refused with the option that reads them."""

from __future__ import annotations

import shlex

import pandas as pd

from gar_verify.comparison import notation
from gar_verify.comparison.notation import Notation, Reading
from gar_verify.comparison.refusals import Unread

MIXED = 0.1
"""Numbers over values from which a column of many numbers and texts is refused as a mixture."""


def numbers_in(
    text: pd.Series, where: str, written: Notation
) -> tuple[pd.Series | None, list[str]]:
    """Numbers (n,) in texts (n,), none missing, and notes; None where the texts are categories.

    Raises:
        ValueError: for numbers with units or with signs that options must explain, and mixtures
            of numbers and texts.
    """
    if written.reading == Reading("."):
        numbers = pd.to_numeric(text, errors="coerce").astype("float64")
        if numbers.notna().all():
            return numbers, _points(text, where, written)
    tidied = notation.tidy(text)
    bare, units, readings = _without_units(tidied, written.reading)
    numbers = next(iter(readings.values()))
    share = numbers.notna().mean() if len(text) else 1.0
    if share < (0.5 if numbers.nunique() < notation.MANY else MIXED):
        return None, _some_numbers(text[numbers.notna()], len(text), where)
    units = units[numbers.notna()]
    notes = _points_where_commas_were_expected(where, readings, written)
    if not notes:
        _check_options(where, text, readings, units, written)
    _check_pure(where, text[numbers.isna()], len(text))
    notes += _signs(where, text, written)
    if (units != "").any():
        notes.append(f"{where} is read without its unit '{units[units != ''].iloc[0]}'")
    notes += _points(bare, where, written)
    return numbers, notes


def _without_units(
    tidied: pd.Series, own: Reading
) -> tuple[pd.Series, pd.Series, dict[Reading, pd.Series]]:
    """Texts without units, if they have some, the units, and the readings that fit best."""
    readings = notation.best_readings(tidied, own)
    none = pd.Series("", index=tidied.index)
    if next(iter(readings.values())).notna().all():
        return tidied, none, readings
    bare, units = notation.without_units(tidied)
    of_bare = notation.best_readings(bare, own)
    if notation.are_units(next(iter(of_bare.values())), units):
        return bare, units, of_bare
    return tidied, none, readings


def _check_options(
    where: str,
    text: pd.Series,
    readings: dict[Reading, pd.Series],
    units: pd.Series,
    written: Notation,
) -> None:
    """Refuse units, and signs of numbers, that no option explains."""
    with_unit = units[units != ""]
    if with_unit.nunique() > 1:
        names = ", ".join(repr(unit) for unit in notation.listed_units(with_unit)[:4])
        raise Unread(
            where, "numbers with several units", names, "; write all in one, or take {category}"
        )
    strip = bool(len(with_unit)) and not written.strip_units
    own = written.reading
    if own in readings and not strip:
        return
    ways = {
        " ".join(["--strip-units"] * strip + [reading.options] * (reading != own)): found
        for reading, found in readings.items()
    }
    differ = pd.DataFrame(ways).nunique(axis=1) > 1
    if own in readings:
        differ = differ | (units.reindex(text.index, fill_value="") != "")
    elif not differ.any():
        differ = own.numbers(text).isna() & next(iter(readings.values())).notna()
    row = text.index[differ][0]
    read = [f"{option} reads as {found[row]:.12g}" for option, found in ways.items()]
    says = ["a sign or unit"] * strip
    if len(readings) == 1:
        says += [reading.says for reading in readings if reading != own]
        holds = f"numbers with {' and '.join(says)}"
    else:
        count = "two" if len(ways) == 2 else "several"
        holds = f"numbers{' with a sign or unit' * strip} that read in {count} ways"
    raise Unread(where, holds, f"{text[row]!r}, which {' and '.join(read)}")


def _points_where_commas_were_expected(
    where: str, readings: dict[Reading, pd.Series], written: Notation
) -> list[str]:
    """A note where decimal commas are asked for and a column only reads with points, as 0.5."""
    if written.reading.point == "," and list(readings) == [Reading(".")]:
        return [f"{where} is written with a decimal point, not a comma, and read so"]
    return []


def _points(text: pd.Series, where: str, written: Notation) -> list[str]:
    """A note on numbers like 20.123, where nobody said how they are written."""
    example = None if written.decimal or written.thousands else notation.maybe_thousands(text)
    if not example:
        return []
    return [
        f"{where} is read with a decimal point ({example!r}); if its points separate thousands: "
        "--thousands ."
    ]


def _check_pure(where: str, odd: pd.Series, total: int) -> None:
    """Refuse texts among numbers."""
    if odd.empty:
        return
    distinct = odd.unique()
    shown = ", ".join(repr(value) for value in distinct[:3])
    what, _, quoted = where.partition(" ")
    missing = " ".join(f"--na {shlex.quote(value)}" for value in distinct[:3])
    ways = ["Correct them"]
    if len(distinct) <= 3 and len(odd) < total / 2:
        ways.append(f"say that they mean missing ({missing})")
    else:
        ways.append("leave them empty where they mean missing")
    if what == "column":
        ways.append(f"take the column as categories (--category {shlex.quote(quoted[1:-1])})")
    raise ValueError(
        f"{where} mixes numbers and text: {len(odd):,} of {total:,} values are no numbers "
        f"({shown}, first in row {odd.index[0]}). {', or '.join(ways)}"
    )


def _some_numbers(found: pd.Series, total: int, where: str) -> list[str]:
    if found.empty:
        return []
    return [
        f"{where} is taken as categories, though {len(found):,} of {total:,} values are numbers "
        f"({found.iloc[0]!r})"
    ]


def _signs(where: str, text: pd.Series, written: Notation) -> list[str]:
    count = notation.in_parentheses(text)
    if not count:
        return []
    return [f"{where} has {count:,} values in parentheses, which are read as negative numbers"]
