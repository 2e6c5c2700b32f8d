"""The kernel says no: every kind of false input that we could think of, refused by name."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import pytest

from proofs import kernel
from proofs.kernel import KernelError, Theorem
from proofs.language import Expression, column, equal, not_negative, number, positive, root, term_of
from proofs.normal_form import UnlicensedError
from proofs.terms import (
    ONE,
    ZERO,
    Absolute,
    Bound,
    Divide,
    Each,
    Entry,
    Equal,
    Indicator,
    Less,
    LessEqual,
    MalformedError,
    Multiply,
    Named,
    Number,
    Or,
    Power,
    Root,
    Sum,
    Variable,
    closed,
    index,
)

N = Variable("N", "count")
X, Y, Z = (number(name) for name in "xyz")
I, J = index("i", N), index("j", N)  # noqa: E741 - places
F = column("f", I)
HALF = Expression(Fraction(1, 2))


def total(body: Any, place: Any = I) -> Expression:
    return Expression(Sum(N, closed(term_of(body), place)))


def t(value: Any) -> Any:
    return term_of(value)


def given(formula: Any) -> Theorem:
    return kernel.assume(formula)


NOT_ZERO_X = given(positive(X))


TRUE: dict[str, Callable[[], Theorem]] = {
    "a binomial": lambda: kernel.identity(t((X + Y) ** 2), t(X**2 + 2 * X * Y + Y**2)),
    "x / x = 1, x positive": lambda: kernel.identity(t(X / X), ONE, NOT_ZERO_X),
    "a sum is linear": lambda: kernel.identity(
        t(total(2 * F + 1)), t(2 * total(F) + Expression(N))
    ),
    "renaming": lambda: kernel.identity(t(total(F)), t(total(column("f", J), J))),
    "a double sum": lambda: kernel.identity(
        t(total(total(F * column("y", J), J))), t(total(F) * total(column("y", I)))
    ),
    "the square of a root": lambda: kernel.identity(t(root(X) ** 2), t(X), given(not_negative(X))),
    "a root in a divisor": lambda: kernel.identity(t(X / root(X)), t(root(X)), NOT_ZERO_X),
    "|x| for x positive": lambda: kernel.identity(t(abs(X)), t(X), NOT_ZERO_X),
    "|x| for x <= 0": lambda: kernel.identity(t(abs(X)), t(-X), given(LessEqual(t(X), ZERO))),
    "a guard": lambda: kernel.identity(t(1 * (X == 0)), ZERO, NOT_ZERO_X),
    "a sum of squares": lambda: kernel.sign(t(total(F**2) + HALF)),
    "a constant root": lambda: kernel.identity(t(root(2) * root(2)), t(2)),
}


@pytest.mark.parametrize("name", TRUE)
def test_true_things_are_shown(name: str) -> None:
    assert isinstance(TRUE[name](), Theorem)


def both(one: Theorem, other: Theorem) -> Theorem:
    return kernel.cases(one, other, other)


FALSE: dict[str, Callable[[], Any]] = {
    # arithmetic that needs a hypothesis
    "x / x = 1": lambda: kernel.identity(t(X / X), ONE),
    "x / x - 1 = 0": lambda: kernel.identity(t(X / X - 1), ZERO),
    "x / x = 1, y positive": lambda: kernel.identity(t(X / X), ONE, given(positive(Y))),
    "x / x = 1, x not negative": lambda: kernel.identity(t(X / X), ONE, given(not_negative(X))),
    "0 / 0 = 0": lambda: kernel.identity(t(Expression(0) / 0), ZERO),
    "1 / (x - x) by x positive": lambda: kernel.identity(t(1 / (X - X)), ONE, NOT_ZERO_X),
    "0 * (1 / x) = 0": lambda: kernel.identity(t(0 * (1 / X)), ZERO),
    "1 / (x + y) by both not 0": lambda: kernel.identity(
        t((X + Y) / (X + Y)), ONE, NOT_ZERO_X, given(positive(Y - Z))
    ),
    "mean of no samples": lambda: kernel.identity(t(total(1 + 0 * F) / Expression(N)), ONE),
    "root of x squared": lambda: kernel.identity(t(root(X) ** 2), t(X)),
    "root of x^2 is x": lambda: kernel.root_is(
        kernel.identity(Power(t(X), 2), t(X * X)), given(not_negative(X * X))
    ),
    "root of x^2 is x, in normal form": lambda: kernel.identity(
        t(root(X * X)), t(X), kernel.sign(t(X * X))
    ),
    "root of a product": lambda: kernel.identity(
        t(root(X * Y)), t(root(X) * root(Y)), given(not_negative(X * Y))
    ),
    "root((x y + x) / (y + 1)) = root(x), x positive": lambda: kernel.identity(
        t(root((X * Y + X) / (Y + 1))), t(root(X)), NOT_ZERO_X
    ),
    "|x| = x": lambda: kernel.identity(t(abs(X)), t(X)),
    "a guard is 0": lambda: kernel.identity(t(1 * (X == 0)), ZERO),
    "a guard is 1": lambda: kernel.identity(t(1 * (X == 0)), ONE),
    "a guard is 1, of x - x times y": lambda: kernel.identity(
        t(1 * (X == 0)), ONE, given(equal(X * Y, 0))
    ),
    # sums
    "sum of a product is the product of sums": lambda: kernel.identity(
        t(total(F * column("y", I))), t(total(F) * total(column("y", I)))
    ),
    "sum of f_i f_j over i is sum of f_i^2": lambda: kernel.identity(
        t(total(total(F * column("f", J), J))), t(total(F**2))
    ),
    "the sum of 1 is 1": lambda: kernel.identity(t(total(1)), ONE),
    "sums over different counts": lambda: kernel.identity(
        t(total(F)), Sum(Variable("M", "count"), closed(t(F), I))
    ),
    "an entry out of its sum": lambda: kernel.identity(t(total(F)), t(Expression(N) * F)),
    "a bound index captured": lambda: kernel.identity(
        kernel.instantiate(
            kernel.identity(t(total(X)), t(Expression(N) * X)), {"x": t(F)}
        ).conclusion.left,  # type: ignore[attr-defined]
        t(total(F)),
    ),
    "a column captured": lambda: _captured(),
    # order
    "0 <= x": lambda: kernel.sign(t(X)),
    "0 <= x^3": lambda: kernel.sign(t(X**3)),
    "0 <= x y": lambda: kernel.sign(t(X * Y)),
    "0 <= x^2 / y": lambda: kernel.sign(t(X**2 / Y)),
    "0 <= x^2 - y^2": lambda: kernel.sign(t(X**2 - Y**2)),
    "0 <= sum of w_i f_i^2": lambda: kernel.sign(t(total(column("w", I) * F**2))),
    "0 <= sum, from the weights of another count": lambda: kernel.sign(
        t(total(column("w", I) * F**2)),
        given(Each(Variable("M", "count"), LessEqual(ZERO, Entry("w", Bound(0))))),
    ),
    "0 < x^2": lambda: _strict(kernel.sign(t(X**2))),
    "0 < sum of 1 + f^2 of no samples": lambda: _strict(kernel.sign(t(total(1 + F**2)))),
    "x <= y from 0 <= y": lambda: kernel.rearrange(LessEqual(t(X), t(Y)), given(not_negative(Y))),
    "< from <=": lambda: kernel.rearrange(Less(ZERO, t(X)), given(not_negative(X))),
    "0 < x or x = 0 from nothing": lambda: kernel.split(given(equal(X, 0))),
    # cases and hypotheses
    "cases that are not all": lambda: kernel.cases(
        kernel.total(t(X)), given(positive(X)), given(equal(X, 0))
    ),
    "cases without a disjunction": lambda: both(NOT_ZERO_X, NOT_ZERO_X),
    "a case that shows something else": lambda: kernel.cases(
        kernel.total(t(X)),
        kernel.identity(t(abs(X)), t(X), given(not_negative(X))),
        kernel.identity(t(abs(X)), t(-X), given(LessEqual(t(X), ZERO))),
    ),
    "a cut of what is not assumed": lambda: kernel.cut(NOT_ZERO_X, kernel.sign(t(X**2))),
    "all terms 0 without their sign": lambda: kernel.zero_terms(
        given(equal(total(F), 0)), given(not_negative(X)), I
    ),
    "every f_i is f_1": lambda: kernel.sum_equal(given(equal(F, X)), I),
    "a fact at one place is a fact at each": lambda: kernel.each(given(positive(F)), I),
    "x = 0 from 2 x = 0 as a power": lambda: kernel.zero_base(given(equal(2 * X, 0))),
    "an inequality as an equation": lambda: kernel.combine(t(X), ZERO, [(ONE, NOT_ZERO_X)]),
    "an equation with the wrong factor": lambda: kernel.combine(
        t(X), ZERO, [(t(Y), given(equal(X, 0)))]
    ),
    "rewriting what is not there": lambda: kernel.rewrite(NOT_ZERO_X, given(equal(Y, Z))),
    # terms that are none
    "a floating-point number": lambda: Number(0.5),  # type: ignore[arg-type]
    "float(10**17 + 1) - 10**17": lambda: Expression(float(10**17 + 1)) - 10**17,
    "a truth value": lambda: Number(True),  # type: ignore[arg-type]
    "a negative count": lambda: Sum(Number(Fraction(-1)), ONE),
    "half a count": lambda: Sum(Number(Fraction(1, 2)), ONE),
    "a count that is any number": lambda: Sum(Variable("x"), ONE),
    "a negative exponent": lambda: Power(t(X), -1),
    "an exponent that is half": lambda: Power(t(X), Fraction(1, 2)),  # type: ignore[arg-type]
    "an index bound by nothing": lambda: kernel.total(Entry("f", Bound(0))),
    "one name for a number and a count": lambda: kernel.total(t(Expression(N) - number("N"))),
    "one name for a number and a column": lambda: kernel.total(t(F - number("f"))),
    "two indices of one name": lambda: kernel.total(t(F - column("f", index("i", N)))),
    "a count replaced by -1": lambda: kernel.instantiate(
        kernel.sign(N), {"N": Number(Fraction(-1))}
    ),
    "a count replaced by a number": lambda: kernel.instantiate(kernel.sign(N), {"N": t(X)}),
    "a count replaced under an open index": lambda: kernel.instantiate(
        kernel.total(t(F)), {"N": Number(Fraction(2))}
    ),
    # theorems from elsewhere
    "a theorem without a rule": lambda: Theorem(object(), "mine", (), Equal(ONE, ZERO)),
    "a theorem that is changed": lambda: setattr(NOT_ZERO_X, "conclusion", Equal(ONE, ZERO)),
    "hypotheses that are taken away": lambda: setattr(NOT_ZERO_X, "hypotheses", frozenset()),
    "a name for another term": lambda: kernel.fold(NOT_ZERO_X, Named("x", "x", t(Y))),
}


def _strict(theorem: Theorem) -> Theorem:
    """The theorem, if it says <."""
    if not isinstance(theorem.conclusion, Less):
        raise KernelError("<= is not <")
    return theorem


def _captured() -> Theorem:
    """f_i := sum_j f_j y_i must keep y_i out of reach of the sum over j."""
    general = kernel.identity(t(total(F)), t(total(F)))
    entry = total(column("g", J) * column("y", I), J)
    special = kernel.instantiate(general, {}, {"f": (I, t(entry))})
    left = special.conclusion.left  # type: ignore[attr-defined]
    captured = total(total(column("g", J) * column("y", J), J))
    return kernel.identity(left, t(captured))


@pytest.mark.parametrize("name", FALSE)
def test_false_things_are_refused(name: str) -> None:
    with pytest.raises((KernelError, UnlicensedError, MalformedError)):
        FALSE[name]()


def test_the_list_is_as_long_as_was_asked() -> None:
    assert len(FALSE) >= 40


def test_hypotheses_that_were_not_needed_are_not_kept() -> None:
    used = kernel.identity(t(X / X), ONE, NOT_ZERO_X, given(positive(Y)))
    assert used.hypotheses == {positive(X)}


def test_a_citation_stays_with_what_rests_on_it() -> None:
    lemma = kernel.cite("a lemma", equal(X, Y))
    assert kernel.combine(t(X + 1), t(Y + 1), [(ONE, lemma)]).cited == {"a lemma"}


def test_a_column_is_replaced_without_capture() -> None:
    general = kernel.identity(t(total(F)), t(total(F)))
    entry = total(column("g", J) * column("y", I), J)
    special = kernel.instantiate(general, {}, {"f": (I, t(entry))}).conclusion
    product = total(column("g", I)) * total(column("y", I))
    assert kernel.identity(special.left, t(product))  # type: ignore[attr-defined]


def test_what_is_printed_tells_indices_apart() -> None:
    assert str(t(total(F * column("f", J)))) == "sum_i f_i f_j"
    assert str(Sum(N, closed(Multiply(t(column("f", J)), t(F)), J))) == "sum_j f_j f_i"
    assert str(Or(positive(X), equal(X, 0))) == "0 < x or x = 0"
    assert str(Divide(t(X), t(Y + Z))) == "x / (y + z)"
    assert str(Root(t(X))) + str(Absolute(t(X))) + str(Indicator(t(X))) == "sqrt(x)|x|[x = 0]"
