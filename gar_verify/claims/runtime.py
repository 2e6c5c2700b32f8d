"""Judges of running time: the same as the MAE's, and linear in the size of the batch.

A ratio is an interval, the quartiles over interleaved rounds: the published ratio lies in it, or
the measured one is below or above. It hangs on what else an epoch spends time on: a loader process,
as in the published loop, or nothing, as in memory. So a verdict in part says in which loop.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import pandas as pd
from scipy import stats

from gar_verify.benchmarks.growth import LARGE as LARGE  # the ledger says it
from gar_verify.benchmarks.growth import Growth, fit, of_large
from gar_verify.benchmarks.runtime_settings import (
    IN_MEMORY,
    LOSS_ONLY,
    METHODS,
    PAIRS,
    PUBLISHED_LOOP,
)
from gar_verify.claims.evidence import COMMANDS, RUNTIME, SPEED, Evidence, MissingEvidence
from gar_verify.claims.model import Finding, Verdict
from gar_verify.claims.rules import Hit, found
from gar_verify.studies import published
from gar_verify.studies.methods import GARS, RELEASED, label
from gar_verify.studies.objectives import CONTRAST

LOOPS = {
    PUBLISHED_LOOP: "the published loop with its loader process",
    IN_MEMORY: "an in-memory loop",
}
BATCH = 256
"""Of the paper's tabular studies."""
THREE = ("ranksim", "rnc", "conr")
"""The methods that GAR is said to be faster than."""
LEAST_LINEAR = 1.5
"""An exponent clearly above that of a linear cost."""

QUARTILES = 2 * float(stats.norm.ppf(0.75))
"""Standard deviations between the quartiles of a normal distribution."""


class Ratio(NamedTuple):
    """Of two times, the median over rounds with its quartiles."""

    value: float
    low: float
    high: float

    def hit(self, theirs: float, shift: float = 0.0) -> int:
        """0 with another ratio between the quartiles, -1 where all are below it, 1 above."""
        reach = shift * (self.high - self.low) / QUARTILES
        return 1 if self.low - reach > theirs else -1 if self.high + reach < theirs else 0

    def over(self, other: Ratio) -> Ratio:
        """This by another one, as wide as both."""
        return Ratio(self.value / other.value, self.low / other.high, self.high / other.low)

    def __str__(self) -> str:
        """With its interval."""
        return f"{self.value:.2f} ({self.low:.2f} to {self.high:.2f})"


def ratio(times: pd.DataFrame, setup: str, method: str) -> Ratio:
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
    return Ratio(*lines[["ratio", "ratio_low", "ratio_high"]].iloc[0].astype(float))


def _in_loops(times: pd.DataFrame, method: str) -> dict[str, Ratio]:
    return {setup: ratio(times, setup, method) for setup in LOOPS}


def _listed(ratios: dict[str, Ratio]) -> str:
    return ", ".join(f"{one} in {LOOPS[setup]}" for setup, one in ratios.items())


def same_time(evidence: Evidence) -> Finding:
    """Whether training with GAR takes as long as with the MAE, or less."""
    times = evidence.table(RUNTIME)
    ours, formula = (_in_loops(times, name) for name in reversed(GARS))
    slow = [LOOPS[setup] for setup, one in ours.items() if one.hit(1) > 0]
    beside = sum(one.hit(1) <= 0 for one in formula.values())
    return found(
        lambda shift: [one.hit(1, shift) <= 0 for one in ours.values()],
        "loops",
        f"{label(RELEASED)} {_listed(ours)}; {label('gar')} {_listed(formula)}",
        (f"it depends on the loop: slower in {' and '.join(slow)}" if slow else "the same")
        + f"; beside it {label('gar')}: the same in {beside} of {len(formula)} loops",
        f"GAR {published.relative_time('gar'):.1f}",
    )


def slower(evidence: Evidence, method: str) -> Finding:
    """Whether a method takes as many times as long as the MAE as was published."""
    theirs = published.relative_time(method)
    ours = _in_loops(evidence.table(RUNTIME), method)

    def at(shift: float) -> list[int]:
        return [one.hit(theirs, shift) for one in ours.values()]

    words = {1: "above it", 0: "as published", -1: "below it"}
    said = ", ".join(
        f"{words[hit]} in {LOOPS[setup]}" for setup, hit in zip(ours, at(0.0), strict=True)
    )
    return found(
        at,
        "loops reach the published ratio",
        _listed(ours),
        f"it depends on the loop: {said}" if len(set(at(0.0))) > 1 else said,
        f"{theirs:.1f}",
        rule=relative,
        least=0,
    )


def relative(hits: Sequence[Hit]) -> Verdict:
    """Of where the published ratio lies: in the published loop, between the loops, beyond both."""
    loop, memory = hits
    if loop == 0:
        return Verdict.REPRODUCED
    return Verdict.IN_PART if loop < 0 <= memory else Verdict.NOT_REPRODUCED


