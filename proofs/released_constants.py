"""What the authors' released code computes instead, as exact identities.

For N >= 2 samples, d = f - y, with the unbiased (N - 1) standard deviations and eps > 0 added to
each sub-loss:

    error term           = 1/2 Var(d) + eps,
    Pearson term         = (N - 1)/N (1 - rho) + eps,
    aggregate            = L_KL(alpha) - s,    s the logarithm of the normaliser, held constant,

so that the value is shifted by s while the gradient is that of L_KL; eps changes the derivative of
log L from 1/L to 1/(L + eps). The variant GAR-EXP, exp(L_KL), is the power mean of order 1/alpha.

Assumptions: at_least_two, var_f_pos, var_y_pos; alpha_pos for the aggregate, and
normaliser_constant for its gradient.

In the paper: not stated; a difference between it and the released code. In the code:
`gar_verify.formulas.released_sub_losses`, `kl_dro`.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any

import sympy
from sympy import Expr, Integer, Rational, Sum, Symbol

from gar_verify import formulas as package_formulas

from .algebra import Ground
from .batches import ExactBatch, moments
from .definitions import correlation, half_square, variance
from .exact import EXACT, Case, exact_mean, exact_vector
from .hypotheses import ALPHA_POS, AT_LEAST_TWO, PLAIN, VAR_F_POS, VAR_Y_POS
from .power_sums import INDEX, SIZE, column, total
from .printing import run_script
from .statements import Control, Hypothesis, Statement, Step, mutant

F, Y = column("f"), column("y")
LOGS, H = column("l"), column("h")
EPS, ALPHA, LOSS = sympy.symbols("eps alpha L", positive=True)
SHIFT, T = sympy.symbols("s t", real=True)
COUNT = Symbol("M", integer=True, positive=True)

ABSOLUTE = column("e")
"""|d|, sample by sample."""

NORMALISER_CONSTANT = Hypothesis(
    "normaliser_constant", "no gradient flows through the normaliser: s is a constant"
)


def unbiased(batch: Any, entry: Any) -> Any:
    """The variance with N - 1 for N."""
    return variance(batch, entry) * batch.size / (batch.size - 1)


def mean_of_absolute(body: Any) -> Expr:
    """The mean over the batch, |d| being a column of its own."""
    return PLAIN.mean(sympy.sympify(body).xreplace({sympy.Abs(F - Y): ABSOLUTE}))


def mean_unreduced(body: Any) -> Expr:
    """The mean over the sub-losses, to be differentiated before it is reduced."""
    return Sum(body, (INDEX, 1, COUNT)) / COUNT


def mean(body: Any) -> Expr:
    """The mean over the sub-losses, in power sums."""
    return total(body, INDEX, COUNT) / COUNT


def statement(formulas: ModuleType = package_formulas) -> Statement:
    """The statement, over the given formulas."""

    def released(batch: Any, root: Any, scale: Any = unbiased, eps: Any = EPS) -> Any:
        """The three terms, with the roots of a kind of variance as scales."""
        averaged = mean_of_absolute if batch is PLAIN else batch.mean
        scales = (root(scale(batch, entry)) for entry in (batch.f, batch.y))
        return formulas.released_sub_losses(batch.f, batch.y, averaged, *scales, eps)

    def error_terms(ground: Ground) -> list[Any]:
        absolute, half, _ = formulas.released_sub_losses(F, Y, mean_of_absolute, 1, 1, EPS)
        return [
            ground.zero(absolute - EPS - PLAIN.mean(ABSOLUTE)),
            ground.zero(half - EPS - variance(PLAIN, F - Y) / 2),
            ground.zero(half - EPS - PLAIN.pair_mean(half_square) / 2),
        ]

    def the_code(ground: Ground) -> Any:
        half = formulas.released_sub_losses(F, Y, mean_of_absolute, 1, 1, 0)[1]
        return ground.zero(half - formulas.error_variance(moments(formulas, PLAIN)) / 2)

    def pearson_term(ground: Ground) -> Any:
        term = released(PLAIN, ground.root)[2] - EPS
        return ground.zero(term - (SIZE - 1) / SIZE * (1 - correlation(PLAIN, ground.root)))

    def population_scales(ground: Ground) -> Any:
        term = released(PLAIN, ground.root, scale=variance)[2] - EPS
        return ground.zero(term - (1 - correlation(PLAIN, ground.root)))

    def aggregate(logs: Any, averaged: Any = mean) -> Any:
        return formulas.kl_dro(logs, ALPHA, Integer(0), averaged, sympy)

    def shifted(ground: Ground) -> Any:
        return ground.zero(aggregate(LOGS - SHIFT) - (aggregate(LOGS) - SHIFT))

    def same_gradient(ground: Ground) -> Any:
        moved = aggregate(LOGS + T * H - SHIFT, averaged=mean_unreduced)
        tilt = formulas.kl_dro_tilt(LOGS, ALPHA, Integer(0), mean, sympy)
        return ground.zero(moved.diff(T).subs(T, 0) - mean(tilt * H))

    def with_eps(ground: Ground) -> list[Any]:
        slope = sympy.log(LOSS + EPS).diff(LOSS)
        return [
            ground.zero(slope - 1 / (LOSS + EPS)),
            ground.zero(1 / LOSS - slope - EPS / (LOSS * (LOSS + EPS))),
        ]

    def power_mean(ground: Ground) -> Any:
        powers = total(sympy.exp(LOGS / ALPHA), INDEX, COUNT)
        return ground.zero(sympy.log((powers / COUNT) ** ALPHA) - aggregate(LOGS))

    def exact_aggregate(case: Case, normaliser: Any = 1) -> Any:
        logs = exact_vector(sympy.log(loss / normaliser) for loss in case.L)
        return formulas.kl_dro(logs, case.alpha, Integer(0), exact_mean, EXACT)

    def term(batch: ExactBatch, place: int = 2) -> Any:
        return released(batch, sympy.sqrt, eps=0)[place]

    def pearson(batch: ExactBatch) -> Any:
        return 1 - correlation(batch, sympy.sqrt)

    def both_vary(batch: ExactBatch) -> bool:
        return batch.varies("f") and batch.varies("y")

    needs = (AT_LEAST_TWO, VAR_F_POS, VAR_Y_POS)
    two = (Integer(1), Integer(4))
    return Statement(
        name="released-constants",
        title="What the released code computes instead of the paper's loss",
        where="differences between the paper and the authors' code; released_sub_losses, kl_dro",
        plain=(
            "half the error variance; (N - 1)/N (1 - rho); the aggregate less the logarithm of "
            "its normaliser, with the same gradient; eps added to each sub-loss"
        ),
        latex=(
            r"L_{\mathrm{diff}}=\frac{1}{2}\mathrm{Var}(d)+\epsilon,\quad "
            r"L_{\mathrm{norm}}=\frac{N-1}{N}(1-\rho)+\epsilon",
            r"\alpha\log\left(\frac{1}{M}\sum_{k=1}^{M}(e^{-s}L_k)^{1/\alpha}\right)"
            r"=\mathcal{L}_{\alpha}-s",
        ),
        steps=(
            Step(
                "error terms",
                "mean |d| + eps, and half of Theorem 1's sum over pairs + eps",
                error_terms,
            ),
            Step(
                "half the error variance of the code",
                "half the error_variance of the moments",
                the_code,
                needs=(VAR_Y_POS,),
            ),
            Step(
                "the Pearson term",
                "with the unbiased standard deviations (N - 1)/N (1 - rho) + eps",
                pearson_term,
                needs=needs,
            ),
            Step(
                "the Pearson term as the paper has it",
                "with the population standard deviations 1 - rho + eps",
                population_scales,
                needs=(VAR_F_POS, VAR_Y_POS),
            ),
            Step(
                "the forgotten normaliser",
                "kl_dro of the losses divided by exp(s) is kl_dro less s",
                shifted,
                needs=(ALPHA_POS,),
            ),
            Step(
                "the same gradient",
                "with s held constant the derivative along any h is sum p_k h_k, as for kl_dro",
                same_gradient,
                needs=(ALPHA_POS, NORMALISER_CONSTANT),
            ),
            Step(
                "eps",
                "log(L + eps) has the derivative 1/(L + eps) = 1/L - eps / (L (L + eps))",
                with_eps,
            ),
            Step(
                "GAR-EXP",
                "the logarithm of ((1/M) sum L^(1/alpha))^alpha is kl_dro",
                power_mean,
                needs=(ALPHA_POS,),
            ),
        ),
        mutants=(
            mutant(
                "no factor",
                "1 - rho with the unbiased standard deviations",
                lambda b: (term(b), pearson(b)),
                where=both_vary,
            ),
            mutant(
                "factor inverted",
                "N / (N - 1) for (N - 1) / N",
                lambda b: (term(b), pearson(b) * b.size / (b.size - 1)),
                where=both_vary,
            ),
            mutant(
                "half forgotten",
                "the error term taken to be the error variance",
                lambda b: (term(b, place=1), variance(b, b.f - b.y)),
                where=both_vary,
            ),
            mutant(
                "value not shifted",
                "the aggregate with the normaliser 4 taken to be the one without",
                lambda case: (exact_aggregate(case, normaliser=4), exact_aggregate(case)),
                cases=lambda: [Case(L=two, alpha=Rational(1, 2))],
            ),
            mutant(
                "eps without effect",
                "the derivative of log(L + eps) taken to be 1 / L",
                lambda case: (1 / (case.L + case.eps), 1 / case.L),
                cases=lambda: [Case(L=Rational(1, 10), eps=Rational(1, 10**7))],
            ),
            mutant(
                "one sample",
                "the Pearson term with N = 1 allowed",
                lambda b: (term(b), 0),
                cases=lambda: [ExactBatch(f=(1,), y=(0,))],
                drops="at_least_two",
                undefined=True,
            ),
            mutant(
                "constant predictions",
                "the Pearson term with Var(f) = 0 allowed",
                lambda b: (term(b), 0),
                cases=lambda: [ExactBatch(f=(0, 0), y=(0, 1))],
                drops="var_f_pos",
                undefined=True,
            ),
            mutant(
                "constant labels",
                "the Pearson term with Var(y) = 0 allowed",
                lambda b: (term(b), 0),
                cases=lambda: [ExactBatch(f=(0, 1), y=(0, 0))],
                drops="var_y_pos",
                undefined=True,
            ),
            mutant(
                "alpha = 0",
                "the aggregate at alpha = 0",
                lambda case: (exact_aggregate(case), 0),
                cases=lambda: [Case(L=two, alpha=Integer(0))],
                drops="alpha_pos",
                undefined=True,
            ),
            mutant(
                "gradient through the normaliser",
                "one loss, normalised by itself: its derivative in log L is not 1",
                lambda case: (sympy.diff(Symbol("l") - Symbol("l"), Symbol("l")), case.p),
                cases=lambda: [Case(p=Integer(1))],
                drops="normaliser_constant",
            ),
        ),
        controls=(
            Control(
                "two samples",
                "at N = 2 the Pearson term is (1 - rho) / 2",
                lambda ground: [
                    ground.zero(term(b) - pearson(b) / 2)
                    for b in (
                        ExactBatch(f=(0, 1), y=(0, 1)),
                        ExactBatch(f=(0, 1), y=(1, 0)),
                    )
                ],
            ),
        ),
        findings=(
            "The released code computes half the error variance, (N - 1)/N (1 - rho), and for "
            "alpha other than 1 the aggregate less the logarithm of its normaliser: values that "
            "differ from the paper's, the last one with the same gradient.",
        ),
    )


if __name__ == "__main__":
    run_script(statement)
