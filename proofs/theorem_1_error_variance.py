"""Theorem 1: the mean squared difference of all pairs is the variance of the errors.

For every N >= 1 and all real f_1..f_N, y_1..y_N, with d_i = f_i - y_i,

    (1/N^2) sum_i sum_j 1/2 [(f_i - f_j) - (y_i - y_j)]^2 = Var(d)
        = (1/N) sum_i [(f_i - mean f) - (y_i - mean y)]^2.

The left side takes O(N^2) operations, the right side O(N).

Assumptions: batch_nonempty. Labels that are all equal are allowed; the regression moments divide
by Var(y), so they are treated as a case of their own.

In the paper: Theorem 1. In the code: `gar_verify.formulas.error_variance`.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any

import sympy
from sympy import Symbol

from gar_verify import formulas as package_formulas

from .batches import ExactBatch, SymbolicBatch, moments
from .definitions import half_square, variance
from .hypotheses import AT_LEAST_TWO, BATCH_NONEMPTY, PLAIN, VAR_Y_POS
from .power_sums import SIZE, column, total
from .printing import run_script
from .statements import Statement, Step, control, mutant

F, Y, D = column("f"), column("y"), column("d")
ONE_MORE = Symbol("x", real=True)
CONSTANT_LABELS = SymbolicBatch(f=F, y=Symbol("c", real=True))
ONE_SAMPLE = SymbolicBatch(size=sympy.Integer(1), f=ONE_MORE, y=sympy.Integer(0))


def centred(batch: Any) -> Any:
    """The right side as the paper writes it."""
    return batch.mean(((batch.f - batch.mean(batch.f)) - (batch.y - batch.mean(batch.y))) ** 2)


def lagrange(batch: Any) -> Any:
    """1/2 sum_ij (d_i - d_j)^2, less N S2 - S1^2, with d = f - y."""
    d = batch.f - batch.y
    return batch.pair_total(half_square) - (batch.size * batch.total(d**2) - batch.total(d) ** 2)


def growth() -> Any:
    """What one more error adds to 1/2 sum_ij (d_i - d_j)^2, less what it adds to N S2 - S1^2."""
    s1, s2 = total(D), total(D**2)
    before = SIZE * s2 - s1**2
    after = (SIZE + 1) * (s2 + ONE_MORE**2) - (s1 + ONE_MORE) ** 2
    return total((D - ONE_MORE) ** 2) - (after - before)


def statement(formulas: ModuleType = package_formulas) -> Statement:
    """Theorem 1, over the given formulas."""

    def code(batch: Any) -> Any:
        return formulas.error_variance(moments(formulas, batch))

    return Statement(
        name="theorem-1-error-variance",
        title="Theorem 1: the pairwise squared difference is the error variance",
        where="Theorem 1 of the paper; gar_verify.formulas.error_variance",
        plain="(1/N^2) sum_ij 1/2 [(f_i - f_j) - (y_i - y_j)]^2 = Var(f - y), for every N >= 1",
        latex=(
            r"\frac{1}{N^2}\sum_{i=1}^{N}\sum_{j=1}^{N}\frac{1}{2}"
            r"\left[(f_i-f_j)-(y_i-y_j)\right]^2=\mathrm{Var}(d)"
            r"=\frac{1}{N}\sum_{i=1}^{N}\left[(f_i-\bar{f})-(y_i-\bar{y})\right]^2",
        ),
        steps=(
            Step(
                "pairs are centred squares",
                "the double sum and the centred sum have the same power sums",
                lambda ground: ground.zero(PLAIN.pair_mean(half_square) - centred(PLAIN)),
                needs=(BATCH_NONEMPTY,),
            ),
            Step(
                "the code, labels not all equal",
                "error_variance of the moments of the batch equals the double sum",
                lambda ground: ground.zero(PLAIN.pair_mean(half_square) - code(PLAIN)),
                needs=(BATCH_NONEMPTY,),
                case=(VAR_Y_POS,),
            ),
            Step(
                "the code, labels all equal",
                "with y_i = c the slope is 0 / 0 = 0 and the value is the double sum still",
                lambda ground: ground.zero(
                    CONSTANT_LABELS.pair_mean(half_square) - code(CONSTANT_LABELS)
                ),
                needs=(BATCH_NONEMPTY,),
            ),
            Step(
                "the cases are all",
                "N^2 Var(y) = 1/2 sum_ij (y_i - y_j)^2, so Var(y) = 0 means that all y_i are equal",
                lambda ground: ground.zero(
                    PLAIN.pair_mean(lambda a, b: (a.y - b.y) ** 2 / 2) - variance(PLAIN, Y)
                ),
                needs=(BATCH_NONEMPTY,),
            ),
            Step(
                "second route, N = 1",
                "1/2 sum_ij (d_i - d_j)^2 = N S2 - S1^2 holds for one error: 0 = d^2 - d^2",
                lambda ground: ground.zero(lagrange(ONE_SAMPLE)),
            ),
            Step(
                "second route, from N to N + 1",
                "one more error x adds sum_i (d_i - x)^2 to both sides, so it holds for every N",
                lambda ground: ground.zero(growth()),
            ),
            Step(
                "second route, conclusion",
                "N S2 - S1^2 of the errors, over N^2, is the value of the code",
                lambda ground: ground.zero(
                    (SIZE * PLAIN.total((F - Y) ** 2) - PLAIN.total(F - Y) ** 2) / SIZE**2
                    - code(PLAIN)
                ),
                case=(VAR_Y_POS,),
            ),
        ),
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
                drops=BATCH_NONEMPTY,
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
                PLAIN,
                needs=(AT_LEAST_TWO, VAR_Y_POS),
            ),
        ),
    )


if __name__ == "__main__":
    run_script(statement)
