"""Each claim of the kernel on data: no counterexample under exactly its hypotheses."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Iterator
from fractions import Fraction
from functools import partial
from typing import Any

import evaluate
import mpmath
import pytest
from evaluate import DIGITS, Data, NoValueError, names
from mutate_scripts import BY_KERNEL

from proofs import catalogue, kernel
from proofs.kernel import Theorem
from proofs.language import index
from proofs.script import Claim
from proofs.terms import (
    ONE,
    ZERO,
    Absolute,
    Add,
    Cell,
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
    variables, columns, free = names(iter(formulas))
    for _ in range(50):
        size = draw.randint(1, 3)
        numbers: dict[str, Any] = {
            v.name: size if isinstance(v, Count) else draw.choice(VALUES) for v in variables
        }
        entries = {c: _entries(draw, c, place, size) for c, place in columns.items()}
        data = Data(numbers, entries, {place.name: draw.randint(1, size) for place in free})
        if draw.random() < 0.5:
            _fit(draw, data)
        for assumption in claim.assuming:
            _solve(data, assumption.formula)
        yield data


def _entries(draw: random.Random, column: str, place: Any, size: int) -> tuple[Any, ...]:
    """A column of weights, probabilities or any numbers, or a table."""
    values = WEIGHTS if column.startswith("w") or column == "p" else VALUES
    rows = [tuple(draw.choice(values) for _ in range(size)) for _ in range(size)]
    if isinstance(place, Cell):
        return tuple(rows)
    if column == "p" and sum(rows[0]):
        return tuple(Fraction(value) / sum(rows[0]) for value in rows[0])
    return rows[0]


def _fit(draw: random.Random, data: Data) -> None:
    """Data as equations among the hypotheses want them: perfect up to a factor, reached bounds."""
    columns, numbers = data.columns, data.numbers
    size = len(next(iter(columns.values()), (0,)))
    if {"f", "y"} <= columns.keys():
        factor, offset = (2, 0) if draw.random() < 0.5 else (1, numbers.get("a", 0))
        columns["f"], numbers["c"] = tuple(factor * y + offset for y in columns["y"]), factor
    if {"p", "l"} <= columns.keys():
        columns["l"], columns["p"] = (1,) * size, (Fraction(1, size),) * size
    if {"b", "alpha"} <= numbers.keys():
        numbers["b"] = max(columns["l"])
        data.free["j"] = 1 + columns["l"].index(numbers["b"])
    if {"beta", "alpha"} <= numbers.keys():
        numbers["beta"] = numbers["alpha"] + 1


def _solve(data: Data, formula: Any) -> None:
    """Fill a table that a hypothesis says the entries of, and that of what is the same."""
    if "s" in data.columns:
        size = len(data.columns["s"])
        data.columns["s"] = tuple(tuple(int(i == j) for j in range(size)) for i in range(size))
    inner = formula
    while isinstance(inner, Each):
        inner = inner.of
    if isinstance(inner, Equal) and isinstance(inner.left, Entry) and inner.left.column == "E":
        size = data.numbers["B"]
        places = [[(i, j) for j in range(1, size + 1)] for i in range(1, size + 1)]
        with contextlib.suppress(NoValueError):
            data.columns["E"] = tuple(
                tuple(data.value(inner.right, at) for at in row) for row in places
            )
    data.known.clear()


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
        value = getattr(evaluate, name)

        def or_0(*given: Any, value: Any = value) -> Any:
            try:
                return value(*given)
            except NoValueError:
                return mpmath.mpf(0)

        monkeypatch.setattr(evaluate, name, or_0)


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
