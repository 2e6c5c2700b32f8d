"""Data for claims of the kernel: drawn for a search, and what shows that a hypothesis is needed.

python tests/proofs/find_data.py    look for such data and write proofs/necessity.json
"""

from __future__ import annotations

import contextlib
import json
import random
import sys
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[2]))

from proofs import catalogue, necessity
from proofs.evaluation import Data, NoValueError, names
from proofs.script import Claim
from proofs.statements import Statement
from proofs.terms import Cell, Count, Each, Entry, Equal

VALUES = (0, 1, -1, 2, Fraction(1, 2), Fraction(-3, 2))
WEIGHTS = (0, 1, 2, Fraction(1, 3))
TRIES = 12
"""Rounds of 50 data for each claim."""


def samples(claim: Claim, seed: int = 0, without: str = "") -> Iterator[Data]:
    """Batches of one to three samples with ties and zeros, and numbers from the same values.

    ``without``: a hypothesis that the data need not meet: that none of its counts is 0, that no
    weight is negative, or that a table is what it says.
    """
    draw = random.Random(f"{claim.name}{seed}")
    formulas = (claim.conclusion, *(a.formula for a in claim.assuming))
    variables, columns, free = names(iter(formulas))
    for _ in range(50):
        size = draw.randint(1, 3)
        numbers: dict[str, Any] = {
            v.name: size if isinstance(v, Count) else draw.choice(VALUES) for v in variables
        }
        if without:
            numbers |= {v.name: draw.randint(0, 2) for v in variables if isinstance(v, Count)}
            size = max([1, *(numbers[v.name] for v in variables if isinstance(v, Count))])
        signed = "nonneg" in without
        entries = {c: _entries(draw, c, place, size, signed) for c, place in columns.items()}
        data = Data(numbers, entries, {place.name: draw.randint(1, size) for place in free})
        if draw.random() < 0.5:
            _fit(draw, data, without.partition("nonneg"))
        for assumption in claim.assuming:
            if assumption.name != without:
                _solve(data, assumption.formula, diagonal=without != "self_pairs")
        yield data


def _entries(
    draw: random.Random, column: str, place: Any, size: int, signed: bool
) -> tuple[Any, ...]:
    """A column of weights, probabilities or any numbers, or a table."""
    values = WEIGHTS if (column.startswith("w") or column == "p") and not signed else VALUES
    rows = [tuple(draw.choice(values) for _ in range(size)) for _ in range(size)]
    if isinstance(place, Cell):
        return tuple(rows)
    if column == "p" and sum(rows[0]):
        return tuple(Fraction(value) / sum(rows[0]) for value in rows[0])
    return rows[0]


def _fit(draw: random.Random, data: Data, without: tuple[str, str, str]) -> None:
    """Data as equations among the hypotheses want them: perfect up to a factor, reached bounds."""
    columns, numbers = data.columns, data.numbers
    if without[1]:  # labels that differ with no weighted spread, in the batch of that mark
        numbers |= {name: 3 for name, value in numbers.items() if name[0] in "NM"}
        hiding = {"w": (-2, 5, 5), "f": (0, 1, 4), "y": (0, 1, 3)}
        for name, entries in columns.items():
            here = name[1:] == without[2]
            columns[name] = hiding.get(name[0] * here, (*map(abs, entries), 1, 0, 2)[:3])
        return
    size = len(next(iter(columns.values()), (0,)))
    if {"f", "y"} <= columns.keys():
        factor, offset = (2, 0) if draw.random() < 0.5 else (1, numbers.get("a", 0))
        columns["f"], numbers["c"] = tuple(factor * y + offset for y in columns["y"]), factor
    if {"p", "l"} <= columns.keys():
        columns["l"], columns["p"] = (1,) * size, (Fraction(1, size),) * size
    if {"b", "alpha"} <= numbers.keys():
        numbers["b"] = max(columns["l"])
        data.free["j"] = 1 + columns["l"].index(numbers["b"])
    if {"beta", "alpha"} <= numbers.keys():
        numbers["beta"] = numbers["alpha"] + 1


def _solve(data: Data, formula: Any, diagonal: bool) -> None:
    """Fill a table that a hypothesis says the entries of, and that of what is the same."""
    if "s" in data.columns and diagonal:
        size = len(data.columns["s"])
        data.columns["s"] = tuple(tuple(int(i == j) for j in range(size)) for i in range(size))
    inner = formula
    while isinstance(inner, Each):
        inner = inner.of
    if isinstance(inner, Equal) and isinstance(inner.left, Entry) and inner.left.column == "E":
        size = data.numbers["B"]
        places = [[(i, j) for j in range(1, size + 1)] for i in range(1, size + 1)]
        with contextlib.suppress(NoValueError):
            data.columns["E"] = tuple(
                tuple(data.value(inner.right, at) for at in row) for row in places
            )
    data.known.clear()


def found(statement: Statement, hypothesis: str) -> dict[str, Any] | None:
    """The first data drawn that show a hypothesis of a statement necessary."""
    claims = [c for c in statement.claims if hypothesis in [a.name for a in c.assuming]]
    for seed in range(TRIES):
        for claim in claims:
            for data in samples(claim, seed, hypothesis):
                others = [a.name for a in claim.assuming if a.name != hypothesis]
                for no_value in ("", *others) if seed >= TRIES // 2 else ("",):
                    with contextlib.suppress(Exception):  # these do not show it, for any reason
                        record = necessity.written(claim, data, no_value)
                        necessity.check(claim, hypothesis, necessity.read(record), no_value)
                        return record
    return None


def main() -> None:
    """Look for data where there are none, or none that still show it."""
    kept = necessity.kept() if necessity.PATH.exists() else {}
    records: dict[str, dict[str, Any]] = {}
    for name in sys.argv[1:] or catalogue.names():
        statement = catalogue.statement(name)
        for hypothesis in sorted({a.name for c in statement.claims for a in c.assuming}):
            try:
                record = kept[name][hypothesis]
                (claim,) = (c for c in statement.claims if c.name == record["claim"])
                data, no_value = necessity.read(record), record.get("no_value", "")
                necessity.check(claim, hypothesis, data, no_value)
            except (KeyError, ValueError):  # none, or not what is asked
                print(f"looking for data without {hypothesis}: {name}", flush=True)
                record = found(statement, hypothesis)
            if record:
                records.setdefault(name, {})[hypothesis] = record
            else:
                print("  found none: does it follow from the others?", flush=True)
        text = json.dumps(kept | records, indent=1, sort_keys=True) + "\n"
        necessity.PATH.write_text(text, encoding="utf8")


if __name__ == "__main__":
    main()
