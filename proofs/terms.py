"""Terms and formulas of the kernel: what they are, and how names in them are replaced.

A term is a tree and is never evaluated. A sum binds its index without a name: inside, `Bound` says
how many sums further out the index belongs to, so that two sums are equal whatever their indices
were called, and nothing that is put into a sum can be captured by it. A name has one kind: `N` as a
count and `N` as a number in one theorem are refused (`check`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from fractions import Fraction
from functools import cache
from typing import Any, ClassVar, TypeVar


class KernelError(ValueError):
    """What is no term, no theorem, or does not follow."""


def expect(true: bool, *what: object) -> None:
    """Refuse what is not so; the reason is put into words only then."""
    if not true:
        raise KernelError(" ".join(map(str, what)))


class Node:
    """A term or a formula; what is written twice is the same object, and nothing changes it."""

    __match_args__: ClassVar[tuple[str, ...]] = ()
    shape: ClassVar[tuple[Callable[[Any], Any], ...]] = ()
    """For each field, what looks at it, and refuses it or returns it."""
    _made: ClassVar[dict[Any, Any]] = {}

    def __new__(cls, *given: Any) -> Any:
        """Look the node up, or make it; classes from elsewhere make none."""
        expect(globals().get(cls.__name__) is cls, cls, "is no kind of term")
        key = cls, tuple(look(field) for look, field in zip(cls.shape, given, strict=True))
        if key not in Node._made:
            node = super().__new__(cls)
            names = ("serial", *cls.__match_args__)
            node.__dict__.update(zip(names, (len(Node._made), *key[1]), strict=True))
            Node._made[key] = node
        return Node._made[key]

    def __setattr__(self, name: str, value: object) -> None:
        """Nodes do not change."""
        raise KernelError("a term cannot be changed")

    def __getattr__(self, name: str) -> Any:
        """Every field is found before this is asked."""
        raise AttributeError(name)

    def parts(self) -> Iterator[Any]:
        """The nodes it is made of."""
        for name in self.__match_args__:
            if isinstance(getattr(self, name), Node):
                yield getattr(self, name)


class Term(Node):
    """A real number."""


class Formula(Node):
    """A statement about real numbers."""


N = TypeVar("N", bound=Node)


class Place(Node):
    """Where an entry of a column stands."""


def is_count(term: Any) -> bool:
    """Whether the term is a natural number, whatever its variables are."""
    if isinstance(term, Number):
        return bool(term.value >= 0 and term.value.denominator == 1)
    one_more = isinstance(term, Add) and term.right is ONE and is_count(term.left)
    return isinstance(term, Count) or one_more


def _if(allowed: Callable[[Any], bool], kind: str, made: Any = lambda value: value) -> Any:
    """What refuses a field that is not of a kind, and otherwise keeps what is ``made`` of it."""

    def look(value: Any) -> Any:
        expect(allowed(value), value, "is no", kind)
        return made(value)

    return look


_term = _if(lambda value: isinstance(value, Term), "term")
_formula = _if(lambda value: isinstance(value, Formula), "formula")
_place = _if(lambda value: isinstance(value, Place), "place")
_count = _if(is_count, "count: a variable that is one, or a number n >= 0")
_name = _if(lambda value: type(value) is str, "name")
_exact = _if(lambda value: type(value) in (int, Fraction), "int or Fraction", Fraction)
_whole = _if(lambda value: type(value) is int, "whole number")


class Number(Term):
    """A rational number."""

    __match_args__, shape = ("value",), (_exact,)


class Variable(Term):
    """A real number."""

    __match_args__, shape = ("name",), (_name,)


class Count(Variable):
    """A natural number."""


class Index(Place):
    """A place among 1..count that no sum binds; ``key`` tells apart indices of one name."""

    __match_args__, shape = ("name", "count", "key"), (_name, _count, _whole)


class Bound(Place):
    """The index of the sum that is ``depth`` sums further out; 0 is the innermost."""

    __match_args__, shape = ("depth",), (_whole,)


class Last(Place):
    """The last of 1..count."""

    __match_args__, shape = ("count",), (_count,)


class Cell(Place):
    """A place in a table: a row and a column."""

    __match_args__, shape = ("row", "column"), (_place, _place)


class Entry(Term):
    """The number of a column at a place."""

    __match_args__, shape = ("column", "place"), (_name, _place)


class Two(Term):
    """A term made of two."""

    __match_args__, shape = ("left", "right"), (_term, _term)


class Add(Two):
    """left + right"""


class Multiply(Two):
    """left * right"""


class Divide(Two):
    """left / right"""


class One(Term):
    """A term made of one."""

    __match_args__, shape = ("of",), (_term,)


class Root(One):
    """The square root."""


class Absolute(One):
    """|of|"""


class Indicator(One):
    """1 if ``of`` is 0, and 0 otherwise."""


class Exp(One):
    """The exponential function."""


class Log(One):
    """The natural logarithm."""


class Sum(Term):
    """The sum of ``body`` over 1..count, the index being `Bound`."""

    __match_args__, shape = ("count", "body"), (_count, _term)


class Relation(Formula):
    """A formula about two terms."""

    __match_args__, shape = ("left", "right"), (_term, _term)


class Equal(Relation):
    """left = right"""


class Less(Relation):
    """left < right"""


class LessEqual(Relation):
    """left <= right"""


class Or(Relation):
    """One of two formulas, or both."""

    shape = (_formula, _formula)


class Each(Formula):
    """A formula at every place 1..count, the index being `Bound`."""

    __match_args__, shape = ("count", "of"), (_count, _formula)


ZERO, ONE = Number(0), Number(1)


def changed(node: N, change: Callable[[Node, int], Node | None]) -> N:
    """The node with each part replaced for which ``change`` gives another; sums deepen by one."""
    done: dict[tuple[Node, int], Node] = {}

    def visit(part: Node, depth: int) -> Node:
        if (part, depth) not in done:
            new = change(part, depth)
            if new is None and not isinstance(part, Index):
                inner = depth + isinstance(part, Sum | Each)
                fields = [getattr(part, name) for name in part.__match_args__]
                new = type(part)(*(visit(f, inner) if isinstance(f, Node) else f for f in fields))
            done[part, depth] = part if new is None else new
        return done[part, depth]

    return visit(node, 0)  # type: ignore[return-value]


@cache
def closed(node: N, place: Index) -> N:
    """The node with a free index bound by the sum that will stand around it."""
    return changed(node, lambda n, depth: Bound(depth) if n is place else None)


@cache
def opened(node: N, place: Place) -> N:
    """The body of a sum with a place that nothing binds instead of the index."""
    return changed(node, lambda n, depth: place if n is Bound(depth) else None)


def replaced(node: N, old: Node, new: Node) -> N:
    """The node with every occurrence of one part, in which nothing is bound outside, replaced."""
    return changed(node, lambda n, depth: new if n is old else None)


def instantiated(node: N, values: Mapping[str, Any]) -> N:
    """The node with terms for variables, and for columns an index with a term written in it."""

    def change(part: Node, depth: int) -> Any:
        if isinstance(part, Variable) and part.name in values:
            value = values[part.name]
            expect(is_count(value) or not isinstance(part, Count), value, "is no count")
            return value
        if isinstance(part, Index):
            runs = {getattr(n, "name", None) for n in within(part.count)}
            expect(runs.isdisjoint(values), part.name, "runs to a count that is replaced")
        if isinstance(part, Entry) and part.column in values:
            (place, entry), at = values[part.column], changed(part.place, change)
            expect(not isinstance(at, Cell), part.column, "is a table, and no column")

            def put(n: Node, inner: int) -> Any:
                shifted = Bound(at.depth + inner) if isinstance(at, Bound) else at
                return shifted if n is place else None

            return changed(entry, put)
        return None

    return changed(node, change)


@cache
def within(node: Node) -> frozenset[Node]:
    """The node and all its parts."""
    return frozenset((node,)).union(*map(within, node.parts()))


@cache
def indices(node: Node) -> frozenset[Index]:
    """The free indices."""
    return frozenset(part for part in within(node) if isinstance(part, Index))


def check(nodes: Iterable[Node]) -> None:
    """Refuse one name for two things, an index that no sum binds, and nodes that were changed."""
    kinds: dict[str, object] = {}

    def visit(part: Node, depth: int) -> None:
        expect(not isinstance(part, Bound) or 0 <= part.depth < depth, "no sum binds an index")
        name: Any = getattr(part, "name", None)
        kind: Any = part if isinstance(part, Index) else type(part)
        if isinstance(part, Entry):
            name, kind = part.column, isinstance(part.place, Cell)
        expect(name is None or kinds.setdefault(name, kind) is kind, name, "is two things")

    for node in nodes:
        expect(changed(node, visit) is node, "a term was changed from outside")
