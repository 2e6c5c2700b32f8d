"""The closed-form gradient that the backward pass computes.

Let phi be the conventional loss of one error and Phi any differentiable function of the three
sub-losses (mean phi(d), Var(d), 1 - rho). The derivative of Phi with respect to f_i is

    w_i / W * (conventional phi'(d_i) + residual r_i + label (y_i - mean y))

with the three coefficients of `gar_verify.formulas.sub_losses_gradient`. For the aggregation in log
form the derivatives of Phi in the sub-losses are p_k / L_k.

The proof takes the derivative along an arbitrary direction h, and without limits, in the manner of
Caratheodory: for every t

    loss(f + t h) - loss(f) = t S(t),      S(0) = (1/W) sum_i w_i (...)_i h_i,

with S written out. What is left to the reader is that S is continuous, a quotient of polynomials
and roots of positive numbers, and the chain rule from the sub-losses to Phi; Rocq proves both.

Assumptions: weight_pos, weights_nonneg, var_f_pos, var_y_pos, moved_var_f_pos (the predictions are
not all equal at f + t h either), scale_pos and moved_scale_pos for the concordance; x_pos and
loss_pos for the logarithm; v_pos and unexplained_nonneg for constant vectors. phi is differentiable
at every d_i (for |d|: no error is 0; there the code takes the slope 0).

In the paper: the claim that a step costs O(N). In the code: `gar_verify.formulas.sub_losses`,
`sub_losses_gradient`, `sample_gradient`, `error_variance_gradient`, `one_minus_pearson_gradient`,
`one_minus_concordance_gradient`, `residual_and_label`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from types import ModuleType
from typing import Any

import sympy
from sympy import Expr, Integer, Rational, Symbol

from gar_verify import formulas as package_formulas

from . import derived, kernel
from .batches import ExactBatch, exact_weighted_batches, moments
from .definitions import correlation, half_square, normalized_difference, variance
from .exact import Case
from .exponentials import Exponentials
from .kernel import Theorem
from .language import (
    XP,
    Expression,
    at_most,
    column,
    equal,
    everywhere,
    log,
    named,
    not_negative,
    number,
    positive,
    root,
)
from .pairwise import Pairwise, moments_of
from .printing import run_script
from .regression_moments import Split
from .script import Assumption, Claim, Script
from .statements import Control, Statement, mutant

T, SLOPE = number("t"), number("p")
BALANCED = ExactBatch(f=(1, 1, -1, -1), y=(5, -1, -1, -3))
"""Both standard deviations are whole numbers, so that every value is rational."""


def sub_losses(formulas: ModuleType, m: Any) -> Any:
    """The three sub-losses of the code."""
    return formulas.sub_losses(m, m, XP)


def sub_losses_gradient(formulas: ModuleType, m: Any, weights: Any) -> Any:
    """Their gradient, given the derivatives in them."""
    return formulas.sub_losses_gradient(m, m, weights, XP)


class Directional(Split):
    """What a loss of f + t h is."""

    def __init__(self, script: Script, formulas: ModuleType) -> None:
        """Over these formulas."""
        super().__init__(script, Pairwise(formulas, weighted=True))
        self.formulas = formulas
        b = self.about.batch
        self.h, self.slope = column("h", b.place), column("g", b.place)
        self.moved = Pairwise(
            formulas, weighted=True, f=lambda at: column("f", at) + T * column("h", at)
        )
        self.along_f = b.covariance(("f", b.f), ("h", self.h))
        self.along_y = b.covariance(("h", self.h), ("y", b.y))
        self.var_h, self.mean_h = b.variance("h", self.h), b.average("h", self.h)

    @cached_property
    def far(self) -> Split:
        """The same of f + t h."""
        return Split(self.script, self.moved, "at f + t h: ")

    def derivative(self, gradient: Any, slope: Any = None) -> Expression:
        """(1/W) sum_i w_i (conventional slope + residual r + label (y - mean y)) h_i"""
        a, along = self.about, self.slope if slope is None else Expression(slope)
        sample = self.formulas.sample_gradient(gradient, along, a.parts.residual, self.label)
        return a.batch.mean(Expression(sample) * self.h)

    @cached_property
    def any_gradient(self) -> Theorem:
        """For any coefficients: residual (Cov(f, h) - scale Cov(h, y)) + label Cov(h, y) + ..."""
        a, b, (k, u, v) = self.about, self.about.batch, map(number, "kuv")
        gradient = self.formulas.Gradient(conventional=k, residual=u, label=v)
        sample = self.formulas.sample_gradient(gradient, self.slope, a.parts.residual, self.label)
        plain = self.formulas.sample_gradient(gradient, self.slope, a.of_f, self.label)
        goal = equal(self.weighed(sample * self.h), self.weighed(plain * self.h))
        here = self.combine(
            "the residual of a sample",
            goal,
            *self.licences,
            *self.share_guard,
            of=[(u * self.h, self.plain_residual())],
        )
        summed = self.step("of all samples", kernel.sum_equal, here, b.place)
        left = self.derivative(gradient)
        start: Any = self.step("any coefficients", kernel.congruence, left, summed)
        goal = equal(
            start.conclusion.right, self.by_covariances(gradient, b.mean(self.slope * self.h))
        )
        end = self.combine("by covariances", goal, *self.licences)
        return self.step("any gradient", kernel.rewrite, start, end)

    def by_covariances(self, gradient: Any, mean_of_slopes: Any) -> Expression:
        """What a gradient is along h."""
        explained = self.about.m.scale * self.along_y
        residual = gradient.residual * (self.along_f - explained)
        return Expression(
            residual + gradient.label * self.along_y + gradient.conventional * mean_of_slopes
        )

    def gradient_of(self, name: str, gradient: Any, slope: Any) -> Theorem:
        """The derivative of the code for these coefficients, by covariances."""
        values = {"k": gradient.conventional, "u": gradient.residual, "v": gradient.label}
        found = self.put(f"{name}: its coefficients", self.any_gradient, values)
        entry = {"g": (self.about.batch.place, Expression(slope).term)}
        return self.step(f"{name}: its slope", kernel.instantiate, found, entry)

    # --- the error variance -------------------------------------------------------------------

    def variance_gradient(self) -> Any:
        """Its coefficients by the code."""
        return self.formulas.error_variance_gradient(self.about.m)

    def error_variance(self) -> Theorem:
        """error_variance(f + t h) = error_variance(f) + t S(0) + t^2 Var(h)"""
        code = self.about.code("error_variance")
        gradient = self.gradient_of("variance", self.variance_gradient(), SLOPE)
        by_cov: Any = gradient.conclusion
        clean = 2 * (self.along_f - self.along_y)
        parts = [(-2, self.gap_along)]
        same = self.combine(
            "which is 2 Cov(d, h)", equal(by_cov.right, clean), *self.licences, of=parts
        )
        slope = self.step("variance: S(0)", kernel.rewrite, gradient, same)
        derivative = self.derivative(self.variance_gradient(), SLOPE)
        right = code + T * derivative + T**2 * self.var_h
        start: Any = self.step("in variances", kernel.congruence, right, self.of_errors, slope)
        square = equal(start.conclusion.right, self.moved.var_d)
        whole = self.combine("the square", square, self.weight)
        there = self.step("of f + t h", derived.symmetric, self.far.of_errors)
        joined = self.step("from f to f + t h", kernel.rewrite, start, whole, there)
        return self.step("the error variance", derived.symmetric, joined)

    @cached_property
    def gap_along(self) -> Theorem:
        """(scale - slope - 1) Cov(h, y) = 0, whatever the labels."""
        b = self.about.batch
        centred = self.h - self.mean_h
        here = self.combine(
            "times h",
            equal(self.weighed(centred * self.gap * self.label), 0),
            *self.licences,
            of=[(centred, self.entry_gap)],
        )
        summed = self.step("times h, summed", kernel.sum_equal, here, b.place)
        goal = equal(self.gap * self.along_y, 0)
        return self.combine("along h", goal, *self.licences, of=[(1 / b.weight, summed)])

    # --- the correlation ------------------------------------------------------------------------

    def pearson_slope(self, t: Any, var_f: Any) -> Expression:
        """S(t) of 1 - rho, with Var(f + t h)."""
        s, far, s_y = root(self.about.var_f), root(var_f), root(self.about.m.var_y)
        steeper = self.about.cov * (2 * self.along_f + t * self.var_h)
        return Expression(steeper / ((s + far) * s * far * s_y) - self.along_y / (far * s_y))

    def pearson(self, moved_pos: Assumption) -> Theorem:
        """one_minus_pearson(f + t h) = one_minus_pearson(f) + t S(t)"""
        varies = self.given(moved_pos)
        here, there = self.code_is_pearson(), self.far_pearson()
        slope = self.pearson_slope(T, self.moved.var_f)
        known = (*self.roots, varies, self.labels_vary)
        goal = equal(1 - self.moved.rho(), 1 - self.about.rho() + T * slope)
        between = self.combine("from 1 - rho to 1 - rho", goal, *known)
        far: Any = self.step("to that of the code", derived.symmetric, there)
        near: Any = self.step("from that of the code", derived.symmetric, here)
        return self.step("the correlation moves", kernel.rewrite, between, far, near)

    def far_pearson(self) -> Theorem:
        """one_minus_pearson(f + t h) = 1 - rho(f + t h)"""
        return self.far.code_is_pearson()

    def pearson_gradient(self) -> Theorem:
        """Its gradient is S(0)."""
        a, r, v, c, d = map(number, "arvcd")
        f = self.formulas
        m = moments_of(f, var_y=v, scale=a, var_r=r)
        var_f = f.prediction_variance(m)
        known = [kernel.assume(positive(x)) for x in (v, var_f)]
        g, s_f, s_y = f.one_minus_pearson_gradient(m, XP), root(var_f), root(v)
        left = g.residual * (c - a * d) + g.label * d + g.conventional * number("e")
        right = a * v * (2 * c + 0 * number("q")) / ((s_f + s_f) * s_f * s_f * s_y) - d / (
            s_f * s_y
        )
        lemma = self.combine("for any moments", equal(left, right), *known)
        mean_of_slopes = self.about.batch.mean(SLOPE * self.h)
        m = self.about.m
        values = {"a": m.scale, "r": m.var_r, "v": m.var_y, "c": self.along_f, "d": self.along_y}
        values |= {"e": mean_of_slopes, "q": self.var_h}
        special = self.put(
            "for those of the batch", lemma, values, self.predictions_vary, self.labels_vary
        )
        gradient = self.gradient_of("correlation", f.one_minus_pearson_gradient(m, XP), SLOPE)
        joined = self.step("by covariances, then", kernel.rewrite, gradient, special)
        known_moments = (self.of_predictions, self.scale_is)
        right_of: Any = joined.conclusion
        start = self.step("in terms of f", kernel.congruence, right_of.right, *known_moments)
        return self.step("the gradient of 1 - rho", kernel.rewrite, joined, start)

    # --- the concordance ------------------------------------------------------------------------

    @cached_property
    def mean_error(self) -> Expression:
        """mean(f) - mean(y)"""
        b = self.about.batch
        return b.average("f", b.f) - b.average("y", b.y)

    def concordance_slope(self, t: Any, size: Any) -> Expression:
        """S(t) of 1 - CCC, with the scale at f + t h."""
        a, e, h = self.about, self.mean_error, self.mean_h
        loss, own = a.var_d + e**2, a.concordance_scale
        first = 2 * (self.along_f - self.along_y) + 2 * e * h
        scale = 2 * self.along_f + 2 * e * h
        second = t * (self.var_h + h**2)
        return Expression(((first + second) * own - loss * (scale + second)) / (own * size))

    def concordance(self, size_pos: Assumption, moved_pos: Assumption) -> Theorem:
        """one_minus_concordance(f + t h) = one_minus_concordance(f) + t S(t)"""
        known = (self.weight, self.given(size_pos), self.given(moved_pos))
        sides = [self.concordance_in_variances(proofs) for proofs in (self, self.far)]
        near, far = sides
        slope = self.concordance_slope(T, self.moved.concordance_scale)
        right, left = (side.conclusion.right for side in (near, far))
        goal = equal(left, Expression(right) + T * slope)
        between = self.combine("from 1 - CCC to 1 - CCC", goal, *known)
        back = [
            self.step(f"{name} of the code", derived.symmetric, side)
            for name, side in (("near", near), ("far", far))
        ]
        return self.step("the concordance moves", kernel.rewrite, between, *reversed(back))

    def concordance_in_variances(self, proofs: Split) -> Any:
        """one_minus_concordance, in variances."""
        a = proofs.about
        centre = proofs.moment("mean_d")
        code = a.code("one_minus_concordance")
        of = (proofs.of_errors, proofs.concordance_scale_is, centre)
        return proofs.step("1 - CCC in variances", kernel.congruence, code, *of)

    def concordance_gradient(self, size_pos: Assumption) -> Theorem:
        """Its gradient is S(0)."""
        a, b, r, v, e, c, d, h = map(number, ("a", "b", "r", "v", "e", "c", "d", "q"))
        f = self.formulas
        m = moments_of(f, mean_d=e, var_y=v, scale=a, slope=b, var_r=r)
        size, loss = f.concordance_scale(m), f.error_variance(m) + e**2
        g, gap = f.one_minus_concordance_gradient(m), a - b - 1
        left = g.residual * (c - a * d) + g.label * d + g.conventional * h
        right = ((2 * (c - d) + 2 * e * h) * size - loss * (2 * c + 2 * e * h)) / (size * size)
        known = kernel.assume(positive(size))
        share = 1 / (1 + abs(b))  # of `near` of the code; `far` is it where the gap is 0
        factor = -2 / size * (a + b - 1) / size * (c + e * h - share * a * d)
        parts = [
            (factor, kernel.assume(equal(gap * v, 0))),
            (-2 * share / size, kernel.assume(equal(gap * d, 0))),
        ]
        lemma = self.combine("for any concordance", equal(left, right), known, of=parts)
        m, one = self.about.m, Expression(1)
        values = {"a": m.scale, "b": m.slope, "r": m.var_r, "v": m.var_y, "e": m.mean_d}
        values |= {"c": self.along_f, "d": self.along_y, "q": self.about.batch.mean(one * self.h)}
        size_of = self.step("the scale of the code", derived.symmetric, self.concordance_scale_is)
        sized = self.step("is positive", kernel.rewrite, self.given(size_pos), size_of)
        special = self.put(
            "for that of the batch", lemma, values, sized, self.slopes_differ_by_one, self.gap_along
        )
        gradient = self.gradient_of("concordance", f.one_minus_concordance_gradient(m), one)
        joined: Any = self.step("and by covariances", kernel.rewrite, gradient, special)
        moments = (self.of_errors, self.concordance_scale_is, self.moment("mean_d"))
        start: Any = self.step(
            "in variances, S(0)", kernel.congruence, joined.conclusion.right, *moments
        )
        slope = self.concordance_slope(Expression(0), self.about.concordance_scale)
        goal = equal(start.conclusion.right, slope)
        end = self.combine("which is S(0)", goal, self.weight, self.given(size_pos))
        return self.step("the gradient of 1 - CCC", kernel.rewrite, joined, start, end)

    # --- chunks of a batch ------------------------------------------------------------------------

    def chunk(self) -> tuple[Any, Any]:
        """residual_and_label with any shifts, given the moments of the whole with those shifts."""
        a, b, f = self.about, self.about.batch, self.formulas
        shifts = f.Shifts(*map(number, ("p", "q", "u")))
        means = dict(
            zip(
                ("mean_f", "mean_d", "mean_y"),
                map(b.mean, f.shifted(b.f, b.y, shifts)),
                strict=True,
            )
        )
        found = f.residual_and_label(b.f, b.y, shifts, a.m._replace(**means))
        return found, shifts

    def chunks(self) -> tuple[Theorem, Theorem]:
        """They are residual and label of the whole."""
        (residual, _), shifts = self.chunk()
        b, f = self.about.batch, self.formulas
        ways = [f.shifted(b.f, b.y, s) for s in (shifts, f.UNSHIFTED)]
        centred = [[entry - b.mean(entry) for entry in way] for way in ways]
        at_sample = [
            self.combine(f"chunks: {name}, centred", equal(one, other), self.weight)
            for name, one, other in zip(("f", "d", "y"), *centred, strict=True)
        ]
        same = self.step("chunks: the residual", kernel.congruence, residual, *at_sample)
        return (
            self.step("chunks: every residual", kernel.each, same, b.place),
            self.step("chunks: every label", kernel.each, at_sample[2], b.place),
        )


class Logarithm(Exponentials):
    """The derivative of the logarithm, by tangents."""

    def tangents(self) -> tuple[Theorem, Theorem]:
        """log x - log L <= (x - L) / L, and (x - L) / x <= log x - log L"""
        x, loss = number("x"), number("L")
        known = [kernel.assume(positive(v)) for v in (x, loss)]
        quotient = self.put("log of x / L", self.log_quotient, {"y": x, "z": loss})
        ratio = self.step("x / L is positive", kernel.sign, x / loss, *known)
        below = self.put("log of x / L, below", self.log_below, {"z": x / loss}, ratio)
        goal = at_most(log(x) - log(loss), (x - loss) / loss)
        above = self.combine("the tangent of log", goal, *known, of=[(1, below), (-1, quotient)])
        swapped = {"x": loss.term, "L": x.term}
        turned = self.step("x and L exchanged", kernel.instantiate, above, swapped)
        goal = at_most((x - loss) / x, log(x) - log(loss))
        return above, self.combine("and from below", goal, *known, of=[(1, turned)])


TIME = Symbol("t", real=True)


def at_start(value: Any) -> Expr:
    """The derivative in t at t = 0."""
    return sympy.diff(value, TIME).subs(TIME, 0)


def derivative(loss: Callable[[Any], Any], batch: ExactBatch, place: int) -> Expr:
    """The exact derivative of a loss of a batch with respect to one prediction."""
    moved = [f + TIME if n == place else f for n, f in enumerate(map(sympy.sympify, batch.f))]
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

    says = Directional(Script(), formulas)
    about, moved, m = says.about, says.moved, says.about.m
    vary = (about.var_f_pos, about.var_y_pos)
    moved_f = Assumption("moved_var_f_pos", positive(moved.var_f), "nor are those at f + t h")
    size = Assumption("scale_pos", positive(about.concordance_scale))
    moved_size = Assumption("moved_scale_pos", positive(moved.concordance_scale))
    x, loss = number("x"), number("L")
    logs = (Assumption("x_pos", positive(x)), Assumption("loss_pos", positive(loss)))
    unexplained = Assumption("unexplained_nonneg", not_negative(number("r")))
    weights = tuple(map(number, ("a_c", "a_v", "a_p")))
    whole = sub_losses_gradient(formulas, m, weights)
    by_variance = formulas.error_variance_gradient(m)
    by_pearson = formulas.one_minus_pearson_gradient(m, XP)
    parts = ("conventional", "variance", "correlation")
    losses = (m.conventional, about.code("error_variance"), about.code("one_minus_pearson", XP))
    split = {
        "residual": weights[1] * by_variance.residual + weights[2] * by_pearson.residual,
        "label": weights[1] * by_variance.label + weights[2] * by_pearson.label,
        "conventional": weights[0],
    }
    pearson, concordance = (
        about.code(n, *more)
        for n, more in (("one_minus_pearson", (XP,)), ("one_minus_concordance", ()))
    )
    far = [
        moved.code(n, *more)
        for n, more in (("one_minus_pearson", (XP,)), ("one_minus_concordance", ()))
    ]
    variance_slope = says.derivative(by_variance, SLOPE)
    concordance_gradient = formulas.one_minus_concordance_gradient(m)
    for name, gradient, slope in (
        ("error variance", by_variance, SLOPE),
        ("1 - rho", by_pearson, SLOPE),
        ("1 - CCC", concordance_gradient, Expression(1)),
    ):
        tex = rf"\overline{{h\,\nabla\mathrm{{{name.replace(' ', chr(92) + ' ')}}}}}"
        named(f"mean(h times the gradient of {name})", tex, says.derivative(gradient, slope))
    (residual, label), _ = says.chunk()
    about.batch.named_entry("residual of a chunk", r"r_{i,\mathrm{chunk}}", residual)
    zero = Expression(0)
    numbers = {
        "constant predictions": moments_of(formulas, var_y=number("v"), scale=zero, var_r=zero),
        "constant labels": moments_of(formulas, var_y=zero, scale=zero, var_r=number("r")),
    }
    flat = {name: formulas.one_minus_pearson_gradient(n, XP) for name, n in numbers.items()}
    spread = Assumption("v_pos", positive(number("v")))
    identities = (
        *(
            Claim(f"the {name}", (), equal(sub_losses(formulas, m)[n], losses[n]))
            for n, name in enumerate(parts)
        ),
        *(
            Claim(f"{name} of all", (), equal(getattr(whole, name), value))
            for name, value in split.items()
        ),
    )
    claims = (
        Claim(
            "error variance",
            about.basic,
            equal(
                moved.code("error_variance"),
                about.code("error_variance") + T * variance_slope + T**2 * says.var_h,
            ),
        ),
        Claim(
            "correlation",
            (*about.basic, *vary, moved_f),
            equal(far[0], pearson + T * says.pearson_slope(T, moved.var_f)),
        ),
        Claim(
            "its gradient",
            (*about.basic, *vary),
            equal(
                says.derivative(by_pearson, SLOPE),
                says.pearson_slope(Expression(0), about.var_f),
            ),
        ),
        Claim(
            "concordance",
            (*about.basic, size, moved_size),
            equal(far[1], concordance + T * says.concordance_slope(T, moved.concordance_scale)),
        ),
        Claim(
            "gradient of the concordance",
            (*about.basic, size),
            equal(
                says.derivative(concordance_gradient, Expression(1)),
                says.concordance_slope(Expression(0), about.concordance_scale),
            ),
        ),
        Claim("logarithm", logs, at_most(log(x) - log(loss), (x - loss) / loss)),
        Claim("logarithm, from below", logs, at_most((x - loss) / x, log(x) - log(loss))),
        Claim(
            "constant predictions: residual",
            (spread,),
            equal(flat["constant predictions"].residual, 0),
        ),
        Claim(
            "constant predictions: label", (spread,), equal(flat["constant predictions"].label, 0)
        ),
        Claim(
            "constant labels: residual", (unexplained,), equal(flat["constant labels"].residual, 0)
        ),
        Claim(
            "residuals of chunks",
            about.basic[:1],
            everywhere(equal(residual, about.parts.residual), about.batch.place),
        ),
        Claim(
            "labels of chunks",
            about.basic[:1],
            everywhere(equal(label, about.parts.label), about.batch.place),
        ),
        *identities,
    )

    def script(step: Script) -> None:
        proofs = Directional(step, formulas)
        logarithm = Logarithm(step, "log: ").tangents()
        varies = kernel.assume(spread.formula)
        least = kernel.assume(unexplained.formula)
        simple = []
        for claim, known in zip(claims[7:10], ((varies,), (varies,), (least,)), strict=True):
            guards = []
            if known == (least,):
                n = numbers["constant labels"]
                var_f = formulas.prediction_variance(n)
                guards = [
                    proofs.guard("Var(f) without labels", var_f, least),
                    proofs.guard("s_f without labels", root(var_f), least),
                ]
            simple.append(proofs.combine(claim.name, claim.conclusion, *known, *guards))
        theorems = (
            proofs.error_variance(),
            proofs.pearson(moved_f),
            proofs.pearson_gradient(),
            proofs.concordance(size, moved_size),
            proofs.concordance_gradient(size),
            *logarithm,
            *simple,
            *proofs.chunks(),
        )
        for claim, theorem in zip(claims, theorems, strict=False):
            step.show(claim.name, theorem)
        for claim in identities:
            left: Any = claim.conclusion
            step.show(claim.name, proofs.step(claim.name, kernel.congruence, left.left))

    def code(batch: ExactBatch, gradient: Any, place: int = 0, weighted: bool = True) -> Any:
        """The derivative with respect to one prediction, from the coefficients."""
        parts = formulas.decompose(batch.f, batch.y, batch.mean)
        inner = gradient.residual * parts.residual[place] + gradient.label * parts.label[place]
        return (batch.w[place] / batch.weight if weighted else 1 / batch.size) * inner

    def by_variance_of(batch: ExactBatch) -> Any:
        return formulas.error_variance_gradient(moments(formulas, batch))

    def by_pearson_of(batch: ExactBatch) -> Any:
        return formulas.one_minus_pearson_gradient(moments(formulas, batch), sympy)

    def by_definition() -> list[Any]:
        left = []
        for place in range(4):
            for loss, gradient in (
                (pairwise_variance, by_variance_of),
                (pairwise_pearson, by_pearson_of),
            ):
                exact = derivative(loss, BALANCED, place)
                left.append(exact - code(BALANCED, gradient(BALANCED), place))
        return left

    def scaled(gradient: Any, factor: Any) -> Any:
        return gradient._replace(residual=factor * gradient.residual, label=factor * gradient.label)

    return Statement(
        name="closed-form-gradient",
        title="The gradient of the loss in closed form",
        where="what the backward pass computes; gar_verify.formulas.sub_losses_gradient",
        claims=claims,
        script=script,
        latex=(
            r"\frac{\partial\Phi}{\partial f_i}=\frac{w_i}{W}\left("
            r"a_c\,\varphi'(d_i)+\left[2a_v+a_p\frac{\rho}{\mathrm{Var}(f)}\right]r_i"
            r"+\left[2a_v\beta-\frac{a_p\,\mathrm{Var}(r)}{\mathrm{Var}(f)\,s_f s_y}\right]"
            r"(y_i-\bar{y})\right)",
            r"a_k=\frac{\partial\Phi}{\partial L_k};\quad "
            r"a_k=\frac{p_k}{L_k}\ \ \mathrm{for\ the\ aggregation}",
        ),
        mutants=(
            mutant(
                "factor 2 dropped",
                "(d_i - mean d) / N for the derivative of the error variance",
                lambda b: (
                    derivative(pairwise_variance, b, 0),
                    code(b, scaled(by_variance_of(b), Rational(1, 2))),
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
                    code(b, scaled(by_pearson_of(b), -1)),
                ),
                where=both_vary,
            ),
            mutant(
                "standard deviation forgotten",
                "the gradient of 1 - rho multiplied by s_f",
                lambda b: (
                    derivative(pairwise_pearson, b, 0),
                    code(b, scaled(by_pearson_of(b), sympy.sqrt(Rational(2, 9)))),
                ),
                where=both_vary,
            ),
            mutant(
                "weights forgotten",
                "1 / N for w_i / W",
                lambda b: (
                    derivative(pairwise_variance, b, 0),
                    code(b, by_variance_of(b), weighted=False),
                ),
                cases=exact_weighted_batches,
            ),
            mutant(
                "p_k for p_k / L_k",
                "the derivative of the aggregation in a loss taken to be its weight",
                lambda case: (at_start(sympy.log(case.L + TIME)), 1),
                cases=lambda: [Case(M=1, L=Integer(2))],
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
                lambda b: (code(b, by_pearson_of(b)), textbook_gradient(b, 0)),
                where=lambda b: b.varies("f") and not b.varies("y"),
                drops="var_y_pos",
                undefined=True,
            ),
            mutant(
                "log of 0",
                "the tangent of the logarithm at x = 0",
                lambda case: (1 / case.x, 0),
                cases=lambda: [Case(x=Integer(0))],
                drops="x_pos",
                undefined=True,
            ),
            mutant(
                "weights that hide the spread of the labels",
                "error_variance from its gradient, with a negative weight and labels that differ",
                lambda b: (formulas.error_variance(moments(formulas, b)), b.pair_mean(half_square)),
                cases=lambda: [ExactBatch(w=(1, 1, -1), f=(0, 2, 1), y=(0, 1, 1))],
                drops="weights_nonneg",
            ),
            *(
                mutant(
                    f"the same constant, {drops}",
                    "a quotient by Var(f) + Var(y) + (mean f - mean y)^2 = 0",
                    lambda b: (b.size / (variance(b, b.f) + variance(b, b.y)), 0),
                    where=lambda b: not b.varies("f") and not b.varies("y"),
                    drops=drops,
                    undefined=True,
                )
                for drops in ("scale_pos", "moved_scale_pos")
            ),
            mutant(
                "a variance below 0",
                "the root of a negative var_y",
                lambda case: (sympy.sqrt(case.v) ** 2, abs(case.v)),
                cases=lambda: [Case(v=Integer(-1))],
                drops="v_pos",
            ),
            mutant(
                "unexplained variance below 0",
                "the root of a negative var_r",
                lambda case: (sympy.sqrt(case.r) ** 2, abs(case.r)),
                cases=lambda: [Case(r=Integer(-1))],
                drops="unexplained_nonneg",
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
                lambda: [
                    textbook_gradient(BALANCED, place)
                    - code(BALANCED, by_pearson_of(BALANCED), place)
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
