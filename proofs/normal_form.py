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

from . import terms as t

Monomial = tuple[tuple[t.Term, int], ...]
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

    def __init__(self, known: Iterable[t.Formula] = ()) -> None:
        """``known`` holds wherever the normal forms are used."""
        self.known = tuple(known)
        self.used: set[t.Formula] = set()
        self._fractions: dict[t.Term, Fractional] = {}
        self._not_zero: dict[Divisor, set[t.Formula]] | None = None
        self._facts: dict[tuple[type[t.Formula], t.Term], t.Formula] = {}
        for fact in self.known:
            if isinstance(fact, t.Relation) and t.ZERO in (fact.left, fact.right):
                turned = isinstance(fact, t.Equal) or fact.left is t.ZERO
                of = (
                    (fact.left if fact.right is t.ZERO else fact.right)
                    if turned
                    else minus(fact.left)
                )
                self._facts[type(fact), of] = fact

    def _knows(self, relation: type[t.Formula], term: t.Term) -> bool:
        fact = self._facts.get((relation, term))
        self.used |= {fact} if fact else set()
        return fact is not None

    # --- signs -------------------------------------------------------------------------------

    def sign(self, term: t.Term) -> int:
        """The sign that the term is known to have."""
        before = set(self.used)
        if self._knows(t.Less, term):
            return POSITIVE
        found = self._sign(term) or (NOT_NEGATIVE if self._knows(t.LessEqual, term) else UNKNOWN)
        self.used = self.used if found else before
        return found

    def _sign(self, term: t.Term) -> int:
        if isinstance(term, t.Number):
            return POSITIVE if term.value > 0 else NOT_NEGATIVE if term.value == 0 else UNKNOWN
        if isinstance(term, t.Exp):
            return POSITIVE
        if isinstance(term, t.Indicator):
            return POSITIVE if self._knows(t.Equal, term.of) else NOT_NEGATIVE
        if isinstance(term, t.Absolute):
            return POSITIVE if self.not_zero(term.of) else NOT_NEGATIVE
        if isinstance(term, t.Power) and term.exponent % 2 == 0:
            return POSITIVE if self.not_zero(term.base) else NOT_NEGATIVE
        if isinstance(term, t.Multiply) and term.left is term.right:
            return POSITIVE if self.not_zero(term.left) else NOT_NEGATIVE
        if isinstance(term, t.Power | t.Root):
            return self.sign(term.base if isinstance(term, t.Power) else term.of)
        if isinstance(term, t.Multiply):
            return min(self.sign(term.left), self.sign(term.right))
        if isinstance(term, t.Divide):
            return self.sign(term.left) if self.sign(term.right) == POSITIVE else UNKNOWN
        if isinstance(term, t.Add):
            one, other = self.sign(term.left), self.sign(term.right)
            return max(one, other) if min(one, other) else UNKNOWN
        if isinstance(term, t.Sum):
            place = self._place(term)
            inside = self._inside(place, lambda forms: forms.sign(t.opened(term.body, place)))
            positive = inside == POSITIVE and self.sign(term.count) == POSITIVE
            return POSITIVE if positive else min(inside, NOT_NEGATIVE)
        return NOT_NEGATIVE if t.is_count(term) else UNKNOWN

    def _place(self, term: t.Sum) -> t.Index:
        """An index of which nothing is said."""
        taken = t.indices(term).union(*map(t.indices, self.known))
        found: t.Index = next(p for n in count() if (p := t.Index("k", term.count, n)) not in taken)
        return found

    def _inside(self, place: t.Index, ask: Callable[[Forms], Answer]) -> Answer:
        """What is said with all that is known at each place known at this one."""
        facts = {
            t.opened(fact.of, place): fact
            for fact in self.known
            if isinstance(fact, t.Each) and fact.count is place.count
        }
        if not facts:
            return ask(self)
        forms = Forms([*self.known, *facts])
        answer = ask(forms)
        self.used |= {facts.get(used, used) for used in forms.used}
        return answer

    def not_zero(self, term: t.Term) -> bool:
        """Whether it is known not to be 0: by its sign, its factors, or its normal form."""
        before = set(self.used)
        if self.sign(term) == POSITIVE:
            return True
        self.used = before
        if isinstance(term, t.Multiply | t.Divide) and self.not_zero(term.left):
            return self.not_zero(term.right)
        with suppress(UnlicensedError):
            above = self.fraction(term)[0]
            facts = self._known_not_zero().get(_monic(above), set())
            self.used |= facts
            return bool(facts) or above.keys() == {()}
        return False

    def _known_not_zero(self) -> dict[Divisor, set[t.Formula]]:
        """The numerators of what is known to be positive, up to a factor, and the facts."""
        if self._not_zero is None:
            self._not_zero, before = {}, self.used
            for (relation, term), fact in self._facts.items():
                self.used = {fact}
                self._fractions = {}  # so that what each of them needs is noted anew
                with suppress(UnlicensedError):
                    if relation is t.Less:
                        self._not_zero[_monic(self.fraction(term)[0])] = self.used
            self.used, self._fractions = before, {}
        return self._not_zero

    # --- fractions ---------------------------------------------------------------------------

    def vanishes(self, term: t.Term) -> bool:
        """Whether the term is 0 for all values of its generators."""
        return not self.fraction(term)[0]

    def fraction(self, term: t.Term) -> Fractional:
        """The term as a polynomial over divisors, each of which is not 0."""
        if term not in self._fractions:
            self._fractions[term] = self._fraction(term)
        return self._fractions[term]

    def _fraction(self, term: t.Term) -> Fractional:
        if isinstance(term, t.Number):
            return ({(): term.value} if term.value else {}), {}
        if isinstance(term, t.Variable | t.Entry):
            return _atom(term), {}
        if isinstance(term, t.Add):
            return self._plus(self.fraction(term.left), self.fraction(term.right))
        if isinstance(term, t.Multiply):
            return self._times(self.fraction(term.left), self.fraction(term.right))
        if isinstance(term, t.Power):
            rest = t.Power(term.base, term.exponent - 1) if term.exponent > 1 else t.ONE
            return self._times(self.fraction(term.base), self.fraction(rest))
        if isinstance(term, t.Divide):
            if not self.not_zero(term.right):
                raise UnlicensedError(f"{term.right} is divided by: show that it is not 0")
            return self._times(self.fraction(term.left), self._inverse(term.right))
        if isinstance(term, t.Sum):
            place = self._place(term)
            return self._inside(place, lambda forms: forms._total(term, place))
        return self._function(term)

    def _function(self, term: t.Term) -> Fractional:
        of: t.Term = getattr(term, "of", t.ZERO)
        if isinstance(term, t.Absolute):
            for value in (of, minus(of)):
                if self.sign(value):
                    return self.fraction(value)
        if isinstance(term, t.Indicator) and self.not_zero(of):
            return {}, {}
        if isinstance(term, t.Indicator) and self._knows(t.Equal, of):
            return self.fraction(t.ONE)
        needed = {t.Root: NOT_NEGATIVE, t.Log: POSITIVE}.get(type(term), UNKNOWN)
        if self.sign(of) < needed:
            said = "positive" if needed == POSITIVE else "not negative"
            raise UnlicensedError(f"{of} is in a root or logarithm: show that it is {said}")
        inner = _term_of(*self.fraction(of))
        if inner is t.ZERO and not isinstance(term, t.Log):
            return self.fraction(t.ONE if isinstance(term, t.Exp | t.Indicator) else t.ZERO)
        return _atom(type(term)(inner)), {}

    def _inverse(self, term: t.Term) -> Fractional:
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
            if isinstance(atom, t.Root) and exponent > 1:
                rest = {k: v - 2 * (k == divisor) for k, v in below.items()}
                left = {k: v for k, v in rest.items() if v}
                return self._times((above, left), self._inverse(atom.of))
        for atom in {a for m in above for a, e in m if isinstance(a, t.Root) and e > 1}:
            squared = {m: c for m, c in above.items() if dict(m).get(atom, 0) > 1}
            others = {m: c for m, c in above.items() if m not in squared}
            under = self._times((_over(squared, atom, 2), below), self.fraction(atom.of))
            return self._plus((others, below), under)
        return above, below

    def _total(self, term: t.Sum, place: t.Index) -> Fractional:
        """A sum, monomial by monomial: what is free of the index leaves it, and 1 is counted."""
        above, below = self.fraction(t.opened(term.body, place))
        inside = {k: e for k, e in below.items() if any(_depends(m, place) for m, _ in k)}
        result: Polynomial = {}
        for monomial, coefficient in above.items():
            free = tuple(f for f in monomial if place not in t.indices(f[0]))
            summed = tuple(f for f in monomial if place in t.indices(f[0]))
            atom = self.fraction(term.count)[0]
            if summed or inside:
                body = _term_of({summed: Fraction(1)}, inside, place)
                atom = _atom(t.Sum(term.count, body))
            result = _plus(result, _times({free: coefficient}, atom))
        return self._simple(result, {k: e for k, e in below.items() if k not in inside})


