"""All claims in the order of the ledger, found by name and judged."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from pathlib import Path

from gar_verify.claims import (
    ablation,
    alpha,
    peaks,
    released,
    runtime,
    significance,
    synthetic,
    tabular,
    theory,
)
from gar_verify.claims.evidence import Evidence
from gar_verify.claims.model import Claim, Verdict

ENTRIES: tuple[Claim, ...] = (
    *theory.ENTRIES,
    *released.ENTRIES,
    *synthetic.ENTRIES,
    *peaks.ENTRIES,
    *tabular.ENTRIES,
    *significance.ENTRIES,
    *alpha.ENTRIES,
    *ablation.ENTRIES,
    *runtime.ENTRIES,
)
"""Every claim, topic by topic."""


class UnknownClaimError(ValueError):
    """No claim has that identifier; the message lists those that are near."""


def find(name: str | None = None) -> tuple[Claim, ...]:
    """The claims that an identifier, or the beginning of one, stands for; all for None.

    >>> [entry.identifier for entry in find("theorem-3")]
    ['theorem-3', 'theorem-3-direction']

    Raises:
        UnknownClaimError: if there is none.
    """
    if name is None:
        return ENTRIES
    wanted = name.lower().replace("_", "-")
    found = tuple(entry for entry in ENTRIES if entry.identifier.startswith(wanted))
    if not wanted or not found:
        names = [entry.identifier for entry in ENTRIES]
        near = difflib.get_close_matches(wanted, names, n=5, cutoff=0.4)
        near += [one for one in names if wanted and wanted in one and one not in near]
        raise UnknownClaimError(
            f"no claim is called {name!r}; "
            + (f"near: {', '.join(near)}" if near else "gar-verify claims lists all of them")
        )
    return found


def evaluate(
    only: str | None = None, *, folder: Path | None = None, evidence: Evidence | None = None
) -> list[Claim]:
    """Judge the claims, or those that ``only`` names; a few seconds for all of them.

    Args:
        only: an identifier or the beginning of one.
        folder: of the summaries and tables of results; default: `paths.summaries`.
        evidence: takes the place of ``folder``.

    Returns:
        The claims in the order of the ledger.

    Raises:
        UnknownClaimError: if ``only`` names none.
    """
    entries = find(only)
    seen = evidence or Evidence(folder)
    return [entry.judged(seen) for entry in entries]


def counts(claims: Sequence[Claim]) -> dict[str, int]:
    """How many claims have each verdict, the verdicts in their order.

    >>> counts([])["proved"]
    0
    """
    return {str(verdict): sum(c.verdict is verdict for c in claims) for verdict in Verdict}
