"""The moments that a batch enters by, and what they determine.

With weights w of sum W > 0, weighted means, and d = f - y, predictions and errors are split along
the labels, with one residual r,

    f_i - mean(f) = scale (y_i - mean(y)) + r_i,    scale Var(y) = Cov(f, y),    var_r = mean(r^2),
    d_i - mean(d) = slope (y_i - mean(y)) + r_i,    slope Var(y) = Cov(d, y),
    Var(d) = var_r + slope^2 Var(y),  Var(f) = var_r + scale^2 Var(y),  1 - rho^2 = var_r / Var(f),

so that the sub-losses are functions of W, the means, Var(y), scale, slope, var_r and the mean
conventional loss: O(N) work for a batch of N. The residual is a weighted mean of that of the
predictions and that of the errors; its share does not matter, since scale = 1 + slope. Shifting f
and y before anything is averaged changes nothing, nor does what rounding took from f - y, added
back: in exact arithmetic it is 0. The share of the code lies between 0 and 1, and weighs both
slopes alike. All of it holds where Var(y) = 0 too, the split at every sample whose weight is not 0.

Assumptions: weight_pos; var_y_pos and var_f_pos where they are divided by; weights_nonneg where
Var(y) = 0 is allowed; ratio_defined for a / b.

In the paper: the remark on complexity. In the code: `gar_verify.formulas.decompose`, `moments`,
`shifted`, `lost`, `residual`, `error_share`, `ratio` and `prediction_variance`.
"""

from __future__ import annotations

from functools import cache
from types import ModuleType
from typing import Any

from gar_verify import formulas as package_formulas

from . import derived, kernel
from .batches import ExactBatch, exact_weighted_batches, moments
from .definitions import covariance, variance
from .kernel import Theorem
from .language import (
    Expression,
    at_most,
    column,
    equal,
    everywhere,
    named,
    not_negative,
    number,
    positive,
)
from .pairwise import Pairwise, Proofs
from .printing import run_script
from .script import Assumption, Claim, Script
from .statements import Statement, control, mutant

FIELDS = ("mean_f", "mean_d", "mean_y", "var_y", "scale", "slope", "residual", "label")
"""The parts of a decomposition, in the order in which one rests on the other."""


