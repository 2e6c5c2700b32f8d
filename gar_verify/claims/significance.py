"""Judges of significance: how many of GAR's gains are more than chance, and by which test."""

from __future__ import annotations

import pandas as pd

from gar_verify.claims.evidence import Evidence, MissingEvidence
from gar_verify.claims.model import Finding
from gar_verify.claims.rules import share
from gar_verify.claims.tabular import BASELINES, TASKS
from gar_verify.studies.methods import GARS, label
from gar_verify.studies.statistics import LEVEL, compare


def gains(evidence: Evidence, gar: str) -> pd.DataFrame:
    """One kind of GAR against every baseline, on every task that has a summary with folds."""
    found: dict[str, pd.DataFrame] = {}
    for table in TASKS:
        try:
            results = evidence.summary(table)
        except MissingEvidence:
            continue
        others = [name for name in BASELINES if name in results["method"]]
        if gar in results["method"] and others and results.sizes.get("fold", 1) > 1:
            found[table] = compare(results.sel({"method": [*others, gar]}), gar)
    if not found:
        raise MissingEvidence("no summary compares GAR; gar-verify run concrete --save makes one")
    return pd.concat(found, names=["table"])


def significant(evidence: Evidence, test: str) -> Finding:
    """Whether most gains are significant by a test, a column of `statistics.compare`."""
    hits, said, why = [], [], []
    for gar in GARS:
        lines = gains(evidence, gar)
        won, sure = lines["difference"] > 0, lines[test] < LEVEL
        total = won.groupby(level="table", sort=False).sum()
        certain = (won & sure).groupby(level="table", sort=False).sum()
        hits += (2 * certain > total).tolist()
        by_table = [f"{name} {certain[name]} of {total[name]}" for name in total.index]
        said.append(f"{label(gar)}: {', '.join(by_table)} gains significant")
        why.append(
            f"{label(gar)}: {certain.sum()} of {total.sum()} gains over all tables; worse in "
            f"{(~won).sum()} of {len(won)} comparisons, significantly in {(~won & sure).sum()}"
        )
    return Finding(share(hits), "; ".join(said), "; ".join(why))
