"""A second opinion on the same statements at N = 2, 3 and 4, by the solver Z3.

Z3 shares nothing with the proofs, neither terms nor rules. The same functions of
`gar_verify.formulas` are run on its real variables, guards against 0 / 0 included, and it looks for
data that contradict a claim. ``holds`` means that there are none; for a wrong variant it must find
some. It has no exponential and no logarithm, so the aggregation and Theorem 4 are left out.

Optional: without the package z3-solver there is no second opinion, and the report says so.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from gar_verify import formulas

from .batches import ExactBatch, moments
from .definitions import (
    covariance,
    difference_f,
    difference_y,
    half_square,
    scaled_half_square,
    variance,
)

try:
    import z3
except ImportError:  # an optional extra
    z3 = None

SIZES = (2, 3, 4)
_STEPS = 30_000_000
"""What Z3 may take for one claim, in its own units: the same on every machine, however busy."""


@dataclass(frozen=True)
class Opinion:
    """What Z3 says about one claim."""

    statement: str
    claim: str
    true: bool
    """Whether the claim is one of the paper, or a wrong variant of one."""
    verdict: str
    """``holds``, ``fails`` or ``unknown``, which agrees with nothing."""

    @property
    def agrees(self) -> bool:
        """Whether Z3 says the same as the proofs."""
        return self.verdict == ("holds" if self.true else "fails")

    @property
    def contradicts(self) -> bool:
        """Whether Z3 does not say the same; an ``unknown`` counts."""
        return not self.agrees


@dataclass(frozen=True)
class _Claim:
    statement: str
    text: str
    left: Any
    right: Any
    assuming: tuple[Any, ...] = ()
    true: bool = True


def available() -> bool:
    """Whether Z3 is installed."""
    return z3 is not None


def version() -> str:
    """The version of Z3; empty without it."""
    return str(z3.get_version_string()) if available() else ""


def second_opinion(statements: Collection[str] | None = None) -> list[Opinion]:
    """Ask Z3 about the claims of these statements, or all of them; nothing without it."""
    if not available():
        return []
    claims = (claim for size in SIZES for claim in _claims(size))
    return [_ask(c) for c in claims if statements is None or c.statement in statements]


def _ask(claim: _Claim) -> Opinion:
    solver = z3.Solver()
    solver.set("rlimit", _STEPS)
    solver.add(*claim.assuming, _term(claim.left) != _term(claim.right))
    verdict = {"unsat": "holds", "sat": "fails"}.get(str(solver.check()), "unknown")
    return Opinion(claim.statement, claim.text, claim.true, verdict)


def _claims(size: int) -> Iterator[_Claim]:
    yield from _theorem_1(size)
    yield from _theorem_2(size)
    if size < SIZES[-1]:  # with four samples Z3 does not come to an end
        yield from _theorem_3(size)
        yield from _weights(size)
    yield from _released(size)
    yield from _others(size)


def _theorem_1(size: int) -> Iterator[_Claim]:
    name, batch = "theorem-1-error-variance", _batch(size)
    pairs, code = batch.pair_mean(half_square), formulas.error_variance(moments(formulas, batch))
    yield _Claim(name, f"pairs = error_variance, N = {size}", pairs, code)
    yield _Claim(name, f"without 1/2, N = {size}", 2 * pairs, code, true=False)


def _theorem_2(size: int) -> Iterator[_Claim]:
    name, batch = "theorem-2-pearson", _batch(size)
    a, b = map(_real, "ab")  # the inverse norms
    assuming = (
        _term(a) > 0,
        _term(b) > 0,
        _term(a * a * batch.pair_total(lambda p, q: difference_f(p, q) ** 2)) == 1,
        _term(b * b * batch.pair_total(lambda p, q: difference_y(p, q) ** 2)) == 1,
    )

    def halves(sign: int) -> Any:
        def square(p: Any, q: Any) -> Any:
            return (a * difference_f(p, q) + sign * b * difference_y(p, q)) ** 2

        return batch.pair_total(square) / 2

    minus, plus = halves(-1), halves(1)
    rho = 2 * size**2 * covariance(batch, batch.f, batch.y) * a * b
    yield _Claim(name, f"normalised pairs = 1 - rho, N = {size}", minus, 1 - rho, assuming)
    yield _Claim(name, f"both halves add up to 2, N = {size}", minus + plus, 2, assuming)
    yield _Claim(name, f"1 + rho, N = {size}", minus, 1 + rho, assuming, true=False)
    if size == SIZES[0]:
        yield from _stable_form()


def _stable_form() -> Iterator[_Claim]:
    """One minus Pearson from any moments, the degenerate ones included."""
    name = "theorem-2-pearson"
    s_f, s_y, var_r, scale = map(_real, ("s_f", "s_y", "v", "a"))
    m = formulas.Moments(1, 0, 0, 0, s_y * s_y, scale, 0, var_r, 0)
    roots = _Roots()
    code = formulas.one_minus_pearson(m, roots)
    assuming = (
        *roots.defined,
        _term(var_r) >= 0,
        _term(s_y) >= 0,
        _term(s_f) >= 0,
        _term(s_f * s_f) == _term(formulas.prediction_variance(m)),
    )
    flat_y = (_term(s_y) == 0, _term(scale) == 0)
    textbook = 1 - scale * s_y / s_f
    varies = (*assuming, _term(s_y) > 0, _term(s_f) > 0)
    half = _Real(z3.RealVal("1/2"))
    yield _Claim(name, "stable form", code, textbook, varies)
    only_f = (*assuming, _term(s_y) > 0, _term(s_f) == 0)
    yield _Claim(name, "constant predictions: 1/2", code, half, only_f)
    only_y = (*assuming, *flat_y, _term(s_f) > 0)
    yield _Claim(name, "constant labels: 1/2", code, half, only_y)
    neither = (*assuming, *flat_y, _term(s_f) == 0)
    yield _Claim(name, "both constant: 0", code, 0, neither)


def _theorem_3(size: int) -> Iterator[_Claim]:
    name, batch, c = "theorem-3-scaling-factor", _batch(size), _real("c")
    m = moments(formulas, batch)
    best, spread = m.scale, variance(batch, batch.y)
    varies = (_term(spread) > 0,)
    pairs, code = batch.pair_mean(scaled_half_square(c)), formulas.scaled_difference(m, c)
    yield _Claim(name, f"pairs = scaled_difference, N = {size}", pairs, code, varies)
    square = formulas.scaled_difference(m, best) + spread * (c - best) ** 2
    yield _Claim(name, f"minimum only at c*, N = {size}", pairs, square, varies)
    yield _Claim(name, f"minimum at c* + 1, N = {size}", pairs, square + 1, varies, true=False)


def _weights(size: int) -> Iterator[_Claim]:
    name, batch = "sample-weights", _batch(size, weighted=True)
    whole = _term(sum(batch.w, _Real(z3.RealVal(0)))) == 1  # other units change nothing
    positive = (*(_term(w) > 0 for w in batch.w), whole)
    pairs, code = batch.pair_mean(half_square), formulas.error_variance(moments(formulas, batch))
    plain = batch.pair_total(half_square) / size**2
    yield _Claim(name, f"weighted pairs = error_variance, N = {size}", pairs, code, positive)
    yield _Claim(name, f"divided by N^2, N = {size}", plain, code, positive, true=False)


def _released(size: int) -> Iterator[_Claim]:
    name, batch = "released-constants", _batch(size)
    a, b, eps = map(_real, ("a", "b", "eps"))  # one over the unbiased standard deviations
    scales = _OneOver(a.term), _OneOver(b.term)
    terms = formulas.released_sub_losses(batch.f, batch.y, batch.mean, *scales, eps)
    _, half, pearson = (term - eps for term in terms)
    assuming = (
        _term(a) > 0,
        _term(b) > 0,
        _term(a * a * size * variance(batch, batch.f)) == size - 1,
        _term(b * b * size * variance(batch, batch.y)) == size - 1,
    )
    yield _Claim(name, f"half the pairs, N = {size}", half, batch.pair_mean(half_square) / 2)
    less = Fraction(size - 1, size)
    rho = covariance(batch, batch.f, batch.y) * a * b / less
    yield _Claim(name, f"(N - 1)/N (1 - rho), N = {size}", pearson, less * (1 - rho), assuming)
    yield _Claim(name, f"1 - rho, N = {size}", pearson, 1 - rho, assuming, true=False)


def _others(size: int) -> Iterator[_Claim]:
    batch = _batch(size)
    m, d = moments(formulas, batch), batch.f - batch.y
    code = formulas.error_variance(m)
    square = batch.mean(d * d)
    yield _Claim("motivating-example", f"mean(d^2), N = {size}", square, code + m.mean_d * m.mean_d)
    expected = sum((p - q) * (p - q) / 8 for p in d for q in d for _ in range(2)) / size**2
    yield _Claim("random-batches", f"batches of two, N = {size}", expected, code / 2)
    on_path = tuple(_term(p) == _term(q) for p, q in zip(d[1:], d[:-1], strict=True))
    yield _Claim("graph-matching", f"a path, N = {size}", code, 0, on_path)
    yield _Claim("graph-matching", f"a path less an edge, N = {size}", code, 0, on_path[1:], False)
    if size == SIZES[0]:
        yield from _gradient(batch, size)
    first, last = (ExactBatch(f=tuple(batch.f[s]), y=tuple(batch.y[s])) for s in _halves(size))
    merged = formulas.merge(*(moments(formulas, part) for part in (first, last)))
    for field in ("mean_d", "mean_y", "var_y"):
        text = f"{field} of {int(first.size)} and {int(last.size)}"
        yield _Claim("merging-moments", text, getattr(merged, field), getattr(m, field))


def _gradient(batch: ExactBatch, size: int) -> Iterator[_Claim]:
    """Var(d) is a quadratic form: at f + h it is Var(d) + gradient h + Var(h), and no other."""
    parts, h = formulas.decompose(batch.f, batch.y, batch.mean), _column("h", size)
    m = moments(formulas, batch)
    g = formulas.error_variance_gradient(m)
    along = batch.mean((g.residual * parts.residual + g.label * parts.label) * h)
    moved = formulas.error_variance(
        moments(formulas, ExactBatch(f=tuple(batch.f + h), y=tuple(batch.y)))
    )
    name, here = "closed-form-gradient", formulas.error_variance(m) + variance(batch, h)
    yield _Claim(name, f"of the error variance, N = {size}", moved, here + along)
    yield _Claim(name, f"half of it, N = {size}", moved, here + along / 2, true=False)


def _halves(size: int) -> tuple[slice, slice]:
    return slice(0, size // 2), slice(size // 2, size)


def _batch(size: int, weighted: bool = False) -> ExactBatch:
    f, y, w = (tuple(_column(name, size)) for name in "fyw")
    return _OfWeightOne(f=f, y=y, w=w) if weighted else ExactBatch(f=f, y=y)


class _OfWeightOne(ExactBatch):
    """A batch whose weights sum to one."""

    @property
    def weight(self) -> Any:
        """1"""
        return Fraction(1)


def _column(name: str, size: int) -> Any:
    return np.array([_real(f"{name}{n}") for n in range(1, size + 1)], dtype=object)


def _real(name: str) -> Any:
    return _Real(z3.Real(name))


class _Roots:
    """A namespace whose square root is a new variable, defined by its square."""

    def __init__(self) -> None:
        self.defined: list[Any] = []

    def sqrt(self, radicand: Any) -> Any:
        root = _real(f"root{len(self.defined)}")
        self.defined += [_term(root) >= 0, _term(root * root) == _term(radicand)]
        return root


def _term(value: Any) -> Any:
    return value.term if isinstance(value, _Real) else z3.RealVal(str(value))


def _operation(compute: Callable[[Any, Any], Any], swapped: bool = False) -> Any:
    def apply(self: _Real, other: Any) -> Any:
        if isinstance(other, np.ndarray):
            return NotImplemented  # entry by entry
        one, two = self.term, _term(other)
        return _Real(compute(two, one) if swapped else compute(one, two))

    return apply


class _Real:
    """A term of Z3 that a formula can calculate with; a comparison is 1 or 0."""

    __hash__ = None  # type: ignore[assignment]

    def __init__(self, term: Any) -> None:
        self.term = term

    __add__, __radd__ = _operation(operator.add), _operation(operator.add, swapped=True)
    __sub__, __rsub__ = _operation(operator.sub), _operation(operator.sub, swapped=True)
    __mul__, __rmul__ = _operation(operator.mul), _operation(operator.mul, swapped=True)
    __truediv__ = _operation(operator.truediv)
    __rtruediv__ = _operation(operator.truediv, swapped=True)

    def __pow__(self, exponent: int) -> Any:
        result = self
        for _ in range(exponent - 1):
            result = result * self
        return result

    def __abs__(self) -> Any:
        return _Real(z3.If(self.term >= 0, self.term, -self.term))

    def __eq__(self, other: object) -> Any:
        return _Real(z3.If(self.term == _term(other), z3.RealVal(1), z3.RealVal(0)))


class _OneOver(_Real):
    """One over a term: dividing by it is multiplying by the term."""

    def __rtruediv__(self, other: Any) -> Any:
        return other * _Real(self.term)
