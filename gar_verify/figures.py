"""The figures, in one style: one colour and line style for each method everywhere.

Colours are those of Okabe and Ito, and some of Paul Tol's muted ones, which readers with any kind
of colour vision tell apart. Sizes are those of a printed column or page. `save` writes PDF and PNG
that are the same bytes every time.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from gar_verify import paths
from gar_verify.experiments import published, selection
from gar_verify.experiments.methods import label
from gar_verify.experiments.sine import final_test_mae
from gar_verify.metrics import LOWER_IS_BETTER, METRICS
from gar_verify.tables import sensitivity_table

COLUMN_WIDTH = 3.35
"""Inches of one column of a two-column page."""
PAGE_WIDTH = 6.9

TRUTH = "#000000"
PUBLISHED = "#777777"
COLORS = {
    "gar": "#D55E00",
    "gar_released": "#AA4499",
    "mae": "#0072B2",
    "mse": "#56B4E9",
    "huber": "#009E73",
    "focal_mae": "#CC79A7",
    "focal_mse": "#882255",
    "ranksim": "#999999",
    "rnc": "#E69F00",
    "conr": "#999933",
    "mae_pearson": "#332288",
}
"""Colour of each method, in every figure."""

STYLE: dict[Any, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 7,
    "axes.titlesize": 8,
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.6,
    "lines.linewidth": 1.0,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "legend.frameon": False,
    "pdf.fonttype": 42,
    "svg.hashsalt": "gar_verify",
}


def sine_figure(results: xr.Dataset) -> Figure:
    """Mean prediction and a band of one standard deviation over the seeds, method by method.

    Args:
        results: from `experiments.sine.run`.

    Returns:
        A panel for each method with the truth, the mean and the band; and a last panel with all
        means. The band is the population deviation (divided by the number of seeds).
    """
    methods = [str(name) for name in results["method"].values]
    with mpl.rc_context(STYLE):
        figure, axes = _panels(len(methods) + 1)
        everything = axes[len(methods)]
        everything.set_title("All means")
        for panel in axes[: len(methods) + 1]:
            panel.plot(results["x"], results["y"], color=TRUTH, lw=0.7, ls="--", label="truth")
        for name, panel in zip(methods, axes, strict=False):
            _band_panel(panel, results, name)
            mean, _ = band(results, name)
            everything.plot(results["x"], mean, color=COLORS[name], lw=0.8, label=label(name))
        _frame(axes, results)
        figure.legend(
            *everything.get_legend_handles_labels(),
            loc="outside lower center",
            ncols=min(len(methods) + 1, 6),
            columnspacing=1.2,
            handlelength=1.5,
        )
    return figure


def tabular_figure(results: xr.Dataset) -> Figure:
    """Selected test values of a tabular study: mean and deviation of each method, and published.

    Args:
        results: from `experiments.tabular.run`, or its summary from `experiments.summaries.read`.

    Returns:
        A panel for each metric, a line for each method: a filled dot with a bar of one standard
        deviation (1/5) over the folds for what was measured, an open grey one for what was
        published. A method far from all others has its value written at the edge.
    """
    selected = results if "test" in results else selection.select(results)
    methods = [str(name) for name in selected["method"].values]
    summary = selection.summarize(selected)
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(PAGE_WIDTH, 0.17 * len(methods) + 0.7), layout="constrained")
        panels = list(figure.subplots(1, len(METRICS), sharey=True))
        for panel, metric in zip(panels, METRICS, strict=True):
            table = str(results.attrs["table"])
            theirs = np.array([published.tabular(table, name, metric) for name in methods])
            at = summary.sel(metric=metric)
            ours = np.stack([at["mean"], at["std"]], axis=-1)
            _limit(panel, np.concatenate([ours, theirs]))
            for line, name in enumerate(methods):
                _dot(panel, theirs[line], line + 0.2, PUBLISHED, filled=False)
                _dot(panel, ours[line], line - 0.1, COLORS[name], filled=True)
            panel.set_title(f"test {metric} {'↓' if LOWER_IS_BETTER[metric] else '↑'}")
        panels[0].set_yticks(range(len(methods)), [label(name) for name in methods])
        panels[0].invert_yaxis()
    return figure


def sensitivity_figure(results: xr.Dataset) -> Figure:
    """Test MAE and Pearson of GAR over alpha, with a band of one deviation, and as published.

    Args:
        results: from `experiments.sensitivity.run`.
    """
    table = sensitivity_table(results)
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(PAGE_WIDTH, 1.9), layout="constrained")
        for panel, metric in zip(figure.subplots(1, 2), ("MAE", "Pearson"), strict=True):
            mean, deviation = table[metric, "measured"], table[metric, "std"]
            low, high = mean - deviation, mean + deviation
            panel.fill_between(table.index, low, high, color=COLORS["gar"], alpha=0.3, lw=0)
            panel.plot(table.index, mean, color=COLORS["gar"], marker="o", ms=2.5, label="measured")
            theirs = table[metric, "published"].dropna()
            panel.plot(theirs.index, theirs, color=PUBLISHED, marker="o", ms=2.5, label="published")
            panel.set(xscale="log", xlabel=r"$\alpha$", title=f"test {metric}")
        panel.legend()
    return figure


def band(results: xr.Dataset, method: str) -> tuple[xr.DataArray, xr.DataArray]:
    """Mean and population deviation over the seeds of a method's prediction, each over x."""
    prediction = results["prediction"].sel({"method": method}).astype(float)
    return prediction.mean("seed"), prediction.std("seed")


