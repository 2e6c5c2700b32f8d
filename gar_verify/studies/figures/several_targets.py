"""The figure of the study of several targets: every way of GAR beside the MAE, table by table."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy import stats

from gar_verify.studies.figures.style import COLUMN_WIDTH, METHOD_COLORS, PUBLISHED, STYLE
from gar_verify.studies.methods import PER_TARGET
from gar_verify.studies.questions.several_targets import ARRMSE, GAR_OWN, MAE_OWN, ROW
from gar_verify.studies.questions.several_targets_report import about, label, lower_is_better
from gar_verify.studies.statistics import LEVEL

MARKERS = {"gar": "o", PER_TARGET: "s", GAR_OWN: "^", MAE_OWN: "v", ROW: "x"}
"""Methods that are drawn, from above, and the mark of each."""


def several_targets_figure(results: xr.Dataset) -> Figure:
    """Test aRRMSE divided by that of the MAE on the same rows, on each table.

    Args:
        results: from `questions.several_targets.run`, or its summary; with the MAE.

    Returns:
        A row for each table, the most correlated targets on top: for each method the mean over the
        seeds with a bar of its 95 % interval by Student's t.
    """
    tables = about(results).sort_values("correlation", ascending=False)
    names = [name for name in MARKERS if name in results["method"]]
    with mpl.rc_context(STYLE):
        size = COLUMN_WIDTH, 0.42 * len(tables) + 1.05
        figure = Figure(figsize=size, layout="constrained")
        panel = figure.subplots()
        panel.axvline(1, color=PUBLISHED, lw=0.8, ls=":")
        for place, name in zip(np.linspace(-0.32, 0.32, len(names)), names, strict=True):
            _marks(panel, results, name, list(tables.index), place)
        for line in range(1, len(tables)):
            panel.axhline(line - 0.5, color="#dddddd", lw=0.5, zorder=0)
        panel.set_yticks(
            range(len(tables)),
            [
                f"{name}\n{t.targets:.0f} targets, |r| {t.correlation:.2f}"
                for name, t in tables.iterrows()
            ],
        )
        panel.set_ylim(len(tables) - 0.5, -0.5)
        panel.tick_params(axis="y", length=0)
        panel.set_xlabel("test aRRMSE / that of MAE, one network")
        figure.legend(loc="outside upper center", ncols=2, handletextpad=0.4, columnspacing=1.2)
    return figure


def _marks(panel: Axes, results: xr.Dataset, name: str, tables: list[str], place: float) -> None:
    scores = lower_is_better(results, ARRMSE, "mae", name)
    ratios = scores.sel({"method": name}) / scores.sel({"method": "mae"})
    there = [table for table in tables if table in scores["table"]]
    values = ratios.sel(table=there).transpose("table", "seed").to_numpy()
    rows = [tables.index(table) + place for table in there]
    panel.errorbar(
        values.mean(1),
        rows,
        xerr=_half_interval(values),
        fmt=MARKERS[name],
        ms=3.5,
        mfc="none" if name == MAE_OWN else None,
        lw=0.8,
        color=METHOD_COLORS[name],
        label=label(name),
    )


def _half_interval(values: np.ndarray) -> np.ndarray | None:
    """Half the width of the interval of the mean of each row; None of a single value."""
    seeds = values.shape[1]
    if seeds < 2:
        return None
    width: np.ndarray = stats.t.ppf(1 - LEVEL / 2, seeds - 1) * stats.sem(values, axis=1)
    return width
