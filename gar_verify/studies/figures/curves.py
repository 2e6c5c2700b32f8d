"""Figures of the synthetic studies: what each method learned, and which peaks it recovered."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib as mpl
import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MultipleLocator

from gar_verify.studies import curves
from gar_verify.studies.figures.style import COLORS, COLUMN_WIDTH, DASHES, STYLE, TRUTH
from gar_verify.studies.methods import SHOWN, label
from gar_verify.studies.peaks import VISIBLE

NEAR = 4.0
"""What is near x = 0."""

MOST = 0.5
"""Of the seeds: a wave that as many found was found by most."""

BEHIND = "#CCCCCC"
"""Of the truth, a broad line behind the others."""

LUMINANCE = (0.2126, 0.7152, 0.0722)
"""Of red, green and blue: dark text on a light cell, light text on a dark one."""


def sine_figure(results: xr.Dataset, counted: pd.DataFrame) -> Figure:
    """Mean prediction and a band of one standard deviation over the seeds, method by method.

    Args:
        results: from `studies.synthetic.run`, or its summary from `studies.curves.read`.
        counted: the peaks of the same runs, from `studies.peaks.count` or `studies.peaks.read`.

    Returns:
        A panel for each method that is shown with the truth, the mean and the band; and a last
        panel with all means. The band is the population deviation (1/seeds). Beyond each wave that
        was recovered stands a disc if at least half of the seeds did, a ring if fewer did; the
        title counts them.
        Where the truth is flat around 0, one more panel shows the deviation over the seeds there,
        with a dot at each point of the data.
        Results without any of them are drawn as they are.
    """
    found = curves.mean_and_band(results)
    names = [str(name) for name in found["method"].values]
    methods = [name for name in names if name in SHOWN] or names
    with mpl.rc_context(STYLE):
        near = _near_zero(found)
        rows = len(methods) + 1 + bool(near.sizes["x"])
        figure = Figure(figsize=(COLUMN_WIDTH, 0.83 * rows + 0.7), layout="constrained")
        axes = list(figure.subplots(rows))
        if near.sizes["x"]:
            _deviations(axes.pop(), near, methods)
        everything = axes[len(methods)]
        everything.set_title("All means")
        for panel in axes:
            panel.plot(found["x"], found["y"], color=BEHIND, lw=2, label="truth")
        for name, panel in zip(methods, axes, strict=False):
            _band_panel(panel, found.sel({"method": name}), name, counted)
            mean = found["mean"].sel({"method": name})
            color, dashes = COLORS[name], DASHES[name]
            everything.plot(found["x"], mean, label=label(name), lw=0.8, color=color, ls=dashes)
        _frame(axes, found)
        handles, texts = everything.get_legend_handles_labels()
        for face, seeds in ((TRUTH, "most seeds"), ("none", "fewer")):
            handles.append(Line2D([], [], marker="o", ms=2.5, lw=0, color=TRUTH, mfc=face, mew=0.6))
            texts.append(f"wave found by {seeds}")
        figure.legend(
            handles, texts, loc="outside lower center", ncols=3, columnspacing=1, handlelength=2.2
        )
    return figure


def band(results: xr.Dataset, method: str) -> tuple[xr.DataArray, xr.DataArray]:
    """Mean and population deviation over the seeds of a method's prediction, each over x."""
    found = curves.mean_and_band(results).sel({"method": method})
    return found["mean"], found["std"]


MOST_LEVEL = 16
"""Peaks whose places can be written side by side in a column; of more they stand upright."""


def peaks_figure(counted: pd.DataFrame) -> Figure:
    """Which peaks were recovered: by how many seeds each, and how many by each seed.

    Args:
        counted: from `studies.peaks.count` or `studies.peaks.read`; the paper's methods and GAR
            with the released constants are drawn.

    Returns:
        A column-wide figure. Above, a line for each method and a column for each peak: the number
        in a cell, and the strength of its colour, say how many seeds. Below, a ring for each seed.
    """
    chosen = counted[counted["method"].isin(SHOWN)]
    seeds = chosen.groupby(["method", "peak"], sort=False)["recovered"].sum().unstack("peak")
    by_seed = chosen.groupby(["method", "seed"], sort=False)["recovered"].sum().unstack("seed")
    of = chosen["seed"].nunique()
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(COLUMN_WIDTH, 0.4 * len(seeds) + 1.3), layout="constrained")
        panel, below = figure.subplots(2)
        _rings(below, by_seed, seeds.shape[1])
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


