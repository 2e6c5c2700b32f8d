"""Theorems 1, 2 and 3 in the kernel, with weights and without: one development for both.

Each method shows one thing about a batch and what `gar_verify.formulas` makes of it; the statements
of the single theorems and of the weights claim what they need. Theorems are kept, so that a step is
taken once in a script.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, cached_property
from types import ModuleType
from typing import Any

from . import kernel
from .kernel import Theorem
from .language import (
    SIZE,
    XP,
    Batch,
    Expression,
    equal,
    everywhere,
    named,
    not_negative,
    number,
    positive,
    root,
    term_of,
)
from .script import Assumption, Script
from .terms import ONE, Divide, LessEqual, Power, index, opened


class Pairwise:
    """What is said of a batch, as terms and formulas."""

    def __init__(self, formulas: ModuleType, weighted: bool = False, **columns: Any) -> None:
        """The batch, its moments by the code, and the hypotheses that claims may name."""
        self.formulas = formulas
        self.batch = b = Batch(weighted, **columns)
        self.m = b.moments(formulas)
        self.d = b.f - b.y
        self.var_d, self.var_f, self.var_y = (
            b.variance(n, e) for n, e in (("d", self.d), ("f", b.f), ("y", b.y))
        )
        self.cov = b.covariance(("f", b.f), ("y", b.y))
        self.cov_d = b.covariance(("d", self.d), ("y", b.y))
        self.weight_pos = (
            Assumption("weight_pos", positive(b.weight), "the weights have a positive sum")
            if weighted
            else Assumption("batch_nonempty", positive(b.weight), "the batch has a sample")
        )
        self.weights_nonneg = Assumption(
            "weights_nonneg", everywhere(not_negative(b.w), b.place), "no weight is negative"
        )
        self.var_f_pos = Assumption(
            "var_f_pos", positive(self.var_f), "the predictions are not all equal"
        )
        self.var_y_pos = Assumption(
            "var_y_pos", positive(self.var_y), "the labels are not all equal"
        )
        self.basic = (self.weight_pos, *[self.weights_nonneg] * weighted)

    # --- the definitions of the paper -------------------------------------------------------

    def pairs(self, c: Any = None) -> Expression:
        """The mean over all pairs of 1/2 (df - c dy)^2."""

        def half_square(a: Any, b: Any) -> Any:
            dy = a.y - b.y
            return ((a.f - b.f) - (dy if c is None else c * dy)) ** 2 / 2

        return self.batch.pair_mean(half_square)

    def centred(self) -> Expression:
        """The mean of ((f - mean f) - (y - mean y))^2."""
        b = self.batch
        return b.mean(((b.f - b.average("f", b.f)) - (b.y - b.average("y", b.y))) ** 2)

    def norm(self, which: str) -> Expression:
        """The norm of the differences, as a vector of N^2 entries."""
        squares = self.batch.pair_total(lambda a, b: (getattr(a, which) - getattr(b, which)) ** 2)
        return named(f"||d{which}||", rf"\Vert\mathrm{{d}}{which}\Vert", root(squares))

    def normalized(self, sign: int = -1) -> Expression:
        """1/2 || df / ||df|| -+ dy / ||dy|| ||^2"""
        f, y = self.norm("f"), self.norm("y")

        def square(a: Any, b: Any) -> Any:
            one, other = (a.f - b.f) / f, (a.y - b.y) / y
            return (one - other if sign < 0 else one + other) ** 2

        return self.batch.pair_total(square) / 2

    def rho(self) -> Expression:
        """Pearson's correlation."""
        w = "_w" * self.batch.weighted
        value = self.cov / (root(self.var_f) * root(self.var_y))
        return named(f"rho{w}(f, y)", rf"\rho{w}(f,y)", value)

    @cached_property
    def best(self) -> Expression:
        """c* = Cov(f, y) / Var(y)"""
        return named("c*", "c^*", self.cov / self.var_y)

    @cached_property
    def square_weights(self) -> Expression:
        """sum_i w_i^2"""
        return self.batch.total(self.batch.w * self.batch.w)

    # --- what the code computes ---------------------------------------------------------------

    def code(self, function: str, *more: Any) -> Expression:
        """A function of the formulas, applied to the moments of the batch."""
        value = getattr(self.formulas, function)(self.m, *more)
        tex = function.replace("_", r"\_")
        note = self.batch.note
        return named(f"{function}(m{note})", rf"\mathrm{{{tex}}}(m{note})", value)


