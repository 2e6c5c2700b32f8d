"""The figure of the study of IC50, for one column of a page or a telephone."""

from __future__ import annotations

import matplotlib as mpl
import pandas as pd
import xarray as xr
from matplotlib.figure import Figure

from gar_verify.metrics import LOWER_IS_BETTER, METRICS
from gar_verify.studies.figures.style import COLORS, COLUMN_WIDTH, STYLE
from gar_verify.studies.figures.tabular import WITHOUT_UNIT, dot, limit
from gar_verify.studies.methods import PER_TARGET, label
from gar_verify.studies.tables import tabular_table

METHOD_COLORS = COLORS | {PER_TARGET: "#44AA99"}


def ic50_figure(results: xr.Dataset) -> Figure:
    """Selected test values, averaged over the drugs: mean and deviation of each method.

    Args:
        results: from `studies.ic50.run`, or its summary.

    Returns:
        Two panels beside two, one for each metric, with a line for each method: a dot with a bar of
        one standard deviation (divided by the number) over the folds.
    """
    names = [str(name) for name in results["method"].to_numpy()]
    labels = [label(name) for name in names]
    table = tabular_table(results)
    with mpl.rc_context(STYLE):
        size = (COLUMN_WIDTH, 2 * (0.15 * len(names) + 0.5) + 0.25)
        figure = Figure(figsize=size, layout="constrained")
        panels = figure.subplots(2, 2, sharey=True).ravel()
        for panel, metric in zip(panels, METRICS, strict=True):
            dots = pd.DataFrame(table.xs(metric)).loc[labels, ["measured", "std"]].to_numpy()
            limit(panel, dots)
            for line, (name, values) in enumerate(zip(names, dots, strict=True)):
                dot(panel, values, line, METHOD_COLORS[name], filled=True)
            panel.set_title(f"test {metric} {'↓' if LOWER_IS_BETTER[metric] else '↑'}")
            panel.set_xlabel("correlation" if metric in WITHOUT_UNIT else results.attrs["unit"])
            panel.locator_params(axis="x", nbins=3)
        panels[0].set_yticks(range(len(names)), labels)
        panels[0].set_ylim(len(names) - 0.4, -0.6)
        figure.supxlabel("mean over the drugs; bar: one deviation over the folds", fontsize=7)
    return figure
