"""Theorem 4: matching all differences is matching all gradients.

For f and Y, K times differentiable on an open and connected domain of R^n,

    f(x) - f(z) = Y(x) - Y(z) for all x, z   <=>   every partial derivative of f of order 1..K
                                                   equals that of Y, everywhere.

Corollary with a scale c, the direction alignment of the Pearson loss: f(x) - f(z) = c (Y(x) - Y(z))
for all x, z exactly when the derivatives of f are c times those of Y.

Assumptions: batch_nonempty for what the loss is; domain_open and differentiable in both directions;
domain_connected and order_one (the derivatives of order 1 are among those matched) in the direction
from gradients to differences.

Finding: Theorem 4 as the summary of the paper states it (the paper's own text was not available)
does not ask for a connected domain. Without it gradients that match do not make differences match.

Cited, not proved: a differentiable function of one variable with derivative 0 is constant (mean
value theorem); two points of an open connected set are joined by a polygon within it. The steps
are checked in 1 to 6 dimensions; the dimension enters only as the range of an index.

In the summary of the paper: Theorem 4, argued by the mean value theorem and L'Hopital's rule.
"""

from __future__ import annotations

from functools import cache
from types import ModuleType
from typing import Any

import sympy
from sympy import Expr, Symbol

from gar_verify import formulas as package_formulas

from . import kernel
from .batches import ExactBatch, moments
from .exact import Case
from .language import column, equal, number
from .pairwise import Pairwise, Proofs
from .printing import run_script
from .script import Claim, Script
from .statements import Control, Hypothesis, Lemma, Statement, Step, mutant

DIMENSIONS = range(1, 7)

DOMAIN_OPEN = Hypothesis("domain_open", "the domain is open")
DOMAIN_CONNECTED = Hypothesis("domain_connected", "the domain is connected")
DIFFERENTIABLE = Hypothesis(
    "differentiable", "f and Y are K times differentiable, K >= 1, at every point of the domain"
)
ORDER_ONE = Hypothesis("order_one", "the derivatives of order 1 are among those that match")

MEAN_VALUE = Lemma(
    "mean_value_theorem",
    "a function on an interval whose derivative is 0 everywhere is constant",
    "proved by Rocq: GradientMatching.segment",
    (DIFFERENTIABLE,),
)
POLYGON = Lemma(
    "polygonal_connectedness",
    "two points of an open connected set of R^n are joined by finitely many segments within it",
    "not needed by Rocq: GradientMatching.gradients_to_differences, by open and closed sets",
    (DOMAIN_OPEN, DOMAIN_CONNECTED),
)
OPEN_DERIVATIVE = Lemma(
    "derivative_of_zero",
    "a function that is 0 on an open set has all its partial derivatives 0 there",
    "proved by Rocq: GradientMatching.ddir_shift",
    (DOMAIN_OPEN, DIFFERENTIABLE),
)


@cache
def differentiable(name: str) -> Any:
    """An arbitrary differentiable function; its partial derivative in variable i is ``name_i``."""

    def fdiff(self: Any, argindex: int = 1) -> Expr:
        return differentiable(f"{name}_{argindex}")(*self.args)

    return type(name, (sympy.Function,), {"fdiff": fdiff})


def point(name: str, dimension: int) -> tuple[Symbol, ...]:
    """A point with symbols for coordinates."""
    coordinates: tuple[Symbol, ...] = sympy.symbols(f"{name}1:{dimension + 1}", real=True)
    return coordinates


def first_order() -> list[Any]:
    """d/dx_i of f(x) - f(z) - (Y(x) - Y(z)), less f_i(x) - Y_i(x)."""
    f, labels = differentiable("f"), differentiable("Y")
    left = []
    for dimension in DIMENSIONS:
        x, z = point("x", dimension), point("z", dimension)
        gap = f(*x) - f(*z) - (labels(*x) - labels(*z))
        for i, x_i in enumerate(x, 1):
            partials = differentiable(f"f_{i}")(*x) - differentiable(f"Y_{i}")(*x)
            left.append(sympy.expand(gap.diff(x_i) - partials))
    return left


def next_order() -> list[Any]:
    """d/dx_i of the difference of two derivatives, less the difference of the next ones."""
    g, h = differentiable("Df"), differentiable("DY")
    left = []
    for dimension in DIMENSIONS:
        x = point("x", dimension)
        for i, x_i in enumerate(x, 1):
            next_ones = differentiable(f"Df_{i}")(*x) - differentiable(f"DY_{i}")(*x)
            left.append(sympy.expand((g(*x) - h(*x)).diff(x_i) - next_ones))
    return left


