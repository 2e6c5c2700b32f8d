"""What a claim is, and what a judge finds of it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from enum import StrEnum

from gar_verify.claims.evidence import Evidence, MissingEvidence


class Verdict(StrEnum):
    """The result for a claim."""

    PROVED = "proved"
    REPRODUCED = "reproduced"
    TIE = "tie"
    """Differences that cannot be told from chance, neither for the claim nor against it."""
    IN_PART = "reproduced in part"
    NOT_REPRODUCED = "not reproduced"
    NOT_TESTABLE = "not testable here"


@dataclass(frozen=True)
class Finding:
    """What a judge found: the verdict, the numbers that it rests on, and why it is this one.

    Raises:
        ValueError: for a verdict in part that does not say how many of how many.
    """

    verdict: Verdict
    measured: str
    reason: str
    published: str = ""
    counted: str = ""
    """How many of how many hold, ``6 of 7 figures``: what a verdict in part means."""
    edge: str = ""
    """What the verdict would be with other figures, no further away than chance moves them."""

    def __post_init__(self) -> None:
        """Nothing is in part without its number."""
        if self.verdict is Verdict.IN_PART and not re.match(r"\d+ of \d+ ", self.counted):
            raise ValueError(f"in part says 'k of n ...' of what, got {self.counted!r}")


@dataclass(frozen=True)
class Claim:
    """One line of the ledger: what is claimed, and after `judged` what was found."""

    identifier: str
    topic: str
    statement: str
    where: str
    """Where the claim is made."""
    how: str
    """How it is measured."""
    rule: str
    """Which evidence gives which verdict."""
    command: str
    """Shows the evidence."""
    judge: Callable[[Evidence], Finding] = field(repr=False, compare=False)
    answers: tuple[str, ...] = ()
    """Patterns of the published figures (`studies.published.leaves`) that it is about."""
    finding: Finding | None = None
    """None before it is judged."""

    def judged(self, evidence: Evidence) -> Claim:
        """The claim with its finding; without its evidence it is not testable here."""
        try:
            found = self.judge(evidence)
        except MissingEvidence as missing:
            found = Finding(Verdict.NOT_TESTABLE, "", str(missing))
        return replace(self, finding=found)

    @property
    def verdict(self) -> Verdict:
        """Of the finding."""
        return self._found.verdict

    @property
    def measured(self) -> str:
        """Of the finding."""
        return self._found.measured

    @property
    def published(self) -> str:
        """Of the finding; empty where the claim has no figures."""
        return self._found.published

    @property
    def reason(self) -> str:
        """Of the finding."""
        return self._found.reason

    @property
    def counted(self) -> str:
        """Of the finding; empty where nothing is counted."""
        return self._found.counted

    @property
    def edge(self) -> str:
        """Of the finding; empty where the verdict does not hang on chance."""
        return self._found.edge

    @property
    def _found(self) -> Finding:
        if self.finding is None:
            raise ValueError(f"the claim '{self.identifier}' was not judged; call evaluate()")
        return self.finding