class Split(Proofs):
    """What the decomposition of the code is, sample by sample and on average."""

    def at_samples(self, which: str) -> Theorem:
        """w_i (f_i - mean f) = w_i (scale (y_i - mean y) + r_i), and the same of errors."""
        a, s = self.about, number("s")
        centred, along = self.split_of(which)
        left, right = (self.weighed(part) for part in (centred, along + a.residual(s)))
        factor = -s if which == "f" else 1 - s
        part = [(factor, self.entry_gap)]
        goal = equal(left, right)
        any_share = self.combine(f"{which}: with any share", goal, *self.licences, of=part)
        share = a.formulas.error_share(a.parts.scale, a.parts.slope)
        here = self.put(f"{which}: with that of the code", any_share, {"s": share})
        return self.step(f"{which}: at every sample", kernel.each, here, a.batch.place)

    def split_of(self, which: str) -> tuple[Expression, Expression]:
        """The centred column, and its part along the labels."""
        a, b = self.about, self.about.batch
        entry, slope = (b.f, a.parts.scale) if which == "f" else (a.d, a.parts.slope)
        return entry - b.average(which, entry), slope * self.label

    def plain_residual(self) -> Theorem:
        """w_i r_i = w_i (f_i - mean f - scale (y_i - mean y))"""
        a, s = self.about, number("s")
        goal = equal(self.weighed(a.residual(s)), self.weighed(a.of_f))
        any_share = self.combine(
            "residuals of any share", goal, *self.licences, of=[(s, self.entry_gap)]
        )
        share = a.formulas.error_share(a.parts.scale, a.parts.slope)
        return self.put("residuals", any_share, {"s": share})

    def orthogonal(self) -> tuple[Theorem, Theorem]:
        """The residual has mean 0, and no covariance with the labels."""
        a, b, plain = self.about, self.about.batch, self.plain_residual()
        summed = self.step("residuals, summed", kernel.sum_equal, plain, b.place)
        product = self.combine(
            "residuals times labels",
            equal(self.weighed(a.parts.residual * self.label), self.weighed(a.of_f * self.label)),
            *self.licences,
            *self.share_guard,
            of=[(self.label, plain)],
        )
        products = self.step("their sum", kernel.sum_equal, product, b.place)
        found = []
        for name, entry, one, parts in (
            ("no mean", a.parts.residual, summed, []),
            ("no covariance", a.parts.residual * self.label, products, [(-1, self.scale_is)]),
        ):
            start: Any = self.step(
                f"{name}: of the predictions", kernel.congruence, b.mean(entry), one
            )
            goal = equal(start.conclusion.right, 0)
            end = self.combine(f"{name}: is 0", goal, *self.licences, of=parts)
            found.append(self.step(name, kernel.rewrite, start, end))
        return found[0], found[1]

    def share(self, a: Expression, b: Expression) -> tuple[Theorem, Theorem, Theorem]:
        """0 <= e, e <= 1 and (1 - e) |a| = e |b|, for the share e of two slopes."""
        e, size = Expression(self.about.formulas.error_share(a, b)), abs(a) + abs(b)
        whole, guard = Expression(e.term.right), self.guard("the slopes", size)
        least = self.step("the share is not negative", kernel.sign, e, guard)
        rest = self.step("nor is the rest", kernel.sign, (abs(b) + 1 * (size == 0)) / whole, guard)
        most = self.combine("the share is at most 1", at_most(e, 1), guard, of=[(1, rest)])
        signs = [self.step(f"|{s.term}|", kernel.sign, abs(s)) for s in (a, b)]
        least_size = self.step("both slopes", kernel.sign, size)
        either = self.step("there is a slope or none", kernel.split, least_size)
        goal = equal((1 - e) * abs(a), e * abs(b))

        def show(name: str, case: Theorem) -> Theorem:
            if case.conclusion == positive(size):
                return self.combine(name, goal, case)
            small = self.combine(
                f"{name}: no more", at_most(abs(a), 0), of=[(1, case), (1, signs[1])]
            )
            none = self.step(f"{name}: none", derived.antisymmetric, small, signs[0])
            return self.combine(name, goal, guard, of=[((whole - size) / whole, none)])

        return least, most, self.by_cases("both are weighed alike", either, show)

    @cache  # noqa: B019 - one object a script
    def moment(self, name: str) -> Theorem:
        """A moment of the code is what its name says."""
        right = self.named_moments()[name]
        goal = equal(getattr(self.about.m, name), right)
        return self.combine(f"the moment {name}", goal, self.weight)

    def named_moments(self) -> dict[str, Expression]:
        """What the names of the moments say."""
        a, b = self.about, self.about.batch
        return {
            "mean_f": b.average("f", b.f),
            "mean_d": b.average("f", b.f) - b.average("y", b.y),
            "mean_y": b.average("y", b.y),
            "var_y": a.var_y,
            "conventional": b.average("c", column("c", b.place)),
        }

    def with_shifts(self) -> Any:
        """The decomposition of the code, with any shifts."""
        b, formulas = self.about.batch, self.about.formulas
        shifts = formulas.Shifts(*map(number, ("p", "q", "u")))
        found = formulas.decompose(b.f, b.y, b.mean, shifts)
        for name, part in found._asdict().items():
            text = name.replace("_", r"\_")
            b.named_entry(f"{name} with shifts", rf"\mathrm{{{text}}}_{{p,q,u}}", part)
        return found, shifts

    def shifts_change_nothing(self) -> dict[str, Theorem]:
        """Each part of the decomposition is the same with shifts and without."""
        (moved, shifts), a, b = self.with_shifts(), self.about, self.about.batch
        formulas, found = a.formulas, dict[str, Theorem]()
        for name in ("mean_f", "mean_d", "mean_y", "var_y"):
            goal = equal(getattr(moved, name), getattr(a.parts, name))
            found[name] = self.combine(f"shifts: {name}", goal, self.weight)
        ways = [formulas.shifted(b.f, b.y, s) for s in (shifts, formulas.UNSHIFTED)]
        centred = [[entry - b.mean(entry) for entry in way] for way in ways]
        at_sample = [
            self.combine(f"shifts: {name}, centred", equal(one, other), self.weight)
            for name, one, other in zip(("f", "d", "y"), *centred, strict=True)
        ]
        for name, at in (("scale", 0), ("slope", 1)):
            covariances = [b.mean(way[at], way[2]) for way in centred]
            same = self.combine(f"shifts: Cov, {name}", equal(*covariances), self.weight)
            start = getattr(moved, name)
            found[name] = self.step(
                f"shifts: {name}", kernel.congruence, start, same, found["var_y"]
            )
        steps = (found["scale"], found["slope"], *at_sample)
        residual = self.step("shifts: residual", kernel.congruence, moved.residual, *steps)
        for name, theorem in (("residual", residual), ("label", at_sample[2])):
            found[name] = self.step(f"shifts: each {name}", kernel.each, theorem, b.place)
        return found


