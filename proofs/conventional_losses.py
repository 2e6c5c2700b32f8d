"""The conventional losses of one error, and their derivatives.

    |d|, derivative sign(d), 0 at 0;    d^2, derivative 2 d;
    Huber: d^2 / 2 for |d| <= delta, delta (|d| - delta / 2) beyond; derivative d clipped to
    [-delta, delta], at every d.

The code takes Huber's function from d and d clipped, without a case distinction.

Assumptions: delta_pos for Huber's function.

In the paper: the conventional sub-loss and the baselines MAE, MSE and Huber. In the code:
`gar_verify.formulas.absolute`, `absolute_slope`, `square`, `square_slope`, `huber`.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any

import sympy
from sympy import Integer, Rational, Symbol

from gar_verify import formulas as package_formulas

from .algebra import Ground
from .exact import Case
from .printing import run_script
from .statements import Control, Hypothesis, Statement, Step, mutant

D = Symbol("d", real=True)
POSITIVE, DELTA, BEYOND = sympy.symbols("d delta u", positive=True)

DELTA_POS = Hypothesis("delta_pos", "delta > 0")


def clipped(d: Any, delta: Any) -> Any:
    """d clipped to [-delta, delta]"""
    return min(delta, max(-delta, d))


def huber_by_cases(d: Any, delta: Any) -> Any:
    """Huber's function from its definition."""
    return d * d / 2 if abs(d) <= delta else delta * (abs(d) - delta / 2)


def small_cases() -> Any:
    """Errors within, at and beyond delta."""
    for delta in (Integer(1), Integer(2)):
        for d in map(Rational, (0, "1/2", "-1/2", 1, -1, 2, 3, -3)):
            yield Case(d=d, delta=delta)


def statement(formulas: ModuleType = package_formulas) -> Statement:
    """The statement, over the given formulas."""

    def absolute(ground: Ground) -> list[Any]:
        left = []
        for d, sign in ((POSITIVE, 1), (-POSITIVE, -1)):
            left += [
                ground.zero(formulas.absolute(d) - sign * d),
                ground.zero(formulas.absolute_slope(d, sympy) - sign),
            ]
        zero = Integer(0)
        return [*left, formulas.absolute(zero), formulas.absolute_slope(zero, sympy)]

    def square(ground: Ground) -> list[Any]:
        return [
            ground.zero(formulas.square(D) - D**2),
            ground.zero(formulas.square_slope(D) - sympy.diff(formulas.square(D), D)),
        ]

    def huber_within(ground: Ground) -> list[Any]:
        value = formulas.huber(D, D)
        return [ground.zero(value - D**2 / 2), ground.zero(sympy.diff(value, D) - D)]

    def huber_beyond(ground: Ground) -> list[Any]:
        left = []
        for sign in (1, -1):
            d = sign * (DELTA + BEYOND)
            value = formulas.huber(d, sign * DELTA)
            left += [
                ground.zero(value - DELTA * (DELTA + BEYOND - DELTA / 2)),
                ground.zero(sympy.diff(value, BEYOND) - sign * (sign * DELTA)),
            ]
        return left

    def huber_at(ground: Ground) -> list[Any]:
        """Values and slopes from within and from beyond, at d = delta and d = -delta."""
        left = []
        for sign in (1, -1):
            within, beyond = formulas.huber(D, D), formulas.huber(D, sign * DELTA)
            for one, other in ((within, beyond), (within.diff(D), beyond.diff(D))):
                left.append(ground.zero((one - other).subs(D, sign * DELTA)))
        return left

    def code(case: Case) -> Any:
        return formulas.huber(case.d, clipped(case.d, case.delta))

    return Statement(
        name="conventional-losses",
        title="The conventional losses and their derivatives",
        where="the conventional sub-loss and three baselines; gar_verify.formulas.huber and others",
        plain=(
            "|d|' = sign(d), (d^2)' = 2 d, and clipped (d - clipped / 2) is Huber's function with "
            "derivative clipped"
        ),
        latex=(
            r"|d|^{\prime}=\mathrm{sign}(d),\quad (d^2)^{\prime}=2d",
            r"h_\delta(d)=c\left(d-\frac{c}{2}\right),\quad h_\delta^{\prime}(d)=c,\quad "
            r"c=\min(\delta,\max(-\delta,d))",
        ),
        steps=(
            Step("absolute value", "d or -d, with slope 1 or -1; 0 and 0 at 0", absolute),
            Step("square", "d^2, and the slope of the code is its derivative", square),
            Step("Huber within", "for |d| <= delta, where clipped = d", huber_within),
            Step(
                "Huber beyond",
                "for d = delta + u and d = -(delta + u), u > 0: value, and derivative clipped",
                huber_beyond,
                needs=(DELTA_POS,),
            ),
            Step(
                "Huber at delta",
                "both expressions agree at d = delta and d = -delta, as do their derivatives",
                huber_at,
                needs=(DELTA_POS,),
            ),
        ),
        mutants=(
            mutant(
                "half dropped",
                "clipped (d - clipped) for Huber's function",
                lambda case: (
                    clipped(case.d, case.delta) * (case.d - clipped(case.d, case.delta)),
                    huber_by_cases(case.d, case.delta),
                ),
                cases=small_cases,
            ),
            mutant(
                "linear part through 0",
                "delta |d| beyond delta",
                lambda case: (case.delta * abs(case.d), code(case)),
                cases=small_cases,
                where=lambda case: abs(case.d) > case.delta,
            ),
            mutant(
                "no clipping",
                "d^2 / 2 everywhere",
                lambda case: (case.d**2 / 2, code(case)),
                cases=small_cases,
            ),
            mutant(
                "slope d of d^2",
                "the derivative of the square without the 2",
                lambda case: (sympy.diff(D**2, D).subs(D, case.d), case.d),
                cases=small_cases,
            ),
            mutant(
                "slope 1 at 0",
                "the slope of |d| at 0 taken from the right",
                lambda case: (formulas.absolute_slope(case.d, sympy), 1),
                cases=small_cases,
                where=lambda case: case.d == 0,
            ),
            mutant(
                "negative delta",
                "Huber's function not negative with delta = -1",
                lambda case: (0, code(case)),
                cases=lambda: [Case(d=Integer(1), delta=Integer(-1))],
                drops="delta_pos",
                at_most=True,
            ),
        ),
        controls=(
            Control(
                "by cases",
                "the code and the definition by cases agree on errors within, at and beyond delta",
                lambda ground: [
                    ground.zero(code(case) - huber_by_cases(case.d, case.delta))
                    for case in small_cases()
                ],
            ),
        ),
    )


if __name__ == "__main__":
    run_script(statement)
