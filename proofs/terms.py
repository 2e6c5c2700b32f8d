"""Terms and formulas of the kernel: what they are, and how names in them are replaced.

A term is a tree and is never evaluated. A sum binds its index without a name: inside, `Bound` says
how many sums further out the index belongs to, so that two sums are equal whatever their indices
were called, and nothing that is put into a sum can be captured by it. A name has one kind: `N` as a
count and `N` as a number in one theorem are refused (`kinds`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import count
from typing import Any, ClassVar, TypeVar, dataclass_transform

T = TypeVar("T")


class MalformedError(ValueError):
    """No term: a floating-point number, a count that may be negative, one name for two things."""


@dataclass_transform(frozen_default=True)
def node(kind: type[T]) -> type[T]:
    """A frozen dataclass that computes its hash once: terms are deep, and looked up often."""
    made = dataclass(frozen=True)(kind)
    deep = made.__hash__

    def once(self: Any) -> int:
        if "hash" not in self.__dict__:
            self.__dict__["hash"] = deep(self)
        return int(self.__dict__["hash"])

    made.__hash__ = once  # type: ignore[method-assign]
    return made


@node
class Node:
    """A term or a formula."""

    __match_args__: ClassVar[tuple[str, ...]]

    def __str__(self) -> str:
        """As it is printed."""
        from .language import plain  # printing is no part of the kernel

        return plain(self)

    def parts(self) -> Iterator[tuple[str, Node]]:
        """The nodes it is made of, by field."""
        for name in self.__match_args__:  # the fields, as dataclasses list them
            value = getattr(self, name)
            if isinstance(value, Node):
                yield name, value


class Term(Node):
    """A real number."""


class Formula(Node):
    """A statement about real numbers."""


@node
class Number(Term):
    """A rational number."""

    value: Fraction

    def __post_init__(self) -> None:
        """Refuse floating-point numbers and truth values."""
        if type(self.value) not in (int, Fraction):
            raise MalformedError(f"{self.value!r} is no exact number: pass an int or a Fraction")
        object.__setattr__(self, "value", Fraction(self.value))


@node
class Variable(Term):
    """A real number, or with kind ``count`` a natural one."""

    name: str
    kind: str = "real"


@node
class Index(Node):
    """A place among 1..count that no sum binds; ``key`` tells apart indices of one name."""

    name: str
    count: Term
    key: int


@node
class Bound(Node):
    """The index of the sum that is ``depth`` sums further out; 0 is the innermost."""

    depth: int


@node
class Entry(Term):
    """The number of a column at a place."""

    column: str
    index: Node


@node
class Add(Term):
    """left + right"""

    left: Term
    right: Term


@node
class Multiply(Term):
    """left * right"""

    left: Term
    right: Term


@node
class Divide(Term):
    """left / right"""

    left: Term
    right: Term


@node
class Power(Term):
    """base ** exponent, the exponent a natural number"""

    base: Term
    exponent: int

    def __post_init__(self) -> None:
        """Refuse other exponents."""
        if type(self.exponent) is not int or self.exponent < 1:
            raise MalformedError(f"the exponent {self.exponent!r} is no positive whole number")


@node
class Root(Term):
    """The square root."""

    of: Term


@node
class Absolute(Term):
    """|of|"""

    of: Term


@node
class Indicator(Term):
    """1 if ``of`` is 0, and 0 otherwise."""

    of: Term


@node
class Sum(Term):
    """The sum of ``body`` over 1..count, the index being `Bound`."""

    count: Term
    body: Term

    def __post_init__(self) -> None:
        """Refuse a count that may be negative or no whole number."""
        natural = isinstance(self.count, Variable) and self.count.kind == "count"
        whole = isinstance(self.count, Number) and self.count.value.denominator == 1
        if not (natural or (whole and self.count.value >= 0)):  # type: ignore[attr-defined]
            raise MalformedError(f"{self.count} is no count: a Variable of kind 'count', or n >= 0")


@node
class Named(Term):
    """A term under the name by which it is printed; to every rule it is the term."""

    label: str
    latex: str
    body: Term


@node
class Equal(Formula):
    """left = right"""

    left: Term
    right: Term


@node
class NotEqual(Formula):
    """left != right"""

    left: Term
    right: Term


@node
class Less(Formula):
    """left < right"""

    left: Term
    right: Term


@node
class LessEqual(Formula):
    """left <= right"""

    left: Term
    right: Term


@node
class Or(Formula):
    """One of two formulas, or both."""

    left: Formula
    right: Formula


@node
class Each(Formula):
    """A formula at every place 1..count, the index being `Bound`."""

    count: Term
    of: Formula


ZERO, ONE = Number(Fraction(0)), Number(Fraction(1))
_KEYS = count(10**6)  # of one width, so that indices made later sort later
N = TypeVar("N", bound=Node)


def index(name: str, of: Term) -> Index:
    """A new index over 1..``of``, different from every other."""
    return Index(name, of, next(_KEYS))


def changed(node: N, change: Callable[[Node, int], Node | None], depth: int = 0) -> N:
    """The node with each part replaced for which ``change`` gives another; sums deepen by one."""
    new = change(node, depth)
    if new is not None:
        return new  # type: ignore[return-value]
    if isinstance(node, Index):
        return node
    new_parts = {}
    for name, part in node.parts():
        inside = depth + (isinstance(node, Sum | Each) and name in ("body", "of"))
        new_parts[name] = changed(part, change, inside)
    if all(new_parts[name] is part for name, part in node.parts()):
        return node
    rest = {name: getattr(node, name) for name in node.__match_args__}
    return type(node)(**(rest | new_parts))


def closed(node: N, place: Index) -> N:
    """The node with a free index bound by the sum that will stand around it."""
    return changed(node, lambda n, depth: Bound(depth) if n == place else None)


def opened(node: N, place: Index) -> N:
    """The body of a sum with a free index in place of the bound one."""
    return changed(node, lambda n, depth: place if n == Bound(depth) else None)


def replaced(node: N, old: Node, new: Node) -> N:
    """The node with every occurrence of one part, in which nothing is bound outside, replaced."""
    return changed(node, lambda n, depth: new if n == old else None)


def instantiated(
    node: N, values: Mapping[str, Term], columns: Mapping[str, tuple[Index, Term]]
) -> N:
    """The node with variables replaced by terms, and columns by terms written in an index."""

    def change(part: Node, depth: int) -> Node | None:
        if isinstance(part, Variable):
            return values.get(part.name)
        if isinstance(part, Entry) and part.column in columns:
            place, entry = columns[part.column]
            at = part.index

            def put(n: Node, inner: int) -> Node | None:
                if n != place:
                    return None
                return Bound(at.depth + inner) if isinstance(at, Bound) else at

            return changed(entry, put)
        return None

    return changed(node, change)


def within(node: Node) -> Iterator[Node]:
    """The node and all its parts."""
    yield node
    for _, part in node.parts():
        yield from within(part)


def indices(node: Node) -> set[Index]:
    """The free indices."""
    return {part for part in within(node) if isinstance(part, Index)}


def check(nodes: Iterable[Node]) -> None:
    """Refuse one name for two things, and an index that no sum binds."""
    kinds: dict[str, str] = {}

    def visit(part: Node, depth: int) -> None:
        if isinstance(part, Bound) and part.depth >= depth:
            raise MalformedError("an index is bound by no sum: write it as an Index")
        if isinstance(part, Index) and kinds.setdefault(part.name, str(part.key)) != str(part.key):
            raise MalformedError(f"{part.name} names an index and something else: use two names")
        if isinstance(part, Variable | Entry):
            name = part.name if isinstance(part, Variable) else part.column
            kind = part.kind if isinstance(part, Variable) else "column"
            if kinds.setdefault(name, kind) != kind:
                raise MalformedError(f"{name} is a {kinds[name]} and a {kind}: use two names")

    for one in nodes:
        changed(one, visit)
