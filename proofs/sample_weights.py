"""Theorems 1, 2 and 3 with a weight for each sample.

For weights w_1..w_N of sum W > 0, weighted means, variances and covariances, and norms
||d||^2 = sum_ij w_i w_j d_ij^2,

    (1/W^2) sum_ij w_i w_j 1/2 [(f_i - f_j) - (y_i - y_j)]^2 = Var_w(d),
    1/2 || df / ||df|| - dy / ||dy|| ||^2                    = 1 - rho_w(f, y),
    (1/W^2) sum_ij w_i w_j 1/2 (df_ij - c dy_ij)^2           = Q(c) of Theorem 3,

and a sample of weight n counts as n samples. Weights that are not negative keep Var_w >= 0 and
1 - rho_w in [0, 2]. The first identity needs them too: labels may differ and still have
Var_w(y) = 0. Without negative weights they differ where the weight is 0 only, and the slope, 0 by
definition, is right; with (1, 1, -1), f = (0, 2, 1), y = (0, 1, 1) the sides are 0 and -2.

Assumptions: weight_pos; var_y_pos and var_f_pos where they are divided by; weights_nonneg for the
first identity and the inequalities.

Not in the paper. In the code: the ``mean`` that is handed to the formulas.
"""

from __future__ import annotations

from itertools import product
from types import ModuleType
from typing import Any

import sympy
from sympy import Integer, Symbol

from gar_verify import formulas as package_formulas

from .algebra import Ground
from .batches import ExactBatch, SymbolicBatch, exact_batches, exact_weighted_batches, moments
from .definitions import (
    correlation,
    covariance,
    half_square,
    normalized_difference,
    scaled_half_square,
    variance,
)
from .hypotheses import (
    NO_SPREAD,
    SPREAD_CASES,
    VAR_F_POS,
    VAR_Y_POS,
    WEIGHT_POS,
    WEIGHTED,
    WEIGHTS_NONNEG,
)
from .power_sums import column, total
from .printing import run_script
from .statements import Control, Statement, Step, mutant

F, Y, W = column("f"), column("y"), column("w")
SCALE = Symbol("c", real=True)


def copies(ground: Ground) -> list[Any]:
    """Sums over n_k copies of every sample, less the sums weighted by n_k."""
    copy = Symbol("r", integer=True, positive=True)
    times = column("n")
    return [
        ground.zero(total(total(body, copy, count=times)) - total(times * body))
        for body in (Integer(1), F, Y, F**2, F * Y, Y**2)
    ]


