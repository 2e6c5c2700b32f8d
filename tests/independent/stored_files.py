"""What is committed, read without the package: tables, predictions, records.

A check is one line of the report: what was recomputed, and what came out otherwise.
"""

from __future__ import annotations

import csv
import io
import json
import lzma
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Row = dict[str, str]
Line = dict[str, float | str]
Table = dict[tuple[str, ...], Line]
Runs = dict[str, dict[str, Array]]
"""Test values [seed, fold] by metric and method."""

LABELS = {
    "mae": "MAE",
    "mse": "MSE",
    "huber": "Huber",
    "focal_mae": "focal-MAE",
    "focal_mse": "focal-MSE",
    "ranksim": "RankSim",
    "rnc": "RnC",
    "conr": "ConR",
    "gar": "GAR",
    "gar_released": "GAR (released)",
}
"""What tables call the methods of the summaries."""

GAR = ("gar", "gar_released")
METRICS = ("MAE", "RMSE", "Pearson", "Spearman")
ERRORS = METRICS[:2]
"""Lower is better for these, higher for the correlations."""


@dataclass(frozen=True)
class Check:
    """One line of the report."""

    name: str
    count: int
    differing: list[str]

    def __str__(self) -> str:
        """``concrete.csv: agrees (270 values)``, or what differs."""
        if not self.differing:
            return f"{self.name}: agrees" + (f" ({self.count} values)" if self.count > 1 else "")
        more = f"; and {len(self.differing) - 3} more" if len(self.differing) > 3 else ""
        return f"{self.name}: differs: {'; '.join(self.differing[:3])}{more}"


def rows(path: Path) -> list[Row]:
    """The lines of a CSV file by their columns."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def keyed(path: Path, *keys: str) -> dict[tuple[str, ...], Row]:
    """The lines of a table by some of its columns, with the others."""
    lines = rows(path)
    found = {tuple(line[key] for key in keys): line for line in lines}
    if len(found) != len(lines):
        raise ValueError(f"{path.name} has a line twice")
    return {at: {c: v for c, v in line.items() if c not in keys} for at, line in found.items()}


def runs_of(path: Path, metric: str, by: str = "method") -> dict[str, Array]:
    """Test values of a metric in a summary, [seed, fold]; a study without folds has one."""
    found: dict[str, dict[tuple[int, int], float]] = {}
    for line in rows(path):
        if line["metric"] == metric:
            run = int(line["seed"]), int(line.get("fold", 0))
            found.setdefault(line[by], {})[run] = float(line["test"])
    return {name: _as_array(of) for name, of in found.items()}


def _as_array(runs: dict[tuple[int, int], float]) -> Array:
    seeds, folds = (sorted({run[axis] for run in runs}) for axis in (0, 1))
    return np.array([[runs[seed, fold] for fold in folds] for seed in seeds])


def record(path: Path) -> Any:
    """A JSON file."""
    return json.loads(path.read_text(encoding="utf-8"))


def raw_table(path: Path) -> Array:
    """The numbers of a compressed CSV file with one line of names, [row, column]."""
    with lzma.open(path, "rt", encoding="utf-8") as file:
        return np.loadtxt(io.StringIO(file.read()), delimiter=",", skiprows=1)


def predictions(path: Path) -> tuple[list[str], list[str], NDArray[np.float32], Array, str]:
    """Methods, metrics, predictions [method, fold, metric, row], labels [row], the CSV's hash."""
    with h5py.File(path) as file:
        names = [[name.decode() for name in file[axis][:]] for axis in ("method", "metric")]
        values, labels = file["prediction"][:], file["label"][:]
        digest = str(file.attrs["csv_sha256"])
    if values.shape[1] != 1 or values.shape[-1] != 1:
        raise ValueError(f"{path.name}: one seed and one target are expected")
    return names[0], names[1], values[:, 0, ..., 0], labels[:, 0], digest


def same_digits(mine: float, stored: str, digits: int = 6) -> bool:
    """Whether a number, rounded to significant digits, is the one that was printed."""
    if not stored or math.isnan(mine):
        return not stored and math.isnan(mine)
    if mine == float(stored):
        return True
    unit = 10.0 ** (math.floor(math.log10(abs(mine))) + 1 - digits) if mine else 0.0
    return abs(mine - float(stored)) <= unit / 2 * (1 + 1e-6)


def compared(
    mine: Table,
    path: Path,
    keys: Iterable[str],
    within: Mapping[str, float] | None = None,
) -> Check:
    """A table that was recomputed, cell by cell, with the one that is stored.

    Numbers agree to the printed digits; ``within``: columns with a tolerance instead. Lines and
    columns on one side only differ, too.
    """
    stored = keyed(path, *keys)
    bad = [f"{' '.join(at)} on one side only" for at in sorted(mine.keys() ^ stored.keys())]
    count = 0
    for at in mine.keys() & stored.keys():
        for column in sorted(mine[at].keys() | stored[at].keys()):
            count += 1
            here, there = mine[at].get(column), stored[at].get(column)
            if here is None or there is None:
                bad.append(f"{' '.join(at)} {column} on one side only")
            elif not _agrees(here, there, (within or {}).get(column)):
                bad.append(f"{' '.join(at)} {column} is {here}, stored {there}")
    return Check(path.name, count, sorted(bad))


def _agrees(here: float | str, there: str, tolerance: float | None) -> bool:
    if isinstance(here, str):
        return here == there
    if tolerance is None:
        return same_digits(here, there)
    return abs(here - float(there)) <= tolerance
