"""The figure of the study of sentences: every seed of every loss, and what needs no training."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from gar_verify.metrics import LOWER_IS_BETTER
from gar_verify.studies.figures.style import COLORS, COLUMN_WIDTH, PUBLISHED, STYLE
from gar_verify.studies.figures.tabular import dot, limit
from gar_verify.studies.methods import label

SHOWN = ("Pearson", "MAE")


def sentences_figure(results: xr.Dataset) -> Figure:
    """Test Pearson and MAE of each loss: its mean as a filled dot, every seed as a small ring.

    Args:
        results: from `sentences.study.run`, or its summary.

    Returns:
        A panel for each metric with a line for each loss, or its value at the edge if it would
        stretch the panel; a dotted line where a reference lies that needs no loss, if it has the
        metric.
    """
    names = [str(name) for name in results["method"].to_numpy()]
    with mpl.rc_context(STYLE):
        size = COLUMN_WIDTH, 0.19 * len(names) + 0.85
        figure = Figure(figsize=size, layout="constrained")
        panels = figure.subplots(1, len(SHOWN), sharey=True, squeeze=False)[0]
        for panel, metric in zip(panels, SHOWN, strict=True):
            _seeds(panel, results["test"].sel({"metric": metric}))
            _reference(panel, results, metric)
            panel.set_title(f"test {metric} {'↓' if LOWER_IS_BETTER[metric] else '↑'}")
            panel.set_xlabel("score, 0 to 5" if LOWER_IS_BETTER[metric] else "correlation")
            panel.locator_params(axis="x", nbins=4)
        panels[0].set_yticks(range(len(names)), [label(name) for name in names])
        panels[0].set_ylim(len(names) - 0.4, -0.6)
        handles = [
            mpl.lines.Line2D([], [], marker="o", ms=4, lw=0, color="black", label="mean"),
            mpl.lines.Line2D([], [], marker="o", ms=3, lw=0, color="black", mfc="none", mew=0.6,
                             label="one seed"),
            mpl.lines.Line2D([], [], ls=":", color=PUBLISHED, label="untrained cosine"),
        ]  # fmt: skip
        figure.legend(handles=handles, loc="outside lower right", ncols=3, handletextpad=0.4)
    return figure


def _seeds(panel: Axes, values: xr.DataArray) -> None:
    seeds = values.stack(run=[name for name in values.dims if name != "method"])
    dots = np.array([seeds.mean("run"), seeds.std("run")]).T
    limit(panel, dots)
    for line, name in enumerate(map(str, values["method"].to_numpy())):
        runs, color = seeds.sel({"method": name}).to_numpy(), COLORS[name]
        if not panel.get_xlim()[0] < runs.mean() < panel.get_xlim()[1]:
            dot(panel, dots[line], line, color, filled=True)
            continue
        panel.plot(runs, np.full(len(runs), line), "o", ms=3, mfc="none", mew=0.6, color=color)
        panel.plot([runs.mean()], [line], "o", ms=4, color=color)


def _reference(panel: Axes, results: xr.Dataset, metric: str) -> None:
    value = results.attrs["references"]["cosine, untrained"].get(metric)
    if value is not None:
        panel.axvline(value, color=PUBLISHED, ls=":", zorder=0)
