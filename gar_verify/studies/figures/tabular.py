"""Figures of the tabular studies: published beside measured, drawn from their tables."""

from __future__ import annotations

from collections.abc import Mapping

import matplotlib as mpl
import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from gar_verify.metrics import LOWER_IS_BETTER, METRICS
from gar_verify.studies import ablation
from gar_verify.studies.figures.style import (
    CHOICE_COLORS,
    COLUMN_WIDTH,
    METHOD_COLORS,
    PUBLISHED,
    STYLE,
)
from gar_verify.studies.methods import RELEASED, label, loss_of
from gar_verify.studies.tables import ablation_table, tabular_table

WITHOUT_UNIT = ("Pearson", "Spearman")
"""Metrics that are pure numbers; the others are in the unit of the target."""


def tabular_figure(results: xr.Dataset) -> Figure:
    """Selected test values of a tabular study: mean and deviation of each method, and published.

    Args:
        results: from `studies.tabular.run`, or its summary from `studies.summaries.read`.

    Returns:
        A panel for each metric, a line for each method: a filled dot with a bar of one standard
        deviation (divided by the number) over folds and seeds for what was measured, an open grey
        one for what was published. A method far from all others has its value written at the edge.
    """
    methods = [str(name) for name in results["method"].values]
    colors = {
        label(name): METHOD_COLORS.get(name) or METHOD_COLORS[loss_of(name)] for name in methods
    }
    return _dots(tabular_table(results), colors, _unit(results), _runs(results))


def ablation_figure(results: xr.Dataset) -> Figure:
    """Selected test values with some of GAR's sub-losses, measured and published.

    Args:
        results: from `studies.ablation.run`, or its summary.

    Returns:
        As `tabular_figure`, with a line for each choice of sub-losses; the published ones have no
        bars, for no deviations were published.
    """
    names = [str(name).removeprefix(ablation.PREFIX) for name in results["method"].values]
    table = ablation_table(results)
    renamed = table.rename(index=_meaning, level="sub-losses")
    colors = {_meaning(name): CHOICE_COLORS[name] for name in names}
    return _dots(renamed, colors, _unit(results), _runs(results))


def _unit(results: xr.Dataset) -> str:
    return str(results.attrs.get("unit", ""))


def _runs(results: xr.Dataset) -> str:
    """What the deviation is over."""
    return "folds and seeds" if results.sizes["seed"] > 1 else "folds"


def _meaning(name: str) -> str:
    """The sub-losses by their names instead of the paper's letters."""
    words = {"b": "MAE", "c": "variance", "a": "Pearson"}
    chosen = [word for letter, word in words.items() if letter in name.split("+")]
    return " + ".join(chosen) or label(RELEASED)


def _dots(table: pd.DataFrame, colors: Mapping[str, str], unit: str, runs: str) -> Figure:
    """A panel for each metric with a line for each name of the second level of the index."""
    names, published = list(colors), bool(table["published"].notna().any())
    with mpl.rc_context(STYLE):
        size = (COLUMN_WIDTH, 2 * (0.18 * len(names) + 0.5) + 0.25)
        figure = Figure(figsize=size, layout="constrained")
        panels = figure.subplots(2, 2, sharey=True).ravel()
        for panel, metric in zip(panels, METRICS, strict=True):
            lines = pd.DataFrame(table.xs(metric)).loc[names]
            ours = lines[["measured", "std"]].to_numpy()
            theirs = lines.reindex(columns=["published", "published std"]).to_numpy()
            limit(panel, np.concatenate([ours, theirs]))
            for line, name in enumerate(names):
                dot(panel, theirs[line], line + 0.2, PUBLISHED, filled=False)
                dot(panel, ours[line], line - 0.1 * published, colors[name], filled=True)
            panel.set_title(f"test {metric} {'↓' if LOWER_IS_BETTER[metric] else '↑'}")
            panel.set_xlabel("correlation" if metric in WITHOUT_UNIT else unit or "unit of target")
            panel.locator_params(axis="x", nbins=4)
        panels[0].set_yticks(range(len(names)), [name.replace(", ", ",\n") for name in names])
        panels[0].set_ylim(len(names) - 0.4, -0.6)
        _legend(figure, runs, published=published)
    return figure


def _legend(figure: Figure, runs: str, *, published: bool) -> None:
    marks = [(f"measured: mean, deviation over {runs}", "#000000", "#000000")]
    marks += [("published", PUBLISHED, "white")] * published
    handles = [
        mpl.lines.Line2D([], [], marker="o", ms=3, lw=0.8, color=color, mfc=face, label=text)
        for text, color, face in marks
    ]
    columns = 2 if runs == "folds" else 1  # side by side, longer texts are wider than a column
    figure.legend(handles=handles, loc="outside lower right", ncols=columns, handlelength=1.5)


def limit(panel: Axes, dots: np.ndarray) -> None:
    """Show the dots [n, (mean, deviation)] but a minority that would stretch the panel.

    Those are cut off that are further from the others, bars included, than all others span.
    """
    mean, deviation = np.nan_to_num(dots[~np.isnan(dots[:, 0])]).T
    low, high = mean - deviation, mean + deviation
    shown = np.ones(len(mean), bool)
    while shown.sum() > 1:
        order = np.flatnonzero(shown)[mean[shown].argsort()]
        at = int(np.diff(mean[order]).argmax()) + 1
        cut, kept = sorted((order[:at], order[at:]), key=len)
        gap = max(low[cut].min() - high[kept].max(), low[kept].min() - high[cut].max())
        if 2 * len(kept) <= len(mean) or gap <= high[kept].max() - low[kept].min():
            break
        shown[cut] = False
    left, right = low[shown].min(), high[shown].max()
    margin = 0.04 * (right - left) + 1e-3 * abs(float(np.median(mean)))
    panel.set_xlim(left - margin, right + margin)


def dot(panel: Axes, dot: np.ndarray, height: float, color: str, *, filled: bool) -> None:
    """A dot (mean, deviation) with its bar, or its value where the panel does not reach."""
    mean, deviation = map(float, dot)
    left, right = panel.get_xlim()
    where = panel.get_yaxis_transform()
    if np.isnan(mean):
        if filled:
            panel.text(0.5, height, "no number", transform=where, ha="center", va="center", size=6)
        return
    if mean < left or mean > right:
        edge, side = (0.02, "left") if mean < left else (0.98, "right")
        text = f"← {mean:.3g}" if mean < left else f"{mean:.3g} →"
        # Two of a line are spaced evenly: neither touches that of the next line.
        height = round(height) + 0.25 * np.sign(height - round(height))
        panel.text(edge, height, text, transform=where, ha=side, va="center", color=color, size=6)
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
