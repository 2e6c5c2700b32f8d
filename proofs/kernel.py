"""The kernel: what may be called a theorem, and by which rules.

A `Theorem` is a set of hypotheses and a conclusion, formulas of `terms`. Every rule below either
returns one that follows from those it was given and notes that it made it, or raises an error; what
no rule made, or what is changed afterwards, no rule takes (`genuine`). A proof script can therefore
be wrong, but it cannot lie, short of rewriting this module while it runs. Rules that follow from
these are not here but in `derived`. To believe a theorem one has to believe this file, `terms`
(what formulas are, and how names are replaced) and `normal_form` (when two terms are the same
rational function of the same things, and what sign they have); they use Python's fractions and
nothing of SymPy, no floating point, no sampling, no limit.

Numbers are real, ``x / 0`` has no value that a rule would use: each rule that meets a division asks
for a theorem that the divisor is not 0, for a root that what stands under it is not negative, and
for a logarithm that its argument is positive. Free variables and columns are universally
quantified; one that occurs in a hypothesis stands for the same thing there. A place that no sum
binds is any place of 1..count, and any at all where the count is 0: what makes use of there being
one has the hypothesis 0 < count, which goes when the place is bound.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import is_
from typing import Any
from weakref import WeakKeyDictionary

from . import terms as t
from .normal_form import POSITIVE, UNKNOWN, Forms, minus
from .terms import expect


@dataclass(frozen=True, eq=False)
class Theorem:
    """Hypotheses that imply a conclusion, with the lemmas cited and the theorems it was made of."""

    conclusion: t.Formula
    hypotheses: frozenset[t.Formula]
    parents: tuple[Theorem, ...]
    cited: frozenset[str]


_MADE: WeakKeyDictionary[Theorem, tuple[object, ...]] = WeakKeyDictionary()


def genuine(theorem: Theorem) -> bool:
    """Whether a rule made the theorem, and nothing changed it afterwards."""
    now = theorem.conclusion, theorem.hypotheses, theorem.cited
    return type(theorem) is Theorem and all(map(is_, _MADE.get(theorem, (None,) * 3), now))


def _made(
    conclusion: t.Formula,
    parents: Collection[Theorem] = (),
    hypotheses: Iterable[t.Formula] | None = None,
    cited: Iterable[str] = (),
) -> Theorem:
    """A theorem, once its formulas have been looked at; hypotheses are those of the parents."""
    expect(all(map(genuine, parents)), "a theorem is forged or was changed")
    if hypotheses is None:
        hypotheses = [h for parent in parents for h in parent.hypotheses]
    assumed = frozenset(hypotheses)
    t.check((*assumed, conclusion))
    lemmas = frozenset(cited).union(*(parent.cited for parent in parents))
    theorem = Theorem(conclusion, assumed, tuple(parents), lemmas)
    _MADE[theorem] = conclusion, assumed, lemmas
    return theorem


def _relation(formula: t.Formula, *kinds: type[t.Relation]) -> t.Relation:
    """The formula, if it is of one of these kinds: an equation unless others are given."""
    expect(isinstance(formula, kinds or t.Equal), formula, "is not of the form that is needed")
    return formula  # type: ignore[return-value]


def _above_zero(theorem: Theorem, *kinds: type[t.Relation]) -> t.Term:
    """t, of a theorem that says 0 < t, or 0 <= t where that is enough."""
    one = _relation(theorem.conclusion, *kinds)
    expect(one.left is t.ZERO, one, "is not about 0 and a term")
    return one.right  # type: ignore[no-any-return]


# --- from nothing, or from a lemma that is not proved here -----------------------------


def assume(formula: t.Formula) -> Theorem:
    """A |- A"""
    return _made(formula, (), (formula,))


def cite(lemma: str, formula: t.Formula) -> Theorem:
    """A lemma taken from elsewhere; every theorem that rests on it says so."""
    return _made(formula, (), (), (lemma,))


def total(term: t.Term) -> Theorem:
    """|- 0 <= t or t <= 0"""
    return _made(t.Or(t.LessEqual(t.ZERO, term), t.LessEqual(term, t.ZERO)))


# --- equations and inequalities ------------------------------------------------------------


def combine(goal: t.Formula, of: Iterable[tuple[t.Term, Theorem]] = (), *known: Theorem) -> Theorem:
    """|- an equation or inequality that is a sum of given ones, each times a factor.

    right - left has to be sum_k factor_k (right_k - left_k) in normal form. An equation is a sum of
    equations; where the goal is an inequality, the given ones have factors that are not negative,
    and one that is strict and times a positive factor makes < of <=. ``known``: theorems that
    license divisions, roots and logarithms, and decide signs, indicators and absolute values.
    """
    forms, parts = Forms({theorem.conclusion: theorem for theorem in known}), list(of)
    aim = _relation(goal, t.Equal, t.Less, t.LessEqual)
    strict, rest = not isinstance(goal, t.Less), t.Add(aim.right, minus(aim.left))
    for factor, theorem in parts:
        one = _relation(theorem.conclusion, t.Equal, t.Less, t.LessEqual)
        if not isinstance(one, t.Equal):
            expect(not isinstance(goal, t.Equal), one, "is no equation")
            sign_of = forms.sign(factor)
            expect(sign_of != UNKNOWN, factor, "may be negative")
            strict |= isinstance(one, t.Less) and sign_of == POSITIVE
        rest = t.Add(rest, minus(t.Multiply(factor, t.Add(one.right, minus(one.left)))))
    expect(strict, "nothing makes", goal, "strict")
    expect(not forms.numerator(rest), goal, "is not the sum of what is given")
    return _made(goal, [*(theorem for _, theorem in parts), *forms.used])


def sign(term: t.Term, *known: Theorem) -> Theorem:
    """|- 0 < t or 0 <= t, from squares, products, sums and what is known."""
    forms = Forms({theorem.conclusion: theorem for theorem in known})
    found = forms.sign(term)
    expect(found != UNKNOWN, term, "may be negative")
    relation = t.Less if found == POSITIVE else t.LessEqual
    return _made(relation(t.ZERO, term), forms.used)


def rewrite(theorem: Theorem, *equations: Theorem) -> Theorem:
    """The theorem with the left side of each equation replaced by its right side."""
    return _made(_replaced(theorem.conclusion, equations), (theorem, *equations))


def congruence(term: t.Term, *equations: Theorem) -> Theorem:
    """|- t = t with the left side of each equation replaced by its right side."""
    return _made(t.Equal(term, _replaced(term, equations)), equations)


def _replaced(node: t.N, equations: Sequence[Theorem]) -> t.N:
    for equation in equations:
        one = _relation(equation.conclusion)
        before, node = node, t.replaced(node, one.left, one.right)
        expect(node is not before, one.left, "does not occur in", before)
    return node


# --- exponentials and logarithms ------------------------------------------------------------


def exp_sum(one: t.Term, other: t.Term) -> Theorem:
    """|- exp(a + b) = exp(a) exp(b)"""
    return _made(t.Equal(t.Exp(t.Add(one, other)), t.Multiply(t.Exp(one), t.Exp(other))))


def exp_above(term: t.Term) -> Theorem:
    """|- 1 + t <= exp(t)"""
    return _made(t.LessEqual(t.Add(t.ONE, term), t.Exp(term)))


def exp_log(positive: Theorem) -> Theorem:
    """From 0 < t: |- exp(log(t)) = t."""
    term = _above_zero(positive, t.Less)
    return _made(t.Equal(t.Exp(t.Log(term)), term), (positive,))


# --- sums and places ---------------------------------------------------------------------------


def _arbitrary(theorem: Theorem, place: t.Index) -> frozenset[t.Formula]:
    """The hypotheses, none of which is about the place; at a place, that there is one is known."""
    rest = theorem.hypotheses - {t.Less(t.ZERO, place.count)}
    arbitrary = isinstance(place, t.Index) and not any(place in t.indices(h) for h in rest)
    expect(arbitrary, place, "is not arbitrary: a hypothesis is about it")
    return rest


def sum_equal(theorem: Theorem, place: t.Index) -> Theorem:
    """From a_i = b_i at an arbitrary place: |- sum a = sum b."""
    one, rest = _relation(theorem.conclusion), _arbitrary(theorem, place)
    left, right = (t.Sum(place.count, t.closed(side, place)) for side in (one.left, one.right))
    return _made(t.Equal(left, right), (theorem,), rest)


def term_at_most(sign_of: Theorem, place: t.Index) -> Theorem:
    """From 0 <= a_i at an arbitrary place, 0 < count: |- a_i <= sum a."""
    term = _above_zero(sign_of, t.Less, t.LessEqual)
    hypotheses = _arbitrary(sign_of, place) | {t.Less(t.ZERO, place.count)}
    whole = t.Sum(place.count, t.closed(term, place))
    return _made(t.LessEqual(term, whole), (sign_of,), hypotheses)


def last_term(term: t.Sum) -> Theorem:
    """|- the sum over n + 1 places = the sum over n, and the last term"""
    expect(isinstance(term, t.Sum) and isinstance(term.count, t.Add), term, "is no sum to n + 1")
    last, rest = t.opened(term.body, t.Last(term.count)), t.Sum(term.count.left, term.body)
    return _made(t.Equal(term, t.Add(rest, last)))


def each(theorem: Theorem, place: t.Index) -> Theorem:
    """From a formula at an arbitrary place: the formula at each place."""
    rest = _arbitrary(theorem, place)
    return _made(t.Each(place.count, t.closed(theorem.conclusion, place)), (theorem,), rest)


def at(theorem: Theorem, place: t.Index) -> Theorem:
    """From a formula at each place, 0 < count: the formula at this one."""
    given = theorem.conclusion
    expect(isinstance(given, t.Each) and given.count is place.count, given, "is not said of it")
    hypotheses = theorem.hypotheses | {t.Less(t.ZERO, place.count)}
    return _made(t.opened(given.of, place), (theorem,), hypotheses)


# --- hypotheses ---------------------------------------------------------------------------


def split(theorem: Theorem) -> Theorem:
    """From 0 <= t: |- 0 < t or t = 0."""
    term = _above_zero(theorem, t.LessEqual)
    return _made(t.Or(t.Less(t.ZERO, term), t.Equal(term, t.ZERO)), (theorem,))


def cases(either: Theorem, left: Theorem, right: Theorem) -> Theorem:
    """From A or B, a proof from A and a proof from B: the proof from neither."""
    given, rest = _relation(either.conclusion, t.Or), either.hypotheses
    expect(left.conclusion is right.conclusion, "the cases do not show the same")
    for case, shown in ((given.left, left), (given.right, right)):
        expect(case in shown.hypotheses, "the case", case, "is not used: it needs no cases")
        rest |= shown.hypotheses - {case}
    return _made(left.conclusion, (either, left, right), rest)


def induction(claim: t.Formula, n: t.Count, base: Theorem, step: Theorem) -> Theorem:
    """From P(0), and P(n + 1) under P(n), for an n of which nothing else is assumed: |- P(n)."""
    for theorem, value in ((base, t.ZERO), (step, t.Add(n, t.ONE))):
        case = t.instantiated(claim, {n.name: value})
        expect(theorem.conclusion is case, theorem.conclusion, "is not", case)
    rest = base.hypotheses | (step.hypotheses - {claim})
    natural = isinstance(n, t.Count) and n in t.within(claim)
    expect(natural and not any(n in t.within(h) for h in rest), n, "is no arbitrary count")
    return _made(claim, (base, step), rest)


def cut(theorem: Theorem, *lemmas: Theorem) -> Theorem:
    """The theorem with hypotheses replaced by what proves them."""
    hypotheses = theorem.hypotheses
    for lemma in lemmas:
        expect(lemma.conclusion in hypotheses, lemma.conclusion, "is no hypothesis")
        hypotheses = (hypotheses - {lemma.conclusion}) | lemma.hypotheses
    return _made(theorem.conclusion, (theorem, *lemmas), hypotheses)


def instantiate(theorem: Theorem, values: Mapping[str, Any]) -> Theorem:
    """The theorem with variables replaced by terms, and columns by an index and a term in it."""
    given, formulas = dict(values), (theorem.conclusion, *theorem.hypotheses)
    t.check(value[1] if isinstance(value, tuple) else value for value in given.values())
    conclusion, *hypotheses = (t.instantiated(formula, given) for formula in formulas)
    return _made(conclusion, (theorem,), hypotheses)
