"""Every table of Concrete again, from the raw table and the stored predictions.

The test values are those of the predictions against the labels of the UCI file, split as
docs/data.md says. Labels and test values are kept in single precision and summaries have six
decimals: so rounded, they have to be those of the summary, and the tables are computed from them.
The standard error over the test rows is a bootstrap in the package, and a jackknife here.
"""

from __future__ import annotations

import hashlib
import math
from pathlib import Path
from typing import Any

import numpy as np
import paired_tests
from scipy import stats
from stored_files import (
    ERRORS,
    LABELS,
    METRICS,
    Array,
    Check,
    Row,
    compared,
    keyed,
    predictions,
    raw_table,
    record,
)

Runs = dict[str, dict[str, Array]]
"""Test values [fold] by metric and method."""

GAR = ("gar", "gar_released")
JACKKNIFE = 0.10
"""How far a standard error by the jackknife may be from that by 2,000 samples."""
INTEGRATED = 1e-4
"""The ends of effects are integrals, taken numerically on both sides."""


def checks(root: Path) -> list[Check]:
    """All of Concrete, one line for each table."""
    figures = root / "paper_figures"
    methods, metrics, values, labels, digest = predictions(
        figures / "results/predictions/concrete.nc"
    )
    truth = _labels(root)
    summary = keyed(figures / "results/concrete.csv", "method", "metric", "fold")
    runs: Runs = {
        metric: {m: _kept(metric, values[i, :, j], truth) for i, m in enumerate(methods)}
        for j, metric in enumerate(metrics)
    }
    return [
        _same_rows(truth, labels),
        _same_files(figures, digest),
        _test_values(runs, summary),
        _selection(summary, methods, metrics, values),
        _over_rows(figures, methods, metrics, values, truth),
        *_tables(root, runs, len(truth)),
    ]


