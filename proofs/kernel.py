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

from .normal_form import POSITIVE, UNKNOWN, Forms, minus
from .terms import (
    ONE,
    ZERO,
    Add,
    Each,
    Equal,
    Exp,
    Formula,
    Index,
    Less,
    LessEqual,
    Log,
    Multiply,
    Node,
    Or,
    Power,
    Relation,
    Root,
    Sum,
    Term,
    Variable,
    changed,
    check,
    closed,
    index,
    indices,
    instantiated,
    is_count,
    opened,
    replaced,
    within,
)


class KernelError(ValueError):
    """A rule was asked for something that does not follow."""


_KEY = object()


class Theorem:
    """Hypotheses that imply a conclusion, with the lemmas cited and the theorems it was made of."""

    __slots__ = ("cited", "conclusion", "hypotheses", "parents", "rule")
    cited: frozenset[str]
    conclusion: Formula
    hypotheses: frozenset[Formula]
    parents: tuple[Theorem, ...]
    rule: str

    def __init__(self, key: object, *fields: object) -> None:
        """Only the rules of this file have the key."""
        _expect(key is _KEY, "a theorem is made by the rules of the kernel alone")
        for name, value in zip(self.__slots__, fields, strict=True):
            object.__setattr__(self, name, value)

    def __setattr__(self, name: str, value: object) -> None:
        """Theorems do not change."""
        raise KernelError("a theorem cannot be changed")

    def __repr__(self) -> str:
        """Hypotheses and conclusion as text."""
        return f"{', '.join(sorted(map(str, self.hypotheses)))} |- {self.conclusion}"


def _made(
    rule: str,
    conclusion: Formula,
    parents: Sequence[Theorem] = (),
    hypotheses: Iterable[Formula] | None = None,
    cited: Iterable[str] = (),
) -> Theorem:
    """A theorem, once its formulas have been looked at; hypotheses are those of the parents."""
    if hypotheses is None:
        hypotheses = [h for parent in parents for h in parent.hypotheses]
    assumed = frozenset(hypotheses)
    check((*assumed, conclusion))
    lemmas = frozenset(cited).union(*(parent.cited for parent in parents))
    return Theorem(_KEY, lemmas, conclusion, assumed, tuple(parents), rule)


def _expect(true: bool, *what: object) -> None:
    if not true:
        raise KernelError(" ".join(map(str, what)))


def _relation(theorem: Theorem, *kinds: type[Relation]) -> Relation:
    """The conclusion, which has to be of one of these kinds: an equation unless others are given."""
    conclusion = theorem.conclusion
    if not isinstance(conclusion, kinds or Equal):
        raise KernelError(f"{conclusion} is no equation, or not of the form that is needed")
    return conclusion


def _used(forms: Forms, known: Sequence[Theorem]) -> list[Theorem]:
    """Those of the theorems whose conclusions the normal forms needed."""
    return [theorem for theorem in known if theorem.conclusion in forms.used]


# --- from nothing, or from a lemma that is not proved here -----------------------------


def assume(formula: Formula) -> Theorem:
    """A |- A"""
    return _made("assume", formula, (), (formula,))


def cite(lemma: str, formula: Formula) -> Theorem:
    """A lemma taken from elsewhere; every theorem that rests on it says so."""
    return _made("cite", formula, (), (), (lemma,))


def total(term: Term) -> Theorem:
    """|- 0 <= t or t <= 0"""
    return _made("total", Or(LessEqual(ZERO, term), LessEqual(term, ZERO)))


# --- equations and inequalities ------------------------------------------------------------


