"""The figure of the overview: GAR against the best other loss on every data set."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from gar_verify.studies.figures.style import COLORS, COLUMN_WIDTH, STYLE
from gar_verify.studies.figures.tabular import dot

REACH = 24.0
"""Per cent that the panel shows on either side; what is further stands as numbers at the edge."""

TIE = "tie"

LINES = {"released": ("gar_released", -0.17), "formula": ("gar", 0.17)}
"""Of each kind of GAR the colour's name, and how much its mark is above its line."""


def overview_figure(lines: pd.DataFrame) -> Figure:
    """How much lower GAR's test MAE is than that of the best other loss, with 95 % intervals.

    Args:
        lines: by (data set, constants) ``difference``, ``low`` and ``high`` in per cent and the
            ``verdict``, as from `claims.overview.frame`.

    Returns:
        A column-wide figure: a line for each data set, on it a mark with its interval for GAR with
        the released constants and one for the paper's formula; right of 0, GAR is better. A tie is
        a ring, an interval that goes on beyond the panel ends in an arrow.
    """
    names = list(lines.index.unique("data set"))
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(COLUMN_WIDTH, 0.21 * len(names) + 0.9), layout="constrained")
        panel = figure.subplots()
        panel.set_xlim(-REACH, REACH)
        panel.axvline(0, color="#000000", lw=0.6)
        for place, name in enumerate(names):
            for constants, line in lines.loc[name].iterrows():
                color, shift = LINES[str(constants)]
                _mark(panel, line, place + shift, COLORS[color])
        panel.set_yticks(range(len(names)), names)
        panel.set_ylim(len(names) - 0.4, -0.6)
        panel.tick_params(axis="y", length=0)
        panel.set_xlabel("GAR's test MAE is lower by, %")
        panel.set_title("← other better    GAR better →", loc="center", size=7)
        handles = [
            mpl.lines.Line2D([], [], marker="o", ms=3, lw=0.8, color=COLORS[color], label=kind)
            for kind, (color, _) in LINES.items()
        ]
        handles.append(
            mpl.lines.Line2D([], [], marker="o", ms=3, ls="", mfc="w", color="#000000", label="tie")
        )
        figure.legend(handles=handles, loc="outside lower right", ncols=3, handlelength=1.5)
    return figure


def _mark(panel: Axes, line: pd.Series, height: float, color: str) -> None:
    """A dot with its interval, or both as numbers where the panel does not reach."""
    middle, low, high = (float(line[key]) for key in ("difference", "low", "high"))
    if abs(middle) <= REACH:
        filled = line["verdict"] != TIE
        dot(panel, np.array([middle, (high - low) / 2]), height, color, filled=filled)
        for end, beyond, arrow in ((-REACH, low < -REACH, "<"), (REACH, high > REACH, ">")):
            if beyond:
                panel.plot(0.98 * end, height, arrow, ms=3, color=color)
        return
    edge, side = (0.02, "left") if middle < 0 else (0.98, "right")
    said = f"{middle:.0f} ({low:.0f} to {high:.0f})"
    where, box = panel.get_yaxis_transform(), {"facecolor": "white", "lw": 0, "pad": 0.5}
    height += 0.1 if height > round(height) else -0.1  # keep two texts apart
    panel.text(
        edge, height, said, transform=where, ha=side, va="center", color=color, size=6, bbox=box
    )