def _labels(root: Path) -> Array:
    """Of the test rows: the first fifth of NumPy's permutation from the seed 123."""
    target = raw_table(root / "gar_verify/data/tables/concrete.csv.xz")[:, -1]
    order = np.random.RandomState(123).permutation(len(target))
    return target[order[: len(target) // 5]]


def score(metric: str, prediction: Any, truth: Array) -> Array:
    """A metric over the last dimension."""
    f = np.asarray(prediction, dtype=np.float64)
    if metric == "MAE":
        return np.asarray(np.abs(f - truth).mean(-1))
    if metric == "RMSE":
        return np.asarray(np.sqrt(((f - truth) ** 2).mean(-1)))
    if metric == "Spearman":
        f, truth = stats.rankdata(f, axis=-1), stats.rankdata(truth, axis=-1)
    a, b = f - f.mean(-1, keepdims=True), truth - truth.mean(-1, keepdims=True)
    return np.asarray((a * b).sum(-1) / np.sqrt((a * a).sum(-1) * (b * b).sum(-1)))


def _same_rows(truth: Array, labels: Array) -> Check:
    same = len(truth) == len(labels) and bool((truth == labels).all())
    bad = [] if same else ["the stored labels are not those of these rows of the raw table"]
    return Check("concrete, labels of the test rows", len(truth), bad)


def _same_files(figures: Path, digest: str) -> Check:
    """The summary, its record and the predictions name the same file."""
    found = hashlib.sha256((figures / "results/concrete.csv").read_bytes()).hexdigest()
    named = {
        "record": record(figures / "results/concrete.json")["csv_sha256"],
        "predictions": digest,
    }
    bad = [f"the {name} is of another summary" for name, value in named.items() if value != found]
    return Check("concrete, files of one run", len(named), bad)


def _kept(metric: str, prediction: Any, truth: Array) -> Array:
    """A metric as summaries have it: of labels in single precision, so stored, to six decimals."""
    exact = score(metric, prediction, truth.astype(np.float32).astype(np.float64))
    return exact.astype(np.float32).astype(np.float64).round(6)


def _test_values(runs: Runs, summary: dict[tuple[str, ...], Row]) -> Check:
    mine = {
        (method, metric, str(fold)): value
        for metric, of in runs.items()
        for method, values in of.items()
        for fold, value in enumerate(values)
    }
    bad = [f"{' '.join(at)} on one side only" for at in sorted(mine.keys() ^ summary.keys())]
    for at in sorted(mine.keys() & summary.keys()):
        if abs(mine[at] - float(summary[at]["test"])) > 1e-9:
            bad.append(f"{' '.join(at)} is {mine[at]:.6f}, stored {summary[at]['test']}")
    return Check("results/concrete.csv, test values", len(mine), bad)


def _selection(
    summary: dict[tuple[str, ...], Row], methods: list[str], metrics: list[str], values: Any
) -> Check:
    """What a summary shows of the selection: the same candidate has the same predictions.

    The values of the candidates that were not selected are not stored. An RMSE is never below the
    MAE of the same errors, so the best of the one is not below the best of the other.
    """
    bad, count = [], 0
    for i, method in enumerate(methods):
        for fold in range(values.shape[1]):
            lines = [summary[method, metric, str(fold)] for metric in metrics]
            chosen = [[v for c, v in line.items() if c.startswith("selected")] for line in lines]
            for a in range(len(metrics)):
                for b in range(a):
                    same = bool((values[i, fold, a] == values[i, fold, b]).all())
                    count += 1
                    if same != (chosen[a] == chosen[b]):
                        bad.append(f"{method}, fold {fold}: {metrics[b]} and {metrics[a]}")
            best = {m: float(line["validation"]) for m, line in zip(metrics, lines, strict=True)}
            if best["RMSE"] < best["MAE"]:
                bad.append(f"{method}, fold {fold}: validation RMSE below the MAE")
    return Check("results/concrete.csv, selected candidates", count, bad)


def jackknife(metric: str, values: Any, truth: Array) -> Array:
    """Covariance [method, method] of means over the folds of [method, fold, row], over rows."""
    n = len(truth)
    kept = np.array([np.delete(np.arange(n), row) for row in range(n)])
    means = np.array([score(metric, values[..., rows], truth[rows]).mean(-1) for rows in kept])
    centred = means - means.mean(0)
    return np.asarray((n - 1) / n * centred.T @ centred)


def _over_rows(
    figures: Path, methods: list[str], metrics: list[str], values: Any, truth: Array
) -> Check:
    """The error over the rows of each method, and of each difference to GAR."""
    stored = record(figures / "results/concrete.json")["rows"]
    assert stored["lines"] == methods, "the order of the methods"
    bad, count, gar = [], 0, methods.index("gar")
    for j, metric in enumerate(metrics):
        mine = jackknife(metric, values[:, :, j], truth)
        theirs = np.array(stored["covariance"][metric])
        pairs = {m: [math.sqrt(c[i, i]) for c in (mine, theirs)] for i, m in enumerate(methods)}
        for i, method in enumerate(methods):
            if i != gar:
                pairs[f"{method} to gar"] = [
                    paired_tests.difference_error(c, i, gar) for c in (mine, theirs)
                ]
        count += len(pairs)
        for name, (here, there) in pairs.items():
            if abs(here / there - 1) > JACKKNIFE:
                bad.append(f"{metric} {name}: {here:.4g}, stored {there:.4g}")
    return Check("results/concrete.json, errors over the rows", count, bad)


def _tables(root: Path, runs: Runs, count: int) -> list[Check]:
    figures = root / "paper_figures"
    published = record(root / "gar_verify/studies/published.json")["tabular"]["concrete"]
    rows = record(figures / "results/concrete.json")["rows"]
    return [
        compared("concrete.csv", _main(runs, published), figures / "concrete.csv", KEYS),
        compared("concrete_gains.csv", _gains(runs), figures / "concrete_gains.csv", KEYS),
        compared(
            "concrete_comparison.csv",
            _comparison(runs, rows, count),
            figures / "concrete_comparison.csv",
            ("metric", "competitor"),
            {"effect low": INTEGRATED, "effect high": INTEGRATED},
        ),
    ]


KEYS = ("metric", "method")


def _sign(metric: str) -> int:
    """1 where lower is better."""
    return 1 if metric in ERRORS else -1


def _gain(metric: str, runs: dict[str, Array], method: str, over: str) -> float:
    base = runs[over].mean()
    return float(100 * _sign(metric) * (base - runs[method].mean()) / base)


def _main(runs: Runs, published: Any) -> dict[tuple[str, ...], dict[str, float | str]]:
    table: dict[tuple[str, ...], dict[str, float | str]] = {}
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
                "p": math.nan if first else paired_tests.students(x, runs[metric]["mae"]),
            }
    return table


def _gains(runs: Runs) -> dict[tuple[str, ...], dict[str, float | str]]:
    table: dict[tuple[str, ...], dict[str, float | str]] = {}
    for metric in METRICS:
        of = runs[metric]
        others = [method for method in of if method not in GAR]
        best = min(others, key=lambda m: _sign(metric) * of[m].mean())
        for method in GAR:
            table[metric, LABELS[method]] = {
                "over MAE": _gain(metric, of, method, "mae"),
                "p": paired_tests.students(of[method], of["mae"]),
                "best competitor": LABELS[best],
                "over it": _gain(metric, of, method, best),
                "p over it": paired_tests.students(of[method], of[best]),
            }
    return table


def _comparison(runs: Runs, rows: Any, count: int) -> dict[tuple[str, ...], dict[str, float | str]]:
    """GAR against every other; the released constants are no competitor and corrected alone."""
    table: dict[tuple[str, ...], dict[str, float | str]] = {}
    for metric in METRICS:
        of, covariance = runs[metric], np.array(rows["covariance"][metric])
        others = [method for method in of if method != "gar"]
        errors = [
            paired_tests.difference_error(
                covariance, *(rows["lines"].index(m) for m in (other, "gar"))
            )
            for other in others
        ]
        for other, error in zip(others, errors, strict=True):
            d = _sign(metric) * (of[other] - of["gar"])
            line = _line(d, error, count)
            line["p published"] = paired_tests.students(of[other], of["gar"])
            table[metric, LABELS[other]] = line
        for family in ([m for m in others if m not in GAR], ["gar_released"]):
            lines = [table[metric, LABELS[m]] for m in family]
            p = paired_tests.holm([float(line["p corrected"]) for line in lines])
            for line, value in zip(lines, p, strict=True):
                line |= {"p holm": value, "survives": str(value < 0.05)}
    return table


def _line(d: Array, error_rows: float, count: int) -> dict[str, float | str]:
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
