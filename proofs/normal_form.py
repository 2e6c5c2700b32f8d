"""When are two terms the same rational function of the same things?

A term becomes a fraction: a polynomial with rational coefficients over a product of divisors. Its
generators are variables, entries of columns, absolute values, indicators, roots (the square of one
is what stands under it) and sums of monomials: a sum is linear, factors free of its index leave it,
and the sum of 1 is the count. Nothing is divided by, or put under a root, without a licence: a
formula known to hold that says that it is not 0, or not negative.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from fractions import Fraction
from functools import cache

from .terms import (
    ONE,
    ZERO,
    Absolute,
    Add,
    Divide,
    Entry,
    Equal,
    Formula,
    Index,
    Indicator,
    Less,
    LessEqual,
    Multiply,
    Named,
    NotEqual,
    Number,
    Power,
    Root,
    Sum,
    Term,
    Variable,
    changed,
    closed,
    index,
    indices,
    opened,
)

Monomial = tuple[tuple[Term, int], ...]
Polynomial = dict[Monomial, Fraction]
Divisors = dict[frozenset[tuple[Monomial, Fraction]], int]
Fractional = tuple[Polynomial, Divisors]


class UnlicensedError(ValueError):
    """A division, or a root, that nothing known allows."""


class Forms:
    """Normal forms of terms, given what is known; ``used`` holds the formulas that mattered."""

    def __init__(self, known: Iterable[Formula] = ()) -> None:
        """``known`` holds wherever the normal forms are used."""
        self.known = tuple(known)
        self.used: set[Formula] = set()
        self._fractions: dict[Term, Fractional] = {}
        self._numerators: dict[object, frozenset[Formula]] | None = None
        self._facts: dict[tuple[str, Term], Formula] = {}
        for fact in self.known:
            if isinstance(fact, Less | LessEqual) and fact.left == ZERO:
                self._facts[type(fact).__name__, _plain(fact.right)] = fact
            elif isinstance(fact, LessEqual) and fact.right == ZERO:
                self._facts["LessEqual", _plain(minus(fact.left))] = fact
            elif isinstance(fact, Equal | NotEqual) and fact.right == ZERO:
                self._facts[type(fact).__name__, _plain(fact.left)] = fact

    def vanishes(self, term: Term) -> bool:
        """Whether the term is 0 for all values of its generators."""
        return not self.fraction(term)[0]

    def knows(self, relation: str, term: Term) -> bool:
        """Whether a known formula says it of the term: ``Less`` that 0 < it, and so on."""
        fact = self._facts.get((relation, _plain(term)))
        self.used |= {fact} if fact else set()
        return fact is not None

    def positive(self, term: Term) -> bool:
        """Whether it is known to be positive: itself, or its factors."""
        if self.knows("Less", term):
            return True
        if isinstance(term, Named):
            return self.positive(term.body)
        if isinstance(term, Multiply | Divide):
            return self.positive(term.left) and self.positive(term.right)
        if isinstance(term, Power | Root):
            return self.positive(term.base if isinstance(term, Power) else term.of)
        return isinstance(term, Number) and term.value > 0

    def not_negative(self, term: Term) -> bool:
        """Whether it is known not to be negative."""
        return term == ZERO or self.knows("LessEqual", term) or self.positive(term)

    def not_zero(self, term: Term) -> bool:
        """Whether it is known not to be 0: itself, its factors, or its normal form."""
        if isinstance(term, Number):
            return term.value != 0
        if isinstance(term, Named):
            return self.not_zero(term.body)
        if self.positive(term) or self.knows("NotEqual", term):
            return True
        if isinstance(term, Multiply | Divide) and self.not_zero(term.left):
            return self.not_zero(term.right)
        if isinstance(term, Power) and self.not_zero(term.base):
            return True
        with suppress(UnlicensedError):
            facts = self._known_not_zero().get(_monic(self.fraction(term)[0]), frozenset())
            self.used |= facts
            return bool(facts)
        return False

    def _known_not_zero(self) -> dict[object, frozenset[Formula]]:
        """The numerators of what is known not to be 0, up to a factor, and from what formulas."""
        if self._numerators is None:
            self._numerators, before = {}, self.used
            for (relation, known), fact in self._facts.items():
                if relation in ("Less", "NotEqual"):
                    self.used = {fact}
                    self._fractions.clear()  # so that what each of them needs is noted anew
                    with suppress(UnlicensedError):
                        numerator = _monic(self.fraction(known)[0])
                        self._numerators[numerator] = frozenset(self.used)
            self.used = before
            self._fractions.clear()
        return self._numerators

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
        if isinstance(term, Named):
            return self.fraction(term.body)
        if isinstance(term, Add):
            return self._plus(self.fraction(term.left), self.fraction(term.right))
        if isinstance(term, Multiply):
            return self._times(self.fraction(term.left), self.fraction(term.right))
        if isinstance(term, Power):
            result = self.fraction(ONE)
            for _ in range(term.exponent):
                result = self._times(result, self.fraction(term.base))
            return result
        if isinstance(term, Divide):
            return self._quotient_of(term)
        if isinstance(term, Sum):
            return self._total(term)
        if isinstance(term, Root):
            if not self.not_negative(term.of):
                raise UnlicensedError(f"{term.of} is under a root: show 0 <= it")
            under = self._term(term.of)
            return ({} if under == ZERO else _atom(Root(under))), {}
        if isinstance(term, Absolute):
            if self.not_negative(term.of) or self.vanishes(term.of):
                return self.fraction(term.of)
            if self.not_negative(minus(term.of)):
                return self.fraction(minus(term.of))
            return _atom(Absolute(self._term(term.of))), {}
        if isinstance(term, Indicator):
            if self.not_zero(term.of):
                return {}, {}
            if self.knows("Equal", term.of):
                return self.fraction(ONE)
            return _atom(Indicator(self._term(term.of))), {}
        raise UnlicensedError(f"{type(term).__name__} has no normal form")

    def _quotient_of(self, term: Divide) -> Fractional:
        if not self.not_zero(term.right):
            raise UnlicensedError(f"{term.right} is divided by: show that it is not 0")
        return self._times(self.fraction(term.left), self._inverse(term.right))

    def _inverse(self, term: Term) -> Fractional:
        """1 / term, for a term that is not 0."""
        numerator, divisors = self.fraction(term)
        above, below = _product(divisors), Divisors()
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
        common = {k: max(d.get(k, 0), e.get(k, 0)) for k in d.keys() | e.keys()}
        left = _times(n, _product({k: v - d.get(k, 0) for k, v in common.items()}))
        right = _times(m, _product({k: v - e.get(k, 0) for k, v in common.items()}))
        return self._simple(_plus(left, right), common)

    def _times(self, one: Fractional, other: Fractional) -> Fractional:
        (n, d), (m, e) = one, other
        both = {k: d.get(k, 0) + e.get(k, 0) for k in d.keys() | e.keys()}
        return self._simple(_times(n, m), both)

    def _simple(self, above: Polynomial, below: Divisors) -> Fractional:
        """The squares of roots replaced by what stands under the root, above and below."""
        for divisor, exponent in below.items():
            root = _root(divisor)
            if root is not None and exponent > 1:
                rest = below | {divisor: exponent - 2}
                inverse = self._inverse(root.of)  # not 0, since its root divides
                return self._times((above, {k: v for k, v in rest.items() if v}), inverse)
        plain: Polynomial = {}
        squared: dict[Root, Polynomial] = {}
        for monomial, coefficient in above.items():
            for atom, exponent in monomial:
                if isinstance(atom, Root) and exponent > 1:
                    rest_of = _without(monomial, atom, 2)
                    squared[atom] = _plus(squared.get(atom, {}), {rest_of: coefficient})
                    break
            else:
                plain[monomial] = coefficient
        if not squared:
            return above, below
        result = (plain, below)
        for atom, rest_above in squared.items():
            result = self._plus(result, self._times((rest_above, below), self.fraction(atom.of)))
        return result

    def _total(self, term: Sum) -> Fractional:
        """A sum, monomial by monomial: what is free of the index leaves it, and 1 is counted."""
        place = index("k", term.count)
        above, below = self.fraction(opened(term.body, place))
        inside = {k: e for k, e in below.items() if any(_depends(m, place) for m, _ in k)}
        outside = {k: e for k, e in below.items() if k not in inside}
        result: Polynomial = {}
        for monomial, coefficient in above.items():
            free = tuple(f for f in monomial if place not in indices(f[0]))
            summed = [f for f in monomial if place in indices(f[0])]
            if summed or inside:
                body = _term_of({tuple(summed): Fraction(1)}, inside, place)
                atom = _atom(Sum(term.count, body))
            else:
                atom = self.fraction(term.count)[0]
            result = _plus(result, _times({free: coefficient}, atom))
        return self._simple(result, outside)

    def _term(self, term: Term) -> Term:
        """The term that stands for all terms with its normal form."""
        return _term_of(*self.fraction(term))


def minus(term: Term) -> Term:
    """-term"""
    return Multiply(Number(Fraction(-1)), term)


def _monic(polynomial: Polynomial) -> frozenset[tuple[Monomial, Fraction]]:
    first = polynomial[min(polynomial, key=repr)] if polynomial else Fraction(1)
    return frozenset((m, c / first) for m, c in polynomial.items())


def _plain(term: Term) -> Term:
    return changed(term, lambda n, _: _plain(n.body) if isinstance(n, Named) else None)


def _atom(atom: Term) -> Polynomial:
    return {((atom, 1),): Fraction(1)}


def _root(divisor: frozenset[tuple[Monomial, Fraction]]) -> Root | None:
    if len(divisor) == 1:
        ((monomial, _),) = divisor
        if len(monomial) == 1 and isinstance(monomial[0][0], Root):
            return monomial[0][0]
    return None


def _without(monomial: Monomial, atom: Term, exponent: int) -> Monomial:
    left = ((a, e - exponent if a == atom else e) for a, e in monomial)
    return tuple((a, e) for a, e in left if e)


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
            key = tuple(sorted(powers.items(), key=lambda power: _order(power[0])))
            result[key] = result.get(key, Fraction(0)) + c * d
    return {m: c for m, c in result.items() if c}


def _product(divisors: Divisors) -> Polynomial:
    result: Polynomial = {(): Fraction(1)}
    for divisor, exponent in divisors.items():
        for _ in range(exponent):
            result = _times(result, dict(divisor))
    return result


@cache
def _order(term: Term) -> str:
    return repr(term)


def _term_of(above: Polynomial, below: Divisors, place: Index | None = None) -> Term:
    """A fraction as a term, its parts in a fixed order; with ``place``, closed over that index."""

    def monomial(powers: Monomial) -> Term:
        shut = [(closed(a, place) if place else a, e) for a, e in powers]
        return _joined(Multiply, (a for a, e in sorted(shut, key=repr) for _ in range(e)), ONE)

    def polynomial(terms: Iterable[tuple[Monomial, Fraction]]) -> Term:
        parts = [Multiply(Number(c), monomial(m)) for m, c in terms]
        return _joined(Add, sorted(parts, key=repr), ZERO)

    divisors = [polynomial(d) for d, e in below.items() for _ in range(e)]
    over = polynomial(above.items())
    if not divisors or over == ZERO:
        return over
    return Divide(over, _joined(Multiply, sorted(divisors, key=repr), ONE))


def _joined(join: Callable[[Term, Term], Term], parts: Iterable[Term], empty: Term) -> Term:
    result: Term | None = None
    for part in parts:
        result = part if result is None else join(result, part)
    return empty if result is None else result
