"""Judges of the real tables: the published figures, and whether GAR is the best."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import xarray as xr

from gar_verify.claims.evidence import PAPERS, ROWS, Evidence, MissingEvidence, kind_of
from gar_verify.claims.model import Finding, Verdict
from gar_verify.claims.rules import Figure, how_close, judge_figures, listed, named, share
from gar_verify.data.real import REAL_TABLES
from gar_verify.data.synthetic import CURVES
from gar_verify.metrics import LOWER_IS_BETTER
from gar_verify.studies import published
from gar_verify.studies.methods import GARS, LARGE_RATES, TABULAR, label
from gar_verify.studies.selection import summarize

BASELINES = tuple(name for name in TABULAR if name not in GARS)
TASKS = (*(name for name in REAL_TABLES if name not in ROWS), *ROWS)
"""The paper's tasks as far as they are named; it counts eight."""
IMAGES = ("agedb", "imdb_wiki")
"""Tasks of images."""
DIGITS = 3
"""Decimals of the paper's tables: what is equal in them is equal."""


def gars(results: xr.Dataset) -> list[str]:
    """Which kinds of GAR a summary has: both constants, and each reading of the rates."""
    return [name for name in (*GARS, *LARGE_RATES) if name in results["method"]]


def measured(summary: xr.Dataset, method: str, metric: str) -> tuple[float, float]:
    """Mean and standard deviation of a method, from `selection.summarize`."""
    at = summary.sel({"method": method, "metric": metric})
    return at["mean"].item(), at["std"].item()


def is_best(value: float, others: Iterable[float], metric: str) -> bool:
    """Better than all others or equal, to the decimals that the paper prints."""
    sign = 1 if LOWER_IS_BETTER[metric] else -1
    return all(sign * round(value, DIGITS) <= sign * round(other, DIGITS) for other in others)


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
    summary = summarize(evidence.summary("concrete"))
    names = [str(name) for name in summary["method"].to_numpy()]
    theirs = listed((label(n), *published.tabular("concrete", n, metric)) for n in TABULAR)
    return judge_figures([_figure(summary, "concrete", n, metric) for n in names], theirs)


def _figure(
    summary: xr.Dataset, table: str, method: str, metric: str, claimed: float | None = None
) -> Figure:
    mean, std = published.tabular(table, method, metric)
    theirs = mean if claimed is None else claimed
    return Figure(label(method), *measured(summary, method, metric), theirs, std)


def summary_row(evidence: Evidence, table: str, metric: str) -> Finding:
    """Whether GAR is the best by a metric, with the figures that a published summary has."""
    figures = published.published()["summary_claims"][table][metric]
    others = [name for name in figures if name != "gar"]
    results = evidence.summary(table)
    _need(results, ["gar", *others], table)
    summary = summarize(results)
    baselines = [_figure(summary, table, name, metric, figures[name]) for name in others]
    ours = [_figure(summary, table, name, metric, figures["gar"]) for name in gars(results)]
    best = [is_best(gar.mean, [b.mean for b in baselines], metric) for gar in ours]
    close = [all(figure.is_close for figure in (*baselines, gar)) for gar in ours]
    lines = [*baselines, *ours]
    order = "; ".join(
        f"{gar.name} is {'best or equal' if won else 'not best'}"
        for gar, won in zip(ours, best, strict=True)
    )
    of_the_paper = kind_of(table, results) == PAPERS
    part = Verdict.IN_PART if any(best) else Verdict.NOT_REPRODUCED
    return Finding(
        verdict=share(map(all, zip(best, close, strict=True))) if of_the_paper else part,
        measured=listed((line.name, line.mean, line.std) for line in lines),
        published=claimed(table, metric),
        reason=f"{how_close(lines)}; {order}" if of_the_paper else f"{_on(table, results)}{order}",
    )


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
    results = evidence.summary(table)
    _need(results, ["gar", "mae"], table)
    summary = summarize(results)
    there = [name for name in BASELINES if name in results["method"]]
    lines = {name: measured(summary, name, "MAE") for name in (*there, *gars(results))}
    baselines = [lines[name][0] for name in there]
    verdict = share(is_best(lines[name][0], baselines, "MAE") for name in gars(results))
    lacking = [label(name) for name in BASELINES if name not in there]
    if lacking and verdict is Verdict.REPRODUCED:
        verdict = Verdict.IN_PART
    said = [_better_than(lines, name, there) for name in gars(results)]
    said += [f"not trained yet: {', '.join(lacking)}"] * bool(lacking)
    return Finding(verdict, listed(named(lines)), _on(table, results) + "; ".join(said))


def _better_than(lines: dict[str, tuple[float, float]], name: str, others: Sequence[str]) -> str:
    ahead = [label(o) for o in others if not is_best(lines[name][0], [lines[o][0]], "MAE")]
    said = f"{label(name)} is best or equal against {len(others) - len(ahead)} of {len(others)}"
    return f"{said} (better: {', '.join(ahead)})" if ahead else said


def lowest_everywhere(evidence: Evidence) -> Finding:
    """Whether GAR's test MAE is the lowest on every task of the paper."""
    verdicts: dict[str, dict[str, Verdict]] = {}
    for task in TASKS:
        try:
            kind = kind_of(task, evidence.summary(task))
            verdicts.setdefault(kind, {})[task] = lowest_mae(evidence, task).verdict
        except MissingEvidence:
            continue
    if not verdicts:
        raise MissingEvidence(
            "there is no summary of any of the paper's tables; to make them: gar-verify run all"
        )
    found = {task: verdict for of_kind in verdicts.values() for task, verdict in of_kind.items()}
    counts = "; ".join(f"{len(of_kind)} by {kind}" for kind, of_kind in verdicts.items())
    without = [Verdict.NOT_TESTABLE] * (len(TASKS) - len(found))
    return Finding(
        verdict=everywhere([*found.values(), *without]),
        measured="; ".join(
            f"{kind}: {', '.join(f'{title(task)} {verdict}' for task, verdict in of_kind.items())}"
            for kind, of_kind in verdicts.items()
        ),
        reason=f"{len(found)} of the {len(TASKS)} tasks that are named are judged ({counts}); "
        "which eight the summary counts, it does not say",
    )


def everywhere(verdicts: Iterable[Verdict]) -> Verdict:
    """Of all tasks, from the verdicts on those that can be tested."""
    found = set(verdicts)
    if found == {Verdict.REPRODUCED}:
        return Verdict.REPRODUCED
    positive = found & {Verdict.REPRODUCED, Verdict.IN_PART}
    return Verdict.IN_PART if positive else Verdict.NOT_REPRODUCED
