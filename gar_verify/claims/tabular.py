"""Judges of the real tables: the published figures and gains, and whether GAR is the best."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import xarray as xr
from scipy import stats

from gar_verify.claims import orders
from gar_verify.claims.evidence import PAPERS, ROWS, Evidence, MissingEvidence, kind_of
from gar_verify.claims.model import Finding, Verdict
from gar_verify.claims.rules import (
    ROUNDING,
    Figure,
    Hit,
    found,
    how_close,
    judge_figures,
    listed,
    named,
    share,
    unbeaten,
    with_gaps,
)
from gar_verify.data.real import REAL_TABLES
from gar_verify.data.synthetic import CURVES
from gar_verify.metrics import LOWER_IS_BETTER
from gar_verify.studies import published
from gar_verify.studies.methods import GARS, LARGE_RATES, TABULAR, label
from gar_verify.studies.selection import summarize
from gar_verify.studies.statistics import LEVEL

BASELINES = tuple(name for name in TABULAR if name not in GARS)
TASKS = (*(name for name in REAL_TABLES if name not in ROWS), *ROWS)
"""The paper's tasks as far as they are named; it counts eight."""
IMAGES = ("agedb", "imdb_wiki")
"""Tasks of images."""
CORRELATIONS = ("Pearson", "Spearman")


def gars(results: xr.Dataset) -> list[str]:
    """Which kinds of GAR a summary has: both constants, and each reading of the rates."""
    return [name for name in (*GARS, *LARGE_RATES) if name in results["method"]]


def measured(summary: xr.Dataset, method: str, metric: str) -> tuple[float, float]:
    """Mean and standard deviation of a method, from `selection.summarize`."""
    at = summary.sel({"method": method, "metric": metric})
    return at["mean"].item(), at["std"].item()


def title(table: str) -> str:
    """The name of a curve or a task as it is printed."""
    if table in ROWS:
        return ROWS[table].title
    if table in CURVES:
        return table.replace("_", " ").capitalize()
    about = REAL_TABLES[table]
    name = about.original.title
    return f"{name}, {about.target}" if len(about.original.targets) > 1 else name


def shown(table: str) -> str:
    """What shows the table of a task; of images, the claim, which says how to get it."""
    if table in IMAGES:
        return f"gar-verify claims --only lowest-mae-{table.replace('_', '-')}"
    return f"gar-verify table {table}"


def figures_of_concrete(evidence: Evidence, metric: str) -> Finding:
    """Whether the test values of all methods are the published ones."""
    results = evidence.summary("concrete")
    lines = {
        str(n): _figure(results, "concrete", str(n), metric) for n in results["method"].to_numpy()
    }
    theirs = listed((label(n), *published.tabular("concrete", n, metric)) for n in TABULAR)
    beside = [lines.pop(name) for name in orders.beside(results)]
    (ours,) = orders.judged(results)
    return judge_figures(list(lines.values()), theirs, label(ours), beside)


def _figure(
    results: xr.Dataset, table: str, method: str, metric: str, claimed: float | None = None
) -> Figure:
    mean, std = published.tabular(table, method, metric)
    theirs = mean if claimed is None else claimed
    return Figure(label(method), *measured(summarize(results), method, metric), theirs, std)


def _row(evidence: Evidence, table: str, metric: str) -> tuple[xr.Dataset, str, dict[str, float]]:
    """The results of a row of a published summary, its line of GAR, and the published figures."""
    theirs = published.published()["summary_claims"][table][metric]
    results = evidence.summary(table)
    _need(results, [name for name in theirs if name != "gar"], table)
    lines = orders.judged(results)
    _need(results, lines or ["gar"], table)
    return results, lines[-1], theirs


