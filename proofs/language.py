"""How terms of the kernel are written in Python, handed to the formulas, and printed.

An `Expression` is a term with Python's operators, so that the functions of `gar_verify.formulas`
run on it as they do on tensors and build the term that they compute; nothing is simplified.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from fractions import Fraction
from functools import cache, reduce
from itertools import count
from types import SimpleNamespace
from typing import Any

from .normal_form import minus
from .terms import (
    ZERO,
    Absolute,
    Add,
    Bound,
    Cell,
    Count,
    Divide,
    Each,
    Entry,
    Equal,
    Exp,
    Formula,
    Index,
    Indicator,
    Last,
    Less,
    LessEqual,
    Log,
    Multiply,
    Node,
    Number,
    Or,
    Root,
    Sum,
    Term,
    Variable,
    closed,
    expect,
    indices,
    opened,
    replaced,
)

_NAMES: dict[Term, tuple[str, str]] = {}
"""Terms that are printed by a name, as text and as LaTeX; to the kernel they are what they are."""


class Expression:
    """A term that Python's operators work on."""

    __hash__ = None  # type: ignore[assignment]

    def __init__(self, of: Any) -> None:
        """Wrap a term, a whole number, a fraction, or another expression."""
        self.term: Term = term_of(of)

    def __add__(self, other: Any) -> Expression:
        """Self + other."""
        return Expression(Add(self.term, term_of(other)))

    def __radd__(self, other: Any) -> Expression:
        """Other + self."""
        return Expression(Add(term_of(other), self.term))

    def __sub__(self, other: Any) -> Expression:
        """Self - other."""
        return Expression(Add(self.term, minus(term_of(other))))

    def __rsub__(self, other: Any) -> Expression:
        """Other - self."""
        return Expression(Add(term_of(other), minus(self.term)))

    def __mul__(self, other: Any) -> Expression:
        """Self * other."""
        if isinstance(other, Both):
            return NotImplemented
        return Expression(Multiply(self.term, term_of(other)))

    def __rmul__(self, other: Any) -> Expression:
        """Other * self."""
        return Expression(Multiply(term_of(other), self.term))

    def __truediv__(self, other: Any) -> Expression:
        """Self / other."""
        return Expression(Divide(self.term, term_of(other)))

    def __rtruediv__(self, other: Any) -> Expression:
        """Other / self."""
        return Expression(Divide(term_of(other), self.term))

    def __pow__(self, exponent: int) -> Expression:
        """Self to a power that is a positive whole number."""
        expect(type(exponent) is int and exponent > 0, exponent, "is no power 1, 2, 3, ...")
        return Expression(reduce(Multiply, [self.term] * exponent))

    def __neg__(self) -> Expression:
        """-self"""
        return Expression(minus(self.term))

    def __abs__(self) -> Expression:
        """|self|"""
        return Expression(Absolute(self.term))

    def __eq__(self, other: Any) -> Expression:  # type: ignore[override]
        """1 where self is other, and 0 elsewhere, as the formulas use it."""
        value = term_of(other)
        return Expression(Indicator(self.term if value == ZERO else (self - value).term))

    def __ne__(self, other: Any) -> Expression:  # type: ignore[override]
        """1 where self is not other, and 0 elsewhere."""
        return 1 - self.__eq__(other)


class Both:
    """An entry of one chunk and an entry of the other."""

    def __init__(self, *entries: Any) -> None:
        """One entry for each chunk."""
        self.entries = entries

    def _with(self, other: Any, do: Callable[[Any, Any], Any]) -> Both:
        others = other.entries if isinstance(other, Both) else [other] * len(self.entries)
        return Both(*(do(x, y) for x, y in zip(self.entries, others, strict=True)))

    def __add__(self, other: Any) -> Both:
        """Entry by entry."""
        return self._with(other, lambda x, y: x + y)

    def __sub__(self, other: Any) -> Both:
        """Entry by entry."""
        return self._with(other, lambda x, y: x - y)

    def __mul__(self, other: Any) -> Both:
        """Entry by entry."""
        return self._with(other, lambda x, y: x * y)

    def __rmul__(self, other: Any) -> Both:
        """Entry by entry, the other factor first."""
        return self._with(other, lambda x, y: y * x)


def _function(kind: type[Term]) -> Callable[[Any], Expression]:
    return lambda x: Expression(kind(term_of(x)))


