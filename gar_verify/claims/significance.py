"""Judges of significance: how many of GAR's gains are more than chance, and by which test."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
import xarray as xr

from gar_verify.claims import orders
from gar_verify.claims.evidence import Evidence, MissingEvidence
from gar_verify.claims.model import Finding
from gar_verify.claims.rules import found
from gar_verify.claims.tabular import BASELINES, summaries_of
from gar_verify.studies.methods import GARS, RELEASED, label
from gar_verify.studies.selection import t_test
from gar_verify.studies.statistics import LEVEL


def published(results: xr.Dataset, gar: str, others: list[str]) -> pd.Series:
    """p by (metric, competitor) of the paper's unpaired t-test, uncorrected."""
    found: pd.Series = pd.concat({name: t_test(results, gar, name) for name in others})
    return found.swaplevel()


def holm(results: xr.Dataset, gar: str, others: list[str]) -> pd.Series:
    """p of the corrected resampled t-test with Holm's correction over the competitors."""
    metrics = map(str, results["metric"].to_numpy())
    lines = pd.concat([orders.against(results, gar, others, [one]) for one in metrics])
    return pd.Series(lines["p holm"])


TESTS: dict[str, Callable[[xr.Dataset, str, list[str]], pd.Series]] = {
    "published": published,
    "holm": holm,
}
"""By name, as the ledger has them."""


def gains(evidence: Evidence, gar: str, test: str, shift: float = 0.0) -> pd.DataFrame:
    """One kind of GAR against every baseline, on every task that has a summary with folds.

    Returns:
        By (table, line, metric, competitor) the ``difference``, positive where GAR is better, and
        ``p``; each reading of the learning rates is a line.
    """
    lines: dict[tuple[str, str], pd.DataFrame] = {}
    for table, results in summaries_of(evidence, gar).items():
        others = [name for name in BASELINES if name in results["method"]]
        if not others or results.sizes.get("fold", 1) == 1:
            continue
        for line in orders.readings(results, gar):
            seen = orders.moved(results, line, shift)
            metrics = list(map(str, results["metric"].to_numpy()))
            difference = orders.against(seen, line, others, metrics)["difference"]
            lines[table, line] = pd.DataFrame(
                {"difference": difference, "p": TESTS[test](seen, line, others)}
            )
    if not lines:
        raise MissingEvidence("no summary compares GAR; gar-verify run concrete --save makes one")
    return pd.concat(lines, names=["table", "line"])


def significant(evidence: Evidence, test: str) -> Finding:
    """Whether most comparisons are significant gains by one of the `TESTS`."""

    here = {gar: gains(evidence, gar, test) for gar in GARS}

    def counts(lines: pd.DataFrame) -> pd.DataFrame:
        won = lines["difference"] > 0
        frame = pd.DataFrame({"won": won, "sure": won & (lines["p"] < LEVEL), "of": 1})
        return frame.groupby(level=["table", "line"], sort=False).sum()

    def said(gar: str) -> str:
        lines = counts(here[gar]).reset_index()
        by_table = [
            f"{line['table']}{' with the larger rates' * (line['line'] != gar)} {line['sure']} of "
            f"{line['won']} gains significant, of {line['of']} comparisons"
            for _, line in lines.iterrows()
        ]
        return f"{label(gar)}: {'; '.join(by_table)}"

    def total(gar: str) -> str:
        lines = counts(here[gar]).sum()
        lost = here[gar]["difference"] <= 0
        return (
            f"{label(gar)}: {lines['sure']} of {lines['won']} gains over all tables; worse in "
            f"{lost.sum()} of {len(lost)} comparisons, significantly in "
            f"{(lost & (here[gar]['p'] < LEVEL)).sum()}"
        )

    def at(shift: float) -> list[bool]:
        lines = counts(gains(evidence, RELEASED, test, shift) if shift else here[RELEASED])
        most = 2 * lines["sure"] > lines["of"]
        return [bool(hit) for hit in most.groupby(level="table", sort=False).all()]

    return found(
        at,
        "tables",
        ". ".join(map(said, reversed(GARS))),
        "; beside it ".join(map(total, reversed(GARS))),
    )
