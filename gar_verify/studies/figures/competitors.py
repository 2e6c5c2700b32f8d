"""The figure of the other competitors: test MAE of every method on the paper's tables."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from gar_verify.data import load_table
from gar_verify.studies.figures.style import COLUMN_WIDTH, METHOD_COLORS, PUBLISHED, STYLE
from gar_verify.studies.figures.tabular import dot
from gar_verify.studies.questions.competitors import METHODS, beside, named, table


def competitors_figure(results: xr.Dataset) -> Figure:
    """Test MAE of each method, its mean and a bar of one deviation over the folds.

    Args:
        results: from `questions.competitors.run`, or its summary.

    Returns:
        A panel for each table, a line for each method: above the grey line those of the paper,
        below it the others. An error twice as high as the middle one is written at the edge.
    """
    tables = [str(name) for name in results["table"].to_numpy()]
    found = table(results).reset_index()
    methods = [str(name) for name in beside(results, tables[0])["method"].to_numpy()]
    with mpl.rc_context(STYLE):
        size = COLUMN_WIDTH, len(tables) * (0.14 * len(methods) + 0.55)
        figure = Figure(figsize=size, layout="constrained")
        for panel, name in zip(
            figure.subplots(len(tables), squeeze=False)[:, 0], tables, strict=True
        ):
            lines = found[(found["table"] == name) & (found["metric"] == "MAE")]
            values = lines.set_index("method")[["measured", "std"]]
            dots = values.loc[[named(method) for method in methods]].to_numpy()
            _limit(panel, dots)
            for line, method in enumerate(methods):
                dot(panel, dots[line], line, METHOD_COLORS[method], filled=True)
            panel.axhline(sum(m not in METHODS for m in methods) - 0.5, color=PUBLISHED, lw=0.5)
            panel.set_title(f"{name.replace('_', ', ')}: test MAE ↓")
            panel.set_xlabel(load_table(name).unit or "unit of target")
            panel.set_yticks(range(len(methods)), map(named, methods))
            panel.set_ylim(len(methods) - 0.4, -0.6)
    return figure


def _limit(panel: Axes, dots: NDArray[np.float64]) -> None:
    """Show all dots (mean, deviation) that are not twice as high as the one in the middle."""
    near = dots[dots[:, 0] <= 2 * np.median(dots[:, 0])]
    left, right = (near[:, 0] - near[:, 1]).min(), (near[:, 0] + near[:, 1]).max()
    margin = 0.04 * (right - left)
    panel.set_xlim(left - margin, right + margin)
