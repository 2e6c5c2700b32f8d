"""The closed-form gradient that the backward pass computes.

Let phi be the conventional loss of one error and Phi any differentiable function of the three
sub-losses (mean phi(d), Var(d), 1 - rho). The derivative of Phi with respect to f_i is

    w_i / W * (conventional phi'(d_i) + residual r_i + label (y_i - mean y))

with the three coefficients of `gar_verify.formulas.sub_losses_gradient`. For the aggregation in log
form the derivatives of Phi in the sub-losses are p_k / L_k.

The proof takes the derivative along an arbitrary direction h: f_i + t h_i, at t = 0.

Assumptions: weight_pos, var_f_pos, var_y_pos; losses_pos and alpha_pos for the aggregation. phi is
differentiable at every d_i (for |d|: no error is 0; there the code takes the slope 0).

In the paper: the claim that a step costs O(N). In the code: `gar_verify.formulas.sub_losses`,
`sub_losses_gradient`, `error_variance_gradient`, `one_minus_pearson_gradient`,
`residual_and_label`, `kl_dro_tilt`.
"""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import sympy
from sympy import Expr, Integer, Rational, Symbol

from gar_verify import formulas as package_formulas

from .algebra import Ground
from .batches import ExactBatch, SymbolicBatch, exact_weighted_batches, moments
from .definitions import correlation, half_square, normalized_difference, variance
from .exact import EXACT, Case, exact_mean, exact_vector
from .hypotheses import ALPHA_POS, LOSSES_POS, VAR_F_POS, VAR_Y_POS, WEIGHT_POS, WEIGHTED
from .power_sums import column
from .printing import run_script
from .statements import Control, Statement, Step, mutant

F, Y, W, H = column("f"), column("y"), column("w"), column("h")
C, SLOPES = column("c"), column("g")
T = Symbol("t", real=True)
MOVED = SymbolicBatch(w=W, f=F + T * H, y=Y)
CONSTANT_LABELS = SymbolicBatch(w=W, f=F, y=Symbol("a", real=True))

FACTOR, SPREAD_Y = sympy.symbols("c s_y", positive=True)
UNEXPLAINED = Symbol("v", nonnegative=True)
POSITIVE_UNEXPLAINED = Symbol("v", positive=True)
BY = sympy.symbols("a_c a_v a_p", real=True)
ALONG_C, ALONG_R, ALONG_Y = sympy.symbols("E A B", real=True)
ALPHA, SHIFT = Symbol("alpha", positive=True), Symbol("s", real=True)
LOSSES = sympy.symbols("L1:4", positive=True)
BALANCED = ExactBatch(f=(1, 1, -1, -1), y=(5, -1, -1, -3))
"""Both standard deviations are whole numbers, so that every value is rational."""


def at_start(value: Any) -> Expr:
    """The derivative in t at t = 0."""
    return sympy.diff(value, T).subs(T, 0)


def derivative(loss: Callable[[Any], Any], batch: ExactBatch, place: int) -> Expr:
    """The exact derivative of a loss of a batch with respect to one prediction."""
    moved = [f + T if n == place else f for n, f in enumerate(map(sympy.sympify, batch.f))]
    return at_start(loss(ExactBatch(w=tuple(batch.w), f=tuple(moved), y=tuple(batch.y))))


def pairwise_variance(batch: Any) -> Any:
    """The pairwise definition of the error variance."""
    return batch.pair_mean(half_square)


def pairwise_pearson(batch: Any) -> Any:
    """The pairwise definition of one minus Pearson."""
    return normalized_difference(batch, sympy.sqrt)


def both_vary(batch: ExactBatch) -> bool:
    """Whether neither the predictions nor the labels are all equal."""
    return batch.varies("f") and batch.varies("y")