def summary_row(evidence: Evidence, table: str, metric: str) -> Finding:
    """Whether GAR is the best by a metric, with the figures that a published summary has."""
    results, ours, theirs = _row(evidence, table, metric)
    others = [name for name in theirs if name != "gar"]
    formula = orders.beside(results)
    names = {**{name: name for name in others}, ours: "gar"}
    lines = with_gaps(
        [_figure(results, table, name, metric, theirs[of]) for name, of in names.items()],
        label(ours),
    )
    own = kind_of(table, results) == PAPERS

    def at(shift: float) -> list[Hit]:
        ahead = orders.against(orders.moved(results, ours, shift), ours, others, [metric])["hit"]
        return [*ahead.tolist(), *([line.hit(shift) for line in lines] if own else [])]

    order = orders.superior(results, [ours], others, [metric], "", formula=formula).reason
    besides = [_figure(results, table, name, metric, theirs["gar"]) for name in formula]
    return found(
        at,
        "differences and figures",
        listed((line.name, line.mean, line.std) for line in [*lines, *besides]),
        f"{how_close(lines)}; {order}" if own else f"{_on(table, results)}{order}",
        claimed(table, metric),
        absent=0 if own else len(lines),
    )


def gain(evidence: Evidence, table: str, metric: str) -> Finding:
    """Whether GAR's gains over the methods of a row are the published ones, and above chance."""
    results, ours, theirs = _row(evidence, table, metric)
    published_gains = {name: ends for name, _, *ends in _gains(theirs, metric)}
    own = kind_of(table, results) == PAPERS

    def intervals(name: str, shift: float = 0.0) -> dict[str, tuple[float, float, float]]:
        lines = orders.against(
            orders.moved(results, name, shift), name, list(published_gains), [metric]
        ).xs(metric)
        base = {of: measured(summarize(results), of, metric)[0] for of in published_gains}
        ends = (100 * lines[key] for key in ("difference", "low", "high"))
        by_name = zip(published_gains, zip(*ends, strict=True), strict=True)
        return {
            of: (m / base[of], low / base[of], high / base[of]) for of, (m, low, high) in by_name
        }

    def at(shift: float) -> list[int]:
        return [
            _gain_hit(low, high, published_gains[of] if own else (low, high))
            for of, (_, low, high) in intervals(ours, shift).items()
        ]

    def said(name: str) -> str:
        return f"{label(name)} " + ", ".join(
            f"{mean:.1f} % over {label(of)} ({low:.1f} to {high:.1f})"
            for of, (mean, low, high) in intervals(name).items()
        )

    beside = [f"beside it {said(name)}" for name in orders.beside(results)]
    return found(
        at,
        "gains",
        said(ours),
        f"{_on(table, results)}95 % intervals of the gains in brackets"
        + "".join(f"; {one}" for one in beside),
        gains_claimed(table, metric),
        absent=0 if own else len(published_gains),
    )


def _gain_hit(low: float, high: float, theirs: Sequence[float]) -> int:
    """The interval of a gain: above 0 and with the published one, with both, or without this."""
    if high < min(theirs) or low > max(theirs):
        return -1
    return 1 if low > 0 else 0 if high > 0 else -1


def _gains(figures: dict[str, float], metric: str) -> Iterator[tuple[str, float, float, float]]:
    """GAR's gain in per cent over each other method by its figures, and as far as they round."""
    sign = 1 if LOWER_IS_BETTER[metric] else -1
    for name, value in figures.items():
        if name != "gar":
            ahead, unit, off = sign * (value - figures["gar"]), 100 / value, 2 * ROUNDING
            yield name, unit * ahead, unit * (ahead - off), unit * (ahead + off)


def gains_claimed(table: str, metric: str) -> str:
    """The gains by the figures of a published summary of the paper."""
    figures = published.published()["summary_claims"][table][metric]
    lines = _gains(figures, metric)
    return " and ".join(f"{gain:.1f} % over {label(name)}" for name, gain, *_ in lines)


def _on(task: str, results: xr.Dataset) -> str:
    """What the evidence on a task is about, where that is not the paper's data."""
    kind = kind_of(task, results)
    return "" if kind == PAPERS else f"{kind} ({ROWS[task].evidence}): "


