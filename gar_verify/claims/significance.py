"""Claims about significance: how many of GAR's gains are more than chance, and by which test."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd

from gar_verify.claims.evidence import Evidence, MissingEvidence
from gar_verify.claims.model import Claim, Finding
from gar_verify.claims.rules import share
from gar_verify.claims.tabular import BASELINES, TOPIC
from gar_verify.data.real import REAL_TABLES
from gar_verify.studies import published, statistics
from gar_verify.studies.methods import GARS, label

TESTS = {
    "p published": "the paper's unpaired t-test, uncorrected",
    "p holm": "the corrected resampled t-test with Holm's correction over the baselines",
}
MOST = (
    "by each kind of GAR on each table studied here: more than half of its gains have p < 0.05. "
    "All: reproduced; some: in part; none: not reproduced"
)


def gains(evidence: Evidence, gar: str) -> pd.DataFrame:
    """Comparisons of one kind of GAR with every baseline, on every table that has a summary."""
    found = {}
    for table in REAL_TABLES:
        try:
            results = evidence.summary(table)
        except MissingEvidence:
            continue
        others = [name for name in BASELINES if name in results["method"]]
        if gar in results["method"] and others:
            found[table] = statistics.compare(results.sel({"method": [*others, gar]}), gar)
    if not found:
        raise MissingEvidence("no summary compares GAR; gar-verify run concrete --save makes one")
    return pd.concat(found, names=["table"])


def _significant(test: str) -> Callable[[Evidence], Finding]:
    def judge(evidence: Evidence) -> Finding:
        hits, said, why = [], [], []
        for gar in GARS:
            lines = gains(evidence, gar)
            won, sure = lines["difference"] > 0, lines[test] < statistics.LEVEL
            total = won.groupby(level="table", sort=False).sum()
            significant = (won & sure).groupby(level="table", sort=False).sum()
            hits += (2 * significant > total).tolist()
            by_table = [f"{name} {significant[name]} of {total[name]}" for name in total.index]
            said.append(f"{label(gar)}: {', '.join(by_table)} gains significant")
            why.append(
                f"{label(gar)}: {significant.sum()} of {total.sum()} gains over all tables; worse "
                f"in {(~won).sum()} of {len(won)} comparisons, significantly in "
                f"{(~won & sure).sum()}"
            )
        return Finding(share(hits), "; ".join(said), "; ".join(why))

    return judge


def _entry(
    identifier: str, statement: str, where: str, test: str, answers: tuple[str, ...] = ()
) -> Claim:
    return Claim(
        identifier,
        TOPIC,
        statement,
        where,
        f"GAR against every baseline on every metric and table studied here, by {TESTS[test]}",
        MOST,
        "gar-verify table concrete",
        _significant(test),
        answers,
    )


ENTRIES = (
    _entry(
        "gains-significant",
        published.published()["statements"]["significant"],
        "the paper's tables",
        "p published",
        ("statements/significant",),
    ),
    _entry(
        "gains-significant-corrected",
        "Most gains of GAR stay significant after a test that accounts for shared training rows "
        "and many baselines",
        "not in the paper: the claim before, by a corrected test",
        "p holm",
    ),
)
