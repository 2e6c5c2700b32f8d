"""Theorem 1: the mean squared difference of all pairs is the variance of the errors.

For every N >= 1 and all real f_1..f_N, y_1..y_N, with d_i = f_i - y_i,

    (1/N^2) sum_i sum_j 1/2 [(f_i - f_j) - (y_i - y_j)]^2 = Var(d)
        = (1/N) sum_i [(f_i - mean f) - (y_i - mean y)]^2.

The left side takes O(N^2) operations, the right side O(N).

Assumptions: batch_nonempty. Labels that are all equal are allowed; the slopes of the code divide by
Var(y), so they are a case of their own, and the kernel asks that the cases are all.

In the paper: Theorem 1. In the code: `gar_verify.formulas.error_variance`.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any

from gar_verify import formulas as package_formulas

from .batches import ExactBatch, exact_batches, moments
from .definitions import half_square
from .language import equal
from .pairwise import Pairwise, Proofs
from .printing import run_script
from .script import Claim, Script
from .statements import Statement, control, mutant


def statement(formulas: ModuleType = package_formulas) -> Statement:
    """Theorem 1, over the given formulas."""

    def code(batch: Any) -> Any:
        return formulas.error_variance(moments(formulas, batch))

    about = Pairwise(formulas)
    claims = (
        Claim("the centred sum", about.basic, equal(about.pairs(), about.centred())),
        Claim("the variance", about.basic, equal(about.pairs(), about.var_d)),
        Claim("the code", about.basic, equal(about.pairs(), about.code("error_variance"))),
    )

    def script(step: Script) -> None:
        proofs = Proofs(step, about)
        step.show("the centred sum", proofs.pairs_are_centred())
        step.show("the variance", proofs.pairs_are_variance)
        step.show("the code", proofs.code_is_pairs)

    return Statement(
        name="theorem-1-error-variance",
        title="Theorem 1: the pairwise squared difference is the error variance",
        where="Theorem 1 of the paper; gar_verify.formulas.error_variance",
        claims=claims,
        script=script,
        mutants=(
            mutant(
                "half dropped",
                "without the factor 1/2",
                lambda b: (b.pair_mean(lambda x, z: 2 * half_square(x, z)), code(b)),
            ),
            mutant(
                "pairs counted N (N - 1)",
                "the left side divided by N (N - 1), the right side by N",
                lambda b: (b.pair_total(half_square) / (b.size * (b.size - 1)), code(b)),
            ),
            mutant(
                "unbiased variance",
                "the right side divided by N - 1",
                lambda b: (b.pair_mean(half_square), code(b) * b.size / (b.size - 1)),
            ),
            mutant(
                "sign flipped",
                "label differences added instead of subtracted",
                lambda b: (
                    b.pair_mean(lambda x, z: ((x.f - z.f) + (x.y - z.y)) ** 2 / 2),
                    code(b),
                ),
            ),
            mutant(
                "not centred",
                "the mean square of the errors instead of their variance",
                lambda b: (b.pair_mean(half_square), b.mean((b.f - b.y) ** 2)),
            ),
            mutant(
                "empty batch",
                "the statement with N = 0 allowed",
                lambda b: (b.pair_mean(half_square), code(b)),
                cases=lambda: [ExactBatch(f=(), y=())],
                drops="batch_nonempty",
                undefined=True,
            ),
        ),
        controls=(
            control(
                "self-pairs left out on both sides",
                "sums over i != j divided by N (N - 1), squares divided by N - 1",
                lambda b: (
                    b.pair_total(half_square) / (b.size * (b.size - 1)),
                    code(b) * b.size / (b.size - 1),
                ),
                cases=lambda: exact_batches("f", "y", sizes=(2, 3)),
            ),
        ),
    )


if __name__ == "__main__":
    run_script(statement)
