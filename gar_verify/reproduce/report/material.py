"""What the report is made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pandas as pd

from gar_verify._proofs import statements, z3_opinion
from gar_verify.claims import Claim
from gar_verify.reproduce.changes import Change
from gar_verify.reproduce.rerun import Rerun


@dataclass
class Material:
    """Everything that the page shows, beside the pictures in the folder of figures."""

    proved: Sequence[statements.Result]
    opinions: Sequence[z3_opinion.Opinion] = ()
    studies: list[Rerun] = field(default_factory=list)
    claims: Sequence[Claim] | None = None
    """The ledger; None where there is none."""
    runtime: pd.DataFrame | None = None
    """Lines of the quick runtime study of this run; None where it was not measured."""
    quick: bool = False
    """Whether studies were trained in part only: their figures are not the paper's."""
    sentences: Sequence[str] = ()
    failures: Sequence[str] = ()
    changes: Sequence[Change] = ()
    seconds: Mapping[str, float] = field(default_factory=dict)
    """Of each part of this run."""
