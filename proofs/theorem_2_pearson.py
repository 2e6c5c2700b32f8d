"""Theorem 2: the normalised differences of all pairs are one minus Pearson's correlation.

For every N and all real f, y, with the differences df_ij = f_i - f_j and dy_ij = y_i - y_j read as
vectors of N^2 entries, and Var(f) > 0, Var(y) > 0,

    1/2 || df / ||df|| - dy / ||dy|| ||^2 = 1 - rho(f, y),    in [0, 2],

0 for f = c y + b with c > 0 and 2 with c < 0. Where a vector of differences is zero it stays zero
when it is normalised, and the left side is 1/2 (one of the two) or 0 (both): so is the code.

Assumptions: var_f_pos, var_y_pos.

In the summary of the paper that was available: without a number; Theorem 2 is our name. In the
code: `gar_verify.formulas.one_minus_pearson`, in the form that does not cancel.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any

import sympy
from sympy import Rational, Symbol

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
    variance,
)
from .hypotheses import PLAIN, VAR_F_POS, VAR_Y_POS
from .power_sums import SIZE, column
from .printing import run_script
from .statements import Control, Statement, Step, mutant

HALF = Rational(1, 2)
F, Y = column("f"), column("y")
OFFSET = Symbol("b", real=True)
SCALE = Symbol("c", positive=True)
SPREAD_Y = Symbol("s_y", positive=True)
UNEXPLAINED = Symbol("v", nonnegative=True)
POSITIVE_UNEXPLAINED = Symbol("v", positive=True)
CONSTANT_F = SymbolicBatch(f=OFFSET, y=Y)
CONSTANT_Y = SymbolicBatch(f=F, y=OFFSET)
CONSTANT_BOTH = SymbolicBatch(f=OFFSET, y=Symbol("a", real=True))


def inner_products(ground: Ground) -> list[Any]:
    """Sums over pairs, less 2 N^2 times the moments."""
    twice = 2 * SIZE**2
    return [
        ground.zero(
            PLAIN.pair_total(lambda a, b: difference_f(a, b) * difference_y(a, b))
            - twice * covariance(PLAIN, F, Y)
        ),
        ground.zero(norm(PLAIN, difference_f, lambda x: x) - twice * variance(PLAIN, F)),
        ground.zero(norm(PLAIN, difference_y, lambda x: x) - twice * variance(PLAIN, Y)),
    ]


def squares_are_not_negative(ground: Ground) -> list[Any]:
    """Each term of the two sums is the square of a real number."""
    a, b = sympy.symbols("a b", real=True)
    return [((a - b) ** 2).is_nonnegative, ((a + b) ** 2).is_nonnegative]


def ends(ground: Ground) -> list[Any]:
    """The left side at f = c y + b and at f = -c y + b, less 0 and 2."""
    return [
        ground.zero(normalized_difference(SymbolicBatch(f=SCALE * Y + OFFSET, y=Y), ground.root)),
        ground.zero(
            normalized_difference(SymbolicBatch(f=OFFSET - SCALE * Y, y=Y), ground.root) - 2
        ),
    ]


def statement(formulas: ModuleType = package_formulas) -> Statement:
    """Theorem 2, over the given formulas."""

    def at(slope: Any, var_r: Any, var_y: Any = SPREAD_Y**2) -> Any:
        """One minus Pearson as the code computes it from these moments."""
        m = formulas.Moments(SIZE, 0, 0, var_y, slope, var_r, 0)
        return formulas.one_minus_pearson(m, Ground().xp)

    def code_moments(ground: Ground) -> list[Any]:
        m = moments(formulas, PLAIN)
        return [
            ground.zero(m.var_y - variance(PLAIN, Y)),
            ground.zero((1 + m.slope) * m.var_y - covariance(PLAIN, F, Y)),
            ground.zero(formulas.prediction_variance(m) - variance(PLAIN, F)),
        ]

    def code_by_sign(ground: Ground) -> list[Any]:
        def textbook(c: Any, var_r: Any) -> Any:
            return 1 - c * SPREAD_Y / ground.root(var_r + c**2 * SPREAD_Y**2)

        cases = ((SCALE, UNEXPLAINED), (-SCALE, UNEXPLAINED), (0, POSITIVE_UNEXPLAINED))
        return [ground.zero(at(c - 1, v) - textbook(c, v)) for c, v in cases]

    def code_is_theorem(ground: Ground) -> Any:
        m = moments(formulas, PLAIN)
        s_f, s_y = ground.root(variance(PLAIN, F)), ground.root(variance(PLAIN, Y))
        return ground.zero((1 + m.slope) * s_y / s_f - correlation(PLAIN, ground.root))

    def one_constant(ground: Ground) -> list[Any]:
        by_f, by_y = moments(formulas, CONSTANT_F), moments(formulas, CONSTANT_Y)
        return [
            ground.zero(normalized_difference(CONSTANT_F, ground.root) - HALF),
            ground.zero(by_f.slope + 1),
            ground.zero(by_f.var_r),
            ground.zero(at(slope=-1, var_r=0) - HALF),
            ground.zero(normalized_difference(CONSTANT_Y, ground.root) - HALF),
            ground.zero(by_y.var_y),
            ground.zero(by_y.slope),
            ground.zero(by_y.var_r - variance(PLAIN, F)),
            ground.zero(at(slope=0, var_r=POSITIVE_UNEXPLAINED, var_y=0) - HALF),
        ]

    def both_constant(ground: Ground) -> list[Any]:
        m = moments(formulas, CONSTANT_BOTH)
        return [
            ground.zero(normalized_difference(CONSTANT_BOTH, ground.root)),
            *(ground.zero(number) for number in (m.var_y, m.slope, m.var_r)),
            ground.zero(at(slope=0, var_r=0, var_y=0)),
        ]

    def pearson(batch: Any) -> Any:
        return 1 - correlation(batch, sympy.sqrt)

    def code(batch: Any) -> Any:
        return formulas.one_minus_pearson(moments(formulas, batch), sympy)

    def pairs(batch: Any) -> Any:
        return normalized_difference(batch, sympy.sqrt)

    def both_vary(batch: Any) -> bool:
        return bool(batch.varies("f") and batch.varies("y"))

    needs = (VAR_F_POS, VAR_Y_POS)
    return Statement(
        name="theorem-2-pearson",
        title="Theorem 2: the normalised pairwise difference is one minus Pearson's correlation",
        where="the paper, numbered here; gar_verify.formulas.one_minus_pearson",
        plain="1/2 || df / ||df|| - dy / ||dy|| ||^2 = 1 - rho(f, y), in [0, 2]",
        latex=(
            r"\frac{1}{2}\left\Vert\frac{\mathrm{d}f}{\Vert\mathrm{d}f\Vert_2}"
            r"-\frac{\mathrm{d}y}{\Vert\mathrm{d}y\Vert_2}\right\Vert_2^2"
            r"=1-\rho(f,y)\in[0,2]",
        ),
        steps=(
            Step(
                "inner products are moments",
                "<df, dy> = 2 N^2 Cov(f, y), ||df||^2 = 2 N^2 Var(f), ||dy||^2 = 2 N^2 Var(y)",
                inner_products,
            ),
            Step(
                "the identity",
                "the left side is 1 - Cov(f, y) / (s_f s_y), the norms being positive roots",
                lambda ground: ground.zero(
                    normalized_difference(PLAIN, ground.root)
                    - (1 - correlation(PLAIN, ground.root))
                ),
                needs=needs,
            ),
            Step(
                "the moments of the code",
                "(1 + slope) Var(y) = Cov(f, y) and prediction_variance = Var(f)",
                code_moments,
                needs=(VAR_Y_POS,),
            ),
            Step(
                "the stable form",
                "for a positive, a negative and no covariance, one_minus_pearson = "
                "1 - (1 + slope) s_y / s_f",
                code_by_sign,
            ),
            Step(
                "the code",
                "(1 + slope) s_y / s_f = rho(f, y) on the batch, so the code computes 1 - rho",
                code_is_theorem,
                needs=needs,
            ),
            Step(
                "the range",
                "1/2 ||u - v||^2 + 1/2 ||u + v||^2 = 2 for the unit vectors u, v",
                lambda ground: ground.zero(
                    normalized_difference(PLAIN, ground.root)
                    + normalized_difference(PLAIN, ground.root, sign=1)
                    - 2
                ),
                needs=needs,
            ),
            Step(
                "both halves of it are sums of squares",
                "so each lies between 0 and 2",
                squares_are_not_negative,
            ),
            Step(
                "both ends are reached",
                "0 at f = c y + b and 2 at f = -c y + b, for every c > 0",
                ends,
                needs=(VAR_Y_POS,),
            ),
            Step(
                "one of f and y constant",
                "both the left side, with a vector of zeros left as it is, and the code are 1/2",
                one_constant,
                case=needs,
            ),
            Step(
                "f and y constant",
                "both the left side, with vectors of zeros left as they are, and the code are 0",
                both_constant,
            ),
        ),
        mutants=(
            mutant(
                "half dropped",
                "without the factor 1/2",
                lambda b: (2 * pairs(b), pearson(b)),
                where=both_vary,
            ),
            mutant(
                "sign flipped",
                "1 + rho for 1 - rho",
                lambda b: (pairs(b), 2 - pearson(b)),
                where=both_vary,
            ),
            mutant(
                "not centred",
                "the cosine of f and y for their correlation",
                lambda b: (
                    pairs(b),
                    1 - b.mean(b.f * b.y) / sympy.sqrt(b.mean(b.f**2) * b.mean(b.y**2)),
                ),
                where=both_vary,
            ),
            mutant(
                "squared",
                "1 - rho^2 for 1 - rho",
                lambda b: (pairs(b), 1 - correlation(b, sympy.sqrt) ** 2),
                where=both_vary,
            ),
            mutant(
                "constant predictions",
                "1 - rho with Var(f) = 0 allowed",
                lambda b: (pairs(b), pearson(b)),
                where=lambda b: b.varies("y") and not b.varies("f"),
                drops=VAR_F_POS,
                undefined=True,
            ),
            mutant(
                "constant labels",
                "1 - rho with Var(y) = 0 allowed",
                lambda b: (pairs(b), pearson(b)),
                where=lambda b: b.varies("f") and not b.varies("y"),
                drops=VAR_Y_POS,
                undefined=True,
            ),
            mutant(
                "constant f and y as one constant",
                "the value 1/2 of the code for both constant too",
                lambda b: (code(b), HALF),
                where=lambda b: not b.varies("f") or not b.varies("y"),
            ),
        ),
        controls=(
            Control(
                "invariance",
                "f scaled by 3 and shifted by 2 has the same normalised difference",
                lambda ground: ground.zero(
                    normalized_difference(SymbolicBatch(f=3 * F + 2, y=Y), ground.root)
                    - normalized_difference(PLAIN, ground.root)
                ),
                needs=needs,
            ),
        ),
    )


if __name__ == "__main__":
    run_script(statement)
