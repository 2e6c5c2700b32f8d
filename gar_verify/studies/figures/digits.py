"""The figure of the study of digits: what is predicted, and what the features hold."""

from __future__ import annotations

import matplotlib as mpl
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from gar_verify.studies.figures.style import COLORS, COLUMN_WIDTH, PUBLISHED, STYLE
from gar_verify.studies.images.digits import PROBE, UNTRAINED
from gar_verify.studies.images.digits_report import ACCURACY, PROBE_MAE, label, scores

OWN_COLORS = {PROBE: COLORS["rnc"], UNTRAINED: PUBLISHED}


def digits_figure(results: xr.Dataset) -> Figure:
    """Test MAE of every method and of a linear regression on its features; which digit they tell.

    Args:
        results: from `studies.images.digits.run`, or its summary.

    Returns:
        A column-wide figure, a line for each method: to the left the mean over the seeds as a
        filled dot with a bar of one standard deviation (divided by the number), and as an open
        square that of the regression on the features; to the right the share of digits that a
        regression on the features names rightly. The untrained network, far off in the
        left panel, has its value written at the edge.
    """
    runs = scores(results)
    names = [str(name) for name in runs["method"].to_numpy()]
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(COLUMN_WIDTH, 0.18 * len(names) + 0.95), layout="constrained")
        angle, digit = figure.subplots(1, 2, sharey=True, width_ratios=(3, 2))
        for line, name in enumerate(names):
            color, of = OWN_COLORS.get(name, COLORS.get(name)), runs.sel({"method": name})
            if name == UNTRAINED:  # so far off that it would flatten the rest
                _write(angle, f"{of.sel(metric=PROBE_MAE).mean().item():.1f} →", line, color)
            else:
                _mark(angle, of.sel(metric=PROBE_MAE), line + 0.17, color, "s", "white")
            if name not in OWN_COLORS:  # whose prediction is that of the regression
                _mark(angle, of.sel(metric="MAE"), line - 0.17, color, "o", color)
            _mark(digit, 100 * of.sel(metric=ACCURACY), line, color, "s", "white")
        angle.set_yticks(range(len(names)), [label(name) for name in names])
        angle.set_ylim(len(names) - 0.4, -0.6)
        angle.set_title("Test MAE of the angle ↓")
        angle.set_xlabel(str(results.attrs.get("unit", "")))
        digit.set_title("Digit named ↑")
        digit.set_xlabel("% of images")
        digit.tick_params(axis="y", length=0)
        _legend(figure)
    return figure


def _mark(
    panel: Axes,
    seeds: xr.DataArray,
    height: float,
    color: str | None,
    marker: str,
    face: str | None,
) -> None:
    panel.errorbar(
        seeds.mean().item(),
        height,
        xerr=seeds.std(ddof=0).item(),
        fmt=marker,
        ms=3,
        lw=0.8,
        color=color,
        markerfacecolor=face,
    )


def _write(panel: Axes, text: str, height: float, color: str | None) -> None:
    """A value that the panel does not reach, at its right edge."""
    where = panel.get_yaxis_transform()
    panel.text(0.98, height, text, transform=where, ha="right", va="center", color=color, size=6)


def _legend(figure: Figure) -> None:
    handles = [
        mpl.lines.Line2D([], [], marker=marker, ms=3, lw=0.8, color="black", mfc=face, label=text)
        for marker, face, text in (
            ("o", "black", "network"),
            ("s", "white", "linear regression on its features"),
        )
    ]
    figure.legend(handles=handles, loc="outside lower right", ncols=2, handlelength=1.5)
