"""The figure of the study of alpha: what every alpha loses against the best, in each condition."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from gar_verify.studies.figures.style import COLORS, COLUMN_WIDTH, PUBLISHED, STYLE
from gar_verify.studies.questions import aggregate
from gar_verify.studies.questions.choosing_alpha import ALPHAS, RAW, STANDARDISED
from gar_verify.studies.questions.choosing_alpha_report import (
    DEFAULT,
    HINDSIGHT,
    of_alphas,
    over_hindsight,
    policies,
)

SHOWN = {
    STANDARDISED: "standardised targets",
    RAW: "raw targets",
    "x0.01": r"loss sees them $\times$ 0.01",
    "x100": r"loss sees them $\times$ 100",
}
TOP = 4.0
"""Upper end of the axis, in errors of the best alpha; what lies above is drawn at the edge."""


def choosing_alpha_figure(results: xr.Dataset) -> Figure:
    """Test MAE over that of the best alpha in hindsight, over alpha.

    Args:
        results: from `questions.choosing_alpha.run`, or its summary.

    Returns:
        A panel for each condition: a thin line for the interquartile mean over the seeds of each
        table, a bold one over all tables and seeds; dashed the MAE as a loss, dotted the default.
    """
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(COLUMN_WIDTH, 3.3), layout="constrained")
        panels = figure.subplots(2, 2, sharex=True, sharey=True).ravel()
        for panel, (condition, title) in zip(panels, SHOWN.items(), strict=True):
            _lines(panel, results, condition)
            panel.set_title(title)
        _axes(panels)
        for panel in panels[2:]:
            panel.set_xlabel(r"$\alpha$")
        figure.supylabel("test MAE / that of the best alpha in hindsight", fontsize=7)
        handles = [
            mpl.lines.Line2D([], [], color=PUBLISHED, lw=0.5, label="one table"),
            mpl.lines.Line2D([], [], color=COLORS["gar"], lw=2, marker="o", ms=3, label="all"),
            mpl.lines.Line2D([], [], color=COLORS["mae"], ls="--", label="MAE as loss, all"),
            mpl.lines.Line2D([], [], color="black", ls=":", label=rf"$\alpha$ = {DEFAULT:g}"),
        ]
        figure.legend(handles=handles, loc="outside lower center", ncols=4, columnspacing=1.0)
    return figure


def _lines(panel: Axes, results: xr.Dataset, condition: str) -> None:
    ratios = over_hindsight(of_alphas(results, condition, "MAE"))
    values = ratios.transpose("table", "alpha", "seed").to_numpy()
    for of_table in values:
        middle = aggregate.interquartile_mean(of_table[:, None])
        panel.plot(ALPHAS, middle.clip(max=TOP), color=PUBLISHED, lw=0.5)
    together = aggregate.interquartile_mean(values.swapaxes(0, 1))
    panel.plot(ALPHAS, together.clip(max=TOP), color=COLORS["gar"], lw=2, marker="o", ms=3)
    scores = policies(results, condition, "MAE")
    if "MAE" in scores["method"]:
        ratio = scores.sel({"method": "MAE"}) / scores.sel({"method": HINDSIGHT})
        level = aggregate.interquartile_mean(ratio.transpose("table", "seed").to_numpy())
        panel.axhline(float(np.minimum(level, TOP)), color=COLORS["mae"], ls="--")
    panel.axvline(DEFAULT, color="black", ls=":", lw=0.8, zorder=0)


def _axes(panels: np.ndarray) -> None:
    panel = panels[0]
    panel.set_xscale("log")
    panel.set_yscale("log")
    panel.set_ylim(0.97, TOP * 1.03)
    ticks = [1.0, 1.5, 2.0, 3.0, TOP]
    for axis, places in ((panel.xaxis, [0.1, 1.0, 10.0, 100.0]), (panel.yaxis, ticks)):
        axis.set_major_locator(FixedLocator(places))
        axis.set_minor_locator(NullLocator())
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
