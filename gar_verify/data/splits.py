"""Which rows of a table are for training and which for testing.

The published splits of Concrete, Wine and Sine are permutations by NumPy's older generator from a
small seed. The seeds were found by trying: with them the rows of the published arrays fall back
into the order of the originals, for Concrete byte for byte (``tests/data/test_splits.py``). For
Squared sine the rows of the published test half are part of the package. The split of Parkinsons
was not found among the seeds below 20,000: there the split is one of ours.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gar_verify.data.uci import TABLES

PUBLISHED_SEEDS = {"concrete": 123, "wine": 123, "superconductivity": 123, "sine": 1}
"""Seeds that give the split of the paper's authors: of Superconductivity as the released script has
it, if the rows stand in UCI's order there; of the others as their arrays do."""

OTHER_SEED = 123
"""For tables whose published split is not known: that of Concrete and Wine."""


def permutation(name: str, n: int) -> NDArray[np.int64]:
    """The n rows of a table in the order in which they are split: the test part comes first."""
    seed = PUBLISHED_SEEDS.get(name, OTHER_SEED)
    order = np.random.RandomState(seed).permutation(n)
    return order.astype(np.int64)


def test_half_first(name: str, n: int) -> NDArray[np.int64]:
    """The n rows of a curve, those of the published test half first, each half in its order."""
    test = np.loadtxt(TABLES / f"{name}_test.txt", dtype=np.int64, ndmin=1).ravel()
    return np.concatenate([test, np.setdiff1d(np.arange(n), test)])


def origin(name: str) -> str:
    """What a permutation is, in words."""
    if name in PUBLISHED_SEEDS:
        return f"published split (NumPy's RandomState({PUBLISHED_SEEDS[name]}))"
    return f"80/20 split of ours (NumPy's RandomState({OTHER_SEED})), not the published one"
