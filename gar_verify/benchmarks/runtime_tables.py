"""The tables of the runtime study: measured beside published, and growth with the batch."""

from __future__ import annotations

import pandas as pd

from gar_verify.benchmarks import growth
from gar_verify.benchmarks.runtime_settings import (
    IN_MEMORY,
    LOSS_ONLY,
    PUBLISHED_LOOP,
    UNIT,
    method_label,
    whole_training,
)
from gar_verify.benchmarks.runtime_summary import Summary
from gar_verify.studies import published
from gar_verify.studies.objectives import CONTRAST

TITLES = {
    PUBLISHED_LOOP: "loop",
    IN_MEMORY: "steps",
    LOSS_ONLY: "loss",
}
"""What the columns of a setting are called."""

COLUMNS_OF_RATIO = {"ratio": "ratio", "low": "ratio_low", "high": "ratio_high"}


def published_seconds(method: str) -> float:
    """Published seconds of an epoch on Concrete, for a method of the runtime study.

    What is published for RnC is its first phase; the mean over a training follows from it and from
    the published MAE.
    """
    if method == CONTRAST:
        return published.seconds_per_epoch("rnc")
    if method == "rnc":
        return whole_training(published.seconds_per_epoch("rnc"), published.seconds_per_epoch(UNIT))
    return published.seconds_per_epoch(method)


def published_ratio(method: str) -> float:
    """Published seconds of an epoch, in units of the published MAE."""
    return published_seconds(method) / published.seconds_per_epoch(UNIT)


def runtime_table(summary: Summary) -> pd.DataFrame:
    """Seconds and ratios to the MAE, published and measured, one line for each method.

    Args:
        summary: of a study with all settings, and the batch size of its loops among its sizes.

    Returns:
        ``published s``, ``published ratio`` (an epoch on Concrete; for RnC see
        `published_seconds`) and ``claimed ratio`` (a published summary of the paper); then for the
        published ``loop``, the bare ``steps`` in memory and the ``loss`` alone, all at one batch
        size: ``ms`` (median), ``ratio`` (median over the rounds), ``low`` and ``high`` (quartiles).
    """
    lines = {setup: summary.of(setup, summary.batch_size) for setup in TITLES}
    methods = list(map(str, lines[PUBLISHED_LOOP].index))
    frame = pd.DataFrame(
        {
            "published s": [published_seconds(name) for name in methods],
            "published ratio": [published_ratio(name) for name in methods],
            "claimed ratio": [published.relative_time(name) for name in methods],
        },
        index=methods,
    )
    for setup, title in TITLES.items():
        found = lines[setup]
        frame[f"{title} ms"] = found["seconds"] * 1e3
        for column, source in COLUMNS_OF_RATIO.items():
            frame[f"{title} {column}"] = found[source]
    return _labelled(frame)


def growth_table(summary: Summary) -> pd.DataFrame:
    """Time of the loss alone against the batch size, one line for each method.

    Returns:
        Milliseconds at each size, the fitted ``exponent`` of the growth with its standard
        ``error``, and the sizes it was fitted ``from`` and ``to``, see `growth.fit`.
    """
    lines = summary.of(LOSS_ONLY).reset_index()
    seconds = lines.pivot(index="method", columns="batch_size", values="seconds")
    fits = growth.of_methods(lines)
    frame = (seconds.loc[fits.index] * 1e3).rename(columns="N = {} [ms]".format)
    frame.columns.name = None
    frame["exponent"], frame["error"] = fits["exponent"], fits["error"]
    frame["from"], frame["to"] = fits["smallest"], fits["largest"]
    return _labelled(frame)


def epoch_sentence(summary: Summary) -> str:
    """Where an epoch of the published loop spends its time, with the MAE."""
    ms = {part: f"{seconds * 1e3:.1f} ms" for part, seconds in summary.epoch_seconds.items()}
    return (
        f"An epoch of the released loop with the MAE takes {ms['whole']}. By themselves, its data "
        f"loader takes {ms['loader']}, the metrics {ms['metrics']}, and the steps, loss included, "
        f"{ms['steps']}."
    )


def _labelled(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.rename(index=method_label).rename_axis("method")
