"""Each claim of the kernel on data: no counterexample under exactly its hypotheses."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Iterator
from fractions import Fraction
from functools import partial
from typing import Any

import mpmath
import pytest
from find_data import VALUES, samples
from mutate_scripts import BY_KERNEL

from proofs import catalogue, evaluation, kernel
from proofs.evaluation import DIGITS, Data, NoValueError
from proofs.kernel import Theorem
from proofs.language import index
from proofs.script import Claim
from proofs.terms import (
    ONE,
    ZERO,
    Absolute,
    Add,
    Count,
    Divide,
    Each,
    Entry,
    Equal,
    Exp,
    Indicator,
    KernelError,
    Less,
    LessEqual,
    Log,
    Multiply,
    Number,
    Root,
    Sum,
    Term,
    Variable,
    closed,
)

CLAIMS = [(name, claim) for name in BY_KERNEL for claim in catalogue.statement(name).claims]


@pytest.fixture(autouse=True)
def _sixty_digits() -> Iterator[None]:
    with mpmath.workdps(DIGITS):
        yield


@pytest.mark.parametrize(("name", "claim"), CLAIMS, ids=[f"{n}: {c.name}" for n, c in CLAIMS])
def test_no_counterexample_under_exactly_the_hypotheses(name: str, claim: Claim) -> None:
    met = 0
    for data in samples(claim):
        try:
            given = all(data.holds(a.formula) for a in claim.assuming)
        except NoValueError:
            continue
        if given:
            met += 1
            assert data.holds(claim.conclusion), (name, claim.name, data)
            if met == 12:
                break
    assert met >= 3, "the hypotheses are met by almost nothing that was tried"


def test_the_search_finds_a_counterexample_where_there_is_one() -> None:
    (claim,) = (c for n, c in CLAIMS if n == "sample-weights" and c.name == "Theorem 1 by the code")
    data = Data({"N": 3}, {"w": (1, 1, -1), "f": (0, 2, 1), "y": (0, 1, 1)})
    assert not data.holds(claim.conclusion)
    assert [a.name for a in claim.assuming if not data.holds(a.formula)] == ["weights_nonneg"]


SIZE = Count("N")
FUNCTIONS: tuple[Any, ...] = (Root, Absolute, Indicator, Exp, Log)
KINDS: tuple[Any, ...] = (Add, Multiply, Divide, Sum, Add, *FUNCTIONS)

KINDS_OF_LARGE = tuple(kind for kind in KINDS if kind is not Exp)
"""Without exponentials of anything large, of which 60 digits would not be enough."""


def random_term(draw: random.Random, depth: int, place: Any = None) -> Term:
    """Any term in two numbers and a column."""
    if depth == 0:
        whole = Number(Fraction(draw.choice((0, 1, 2, -1))))
        leaves: list[Term] = [Variable("x"), Variable("y"), whole]
        return draw.choice(leaves + ([Entry("f", place)] * 2 if place else []))
    kind = draw.choice(KINDS if depth == 1 else KINDS_OF_LARGE)
    if kind is Sum:
        inner = index("i", SIZE)
        return Sum(SIZE, closed(random_term(draw, depth - 1, inner), inner))
    one = random_term(draw, depth - 1, place)
    if kind is Multiply and draw.random() < 0.5:
        return Multiply(one, one)
    if kind in FUNCTIONS:
        return kind(one)
    return kind(one, random_term(draw, depth - 1, place))


def random_facts(draw: random.Random) -> list[Theorem]:
    """Some of what may be known: signs of numbers, terms and entries, each of none as well."""
    place = index("i", SIZE)
    entry: Term = Entry("f", place)
    some = [random_term(draw, 2), Add(random_term(draw, 1), random_term(draw, 2)), SIZE]
    everywhere = [entry, Variable("x"), Multiply(Variable("y"), entry), random_term(draw, 2, place)]
    pool = [draw.choice((Less, LessEqual, Equal))(ZERO, Variable(name)) for name in "xy"]
    pool += [Less(ZERO, term) for term in some]
    pool.append(Each(SIZE, closed(Less(ZERO, draw.choice(everywhere)), place)))
    return [kernel.assume(fact) for fact in draw.sample(pool, draw.randint(1, 4))]


def random_theorems(draw: random.Random) -> Iterator[Theorem]:
    """What the kernel shows of random terms, of what it is asked about them."""
    term, other, known = random_term(draw, 3), random_term(draw, 2), random_facts(draw)
    twin = Add(Multiply(other, term), Multiply(term, Add(ONE, _minus(other))))
    over = Multiply(Divide(term, other), other)
    sides = [(twin, term), (over, term), (term, other)]
    sides.append((Absolute(Add(term, other)), Absolute(Add(other, term))))
    rules = [partial(kernel.sign, value, *known) for value in (term, Absolute(other))]
    rules += [partial(kernel.combine, Equal(*both), (), *known) for both in sides]
    for rule in rules:
        with contextlib.suppress(KernelError, RecursionError):
            yield rule()


def total_values(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give 0 for what has no value: what is shown holds of that too."""
    for name in ("_quotient", "_root", "_log"):
        value = getattr(evaluation, name)

        def or_0(*given: Any, value: Any = value) -> Any:
            try:
                return value(*given)
            except NoValueError:
                return mpmath.mpf(0)

        monkeypatch.setattr(evaluation, name, or_0)


def test_what_the_kernel_says_of_random_terms_is_true_of_random_data(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whatever the data are that meet the hypotheses of a theorem, its conclusion holds."""
    total_values(monkeypatch)
    draw, shown, met = random.Random(1), 0, 0
    for _ in range(900):
        for theorem in random_theorems(draw):
            shown += 1
            for size in (0, 0, 1, 2):
                numbers = {"x": draw.choice(VALUES), "y": draw.choice(VALUES), "N": size}
                data = Data(numbers, {"f": tuple(draw.choice(VALUES) for _ in range(size))})
                if all(map(data.holds, theorem.hypotheses)):
                    met += 1
                    assert data.holds(theorem.conclusion), (str(theorem), data)
    assert shown > 800
    assert met > 1600


def _minus(term: Term) -> Term:
    return Multiply(Number(Fraction(-1)), term)
