"""What a random batch estimates.

Let d_1..d_N be the errors of all N samples and draw a batch of B of them. The expected error
variance of the batch, with Var(d) that of all samples, is

    (B - 1)/B Var(d)                  drawn with replacement (independent draws),
    (B - 1)/B N/(N - 1) Var(d)        drawn without replacement.

The pairs of a draw with itself, B of B^2, add nothing to the sum and are counted in the mean. Left
out, the expectation is Var(d), and the full data without self-pairs, respectively: no bias. With
weights the mean over the pairs i != j is Var_w(d) / (1 - sum w_i^2 / W^2).

Nothing is enumerated: an expectation is linear, and each ordered pair of different draws is
distributed as a pair of independent (or of different) samples. With E_ab the expectation of
1/2 (d_a - d_b)^2 for the draws a and b, and s_ab = 1 where a is b and 0 elsewhere, this is the
assumption E_ab = (1 - s_ab) e with e the mean over the pairs of all samples (that differ).

Assumptions: draws_uniform or draws_different, self_pairs, batch_nonempty, draws_nonempty;
at_least_two without replacement, batch_of_two without self-pairs; others_pos and
weights_nonneg with weights (with (-2, 5, 5), f = (0, 1, 4), y = (0, 1, 3), where Var_w(y) = 0, the
pairs i != j give 3/2 and the code 9/4).

Not in the paper; what mini-batches of the loss estimate. In the code:
`gar_verify.formulas.error_variance` and `without_self_pairs`.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import permutations, product
from types import ModuleType
from typing import Any

import sympy
from sympy import Rational

from gar_verify import formulas as package_formulas

from . import derived, kernel
from .batches import ExactBatch, exact_batches, moments
from .definitions import half_square
from .exact import Case, exactly
from .kernel import Theorem
from .language import SIZE, Expression, column, equal, everywhere, index, positive
from .language import total_over as total
from .pairwise import Pairwise, Proofs
from .printing import run_script
from .script import Assumption, Claim, Script
from .statements import Statement, control, mutant
from .terms import Count

DRAWS = Count("B")
A, B = index("a", DRAWS), index("b", DRAWS)
EXPECTED, SAME = column("E", A, B), column("s", A, B)
SIZES = Expression(SIZE), Expression(DRAWS)
DRAWS_NONEMPTY = Assumption("draws_nonempty", positive(DRAWS), "the batch has a draw")
BATCH_OF_TWO = Assumption("batch_of_two", positive(SIZES[1] - 1), "the batch has two draws, B >= 2")
AT_LEAST_TWO = Assumption(
    "at_least_two", positive(SIZES[0] - 1), "the batch has two samples, N >= 2"
)
SELF_PAIRS = Assumption(
    "self_pairs",
    everywhere(equal(total(SAME, B), 1), A),
    "each draw is the same as one draw, itself",
)


class Weighted(Proofs):
    """The pairs i != j of weighted samples."""

    def different_pairs(self, others: Assumption) -> Theorem:
        """Their mean by the code; that the weights have a positive sum follows from the others."""
        two, nonneg = self.given(others), self.given(self.about.weights_nonneg)
        weight = self.about.batch.weight
        least = self.step("W is not negative", kernel.sign, weight, nonneg)
        either = self.step("W is 0 or not", kernel.split, least)
        squares = self.step("squares of weights", kernel.sign, self.about.square_weights)
        none = kernel.assume(equal(weight, 0))
        parts = [(1, two), (1, squares), (weight, none)]
        absurd = self.combine("W = 0: 0 < 0", positive(Expression(0)), of=parts)
        goal = self.weight.conclusion
        other = self.step("which is not so", derived.anything, absurd, goal)
        some = self.step("W is positive", kernel.cases, either, kernel.assume(goal), other)
        return self.step("whatever W is", kernel.cut, self.distinct_pairs(others), some)


class Batches(Proofs):
    """What the mean over the pairs of a batch of draws is expected to be."""

    def expected(self) -> Expression:
        """The expectation of the mean over all B^2 pairs."""
        return total(total(EXPECTED, B), A) / SIZES[1] ** 2

    def pairs(self, different: bool) -> Expression:
        """The mean of 1/2 (d_i - d_j)^2 over the pairs of samples, or those that differ."""
        n, whole = SIZES[0], self.about.pairs()
        return n**2 * whole / (n * (n - 1)) if different else whole

    def uniform(self, different: bool) -> Assumption:
        """Two different draws are any pair of samples, or any pair of different ones."""
        formula = equal(EXPECTED, (1 - SAME) * self.pairs(different))
        name, text = ("draws_different", "different ") if different else ("draws_uniform", "")
        words = f"two draws are any pair of {text}samples with equal probability"
        return Assumption(name, everywhere(everywhere(formula, B), A), words)

    def value(self, different: bool) -> Expression:
        """(B - 1)/B Var(d), times N/(N - 1) where the draws are different."""
        n, draws = SIZES
        value = (draws - 1) / draws * self.about.var_d
        return value * (n / (n - 1)) if different else value

    def corrected(self, different: bool) -> tuple[Expression, Expression]:
        """The mean without self-pairs, and what it is expected to be."""
        n, draws = SIZES
        without = self.about.formulas.without_self_pairs
        right = without(self.about.var_d, 1 / n) if different else self.about.var_d
        return without(self.expected(), 1 / draws), right

    def size_known(self, different: bool) -> tuple[Theorem, ...]:
        """0 < N, and 0 < N - 1 where the draws are different."""
        if not different:
            return (self.weight,)
        return self.from_two("samples", SIZE, AT_LEAST_TWO)

    def from_two(self, name: str, count: Any, at_least_two: Assumption) -> tuple[Theorem, ...]:
        """From 0 < n - 1 that 0 < n."""
        two = self.given(at_least_two)
        one = self.step(f"{name}: 0 < 1", kernel.sign, Expression(1))
        more = self.combine(f"{name}: at least one", positive(count), of=[(1, two), (1, one)])
        return more, two

    def means(self, way: str, different: bool) -> tuple[Theorem, Theorem]:
        """The expectation of the mean over all pairs, and of that without self-pairs."""
        given = kernel.assume(self.uniform(different).formula)
        here = self.step(f"{way}: draw a", kernel.at, given, A)
        here = self.step(f"{way}: draws a and b", kernel.at, here, B)
        for place in (B, A):
            here = self.step(f"{way}: summed over {place.name}", kernel.sum_equal, here, place)
        same = self.step(f"{way}: draw a itself", kernel.at, self.given(SELF_PAIRS), A)
        same = self.step(f"{way}: self-pairs", kernel.sum_equal, same, A)
        known, draws = self.size_known(different), SIZES[1]
        biased = self.combine(
            f"{way}: any number of draws",
            equal(self.expected(), self.value(different)),
            self.given(DRAWS_NONEMPTY),
            *known,
            of=[(1 / draws**2, here), (-self.pairs(different) / draws**2, same)],
        )
        start: Any = self.step(
            f"{way}: the mean", kernel.congruence, self.corrected(different)[0], biased
        )
        goal = equal(start.conclusion.right, self.corrected(different)[1])
        two = self.from_two(f"{way}: draws", DRAWS, BATCH_OF_TWO)
        end = self.combine(f"{way}: without its self-pairs", goal, *known, *two)
        joined = self.step(f"{way}: both", kernel.rewrite, start, end)
        return biased, self.step(f"{way}: no bias", kernel.cut, joined, two[0])


def batches_of(case: Case) -> Iterator[ExactBatch]:
    """Every batch of B draws, equally likely."""
    draw = permutations(case.d, case.B) if case.without else product(case.d, repeat=case.B)
    for errors in draw:
        yield ExactBatch(f=errors, y=(0,) * case.B)


def small_cases(without: bool = False) -> list[Case]:
    """Two and three samples, batches of two."""
    return [Case(d=d, B=2, without=without) for d in ((0, 1), (0, 0, 1), (0, 1, 2))]


def population(case: Case) -> ExactBatch:
    """All samples as one batch."""
    return ExactBatch(f=case.d, y=(0,) * len(case.d))


def statement(formulas: ModuleType = package_formulas) -> Statement:
    """The statement, over the given formulas."""

    def code(batch: Any) -> Any:
        return formulas.error_variance(moments(formulas, batch))

    def expected(case: Case, loss: Any) -> Any:
        values = [loss(batch) for batch in batches_of(case)]
        return sum(values) / len(values)

    def pearson_of_batches(case: Case) -> list[Any]:
        columns = (zip(*rows, strict=True) for rows in permutations(case.d, case.B))
        batches = (ExactBatch(f=f, y=y) for f, y in columns)
        return [exactly(formulas.one_minus_pearson(moments(formulas, b), sympy)) for b in batches]

    def unbiased(batch: ExactBatch) -> Any:
        return formulas.without_self_pairs(code(batch), 1 / batch.size)

    def by_weights(batch: Any) -> tuple[Any, Any]:
        """The weighted mean over the pairs i != j, and the code."""
        squares = batch.total(batch.w)
        pairs = batch.pair_total(half_square) / (batch.weight**2 - squares)
        return pairs, formulas.without_self_pairs(code(batch), squares / batch.weight**2)

    about, plain = Pairwise(formulas, weighted=True), Pairwise(formulas)
    weight, share = about.batch.weight, about.square_weights
    others = Assumption("others_pos", positive(weight**2 - share), "two weights are not 0")
    by_code = formulas.without_self_pairs(about.code("error_variance"), share / weight**2)
    pairs = weight**2 * about.pairs() / (weight**2 - share)
    says = Batches(Script(), plain)
    claims = [Claim("the pairs i != j", (about.weights_nonneg, others), equal(pairs, by_code))]
    ways = (("with replacement", False), ("without replacement", True))
    for way, different in ways:
        size = AT_LEAST_TWO if different else plain.weight_pos
        given = (size, says.uniform(different), SELF_PAIRS)
        mean = equal(says.expected(), says.value(different))
        claims.append(Claim(way, (*given, DRAWS_NONEMPTY), mean))
        corrected = equal(*says.corrected(different))
        claims.append(Claim(f"{way}, no self-pairs", (*given, BATCH_OF_TWO), corrected))

    def script(step: Script) -> None:
        step.show("the pairs i != j", Weighted(step, about).different_pairs(others))
        proofs = Batches(step, plain, "draws: ")
        for way, different in ways:
            biased, unbiased = proofs.means(way, different)
            step.show(way, biased)
            step.show(f"{way}, no self-pairs", unbiased)

    return Statement(
        name="random-batches",
        title="What the error variance of a random batch estimates",
        where="not in the paper; gar_verify.formulas.error_variance and without_self_pairs",
        claims=tuple(claims),
        script=script,
        mutants=(
            mutant(
                "no bias",
                "E Var_B(d) = Var(d)",
                lambda case: (expected(case, code), code(population(case))),
                cases=small_cases,
            ),
            mutant(
                "bias of the full data",
                "E Var_B(d) = (N - 1)/N Var(d)",
                lambda case: (
                    expected(case, code),
                    (1 - Rational(1, len(case.d))) * code(population(case)),
                ),
                cases=small_cases,
            ),
            mutant(
                "independent draws",
                "the factor (B - 1)/B without replacement too",
                lambda case: (
                    expected(case, code),
                    (1 - Rational(1, case.B)) * code(population(case)),
                ),
                cases=lambda: small_cases(without=True),
            ),
            mutant(
                "correlations too",
                "1 - rho of a batch taken to have that of all samples as its expectation",
                lambda case: (
                    sum(pearson_of_batches(case)) / len(pearson_of_batches(case)),
                    pearson_of_batches(Case(case, B=3))[0],
                ),
                cases=lambda: [Case(d=((0, 0), (0, 1), (1, 0)), B=2, without=True)],
            ),
            mutant(
                "one sample drawn again and again",
                "(B - 1)/B Var(d) for draws that are all the same sample",
                lambda case: (
                    sum(code(ExactBatch(f=(d, d), y=(0, 0))) for d in case.d) / len(case.d),
                    code(population(case)) / 2,
                ),
                cases=small_cases,
                drops="draws_uniform",
            ),
            mutant(
                "two samples that are always drawn together",
                "the expectation for different draws with draws that are not any pair",
                lambda case: (
                    code(ExactBatch(f=case.d[:2], y=(0, 0))),
                    code(population(case)) * Rational(3, 4),
                ),
                cases=lambda: [Case(d=(0, 0, 1), B=2, without=True)],
                drops="draws_different",
            ),
            mutant(
                "no self-pairs",
                "the factor (B - 1)/B for a mean over the pairs of different draws",
                lambda case: (expected(case, unbiased), code(population(case)) / 2),
                cases=small_cases,
                drops="self_pairs",
            ),
            mutant(
                "an empty batch",
                "B = 0 allowed",
                lambda case: (expected(case, code), 0),
                cases=lambda: [Case(d=(0, 1), B=0, without=False)],
                drops="draws_nonempty",
                undefined=True,
            ),
            mutant(
                "no sample",
                "N = 0 allowed",
                lambda case: (code(population(case)), 0),
                cases=lambda: [Case(d=(), B=1, without=False)],
                drops="batch_nonempty",
                undefined=True,
            ),
            mutant(
                "a batch of one",
                "no bias without self-pairs, B = 1 allowed",
                lambda case: (expected(case, unbiased), code(population(case))),
                cases=lambda: [Case(d=(0, 1), B=1, without=False)],
                drops="batch_of_two",
                undefined=True,
            ),
            mutant(
                "weights that hide the spread of the labels",
                "a negative weight, Var_w(y) = 0 and labels that differ",
                by_weights,
                cases=lambda: [ExactBatch(w=(-2, 5, 5), f=(0, 1, 4), y=(0, 1, 3))],
                drops="weights_nonneg",
            ),
            mutant(
                "weights that cancel",
                "W = 0 allowed",
                lambda b: (formulas.without_self_pairs(code(b), sum(b.w**2) / b.weight**2), 0),
                cases=lambda: [ExactBatch(w=(1, -1), f=(0, 1), y=(0, 0))],
                undefined=True,
            ),
        ),
        controls=(
            control(
                "labels that differ where the weight is 0",
                "with the weights (1, 0, 2) and any small f and y the two sides are equal",
                by_weights,
                cases=lambda: [
                    ExactBatch(w=(1, 0, 2), f=tuple(b.f), y=tuple(b.y))
                    for b in exact_batches("f", "y", sizes=(3,), values=(0, 1))
                ],
            ),
            control(
                "by enumeration",
                "on small data every batch of two, averaged, gives the stated expectations",
                lambda case: (
                    expected(case, unbiased),
                    unbiased(population(case)) if case.without else code(population(case)),
                ),
                cases=lambda: [*small_cases(), *small_cases(without=True)],
            ),
        ),
    )


if __name__ == "__main__":
    run_script(statement)
