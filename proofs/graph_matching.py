"""Matching along the edges of a graph: the discrete form of Theorem 4.

The samples 1..N are the vertices of a graph. With d = f - y,

    d_i = d_j on every edge  =>  d_i = d_j for all pairs

holds for all d exactly when the graph is connected. N - 1 edges suffice, for instance those of one
reference sample to all others, and fewer never do. With one reference sample of error a,

    (1/N) sum_i (d_i - a)^2 = Var(d) + (mean(d) - a)^2 >= Var(d).

Assumptions: graph_connected.

Cited, not proved: m linear equations in N unknowns have at least N - m independent solutions.

Not in the paper; what becomes of Theorem 4 on finitely many samples. In the code:
`gar_verify.formulas.error_variance` is the sum over all pairs.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from itertools import combinations
from types import ModuleType
from typing import Any

import sympy
from sympy import Matrix, Symbol

from gar_verify import formulas as package_formulas

from .algebra import Ground
from .batches import SymbolicBatch, moments
from .definitions import half_square, variance
from .exact import Case
from .hypotheses import PLAIN, VAR_Y_POS
from .power_sums import SIZE, column
from .printing import run_script
from .statements import Control, Hypothesis, Lemma, Statement, Step, mutant

F, Y = column("f"), column("y")
REFERENCE = Symbol("a", real=True)

GRAPH_CONNECTED = Hypothesis(
    "graph_connected", "a chain of edges leads from every vertex to every other"
)
RANK_NULLITY = Lemma(
    "rank_nullity",
    "m linear equations in N unknowns have at least N - m independent solutions",
    "linear algebra: neither the kernel nor Coquelicot has dimensions",
)

Edges = tuple[tuple[int, int], ...]


def along_chain(ground: Ground) -> list[Any]:
    """One more edge: the gaps along a chain add up, and each is 0."""
    first, last, new = sympy.symbols("d_first d_last d_new", real=True)
    edge = Symbol("e", real=True)
    return [
        ground.zero((last - first) + (new - last) - (new - first)),
        ground.zero(((last - first) + edge).subs({last: first, edge: 0})),
    ]


def star(ground: Ground) -> list[Any]:
    """With N - 1 edges to one vertex, every other pair is two edges."""
    i, j, centre = sympy.symbols("d_i d_j d_1", real=True)
    return [
        ground.zero((i - j) - ((i - centre) - (j - centre))),
        ground.zero(((i - centre) - (j - centre)).subs({i: centre, j: centre})),
    ]


def too_few(ground: Ground) -> list[Any]:
    """N - 2 equations in N unknowns leave 2 dimensions, and the constants are one."""
    left_free = ground.zero(SIZE - (SIZE - 2) - 2)
    return [left_free, all(not connected(n, e) for n in range(2, 5) for e in graphs(n, n - 2))]


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


def indicator(ground: Ground) -> list[Any]:
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


def every_small_graph(ground: Ground) -> list[Any]:
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

    def code(batch: Any) -> Any:
        return formulas.error_variance(moments(formulas, batch))

    def reference(ground: Ground) -> list[Any]:
        excess = (PLAIN.mean(F - Y) - REFERENCE) ** 2
        return [
            ground.zero(PLAIN.mean((F - Y - REFERENCE) ** 2) - code(PLAIN) - excess),
            ((Symbol("x", real=True) - REFERENCE) ** 2).is_nonnegative,
        ]

    def all_pairs(ground: Ground) -> list[Any]:
        shifted = SymbolicBatch(f=Y + REFERENCE, y=Y)
        return [
            ground.zero(PLAIN.pair_mean(half_square) - code(PLAIN)),
            ground.zero(code(shifted)),
        ]

    return Statement(
        name="graph-matching",
        title="Matching along the edges of a graph is matching all pairs when it is connected",
        where="not in the paper: Theorem 4 on finitely many samples; error_variance",
        plain=(
            "d_i = d_j on all edges gives d_i = d_j for all pairs exactly when the graph is "
            "connected; N - 1 edges suffice and fewer do not"
        ),
        latex=(
            r"\left(d_i=d_j\ \ \forall\,(i,j)\in E\ \Rightarrow\ d_i=d_j\ \ \forall\,i,j\right)"
            r"\ \ \forall\,d\quad\Longleftrightarrow\quad G\ \ \mathrm{connected}",
            r"\frac{1}{N}\sum_{i=1}^{N}(d_i-a)^2=\mathrm{Var}(d)+(\bar{d}-a)^2",
        ),
        steps=(
            Step(
                "along a chain",
                "the gap between the ends of a chain is the sum of those of its edges, one more "
                "at a time; so it is 0",
                along_chain,
                needs=(GRAPH_CONNECTED,),
            ),
            Step(
                "N - 1 edges suffice",
                "with the edges (1, k): d_i - d_j = (d_i - d_1) - (d_j - d_1)",
                star,
            ),
            Step(
                "fewer do not",
                "d_i = d_j on N - 2 edges leaves 2 dimensions of d, of which the constants are 1",
                too_few,
                cites=(RANK_NULLITY,),
                finite=True,
            ),
            Step(
                "not connected",
                "d = 1 on one component and 0 elsewhere agrees on every edge: both its ends are "
                "in the component or neither is",
                indicator,
                finite=True,
            ),
            Step(
                "every small graph",
                "on all 75 graphs with up to 4 vertices the equations of the edges have rank "
                "N - 1 exactly when the graph is connected",
                every_small_graph,
                finite=True,
            ),
            Step(
                "all pairs and the code",
                "error_variance is the sum over all pairs, and 0 where d is constant",
                all_pairs,
                case=(VAR_Y_POS,),
            ),
            Step(
                "one reference sample",
                "the mean of (d_i - a)^2 is Var(d) + (mean(d) - a)^2, at least Var(d)",
                reference,
                case=(VAR_Y_POS,),
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
                lambda ground: [
                    on_pairs(case) == 0
                    for case in zero_one_cases(4, ((0, 1), (1, 2), (2, 3)))
                    if matched(case)
                ],
            ),
        ),
    )


if __name__ == "__main__":
    run_script(statement)
