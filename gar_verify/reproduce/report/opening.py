"""The first words of the report: what was asked and what came out, in five sentences."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import pandas as pd

from gar_verify._proofs import statements
from gar_verify.benchmarks.runtime_settings import IN_MEMORY, LOSS_ONLY, PUBLISHED_LOOP
from gar_verify.claims import overview
from gar_verify.claims.runtime import BATCH
from gar_verify.studies.methods import RELEASED

ASKED = (
    "Asked was whether the paper's theorems hold, whether GAR costs no more than a conventional "
    "loss, and whether training with it gives lower errors on real data."
)
WHERE = {
    PUBLISHED_LOOP: "in the authors' loop",
    IN_MEMORY: "where the data are in memory",
    LOSS_ONLY: "for the loss alone",
}


def sentences(
    proved: Sequence[statements.Result],
    lines: pd.DataFrame | None,
    runtime: pd.DataFrame | None,
    verdicts: Mapping[str, int],
) -> Iterator[str]:
    """What was asked, what is proved, measured, timed and judged; what is missing is left out.

    Args:
        proved: the statements.
        lines: from `claims.overview.frame`.
        runtime: as in ``results/runtime.csv``.
        verdicts: how many claims have each.
    """
    yield ASKED
    if proved:
        yield _proofs(proved)
    if runtime is not None:
        yield from _cost(runtime)
    if lines is not None:
        yield f"{overview.sentence(lines)} {overview.further(lines)}"
    if verdicts:
        counts = ", ".join(f"{count} {verdict}" for verdict, count in verdicts.items())
        yield f"Of {sum(verdicts.values())} claims one by one: {counts}."


def _proofs(proved: Sequence[statements.Result]) -> str:
    held = sum(result.passed for result in proved)
    refuted = sum(len(result.mutants) for result in proved)
    found = [finding for result in proved for finding in result.statement.findings]
    noted = f"; {len(found)} findings correct what was published" if found else ""
    return (
        f"{held} of {len(proved)} statements, the theorems among them, are proved for every batch "
        f"size, {refuted} wrong variants are refuted{noted}."
    )


def _cost(runtime: pd.DataFrame) -> Iterator[str]:
    at = runtime[runtime["batch_size"] == BATCH].set_index(["setup", "method"])["ratio"]
    said = [
        f"{words} {at[setup, 'gar']:.2f} times as long ({at[setup, RELEASED]:.2f} as released)"
        for setup, words in WHERE.items()
        if {(setup, "gar"), (setup, RELEASED)} <= set(at.index)
    ]
    if said:
        yield f"Against the MAE, GAR takes {', '.join(said)}."
