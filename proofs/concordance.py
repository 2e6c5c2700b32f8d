"""Lin's concordance correlation coefficient, in a form that does not cancel.

With weights w_i of sum W > 0 and weighted means, variances and covariance,

    CCC = 2 Cov(f, y) / (Var(f) + Var(y) + (mean f - mean y)^2),
    1 - CCC = (Var(d) + mean(d)^2) / (Var(f) + Var(y) + mean(d)^2),    in [0, 2],

a quotient of sums of squares. Where predictions and labels are one and the same constant both are
0, and so is the code.

Assumptions: weight_pos, weights_nonneg; scale_pos, that f and y are not one constant, for the
identity.

Not in the paper; a metric that rewards the scale and the offset which Pearson's correlation leaves
free. In the code: `gar_verify.formulas.one_minus_concordance`, `concordance_scale`; its gradient is
in `closed_form_gradient`.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any

from gar_verify import formulas as package_formulas

from . import kernel
from .batches import ExactBatch, exact_weighted_batches, moments
from .definitions import covariance, variance
from .kernel import Theorem
from .language import at_most, equal, number, positive
from .pairwise import Pairwise, Proofs
from .printing import run_script
from .script import Assumption, Claim, Script
from .statements import Statement, control, mutant


def scale_of(batch: ExactBatch) -> Any:
    """Var(f) + Var(y) + (mean f - mean y)^2"""
    gap = batch.mean(batch.f) - batch.mean(batch.y)
    return variance(batch, batch.f) + variance(batch, batch.y) + gap**2


def textbook(batch: ExactBatch) -> Any:
    """1 - CCC by its definition."""
    return 1 - 2 * covariance(batch, batch.f, batch.y) / scale_of(batch)


def statement(formulas: ModuleType = package_formulas) -> Statement:
    """The statement, over the given formulas."""

    about = Pairwise(formulas, weighted=True)
    same = Pairwise(formulas, weighted=True, f=lambda _: number("a"), y=lambda _: number("a"))
    size = Assumption(
        "scale_pos", positive(about.concordance_scale), "f and y are not one constant"
    )
    code, none = (pair.code("one_minus_concordance") for pair in (about, same))
    claims = (
        Claim("the code", (*about.basic, size), equal(code, 1 - about.concordance())),
        Claim("at least 0", about.basic, at_most(0, code)),
        Claim("at most 2", about.basic, at_most(code, 2)),
        Claim("one constant", about.basic, equal(none, 0)),
    )

    def one_constant(proofs: Proofs) -> Theorem:
        known = (proofs.of_errors, proofs.concordance_scale_is)
        start: Any = proofs.step("in variances", kernel.congruence, none, *known)
        end = proofs.combine("which are 0", equal(start.conclusion.right, 0), proofs.weight)
        return proofs.step("the code of one constant", kernel.rewrite, start, end)

    def script(step: Script) -> None:
        proofs = Proofs(step, about)
        step.show("the code", proofs.code_is_concordance(size))
        for name, theorem in zip(
            ("at least 0", "at most 2"), proofs.concordance_range(), strict=True
        ):
            step.show(name, theorem)
        step.show("one constant", one_constant(Proofs(step, same, "one constant: ")))

    def computed(batch: ExactBatch) -> Any:
        return formulas.one_minus_concordance(moments(formulas, batch))

    def varied(batch: ExactBatch) -> bool:
        return bool(scale_of(batch) > 0)

    return Statement(
        name="concordance",
        title="One minus the concordance correlation coefficient",
        where="not in the paper; gar_verify.formulas.one_minus_concordance",
        claims=claims,
        script=script,
        mutants=(
            mutant(
                "factor 2 dropped",
                "CCC = Cov(f, y) / (Var(f) + Var(y) + (mean f - mean y)^2)",
                lambda b: (computed(b), (1 + textbook(b)) / 2),
                where=varied,
            ),
            mutant(
                "means forgotten",
                "the denominator Var(f) + Var(y)",
                lambda b: (
                    computed(b),
                    1 - 2 * covariance(b, b.f, b.y) / (variance(b, b.f) + variance(b, b.y)),
                ),
                where=varied,
            ),
            mutant(
                "at most 1",
                "1 - CCC at most 1",
                lambda b: (computed(b), 1),
                at_most=True,
            ),
            mutant(
                "a negative weight",
                "1 - CCC at least 0 with the weights (3, -2)",
                lambda b: (0, computed(b)),
                cases=lambda: [
                    b
                    for f in (0, 1, 2)
                    for y in (0, 1, -1)
                    for b in [ExactBatch(w=(3, -2), f=(0, f), y=(1, y))]
                ],
                drops="weights_nonneg",
                at_most=True,
            ),
        ),
        controls=(
            control(
                "weighted batches",
                "on small batches with weights 1 and 2 the code is the definition",
                lambda b: (computed(b), textbook(b)),
                cases=lambda: [
                    b for b, _ in zip(exact_weighted_batches(), range(60), strict=False)
                ],
                where=varied,
            ),
        ),
    )


if __name__ == "__main__":
    run_script(statement)
