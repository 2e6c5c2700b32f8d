"""Rounding: from the moments on, the loss loses a few units of the last place, whatever the data.

With u = 2^-53, half a unit of the last place of float64, and the moments taken as they are stored,
each computed value is the exact one times a factor between (1 - u)^k and 1 / (1 - u)^k, with a
small k for each function (`BOUNDS`): for every rounding with |rnd(x) - x| <= u |x| that keeps what
is rounded and its double. The reason is that the formulas add numbers of one sign only, and
subtract nothing but moments. Means and slopes of `merge` and one coefficient of
`one_minus_concordance_gradient` subtract computed numbers, and have no such bound: counterexamples
stand below.

Assumptions: var_r_nonneg, var_y_nonneg, no_underflow; Var(f), Var(y) > 0 for the correlation,
`concordance_scale` > 0 for the concordance.

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
from .rocq_opinion import roundings
from .statements import Control, Hypothesis, Lemma, Statement, Step, mutant

UNIT = Fraction(1, 2**53)
BOUNDS = roundings()
"""How many roundings a value may be away, by function, as Rocq proves it."""

VAR_R_NONNEG = Hypothesis("var_r_nonneg", "the unexplained variance is not negative: var_r >= 0")
VAR_Y_NONNEG = Hypothesis("var_y_nonneg", "the variance of the labels is not negative: var_y >= 0")
NO_UNDERFLOW = Hypothesis(
    "no_underflow",
    "no operation overflows or underflows: |rnd(x) - x| <= u |x|, and rounded numbers and their "
    "doubles are kept",
)
ROUNDED = Lemma(
    "rounded_formulas",
    "the bounds of the single functions, over the formulas with every operation rounded",
    "proved by Rocq: the theorems of Rounding.v, one for each function",
)

SMALL = 2.0**-30
ROOT = 2.0**0.5
"""The scale for which that coefficient of 1 - CCC is 0 but for rounding, with variances of 1."""
RATIONAL = (
    "error_variance",
    "prediction_variance",
    "concordance_scale",
    "one_minus_concordance",
)
"""The functions that take no root, whose exact values are fractions."""

ORDINARY = tuple((r, b, v) for r in (0.1, 0.7, 3.0) for b in (-0.9, 0.3, 7.1) for v in (0.2, 5.3))

LOSSY = ((1.0, 2.0**-60, 1.0), (1.0, 2.0**-53 - 1, 2.0))
"""Predictions, labels and shifts of the errors; f - y rounds to the shift."""


def bound(roundings: int) -> Fraction:
    """The relative error that so many roundings may make."""
    return 1 / (1 - UNIT) ** roundings - 1


def moments(formulas: ModuleType, numbers: Any, of: Callable[[Any], Any] = float) -> Any:
    """Moments with var_r, slope, var_y and a scale, which is the slope unless it is given.

    They are floats, or the rational numbers that these are: to rounding, stored numbers are all
    alike, and scale = 1 + slope means nothing.
    """
    var_r, slope, var_y, *more = map(of, numbers)
    zero = of(0)
    scale = more[0] if more else slope
    return formulas.Moments(of(1), zero, zero, zero, var_y, scale, slope, var_r, zero)


def units(computed: Any, exact: Any) -> int:
    """The relative error in whole units u, rounded down."""
    whole: int = math.floor(abs(Fraction(computed) - exact) / abs(exact) / UNIT)
    return whole


def cases(*numbers: tuple[float, ...]) -> Callable[[], Iterator[Case]]:
    """Moments to try, in exactly these floating-point numbers."""
    return lambda: (Case(m=number) for number in numbers)


def statement(formulas: ModuleType = package_formulas) -> Statement:
    """The statement, over the given formulas."""

    def error(function: str, numbers: Any) -> int:
        of = getattr(formulas, function)
        computed = of(moments(formulas, numbers))
        return units(computed, of(moments(formulas, numbers, Fraction)))

    def small() -> list[Any]:
        return [bound(count) < (count + 1) * UNIT for count in BOUNDS.values()]

    def merged(case: Case) -> tuple[Any, Any]:
        def slope(of: Callable[[Any], Any]) -> Any:
            return formulas.merge(*(moments(formulas, m, of) for m in case.m)).slope

        return units(slope(float), slope(Fraction)), max(BOUNDS.values())

    def label(case: Case) -> tuple[Any, Any]:
        def coefficient(of: Callable[[Any], Any]) -> Any:
            return formulas.one_minus_concordance_gradient(moments(formulas, case.m, of)).label

        return units(coefficient(float), coefficient(Fraction)), max(BOUNDS.values())

    def measured() -> list[Any]:
        return [
            error(function, numbers) <= BOUNDS[function]
            for function in RATIONAL
            for numbers in ORDINARY
        ]

    def claim(function: str, count: int) -> Callable[[Case], tuple[Any, Any]]:
        return lambda case: (error(function, case.m), count)

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
            "from the moments on, computed = exact (1 + e) with |e| <= (1 - u)^-k - 1, u = 2^-53, "
            + ", ".join(f"k = {count} for {function}" for function, count in BOUNDS.items())
        ),
        latex=(
            r"\mathrm{computed}=\mathrm{exact}\,(1+\epsilon),\quad "
            r"|\epsilon|\leq(1-u)^{-k}-1,\quad u=2^{-53},\quad "
            rf"k\leq {max(BOUNDS.values())}",
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
                "(1 - u)^-k - 1 < (k + 1) u for each of these k",
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
                "every gradient too",
                "the coefficient of the labels in the gradient of 1 - CCC, which changes its sign",
                label,
                cases=cases((1.0, ROOT - 1, 1.0, ROOT)),
                at_most=True,
            ),
            mutant(
                "negative unexplained variance",
                "error_variance with var_r < 0 allowed",
                claim("error_variance", BOUNDS["error_variance"]),
                cases=cases((-1 - 2 * SMALL, 1 + SMALL, 1.0)),
                drops="var_r_nonneg",
                at_most=True,
            ),
            mutant(
                "negative variance of the labels",
                "error_variance with var_y < 0 allowed",
                claim("error_variance", BOUNDS["error_variance"]),
                cases=cases((1 + 2 * SMALL, 1 + SMALL, -1.0)),
                drops="var_y_nonneg",
                at_most=True,
            ),
            mutant(
                "underflow",
                "error_variance where the square of the slope is below every float",
                claim("error_variance", BOUNDS["error_variance"]),
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
