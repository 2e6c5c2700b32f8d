"""The loss of several targets.

With T targets, errors d_it = f_it - y_it, and Var_t, L_t of target t alone,

    (1/N^2) sum_ij 1/2 || df_ij - dy_ij ||^2 / T = (1/T) sum_t Var_t(d),

the error variance that is averaged over the targets before the aggregation (the released form).
Pooling all N T errors into one batch gives more, by the variance of the T mean errors:

    Var(all d) = (1/T) sum_t Var_t(d) + Var_t(mean_t(d)),

so a constant error for each target costs nothing here and something there. Aggregating the M T
sub-losses at once equals aggregating each target, then the targets, with the same alpha.

Assumptions: batch_nonempty, targets_nonempty; alpha_pos.

In the paper: averaged over the targets in the released code. In the code: the ``targets`` option of
the loss; `gar_verify.formulas.error_variance`, `kl_dro`.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any

import sympy
from sympy import Expr, IndexedBase, Integer, Symbol

from gar_verify import formulas as package_formulas

from .algebra import Ground, exactly
from .batches import ExactBatch, SymbolicBatch, moments
from .definitions import half_square, variance
from .exact import EXACT, Case, exact_mean, exact_vector
from .hypotheses import ALPHA_POS, BATCH_NONEMPTY
from .power_sums import INDEX, total
from .printing import run_script
from .statements import Control, Hypothesis, Lemma, Statement, Step, mutant

TARGET = Symbol("t", integer=True, positive=True)
TARGETS = Symbol("T", integer=True, positive=True)
SUB_LOSSES = Symbol("M", integer=True, positive=True)
ALPHA = Symbol("alpha", positive=True)


def table(name: str) -> Expr:
    """The entry of sample k and target t."""
    return IndexedBase(name, real=True)[INDEX, TARGET]


F, Y, L = table("f"), table("y"), table("l")
ONE_TARGET = SymbolicBatch(f=F, y=Y)
CONSTANT_LABELS = SymbolicBatch(f=F, y=IndexedBase("a", real=True)[TARGET])

TARGETS_NONEMPTY = Hypothesis("targets_nonempty", "there is a target: T >= 1")
TARGET_VARIES = Hypothesis(
    "var_y_pos", "the labels of target t are not all equal", (variance(ONE_TARGET, Y),)
)
SUMS_COMMUTE = Lemma(
    "sums_commute",
    "the order of two finite sums does not matter",
    "proved by Rocq: Targets.pairs_of_targets",
)


def over_targets(body: Any) -> Expr:
    """The mean over the targets."""
    return total(body, TARGET, TARGETS) / TARGETS


def over_all(body: Any) -> Expr:
    """The mean over samples and targets, all of the same weight."""
    return over_targets(ONE_TARGET.mean(body))


def pooled(ground: Ground) -> Any:
    """The variance of all errors, less within and between the targets."""
    d = F - Y
    between = over_targets(ONE_TARGET.mean(d) ** 2) - over_targets(ONE_TARGET.mean(d)) ** 2
    all_errors = over_all(d**2) - over_all(d) ** 2
    return ground.zero(all_errors - over_targets(variance(ONE_TARGET, d)) - between)


def constants_cost(ground: Ground) -> Any:
    """One more constant error for each target: what it adds to the mean of the variances."""
    moved = F + IndexedBase("b", real=True)[TARGET] - Y
    return ground.zero(
        over_targets(variance(ONE_TARGET, moved)) - over_targets(variance(ONE_TARGET, F - Y))
    )


def small_tables() -> list[Case]:
    """Two and three samples of two targets."""
    return [
        Case(f=((0, 0), (1, 1)), y=((0, 0), (0, 0))),
        Case(f=((0, 1), (0, 0)), y=((0, 1), (0, 1))),
        Case(f=((0, 0, 1), (0, 1, 0)), y=((0, 1, 0), (0, 1, 1))),
    ]


def by_target(case: Case) -> list[ExactBatch]:
    """The batch of each target."""
    return [ExactBatch(f=f, y=y) for f, y in zip(case.f, case.y, strict=True)]


def flattened(case: Case) -> ExactBatch:
    """All entries as one batch."""
    return ExactBatch(f=sum(case.f, ()), y=sum(case.y, ()))


def vectors(case: Case) -> Any:
    """The mean over pairs of half the squared length of df - dy."""
    return sum(batch.pair_mean(half_square) for batch in by_target(case))


def average(values: Any) -> Any:
    """The mean of some numbers."""
    listed = list(values)
    return sum(listed) / len(listed)


def statement(formulas: ModuleType = package_formulas) -> Statement:
    """The statement, over the given formulas."""

    def code(batch: Any) -> Any:
        return formulas.error_variance(moments(formulas, batch))

    def averaged(case: Case) -> Any:
        return average(code(batch) for batch in by_target(case))

    def pearson(batch: ExactBatch) -> Any:
        return exactly(formulas.one_minus_pearson(moments(formulas, batch), sympy))

    def as_vectors(batch: SymbolicBatch, ground: Ground) -> list[Any]:
        return [
            ground.zero(batch.pair_mean(half_square) - code(batch)),
            ground.zero(
                over_targets(batch.pair_mean(half_square))
                - over_targets(variance(batch, batch.f - batch.y))
            ),
        ]

    def aggregate(logs: Any, mean: Any) -> Expr:
        return formulas.kl_dro(logs, ALPHA, Integer(0), mean, sympy)

    def nested(ground: Ground) -> Any:
        def over_losses(body: Any) -> Expr:
            return total(body, INDEX, SUB_LOSSES) / SUB_LOSSES

        powers = total(sympy.exp(L / ALPHA), INDEX, SUB_LOSSES)
        each = aggregate(L, over_losses)
        # exp(each / alpha) is the mean of the powers, which is what the second mean is taken of
        undone = sympy.log(powers / SUB_LOSSES) - each / ALPHA
        targets = sympy.log(over_targets(powers / SUB_LOSSES))
        at_once = aggregate(L, lambda body: over_targets(over_losses(body)))
        return [ground.zero(undone), ground.zero(at_once - ALPHA * targets)]

    def exact_aggregate(losses: Any, alpha: Any) -> Any:
        logs = exact_vector(map(sympy.log, losses))
        return formulas.kl_dro(logs, alpha, Integer(0), exact_mean, EXACT)

    return Statement(
        name="several-targets",
        title="The loss of several targets",
        where="the released code's average over targets; error_variance, kl_dro",
        plain=(
            "(1/N^2) sum_ij 1/2 ||df_ij - dy_ij||^2 / T = (1/T) sum_t Var_t(d); pooled it is "
            "larger by the variance of the mean errors"
        ),
        latex=(
            r"\frac{1}{N^2}\sum_{i=1}^{N}\sum_{j=1}^{N}\frac{1}{2T}"
            r"\left\Vert\mathrm{d}f_{ij}-\mathrm{d}y_{ij}\right\Vert^2"
            r"=\frac{1}{T}\sum_{t=1}^{T}\mathrm{Var}_t(d)"
            r"=\mathrm{Var}(d)-\mathrm{Var}_t(\bar{d}_t)",
        ),
        steps=(
            Step(
                "differences of vectors",
                "target by target the sum over pairs is the error_variance of the code; so are "
                "their means over T targets",
                lambda ground: as_vectors(ONE_TARGET, ground),
                needs=(BATCH_NONEMPTY, TARGETS_NONEMPTY),
                cites=(SUMS_COMMUTE,),
                case=(TARGET_VARIES,),
            ),
            Step(
                "a target with constant labels",
                "there too",
                lambda ground: as_vectors(CONSTANT_LABELS, ground),
                needs=(BATCH_NONEMPTY, TARGETS_NONEMPTY),
            ),
            Step(
                "pooled errors",
                "the variance of all N T errors is the mean of the variances and the variance of "
                "the means",
                pooled,
                needs=(BATCH_NONEMPTY, TARGETS_NONEMPTY),
                cites=(SUMS_COMMUTE,),
            ),
            Step(
                "a constant for each target",
                "adding one to its predictions does not change the mean of the variances",
                constants_cost,
                needs=(BATCH_NONEMPTY, TARGETS_NONEMPTY),
            ),
            Step(
                "aggregation in two stages",
                "kl_dro of M T losses is kl_dro over the targets of kl_dro of each target",
                nested,
                needs=(TARGETS_NONEMPTY, ALPHA_POS),
            ),
        ),
        mutants=(
            mutant(
                "pooled variance",
                "the variance of all errors taken to be the mean of the variances",
                lambda case: (code(flattened(case)), averaged(case)),
                cases=small_tables,
            ),
            mutant(
                "not averaged",
                "the length of the vectors without 1/T",
                lambda case: (vectors(case), averaged(case)),
                cases=small_tables,
            ),
            mutant(
                "pooled correlation",
                "1 - rho of all entries taken to be the mean of that of the targets",
                lambda case: (pearson(flattened(case)), average(map(pearson, by_target(case)))),
                cases=small_tables,
            ),
            mutant(
                "joint is per target",
                "the aggregate of the averaged losses taken to be the average of the aggregates",
                lambda case: (
                    exact_aggregate(
                        [average(pair) for pair in zip(*case.L, strict=True)], case.alpha
                    ),
                    average(exact_aggregate(losses, case.alpha) for losses in case.L),
                ),
                cases=lambda: [
                    Case(alpha=Integer(1), L=((Integer(1), Integer(1)), (Integer(4), Integer(4))))
                ],
            ),
            mutant(
                "no sample",
                "N = 0 allowed",
                lambda case: (averaged(case), 0),
                cases=lambda: [Case(f=((), ()), y=((), ()))],
                drops="batch_nonempty",
                undefined=True,
            ),
            mutant(
                "no target",
                "T = 0 allowed",
                lambda case: (averaged(case), 0),
                cases=lambda: [Case(f=(), y=())],
                drops="targets_nonempty",
                undefined=True,
            ),
            mutant(
                "alpha = 0",
                "two stages at alpha = 0, without the limit",
                lambda case: (exact_aggregate(case.L, case.alpha), 0),
                cases=lambda: [Case(alpha=Integer(0), L=(Integer(1), Integer(4)))],
                drops="alpha_pos",
                undefined=True,
            ),
        ),
        controls=(
            Control(
                "one target",
                "with T = 1 pooled and averaged are the same",
                lambda ground: [
                    ground.zero(averaged(case) - code(flattened(case)))
                    for case in (Case(f=(c.f[0],), y=(c.y[0],)) for c in small_tables())
                ],
            ),
        ),
    )


if __name__ == "__main__":
    run_script(statement)
