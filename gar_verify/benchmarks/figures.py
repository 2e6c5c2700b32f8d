"""The figures of the runtime study, in the style and colours of all."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, NullLocator

from gar_verify.benchmarks import growth
from gar_verify.benchmarks.runtime_settings import (
    IN_MEMORY,
    LOSS_ONLY,
    PUBLISHED_LOOP,
    UNIT,
    method_label,
)
from gar_verify.benchmarks.runtime_summary import Summary
from gar_verify.benchmarks.runtime_tables import published_ratio
from gar_verify.studies.figures.style import COLORS, COLUMN_WIDTH, PUBLISHED, STYLE, TRUTH
from gar_verify.studies.objectives import CONTRAST

MARKERS = {PUBLISHED_LOOP: "o", IN_MEMORY: "s", LOSS_ONLY: "^"}
NAMES = {
    PUBLISHED_LOOP: "published loop",
    IN_MEMORY: "steps in memory",
    LOSS_ONLY: "loss alone",
}
PUBLISHED_MARKER = "|"


def color_of(method: str) -> str:
    """The colour of a method of the runtime study; RnC's first phase has that of RnC."""
    return COLORS["rnc" if method == CONTRAST else method]


def ratio_figure(summary: Summary) -> Figure:
    """Time relative to the MAE in the three settings, one row for each other method.

    Args:
        summary: as for `runtime_tables.runtime_table`.

    Returns:
        On a logarithmic axis, a marker for each setting at the median ratio with a bar between its
        quartiles, and a grey stroke at the published ratio.
    """
    lines = {setup: summary.of(setup, summary.batch_size) for setup in MARKERS}
    methods = [str(name) for name in lines[PUBLISHED_LOOP].index if name != UNIT]
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(COLUMN_WIDTH, 0.2 * len(methods) + 0.9), layout="constrained")
        panel = figure.subplots()
        panel.axvline(1, color=TRUTH, lw=0.6, ls=":")
        for row, name in enumerate(methods):
            found = {setup: frame.T[name] for setup, frame in lines.items()}
            _ratios(panel, row, name, found)
        panel.set_xscale("log")
        panel.set_xlabel(f"time in units of the MAE, batch {summary.batch_size}")
        panel.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        panel.xaxis.set_major_formatter("{x:g}")
        panel.xaxis.set_minor_locator(NullLocator())
        panel.set_yticks(range(len(methods)), [method_label(name) for name in methods])
        panel.tick_params(axis="y", length=0)
        panel.set_ylim(len(methods) - 0.5, -0.5)
        figure.legend(handles=_legend(), loc="outside upper center", ncols=2, columnspacing=1.2)
    return figure


def growth_figure(summary: Summary) -> Figure:
    """Time of the loss alone against the batch size, a labelled line for each method.

    Args:
        summary: of a study with ``loss_only`` at three or more sizes of `growth.FITTED_FROM` rows.

    Returns:
        Both axes are logarithmic; beside each name stands the fitted growth.
    """
    lines = summary.of(LOSS_ONLY).drop(index="rnc", errors="ignore")  # reckoned, not measured
    exponents = growth.of_methods(lines.reset_index())["exponent"]
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(COLUMN_WIDTH, 2.9), layout="constrained")
        panel = figure.subplots()
        texts, ends = {}, {}
        for name in exponents.index.astype(str):
            x, y = lines["batch_size"][name], lines["seconds"][name] * 1e3
            panel.loglog(x, y, "o-", ms=2, color=color_of(name))
            exponent = round(exponents[name], 1) + 0.0  # no minus before a zero
            texts[name] = rf"{method_label(name)}  $N^{{{exponent:.1f}}}$"
            ends[name] = float(y.iloc[-1])
        sizes = sorted(set(lines["batch_size"]))
        panel.set_xticks(sizes, [f"{size:,}" for size in sizes], rotation=45)
        panel.minorticks_off()
        panel.set(xlabel="batch size N", ylabel="forward and backward of the loss [ms]")
        panel.yaxis.set_major_formatter("{x:g}")
        _label_ends(panel, sizes[-1], ends, texts)
    return figure


def spread_apart(heights: Sequence[float], gap: float) -> np.ndarray:
    """Heights moved as little as needed for any two to be ``gap`` apart, in the same order.

    Those that would overlap are set around their common mean.
    """
    order = np.argsort(heights, kind="stable")
    groups: list[list[float]] = []
    for height in np.asarray(heights, float)[order]:
        groups.append([height])
        while len(groups) > 1 and _bottom(groups[-1], gap) - _top(groups[-2], gap) < gap:
            last = groups.pop()
            groups[-1] += last
    placed = [
        _bottom(group, gap) + gap * position for group in groups for position in range(len(group))
    ]
    result = np.empty(len(placed))
    result[order] = placed
    return result


def _bottom(group: Sequence[float], gap: float) -> float:
    return float(np.mean(group)) - gap * (len(group) - 1) / 2


def _top(group: Sequence[float], gap: float) -> float:
    return float(np.mean(group)) + gap * (len(group) - 1) / 2


def _label_ends(
    panel: Axes, x: float, ends: dict[str, float], texts: dict[str, str], gap: float = 0.062
) -> None:
    """Names beside the right ends of the lines, apart from one another, with thin leaders."""
    low, high = np.log(panel.get_ylim())
    heights = (np.log(list(ends.values())) - low) / (high - low)
    for (name, end), height in zip(ends.items(), spread_apart(heights, gap), strict=True):
        panel.annotate(
            texts[name],
            xy=(x, end),
            xytext=(1.08, height),
            textcoords="axes fraction",
            va="center",
            size=6,
            color=color_of(name),
            annotation_clip=False,
            arrowprops={
                "arrowstyle": "-",
                "lw": 0.4,
                "color": color_of(name),
                "relpos": (0, 0.5),
                "shrinkA": 1,
                "shrinkB": 2,
            },
        )


def _ratios(panel: Axes, row: int, name: str, found: dict[str, pd.Series]) -> None:
    ratios = [line["ratio"] for line in found.values()]
    color = color_of(name)
    panel.plot([min(ratios), max(ratios)], [row, row], color=color, lw=0.6, alpha=0.4)
    panel.plot(published_ratio(name), row, PUBLISHED_MARKER, color=PUBLISHED, ms=11, mew=1.2)
    for setup, line in found.items():
        panel.errorbar(
            line["ratio"],
            row,
            xerr=[[line["ratio"] - line["ratio_low"]], [line["ratio_high"] - line["ratio"]]],
            fmt=MARKERS[setup],
            ms=3.5,
            lw=1.0,
            color=color,
        )


def _legend() -> list[Line2D]:
    marks = [(MARKERS[setup], NAMES[setup], TRUTH, 3.5) for setup in MARKERS]
    marks.append((PUBLISHED_MARKER, "published", PUBLISHED, 9))
    return [
        Line2D([], [], marker=marker, ls="", ms=size, color=color, label=text)
        for marker, text, color, size in marks
    ]
