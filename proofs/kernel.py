"""The kernel: what may be called a theorem, and by which rules.

A `Theorem` is a set of hypotheses and a conclusion, formulas of `terms`. No function outside this
file can make one: the constructor asks for a key that is not exported, and every rule below either
returns a theorem that follows from those it was given, or raises `KernelError`. A proof script can
therefore be wrong, but it cannot lie. To believe a theorem one has to believe this file, `terms`
(what formulas are, and how names are replaced), `normal_form` (when two terms are the same rational
function of the same things) and SymPy's ring of polynomials with rational coefficients; no other
part of SymPy is used, no floating point, no sampling, no limit.

Numbers are real, ``x / 0`` has no value that a rule would use: each rule that meets a division asks
for a theorem that the divisor is not 0, for a root that what stands under it is not negative, and
for a logarithm that its argument is positive. Free variables and columns are universally
quantified; one that occurs in a hypothesis stands for the same thing there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from .normal_form import Forms, minus
from .terms import (
    ZERO,
    Absolute,
    Add,
    Divide,
    Each,
    Equal,
    Formula,
    Index,
    Indicator,
    Less,
    LessEqual,
    Multiply,
    Named,
    Node,
    Or,
    Power,
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

    def __init__(
        self,
        key: object,
        rule: str,
        hypotheses: Iterable[Formula],
        conclusion: Formula,
        parents: Sequence[Theorem] = (),
        cited: Iterable[str] = (),
    ) -> None:
        """Only the rules of this file have the key."""
        if key is not _KEY:
            raise KernelError("a theorem is made by the rules of the kernel alone")
        for name, value in (
            ("rule", rule),
            ("hypotheses", frozenset(hypotheses)),
            ("conclusion", conclusion),
            ("parents", tuple(parents)),
            ("cited", frozenset(cited).union(*(parent.cited for parent in parents))),
        ):
            object.__setattr__(self, name, value)

    def __setattr__(self, name: str, value: object) -> None:
        """Theorems do not change."""
        raise KernelError("a theorem cannot be changed")

    def __repr__(self) -> str:
        """Hypotheses and conclusion as text."""
        before = ", ".join(sorted(map(str, self.hypotheses)))
        return f"{before} |- {self.conclusion}"


def _made(
    rule: str,
    conclusion: Formula,
    parents: Sequence[Theorem],
    hypotheses: Iterable[Formula] | None = None,
    cited: Iterable[str] = (),
) -> Theorem:
    """A theorem, once its formulas have been looked at; hypotheses are those of the parents."""
    if hypotheses is None:
        hypotheses = [h for parent in parents for h in parent.hypotheses]
    assumed = frozenset(hypotheses)
    check((*assumed, conclusion))
    return Theorem(_KEY, rule, assumed, conclusion, parents, cited)


def _expect(true: bool, what: str) -> None:
    if not true:
        raise KernelError(what)


def _equation(theorem: Theorem) -> Equal:
    _expect(isinstance(theorem.conclusion, Equal), f"{theorem.conclusion} is no equation")
    assert isinstance(theorem.conclusion, Equal)
    return theorem.conclusion


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
    return _made("total", Or(LessEqual(ZERO, term), LessEqual(term, ZERO)), ())


# --- equations ---------------------------------------------------------------------------


def combine(
    left: Term, right: Term, of: Iterable[tuple[Term, Theorem]] = (), *known: Theorem
) -> Theorem:
    """|- left = right, when left - right is sum_k factor_k (left_k - right_k) in normal form.

    ``known``: theorems that license divisions and roots, and decide indicators and absolute values.
    """
    forms = Forms(theorem.conclusion for theorem in known)
    parts = list(of)
    rest = Add(left, minus(right))
    for factor, theorem in parts:
        one = _equation(theorem)
        rest = Add(rest, minus(Multiply(factor, Add(one.left, minus(one.right)))))
    over = forms.fraction(rest)
    _expect(not over[0], f"{left} = {right} leaves {len(over[0])} monomials, not 0")
    equations = [theorem for _, theorem in parts]
    return _made("combine", Equal(left, right), [*equations, *_used(forms, known)])


def identity(left: Term, right: Term, *known: Theorem) -> Theorem:
    """|- left = right, when both have one normal form."""
    return combine(left, right, (), *known)


def rewrite(theorem: Theorem, *equations: Theorem) -> Theorem:
    """The theorem with the left side of each equation replaced by its right side."""
    conclusion = theorem.conclusion
    for equation in equations:
        one = _equation(equation)
        new = replaced(conclusion, one.left, one.right)
        _expect(new != conclusion, f"{one.left} does not occur in {conclusion}")
        conclusion = new
    return _made("rewrite", conclusion, (theorem, *equations))


def congruence(term: Term, *equations: Theorem) -> Theorem:
    """|- t = t with the left side of each equation replaced by its right side."""
    new = term
    for equation in equations:
        one = _equation(equation)
        before, new = new, replaced(new, one.left, one.right)
        _expect(new != before, f"{one.left} does not occur in {before}")
    return _made("congruence", Equal(term, new), equations)


def fold(theorem: Theorem, *names: Named) -> Theorem:
    """The theorem with terms under names: a name is printed, and changes nothing."""
    _expect(bool(names), "no name is given")
    conclusion = theorem.conclusion
    for name in names:
        new = replaced(conclusion, name.body, name)
        _expect(new != conclusion, f"{name.label} does not occur in {conclusion}")
        conclusion = new
    return _made("fold", conclusion, (theorem,))


def root_is(square: Theorem, sign_of: Theorem) -> Theorem:
    """From b^2 = a and 0 <= b: |- root(a) = b."""
    one = _equation(square)
    _expect(isinstance(one.left, Power) and one.left.exponent == 2, f"{one.left} is no square")
    base = one.left.base  # type: ignore[attr-defined]
    _expect(
        isinstance(sign_of.conclusion, Less | LessEqual)
        and (sign_of.conclusion.left, sign_of.conclusion.right) == (ZERO, base),
        f"{sign_of.conclusion} does not say that {base} is not negative",
    )
    return _made("root_is", Equal(Root(one.right), base), (square, sign_of))


def zero_base(power: Theorem) -> Theorem:
    """From t^n = 0: |- t = 0."""
    one = _equation(power)
    _expect(isinstance(one.left, Power) and one.right == ZERO, f"{one} is no power that is 0")
    return _made("zero_base", Equal(one.left.base, ZERO), (power,))  # type: ignore[attr-defined]


# --- sums and places ---------------------------------------------------------------------------


def _arbitrary(place: Index, theorem: Theorem) -> None:
    bound = any(place in indices(hypothesis) for hypothesis in theorem.hypotheses)
    _expect(not bound, f"{place.name} is not arbitrary: a hypothesis is about it")


def sum_equal(theorem: Theorem, place: Index) -> Theorem:
    """From a_i = b_i at an arbitrary place: |- sum a = sum b."""
    _arbitrary(place, theorem)
    one = _equation(theorem)
    left, right = (Sum(place.count, closed(side, place)) for side in (one.left, one.right))
    return _made("sum_equal", Equal(left, right), (theorem,))


def each(theorem: Theorem, place: Index) -> Theorem:
    """From a formula at an arbitrary place: the formula at each place."""
    _arbitrary(place, theorem)
    return _made("each", Each(place.count, closed(theorem.conclusion, place)), (theorem,))


def at(theorem: Theorem, place: Index) -> Theorem:
    """From a formula at each place: the formula at this one."""
    all_of = theorem.conclusion
    _expect(isinstance(all_of, Each), f"{all_of} is not about each place")
    assert isinstance(all_of, Each)
    _expect(all_of.count == place.count, f"{place.name} runs to another count")
    return _made("at", opened(all_of.of, place), (theorem,))


def zero_terms(summed: Theorem, sign_of: Theorem, place: Index) -> Theorem:
    """From sum b = 0 and 0 <= b_i at an arbitrary place: |- b_i = 0."""
    _arbitrary(place, sign_of)
    one = _equation(summed)
    _expect(isinstance(one.left, Sum) and one.right == ZERO, f"{one} is no sum that is 0")
    assert isinstance(one.left, Sum)
    _expect(one.left.count == place.count, f"{place.name} runs to another count")
    term = opened(one.left.body, place)
    _expect(
        sign_of.conclusion in (LessEqual(ZERO, term), Less(ZERO, term)),
        f"{sign_of.conclusion} does not say that {term} is not negative",
    )
    return _made("zero_terms", Equal(term, ZERO), (summed, sign_of))


# --- order ---------------------------------------------------------------------------


def sign(term: Term, *known: Theorem) -> Theorem:
    """|- 0 < t or |- 0 <= t, from squares, products, sums and what is known."""
    forms = Forms(theorem.conclusion for theorem in known)
    strict = _strict(term, forms)
    relation = Less if strict else LessEqual
    return _made("sign", relation(ZERO, term), _used(forms, known))


def _strict(term: Term, forms: Forms) -> bool:
    """Whether the term is positive; an error where it may be negative."""
    if isinstance(term, Named):
        return _strict(term.body, forms)
    if forms.positive(term):
        return True
    if isinstance(term, Indicator):
        return forms.knows("Equal", term.of)
    if forms.not_negative(term) or isinstance(term, Absolute):
        return False
    if isinstance(term, Variable) and term.kind == "count":
        return False
    if isinstance(term, Power) and term.exponent % 2 == 0:
        return forms.not_zero(term.base)
    if isinstance(term, Multiply) and term.left == term.right:
        return forms.not_zero(term.left)
    if isinstance(term, Power):
        return _strict(term.base, forms)
    if isinstance(term, Root):
        return _strict(term.of, forms)
    if isinstance(term, Multiply):
        signs = [_strict(side, forms) for side in (term.left, term.right)]
        return all(signs)
    if isinstance(term, Divide):
        _expect(_strict(term.right, forms), f"{term.right} may be 0")
        return _strict(term.left, forms)
    if isinstance(term, Add):
        signs = [_strict(side, forms) for side in (term.left, term.right)]
        return any(signs)
    if isinstance(term, Sum):
        place = index("i", term.count)
        facts = {
            opened(fact.of, place): fact
            for fact in forms.known
            if isinstance(fact, Each) and fact.count == term.count
        }
        inside = Forms([*forms.known, *facts])
        strict = _strict(opened(term.body, place), inside)
        forms.used |= {facts.get(used, used) for used in inside.used}
        return strict and forms.positive(term.count)
    raise KernelError(f"{term} may be negative")


def rearrange(goal: Formula, theorem: Theorem, *known: Theorem) -> Theorem:
    """An inequality whose sides differ by as much as those of the theorem."""
    given = theorem.conclusion
    _expect(type(goal) is type(given) and isinstance(goal, Less | LessEqual), f"{given}, {goal}")
    assert isinstance(given, Less | LessEqual)
    assert isinstance(goal, Less | LessEqual)
    forms = Forms(t.conclusion for t in known)
    rest = Add(Add(goal.right, minus(goal.left)), minus(Add(given.right, minus(given.left))))
    _expect(forms.vanishes(rest), f"{goal} says more or less than {given}")
    return _made("rearrange", goal, [theorem, *_used(forms, known)])


def split(theorem: Theorem) -> Theorem:
    """From 0 <= t: |- 0 < t or t = 0."""
    given = theorem.conclusion
    _expect(isinstance(given, LessEqual) and given.left == ZERO, f"{given} is not 0 <= t")
    assert isinstance(given, LessEqual)
    return _made("split", Or(Less(ZERO, given.right), Equal(given.right, ZERO)), (theorem,))


# --- hypotheses ---------------------------------------------------------------------------


def cases(either: Theorem, left: Theorem, right: Theorem) -> Theorem:
    """From A or B, a proof from A and a proof from B: the proof from neither."""
    given = either.conclusion
    _expect(isinstance(given, Or), f"{given} does not say that these are all cases")
    assert isinstance(given, Or)
    _expect(left.conclusion == right.conclusion, "the cases do not show the same")
    rest = (left.hypotheses - {given.left}) | (right.hypotheses - {given.right})
    return _made("cases", left.conclusion, (either, left, right), rest | either.hypotheses)


def cut(theorem: Theorem, *lemmas: Theorem) -> Theorem:
    """The theorem with hypotheses replaced by what proves them."""
    hypotheses = theorem.hypotheses
    for lemma in lemmas:
        _expect(lemma.conclusion in hypotheses, f"{lemma.conclusion} is no hypothesis")
        hypotheses = (hypotheses - {lemma.conclusion}) | lemma.hypotheses
    return _made("cut", theorem.conclusion, (theorem, *lemmas), hypotheses)


def instantiate(
    theorem: Theorem,
    values: Mapping[str, Term] | None = None,
    columns: Mapping[str, tuple[Index, Term]] | None = None,
) -> Theorem:
    """The theorem for these values of variables, and for these columns, in all its formulas."""
    numbers, entries = values or {}, columns or {}

    def look(part: Node, depth: int) -> None:
        if isinstance(part, Variable) and part.kind == "count" and part.name in numbers:
            Sum(numbers[part.name], ZERO)  # refuses what is no count
        if isinstance(part, Index) and any(
            getattr(n, "name", "") in numbers for n in within(part.count)
        ):
            raise KernelError(f"{part.name} runs to a count that is replaced: close it first")

    def changed_in(formula: Formula) -> Formula:
        changed(formula, look)
        return instantiated(formula, numbers, entries)

    conclusion, *hypotheses = map(changed_in, (theorem.conclusion, *theorem.hypotheses))
    return _made("instantiate", conclusion, (theorem,), hypotheses)
