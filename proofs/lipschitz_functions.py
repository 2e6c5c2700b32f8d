"""Theorem 4 for Lipschitz functions, whose gradients exist almost everywhere.

For f and Y Lipschitz continuous on an open and connected domain of R^n (networks with ReLU, |x|),

    f(x) - f(z) = Y(x) - Y(z) for all x, z   <=>   grad f = grad Y almost everywhere.

Assumptions: domain_open, domain_connected, lipschitz, almost_everywhere.

Cited, not proved: Rademacher's theorem; Fubini's theorem (almost every parallel of a segment meets
a null set in length 0 only); a Lipschitz function of one variable is the integral of its
derivative; the polygons of Theorem 4.

Not in the paper, which asks for K derivatives; the functions it trains have no gradient at kinks.
"""

from __future__ import annotations

from fractions import Fraction
from types import ModuleType
from typing import Any

import sympy
from sympy import Integer, Rational, Symbol

from gar_verify import formulas as package_formulas

from .exact import Case
from .printing import run_script
from .statements import Control, Hypothesis, Lemma, Statement, Step, mutant
from .theorem_4_gradient_matching import (
    APART,
    DOMAIN_CONNECTED,
    DOMAIN_OPEN,
    POLYGON,
    STEP_UP,
    along_polygon,
    along_segment,
    first_order,
    gap_is_matching,
    gaps,
    orders_match,
)

LIPSCHITZ = Hypothesis(
    "lipschitz", "f and Y are Lipschitz continuous: |f(x) - f(z)| <= A |x - z|, likewise Y"
)
ALMOST_EVERYWHERE = Hypothesis(
    "almost_everywhere", "the gradients agree outside of a set of measure 0"
)

MEASURE = "measure theory: neither the kernel nor Coquelicot has Lebesgue measure in R^n"
RADEMACHER = Lemma(
    "rademacher", "a Lipschitz function is differentiable almost everywhere", MEASURE, (LIPSCHITZ,)
)
FUBINI = Lemma(
    "fubini",
    "almost every parallel of a segment meets a set of measure 0 in length 0 only",
    MEASURE,
    (ALMOST_EVERYWHERE,),
)
INTEGRAL = Lemma(
    "absolute_continuity",
    "a Lipschitz function of one variable is the integral of its derivative",
    MEASURE,
    (LIPSCHITZ,),
)


def bound() -> list[Any]:
    """(A + B) |x - z| - |(f - Y)(x) - (f - Y)(z)| is what each function leaves of its own bound."""
    a, b = sympy.symbols("A B", positive=True)
    length, of_f, of_y = sympy.symbols("r u v", nonnegative=True)
    return [
        sympy.expand((a + b) * length - (of_f + of_y) - (a * length - of_f) - (b * length - of_y))
    ]


def integral_of_zero() -> Any:
    """The integral of the derivative along a segment, where that is 0 almost everywhere."""
    s = Symbol("s", real=True)
    return sympy.expand(sympy.integrate(Integer(0), (s, 0, 1)))


def nearby() -> Any:
    """The gap between two points, less that of a parallel and the gaps to its ends."""
    x, z, near_x, near_z = sympy.symbols("h_x h_z h_u h_v", real=True)
    return sympy.expand((x - z) - ((near_x - near_z) + (x - near_x) - (z - near_z)))


def cantor(x: Fraction) -> Fraction:
    """Cantor's function at a fraction with a power of 3 below, 0 <= x <= 1."""
    if x in (0, 1):
        return x
    if x < Fraction(1, 3):
        return cantor(3 * x) / 2
    if x <= Fraction(2, 3):
        return Fraction(1, 2)
    return Fraction(1, 2) + cantor(3 * x - 2) / 2


def removed(first: int, ratio: int) -> Any:
    """Total length of the intervals removed: 2^(n-1) of length first / ratio^n, n = 1, 2, ..."""
    return Rational(first, ratio) / (1 - Rational(2, ratio))


def cantor_is_flat() -> list[Any]:
    """Cantor's function is constant on the removed intervals, which have total length 1."""
    left = [sympy.expand(removed(1, 3) - 1)]
    ends = [(Fraction(1, 3), Fraction(2, 3)), (Fraction(1, 9), Fraction(2, 9))]
    left += [sympy.expand(sympy.sympify(cantor(a) - cantor(b))) for a, b in ends]
    for n in range(5):  # the chord from 0 to 3^-n has slope (3/2)^n, beyond every bound
        chord = Fraction(1, 3**n)
        left.append(sympy.expand(sympy.sympify(cantor(chord) / chord - Fraction(3, 2) ** n)))
    return left


