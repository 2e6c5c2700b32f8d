"""Matching along the edges of a graph: the discrete form of Theorem 4.

The samples 1..N are the vertices of a graph. With d = f - y,

    d_i = d_j on every edge  =>  d_i = d_j for all pairs

holds for all d exactly when the graph is connected. N - 1 edges suffice, for instance those of one
reference sample to all others, and fewer never do. With one reference sample of error a,

    (1/N) sum_i (d_i - a)^2 = Var(d) + (mean(d) - a)^2 >= Var(d).

Assumptions: graph_connected; batch_nonempty and all_match_one for what the code computes.

Cited, not proved: equality along a chain is equality at its ends; m linear equations in N unknowns
have at least N - m independent solutions.

Not in the paper; what becomes of Theorem 4 on finitely many samples. In the code:
`gar_verify.formulas.error_variance` is the sum over all pairs.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from itertools import combinations
from types import ModuleType
from typing import Any

from sympy import Matrix

from gar_verify import formulas as package_formulas

from . import kernel
from .batches import ExactBatch, moments
from .definitions import variance
from .exact import Case
from .language import SIZE, at_most, column, equal, everywhere, index, number
from .pairwise import Pairwise, Proofs
from .printing import run_script
from .script import Assumption, Claim, Script
from .statements import Control, Hypothesis, Lemma, Statement, Step, mutant

GRAPH_CONNECTED = Hypothesis(
    "graph_connected", "a chain of edges leads from every vertex to every other"
)
RANK_NULLITY = Lemma(
    "rank_nullity",
    "m linear equations in N unknowns have at least N - m independent solutions",
    "linear algebra: neither the kernel nor Coquelicot has dimensions",
)

CHAIN = Lemma(
    "chain",
    "numbers that are equal along every edge of a chain are equal at its ends",
    "induction on the length of the chain, which the kernel has no term for",
    (GRAPH_CONNECTED,),
)

Edges = tuple[tuple[int, int], ...]


def too_few() -> list[Any]:
    """No graph with N - 2 edges is connected, for N up to 4."""
    return [not connected(n, e) for n in range(2, 5) for e in graphs(n, n - 2)]


def graphs(vertices: int, count: int | None = None) -> Iterator[Edges]:
    """Every graph on the vertices 0..n-1, or those with that number of edges."""
    pairs = list(combinations(range(vertices), 2))
    for edges in range(len(pairs) + 1) if count is None else (count,):
        yield from combinations(pairs, edges)


def component(edges: Edges) -> set[int]:
    """The vertices that a chain of edges leads to from vertex 0."""
    reached, new = set[int](), {0}
    while new:
        reached |= new
        new = {b for e in edges for a, b in (e, e[::-1]) if a in reached} - reached
    return reached


def connected(vertices: int, edges: Edges) -> bool:
    """Whether a chain of edges leads from vertex 0 to every other."""
    return len(component(edges)) == vertices


def indicator() -> list[Any]:
    """On every small graph the indicator of a component agrees on all edges, so no more can."""
    return [
        all((a in component(edges)) == (b in component(edges)) for a, b in edges)
        for vertices in range(1, 5)
        for edges in graphs(vertices)
    ]


def forces_all(vertices: int, edges: Edges) -> bool:
    """Whether d_i = d_j on the edges leaves only constant d: the rank of the equations is N - 1."""
    rows = [[int(v == a) - int(v == b) for v in range(vertices)] for a, b in edges]
    return bool((Matrix(rows).rank() if rows else 0) == vertices - 1)


def every_small_graph() -> list[Any]:
    """On every graph with up to 4 vertices the equations force d constant iff it is connected."""
    return [
        forces_all(vertices, edges) == connected(vertices, edges)
        for vertices in range(1, 5)
        for edges in graphs(vertices)
    ]


def on_edges(case: Case) -> Any:
    """The sum of squared gaps over the edges."""
    return sum((case.d[a - 1] - case.d[b - 1]) ** 2 for a, b in case.edges)


def on_pairs(case: Case) -> Any:
    """The mean of half the squared gaps over all ordered pairs."""
    gaps = [Fraction((a - b) ** 2, 2) for a in case.d for b in case.d]
    return sum(gaps) / len(gaps)


def matched(case: Case) -> bool:
    """Whether d agrees on every edge."""
    return bool(on_edges(case) == 0)


def vertices_covered(case: Case) -> bool:
    """Whether d agrees on every edge and every vertex has one."""
    return matched(case) and {v for e in case.edges for v in e} == set(range(1, len(case.d) + 1))


def zero_one_cases(vertices: int, edges: Edges) -> Iterator[Case]:
    """d with entries 0 and 1."""
    for bits in range(2**vertices):
        d = tuple((bits >> v) & 1 for v in range(vertices))
        yield Case(d=d, edges=tuple((a + 1, b + 1) for a, b in edges))


def statement(formulas: ModuleType = package_formulas) -> Statement:
    """The statement, over the given formulas."""

    def a_path() -> list[Any]:
        cases = zero_one_cases(4, ((0, 1), (1, 2), (2, 3)))
        return [on_pairs(case) == 0 for case in cases if matched(case)]

    about, value = Pairwise(formulas), number("a")
    b = about.batch
    squares = b.mean((about.d - value) ** 2)
    excess = (b.average("f", b.f) - b.average("y", b.y) - value) ** 2
    code = about.code("error_variance")
    matching = Assumption(
        "all_match_one", everywhere(equal(about.d, value), b.place), "all match a reference"
    )
    j = index("j", SIZE)
    other = column("f", j) - column("y", j)
    claims = (
        Claim("one reference sample", about.basic, equal(squares, code + excess)),
        Claim("at least the error variance", about.basic, at_most(code, squares)),
        Claim(
            "N - 1 edges suffice",
            (matching,),
            everywhere(everywhere(equal(about.d, other), j), b.place),
        ),
        Claim("and the loss is 0", (*about.basic, matching), equal(code, 0)),
    )

    def script(step: Script) -> None:
        proofs = Proofs(step, about)
        known = (*proofs.licences, *proofs.share_guard)
        one = proofs.combine(
            claims[0].name, claims[0].conclusion, *known, of=[(-1, proofs.of_errors)]
        )
        least = proofs.step("the excess", kernel.sign, excess)
        parts = [(1, least), (-1, one)]
        more = proofs.combine(claims[1].name, claims[1].conclusion, *known, of=parts)
        match = proofs.given(matching)
        here, there = (
            proofs.step(f"at {place.name}", kernel.at, match, place) for place in (b.place, j)
        )
        same = proofs.combine("two samples", equal(about.d, other), of=[(1, here), (-1, there)])
        for place in (j, b.place):
            same = proofs.step(f"for every {place.name}", kernel.each, same, place)
        summed = proofs.step("their sum", kernel.sum_equal, here, b.place)
        square = proofs.combine(
            "squares", equal(about.d**2, value**2), of=[(about.d + value, here)]
        )
        squared = proofs.step("their squares", kernel.sum_equal, square, b.place)
        mean = b.total(about.d) / b.weight
        zero = [
            (1, proofs.of_errors),
            (1 / b.weight, squared),
            (-(mean + value) / b.weight, summed),
        ]
        none = proofs.combine("no loss", equal(code, 0), *known, of=zero)
        for claim, theorem in zip(claims, (one, more, same, none), strict=True):
            step.show(claim.name, theorem)

    return Statement(
        name="graph-matching",
        title="Matching along the edges of a graph is matching all pairs when it is connected",
        where="not in the paper: Theorem 4 on finitely many samples; error_variance",
        plain=(
            "d_i = d_j on all edges gives d_i = d_j for all pairs exactly when the graph is "
            "connected; N - 1 edges suffice and fewer do not"
        ),
        claims=claims,
        script=script,
        latex=(
            r"\left(d_i=d_j\ \ \forall\,(i,j)\in E\ \Rightarrow\ d_i=d_j\ \ \forall\,i,j\right)"
            r"\ \ \forall\,d\quad\Longleftrightarrow\quad G\ \ \mathrm{connected}",
        ),
        steps=(
            Step(
                "every connected graph",
                "on all connected graphs with up to 4 vertices agreement on the edges is agreement",
                lambda: [
                    forces_all(n, e) for n in range(1, 5) for e in graphs(n) if connected(n, e)
                ],
                needs=(GRAPH_CONNECTED,),
                cites=(CHAIN,),
            ),
            Step(
                "fewer do not",
                "d_i = d_j on N - 2 edges leaves 2 dimensions of d, of which the constants are 1",
                too_few,
                cites=(RANK_NULLITY,),
            ),
            Step(
                "not connected",
                "d = 1 on one component and 0 elsewhere agrees on every edge: both its ends are "
                "in the component or neither is",
                indicator,
            ),
            Step(
                "every small graph",
                "on all 75 graphs with up to 4 vertices the equations of the edges have rank "
                "N - 1 exactly when the graph is connected",
                every_small_graph,
            ),
        ),
        mutants=(
            mutant(
                "two components",
                "agreement on the edges of any graph taken to be agreement of all pairs",
                lambda case: (on_pairs(case), on_edges(case)),
                cases=lambda: zero_one_cases(4, ((0, 1), (2, 3))),
                where=matched,
                drops="graph_connected",
            ),
            mutant(
                "N - 2 edges",
                "one edge taken to suffice for three samples",
                lambda case: (on_pairs(case), on_edges(case)),
                cases=lambda: zero_one_cases(3, ((0, 1),)),
                where=matched,
            ),
            mutant(
                "any N - 1 edges",
                "a triangle and a fourth sample alone: 3 edges for 4 samples",
                lambda case: (on_pairs(case), on_edges(case)),
                cases=lambda: zero_one_cases(4, ((0, 1), (0, 2), (1, 2))),
                where=matched,
            ),
            mutant(
                "an edge for every sample",
                "every sample on some edge taken to suffice",
                lambda case: (on_pairs(case), on_edges(case)),
                cases=lambda: zero_one_cases(4, ((0, 1), (2, 3))),
                where=vertices_covered,
            ),
            mutant(
                "no reference",
                "error_variance 0 for errors that match nothing",
                lambda b: (formulas.error_variance(moments(formulas, b)), 0),
                drops="all_match_one",
            ),
            mutant(
                "no sample",
                "N = 0 allowed",
                lambda b: (formulas.error_variance(moments(formulas, b)), 0),
                cases=lambda: [ExactBatch(f=(), y=())],
                drops="batch_nonempty",
                undefined=True,
            ),
            mutant(
                "reference without the excess",
                "the mean of (d_i - d_1)^2 taken to be Var(d)",
                lambda b: (
                    b.mean((b.f - b.y - (b.f - b.y)[0]) ** 2),
                    variance(b, b.f - b.y),
                ),
            ),
        ),
        controls=(
            Control(
                "a path",
                "three edges in a row match four samples: no d of 0 and 1 contradicts it",
                a_path,
            ),
        ),
    )


if __name__ == "__main__":
    run_script(statement)