def combine(goal: Formula, of: Iterable[tuple[Term, Theorem]] = (), *known: Theorem) -> Theorem:
    """|- an equation or inequality that is a sum of given ones, each times a factor.

    right - left has to be sum_k factor_k (right_k - left_k) in normal form. An equation is a sum of
    equations; where the goal is an inequality, the given ones have factors that are not negative,
    and one that is strict and times a positive factor makes < of <=. ``known``: theorems that
    license divisions, roots and logarithms, and decide signs, indicators and absolute values.
    """
    forms, parts = Forms(theorem.conclusion for theorem in known), list(of)
    _expect(isinstance(goal, Equal | Less | LessEqual), goal, "is no equation or inequality")
    assert isinstance(goal, Relation)
    strict, rest = not isinstance(goal, Less), Add(goal.right, minus(goal.left))
    for factor, theorem in parts:
        one = _relation(theorem, Equal, Less, LessEqual)
        if not isinstance(one, Equal):
            _expect(not isinstance(goal, Equal), one, "is no equation")
            sign_of = forms.sign(factor)
            _expect(sign_of != UNKNOWN, factor, "may be negative")
            strict |= isinstance(one, Less) and sign_of == POSITIVE
        rest = Add(rest, minus(Multiply(factor, Add(one.right, minus(one.left)))))
    _expect(strict, "nothing makes", goal, "strict")
    left = forms.fraction(rest)[0]
    _expect(not left, goal, "leaves", len(left), "monomials, not 0")
    return _made("combine", goal, [*(theorem for _, theorem in parts), *_used(forms, known)])


def sign(term: Term, *known: Theorem) -> Theorem:
    """|- 0 < t or 0 <= t, from squares, products, sums and what is known."""
    forms = Forms(theorem.conclusion for theorem in known)
    found = forms.sign(term)
    _expect(found != UNKNOWN, term, "may be negative")
    relation = Less if found == POSITIVE else LessEqual
    return _made("sign", relation(ZERO, term), _used(forms, known))


def antisymmetric(below: Theorem, above: Theorem) -> Theorem:
    """From a <= b and b <= a: |- a = b."""
    one, other = _relation(below, LessEqual), _relation(above, LessEqual)
    _expect((one.left, one.right) == (other.right, other.left), one, "and", other, "do not meet")
    return _made("antisymmetric", Equal(one.left, one.right), (below, above))


def symmetric(equation: Theorem) -> Theorem:
    """From a = b: |- b = a."""
    one = _relation(equation)
    return _made("symmetric", Equal(one.right, one.left), (equation,))


def rewrite(theorem: Theorem, *equations: Theorem) -> Theorem:
    """The theorem with the left side of each equation replaced by its right side."""
    return _made("rewrite", _replaced(theorem.conclusion, equations), (theorem, *equations))


def congruence(term: Term, *equations: Theorem) -> Theorem:
    """|- t = t with the left side of each equation replaced by its right side."""
    return _made("congruence", Equal(term, _replaced(term, equations)), equations)


def _replaced(node: Node, equations: Sequence[Theorem]) -> Node:
    for equation in equations:
        one = _relation(equation)
        before, node = node, replaced(node, one.left, one.right)
        _expect(node is not before, one.left, "does not occur in", before)
    return node


def root_is(square: Theorem, sign_of: Theorem) -> Theorem:
    """From b^2 = a and 0 <= b: |- root(a) = b."""
    base = _power(square)
    least = _relation(sign_of, Less, LessEqual)
    _expect((least.left, least.right) == (ZERO, base), least, "does not say that 0 <=", base)
    return _made("root_is", Equal(Root(_relation(square).right), base), (square, sign_of))


def zero_base(power: Theorem) -> Theorem:
    """From t^2 = 0: |- t = 0."""
    base = _power(power)
    _expect(_relation(power).right is ZERO, power.conclusion, "does not say that it is 0")
    return _made("zero_base", Equal(base, ZERO), (power,))


def _power(theorem: Theorem) -> Term:
    left = _relation(theorem).left
    _expect(isinstance(left, Power) and left.exponent == 2, left, "is no square")
    return left.base  # type: ignore[no-any-return]


# --- exponentials and logarithms ------------------------------------------------------------


def exp_sum(one: Term, other: Term) -> Theorem:
    """|- exp(a + b) = exp(a) exp(b)"""
    return _made("exp_sum", Equal(Exp(Add(one, other)), Multiply(Exp(one), Exp(other))))


def exp_above(term: Term) -> Theorem:
    """|- 1 + t <= exp(t)"""
    return _made("exp_above", LessEqual(Add(ONE, term), Exp(term)))


def exp_only(touched: Theorem) -> Theorem:
    """From exp(t) = 1 + t: |- t = 0."""
    one = _relation(touched)
    term = getattr(one.left, "of", ZERO)
    _expect((one.left, one.right) == (Exp(term), Add(ONE, term)), one, "is not exp(t) = 1 + t")
    return _made("exp_only", Equal(term, ZERO), (touched,))


