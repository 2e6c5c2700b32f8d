"""Verdicts of the ledger again, by the words of their rules, from the summaries of the studies.

Of each topic that rests on summaries: curves and their peaks, tables and significance, alpha, the
parts of GAR, running time. What a rule says beside them to be proved is not looked at here.
GAR is that with the released constants, as the rules say.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import paired_tests
from rules_again import LEVEL, OverRows, ahead, close, every, hit, share
from scipy import stats
from stored_files import ERRORS, GAR, LABELS, METRICS, Array, Check, record, rows, runs_of
from tables_again import over_rows

RELEASED = "gar_released"
BASELINES = tuple(method for method in LABELS if method not in GAR)
CURVES = ("sine", "squared_sine")
CURVE_BASELINES = ("rnc", "mae_pearson", "mae", "mse")
TABLES = ("concrete", "wine", "parkinsons_motor", "parkinsons_total")
PARTS = (*TABLES, "superconductivity", "ic50")
"""With those that stand for a table of the paper."""
SMALL, STEADY_FROM, LARGEST = ("0.1", "0.2"), 0.25, "10.0"
"""Values of alpha."""
LOOPS = ("published_loop", "in_memory")

Verdict = tuple[str, str, Sequence[int]]
"""An identifier, what its rule says, and the hits that it rests on, if they are counted."""


def checks(root: Path) -> list[Check]:
    """One line for each verdict."""
    ledger = record(root / "paper_figures/claims.json")
    stored = {claim["identifier"]: claim for claim in ledger}
    return [_check(verdict, stored) for verdict in verdicts(root)]


def _check(verdict: Verdict, stored: dict[str, Any]) -> Check:
    name, said, hits = verdict
    claim = stored.get(name, {"verdict": "absent", "counted": ""})
    bad = [] if claim["verdict"] == said else [f"stored {claim['verdict']}"]
    counted = re.match(r"\d+ of \d+", claim["counted"])
    mine = f"{sum(one == 1 for one in hits)} of {len(hits)}"
    if counted and hits and counted[0] != mine:
        bad.append(f"{mine} hold, stored {counted[0]}")
    return Check(f"claim {name}: {said}", max(1, len(hits)), bad)


def verdicts(root: Path) -> Iterator[Verdict]:
    """What the rules say."""
    results = root / "paper_figures/results"
    published = record(root / "gar_verify/studies/published.json")
    for name in CURVES:
        yield from _curve(results, name, published["synthetic_runs"][name])
    yield from _peaks(results)
    yield from _tables(results, published["tabular"]["concrete"])
    for name, corrected in (("gains-significant", False), ("gains-significant-corrected", True)):
        tables = [_mostly_gains(results, table, corrected=corrected) for table in PARTS]
        yield name, share(tables), tables
    yield from _alpha(results, published["alpha_sensitivity"])
    yield from _parts(results, published["ablation"])
    yield from _time(results, published)


def _curve(results: Path, name: str, theirs: Any) -> Iterator[Verdict]:
    runs, dashed = runs_of(results / f"{name}.csv", "MAE"), name.replace("_", "-")
    moments = {m: (float(np.mean(x)), float(np.std(x))) for m, x in theirs.items()}
    figures = close({**runs, "gar": runs[RELEASED]}, moments, "gar")
    yield f"figures-{dashed}", share(figures), figures
    lowest = ahead([runs[m] - runs[RELEASED] for m in CURVE_BASELINES])
    yield f"lowest-mae-{dashed}", every(lowest), lowest
    medium = ahead([runs["rnc"] - runs[RELEASED], runs["mae"] - runs["rnc"]])
    yield f"medium-mae-{dashed}", every(medium), medium
    distance = abs(moments["mae"][0] - moments["gar"][0])
    yield f"mse-like-mae-{dashed}", _similar(runs["mse"] - runs["mae"], distance), []


def _similar(d: Array, distance: float) -> str:
    """The 95 % interval of a difference within, or beyond, a distance on both sides of 0."""
    low, high = stats.ttest_1samp(d[:, 0], 0.0).confidence_interval(1 - LEVEL)
    if -distance <= low and high <= distance:
        return "reproduced"
    return "not reproduced" if low > distance or high < -distance else "tie"


def _peaks(results: Path) -> Iterator[Verdict]:
    sine, squared = (_recovered(results / f"{name}_peaks.csv") for name in CURVES)
    seeds = sorted({seed for _, seed in sine})
    counts = [{at: sum(h for _, h in peaks) for at, peaks in of.items()} for of in (sine, squared)]
    runs = {
        "missed": [len(sine["mae", s]) - counts[0]["mae", s] in (1, 2) for s in seeds],
        "most": [
            counts[0][RELEASED, s] >= max(counts[0][m, s] for m in CURVE_BASELINES) for s in seeds
        ],
        "largest": [_only_largest(squared["mae", s]) for s in seeds],
        "almost-all": [10 * counts[1][RELEASED, s] >= 9 * len(squared[RELEASED, s]) for s in seeds],
        "medium-sine": [_between(counts[0], s) for s in seeds],
        "medium-squared-sine": [_between(counts[1], s) for s in seeds],
    }
    for name, holds in runs.items():
        hits = [hit(one) for one in holds]
        yield f"peaks-{name}", share(hits), hits


Peaks = list[tuple[float, bool]]


def _recovered(path: Path) -> dict[tuple[str, int], Peaks]:
    """Height of each peak and whether it is recovered, by method and seed."""
    truth, *runs = rows(path)
    places = [place for place in truth if place not in ("method", "seed")]
    return {
        (run["method"], int(run["seed"])): [
            (abs(float(truth[x])), 0.5 <= float(run[x]) / float(truth[x]) <= 2) for x in places
        ]
        for run in runs
    }


def _only_largest(peaks: Peaks) -> bool:
    """One or more within 1 % of the greatest height, and no other."""
    greatest = max(height for height, _ in peaks)
    hits = [height >= 0.99 * greatest for height, recovered in peaks if recovered]
    return bool(hits) and all(hits)


def _between(counts: dict[tuple[str, int], int], seed: int) -> bool:
    return counts["mae", seed] < counts["rnc", seed] < counts[RELEASED, seed]


def _tables(results: Path, theirs: Any) -> Iterator[Verdict]:
    for metric in METRICS:
        runs = runs_of(results / "concrete.csv", metric)
        of = {m: (x[metric]["mean"], x[metric]["std"]) for m, x in theirs.items()}
        figures = close({**runs, "gar": runs[RELEASED]}, of, "gar")
        yield f"figures-concrete-{metric.lower()}", share(figures), figures
    for table in TABLES:
        differences = {metric: _advantages(results / f"{table}.csv", metric) for metric in METRICS}
        dashed = table.replace("_", "-")
        known = {metric: _over_rows(results / f"{table}.json", metric) for metric in METRICS}
        lowest = ahead(differences["MAE"], known["MAE"])
        yield f"lowest-mae-{dashed}", every(lowest), lowest
        both = ahead(
            [*differences["Pearson"], *differences["Spearman"]],
            [*known["Pearson"], *known["Spearman"]],
        )
        yield f"correlations-{dashed}", every(both), both


def _advantages(path: Path, metric: str) -> list[Array]:
    """Of GAR over each baseline, run by run; positive where GAR is better."""
    runs = runs_of(path, metric)
    sign = 1 if metric in ERRORS else -1
    return [sign * (runs[m] - runs[RELEASED]) for m in BASELINES]


def _over_rows(path: Path, metric: str) -> list[OverRows]:
    """Of the differences of GAR to each baseline, by the record of a study."""
    known = record(path).get("rows")
    return [over_rows(known, metric, m, RELEASED) for m in BASELINES]


def _mostly_gains(results: Path, table: str, *, corrected: bool) -> int:
    """Whether more than half of all comparisons on a table are gains with p < 0.05."""
    rows = record(results / f"{table}.json").get("rows")
    gains = []
    for metric in METRICS:
        path = results / f"{table}.csv"
        runs, advantages = runs_of(path, metric), _advantages(path, metric)
        if corrected:
            errors = [over_rows(rows, metric, m, RELEASED) for m in BASELINES]
            tests = zip(advantages, errors, strict=True)
            p = paired_tests.holm([paired_tests.corrected(d.mean(0), *e)[2] for d, e in tests])
        else:
            ours = runs[RELEASED].mean(0)
            p = [paired_tests.students(runs[m].mean(0), ours) for m in BASELINES]
        gains += [d.mean() > 0 and x < LEVEL for d, x in zip(advantages, p, strict=True)]
    return hit(2 * sum(gains) > len(gains))


def _alpha(results: Path, theirs: Any) -> Iterator[Verdict]:
    alphas = [str(float(alpha)) for alpha in theirs["alpha"]]
    path = results / "sensitivity.csv"
    for metric in METRICS:
        std = theirs.get(f"{metric}_std", [None] * len(alphas))
        of = dict(zip(alphas, zip(theirs[metric], std, strict=True), strict=True))
        figures = close(runs_of(path, metric, "alpha"), of, LARGEST)
        yield f"figures-alpha-{metric.lower()}", share(figures), figures
    runs = runs_of(path, "MAE", "alpha")
    mean = {alpha: float(x.mean()) for alpha, x in runs.items()}
    lowest = min(mean.values())
    small = [hit(mean[alpha] >= 2 * lowest) for alpha in SMALL]
    yield "alpha-small", share(small), small
    steady = [hit(mean[a] <= 1.25 * lowest) for a in alphas if float(a) >= STEADY_FROM]
    yield "alpha-steady", share(steady), steady
    known, others = (
        record(path.with_suffix(".json")).get("rows"),
        [a for a in alphas if a != LARGEST],
    )
    errors = [over_rows(known, "MAE", float(a), float(LARGEST)) for a in others]
    largest = ahead([runs[a] - runs[LARGEST] for a in others], errors)
    yield "alpha-large", every(largest), largest


def _parts(results: Path, theirs: Any) -> Iterator[Verdict]:
    runs = {metric: _by_parts(results, metric) for metric in METRICS}
    for metric in METRICS:
        of = {parts: (figures[metric], None) for parts, figures in theirs.items()}
        figures = close(runs[metric], of, "gar")
        yield f"figures-ablation-{metric.lower()}", share(figures), figures
    mae = {parts: float(x.mean()) for parts, x in runs["MAE"].items()}
    offset = [hit(mae[parts] >= 2 * mae["b"]) for parts in ("a", "c", "a+c")]
    yield "ablation-offset", share(offset), offset
    others = [parts for parts in theirs if parts != "gar"]
    known = record(results / "wine_ablation.json").get("rows")

    def over(metric: str, one: str, other: str) -> OverRows:
        return over_rows(known, metric, f"ablation {one}", f"ablation {other}")

    every_part = ahead(
        [runs[m][parts] - runs[m]["gar"] for m in ERRORS for parts in others],
        [over(m, parts, "gar") for m in ERRORS for parts in others],
    )
    yield "ablation-all-parts", every(every_part), every_part
    correlations = ("Spearman", "Pearson")
    order = ahead(
        [runs[m]["c"] - runs[m]["b"] for m in correlations],
        [over(m, "c", "b") for m in correlations],
    )
    yield "error-variance-order", every(order), order


def _by_parts(results: Path, metric: str) -> dict[str, Array]:
    runs = runs_of(results / "wine_ablation.csv", metric)
    return {name.removeprefix("ablation "): x for name, x in runs.items()}


def _time(results: Path, published: Any) -> Iterator[Verdict]:
    lines = rows(results / "runtime.csv")
    quartiles = {
        (line["setup"], line["method"]): (float(line["ratio_low"]), float(line["ratio_high"]))
        for line in lines
        if line["setup"] in LOOPS
    }
    same = [hit(quartiles[loop, RELEASED][0] <= 1) for loop in LOOPS]
    yield "time-gar", share(same), same
    pairs = [(loop, method) for loop in LOOPS for method in ("ranksim", "rnc", "conr")]
    faster = [hit(_overlap(quartiles[loop, m], quartiles[loop, RELEASED])) for loop, m in pairs]
    yield "time-faster", share(faster), faster
    for method in ("ranksim", "rnc", "conr"):
        stated = published["relative_time"][method]
        (low, high), (_, memory) = (quartiles[loop, method] for loop in LOOPS)
        reached = [hit(stated <= high), hit(stated <= memory)]
        verdict = "reproduced" if low <= stated <= high else "not reproduced"
        if high < stated <= memory:
            verdict = "reproduced in part"
        yield f"time-{method}", verdict, reached
    seconds = published["seconds_per_epoch"]
    ratios = []
    for method in (*BASELINES[1:], "gar"):
        ours = {"rnc": "rnc_contrastive", "gar": RELEASED}.get(method, method)
        low, high = quartiles["published_loop", ours]
        ratios.append(hit(low <= seconds[method] / seconds["mae"] <= high))
    yield "seconds-per-epoch", share(ratios), ratios


def _overlap(method: tuple[float, float], gar: tuple[float, float]) -> bool:
    """The quotient, from quartile to quartile, with 1.8 to 2.5."""
    low, high = method[0] / gar[1], method[1] / gar[0]
    return low <= 2.5 and high >= 1.8
