"""When are two terms the same rational function of the same things, and what sign has a term?

A term becomes a sum of monomials, products of powers of atoms with a rational coefficient. Atoms
are variables, entries of columns, absolute values, indicators, exponentials, logarithms, roots (the
square of one is what stands under it), sums of monomials (a sum is linear, factors free of its
index leave it, and the sum of 1 is the count), and polynomials that are divided by. Nothing is
divided by, or put under a root or a logarithm, without a licence: a formula known to hold, or a
sign that squares, sums and products show, that says that it is not 0, not negative, or positive.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from fractions import Fraction
from functools import reduce
from itertools import count
from typing import Any

from . import terms as t

Monomial = tuple[tuple[t.Term, int], ...]
"""Atoms with exponents that are not 0, in a fixed order."""
Polynomial = dict[Monomial, Fraction]
Used = frozenset[Any]

UNKNOWN, NOT_NEGATIVE, POSITIVE = range(3)
"""The signs that a term may be known to have."""


class Forms:
    """Normal forms and signs, given what is known; ``used`` holds the sources of what mattered."""

    def __init__(self, known: Mapping[t.Formula, Any]) -> None:
        """``known`` holds wherever the normal forms are used, each with what it is from."""
        self.known, self.used = known, Used()
        self._forms: dict[t.Term, tuple[Polynomial, Used]] = {}
        self._not_zero: dict[object, Used] | None = None
        self._facts: dict[tuple[type[t.Formula], t.Term], Any] = {}
        for fact, source in known.items():
            if isinstance(fact, t.Relation) and t.ZERO in (fact.left, fact.right):
                turned = fact.left if isinstance(fact, t.Equal) else minus(fact.left)
                self._facts[type(fact), fact.right if fact.left is t.ZERO else turned] = source

    def _knows(self, relation: type[t.Formula], term: t.Term) -> bool:
        source = self._facts.get((relation, term))
        self.used |= {source} if source else set()
        return source is not None

    def _inside(self, term: t.Sum) -> tuple[Forms, t.Term, t.Index]:
        """The body of a sum at a new place, with what is known at each place known at this one."""
        taken = t.indices(term).union(*map(t.indices, self.known))
        place = next(p for n in count() if (p := t.Index("k", term.count, n)) not in taken)
        here = {
            t.opened(fact.of, place): source
            for fact, source in self.known.items()
            if isinstance(fact, t.Each) and fact.count is place.count
        }
        return Forms({**self.known, **here}) if here else self, t.opened(term.body, place), place

    # --- signs -------------------------------------------------------------------------------

    def sign(self, term: t.Term) -> int:
        """The sign that the term is known to have."""
        before = self.used
        if self._knows(t.Less, term):
            return POSITIVE
        found = self._sign(term) or (NOT_NEGATIVE if self._knows(t.LessEqual, term) else UNKNOWN)
        self.used = self.used if found else before
        return found

    def _sign(self, term: t.Term) -> int:
        if isinstance(term, t.Number):
            return int(term.value >= 0) + int(term.value > 0)
        if isinstance(term, t.Exp | t.Indicator):
            sure = isinstance(term, t.Exp) or self._knows(t.Equal, term.of)
            return POSITIVE if sure else NOT_NEGATIVE
        if isinstance(term, t.Absolute) or (
            isinstance(term, t.Multiply) and term.left is term.right
        ):
            return POSITIVE if self.not_zero(next(term.parts())) else NOT_NEGATIVE
        if isinstance(term, t.Root):
            return self.sign(term.of)
        if isinstance(term, t.Two):
            one, other = self.sign(term.left), self.sign(term.right)
            known = one and other and (other == POSITIVE or not isinstance(term, t.Divide))
            both = max(one, other) if isinstance(term, t.Add) else min(one, other)
            return both if known else UNKNOWN
        if isinstance(term, t.Sum):
            forms, body, _ = self._inside(term)
            sign = forms.sign(body)
            self.used |= forms.used
            return min(sign, POSITIVE if self.sign(term.count) == POSITIVE else NOT_NEGATIVE)
        return NOT_NEGATIVE if t.is_count(term) else UNKNOWN

    def not_zero(self, term: t.Term) -> bool:
        """Whether it is known not to be 0: by its sign, its factors, or its normal form."""
        before = self.used
        if self.sign(term) == POSITIVE:
            return True
        self.used = before
        if isinstance(term, t.Multiply | t.Divide) and all(map(self.not_zero, term.parts())):
            return True
        with suppress(t.KernelError):
            above = self.numerator(term)
            facts = self._known_not_zero().get(_monic(above), Used())
            self.used |= facts
            if facts or above.keys() == {()}:
                return True
        self.used = before
        return False

    def _known_not_zero(self) -> dict[object, Used]:
        """The numerators of what is known to be positive, up to a factor, and the facts."""
        if self._not_zero is None:
            self._not_zero, before = {}, self.used
            for (relation, term), source in self._facts.items():
                self.used = Used([source])
                with suppress(t.KernelError):
                    above = _monic(self.numerator(term)) if relation is t.Less else None
                    self._not_zero[above] = self.used  # with what the numerator needed
            self.used, self._forms = before, {}  # now that more is known
        return self._not_zero

    # --- normal forms ------------------------------------------------------------------------

    def numerator(self, term: t.Term) -> Polynomial:
        """What is 0 where the term is 0: nothing if that is so for all values of its atoms."""
        return _cleared(self.form(term))[0]

    def form(self, term: t.Term) -> Polynomial:
        """The term as a sum of monomials, in which each divisor is licensed.

        What a form needed is kept with it, and is used whenever the form is.
        """
        if term not in self._forms:
            before, self.used = self.used, Used()
            try:
                self._forms[term] = self._form(term), self.used
            finally:
                self.used |= before
        self.used |= self._forms[term][1]
        return self._forms[term][0]

    def _form(self, term: t.Term) -> Polynomial:
        if isinstance(term, t.Number):
            return {(): term.value} if term.value else {}
        if isinstance(term, t.Variable | t.Entry):
            return _atom(term)
        if isinstance(term, t.Add):
            return _plus(self.form(term.left), self.form(term.right))
        if isinstance(term, t.Multiply):
            return _times(self.form(term.left), self.form(term.right))
        if isinstance(term, t.Divide):
            t.expect(self.not_zero(term.right), term.right, "divides: show that it is not 0")
            return _times(self.form(term.left), _inverse(self.form(term.right)))
        return self._total(term) if isinstance(term, t.Sum) else self._function(term)

    def _function(self, term: t.Term) -> Polynomial:
        of = next(term.parts())
        if isinstance(term, t.Absolute):
            for value in (of, minus(of)):
                if self.sign(value):
                    return self.form(value)
        if isinstance(term, t.Indicator) and self.not_zero(of):
            return {}
        if isinstance(term, t.Indicator) and self._knows(t.Equal, of):
            return self.form(t.ONE)
        needed = {t.Root: NOT_NEGATIVE, t.Log: POSITIVE}.get(type(term), UNKNOWN)
        t.expect(self.sign(of) >= needed, of, "is in a root or logarithm: show its sign")
        inner = _term_of(self.form(of))
        if inner is t.ZERO:
            return self.form(t.ONE if isinstance(term, t.Exp | t.Indicator) else t.ZERO)
        return _atom(type(term)(inner))

    def _total(self, term: t.Sum) -> Polynomial:
        """A sum, monomial by monomial: what is free of the index leaves it, and 1 is counted.

        A divisor leaves it if it is known not to be 0 where the sum stands, be it a sum of none.
        """
        forms, body, place = self._inside(term)
        counted, result = self.form(term.count), Polynomial()

        def leaves(atom: t.Term, exponent: int) -> bool:
            licensed = exponent > 0 or forms is self or self.not_zero(atom)
            return licensed and place not in t.indices(atom)

        for monomial, coefficient in forms.form(body).items():
            free = tuple(power for power in monomial if leaves(*power))
            summed = tuple(power for power in monomial if power not in free)
            inner = t.Sum(term.count, _term_of({summed: Fraction(1)}, place))
            atom = _atom(inner) if summed and counted else counted
            result = _plus(result, _times({free: coefficient}, atom))
        self.used |= forms.used
        return result


def minus(term: t.Term) -> t.Term:
    """-term"""
    return t.Multiply(t.Number(-1), term)  # type: ignore[no-any-return]


def _monic(polynomial: Polynomial) -> frozenset[object]:
    first = min(polynomial, key=lambda m: [(a.serial, e) for a, e in m], default=())
    return frozenset((m, c / polynomial[first]) for m, c in polynomial.items())


_BEHIND: dict[t.Term, Polynomial] = {}


def _behind(term: t.Term) -> Polynomial:
    """The polynomial of a term in normal form."""
    return _BEHIND.get(term, _atom(term))


def _atom(atom: t.Term) -> Polynomial:
    return {((atom, 1),): Fraction(1)}


def _plus(one: Polynomial, other: Polynomial) -> Polynomial:
    result = dict(one)
    for monomial, coefficient in other.items():
        result[monomial] = result.get(monomial, Fraction(0)) + coefficient
    return {m: c for m, c in result.items() if c}


def _times(one: Polynomial, other: Polynomial) -> Polynomial:
    result = Polynomial()
    for m, c in one.items():
        for n, d in other.items():
            powers = dict(m)
            for atom, exponent in n:
                powers[atom] = powers.get(atom, 0) + exponent
            for monomial, e in _product(powers).items():
                result[monomial] = result.get(monomial, Fraction(0)) + c * d * e
    return {m: c for m, c in result.items() if c}


def _product(powers: dict[t.Term, int]) -> Polynomial:
    """A product of powers, with what stands under a root in place of its square."""
    for atom, exponent in powers.items():
        if isinstance(atom, t.Root) and exponent not in (0, 1):
            under = _behind(atom.of) if exponent > 0 else _inverse(_behind(atom.of))
            whole = [under] * abs(exponent // 2)
            return reduce(_times, whole, _product(powers | {atom: exponent % 2}))
    found = ((atom, exponent) for atom, exponent in powers.items() if exponent)
    return {tuple(sorted(found, key=lambda power: power[0].serial)): Fraction(1)}


def _cleared(polynomial: Polynomial) -> tuple[Polynomial, dict[t.Term, int]]:
    """Numerator and divisors: the powers without which no exponent would be negative."""
    below: dict[t.Term, int] = {}
    for atom, exponent in (power for monomial in polynomial for power in monomial):
        if exponent < 0:
            below[atom] = max(below.get(atom, 0), -exponent)
    if not below:
        return polynomial, {}
    above = Polynomial()
    for monomial, coefficient in polynomial.items():
        rest = dict(monomial)
        part: Polynomial = {(): coefficient}
        for atom, exponent in below.items():
            part = reduce(_times, [_behind(atom)] * (rest.pop(atom, 0) + exponent), part)
        above = _plus(above, _times(part, _product(rest)))
    above, more = _cleared(above)  # a root that was squared may have divided
    return above, {a: below.get(a, 0) + more.get(a, 0) for a in below | more}


def _inverse(polynomial: Polynomial) -> Polynomial:
    """1 / polynomial, for one that is not 0; what has several monomials is an atom."""
    above, below = _cleared(polynomial)
    over: Polynomial = {((_term_of(above), -1),): Fraction(1)}
    if len(above) == 1:
        ((monomial, coefficient),) = above.items()
        over = _times({(): 1 / coefficient}, _product({atom: -e for atom, e in monomial}))
    return reduce(_times, [_behind(atom) for atom, e in below.items() for _ in range(e)], over)


def _term_of(polynomial: Polynomial, place: t.Index | None = None) -> t.Term:
    """A polynomial as a term, its parts in a fixed order; ``place`` is bound by the sum around."""

    def joined(join: type[t.Two], parts: Iterable[t.Term], empty: t.Term) -> t.Term:
        first, *rest = sorted(parts, key=lambda part: part.serial) or [empty]
        return reduce(join, rest, first)

    def product(powers: Iterable[tuple[t.Term, int]]) -> t.Term:
        factors = (t.closed(a, place) if place else a for a, e in powers for _ in range(e))
        return joined(t.Multiply, factors, t.ONE)

    above, below = _cleared(polynomial)
    terms = [t.Multiply(t.Number(c), product(m)) for m, c in above.items()]
    found = joined(t.Add, terms, t.ZERO)
    found = t.Divide(found, product(below.items())) if below else found
    if not place:
        _BEHIND[found] = polynomial
    return found
