"""Claims about the real tables: the published figures, and whether GAR is the best."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import numpy as np
import xarray as xr

from gar_verify.claims.evidence import UNTESTABLE, Evidence, MissingEvidence
from gar_verify.claims.model import Claim, Finding, Verdict
from gar_verify.claims.rules import CLOSE, FIGURES, Figure, how_close, judge_figures, listed, share
from gar_verify.data.real import REAL_TABLES
from gar_verify.metrics import LOWER_IS_BETTER, METRICS
from gar_verify.studies import published
from gar_verify.studies.methods import GARS, TABULAR, label
from gar_verify.studies.selection import summarize

TOPIC = "Real tables"
SUMMARY = "a published summary of the paper"
PROTOCOL = (
    "the paper's protocol with five folds: mean (standard deviation) of the selected test values"
)
BASELINES = tuple(name for name in TABULAR if name not in GARS)
TASKS = (*(name for name in REAL_TABLES if name not in UNTESTABLE), *UNTESTABLE)
"""The paper's tasks as far as they are named; it counts eight."""
DIGITS = 3
"""Decimals of the paper's tables: what is equal in them is equal."""


def gars(results: xr.Dataset) -> list[str]:
    """Which of `GARS` a summary has."""
    return [name for name in GARS if name in results["method"]]


def measured(summary: xr.Dataset, method: str, metric: str) -> tuple[float, float]:
    """Mean and standard deviation of a method, from `selection.summarize`."""
    at = summary.sel({"method": method, "metric": metric})
    return at["mean"].item(), at["std"].item()


def is_best(value: float, others: Iterable[float], metric: str) -> bool:
    """Better than all others or equal, to the decimals that the paper prints."""
    sign = 1 if LOWER_IS_BETTER[metric] else -1
    return all(sign * round(value, DIGITS) <= sign * round(other, DIGITS) for other in others)


def title(task: str) -> str:
    """The name of a task as it is printed."""
    if task in UNTESTABLE:
        return UNTESTABLE[task].title
    about = REAL_TABLES[task]
    name = about.original.title
    return f"{name}, {about.target}" if len(about.original.targets) > 1 else name


def _shown(task: str) -> str:
    """The table of a task; of one that cannot be run, which tables there are."""
    return "gar-verify data" if task in UNTESTABLE else f"gar-verify table {task}"


def _figures_of_concrete(metric: str) -> Callable[[Evidence], Finding]:
    def judge(evidence: Evidence) -> Finding:
        summary = summarize(evidence.summary("concrete"))
        names = [str(name) for name in summary["method"].to_numpy()]
        theirs = listed((label(n), *published.tabular("concrete", n, metric)) for n in TABULAR)
        return judge_figures([_figure(summary, "concrete", n, metric) for n in names], theirs)

    return judge


def _figure(
    summary: xr.Dataset, table: str, method: str, metric: str, claimed: float | None = None
) -> Figure:
    mean, std = published.tabular(table, method, metric)
    theirs = mean if claimed is None else claimed
    return Figure(label(method), *measured(summary, method, metric), theirs, std)


SUMMARY_RULE = (
    "by each kind of GAR, the paper's formula and the released constants: better than the others "
    f"named or equal, and all figures {CLOSE}. Both: reproduced; one: in part; none: not reproduced"
)


def _summary_row(table: str, metric: str) -> Callable[[Evidence], Finding]:
    claimed: dict[str, float] = published.published()["summary_claims"][table][metric]
    others = [name for name in claimed if name != "gar"]

    def judge(evidence: Evidence) -> Finding:
        results = evidence.summary(table)
        _need(results, ["gar", *others], table)
        summary = summarize(results)
        baselines = [_figure(summary, table, name, metric, claimed[name]) for name in others]
        ours = [_figure(summary, table, name, metric, claimed["gar"]) for name in gars(results)]
        best = [is_best(gar.mean, [b.mean for b in baselines], metric) for gar in ours]
        close = [all(figure.is_close for figure in (*baselines, gar)) for gar in ours]
        lines = [*baselines, *ours]
        return Finding(
            verdict=share(a and b for a, b in zip(best, close, strict=True)),
            measured=listed((line.name, line.mean, line.std) for line in lines),
            published=_claimed(claimed),
            reason=f"{how_close(lines)}; "
            + "; ".join(
                f"{gar.name} is {'best or equal' if won else 'not best'}"
                for gar, won in zip(ours, best, strict=True)
            ),
        )

    return judge


def _claimed(figures: Mapping[str, float]) -> str:
    return listed((label(name), value, np.nan) for name, value in figures.items())


def _need(results: xr.Dataset, methods: Sequence[str], table: str) -> None:
    lacking = [name for name in methods if name not in results["method"]]
    if lacking:
        raise MissingEvidence(
            f"the summary of {table} lacks {', '.join(map(label, lacking))}; to complete it: "
            f"gar-verify run {table} --save"
        )