def save(figure: Figure, stem: str | Path, folder: Path | None = None) -> list[Path]:
    """Write a figure as PDF and PNG, whole or not at all, the same bytes every time.

    Args:
        figure: what to draw.
        stem: name of the files without suffix, such as ``"sine"``.
        folder: where to; default: `paths.figures`.

    Returns:
        The two paths.
    """
    target = (folder or paths.figures()) / stem
    target.parent.mkdir(parents=True, exist_ok=True)
    nothing = {
        ".pdf": {"CreationDate": None, "Creator": None, "Producer": None},
        ".png": {"Software": None},
    }
    written = []
    with mpl.rc_context(STYLE):
        for suffix, metadata in nothing.items():
            path = target.with_name(target.name + suffix)
            part = path.with_name(f".{path.name}.part")
            figure.savefig(part, format=suffix[1:], dpi=200, metadata=metadata)
            part.replace(path)
            written.append(path)
    return written


def _panels(count: int, columns: int = 2) -> tuple[Figure, list[Axes]]:
    """A page-wide figure with so many panels in a grid; no window is opened for it."""
    rows = math.ceil(count / columns)
    figure = Figure(figsize=(PAGE_WIDTH, 1.3 * rows + 0.35), layout="constrained")
    axes = list(figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False).ravel())
    for spare in axes[count:]:
        spare.set_axis_off()
    return figure, axes


def _band_panel(panel: Axes, results: xr.Dataset, name: str) -> None:
    mean, deviation = band(results, name)
    low, high = mean - deviation, mean + deviation
    panel.fill_between(results["x"], low, high, color=COLORS[name], alpha=0.3, lw=0)
    panel.plot(results["x"], mean, color=COLORS[name])
    mae = final_test_mae(results).sel({"method": name}).mean().item()
    panel.set_title(f"{label(name)}, test MAE {mae:.3f}")


def _limit(panel: Axes, dots: np.ndarray) -> None:
    """Show all dots [n, (mean, deviation)] but those far away from the middle half of them."""
    mean, deviation = dots[~np.isnan(dots[:, 0])].T
    low, middle, high = np.quantile(mean, [0.25, 0.5, 0.75])
    near = np.abs(mean - middle) <= 8 * (high - low)
    reach = np.nan_to_num(deviation)
    left, right = (mean - reach)[near].min(), (mean + reach)[near].max()
    margin = 0.04 * (right - left) + 1e-3 * abs(middle)
    panel.set_xlim(left - margin, right + margin)


def _dot(panel: Axes, dot: np.ndarray, height: float, color: str, *, filled: bool) -> None:
    """A dot (mean, deviation) with its bar, or its value where the panel does not reach."""
    mean, deviation = map(float, dot)
    left, right = panel.get_xlim()
    if mean < left or mean > right:
        edge, side = (0.02, "left") if mean < left else (0.98, "right")
        text = f"← {mean:.3g}" if mean < left else f"{mean:.3g} →"
        where = panel.get_yaxis_transform()
        panel.text(edge, height, text, transform=where, ha=side, va="center", color=color, size=5)
        return
    panel.errorbar(
        mean,
        height,
        xerr=deviation,
        fmt="o",
        ms=3,
        lw=0.8,
        color=color,
        markerfacecolor=color if filled else "white",
    )


def _frame(axes: Sequence[Axes], results: xr.Dataset) -> None:
    highest = float(np.abs(results["y"]).max())
    axes[0].set_ylim(-1.6 * highest, 1.6 * highest)
    axes[0].set_xlim(float(results["x"].min()), float(results["x"].max()))
    for panel in axes:
        panel.set(xlabel="x", ylabel="y")
        panel.label_outer()


FORMS = {"gar_verify": "#D55E00", "released": "#0072B2", "textbook": "#999999"}
"""Colour of each way to compute the sub-losses."""


def accuracy_figure(errors: pd.DataFrame) -> Figure:
    """Largest relative error of 1 - Pearson and of its gradient, in float32, against 1 - Pearson.

    Args:
        errors: from `benchmarks.accuracy.worst`.
    """
    single = errors[errors["dtype"] == "float32"]
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(PAGE_WIDTH, 2.4), layout="constrained")
        panels = figure.subplots(1, 2, sharex=True, sharey=True)
        for panel, column in zip(panels, ("pearson", "pearson gradient"), strict=True):
            for form, lines in single.groupby("form", sort=False):
                x = lines["one_minus_pearson"]
                panel.loglog(x, lines[column], "o-", ms=3, color=FORMS[str(form)], label=form)
            panel.axhline(2**-24, color=TRUTH, lw=0.6, ls=":")
            panel.set_xlabel("1 - Pearson")
        panels[0].set_title("Value")
        panels[1].set_title("Gradient")
        panels[0].set_ylabel("relative error")
        panels[0].set_ylim(1e-9, 1e6)
        panels[0].annotate(
            "half a unit in the last place", (1e-12, 2**-24), (0, -8), textcoords="offset points"
        )
        panels[0].legend()
    return figure
