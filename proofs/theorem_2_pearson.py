"""Theorem 2: the normalised differences of all pairs are one minus Pearson's correlation.

For every N and all real f, y, with the differences df_ij = f_i - f_j and dy_ij = y_i - y_j read as
vectors of N^2 entries, and Var(f) > 0, Var(y) > 0,

    1/2 || df / ||df|| - dy / ||dy|| ||^2 = 1 - rho(f, y),    in [0, 2],

0 for f = c y + b with c > 0 and 2 for f = -c y + b. Where a vector of differences is zero it stays
zero when it is normalised, and the left side is 1/2 (one of the two) or 0 (both): so is the code.

Assumptions: batch_nonempty, var_f_pos, var_y_pos; scale_pos at the ends of the range.

In the summary of the paper that was available: without a number; Theorem 2 is our name. In the
code: `gar_verify.formulas.one_minus_pearson`, in the form that does not cancel.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from types import ModuleType
from typing import Any

import sympy

from gar_verify import formulas as package_formulas

from .batches import ExactBatch, moments
from .definitions import (
    correlation,
    normalized_difference,
)
from .language import XP, Expression, at_most, equal, number, positive
from .language import column as entry
from .pairwise import Pairwise, Proofs
from .printing import run_script
from .script import Assumption, Claim, Script
from .statements import Statement, control, mutant
from .terms import Index

HALF = Fraction(1, 2)
SCALE_POS = Assumption("scale_pos", positive(number("c")), "the factor is positive")


def A(place: Index) -> Expression:
    """The column a, a, .. a."""
    return number("a")


def B(place: Index) -> Expression:
    """The column b, b, .. b."""
    return number("b")


def scaled_labels(sign: int) -> Callable[[Index], Expression]:
    """The column +- c y + b."""
    c = number("c")
    return lambda place: (c if sign > 0 else -c) * entry("y", place) + number("b")


def pearson_of(about: Pairwise) -> Expression:
    """one_minus_pearson of a batch."""
    return about.code("one_minus_pearson", XP)


def statement(formulas: ModuleType = package_formulas) -> Statement:
    """Theorem 2, over the given formulas."""

    about = Pairwise(formulas)
    sides = [Pairwise(formulas, f=scaled_labels(sign)) for sign in (1, -1)]
    constant: list[dict[str, Any]] = [{"f": A}, {"y": B}, {"f": A, "y": B}]
    one, other, both = (Pairwise(formulas, **columns) for columns in constant)
    vary = (about.var_f_pos, about.var_y_pos)
    basic, rho = about.basic, about.rho()
    end = (SCALE_POS, about.var_y_pos)
    claims = (
        Claim("the identity", (*basic, *vary), equal(about.normalized(), 1 - rho)),
        Claim("the code", (*basic, *vary), equal(pearson_of(about), 1 - rho)),
        Claim("at least 0", (*basic, *vary), at_most(0, 1 - rho)),
        Claim("at most 2", (*basic, *vary), at_most(1 - rho, 2)),
        Claim("the lower end", (*basic, *end), equal(sides[0].normalized(), 0)),
        Claim("the upper end", (*basic, *end), equal(sides[1].normalized(), 2)),
        Claim("f constant", (*basic, one.var_y_pos), equal(pearson_of(one), HALF)),
        Claim("y constant", (*basic, other.var_f_pos), equal(pearson_of(other), HALF)),
        Claim("both constant", basic, equal(pearson_of(both), 0)),
    )

    def script(step: Script) -> None:
        proofs = Proofs(step, about)
        step.show("the identity", proofs.normalized_is(-1))
        step.show("the code", proofs.code_is_pearson())
        for name, theorem in zip(("at least 0", "at most 2"), proofs.range(), strict=True):
            step.show(name, theorem)
        step.show("the lower end", Proofs(step, sides[0], "f = c y + b: ").end(SCALE_POS, 0))
        step.show("the upper end", Proofs(step, sides[1], "f = -c y + b: ").end(SCALE_POS, 2))
        for name, batch, value, varies in (
            ("f constant", one, HALF, (False, True)),
            ("y constant", other, HALF, (True, False)),
            ("both constant", both, 0, (False, False)),
        ):
            proofs = Proofs(step, batch, f"{name}: ")
            step.show(name, proofs.constant(value, *varies))

    def pearson(batch: Any) -> Any:
        return 1 - correlation(batch, sympy.sqrt)

    def code(batch: Any) -> Any:
        return formulas.one_minus_pearson(moments(formulas, batch), sympy)

    def pairs(batch: Any) -> Any:
        return normalized_difference(batch, sympy.sqrt)

    def both_vary(batch: Any) -> bool:
        return bool(batch.varies("f") and batch.varies("y"))

    return Statement(
        name="theorem-2-pearson",
        title="Theorem 2: the normalised pairwise difference is one minus Pearson's correlation",
        where="the paper, numbered here; gar_verify.formulas.one_minus_pearson",
        claims=claims,
        script=script,
        mutants=(
            mutant(
                "empty batch",
                "1 - rho of no samples",
                lambda b: (code(b), 0),
                cases=lambda: [ExactBatch(f=(), y=())],
                drops="batch_nonempty",
                undefined=True,
            ),
            mutant(
                "any factor",
                "0 for f = c y with c < 0 too",
                lambda b: (pairs(b), 0),
                where=lambda b: b.varies("y") and all(b.f == -b.y),
                drops="scale_pos",
            ),
            mutant(
                "half dropped",
                "without the factor 1/2",
                lambda b: (2 * pairs(b), pearson(b)),
                where=both_vary,
            ),
            mutant(
                "sign flipped",
                "1 + rho for 1 - rho",
                lambda b: (pairs(b), 2 - pearson(b)),
                where=both_vary,
            ),
            mutant(
                "not centred",
                "the cosine of f and y for their correlation",
                lambda b: (
                    pairs(b),
                    1 - b.mean(b.f * b.y) / sympy.sqrt(b.mean(b.f**2) * b.mean(b.y**2)),
                ),
                where=both_vary,
            ),
            mutant(
                "squared",
                "1 - rho^2 for 1 - rho",
                lambda b: (pairs(b), 1 - correlation(b, sympy.sqrt) ** 2),
                where=both_vary,
            ),
            mutant(
                "constant predictions",
                "1 - rho with Var(f) = 0 allowed",
                lambda b: (pairs(b), pearson(b)),
                where=lambda b: b.varies("y") and not b.varies("f"),
                drops="var_f_pos",
                undefined=True,
            ),
            mutant(
                "constant labels",
                "1 - rho with Var(y) = 0 allowed",
                lambda b: (pairs(b), pearson(b)),
                where=lambda b: b.varies("f") and not b.varies("y"),
                drops="var_y_pos",
                undefined=True,
            ),
            mutant(
                "constant f and y as one constant",
                "the value 1/2 of the code for both constant too",
                lambda b: (code(b), HALF),
                where=lambda b: not b.varies("f") or not b.varies("y"),
            ),
        ),
        controls=(
            control(
                "invariance",
                "f scaled by 3 and shifted by 2 has the same normalised difference",
                lambda b: (pairs(b), pairs(ExactBatch(f=tuple(3 * b.f + 2), y=tuple(b.y)))),
            ),
        ),
    )


if __name__ == "__main__":
    run_script(statement)
