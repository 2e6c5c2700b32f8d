"""Theorem 3: the best scaling of the labels, and what Theorem 2's loss leaves free.

For every N and all real f, y with Var(y) > 0, as a function of c,

    Q(c) = (1/N^2) sum_i sum_j 1/2 [(f_i - f_j) - c (y_i - y_j)]^2
         = Var(f) (1 - rho^2) + Var(y) (c - c*)^2,        c* = Cov(f, y) / Var(y),

so the minimum is Var(f) (1 - rho^2), at c* and nowhere else. With Var(f) > 0 too, the loss of
Theorem 2 is 0 exactly when f_i - f_j = c (y_i - y_j) for all pairs with one c > 0: the same
direction, any magnitude.

Assumptions: var_y_pos; var_f_pos and scale_pos where the loss of Theorem 2 appears.

In the summary of the paper that was available: without a number; Theorem 3 is our name. In the
code: `gar_verify.formulas.scaled_difference`, `scaling_factor` and the moment ``var_r``.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any

import sympy
from sympy import Symbol

from gar_verify import formulas as package_formulas

from .algebra import Ground
from .batches import SymbolicBatch, moments
from .definitions import (
    correlation,
    covariance,
    difference_f,
    difference_y,
    norm,
    normalized_difference,
    scaled_half_square,
    variance,
)
from .hypotheses import PLAIN, VAR_F_POS, VAR_Y_POS
from .power_sums import column
from .printing import run_script
from .statements import Hypothesis, Statement, Step, control, mutant

F, Y = column("f"), column("y")
C = Symbol("c", real=True)
SCALE = Symbol("c", positive=True)
OFFSET = Symbol("b", real=True)
SCALED_LABELS = SymbolicBatch(f=SCALE * Y + OFFSET, y=Y)
SCALE_POS = Hypothesis("scale_pos", "the common factor of the differences is positive: c > 0")


def unexplained(batch: Any) -> Any:
    """Var(f) (1 - rho^2), without the roots."""
    return variance(batch, batch.f) - covariance(batch, batch.f, batch.y) ** 2 / variance(
        batch, batch.y
    )


def same_direction(ground: Ground) -> list[Any]:
    """df - (a / b) dy = a (df / a - dy / b) for the two norms a and b."""
    df, dy = sympy.symbols("df dy", real=True)
    a, b = (norm(PLAIN, difference, ground.root) for difference in (difference_f, difference_y))
    return [ground.zero((df - a / b * dy) - a * (df / a - dy / b)), (a / b) != 0]


def statement(formulas: ModuleType = package_formulas) -> Statement:
    """Theorem 3, over the given formulas."""

    def q(batch: Any, c: Any) -> Any:
        return batch.pair_mean(scaled_half_square(c))

    def best(batch: Any) -> Any:
        return formulas.scaling_factor(moments(formulas, batch))

    def code(batch: Any, c: Any) -> Any:
        return formulas.scaled_difference(moments(formulas, batch), c)

    def completed_square(ground: Ground) -> Any:
        square = variance(PLAIN, Y) * (C - covariance(PLAIN, F, Y) / variance(PLAIN, Y)) ** 2
        return ground.zero(q(PLAIN, C) - unexplained(PLAIN) - square)

    def attained(ground: Ground) -> list[Any]:
        m = moments(formulas, PLAIN)
        return [
            ground.zero(formulas.scaling_factor(m) - covariance(PLAIN, F, Y) / variance(PLAIN, Y)),
            ground.zero(m.var_r - unexplained(PLAIN)),
            ground.zero(formulas.scaled_difference(m, formulas.scaling_factor(m)) - m.var_r),
        ]

    def with_rho(ground: Ground) -> Any:
        rho = correlation(PLAIN, ground.root)
        return ground.zero(unexplained(PLAIN) - variance(PLAIN, F) * (1 - rho**2))

    def only_there(ground: Ground) -> Any:
        m = moments(formulas, PLAIN)
        at_best = formulas.scaled_difference(m, formulas.scaling_factor(m))
        gap = variance(PLAIN, Y) * (C - formulas.scaling_factor(m)) ** 2
        return ground.zero(formulas.scaled_difference(m, C) - at_best - gap)

    needs = (VAR_Y_POS,)
    return Statement(
        name="theorem-3-scaling-factor",
        title="Theorem 3: the best scaling factor, and the direction of the differences",
        where="the paper, numbered here; gar_verify.formulas.scaled_difference",
        plain=(
            "min over c of (1/N^2) sum_ij 1/2 (df_ij - c dy_ij)^2 = Var(f) (1 - rho^2), only at "
            "c* = Cov(f, y) / Var(y); 1 - rho = 0 exactly when df = c dy for some c > 0"
        ),
        latex=(
            r"\min_c\ \frac{1}{N^2}\sum_{i=1}^{N}\sum_{j=1}^{N}\frac{1}{2}"
            r"\left(\mathrm{d}f_{ij}-c\,\mathrm{d}y_{ij}\right)^2"
            r"=\mathrm{Var}(f)\,(1-\rho^2)\quad\mathrm{at}\quad "
            r"c^{\ast}=\frac{\mathrm{Cov}(f,y)}{\mathrm{Var}(y)}",
            r"1-\rho=0\ \Longleftrightarrow\ \mathrm{d}f=c\,\mathrm{d}y"
            r"\ \mathrm{for\ some}\ c>0",
        ),
        steps=(
            Step(
                "one completed square",
                "Q(c) = Var(f) - Cov^2 / Var(y) + Var(y) (c - Cov / Var(y))^2",
                completed_square,
                needs=needs,
            ),
            Step(
                "the code",
                "scaled_difference of the moments of the batch is Q(c), for every c",
                lambda ground: ground.zero(code(PLAIN, C) - q(PLAIN, C)),
                needs=needs,
            ),
            Step(
                "the minimum",
                "scaling_factor is c*, and Q(c*) = var_r = Var(f) - Cov^2 / Var(y)",
                attained,
                needs=needs,
            ),
            Step(
                "only there",
                "Q(c) - Q(c*) = Var(y) (c - c*)^2, positive for every other c",
                only_there,
                needs=needs,
            ),
            Step(
                "in terms of the correlation",
                "Var(f) - Cov^2 / Var(y) = Var(f) (1 - rho^2)",
                with_rho,
                needs=(VAR_F_POS, VAR_Y_POS),
            ),
            Step(
                "same direction gives 0",
                "with f = c y + b and c > 0 the loss of Theorem 2 is 0",
                lambda ground: ground.zero(normalized_difference(SCALED_LABELS, ground.root)),
                needs=(VAR_Y_POS, SCALE_POS),
            ),
            Step(
                "0 gives the same direction",
                "a sum of squares that is 0 has u = v for u = df / ||df|| and v = dy / ||dy||, and "
                "df - c dy = ||df|| (u - v) for c = ||df|| / ||dy|| > 0",
                same_direction,
                needs=(VAR_F_POS, VAR_Y_POS),
            ),
        ),
        mutants=(
            mutant(
                "half dropped",
                "the minimum of the sum without 1/2 taken to be Var(f) (1 - rho^2) too",
                lambda b: (2 * q(b, best(b)), unexplained(b)),
                where=lambda b: b.varies("y"),
            ),
            mutant(
                "regression the other way",
                "c* = Cov(f, y) / Var(f)",
                lambda b: (
                    q(b, covariance(b, b.f, b.y) / variance(b, b.f)),
                    unexplained(b),
                ),
                where=lambda b: b.varies("y") and b.varies("f"),
            ),
            mutant(
                "correlation not squared",
                "the minimum taken to be Var(f) (1 - rho)",
                lambda b: (q(b, best(b)), variance(b, b.f) * (1 - correlation(b, sympy.sqrt))),
                where=lambda b: b.varies("y") and b.varies("f"),
            ),
            mutant(
                "variance of the labels",
                "the minimum taken to be Var(y) (1 - rho^2)",
                lambda b: (
                    q(b, best(b)),
                    variance(b, b.y) * (1 - correlation(b, sympy.sqrt) ** 2),
                ),
                where=lambda b: b.varies("y") and b.varies("f"),
            ),
            mutant(
                "constant labels",
                "one minimiser with Var(y) = 0 allowed: c* has no value, Q does not depend on c",
                lambda b: (covariance(b, b.f, b.y) / variance(b, b.y), best(b)),
                where=lambda b: not b.varies("y"),
                drops=VAR_Y_POS,
                undefined=True,
            ),
            mutant(
                "constant predictions",
                "df = 0 dy taken for the same direction: the loss of Theorem 2 is not 0",
                lambda b: (normalized_difference(b, sympy.sqrt), 0),
                where=lambda b: b.varies("y") and not b.varies("f"),
                drops=VAR_F_POS,
            ),
            mutant(
                "any factor",
                "df = c dy with c < 0 taken for the same direction",
                lambda b: (normalized_difference(b, sympy.sqrt), 0),
                where=lambda b: b.varies("y") and all(b.f == -b.y),
                drops=SCALE_POS,
            ),
        ),
        controls=(
            control(
                "c = 1 is Theorem 1",
                "Q(1) is the variance of the errors",
                lambda b: (q(b, 1), variance(b, b.f - b.y)),
                PLAIN,
            ),
        ),
    )


if __name__ == "__main__":
    run_script(statement)
