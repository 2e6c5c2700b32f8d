"""Tables as a reader sees them: a line for each method, published beneath measured."""

from __future__ import annotations

import math
from dataclasses import dataclass

import pandas as pd

from gar_verify.benchmarks.runtime_settings import method_label
from gar_verify.claims import overview
from gar_verify.data.synthetic import CURVES
from gar_verify.metrics import LOWER_IS_BETTER, METRICS
from gar_verify.studies import catalogue

DIGITS = 3


@dataclass(frozen=True)
class Cell:
    """A value, beneath it smaller what was published, and whether it is the best of its column."""

    text: str
    below: str = ""
    best: bool = False


@dataclass(frozen=True)
class Row:
    """A line of a table."""

    head: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Grid:
    """A table with a caption."""

    caption: str
    corner: str
    """What the heads of the rows are."""
    columns: tuple[str, ...]
    rows: tuple[Row, ...]


def of_study(study: str, frame: pd.DataFrame, caption: str) -> Grid:
    """The table of a study.

    Args:
        study: one of `studies.STUDIES` or `studies.CORRECTED`.
        frame: from `studies.table`.
        caption: what the table shows.
    """
    if study in CURVES:
        return _curve(frame, caption)
    if study in catalogue.QUESTIONS:
        return _as_it_is(frame, caption)
    if study in catalogue.SENSITIVITIES:  # the metrics are columns
        frame = pd.DataFrame(frame.stack(0, future_stack=True)).swaplevel()
        frame.index.names = "metric", "alpha"
    return _by_metric(frame, caption)


def of_overview(lines: pd.DataFrame) -> Grid:
    """GAR on every data set of many losses, published, measured and beside the best other.

    Args:
        lines: from `claims.overview.frame`.
    """
    compact = overview.compact(lines)
    rows = [
        Row(str(name), tuple(map(Cell, values)))
        for name, values in zip(compact.index, compact.to_numpy(), strict=True)
    ]
    caption = "Test MAE of GAR, and of the best other loss"
    return Grid(caption, str(compact.index.name), tuple(map(str, compact)), tuple(rows))


def runtime(lines: pd.DataFrame, setup: str) -> Grid:
    """Ratios to the MAE in one setting: a line for each method, a column for each batch size.

    Args:
        lines: ``setup``, ``method``, ``batch_size``, ``seconds``, ``ratio``, ``ratio_low``,
            ``ratio_high``; as in ``results/runtime.csv``.
        setup: one of the settings.
    """
    chosen = lines[lines["setup"] == setup]
    sizes = sorted(chosen["batch_size"].unique())
    by_place = chosen.set_index(["method", "batch_size"])
    rows = []
    for method in chosen["method"].unique():
        found = [
            by_place.loc[(method, size)] if (method, size) in by_place.index else None
            for size in sizes
        ]
        rows.append(Row(method_label(str(method)), tuple(map(_ratio, found))))
    caption = f"Seconds in units of the MAE: {setup.replace('_', ' ')}"
    return Grid(caption, "method", tuple(f"batch {size:,}" for size in sizes), tuple(rows))


def _ratio(line: pd.Series | None) -> Cell:
    if line is None:
        return Cell("")
    return Cell(f"{line['ratio']:.2f}", f"{line['ratio_low']:.2f} to {line['ratio_high']:.2f}")


def _curve(frame: pd.DataFrame, caption: str) -> Grid:
    best = frame["measured"].idxmin()
    rows = [
        Row(
            str(name),
            (
                _cell(line["measured"], line["std"], name == best),
                Cell(f"{_number(line['min'])} to {_number(line['max'])}"),
                _cell(line["published"], line["published std"]),
                Cell(f"{_number(line['published min'])} to {_number(line['published max'])}"),
            ),
        )
        for name, line in frame.iterrows()
    ]
    columns = ("measured, mean (std)", "min to max", "published, mean (std)", "min to max")
    return Grid(caption, "method", columns, tuple(rows))


def _as_it_is(frame: pd.DataFrame, caption: str) -> Grid:
    """Lines and columns of a table as they are, the levels of its index joined."""
    rows = [
        Row(", ".join(map(str, head)), tuple(Cell(_number(value)) for value in values))
        for head, values in zip(frame.index, frame.to_numpy(float), strict=True)
    ]
    corner = ", ".join(map(str, frame.index.names))
    return Grid(caption, corner, tuple(map(str, frame.columns)), tuple(rows))


def _by_metric(frame: pd.DataFrame, caption: str) -> Grid:
    """Lines for metric and method become a line for each method."""
    corner = str(frame.index.names[1])
    best = {metric: _best(frame.xs(metric)["measured"], metric) for metric in METRICS}
    rows = []
    for name in frame.index.unique(level=1):
        lines = {m: frame.loc[(m, name)] for m in METRICS if (m, name) in frame.index}
        cells = [
            _beside(lines[metric], name == best[metric]) if metric in lines else Cell("")
            for metric in METRICS
        ]
        head = f"{name:g}" if isinstance(name, float) else str(name)
        rows.append(Row(head, tuple(cells)))
    columns = (f"{name} {'↓' if LOWER_IS_BETTER[name] else '↑'}" for name in METRICS)
    return Grid(caption, corner, tuple(columns), tuple(rows))


def _beside(line: pd.Series, best: bool) -> Cell:
    """Measured, and beneath it what was published."""
    measured = _cell(line["measured"], line["std"], best)
    theirs = _cell(line.get("published", math.nan), line.get("published std"))
    return Cell(measured.text, theirs.text, best)


def _best(column: pd.Series, metric: str) -> object:
    return column.idxmin() if LOWER_IS_BETTER[metric] else column.idxmax()


def _cell(mean: float, std: float | None = None, best: bool = False) -> Cell:
    if math.isnan(mean):
        return Cell("")
    spread = "" if std is None or math.isnan(std) else f" ({_number(std)})"
    return Cell(f"{_number(mean)}{spread}", best=best)


def _number(value: float) -> str:
    return "none" if math.isnan(value) else f"{value:.{DIGITS}f}"
