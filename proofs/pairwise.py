"""Theorems 1, 2 and 3 in the kernel, with weights and without: one development for both.

Each method shows one thing about a batch and what `gar_verify.formulas` makes of it; the statements
of the single theorems and of the weights claim what they need. Theorems are kept, so that a step is
taken once in a script.

What the code makes of a batch is shown first, whatever the labels: scale Var(y) = Cov(f, y), slope
Var(y) = Cov(d, y), var_r + scale^2 Var(y) = Var(f) and var_r + slope^2 Var(y) = Var(d), for a
residual of any share. Everything else follows from these.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache, cached_property
from types import ModuleType
from typing import Any

from . import derived, kernel
from .kernel import Theorem
from .language import (
    SIZE,
    XP,
    Batch,
    Expression,
    at_most,
    column,
    equal,
    everywhere,
    index,
    named,
    not_negative,
    number,
    positive,
    root,
    term_of,
)
from .script import Assumption, Script
from .terms import Formula, opened

Parts = list[tuple[Any, Theorem]]
"""Theorems, each with the factor that it is taken by."""


class Pairwise:
    """What is said of a batch, as terms and formulas."""

    def __init__(
        self, formulas: ModuleType, weighted: bool = False, mark: str = "", **columns: Any
    ) -> None:
        """The batch, its moments by the code, and the hypotheses that claims may name."""
        self.formulas = formulas
        self.batch = b = Batch(weighted, mark, **columns)
        self.m = b.moments(formulas, column("c" + mark, b.place))
        self.parts = formulas.decompose(b.f, b.y, b.mean)
        b.named_entry("r_i", "r_i", self.parts.residual)
        b.named_entry("(y_i - mean(y))", r"(y_i-\bar{y})", self.parts.label)
        self.d = b.f - b.y
        self.var_d, self.var_f, self.var_y = (
            b.variance(n, e) for n, e in (("d", self.d), ("f", b.f), ("y", b.y))
        )
        self.cov = b.covariance(("f", b.f), ("y", b.y))
        self.cov_d = b.covariance(("d", self.d), ("y", b.y))
        self.weight_pos = (
            Assumption("weight_pos" + mark, positive(b.weight), "the weights have a positive sum")
            if weighted
            else Assumption("batch_nonempty", positive(b.weight), "the batch has a sample")
        )
        self.weights_nonneg = Assumption(
            "weights_nonneg" + mark, everywhere(not_negative(b.w), b.place), "no weight is negative"
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
        note = f" [{self.batch.note[2:]}]" if self.batch.note else ""
        return named(f"||d{which}||{note}", rf"\Vert\mathrm{{d}}{which}\Vert{note}", root(squares))

    def normalized(self, sign: int = -1) -> Expression:
        """1/2 || df / ||df|| -+ dy / ||dy|| ||^2"""
        f, y = self.norm("f"), self.norm("y")

        def square(a: Any, b: Any) -> Any:
            one, other = (a.f - b.f) / f, (a.y - b.y) / y
            return (one - other if sign < 0 else one + other) ** 2

        return self.batch.pair_total(square) / 2

    def rho(self) -> Expression:
        """Pearson's correlation."""
        value = self.cov / (root(self.var_f) * root(self.var_y))
        return self.batch.named("rho(f, y)", r"\rho(f,y)", value)

    @cached_property
    def best(self) -> Expression:
        """c* = Cov(f, y) / Var(y)"""
        return self.batch.named("c*", "c^*", self.cov / self.var_y)

    @cached_property
    def square_weights(self) -> Expression:
        """sum_i w_i^2"""
        return self.batch.total(self.batch.w * self.batch.w)

    def concordance(self) -> Expression:
        """Lin's concordance correlation coefficient, by its definition."""
        return 2 * self.cov / self.concordance_scale

    @cached_property
    def concordance_scale(self) -> Expression:
        """Var(f) + Var(y) + (mean f - mean y)^2"""
        b = self.batch
        return self.var_f + self.var_y + (b.average("f", b.f) - b.average("y", b.y)) ** 2

    # --- what the code computes ---------------------------------------------------------------

    def residual(self, share: Any) -> Expression:
        """The residual of the code with another share."""
        b, formulas = self.batch, self.formulas
        shifted = formulas.shifted(b.f, b.y, formulas.UNSHIFTED)
        f, d, y = (entry - b.mean(entry) for entry in shifted)
        found = formulas.residual(f, d, y, self.parts.scale, self.parts.slope, share)
        return Expression(found)

    @cached_property
    def of_f(self) -> Expression:
        """f_i - mean f - scale (y_i - mean y)"""
        b = self.batch
        label = b.y - b.average("y", b.y)
        return Expression(b.f - b.average("f", b.f) - self.parts.scale * label)

    def code(self, function: str, *more: Any) -> Expression:
        """A function of the formulas, applied to the moments of the batch."""
        value = getattr(self.formulas, function)(self.m, *more)
        tex = function.replace("_", r"\_")
        note = self.batch.note
        return named(f"{function}(m{note})", rf"\mathrm{{{tex}}}(m{note})", value)