LOWEST = (
    "by each kind of GAR: mean test MAE at most that of every baseline, to three decimals. Both, "
    "and no baseline missing: reproduced; one, or a baseline missing: in part; none: not reproduced"
)


def lowest_mae(table: str) -> Callable[[Evidence], Finding]:
    """Judge of whether GAR's test MAE is the lowest on a table, by `LOWEST`."""

    def judge(evidence: Evidence) -> Finding:
        results = evidence.summary(table)
        _need(results, ["gar", "mae"], table)
        summary = summarize(results)
        there = [name for name in BASELINES if name in results["method"]]
        lines = {name: measured(summary, name, "MAE") for name in (*there, *gars(results))}
        wins = [
            is_best(lines[name][0], [lines[other][0] for other in there], "MAE")
            for name in gars(results)
        ]
        verdict = share(wins)
        lacking = [label(name) for name in BASELINES if name not in there]
        if lacking and verdict is Verdict.REPRODUCED:
            verdict = Verdict.IN_PART
        said = [_better_than(lines, name, there) for name in gars(results)]
        said += [f"not trained yet: {', '.join(lacking)}"] * bool(lacking)
        return Finding(
            verdict, listed((label(n), *line) for n, line in lines.items()), "; ".join(said)
        )

    return judge


def _better_than(lines: dict[str, tuple[float, float]], name: str, others: Sequence[str]) -> str:
    ahead = [label(o) for o in others if not is_best(lines[name][0], [lines[o][0]], "MAE")]
    said = f"{label(name)} is best or equal against {len(others) - len(ahead)} of {len(others)}"
    return f"{said} (better: {', '.join(ahead)})" if ahead else said


EVERYWHERE = (
    "reproduced on every task of the paper: reproduced; on some, or in part: in part; on none: not "
    "reproduced"
)


def _lowest_everywhere(evidence: Evidence) -> Finding:
    verdicts: dict[str, Verdict] = {}
    for task in TASKS:
        try:
            verdicts[task] = lowest_mae(task)(evidence).verdict
        except MissingEvidence:
            verdicts[task] = Verdict.NOT_TESTABLE
    tested = [task for task, verdict in verdicts.items() if verdict is not Verdict.NOT_TESTABLE]
    if not tested:
        raise MissingEvidence(
            "there is no summary of any of the paper's tables; to make them: gar-verify run all"
        )
    return Finding(
        verdict=everywhere(verdicts.values()),
        measured="; ".join(f"{title(task)}: {verdict}" for task, verdict in verdicts.items()),
        reason=f"{len(tested)} of the {len(TASKS)} tasks that are named can be tested here; which "
        "eight the summary counts, it does not say",
    )


def everywhere(verdicts: Iterable[Verdict]) -> Verdict:
    """`EVERYWHERE`."""
    found = set(verdicts)
    if found == {Verdict.REPRODUCED}:
        return Verdict.REPRODUCED
    positive = found & {Verdict.REPRODUCED, Verdict.IN_PART}
    return Verdict.IN_PART if positive else Verdict.NOT_REPRODUCED


def _entries() -> Iterator[Claim]:
    words = published.published()["statements"]
    for metric in METRICS:
        yield Claim(
            f"figures-concrete-{metric.lower()}",
            TOPIC,
            f"Concrete: test {metric} of all nine methods",
            "the authors' released analysis",
            PROTOCOL,
            FIGURES,
            "gar-verify table concrete",
            _figures_of_concrete(metric),
            (f"tabular/concrete/*/{metric}/*",),
        )
    for table, by_metric in published.published()["summary_claims"].items():
        for metric in by_metric:
            yield Claim(
                f"summary-{table.replace('_', '-')}-{metric.lower()}",
                TOPIC,
                f"{title(table)}, test {metric}: {_claimed(by_metric[metric])}; GAR is the best",
                SUMMARY,
                PROTOCOL,
                SUMMARY_RULE,
                _shown(table),
                _summary_row(table, metric),
                (f"summary_claims/{table}/{metric}/*", f"tabular/{table}/*/{metric}/mean"),
            )
    for task in TASKS:
        yield Claim(
            f"lowest-mae-{task.replace('_', '-')}",
            TOPIC,
            f"{title(task)}: the test MAE of GAR is at most that of every baseline",
            SUMMARY,
            PROTOCOL,
            LOWEST,
            _shown(task),
            lowest_mae(task),
        )
    yield Claim(
        "lowest-mae-everywhere",
        TOPIC,
        words["lowest_mae"],
        SUMMARY,
        "by the claims lowest-mae-... together",
        EVERYWHERE,
        "gar-verify claims --only lowest-mae",
        _lowest_everywhere,
        ("statements/lowest_mae",),
    )


ENTRIES = tuple(_entries())
