"""Judges of the peaks of Sine and Squared sine, run by run.

A published summary of the paper says which method recovers how many peaks of which curve. Each
claim is looked up in the peaks that `studies.peaks` counts, by a stated rule and not by eye,
for every seed: `SHARE` of the runs that it is about makes the verdict. Of GAR these are the runs
with the released constants, which the published figures come from.
"""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd

from gar_verify.claims.evidence import COMMANDS, Evidence, MissingEvidence
from gar_verify.claims.model import Finding
from gar_verify.claims.rules import found
from gar_verify.studies.methods import GARS, RELEASED, SHOWN, SYNTHETIC, label
from gar_verify.studies.peaks import SUFFIX

LARGEST = 0.99
"""A peak of at least this part of the greatest height is among the largest."""

ALMOST = 0.9
"""Of the peaks: who recovers so many recovers almost all."""

RUNS = "In all of these runs: reproduced; in half of them or more: in part; else not reproduced"
KINDS = "a run of GAR with the released constants (the paper's formula is said beside it)"
Hits = Callable[[pd.DataFrame], pd.Series]
"""Whether the claim holds, for the runs that it is about, by method and seed."""


def runs(peaks: pd.DataFrame) -> pd.DataFrame:
    """What each run recovered.

    Args:
        peaks: as from `studies.peaks.read`.

    Returns:
        By method and seed: ``recovered`` and ``missed`` peaks, and whether the run recovered
        ``only_largest`` ones, at least one of them.
    """
    height = peaks["height"].abs()
    found = peaks["recovered"].astype(bool)
    largest = height >= LARGEST * height.max()
    lines = pd.DataFrame(
        {
            "recovered": found,
            "missed": ~found,
            "largest": found & largest,
            "others": found & ~largest,
        }
    )
    counts = lines.groupby([peaks["method"], peaks["seed"]], sort=False).sum()
    only = (counts["largest"] > 0) & (counts["others"] == 0)
    return counts[["recovered", "missed"]].assign(only_largest=only)


def _misses_one_or_two(counts: pd.DataFrame) -> pd.Series:
    return counts.loc[["mae"], "missed"].between(1, 2)


def _only_largest(counts: pd.DataFrame) -> pd.Series:
    return counts.loc[["mae"], "only_largest"]


def _most(counts: pd.DataFrame) -> pd.Series:
    by_seed = counts["recovered"].unstack("method")
    best = by_seed[[name for name in SYNTHETIC if name in by_seed and name not in GARS]].max(axis=1)
    return _of_gar(by_seed.ge(best, axis=0))


def _almost_all(counts: pd.DataFrame) -> pd.Series:
    of = counts["recovered"] + counts["missed"]
    return _of_gar((counts["recovered"] >= ALMOST * of).unstack("method"))


def _between(counts: pd.DataFrame) -> pd.Series:
    by_seed = counts["recovered"].unstack("method")
    above = by_seed["rnc"] > by_seed["mae"]
    return _of_gar(by_seed.gt(by_seed["rnc"], axis=0).mul(above, axis=0))


def _of_gar(by_seed: pd.DataFrame) -> pd.Series:
    """The columns of the kinds of GAR that there are, as one by method and seed."""
    kinds = by_seed[[name for name in GARS if name in by_seed]]
    found: pd.Series = pd.concat({name: kinds[name] for name in kinds}, names=["method"])
    return found


RULES: dict[str, Hits] = {
    "misses_one_or_two": _misses_one_or_two,
    "only_largest": _only_largest,
    "most": _most,
    "almost_all": _almost_all,
    "between": _between,
}
"""By which a run counts, as the ledger names them."""


def in_runs(evidence: Evidence, table: str, holds: str) -> Finding:
    """In which runs on a curve one of the `RULES` holds."""
    name = table + SUFFIX
    peaks = evidence.table(name)
    lacking = [method for method in SYNTHETIC if method not in set(peaks["method"])]
    if lacking:
        absent = ", ".join(map(label, lacking))
        raise MissingEvidence(f"{name}.csv lacks {absent}; to make it: {COMMANDS[name]}")
    counts = runs(peaks[peaks["method"].isin(SHOWN)])
    hits = RULES[holds](counts)
    methods = list(dict.fromkeys(hits.index.get_level_values("method")))
    judged = RELEASED if RELEASED in methods else methods[0]
    said = [
        f"{hits[name].sum()} of {len(hits[name])} runs of {label(name)}"
        for name in (judged, *(name for name in methods if name != judged))
    ]
    by_method = counts["recovered"].groupby("method", sort=False)
    return found(
        lambda shift: hits[judged].astype(bool).tolist(),
        f"runs of {label(judged)}",
        "peaks recovered, seed by seed: "
        + "; ".join(f"{label(str(m))} {', '.join(map(str, values))}" for m, values in by_method)
        + f"; of {peaks['peak'].nunique()}",
        f"the rule holds for {'; beside it '.join(said)}",
    )