def statement(formulas: ModuleType = package_formulas) -> Statement:
    """The statement, over the given formulas."""

    def abstract(slope: Any, var_r: Any, var_y: Any = SPREAD_Y**2, conventional: Any = 0) -> Any:
        return formulas.Moments(1, 0, 0, var_y, slope, var_r, conventional)

    def moments_move(ground: Ground) -> list[Any]:
        m = moments(formulas, MOVED, conventional=C + T * SLOPES * H)
        parts = formulas.decompose(F, Y, WEIGHTED.mean)
        return [
            ground.zero(at_start(m.var_y)),
            ground.zero(at_start(m.slope) - WEIGHTED.mean(parts.label * H) / parts.var_y),
            ground.zero(at_start(m.var_r) - 2 * WEIGHTED.mean(parts.residual * H)),
            ground.zero(at_start(m.conventional) - WEIGHTED.mean(SLOPES * H)),
        ]

    def variance_moves(ground: Ground) -> Any:
        parts, m = formulas.decompose(F, Y, WEIGHTED.mean), moments(formulas, WEIGHTED)
        g = formulas.error_variance_gradient(m)
        claimed = WEIGHTED.mean((g.residual * parts.residual + g.label * parts.label) * H)
        moved = formulas.error_variance(moments(formulas, MOVED))
        return [ground.zero(at_start(moved) - claimed), g.conventional]

    def losses_move(ground: Ground) -> list[Any]:
        left = []
        for slope, var_r in (
            (FACTOR - 1, UNEXPLAINED),
            (-FACTOR - 1, UNEXPLAINED),
        ):
            moved = abstract(
                slope + T * ALONG_Y / SPREAD_Y**2,
                var_r + 2 * T * ALONG_R,
                conventional=T * ALONG_C,
            )
            losses = formulas.sub_losses(moved, sympy)
            g = formulas.sub_losses_gradient(abstract(slope, var_r), BY, sympy)
            total = at_start(sum(by * loss for by, loss in zip(BY, losses, strict=True)))
            claimed = formulas.sample_gradient(g, ALONG_C, ALONG_R, ALONG_Y)
            left.append(ground.zero(total - claimed))
        return left

    def uncorrelated(ground: Ground) -> Any:
        slope = Symbol("beta", real=True)
        m = abstract(slope, POSITIVE_UNEXPLAINED)
        textbook = 1 - (1 + slope) * SPREAD_Y / sympy.sqrt(formulas.prediction_variance(m))
        g = formulas.one_minus_pearson_gradient(m, sympy)
        return [
            ground.zero(2 * textbook.diff(POSITIVE_UNEXPLAINED) - g.residual),
            ground.zero(textbook.diff(slope) / m.var_y - g.label),
            ground.zero(
                formulas.one_minus_pearson(abstract(-1, POSITIVE_UNEXPLAINED), sympy)
                - textbook.subs(slope, -1)
            ),
        ]

    def aggregated(ground: Ground) -> list[Any]:
        logs = exact_vector(map(sympy.log, LOSSES))
        value = formulas.kl_dro(logs, ALPHA, SHIFT, exact_mean, EXACT)
        tilt = formulas.kl_dro_tilt(logs, ALPHA, SHIFT, exact_mean, EXACT)
        return [
            ground.zero(value.diff(loss) - t / 3 / loss)
            for loss, t in zip(LOSSES, tilt, strict=True)
        ]

    def where_constant(ground: Ground) -> list[Any]:
        cases = (
            abstract(slope=-1, var_r=0),
            abstract(slope=0, var_r=0, var_y=0),
        )
        gradients = [formulas.one_minus_pearson_gradient(m, sympy) for m in cases]
        labels_constant = abstract(slope=0, var_r=POSITIVE_UNEXPLAINED, var_y=0)
        parts = formulas.decompose(F, CONSTANT_LABELS.y, WEIGHTED.mean)
        return [
            *(part for g in gradients for part in g),
            formulas.one_minus_pearson_gradient(labels_constant, sympy).residual,
            ground.zero(parts.label),
        ]

    def chunks(ground: Ground) -> list[Any]:
        parts = formulas.decompose(F, Y, WEIGHTED.mean)
        residual, label = formulas.residual_and_label(F, Y, moments(formulas, WEIGHTED))
        return [ground.zero(residual - parts.residual), ground.zero(label - parts.label)]

    def code(batch: ExactBatch, gradient: Any, place: int = 0, weighted: bool = True) -> Any:
        """The derivative with respect to one prediction, from the coefficients."""
        parts = formulas.decompose(batch.f, batch.y, batch.mean)
        inner = gradient.residual * parts.residual[place] + gradient.label * parts.label[place]
        return (batch.w[place] / batch.weight if weighted else 1 / batch.size) * inner

    def by_variance(batch: ExactBatch) -> Any:
        return formulas.error_variance_gradient(moments(formulas, batch))

    def by_pearson(batch: ExactBatch) -> Any:
        return formulas.one_minus_pearson_gradient(moments(formulas, batch), sympy)

    def by_definition(ground: Ground) -> list[Any]:
        left = []
        for place in range(4):
            for loss, gradient in (
                (pairwise_variance, by_variance),
                (pairwise_pearson, by_pearson),
            ):
                exact = derivative(loss, BALANCED, place)
                left.append(ground.zero(exact - code(BALANCED, gradient(BALANCED), place)))
        return left

    def scaled(gradient: Any, factor: Any) -> Any:
        return gradient._replace(residual=factor * gradient.residual, label=factor * gradient.label)

    needs = (WEIGHT_POS, VAR_Y_POS)
    return Statement(
        name="closed-form-gradient",
        title="The gradient of the loss in closed form",
        where="what the backward pass computes; gar_verify.formulas.sub_losses_gradient",
        plain=(
            "d Phi / d f_i = w_i / W (conventional phi'(d_i) + residual r_i "
            "+ label (y_i - mean y)), "
            "Phi any function of the three sub-losses, with the coefficients of the code"
        ),
        latex=(
            r"\frac{\partial\Phi}{\partial f_i}=\frac{w_i}{W}\left("
            r"a_c\,\varphi'(d_i)+\left[2a_v+a_p\frac{\rho}{\mathrm{Var}(f)}\right]r_i"
            r"+\left[2a_v\beta-\frac{a_p\,\mathrm{Var}(r)}{\mathrm{Var}(f)\,s_f s_y}\right]"
            r"(y_i-\bar{y})\right)",
            r"a_k=\frac{\partial\Phi}{\partial L_k};\quad "
            r"a_k=\frac{p_k}{L_k}\ \ \mathrm{for\ the\ aggregation}",
        ),
        steps=(
            Step(
                "the moments move",
                "along h: Var(y) stays, slope by mean((y - mean y) h) / Var(y), var_r by "
                "2 mean(r h), the conventional loss by mean(phi'(d) h)",
                moments_move,
                needs=needs,
            ),
            Step(
                "the error variance",
                "its derivative along h is (1/W) sum w_i (residual r_i + label (y_i - mean y)) h_i",
                variance_moves,
                needs=needs,
            ),
            Step(
                "all three, correlation not 0",
                "by the chain rule through the moments, for any derivatives in the sub-losses and "
                "either sign of the covariance",
                losses_move,
                needs=(VAR_F_POS, VAR_Y_POS),
            ),
            Step(
                "all three, correlation 0",
                "1 - (1 + slope) s_y / s_f, which one_minus_pearson is (Theorem 2), has the same "
                "derivatives at every slope",
                uncorrelated,
                needs=(VAR_F_POS, VAR_Y_POS),
            ),
            Step(
                "the aggregation",
                "the derivatives of kl_dro in three losses are p_k / L_k, p_k from kl_dro_tilt",
                aggregated,
                needs=(ALPHA_POS, LOSSES_POS),
            ),
            Step(
                "constant predictions or labels",
                "one_minus_pearson_gradient adds nothing: its coefficients are 0, or stand before "
                "y_i - mean(y) = 0",
                where_constant,
                needs=(WEIGHT_POS,),
            ),
            Step(
                "chunks of a batch",
                "residual_and_label, given the moments of the whole, are those of the whole",
                chunks,
                needs=needs,
            ),
        ),
        mutants=(
            mutant(
                "factor 2 dropped",
                "(d_i - mean d) / N for the derivative of the error variance",
                lambda b: (
                    derivative(pairwise_variance, b, 0),
                    code(b, scaled(by_variance(b), Rational(1, 2))),
                ),
            ),
            mutant(
                "not centred",
                "2 d_i / N for the derivative of the error variance",
                lambda b: (
                    derivative(pairwise_variance, b, 0),
                    2 * (b.f[0] - b.y[0]) / b.size,
                ),
            ),
            mutant(
                "sign flipped",
                "the gradient of rho for that of 1 - rho",
                lambda b: (
                    derivative(pairwise_pearson, b, 0),
                    code(b, scaled(by_pearson(b), -1)),
                ),
                where=both_vary,
            ),
            mutant(
                "standard deviation forgotten",
                "the gradient of 1 - rho multiplied by s_f",
                lambda b: (
                    derivative(pairwise_pearson, b, 0),
                    code(b, scaled(by_pearson(b), sympy.sqrt(Rational(2, 9)))),
                ),
                where=both_vary,
            ),
            mutant(
                "weights forgotten",
                "1 / N for w_i / W",
                lambda b: (
                    derivative(pairwise_variance, b, 0),
                    code(b, by_variance(b), weighted=False),
                ),
                cases=exact_weighted_batches,
            ),
            mutant(
                "p_k for p_k / L_k",
                "the derivative of the aggregation in a loss taken to be its weight",
                lambda case: (sympy.log(case.L + T).diff(T).subs(T, 0), 1),
                cases=lambda: [Case(M=1, L=Integer(2))],
            ),
            mutant(
                "weights that cancel",
                "the gradient with W = 0 allowed",
                lambda b: (code(b, by_variance(b)), 0),
                cases=lambda: [ExactBatch(w=(1, -1), f=(0, 1), y=(0, 1))],
                drops="weight_pos",
                undefined=True,
            ),
            mutant(
                "constant predictions",
                "1 - rho continuous where Var(f) = 0: a step of 1/1000 taken to change it little",
                lambda case: (pairwise_pearson(case.near), pairwise_pearson(case.at)),
                cases=lambda: [
                    Case(
                        near=ExactBatch(f=(0, Rational(1, 1000)), y=(0, 1)),
                        at=ExactBatch(f=(0, 0), y=(0, 1)),
                    )
                ],
                drops="var_f_pos",
            ),
            mutant(
                "constant labels",
                "the textbook gradient -(z_y - rho z_f) / (N s_f) with Var(y) = 0 allowed",
                lambda b: (code(b, by_pearson(b)), textbook_gradient(b, 0)),
                where=lambda b: b.varies("f") and not b.varies("y"),
                drops="var_y_pos",
                undefined=True,
            ),
            mutant(
                "alpha = 0",
                "the weights of the aggregation at alpha = 0, without the limit",
                lambda case: (
                    formulas.kl_dro_tilt(
                        exact_vector(map(sympy.log, case.L)), case.alpha, 0, exact_mean, EXACT
                    )[0],
                    0,
                ),
                cases=lambda: [Case(alpha=Integer(0), L=(Integer(1), Integer(4)))],
                drops="alpha_pos",
                undefined=True,
            ),
            mutant(
                "a loss of 0",
                "p_k / L_k with a loss that is 0",
                lambda case: (1 / case.L, 0),
                cases=lambda: [Case(L=Integer(0))],
                drops="losses_pos",
                undefined=True,
            ),
        ),
        controls=(
            Control(
                "the pairwise definitions differentiated",
                f"at {BALANCED} the derivatives of both sums over pairs in each f_i are the code's",
                by_definition,
            ),
            Control(
                "textbook gradient",
                f"at {BALANCED} -(z_y - rho z_f) / (N s_f) is the code's gradient of 1 - rho",
                lambda ground: [
                    ground.zero(
                        textbook_gradient(BALANCED, place)
                        - code(BALANCED, by_pearson(BALANCED), place)
                    )
                    for place in range(4)
                ],
            ),
        ),
    )


def textbook_gradient(batch: ExactBatch, place: int) -> Any:
    """-(z_y - rho z_f) / (N s_f) with z the standardised vectors."""
    s_f, s_y = (sympy.sqrt(variance(batch, entry)) for entry in (batch.f, batch.y))
    z_f = (batch.f[place] - batch.mean(batch.f)) / s_f
    z_y = (batch.y[place] - batch.mean(batch.y)) / s_y
    return -(z_y - correlation(batch, sympy.sqrt) * z_f) / (batch.size * s_f)


if __name__ == "__main__":
    run_script(statement)
