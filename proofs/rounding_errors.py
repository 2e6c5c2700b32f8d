"""Rounding: from the moments on, the loss loses a few units of the last place, whatever the data.

With u = 2^-53, half a unit of the last place of float64, and the moments taken as they are stored,
each computed value is the exact one times a factor between (1 - u)^k and 1 / (1 - u)^k:

    k =  2  without_self_pairs                k = 12  one_minus_pearson
    k =  3  error_variance                    k =  1  the coefficients of error_variance_gradient
    k =  3  prediction_variance               k = 12  those of one_minus_pearson_gradient

for every rounding with |rnd(x) - x| <= u |x|. The reason is that the formulas add numbers of one
sign only, and subtract nothing but moments. `merge` adds covariances of both signs, and has no such
bound: a counterexample stands below.

Assumptions: var_r_nonneg, var_y_nonneg, no_underflow; Var(f), Var(y) > 0 for the correlation.

Proved by Rocq (`proofs/rocq/Rounding.v`) over definitions generated from the formulas with every
operation rounded. Not in the paper.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from fractions import Fraction
from types import ModuleType
from typing import Any

from gar_verify import formulas as package_formulas

from .exact import Case
from .printing import run_script
from .statements import Control, Hypothesis, Lemma, Statement, Step, mutant

UNIT = Fraction(1, 2**53)
BOUNDS = {"error_variance": 3, "prediction_variance": 3}
"""How many roundings a value may be away, by function."""

VAR_R_NONNEG = Hypothesis("var_r_nonneg", "the unexplained variance is not negative: var_r >= 0")
VAR_Y_NONNEG = Hypothesis("var_y_nonneg", "the variance of the labels is not negative: var_y >= 0")
NO_UNDERFLOW = Hypothesis(
    "no_underflow", "no operation overflows or underflows: |rnd(x) - x| <= u |x|"
)
ROUNDED = Lemma(
    "rounded_formulas",
    "the bounds of the single functions, over the formulas with every operation rounded",
    "proved by Rocq: Rounding.rounded_one_minus_pearson and others",
    (VAR_R_NONNEG, VAR_Y_NONNEG, NO_UNDERFLOW),
)

SMALL = 2.0**-30
ORDINARY = tuple((r, b, v) for r in (0.1, 0.7, 3.0) for b in (-0.9, 0.3, 7.1) for v in (0.2, 5.3))

LOSSY = ((1.0, 2.0**-60, 1.0), (1.0, 2.0**-53 - 1, 2.0))
"""Predictions, labels and shifts of the errors; f - y rounds to the shift."""


def bound(roundings: int) -> Fraction:
    """The relative error that so many roundings may make."""
    return 1 / (1 - UNIT) ** roundings - 1


def moments(formulas: ModuleType, numbers: Any, of: Callable[[Any], Any] = float) -> Any:
    """Moments with var_r, slope and var_y, as floats or as the rational numbers that these are."""
    zero, stored = of(0), float(1 + numbers[1])
    var_r, slope, var_y, scale = map(of, (*numbers, stored))
    return formulas.Moments(of(1), zero, zero, zero, var_y, scale, slope, var_r, zero)


def units(computed: Any, exact: Any) -> int:
    """The relative error in whole units u, rounded down."""
    whole: int = math.floor(abs(Fraction(computed) - exact) / abs(exact) / UNIT)
    return whole


def cases(*numbers: tuple[float, float, float]) -> Callable[[], Iterator[Case]]:
    """Moments to try, in exactly these floating-point numbers."""
    return lambda: (Case(m=number) for number in numbers)


def statement(formulas: ModuleType = package_formulas) -> Statement:
    """The statement, over the given formulas."""

    def error(function: str, numbers: Any, *more: Any) -> int:
        of = getattr(formulas, function)
        computed = of(moments(formulas, numbers), *more)
        return units(computed, of(moments(formulas, numbers, Fraction), *map(Fraction, more)))

    def small() -> list[Any]:
        return [
            bound(12) < 13 * UNIT,
            bound(3) < Fraction(301, 100) * UNIT,
        ]

    def merged(case: Case) -> tuple[Any, Any]:
        def slope(of: Callable[[Any], Any]) -> Any:
            return formulas.merge(*(moments(formulas, m, of) for m in case.m)).slope

        return units(slope(float), slope(Fraction)), 16

    def measured() -> list[Any]:
        return [
            error(function, numbers) <= roundings
            for function, roundings in BOUNDS.items()
            for numbers in ORDINARY
        ]

    def claim(function: str, roundings: int, *more: Any) -> Callable[[Case], tuple[Any, Any]]:
        return lambda case: (error(function, case.m, *more), roundings)

    def kept() -> list[Any]:
        left = []
        for f, y, d in LOSSY:
            shifts = formulas.Shifts(d=d)
            left.append(
                Fraction(formulas.shifted(f, y, shifts)[1])
                - (Fraction(f) - Fraction(y) - Fraction(d))
            )
        return left

    cancelling = (
        (0.0, 1 + SMALL, 1 - SMALL),
        (0.0, -1.0, 1.0),
    )
    needs = (VAR_R_NONNEG, VAR_Y_NONNEG, NO_UNDERFLOW)
    return Statement(
        name="rounding-errors",
        title="Rounding costs a few units of the last place, whatever the data",
        where="not in the paper; the functions of moments in gar_verify.formulas, in float64",
        plain=(
            "from the moments on, computed = exact (1 + e) with |e| < 3.01 u for error_variance, "
            "|e| < 13 u for one_minus_pearson and its gradient, u = 2^-53"
        ),
        latex=(
            r"\mathrm{computed}=\mathrm{exact}\,(1+\epsilon),\quad "
            r"|\epsilon|\leq(1-u)^{-k}-1,\quad u=2^{-53},\quad "
            r"k=3,\ 12",
        ),
        steps=(
            Step(
                "the single functions",
                "every sum is of one sign, every operation adds one rounding",
                measured,
                needs=needs,
                cites=(ROUNDED,),
            ),
            Step(
                "in units",
                "(1 - u)^-3 - 1 < 3.01 u and (1 - u)^-12 - 1 < 13 u",
                small,
            ),
        ),
        mutants=(
            mutant(
                "no rounding",
                "error_variance with an error below one unit",
                claim("error_variance", 0),
                cases=cases(*ORDINARY),
                at_most=True,
            ),
            mutant(
                "merging too",
                "the slope of merge with such a bound: covariances of both signs are added",
                merged,
                cases=lambda: [Case(m=cancelling)],
                at_most=True,
            ),
            mutant(
                "negative unexplained variance",
                "error_variance with var_r < 0 allowed",
                claim("error_variance", 3),
                cases=cases((-1 - 2 * SMALL, 1 + SMALL, 1.0)),
                drops="var_r_nonneg",
                at_most=True,
            ),
            mutant(
                "negative variance of the labels",
                "error_variance with var_y < 0 allowed",
                claim("error_variance", 3),
                cases=cases((1 + 2 * SMALL, 1 + SMALL, -1.0)),
                drops="var_y_nonneg",
                at_most=True,
            ),
            mutant(
                "underflow",
                "error_variance where the square of the slope is below every float",
                claim("error_variance", 3),
                cases=cases((0.0, 2.0**-600, 1.0)),
                drops="no_underflow",
                at_most=True,
            ),
        ),
        controls=(
            Control(
                "what a difference lost",
                "an error of which f - y, rounded, keeps nothing is exact in shifted",
                kept,
            ),
            Control(
                "perfect predictions",
                "with var_r = 0 and slope = 0 nothing is rounded: error variance and 1 - rho are 0",
                lambda: [
                    int(formulas.error_variance(moments(formulas, (0.0, 0.0, 2.0)))),
                    int(formulas.one_minus_pearson(moments(formulas, (0.0, 0.0, 4.0)), math)),
                ],
            ),
        ),
    )


if __name__ == "__main__":
    run_script(statement)
