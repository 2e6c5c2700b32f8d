"""Theorems 1, 2 and 3 with a weight for each sample.

For weights w_1..w_N of sum W > 0, weighted means, variances and covariances, and norms
||d||^2 = sum_ij w_i w_j d_ij^2,

    (1/W^2) sum_ij w_i w_j 1/2 [(f_i - f_j) - (y_i - y_j)]^2 = Var_w(d),
    1/2 || df / ||df|| - dy / ||dy|| ||^2                    = 1 - rho_w(f, y),
    (1/W^2) sum_ij w_i w_j 1/2 (df_ij - c dy_ij)^2           = Q(c) of Theorem 3,

and a sample of weight n counts as n samples. Weights that are not negative keep Var_w >= 0 and
1 - rho_w in [0, 2]. The first identity needs them too: labels may differ and still have
Var_w(y) = 0. Without negative weights they differ where the weight is 0 only, and the slope, 0 by
definition, is right; with (1, 1, -1), f = (0, 2, 1), y = (0, 1, 1) the sides are 0 and -1.

Assumptions: weight_pos; var_y_pos and var_f_pos where they are divided by; weights_nonneg for what
the code computes and for the inequalities.

Not in the paper. In the code: the ``mean`` that is handed to the formulas.
"""

from __future__ import annotations

from itertools import product
from types import ModuleType
from typing import Any

import sympy

from gar_verify import formulas as package_formulas

from .batches import ExactBatch, exact_batches, exact_weighted_batches, moments
from .definitions import (
    correlation,
    half_square,
    normalized_difference,
)
from .language import XP, at_most, equal, number
from .pairwise import Pairwise, Proofs
from .printing import run_script
from .script import Claim, Script
from .statements import Statement, control, mutant


def mixed_weights() -> Any:
    """Two samples with a negative weight among them."""
    for f, y in product(((0, 1), (1, 0)), ((0, 0), (0, 1))):
        yield ExactBatch(w=(2, -1), f=f, y=y)


def zero_weights() -> Any:
    """Every small batch of two or three samples, weights of 0 among theirs."""
    for weights in ((1, 0), (1, 0, 0), (1, 0, 2)):
        for batch in exact_batches("f", "y", sizes=(len(weights),), values=(0, 1)):
            yield ExactBatch(w=weights, f=tuple(batch.f), y=tuple(batch.y))


def repeated(batch: ExactBatch) -> ExactBatch:
    """Every sample as often as its weight says."""
    rows = [row for row in zip(batch.f, batch.y, batch.w, strict=True) for _ in range(int(row[2]))]
    return ExactBatch(f=tuple(r[0] for r in rows), y=tuple(r[1] for r in rows))


