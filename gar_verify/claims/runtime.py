"""Judges of running time: the same as the MAE's, and linear in the size of the batch."""

from __future__ import annotations

import pandas as pd

from gar_verify.benchmarks.growth import fit
from gar_verify.benchmarks.runtime_settings import (
    IN_MEMORY,
    LOSS_ONLY,
    METHODS,
    PAIRS,
    PUBLISHED_LOOP,
)
from gar_verify.claims.evidence import COMMANDS, RUNTIME, Evidence, MissingEvidence
from gar_verify.claims.model import Finding, Verdict
from gar_verify.claims.rules import share
from gar_verify.studies import published
from gar_verify.studies.methods import GARS, label
from gar_verify.studies.objectives import CONTRAST

LOOPS = {
    PUBLISHED_LOOP: "the published loop with its loader process",
    IN_MEMORY: "an in-memory loop",
}
BATCH = 256
"""Of the paper's tabular studies."""
SAME = 1.1
"""Up to this ratio two running times count as the same."""
NEAR = 1.25
"""Up to this factor two ratios count as the same: they are of different machines."""
LINEAR, PAIRWISE = 1.1, 1.5
"""Exponents of growth: at most linear, and clearly more than that."""


def ratio(times: pd.DataFrame, setup: str, method: str) -> float:
    """Time relative to the MAE's at the paper's batch size, or at the only one measured.

    Raises:
        MissingEvidence: if it was not measured.
    """
    lines = times[(times["setup"] == setup) & (times["method"] == method)]
    if len(lines) > 1:
        lines = lines[lines["batch_size"] == BATCH]
    if lines.empty:
        raise MissingEvidence(
            f"{RUNTIME}.csv has no time of {method} in {setup}; to measure it: {COMMANDS[RUNTIME]}"
        )
    return float(lines["ratio"].iloc[0])


def growth(times: pd.DataFrame, method: str) -> float:
    """Exponent of the time of the loss alone in the batch size, from `benchmarks.growth`.

    Raises:
        MissingEvidence: if too few sizes were measured.
    """
    lines = times[(times["setup"] == LOSS_ONLY) & (times["method"] == method)]
    try:
        return fit(lines["batch_size"].tolist(), lines["seconds"].tolist()).exponent
    except ValueError as error:
        raise MissingEvidence(
            f"{RUNTIME}.csv says too little of {method} in {LOSS_ONLY} ({error}); to measure it: "
            f"{COMMANDS[RUNTIME]}"
        ) from error


def same_time(evidence: Evidence) -> Finding:
    """Whether training with each kind of GAR takes as long as with the MAE."""
    times = evidence.table(RUNTIME)
    found = {(setup, gar): ratio(times, setup, gar) for setup in LOOPS for gar in GARS}
    over = [f"{label(g)} in {LOOPS[s]}" for (s, g), value in found.items() if value > SAME]
    return Finding(
        verdict=share(value <= SAME for value in found.values()),
        measured=", ".join(
            f"{label(gar)} {value:.2f} in {LOOPS[setup]}" for (setup, gar), value in found.items()
        ),
        published=f"GAR {published.relative_time('gar'):.1f}",
        reason=f"slower: {'; '.join(over)}" if over else "the same in all of them",
    )


def slower(evidence: Evidence, method: str) -> Finding:
    """Whether a method takes as many times as long as the MAE as was published."""
    theirs = published.relative_time(method)
    times = evidence.table(RUNTIME)
    ours = {setup: ratio(times, setup, method) for setup in LOOPS}
    factor = max(ours[PUBLISHED_LOOP] / theirs, theirs / ours[PUBLISHED_LOOP])
    return Finding(
        verdict=relative(ours[PUBLISHED_LOOP], theirs),
        measured=", ".join(f"{value:.2f} in {LOOPS[s]}" for s, value in ours.items()),
        published=f"{theirs:.1f}",
        reason=f"{factor:.2f} is the factor between measured and published ratio",
    )


def relative(measured: float, theirs: float) -> Verdict:
    """How near a ratio to the MAE's time is to the published one."""
    if 1 / NEAR <= measured / theirs <= NEAR:
        return Verdict.REPRODUCED
    return Verdict.IN_PART if measured > SAME else Verdict.NOT_REPRODUCED


def seconds(evidence: Evidence) -> Finding:
    """Whether the times of all methods have the published ratios."""
    times = evidence.table(RUNTIME)
    theirs = published.published()["seconds_per_epoch"]
    contrastive = (times["method"] == CONTRAST).any()
    names = {n: CONTRAST if n == "rnc" and contrastive else n for n in theirs if n != "mae"}
    ours = {name: ratio(times, PUBLISHED_LOOP, at) for name, at in names.items()}
    quotients = {name: ours[name] / (theirs[name] / theirs["mae"]) for name in ours}
    hits = {name: 1 / NEAR <= quotient <= NEAR for name, quotient in quotients.items()}
    off = [label(name) for name, hit in hits.items() if not hit]
    return Finding(
        verdict=share(hits.values()),
        measured="relative to MAE: "
        + ", ".join(f"{label(name)} {value:.2f}" for name, value in ours.items()),
        published="relative to MAE: "
        + ", ".join(f"{label(n)} {s / theirs['mae']:.2f}" for n, s in theirs.items() if n != "mae")
        + f"; MAE {theirs['mae']:.3f} s",
        reason=(f"other ratios: {', '.join(off)}; " if off else "")
        + "the seconds themselves are of another machine; RnC's are of its contrastive phase only",
    )


def cost(evidence: Evidence) -> Finding:
    """Whether the time of GAR grows linearly in the batch, and that of the losses of pairs more."""
    times = evidence.table(RUNTIME)
    there = set(times.loc[times["setup"] == LOSS_ONLY, "method"])
    there -= {"rnc"} if CONTRAST in there else set()
    losses_of_pairs = [name for name in METHODS if name in PAIRS and name in there]
    exponents = {name: growth(times, name) for name in ("mae", *GARS, *losses_of_pairs)}
    linear = [exponents[gar] <= LINEAR for gar in GARS]
    pairs = [exponents[name] > PAIRWISE for name in losses_of_pairs]
    return Finding(
        verdict=share([*linear, *pairs]),
        measured="exponents: " + ", ".join(f"{_name(n)} {e:.2f}" for n, e in exponents.items()),
        reason=f"{sum(linear)} of {len(linear)} kinds of GAR at most linear, {sum(pairs)} of "
        f"{len(pairs)} losses of pairs clearly more; one pass is enough, as six-numbers proves",
    )


def _name(method: str) -> str:
    return f"{label('rnc')}, contrastive phase" if method == CONTRAST else label(method)