def claimed(table: str, metric: str) -> str:
    """The figures of a published summary of the paper."""
    figures = published.published()["summary_claims"][table][metric]
    return listed((label(name), value, np.nan) for name, value in figures.items())


def _need(results: xr.Dataset, methods: Sequence[str], table: str) -> None:
    lacking = [name for name in methods if name not in results["method"]]
    if lacking:
        raise MissingEvidence(
            f"the summary of {table} lacks {', '.join(map(label, lacking))}; to complete it: "
            f"gar-verify run {table} --save"
        )


def lowest_mae(evidence: Evidence, table: str) -> Finding:
    """Whether GAR's test MAE is the lowest on a table."""
    return _ahead(evidence, table, ["MAE"])


def correlations(evidence: Evidence, table: str) -> Finding:
    """Whether GAR's correlations are the highest on a table."""
    return _ahead(evidence, table, CORRELATIONS)


def _ahead(evidence: Evidence, table: str, metrics: Sequence[str]) -> Finding:
    results = evidence.summary(table)
    ours = orders.judged(results)
    _need(results, [*(ours or ["gar"]), "mae"], table)
    summary = summarize(results)
    there = [name for name in BASELINES if name in results["method"]]
    lacking = [label(name) for name in BASELINES if name not in there]
    lines = {
        metric: {name: measured(summary, name, metric) for name in (*there, *gars(results))}
        for metric in metrics
    }
    said = [
        f"{metric}: {listed(named(line))}" if len(metrics) > 1 else listed(named(line))
        for metric, line in lines.items()
    ]
    note = f"not trained yet: {', '.join(lacking)}; " if lacking else ""
    return orders.superior(
        results,
        ours,
        there,
        metrics,
        "; ".join(said),
        formula=orders.beside(results),
        note=_on(table, results) + note,
        absent=len(lacking) * len(metrics),
        of="baselines" if len(metrics) == 1 else "comparisons with baselines",
    )


def summaries_of(evidence: Evidence, *methods: str) -> dict[str, xr.Dataset]:
    """The summary of every task that has one with these methods.

    Raises:
        MissingEvidence: if there is none.
    """
    tables = {}
    for task in TASKS:
        try:
            results = evidence.summary(task)
        except MissingEvidence:
            continue
        if all(name in results["method"] for name in methods):
            tables[task] = results
    if not tables:
        raise MissingEvidence(
            "there is no summary of any of the paper's tables; to make them: gar-verify run all"
        )
    return tables


def lowest_everywhere(evidence: Evidence) -> Finding:
    """Whether GAR's test MAE is the lowest on every task of the paper."""
    tables = summaries_of(evidence, "mae", "gar")
    judged = {task: lowest_mae(evidence, task) for task in tables}
    hits = [orders.SIGNS.get(of.verdict, 0) for of in judged.values()]
    edges = [title(task) for task, of in judged.items() if of.edge]
    return found(
        lambda shift: hits,
        "tasks",
        _said(tables, {task: str(of.verdict) for task, of in judged.items()}),
        f"{len(judged)} of the {len(TASKS)} tasks that are named are judged; which eight the "
        "summary counts, it does not say" + (f"; on an edge: {', '.join(edges)}" if edges else ""),
        absent=len(TASKS) - len(judged),
    )


