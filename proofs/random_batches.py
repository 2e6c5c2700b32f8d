"""What a random batch estimates.

Let d_1..d_N be the errors of all N samples and draw a batch of B of them. The expected error
variance of the batch, with Var(d) that of all samples, is

    (B - 1)/B Var(d)                  drawn with replacement (independent draws),
    (B - 1)/B N/(N - 1) Var(d)        drawn without replacement.

The pairs of a draw with itself, B of B^2, add nothing to the sum and are counted in the mean. Left
out, the expectation is Var(d), and the full data without self-pairs, respectively: no bias. With
weights the mean over the pairs i != j is Var_w(d) / (1 - sum w_i^2 / W^2).

Nothing is enumerated: an expectation is linear, and each ordered pair of different draws is
distributed as a pair of independent (or of different) samples.

Assumptions: draws_uniform, batch_nonempty; at_least_two without replacement, batch_of_two without
self-pairs; weight_pos, others_pos and weights_nonneg with weights (with (-2, 5, 5), f = (0, 1, 4),
y = (0, 1, 3), where Var_w(y) = 0, the pairs i != j give 3/2 and the code 1/4).

Not in the paper; what mini-batches of the loss estimate. In the code:
`gar_verify.formulas.error_variance` and `without_self_pairs`.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import permutations, product
from types import ModuleType
from typing import Any

import sympy
from sympy import Expr, Integer, Rational, Symbol

from gar_verify import formulas as package_formulas

from .algebra import Ground, exactly
from .batches import ExactBatch, SymbolicBatch, exact_batches, moments
from .definitions import half_square, variance
from .exact import Case
from .hypotheses import (
    AT_LEAST_TWO,
    BATCH_NONEMPTY,
    WEIGHT_POS,
    WEIGHTS_NONNEG,
)
from .language import equal, positive
from .pairwise import Pairwise, Proofs
from .power_sums import SIZE, column
from .printing import run_script
from .script import Assumption, Claim, Script
from .statements import Control, Hypothesis, Statement, Step, mutant

D, W = column("d"), column("w")
F, Y = column("f"), column("y")
DRAWS = Symbol("B", integer=True, positive=True)
ALL = SymbolicBatch(f=D, y=Integer(0))
BATCH = SymbolicBatch(size=DRAWS, f=D, y=Integer(0))
BATCH_WITH_LABELS = SymbolicBatch(size=DRAWS, f=F, y=Y)
BATCH_WITH_ONE_LABEL = SymbolicBatch(size=DRAWS, f=F, y=Symbol("c", real=True))
FIRST = Symbol("d_i", real=True)

DRAWS_UNIFORM = Hypothesis(
    "draws_uniform",
    "every ordered pair of different draws is any pair of samples (with replacement), or any pair "
    "of different samples (without), with equal probability",
)
BATCH_OF_TWO = Hypothesis("batch_of_two", "the batch has two draws: B >= 2", (DRAWS - 1,))


def different_pairs(expectation: Expr) -> Expr:
    """The mean over all pairs of B draws: B (B - 1) have this expectation and B are 0."""
    return (DRAWS * (DRAWS - 1) * expectation + DRAWS * 0) / DRAWS**2


def with_replacement() -> Expr:
    """The expectation of 1/2 (d_I - d_J)^2 for independent I and J."""
    return ALL.pair_mean(half_square)


def without_replacement() -> Expr:
    """The same for different I and J."""
    return ALL.pair_total(half_square) / (SIZE * (SIZE - 1))


def self_pairs(ground: Ground) -> list[Any]:
    """A draw with itself adds nothing; of B^2 pairs, B are such."""
    ones = SymbolicBatch(size=DRAWS, f=Integer(0), y=Integer(0))
    return [
        ground.zero((FIRST - FIRST) ** 2 / 2),
        ground.zero(ones.pair_total(lambda a, b: 1) - DRAWS * (DRAWS - 1) - DRAWS),
    ]


def by_moments(ground: Ground) -> list[Any]:
    """The same from S2 / B - S1^2 / B^2, with E S2 = B m2, E S1^2 = B m2 + B (B - 1) m1^2."""
    m1, m2 = ALL.mean(D), ALL.mean(D**2)
    s1, s2 = BATCH.total(D), BATCH.total(D**2)
    written = variance(BATCH, D) - (s2 / DRAWS - s1**2 / DRAWS**2)
    expected = m2 - (DRAWS * m2 + DRAWS * (DRAWS - 1) * m1**2) / DRAWS**2
    return [ground.zero(written), ground.zero(expected - different_pairs(variance(ALL, D)))]


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

    def replaced(ground: Ground) -> list[Any]:
        full = variance(ALL, D)
        return [
            ground.zero(with_replacement() - full),
            ground.zero(different_pairs(with_replacement()) - (DRAWS - 1) / DRAWS * full),
        ]

    def not_replaced(ground: Ground) -> Any:
        factor = (DRAWS - 1) / DRAWS * SIZE / (SIZE - 1)
        return ground.zero(different_pairs(without_replacement()) - factor * variance(ALL, D))

    def corrected(ground: Ground) -> list[Any]:
        def without(value: Any, count: Any) -> Any:
            return formulas.without_self_pairs(value, 1 / count)

        full = variance(ALL, D)
        return [
            ground.zero(without(different_pairs(with_replacement()), DRAWS) - full),
            ground.zero(
                without(different_pairs(without_replacement()), DRAWS) - without(full, SIZE)
            ),
        ]

    def by_weights(batch: Any) -> tuple[Any, Any]:
        """The weighted mean over the pairs i != j, and the code."""
        squares = batch.total(batch.w)
        pairs = batch.pair_total(half_square) / (batch.weight**2 - squares)
        return pairs, formulas.without_self_pairs(code(batch), squares / batch.weight**2)

    about = Pairwise(formulas, weighted=True)
    weight, share = about.batch.weight, about.square_weights
    others = Assumption("others_pos", positive(weight**2 - share))
    by_code = formulas.without_self_pairs(about.code("error_variance"), share / weight**2)
    claim = Claim(
        "the pairs i != j",
        (*about.basic, others),
        equal(weight**2 * about.pairs() / (weight**2 - share), by_code),
    )

    def script(step: Script) -> None:
        step.show("the pairs i != j", Proofs(step, about).distinct_pairs(others))

    return Statement(
        name="random-batches",
        title="What the error variance of a random batch estimates",
        where="not in the paper; gar_verify.formulas.error_variance and without_self_pairs",
        plain=(
            "E Var_B(d) = (B - 1)/B Var(d) with replacement, times N/(N - 1) without; leaving out "
            "self-pairs removes the bias"
        ),
        latex=(
            r"\mathrm{E}\,\mathrm{Var}_B(d)=\frac{B-1}{B}\,\mathrm{Var}(d),\quad"
            r"\mathrm{E}\,\frac{1}{B(B-1)}\sum_{a\neq b}\frac{1}{2}(d_a-d_b)^2=\mathrm{Var}(d)",
            r"\sum_{i\neq j}w_iw_j\,\frac{1}{2}(d_i-d_j)^2\ /\ \sum_{i\neq j}w_iw_j"
            r"=\frac{\mathrm{Var}_w(d)}{1-\sum_i w_i^2/W^2}",
        ),
        claims=(claim,),
        script=script,
        steps=(
            Step(
                "the batch by pairs",
                "the error variance of the batch is the mean of 1/2 (d_a - d_b)^2 over its B^2 "
                "pairs, by the code",
                lambda ground: ground.zero(
                    BATCH_WITH_LABELS.pair_mean(half_square) - code(BATCH_WITH_LABELS)
                ),
                needs=(BATCH_NONEMPTY,),
                case=(Hypothesis("var_y_pos", "", (variance(BATCH_WITH_LABELS, Y),)),),
            ),
            Step(
                "the batch by pairs, labels all equal",
                "there too, and N^2 Var(y) is half a sum of squares: the cases are all",
                lambda ground: [
                    ground.zero(
                        BATCH_WITH_ONE_LABEL.pair_mean(half_square) - code(BATCH_WITH_ONE_LABEL)
                    ),
                    ground.zero(
                        BATCH_WITH_LABELS.pair_mean(lambda a, b: (a.y - b.y) ** 2 / 2)
                        - variance(BATCH_WITH_LABELS, Y)
                    ),
                ],
                needs=(BATCH_NONEMPTY,),
            ),
            Step(
                "self-pairs", "B of these pairs are 0, B (B - 1) are of different draws", self_pairs
            ),
            Step(
                "with replacement",
                "a pair of independent draws has expectation Var(d), so the batch (B - 1)/B Var(d)",
                replaced,
                needs=(DRAWS_UNIFORM, BATCH_NONEMPTY),
            ),
            Step(
                "a second route",
                "from E sum d^2 = B m2 and E (sum d)^2 = B m2 + B (B - 1) m1^2",
                by_moments,
                needs=(DRAWS_UNIFORM, BATCH_NONEMPTY),
            ),
            Step(
                "without replacement",
                "a pair of different samples has expectation N/(N - 1) Var(d)",
                not_replaced,
                needs=(DRAWS_UNIFORM, AT_LEAST_TWO),
            ),
            Step(
                "without self-pairs",
                "without_self_pairs of the batch has expectation Var(d), and without replacement "
                "without_self_pairs of all samples",
                corrected,
                needs=(DRAWS_UNIFORM, AT_LEAST_TWO, BATCH_OF_TWO),
            ),
        ),
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
                "an empty batch",
                "B = 0 allowed",
                lambda case: (expected(case, code), 0),
                cases=lambda: [Case(d=(0, 1), B=0, without=False)],
                drops="batch_nonempty",
                undefined=True,
            ),
            mutant(
                "one sample in all",
                "N = 1 allowed without replacement",
                lambda case: (unbiased(population(case)), 0),
                cases=lambda: [Case(d=(1,), B=1, without=True)],
                drops="at_least_two",
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
                "all the weight on one sample",
                "the weighted mean over different pairs with one weight that is not 0",
                lambda b: (formulas.without_self_pairs(code(b), sum(b.w**2) / b.weight**2), 0),
                cases=lambda: [ExactBatch(w=(1, 0), f=(0, 1), y=(0, 0))],
                drops=others,
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
                drops="weight_pos",
                undefined=True,
            ),
        ),
        controls=(
            Control(
                "labels that differ where the weight is 0",
                "with the weights (1, 0, 2) and any small f and y the two sides are equal",
                lambda ground: [
                    ground.zero(pairs - value)
                    for b in exact_batches("f", "y", sizes=(3,), values=(0, 1))
                    for pairs, value in [
                        by_weights(ExactBatch(w=(1, 0, 2), f=tuple(b.f), y=tuple(b.y)))
                    ]
                ],
            ),
            Control(
                "by enumeration",
                "on small data every batch of two, averaged, gives the stated expectations",
                lambda ground: [
                    *(
                        ground.zero(expected(case, code) - code(population(case)) / 2)
                        for case in small_cases()
                    ),
                    *(
                        ground.zero(expected(case, unbiased) - unbiased(population(case)))
                        for case in small_cases(without=True)
                    ),
                ],
            ),
        ),
    )


if __name__ == "__main__":
    run_script(statement)