def statement(formulas: ModuleType = package_formulas) -> Statement:
    """The statement; it is about functions, and no formula enters."""
    return Statement(
        name="lipschitz-functions",
        title="Theorem 4 for Lipschitz functions",
        where="not in the paper: Theorem 4 where gradients exist almost everywhere",
        plain=(
            "f(x) - f(z) = Y(x) - Y(z) for all x, z of an open connected domain <=> "
            "grad f = grad Y almost everywhere, for Lipschitz f and Y"
        ),
        latex=(
            r"f(x)-f(z)=Y(x)-Y(z)\quad\forall\,x,z\in\Omega"
            r"\quad\Longleftrightarrow\quad"
            r"\nabla f=\nabla Y\ \ \mathrm{almost\ everywhere\ on}\ \Omega",
        ),
        steps=(
            Step(
                "differences to gradients",
                "at every point where both have a gradient, as in Theorem 4: almost everywhere",
                first_order,
                needs=(DOMAIN_OPEN, LIPSCHITZ),
                cites=(RADEMACHER,),
            ),
            Step(
                "the gap is Lipschitz", "f - Y with the constant A + B", bound, needs=(LIPSCHITZ,)
            ),
            Step(
                "along almost every segment",
                "the derivative of f - Y is sum_i (x_i - z_i) (f_i - Y_i) = 0 but for length 0",
                along_segment,
                needs=(ALMOST_EVERYWHERE, LIPSCHITZ),
                cites=(RADEMACHER, FUBINI),
            ),
            Step(
                "its ends agree",
                "f - Y at the ends differs by the integral of 0",
                integral_of_zero,
                needs=(LIPSCHITZ,),
                cites=(INTEGRAL,),
            ),
            Step(
                "along every segment",
                "the gap of a segment is that of a parallel, 0, and two as small as one likes",
                nearby,
                needs=(LIPSCHITZ, DOMAIN_OPEN),
            ),
            Step(
                "along a polygon",
                "as in Theorem 4",
                along_polygon,
                needs=(DOMAIN_OPEN, DOMAIN_CONNECTED),
                cites=(POLYGON,),
            ),
            Step("which is matching", "as in Theorem 4", gap_is_matching),
        ),
        mutants=(
            mutant(
                "two intervals",
                "a domain that is not connected",
                gaps,
                cases=lambda: [APART],
                where=orders_match(1),
                drops="domain_connected",
            ),
            mutant(
                "a plane seen as a line",
                "the domain x2 = 0: differences of f = x2 and Y = 0 match, derivatives in x2 not",
                lambda case: (case.f.diff(case.variable), case.Y.diff(case.variable)),
                cases=lambda: [Case(f=Symbol("x2"), Y=Integer(0), variable=Symbol("x2"))],
                where=lambda case: case.f.subs(case.variable, 0) == case.Y,
                drops="domain_open",
            ),
            mutant(
                "Cantor's function",
                "continuous f: gradient 0 almost everywhere, as that of Y = 0, and not constant",
                lambda case: (cantor(case.x) - cantor(case.z), 0),
                cases=lambda: [Case(f="Cantor", Y=0, x=Fraction(1), z=Fraction(0))],
                drops="lipschitz",
            ),
            mutant(
                "a jump",
                "f with a jump: gradient 0 but at one point",
                gaps,
                cases=lambda: [STEP_UP],
                where=orders_match(1),
                drops="lipschitz",
            ),
            mutant(
                "a dense set",
                "gradients that agree on a dense open set: f' = 0 on the intervals removed from "
                "[0, 1], 2^(n-1) of length 4^-n, and 1 elsewhere",
                lambda case: (1 - removed(1, 4), 0),
                cases=lambda: [Case(f="integral of f'", Y=0, x=1, z=0)],
                drops="almost_everywhere",
            ),
        ),
        controls=(
            Control(
                "Cantor's function is what it is said to be",
                "constant on intervals of total length 1, with chords from 0 as steep as one likes",
                cantor_is_flat,
            ),
            Control(
                "a kink",
                "f = |x| + 1 and Y = |x|: gradients agree but at 0, and all differences match",
                lambda: [
                    sympy.expand((abs(Rational(a)) + 1) - (abs(Rational(b)) + 1) - abs(a) + abs(b))
                    for a, b in ((1, -1), (2, -1), (0, 1))
                ],
            ),
        ),
    )


if __name__ == "__main__":
    run_script(statement)