def along_segment() -> list[Any]:
    """The derivative of f - Y along z + s (x - z): its chain rule, and 0 where gradients match."""
    s = Symbol("s", real=True)
    left = []
    for dimension in DIMENSIONS:
        x, z = point("x", dimension), point("z", dimension)
        path = tuple(b + s * (a - b) for a, b in zip(x, z, strict=True))
        gap = differentiable("f")(*path) - differentiable("Y")(*path)
        slopes = [
            (differentiable(f"f_{i}"), differentiable(f"Y_{i}")) for i in range(1, len(x) + 1)
        ]
        chain = sum(
            (a - b) * (f_i(*path) - y_i(*path))
            for a, b, (f_i, y_i) in zip(x, z, slopes, strict=True)
        )
        matched = gap.diff(s)
        for f_i, y_i in slopes:
            matched = matched.replace(y_i, f_i)
        left += [sympy.expand(gap.diff(s) - chain), sympy.expand(matched)]
        left += [sympy.expand(p.subs(s, 0) - b) for p, b in zip(path, z, strict=True)]
        left += [sympy.expand(p.subs(s, 1) - a) for p, a in zip(path, x, strict=True)]
    return left


def along_polygon() -> Any:
    """One more corner: the gaps add up, so a chain of any length telescopes."""
    first, last, new = sympy.symbols("h_0 h_m h_new", real=True)
    return sympy.expand((last - first) + (new - last) - (new - first))


def gap_is_matching() -> Any:
    """f - Y has the same value at x and z exactly when the differences match."""
    fx, fz, yx, yz = sympy.symbols("f_x f_z Y_x Y_z", real=True)
    return sympy.expand(((fx - yx) - (fz - yz)) - ((fx - fz) - (yx - yz)))


def scaled() -> list[Any]:
    """The partial derivatives of c Y are c times those of Y, so c Y may stand for Y."""
    c = Symbol("c", real=True)
    left = []
    for dimension in DIMENSIONS:
        x = point("x", dimension)
        labels = differentiable("Y")(*x)
        for i, x_i in enumerate(x, 1):
            left.append(sympy.expand((c * labels).diff(x_i) - c * differentiable(f"Y_{i}")(*x)))
    return left


X = Symbol("x", real=True)


def value(pieces: Any, where: Any) -> Any:
    """The value at a point of a function given by one expression on each of some intervals."""
    for (low, high), expression in pieces.items():
        if low < where < high:
            return expression.subs(X, where)
    raise ValueError(f"{where} is outside the domain")


def gaps(case: Case) -> tuple[Any, Any]:
    """f(x) - f(z) and Y(x) - Y(z)."""
    return tuple(value(case[g], case.x) - value(case[g], case.z) for g in ("f", "Y"))


def orders_match(*orders: int) -> Any:
    """Whether the derivatives of these orders agree on every interval."""
    return lambda case: all(
        sympy.diff(f - labels, X, order) == 0
        for f, labels in zip(case.f.values(), case.Y.values(), strict=True)
        for order in orders
    )


def on_line(f: Expr, labels: Expr, x: Any = 1, z: Any = 0) -> Case:
    """Two functions on the interval (-2, 2), and two points of it."""
    return Case(f={(-2, 2): f}, Y={(-2, 2): labels}, x=sympy.sympify(x), z=sympy.sympify(z))


HALF = sympy.Rational(1, 2)
APART = Case(
    f={(0, 1): X**2, (2, 3): X**2 + 1},
    Y={(0, 1): X**2, (2, 3): X**2},
    x=HALF,
    z=5 * HALF,
)
STEP_UP = Case(
    f={(-1, 0): sympy.Integer(0), (0, 1): sympy.Integer(1)},
    Y={(-1, 0): sympy.Integer(0), (0, 1): sympy.Integer(0)},
    x=HALF,
    z=-HALF,
)
ZERO = sympy.Integer(0)