def terms_are_not_negative(ground: Ground) -> list[Any]:
    """A weight that is not negative times a square, and the product of two such weights."""
    w, v = sympy.symbols("w v", nonnegative=True)
    x = Symbol("x", real=True)
    return [(w * x**2).is_nonnegative, (w * v * x**2).is_nonnegative]


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

    def pearson(ground: Ground) -> list[Any]:
        m = moments(formulas, WEIGHTED)
        rho = correlation(WEIGHTED, ground.root)
        s_f, s_y = ground.root(variance(WEIGHTED, F)), ground.root(variance(WEIGHTED, Y))
        return [
            ground.zero(normalized_difference(WEIGHTED, ground.root) - (1 - rho)),
            ground.zero(formulas.prediction_variance(m) - variance(WEIGHTED, F)),
            ground.zero(formulas.scaling_factor(m) * s_y / s_f - rho),
        ]

    def scaling(ground: Ground) -> list[Any]:
        m = moments(formulas, WEIGHTED)
        best = covariance(WEIGHTED, F, Y) / variance(WEIGHTED, Y)
        pairs = WEIGHTED.pair_mean(scaled_half_square(SCALE))
        return [
            ground.zero(pairs - formulas.scaled_difference(m, SCALE)),
            ground.zero(formulas.scaling_factor(m) - best),
        ]

    def in_range(ground: Ground) -> Any:
        minus = normalized_difference(WEIGHTED, ground.root)
        return ground.zero(minus + normalized_difference(WEIGHTED, ground.root, sign=1) - 2)

    return Statement(
        name="sample-weights",
        title="Theorems 1, 2 and 3 with sample weights",
        where="not in the paper; the mean that is handed to gar_verify.formulas",
        plain=(
            "(1/W^2) sum_ij w_i w_j 1/2 [(f_i - f_j) - (y_i - y_j)]^2 = Var_w(f - y), and the "
            "same for the normalised and the scaled difference"
        ),
        latex=(
            r"\frac{1}{W^2}\sum_{i=1}^{N}\sum_{j=1}^{N}w_iw_j\,\frac{1}{2}"
            r"\left[(f_i-f_j)-(y_i-y_j)\right]^2=\mathrm{Var}_w(d),\quad W=\sum_{i=1}^{N}w_i",
            r"\frac{1}{2}\left\Vert\frac{\mathrm{d}f}{\Vert\mathrm{d}f\Vert_w}"
            r"-\frac{\mathrm{d}y}{\Vert\mathrm{d}y\Vert_w}\right\Vert_w^2=1-\rho_w(f,y)",
        ),
        steps=(
            Step(
                "Theorem 1",
                "the weighted sum over pairs is error_variance of the weighted moments",
                lambda ground: ground.zero(WEIGHTED.pair_mean(half_square) - code(WEIGHTED)),
                needs=(WEIGHT_POS,),
                case=(VAR_Y_POS,),
            ),
            Step(
                "Theorem 1, Var_w(y) = 0",
                "with y_i = q wherever w_i is not 0 too, whatever the labels of weight 0",
                lambda ground: ground.zero(NO_SPREAD.pair_mean(half_square) - code(NO_SPREAD)),
                needs=(WEIGHT_POS, WEIGHTS_NONNEG),
            ),
            SPREAD_CASES,
            Step(
                "Theorem 2",
                "the normalised difference in the weighted norm is 1 - rho_w, rho_w as in the code",
                pearson,
                needs=(WEIGHT_POS, VAR_F_POS, VAR_Y_POS),
            ),
            Step(
                "Theorem 3",
                "the weighted sum over pairs is scaled_difference, its minimiser scaling_factor",
                scaling,
                needs=(WEIGHT_POS, VAR_Y_POS),
            ),
            Step(
                "the range",
                "the normalised difference and that with a plus sign add up to 2",
                in_range,
                needs=(WEIGHT_POS, VAR_F_POS, VAR_Y_POS),
            ),
            Step(
                "of sums of squares",
                "each term w_i (..)^2 or w_i w_j (..)^2 is not negative",
                terms_are_not_negative,
                needs=(WEIGHTS_NONNEG,),
            ),
            Step(
                "copies",
                "sums over n_k copies of sample k are sums weighted by n_k",
                copies,
            ),
        ),
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
                "weights that cancel",
                "the statement with W = 0 allowed",
                lambda b: (b.pair_mean(half_square), code(b)),
                cases=lambda: [ExactBatch(w=(1, -1), f=(0, 1), y=(0, 0))],
                drops=WEIGHT_POS,
                undefined=True,
            ),
            mutant(
                "a negative weight",
                "Var_w(d) >= 0 with negative weights allowed",
                lambda b: (0, code(b)),
                cases=mixed_weights,
                drops=WEIGHTS_NONNEG,
                at_most=True,
            ),
            mutant(
                "weights that hide the spread of the labels",
                "Theorem 1 with a negative weight, Var_w(y) = 0 and labels that differ",
                lambda b: (b.pair_mean(half_square), code(b)),
                cases=lambda: [ExactBatch(w=(1, 1, -1), f=(0, 2, 1), y=(0, 1, 1))],
                drops=WEIGHTS_NONNEG,
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
                drops=VAR_Y_POS,
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
                drops=VAR_F_POS,
                undefined=True,
            ),
        ),
        controls=(
            Control(
                "weights as copies",
                "on small batches with weights 1 and 2 the loss is that of the batch of copies",
                lambda ground: [
                    ground.zero(code(b) - code(repeated(b)))
                    for b, _ in zip(exact_weighted_batches(), range(50), strict=False)
                ],
            ),
            Control(
                "labels that differ where the weight is 0",
                "Theorem 1 on every small batch with the weights (1, 0), (1, 0, 0) and (1, 0, 2)",
                lambda ground: [
                    ground.zero(b.pair_mean(half_square) - code(b)) for b in zero_weights()
                ],
            ),
            Control(
                "weights in other units",
                "all weights multiplied by 3 leave the sum over pairs as it is",
                lambda ground: ground.zero(
                    SymbolicBatch(w=3 * W, f=F, y=Y).pair_mean(half_square)
                    - WEIGHTED.pair_mean(half_square)
                ),
                needs=(WEIGHT_POS,),
            ),
        ),
    )


if __name__ == "__main__":
    run_script(statement)
