"""Exact comparison and the search for counterexamples."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st
from sympy import Integer, Rational

from gar_verify import formulas
from proofs.batches import ExactBatch, exact_batches, exact_weighted_batches, moments
from proofs.definitions import half_square, normalized_difference, variance
from proofs.exact import Case, InexactError, counterexample, enclose, exactly, is_zero, sign


@given(st.fractions(), st.fractions())
def test_rational_numbers_are_compared_exactly(a: Fraction, b: Fraction) -> None:
    assert sign(a - b) == (a > b) - (a < b)


def test_numbers_with_roots_and_logarithms_are_enclosed() -> None:
    assert sign(sympy.sqrt(2) + sympy.sqrt(3) - sympy.sqrt(10)) == -1
    assert sign(sympy.log(3) / sympy.log(2) - Rational(19, 12)) == 1
    assert sign(sympy.exp(Rational(1, 2)) - 1 - Rational(1, 2)) == 1
    assert sign(abs(sympy.sqrt(2) - 2) - 2 + sympy.sqrt(2)) == 0
    assert 1 in 3 * enclose(Rational(1, 3))
    with pytest.raises(ValueError, match="cannot be enclosed"):
        enclose(sympy.sin(1))


def test_equal_numbers_are_never_called_different() -> None:
    assert sign(sympy.sqrt(3) - sympy.sqrt(2) - sympy.sqrt(5 - 2 * sympy.sqrt(6))) == 0


def test_a_counterexample_says_where_and_what() -> None:
    found = counterexample(
        lambda b: (2 * b.pair_mean(half_square), variance(b, b.f - b.y)), exact_batches("f", "y")
    )
    assert str(found) == "f = (0, 0), y = (0, 1): 1/2 ≠ 1/4"


def test_the_hypotheses_filter_the_search() -> None:
    def claim(batch: ExactBatch) -> tuple[Any, Any]:
        return variance(batch, batch.f), 0

    assert counterexample(claim, exact_batches("f"), where=lambda b: not b.varies("f")) is None
    assert counterexample(claim, exact_batches("f")) is not None


def test_a_division_by_zero_counts_where_it_is_asked_for() -> None:
    case = Case(n=Integer(0))
    assert counterexample(lambda c: (1 / c.n, 0), [case]) is None
    assert "no value" in str(counterexample(lambda c: (1 / c.n, 0), [case], undefined=True))
    empty = ExactBatch(f=(), y=())
    assert counterexample(lambda b: (b.mean(b.f), 0), [empty], undefined=True) is not None


def test_an_inequality_fails_in_one_direction_only() -> None:
    def claim(case: Case) -> tuple[Any, Any]:
        return case.left, case.right

    below, above = Case(left=1, right=2), Case(left=2, right=1)
    assert counterexample(claim, [below], at_most=True) is None
    assert str(counterexample(claim, [above], at_most=True)) == "left = 2, right = 1: 2 > 1"


def test_weighted_batches_are_weighted() -> None:
    assert all(set(map(int, b.w)) - {1} for b in exact_weighted_batches())


def test_the_formulas_run_on_exact_numbers() -> None:
    batch = ExactBatch(f=(1, 1, -1, -1), y=(5, -1, -1, -3))
    m = moments(formulas, batch)
    assert formulas.error_variance(m) == Fraction(6)
    assert m.scale == Fraction(2, 9)
    assert normalized_difference(batch, sympy.sqrt) == Rational(1, 3)


def test_only_halves_are_exact_floats() -> None:
    assert exactly(0.5) == Rational(1, 2)
    with pytest.raises(InexactError):
        exactly(0.1)


def test_zero_is_seen_through_roots_and_logarithms() -> None:
    assert is_zero(sympy.sqrt(8) - 2 * sympy.sqrt(2))
    assert is_zero(sympy.log(4) - 2 * sympy.log(2))
    assert not is_zero(sympy.sqrt(2) - Rational(7, 5))
    assert not is_zero(sympy.Symbol("x"))


def test_sympys_limit_is_wrong_with_free_parameters() -> None:
    """Why no proof rests on ``limit``: for positive b and c the limit is the larger of the two.

    SymPy answers c, silently, whatever b is. Should this test fail one day, SymPy has improved; the
    proofs still do without.
    """
    u, b, c = sympy.symbols("u b c", positive=True)
    mean = sympy.log(sympy.exp(u * b) + sympy.exp(u * c)) / u
    answer = sympy.limit(mean, u, sympy.oo)
    assert answer == c
    assert answer.subs({b: 2, c: 1}) == 1  # and the limit is 2: it is at least the value at b alone
