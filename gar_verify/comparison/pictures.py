"""The figures of a comparison, in the style and the colours of the studies."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from gar_verify.comparison.catalogue import get_spec
from gar_verify.comparison.plan import BASELINE, PRIMARY, SUBJECT
from gar_verify.comparison.scoring import LOWER_IS_BETTER
from gar_verify.studies.figures import COLUMN_WIDTH, PAGE_WIDTH, PUBLISHED, STYLE, TRUTH

if TYPE_CHECKING:
    from gar_verify.comparison.outcome import Comparison

CAPTIONS = {
    "scores": (
        "Test scores: mean and standard deviation over folds and seeds. Open circles are single "
        "alphas of GAR; grey is the best of what is no network."
    ),
    "gains": (
        "How much lower the test MAE is than that of training with MAE: each fold a faint dot, the "
        "mean with its 95 % interval (corrected resampled t-test, not adjusted for the number of "
        "tests). Right of 0 is better."
    ),
    "predictions": (
        "Prediction against observation, for rows that had not been seen. On the dotted line they "
        "are equal."
    ),
    "residuals": (
        "Observation minus prediction, for rows that had not been seen, with the median of tenths "
        "of the rows: where it leaves 0, predictions are off in one direction."
    ),
}
"""What each figure shows, by the stem of its files."""

MOST_POINTS = 2_000
"""Points of a panel; of more rows, evenly spaced ones are drawn."""

TENTHS = 10


def figures_of(outcome: Comparison, target: str) -> dict[str, Figure]:
    """The figures of one target by stem: those of `CAPTIONS` that there is something to show of."""
    drawn = {
        "scores": scores_figure(outcome, target),
        "predictions": predictions_figure(outcome, target),
        "residuals": residuals_figure(outcome, target),
    }
    if len(outcome.plan.lines) > 1:
        drawn["gains"] = gains_figure(outcome, target)
    return {stem: drawn[stem] for stem in CAPTIONS if stem in drawn}


def scores_figure(outcome: Comparison, target: str) -> Figure:
    """A panel for each metric, a dot and a bar of one standard deviation for each method."""
    table = outcome.table().xs(target)
    colors, filled = _colors(outcome), _filled(outcome)
    keys = [*(line.key for line in outcome.plan.lines), *_best(outcome, target)]
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(PAGE_WIDTH, 0.17 * len(keys) + 0.7), layout="constrained")
        panels = list(figure.subplots(1, len(outcome.metrics), sharey=True))
        for panel, metric in zip(panels, outcome.metrics, strict=True):
            for height, key in enumerate(keys):
                line = table.loc[outcome.labels[key]].to_dict()
                spread = line[f"{metric} std"]
                _bar(panel, line[metric], spread, height, colors[key], key in filled)
            panel.set_title(f"{metric} {'↓' if LOWER_IS_BETTER[metric] else '↑'}")
            panel.margins(y=0.08)
        panels[0].set_yticks(range(len(keys)), [outcome.labels[key] for key in keys])
        panels[0].invert_yaxis()
    return figure


def gains_figure(outcome: Comparison, target: str) -> Figure:
    """Differences of the test MAE to training with MAE: every fold, mean, and 95 % interval."""
    tested, single = outcome.tests(target).xs(PRIMARY), outcome.paired_differences(target)
    networks = [line.key for line in outcome.plan.lines if line.key != BASELINE]
    colors, filled = _colors(outcome), _filled(outcome)
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(COLUMN_WIDTH, 0.22 * len(networks) + 0.75), layout="constrained")
        panel = figure.subplots()
        for height, key in enumerate(networks):
            line = tested.loc[key].to_dict()
            reach = line["difference"] - line["low"]
            points = single[key]
            panel.plot(points, np.full(len(points), height), "o", ms=2, mew=0, alpha=0.4, color="k")
            _bar(panel, line["difference"], reach, height, colors[key], key in filled)
        panel.axvline(0, color=TRUTH, lw=0.6, ls=":")
        panel.set_yticks(range(len(networks)), [outcome.labels[key] for key in networks])
        panel.invert_yaxis()
        panel.margins(y=0.08)
        panel.set_xlabel(f"test MAE below that of MAE, in units of {target}")
    return figure


def predictions_figure(outcome: Comparison, target: str) -> Figure:
    """Prediction against observation for MAE, GAR (or the last loss), and the best reference."""
    frame = _shown_rows(outcome, target)
    observed = frame["observed"].to_numpy(dtype=float)
    ends = np.array([observed.min(), observed.max()])
    figure, panels = _panels(outcome, target)
    with mpl.rc_context(STYLE):
        for panel, (key, color) in panels:
            panel.plot(ends, ends, color=TRUTH, lw=0.6, ls=":")
            _cloud(panel, observed, frame[outcome.labels[key]], color)
            panel.set(title=outcome.labels[key], xlabel=f"{target}, observed")
        panels[0][0].set_ylabel(f"{target}, predicted")
    return figure


def residuals_figure(outcome: Comparison, target: str) -> Figure:
    """Observation minus prediction over the prediction, of the methods of `predictions_figure`."""
    frame = _shown_rows(outcome, target)
    observed = frame["observed"].to_numpy(dtype=float)
    figure, panels = _panels(outcome, target)
    with mpl.rc_context(STYLE):
        for panel, (key, color) in panels:
            predicted = frame[outcome.labels[key]].to_numpy(dtype=float)
            residual = observed - predicted
            panel.axhline(0, color=TRUTH, lw=0.6, ls=":")
            _cloud(panel, predicted, residual, color)
            tenths = np.array_split(np.argsort(predicted, kind="stable"), TENTHS)
            middles = [[np.median(x[part]) for x in (predicted, residual)] for part in tenths]
            if len(predicted) >= TENTHS**2:
                panel.plot(*np.transpose(middles), color=TRUTH, lw=0.9)
            panel.set(title=outcome.labels[key], xlabel=f"{target}, predicted")
        panels[0][0].set_ylabel("observed - predicted")
    return figure


def _panels(outcome: Comparison, target: str) -> tuple[Figure, list[tuple[Axes, tuple[str, str]]]]:
    """A figure with a panel for MAE, for GAR or the last loss, and for the best reference."""
    losses = [line.key for line in outcome.plan.lines if line.tested]
    keys = [BASELINE, SUBJECT if SUBJECT in losses else losses[-1], *_best(outcome, target)]
    colors = {key: _colors(outcome)[key] for key in dict.fromkeys(keys)}
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(PAGE_WIDTH, 2.5), layout="constrained")
        panels = figure.subplots(1, len(colors), sharex=True, sharey=True, squeeze=False)[0]
    return figure, list(zip(panels, colors.items(), strict=True))


def _best(outcome: Comparison, target: str) -> Sequence[str]:
    """The key of the reference with the lowest test MAE, if there is one."""
    means = outcome.table().xs(target)[PRIMARY]
    keys = [one.key for one in outcome.plan.references]
    return sorted(keys, key=lambda key: float(means[outcome.labels[key]]))[:1]


def _shown_rows(outcome: Comparison, target: str) -> pd.DataFrame:
    """Rows with a target and a prediction of every method."""
    frame = outcome.predictions()
    frame = frame[frame["target"] == target].dropna(subset=["observed"])
    return frame.iloc[:: max(1, -(-len(frame) // MOST_POINTS))]


def _cloud(panel: Axes, x: NDArray[np.float64], y: Any, color: str) -> None:
    panel.plot(x, y, "o", ms=1.5, mew=0, alpha=0.6, color=color)


def _colors(outcome: Comparison) -> dict[str, str]:
    """The colour of each method by key: that of its loss; grey for a reference."""
    networks = {line.key: get_spec(line.loss).color for line in outcome.plan.lines}
    return networks | {one.key: PUBLISHED for one in outcome.plan.references}


def _filled(outcome: Comparison) -> set[str]:
    """Methods but those with one fixed alpha of GAR."""
    return set(outcome.labels) - {line.key for line in outcome.plan.lines if not line.tested}


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
