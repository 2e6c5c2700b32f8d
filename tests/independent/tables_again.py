"""The three tables of a study of Concrete from its test values, by what docs/studies.md says."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import paired_tests
from stored_files import (
    ERRORS,
    GAR,
    LABELS,
    METRICS,
    Array,
    Check,
    Line,
    Runs,
    Table,
    compared,
    record,
)

KEYS = ("metric", "method")
LEVEL = 0.05


def study_tables(root: Path, study: str, runs: Runs, rows: Any) -> list[Check]:
    """The three tables of a study of Concrete; ``rows``: what its record says of the test rows."""
    figures = root / "paper_figures"
    published = record(root / "gar_verify/studies/published.json")["tabular"]["concrete"]
    return [
        compared(_main(runs, published), figures / f"{study}.csv", KEYS),
        compared(_gains(runs), figures / f"{study}_gains.csv", KEYS),
        compared(
            _comparison(runs, rows),
            figures / f"{study}_comparison.csv",
            ("metric", "competitor"),
        ),
    ]


def _sign(metric: str) -> int:
    """1 where lower is better."""
    return 1 if metric in ERRORS else -1


def _gain(metric: str, runs: dict[str, Array], method: str, over: str) -> float:
    base = runs[over].mean()
    return float(100 * _sign(metric) * (base - runs[method].mean()) / base)


def _published_p(runs: dict[str, Array], a: str, b: str) -> float:
    """A fold counts once, with the mean over its seeds."""
    return paired_tests.students(runs[a].mean(0), runs[b].mean(0))


def _main(runs: Runs, published: Any) -> Table:
    table: Table = {}
    for metric in METRICS:
        for method, x in runs[metric].items():
            of = published["gar" if method in GAR else method][metric]
            first = method == "mae"
            table[metric, LABELS[method]] = {
                "measured": float(x.mean()),
                "std": float(x.std()),
                "published": of["mean"],
                "published std": of["std"],
                "deviation": float((x.mean() - of["mean"]) / of["std"]),
                "gain": math.nan if first else _gain(metric, runs[metric], method, "mae"),
                "p": math.nan if first else _published_p(runs[metric], method, "mae"),
            }
    return table


def _gains(runs: Runs) -> Table:
    table: Table = {}
    for metric in METRICS:
        of = runs[metric]
        others = [method for method in of if method not in GAR]
        best = min(others, key=lambda m: _sign(metric) * of[m].mean())
        for method in GAR:
            table[metric, LABELS[method]] = {
                "over MAE": _gain(metric, of, method, "mae"),
                "p": _published_p(of, method, "mae"),
                "best competitor": LABELS[best],
                "over it": _gain(metric, of, method, best),
                "p over it": _published_p(of, method, best),
            }
    return table


def _comparison(runs: Runs, rows: Any) -> Table:
    """GAR against every other; the released constants are no competitor and corrected alone."""
    table: Table = {}
    for metric in METRICS:
        of = {method: x.mean(0) for method, x in runs[metric].items()}
        others = [method for method in of if method not in GAR]
        for family in (others, ["gar_released"]):
            lines = [
                _line(_sign(metric) * (of[m] - of["gar"]), *over_rows(rows, metric, m, "gar"))
                for m in family
            ]
            corrected = paired_tests.holm([float(line["p corrected"]) for line in lines])
            for method, line, p in zip(family, lines, corrected, strict=True):
                line["p published"] = paired_tests.students(of[method], of["gar"])
                table[metric, LABELS[method]] = line | {"p holm": p, "survives": str(p < LEVEL)}
    return table


def over_rows(rows: Any, metric: str, a: str | float, b: str | float) -> tuple[float, int]:
    """Standard error of a difference over the test rows, and their number, by a record."""
    if rows is None:
        return math.nan, 0
    at = [rows["lines"].index(method) for method in (a, b)]
    covariance = np.array(rows["covariance"][metric], dtype=float)  # null where there is no value
    return paired_tests.difference_error(covariance, *at), rows["count"]


def _line(d: Array, error_rows: float, count: int) -> Line:
    low, high, p = paired_tests.corrected(d, error_rows, count)
    effect, effect_low, effect_high = paired_tests.effect(d)
    return {
        "difference": float(d.mean()),
        "low": low,
        "high": high,
        "error folds": paired_tests.error_folds(d),
        "error rows": error_rows,
        "effect": effect,
        "effect low": effect_low,
        "effect high": effect_high,
        "p corrected": p,
    }
