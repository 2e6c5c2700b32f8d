"""The kernel: what may be called a theorem, and by which rules.

A `Theorem` is a set of hypotheses and a conclusion, formulas of `terms`. No function outside this
file can make one: the constructor asks for a key that is not exported, and every rule below either
returns a theorem that follows from those it was given, or raises an error. A proof script can
therefore be wrong, but it cannot lie. To believe a theorem one has to believe this file, `terms`
(what formulas are, and how names are replaced) and `normal_form` (when two terms are the same
rational function of the same things, and what sign they have); they use Python's fractions and
nothing of SymPy, no floating point, no sampling, no limit.

Numbers are real, ``x / 0`` has no value that a rule would use: each rule that meets a division asks
for a theorem that the divisor is not 0, for a root that what stands under it is not negative, and
for a logarithm that its argument is positive. Free variables and columns are universally
quantified; one that occurs in a hypothesis stands for the same thing there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import InitVar, dataclass

from . import terms as t
from .normal_form import POSITIVE, UNKNOWN, Forms, minus


class KernelError(ValueError):
    """A rule was asked for something that does not follow."""


_KEY = object()


@dataclass(frozen=True, eq=False)
class Theorem:
    """Hypotheses that imply a conclusion, with the lemmas cited and the theorems it was made of."""

    key: InitVar[object]
    rule: str
    conclusion: t.Formula
    hypotheses: frozenset[t.Formula]
    parents: tuple[Theorem, ...]
    cited: frozenset[str]

    def __post_init__(self, key: object) -> None:
        """Only the rules of this file have the key."""
        _expect(key is _KEY, "a theorem is made by the rules of the kernel alone")

    def __repr__(self) -> str:
        """Hypotheses and conclusion as text."""
        return f"{', '.join(sorted(map(str, self.hypotheses)))} |- {self.conclusion}"


def _made(
    rule: str,
    conclusion: t.Formula,
    parents: Sequence[Theorem] = (),
    hypotheses: Iterable[t.Formula] | None = None,
    cited: Iterable[str] = (),
) -> Theorem:
    """A theorem, once its formulas have been looked at; hypotheses are those of the parents."""
    if hypotheses is None:
        hypotheses = [h for parent in parents for h in parent.hypotheses]
    assumed = frozenset(hypotheses)
    t.check((*assumed, conclusion))
    lemmas = frozenset(cited).union(*(parent.cited for parent in parents))
    return Theorem(_KEY, rule, conclusion, assumed, tuple(parents), lemmas)


def _expect(true: bool, *what: object) -> None:
    if not true:
        raise KernelError(" ".join(map(str, what)))


def _relation(theorem: Theorem, *kinds: type[t.Relation]) -> t.Relation:
    """The conclusion, of one of these kinds: an equation unless others are given."""
    conclusion = theorem.conclusion
    if not isinstance(conclusion, kinds or t.Equal):
        raise KernelError(f"{conclusion} is no equation, or not of the form that is needed")
    return conclusion


def _used(forms: Forms, known: Sequence[Theorem]) -> list[Theorem]:
    """Those of the theorems whose conclusions the normal forms needed."""
    return [theorem for theorem in known if theorem.conclusion in forms.used]


# --- from nothing, or from a lemma that is not proved here -----------------------------


def assume(formula: t.Formula) -> Theorem:
    """A |- A"""
    return _made("assume", formula, (), (formula,))


def cite(lemma: str, formula: t.Formula) -> Theorem:
    """A lemma taken from elsewhere; every theorem that rests on it says so."""
    return _made("cite", formula, (), (), (lemma,))


def total(term: t.Term) -> Theorem:
    """|- 0 <= t or t <= 0"""
    return _made("total", t.Or(t.LessEqual(t.ZERO, term), t.LessEqual(term, t.ZERO)))


# --- equations and inequalities ------------------------------------------------------------


def combine(goal: t.Formula, of: Iterable[tuple[t.Term, Theorem]] = (), *known: Theorem) -> Theorem:
    """|- an equation or inequality that is a sum of given ones, each times a factor.

    right - left has to be sum_k factor_k (right_k - left_k) in normal form. An equation is a sum of
    equations; where the goal is an inequality, the given ones have factors that are not negative,
    and one that is strict and times a positive factor makes < of <=. ``known``: theorems that
    license divisions, roots and logarithms, and decide signs, indicators and absolute values.
    """
    forms, parts = Forms(theorem.conclusion for theorem in known), list(of)
    _expect(isinstance(goal, t.Equal | t.Less | t.LessEqual), goal, "is no equation or inequality")
    assert isinstance(goal, t.Relation)
    strict, rest = not isinstance(goal, t.Less), t.Add(goal.right, minus(goal.left))
    for factor, theorem in parts:
        one = _relation(theorem, t.Equal, t.Less, t.LessEqual)
        if not isinstance(one, t.Equal):
            _expect(not isinstance(goal, t.Equal), one, "is no equation")
            sign_of = forms.sign(factor)
            _expect(sign_of != UNKNOWN, factor, "may be negative")
            strict |= isinstance(one, t.Less) and sign_of == POSITIVE
        rest = t.Add(rest, minus(t.Multiply(factor, t.Add(one.right, minus(one.left)))))
    _expect(strict, "nothing makes", goal, "strict")
    left = forms.fraction(rest)[0]
    _expect(not left, goal, "leaves", len(left), "monomials, not 0")
    return _made("combine", goal, [*(theorem for _, theorem in parts), *_used(forms, known)])


def sign(term: t.Term, *known: Theorem) -> Theorem:
    """|- 0 < t or 0 <= t, from squares, products, sums and what is known."""
    forms = Forms(theorem.conclusion for theorem in known)
    found = forms.sign(term)
    _expect(found != UNKNOWN, term, "may be negative")
    relation = t.Less if found == POSITIVE else t.LessEqual
    return _made("sign", relation(t.ZERO, term), _used(forms, known))


def antisymmetric(below: Theorem, above: Theorem) -> Theorem:
    """From a <= b and b <= a: |- a = b."""
    one, other = _relation(below, t.LessEqual), _relation(above, t.LessEqual)
    _expect((one.left, one.right) == (other.right, other.left), one, "and", other, "do not meet")
    return _made("antisymmetric", t.Equal(one.left, one.right), (below, above))


def symmetric(equation: Theorem) -> Theorem:
    """From a = b: |- b = a."""
    one = _relation(equation)
    return _made("symmetric", t.Equal(one.right, one.left), (equation,))


def rewrite(theorem: Theorem, *equations: Theorem) -> Theorem:
    """The theorem with the left side of each equation replaced by its right side."""
    return _made("rewrite", _replaced(theorem.conclusion, equations), (theorem, *equations))


def congruence(term: t.Term, *equations: Theorem) -> Theorem:
    """|- t = t with the left side of each equation replaced by its right side."""
    return _made("congruence", t.Equal(term, _replaced(term, equations)), equations)


def _replaced(node: t.N, equations: Sequence[Theorem]) -> t.N:
    for equation in equations:
        one = _relation(equation)
        before, node = node, t.replaced(node, one.left, one.right)
        _expect(node is not before, one.left, "does not occur in", before)
    return node


def root_is(square: Theorem, sign_of: Theorem) -> Theorem:
    """From b^2 = a and 0 <= b: |- root(a) = b."""
    base = _power(square)
    least = _relation(sign_of, t.Less, t.LessEqual)
    _expect((least.left, least.right) == (t.ZERO, base), least, "does not say that 0 <=", base)
    return _made("root_is", t.Equal(t.Root(_relation(square).right), base), (square, sign_of))


def zero_base(power: Theorem) -> Theorem:
    """From t^2 = 0: |- t = 0."""
    base = _power(power)
    _expect(_relation(power).right is t.ZERO, power.conclusion, "does not say that it is 0")
    return _made("zero_base", t.Equal(base, t.ZERO), (power,))


def _power(theorem: Theorem) -> t.Term:
    left = _relation(theorem).left
    _expect(isinstance(left, t.Power) and left.exponent == 2, left, "is no square")
    return left.base  # type: ignore[no-any-return]


# --- exponentials and logarithms ------------------------------------------------------------


def exp_sum(one: t.Term, other: t.Term) -> Theorem:
    """|- exp(a + b) = exp(a) exp(b)"""
    return _made("exp_sum", t.Equal(t.Exp(t.Add(one, other)), t.Multiply(t.Exp(one), t.Exp(other))))


def exp_above(term: t.Term) -> Theorem:
    """|- 1 + t <= exp(t)"""
    return _made("exp_above", t.LessEqual(t.Add(t.ONE, term), t.Exp(term)))


def exp_only(touched: Theorem) -> Theorem:
    """From exp(t) = 1 + t: |- t = 0."""
    one = _relation(touched)
    term = getattr(one.left, "of", t.ZERO)
    _expect(
        (one.left, one.right) == (t.Exp(term), t.Add(t.ONE, term)), one, "is not exp(t) = 1 + t"
    )
    return _made("exp_only", t.Equal(term, t.ZERO), (touched,))


def log_exp(term: t.Term) -> Theorem:
    """|- log(exp(t)) = t"""
    return _made("log_exp", t.Equal(t.Log(t.Exp(term)), term))


def exp_log(positive: Theorem) -> Theorem:
    """From 0 < t: |- exp(log(t)) = t."""
    one = _relation(positive, t.Less)
    _expect(one.left is t.ZERO, one, "does not say that", one.right, "is positive")
    return _made("exp_log", t.Equal(t.Exp(t.Log(one.right)), one.right), (positive,))


# --- sums and places ---------------------------------------------------------------------------


def _arbitrary(place: t.Index, theorem: Theorem) -> None:
    bound = any(place in t.indices(hypothesis) for hypothesis in theorem.hypotheses)
    _expect(not bound, place.name, "is not arbitrary: a hypothesis is about it")


def sum_equal(theorem: Theorem, place: t.Index) -> Theorem:
    """From a_i = b_i at an arbitrary place: |- sum a = sum b."""
    _arbitrary(place, theorem)
    one = _relation(theorem)
    left, right = (t.Sum(place.count, t.closed(side, place)) for side in (one.left, one.right))
    return _made("sum_equal", t.Equal(left, right), (theorem,))


def term_at_most(sign_of: Theorem, place: t.Index) -> Theorem:
    """From 0 <= a_i at an arbitrary place: |- a_i <= sum a."""
    _arbitrary(place, sign_of)
    one = _relation(sign_of, t.Less, t.LessEqual)
    _expect(one.left is t.ZERO, one, "does not say that", one.right, "is not negative")
    whole = t.Sum(place.count, t.closed(one.right, place))
    return _made("term_at_most", t.LessEqual(one.right, whole), (sign_of,))


def exchange(term: t.Term) -> Theorem:
    """|- sum_i sum_j a_ij = sum_j sum_i a_ij, for counts that do not depend on a place."""
    _expect(isinstance(term, t.Sum) and isinstance(term.body, t.Sum), term, "is no sum of sums")
    outer, inner = t.index("i", term.count), t.index("j", term.body.count)
    body = t.opened(t.opened(term.body, outer).body, inner)
    turned = t.Sum(inner.count, t.closed(t.Sum(outer.count, t.closed(body, outer)), inner))
    return _made("exchange", t.Equal(term, turned))


def each(theorem: Theorem, place: t.Index) -> Theorem:
    """From a formula at an arbitrary place: the formula at each place."""
    _arbitrary(place, theorem)
    return _made("each", t.Each(place.count, t.closed(theorem.conclusion, place)), (theorem,))


def at(theorem: Theorem, place: t.Index) -> Theorem:
    """From a formula at each place: the formula at this one."""
    given = theorem.conclusion
    _expect(isinstance(given, t.Each) and given.count is place.count, given, "is not said of it")
    return _made("at", t.opened(given.of, place), (theorem,))


# --- hypotheses ---------------------------------------------------------------------------


def split(theorem: Theorem) -> Theorem:
    """From 0 <= t: |- 0 < t or t = 0."""
    one = _relation(theorem, t.LessEqual)
    _expect(one.left is t.ZERO, one, "is not 0 <= t")
    return _made("split", t.Or(t.Less(t.ZERO, one.right), t.Equal(one.right, t.ZERO)), (theorem,))


def cases(either: Theorem, left: Theorem, right: Theorem) -> Theorem:
    """From A or B, a proof from A and a proof from B: the proof from neither."""
    given = _relation(either, t.Or)
    _expect(left.conclusion is right.conclusion, "the cases do not show the same")
    for case, shown in ((given.left, left), (given.right, right)):
        _expect(case in shown.hypotheses, "the case", case, "is not used: it needs no cases")
    rest = (left.hypotheses - {given.left}) | (right.hypotheses - {given.right})
    return _made("cases", left.conclusion, (either, left, right), rest | either.hypotheses)


def cut(theorem: Theorem, *lemmas: Theorem) -> Theorem:
    """The theorem with hypotheses replaced by what proves them."""
    hypotheses = theorem.hypotheses
    for lemma in lemmas:
        _expect(lemma.conclusion in hypotheses, lemma.conclusion, "is no hypothesis")
        hypotheses = (hypotheses - {lemma.conclusion}) | lemma.hypotheses
    return _made("cut", theorem.conclusion, (theorem, *lemmas), hypotheses)


def instantiate(
    theorem: Theorem,
    values: Mapping[str, t.Term] | None = None,
    columns: Mapping[str, tuple[t.Index, t.Term]] | None = None,
) -> Theorem:
    """The theorem for these values of variables, and for these columns, in all its formulas."""
    numbers, entries = values or {}, columns or {}
    t.check((*numbers.values(), *(entry for _, entry in entries.values())))
    formulas = (theorem.conclusion, *theorem.hypotheses)
    for part in frozenset[t.Node]().union(*map(t.within, formulas)):
        if isinstance(part, t.Variable) and part.kind == "count" and part.name in numbers:
            _expect(t.is_count(numbers[part.name]), numbers[part.name], "is no count")
        if isinstance(part, t.Index):
            runs = {getattr(n, "name", "") for n in t.within(part.count)}
            _expect(not runs & numbers.keys(), part.name, "runs to a count that is replaced")
    conclusion, *hypotheses = (t.instantiated(formula, numbers, entries) for formula in formulas)
    return _made("instantiate", conclusion, (theorem,), hypotheses)
