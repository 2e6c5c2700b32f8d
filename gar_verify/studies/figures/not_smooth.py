"""The figure of targets that are not smooth: a panel for each kind, one for the tables."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib as mpl
import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from gar_verify.studies.figures.style import COLORS, COLUMN_WIDTH, STYLE
from gar_verify.studies.methods import label
from gar_verify.studies.questions import not_smooth
from gar_verify.studies.questions.not_smooth import BASELINE, METHOD

PARTS = {"near": ("--", "^", -0.06), "away": (":", "v", 0.06)}
"""Dashes, marks and shifts of GAR's error near irregular points and away from them."""

TICKS = (0.25, 0.5, 1, 2)
MARKS = "sDPX*phd"
"""Of the best competitors, in the order of their appearance."""


def not_smooth_figure(results: xr.Dataset) -> Figure:
    """GAR's test MAE, and that of a panel's best other method, by the MAE loss's; logarithmic.

    Args:
        results: from `not_smooth.run`, or its summary, with GAR and the MAE loss.

    Returns:
        Over the waves of a curve, or over the tables; bars are 95 % intervals over the seeds. Of
        GAR also the ratios near irregular points and away from them.
    """
    of = not_smooth.groups(results)
    panels = {kind: of[kind] for kind in not_smooth.CURVES if kind in of}
    real = [*of.get(not_smooth.FEW, []), *of.get(not_smooth.MANY, [])]
    panels |= {"tables": real} if real else {}
    best = {title: _best(results, names) for title, names in panels.items()}
    marks = dict(zip(dict.fromkeys(best.values()), MARKS, strict=False))
    rows = -(-len(panels) // 2)
    with mpl.rc_context(STYLE):
        size = COLUMN_WIDTH, 1.5 * rows + 0.6
        figure = Figure(figsize=size, layout="constrained")
        axes = figure.subplots(rows, 2, sharey=True, squeeze=False).ravel()
        for panel, (title, names) in zip(axes, panels.items(), strict=False):
            panel.set_title(title)
            panel.axhline(1, color=COLORS[BASELINE], lw=0.8)
            _parts(panel, results, names)
            _bars(panel, results, names, best[title], marks[best[title]], 0.18)
            _bars(panel, results, names, METHOD, "o", -0.18)
            _ticks(panel, title, names)
        axes[0].set_yscale("log")  # all share it
        axes[0].set_yticks(TICKS, [f"{tick:g}" for tick in TICKS])
        axes[0].minorticks_off()
        for panel in axes[len(panels) :]:
            panel.set_axis_off()
        figure.supylabel("test MAE, MAE loss = 1", fontsize=7)
        figure.legend(handles=_legend(marks), loc="outside lower center", ncols=3)
    return figure


def _best(results: xr.Dataset, names: Sequence[str]) -> str:
    compared = not_smooth.compare(results, names)["ratio"]
    others = compared.drop([METHOD, BASELINE])
    return str((others if len(others) else compared).idxmin())


def _ticks(panel: Axes, title: str, names: Sequence[str]) -> None:
    if title == "tables":
        panel.set_xticks(range(len(names)), names, rotation=45, ha="right")
        few = sum(not_smooth.kind_of(name) == not_smooth.FEW for name in names)
        panel.axvline(few - 0.5, color="black", lw=0.4)
        panel.set_title("few | many values")
        return
    panel.set_xticks(range(len(names)), [name.split("-")[1] for name in names])
    panel.set_xlabel("waves")
    panel.set_xlim(-0.4, len(names) - 0.6)


def _bars(
    panel: Axes, results: xr.Dataset, names: Sequence[str], method: str, mark: str, shift: float
) -> None:
    lines = [not_smooth.compare(results, [name], method=method).loc[method] for name in names]
    middle = np.array([line["ratio"] for line in lines])
    ends = np.array([[line["ratio low"], line["ratio high"]] for line in lines]).T
    joined = "-" if names[0] in not_smooth.DRAWINGS else "none"
    panel.errorbar(
        np.arange(len(names)) + shift, middle, yerr=np.abs(ends - middle), ls=joined, marker=mark,
        ms=3.5, elinewidth=0.7, color=COLORS[method],
    )  # fmt: skip


def _parts(panel: Axes, results: xr.Dataset, names: Sequence[str]) -> None:
    if not all(map(not_smooth.is_irregular, names)):
        return
    for part, (dashes, mark, shift) in PARTS.items():
        found = [not_smooth.compare(results, [name], part, METHOD)["ratio"] for name in names]
        ratios = np.array([ratio[METHOD] for ratio in found])
        panel.plot(
            np.arange(len(names)) + shift, ratios, ls=dashes, marker=mark, mfc="none", ms=3,
            lw=0.8, color=COLORS[METHOD],
        )  # fmt: skip


def _legend(marks: dict[str, str]) -> list[mpl.lines.Line2D]:
    line, ours = mpl.lines.Line2D, COLORS[METHOD]
    return [
        line([], [], marker="o", ms=3.5, color=ours, label=label(METHOD)),
        *(
            line([], [], ls=dashes, marker=mark, ms=3, mfc="none", color=ours,
                 label=f"{label(METHOD)}, {part}")
            for part, (dashes, mark, _) in PARTS.items()
        ),
        *(
            line([], [], marker=mark, ms=3.5, color=COLORS[name], label=label(name))
            for name, mark in marks.items()
        ),
        line([], [], color=COLORS[BASELINE], lw=0.8, label=f"{label(BASELINE)} loss"),
    ]  # fmt: skip
