"""Figures of the synthetic studies: what each method learned, and which peaks it recovered."""

from __future__ import annotations

import math
from collections.abc import Sequence

import matplotlib as mpl
import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from gar_verify.studies import curves
from gar_verify.studies.figures.style import COLORS, COLUMN_WIDTH, PAGE_WIDTH, STYLE, TRUTH
from gar_verify.studies.methods import SYNTHETIC, label

LUMINANCE = (0.2126, 0.7152, 0.0722)
"""Of red, green and blue: dark text on a light cell, light text on a dark one."""


def sine_figure(results: xr.Dataset) -> Figure:
    """Mean prediction and a band of one standard deviation over the seeds, method by method.

    Args:
        results: from `studies.synthetic.run`, or its summary from `studies.curves.read`.

    Returns:
        A panel for each of the paper's methods with the truth, the mean and the band; and a last
        panel with all means. The band is the population deviation (1/seeds). Results without any
        of the paper's methods are drawn as they are.
    """
    found = curves.mean_and_band(results)
    names = [str(name) for name in found["method"].values]
    methods = [name for name in names if name in SYNTHETIC] or names
    with mpl.rc_context(STYLE):
        figure, axes = _panels(len(methods) + 1)
        everything = axes[len(methods)]
        everything.set_title("All means")
        for panel in axes[: len(methods) + 1]:
            panel.plot(found["x"], found["y"], color=TRUTH, lw=0.7, ls="--", label="truth")
        for name, panel in zip(methods, axes, strict=False):
            _band_panel(panel, found.sel({"method": name}), name)
            mean = found["mean"].sel({"method": name})
            everything.plot(found["x"], mean, color=COLORS[name], lw=0.8, label=label(name))
        _frame(axes, found)
        figure.legend(
            *everything.get_legend_handles_labels(),
            loc="outside lower center",
            ncols=min(len(methods) + 1, 6),
            columnspacing=1.2,
            handlelength=1.5,
        )
    return figure


def band(results: xr.Dataset, method: str) -> tuple[xr.DataArray, xr.DataArray]:
    """Mean and population deviation over the seeds of a method's prediction, each over x."""
    found = curves.mean_and_band(results).sel({"method": method})
    return found["mean"], found["std"]


MOST_LEVEL = 16
"""Peaks whose places can be written side by side in a column; of more they stand upright."""


def peaks_figure(counted: pd.DataFrame) -> Figure:
    """How many seeds recovered each peak: a line for each method, a column for each peak.

    Args:
        counted: from `studies.peaks.count` or `studies.peaks.read`; the paper's methods
            are drawn.

    Returns:
        A column-wide figure. The number in a cell, and the strength of its colour, say how many.
    """
    chosen = counted[counted["method"].isin(SYNTHETIC)]
    seeds = chosen.groupby(["method", "peak"], sort=False)["recovered"].sum().unstack("peak")
    of = chosen["seed"].nunique()
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(COLUMN_WIDTH, 0.2 * len(seeds) + 0.75), layout="constrained")
        panel = figure.subplots()
        for line, (name, counts) in enumerate(seeds.iterrows()):
            for column, count in enumerate(counts):
                _cell(panel, column, line, int(count), of, COLORS[str(name)])
        panel.set_yticks(range(len(seeds)), [label(str(name)) for name in seeds.index])
        panel.set_xticks(range(seeds.shape[1]), [f"{x:.0f}" for x in seeds.columns])
        panel.set(xlim=(-0.6, seeds.shape[1] - 0.4), ylim=(len(seeds) - 0.4, -0.6), xlabel="x")
        panel.tick_params(length=0, labelsize=6)
        panel.tick_params(axis="x", rotation=0 if seeds.shape[1] <= MOST_LEVEL else 90)
        for spine in panel.spines.values():
            spine.set_visible(False)
        panel.set_title(f"Seeds, of {of}, that recovered the peak at x")
    return figure


def _cell(panel: Axes, column: int, line: int, count: int, of: int, color: str) -> None:
    share = count / of
    width = [column - 0.46, column + 0.46]
    panel.fill_between(width, line - 0.42, line + 0.42, color=color, alpha=share, lw=0)
    shown = 1 - share + share * np.array(to_rgb(color))  # over white
    text = TRUTH if shown @ LUMINANCE > 0.45 else "white"
    panel.text(column, line, str(count), ha="center", va="center", color=text, size=6)


def _panels(count: int, columns: int = 2) -> tuple[Figure, list[Axes]]:
    """A page-wide figure with so many panels in a grid; no window is opened for it."""
    rows = math.ceil(count / columns)
    figure = Figure(figsize=(PAGE_WIDTH, 1.3 * rows + 0.35), layout="constrained")
    axes = list(figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False).ravel())
    for spare in axes[count:]:
        spare.set_axis_off()
    return figure, axes


def _band_panel(panel: Axes, found: xr.Dataset, name: str) -> None:
    low, high = found["mean"] - found["std"], found["mean"] + found["std"]
    panel.fill_between(found["x"], low, high, color=COLORS[name], alpha=0.3, lw=0)
    panel.plot(found["x"], found["mean"], color=COLORS[name])
    panel.set_title(f"{label(name)}, test MAE {found['mae'].item():.3f}")


def _frame(axes: Sequence[Axes], found: xr.Dataset) -> None:
    highest = float(np.abs(found["y"]).max())
    axes[0].set_ylim(-1.6 * highest, 1.6 * highest)
    axes[0].set_xlim(float(found["x"].min()), float(found["x"].max()))
    for panel in axes:
        panel.set(xlabel="x", ylabel="y")
        panel.label_outer()
