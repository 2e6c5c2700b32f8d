"""Figures of the sensitivity to alpha: every fold, as published beside measured."""

from __future__ import annotations

from collections.abc import Mapping

import matplotlib as mpl
import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter

from gar_verify.losses.registry import get_spec
from gar_verify.metrics import LOWER_IS_BETTER
from gar_verify.studies import published, sensitivity
from gar_verify.studies.figures.style import COLORS, COLUMN_WIDTH, PUBLISHED, STYLE
from gar_verify.studies.methods import label

SHOWN = ("MAE", "Pearson")

OF_THE_PAPER = {*get_spec("gar").tabular_grid, 0.5, 1.0, 2.0}
"""Alphas that the released scripts try: on the tables, and on the curves."""


def sensitivity_figure(*studies: xr.Dataset) -> Figure:
    """Test MAE and Pearson of GAR over alpha: the folds of each alpha, and published.

    Args:
        studies: from `studies.sensitivity.run`, or their summaries; a panel for each and metric.

    Returns:
        Boxes from the first to the third quartile of the folds with the median, whiskers to the
        smallest and the largest fold, and in it a dot for each fold; the published mean (and
        deviation, where it was published) as an open grey mark to the left of each box. Triangles
        stand at the alphas that the paper's own comparisons try.
    """
    size = (COLUMN_WIDTH, 1.35 * len(studies) * len(SHOWN) + 0.7)
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=size, layout="constrained")
        panels = figure.subplots(len(SHOWN) * len(studies), 1, sharex=True)
        for row, metric in zip(panels.reshape(len(SHOWN), -1), SHOWN, strict=True):
            for panel, results in zip(row, studies, strict=True):
                panel.sharey(row[0])
                _boxes(panel, sensitivity.select(results), metric)
        panels[-1].set_xlabel(r"$\alpha$")
        figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower left")
    return figure


def folds(selected: xr.Dataset, metric: str) -> Mapping[float, np.ndarray]:
    """The test values that a box is drawn of, by alpha."""
    runs = selected["test"].sel({"metric": metric}).stack(run=("seed", "fold"))
    return {float(a): runs.sel(alpha=a).to_numpy() for a in runs["alpha"].to_numpy()}


def _boxes(panel: Axes, selected: xr.Dataset, metric: str) -> None:
    method = sensitivity.method_of(selected)
    color = COLORS[method]
    values = folds(selected, metric)
    places = np.arange(len(values))
    line = {"color": color, "lw": 0.6}
    panel.boxplot(
        list(values.values()),
        positions=places + 0.12,
        widths=0.5,
        whis=(0, 100),
        showfliers=False,
        manage_ticks=False,
        boxprops=line,
        whiskerprops=line,
        capprops=line,
        medianprops={"color": color, "lw": 1.6},
    )
    if selected.attrs.get("table") == "concrete":
        _published(panel, list(values), places - 0.32, metric)
    for number, runs in enumerate(zip(*values.values(), strict=True)):
        x = places + 0.12 + 0.4 * ((number + 0.5) / len(values[1.0]) - 0.5)
        panel.plot(x, runs, "o", ms=1.5, color=color, label="" if number else "a fold")
    tried = places[[alpha in OF_THE_PAPER for alpha in values]]
    where = panel.get_xaxis_transform()
    panel.plot(tried, 0 * tried, "^", ms=4, color="black", transform=where, clip_on=False,
               label="tried in the paper's comparisons")  # fmt: skip
    panel.set_xticks(places, [f"{alpha:g}" for alpha in values])
    panel.set_title(f"{_name_of(method)}: test {metric} {'↓' if LOWER_IS_BETTER[metric] else '↑'}")
    if LOWER_IS_BETTER[metric]:
        _logarithmic(panel, str(selected.attrs.get("unit", "")))
    else:
        panel.set_ylabel("correlation")


def _published(panel: Axes, alphas: list[float], places: np.ndarray, metric: str) -> None:
    means, deviations = published.alpha_sensitivity(metric), published.alpha_deviation(metric)
    panel.errorbar(
        places,
        [means.get(alpha, np.nan) for alpha in alphas],
        yerr=[deviations.get(alpha, np.nan) for alpha in alphas],
        fmt="o",
        ms=3,
        lw=0.8,
        color=PUBLISHED,
        markerfacecolor="white",
        label="published: mean, and deviation where there is one",
    )


def _logarithmic(panel: Axes, unit: str) -> None:
    panel.set_yscale("log")
    panel.set_yticks([4, 5, 6, 8, 10, 15, 20, 30])
    panel.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    panel.yaxis.set_minor_formatter(NullFormatter())
    panel.set_ylabel(f"{unit} (log scale)" if unit else "log scale")


def _name_of(method: str) -> str:
    return "GAR, paper's formula" if method == "gar" else label(method)
