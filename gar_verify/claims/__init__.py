"""The ledger of claims: what the paper says, what was measured, and what follows from it.

    >>> from gar_verify import claims
    >>> [claim.verdict.value for claim in claims.evaluate(only="motivating-example")]
    ['proved']

A claim is data; its verdict is computed from the proofs, from the summaries of full runs and from
what is calculated on the spot, by the rule that stands beside it in words.
"""

from gar_verify.claims.catalogue import ENTRIES, UnknownClaimError, counts, evaluate, find
from gar_verify.claims.evidence import Evidence, MissingEvidence
from gar_verify.claims.model import Claim, Finding, Verdict
from gar_verify.claims.pages import (
    as_json,
    by_topic,
    frame,
    html,
    markdown,
    records,
    table,
    text,
    write,
)

__all__ = [
    "Claim",
    "evaluate",
    "frame",
    "counts",
    "write",
    "find",
    "Verdict",
    "Evidence",
    "Finding",
    "ENTRIES",
    "table",
    "text",
    "markdown",
    "html",
    "records",
    "as_json",
    "by_topic",
    "MissingEvidence",
    "UnknownClaimError",
]