def faster(evidence: Evidence) -> Finding:
    """Whether GAR is as many times faster than the three as was published, loop by loop."""
    times = evidence.table(RUNTIME)
    theirs = [published.relative_time(name) for name in THREE]

    def quotients(gar: str) -> dict[tuple[str, str], Ratio]:
        return {
            (name, setup): ratio(times, setup, name).over(ratio(times, setup, gar))
            for setup in LOOPS
            for name in THREE
        }

    def at(shift: float, gar: str = RELEASED) -> list[bool]:
        return [
            one.hit(min(theirs), shift) >= 0 >= one.hit(max(theirs), shift)
            for one in quotients(gar).values()
        ]

    lines = quotients(RELEASED)
    by_loop = {
        setup: sum(hit for (_, s), hit in zip(lines, at(0.0), strict=True) if s == setup)
        for setup in LOOPS
    }
    formula = ", ".join(
        f"{label(name)} {one.value:.2f} in {LOOPS[s]}"
        for (name, s), one in quotients("gar").items()
    )
    return found(
        at,
        "comparisons of a method in a loop",
        "; ".join(f"{label(name)} {one} in {LOOPS[s]}" for (name, s), one in lines.items()),
        "it depends on the loop: "
        + ", ".join(f"{n} of {len(THREE)} in {LOOPS[setup]}" for setup, n in by_loop.items())
        + f"; beside it over {label('gar')}: {formula}",
        f"{min(theirs):.1f} to {max(theirs):.1f}",
    )


def seconds(evidence: Evidence) -> Finding:
    """Whether the times of all methods have the published ratios."""
    times = evidence.table(RUNTIME)
    theirs = published.published()["seconds_per_epoch"]
    contrastive = (times["method"] == CONTRAST).any()
    lines = {"rnc": CONTRAST if contrastive else "rnc", "gar": RELEASED}
    ours = {
        name: ratio(times, PUBLISHED_LOOP, lines.get(name, name))
        for name in theirs
        if name != "mae"
    }

    def at(shift: float) -> list[bool]:
        return [one.hit(theirs[n] / theirs["mae"], shift) == 0 for n, one in ours.items()]

    off = [label(name) for name, hit in zip(ours, at(0.0), strict=True) if not hit]
    return found(
        at,
        "ratios",
        "relative to MAE: " + ", ".join(f"{label(name)} {one}" for name, one in ours.items()),
        (f"other ratios: {', '.join(off)}; " if off else "")
        + "the seconds themselves are of another machine; RnC's are of its contrastive phase only, "
        "GAR's of the released constants",
        "relative to MAE: "
        + ", ".join(f"{label(n)} {s / theirs['mae']:.2f}" for n, s in theirs.items() if n != "mae")
        + f"; MAE {theirs['mae']:.3f} s",
    )


def growth(times: pd.DataFrame, method: str) -> Growth:
    """How the time of the loss alone grows with the batch size, from `benchmarks.growth`.

    Raises:
        MissingEvidence: if too few sizes were measured.
    """
    lines = times[(times["setup"] == LOSS_ONLY) & (times["method"] == method)]
    try:
        return fit(lines["batch_size"].tolist(), lines["seconds"].tolist())
    except ValueError as error:
        raise MissingEvidence(
            f"{RUNTIME}.csv says too little of {method} in {LOSS_ONLY} ({error}); to measure it: "
            f"{COMMANDS[RUNTIME]}"
        ) from error


def growth_of_large(speed: pd.DataFrame, method: str) -> Growth:
    """The same of MAE and GAR, from `LARGE` on."""
    try:
        return of_large(speed, method)
    except ValueError as error:
        raise MissingEvidence(f"{SPEED}.csv: {error}; to measure it: {COMMANDS[SPEED]}") from error


def cost(evidence: Evidence) -> Finding:
    """Whether GAR's time grows with the batch as the MAE's, and that of losses of pairs more."""
    times, speed = evidence.table(RUNTIME), evidence.table(SPEED)
    there = set(times.loc[times["setup"] == LOSS_ONLY, "method"])
    there -= {"rnc"} if CONTRAST in there else set()
    pairs = {name: growth(times, name) for name in METHODS if name in PAIRS and name in there}
    linear = {name: growth_of_large(speed, name) for name in ("mae", *GARS)}
    mae = linear["mae"]

    def at(shift: float) -> list[bool]:
        return [
            *(
                linear[gar].exponent - mae.exponent
                <= linear[gar].error + mae.error + shift * linear[gar].error
                for gar in GARS
            ),
            *(of.exponent - of.error + shift * of.error > LEAST_LINEAR for of in pairs.values()),
        ]

    hits = at(0.0)
    return found(
        at,
        "losses",
        "exponents: "
        + ", ".join(
            f"{_name(name)} {of.exponent:.2f} ({of.error:.2f}, N from {of.smallest:,})"
            for name, of in (linear | pairs).items()
        ),
        f"{sum(hits[: len(GARS)])} of {len(GARS)} kinds of GAR grow no faster than the MAE, "
        f"{sum(hits[len(GARS) :])} of {len(pairs)} losses of pairs clearly more than linearly; one "
        "pass is enough, as six-numbers proves",
    )


def _name(method: str) -> str:
    return f"{label('rnc')}, contrastive phase" if method == CONTRAST else label(method)