def leads(evidence: Evidence, metric: str) -> Finding:
    """On how many tables GAR's mean is the best, and whether equal methods would give that."""
    tables = summaries_of(evidence, "mae", "gar")
    fewest = min(sum(name in of["method"] for name in BASELINES) for of in tables.values())
    luck = 1 / (fewest + 1)

    def first(lines: Lines, shift: float = 0.0) -> list[bool]:
        return [_is_first(of, lines(of), metric, shift) for of in tables.values()]

    def chance(seen: Sequence[Hit]) -> float:
        return float(stats.binom.sf(sum(map(bool, seen)) - 1, len(seen), luck))

    def rule(seen: Sequence[Hit]) -> Verdict:
        if len(set(seen)) == 1:
            return share(seen)
        return Verdict.IN_PART if chance(seen) < LEVEL else Verdict.TIE

    now, formula = first(orders.judged), first(lambda of: orders.beside(of) or orders.judged(of))
    words = ["first" if hit else "not first" for hit in now]
    return found(
        lambda shift: first(orders.judged, shift),
        "tables",
        _said(tables, dict(zip(tables, words, strict=True))),
        f"first on {sum(now)} of {len(now)} tables; one of {fewest + 1} equal methods would be on "
        f"so many or more with a probability of {chance(now):.2g}{_by_reading(tables, metric)}; "
        f"beside it the paper's formula: {sum(formula)} of {len(formula)}",
        rule=rule,
    )


Lines = Callable[[xr.Dataset], list[str]]
"""Which lines of a summary are looked at."""


def _is_first(results: xr.Dataset, lines: list[str], metric: str, shift: float) -> bool:
    """Whether the line, in every reading of it, has a better mean than every baseline."""
    sign = 1 if LOWER_IS_BETTER[metric] else -1
    summary = summarize(results)
    there = [name for name in BASELINES if name in results["method"]]
    others = [sign * measured(summary, name, metric)[0] for name in there]
    ours = [measured(summary, name, metric) for name in lines]
    return bool(max(sign * mean - shift * std for mean, std in ours) < np.nanmin(others))


def _by_reading(tables: dict[str, xr.Dataset], metric: str) -> str:
    """The tables on which it is first in one reading of the learning rates and not in another."""
    named = []
    for task, results in tables.items():
        firsts = [_is_first(results, [line], metric, 0.0) for line in orders.judged(results)]
        named += [title(task)] * (len(set(firsts)) > 1)
    return f"; {', '.join(named)}: first in one reading of the rates alone" if named else ""


def weights_do_not_matter(evidence: Evidence) -> Finding:
    """Whether another weight of one sub-loss, half the error variance, makes no difference."""
    tables = summaries_of(evidence, "mae", *GARS)

    def at(shift: float) -> list[int]:
        return [_same(results, shift) for results in tables.values()]

    differs = [title(task) for task, hit in zip(tables, at(0.0), strict=True) if hit < 0]
    return found(
        at,
        "tables",
        "; ".join(
            f"{title(task)} {listed(named({n: measured(summarize(r), n, 'MAE') for n in GARS}))}"
            for task, r in tables.items()
        ),
        f"it makes a difference on {', '.join(differs)}" if differs else "none makes a difference",
        rule=unbeaten,
    )


def _same(results: xr.Dataset, shift: float) -> int:
    """Whether both kinds of GAR differ by less than from the nearest baseline: 1; by chance: 0.

    Of several readings of the learning rates the one that says the least for it.
    """
    pairs = zip(orders.beside(results), orders.judged(results), strict=True)
    return min(_alike(results, *pair, shift) for pair in pairs)


def _alike(results: xr.Dataset, formula: str, released: str, shift: float) -> int:
    seen = orders.moved(results, formula, shift)
    line = orders.against(seen, released, [formula], ["MAE"]).iloc[0]
    summary = summarize(results)
    there = [name for name in BASELINES if name in results["method"]]
    ours = measured(summary, released, "MAE")[0]
    near = np.nanmin([abs(measured(summary, name, "MAE")[0] - ours) for name in there])
    if max(abs(line["low"]), abs(line["high"])) < near:
        return 1
    return -abs(int(line["hit"]))


def _said(tables: dict[str, xr.Dataset], words: dict[str, str]) -> str:
    """What was found of tasks, by the kind of the evidence."""
    kinds = {task: kind_of(task, results) for task, results in tables.items()}
    return "; ".join(
        f"{kind}: {', '.join(f'{title(t)} {words[t]}' for t in tables if kinds[t] == kind)}"
        for kind in dict.fromkeys(kinds.values())
    )
