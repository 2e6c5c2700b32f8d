"""Figures of the sensitivity to alpha: boxes over the folds, as published beside measured."""

from __future__ import annotations

from collections.abc import Mapping

import matplotlib as mpl
import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter

from gar_verify.metrics import LOWER_IS_BETTER
from gar_verify.studies import published, sensitivity
from gar_verify.studies.figures.style import COLORS, PAGE_WIDTH, PUBLISHED, STYLE
from gar_verify.studies.methods import label

SHOWN = ("MAE", "Pearson")


def sensitivity_figure(*studies: xr.Dataset) -> Figure:
    """Test MAE and Pearson of GAR over alpha: a box over the folds for each alpha, and published.

    Args:
        studies: from `studies.sensitivity.run`, or their summaries; a row of panels for each.

    Returns:
        Boxes from the first to the third quartile of the folds with the median, whiskers to the
        smallest and the largest fold; the published mean (and deviation, where it was published)
        as an open grey mark to the left of each box.
    """
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(PAGE_WIDTH, 1.75 * len(studies) + 0.2), layout="constrained")
        rows = figure.subplots(len(studies), len(SHOWN), squeeze=False, sharex=True, sharey="col")
        for row, results in zip(rows, studies, strict=True):
            for panel, metric in zip(row, SHOWN, strict=True):
                _boxes(panel, sensitivity.select(results), metric)
        for panel in rows[-1]:
            panel.set_xlabel(r"$\alpha$")
        marks, texts = rows[0, 0].get_legend_handles_labels()
        if marks:
            figure.legend(marks, texts, loc="outside lower right")
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
    line = {"color": color, "lw": 0.8}
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
        label="published: mean, and one deviation where there is one",
    )


def _logarithmic(panel: Axes, unit: str) -> None:
    panel.set_yscale("log")
    panel.set_yticks([4, 5, 6, 8, 10, 15, 20, 30])
    panel.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    panel.yaxis.set_minor_formatter(NullFormatter())
    panel.set_ylabel(f"{unit} (log scale)" if unit else "log scale")


def _name_of(method: str) -> str:
    return "GAR, paper's formula" if method == "gar" else label(method)
