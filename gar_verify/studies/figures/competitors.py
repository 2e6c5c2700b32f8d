"""The figure of the other competitors: test MAE of every method on the paper's tables."""

from __future__ import annotations

import matplotlib as mpl
import xarray as xr
from matplotlib.figure import Figure

from gar_verify.data import load_table
from gar_verify.studies.figures.style import COLORS, PAGE_WIDTH, PUBLISHED, STYLE
from gar_verify.studies.figures.tabular import dot, limit
from gar_verify.studies.methods import loss_of
from gar_verify.studies.questions.competitors import beside, named, table

NEW = {"ccc": "#117733", "hl_gauss": "#000080", "trees": "#44AA99", "pairs": "#6699CC"}
"""Colours of the methods that the paper does not have."""


def competitors_figure(results: xr.Dataset) -> Figure:
    """Test MAE of each method, its mean and a bar of one deviation over the folds.

    Args:
        results: from `questions.competitors.run`, or its summary.

    Returns:
        A panel for each table, a line for each method: above the grey line those of the paper,
        below it the others. A method far from all others has its value written at the edge.
    """
    tables = [str(name) for name in results["table"].to_numpy()]
    found = table(results).reset_index()
    methods = [str(name) for name in beside(results, tables[0])["method"].to_numpy()]
    colors = NEW | {name: COLORS[loss_of(name)] for name in methods if name not in NEW}
    with mpl.rc_context(STYLE):
        size = PAGE_WIDTH, 0.17 * len(methods) + 0.75
        figure = Figure(figsize=size, layout="constrained")
        panels = figure.subplots(1, len(tables), sharey=True, squeeze=False)[0]
        for panel, name in zip(panels, tables, strict=True):
            lines = found[(found["table"] == name) & (found["metric"] == "MAE")]
            values = lines.set_index("method")[["measured", "std"]].loc[
                [named(name) for name in methods]
            ]
            limit(panel, values.to_numpy())
            for line, method in enumerate(methods):
                dot(panel, values.to_numpy()[line], line, colors[method], filled=True)
            panel.axhline(sum(m not in NEW for m in methods) - 0.5, color=PUBLISHED, lw=0.5)
            panel.set_title(f"{name.replace('_', ', ')}: test MAE ↓")
            panel.set_xlabel(load_table(name).unit or "unit of target")
        panels[0].set_yticks(range(len(methods)), map(named, methods))
        panels[0].set_ylim(len(methods) - 0.4, -0.6)
    return figure