def statement(formulas: ModuleType = package_formulas) -> Statement:
    """Theorem 4, and what it means for the loss over the given formulas."""

    about = Pairwise(formulas, f=lambda place: column("y", place) + number("b"))
    loss = Claim("the loss", about.basic, equal(about.code("error_variance"), 0))

    def script(step: Script) -> None:
        proofs = Proofs(step, about)
        none = proofs.combine("no variance", equal(about.var_d, 0), proofs.weight)
        step.show("the loss", proofs.step("no loss", kernel.rewrite, proofs.of_errors, none))

    to_gradients = (DOMAIN_OPEN, DIFFERENTIABLE)
    return Statement(
        name="theorem-4-gradient-matching",
        title="Theorem 4: matching all differences is matching all gradients",
        where="Theorem 4 of the paper; what a loss of 0 on every batch means",
        claims=(loss,),
        script=script,
        plain=(
            "f(x) - f(z) = Y(x) - Y(z) for all x, z of an open connected domain <=> all partial "
            "derivatives of f and Y of orders 1..K agree everywhere; with c Y for Y likewise"
        ),
        latex=(
            r"f(x)-f(z)=Y(x)-Y(z)\quad\forall\,x,z\in\Omega"
            r"\quad\Longleftrightarrow\quad"
            r"\nabla^{k}f=\nabla^{k}Y\ \ \mathrm{on}\ \Omega,\ \ k=1,\ldots,K",
            r"\Omega\subseteq\mathbb{R}^{n}\ \ \mathrm{open\ and\ connected}",
        ),
        steps=(
            Step(
                "differences to gradients",
                "f(x) - f(z) - (Y(x) - Y(z)) is 0 for all x; its derivative in x_i is "
                "f_i(x) - Y_i(x)",
                first_order,
                needs=to_gradients,
                cites=(OPEN_DERIVATIVE,),
            ),
            Step(
                "from one order to the next",
                "where two derivatives agree, so do the next ones: all orders, by induction",
                next_order,
                needs=to_gradients,
                cites=(OPEN_DERIVATIVE,),
            ),
            Step(
                "gradients to differences, one segment",
                "along z + s (x - z) the derivative of f - Y is sum_i (x_i - z_i) (f_i - Y_i), "
                "which is 0 where the gradients match; so f - Y agrees at the ends",
                along_segment,
                needs=(DIFFERENTIABLE, ORDER_ONE),
                cites=(MEAN_VALUE,),
            ),
            Step(
                "gradients to differences, a polygon",
                "f - Y agrees at both ends of a chain of segments, one more at a time",
                along_polygon,
                needs=(DOMAIN_OPEN, DOMAIN_CONNECTED),
                cites=(POLYGON,),
            ),
            Step(
                "which is matching",
                "f - Y agrees at x and z exactly when f(x) - f(z) = Y(x) - Y(z)",
                gap_is_matching,
            ),
            Step(
                "with a scale",
                "the derivatives of c Y are c times those of Y: the corollary is the theorem "
                "for c Y",
                scaled,
                needs=(DIFFERENTIABLE,),
            ),
        ),
        mutants=(
            mutant(
                "no sample",
                "the loss of an empty batch",
                lambda b: (formulas.error_variance(moments(formulas, b)), 0),
                cases=lambda: [ExactBatch(f=(), y=())],
                drops="batch_nonempty",
                undefined=True,
            ),
            mutant(
                "two intervals",
                "the theorem on (0, 1) and (2, 3), as the summary of the paper has it",
                gaps,
                cases=lambda: [APART],
                where=orders_match(1, 2, 3),
                drops="domain_connected",
            ),
            mutant(
                "orders 2 and higher only",
                "the derivatives of order 1 not matched",
                gaps,
                cases=lambda: [on_line(X**2 + X, X**2)],
                where=orders_match(2, 3),
                drops="order_one",
            ),
            mutant(
                "a jump",
                "f on (-1, 1) without a derivative at 0, all others matching",
                gaps,
                cases=lambda: [STEP_UP],
                where=orders_match(1, 2, 3),
                drops="differentiable",
            ),
            mutant(
                "a line in the plane",
                "differences match on the set x2 = 0, which is not open; the derivatives of "
                "f = x2 and Y = 0 in x2 do not",
                lambda case: (case.f.diff(case.variable), case.Y.diff(case.variable)),
                cases=lambda: [Case(f=Symbol("x2"), Y=ZERO, variable=Symbol("x2"))],
                where=lambda case: case.f.subs(case.variable, 0) == case.Y,
                drops="domain_open",
            ),
            mutant(
                "equal functions",
                "matching gradients taken to give f = Y",
                lambda case: (value(case.f, case.x), value(case.Y, case.x)),
                cases=lambda: [on_line(X + 1, X)],
                where=orders_match(1, 2, 3),
            ),
            mutant(
                "equal steepness",
                "|f'| = |Y'| taken for matching gradients",
                gaps,
                cases=lambda: [on_line(-X, X)],
                where=lambda case: abs(sympy.diff(case.f[-2, 2])) == abs(sympy.diff(case.Y[-2, 2])),
            ),
            mutant(
                "gradients at the samples only",
                "gradients that match at x and z taken to make the differences match there",
                gaps,
                cases=lambda: [on_line(3 * X**2 - 2 * X**3, ZERO)],
                where=lambda case: all(
                    value({(-2, 2): sympy.diff(case.f[-2, 2])}, at) == 0 for at in (case.x, case.z)
                ),
            ),
            mutant(
                "scale forgotten",
                "df = 2 dY for all pairs taken to give equal gradients",
                lambda case: (sympy.diff(case.f[-2, 2]), sympy.diff(case.Y[-2, 2])),
                cases=lambda: [on_line(2 * X, X)],
            ),
        ),
        controls=(
            Control(
                "the same constant on both intervals",
                "on (0, 1) and (2, 3) the differences match where f - Y is one constant",
                lambda: [
                    sympy.expand(a - b)
                    for a, b in [gaps(Case(APART, f={k: v + 7 for k, v in APART.Y.items()}))]
                ],
            ),
        ),
        findings=(
            "Theorem 4 as the summary of the paper states it (the paper's own text was not "
            "available) does not ask for a connected domain, and needs it: on two disjoint "
            "intervals f = Y on one and f = Y + 1 on the other have the same derivatives of every "
            "order and different differences.",
        ),
    )


if __name__ == "__main__":
    run_script(statement)
