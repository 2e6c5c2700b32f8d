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
from itertools import count
from typing import Any, ClassVar, TypeVar


class MalformedError(ValueError):
    """No term: a floating-point number, a count that may be negative, one name for two things."""


def expect(true: bool, *what: object) -> None:
    """Refuse what is not well formed; the reason is put into words only then."""
    if not true:
        raise MalformedError(" ".join(map(str, what)))


class Node:
    """A term or a formula; what is written twice is the same object, and nothing changes it."""

    __match_args__: ClassVar[tuple[str, ...]] = ()
    shape: ClassVar[tuple[Callable[[Any], Any], ...]] = ()
    """For each field, what looks at it, and refuses it or returns it."""
    _made: ClassVar[dict[Any, Any]] = {}

    def __new__(cls, *given: Any) -> Any:
        """Look the node up, or make it."""
        key = cls, tuple(look(field) for look, field in zip(cls.shape, given, strict=True))
        if key not in Node._made:
            node = super().__new__(cls)
            names = ("serial", *cls.__match_args__)
            node.__dict__.update(zip(names, (len(Node._made), *key[1]), strict=True))
            Node._made[key] = node
        return Node._made[key]

    def __setattr__(self, name: str, value: object) -> None:
        """Nodes do not change."""
        raise MalformedError("a term cannot be changed")

    def __getattr__(self, name: str) -> Any:
        """Every field is found before this is asked."""
        raise AttributeError(name)

    def __repr__(self) -> str:
        """As it is printed."""
        from .language import plain  # printing is no part of the kernel

        return plain(self)

    def parts(self) -> Iterator[Node]:
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


def _of(kind: type[Node]) -> Callable[[Any], Any]:
    def look(value: Any) -> Any:
        expect(isinstance(value, kind), value, "is no", kind.__name__.lower())
        return value

    return look


def _exact(value: Any) -> Fraction:
    """Refuse floating-point numbers and truth values."""
    expect(type(value) in (int, Fraction), value, "is no exact number: an int or a Fraction")
    return Fraction(value)


def _whole(value: Any) -> int:
    expect(type(value) is int, value, "is no whole number")
    return int(value)


def _exponent(value: Any) -> int:
    expect(type(value) is int and value >= 1, "the exponent", value, "is not 1, 2, 3, ...")
    return int(value)


def _count(value: Any) -> Any:
    """Refuse a count that may be negative or no whole number."""
    expect(is_count(value), value, "is no count: a count by kind, or a number n >= 0")
    return value


_term, _formula, _place = _of(Term), _of(Formula), _of(Place)


class Number(Term):
    """A rational number."""

    __match_args__, shape = ("value",), (_exact,)


class Variable(Term):
    """A real number, or with kind ``count`` a natural one."""

    __match_args__, shape = ("name", "kind"), (str, str)

    def __new__(cls, name: str, kind: str = "real") -> Any:
        """A real number unless another kind is given."""
        expect(kind in ("real", "count"), name, "is of no kind:", kind)
        return super().__new__(cls, name, kind)


class Index(Place):
    """A place among 1..count that no sum binds; ``key`` tells apart indices of one name."""

    __match_args__, shape = ("name", "count", "key"), (str, _count, _whole)


class Bound(Place):
    """The index of the sum that is ``depth`` sums further out; 0 is the innermost."""

    __match_args__, shape = ("depth",), (_whole,)


class Cell(Place):
    """A place in a table: a row and a column."""

    __match_args__, shape = ("row", "column"), (_place, _place)


class Entry(Term):
    """The number of a column at a place."""

    __match_args__, shape = ("column", "place"), (str, _place)


class Two(Term):
    """A term made of two."""

    __match_args__, shape = ("left", "right"), (_term, _term)


class Add(Two):
    """left + right"""


class Multiply(Two):
    """left * right"""


class Divide(Two):
    """left / right"""


class Power(Term):
    """base ** exponent, the exponent a natural number"""

    __match_args__, shape = ("base", "exponent"), (_term, _exponent)


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


def is_count(term: Any) -> bool:
    """Whether the term is a natural number, whatever its variables are."""
    if isinstance(term, Number):
        return bool(term.value >= 0 and term.value.denominator == 1)
    return isinstance(term, Variable) and term.kind == "count"


ZERO, ONE = Number(0), Number(1)
_KEYS = count(1000)


def index(name: str, of: Term) -> Index:
    """A new index over 1..``of``, different from every other."""
    key = next(n for n in _KEYS if (Index, (name, of, n)) not in Node._made)
    return Index(name, of, key)  # type: ignore[no-any-return]


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


def closed(node: N, place: Index) -> N:
    """The node with a free index bound by the sum that will stand around it."""
    return changed(node, lambda n, depth: Bound(depth) if n is place else None)


def opened(node: N, place: Index) -> N:
    """The body of a sum with a free index in place of the bound one."""
    return changed(node, lambda n, depth: place if n is Bound(depth) else None)


def replaced(node: N, old: Node, new: Node) -> N:
    """The node with every occurrence of one part, in which nothing is bound outside, replaced."""
    return changed(node, lambda n, depth: new if n is old else None)


def instantiated(
    node: N, values: Mapping[str, Term], columns: Mapping[str, tuple[Index, Term]]
) -> N:
    """The node with variables replaced by terms, and columns by terms written in an index."""

    def change(part: Node, depth: int) -> Node | None:
        if isinstance(part, Variable):
            return values.get(part.name)
        if isinstance(part, Entry) and part.column in columns:
            (place, entry), at = columns[part.column], part.place
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
    """Refuse one name for two things, and an index that no sum binds."""
    kinds: dict[str, str] = {}

    def visit(part: Node, depth: int) -> None:
        loose = isinstance(part, Bound) and part.depth >= depth
        expect(not loose, "an index is bound by no sum: write it as an Index")
        name, kind = getattr(part, "name", ""), getattr(part, "kind", "")
        if isinstance(part, Index):
            kind = f"index {part.key}"
        if isinstance(part, Entry):
            name, kind = part.column, "table" if isinstance(part.place, Cell) else "column"
        one = kinds.setdefault(name, kind) == kind
        expect(one, name, "is", kinds[name], "and", kind + ": use two names")

    for node in nodes:
        changed(node, visit)
