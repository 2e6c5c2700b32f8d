"""Figures of the loss by itself: digits kept, gradients of its parts, and what alpha does."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from gar_verify.studies.figures.style import (
    COLUMN_WIDTH,
    FORMS,
    PAGE_WIDTH,
    PART_COLORS,
    STYLE,
    TRUTH,
)

HALF_A_UNIT = 2**-24
"""Half a unit in the last place of float32, relative: what a correctly rounded value is off by."""

LABELS = {
    "MAE": (0.5, (5, 3), "left"),
    "error variance": (0.4, (-6, 2), "right"),
    "1 - Pearson": (1.0, (5, -5), "left"),
}
"""Where a part's name stands beside its line: alpha, offset in points, alignment."""


def accuracy_figure(errors: pd.DataFrame) -> Figure:
    """Largest relative error of 1 - Pearson and of its gradient, in float32, against 1 - Pearson.

    Args:
        errors: from `benchmarks.accuracy.worst`.
    """
    single = errors[errors["dtype"] == "float32"]
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(PAGE_WIDTH, 2.4), layout="constrained")
        panels = figure.subplots(1, 2, sharex=True, sharey=True)
        for panel, column in zip(panels, ("pearson", "pearson gradient"), strict=True):
            for form, lines in single.groupby("form", sort=False):
                x = lines["one_minus_pearson"]
                panel.loglog(x, lines[column], "o-", ms=3, color=FORMS[str(form)], label=form)
            panel.axhline(HALF_A_UNIT, color=TRUTH, lw=0.6, ls=":")
            panel.axhline(1, color=TRUTH, lw=0.6, ls=":")
            panel.set_xlabel("1 - Pearson (harder to compute to the left)")
        panels[0].set_title("Value")
        panels[1].set_title("Gradient")
        panels[0].set_ylabel("largest relative error")
        panels[0].set_ylim(1e-9, 1e6)
        for height, text in ((HALF_A_UNIT, "half a unit in the last place"), (1, "no digit right")):
            panels[0].annotate(text, (1, height), (0, -15), textcoords="offset points", ha="right")
        panels[1].legend(loc="upper right")
    return figure


def gradient_figure(batch: pd.DataFrame) -> Figure:
    """The gradient of each part of the loss in the predictions of a batch, sample by sample.

    Args:
        batch: from `studies.gradients.gradients`: columns ``label``, ``prediction`` and one for
            the gradient of each part, sorted by label.

    Returns:
        A panel with predictions and labels, and one for each part: a stem for each sample. A
        descent step moves a prediction against its stem.
    """
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(PAGE_WIDTH, 1.9), layout="constrained")
        first, *panels = figure.subplots(1, 1 + len(PART_COLORS), sharex=True)
        first.plot(batch["label"], batch["label"], color=TRUTH, lw=0.7, ls="--")
        first.plot(batch["label"], batch["prediction"], "o", ms=2.5, color=TRUTH)
        first.set(title="the batch", xlabel="label", ylabel="prediction")
        for panel, (part, color) in zip(panels, PART_COLORS.items(), strict=True):
            panel.axhline(0, color=TRUTH, lw=0.5)
            panel.vlines(batch["label"], 0, batch[part], color=color, lw=0.9)
            panel.plot(batch["label"], batch[part], "o", ms=2.5, color=color)
            panel.set(title=part, xlabel="label")
        panels[0].set_ylabel("gradient in the prediction")
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
            panel.plot(weights.index, weights[part], color=color)
            at, offset, side = LABELS[part]
            place = (at, np.interp(at, weights.index, weights[part]))
            panel.annotate(
                part, place, offset, textcoords="offset points", color=color, ha=side, va="center"
            )
        panel.set(xscale="log", xlabel=r"$\alpha$", ylabel="attention $p_k$", ylim=(-0.02, 1.02))
        panel.set_title("Which part of the loss is listened to")
    return figure
