"""The moments that a batch enters by, and what they determine.

With weights w of sum W > 0, weighted means, and d = f - y, the errors are split along the labels:

    d_i - mean(d) = slope (y_i - mean(y)) + r_i,    slope = Cov(d, y) / Var(y),    Var(r) = var_r,
    Var(d)    = var_r + slope^2 Var(y)              Cov(f, y) = (1 + slope) Var(y)
    Var(f)    = var_r + (1 + slope)^2 Var(y)        1 - rho^2 = var_r / Var(f),

so that the three sub-losses are functions of W, the two means, Var(y), slope, var_r and the mean
conventional loss: O(N) work for a batch of N. Shifting f and y before anything is averaged changes
nothing. Where Var(y) = 0, slope is 0 and var_r is Var(d).

Assumptions: weight_pos; var_y_pos and var_f_pos where they are divided by; weights_nonneg where
Var(y) = 0.

In the paper: the remark on complexity. In the code: `gar_verify.formulas.decompose`, `moments`,
`ratio` and `prediction_variance`.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any

import sympy
from sympy import Integer, Symbol

from gar_verify import formulas as package_formulas

from .algebra import Ground
from .batches import ExactBatch, SymbolicBatch, exact_weighted_batches, moments
from .definitions import covariance, variance
from .hypotheses import (
    VAR_F_POS,
    VAR_Y_POS,
    WEIGHT_POS,
    WEIGHTED,
    WEIGHTS_NONNEG,
)
from .language import equal
from .pairwise import Pairwise, Proofs
from .power_sums import column, total
from .printing import run_script
from .script import Claim, Script
from .statements import Control, Statement, Step, mutant

F, Y, W, C = column("f"), column("y"), column("w"), column("c")
D = F - Y
CONSTANT_LABELS = SymbolicBatch(w=W, f=F, y=Symbol("a", real=True))


def statement(formulas: ModuleType = package_formulas) -> Statement:
    """The statement, over the given formulas."""

    def split(ground: Ground) -> list[Any]:
        parts = formulas.decompose(F, Y, WEIGHTED.mean)
        error = D - WEIGHTED.mean(D)
        return [
            ground.zero(parts.residual + parts.slope * parts.label - error),
            ground.zero(parts.label - (Y - WEIGHTED.mean(Y))),
            ground.zero(parts.slope * variance(WEIGHTED, Y) - covariance(WEIGHTED, D, Y)),
        ]

    def orthogonal(ground: Ground) -> list[Any]:
        parts = formulas.decompose(F, Y, WEIGHTED.mean)
        return [
            ground.zero(WEIGHTED.mean(parts.residual)),
            ground.zero(WEIGHTED.mean(parts.residual * parts.label)),
        ]

    def reported(ground: Ground) -> list[Any]:
        m = moments(formulas, WEIGHTED, conventional=C)
        return [
            ground.zero(m.weight - total(W)),
            ground.zero(m.mean_d - WEIGHTED.mean(D)),
            ground.zero(m.mean_y - WEIGHTED.mean(Y)),
            ground.zero(m.var_y - variance(WEIGHTED, Y)),
            ground.zero(m.slope - covariance(WEIGHTED, D, Y) / variance(WEIGHTED, Y)),
            ground.zero(m.var_r - variance(WEIGHTED, D - m.slope * Y)),
            ground.zero(m.conventional - total(W * C) / total(W)),
        ]

    def shifts(ground: Ground) -> list[Any]:
        a, b = sympy.symbols("a b", real=True)
        plain = formulas.decompose(F, Y, WEIGHTED.mean)
        shifted = formulas.decompose(F, Y, WEIGHTED.mean, a, b)
        return [ground.zero(one - other) for one, other in zip(plain, shifted, strict=True)]

    def constant_labels(ground: Ground) -> list[Any]:
        parts = formulas.decompose(F, CONSTANT_LABELS.y, WEIGHTED.mean)
        m = moments(formulas, CONSTANT_LABELS)
        return [
            *(ground.zero(part) for part in (parts.label, parts.slope, m.var_y, m.slope)),
            ground.zero(parts.residual - (F - WEIGHTED.mean(F))),
            ground.zero(m.var_r - variance(WEIGHTED, F)),
            ground.zero(formulas.error_variance(m) - variance(WEIGHTED, F)),
        ]

    def ratios(ground: Ground) -> list[Any]:
        a, b = Symbol("a", real=True), Symbol("b", positive=True)
        return [
            ground.zero(formulas.ratio(a, b) - a / b),
            formulas.ratio(Integer(0), Integer(0)),
            formulas.ratio(sympy.nan, Integer(1)) is sympy.nan,
            formulas.ratio(Integer(1), sympy.nan) is sympy.nan,
        ]

    def code(batch: Any) -> Any:
        return moments(formulas, batch)

    def labels_vary(batch: ExactBatch) -> bool:
        return batch.varies("y")

    about = Pairwise(formulas, weighted=True)
    weight, labels, f_pos = about.weight_pos, about.var_y_pos, about.var_f_pos
    claims = (
        Claim("slope", (weight, labels), equal(about.m.slope, about.cov_d / about.var_y)),
        Claim("Var(d)", about.basic, equal(about.code("error_variance"), about.var_d)),
        Claim("Var(f)", about.basic, equal(about.code("prediction_variance"), about.var_f)),
        Claim("Cov", about.basic, equal(about.code("scaling_factor") * about.var_y, about.cov)),
        Claim(
            "correlation",
            (weight, f_pos, labels),
            equal(1 - about.rho() ** 2, about.m.var_r / about.var_f),
        ),
    )

    def script(step: Script) -> None:
        proofs = Proofs(step, about)
        step.show("slope", proofs.slope_is())
        step.show("Var(d)", proofs.variance_by_code())
        step.show("Var(f)", proofs.prediction_variance())
        step.show("Cov", proofs.covariance_by_code())
        step.show("correlation", proofs.unexplained())

    needs = (WEIGHT_POS, VAR_Y_POS)
    return Statement(
        name="regression-moments",
        title="The moments of a batch, and what they determine",
        where="the paper's remark on complexity; gar_verify.formulas.decompose and moments",
        claims=claims,
        script=script,
        steps=(
            Step(
                "the split",
                "residual + slope label is the centred error of each sample, label its centred "
                "label, slope Var(y) = Cov(d, y)",
                split,
                needs=needs,
            ),
            Step(
                "the residual",
                "has mean 0 and no covariance with the labels",
                orthogonal,
                needs=needs,
            ),
            Step(
                "the moments",
                "are the weight, the weighted means, Var(y), Cov(d, y) / Var(y), Var(d - slope y) "
                "and the mean conventional loss",
                reported,
                needs=needs,
            ),
            Step(
                "shifts",
                "every part of the decomposition is the same for f and y shifted by any numbers",
                shifts,
                needs=needs,
            ),
            Step(
                "constant labels",
                "slope and label are 0, the residual is the centred error and var_r is Var(d)",
                constant_labels,
                needs=(WEIGHT_POS,),
            ),
            Step(
                "ratio",
                "a / b where b is not 0, 0 for 0 / 0, and what is not a number stays so",
                ratios,
            ),
        ),
        mutants=(
            mutant(
                "slope not centred",
                "mean(d y) / mean(y^2) for the slope",
                lambda b: (code(b).slope, b.mean((b.f - b.y) * b.y) / b.mean(b.y * b.y)),
                where=labels_vary,
            ),
            mutant(
                "slope of the predictions",
                "Var(f) = var_r + slope^2 Var(y)",
                lambda b: (variance(b, b.f), code(b).var_r + code(b).slope ** 2 * code(b).var_y),
                where=labels_vary,
            ),
            mutant(
                "all of the variance",
                "var_r taken to be Var(d)",
                lambda b: (code(b).var_r, variance(b, b.f - b.y)),
                where=labels_vary,
            ),
            mutant(
                "weights forgotten",
                "the weighted var_y taken to be that without weights",
                lambda b: (code(b).var_y, variance(ExactBatch(y=tuple(b.y)), b.y)),
                cases=exact_weighted_batches,
            ),
            mutant(
                "weights that cancel",
                "the moments with W = 0 allowed",
                lambda b: (code(b).mean_d, 0),
                cases=lambda: [ExactBatch(w=(1, -1), f=(0, 1), y=(0, 0))],
                drops="weight_pos",
                undefined=True,
            ),
            mutant(
                "weights that hide the spread of the labels",
                "error_variance with a negative weight, Var(y) = 0 and labels that differ",
                lambda b: (formulas.error_variance(code(b)), variance(b, b.f - b.y)),
                cases=lambda: [ExactBatch(w=(1, 1, -1), f=(0, 2, 1), y=(0, 1, 1))],
                drops="weights_nonneg",
            ),
            mutant(
                "constant labels",
                "slope = Cov(d, y) / Var(y) with Var(y) = 0 allowed",
                lambda b: (code(b).slope, covariance(b, b.f - b.y, b.y) / variance(b, b.y)),
                where=lambda b: not b.varies("y"),
                drops="var_y_pos",
                undefined=True,
            ),
            mutant(
                "constant predictions",
                "1 - rho^2 = var_r / Var(f) with Var(f) = 0 allowed",
                lambda b: (
                    1 - covariance(b, b.f, b.y) ** 2 / (variance(b, b.f) * variance(b, b.y)),
                    code(b).var_r / variance(b, b.f),
                ),
                where=lambda b: labels_vary(b) and not b.varies("f"),
                drops="var_f_pos",
                undefined=True,
            ),
        ),
        controls=(
            Control(
                "weights in other units",
                "all weights multiplied by 3 leave every moment but the weight as it is",
                lambda ground: [
                    ground.zero(one - other)
                    for one, other in zip(
                        code(SymbolicBatch(w=3 * W, f=F, y=Y))[1:], code(WEIGHTED)[1:], strict=True
                    )
                ],
                needs=needs,
            ),
        ),
    )


if __name__ == "__main__":
    run_script(statement)