root, exp, log = _function(Root), _function(Exp), _function(Log)


def real_power(base: Any, exponent: Any) -> Expression:
    """base^exponent = exp(exponent log base), the definition for a base that is positive."""
    return exp(exponent * log(base))


XP = SimpleNamespace(
    sqrt=root,
    exp=exp,
    log=log,
    expm1=lambda x: exp(x) - 1,
    log1p=lambda x: log(1 + Expression(x)),
    sign=lambda x: x / (abs(x) + 1 * (abs(x) == 0)),
)
"""The namespace to hand to a formula."""


def term_of(value: Any) -> Term:
    """A term from an expression, a whole number, a fraction or a term."""
    if isinstance(value, Term):
        return value
    if isinstance(value, Expression):
        return value.term
    return Number(value)  # type: ignore[no-any-return]


def number(name: str) -> Expression:
    """Any real number."""
    return Expression(Variable(name))


def named(label: str, latex: str, value: Any) -> Expression:
    """A value under the name that it is printed by, if it has none."""
    term = term_of(value)
    if not isinstance(term, Variable | Number | Entry) and term not in _NAMES:
        _NAMES[term] = label, latex
        _term.cache_clear()
    return Expression(term)


def column(name: str, place: Index, other: Index | None = None) -> Expression:
    """The entry of a column at a place, or of a table at two."""
    return Expression(Entry(name, Cell(place, other) if other else place))


def total_over(entry: Any, place: Index) -> Expression:
    """The sum of entries over a place."""
    return Expression(Sum(place.count, closed(term_of(entry), place)))


SIZE = Count("N")
_KEYS = count(1000)


def index(name: str, of: Term) -> Index:
    """A new index over 1..``of``, different from every other."""
    key = next(n for n in _KEYS if (Index, (name, of, n)) not in Node._made)
    return Index(name, of, key)  # type: ignore[no-any-return]


class Batch:
    """Predictions f and labels y of N samples, with weights w or without."""

    def __init__(
        self, weighted: bool = False, mark: str = "", **columns: Callable[[Index], Expression]
    ) -> None:
        """All weights are 1 unless ``weighted``; f and y are any columns unless given.

        ``mark`` tells the columns of one batch from those of another.
        """
        self.weighted, self.mark = weighted, mark
        self.size = Count("N" + mark)
        self.place = index("i" + mark, self.size)
        self._columns = {n: (lambda place, n=n: column(n + mark, place)) for n in "wfy"} | columns
        self.w = self.at(self.place).w if weighted else Expression(1)
        self.f, self.y = self.at(self.place).f, self.at(self.place).y
        self.weight = named("W" + mark, "W" + mark, self.total(self.w))
        if not weighted:
            self.weight = Expression(self.size)
        given = [(f"{n}_i", entry(self.place).term) for n, entry in columns.items()]
        texts = [f"{n} = {plain(term)}" for n, term in given] + [mark] * bool(mark)
        self.note = "".join(f", {text}" for text in texts)
        """What the columns are, where they are not arbitrary."""

    def at(self, place: Index) -> SimpleNamespace:
        """The sample at a place."""
        return SimpleNamespace(**{n: entry(place) for n, entry in self._columns.items()})

    def total(self, entry: Any) -> Expression:
        """The sum of entries over the samples."""
        return total_over(entry, self.place)

    def mean(self, entry: Any, times: Any = None) -> Expression:
        """The weighted mean, of products where there are two factors."""
        product = entry if times is None else entry * times
        return self.total(self.w * product if self.weighted else product) / self.weight

    def named(self, label: str, latex: str, value: Any) -> Expression:
        """A value under a name that says of which batch it is."""
        note = f" [{self.note[2:]}]" if self.note else ""
        return named(self.marked(label) + note, self.marked(latex, "{", "}") + note, value)

    def marked(self, text: str, *braces: str) -> str:
        """A name with the mark of weights, before what it is a function of."""
        head, bracket, rest = text.partition("(")
        if not self.weighted:
            return text
        if not head:
            return f"{''.join((*braces[:1], text, *braces[1:]))}_w"
        whole = f"{braces[0]}{head}{braces[1]}" if braces and "_" in head else head
        return f"{whole}_w{bracket}{rest}"

    def named_entry(self, label: str, latex: str, value: Any) -> Expression:
        """The same of an entry, which keeps its name where it is summed."""
        printed = Index("i", self.size, -1)
        self.named(label, latex, replaced(term_of(value), self.place, printed))
        return self.named(label, latex, value)

    def average(self, name: str, entry: Any) -> Expression:
        """A mean with a name."""
        return self.named(f"mean({name})", rf"\bar{{{name}}}", self.mean(entry))

    def variance(self, name: str, entry: Any) -> Expression:
        """The population variance, by its definition."""
        centred = Expression(entry) - self.average(name, entry)
        return self.named(f"Var({name})", rf"\mathrm{{Var}}({name})", self.mean(centred**2))

    def covariance(self, one: tuple[str, Any], other: tuple[str, Any]) -> Expression:
        """The population covariance, by its definition."""
        (a, x), (b, z) = one, other
        product = (x - self.average(a, x)) * (z - self.average(b, z))
        return self.named(f"Cov({a}, {b})", rf"\mathrm{{Cov}}({a},{b})", self.mean(product))

    def pair_total(self, function: Callable[[Any, Any], Any]) -> Expression:
        """The sum over all pairs of w_i w_j function(i, j)."""
        j = index("j", self.size)
        first, second = self.at(self.place), self.at(j)
        body = function(first, second)
        if self.weighted:
            body = first.w * second.w * body
        return total_over(total_over(body, j), self.place)

    def pair_mean(self, function: Callable[[Any, Any], Any]) -> Expression:
        """The mean over all pairs."""
        return self.pair_total(function) / self.weight**2

    def moments(self, formulas: Any, conventional: Any = 0) -> Any:
        """What the formulas make of the batch, each moment under its name."""
        parts = formulas.decompose(self.f, self.y, self.mean)
        found = formulas.moments(parts, Expression(conventional), self.weight, self.mean)
        names = {n: n.replace("_", r"\_") for n in found._fields}
        return found._replace(
            **{
                n: self.named(f"m.{n}", rf"m.\mathrm{{{t}}}", getattr(found, n))
                for n, t in names.items()
            }
        )


