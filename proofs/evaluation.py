"""Terms and formulas of the kernel evaluated on data, with 60 digits, sharing no rule with it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import mpmath

from . import terms

DIGITS = 60
CLOSE = mpmath.mpf(10) ** -40


class NoValueError(ArithmeticError):
    """A division by 0, or the root of a negative number."""


@dataclass(frozen=True)
class Data:
    """A value for every variable, and an entry for every place of every column, from 1 on."""

    numbers: dict[str, Any]
    columns: dict[str, tuple[Any, ...]]
    free: dict[str, int] = field(default_factory=dict)
    """The places of indices that nothing binds."""
    known: dict[Any, Any] = field(default_factory=dict, compare=False, repr=False)

    def value(self, term: Any, places: tuple[int, ...] = ()) -> Any:
        """The value of a term; ``places`` are those of the sums around it, the innermost last."""
        if (term, places) not in self.known:
            self.known[term, places] = self._value(term, places)
        return self.known[term, places]

    def _value(self, term: Any, places: tuple[int, ...]) -> Any:
        of = {
            terms.Add: lambda a, b: a + b,
            terms.Multiply: lambda a, b: a * b,
            terms.Divide: _quotient,
        }
        if type(term) in of:
            return of[type(term)](self.value(term.left, places), self.value(term.right, places))
        if isinstance(term, terms.Number):
            return _number(term.value)
        if isinstance(term, terms.Variable):
            return _number(self.numbers[term.name])
        if isinstance(term, terms.Entry):
            return _number(self._entry(term.column, term.place, places))
        if isinstance(term, terms.Sum):
            count = int(self.value(term.count, places))
            parts = (self.value(term.body, (*places, k)) for k in range(1, count + 1))
            return sum(parts, mpmath.mpf(0))
        inner = self.value(term.of, places)
        if isinstance(term, terms.Root):
            return _root(inner)
        if isinstance(term, terms.Absolute):
            return abs(inner)
        if isinstance(term, terms.Exp):
            return mpmath.exp(inner)
        if isinstance(term, terms.Log):
            return _log(inner)
        assert isinstance(term, terms.Indicator)
        return mpmath.mpf(abs(inner) < CLOSE)

    def _entry(self, column: str, place: Any, places: tuple[int, ...]) -> Any:
        """The entry of a column, or of a table, at a place."""
        if isinstance(place, terms.Cell):
            row, other = (self._at(part, places) for part in (place.row, place.column))
            return self.columns[column][row - 1][other - 1]
        return self.columns[column][self._at(place, places) - 1]

    def _at(self, place: Any, places: tuple[int, ...]) -> int:
        if isinstance(place, terms.Bound):
            return int(places[-1 - place.depth])
        if isinstance(place, terms.Last):
            return int(self.value(place.count, places))
        return int(self.free.get(place.name, 1))

    def holds(self, formula: Any, places: tuple[int, ...] = ()) -> bool:
        """Whether a formula is true."""
        if isinstance(formula, terms.Or):
            return self.holds(formula.left, places) or self.holds(formula.right, places)
        if isinstance(formula, terms.Each):
            count = int(self.value(formula.count, places))
            return all(self.holds(formula.of, (*places, k)) for k in range(1, count + 1))
        if isinstance(formula, terms.Equal) and formula.left is formula.right:
            return True  # whether it has a value or not
        gap = self.value(formula.right, places) - self.value(formula.left, places)
        return bool(
            {
                terms.Equal: abs(gap) < CLOSE,
                terms.Less: gap > CLOSE,
                terms.LessEqual: gap > -CLOSE,
            }[type(formula)]
        )


def _number(value: Any) -> Any:
    if isinstance(value, Fraction):
        return mpmath.mpf(value.numerator) / value.denominator
    return mpmath.mpf(value)


def _quotient(a: Any, b: Any) -> Any:
    if abs(b) < CLOSE:
        raise NoValueError("a division by 0")
    return a / b


def _root(a: Any) -> Any:
    if a < -CLOSE:
        raise NoValueError("the root of a negative number")
    return mpmath.sqrt(max(a, mpmath.mpf(0)))


def _log(a: Any) -> Any:
    if a < CLOSE:
        raise NoValueError("the logarithm of what is not positive")
    return mpmath.log(a)


def names(formulas: Iterator[Any]) -> tuple[set[Any], dict[str, list[Any]], set[Any]]:
    """The variables, the columns with what they run over, and the free indices."""
    parts = [part for formula in formulas for part in terms.within(formula)]
    variables = {p for p in parts if isinstance(p, terms.Variable)}
    columns = {p.column: p.place for p in parts if isinstance(p, terms.Entry)}
    free = {p for p in parts if isinstance(p, terms.Index)}
    return variables, columns, free
