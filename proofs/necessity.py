"""That no hypothesis of a claim can be left out: data on which the claim is false without it.

The data are kept in a file, and are of exactly the claim's own terms: they give a number to each of
its variables and an entry to each place of its columns. They meet every other hypothesis of the
claim, not this one, and the conclusion is false there or has no value. Where another hypothesis
divides by zero without this one, the data say which. `check` evaluates the very
formulas that the kernel proved; words and searches of a wrong variant are not asked.

``python tests/proofs/find_data.py`` looks for data anew.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

import mpmath

from .evaluation import DIGITS, Data, NoValueError, names
from .script import Claim
from .terms import Count, Formula

PATH = Path(__file__).with_name("necessity.json")


class NotShownError(ValueError):
    """The data do not show that the hypothesis is needed."""


def kept() -> Any:
    """The data of each statement and hypothesis, each with the name of its claim."""
    return json.loads(PATH.read_text(encoding="utf8"))


def shown(name: str, hypothesis: str, known: Mapping[str, Any]) -> str:
    """The data as one line of text; empty where there are none."""

    def text(entries: Any) -> str:
        return f"({', '.join(map(text, entries))})" if isinstance(entries, list) else str(entries)

    record = known.get(name, {}).get(hypothesis)
    if not record:
        return ""
    given = record["numbers"] | record["columns"]
    said = ", ".join(f"{key} = {text(value)}" for key, value in sorted(given.items()))
    without = f", {record['no_value']} has no value" if "no_value" in record else ""
    return f"needed for {record['claim']!r}: {said}{without}"


def faults(name: str, claims: tuple[Claim, ...], known: Mapping[str, Any]) -> Iterator[str]:
    """Hypotheses of the claims of a statement that its data do not show necessary."""
    records = known.get(name, {})
    by_name = {claim.name: claim for claim in claims}
    needed = {a.name for claim in claims for a in claim.assuming}
    for hypothesis in sorted(needed):
        try:
            record = records[hypothesis]
            check(by_name[record["claim"]], hypothesis, read(record), record.get("no_value", ""))
        except Exception as error:  # whatever goes wrong, nothing has been shown
            why = f"{type(error).__name__}: {error}"
            yield f"hypothesis {hypothesis} is not shown necessary by its data: {why}"
    for hypothesis in sorted(set(records) - needed):
        yield f"there are data for {hypothesis}, which is no hypothesis"


def check(claim: Claim, hypothesis: str, data: Data, no_value: str = "") -> None:
    """Raise an error unless the data meet all hypotheses but this one, and not the conclusion.

    ``no_value``: another hypothesis, which divides by zero on the data: it says nothing there.
    """
    (one,) = (a for a in claim.assuming if a.name == hypothesis)
    others = [a for a in claim.assuming if a is not one]
    _expect(_is_of(claim, data), "the data are not of the terms of the claim")
    with mpmath.workdps(DIGITS):
        for other in others:
            said = _has_value(data, other.formula)
            _expect(said != (other.name == no_value), f"{other.name} has a value, or has none")
            _expect(not said or data.holds(other.formula), f"they do not meet {other.name}")
        _expect(not _true(data, one.formula), "they meet it")
        _expect(not _true(data, claim.conclusion), "the claim is true of them")


def _expect(true: bool, why: str) -> None:
    if not true:
        raise NotShownError(why)


def _true(data: Data, formula: Any) -> bool:
    try:
        return data.holds(formula)
    except NoValueError:
        return False


def _has_value(data: Data, formula: Formula) -> bool:
    try:
        data.holds(formula)
    except NoValueError:
        return False
    return True


def _is_of(claim: Claim, data: Data) -> bool:
    """Whether the data give exactly what the claim speaks of, and places that there are."""
    variables, columns, free = names(iter((claim.conclusion, *(a.formula for a in claim.assuming))))
    counts = [data.numbers[v.name] for v in variables if isinstance(v, Count)]
    natural = all(value >= 0 and value % 1 == 0 for value in counts)
    there = all(1 <= data.free[p.name] <= int(data.value(p.count)) for p in free)
    given = data.numbers.keys() == {v.name for v in variables}
    return natural and there and given and data.columns.keys() == columns.keys()


def read(record: Mapping[str, Any]) -> Data:
    """Data from what a file says of them."""
    numbers = {name: Fraction(value) for name, value in record["numbers"].items()}
    columns = {name: _column(entries) for name, entries in record["columns"].items()}
    return Data(numbers, columns, dict(record["free"]))


def _column(entries: Any) -> tuple[Any, ...]:
    return tuple(_column(e) if isinstance(e, list) else Fraction(e) for e in entries)


def written(claim: Claim, data: Data, no_value: str = "") -> dict[str, Any]:
    """What a file says of data."""

    def texts(entries: Any) -> list[Any]:
        return [texts(e) if isinstance(e, tuple) else str(e) for e in entries]

    columns = {name: texts(entries) for name, entries in data.columns.items()}
    numbers = {name: str(value) for name, value in data.numbers.items()}
    record = {"claim": claim.name, "numbers": numbers, "columns": columns, "free": data.free}
    return record | ({"no_value": no_value} if no_value else {})
