"""What the report is made of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import pandas as pd

from gar_verify.changes import Change
from gar_verify.rerun import Rerun
from proofs.statements import Result
from proofs.z3_opinion import Opinion


class Claim(Protocol):
    """A line of the ledger of claims."""

    @property
    def identifier(self) -> str:
        """Short name."""

    @property
    def statement(self) -> str:
        """What is claimed."""

    @property
    def where(self) -> str:
        """Where the claim is made."""

    @property
    def measured(self) -> str:
        """What was found; may be empty."""

    @property
    def published(self) -> str:
        """The figures of the claim; empty where it has none."""

    @property
    def verdict(self) -> str:
        """Such as ``reproduced``."""

    @property
    def reason(self) -> str:
        """Why the verdict is this one."""

    @property
    def command(self) -> str:
        """What shows the evidence."""


@dataclass
class Material:
    """Everything that the page shows, beside the pictures in the folder of figures."""

    proved: Sequence[Result]
    opinions: Sequence[Opinion] = ()
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


def counts(claims: Sequence[Claim]) -> dict[str, int]:
    """How many claims have each verdict, the most frequent first."""
    return dict(Counter(str(claim.verdict) for claim in claims).most_common())