def log_exp(term: Term) -> Theorem:
    """|- log(exp(t)) = t"""
    return _made("log_exp", Equal(Log(Exp(term)), term))


def exp_log(positive: Theorem) -> Theorem:
    """From 0 < t: |- exp(log(t)) = t."""
    one = _relation(positive, Less)
    _expect(one.left is ZERO, one, "does not say that", one.right, "is positive")
    return _made("exp_log", Equal(Exp(Log(one.right)), one.right), (positive,))


# --- sums and places ---------------------------------------------------------------------------


def _arbitrary(place: Index, theorem: Theorem) -> None:
    bound = any(place in indices(hypothesis) for hypothesis in theorem.hypotheses)
    _expect(not bound, place.name, "is not arbitrary: a hypothesis is about it")


def sum_equal(theorem: Theorem, place: Index) -> Theorem:
    """From a_i = b_i at an arbitrary place: |- sum a = sum b."""
    _arbitrary(place, theorem)
    one = _relation(theorem)
    left, right = (Sum(place.count, closed(side, place)) for side in (one.left, one.right))
    return _made("sum_equal", Equal(left, right), (theorem,))


def term_at_most(sign_of: Theorem, place: Index) -> Theorem:
    """From 0 <= a_i at an arbitrary place: |- a_i <= sum a."""
    _arbitrary(place, sign_of)
    one = _relation(sign_of, Less, LessEqual)
    _expect(one.left is ZERO, one, "does not say that", one.right, "is not negative")
    whole = Sum(place.count, closed(one.right, place))
    return _made("term_at_most", LessEqual(one.right, whole), (sign_of,))


def exchange(term: Term) -> Theorem:
    """|- sum_i sum_j a_ij = sum_j sum_i a_ij, for counts that do not depend on a place."""
    _expect(isinstance(term, Sum) and isinstance(term.body, Sum), term, "is no sum of sums")
    outer, inner = index("i", term.count), index("j", term.body.count)  # type: ignore[attr-defined]
    body = opened(opened(term.body, outer).body, inner)  # type: ignore[attr-defined]
    turned = Sum(inner.count, closed(Sum(outer.count, closed(body, outer)), inner))
    return _made("exchange", Equal(term, turned))


def each(theorem: Theorem, place: Index) -> Theorem:
    """From a formula at an arbitrary place: the formula at each place."""
    _arbitrary(place, theorem)
    return _made("each", Each(place.count, closed(theorem.conclusion, place)), (theorem,))


def at(theorem: Theorem, place: Index) -> Theorem:
    """From a formula at each place: the formula at this one."""
    given = theorem.conclusion
    _expect(isinstance(given, Each) and given.count is place.count, given, "is not said of it")
    return _made("at", opened(given.of, place), (theorem,))  # type: ignore[attr-defined]


# --- hypotheses ---------------------------------------------------------------------------


def split(theorem: Theorem) -> Theorem:
    """From 0 <= t: |- 0 < t or t = 0."""
    one = _relation(theorem, LessEqual)
    _expect(one.left is ZERO, one, "is not 0 <= t")
    return _made("split", Or(Less(ZERO, one.right), Equal(one.right, ZERO)), (theorem,))


def cases(either: Theorem, left: Theorem, right: Theorem) -> Theorem:
    """From A or B, a proof from A and a proof from B: the proof from neither."""
    given = _relation(either, Or)
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
    values: Mapping[str, Term] | None = None,
    columns: Mapping[str, tuple[Index, Term]] | None = None,
) -> Theorem:
    """The theorem for these values of variables, and for these columns, in all its formulas."""
    numbers, entries = values or {}, columns or {}
    check((*numbers.values(), *(entry for _, entry in entries.values())))
    formulas = (theorem.conclusion, *theorem.hypotheses)
    for part in frozenset[Node]().union(*map(within, formulas)):
        if isinstance(part, Variable) and part.kind == "count" and part.name in numbers:
            _expect(is_count(numbers[part.name]), numbers[part.name], "is no count")
        if isinstance(part, Index):
            runs = {getattr(n, "name", "") for n in within(part.count)}
            _expect(not runs & numbers.keys(), part.name, "runs to a count that is replaced")
    conclusion, *hypotheses = (instantiated(formula, numbers, entries) for formula in formulas)
    return _made("instantiate", conclusion, (theorem,), hypotheses)