def moments_of(formulas: ModuleType, **known: Any) -> Any:
    """Moments of which a function reads these alone; the others are 0."""
    return formulas.Moments(**{n: known.get(n, 0) for n in formulas.Moments._fields})


class Steps:
    """Steps of a script, under a prefix when one script treats two batches."""

    def __init__(self, script: Script, prefix: str = "") -> None:
        """Steps of this script."""
        self.script, self.prefix = script, prefix

    def step(self, name: str, rule: Callable[..., Theorem], *given: Any, **more: Any) -> Theorem:
        """A step of the script."""
        terms = [term_of(g) if isinstance(g, Expression) else g for g in given]
        return self.script(f"{self.prefix}{name}", rule, *terms, **more)

    def combine(
        self, name: str, goal: Formula, *known: Theorem, of: Iterable[tuple[Any, Theorem]] = ()
    ) -> Theorem:
        """An equation or inequality from others, each times a factor."""
        parts = [(term_of(factor), theorem) for factor, theorem in of]
        return self.step(name, kernel.combine, goal, parts, *known)

    def put(self, name: str, theorem: Theorem, values: dict[str, Any], *lemmas: Theorem) -> Theorem:
        """A theorem for these values, its hypotheses replaced by what proves them."""
        terms = {variable: term_of(value) for variable, value in values.items()}
        special = self.step(f"{name}, the values", kernel.instantiate, theorem, terms)
        return self.step(name, kernel.cut, special, *lemmas) if lemmas else special

    def by_cases(
        self, name: str, either: Theorem, show: Callable[[str, Theorem], Theorem]
    ) -> Theorem:
        """The same in both cases."""
        given: Any = either.conclusion
        one, other = (
            show(f"{name}, if {case}", kernel.assume(case)) for case in (given.left, given.right)
        )
        return self.step(name, kernel.cases, either, one, other)

    @cached_property
    def any_guard(self) -> Theorem:
        """0 <= x gives 0 < x + [x = 0]."""
        x = number("x")
        least = kernel.assume(not_negative(x))
        either = self.step("a guard: the cases", kernel.split, least)
        return self.by_cases(
            "a guard",
            either,
            lambda name, case: self.step(name, kernel.sign, x + 1 * (x == 0), case, least),
        )

    def guard(self, name: str, term: Any, *known: Theorem) -> Theorem:
        """What `ratio` divides by is positive."""
        least = self.step(f"{name} is not negative", kernel.sign, term, *known)
        return self.put(f"the guard of {name}", self.any_guard, {"x": term}, least)


