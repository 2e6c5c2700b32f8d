"""The loss of several targets.

With T targets, errors d_it = f_it - y_it, and Var_t, L_t of target t alone,

    (1/N^2) sum_ij 1/2 || df_ij - dy_ij ||^2 / T = (1/T) sum_t Var_t(d),

the error variance that is averaged over the targets before the aggregation (the released form).
Pooling all N T errors into one batch gives more, by the variance of the T mean errors:

    Var(all d) = (1/T) sum_t Var_t(d) + Var_t(mean_t(d)),

so a constant error for each target costs nothing here and something there. Aggregating the M T
sub-losses at once equals aggregating each target, then the targets, with the same alpha.

Assumptions: batch_nonempty, targets_nonempty; alpha_pos, losses_nonempty.

In the paper: averaged over the targets in the released code. In the code: the ``targets`` option of
the loss; `gar_verify.formulas.error_variance`, `kl_dro`.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any

import sympy
from sympy import Integer

from gar_verify import formulas as package_formulas

from . import derived, kernel
from .batches import ExactBatch, moments
from .definitions import half_square
from .exact import EXACT, Case, exact_mean, exact_vector, exactly
from .kernel import Theorem
from .language import SIZE, Expression, column, equal, index, named, number, positive
from .language import total_over as total
from .pairwise import Pairwise, Proofs
from .printing import run_script
from .proposition_kl_dro import ALPHA, ALPHA_POS, LOSSES_NONEMPTY, Aggregation, K, mean, power
from .script import Assumption, Claim, Script
from .statements import Statement, control, mutant
from .terms import Count, Index, replaced

COUNT = Count("T")
TARGET = index("t", COUNT)
TARGETS = Expression(COUNT)
TARGETS_NONEMPTY = Assumption("targets_nonempty", positive(TARGETS), "there is a target")
LOGS = column("L", K, TARGET)


def over_targets(entry: Any) -> Expression:
    """The mean over the targets."""
    return total(entry, TARGET) / TARGETS


def entry_of(name: str) -> Any:
    """The entries of one target of a table."""
    return lambda place: column(name, place, TARGET)


class Targets(Proofs):
    """The steps about a batch of several targets."""

    def vectors(self) -> Expression:
        """The mean over pairs of half the squared length of df - dy, over T."""
        i, j = (index(name, SIZE) for name in "ij")
        return (
            total(total(total(self.half_square(i, j), TARGET) / TARGETS, j), i)
            / Expression(SIZE) ** 2
        )

    def half_square(self, i: Index, j: Index) -> Expression:
        """1/2 (df_ij - dy_ij)^2 of target t"""
        (f, y), (g, z) = ([entry_of(name)(place) for name in ("F", "Y")] for place in (i, j))
        return Expression(((f - g) - (y - z)) ** 2 / 2)

    def differences_of_vectors(self) -> Theorem:
        """Their mean is the mean of the error variances of the targets."""
        given = kernel.assume(TARGETS_NONEMPTY.formula)
        i, j = (index(name, SIZE) for name in "ij")
        square = self.half_square(i, j)
        inner = self.step("at i, targets first", derived.exchange, total(total(square, TARGET), j))
        rows = self.step("at every i", kernel.sum_equal, inner, i)
        outer: Any = rows.conclusion
        whole = self.step("targets first", derived.exchange, outer.right)
        code = self.step("summed over the targets", kernel.sum_equal, self.code_is_pairs, TARGET)
        both = 1 / (TARGETS * Expression(SIZE) ** 2)
        goal = equal(self.vectors(), over_targets(self.about.pairs()))
        parts = [(both, rows), (both, whole)]
        pairs = self.combine("pairs of each target", goal, given, self.weight, of=parts)
        return self.step("differences of vectors", kernel.rewrite, pairs, code)

    def pooled(self) -> tuple[Expression, Expression]:
        """The variance of all errors, and what it is within and between the targets."""
        a, b = self.about, self.about.batch

        def over_all(entry: Any) -> Expression:
            return over_targets(b.mean(entry))

        centre = b.mean(a.d)
        between = over_targets((centre - over_targets(centre)) ** 2)
        return over_all((a.d - over_all(a.d)) ** 2), over_targets(a.var_d) + between


class Nested(Aggregation):
    """Aggregation of each target, then of the targets."""

    def stages(self) -> tuple[Expression, Expression]:
        """In two stages, and at once."""
        each = self.code(LOGS, shift=number("s"))
        over = self.formulas.kl_dro(each, ALPHA, number("u"), over_targets, self.xp)
        at_once = ALPHA * self.xp.log(over_targets(mean(power(ALPHA, LOGS))))
        return named("kl_dro of each target's kl_dro", "kl", over), at_once

    def nested(self) -> Theorem:
        """Both are the same."""
        code = self.code_is_closed
        inner = self.put_columns("each target", code, {"l": LOGS})
        each = self.code(LOGS, shift=number("s"))
        entries = {"l": (TARGET, each.term)}
        values = {"M": COUNT, "s": number("u").term}
        outer = self.step("over the targets", kernel.instantiate, code, values | entries)
        average = mean(power(ALPHA, LOGS))
        sign = self.step("a mean of powers", kernel.sign, average, self.known[1])
        undone = self.step("exp of its log", kernel.exp_log, sign)
        powers = self.xp.exp(each / ALPHA)
        start: Any = self.step("the power of a target", kernel.congruence, powers, inner)
        goal = equal(start.conclusion.right, average)
        end = self.combine("is the mean of its powers", goal, *self.known, of=[(1, undone)])
        both = self.step("each power", kernel.rewrite, start, end)
        summed = self.step("all powers", kernel.sum_equal, both, TARGET)
        return self.step("two stages", kernel.rewrite, outer, summed)


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

    about = Pairwise(formulas, f=entry_of("F"), y=entry_of("Y"))
    shifted = Pairwise(
        formulas, f=lambda place: entry_of("F")(place) + column("b", TARGET), y=entry_of("Y")
    )
    of_target = about.code("error_variance").term
    printed = replaced(of_target, TARGET, Index("i", COUNT, -1))
    named("error_variance of target i", r"\mathrm{error\_variance}_i", printed)
    says, stages = Targets(Script(), about), Nested(Script(), formulas)
    given = (*about.basic, TARGETS_NONEMPTY)
    claims = (
        Claim(
            "differences of vectors",
            given,
            equal(says.vectors(), over_targets(about.code("error_variance"))),
        ),
        Claim("pooled errors", given, equal(*says.pooled())),
        Claim(
            "a constant for each target",
            given,
            equal(over_targets(shifted.var_d), over_targets(about.var_d)),
        ),
        Claim(
            "two stages",
            (ALPHA_POS, LOSSES_NONEMPTY, TARGETS_NONEMPTY),
            equal(*stages.stages()),
        ),
    )

    def script(step: Script) -> None:
        proofs = Targets(step, about)
        step.show("differences of vectors", proofs.differences_of_vectors())
        known = (proofs.weight, kernel.assume(TARGETS_NONEMPTY.formula))
        for claim in claims[1:3]:
            step.show(claim.name, proofs.combine(claim.name, claim.conclusion, *known))
        step.show("two stages", Nested(step, formulas).nested())

    def code(batch: Any) -> Any:
        return formulas.error_variance(moments(formulas, batch))

    def averaged(case: Case) -> Any:
        return average(code(batch) for batch in by_target(case))

    def pearson(batch: ExactBatch) -> Any:
        return exactly(formulas.one_minus_pearson(moments(formulas, batch), sympy))

    def exact_aggregate(losses: Any, alpha: Any) -> Any:
        logs = exact_vector(map(sympy.log, losses))
        return formulas.kl_dro(logs, alpha, Integer(0), exact_mean, EXACT)

    return Statement(
        name="several-targets",
        title="The loss of several targets",
        where="the released code's average over targets; error_variance, kl_dro",
        claims=claims,
        script=script,
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
                "no loss",
                "M = 0 allowed",
                lambda case: (exact_aggregate(case.L, case.alpha), 0),
                cases=lambda: [Case(alpha=Integer(1), L=())],
                drops="losses_nonempty",
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
            control(
                "one target",
                "with T = 1 pooled and averaged are the same",
                lambda case: (averaged(case), code(flattened(case))),
                cases=lambda: [Case(f=(c.f[0],), y=(c.y[0],)) for c in small_tables()],
            ),
        ),
    )


if __name__ == "__main__":
    run_script(statement)
