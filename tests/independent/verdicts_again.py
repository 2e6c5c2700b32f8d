"""Verdicts of the ledger again, by the words of their rules, from the summaries of the studies.

Of each topic that rests on summaries: curves and their peaks, tables and significance, alpha, the
parts of GAR, running time. What a rule says beside them to be proved is not looked at here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import paired_tests
from stored_files import ERRORS, GAR, LABELS, METRICS, Array, Check, record, rows, runs_of
from tables_again import LEVEL, over_rows

BASELINES = tuple(method for method in LABELS if method not in GAR)
CURVE_BASELINES = ("rnc", "mae_pearson", "mae", "mse")
TABLES = (
    "concrete",
    "wine",
    "parkinsons_motor",
    "parkinsons_total",
    "superconductivity",
    "ic50",
)
SMALL, STEADY_FROM = (0.1, 0.2), 0.25
"""Values of alpha."""


def checks(root: Path) -> list[Check]:
    """One line for each verdict."""
    ledger = record(root / "paper_figures/claims.json")
    stored = {claim["identifier"]: claim["verdict"] for claim in ledger}
    mine = dict(verdicts(root))
    return [
        Check(
            f"claim {name}: {verdict}",
            1,
            [] if stored.get(name) == verdict else [f"stored {stored.get(name)}"],
        )
        for name, verdict in mine.items()
    ]


def verdicts(root: Path) -> Iterator[tuple[str, str]]:
    """Identifiers and what their rules say."""
    results = root / "paper_figures/results"
    published = record(root / "gar_verify/studies/published.json")
    yield from _curves(results, published)
    yield from _peaks(results)
    yield from _tables(results, published)
    yield "gains-significant", _significant(results, corrected=False)
    yield "gains-significant-corrected", _significant(results, corrected=True)
    yield from _alpha(results, published)
    yield from _parts(results, published)
    yield from _time(results, published)


def share(hits: Iterable[bool]) -> str:
    """All: reproduced; some: in part; none: not reproduced."""
    found = set(map(bool, hits))
    if found == {True}:
        return "reproduced"
    return "reproduced in part" if True in found else "not reproduced"


def close(runs: Array, published: float, std: float | None) -> bool:
    """Within 3 published deviations; without any, within 3 measured ones, and within a tenth."""
    gap = abs(float(runs.mean()) - published)
    if std is not None:
        return gap <= 3 * std
    return gap <= min(3 * float(runs.std()), abs(published) / 10)


def _curves(results: Path, published: Any) -> Iterator[tuple[str, str]]:
    for name in ("sine", "squared_sine"):
        runs, dashed = runs_of(results / f"{name}.csv", "MAE"), name.replace("_", "-")
        theirs = {m: np.array(x) for m, x in published["synthetic_runs"][name].items()}
        theirs["gar_released"] = theirs["gar"]
        figures = [close(runs[m], float(x.mean()), float(x.std())) for m, x in theirs.items()]
        yield f"figures-{dashed}", share(figures)
        lowest = min(float(runs[m].mean()) for m in CURVE_BASELINES)
        yield f"lowest-mae-{dashed}", share(float(runs[m].mean()) < lowest for m in GAR)
        mae, mse = runs["mae"], runs["mse"]
        alike = abs(mae.mean() - mse.mean()) <= max(mae.std(), mse.std())
        yield f"mse-like-mae-{dashed}", "reproduced" if alike else "not reproduced"


def _peaks(results: Path) -> Iterator[tuple[str, str]]:
    sine, squared = (_recovered(results / f"{n}_peaks.csv") for n in ("sine", "squared_sine"))
    seeds = sorted({seed for _, seed in sine})
    count = {
        name: {at: sum(hit for _, hit in peaks) for at, peaks in of.items()}
        for name, of in (("sine", sine), ("squared-sine", squared))
    }
    missed = [len(sine["mae", s]) - count["sine"]["mae", s] for s in seeds]
    yield "peaks-missed", share(n in (1, 2) for n in missed)
    most = [
        all(count["sine"][m, s] >= count["sine"][other, s] for other in CURVE_BASELINES)
        for m in GAR
        for s in seeds
    ]
    yield "peaks-most", share(most)
    yield "peaks-largest", share(_only_largest(squared["mae", s]) for s in seeds)
    almost = [
        10 * count["squared-sine"][m, s] >= 9 * len(squared[m, s]) for m in GAR for s in seeds
    ]
    yield "peaks-almost-all", share(almost)
    for name, of in count.items():
        medium = [of["mae", s] < of["rnc", s] < of[m, s] for m in GAR for s in seeds]
        yield f"peaks-medium-{name}", share(medium)


Peaks = list[tuple[float, bool]]


def _recovered(path: Path) -> dict[tuple[str, int], Peaks]:
    """Height of each peak and whether it is recovered, by method and seed."""
    found: dict[tuple[str, int], Peaks] = {}
    for line in rows(path):
        peak = abs(float(line["height"])), line["recovered"] == "1"
        found.setdefault((line["method"], int(line["seed"])), []).append(peak)
    return found


def _only_largest(peaks: Peaks) -> bool:
    """One or more within 1 % of the greatest height, and no other."""
    greatest = max(height for height, _ in peaks)
    hits = [height >= 0.99 * greatest for height, hit in peaks if hit]
    return bool(hits) and all(hits)


def _tables(results: Path, published: Any) -> Iterator[tuple[str, str]]:
    for metric in METRICS:
        runs = runs_of(results / "concrete.csv", metric)
        of = {m: published["tabular"]["concrete"]["gar" if m in GAR else m][metric] for m in LABELS}
        figures = [close(runs[m], of[m]["mean"], of[m]["std"]) for m in LABELS]
        yield f"figures-concrete-{metric.lower()}", share(figures)
    for table in TABLES[:4]:
        runs = runs_of(results / f"{table}.csv", "MAE")
        lowest = min(round(float(runs[m].mean()), 3) for m in BASELINES)
        best = [round(float(runs[m].mean()), 3) <= lowest for m in GAR]
        yield f"lowest-mae-{table.replace('_', '-')}", share(best)


def _significant(results: Path, *, corrected: bool) -> str:
    """More than half of the gains over the baselines, of each kind of GAR on each table."""
    p = {
        (table, gar): [
            value
            for metric in METRICS
            for value in _gains(results, table, metric, gar, corrected=corrected)
        ]
        for table in TABLES
        for gar in GAR
    }
    return share(2 * sum(x < LEVEL for x in values) > len(values) for values in p.values())


def _gains(results: Path, table: str, metric: str, gar: str, *, corrected: bool) -> list[float]:
    """p of the comparisons with baselines in which GAR is ahead."""
    runs = runs_of(results / f"{table}.csv", metric)
    sign = 1 if metric in ERRORS else -1
    ahead = [sign * (runs[m] - runs[gar]).mean(0) for m in BASELINES]
    if corrected:
        rows = record(results / f"{table}.json").get("rows")
        errors = [over_rows(rows, metric, m, gar) for m in BASELINES]
        tests = zip(ahead, errors, strict=True)
        p = paired_tests.holm([paired_tests.corrected(d, *error)[2] for d, error in tests])
    else:
        p = [paired_tests.students(runs[m].mean(0), runs[gar].mean(0)) for m in BASELINES]
    return [value for d, value in zip(ahead, p, strict=True) if d.mean() > 0]


def _alpha(results: Path, published: Any) -> Iterator[tuple[str, str]]:
    theirs = published["alpha_sensitivity"]
    studies = [results / f"{name}.csv" for name in ("sensitivity", "sensitivity_paper")]
    for metric in METRICS:
        std = theirs.get(f"{metric}_std", [None] * len(theirs["alpha"]))
        figures = [
            close(runs, theirs[metric][i], std[i])
            for path in studies
            for i, runs in enumerate(_by_alpha(path, metric).values())
        ]
        yield f"figures-alpha-{metric.lower()}", share(figures)
    means = [{a: float(x.mean()) for a, x in _by_alpha(path, "MAE").items()} for path in studies]
    lowest = [min(of.values()) for of in means]
    pairs = list(zip(means, lowest, strict=True))
    yield "alpha-small", share(all(of[a] >= 2 * low for a in SMALL) for of, low in pairs)
    steady = [all(of[a] <= 1.25 * low for a in of if a >= STEADY_FROM) for of, low in pairs]
    yield "alpha-steady", share(steady)


def _by_alpha(path: Path, metric: str) -> dict[float, Array]:
    return {float(a): x for a, x in sorted(runs_of(path, metric, "alpha").items(), key=_first)}


def _first(item: tuple[str, Array]) -> float:
    return float(item[0])


def _parts(results: Path, published: Any) -> Iterator[tuple[str, str]]:
    theirs = published["ablation"]
    for metric in METRICS:
        runs = _by_parts(results, metric)
        figures = [close(runs[parts], of[metric], None) for parts, of in theirs.items()]
        yield f"figures-ablation-{metric.lower()}", share(figures)
    mae = {parts: float(x.mean()) for parts, x in _by_parts(results, "MAE").items()}
    yield "ablation-offset", share(mae[parts] >= 2 * mae["b"] for parts in ("a", "c", "a+c"))


def _by_parts(results: Path, metric: str) -> dict[str, Array]:
    """Runs of each choice of sub-losses; all of them are GAR with the released constants."""
    runs = runs_of(results / "wine_ablation.csv", metric)
    return {name.removeprefix("ablation "): x for name, x in runs.items()} | {
        "gar": runs_of(results / "wine.csv", metric)["gar_released"]
    }


def _time(results: Path, published: Any) -> Iterator[tuple[str, str]]:
    ratio = {
        (line["setup"], line["method"]): float(line["ratio"])
        for line in rows(results / "runtime.csv")
        if line["setup"] != "loss_only"
    }
    gar = [ratio[setup, m] <= 1.1 for setup in ("published_loop", "in_memory") for m in GAR]
    yield "time-gar", share(gar)
    for method in ("ranksim", "rnc", "conr"):
        measured, stated = ratio["published_loop", method], published["relative_time"][method]
        near, slower = _near(measured, stated), measured > 1.1
        verdict = "reproduced" if near else "reproduced in part" if slower else "not reproduced"
        yield f"time-{method}", verdict


def _near(measured: float, stated: float) -> bool:
    """Within a factor of 1.25."""
    return 1 / 1.25 <= measured / stated <= 1.25
