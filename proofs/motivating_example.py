"""The motivating example, and what it stands for.

The errors (1, -1, 1, -1) and (1, 1, 1, 1) have the same mean absolute error and the same mean
squared error, 1; their error variances are 1 and 0. In general

    mean(d^2) = Var(d) + mean(d)^2,    mean((d - b)^2) = Var(d) + (mean(d) - b)^2,

so Var(d) is what is left of the squared error after the best constant correction b = mean(d), and
it is 0 exactly when one correction removes all errors.

Assumptions: batch_nonempty.

In the paper: the motivating example. In the code: `gar_verify.formulas.absolute`, `square`,
`error_variance`.
"""

from __future__ import annotations

from fractions import Fraction
from types import ModuleType
from typing import Any

from gar_verify import formulas as package_formulas

from .batches import ExactBatch, moments
from .language import equal, number
from .pairwise import Pairwise, Proofs
from .printing import run_script
from .script import Claim, Script
from .statements import Statement, Step, control, mutant

LABELS = (0, 1, 2, 3)


def with_errors(*errors: int) -> ExactBatch:
    """Predictions of the labels 0, 1, 2, 3 with these errors."""
    return ExactBatch(f=tuple(y + d for y, d in zip(LABELS, errors, strict=True)), y=LABELS)


SCATTERED, SHIFTED = with_errors(1, -1, 1, -1), with_errors(1, 1, 1, 1)


def statement(formulas: ModuleType = package_formulas) -> Statement:
    """The statement, over the given formulas."""

    def code(batch: Any) -> Any:
        return formulas.error_variance(moments(formulas, batch))

    def absolute(batch: Any) -> Any:
        return batch.mean(formulas.absolute(batch.f - batch.y))

    def squared(batch: Any) -> Any:
        return batch.mean(formulas.square(batch.f - batch.y))

    def the_example() -> list[Any]:
        return [
            *(absolute(batch) - 1 for batch in (SCATTERED, SHIFTED)),
            *(squared(batch) - 1 for batch in (SCATTERED, SHIFTED)),
            code(SCATTERED) - 1,
            code(SHIFTED),
        ]

    def corrected(batch: ExactBatch) -> ExactBatch:
        return ExactBatch(f=tuple(batch.f - batch.mean(batch.f - batch.y)), y=tuple(batch.y))

    def one_correction() -> list[Any]:
        return [
            absolute(corrected(SHIFTED)),
            squared(corrected(SHIFTED)),
            absolute(corrected(SCATTERED)) - 1,
        ]

    about, offset = Pairwise(formulas), number("b")
    left = about.batch.mean(formulas.square(about.batch.f - offset - about.batch.y))
    right = about.code("error_variance") + (about.m.mean_d - offset) ** 2
    claim = Claim("the general case", about.basic, equal(left, right))

    def script(step: Script) -> None:
        proofs = Proofs(step, about)
        known = (*proofs.licences, *proofs.share_guard)
        theorem = proofs.combine(claim.name, claim.conclusion, *known, of=[(-1, proofs.of_errors)])
        step.show(claim.name, theorem)

    return Statement(
        name="motivating-example",
        title="The motivating example: same errors in size, different in what is left to learn",
        where="the paper's motivating example; gar_verify.formulas.error_variance",
        claims=(claim,),
        script=script,
        plain="errors (1, -1, 1, -1) and (1, 1, 1, 1): MAE 1 and 1, MSE 1 and 1, Var(d) 1 and 0",
        latex=(r"d=(1,-1,1,-1):\ \ \mathrm{Var}(d)=1,\qquad d=(1,1,1,1):\ \ \mathrm{Var}(d)=0",),
        steps=(
            Step(
                "the example",
                "mean absolute and mean squared error are 1 for both, the error variances 1 and 0",
                the_example,
            ),
            Step(
                "one correction",
                "subtracting the mean error leaves no error in the second and all of it in the "
                "first",
                one_correction,
            ),
        ),
        mutants=(
            mutant(
                "same squared error",
                "batches with the same mean squared error taken to have the same error variance",
                lambda b: (code(b), code(SHIFTED)),
                cases=lambda: [SCATTERED],
                where=lambda b: squared(b) == squared(SHIFTED),
            ),
            mutant(
                "squared error",
                "the mean squared error taken for the error variance",
                lambda b: (squared(b), code(b)),
            ),
            mutant(
                "any errors corrected",
                "one correction taken to remove all errors of any batch",
                lambda b: (squared(corrected(b)), 0),
            ),
            mutant(
                "half the mean",
                "the best correction taken to be half the mean error",
                lambda b: (
                    b.mean((b.f - b.y - Fraction(1, 2) * b.mean(b.f - b.y)) ** 2),
                    code(b),
                ),
            ),
            mutant(
                "empty batch",
                "the statement with N = 0 allowed",
                lambda b: (squared(b), code(b)),
                cases=lambda: [ExactBatch(f=(), y=())],
                drops="batch_nonempty",
                undefined=True,
            ),
        ),
        controls=(
            control(
                "no correction",
                "b = 0: the mean squared error is the error variance and the squared mean error",
                lambda b: (squared(b), code(b) + b.mean(b.f - b.y) ** 2),
            ),
        ),
    )


if __name__ == "__main__":
    run_script(statement)
