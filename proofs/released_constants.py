"""What the authors' released code computes instead, as exact identities.

For d = f - y, with the unbiased (N - 1) standard deviations, which are positive for two samples or
more alone, and eps > 0 added to each sub-loss:

    error term           = 1/2 Var(d) + eps,
    Pearson term         = (N - 1)/N (1 - rho) + eps,
    aggregate            = L_KL(alpha) - s,    s the logarithm of the normaliser, held constant,

so that the value is shifted by s while the weights p_k, its gradient with s held constant, are
those of L_KL; eps changes the factor 1/L of a gradient to 1/(L + eps). The variant GAR-EXP,
exp(L_KL), is the power mean of order 1/alpha.

Assumptions: batch_nonempty, var_f_pos, var_y_pos; alpha_pos and losses_nonempty for
the aggregate; loss_pos and eps_pos.

In the paper: not stated; a difference between it and the released code. In the code:
`gar_verify.formulas.released_sub_losses`, `kl_dro`.
"""

from __future__ import annotations

from fractions import Fraction
from functools import cached_property
from types import ModuleType
from typing import Any

import sympy
from sympy import Integer, Rational

from gar_verify import formulas as package_formulas

from . import derived, kernel
from .batches import ExactBatch, moments
from .definitions import correlation, variance
from .exact import EXACT, Case, exact_mean, exact_vector
from .kernel import Theorem
from .language import SIZE, Expression, equal, number, positive, root
from .pairwise import Pairwise, Parts, Proofs
from .printing import run_script
from .proposition_kl_dro import (
    ALPHA,
    ALPHA_POS,
    LOGS,
    LOSSES_NONEMPTY,
    Aggregation,
    K,
    M,
    best,
    closed,
    mean,
    power,
)
from .script import Assumption, Claim, Script
from .statements import Statement, control, mutant
from .terms import ONE, ZERO, Add, Bound, Entry, Last, Sum

EPS, LOSS, CONSTANT = number("eps"), number("L"), number("c")
LOSS_POS = Assumption("loss_pos", positive(LOSS), "the sub-loss is positive")
EPS_POS = Assumption("eps_pos", positive(EPS))
N = Expression(SIZE)


class Released(Proofs):
    """The terms of the released code."""

    def terms(self, unbiased: bool) -> tuple[Expression, ...]:
        """The three terms, with the roots of a kind of variance as scales."""
        a, b = self.about, self.about.batch
        factor = N / (N - 1) if unbiased else Expression(1)
        scales = (root(factor * variance) for variance in (a.var_f, a.var_y))
        return tuple(a.formulas.released_sub_losses(b.f, b.y, b.mean, *scales, EPS))

    def root_of(self, name: str, factor: Expression, variance: Expression) -> Theorem:
        """The root of a product is the product of the roots."""
        product, known = root(factor) * root(variance), (*self.sizes, *self.vary)
        square = equal(product**2, factor * variance)
        squared = self.combine(f"{name}: its square", square, *known)
        least = self.step(f"{name}: its sign", kernel.sign, product, *known)
        return self.step(f"{name}: the scale", derived.root_is, squared, least)

    @cached_property
    def sizes(self) -> tuple[Theorem, Theorem]:
        """0 < N, and 0 < N - 1, since the predictions of one sample do not vary."""
        least = self.step("N is at least 1", derived.at_least_one, self.weight)
        either = self.step("N is 1 or more", kernel.split, least)
        case = kernel.assume(equal(N - 1, 0))
        one = self.combine("N = 0 + 1", equal(SIZE, Add(ZERO, ONE)), of=[(1, case)])
        varies: Any = self.step("one sample varies", kernel.rewrite, self.vary[0], one)
        squares, entries = varies.conclusion.right.left, Entry("f", Bound(0))
        square: Any = self.step("its square", kernel.last_term, squares)
        entry: Any = self.step("its prediction", kernel.last_term, Sum(squares.count, entries))
        gap = Expression(Entry("f", Last(squares.count))) - entry.conclusion.left
        parts: Parts = [(1, varies), (1, square), (-gap, entry)]
        absurd = self.combine("0 < 0", positive(Expression(0)), of=parts)
        goal = positive(N - 1)
        none = self.step("which is not so", derived.anything, absurd, goal)
        more = self.step("N is more than 1", kernel.cases, either, kernel.assume(goal), none)
        return self.weight, more

    def pearson(self) -> Theorem:
        """(N - 1) / N (1 - rho) + eps"""
        a, factor = self.about, N / (N - 1)
        scales = [
            self.root_of(name, factor, variance)
            for name, variance in (("f", a.var_f), ("y", a.var_y))
        ]
        term = self.terms(unbiased=True)[2]
        start: Any = self.step("the Pearson term", kernel.congruence, term, *scales)
        goal = equal(start.conclusion.right, (N - 1) / N * (1 - a.rho()) + EPS)
        end = self.combine("its value", goal, *self.sizes, *self.vary)
        return self.step("the Pearson term is", kernel.rewrite, start, end)


