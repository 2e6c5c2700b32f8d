"""Sums over 1..N with N a symbol, brought to a normal form by four rules.

SymPy neither splits a double sum into a product of sums nor renames summation indices, and
checking N = 2, 3, 4 proves nothing about N = 5. Here every sum over samples is reduced, innermost
first, to *power sums*: one symbol for each monomial in the elements of the batch, such as
sum_k f_k^2 y_k. Two expressions with the same normal form are equal for every N and all data.

Trusted are the rules (`RULES`), SymPy's arithmetic with all that it simplifies by itself, and the
functions by which a script says what a step shows; the kernel needs neither. A monomial is a
product of integer powers of *generators*: indexed elements such as f[k], and exp or log of an
expression that contains the index. Generators are treated as independent, so that a form that
vanishes does so whatever relations hold between them. What the rules do not cover raises
`UnsupportedSumError`; nothing passes because it could not be decided.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import sympy
from sympy import Expr, Indexed, IndexedBase, Integer, Sum, Symbol
from sympy.core.function import AppliedUndef

RULES = (
    "linearity: the body is multiplied out into monomials and summed term by term",
    "factors free of the index leave the sum",
    "renaming: the index may have any name",
    "counting: the sum of 1 over 1..N is N",
)

SIZE = Symbol("N", integer=True, positive=True)
"""The number of samples, any positive integer."""

INDEX = Symbol("k", integer=True, positive=True)
"""The index in which the columns of a batch are written."""

_PLACEHOLDER = Symbol("_", integer=True, positive=True)


class UnsupportedSumError(ValueError):
    """A sum that the rules do not cover."""


def column(name: str, index: Expr = INDEX, **assumptions: bool) -> Expr:
    """The element ``name[index]`` of a column of real numbers.

    >>> column("f")
    f[k]
    """
    return IndexedBase(name, real=True, **assumptions)[index]


def total(body: Any, index: Symbol = INDEX, count: Expr = SIZE) -> Expr:
    """The sum of ``body`` over ``index`` = 1..``count``, in power sums.

    >>> total(column("f") + 2)
    2*N + sum(f[_], N)
    >>> total(1 / (1 + column("f")))
    Traceback (most recent call last):
    ...
    proofs.power_sums.UnsupportedSumError: 1/(f[k] + 1) is no product of powers of f[k], exp, log
    """
    return sympy.Add(
        *(
            coefficient * (count if monomial == 1 else _power_sum(monomial, index, count))
            for monomial, coefficient in _monomials(sympy.sympify(body), index).items()
        )
    )


def reduce_sums(expression: Expr) -> Expr:
    """The expression with every ``Sum(body, (k, 1, N))`` in it replaced by power sums.

    For expressions that are differentiated before they are reduced: SymPy differentiates a finite
    ``Sum`` term by term.
    """
    return expression.replace(lambda part: isinstance(part, Sum), _reduced)


def _reduced(unevaluated: Sum) -> Expr:
    body = unevaluated.function
    for index, first, last in unevaluated.limits:
        if first != 1:
            raise UnsupportedSumError(f"{unevaluated} does not start at 1")
        body = total(body, index, last)
    return body


def _monomials(body: Expr, index: Symbol) -> dict[Expr, Expr]:
    """The body as a polynomial in the generators: each monomial with its coefficient."""
    if index not in body.free_symbols:
        return {Integer(1): body}
    if body.is_Add:
        return _sum_of(_monomials(part, index) for part in body.args)
    if body.is_Mul:
        return _product_of(_monomials(part, index) for part in body.args)
    base, exponent = (body, Integer(1)) if isinstance(body, sympy.exp) else body.as_base_exp()
    if exponent.is_Integer and exponent > 1 and base.is_Add:
        return _product_of([_monomials(base, index)] * int(exponent))
    expanded = sympy.expand(body)  # exp of a sum and log of a product come apart
    if expanded != body:
        return _monomials(expanded, index)
    if not (_is_generator(base, index) and exponent.is_Integer):
        raise UnsupportedSumError(f"{body} is no product of powers of f[k], exp, log")
    return {body: Integer(1)}


def _sum_of(parts: Iterable[dict[Expr, Expr]]) -> dict[Expr, Expr]:
    result: dict[Expr, Expr] = {}
    for part in parts:
        for monomial, coefficient in part.items():
            result[monomial] = result.get(monomial, Integer(0)) + coefficient
    return result


def _product_of(parts: Iterable[dict[Expr, Expr]]) -> dict[Expr, Expr]:
    result = {Integer(1): Integer(1)}
    for part in parts:
        result = _sum_of({m * n: c * d} for m, c in result.items() for n, d in part.items())
    return result


def _power_sum(monomial: Expr, index: Symbol, count: Expr) -> Expr:
    """The symbol that stands for the sum of a monomial."""
    if count.has(Indexed) or index in count.free_symbols:
        raise UnsupportedSumError(f"the number of terms, {count}, varies where {monomial} does too")
    parameters = _parameters(monomial, index)
    places = {p: Symbol(f"_{n}", **p.assumptions0) for n, p in enumerate(parameters, 1)}
    renamed = monomial.xreplace({index: _PLACEHOLDER} | places)
    name = f"sum({sympy.sstr(renamed)}, {count})"
    assumptions = {"positive": True} if monomial.is_positive else {"real": monomial.is_real}
    if parameters:
        return sympy.Function(name, **assumptions)(*parameters)
    return Symbol(name, **assumptions)


def _is_generator(base: Expr, index: Symbol) -> bool:
    if isinstance(base, Indexed):
        return index in base.indices and all(i == index or not i.has(index) for i in base.indices)
    if isinstance(base, AppliedUndef):  # an inner power sum that depends on an outer index
        return base.func.__name__.startswith("sum(") and index in base.args
    return isinstance(base, sympy.exp | sympy.log) and base.has(Indexed)


def _parameters(monomial: Expr, index: Symbol) -> list[Symbol]:
    """What a power sum depends on besides the elements summed, so that no derivative misses it."""
    elements = monomial.atoms(Indexed)
    named = {symbol for element in elements for symbol in (element, element.base.label)}
    return sorted(monomial.free_symbols - named - {index}, key=lambda symbol: str(symbol.name))
