"""Claims about running time: the same as the MAE's, and linear in the size of the batch."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import pandas as pd

from gar_verify.benchmarks.growth import fit
from gar_verify.claims.evidence import COMMANDS, RUNTIME, Evidence, MissingEvidence
from gar_verify.claims.model import Claim, Finding, Verdict
from gar_verify.claims.rules import SHARE, share
from gar_verify.claims.tabular import SUMMARY
from gar_verify.losses.registry import LOSSES
from gar_verify.studies import published
from gar_verify.studies.methods import GARS, label

TOPIC = "Running time"
LOADER, MEMORY, LOSS = "published_loop", "in_memory", "loss_only"
SETUPS = {
    LOADER: "the published loop with its loader process",
    MEMORY: "an in-memory loop",
    LOSS: "the loss alone",
}
HOW = "median over interleaved rounds of the time relative to the MAE's, on one machine"
BATCH = 256
"""Of the paper's tabular studies."""
SAME = 1.1
"""Up to this ratio two running times count as the same."""
NEAR = 1.25
"""Up to this factor two ratios count as the same: they are of different machines."""
LINEAR, PAIRWISE = 1.1, 1.5
"""Exponents of growth: at most linear, and clearly more than that."""
PAIRS = tuple(name for name, spec in LOSSES.items() if spec.needs_features)
CONTRASTIVE = "rnc_contrastive"


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
    lines = times[(times["setup"] == LOSS) & (times["method"] == method)]
    try:
        return fit(lines["batch_size"].tolist(), lines["seconds"].tolist()).exponent
    except ValueError as error:
        raise MissingEvidence(
            f"{RUNTIME}.csv says too little of {method} in {LOSS} ({error}); to measure it: "
            f"{COMMANDS[RUNTIME]}"
        ) from error


SAME_TIME = (
    f"at most {SAME:g} times the MAE's, for each kind of GAR in the published loop and in memory. "
    f"{SHARE.capitalize()}"
)


def _same_time(evidence: Evidence) -> Finding:
    times = evidence.table(RUNTIME)
    found = {(setup, gar): ratio(times, setup, gar) for setup in (LOADER, MEMORY) for gar in GARS}
    over = [f"{label(g)} in {SETUPS[s]}" for (s, g), value in found.items() if value > SAME]
    return Finding(
        verdict=share(value <= SAME for value in found.values()),
        measured=", ".join(
            f"{label(gar)} {value:.2f} in {SETUPS[setup]}" for (setup, gar), value in found.items()
        ),
        published=f"GAR {published.published()['relative_time']['gar']:.1f}",
        reason=f"slower: {'; '.join(over)}" if over else "the same in all of them",
    )


RELATIVE = (
    f"in the published loop, within a factor {NEAR:g} of the published ratio: reproduced; slower "
    f"than the MAE by more than a tenth, but not by that ratio: in part; otherwise not reproduced"
)


def _relative(method: str) -> Callable[[Evidence], Finding]:
    theirs = published.published()["relative_time"][method]

    def judge(evidence: Evidence) -> Finding:
        times = evidence.table(RUNTIME)
        ours = {setup: ratio(times, setup, method) for setup in (LOADER, MEMORY)}
        return Finding(
            verdict=relative(ours[LOADER], theirs),
            measured=", ".join(f"{value:.2f} in {SETUPS[s]}" for s, value in ours.items()),
            published=f"{theirs:.1f}",
            reason=f"{max(ours[LOADER] / theirs, theirs / ours[LOADER]):.2f} is the factor between "
            "measured and published ratio",
        )

    return judge


def relative(measured: float, theirs: float) -> Verdict:
    """`RELATIVE`."""
    if 1 / NEAR <= measured / theirs <= NEAR:
        return Verdict.REPRODUCED
    return Verdict.IN_PART if measured > SAME else Verdict.NOT_REPRODUCED


SECONDS = (
    f"relative to the MAE's, each within a factor {NEAR:g} of the published figures in the "
    f"published loop. {SHARE.capitalize()}"
)


def _seconds(evidence: Evidence) -> Finding:
    times = evidence.table(RUNTIME)
    theirs = published.published()["seconds_per_epoch"]
    contrastive = (times["method"] == CONTRASTIVE).any()
    names = {n: CONTRASTIVE if n == "rnc" and contrastive else n for n in theirs if n != "mae"}
    ours = {name: ratio(times, LOADER, at) for name, at in names.items()}
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


COST = (
    f"exponent of the batch size over the larger half of the sizes: at most {LINEAR:g} for both "
    f"kinds of GAR, more than {PAIRWISE:g} for each loss of pairs. {SHARE.capitalize()}"
)


def _cost(evidence: Evidence) -> Finding:
    times = evidence.table(RUNTIME)
    exponents = {name: growth(times, name) for name in ("mae", *GARS, *_measured(times, PAIRS))}
    linear = [exponents[gar] <= LINEAR for gar in GARS]
    pairs = [exponents[name] > PAIRWISE for name in exponents if name not in ("mae", *GARS)]
    return Finding(
        verdict=share([*linear, *pairs]),
        measured="exponents: " + ", ".join(f"{_name(n)} {e:.2f}" for n, e in exponents.items()),
        reason=f"{sum(linear)} of {len(linear)} kinds of GAR at most linear, {sum(pairs)} of "
        f"{len(pairs)} losses of pairs clearly more; one pass is enough, as six-numbers proves",
    )


def _name(method: str) -> str:
    return f"{label('rnc')}, contrastive phase" if method == CONTRASTIVE else label(method)


def _measured(times: pd.DataFrame, names: Sequence[str]) -> list[str]:
    there = set(times.loc[times["setup"] == LOSS, "method"])
    renamed = {"rnc": CONTRASTIVE} if CONTRASTIVE in there else {}
    return [renamed.get(name, name) for name in names if renamed.get(name, name) in there]


def _entries() -> Iterator[Claim]:
    claimed = published.published()["relative_time"]
    command = COMMANDS[RUNTIME]
    yield Claim(
        "time-gar",
        TOPIC,
        published.published()["statements"]["running_time"],
        SUMMARY,
        HOW,
        SAME_TIME,
        command,
        _same_time,
        ("relative_time/gar", "relative_time/mae", "statements/running_time"),
    )
    for method in claimed:
        if method not in ("mae", "gar"):
            yield Claim(
                f"time-{method}",
                TOPIC,
                f"{label(method)} takes {claimed[method]:g} times as long as the MAE",
                SUMMARY,
                HOW,
                RELATIVE,
                command,
                _relative(method),
                (f"relative_time/{method}",),
            )
    yield Claim(
        "seconds-per-epoch",
        TOPIC,
        "Concrete: seconds per epoch of all nine methods",
        "the authors' released analysis",
        HOW,
        SECONDS,
        command,
        _seconds,
        ("seconds_per_epoch/*",),
    )
    yield Claim(
        "linear-cost",
        TOPIC,
        "GAR costs O(B) a step in the batch size B, losses of pairs O(B^2)",
        "the paper, on its complexity",
        "seconds of the loss alone, forward and backward, over batch sizes",
        COST,
        command,
        _cost,
    )


ENTRIES = tuple(_entries())