class Normalised(Aggregation):
    """The aggregate of losses divided by a normaliser."""

    def value(self) -> Theorem:
        """kl_dro(l - c) = kl_dro(l) - c"""
        shifted = LOGS - CONSTANT
        start = self.put_columns("the code, normalised", self.code_is_closed, {"l": shifted})
        summed = self.step("powers, summed", kernel.sum_equal, self.powers, K)
        factor, average = self.xp.exp(-CONSTANT / ALPHA), mean(power(ALPHA))
        goal = equal(mean(power(ALPHA, shifted)), factor * average)
        scaled = self.combine("their mean", goal, *self.known, of=[(1 / M, summed)])
        sign = self.step("mean of powers, positive", kernel.sign, average, self.known[1])
        values = {"a": -CONSTANT / ALPHA, "z": average}
        log = self.put("log of the scaled mean", self.log_scaled, values, sign)
        both: Any = self.step("the logarithm", kernel.rewrite, start, scaled, log)
        goal = equal(both.conclusion.right, closed() - CONSTANT)
        end = self.combine("less the constant", goal, *self.known)
        return self.step("normalised", kernel.rewrite, both, end)

    @cached_property
    def powers(self) -> Theorem:
        """exp((l_k - c) / alpha) = exp(-c / alpha) exp(l_k / alpha)"""
        split = self.step(
            "exp(l / alpha - c / alpha)", kernel.exp_sum, LOGS / ALPHA, -CONSTANT / ALPHA
        )
        goal = equal(power(ALPHA, LOGS - CONSTANT), self.xp.exp(-CONSTANT / ALPHA) * power(ALPHA))
        return self.combine("powers of l - c", goal, self.known[0], of=[(1, split)])

    def same_weights(self) -> Theorem:
        """kl_dro_tilt(l - c) = kl_dro_tilt(l)"""
        moved = self.put_columns("tilt of l - c", self.tilt_is, {"l": LOGS - CONSTANT})
        summed = self.step("powers of l - c, summed", kernel.sum_equal, self.powers, K)
        right: Any = self.step("in powers of l", kernel.rewrite, moved, self.powers, summed)
        goal = equal(right.conclusion.right, M * best())
        end = self.combine("without the constant", goal, *self.known)
        return self.step("the same weights", kernel.rewrite, right, end)


