"""The figure of docs/which_loss.md: predictions that are wrong in four ways, and what losses see.

python tools/which_loss.py    # writes docs/which_loss.png and .pdf; a test compares
"""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
import pandas as pd
import torch
from matplotlib.figure import Figure
from torch import Tensor
from torch.nn.functional import huber_loss

from gar_verify.losses import gar_loss
from gar_verify.metrics import RegressionMetrics
from gar_verify.studies.figures import style

DOCS = Path(__file__).resolve().parents[1] / "docs"
N = 60
MAE = 0.5
"""Of all four."""
LONGEST = 2.5
"""Of the bars; longer ones are cut off there."""


def predictions() -> tuple[Tensor, dict[str, Tensor]]:
    """Labels (N,) of unit scale, and predictions that are wrong in four ways, by the same MAE."""
    generator = torch.Generator().manual_seed(0)
    labels = torch.linspace(-2, 2, N, dtype=torch.float64)
    outliers = torch.zeros_like(labels)
    outliers[5::10] = torch.tensor([1.0, -1.0]).repeat(3).double()
    errors = {
        "noise": torch.randn(N, generator=generator, dtype=torch.float64),
        "an offset": torch.ones_like(labels),
        "too flat": -labels,
        "outliers": outliers,
    }
    return labels, {name: labels + MAE * d / d.abs().mean() for name, d in errors.items()}


def table() -> pd.DataFrame:
    """Each loss of each kind of predictions."""
    labels, wrong = predictions()
    lines = {}
    for name, f in wrong.items():
        metrics = RegressionMetrics()
        metrics.update(f, labels)
        found = metrics.compute()
        lines[name] = {
            "MAE": found["mae"],
            "Huber": huber_loss(f, labels).item(),
            "MSE": found["rmse"] ** 2,
            "Var(d)": found["error_variance"],
            "1 - Pearson": 1 - found["pearson"],
            "1 - CCC": 1 - found["ccc"],
            "GAR": gar_loss(f, labels, form="power_mean").item(),
        }
    return pd.DataFrame(lines).T


def figure() -> Figure:
    """Above, predictions over labels; below, losses relative to those of noise."""
    labels, wrong = predictions()
    values = table()
    relative = values / values.loc["noise"]
    with mpl.rc_context(style.STYLE):
        drawing = Figure(figsize=(style.PAGE_WIDTH, 3.6), layout="constrained")
        above, below = drawing.subplots(2, len(wrong), sharex="row", sharey="row")
        for panel, bars, (name, f) in zip(above, below, wrong.items(), strict=True):
            panel.plot(labels, labels, color=style.TRUTH, lw=0.7, ls="--")
            panel.plot(labels, f, "o", ms=1.6, color=style.COLORS["gar"])
            panel.set(title=name, xlabel="label", ylim=(-7.5, 7.5))
            shown = relative.loc[name].clip(upper=LONGEST)
            bars.barh(shown.index, shown, color=style.PUBLISHED, height=0.6)
            bars.axvline(1, color=style.TRUTH, lw=0.6, ls=":")
            for place, (length, value) in enumerate(zip(shown, values.loc[name], strict=True)):
                bars.annotate(f"{value:.2f}", (length, place), (3, -2), textcoords="offset points")
            bars.set(xlabel="relative to noise", xlim=(0, LONGEST * 1.25))
        above[0].set_ylabel("prediction")
        below[0].invert_yaxis()
    return drawing


if __name__ == "__main__":
    style.save(figure(), "which_loss", DOCS)
