"""Claims about Sine and Squared sine: test errors, and the peaks that are recovered."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd

from gar_verify.claims.evidence import COMMANDS, PEAKS, Evidence, MissingEvidence
from gar_verify.claims.model import Entry, Finding
from gar_verify.claims.rules import FIGURES, SHARE, Figure, judge_figures, listed, share
from gar_verify.data.synthetic import CURVES
from gar_verify.experiments import published
from gar_verify.experiments.methods import GARS, RELEASED, SYNTHETIC, label
from gar_verify.experiments.sine import final_test_mae

TOPIC = "Synthetic curves"
RUNS = "test MAE after the last epoch: mean (standard deviation) over five seeds"
LARGEST = 0.99
"""A peak of at least this part of the greatest height is among the largest."""


def errors(evidence: Evidence, curve: str) -> dict[str, tuple[float, float]]:
    """Mean and standard deviation of the test MAE of the paper's methods and of both GARs."""
    mae = final_test_mae(evidence.summary(curve))
    names = [name for name in (*SYNTHETIC, RELEASED) if name in mae["method"]]
    runs = {name: mae.sel({"method": name}).to_numpy() for name in names}
    return {name: (values.mean(), values.std()) for name, values in runs.items()}


def _figures(curve: str) -> Callable[[Evidence], Finding]:
    def judge(evidence: Evidence) -> Finding:
        figures = [
            Figure(label(name), *line, *_published(curve, name))
            for name, line in errors(evidence, curve).items()
        ]
        theirs = listed((label(name), *_published(curve, name)) for name in SYNTHETIC)
        return judge_figures(figures, theirs)

    return judge


def _published(curve: str, name: str) -> tuple[float, float]:
    """Mean and standard deviation of the authors' five runs."""
    runs = np.array(published.synthetic_runs(curve, name))
    return runs.mean(), runs.std()


LOWEST = (
    "by each kind of GAR, the paper's formula and the released constants: mean test MAE below that "
    f"of RnC, MAE-Pearson, MAE and MSE. {SHARE.capitalize()}"
)


def _lowest(curve: str) -> Callable[[Evidence], Finding]:
    def judge(evidence: Evidence) -> Finding:
        lines = errors(evidence, curve)
        others = {name: mean for name, (mean, _) in lines.items() if name not in GARS}
        best = min(others, key=lambda name: others[name])
        ours = {name: lines[name][0] for name in GARS if name in lines}
        return Finding(
            verdict=share(mean < others[best] for mean in ours.values()),
            measured=listed((label(name), *line) for name, line in lines.items()),
            published=listed((label(name), *_published(curve, name)) for name in SYNTHETIC),
            reason=f"the best of the others is {label(best)}; "
            + "; ".join(
                f"{label(name)} is {'lower' if mean < others[best] else 'not lower'}"
                for name, mean in ours.items()
            ),
        )

    return judge


FEWEST = (
    "MAE misses one or two peaks on average over the seeds (rounded); and each kind of GAR misses "
    f"at most as many as every other method. {SHARE.capitalize()}"
)


def _fewest(evidence: Evidence) -> Finding:
    peaks = evidence.table(PEAKS)
    missed = missed_peaks(peaks)
    if not {"mae", "gar"} <= set(missed.index):
        raise MissingEvidence(f"{PEAKS}.csv lacks MAE or GAR; to make it: {COMMANDS[PEAKS]}")
    kinds = [name for name in GARS if name in missed]
    others = missed.drop(kinds)
    best = str(others.idxmin())
    counts = ", ".join(f"{label(str(name))} {count:.1f}" for name, count in missed.items())
    return Finding(
        verdict=share([1 <= round(missed["mae"]) <= 2, *(missed[kinds] <= others.min())]),
        measured=f"peaks missed, mean over seeds: {counts}, of {peaks['peak'].nunique()}",
        reason=f"MAE misses {missed['mae']:.1f}; of the other methods {label(best)} misses the "
        f"fewest, {others.min():.1f}; judged on Squared sine, by rule and not by eye: of which "
        "curve it is said, the statement at hand leaves open",
    )


def missed_peaks(peaks: pd.DataFrame) -> pd.Series:
    """Mean number of peaks that a method does not recover, over the seeds."""
    each = 1 - peaks.set_index(["method", "seed"])["recovered"]
    by_run = each.groupby(level=["method", "seed"], sort=False).sum()
    return by_run.groupby(level="method", sort=False).mean()


ONLY_LARGEST = (
    "a run counts if it recovers one or more of the largest peaks (within 1 % of the greatest "
    "height) and no other. Some method does so in every seed: reproduced; in some seed: in part; "
    "never: not reproduced"
)


def _only_largest(evidence: Evidence) -> Finding:
    runs = only_largest(evidence.table(PEAKS))
    rate = runs.groupby("method", sort=False).mean()
    counts = runs.groupby("method", sort=False).sum()
    return Finding(
        verdict=share([bool((rate == 1).any()), bool((rate > 0).any())]),
        measured="runs with the largest peaks only: "
        + ", ".join(f"{label(str(name))} {count}" for name, count in counts.items())
        + f", of {runs.groupby('method').size().max()}",
        reason="the statement at hand does not say of which method it is made: all are counted",
    )


def only_largest(peaks: pd.DataFrame) -> pd.Series:
    """Whether a run recovers a largest peak and none that is not, by method and seed."""
    height = peaks["height"].abs()
    largest = height >= LARGEST * height.max()
    recovered = peaks["recovered"].astype(bool)
    keys = [peaks["method"], peaks["seed"]]
    some: pd.Series = (recovered & largest).groupby(keys, sort=False).any()
    other: pd.Series = (recovered & ~largest).groupby(keys, sort=False).any()
    return some & ~other


def _entries() -> Iterator[Entry]:
    words = published.published()["statements"]
    for curve in CURVES:
        title = curve.replace("_", " ").capitalize()
        name = curve.replace("_", "-")
        command = f"gar-verify table {curve}"
        yield Entry(
            f"figures-{name}",
            TOPIC,
            f"{title}: test MAE of five methods",
            "the authors' five stored runs",
            RUNS,
            FIGURES,
            command,
            _figures(curve),
            (f"synthetic_runs/{curve}/*",),
        )
        yield Entry(
            f"lowest-mae-{name}",
            TOPIC,
            f"{title}: GAR has the lowest test MAE of the five methods",
            "the authors' five stored runs",
            RUNS,
            LOWEST,
            command,
            _lowest(curve),
            (f"synthetic_runs/{curve}/*",),
        )
    for identifier, key, rule, judge in (
        ("peaks-missed", "peaks", FEWEST, _fewest),
        ("peaks-largest", "largest_peak", ONLY_LARGEST, _only_largest),
    ):
        yield Entry(
            identifier,
            TOPIC,
            words[key],
            "the paper, on its synthetic figures",
            "peaks recovered by each method and seed, counted by a stated rule",
            rule,
            f"gar-verify claims --only {identifier}",
            judge,
            (f"statements/{key}",),
        )


ENTRIES = tuple(_entries())