def statement(formulas: ModuleType = package_formulas) -> Statement:
    """The statement, over the given formulas."""

    about = Pairwise(formulas)
    says, aggregate = Released(Script(), about), Normalised(Script(), formulas)
    absolute, half, _ = says.terms(unbiased=False)
    b = about.batch
    vary = (about.var_f_pos, about.var_y_pos)
    given = (ALPHA_POS, LOSSES_NONEMPTY)
    rho, shifted = about.rho(), LOGS - CONSTANT
    claims = (
        Claim("error term", about.basic, equal(absolute, b.mean(abs(b.f - b.y)) + EPS)),
        Claim("half the pairs", about.basic, equal(half, about.pairs() / 2 + EPS)),
        Claim(
            "half the error variance",
            about.basic,
            equal(half, about.code("error_variance") / 2 + EPS),
        ),
        Claim(
            "Pearson term",
            (*about.basic, *vary),
            equal(says.terms(unbiased=True)[2], (N - 1) / N * (1 - rho) + EPS),
        ),
        Claim(
            "Pearson term, population scales",
            (*about.basic, *vary),
            equal(says.terms(unbiased=False)[2], 1 - rho + EPS),
        ),
        Claim("normaliser", given, equal(aggregate.code(shifted), closed() - CONSTANT)),
        Claim("same weights", given, equal(aggregate.tilt(shifted), M * best())),
        Claim(
            "eps",
            (LOSS_POS, EPS_POS),
            equal(1 / (LOSS + EPS), 1 / LOSS - EPS / (LOSS * (LOSS + EPS))),
        ),
    )

    def script(step: Script) -> None:
        proofs, steps = Released(step, about), Normalised(step, formulas, "aggregate: ")
        for claim in claims[:2]:
            step.show(claim.name, proofs.combine(claim.name, claim.conclusion, proofs.weight))
        known = (*proofs.licences, *proofs.share_guard)
        goal = claims[2].conclusion
        parts = [(Fraction(-1, 2), proofs.of_errors)]
        step.show(claims[2].name, proofs.combine(claims[2].name, goal, *known, of=parts))
        step.show("Pearson term", proofs.pearson())
        goal = claims[4].conclusion
        step.show(claims[4].name, proofs.combine(claims[4].name, goal, *proofs.roots))
        step.show("normaliser", steps.value())
        step.show("same weights", steps.same_weights())
        signs = [kernel.assume(a.formula) for a in (LOSS_POS, EPS_POS)]
        step.show("eps", proofs.combine("eps", claims[-1].conclusion, *signs))

    def unbiased(batch: Any, entry: Any) -> Any:
        return variance(batch, entry) * batch.size / (batch.size - 1)

    def exact_aggregate(case: Case, normaliser: Any = 1) -> Any:
        logs = exact_vector(sympy.log(loss / normaliser) for loss in case.L)
        return formulas.kl_dro(logs, case.alpha, Integer(0), exact_mean, EXACT)

    def term(batch: ExactBatch, place: int = 2) -> Any:
        scales = (sympy.sqrt(unbiased(batch, entry)) for entry in (batch.f, batch.y))
        return formulas.released_sub_losses(batch.f, batch.y, batch.mean, *scales, 0)[place]

    def pearson(batch: ExactBatch) -> Any:
        return 1 - correlation(batch, sympy.sqrt)

    def both_vary(batch: ExactBatch) -> bool:
        return batch.varies("f") and batch.varies("y")

    two = (Integer(1), Integer(4))
    return Statement(
        name="released-constants",
        title="What the released code computes instead of the paper's loss",
        where="differences between the paper and the authors' code; released_sub_losses, kl_dro",
        claims=claims,
        script=script,
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
                "no loss",
                "M = 0 allowed",
                lambda case: (exact_aggregate(case), 0),
                cases=lambda: [Case(L=(), alpha=Integer(1))],
                drops="losses_nonempty",
                undefined=True,
            ),
            mutant(
                "no sample",
                "N = 0 allowed",
                lambda b: (formulas.error_variance(moments(formulas, b)), 0),
                cases=lambda: [ExactBatch(f=(), y=())],
                drops="batch_nonempty",
                undefined=True,
            ),
        ),
        controls=(
            control(
                "two samples",
                "at N = 2 the Pearson term is (1 - rho) / 2",
                lambda b: (term(b), pearson(b) / 2),
                cases=lambda: [
                    ExactBatch(f=(0, 1), y=(0, 1)),
                    ExactBatch(f=(0, 1), y=(1, 0)),
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