class Proofs:
    """The steps that show these things, each taken once."""

    def __init__(self, script: Script, about: Pairwise, prefix: str = "") -> None:
        """Steps are named with the prefix, when one script treats two batches."""
        self.script, self.about, self.prefix = script, about, prefix

    def step(self, name: str, rule: Callable[..., Theorem], *given: Any, **more: Any) -> Theorem:
        """A step of the script."""
        terms = [term_of(g) if isinstance(g, Expression) else g for g in given]
        return self.script(f"{self.prefix}{name}", rule, *terms, **more)

    @cache  # noqa: B019 - one object a script
    def given(self, assumption: Assumption) -> Theorem:
        """A hypothesis of the claim."""
        return kernel.assume(assumption.formula)

    @cached_property
    def weight(self) -> Theorem:
        """0 < W"""
        return self.given(self.about.weight_pos)

    @cached_property
    def basic(self) -> tuple[Theorem, ...]:
        """What is known of the weights: nothing to assume where they are all 1."""
        return tuple(map(self.given, self.about.basic))

    @cached_property
    def vary(self) -> tuple[Theorem, ...]:
        """0 < Var(f) and 0 < Var(y)"""
        return self.given(self.about.var_f_pos), self.given(self.about.var_y_pos)

    # --- Theorem 1 ------------------------------------------------------------------------------

    def pairs_are_centred(self) -> Theorem:
        """The double sum is the sum of centred squares, and the variance of the errors."""
        a = self.about
        return self.step(
            "pairs are centred squares", kernel.identity, a.pairs(), a.centred(), self.weight
        )

    def pairs_are_variance(self) -> Theorem:
        """The same as Var(d)."""
        a = self.about
        return self.step("pairs are the variance", kernel.identity, a.pairs(), a.var_d, self.weight)

    @cached_property
    def spread(self) -> Theorem:
        """0 < Var(y) or Var(y) = 0: all cases."""
        least = self.step("Var(y) is not negative", kernel.sign, self.about.var_y, *self.basic)
        return self.step("the cases are all", kernel.split, least)

    @cached_property
    def flat(self) -> Theorem:
        """Var(y) = 0"""
        return kernel.assume(equal(self.about.var_y, 0))

    @cached_property
    def flat_entry(self) -> Theorem:
        """Where Var(y) = 0, w_i (y_i - mean y) = 0 at every sample."""
        b = self.about.batch
        label = b.y - b.average("y", b.y)
        square = b.w * label**2 if b.weighted else label**2
        none = self.step(
            "Var(y) = 0: the sum",
            kernel.combine,
            b.total(square),
            term_of(0),
            [(b.weight.term, self.flat)],
            self.weight,
        )
        here = [kernel.at(self.basic[1], b.place)] if b.weighted else []
        least = self.step("each term is not negative", kernel.sign, square, *here)
        zero = self.step("so each term is 0", kernel.zero_terms, none, least, b.place)
        if b.weighted:
            weighed = Power((b.w * label).term, 2)
            zero = self.step(
                "times its weight",
                kernel.combine,
                weighed,
                term_of(0),
                [(b.w.term, zero)],
                self.weight,
            )
        return self.step("and so is its root", kernel.zero_base, zero)

    @cached_property
    def flat_covariance(self) -> Theorem:
        """Where Var(y) = 0, Cov(d, y) = 0."""
        a, b = self.about, self.about.batch
        error = a.d - b.average("d", a.d)
        label = b.y - b.average("y", b.y)
        product = b.w * (error * label) if b.weighted else error * label
        here = self.step(
            "errors times labels",
            kernel.combine,
            product,
            term_of(0),
            [(error.term, self.flat_entry)],
            self.weight,
        )
        summed = self.step("summed", kernel.sum_equal, here, b.place)
        return self.step(
            "Cov(d, y) = 0",
            kernel.combine,
            a.cov_d,
            term_of(0),
            [(Divide(ONE, b.weight.term), summed)],
            self.weight,
        )

    @cached_property
    def flat_slope(self) -> Theorem:
        """Where Var(y) = 0, the slope of the code is 0."""
        a = self.about
        divisor = a.m.var_y + 1 * (a.m.var_y == 0)
        return self.step(
            "the slope is 0",
            kernel.combine,
            a.m.slope,
            term_of(0),
            [(Divide(ONE, divisor.term), self.flat_covariance)],
            *self.flat_licences,
        )

    @cached_property
    def flat_licences(self) -> tuple[Theorem, ...]:
        """What the code may divide by where Var(y) = 0."""
        a = self.about
        none = self.step(
            "var_y is 0", kernel.combine, a.m.var_y, term_of(0), [(ONE, self.flat)], self.weight
        )
        divisor = a.m.var_y + 1 * (a.m.var_y == 0)
        guard = self.step("the guard is positive", kernel.sign, divisor, none, *self.basic)
        return self.weight, none, guard

    def code_is_pairs(self) -> Theorem:
        """error_variance is the double sum, whatever the labels."""
        a = self.about
        code = a.code("error_variance")
        vary = self.step(
            "the code, labels not all equal",
            kernel.identity,
            a.pairs(),
            code,
            self.weight,
            self.given(a.var_y_pos),
        )
        slope = self.flat_slope
        factor = 2 * a.cov_d - 2 * a.m.slope * a.m.var_y
        flat = self.step(
            "the code, labels without spread",
            kernel.combine,
            a.pairs(),
            code,
            [(factor.term, slope)],
            *self.flat_licences,
        )
        return self.step("the code is the pairs", kernel.cases, self.spread, vary, flat)

    # --- what the moments determine, and the pairs i != j -----------------------------------------

    def variance_by_code(self) -> Theorem:
        """error_variance is Var(d)."""
        return self.step("Var(d)", kernel.rewrite, self.pairs_are_variance(), self.code_is_pairs())

    def either(self, name: str, left: Any, right: Any, *of: tuple[Any, Theorem]) -> Theorem:
        """An equation by cases: at once where labels vary, and from what is 0 where they do not."""
        varying = self.step(
            f"{name}, labels vary", kernel.identity, left, right, self.weight, self.vary[1]
        )
        parts = [(term_of(factor), theorem) for factor, theorem in of]
        flat = self.step(
            f"{name}, labels do not", kernel.combine, left, right, parts, *self.flat_licences
        )
        return self.step(name, kernel.cases, self.spread, varying, flat)

    def prediction_variance(self) -> Theorem:
        """prediction_variance is Var(f), whatever the labels."""
        a, m = self.about, self.about.m
        factor = 2 * m.slope * m.var_y + 2 * m.var_y - 2 * a.cov_d
        zero = [(factor, self.flat_slope), (-2, self.flat_covariance)]
        return self.either("Var(f)", a.code("prediction_variance"), a.var_f, *zero)

    def covariance_by_code(self) -> Theorem:
        """scaling_factor Var(y) is Cov(f, y), whatever the labels."""
        a = self.about
        zero = [(a.var_y, self.flat_slope), (-1, self.flat_covariance)]
        return self.either("Cov(f, y)", a.code("scaling_factor") * a.var_y, a.cov, *zero)

    def slope_is(self) -> Theorem:
        """slope is Cov(d, y) / Var(y)."""
        a = self.about
        known = (self.weight, self.vary[1])
        return self.step("the slope", kernel.identity, a.m.slope, a.cov_d / a.var_y, *known)

    def unexplained(self) -> Theorem:
        """1 - rho^2 is var_r / Var(f)."""
        a = self.about
        left, right = 1 - a.rho() ** 2, a.m.var_r / a.var_f
        return self.step("the correlation", kernel.identity, left, right, *self._roots)

    def distinct_pairs(self, others_pos: Assumption) -> Theorem:
        """The mean over the pairs i != j is without_self_pairs of the error variance."""
        a, others, value = self.about, self.given(others_pos), number("v")
        left = a.batch.weight**2 * value / (a.batch.weight**2 - a.square_weights)
        share = a.square_weights / a.batch.weight**2
        right = a.formulas.without_self_pairs(value, share)
        any_value = self.step("for any value", kernel.identity, left, right, self.weight, others)
        pairs = self.step(
            "for the mean over pairs", kernel.instantiate, any_value, {"v": a.pairs().term}
        )
        code = self.step(
            "by the code",
            kernel.congruence,
            pairs.conclusion.right,  # type: ignore[attr-defined]
            self.code_is_pairs(),
        )
        return self.step("the pairs i != j", kernel.rewrite, pairs, code)

    # --- Theorem 2 ------------------------------------------------------------------------------

    @cached_property
    def _roots(self) -> tuple[Theorem, ...]:
        """What the roots and divisors of the correlation rest on."""
        return (self.weight, *self.vary)

    @cached_property
    def norms(self) -> tuple[Theorem, ...]:
        """||df|| = sqrt(2) W sqrt(Var f), and the same of y."""
        a, found = self.about, []
        for name, variance in (("f", a.var_f), ("y", a.var_y)):
            norm = a.norm(name)
            value = root(2) * a.batch.weight * root(variance)
            squares = norm.term.body.of  # type: ignore[attr-defined]
            square = self.step(f"||d{name}||^2", kernel.identity, value**2, squares, *self._roots)
            least = self.step(f"the root of 2 W^2 Var({name})", kernel.sign, value, *self._roots)
            by_root = self.step(f"||d{name}||", kernel.root_is, square, least)
            found.append(self.step(f"the norm of d{name}", kernel.fold, by_root, norm.term))
        return tuple(found)

    @cache  # noqa: B019 - one object a script
    def normalized_is(self, sign: int) -> Theorem:
        """The normalised difference is 1 - rho, with a plus sign 1 + rho."""
        a = self.about
        text = "1 - rho" if sign < 0 else "1 + rho"
        start = self.step(f"{text}: the norms", kernel.congruence, a.normalized(sign), *self.norms)
        end = self.step(
            f"{text}: the squares",
            kernel.identity,
            start.conclusion.right,  # type: ignore[attr-defined]
            1 + sign * a.rho(),
            *self._roots,
        )
        name = "the identity" if sign < 0 else "the identity with a plus sign"
        return self.step(name, kernel.rewrite, start, end)

    def range(self) -> tuple[Theorem, Theorem]:
        """0 <= 1 - rho and 1 - rho <= 2"""
        found = []
        for sign in (-1, 1):
            squares = self.step(
                f"a sum of squares, {'minus' if sign < 0 else 'plus'}",
                kernel.sign,
                self.about.normalized(sign),
                *self.basic,
            )
            name = "the range, from below" if sign < 0 else "the range, from above"
            found.append(self.step(name, kernel.rewrite, squares, self.normalized_is(sign)))
        below, above = found
        rho = self.about.rho()
        return below, self.step(
            "the range", kernel.rearrange, _at_most(1 - rho, 2), above, *self._roots
        )

    def stable_form(self) -> Theorem:
        """one_minus_pearson of any moments is 1 - (1 + slope) s_y / s_f."""
        b, r, v = map(number, ("b", "r", "v"))
        formulas = self.about.formulas
        m = formulas.Moments(1, 0, 0, v, b, r, 0)
        var_f = formulas.prediction_variance(m)
        s_f, g = root(var_f), (1 + b) * root(v)
        known = [kernel.assume(positive(v)), kernel.assume(positive(var_f))]
        inner = self.step("s_f + |g| is positive", kernel.sign, s_f + abs(g), *known)
        known.append(inner)
        for name, divisor in (("first", s_f * (s_f + abs(g))), ("second", s_f)):
            guarded = divisor + 1 * (divisor == 0)
            known.append(self.step(f"the {name} divisor", kernel.sign, guarded, *known))
        either = self.step("g has a sign", kernel.total, g)
        code, textbook = formulas.one_minus_pearson(m, XP), 1 - (1 + b) * root(v) / s_f
        shown = [
            self.step(
                f"the stable form, g {text}",
                kernel.identity,
                code,
                textbook,
                *known,
                kernel.assume(case),
            )
            for text, case in (
                ("not negative", either.conclusion.left),  # type: ignore[attr-defined]
                ("not positive", either.conclusion.right),  # type: ignore[attr-defined]
            )
        ]
        return self.step("the stable form", kernel.cases, either, *shown)

    @cached_property
    def code_varies(self) -> tuple[Theorem, Theorem, Theorem]:
        """prediction_variance is Var(f), and with var_y it is positive."""
        a = self.about
        predicted = a.formulas.prediction_variance(a.m)
        var_f_pos, var_y_pos = self.vary
        same = self.step(
            "prediction_variance is Var(f)",
            kernel.identity,
            predicted,
            a.var_f,
            self.weight,
            var_y_pos,
        )
        back = self.step(
            "and Var(f) is it", kernel.identity, a.var_f, predicted, self.weight, var_y_pos
        )
        varies = self.step("so it is positive", kernel.rewrite, var_f_pos, back)
        goal = positive(a.m.var_y)
        labels = self.step("var_y is positive", kernel.rearrange, goal, var_y_pos, self.weight)
        return same, varies, labels

    def code_is_pearson(self) -> Theorem:
        """one_minus_pearson is 1 - rho."""
        a = self.about
        same, varies, labels = self.code_varies
        values = {"b": a.m.slope.term, "r": a.m.var_r.term, "v": a.m.var_y.term}
        stable = self.step(
            "the stable form of the batch", kernel.instantiate, self.stable_form(), values
        )
        of_batch = self.step("with what varies", kernel.cut, stable, varies, labels)
        textbook = of_batch.conclusion.right  # type: ignore[attr-defined]
        start = self.step("in terms of Var(f)", kernel.congruence, textbook, same)
        end = self.step(
            "which is 1 - rho",
            kernel.identity,
            start.conclusion.right,  # type: ignore[attr-defined]
            1 - a.rho(),
            *self._roots,
            labels,
        )
        joined = self.step("the code, unnamed", kernel.rewrite, of_batch, start, end)
        return self.step("the code", kernel.fold, joined, a.code("one_minus_pearson", XP).term)

    # --- the ends of the range, and constant vectors --------------------------------------------

    @cached_property
    def positive_norms(self) -> tuple[Theorem, Theorem]:
        """0 < ||df|| and 0 < ||dy||"""
        a, found = self.about, []
        for name, norm_is in zip("fy", self.norms, strict=True):
            one = norm_is.conclusion
            squares = a.norm(name).term.body.of  # type: ignore[attr-defined]
            least = self.step(f"d{name}^2 is not negative", kernel.sign, squares)
            back = self.step(
                f"the norm of d{name}, read backwards",
                kernel.combine,
                one.right,  # type: ignore[attr-defined]
                one.left,  # type: ignore[attr-defined]
                [(term_of(-1), norm_is)],
                *self._roots,
                least,
            )
            value = self.script.steps[f"{self.prefix}the root of 2 W^2 Var({name})"]
            found.append(self.step(f"||d{name}|| is positive", kernel.rewrite, value, back))
        return found[0], found[1]

    def same_direction(self) -> Theorem:
        """1 - rho = 0 gives df / ||df|| = dy / ||dy||, pair by pair."""
        a, (f_norm, y_norm) = self.about, self.positive_norms
        squares = [self.script.steps[f"{self.prefix}d{name}^2 is not negative"] for name in "fy"]
        none = kernel.assume(equal(1 - a.rho(), 0))
        known = (*self._roots, f_norm, y_norm, *squares)
        total = a.normalized().term.left  # type: ignore[attr-defined]
        of = [(term_of(2), self.normalized_is(-1)), (term_of(2), none)]
        summed = self.step("the sum is 0", kernel.combine, total, term_of(0), of, *known)
        i, j = a.batch.place, index("j", SIZE)
        inner = opened(total.body, i)
        rows = self.step("rows are not negative", kernel.sign, inner)
        row = self.step("each row is 0", kernel.zero_terms, summed, rows, i)
        square = opened(inner.body, j)
        terms = self.step("squares are not negative", kernel.sign, square)
        term = self.step("each square is 0", kernel.zero_terms, row, terms, j)
        gap = self.step("and its root", kernel.zero_base, term)
        u, v = square.base.left, square.base.right.right
        same = self.step("the directions are equal", kernel.combine, u, v, [(ONE, gap)], *known)
        over_j = self.step("for every j", kernel.each, same, j)
        return self.step("0 gives the same direction", kernel.each, over_j, i)

    def end(self, scale_pos: Assumption, value: int) -> Theorem:
        """Where df = -+ c dy with c > 0, the normalised difference is 0, or 2."""
        a, scale = self.about, self.given(scale_pos)
        c = Expression(scale_pos.formula.right)  # type: ignore[attr-defined]
        norm_f, norm_y = a.norm("f"), a.norm("y")
        squares = [n.term.body.of for n in (norm_f, norm_y)]  # type: ignore[attr-defined]
        least = [self.step("squares of y", kernel.sign, squares[1])]
        square = self.step("(c ||dy||)^2", kernel.identity, (c * norm_y) ** 2, squares[0], *least)
        product = self.step("c ||dy|| is not negative", kernel.sign, c * norm_y, scale)
        by_root = self.step("||df||, unnamed", kernel.root_is, square, product)
        norm_is = self.step("||df|| = c ||dy||", kernel.fold, by_root, norm_f.term)
        start = self.step("the normalised difference", kernel.congruence, a.normalized(), norm_is)
        finish = self.step(
            "its value",
            kernel.identity,
            start.conclusion.right,  # type: ignore[attr-defined]
            term_of(value),
            scale,
            self._norm_y_positive,
            *least,
        )
        return self.step("the end", kernel.rewrite, start, finish)

    @cached_property
    def _norm_y_positive(self) -> Theorem:
        """0 < ||dy||, from Var(y) > 0 alone."""
        a, known = self.about, (self.weight, self.vary[1])
        value = root(2) * a.batch.weight * root(a.var_y)
        squares = a.norm("y").term.body.of  # type: ignore[attr-defined]
        square = self.step("||dy||^2", kernel.identity, value**2, squares, *known)
        strict = self.step("the root is positive", kernel.sign, value, *known)
        by_root = self.step("||dy||, unnamed", kernel.root_is, square, strict)
        named_ = self.step("the norm of dy", kernel.fold, by_root, a.norm("y").term)
        one = named_.conclusion
        least = self.script.steps[f"{self.prefix}squares of y"]
        back = self.step(
            "the norm of dy, read backwards",
            kernel.combine,
            one.right,  # type: ignore[attr-defined]
            one.left,  # type: ignore[attr-defined]
            [(term_of(-1), named_)],
            *known,
            least,
        )
        return self.step("||dy|| is positive", kernel.rewrite, strict, back)

    def constant(self, value: Any, f_varies: bool, y_varies: bool) -> Theorem:
        """The value of one_minus_pearson where predictions, labels or both are constant."""
        a, known = self.about, [self.weight]
        predicted = a.formulas.prediction_variance(a.m)
        if y_varies:
            goal = positive(a.m.var_y)
            known += [self.step("var_y varies", kernel.rearrange, goal, self.vary[1], *known)]
        else:
            known += self._root_is_0("var_y", a.m.var_y, known)
            none = self.step("var_y is 0", kernel.identity, a.m.var_y, term_of(0), self.weight)
            guarded = a.m.var_y + 1 * (a.m.var_y == 0)
            known += [none, self.step("the guard of var_y", kernel.sign, guarded, none, *known)]
        s_f, g = root(predicted), (1 + a.m.slope) * root(a.m.var_y)
        if f_varies:
            same = self.step("Var(f) by the code", kernel.identity, a.var_f, predicted, *known)
            varies = self.step("which varies", kernel.rewrite, self.vary[0], same)
            known += [varies, self.step("s_f + |g|", kernel.sign, s_f + abs(g), varies)]
        else:
            known += self._root_is_0("Var(f)", predicted, known)
        for name, divisor in (("first", s_f * (s_f + abs(g))), ("second", s_f)):
            if not f_varies:
                known += [
                    self.step(
                        f"the {name} divisor is 0", kernel.identity, divisor, term_of(0), *known
                    )
                ]
            guarded = divisor + 1 * (divisor == 0)
            known += [self.step(f"the {name} divisor", kernel.sign, guarded, *known)]
        return self.step(
            "the value", kernel.identity, a.code("one_minus_pearson", XP), term_of(value), *known
        )

    def _root_is_0(self, name: str, value: Expression, known: list[Theorem]) -> list[Theorem]:
        """A variance that is 0 is not negative, and its root is 0."""
        least = self.step(f"{name} is not negative", kernel.sign, value, *known)
        square = self.step(f"0^2 is {name}", kernel.identity, Power(term_of(0), 2), value, *known)
        nothing = self.step(f"0 is not negative ({name})", kernel.sign, term_of(0))
        return [least, self.step(f"the root of {name} is 0", kernel.root_is, square, nothing)]

    # --- Theorem 3 ------------------------------------------------------------------------------

    def minimum(self) -> Theorem:
        """Q(c*) <= Q(c)"""
        a, c = self.about, number("c")
        square = self.step(
            "the square", kernel.sign, a.var_y * (c - self.about.best) ** 2, self.vary[1]
        )
        goal = _at_most(a.pairs(self.about.best), a.pairs(c))
        return self.step("the minimum", kernel.rearrange, goal, square, self.weight, self.vary[1])

    def only_there(self) -> Theorem:
        """Q(c) = Q(c*) gives c = c*."""
        a, c = self.about, number("c")
        same = kernel.assume(equal(a.pairs(c), a.pairs(self.about.best)))
        gap = (c - self.about.best) ** 2
        none = self.step(
            "the square is 0",
            kernel.combine,
            gap,
            term_of(0),
            [(Divide(ONE, a.var_y.term), same)],
            self.weight,
            self.vary[1],
        )
        root_of = self.step("so is its root", kernel.zero_base, none)
        return self.step(
            "only there",
            kernel.combine,
            c,
            self.about.best,
            [(ONE, root_of)],
            self.weight,
            self.vary[1],
        )

    def least_value(self) -> Theorem:
        """Q(c*) = Var(f) (1 - rho^2)"""
        a = self.about
        right = a.var_f * (1 - a.rho() ** 2)
        return self.step(
            "in terms of the correlation",
            kernel.identity,
            a.pairs(self.about.best),
            right,
            *self._roots,
        )

    def code_scales(self) -> tuple[Theorem, Theorem]:
        """scaled_difference is Q(c), and scaling_factor is c*."""
        a, c = self.about, number("c")
        known = (self.weight, self.vary[1])
        code = a.code("scaled_difference", c)
        return (
            self.step("scaled_difference", kernel.identity, code, a.pairs(c), *known),
            self.step(
                "the scale of the code",
                kernel.identity,
                a.code("scaling_factor"),
                self.about.best,
                *known,
            ),
        )


def _at_most(left: Any, right: Any) -> Any:
    return LessEqual(term_of(left), term_of(right))
