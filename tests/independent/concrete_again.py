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
    METRICS,
    Array,
    Check,
    Row,
    Runs,
    keyed,
    predictions,
    raw_table,
    record,
    runs_of,
)
from tables_again import study_tables

JACKKNIFE = 0.10
"""How far a standard error by the jackknife may be from that by 2,000 samples."""


def checks(root: Path) -> list[Check]:
    """All of Concrete, one line for each table."""
    figures = root / "paper_figures"
    methods, metrics, values, labels, digest = predictions(
        figures / "results/predictions/concrete.nc"
    )
    truth = _labels(root)
    summary = keyed(figures / "results/concrete.csv", "method", "metric", "fold")
    runs: Runs = {
        metric: {m: _kept(metric, values[i, :, j], truth)[None] for i, m in enumerate(methods)}
        for j, metric in enumerate(metrics)
    }
    return [
        _same_rows(truth, labels),
        _same_files(figures, digest),
        _test_values(runs, summary),
        _selection(summary, methods, metrics, values),
        _over_rows(figures, methods, metrics, values, truth),
        *study_tables(root, "concrete", runs, record(figures / "results/concrete.json")["rows"]),
        *study_tables(
            root,
            "concrete_corrected",
            _corrected(figures),
            record(figures / "results/concrete_corrected.json")["rows"],
        ),
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
        for fold, value in enumerate(values[0])
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


def _corrected(figures: Path) -> Runs:
    """Of the corrected protocol the test values of its summary."""
    path = figures / "results/concrete_corrected.csv"
    return {metric: runs_of(path, metric) for metric in METRICS}