# --- formulas ---------------------------------------------------------------------------


def equal(left: Any, right: Any) -> Any:
    """left = right"""
    return Equal(term_of(left), term_of(right))


def positive(value: Any) -> Any:
    """0 < value"""
    return Less(ZERO, term_of(value))


def not_negative(value: Any) -> Any:
    """0 <= value"""
    return LessEqual(ZERO, term_of(value))


def at_most(left: Any, right: Any) -> Any:
    """left <= right"""
    return LessEqual(term_of(left), term_of(right))


def everywhere(formula: Formula, place: Index) -> Any:
    """The formula at each place."""
    return Each(place.count, closed(formula, place))


# --- printing ---------------------------------------------------------------------------

_INDICES = ("i", "j", "k", "l", "m")


def ambiguous(nodes: Iterable[Node]) -> list[str]:
    """What is printed alike and is not the same: names, numbers, entries, sums of other counts."""
    seen: dict[str, set[object]] = {}

    def visit(part: Node) -> None:
        if part in _NAMES:
            seen.setdefault(_NAMES[part][0], set()).add(part)
        elif isinstance(part, Variable | Number):
            seen.setdefault(plain(part), set()).add(part)
        else:
            if isinstance(part, Sum | Each):
                seen.setdefault(f"{plain(part)}, summed or said", set()).add(part.count)
            if isinstance(part, Entry):
                for name in _INDICES:
                    seen.setdefault(f"{part.column}_{name}", set()).add(part.column)
            for inner in part.parts():
                visit(inner)

    for node in nodes:
        visit(node)
    return sorted(label for label, terms in seen.items() if len(terms) > 1)


def plain(node: Node) -> str:
    """A formula or term as one line of text."""
    return _written(node, latex=False)


def latex(node: Node) -> str:
    """A formula or term in the part of LaTeX that matplotlib's mathtext reads."""
    return _written(node, latex=True)


_SIGNS = {
    Equal: ("=", "="),
    Less: ("<", "<"),
    LessEqual: ("<=", r"\leq"),
}


setattr(Node, "__repr__", plain)  # noqa: B010 - printing is no part of the kernel