def _rings(panel: Axes, by_seed: pd.DataFrame, of: int) -> None:
    """Peaks of each seed, the seeds of a method slightly above one another."""
    for line, (name, counts) in enumerate(by_seed.iterrows()):
        heights = line + np.linspace(-0.3, 0.3, len(counts))
        panel.plot(counts, heights, "o", ms=2.5, mfc="none", mew=0.7, color=COLORS[str(name)])
    panel.set_yticks(range(len(by_seed)), [label(str(name)) for name in by_seed.index])
    panel.set(xlim=(-0.5, of + 0.5), ylim=(len(by_seed) - 0.4, -0.6), xlabel="peaks")
    panel.grid(axis="y", lw=0.3)
    panel.tick_params(axis="y", length=0, labelsize=6)
    panel.xaxis.set_major_locator(MultipleLocator(5))
    panel.set_title(f"Peaks, of {of}, that each seed recovered")


def _cell(panel: Axes, column: int, line: int, count: int, of: int, color: str) -> None:
    share = count / of
    width = [column - 0.46, column + 0.46]
    panel.fill_between(width, line - 0.42, line + 0.42, color=color, alpha=share, lw=0)
    shown = 1 - share + share * np.array(to_rgb(color))  # over white
    text = TRUTH if shown @ LUMINANCE > 0.45 else "white"
    panel.text(column, line, str(count), ha="center", va="center", color=text, size=6)


def _band_panel(panel: Axes, found: xr.Dataset, name: str, counted: pd.DataFrame) -> None:
    low, high = found["mean"] - found["std"], found["mean"] + found["std"]
    panel.fill_between(found["x"], low, high, color=COLORS[name], alpha=0.3, lw=0)
    panel.plot(found["x"], found["mean"], color=COLORS[name], ls=DASHES[name])
    mine = counted[counted["method"] == name]
    runs, by_seed = mine.groupby("peak"), mine.groupby("seed")["recovered"].sum()
    waves, height = runs["recovered"], runs["height"].first()
    beyond = height + 0.35 * np.sign(height) * float(np.abs(found["y"]).max())
    share = waves.mean()
    for which, face in ((share >= MOST, TRUTH), ((share > 0) & (share < MOST), "none")):
        panel.plot(beyond[which], "o", ms=2.5, mew=0.6, color=TRUTH, mfc=face)
    found_by_one = f"{by_seed.mean():.2f} of {len(height)} waves"
    said = f"{label(name)}: {found_by_one}, test MAE {found['mae'].item():.3f}"
    panel.set_title(said, fontsize=7.5)  # the longest reaches the edge


def _near_zero(found: xr.Dataset) -> xr.Dataset:
    """The part around 0 if the truth is flat there, or else nothing."""
    part, size = found.sel(x=np.abs(found["x"]) <= NEAR), np.abs(found["y"]).max()
    return part if np.abs(part["y"]).max() < VISIBLE * size else part.isel(x=slice(0))


def _deviations(panel: Axes, near: xr.Dataset, methods: Sequence[str]) -> None:
    for name in methods:
        spread = near["std"].sel({"method": name})
        color, dashes = COLORS[name], DASHES[name]
        panel.plot(near["x"], spread, marker=".", ms=3, lw=0.8, color=color, ls=dashes)
    panel.set(xlim=(-NEAR, NEAR), xlabel="x", ylabel="deviation", ylim=(0, None))
    panel.set_title("Deviation over the seeds, near x = 0")


def _frame(axes: Sequence[Axes], found: xr.Dataset) -> None:
    highest = 1.6 * float(np.abs(found["y"]).max())
    ends = float(found["x"].min()), float(found["x"].max())
    for panel in axes:
        panel.set(xlim=ends, ylim=(-highest, highest), ylabel="y")
        panel.tick_params(labelbottom=panel is axes[-1])
    axes[-1].set_xlabel("x")
