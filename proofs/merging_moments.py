"""Merging the moments of two chunks gives the moments of their union, exactly.

For disjoint chunks A and B with weights W_A, W_B > 0, p = W_A / W, q = W_B / W, W = W_A + W_B,

    Var(y) = p Var_A(y) + q Var_B(y) + p q (mean_B(y) - mean_A(y))^2,    so Cov(f, y), Cov(d, y),
    var_r  = p (var_r,A + e_A^2 Var_A(y)) + q (the same of B) + p q g^2,

with e_A the residual of A's slopes and g that of the gaps between the means, both of any share; the
means and the weight as usual: only sums of squares, no difference of large numbers. Sums over the
union are sums over the chunks. In variables first: two chunks whose power sums are what their
moments say; then for the moments that the code makes of them. Chunks with Var(y) = 0 are no case of
their own, since slope Var(y) = Cov(d, y) holds there too. A chunk of weight 0 changes nothing,
whatever its other moments are.

Assumptions: weight_pos_A, weight_pos_B, weights_nonneg_A, weights_nonneg_B; weight_pos and
var_y_pos for a chunk beside nothing.

Not in the paper; used for batches in pieces and on several devices. In the code:
`gar_verify.formulas.merge`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from types import ModuleType, SimpleNamespace
from typing import Any

import sympy

from gar_verify import formulas as package_formulas

from . import kernel
from .batches import ExactBatch, exact_batches, moments
from .exact import exactly
from .kernel import Theorem
from .language import Both, Expression, column, equal, named, number, positive
from .pairwise import Pairwise, Parts, Proofs, Steps
from .printing import run_script
from .script import Assumption, Claim, Script
from .statements import Statement, control, mutant
from .terms import replaced

CHUNKS = ("_A", "_B")
FIELDS = {
    "W": "weight",
    "F": "mean_f",
    "D": "mean_d",
    "Y": "mean_y",
    "V": "var_y",
    "a": "scale",
    "b": "slope",
    "R": "var_r",
    "C": "conventional",
}
"""The moments, each with the letter that stands for it."""


class Merging(Steps):
    """Two chunks in variables, and the moments of their union."""

    def __init__(self, script: Script, formulas: ModuleType) -> None:
        """Over these formulas."""
        super().__init__(script)
        self.formulas = formulas
        self.about = [Pairwise(formulas, weighted=True, mark=mark) for mark in CHUNKS]
        letters = [[number(letter + mark) for letter in FIELDS] for mark in CHUNKS]
        self.chunks = [
            SimpleNamespace(**dict(zip(FIELDS, values, strict=True))) for values in letters
        ]
        in_order = [
            {FIELDS[k]: v for k, v in zip(FIELDS, values, strict=True)} for values in letters
        ]
        self.merged = formulas.merge(*(formulas.Moments(**values) for values in in_order))
        self.weight = self.chunks[0].W + self.chunks[1].W

    # --- the union -----------------------------------------------------------------------------

    def total(self, both: Both) -> Expression:
        """The weighted sum over both chunks."""
        one, other = (
            a.batch.total(a.batch.w * entry)
            for a, entry in zip(self.about, both.entries, strict=True)
        )
        return one + other

    def mean(self, entry: Any, times: Any = None) -> Expression:
        """The weighted mean over both chunks, of products where there are two factors."""
        return Expression(self.total(entry if times is None else entry * times) / self.weight)

    def union_of(self, weight: Any) -> Any:
        """What the code makes of both chunks as one batch, whose weights have this sum."""

        def mean(entry: Any, times: Any = None) -> Expression:
            return Expression(self.total(entry if times is None else entry * times) / weight)

        f, y, c = self.columns
        parts = self.formulas.decompose(f, y, mean)
        return self.formulas.moments(parts, c, weight, mean)

    @cached_property
    def columns(self) -> tuple[Both, Both, Both]:
        """Predictions, labels and conventional losses."""
        batches = [a.batch for a in self.about]
        conventional = (column("c" + b.mark, b.place) for b in batches)
        return (
            Both(*(b.f for b in batches)),
            Both(*(b.y for b in batches)),
            Both(*conventional),
        )

    @cached_property
    def union(self) -> Any:
        """What the code makes of both chunks as one batch, in variables for their weights."""
        return self.union_of(self.weight)

    # --- what is known of the chunks -----------------------------------------------------------

    def hypotheses(self, which: int) -> dict[str, Any]:
        """The power sums of a chunk, in its moments."""
        c, b = self.chunks[which], self.about[which].batch
        loss = column("c" + b.mark, b.place)
        sums = {
            "w": (Expression(1), c.W),
            "f": (b.f, c.W * c.F),
            "y": (b.y, c.W * c.Y),
            "yy": (b.y * b.y, c.W * (c.V + c.Y**2)),
            "fy": (b.f * b.y, c.W * (c.a * c.V + c.F * c.Y)),
            "ff": (b.f * b.f, c.W * (c.R + c.a**2 * c.V + c.F**2)),
            "c": (loss, c.W * c.C),
        }
        found = {
            name: equal(b.total(b.w if name == "w" else b.w * entry), value)
            for name, (entry, value) in sums.items()
        }
        gap = equal((c.a - c.b - 1) * c.V, 0)
        return found | {"d": equal(c.D, c.F - c.Y), "gap": gap, "pos": positive(c.W)}

    @cached_property
    def given(self) -> list[dict[str, Theorem]]:
        """The same as theorems."""
        return [
            {name: kernel.assume(formula) for name, formula in self.hypotheses(which).items()}
            for which in range(2)
        ]

    @cached_property
    def known(self) -> tuple[Theorem, ...]:
        """Both weights are positive."""
        return tuple(given["pos"] for given in self.given)

    def parts(self, **factors: Any) -> Parts:
        """The hypotheses of both chunks by name, each with its factor over W."""
        return [
            (factor / self.weight, given[name])
            for given in self.given
            for name, factor in factors.items()
        ]

    # --- the fields, in variables --------------------------------------------------------------

    def shares(self) -> list[Expression]:
        """p and q"""
        return [c.W / self.weight for c in self.chunks]

    def means(self) -> dict[str, Expression]:
        """The means of the union, from those of the chunks."""
        return {
            n: sum(
                (p * getattr(c, n) for p, c in zip(self.shares(), self.chunks, strict=True)),
                Expression(0),
            )
            for n in "FDY"
        }

    def gap_parts(self, factor: Callable[[int], Any]) -> Parts:
        """mean_d = mean_f - mean_y of each chunk, times its share and a factor."""
        return [
            (p * factor(which), self.given[which]["d"]) for which, p in enumerate(self.shares())
        ]

    @cached_property
    def centres(self) -> dict[str, Theorem]:
        """What the code subtracts from predictions, errors and labels of the union."""
        f, y, _ = self.columns
        f, d, y = self.formulas.shifted(f, y, self.formulas.UNSHIFTED)
        parts = {"F": self.parts(f=1), "Y": self.parts(y=1)}
        parts["D"] = [*self.parts(f=1, y=-1), *self.gap_parts(lambda which: -1)]
        return {
            n: self.combine(
                f"the mean {n}", equal(self.mean(entry), self.means()[n]), *self.known, of=parts[n]
            )
            for n, entry in (("F", f), ("D", d), ("Y", y))
        }

    @cached_property
    def fields(self) -> dict[str, Theorem]:
        """Each moment of the union is that of merge."""
        found = dict[str, Theorem]()
        for n in "FDY":
            start: Any = self.step(
                f"{n} of the union",
                kernel.congruence,
                getattr(self.union, FIELDS[n]),
                self.centres[n],
            )
            goal = equal(start.conclusion.right, getattr(self.merged, FIELDS[n]))
            end = self.combine(f"{n} merged", goal, *self.known)
            found[n] = self.step(f"merge: {n}", kernel.rewrite, start, end)
        weight = equal(self.union.weight, self.merged.weight)
        found["W"] = self.combine("merge: W", weight)
        loss = equal(self.union.conventional, self.merged.conventional)
        found["C"] = self.combine("merge: C", loss, *self.known, of=self.parts(c=1))
        found["V"] = self.second("V", self.union.var_y, self.merged.var_y)
        for n in "ab":
            (one, other) = (getattr(m, FIELDS[n]).term.left for m in (self.union, self.merged))
            covariance = self.second(n, one, other)
            found[n] = self.step(
                f"merge: {n}",
                kernel.congruence,
                getattr(self.union, FIELDS[n]),
                covariance,
                found["V"],
            )
        found["R"] = self.residual(found)
        return found

    def second(self, name: str, term: Any, goal: Any) -> Theorem:
        """A second moment of the union: Var(y), Cov(f, y) or Cov(d, y)."""
        mean = self.means()
        centres = [self.centres["Y"]] + {
            "V": [],
            "a": [self.centres["F"]],
            "b": [self.centres["D"]],
        }[name]
        start: Any = self.step(f"{name}: centred", kernel.congruence, term, *centres)
        y, other = mean["Y"], {"V": mean["Y"], "a": mean["F"], "b": mean["D"]}[name]
        if name == "V":
            parts = self.parts(yy=1, y=-2 * y, w=y**2)
        elif name == "a":
            parts = self.parts(fy=1, f=-y, y=-other, w=y * other)
        else:
            parts = self.parts(fy=1, yy=-1, f=-y, y=y - other, w=y * other)
            parts += self.covariance_gaps()
        end = self.combine(
            f"{name}: by the chunks", equal(start.conclusion.right, goal), *self.known, of=parts
        )
        return self.step(f"merge: the sum in {name}", kernel.rewrite, start, end)

    def covariance_gaps(self) -> Parts:
        """What the errors have of their own: slope for scale, and mean_d for mean_f - mean_y."""
        found: Parts = []
        for which, (p, c) in enumerate(zip(self.shares(), self.chunks, strict=True)):
            found.append((p, self.given[which]["gap"]))
            found.append((-p * (c.Y - self.means()["Y"]), self.given[which]["d"]))
        return found

    def residual(self, found: dict[str, Theorem]) -> Theorem:
        """The unexplained variance of the union is that of merge."""
        scale, slope, share = map(number, ("S", "B", "s"))
        steps = (found["a"], found["b"], *self.centres.values())
        start: Any = self.step("R: centred", kernel.congruence, self.union.var_r, *steps)
        of = self.formulas.error_share(self.merged.scale, self.merged.slope)

        def free(term: Any) -> Any:
            for old, new in ((of, share), (self.merged.scale, scale), (self.merged.slope, slope)):
                term = replaced(term, old.term, new.term)
            return term

        goal = equal(free(start.conclusion.right), free(self.merged.var_r.term))
        any_share = self.combine(
            "R: any slopes and share",
            goal,
            *self.known,
            of=self.residual_parts(scale, slope, share),
        )
        values = {"S": self.merged.scale, "B": self.merged.slope, "s": of}
        end = self.put("R: those of the code", any_share, values)
        return self.step("merge: R", kernel.rewrite, start, end)

    def residual_parts(self, scale: Any, slope: Any, share: Any) -> Parts:
        """r = f - k y - c, summed over the chunks."""
        mean = self.means()
        along = (1 - share) * scale + share * slope
        k = along + share
        c = (1 - share) * mean["F"] + share * mean["D"] - along * mean["Y"]
        found = self.parts(ff=1, fy=-2 * k, yy=k**2, f=-2 * c, y=2 * k * c, w=c**2)
        for which, (p, m) in enumerate(zip(self.shares(), self.chunks, strict=True)):
            own, apart = m.F - m.Y - m.D, m.F - k * m.Y - c
            gap = m.a - m.b - 1
            found.append((p * share * (share * own - 2 * apart), self.given[which]["d"]))
            found.append((p * share * (2 * (m.a - k) - share * gap), self.given[which]["gap"]))
        return found

    # --- the moments of the code ------------------------------------------------------------------

    def facts(self, which: int) -> list[Theorem]:
        """What the hypotheses say, of the moments that the code makes of a chunk."""
        about = self.about[which]
        proofs = Proofs(self.script, about, f"{CHUNKS[which][1:]}: ")
        m, letters = about.m, [letter + CHUNKS[which] for letter in FIELDS]
        values = {
            k: getattr(m, name).term for k, name in zip(letters, FIELDS.values(), strict=True)
        }
        weight, known = about.batch.weight, (*proofs.licences, *proofs.share_guard)
        parts: dict[str, Parts] = {
            "fy": [(-weight, proofs.scale_is)],
            "ff": [(-weight, proofs.of_predictions)],
            "gap": [(1, proofs.slopes_differ_by_one)],
        }
        found = []
        for name, formula in self.hypotheses(which).items():
            said = kernel.instantiate(kernel.assume(formula), values).conclusion
            if name == "pos":
                found.append(proofs.weight)
            else:
                of = parts.get(name, [])
                found.append(proofs.combine(f"the power sum {name}", said, *known, of=of))
        return found

    def by_code(self) -> dict[str, Theorem]:
        """Each moment of the union, for the moments that the code makes of the chunks."""
        facts = [fact for which in range(2) for fact in self.facts(which)]
        values = {
            letter + mark: getattr(about.m, name)
            for mark, about in zip(CHUNKS, self.about, strict=True)
            for letter, name in FIELDS.items()
        }
        found = {}
        for n, theorem in self.fields.items():
            special = self.put(f"{FIELDS[n]}, by the code", theorem, values)
            needed = [fact for fact in facts if fact.conclusion in special.hypotheses]
            found[n] = (
                self.step(f"{FIELDS[n]} of the union", kernel.cut, special, *needed)
                if needed
                else special
            )
        return found

    # --- a chunk of weight 0 -----------------------------------------------------------

    def beside_nothing(self, varies: bool) -> Any:
        """The moments of a chunk, and of it merged with one of weight 0."""
        numbers = {FIELDS[n]: number(n) for n in FIELDS}
        if not varies:
            numbers |= {name: Expression(0) for name in ("var_y", "scale", "slope")}
        one = self.formulas.Moments(**numbers)
        other = self.formulas.Moments(**{FIELDS[n]: number(f"{n}_0") for n in FIELDS})
        return one, self.formulas.merge(one, other._replace(weight=Expression(0)))

    def nothing_changes(self, varies: bool, known: tuple[Theorem, ...]) -> dict[str, Theorem]:
        """Each moment merged with nothing is what it was."""
        m, merged = self.beside_nothing(varies)
        label = "labels vary" if varies else "one label"
        found = dict[str, Theorem]()
        for name in FIELDS.values():
            step, value = f"{label}: {name} beside nothing", getattr(merged, name)
            if name in ("scale", "slope"):
                start: Any = self.step(
                    f"{step}, by its own labels", kernel.congruence, value, found["var_y"]
                )
                goal = equal(start.conclusion.right, getattr(m, name))
                end = self.combine(f"{step}, the quotient", goal, *known)
                found[name] = self.step(step, kernel.rewrite, start, end)
            elif name != "var_r":
                found[name] = self.combine(step, equal(value, getattr(m, name)), *known)
        start = self.step(
            f"{label}: with its own slopes",
            kernel.congruence,
            merged.var_r,
            found["scale"],
            found["slope"],
        )
        guard = (self.guard("|a| + |b|", abs(m.scale) + abs(m.slope)),) if varies else ()
        goal = equal(start.conclusion.right, m.var_r)
        end = self.combine(f"{label}: nothing unexplained is added", goal, *known, *guard)
        found["var_r"] = self.step(f"{label}: var_r beside nothing", kernel.rewrite, start, end)
        return found


@dataclass(frozen=True)
class Pieces:
    """Two chunks of exact data."""

    a: ExactBatch
    b: ExactBatch

    def joined(self) -> ExactBatch:
        """Their union."""
        return ExactBatch(
            f=(*self.a.f, *self.b.f), y=(*self.a.y, *self.b.y), w=(*self.a.w, *self.b.w)
        )

    def __str__(self) -> str:
        """Both on one line."""
        return f"A: {self.a}; B: {self.b}"


def small_pieces() -> Any:
    """One or two samples beside two others."""
    for a in exact_batches("f", "y", sizes=(1, 2)):
        for b in exact_batches("f", "y", sizes=(2,), values=(0, 1)):
            yield Pieces(a, b)


def statement(formulas: ModuleType = package_formulas) -> Statement:
    """The statement, over the given formulas."""

    says = Merging(Script(), formulas)
    one, other = says.about
    union = says.union_of(one.batch.weight + other.batch.weight)
    merged = formulas.merge(one.m, other.m)
    both = (one.weight_pos, other.weight_pos)
    needed = {"W": (), "a": (*one.basic, *other.basic)}
    needed |= dict.fromkeys("bR", needed["a"])
    positive_weight = Assumption("weight_pos", positive(number("W")), "the chunk has a weight")
    spread = Assumption("var_y_pos", positive(number("V")), "its labels vary")
    alone = {True: (positive_weight, spread), False: (positive_weight,)}
    claims = []
    for n, name in FIELDS.items():
        tex = name.replace("_", r"\_")
        whole = named(
            f"of A and B: {name}", rf"m_{{A\cup B}}.\mathrm{{{tex}}}", getattr(union, name)
        )
        found = named(
            f"merge(m_A, m_B).{name}",
            rf"\mathrm{{merge}}(m_A,m_B).\mathrm{{{tex}}}",
            getattr(merged, name),
        )
        claims.append(Claim(name, needed.get(n, both), equal(whole, found)))
    for varies, label in ((True, "labels vary"), (False, "one label")):
        m, same = says.beside_nothing(varies)
        for name in FIELDS.values():
            given = alone[varies]
            if name == "weight":
                given = ()
            elif not (varies and name in ("scale", "slope", "var_r")):
                given = alone[False]
            tex = rf"\mathrm{{merge}}(m,0).\mathrm{{{name.replace('_', chr(92) + '_')}}}"
            found = named(f"merge(m, nothing).{name} [{label}]", tex, getattr(same, name))
            conclusion = equal(found, getattr(m, name))
            claims.append(Claim(f"{name} beside nothing, {label}", given, conclusion))

    def script(step: Script) -> None:
        steps = Merging(step, formulas)
        for n, theorem in steps.by_code().items():
            step.show(FIELDS[n], theorem)
        for varies, label in ((True, "labels vary"), (False, "one label")):
            known = tuple(kernel.assume(a.formula) for a in alone[varies])
            for name, theorem in steps.nothing_changes(varies, known).items():
                step.show(f"{name} beside nothing, {label}", theorem)

    def three(case: tuple[Any, ...]) -> tuple[Any, Any]:
        a, b, c = (moments(formulas, ExactBatch(f=f, y=y)) for f, y in case)
        left = formulas.merge(formulas.merge(a, b), c)
        return left.var_r, formulas.merge(a, formulas.merge(b, c)).var_r

    def joined(p: Pieces) -> Any:
        return moments(formulas, p.joined())

    def parts(p: Pieces) -> tuple[Any, Any]:
        return moments(formulas, p.a), moments(formulas, p.b)

    def averaged(p: Pieces, field: str) -> Any:
        return sum(m.weight * getattr(m, field) for m in parts(p)) / joined(p).weight

    def pearson(m: Any) -> Any:
        return exactly(formulas.one_minus_pearson(m, sympy))

    return Statement(
        name="merging-moments",
        title="The moments of two chunks merge exactly",
        where="not in the paper; gar_verify.formulas.merge",
        claims=tuple(claims),
        script=script,
        mutants=(
            mutant(
                "averaged slopes",
                "slope as the weighted mean of the slopes",
                lambda p: (joined(p).slope, averaged(p, "slope")),
                cases=small_pieces,
            ),
            mutant(
                "within only",
                "Var(y) without p q (gap of the means)^2",
                lambda p: (joined(p).var_y, averaged(p, "var_y")),
                cases=small_pieces,
            ),
            mutant(
                "averaged residuals",
                "var_r as the weighted mean of both",
                lambda p: (joined(p).var_r, averaged(p, "var_r")),
                cases=small_pieces,
            ),
            mutant(
                "gap not weighted",
                "(gap of the means)^2 / 2 for p q (gap of the means)^2",
                lambda p: (
                    joined(p).var_y,
                    averaged(p, "var_y") + (parts(p)[1].mean_y - parts(p)[0].mean_y) ** 2 / 2,
                ),
                cases=small_pieces,
            ),
            mutant(
                "averaged losses",
                "1 - rho of the union as the weighted mean of both",
                lambda p: (
                    pearson(joined(p)),
                    sum(m.weight * pearson(m) for m in parts(p)) / joined(p).weight,
                ),
                cases=small_pieces,
            ),
            mutant(
                "weights of B that hide the spread of the labels",
                "a negative weight in the other chunk",
                lambda p: (formulas.merge(*parts(p)).scale, joined(p).scale),
                cases=lambda: [
                    Pieces(
                        ExactBatch(w=(1,), f=(0,), y=(2,)),
                        ExactBatch(w=(1, 1, -1), f=(0, 2, 1), y=(0, 1, 1)),
                    )
                ],
                drops="weights_nonneg_B",
            ),
            mutant(
                "nothing beside nothing",
                "the means of two chunks of weight 0",
                lambda p: (formulas.merge(p[0], p[0]).mean_f, 1 + p[0].mean_f),
                cases=lambda: [(formulas.Moments(0, 1, 1, 0, 0, 0, 0, 0, 0),)],
                drops="weight_pos",
            ),
            mutant(
                "a slope without labels",
                "a chunk of one label and scale 1 beside a chunk of weight 0",
                lambda p: (formulas.merge(*p).scale, p[0].scale),
                cases=lambda: [
                    (
                        formulas.Moments(1, 0, 0, 0, 0, 1, 0, 0, 0),
                        formulas.Moments(0, 0, 0, 0, 0, 0, 0, 0, 0),
                    )
                ],
                drops="var_y_pos",
            ),
            mutant(
                "weights that hide the spread of the labels",
                "a chunk with a negative weight, Var(y) = 0 and labels that differ",
                lambda p: (formulas.merge(*parts(p)).slope, joined(p).slope),
                cases=lambda: [
                    Pieces(
                        ExactBatch(w=(1, 1, -1), f=(0, 2, 1), y=(0, 1, 1)),
                        ExactBatch(w=(1,), f=(0,), y=(2,)),
                    )
                ],
                drops="weights_nonneg_A",
            ),
        ),
        controls=(
            control(
                "three chunks",
                "merging a chunk of one sample with two others, in either grouping",
                three,
                cases=lambda: [(((0, 1, 3), (1, 0, 2)), ((2,), (5,)), ((1, 1, 0), (2, 0, 2)))],
            ),
            control(
                "either order",
                "merge(A, B) and merge(B, A) have the same var_r",
                lambda p: (
                    formulas.merge(*parts(p)).var_r,
                    formulas.merge(*reversed(parts(p))).var_r,
                ),
                cases=lambda: [p for p, _ in zip(small_pieces(), range(200), strict=False)],
            ),
        ),
    )


if __name__ == "__main__":
    run_script(statement)
