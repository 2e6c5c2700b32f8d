"""Refutations: explicit data on which the two sides of a claim are different numbers.

The normal form decides what is true, and is never asked about what is false: a form that is not
zero is a suspicion. A refutation is data, found by search over small batches, on which both sides
were computed in exact arithmetic and differ. Rational numbers are compared as they are; numbers
with roots, exponentials or logarithms differ when intervals that enclose their difference exclude
zero.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np
import sympy
from mpmath import iv

Claim = Callable[[Any], tuple[Any, Any]]
"""Takes data, returns the two sides that the claim says are equal."""


class InexactError(ValueError):
    """A number that rounding may have touched."""


def exactly(value: Any) -> sympy.Expr:
    """The value with floating-point numbers made exact; halves alone are accepted.

    Python divides the number of constant vectors, 0 or 1, by 2: floating-point numbers, but exact.

    >>> exactly(sympy.Symbol("x") + 0.5)
    x + 1/2
    """
    expression = sympy.sympify(value)
    exact = {number: sympy.Rational(number) for number in expression.atoms(sympy.Float)}
    for number, rational in exact.items():
        if rational.q > 2:
            raise InexactError(f"{number} may have been rounded")
    return expression.xreplace(exact)


def is_zero(value: Any) -> bool:
    """Whether an exact number, with roots and logarithms perhaps, is 0."""
    number = exactly(value)
    return bool(number == 0 or sympy.radsimp(sympy.expand(sympy.expand_log(number))) == 0)


@dataclass(frozen=True)
class Counterexample:
    """Data on which a claim fails, and the two sides there."""

    data: str
    left: str
    relation: str
    right: str

    def __str__(self) -> str:
        """The data as one line of text."""
        return f"{self.data}: {self.left} {self.relation} {self.right}".rstrip()


class Case(dict[str, Any]):
    """Named numbers, for claims that are not about a batch.

    >>> case = Case(alpha=sympy.Rational(1, 2), losses=(1, 4))
    >>> print(case, case.alpha)
    alpha = 1/2, losses = (1, 4) 1/2
    """

    def __getattr__(self, name: str) -> Any:
        """The number of that name."""
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None

    def __str__(self) -> str:
        """The data as one line of text."""
        return ", ".join(f"{name} = {shown(value)}" for name, value in self.items())


def counterexample(
    claim: Claim,
    cases: Iterable[Any],
    where: Callable[[Any], bool] = lambda case: True,
    undefined: bool = False,
    at_most: bool = False,
) -> Counterexample | None:
    """The first case that meets the hypotheses ``where`` and on which the claim fails.

    The claim is that the sides are equal, or with ``at_most`` that the left is at most the right.
    ``undefined``: count a division by zero as a failure of the claim; without it such a case
    counts for nothing.
    """
    for case in cases:
        if not where(case):
            continue
        sides = _values(claim, case)
        if sides is None and undefined:
            return Counterexample(str(case), "a division by zero, no value", "", "")
        if sides is not None:
            order = sign(sides[0] - sides[1])
            if order > 0 or (order < 0 and not at_most):
                relation = ">" if at_most else "≠"
                return Counterexample(str(case), shown(sides[0]), relation, shown(sides[1]))
    return None


def _values(claim: Claim, case: Any) -> tuple[Any, Any] | None:
    """The two sides, or nothing where one of them divides by zero."""
    try:
        left, right = (exactly(side) for side in claim(case))
    except ZeroDivisionError:
        return None
    if left.has(sympy.nan, sympy.zoo) or right.has(sympy.nan, sympy.zoo):
        return None
    return left, right


def sign(number: Any) -> int:
    """1 or -1 for a number that is certainly positive or negative, 0 when neither is certain.

    >>> sign(sympy.Rational(-1, 2)), sign(sympy.sqrt(2) - sympy.Rational(7, 5))
    (-1, 1)
    >>> sign(sympy.sqrt(3) - sympy.sqrt(2) - sympy.sqrt(5 - 2 * sympy.sqrt(6)))
    0
    """
    value = exactly(number)
    if value.is_Rational:
        return int(sympy.sign(value))
    enclosure = enclose(value)
    return int(bool(enclosure > 0)) - int(bool(enclosure < 0))


def enclose(number: sympy.Expr) -> Any:
    """An interval, with outward rounding, that contains the number."""
    if number.is_Rational:
        return iv.mpf(int(number.p)) / iv.mpf(int(number.q))
    parts = [enclose(part) for part in number.args]
    if number.is_Add:
        return sum(parts)
    if number.is_Mul:
        return math.prod(parts)
    if number.is_Pow and number.exp.is_Integer:
        return parts[0] ** int(number.exp)
    if number.is_Pow:
        return iv.exp(iv.log(parts[0]) * parts[1])
    for function, interval in ((sympy.exp, iv.exp), (sympy.log, iv.log), (sympy.Abs, abs)):
        if isinstance(number, function):
            return interval(parts[0])
    raise ValueError(f"{number} cannot be enclosed")


def shown(value: Any) -> str:
    """A number, a sequence of numbers, or what holds where, as text."""
    if isinstance(value, tuple | list):
        return f"({', '.join(map(shown, value))})"
    if isinstance(value, dict):
        return ", ".join(f"{shown(what)} on {where}" for where, what in value.items())
    return str(value)


EXACT = SimpleNamespace(
    sqrt=sympy.sqrt,
    log=sympy.log,
    log1p=lambda x: sympy.log(1 + x),
    exp=np.vectorize(sympy.exp, otypes=[object]),
    expm1=np.vectorize(lambda x: sympy.exp(x) - 1, otypes=[object]),
    sign=np.vectorize(sympy.sign, otypes=[object]),
)
"""The namespace that evaluates a formula in exact numbers."""


def exact_vector(values: Iterable[Any]) -> Any:
    """Numbers as an array that a formula can calculate with."""
    return np.array([sympy.sympify(value) for value in values], dtype=object)


def exact_mean(values: Any) -> Any:
    """The mean of such an array."""
    return sum(values, sympy.Integer(0)) / len(values)
