"""Exact decisions about rational expressions: is this identically zero?

An identity between fractions is decided by bringing the difference to one denominator and
expanding the numerator: it holds when nothing is left. That is only right where the denominator is
not zero, so every factor of it has to be a number, a symbol known to be positive, or a quantity
that a named hypothesis declares positive (`Ground`). A hypothesis that is not named cannot be used
by accident: the step that needs it raises `UndeclaredDivisorError`.

Square roots are handled alike: the root of a fraction is the product of the roots of its factors,
each of which must be declared positive.

SymPy cancels before any divisor is seen (x / x is 1 at once), so a step has to be written with the
divisors that matter; the terms of the kernel are never evaluated and have no such gap.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from types import SimpleNamespace
from typing import Any

import sympy
from sympy import QQ, Expr, Indexed, Integer, Symbol, ring
from sympy.core.function import AppliedUndef

from .power_sums import reduce_sums

Divisors = dict[Expr, Any]
"""What is divided by, each with its exponent."""


class UndeclaredDivisorError(ValueError):
    """A denominator or a radicand that no named hypothesis declares positive."""


class UndefinedError(ValueError):
    """An expression without a value: a division by zero."""


class InexactError(ValueError):
    """A number that rounding may have touched."""


class Ground:
    """What may be divided by, and what is zero on that ground.

    ``positive``: expressions that the hypotheses of a step declare positive.

    >>> x, y = sympy.symbols("x y", real=True)
    >>> Ground([x - y]).zero((x**2 - y**2) / (x - y) - x - y)
    0
    >>> Ground().zero(x / y - x / y**2)
    Traceback (most recent call last):
    ...
    proofs.algebra.UndeclaredDivisorError: y is divided by and no hypothesis makes it positive
    """

    def __init__(self, positive: Iterable[Expr] = ()) -> None:
        """Collect the factors of the quantities declared positive."""
        self._nonzero, self._positive = _known(tuple(positive))

    def zero(self, expression: Any) -> Expr:
        """The normal form of the expression: the number 0 exactly when it vanishes identically."""
        numerator, divisors = self._fraction(_value(expression))
        return Integer(0) if numerator == 0 else numerator / _product(divisors)

    def root(self, expression: Any) -> Expr:
        """The square root, as a product of roots of factors declared positive; the root of 0 is 0.

        >>> x, y = sympy.symbols("x y", real=True)
        >>> Ground([x + y]).root((x + y) ** 3 / 4)
        (x + y)**(3/2)/2
        """
        numerator, divisors = self._fraction(sympy.cancel(_value(expression)))
        return self._root(numerator) / self._root(_product(divisors))

    @property
    def xp(self) -> SimpleNamespace:
        """The namespace to hand to a formula."""
        return SimpleNamespace(sqrt=self.root, exp=sympy.exp, log=sympy.log, sign=sympy.sign)

    def _fraction(self, value: Expr) -> tuple[Expr, Divisors]:
        """Numerator, multiplied out, and divisors, each of which is known not to be zero."""
        numerator, divisors = _over_one_denominator(value)
        for divisor in divisors:
            factors = [] if divisor.is_nonzero else _factors(divisor)[1]
            for factor, _ in factors:
                if not (factor.is_nonzero or factor in self._nonzero):
                    raise UndeclaredDivisorError(
                        f"{factor} is divided by and no hypothesis makes it positive"
                    )
        return _expand(numerator), divisors

    def _root(self, expression: Expr) -> Expr:
        if expression == 0:
            return Integer(0)
        number, powers = _factors(expression)
        result = Integer(1)
        for factor, exponent in powers:
            if sympy.expand(-factor) in self._positive:
                number, factor = number * (-1) ** exponent, sympy.expand(-factor)
            if not (factor.is_positive or factor in self._positive):
                raise UndeclaredDivisorError(
                    f"{factor} is under a root and no hypothesis makes it positive"
                )
            result *= factor ** sympy.Rational(exponent, 2)
        if not number.is_positive:
            raise UndefinedError(f"the root of {expression} is not real")
        return sympy.sqrt(number) * result


@cache
def _known(positive: tuple[Expr, ...]) -> tuple[set[Expr], set[Expr]]:
    """Factors that are not zero, and factors that are positive, of quantities that are positive."""
    not_zero: set[Expr] = set()
    above_zero: set[Expr] = set()
    for declared in positive + positive:  # the second time with the first one's factors known
        numerator, divisors = _over_one_denominator(_value(declared))
        number, powers = _factors(_expand(numerator * _product(divisors)))
        not_zero |= {sympy.expand(s * factor) for factor, _ in powers for s in (1, -1)}
        unknown = [(f, e) for f, e in powers if not (f.is_positive or f in above_zero)]
        if len(unknown) == 1 and unknown[0][1] == 1:
            above_zero.add(sympy.expand(sympy.sign(number) * unknown[0][0]))
    return not_zero, above_zero


def _over_one_denominator(value: Expr) -> tuple[Expr, Divisors]:
    """The value as one fraction; nothing is cancelled, so that no divisor goes unnoticed."""
    if value.is_Add:
        parts = [_over_one_denominator(part) for part in value.args]
        common: Divisors = {}
        for _, divisors in parts:
            common |= {d: max(e, common.get(d, 0)) for d, e in divisors.items()}
        missing = [{d: e - divisors.get(d, 0) for d, e in common.items()} for _, divisors in parts]
        return sum(n * _product(m) for (n, _), m in zip(parts, missing, strict=True)), common
    if value.is_Mul:
        numerator, divisors = Integer(1), {}
        for part in value.args:
            n, more = _over_one_denominator(part)
            numerator *= n
            divisors |= {d: e + divisors.get(d, 0) for d, e in more.items()}
        return numerator, divisors
    if value.is_Pow and value.exp.is_Integer:
        numerator, divisors = _over_one_denominator(value.base)
        if value.exp.is_positive:
            return numerator**value.exp, {d: e * value.exp for d, e in divisors.items()}
        return _product(divisors) ** -value.exp, _divided_by(numerator, -value.exp, divisors)
    inner = [_over_one_denominator(part)[1] for part in value.args if not value.is_Symbol]
    noted: Divisors = {d: 0 for divisors in inner for d in divisors}
    if value.is_Pow and value.exp.is_Rational and value.exp.is_negative:
        return Integer(1), _divided_by(value.base, -value.exp, noted)
    return value, noted


def _divided_by(divisor: Expr, exponent: Expr, noted: Divisors) -> Divisors:
    """One more divisor, and those that stand within it, with exponent 0."""
    kept = divisor if divisor.is_nonzero else _expand(divisor)
    return dict.fromkeys(noted, 0) | {kept: exponent}


def _product(divisors: Divisors) -> Expr:
    return sympy.Mul(*(divisor**exponent for divisor, exponent in divisors.items()))


def _value(expression: Any) -> Expr:
    """The expression in power sums; an error when it divides by zero."""
    value = reduce_sums(exactly(expression))
    if value.has(sympy.nan, sympy.zoo, sympy.oo):
        raise UndefinedError(f"{expression} has no value")
    return value


def exactly(value: Any) -> Expr:
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


def _factors(expression: Expr) -> tuple[Expr, list[tuple[Expr, int]]]:
    """A number and irreducible factors with their exponents; an error for zero."""
    base, exponent = expression.as_base_exp()
    if exponent.is_Integer and exponent.is_positive and exponent != 1:
        number, powers = _factors(base)
        return number**exponent, [(factor, e * int(exponent)) for factor, e in powers]
    if expression.is_positive and not expression.is_number and not expression.is_Add:
        return Integer(1), [(expression, 1)]
    number, powers = sympy.factor_list(_expand(expression))
    if number == 0:
        raise UndefinedError("a division by zero")
    return number, powers


def _expand(expression: Expr) -> Expr:
    """Expanded until nothing changes: products of equal roots leave sums to be expanded again."""
    if _is_polynomial(expression):
        return expand_polynomial(expression)
    expanded = sympy.expand(expression)
    while expanded != expression:
        expression, expanded = expanded, sympy.expand(expanded)
    return expanded


def expand_polynomial(expression: Expr) -> Expr:
    """A polynomial multiplied out, by ring arithmetic; any other expression as it is."""
    if not _is_polynomial(expression) or expression.is_number:
        return expression
    generators = sorted(_generators(expression), key=str)
    return ring(generators, QQ)[0].from_expr(expression).as_expr()


def _is_polynomial(expression: Expr) -> bool:
    return all(isinstance(g, Symbol | Indexed | AppliedUndef) for g in _generators(expression))


def _generators(expression: Expr) -> set[Expr]:
    """What sums, products and positive powers are made of."""
    if expression.is_Rational:
        return set()
    if expression.is_Add or expression.is_Mul:
        return set().union(*map(_generators, expression.args))
    if expression.is_Pow and expression.exp.is_Integer and expression.exp.is_positive:
        return _generators(expression.base)
    return {expression}