class Proofs(Steps):
    """The steps that show these things, each taken once."""

    def __init__(self, script: Script, about: Pairwise, prefix: str = "") -> None:
        """Steps about one batch."""
        super().__init__(script, prefix)
        self.about = about

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

    @cached_property
    def roots(self) -> tuple[Theorem, ...]:
        """What the roots and divisors of the correlation rest on."""
        return (self.weight, *self.vary)

    # --- what the code makes of the batch ---------------------------------------------------------

    @cached_property
    def licences(self) -> tuple[Theorem, ...]:
        """What the slopes of the code divide by."""
        return self.weight, self.guard("var_y", self.about.m.var_y, *self.basic)

    @cached_property
    def spread(self) -> Theorem:
        """0 < var_y or var_y = 0: all cases."""
        least = self.step("Var(y) is not negative", kernel.sign, self.about.m.var_y, *self.basic)
        return self.step("the cases are all", kernel.split, least)

    def by_spread(self, name: str, goal: Formula, parts: Callable[[Theorem], Parts]) -> Theorem:
        """An equation at once where labels vary, and from some that hold where they do not."""

        def show(case_name: str, case: Theorem) -> Theorem:
            if case.conclusion == positive(self.about.m.var_y):
                return self.combine(case_name, goal, *self.licences, case)
            return self.combine(case_name, goal, *self.licences, of=parts(case))

        return self.by_cases(name, self.spread, show)

    def weighed(self, entry: Any) -> Any:
        """An entry times its weight."""
        return self.about.batch.w * entry if self.about.batch.weighted else entry

    @cached_property
    def label(self) -> Expression:
        """y_i - mean(y), as the code takes it."""
        return Expression(self.about.parts.label)

    @cached_property
    def flat_entry(self) -> Theorem:
        """Where var_y = 0, w_i (y_i - mean y) = 0 at every sample."""
        a, b, y = self.about, self.about.batch, self.label
        square = self.weighed(y * y)
        flat = kernel.assume(equal(a.m.var_y, 0))
        none = self.combine(
            "var_y = 0: the sum", equal(b.total(square), 0), self.weight, of=[(b.weight, flat)]
        )
        here = [kernel.at(self.basic[1], b.place)] if b.weighted else []
        least = self.step("each term is not negative", kernel.sign, square, *here)
        most = self.step("each term is at most the sum", kernel.term_at_most, least, b.place)
        most = self.step("which is 0", kernel.rewrite, most, none)
        zero = self.step("so each term is 0", derived.antisymmetric, most, least)
        weighed = (b.w * y) ** 2 if b.weighted else y**2
        zero = self.combine("times its weight", equal(weighed, 0), self.weight, of=[(b.w, zero)])
        return self.step("and so is its root", derived.zero_base, zero)

    def covariance_is(self, which: str) -> Theorem:
        """scale var_y = Cov(f, y), or slope var_y = Cov(d, y), whatever the labels."""
        a, b = self.about, self.about.batch
        slope, cov = (a.m.scale, a.cov) if which == "f" else (a.m.slope, a.cov_d)
        entry = b.f if which == "f" else a.d
        centred = entry - b.average(which, entry)

        def none(case: Theorem) -> Parts:
            here = self.combine(
                f"{which}: labels times anything",
                equal(self.weighed(centred * self.label), 0),
                self.weight,
                of=[(centred, self.flat_entry)],
            )
            summed = self.step(f"{which}: summed", kernel.sum_equal, here, b.place)
            return [(slope, case), (-1 / b.weight, summed)]

        goal = equal(slope * a.m.var_y, cov)
        return self.by_spread(f"the slope of {which}", goal, none)

    @cached_property
    def scale_is(self) -> Theorem:
        """scale var_y = Cov(f, y)"""
        return self.covariance_is("f")

    @cached_property
    def slope_is(self) -> Theorem:
        """slope var_y = Cov(d, y)"""
        return self.covariance_is("d")

    @cached_property
    def gap(self) -> Expression:
        """scale - slope - 1, which is 0 wherever it matters."""
        return Expression(self.about.m.scale - self.about.m.slope - 1)

    @cached_property
    def slopes_differ_by_one(self) -> Theorem:
        """(scale - slope - 1) var_y = 0, whatever the labels."""
        return self.combine(
            "scale and slope",
            equal(self.gap * self.about.m.var_y, 0),
            *self.licences,
            of=[(1, self.scale_is), (-1, self.slope_is)],
        )

    def scale_is_one_more(self) -> Theorem:
        """scale = 1 + slope, where labels vary."""
        m = self.about.m
        goal = equal(m.scale, 1 + m.slope)
        return self.combine("scale is 1 + slope", goal, self.weight, self.labels_vary)

    @cached_property
    def labels_vary(self) -> Theorem:
        """0 < var_y"""
        goal = positive(self.about.m.var_y)
        return self.combine("var_y is positive", goal, self.weight, of=[(1, self.vary[1])])

    @cached_property
    def entry_gap(self) -> Theorem:
        """w_i (scale - slope - 1) (y_i - mean y) = 0 at every sample, whatever the labels."""
        return self.by_spread(
            "at each sample",
            equal(self.weighed(self.gap * self.label), 0),
            lambda case: [(self.gap, self.flat_entry)],
        )

    @cached_property
    def shares(self) -> tuple[Theorem, Theorem]:
        """Residuals of any share have the squares that those of the predictions have."""
        a, s = self.about, number("s")
        taken = a.residual(s)
        left, right = self.weighed(taken * taken), self.weighed(a.of_f * a.of_f)
        any_share = self.combine(
            "a residual of any share",
            equal(left, right),
            *self.licences,
            of=[(s * (taken + a.of_f), self.entry_gap)],
        )
        share = a.formulas.error_share(a.parts.scale, a.parts.slope)
        return any_share, self.put("the share of the code", any_share, {"s": share})

    @cached_property
    def unexplained_is(self) -> Theorem:
        """var_r is the mean of (f_i - mean f - scale (y_i - mean y))^2."""
        a, b = self.about, self.about.batch
        summed = self.step("summed over the batch", kernel.sum_equal, self.shares[1], b.place)
        return self.step("var_r", kernel.congruence, a.m.var_r, summed)

    @cached_property
    def of_predictions(self) -> Theorem:
        """var_r + scale^2 var_y = Var(f), whatever the labels."""
        a, m = self.about, self.about.m
        goal = equal(a.code("prediction_variance"), a.var_f)
        parts = [(1, self.unexplained_is), (2 * m.scale, self.scale_is)]
        return self.combine("Var(f)", goal, *self.licences, *self.share_guard, of=parts)

    @cached_property
    def share_guard(self) -> tuple[Theorem, ...]:
        """What `error_share` divides by."""
        m = self.about.m
        return (self.guard("|scale| + |slope|", abs(m.scale) + abs(m.slope)),)

    @cached_property
    def of_errors(self) -> Theorem:
        """var_r + slope^2 var_y = Var(d), whatever the labels."""
        a, m = self.about, self.about.m
        goal = equal(a.code("error_variance"), a.var_d)
        parts = [
            (1, self.of_predictions),
            (-(m.scale + m.slope), self.slopes_differ_by_one),
            (-1, self.scale_is),
            (-1, self.slope_is),
        ]
        return self.combine("Var(d)", goal, *self.licences, *self.share_guard, of=parts)

    # --- Theorem 1 ------------------------------------------------------------------------------

    def pairs_are_centred(self) -> Theorem:
        """The double sum is the sum of centred squares."""
        a = self.about
        goal = equal(a.pairs(), a.centred())
        return self.combine("pairs are centred squares", goal, self.weight)

    @cached_property
    def pairs_are_variance(self) -> Theorem:
        """The same as Var(d)."""
        goal = equal(self.about.pairs(), self.about.var_d)
        return self.combine("pairs are the variance", goal, self.weight)

    @cached_property
    def code_is_pairs(self) -> Theorem:
        """error_variance is the double sum, whatever the labels."""
        a = self.about
        goal = equal(a.pairs(), a.code("error_variance"))
        parts = [(-1, self.of_errors)]
        return self.combine(
            "the code is the pairs", goal, *self.licences, *self.share_guard, of=parts
        )

    def distinct_pairs(self, others_pos: Assumption) -> Theorem:
        """The mean over the pairs i != j is without_self_pairs of the error variance."""
        a, others, value = self.about, self.given(others_pos), number("v")
        whole, squares = a.batch.weight**2, a.square_weights
        right = a.formulas.without_self_pairs(value, squares / whole)
        goal = equal(whole * value / (whole - squares), right)
        any_value = self.combine("for any value", goal, self.weight, others)
        pairs = self.put("for the mean over pairs", any_value, {"v": a.pairs()})
        right_of_pairs: Any = pairs.conclusion
        code = self.step("by the code", kernel.congruence, right_of_pairs.right, self.code_is_pairs)
        return self.step("the pairs i != j", kernel.rewrite, pairs, code)

    # --- Theorem 2 ------------------------------------------------------------------------------

    @cache  # noqa: B019 - one object a script
    def norm_is(self, which: str) -> Theorem:
        """||df|| = sqrt(2) W sqrt(Var f), and the same of y."""
        a = self.about
        variance, known = (a.var_f, self.vary[0]) if which == "f" else (a.var_y, self.vary[1])
        value = root(2) * a.batch.weight * root(variance)
        squares: Any = a.norm(which).term
        goal = equal(value**2, squares.of)
        square = self.combine(f"||d{which}||^2", goal, self.weight, known)
        return self.step(f"||d{which}||", derived.root_is, square, self.norm_value_positive(which))

    @cache  # noqa: B019 - one object a script
    def norm_value_positive(self, which: str) -> Theorem:
        """0 < sqrt(2) W sqrt(Var f), and the same of y."""
        a = self.about
        variance, known = (a.var_f, self.vary[0]) if which == "f" else (a.var_y, self.vary[1])
        value = root(2) * a.batch.weight * root(variance)
        return self.step(f"the root of 2 W^2 Var({which})", kernel.sign, value, self.weight, known)

    @cache  # noqa: B019 - one object a script
    def norm_positive(self, which: str) -> Theorem:
        """0 < ||df||, and the same of y."""
        a = self.about
        value = [(1, self.norm_value_positive(which)), (-1, self.norm_is(which))]
        goal = positive(a.norm(which))
        return self.combine(f"||d{which}|| is positive", goal, self.weight, of=value)

    @cache  # noqa: B019 - one object a script
    def normalized_is(self, sign: int) -> Theorem:
        """The normalised difference is 1 - rho, with a plus sign 1 + rho."""
        a = self.about
        text = "1 - rho" if sign < 0 else "1 + rho"
        norms = self.norm_is("f"), self.norm_is("y")
        start = self.step(f"{text}: the norms", kernel.congruence, a.normalized(sign), *norms)
        squares: Any = start.conclusion
        goal = equal(squares.right, 1 + sign * a.rho())
        end = self.combine(f"{text}: the squares", goal, *self.roots)
        name = "the identity" if sign < 0 else "the identity with a plus sign"
        return self.step(name, kernel.rewrite, start, end)

    def range(self) -> tuple[Theorem, Theorem]:
        """0 <= 1 - rho and 1 - rho <= 2"""
        found = []
        for sign, way in ((-1, "from below"), (1, "from above")):
            difference = self.about.normalized(sign)
            squares = self.step(f"a sum of squares, {way}", kernel.sign, difference, *self.basic)
            one = self.normalized_is(sign)
            found.append(self.step(f"the range, {way}", kernel.rewrite, squares, one))
        goal = at_most(1 - self.about.rho(), 2)
        return found[0], self.combine("the range", goal, *self.roots, of=[(1, found[1])])

    def stable_form(self) -> Theorem:
        """one_minus_pearson of any moments is 1 - scale s_y / s_f."""
        a, r, v = map(number, "arv")
        formulas = self.about.formulas
        m = moments_of(formulas, var_y=v, scale=a, var_r=r)
        var_f = formulas.prediction_variance(m)
        known = [kernel.assume(positive(v)), kernel.assume(positive(var_f))]
        goal = equal(formulas.one_minus_pearson(m, XP), 1 - a * root(v) / root(var_f))
        either = self.step("the covariance has a sign", kernel.total, a * root(v))
        return self.by_cases(
            "the stable form", either, lambda name, case: self.combine(name, goal, case, *known)
        )

    @cached_property
    def predictions_vary(self) -> Theorem:
        """0 < prediction_variance"""
        goal = positive(self.about.code("prediction_variance"))
        parts = [(1, self.vary[0]), (-1, self.of_predictions)]
        known = (*self.licences, *self.share_guard)
        return self.combine("prediction_variance is positive", goal, *known, of=parts)

    def code_is_pearson(self) -> Theorem:
        """one_minus_pearson is 1 - rho."""
        a, m = self.about, self.about.m
        values = {"a": m.scale, "r": m.var_r, "v": m.var_y}
        of_batch: Any = self.put(
            "the stable form of the batch",
            self.stable_form(),
            values,
            self.predictions_vary,
            self.labels_vary,
        )
        start: Any = self.step(
            "in terms of Var(f)",
            kernel.congruence,
            of_batch.conclusion.right,
            self.of_predictions,
        )
        goal = equal(start.conclusion.right, 1 - a.rho())
        end = self.combine("which is 1 - rho", goal, *self.roots, self.labels_vary)
        return self.step("the code", kernel.rewrite, of_batch, start, end)

    # --- the ends of the range, and constant vectors --------------------------------------------

    def zero_term(self, name: str, summed: Theorem, term: Any, place: Any) -> Theorem:
        """a_i = 0 from sum a = 0 and 0 <= a_i."""
        least = self.step(f"{name}: not negative", kernel.sign, term)
        most = self.step(f"{name}: at most the sum", kernel.term_at_most, least, place)
        most = self.step(f"{name}: which is 0", kernel.rewrite, most, summed)
        return self.step(name, derived.antisymmetric, most, least)

    def same_direction(self) -> Theorem:
        """1 - rho = 0 gives df / ||df|| = dy / ||dy||, pair by pair."""
        a = self.about
        known = (*self.roots, self.norm_positive("f"), self.norm_positive("y"))
        none = kernel.assume(equal(1 - a.rho(), 0))
        half: Any = a.normalized().term
        parts = [(2, self.normalized_is(-1)), (2, none)]
        summed = self.combine("the sum is 0", equal(half.left, 0), *known, of=parts)
        i, j = a.batch.place, index("j", SIZE)
        inner: Any = opened(half.left.body, i)
        row = self.zero_term("each row is 0", summed, inner, i)
        square: Any = opened(inner.body, j)
        gap = self.step(
            "and its root", derived.zero_base, self.zero_term("each square is 0", row, square, j)
        )
        goal = equal(square.left.left, square.left.right.right)
        same = self.combine("the directions are equal", goal, *known[3:], of=[(1, gap)])
        over_j = self.step("for every j", kernel.each, same, j)
        return self.step("0 gives the same direction", kernel.each, over_j, i)

    def end(self, scale_pos: Assumption, value: int) -> Theorem:
        """Where df = -+ c dy with c > 0, the normalised difference is 0, or 2."""
        a, scale = self.about, self.given(scale_pos)
        assumed: Any = scale_pos.formula
        product = Expression(assumed.right) * a.norm("y")
        norm_f: Any = a.norm("f").term
        square = self.combine("(c ||dy||)^2", equal(product**2, norm_f.of))
        least = self.step("c ||dy|| is not negative", kernel.sign, product, scale)
        norm_is = self.step("||df|| = c ||dy||", derived.root_is, square, least)
        start: Any = self.step(
            "the normalised difference", kernel.congruence, a.normalized(), norm_is
        )
        goal = equal(start.conclusion.right, value)
        finish = self.combine("its value", goal, scale, self.norm_positive("y"))
        return self.step("the end", kernel.rewrite, start, finish)

    def constant(self, value: Any, f_varies: bool, y_varies: bool) -> Theorem:
        """The value of one_minus_pearson where predictions, labels or both are constant."""
        a, m = self.about, self.about.m
        known = (*self.licences, *self.share_guard)
        left = a.var_f if f_varies else 0
        rest = self.combine("what the labels leave", equal(m.var_r, left), *known)
        code = a.code("one_minus_pearson", XP)
        start: Any = self.step("the moments", kernel.congruence, code, rest)
        varies = [self.vary[0]] * f_varies + ([self.labels_vary] if y_varies else [])
        goal = equal(start.conclusion.right, value)
        end = self.combine("the value", goal, self.weight, *varies)
        return self.step("by the code", kernel.rewrite, start, end)

    # --- Theorem 3 ------------------------------------------------------------------------------

    def minimum(self) -> Theorem:
        """Q(c*) <= Q(c)"""
        a, c, known = self.about, number("c"), (self.weight, self.vary[1])
        square = self.step("the square", kernel.sign, a.var_y * (c - a.best) ** 2, known[1])
        goal = at_most(a.pairs(a.best), a.pairs(c))
        return self.combine("the minimum", goal, *known, of=[(1, square)])

    def only_there(self) -> Theorem:
        """Q(c) = Q(c*) gives c = c*."""
        a, c, known = self.about, number("c"), (self.weight, self.vary[1])
        same = kernel.assume(equal(a.pairs(c), a.pairs(a.best)))
        gap = equal((c - a.best) ** 2, 0)
        none = self.combine("the square is 0", gap, *known, of=[(1 / a.var_y, same)])
        root_of = self.step("so is its root", derived.zero_base, none)
        return self.combine("only there", equal(c, a.best), *known, of=[(1, root_of)])

    def least_value(self) -> Theorem:
        """Q(c*) = Var(f) (1 - rho^2)"""
        a = self.about
        goal = equal(a.pairs(a.best), a.var_f * (1 - a.rho() ** 2))
        return self.combine("in terms of the correlation", goal, *self.roots)

    def scaled_difference_is(self) -> Theorem:
        """scaled_difference is Q(c), whatever the labels."""
        a, c = self.about, number("c")
        goal = equal(a.code("scaled_difference", c), a.pairs(c))
        parts = [(1, self.of_predictions), (-2 * c, self.scale_is)]
        known = (*self.licences, *self.share_guard)
        return self.combine("scaled_difference", goal, *known, of=parts)

    def slope_of_code(self, which: str) -> Theorem:
        """scale is c* = Cov(f, y) / Var(y), and slope is Cov(d, y) / Var(y)."""
        a = self.about
        left, right = (a.m.scale, a.best) if which == "f" else (a.m.slope, a.cov_d / a.var_y)
        return self.combine(
            f"the slope of {which} by the code", equal(left, right), self.weight, self.vary[1]
        )

    def unexplained_share(self) -> Theorem:
        """1 - rho^2 is var_r / Var(f)."""
        a, known = self.about, (*self.roots, self.labels_vary, *self.share_guard)
        goal = equal(1 - a.rho() ** 2, a.m.var_r / a.var_f)
        return self.combine("the correlation", goal, *known)

    # --- concordance ------------------------------------------------------------------------------

    @cached_property
    def concordance_scale_is(self) -> Theorem:
        """concordance_scale is Var(f) + Var(y) + (mean f - mean y)^2."""
        a = self.about
        goal = equal(a.code("concordance_scale"), a.concordance_scale)
        known = (*self.licences, *self.share_guard)
        return self.combine("its scale", goal, *known, of=[(1, self.of_predictions)])

    def code_is_concordance(self, size_pos: Assumption) -> Theorem:
        """one_minus_concordance is 1 - 2 Cov(f, y) / (Var(f) + Var(y) + (mean f - mean y)^2)."""
        a, size = self.about, self.given(size_pos)
        code = a.code("one_minus_concordance")
        known = (self.of_errors, self.concordance_scale_is)
        start: Any = self.step("in variances", kernel.congruence, code, *known)
        goal = equal(start.conclusion.right, 1 - a.concordance())
        end = self.combine("1 - CCC", goal, self.weight, size)
        return self.step("the code is 1 - CCC", kernel.rewrite, start, end)

    def any_concordance(self) -> tuple[Theorem, Theorem]:
        """The range, for any moments of which one slope is one more than the other."""
        a, b, r, v, e = map(number, "abrve")
        f = self.about.formulas
        m = moments_of(f, mean_d=e, var_y=v, scale=a, slope=b, var_r=r)
        known = [kernel.assume(not_negative(x)) for x in (r, v)]
        gap = kernel.assume(equal((a - b - 1) * v, 0))
        size, value = f.concordance_scale(m), f.one_minus_concordance(m)
        guard = self.guard("the scale of the concordance", size, *known)
        below = self.step("a quotient of squares", kernel.sign, value, *known, guard)
        squares = self.step("what is left to 2", kernel.sign, r + (a + 1) ** 2 * v + e**2, *known)
        zero = self.step("an indicator", kernel.sign, Expression(1 * (size == 0)))
        over = size + 1 * (size == 0)
        parts = [(1 / over, squares), (-(a + b - 1) / over, gap), (2 / over, zero)]
        return below, self.combine("any moments", at_most(value, 2), guard, of=parts)

    def concordance_range(self) -> tuple[Theorem, ...]:
        """0 <= one_minus_concordance and one_minus_concordance <= 2, whatever the batch."""
        m = self.about.m
        names = {"a": "scale", "b": "slope", "r": "var_r", "v": "var_y", "e": "mean_d"}
        values = {variable: getattr(m, name) for variable, name in names.items()}
        lemmas = [
            self.step(f"the sign of {name}", kernel.sign, getattr(m, name), *self.basic)
            for name in ("var_r", "var_y")
        ]
        below, above = self.any_concordance()
        return (
            self.put("at least 0", below, values, *lemmas),
            self.put("at most 2", above, values, *lemmas, self.slopes_differ_by_one),
        )