def minus(term: t.Term) -> t.Term:
    """-term"""
    return t.Multiply(t.Number(-1), term)  # type: ignore[no-any-return]


def _monic(polynomial: Polynomial) -> Divisor:
    first = min(polynomial, key=_order) if polynomial else ()
    return frozenset((m, c / polynomial[first]) for m, c in polynomial.items())


def _order(monomial: Monomial) -> list[tuple[int, int]]:
    return [(atom.serial, exponent) for atom, exponent in monomial]


def _atom(atom: t.Term) -> Polynomial:
    return {((atom, 1),): Fraction(1)}


def _over(polynomial: Polynomial, atom: t.Term, exponent: int) -> Polynomial:
    """The polynomial divided by a power of an atom, which all its monomials have."""
    divided = {}
    for monomial, coefficient in polynomial.items():
        powers = ((a, e - exponent * (a is atom)) for a, e in monomial)
        divided[tuple((a, e) for a, e in powers if e)] = coefficient
    return divided


def _depends(monomial: Monomial, place: t.Index) -> bool:
    return any(place in t.indices(atom) for atom, _ in monomial)


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


def _term_of(above: Polynomial, below: dict[Divisor, int], place: t.Index | None = None) -> t.Term:
    """A fraction as a term, its parts in a fixed order; with ``place``, closed over that index."""

    def joined(join: type[t.Two], parts: Iterable[t.Term], empty: t.Term) -> t.Term:
        first, *rest = sorted(parts, key=lambda part: part.serial) or [empty]
        for part in rest:
            first = join(first, part)
        return first

    def product(monomial: Monomial) -> t.Term:
        factors = (t.closed(a, place) if place else a for a, e in monomial for _ in range(e))
        return joined(t.Multiply, factors, t.ONE)

    def polynomial(parts: Iterable[tuple[Monomial, Fraction]]) -> t.Term:
        return joined(t.Add, [t.Multiply(t.Number(c), product(m)) for m, c in parts], t.ZERO)

    over = polynomial(above.items())
    divisors = [polynomial(d) for d, e in below.items() for _ in range(e)]
    if not divisors or over is t.ZERO:
        return over
    return t.Divide(over, joined(t.Multiply, divisors, t.ONE))  # type: ignore[no-any-return]
