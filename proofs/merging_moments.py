"""Merging the moments of two chunks gives the moments of their union, exactly.

For disjoint chunks A and B with weights W_A, W_B > 0, p = W_A / W, q = W_B / W, W = W_A + W_B,

    Var(y) = p Var_A(y) + q Var_B(y) + p q (mean_B(y) - mean_A(y))^2,      likewise Cov(d, y),
    var_r  = p (var_r,A + (slope_A - slope)^2 Var_A(y)) + q (the same of B)
             + p q ((mean_B(d) - mean_A(d)) - slope (mean_B(y) - mean_A(y)))^2,

and the means and the weight as usual: only sums of squares, no difference of large numbers. Sums
over the union are sums over the chunks; each chunk is any data with its seven moments. The means of
the chunks are written as those of the union and their gap, which loses nothing.

Assumptions: weight_pos, weights_nonneg. Chunks with Var(y) = 0 are cases of their own: without
negative weights the errors have no covariance with such labels, and slope is 0.

Not in the paper; used for batches in pieces and on several devices. In the code:
`gar_verify.formulas.merge`.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import ModuleType, SimpleNamespace
from typing import Any

import sympy
from sympy import Expr, Integer, Symbol

from gar_verify import formulas as package_formulas

from .algebra import Ground, exactly, expand_polynomial
from .batches import ExactBatch, SymbolicBatch, exact_batches, moments
from .definitions import covariance
from .hypotheses import NO_SPREAD, SPREAD_CASES, WEIGHT_POS, WEIGHTS_NONNEG
from .power_sums import column, total
from .printing import run_script
from .statements import Control, Statement, Step, mutant

D, Y, W, C = column("d"), column("y"), column("w"), column("c")

WEIGHT = Symbol("W", positive=True)
SHARE = Symbol("p", positive=True)
"""W_A / W; that of the other chunk is 1 - p."""
MEAN_D, MEAN_Y, GAP_D, GAP_Y = sympy.symbols("d y g_d g_y", real=True)


class Chunk:
    """A chunk of any size, its power sums written in its seven moments."""

    def __init__(self, **numbers: Expr) -> None:
        """The moments, by name."""
        self.numbers = numbers
        self._batch = SymbolicBatch(w=W, f=D + Y, y=Y)
        self._in_moments = {
            total(entry): sympy.expand(value) for entry, value in self._power_sums().items()
        }

    def _power_sums(self) -> dict[Expr, Expr]:
        n = SimpleNamespace(**self.numbers)
        return {
            W: n.weight,
            W * D: n.weight * n.mean_d,
            W * Y: n.weight * n.mean_y,
            W * C: n.weight * n.conventional,
            W * Y**2: n.weight * (n.var_y + n.mean_y**2),
            W * D * Y: n.weight * (n.slope * n.var_y + n.mean_d * n.mean_y),
            W * D**2: n.weight * (n.var_r + n.slope**2 * n.var_y + n.mean_d**2),
        }

    def total(self, body: Any) -> Expr:
        """Weighted sum over the chunk, in its moments."""
        return self._batch.total(body).xreplace(self._in_moments)


class Union:
    """Chunks taken as one batch: sums over it are sums over the chunks."""

    f, y = D + Y, Y

    def __init__(self, *chunks: Chunk) -> None:
        """The union of the chunks."""
        self._chunks = chunks
        self.weight = sympy.expand(sum(chunk.numbers["weight"] for chunk in chunks))

    def mean(self, body: Any, times: Any = 1) -> Expr:
        """Weighted mean over all chunks, of a product where there are two factors."""
        summed = sum(chunk.total(body * times) for chunk in self._chunks)
        return expand_polynomial(sympy.expand_mul(summed / self.weight))


def two_chunks(constant: str = "", one_label: bool = False) -> tuple[Chunk, ...]:
    """Two chunks with any moments, written in the share of the first and the gaps of their means.

    ``constant`` names the chunks whose labels are all equal; ``one_label``: to one and the same.
    """
    gap_y = Integer(0) if one_label else GAP_Y
    return tuple(
        Chunk(
            weight=sympy.expand(share * WEIGHT),
            mean_d=MEAN_D + place * GAP_D,
            mean_y=MEAN_Y + place * gap_y,
            var_y=Integer(0) if name in constant else Symbol(f"vy_{name}", positive=True),
            slope=Integer(0) if name in constant else Symbol(f"s_{name}", real=True),
            var_r=Symbol(f"vr_{name}", nonnegative=True),
            conventional=Symbol(f"c_{name}", real=True),
        )
        for name, share, place in (("A", SHARE, SHARE - 1), ("B", 1 - SHARE, SHARE))
    )


def spread(*chunks: Chunk) -> Expr:
    """Var(y) of the union, which is positive unless all its labels are equal."""
    union = Union(*chunks)
    return sympy.expand(union.mean(Y**2) - union.mean(Y) ** 2)


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

    def named(chunk: Chunk) -> Any:
        return formulas.Moments(**chunk.numbers)

    def union_is_merged(*chunks: Chunk, varies: bool = True) -> list[Any]:
        ground = Ground([spread(*chunks)] if varies else [])
        merged = formulas.merge(*map(named, chunks))
        direct = moments(formulas, Union(*chunks), conventional=C)
        return [ground.zero(x - y) for x, y in zip(merged, direct, strict=True)]

    def arbitrary_chunk(ground: Ground) -> list[Any]:
        chunk, _ = two_chunks()
        direct = moments(formulas, Union(chunk), conventional=C)
        return [ground.zero(x - y) for x, y in zip(direct, named(chunk), strict=True)]

    def some_constant(ground: Ground) -> list[Any]:
        return [left for which in ("A", "AB") for left in union_is_merged(*two_chunks(which))]

    def all_constant(ground: Ground) -> list[Any]:
        return union_is_merged(*two_chunks("AB", one_label=True), varies=False)

    def with_nothing(ground: Ground) -> list[Any]:
        m, other = map(named, two_chunks())
        merged = formulas.merge(m, other._replace(weight=Integer(0)))
        return [ground.zero(x - y) for x, y in zip(merged, m, strict=True)]

    def either_order(ground: Ground) -> list[Any]:
        chunks = two_chunks()
        ground = Ground([spread(*chunks)])
        one, other = map(named, chunks)
        both = zip(formulas.merge(one, other), formulas.merge(other, one), strict=True)
        return [ground.zero(x - y) for x, y in both]

    def three_chunks(ground: Ground) -> list[Any]:
        one, two, three = (
            moments(formulas, ExactBatch(f=f, y=y))
            for f, y in (((0, 1, 3), (1, 0, 2)), ((2,), (5,)), ((1, 1, 0), (2, 0, 2)))
        )
        left = formulas.merge(formulas.merge(one, two), three)
        right = formulas.merge(one, formulas.merge(two, three))
        return [ground.zero(x - y) for x, y in zip(left, right, strict=True)]

    def joined(p: Pieces) -> Any:
        return moments(formulas, p.joined())

    def parts(p: Pieces) -> tuple[Any, Any]:
        return moments(formulas, p.a), moments(formulas, p.b)

    def averaged(p: Pieces, field: str) -> Any:
        return sum(m.weight * getattr(m, field) for m in parts(p)) / joined(p).weight

    def pearson(m: Any) -> Any:
        return exactly(formulas.one_minus_pearson(m, sympy))

    needs = (WEIGHT_POS, WEIGHTS_NONNEG)
    return Statement(
        name="merging-moments",
        title="The moments of two chunks merge exactly",
        where="not in the paper; gar_verify.formulas.merge",
        plain="merge(moments of A, moments of B) = moments of A and B together, all seven",
        latex=(
            r"\mathrm{Var}(y)=p\,\mathrm{Var}_A(y)+q\,\mathrm{Var}_B(y)"
            r"+pq\,(\bar{y}_B-\bar{y}_A)^2,\quad p=\frac{W_A}{W},\ q=\frac{W_B}{W}",
            r"\mathrm{Var}(r)=p\left[\mathrm{Var}_A(r)+(\beta_A-\beta)^2\mathrm{Var}_A(y)\right]"
            r"+q\left[\mathrm{Var}_B(r)+(\beta_B-\beta)^2\mathrm{Var}_B(y)\right]"
            r"+pq\left[(\bar{d}_B-\bar{d}_A)-\beta(\bar{y}_B-\bar{y}_A)\right]^2",
        ),
        steps=(
            Step(
                "any chunk",
                "power sums written in seven arbitrary numbers have these as their moments",
                arbitrary_chunk,
                needs=needs,
            ),
            Step(
                "two chunks",
                "decompose and moments of the union are merge of the moments, all seven",
                lambda ground: union_is_merged(*two_chunks()),
                needs=needs,
            ),
            Step(
                "a chunk with Var(y) = 0",
                "y_i = q wherever w_i is not 0, so its slope is 0 and Cov(d, y) is 0",
                lambda ground: [
                    ground.zero(moments(formulas, NO_SPREAD).slope),
                    ground.zero(covariance(NO_SPREAD, NO_SPREAD.f, NO_SPREAD.y)),
                ],
                needs=needs,
            ),
            SPREAD_CASES,
            Step(
                "a chunk with constant labels",
                "one of the two or both, as for single samples: still exact",
                some_constant,
                needs=needs,
            ),
            Step(
                "one label in all of the union",
                "slope is 0 and var_r is Var(d)",
                all_constant,
                needs=needs,
            ),
            Step("either order", "merge(A, B) = merge(B, A)", either_order, needs=needs),
            Step(
                "an empty chunk",
                "moments of weight 0 change nothing, whatever the other six are",
                with_nothing,
                needs=needs,
            ),
        ),
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
                "weights that hide the spread of the labels",
                "a chunk with a negative weight, Var(y) = 0 and labels that differ",
                lambda p: (formulas.merge(*parts(p)).slope, joined(p).slope),
                cases=lambda: [
                    Pieces(
                        ExactBatch(w=(1, 1, -1), f=(0, 2, 1), y=(0, 1, 1)),
                        ExactBatch(w=(1,), f=(0,), y=(2,)),
                    )
                ],
                drops="weights_nonneg",
            ),
            mutant(
                "weights that cancel",
                "chunks of weights 1 and -1",
                lambda p: (formulas.merge(*parts(p)).mean_d, joined(p).mean_d),
                cases=lambda: [
                    Pieces(ExactBatch(w=(1,), f=(0,), y=(0,)), ExactBatch(w=(-1,), f=(1,), y=(0,)))
                ],
                drops="weight_pos",
                undefined=True,
            ),
        ),
        controls=(
            Control(
                "three chunks",
                "merging a chunk of one sample with two others, in either grouping",
                three_chunks,
                needs=needs,
            ),
        ),
    )


if __name__ == "__main__":
    run_script(statement)
