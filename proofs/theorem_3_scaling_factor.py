"""Theorem 3: the best scaling of the labels, and what Theorem 2's loss leaves free.

For every N and all real f, y with Var(y) > 0, as a function of c,

    Q(c) = (1/N^2) sum_i sum_j 1/2 [(f_i - f_j) - c (y_i - y_j)]^2
         = Var(f) (1 - rho^2) + Var(y) (c - c*)^2,        c* = Cov(f, y) / Var(y),

so the minimum is Var(f) (1 - rho^2), at c* and nowhere else. With Var(f) > 0 too, the loss of
Theorem 2 is 0 exactly when f_i - f_j = c (y_i - y_j) for all pairs with one c > 0: the same
direction, any magnitude.

Assumptions: batch_nonempty, var_y_pos; var_f_pos and scale_pos where the loss of Theorem 2 appears;
at_minimum (Q(c) = Q(c*)) gives c = c*, and rho_is_1 gives the same direction.

In the summary of the paper that was available: without a number; Theorem 3 is our name. In the
code: `gar_verify.formulas.scaled_difference` and the moments ``scale`` and ``var_r``.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any

import sympy

from gar_verify import formulas as package_formulas

from .batches import ExactBatch, moments
from .definitions import (
    correlation,
    covariance,
    normalized_difference,
    scaled_half_square,
    variance,
)
from .language import SIZE, at_most, equal, everywhere, index, number
from .language import column as entry
from .pairwise import Pairwise, Proofs
from .printing import run_script
from .script import Assumption, Claim, Script
from .statements import Statement, control, mutant
from .theorem_2_pearson import SCALE_POS, scaled_labels


def unexplained(batch: Any) -> Any:
    """Var(f) (1 - rho^2), without the roots."""
    return variance(batch, batch.f) - covariance(batch, batch.f, batch.y) ** 2 / variance(
        batch, batch.y
    )


def statement(formulas: ModuleType = package_formulas) -> Statement:
    """Theorem 3, over the given formulas."""

    def q(batch: Any, c: Any) -> Any:
        return batch.pair_mean(scaled_half_square(c))

    def best(batch: Any) -> Any:
        return moments(formulas, batch).scale

    about = Pairwise(formulas)
    scaled = Pairwise(formulas, f=scaled_labels(1))
    c, least, rho = number("c"), about.best, about.rho()
    given, both = (*about.basic, about.var_y_pos), (*about.basic, about.var_f_pos, about.var_y_pos)
    at_best = Assumption("at_minimum", equal(about.pairs(c), about.pairs(least)))
    perfect = Assumption("rho_is_1", equal(1 - rho, 0))
    i, j = (index(name, SIZE) for name in "ij")
    (f, y), (g, z) = ((entry("f", place), entry("y", place)) for place in (i, j))
    directions = equal((f - g) / about.norm("f"), (y - z) / about.norm("y"))
    claims = (
        Claim("the minimum", given, at_most(about.pairs(least), about.pairs(c))),
        Claim("only there", (*given, at_best), equal(c, least)),
        Claim("its value", both, equal(about.pairs(least), about.var_f * (1 - rho**2))),
        Claim("the code", about.basic, equal(about.code("scaled_difference", c), about.pairs(c))),
        Claim("the factor of the code", given, equal(about.m.scale, least)),
        Claim("same direction gives 0", (*given, SCALE_POS), equal(scaled.normalized(), 0)),
        Claim(
            "0 gives the same direction",
            (about.var_f_pos, about.var_y_pos, perfect),  # without samples there is no pair
            everywhere(everywhere(directions, j), i),
        ),
    )

    def script(step: Script) -> None:
        proofs = Proofs(step, about)
        step.show("the minimum", proofs.minimum())
        step.show("only there", proofs.only_there())
        step.show("its value", proofs.least_value())
        step.show("the code", proofs.scaled_difference_is())
        step.show("the factor of the code", proofs.slope_of_code("f"))
        step.show("same direction gives 0", Proofs(step, scaled, "f = c y + b: ").end(SCALE_POS, 0))
        step.show("0 gives the same direction", proofs.same_direction())

    return Statement(
        name="theorem-3-scaling-factor",
        title="Theorem 3: the best scaling factor, and the direction of the differences",
        where="the paper, numbered here; gar_verify.formulas.scaled_difference",
        claims=claims,
        script=script,
        mutants=(
            mutant(
                "empty batch",
                "the minimum over no samples",
                lambda b: (q(b, 1), 0),
                cases=lambda: [ExactBatch(f=(), y=())],
                drops="batch_nonempty",
                undefined=True,
            ),
            mutant(
                "any c",
                "c taken to be c* whatever Q(c) is",
                lambda b: (2, best(b)),
                where=lambda b: b.varies("y"),
                drops=at_best.name,
            ),
            mutant(
                "any correlation",
                "the differences of two samples taken to have one direction whatever rho is",
                lambda b: (b.f[0] - b.f[1], b.y[0] - b.y[1]),
                where=lambda b: b.size == 3 and sorted(b.f) == sorted(b.y) and b.varies("y"),
                drops=perfect.name,
            ),
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
                drops="var_y_pos",
                undefined=True,
            ),
            mutant(
                "constant predictions",
                "df = 0 dy taken for the same direction: the loss of Theorem 2 is not 0",
                lambda b: (normalized_difference(b, sympy.sqrt), 0),
                where=lambda b: b.varies("y") and not b.varies("f"),
                drops="var_f_pos",
            ),
            mutant(
                "any factor",
                "df = c dy with c < 0 taken for the same direction",
                lambda b: (normalized_difference(b, sympy.sqrt), 0),
                where=lambda b: b.varies("y") and all(b.f == -b.y),
                drops="scale_pos",
            ),
        ),
        controls=(
            control(
                "c = 1 is Theorem 1",
                "Q(1) is the variance of the errors",
                lambda b: (q(b, 1), variance(b, b.f - b.y)),
            ),
        ),
    )


if __name__ == "__main__":
    run_script(statement)
