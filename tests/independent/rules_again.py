"""The rules of the ledger in the words that it prints beside each verdict.

A claim needs one thing or several. Each holds (1), fails (-1), or cannot be told from chance (0).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
import paired_tests
from scipy import stats
from stored_files import Array

LEVEL = 0.05
ROUNDING = 5e-4
"""Half of the last digit that is published."""
OverRows = tuple[float, int]
"""The standard error of a difference over the test rows, and their number."""
FOLDS_ALONE: OverRows = (np.nan, 0)
Published = Mapping[str, tuple[float, float | None]]
"""Published figures, with their standard deviations where these are known."""


def share(hits: Collection[int]) -> str:
    """All: reproduced; some, no fewer than fail: in part; else not if one fails, or a tie."""
    counts = Counter(hits)
    if counts[1] and counts[1] >= counts[-1]:
        return "reproduced" if set(hits) == {1} else "reproduced in part"
    return "not reproduced" if counts[-1] else "tie"


def every(hits: Collection[int]) -> str:
    """Ahead of all: reproduced; behind one: not reproduced; neither: a tie."""
    if -1 in hits:
        return "not reproduced"
    return "reproduced" if set(hits) == {1} else "tie"


def hit(holds: Any) -> int:
    """1 or -1."""
    return 1 if holds else -1


def close(runs: Mapping[str, Array], published: Published, best: str) -> list[int]:
    """Whether each figure is the published one, where a table is about the distances to a best one.

    No further from it than it is from GAR's (GAR's own: than the nearest other that is another
    number), and within 3 published deviations, or else 3 measured ones and a tenth: holds, as does
    what rounds to it. Within these deviations but further: cannot be told.
    """
    top = published[best][0]
    hits = []
    for name, (figure, std) in published.items():
        others = [d for of, _ in published.values() if (d := abs(of - top)) > ROUNDING]
        about = min(others) if name == best else abs(figure - top)
        gap = abs(float(runs[name].mean()) - figure)
        measured = min(3 * float(runs[name].std()), abs(figure) / 10)
        within = gap <= (measured if std is None else 3 * std)
        hits.append(1 if gap <= ROUNDING or (within and gap <= about) else 0 if within else -1)
    return hits


def paired_p(d: Array, rows: OverRows) -> float:
    """Of differences [seed, fold]: folds by Nadeau and Bengio's test, else seeds by Student's."""
    if d.shape[1] == 1:
        return float(stats.ttest_1samp(d[:, 0], 0.0).pvalue)
    return paired_tests.corrected(d.mean(0), *rows)[2]


def ahead(differences: Sequence[Array], rows: Sequence[OverRows] = ()) -> list[int]:
    """Ahead or behind by more than chance, with Holm's correction over all of them."""
    known = rows or [FOLDS_ALONE] * len(differences)
    p = paired_tests.holm([paired_p(d, of) for d, of in zip(differences, known, strict=True)])
    pairs = zip(differences, p, strict=True)
    return [int(np.sign(d.mean())) if value < LEVEL else 0 for d, value in pairs]
