"""What a claim is: before it is judged an `Entry`, afterwards a `Claim`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from gar_verify.claims.evidence import Evidence, MissingEvidence


class Verdict(StrEnum):
    """What became of a claim."""

    PROVED = "proved"
    REPRODUCED = "reproduced"
    IN_PART = "reproduced in part"
    NOT_REPRODUCED = "not reproduced"
    NOT_TESTABLE = "not testable here"


@dataclass(frozen=True)
class Finding:
    """What a judge found: the verdict, the numbers that it rests on, and why it is this one."""

    verdict: Verdict
    measured: str
    reason: str
    published: str = ""


@dataclass(frozen=True)
class Claim:
    """One line of the ledger."""

    identifier: str
    topic: str
    statement: str
    where: str
    """Where the claim is made."""
    how: str
    """How it is measured."""
    rule: str
    """Which evidence gives which verdict."""
    measured: str
    published: str
    """Empty where the claim has no figures."""
    verdict: Verdict
    reason: str
    command: str
    """Shows the evidence."""
    answers: tuple[str, ...] = ()
    """Patterns of the published figures (`studies.published.leaves`) that it is about."""


@dataclass(frozen=True)
class Entry:
    """A claim that has not been judged yet."""

    identifier: str
    topic: str
    statement: str
    where: str
    how: str
    rule: str
    command: str
    judge: Callable[[Evidence], Finding]
    answers: tuple[str, ...] = ()

    def claim(self, evidence: Evidence) -> Claim:
        """Judge the claim; without its evidence it is not testable here."""
        try:
            found = self.judge(evidence)
        except MissingEvidence as missing:
            found = Finding(Verdict.NOT_TESTABLE, "", str(missing))
        return Claim(
            identifier=self.identifier,
            topic=self.topic,
            statement=self.statement,
            where=self.where,
            how=self.how,
            rule=self.rule,
            measured=found.measured,
            published=found.published,
            verdict=found.verdict,
            reason=found.reason,
            command=self.command,
            answers=self.answers,
        )