def _written(node: Any, latex: bool) -> str:
    def write(part: Node) -> str:
        return _written(part, latex)

    if type(node) in _SIGNS:
        return f"{write(node.left)} {_SIGNS[type(node)][latex]} {write(node.right)}"
    if isinstance(node, Or):
        between = r"\ \mathrm{or}\ " if latex else "or"
        return f"{write(node.left)} {between} {write(node.right)}"
    if isinstance(node, Each):
        name, of = _opened(node.of, node.count)
        every = rf"\quad\forall\,{name}" if latex else f" for every {name}"
        return _written(of, latex) + every
    if isinstance(node, Index | Last):
        return node.name if isinstance(node, Index) else write(node.count)
    if not isinstance(node, Term):
        return "?" if isinstance(node, Bound) else type(node).__name__
    text, _ = _term(node, latex)
    return text


def _opened(body: Any, count: Term) -> tuple[str, Any]:
    """The body under the first name that nothing in it has."""
    used = {place.name for place in indices(body)}
    name = next(n for n in _INDICES if n not in used)
    return name, opened(body, Index(name, count, -1))


def _wrapped(node: Any, latex: bool, at_least: int) -> str:
    """A term, in brackets when it binds less than is asked: 0 sum, 1 product, 2 power, 3 atom."""
    text, binds = _term(node, latex)
    brackets = (r"\left(", r"\right)") if latex else ("(", ")")
    return text if binds >= at_least else text.join(brackets)


@cache
def _term(node: Any, latex: bool) -> tuple[str, int]:
    def write(part: Any, at_least: int = 0) -> str:
        return _wrapped(part, latex, at_least)

    if node in _NAMES:
        return _NAMES[node][latex], 3
    if isinstance(node, Number):
        value: Fraction = node.value
        if latex and value.denominator != 1:
            return rf"\frac{{{value.numerator}}}{{{value.denominator}}}", 3
        return str(value), 3 if value >= 0 and value.denominator == 1 else 1
    if isinstance(node, Variable):
        return node.name, 3
    if isinstance(node, Entry):
        places = list(node.place.parts()) if isinstance(node.place, Cell) else [node.place]
        at = "".join(_written(place, latex) for place in places)
        name, _, mark = node.column.partition("_")
        tex = f"{name}_{{{mark}{',' * bool(mark)}{at.partition('_')[0]}}}"
        return tex if latex else f"{node.column}_{at}", 3
    if isinstance(node, Add):
        other = _negated(node.right)
        if other is not None:
            return f"{write(node.left)} - {write(other, 1)}", 0
        return f"{write(node.left)} + {write(node.right)}", 0
    if isinstance(node, Multiply) and node.left is node.right:
        return f"{write(node.left, 3)}^2", 2
    if isinstance(node, Multiply):
        if _negated(node) is not None:
            return f"-{write(node.right, 1)}", 0
        between = r"\," if latex else " "
        return f"{write(node.left, 1)}{between}{write(node.right, 1)}", 1
    if isinstance(node, Divide):
        if latex:
            return rf"\frac{{{write(node.left)}}}{{{write(node.right)}}}", 1
        return f"{write(node.left, 1)} / {write(node.right, 3)}", 1
    if isinstance(node, Root):
        return (rf"\sqrt{{{write(node.of)}}}" if latex else f"sqrt({write(node.of)})"), 3
    if isinstance(node, Absolute):
        return (rf"\left|{write(node.of)}\right|" if latex else f"|{write(node.of)}|"), 3
    if isinstance(node, Exp) and isinstance(node.of, Multiply) and isinstance(node.of.right, Log):
        base, power = write(node.of.right.of, 3), write(node.of.left)  # see `real_power`
        return f"{base}^{{{power}}}" if latex else f"{base}^({power})", 2
    if isinstance(node, Exp | Log):
        name = type(node).__name__.lower()
        text = write(node.of)
        return (rf"\{name}\left({text}\right)" if latex else f"{name}({text})"), 3
    if isinstance(node, Indicator):
        return f"[{write(node.of)} = 0]", 3
    if isinstance(node, Sum):
        name, body = _opened(node.body, node.count)
        inner = _wrapped(body, latex, 1)
        limits = f"_{{{name}=1}}^{{{write(node.count)}}}" if latex else f"_{name}"
        return (rf"\sum{limits}{inner}" if latex else f"sum{limits} {inner}"), 1
    raise TypeError(f"{type(node).__name__} cannot be printed")


def _negated(node: Any) -> Any:
    if isinstance(node, Multiply) and node.left == Number(Fraction(-1)):
        return node.right
    return None
