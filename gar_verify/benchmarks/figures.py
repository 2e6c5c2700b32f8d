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
from gar_verify.studies import published
from gar_verify.studies.figures.style import COLORS, COLUMN_WIDTH, DASHES, PUBLISHED, STYLE, TRUTH
from gar_verify.studies.objectives import CONTRAST

FLAT = 0.5
"""An exponent up to which time is that of the call, not of the rows."""

MARKERS = {PUBLISHED_LOOP: "o", IN_MEMORY: "s", LOSS_ONLY: "^"}
NAMES = {
    PUBLISHED_LOOP: "released loop",
    IN_MEMORY: "steps in memory",
    LOSS_ONLY: "loss alone",
}
PUBLISHED_MARKER = "|"
CLAIMED_MARKER = "D"
LOWER = {PUBLISHED_LOOP: -0.24, IN_MEMORY: 0.0, LOSS_ONLY: 0.24}
"""How much lower than its row each setting stands, so that no bar hides another."""


def color_of(method: str) -> str:
    """The colour of a method of the runtime study; RnC's first phase has that of RnC."""
    return COLORS["rnc" if method == CONTRAST else method]


def ratio_figure(summary: Summary) -> Figure:
    """Time relative to the MAE in the three settings, one row for each other method.

    Args:
        summary: as for `runtime_tables.runtime_table`.

    Returns:
        On a logarithmic axis, a marker for each setting at the median ratio with a bar between its
        quartiles, a grey stroke at the published ratio, and a diamond at the claimed one.
    """
    lines = {setup: summary.of(setup, summary.batch_size) for setup in MARKERS}
    methods = [str(name) for name in lines[PUBLISHED_LOOP].index if name != UNIT]
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(COLUMN_WIDTH, 0.3 * len(methods) + 0.95), layout="constrained")
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
        panel.hlines(np.arange(1, len(methods)) - 0.5, 0, 1, lw=0.3, color=PUBLISHED,
                     transform=panel.get_yaxis_transform())  # fmt: skip
        figure.legend(handles=_legend(), loc="outside upper center", ncols=3, columnspacing=1.2)
    return figure


def growth_figure(summary: Summary) -> Figure:
    """Time of the loss alone against the batch size, a labelled line for each method.

    Args:
        summary: of a study with ``loss_only`` at three or more sizes of `growth.FITTED_FROM` rows.

    Returns:
        Both axes are logarithmic; beside each name stands the fitted exponent with its standard
        error, or that the time is flat where what a call costs hides the rows. Grey lines have
        the slopes of N and of N².
    """
    lines = summary.of(LOSS_ONLY).drop(index="rnc", errors="ignore")  # reckoned, not measured
    fits = growth.of_methods(lines.reset_index())
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(COLUMN_WIDTH, 2.9), layout="constrained")
        panel = figure.subplots()
        texts, ends = {}, {}
        for name in fits.index.astype(str):
            x, y = lines["batch_size"][name], lines["seconds"][name] * 1e3
            dashes = DASHES["rnc" if name == CONTRAST else name]
            panel.loglog(x, y, marker="o", ms=2, ls=dashes, color=color_of(name))
            texts[name] = f"{method_label(name)}  {_growth(*fits.loc[name, ['exponent', 'error']])}"
            ends[name] = float(y.iloc[-1])
        sizes = sorted(set(lines["batch_size"]))
        _guides(panel, sizes, float(np.sqrt(max(ends.values()) * min(ends.values()))))
        panel.set_xticks(sizes, [f"{size:,}" for size in sizes], rotation=45)
        panel.minorticks_off()
        panel.set(xlabel="batch size N", ylabel="forward and backward of the loss [ms]")
        panel.yaxis.set_major_formatter("{x:g}")
        panel.set_title("The loss alone; beside its name the exponent of N")
        _label_ends(panel, sizes[-1], ends, texts)
    return figure


def _growth(exponent: float, error: float) -> str:
    return f"{exponent:.2f} ± {error:.2f}" if exponent > FLAT else "flat"


def _guides(panel: Axes, sizes: Sequence[int], height: float) -> None:
    """Lines of the slopes 1 and 2 that begin where all other lines are far."""
    x = np.array(sizes[-3:], float)
    for power, text in ((1, "$N$"), (2, "$N^2$")):
        y = height * (x / x[0]) ** power / 3
        panel.plot(x, y, color=PUBLISHED, lw=0.8)
        panel.text(x[-1], y[-1], f" {text}", color=PUBLISHED, size=6, va="center")


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


def _label_ends(panel: Axes, x: float, ends: dict[str, float], texts: dict[str, str]) -> None:
    """Names beside the right ends of the lines, apart from one another, with thin leaders."""
    low, high = np.log(panel.get_ylim())
    heights = (np.log(list(ends.values())) - low) / (high - low)
    for (name, end), height in zip(ends.items(), spread_apart(heights, 0.062), strict=True):
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
    panel.plot(published_ratio(name), row, PUBLISHED_MARKER, color=PUBLISHED, ms=14, mew=1.2)
    claimed = published.relative_time(name)
    panel.plot(claimed, row, CLAIMED_MARKER, color=PUBLISHED, ms=3.5, mfc="none", mew=0.8)
    for setup, line in found.items():
        panel.errorbar(
            line["ratio"],
            row + LOWER[setup],
            xerr=[[line["ratio"] - line["ratio_low"]], [line["ratio_high"] - line["ratio"]]],
            fmt=MARKERS[setup],
            ms=2.5,
            lw=0.8,
            capsize=2,
            color=color_of(name),
        )


def _legend() -> list[Line2D]:
    marks = [(MARKERS[setup], NAMES[setup], TRUTH, 3.5) for setup in MARKERS]
    marks += [
        (PUBLISHED_MARKER, "published ratio", PUBLISHED, 9),
        (CLAIMED_MARKER, "claimed ratio", PUBLISHED, 4),
    ]
    return [
        Line2D([], [], marker=marker, ls="", ms=size, color=color, mfc=face, label=text)
        for marker, text, color, size in marks
        for face in ["none" if marker == CLAIMED_MARKER else color]
    ]
