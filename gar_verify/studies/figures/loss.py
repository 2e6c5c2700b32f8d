"""Figures of the loss by itself: digits kept, gradients of its parts, and what alpha does."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from gar_verify.studies.figures.style import (
    COLUMN_WIDTH,
    FORMS,
    PART_COLORS,
    PART_DASHES,
    STYLE,
    TRUTH,
)

HALF_A_UNIT = 2**-24
"""Half a unit in the last place of float32, relative: what a correctly rounded value is off by."""

LABELS = {
    "MAE": (0.5, (6, 6), "left"),
    "error variance": (0.4, (-8, 5), "right"),
    "1 - Pearson": (1.5, (8, -6), "left"),
}
"""Where a part's name stands beside its line: alpha, offset in points, alignment."""


MARKS = ("o-", "s--", "^:")
"""Mark and dashes of each way to compute."""

NOTES = (
    (2e-12, HALF_A_UNIT, "left", "half a unit in the last place"),
    (1, 1, "right", "no digit right"),
)
"""What stands on the dotted lines, where no curve passes: x, height, alignment, text."""


def accuracy_figure(errors: pd.DataFrame) -> Figure:
    """Largest relative error of 1 - Pearson and of its gradient, in float32, against 1 - Pearson.

    Args:
        errors: from `benchmarks.accuracy.worst`.
    """
    single = errors[errors["dtype"] == "float32"]
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(COLUMN_WIDTH, 4.0), layout="constrained")
        panels = figure.subplots(2, 1, sharex=True, sharey=True)
        for panel, column in zip(panels, ("pearson", "pearson gradient"), strict=True):
            for (form, lines), mark in zip(single.groupby("form", sort=False), MARKS, strict=True):
                x = lines["one_minus_pearson"]
                panel.loglog(x, lines[column], mark, ms=3, color=FORMS[str(form)], label=form)
            panel.axhline(HALF_A_UNIT, color=TRUTH, lw=0.6, ls=":")
            panel.axhline(1, color=TRUTH, lw=0.6, ls=":")
            panel.set_ylabel("largest relative error")
        panels[1].set_xlabel("1 - Pearson (harder to compute to the left)")
        panels[0].set_title("Value")
        panels[1].set_title("Gradient")
        panels[0].set_ylim(1e-9, 1e6)
        for at, height, side, text in NOTES:
            panels[0].annotate(text, (at, height), (0, 2), textcoords="offset points", ha=side)
        panels[1].legend(loc="upper right", handlelength=3)
    return figure


def gradient_figure(batch: pd.DataFrame) -> Figure:
    """The gradient of each part of the loss in the predictions of a batch, sample by sample.

    Args:
        batch: from `studies.gradients.gradients`: columns ``label``, ``prediction`` and one for
            the gradient of each part, sorted by label.

    Returns:
        A panel with predictions and labels, and one for each part, all to one scale: a stem for
        each sample. A descent step moves a prediction against its stem.
    """
    top = 1.1 * float(batch[list(PART_COLORS)].abs().to_numpy().max())
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(COLUMN_WIDTH, 3.3), layout="constrained")
        first, *panels = figure.subplots(2, 2, sharex=True).ravel()
        first.plot(batch["label"], batch["label"], color=TRUTH, lw=0.7, ls="--")
        first.plot(batch["label"], batch["prediction"], "o", ms=2.5, color=TRUTH)
        first.set(title="the batch", ylabel="prediction")
        for panel, (part, color) in zip(panels, PART_COLORS.items(), strict=True):
            panel.axhline(0, color=TRUTH, lw=0.5)
            panel.vlines(batch["label"], 0, batch[part], color=color, lw=0.9)
            panel.plot(batch["label"], batch[part], "o", ms=2.5, color=color)
            panel.set(title=part, ylabel="gradient", ylim=(-top, top))
        for panel in panels[1:]:
            panel.set_xlabel("label")
    return figure


def alpha_figure(weights: pd.DataFrame) -> Figure:
    """The attention that the aggregation gives to each part, over alpha.

    Args:
        weights: from `studies.gradients.attention`: by alpha, a column for each part.

    Returns:
        A column-wide figure with a labelled line for each part.
    """
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(COLUMN_WIDTH, 2.0), layout="constrained")
        panel = figure.subplots()
        for part, color in PART_COLORS.items():
            panel.plot(weights.index, weights[part], color=color, ls=PART_DASHES[part])
            at, offset, side = LABELS[part]
            place = (at, np.interp(at, weights.index, weights[part]))
            panel.annotate(
                part, place, offset, textcoords="offset points", color=color, ha=side, va="center"
            )
        panel.set(xscale="log", xlabel=r"$\alpha$", ylabel="attention $p_k$", ylim=(-0.02, 1.02))
        panel.set_title("Which part of the loss is listened to")
    return figure
