"""Rules that follow from those of the kernel: each asks it for a theorem, and can make none.

A rule is shown once, in variables, and then taken for the terms at hand, so that it asks for no
licence to divide by anything in them.
"""

from __future__ import annotations

from functools import cache
from itertools import count
from typing import Any

from . import kernel
from . import terms as t
from .kernel import Theorem
from .language import (
    Expression,
    at_most,
    equal,
    exp,
    index,
    log,
    not_negative,
    number,
    positive,
    root,
    term_of,
)

X, Y, Z = map(number, "xyz")


def _combine(goal: Any, *of: tuple[Any, Theorem], known: tuple[Theorem, ...] = ()) -> Theorem:
    return kernel.combine(goal, [(term_of(factor), theorem) for factor, theorem in of], *known)


def _sign(value: Any, *known: Theorem) -> Theorem:
    return kernel.sign(term_of(value), *known)


def _put(lemma: Theorem, values: dict[str, t.Term], *shown: Theorem) -> Theorem:
    """A lemma for these values, its hypotheses replaced by what shows them."""
    special = kernel.instantiate(lemma, values)
    for needed in special.hypotheses - {theorem.conclusion for theorem in shown}:
        raise t.KernelError(f"{needed} is not what was shown")
    return kernel.cut(special, *shown) if shown else special


def _sides(theorem: Theorem, *kinds: type[t.Relation]) -> tuple[Any, Any]:
    """Left and right of the conclusion; other conclusions are refused."""
    conclusion: Any = theorem.conclusion
    t.expect(isinstance(conclusion, kinds), conclusion, "is not of the form that is needed")
    return conclusion.left, conclusion.right


# --- equations ------------------------------------------------------------------------------


def symmetric(equation: Theorem) -> Theorem:
    """From a = b: |- b = a."""
    left, right = _sides(equation, t.Equal)
    return _put(_symmetric(), {"x": left, "y": right}, equation)


@cache
def _symmetric() -> Theorem:
    return _combine(equal(Y, X), (-1, kernel.assume(equal(X, Y))))


def same(one: Theorem, other: Theorem) -> Theorem:
    """From a = c and b = c: |- a = b."""
    (left, value), (right, _) = _sides(one, t.Equal), _sides(other, t.Equal)
    return _put(_same(), {"x": left, "y": right, "z": value}, one, other)


@cache
def _same() -> Theorem:
    of_x, of_y = (kernel.assume(equal(v, Z)) for v in (X, Y))
    return _combine(equal(X, Y), (1, of_x), (-1, of_y))


def antisymmetric(below: Theorem, above: Theorem) -> Theorem:
    """From a <= b and b <= a: |- a = b."""
    left, right = _sides(below, t.LessEqual)
    return _put(_antisymmetric(), {"x": left, "y": right}, below, above)


@cache
def _antisymmetric() -> Theorem:
    goal = equal(X, Y)
    below, above = kernel.assume(at_most(X, Y)), kernel.assume(at_most(Y, X))
    either = kernel.split(_combine(not_negative(Y - X), (1, below)))
    less, none = kernel.assume(positive(Y - X)), kernel.assume(equal(Y - X, 0))
    left = anything(_combine(positive(0), (1, less), (1, above)), goal)
    return kernel.cases(either, left, _combine(goal, (-1, none)))


def anything(absurd: Theorem, goal: Any) -> Theorem:
    """From 0 < 0: |- an equation or inequality, whichever."""
    guard = t.Indicator(t.ZERO)  # 1, and what is not 0 makes it 0
    one, zero = _combine(equal(guard, 1)), _combine(equal(guard, 0), known=(absurd,))
    gap = Expression(goal.right) - goal.left
    strict = [(1, absurd)] * isinstance(goal, t.Less)
    return _combine(goal, (gap, one), (-gap, zero), *strict)


def zero_base(power: Theorem) -> Theorem:
    """From t^2 = 0: |- t = 0."""
    base = getattr(_sides(power, t.Equal)[0], "left", t.ZERO)
    return _put(_zero_base(), {"x": base}, power)


@cache
def _zero_base() -> Theorem:
    goal, square = equal(X, 0), kernel.assume(equal(X**2, 0))
    halves = []
    for value, sign in ((X, kernel.assume(not_negative(X))), (-X, kernel.assume(at_most(X, 0)))):
        either = kernel.split(_combine(not_negative(value), (1, sign)))
        case, none = kernel.assume(positive(value)), kernel.assume(equal(value, 0))
        left = _combine(goal, (1 / X, square), known=(case,))
        halves.append(kernel.cases(either, left, _combine(goal, (1 if value is X else -1, none))))
    return kernel.cases(kernel.total(X.term), *halves)


def root_is(square: Theorem, sign_of: Theorem) -> Theorem:
    """From b^2 = a and 0 <= b: |- root(a) = b."""
    power, value = _sides(square, t.Equal)
    base = getattr(power, "left", t.ZERO)
    if isinstance(sign_of.conclusion, t.Less):
        sign_of = _put(_weaker(), {"x": _sides(sign_of, t.Less)[1]}, sign_of)
    return _put(_root_is(), {"x": value, "y": base}, square, sign_of)


@cache
def _weaker() -> Theorem:
    return _combine(not_negative(X), (1, kernel.assume(positive(X))))


