"""The figure of dirty data: how errors grow with wrong labels, for one column or a telephone."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from gar_verify.studies.figures.style import COLUMN_WIDTH, METHOD_COLORS, STYLE
from gar_verify.studies.questions import dirty_data

SHOWN = ("mae", "huber", "mae_and_pearson", "mae_variance", "gar", "gar_trimmed")
"""Methods that are drawn; the table has all."""

MARKS = dict(zip(SHOWN, "o^Dsvx", strict=True))
DASHES = dict(zip(SHOWN, ("-", ":", "-.", "--", "-", "--"), strict=True))
SYMMETRIC = "symmetric "
TICKS = (0.5, 0.8, 0.9, 1, 1.1, 1.2, 1.4, 1.6, 2, 2.5, 3, 4, 6)


def dirty_data_figure(results: xr.Dataset) -> Figure:
    """Errors relative to those of the MAE loss with clean labels, on a logarithmic axis.

    Args:
        results: from `dirty_data.run`, or its summary.

    Returns:
        Above, over the share of replaced labels; below, a group of marks for each other kind of
        noise. Interquartile means over tables and seeds; bars are 95 % intervals.
    """
    table = dirty_data.table(results)
    names = [name for name in SHOWN if name in results["method"]]
    conditions = [str(name) for name in results["condition"].to_numpy()]
    others = [c for c in conditions if c != dirty_data.CLEAN and not c.startswith(SYMMETRIC)]
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(COLUMN_WIDTH, 4.4), layout="constrained")
        above, below = figure.subplots(2)
        _over_shares(above, table, names, conditions)
        _groups(below, table, names, others)
        for panel in (above, below):
            panel.set_yscale("log")
            low, high = panel.get_ylim()
            panel.set_yticks([tick for tick in TICKS if low < tick < high])
            panel.yaxis.set_major_formatter(mpl.ticker.FormatStrFormatter("%g"))
            panel.yaxis.set_minor_locator(mpl.ticker.NullLocator())
            panel.set_ylabel("test MAE, clean MAE loss = 1")
        handles, labels = above.get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=3, handlelength=2.4)
    return figure


def _over_shares(panel: Axes, table: pd.DataFrame, names: list[str], conditions: list[str]) -> None:
    shares = {c: _share(c) for c in conditions if c == dirty_data.CLEAN or c.startswith(SYMMETRIC)}
    for number, name in enumerate(names):
        lines = table.loc[[(c, dirty_data.named(name)) for c in shares]]
        x = np.array(list(shares.values())) + 0.8 * (number - len(names) / 2)
        _draw(panel, name, x, lines, DASHES[name])
    panel.set_xticks(list(shares.values()))
    panel.set_xlabel("replaced labels, %")


def _share(condition: str) -> int:
    return 0 if condition == dirty_data.CLEAN else int(condition.split()[1])


def _groups(panel: Axes, table: pd.DataFrame, names: list[str], conditions: list[str]) -> None:
    for number, name in enumerate(names):
        lines = table.loc[[(c, dirty_data.named(name)) for c in conditions]]
        x = np.arange(len(conditions)) + 0.12 * (number - (len(names) - 1) / 2)
        _draw(panel, name, x, lines, "none")
    panel.set_xticks(range(len(conditions)), conditions)


def _draw(panel: Axes, name: str, x: np.ndarray, lines: pd.DataFrame, dashes: str) -> None:
    middle = lines["ratio"].to_numpy()
    bars = np.abs(lines[["low", "high"]].to_numpy().T - middle)
    panel.errorbar(
        x, middle, yerr=bars, ls=dashes, marker=MARKS[name], ms=3, elinewidth=0.6,
        color=METHOD_COLORS[name], label=dirty_data.named(name),
    )  # fmt: skip
