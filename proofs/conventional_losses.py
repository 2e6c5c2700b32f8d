"""The conventional losses of one error, and their derivatives.

    |d|, slope sign(d), 0 at 0;    d^2, slope 2 d;
    Huber: d^2 / 2 for |d| <= delta, delta (|d| - delta / 2) beyond; slope d clipped to
    [-delta, delta], at every d.

The code takes Huber's function from d and d clipped, without a case distinction. Clipping is
written with absolute values here, (|d + delta| - |d - delta|) / 2.

That a slope is the derivative is said without limits: of d^2 by its expansion, of the others by
tangents, s(d) (x - d) <= f(x) - f(d) <= s(x) (x - d) for all x and d, between which the difference
quotient has the limit s(d) wherever s is continuous.

Assumptions: delta_nonneg for Huber's function, and the part of the line that a claim is about:
d_nonneg, d_nonpos, d_pos, d_neg, d_within_above, d_within_below, d_beyond.

In the paper: the conventional sub-loss and the baselines MAE, MSE and Huber. In the code:
`gar_verify.formulas.absolute`, `absolute_slope`, `square`, `square_slope`, `huber`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from types import ModuleType
from typing import Any

import sympy
from sympy import Integer, Rational

from gar_verify import formulas as package_formulas

from . import kernel
from .exact import Case
from .kernel import Theorem
from .language import XP, Expression, at_most, equal, named, not_negative, number, positive
from .pairwise import Parts, Steps
from .printing import run_script
from .script import Assumption, Claim, Script
from .statements import Statement, control, mutant

D, X, DELTA = map(number, ("d", "x", "delta"))
ASSUMED = {
    "d_nonneg": not_negative(D),
    "d_nonpos": at_most(D, 0),
    "d_pos": positive(D),
    "d_neg": positive(-D),
    "d_within_above": not_negative(D + DELTA),
    "d_within_below": at_most(D - DELTA, 0),
    "d_beyond": not_negative(D - DELTA),
    "delta_nonneg": not_negative(DELTA),
}
GIVEN = {name: Assumption(name, formula) for name, formula in ASSUMED.items()}


def clip(value: Expression) -> Expression:
    """A value clipped to [-delta, delta]."""
    name = str(value.term)
    text = rf"\mathrm{{clip}}({name})"
    return named(f"clip({name})", text, (abs(value + DELTA) - abs(value - DELTA)) / 2)


class Losses(Steps):
    """The steps about one error."""

    def __init__(self, script: Script, formulas: ModuleType) -> None:
        """Over these formulas."""
        super().__init__(script)
        self.formulas = formulas

    def huber(self, value: Expression) -> Expression:
        """Huber's function by the code."""
        return Expression(self.formulas.huber(value, clip(value)))

    def by_thirds(
        self, name: str, value: Expression, goal: Any, parts: Callable[[int], Parts]
    ) -> Theorem:
        """The same above delta (0), within (1) and below -delta (2)."""
        delta = kernel.assume(GIVEN["delta_nonneg"].formula)
        outer = self.step(f"{name}: above delta or not", kernel.total, value - DELTA)
        inner = self.step(f"{name}: below -delta or not", kernel.total, value + DELTA)

        def show(case_name: str, case: Theorem) -> Theorem:
            if case.conclusion == not_negative(value - DELTA):
                more = self.combine(
                    f"{case_name}: so not below",
                    not_negative(value + DELTA),
                    of=[(1, case), (2, delta)],
                )
                return self.combine(case_name, goal, case, more, of=parts(0))
            return self.by_cases(
                case_name,
                inner,
                lambda n, c: self.combine(
                    n, goal, case, c, of=parts(1 + (c.conclusion != not_negative(value + DELTA)))
                ),
            )

        return self.by_cases(name, outer, show)

    def bounds(self, value: Expression) -> tuple[Theorem, Theorem]:
        """-delta <= clip and clip <= delta"""
        delta = kernel.assume(GIVEN["delta_nonneg"].formula)
        low, high = not_negative(value + DELTA), at_most(value - DELTA, 0)
        within = [kernel.assume(low), kernel.assume(high)]
        found = []
        for name, goal, third in (
            (f"clip({value.term}) >= -delta", at_most(-DELTA, clip(value)), (2, 0)),
            (f"clip({value.term}) <= delta", at_most(clip(value), DELTA), (0, 1)),
        ):

            def parts(at: int, third: Any = third) -> Parts:
                if at == 1:
                    return [(1, within[third[1]])]
                return [] if at == third[0] else [(2, delta)]

            found.append(self.by_thirds(name, value, goal, parts))
        return found[0], found[1]

    def clipping(self) -> Theorem:
        """0 <= (clip(x) - k) (x - clip(x)) for every k from -delta to delta."""
        k = number("k")
        low, high = kernel.assume(at_most(-DELTA, k)), kernel.assume(at_most(k, DELTA))
        goal = not_negative((clip(X) - k) * (X - clip(X)))
        parts: list[Parts] = [[(X - DELTA, high)], [], [(-(X + DELTA), low)]]
        return self.by_thirds("clipping", X, goal, lambda at: parts[at])

    def tangent(self) -> Theorem:
        """clip(d) (x - d) <= huber(x) - huber(d)"""
        apart = self.put("clipping at d", self.clipping(), {"k": clip(D)}, *self.bounds(D))
        square = self.step("the rest is a square", kernel.sign, (clip(X) - clip(D)) ** 2 / 2)
        goal = at_most(clip(D) * (X - D), self.huber(X) - self.huber(D))
        return self.combine("the tangent at d", goal, of=[(1, apart), (1, square)])

    def from_above(self, tangent: Theorem) -> Theorem:
        """huber(x) - huber(d) <= clip(x) (x - d)"""
        turned = self.step(
            "x and d exchanged", kernel.instantiate, tangent, {"x": D.term, "d": X.term}
        )
        goal = at_most(self.huber(X) - self.huber(D), clip(X) * (X - D))
        return self.combine("the tangent at x", goal, of=[(1, turned)])

    def sign_facts(self, name: str, case: Theorem) -> dict[str, Theorem]:
        """sign(d) d = |d|, sign(d) <= 1 and -1 <= sign(d), in one of three cases."""
        slope, size, known = self.formulas.absolute_slope(D, XP), abs(D), [case]
        parts: dict[str, Parts] = {"|d|": [], "<= 1": [], ">= -1": []}
        if case.conclusion == equal(D, 0):
            start = self.step(f"{name}: |d| is |0|", kernel.congruence, size, case)
            none = self.combine(f"{name}: |d| is 0", equal(size, 0), of=[(1, start)])
            known.append(none)
            over = size + 1
            parts["|d|"] = [(-1, none), (D / over, case)]
            parts["<= 1"] = [(1, self.one), (1 / over, case)]
            parts[">= -1"] = [(1, self.one), (-1 / over, case)]
        else:
            up = case.conclusion == positive(D)
            parts[">= -1" if up else "<= 1"] = [(2, self.one)]
        goals = {
            "|d|": equal(slope * D, size),
            "<= 1": at_most(slope, 1),
            ">= -1": at_most(-1, slope),
        }
        return {
            what: self.combine(f"{name}: sign(d) {what}", goal, *known, of=parts[what])
            for what, goal in goals.items()
        }

    @cached_property
    def one(self) -> Theorem:
        """0 < 1"""
        return self.step("0 < 1", kernel.sign, Expression(1))

    @cached_property
    def signs(self) -> dict[str, Theorem]:
        """The same in all cases."""
        either = self.step("d has a sign", kernel.total, D)
        sides: Any = either.conclusion
        found = []
        for name, case in (("d >= 0", sides.left), ("d <= 0", sides.right)):
            up = kernel.assume(case)
            if name == "d <= 0":
                up = self.combine("0 <= -d", not_negative(-D), of=[(1, up)])
            strict = self.step(f"{name}: or is 0", kernel.split, up)
            both: Any = strict.conclusion
            none = kernel.assume(both.right)
            if name == "d <= 0":
                none = self.combine("-d = 0 is d = 0", equal(D, 0), of=[(-1, none)])
            one = self.sign_facts(f"{name}, not 0", kernel.assume(both.left))
            zero = self.sign_facts(f"{name}, 0", kernel.assume(equal(D, 0)))
            found.append(
                {
                    what: self.step(
                        f"{name}: {what}",
                        kernel.cases,
                        strict,
                        theorem,
                        zero[what]
                        if none.conclusion in none.hypotheses
                        else self.step(f"{name}: {what}, 0", kernel.cut, zero[what], none),
                    )
                    for what, theorem in one.items()
                }
            )
        return {
            what: self.step(what, kernel.cases, either, *(half[what] for half in found))
            for what in found[0]
        }

    def absolute_tangent(self) -> Theorem:
        """sign(d) (x - d) <= |x| - |d|"""
        f, signs = self.formulas, self.signs
        slope = f.absolute_slope(D, XP)
        guard = self.guard("|d|", abs(D))
        goal = at_most(slope * (X - D), f.absolute(X) - f.absolute(D))

        def show(name: str, case: Theorem) -> Theorem:
            up = case.conclusion == not_negative(X)
            part = (X, signs["<= 1"]) if up else (-X, signs[">= -1"])
            return self.combine(name, goal, case, guard, of=[part, (-1, signs["|d|"])])

        return self.by_cases("the tangent of |d|", self.step("x has a sign", kernel.total, X), show)


