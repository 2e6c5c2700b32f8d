"""Each claim of the kernel on data: no counterexample under exactly its hypotheses."""

from __future__ import annotations

import random
from collections.abc import Iterator
from fractions import Fraction
from functools import partial
from typing import Any

import mpmath
import pytest
from evaluate import DIGITS, Data, NoValueError, names
from mutate_scripts import BY_KERNEL

from proofs import catalogue, kernel
from proofs.kernel import KernelError
from proofs.script import Claim
from proofs.terms import (
    Absolute,
    Add,
    Divide,
    Entry,
    Indicator,
    Less,
    Multiply,
    Number,
    Power,
    Root,
    Sum,
    Term,
    Variable,
    closed,
    index,
)

VALUES = (0, 1, -1, 2, Fraction(1, 2), Fraction(-3, 2))
WEIGHTS = (0, 1, 2, Fraction(1, 3))
CLAIMS = [(name, claim) for name in BY_KERNEL for claim in catalogue.statement(name).claims]


@pytest.fixture(autouse=True)
def _sixty_digits() -> Iterator[None]:
    with mpmath.workdps(DIGITS):
        yield


def samples(claim: Claim, seed: int = 0) -> Iterator[Data]:
    """Batches of one to three samples with ties and zeros, and numbers from the same values."""
    draw = random.Random(f"{claim.name}{seed}")
    formulas = (claim.conclusion, *(a.formula for a in claim.assuming))
    variables, columns = names(iter(formulas))
    for _ in range(50):
        size = draw.randint(1, 3)
        numbers: dict[str, Any] = {v: draw.choice(VALUES) for v in variables} | {"N": size}
        entries = {
            c: tuple(draw.choice(WEIGHTS if c == "w" else VALUES) for _ in range(size))
            for c in columns
        }
        if {"f", "y"} <= entries.keys() and draw.random() < 0.3:  # perfect up to a factor
            entries["f"], numbers["c"] = tuple(2 * y for y in entries["y"]), 2
        yield Data(numbers, entries)


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
    assert met >= 3, "the hypotheses are met by almost nothing that was tried"


def test_the_search_finds_a_counterexample_where_there_is_one() -> None:
    (claim,) = (c for n, c in CLAIMS if n == "sample-weights" and c.name == "Theorem 1 by the code")
    data = Data({"N": 3}, {"w": (1, 1, -1), "f": (0, 2, 1), "y": (0, 1, 1)})
    assert not data.holds(claim.conclusion)
    assert [a.name for a in claim.assuming if not data.holds(a.formula)] == ["weights_nonneg"]


SIZE = Variable("N", "count")
KINDS: tuple[Any, ...] = (Add, Multiply, Divide, Power, Root, Absolute, Indicator, Sum, Add)


def random_term(draw: random.Random, depth: int, place: Any = None) -> Term:
    """Any term in two numbers and a column."""
    if depth == 0:
        whole = Number(Fraction(draw.choice((0, 1, 2, -1))))
        leaves: list[Term] = [Variable("x"), Variable("y"), whole]
        return draw.choice(leaves + ([Entry("f", place)] * 2 if place else []))
    kind = draw.choice(KINDS)
    if kind is Sum:
        inner = index("i", SIZE)
        return Sum(SIZE, closed(random_term(draw, depth - 1, inner), inner))
    one = random_term(draw, depth - 1, place)
    if kind is Power:
        return Power(one, draw.choice((2, 3)))
    if kind in (Root, Absolute, Indicator):
        return kind(one)
    return kind(one, random_term(draw, depth - 1, place))


def test_what_the_kernel_says_of_random_terms_is_true_of_random_data() -> None:
    """Signs, and equality of a term and itself in other words, wherever a rule accepts them."""
    draw = random.Random(1)
    shown = 0
    for _ in range(800):
        term, other = random_term(draw, 3), random_term(draw, 2)
        known = [kernel.assume(Less(Number(Fraction(0)), Variable(v))) for v in "xy"]
        twin = Add(Multiply(other, term), Multiply(term, Add(Number(Fraction(1)), _minus(other))))
        for rule in (
            partial(kernel.sign, term, *known),
            partial(kernel.identity, twin, term, *known),
            partial(kernel.identity, term, other, *known),
        ):
            try:
                theorem = rule()
            except (KernelError, ValueError):
                continue
            shown += 1
            for size in (0, 1, 3):
                numbers = {"x": Fraction(draw.randint(1, 5), 3), "y": 2, "N": size}
                column = tuple(draw.choice(VALUES) for _ in range(size))
                data = Data(numbers, {"f": column})
                try:
                    assert data.holds(theorem.conclusion), (str(theorem), data)
                except NoValueError:
                    continue
    assert shown > 100


def _minus(term: Term) -> Term:
    return Multiply(Number(Fraction(-1)), term)