def statement(formulas: ModuleType = package_formulas) -> Statement:
    """The statement, over the given formulas."""

    def code(batch: Any) -> Any:
        return formulas.error_variance(moments(formulas, batch))

    about = Pairwise(formulas, weighted=True)
    c, least, rho, weight = number("c"), about.best, about.rho(), about.weight_pos
    labels, vary = (weight, about.var_y_pos), (weight, about.var_f_pos, about.var_y_pos)
    claims = (
        Claim("Theorem 1", (weight,), equal(about.pairs(), about.var_d)),
        Claim(
            "Theorem 1 by the code", about.basic, equal(about.pairs(), about.code("error_variance"))
        ),
        Claim("Theorem 2", vary, equal(about.normalized(), 1 - rho)),
        Claim(
            "Theorem 2 by the code",
            (*about.basic, *vary[1:]),
            equal(about.code("one_minus_pearson", XP), 1 - rho),
        ),
        Claim("at least 0", (*about.basic, *vary[1:]), at_most(0, 1 - rho)),
        Claim("at most 2", (*about.basic, *vary[1:]), at_most(1 - rho, 2)),
        Claim("Theorem 3", labels, at_most(about.pairs(least), about.pairs(c))),
        Claim(
            "Theorem 3 by the code",
            about.basic,
            equal(about.code("scaled_difference", c), about.pairs(c)),
        ),
        Claim("its factor", labels, equal(about.m.scale, least)),
    )

    def script(step: Script) -> None:
        proofs = Proofs(step, about)
        step.show("Theorem 1", proofs.pairs_are_variance)
        step.show("Theorem 1 by the code", proofs.code_is_pairs)
        step.show("Theorem 2", proofs.normalized_is(-1))
        step.show("Theorem 2 by the code", proofs.code_is_pearson())
        for name, theorem in zip(("at least 0", "at most 2"), proofs.range(), strict=True):
            step.show(name, theorem)
        step.show("Theorem 3", proofs.minimum())
        step.show("Theorem 3 by the code", proofs.scaled_difference_is())
        step.show("its factor", proofs.slope_of_code("f"))

    return Statement(
        name="sample-weights",
        title="Theorems 1, 2 and 3 with sample weights",
        where="not in the paper; the mean that is handed to gar_verify.formulas",
        claims=claims,
        script=script,
        mutants=(
            mutant(
                "one weight for each pair",
                "w_i in place of w_i w_j",
                lambda b: (
                    b.pair_total(lambda x, z: half_square(x, z) / z.w) / (b.weight * b.size),
                    code(b),
                ),
                cases=exact_weighted_batches,
            ),
            mutant(
                "normalised by N^2",
                "1 / N^2 in place of 1 / W^2",
                lambda b: (b.pair_total(half_square) / b.size**2, code(b)),
                cases=exact_weighted_batches,
            ),
            mutant(
                "weights squared",
                "weights w_i^2 in the variance",
                lambda b: (
                    b.pair_mean(half_square),
                    code(ExactBatch(w=tuple(b.w**2), f=tuple(b.f), y=tuple(b.y))),
                ),
                cases=exact_weighted_batches,
            ),
            mutant(
                "means without weights",
                "the weighted mean of squares about the plain mean",
                lambda b: (
                    b.pair_mean(half_square),
                    b.mean(((b.f - b.y) - sum(b.f - b.y) / b.size) ** 2),
                ),
                cases=exact_weighted_batches,
            ),
            mutant(
                "a negative weight",
                "Var_w(d) >= 0 with negative weights allowed",
                lambda b: (0, code(b)),
                cases=mixed_weights,
                drops="weights_nonneg",
                at_most=True,
            ),
            mutant(
                "weights that hide the spread of the labels",
                "Theorem 1 with a negative weight, Var_w(y) = 0 and labels that differ",
                lambda b: (b.pair_mean(half_square), code(b)),
                cases=lambda: [ExactBatch(w=(1, 1, -1), f=(0, 2, 1), y=(0, 1, 1))],
                drops="weights_nonneg",
            ),
            mutant(
                "constant labels",
                "rho_w with Var_w(y) = 0 allowed",
                lambda b: (
                    normalized_difference(b, sympy.sqrt),
                    1 - correlation(b, sympy.sqrt),
                ),
                cases=exact_weighted_batches,
                where=lambda b: not b.varies("y"),
                drops="var_y_pos",
                undefined=True,
            ),
            mutant(
                "constant predictions",
                "rho_w with Var_w(f) = 0 allowed",
                lambda b: (
                    normalized_difference(b, sympy.sqrt),
                    1 - correlation(b, sympy.sqrt),
                ),
                cases=exact_weighted_batches,
                where=lambda b: not b.varies("f"),
                drops="var_f_pos",
                undefined=True,
            ),
        ),
        controls=(
            control(
                "weights as copies",
                "on small batches with weights 1 and 2 the loss is that of the batch of copies",
                lambda b: (code(b), code(repeated(b))),
                cases=lambda: [
                    b for b, _ in zip(exact_weighted_batches(), range(50), strict=False)
                ],
            ),
            control(
                "labels that differ where the weight is 0",
                "Theorem 1 on every small batch with the weights (1, 0), (1, 0, 0) and (1, 0, 2)",
                lambda b: (b.pair_mean(half_square), code(b)),
                cases=zero_weights,
            ),
        ),
    )


if __name__ == "__main__":
    run_script(statement)