def clipped(d: Any, delta: Any) -> Any:
    """d clipped to [-delta, delta]"""
    return min(delta, max(-delta, d))


def huber_by_cases(d: Any, delta: Any) -> Any:
    """Huber's function from its definition."""
    return d * d / 2 if abs(d) <= delta else delta * (abs(d) - delta / 2)


def small_cases() -> Any:
    """Errors within, at and beyond delta."""
    for delta in (Integer(1), Integer(2)):
        for d in map(Rational, (0, "1/2", "-1/2", 1, -1, 2, 3, -3)):
            yield Case(d=d, delta=delta)


def statement(formulas: ModuleType = package_formulas) -> Statement:
    """The statement, over the given formulas."""

    says, h = Losses(Script(), formulas), number("h")
    slope = formulas.absolute_slope(D, XP)
    within = (GIVEN["d_within_above"], GIVEN["d_within_below"])
    beyond = (GIVEN["d_beyond"], GIVEN["delta_nonneg"])
    huber = says.huber(D)
    outside = DELTA * (abs(D) - DELTA / 2)
    easy = (
        Claim("|d| above 0", (GIVEN["d_nonneg"],), equal(formulas.absolute(D), D)),
        Claim("|d| below 0", (GIVEN["d_nonpos"],), equal(formulas.absolute(D), -D)),
        Claim("slope 1", (GIVEN["d_pos"],), equal(slope, 1)),
        Claim("slope -1", (GIVEN["d_neg"],), equal(slope, -1)),
        Claim("slope 0 at 0", (), equal(formulas.absolute_slope(Expression(0), XP), 0)),
        Claim(
            "square",
            (),
            equal(formulas.square(D + h) - formulas.square(D), formulas.square_slope(D) * h + h**2),
        ),
        Claim("Huber within", within, equal(huber, D**2 / 2)),
        Claim("clipped within", within, equal(clip(D), D)),
    )
    claims = (
        *easy,
        Claim("Huber beyond", beyond, equal(huber, outside)),
        Claim("clipped beyond", beyond, equal(clip(D), DELTA)),
        Claim(
            "tangents of |d|",
            (),
            at_most(slope * (X - D), formulas.absolute(X) - formulas.absolute(D)),
        ),
        Claim(
            "tangents of Huber",
            (GIVEN["delta_nonneg"],),
            at_most(clip(D) * (X - D), says.huber(X) - huber),
        ),
        Claim(
            "and from above",
            (GIVEN["delta_nonneg"],),
            at_most(says.huber(X) - huber, clip(X) * (X - D)),
        ),
    )

    def script(step: Script) -> None:
        steps = Losses(step, formulas)
        for claim in easy:
            known = (kernel.assume(a.formula) for a in claim.assuming)
            step.show(claim.name, steps.combine(claim.name, claim.conclusion, *known))
        above, delta = (kernel.assume(a.formula) for a in beyond)
        below = steps.combine(
            "so above -delta", not_negative(D + DELTA), of=[(1, above), (2, delta)]
        )
        large = steps.combine("so above 0", not_negative(D), of=[(1, above), (1, delta)])
        for claim in claims[len(easy) : len(easy) + 2]:
            theorem = steps.combine(claim.name, claim.conclusion, above, below, large)
            step.show(claim.name, theorem)
        step.show("tangents of |d|", steps.absolute_tangent())
        tangent = steps.tangent()
        step.show("tangents of Huber", tangent)
        step.show("and from above", steps.from_above(tangent))

    def dropped(name: str, left: Any, right: Any, d: Any) -> Any:
        return mutant(
            f"without {name}",
            "on the other part of the line",
            lambda case: (left(case.d), right(case.d)),
            cases=lambda: [Case(d=Integer(d), delta=Integer(1))],
            drops=name,
        )

    def huber_of(d: Any) -> Any:
        return formulas.huber(d, clipped(d, 1))

    def slope_of(d: Any) -> Any:
        return formulas.absolute_slope(d, sympy)

    def code(case: Case) -> Any:
        return formulas.huber(case.d, clipped(case.d, case.delta))

    return Statement(
        name="conventional-losses",
        title="The conventional losses and their derivatives",
        where="the conventional sub-loss and three baselines; gar_verify.formulas.huber and others",
        claims=claims,
        script=script,
        mutants=(
            dropped("d_nonneg", formulas.absolute, lambda d: d, -1),
            dropped("d_nonpos", formulas.absolute, lambda d: -d, 1),
            dropped("d_pos", slope_of, lambda d: 1, 0),
            dropped("d_neg", slope_of, lambda d: -1, 0),
            dropped("d_within_above", huber_of, lambda d: d**2 / 2, -2),
            dropped("d_within_below", huber_of, lambda d: d**2 / 2, 2),
            dropped("d_beyond", huber_of, lambda d: abs(d) - Rational(1, 2), 0),
            mutant(
                "half dropped",
                "clipped (d - clipped) for Huber's function",
                lambda case: (
                    clipped(case.d, case.delta) * (case.d - clipped(case.d, case.delta)),
                    huber_by_cases(case.d, case.delta),
                ),
                cases=small_cases,
            ),
            mutant(
                "linear part through 0",
                "delta |d| beyond delta",
                lambda case: (case.delta * abs(case.d), code(case)),
                cases=small_cases,
                where=lambda case: abs(case.d) > case.delta,
            ),
            mutant(
                "no clipping",
                "d^2 / 2 everywhere",
                lambda case: (case.d**2 / 2, code(case)),
                cases=small_cases,
            ),
            mutant(
                "slope d of d^2",
                "the derivative of the square without the 2",
                lambda case: (formulas.square(case.d + 1) - formulas.square(case.d), case.d + 1),
                cases=small_cases,
            ),
            mutant(
                "slope 1 at 0",
                "the slope of |d| at 0 taken from the right",
                lambda case: (formulas.absolute_slope(case.d, sympy), 1),
                cases=small_cases,
                where=lambda case: case.d == 0,
            ),
            mutant(
                "negative delta",
                "Huber's function not negative with delta = -1",
                lambda case: (0, code(case)),
                cases=lambda: [Case(d=Integer(1), delta=Integer(-1))],
                drops="delta_nonneg",
                at_most=True,
            ),
        ),
        controls=(
            control(
                "by cases",
                "the code and the definition by cases agree on errors within, at and beyond delta",
                lambda case: (code(case), huber_by_cases(case.d, case.delta)),
                cases=small_cases,
            ),
            control(
                "clipping",
                "(|d + delta| - |d - delta|) / 2 is min(delta, max(-delta, d))",
                lambda case: (
                    (abs(case.d + case.delta) - abs(case.d - case.delta)) / 2,
                    clipped(case.d, case.delta),
                ),
                cases=small_cases,
            ),
        ),
    )


if __name__ == "__main__":
    run_script(statement)
