"""The normal form of sums over 1..N, against sums written out."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st
from sympy import Expr, Integer, Rational, Sum, Symbol

from proofs.power_sums import INDEX, SIZE, UnsupportedSumError, column, reduce_sums, total

FIRST, J, T = sympy.symbols("i j t", integer=True, positive=True)
F, Y, W = column("f"), column("y"), column("w")

rationals = st.fractions(min_value=-3, max_value=3, max_denominator=4).map(
    lambda q: Rational(q.numerator, q.denominator)
)


def written_out(form: Expr, data: dict[str, list[Expr]], size: int) -> Expr:
    """The value of a normal form: every power sum replaced by its terms."""
    values = {SIZE: Integer(size)}
    for symbol in form.free_symbols - {SIZE}:
        monomial = symbol.name.removeprefix("sum(").removesuffix(", N)")
        entries = {name: sympy.IndexedBase(name, real=True) for name in data}
        place = Symbol("_")
        body = sympy.sympify(monomial, locals=entries | {"_": place})
        values[symbol] = sum(
            body.subs(place, k).subs({entries[name][k]: data[name][k] for name in data})
            for k in range(size)
        )
    return sympy.expand(form.xreplace(values))


@given(st.data(), st.sampled_from([1, 2, 3, 5]))
def test_a_double_sum_is_its_terms_added_up(data: Any, size: int) -> None:
    columns = {n: data.draw(st.lists(rationals, min_size=size, max_size=size)) for n in "fy"}
    a, b, c = (data.draw(rationals) for _ in range(3))

    def body(fi: Any, yi: Any, fj: Any, yj: Any) -> Any:
        return (a * (fi - fj) ** 2 + b * fi * yj - c * yi) * (yi + 2 * fj + 1)

    inner = body(column("f", FIRST), column("y", FIRST), column("f", J), column("y", J))
    form = total(total(inner, J), FIRST)
    f, y = columns["f"], columns["y"]
    direct = sum(body(f[i], y[i], f[j], y[j]) for i, j in product(range(size), repeat=2))
    assert written_out(form, columns, size) == direct


@given(st.data(), st.sampled_from([1, 2, 3, 5]))
def test_a_weighted_sum_is_its_terms_added_up(data: Any, size: int) -> None:
    columns = {n: data.draw(st.lists(rationals, min_size=size, max_size=size)) for n in "fyw"}
    form = total(W * (F - 2 * Y) ** 3)
    direct = sum(w * (f - 2 * y) ** 3 for f, y, w in zip(*columns.values(), strict=True))
    assert written_out(form, columns, size) == direct


def test_the_rules() -> None:
    assert total(1) == SIZE
    assert total(3 * F + Y) == 3 * total(F) + total(Y)
    assert total(column("f", FIRST), FIRST) == total(column("f", J), J)
    free = Symbol("a", real=True)
    assert total(free * F) == free * total(F)
    assert total(0) == 0


def test_different_powers_counts_and_columns_are_different_sums() -> None:
    other = Symbol("B", integer=True, positive=True)
    sums = {total(F), total(Y), total(F**2), total(F * Y), total(F, count=other), total(1 / F)}
    assert len(sums) == 6


def test_exponentials_of_sums_come_apart() -> None:
    free = Symbol("a", real=True)
    assert total(sympy.exp(F + free)) == sympy.exp(free) * total(sympy.exp(F))


def test_an_inner_sum_keeps_the_outer_index() -> None:
    entry = sympy.IndexedBase("f", real=True)[INDEX, T]
    targets = Symbol("T", integer=True, positive=True)
    inner = total(entry)
    assert inner.has(T)
    assert not total(inner**2, T, targets).has(T)


def test_what_a_sum_depends_on_is_not_forgotten_by_a_derivative() -> None:
    free = Symbol("a", real=True)
    assert total(sympy.exp(free * F)).diff(free) != 0


def test_an_unevaluated_sum_is_differentiated_term_by_term() -> None:
    free = Symbol("a", real=True)
    slope = Sum(sympy.exp(free * F), (INDEX, 1, SIZE)).diff(free)
    assert reduce_sums(slope.subs(free, 0)) == total(F)


@pytest.mark.parametrize(
    "body",
    [
        INDEX,
        INDEX * F,
        F**INDEX,
        2**INDEX,
        1 / (1 + F),
        sympy.sqrt(F),
        sympy.Abs(F),
        sympy.Max(F, Y),
        column("f", INDEX + 1),
        sympy.KroneckerDelta(INDEX, FIRST),
        sympy.Function("g")(INDEX),
        sympy.Piecewise((F, F > 0), (0, True)),
        Sum(F, (INDEX, 1, INDEX)),
    ],
    ids=str,
)
def test_what_the_rules_do_not_cover_raises(body: Expr) -> None:
    with pytest.raises(UnsupportedSumError):
        total(body)


def test_a_sum_that_does_not_start_at_one_raises() -> None:
    with pytest.raises(UnsupportedSumError, match="does not start at 1"):
        reduce_sums(Sum(F, (INDEX, 0, SIZE)))


def test_a_number_of_terms_that_varies_with_the_body_raises() -> None:
    with pytest.raises(UnsupportedSumError, match="varies"):
        total(column("f", FIRST) * column("n"), FIRST, column("n"))
