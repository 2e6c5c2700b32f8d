"""When are two terms the same rational function of the same things, and what sign has a term?

A term becomes a fraction: a polynomial with rational coefficients over a product of divisors. Its
generators are variables, entries of columns, absolute values, indicators, exponentials, logarithms,
roots (the square of one is what stands under it) and sums of monomials: a sum is linear, factors
free of its index leave it, and the sum of 1 is the count. Nothing is divided by, or put under a
root or a logarithm, without a licence: a formula known to hold, or a sign that squares, sums and
products show, that says that it is not 0, not negative, or positive.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from fractions import Fraction
from itertools import count
from typing import TypeVar

from .terms import (
    ONE,
    ZERO,
    Absolute,
    Add,
    Divide,
    Each,
    Entry,
    Equal,
    Exp,
    Formula,
    Index,
    Indicator,
    Less,
    LessEqual,
    Log,
    Multiply,
    Number,
    Power,
    Relation,
    Root,
    Sum,
    Term,
    Variable,
    closed,
    indices,
    is_count,
    opened,
)

Monomial = tuple[tuple[Term, int], ...]
Polynomial = dict[Monomial, Fraction]
Divisor = frozenset[tuple[Monomial, Fraction]]
Fractional = tuple[Polynomial, dict[Divisor, int]]

Answer = TypeVar("Answer")

UNKNOWN, NOT_NEGATIVE, POSITIVE = range(3)
"""The signs that a term may be known to have."""


class UnlicensedError(ValueError):
    """A division, a root or a logarithm that nothing known allows."""


class Forms:
    """Normal forms and signs, given what is known; ``used`` holds the formulas that mattered."""

    def __init__(self, known: Iterable[Formula] = ()) -> None:
        """``known`` holds wherever the normal forms are used."""
        self.known = tuple(known)
        self.used: set[Formula] = set()
        self._fractions: dict[Term, Fractional] = {}
        self._not_zero: dict[Divisor, set[Formula]] | None = None
        self._facts: dict[tuple[type[Formula], Term], Formula] = {}
        for fact in self.known:
            if isinstance(fact, Relation) and ZERO in (fact.left, fact.right):
                turned = isinstance(fact, Equal) or fact.left is ZERO
                of = (fact.left if fact.right is ZERO else fact.right) if turned else minus(fact.left)
                self._facts[type(fact), of] = fact

    def _knows(self, relation: type[Formula], term: Term) -> bool:
        fact = self._facts.get((relation, term))
        self.used |= {fact} if fact else set()
        return fact is not None

    # --- signs -------------------------------------------------------------------------------

    def sign(self, term: Term) -> int:
        """The sign that the term is known to have."""
        before = set(self.used)
        if self._knows(Less, term):
            return POSITIVE
        found = self._sign(term) or (NOT_NEGATIVE if self._knows(LessEqual, term) else UNKNOWN)
        self.used = self.used if found else before
        return found

    def _sign(self, term: Term) -> int:
        if isinstance(term, Number):
            return POSITIVE if term.value > 0 else NOT_NEGATIVE if term.value == 0 else UNKNOWN
        if isinstance(term, Exp):
            return POSITIVE
        if isinstance(term, Indicator):
            return POSITIVE if self._knows(Equal, term.of) else NOT_NEGATIVE
        if isinstance(term, Absolute):
            return POSITIVE if self.not_zero(term.of) else NOT_NEGATIVE
        if isinstance(term, Power) and term.exponent % 2 == 0:
            return POSITIVE if self.not_zero(term.base) else NOT_NEGATIVE
        if isinstance(term, Multiply) and term.left is term.right:
            return POSITIVE if self.not_zero(term.left) else NOT_NEGATIVE
        if isinstance(term, Power | Root):
            return self.sign(term.base if isinstance(term, Power) else term.of)
        if isinstance(term, Multiply):
            return min(self.sign(term.left), self.sign(term.right))
        if isinstance(term, Divide):
            return self.sign(term.left) if self.sign(term.right) == POSITIVE else UNKNOWN
        if isinstance(term, Add):
            one, other = self.sign(term.left), self.sign(term.right)
            return max(one, other) if min(one, other) else UNKNOWN
        if isinstance(term, Sum):
            place = self._place(term)
            inside = self._inside(place, lambda forms: forms.sign(opened(term.body, place)))
            positive = inside == POSITIVE and self.sign(term.count) == POSITIVE
            return POSITIVE if positive else min(inside, NOT_NEGATIVE)
        return NOT_NEGATIVE if is_count(term) else UNKNOWN

    def _place(self, term: Sum) -> Index:
        """An index of which nothing is said."""
        taken = indices(term).union(*map(indices, self.known))
        return next(p for n in count() if (p := Index("k", term.count, n)) not in taken)

    def _inside(self, place: Index, ask: Callable[[Forms], Answer]) -> Answer:
        """What is said with all that is known at each place known at this one."""
        facts = {
            opened(fact.of, place): fact
            for fact in self.known
            if isinstance(fact, Each) and fact.count is place.count
        }
        if not facts:
            return ask(self)
        forms = Forms([*self.known, *facts])
        answer = ask(forms)
        self.used |= {facts.get(used, used) for used in forms.used}
        return answer

    def not_zero(self, term: Term) -> bool:
        """Whether it is known not to be 0: by its sign, its factors, or its normal form."""
        before = set(self.used)
        if self.sign(term) == POSITIVE:
            return True
        self.used = before
        if isinstance(term, Multiply | Divide) and self.not_zero(term.left):
            return self.not_zero(term.right)
        with suppress(UnlicensedError):
            above = self.fraction(term)[0]
            facts = self._known_not_zero().get(_monic(above), set())
            self.used |= facts
            return bool(facts) or above.keys() == {()}
        return False

    def _known_not_zero(self) -> dict[Divisor, set[Formula]]:
        """The numerators of what is known to be positive, up to a factor, and from what formulas."""
        if self._not_zero is None:
            self._not_zero, before = {}, self.used
            for (relation, term), fact in self._facts.items():
                self.used = {fact}
                self._fractions = {}  # so that what each of them needs is noted anew
                with suppress(UnlicensedError):
                    if relation is Less:
                        self._not_zero[_monic(self.fraction(term)[0])] = self.used
            self.used, self._fractions = before, {}
        return self._not_zero

    # --- fractions ---------------------------------------------------------------------------

    def vanishes(self, term: Term) -> bool:
        """Whether the term is 0 for all values of its generators."""
        return not self.fraction(term)[0]

    def fraction(self, term: Term) -> Fractional:
        """The term as a polynomial over divisors, each of which is not 0."""
        if term not in self._fractions:
            self._fractions[term] = self._fraction(term)
        return self._fractions[term]

    def _fraction(self, term: Term) -> Fractional:
        if isinstance(term, Number):
            return ({(): term.value} if term.value else {}), {}
        if isinstance(term, Variable | Entry):
            return _atom(term), {}
        if isinstance(term, Add):
            return self._plus(self.fraction(term.left), self.fraction(term.right))
        if isinstance(term, Multiply):
            return self._times(self.fraction(term.left), self.fraction(term.right))
        if isinstance(term, Power):
            rest = Power(term.base, term.exponent - 1) if term.exponent > 1 else ONE
            return self._times(self.fraction(term.base), self.fraction(rest))
        if isinstance(term, Divide):
            if not self.not_zero(term.right):
                raise UnlicensedError(f"{term.right} is divided by: show that it is not 0")
            return self._times(self.fraction(term.left), self._inverse(term.right))
        if isinstance(term, Sum):
            place = self._place(term)
            return self._inside(place, lambda forms: forms._total(term, place))
        return self._function(term)

    def _function(self, term: Term) -> Fractional:
        of: Term = getattr(term, "of", ZERO)
        if isinstance(term, Absolute):
            for value in (of, minus(of)):
                if self.sign(value):
                    return self.fraction(value)
        if isinstance(term, Indicator) and self.not_zero(of):
            return {}, {}
        if isinstance(term, Indicator) and self._knows(Equal, of):
            return self.fraction(ONE)
        needed = {Root: NOT_NEGATIVE, Log: POSITIVE}.get(type(term), UNKNOWN)
        if self.sign(of) < needed:
            said = "positive" if needed == POSITIVE else "not negative"
            raise UnlicensedError(f"{of} is in a root or logarithm: show that it is {said}")
        inner = _term_of(*self.fraction(of))
        if inner is ZERO and not isinstance(term, Log):
            return self.fraction(ONE if isinstance(term, Exp | Indicator) else ZERO)
        return _atom(type(term)(inner)), {}

    def _inverse(self, term: Term) -> Fractional:
        """1 / term, for a term that is not 0."""
        numerator, divisors = self.fraction(term)
        above, below = _product(divisors), dict[Divisor, int]()
        if len(numerator) == 1:  # a monomial: one divisor for each of its factors
            ((monomial, coefficient),) = numerator.items()
            above = {m: c / coefficient for m, c in above.items()}
            for atom, exponent in monomial:
                below[frozenset(_atom(atom).items())] = exponent
        else:
            below = {frozenset(numerator.items()): 1}
        return self._simple(above, below)

    def _plus(self, one: Fractional, other: Fractional) -> Fractional:
        (n, d), (m, e) = one, other
        common = {k: max(d.get(k, 0), e.get(k, 0)) for k in d | e}
        left = _times(n, _product({k: v - d.get(k, 0) for k, v in common.items()}))
        right = _times(m, _product({k: v - e.get(k, 0) for k, v in common.items()}))
        return self._simple(_plus(left, right), common)

    def _times(self, one: Fractional, other: Fractional) -> Fractional:
        (n, d), (m, e) = one, other
        return self._simple(_times(n, m), {k: d.get(k, 0) + e.get(k, 0) for k in d | e})

    def _simple(self, above: Polynomial, below: dict[Divisor, int]) -> Fractional:
        """Common factors cancelled, and squares of roots replaced by what stands under the root."""
        for divisor, exponent in below.items():
            ((monomial, _), *more) = divisor
            if more:
                continue
            atom = monomial[0][0]
            shared = min((dict(m).get(atom, 0) for m in above), default=exponent)
            taken = min(shared, exponent)
            if taken:
                rest = {k: v - taken * (k == divisor) for k, v in below.items()}
                return self._simple(_over(above, atom, taken), {k: v for k, v in rest.items() if v})
            if isinstance(atom, Root) and exponent > 1:
                rest = {k: v - 2 * (k == divisor) for k, v in below.items()}
                left = {k: v for k, v in rest.items() if v}
                return self._times((above, left), self._inverse(atom.of))
        for atom in {a for m in above for a, e in m if isinstance(a, Root) and e > 1}:
            squared = {m: c for m, c in above.items() if dict(m).get(atom, 0) > 1}
            others = {m: c for m, c in above.items() if m not in squared}
            under = self._times((_over(squared, atom, 2), below), self.fraction(atom.of))
            return self._plus((others, below), under)
        return above, below

    def _total(self, term: Sum, place: Index) -> Fractional:
        """A sum, monomial by monomial: what is free of the index leaves it, and 1 is counted."""
        above, below = self.fraction(opened(term.body, place))
        inside = {k: e for k, e in below.items() if any(_depends(m, place) for m, _ in k)}
        result: Polynomial = {}
        for monomial, coefficient in above.items():
            free = tuple(f for f in monomial if place not in indices(f[0]))
            summed = tuple(f for f in monomial if place in indices(f[0]))
            atom = self.fraction(term.count)[0]
            if summed or inside:
                body = _term_of({summed: Fraction(1)}, inside, place)
                atom = _atom(Sum(term.count, body))
            result = _plus(result, _times({free: coefficient}, atom))
        return self._simple(result, {k: e for k, e in below.items() if k not in inside})


def minus(term: Term) -> Term:
    """-term"""
    return Multiply(Number(-1), term)  # type: ignore[no-any-return]


def _monic(polynomial: Polynomial) -> Divisor:
    first = min(polynomial, key=_order) if polynomial else ()
    return frozenset((m, c / polynomial[first]) for m, c in polynomial.items())


def _order(monomial: Monomial) -> list[tuple[int, int]]:
    return [(atom.serial, exponent) for atom, exponent in monomial]


def _atom(atom: Term) -> Polynomial:
    return {((atom, 1),): Fraction(1)}


def _over(polynomial: Polynomial, atom: Term, exponent: int) -> Polynomial:
    """The polynomial divided by a power of an atom, which all its monomials have."""
    divided = {}
    for monomial, coefficient in polynomial.items():
        powers = ((a, e - exponent * (a is atom)) for a, e in monomial)
        divided[tuple((a, e) for a, e in powers if e)] = coefficient
    return divided


def _depends(monomial: Monomial, place: Index) -> bool:
    return any(place in indices(atom) for atom, _ in monomial)


def _plus(one: Polynomial, other: Polynomial) -> Polynomial:
    result = dict(one)
    for monomial, coefficient in other.items():
        result[monomial] = result.get(monomial, Fraction(0)) + coefficient
    return {m: c for m, c in result.items() if c}


def _times(one: Polynomial, other: Polynomial) -> Polynomial:
    result: Polynomial = {}
    for m, c in one.items():
        for n, d in other.items():
            powers = dict(m)
            for atom, exponent in n:
                powers[atom] = powers.get(atom, 0) + exponent
            key = tuple(sorted(powers.items(), key=lambda power: power[0].serial))
            result[key] = result.get(key, Fraction(0)) + c * d
    return {m: c for m, c in result.items() if c}


def _product(divisors: dict[Divisor, int]) -> Polynomial:
    result: Polynomial = {(): Fraction(1)}
    for divisor, exponent in divisors.items():
        for _ in range(exponent):
            result = _times(result, dict(divisor))
    return result


def _term_of(above: Polynomial, below: dict[Divisor, int], place: Index | None = None) -> Term:
    """A fraction as a term, its parts in a fixed order; with ``place``, closed over that index."""

    def joined(join: Callable[[Term, Term], Term], parts: Iterable[Term], empty: Term) -> Term:
        first, *rest = sorted(parts, key=lambda part: part.serial) or [empty]
        for part in rest:
            first = join(first, part)
        return first

    def polynomial(terms: Iterable[tuple[Monomial, Fraction]]) -> Term:
        monomials = [
            joined(Multiply, (closed(a, place) if place else a for a, e in m for _ in range(e)), ONE)
            for m, _ in terms
        ]
        scaled = [Multiply(Number(c), m) for (_, c), m in zip(terms, monomials, strict=True)]
        return joined(Add, scaled, ZERO)

    over = polynomial(list(above.items()))
    divisors = [polynomial(list(d)) for d, e in below.items() for _ in range(e)]
    if not divisors or over is ZERO:
        return over
    return Divide(over, joined(Multiply, divisors, ONE))  # type: ignore[no-any-return]
