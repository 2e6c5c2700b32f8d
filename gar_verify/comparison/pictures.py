"""The figures of a comparison, in the style and the colours of the studies."""

from __future__ import annotations

from typing import TYPE_CHECKING

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from gar_verify.comparison.plan import BASELINE, PRIMARY, SUBJECT
from gar_verify.metrics import LOWER_IS_BETTER, METRICS
from gar_verify.studies.figures import COLORS, COLUMN_WIDTH, PAGE_WIDTH, STYLE, TRUTH

if TYPE_CHECKING:
    from gar_verify.comparison.outcome import Comparison

CAPTIONS = {
    "scores": "Test scores: mean and standard deviation over folds and seeds.",
    "gains": (
        "How much lower the test MAE is than that of training with MAE: mean difference with its "
        "95 % interval (corrected resampled t-test, not adjusted for the number of lines). Right "
        "of 0 is better."
    ),
    "predictions": "Prediction against observation, for rows that no network had seen.",
}
"""What each figure shows, by the stem of its files."""

MOST_POINTS = 2_000
"""Points of a panel; of more rows, evenly spaced ones are drawn."""


def figures_of(outcome: Comparison, target: str) -> dict[str, Figure]:
    """The figures of one target by stem: those of `CAPTIONS` that there is something to show of."""
    drawn = {
        "scores": scores_figure(outcome, target),
        "predictions": predictions_figure(outcome, target),
    }
    if len(outcome.labels) > 1:
        drawn["gains"] = gains_figure(outcome, target)
    return {stem: drawn[stem] for stem in CAPTIONS if stem in drawn}


def scores_figure(outcome: Comparison, target: str) -> Figure:
    """A panel for each metric, a dot and a bar of one standard deviation for each method."""
    table = outcome.table().xs(target)
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(PAGE_WIDTH, 0.17 * len(table) + 0.7), layout="constrained")
        panels = list(figure.subplots(1, len(METRICS), sharey=True))
        for panel, metric in zip(panels, METRICS, strict=True):
            for height, (key, color) in enumerate(_colors(outcome).items()):
                line = table.loc[outcome.labels[key]].to_dict()
                _bar(panel, line[metric], line[f"{metric} std"], height, color, _is_main(key))
            panel.set_title(f"test {metric} {'↓' if LOWER_IS_BETTER[metric] else '↑'}")
            panel.margins(y=0.08)
        panels[0].set_yticks(range(len(table)), list(table.index))
        panels[0].invert_yaxis()
    return figure


def gains_figure(outcome: Comparison, target: str) -> Figure:
    """Mean difference of the test MAE to training with MAE, with its 95 % interval."""
    tested = outcome.tests(target).xs(PRIMARY)
    colors = {key: color for key, color in _colors(outcome).items() if key != BASELINE}
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(COLUMN_WIDTH, 0.17 * len(colors) + 0.75), layout="constrained")
        panel = figure.subplots()
        for height, (key, color) in enumerate(colors.items()):
            line = tested.loc[key].to_dict()
            reach = line["difference"] - line["low"]
            _bar(panel, line["difference"], reach, height, color, _is_main(key))
        panel.axvline(0, color=TRUTH, lw=0.6, ls=":")
        panel.set_yticks(range(len(colors)), [outcome.labels[key] for key in colors])
        panel.invert_yaxis()
        panel.margins(y=0.08)
        panel.set_xlabel(f"test MAE below that of MAE, in units of {target}")
    return figure


def predictions_figure(outcome: Comparison, target: str) -> Figure:
    """Prediction against observation for MAE and for GAR (or the last method)."""
    frame = outcome.predictions()
    frame = frame[frame["target"] == target]
    frame = frame.iloc[:: -(-len(frame) // MOST_POINTS)]
    last = SUBJECT if SUBJECT in outcome.labels else next(reversed(outcome.labels))
    keys = list(dict.fromkeys((BASELINE, last)))
    colors = _colors(outcome)
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(PAGE_WIDTH, 2.8), layout="constrained")
        panels = figure.subplots(1, len(keys), sharex=True, sharey=True, squeeze=False)[0]
        observed = frame["observed"].to_numpy(dtype=float)
        ends = np.array([observed.min(), observed.max()])
        for panel, key in zip(panels, keys, strict=True):
            name = outcome.labels[key]
            panel.plot(ends, ends, color=TRUTH, lw=0.6, ls=":")
            panel.plot(observed, frame[name], "o", ms=1.5, mew=0, alpha=0.6, color=colors[key])
            panel.set(title=f"trained with {name}", xlabel=f"{target}, observed")
        panels[0].set_ylabel(f"{target}, predicted")
    return figure


def _colors(outcome: Comparison) -> dict[str, str]:
    """The colour of each method by key: that of its loss."""
    return {line.key: COLORS[line.loss] for line in outcome.plan.lines}


def _is_main(key: str) -> bool:
    """Whether a line is a loss with its setting chosen, and not one fixed alpha of GAR."""
    return key in COLORS


def _bar(panel: Axes, mean: float, reach: float, height: int, color: str, filled: bool) -> None:
    panel.errorbar(
        mean,
        height,
        xerr=reach if np.isfinite(reach) else 0,
        fmt="o",
        ms=3,
        lw=0.8,
        color=color,
        markerfacecolor=color if filled else "white",
    )