def statement(formulas: ModuleType = package_formulas) -> Statement:
    """The statement, over the given formulas."""

    about = Pairwise(formulas, weighted=True)
    b, m, weight, labels = about.batch, about.m, about.weight_pos, about.var_y_pos
    a_, b_, c_ = map(number, "abc")
    defined = Assumption("ratio_defined", positive(b_), "the divisor is positive")
    plain, basic = Split(Script(), about), about.basic
    share = named("error_share(a, b)", r"\mathrm{error\_share}(a,b)", formulas.error_share(a_, b_))

    def split_claim(which: str) -> Any:
        centred, along = plain.split_of(which)
        sides = (plain.weighed(p) for p in (centred, along + about.parts.residual))
        return everywhere(equal(*sides), b.place)

    (moved, _), parts = plain.with_shifts(), about.parts
    shift_claims = []
    for name in FIELDS:
        same = equal(getattr(moved, name), getattr(parts, name))
        at_each = name in ("residual", "label")
        formula = everywhere(same, b.place) if at_each else same
        shift_claims.append(Claim(f"shifts do not change {name}", (weight,), formula))
    claims = (
        Claim("scale", (weight, labels), equal(m.scale, about.best)),
        Claim("slope", (weight, labels), equal(m.slope, about.cov_d / about.var_y)),
        Claim("scale and slope", (weight, labels), equal(m.scale, 1 + m.slope)),
        Claim("predictions", basic, split_claim("f")),
        Claim("errors", basic, split_claim("d")),
        Claim("no mean", basic, equal(b.mean(parts.residual), 0)),
        Claim("no covariance", basic, equal(b.mean(parts.residual * parts.label), 0)),
        Claim("Var(d)", basic, equal(about.code("error_variance"), about.var_d)),
        Claim("Var(f)", basic, equal(about.code("prediction_variance"), about.var_f)),
        Claim("Cov(f, y)", basic, equal(m.scale * m.var_y, about.cov)),
        Claim("Cov(d, y)", basic, equal(m.slope * m.var_y, about.cov_d)),
        Claim(
            "correlation",
            (weight, about.var_f_pos, labels),
            equal(1 - about.rho() ** 2, m.var_r / about.var_f),
        ),
        *(
            Claim(name, (weight,), equal(getattr(m, name), value))
            for name, value in plain.named_moments().items()
        ),
        *shift_claims,
        Claim("a share is not negative", (), not_negative(share)),
        Claim("a share is at most 1", (), at_most(share, 1)),
        Claim(
            "a share weighs both slopes alike", (), equal((1 - share) * abs(a_), share * abs(b_))
        ),
        Claim("what a difference lost", (), equal(formulas.lost(a_, b_, c_), a_ - b_ - c_)),
        Claim("a ratio", (defined,), equal(formulas.ratio(a_, b_), a_ / b_)),
        Claim("nothing of nothing", (), equal(formulas.ratio(Expression(0), Expression(0)), 0)),
    )

    def script(step: Script) -> None:
        proofs = Split(step, about)
        step.show("scale", proofs.slope_of_code("f"))
        step.show("slope", proofs.slope_of_code("d"))
        step.show("scale and slope", proofs.scale_is_one_more())
        step.show("predictions", proofs.at_samples("f"))
        step.show("errors", proofs.at_samples("d"))
        for name, theorem in zip(("no mean", "no covariance"), proofs.orthogonal(), strict=True):
            step.show(name, theorem)
        step.show("Var(d)", proofs.of_errors)
        step.show("Var(f)", proofs.of_predictions)
        step.show("Cov(f, y)", proofs.scale_is)
        step.show("Cov(d, y)", proofs.slope_is)
        step.show("correlation", proofs.unexplained_share())
        for name in proofs.named_moments():
            step.show(name, proofs.moment(name))
        for name, theorem in proofs.shifts_change_nothing().items():
            step.show(f"shifts do not change {name}", theorem)
        for claim, theorem in zip(claims[-6:-3], proofs.share(a_, b_), strict=True):
            step.show(claim.name, theorem)
        lost = claims[-3]
        step.show(lost.name, proofs.combine("lost", lost.conclusion))
        divisor = kernel.assume(defined.formula)
        step.show("a ratio", proofs.combine("a ratio", claims[-2].conclusion, divisor))
        step.show("nothing of nothing", proofs.combine("no ratio", claims[-1].conclusion))

    def code(batch: Any) -> Any:
        return moments(formulas, batch)

    def labels_vary(batch: ExactBatch) -> bool:
        return batch.varies("y")

    return Statement(
        name="regression-moments",
        title="The moments of a batch, and what they determine",
        where="the paper's remark on complexity; gar_verify.formulas.decompose and moments",
        claims=claims,
        script=script,
        mutants=(
            mutant(
                "slope not centred",
                "mean(d y) / mean(y^2) for the slope",
                lambda b: (code(b).slope, b.mean((b.f - b.y) * b.y) / b.mean(b.y * b.y)),
                where=labels_vary,
            ),
            mutant(
                "slope of the predictions",
                "Var(f) = var_r + slope^2 Var(y)",
                lambda b: (variance(b, b.f), code(b).var_r + code(b).slope ** 2 * code(b).var_y),
                where=labels_vary,
            ),
            mutant(
                "residuals of the errors",
                "the split of the errors with scale for slope",
                lambda b: (code(b).var_r, variance(b, b.f - b.y - code(b).scale * b.y)),
                where=labels_vary,
            ),
            mutant(
                "all of the variance",
                "var_r taken to be Var(d)",
                lambda b: (code(b).var_r, variance(b, b.f - b.y)),
                where=labels_vary,
            ),
            mutant(
                "weights forgotten",
                "the weighted var_y taken to be that without weights",
                lambda b: (code(b).var_y, variance(ExactBatch(y=tuple(b.y)), b.y)),
                cases=exact_weighted_batches,
            ),
            mutant(
                "weights that hide the spread of the labels",
                "error_variance with a negative weight, Var(y) = 0 and labels that differ",
                lambda b: (formulas.error_variance(code(b)), variance(b, b.f - b.y)),
                cases=lambda: [ExactBatch(w=(1, 1, -1), f=(0, 2, 1), y=(0, 1, 1))],
                drops="weights_nonneg",
            ),
            mutant(
                "constant labels",
                "slope = Cov(d, y) / Var(y) with Var(y) = 0 allowed",
                lambda b: (code(b).slope, covariance(b, b.f - b.y, b.y) / variance(b, b.y)),
                where=lambda b: not b.varies("y"),
                drops="var_y_pos",
                undefined=True,
            ),
            mutant(
                "constant predictions",
                "1 - rho^2 = var_r / Var(f) with Var(f) = 0 allowed",
                lambda b: (
                    1 - covariance(b, b.f, b.y) ** 2 / (variance(b, b.f) * variance(b, b.y)),
                    code(b).var_r / variance(b, b.f),
                ),
                where=lambda b: labels_vary(b) and not b.varies("f"),
                drops="var_f_pos",
                undefined=True,
            ),
        ),
        controls=(
            control(
                "weights in other units",
                "all weights multiplied by 3 leave var_r as it is",
                lambda b: (
                    code(b).var_r,
                    code(ExactBatch(w=tuple(3 * b.w), f=tuple(b.f), y=tuple(b.y))).var_r,
                ),
                cases=lambda: [
                    b for b, _ in zip(exact_weighted_batches(), range(50), strict=False)
                ],
            ),
        ),
    )


if __name__ == "__main__":
    run_script(statement)