@cache
def _root_is() -> Theorem:
    goal = equal(root(X), Y)
    square, least = kernel.assume(equal(Y**2, X)), kernel.assume(not_negative(Y))
    under = _combine(not_negative(X), (1, square), (1, _sign(Y**2)))
    both = root(X) + Y
    parts = ((1, _sign(root(X), under)), (1, least))
    either = kernel.split(_combine(not_negative(both), *parts, known=(under,)))
    case, none = kernel.assume(positive(both)), kernel.assume(equal(both, 0))
    left = _combine(goal, (-1 / both, square), known=(case, under))
    most = _combine(at_most(Y, 0), (1, _sign(root(X), under)), (1, none), known=(under,))
    zero = antisymmetric(most, least)
    right = _combine(goal, (1, none), (-2, zero), known=(under,))
    return kernel.cases(either, left, right)


# --- exponentials and logarithms --------------------------------------------------------------


def exp_only(touched: Theorem) -> Theorem:
    """From exp(t) = 1 + t: |- t = 0."""
    of = getattr(_sides(touched, t.Equal)[0], "of", t.ZERO)
    return _put(_exp_only(), {"x": of}, touched)


@cache
def _exp_only() -> Theorem:
    """exp(t) is at least (1 + t/2)^2 = 1 + t + t^2/4."""
    touched, half = kernel.assume(equal(exp(X), 1 + X)), X / 2
    whole = _combine(positive(1 + X), (1, _sign(exp(X))), (1, touched))
    known = _combine(positive(2 * (1 + half)), (1, whole), (1, _sign(1)))
    above, square = kernel.exp_above(half.term), kernel.exp_sum(half.term, half.term)
    factor = 2 * (2 * exp(half) + 2 * (1 + half))
    parts = ((factor, above), (-4, square), (4, touched))
    least = _combine(at_most(X**2, 0), *parts, known=(known,))
    return zero_base(antisymmetric(least, _sign(X**2)))


def log_exp(term: t.Term) -> Theorem:
    """|- log(exp(t)) = t"""
    return _put(_log_exp(), {"x": term})


@cache
def _log_exp() -> Theorem:
    value = log(exp(X))
    undone = kernel.exp_log(_sign(exp(X)))

    def below(one: Any, other: Any, turn: int) -> Theorem:
        """exp(a) = exp(b) gives a <= b, by 1 + (a - b) <= exp(a - b) = 1."""
        product = kernel.exp_sum(term_of(one - other), term_of(other))
        above = kernel.exp_above(term_of(one - other))
        over = 1 / exp(other)
        return _combine(at_most(one, other), (1, above), (-over, product), (turn * over, undone))

    return antisymmetric(below(value, X, 1), below(X, value, -1))


# --- counts ---------------------------------------------------------------------------------


def at_least_one(some: Theorem) -> Theorem:
    """From 0 < n, of a count: |- 0 <= n - 1."""
    return _put(_at_least_one(), {"n": _sides(some, t.Less)[1]}, some)


@cache
def _at_least_one() -> Theorem:
    """0 <= n (n - 1), by induction: what is between 0 and 1 is no count."""
    count_, n = t.Count("n"), Expression(t.Count("n"))

    def claim(value: Expression) -> Any:
        return not_negative(value * (value - 1))

    base = _combine(claim(Expression(0)))
    step = _combine(claim(n + 1), (1, kernel.assume(claim(n))), (2, _sign(n)))
    product = kernel.induction(claim(n), count_, base, step)
    return _combine(not_negative(n - 1), (1 / n, product), known=(kernel.assume(positive(n)),))


# --- sums -------------------------------------------------------------------------------------


def exchange(term: t.Sum) -> Theorem:
    """|- sum_i sum_j a_ij = sum_j sum_i a_ij, by induction on the number of rows."""
    double = isinstance(term, t.Sum) and isinstance(term.body, t.Sum)
    t.expect(double, term, "is no sum of sums")
    taken = {getattr(part, "name", "") for part in t.within(term)}
    n = t.Count(next(name for k in count() if (name := f"n{k}") not in taken))
    columns, j = term.body.count, index(f"column {n.name}", term.body.count)

    def row(place: t.Place) -> Any:
        return t.opened(term.body, place)

    def column(rows: t.Term) -> Any:
        i = index(f"row {n.name}", rows)
        return t.Sum(rows, t.closed(t.opened(row(i).body, j), i))

    def by_columns(entry: t.Term) -> Any:
        return t.Sum(columns, t.closed(entry, j))

    claim = t.Equal(t.Sum(n, term.body), by_columns(column(n)))
    none, i = _nothing(), index(f"row {n.name}", t.ZERO)
    of_rows = kernel.instantiate(none, {"g": (i, row(i))})
    each = kernel.instantiate(none, {"g": (i, t.opened(row(i).body, j))})
    zeros = kernel.combine(equal(by_columns(t.ZERO), 0))
    base = same(of_rows, kernel.rewrite(kernel.sum_equal(each, j), zeros))
    more = t.Add(n, t.ONE)
    left = kernel.rewrite(kernel.last_term(t.Sum(more, term.body)), kernel.assume(claim))
    last = t.opened(row(t.Last(more)).body, j)
    right = kernel.sum_equal(kernel.last_term(column(more)), j)
    added = kernel.instantiate(_sum_of_two(columns), {"g": (j, column(n)), "h": (j, last)})
    step = same(left, kernel.rewrite(right, added))
    return kernel.instantiate(kernel.induction(claim, n, base, step), {n.name: term.count})


@cache
def _nothing() -> Theorem:
    """|- the sum over no place is 0"""
    return kernel.combine(equal(t.Sum(t.ZERO, t.Entry("g", t.Bound(0))), 0))


@cache
def _sum_of_two(columns: t.Term) -> Theorem:
    """|- sum (g + h) = sum g + sum h"""
    g, h = (t.Entry(name, t.Bound(0)) for name in "gh")
    one, other, both = (t.Sum(columns, body) for body in (g, h, t.Add(g, h)))
    return kernel.combine(equal(both, t.Add(one, other)))
