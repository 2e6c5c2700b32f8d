"""The ledger as a table for a terminal, as data, as Markdown and as one HTML page.

No page holds times or versions: each stays the same, byte for byte, until a verdict or a number
changes.
"""

from __future__ import annotations

import json
import textwrap
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from gar_verify import paths
from gar_verify._files import atomic_write
from gar_verify.claims.catalogue import ENTRIES, SUMMARY, changed, counts
from gar_verify.claims.model import Claim, Verdict
from gar_verify.studies.pages import render

TITLE = "The claims about GAR, and the verdict on each"
INTRODUCTION = (
    "Every claim that can be checked of the paper, of a published summary of it and of the "
    "authors' released analysis. Verdicts are computed: from proofs, from the summaries of full "
    "runs in paper_figures/results, and from what is calculated on the spot, by the rule that "
    "stands beside each. GAR is the paper's formula, GAR (released) the one with the constants of "
    "the released code, half the error variance among them, which the published figures come "
    "from: claims about training are judged by it, and what the formula gives is said beside. A "
    "tie is what cannot be told from chance, neither for a claim nor against it; in part says "
    "how many of how many hold."
)
EVIDENCE = "What each verdict rests on"
WIDTH = 100
RECORD = (
    *("identifier", "topic", "statement", "where", "how", "rule"),
    *("measured", "published", "verdict", "counted", "edge", "reason", "command", "answers"),
)
"""What `records` tells of a claim."""
FIELDS = {
    "where": "Claimed in",
    "how": "Measured how",
    "measured": "Measured",
    "published": "Published",
    "counted": "Counted",
    "edge": "On the edge",
    "reason": "Reason",
    "rule": "Rule",
}


def frame(claims: Sequence[Claim]) -> pd.DataFrame:
    """The ledger as a data frame, a line for each claim by its identifier; verdicts are text."""
    return pd.DataFrame(records(claims)).set_index("identifier")


def records(claims: Sequence[Claim]) -> list[dict[str, Any]]:
    """One record for each claim, ready for JSON."""
    return [{name: _plain(getattr(claim, name)) for name in RECORD} for claim in claims]


def table(claims: Sequence[Claim], width: int = WIDTH) -> str:
    """The ledger for a terminal: verdict, identifier and statement, wrapped; then the counts."""
    first = max(len(claim.verdict) for claim in claims) + 2
    second = max(len(claim.identifier) for claim in claims) + 2
    lines = []
    for topic, group in by_topic(claims):
        lines += ["", topic, "-" * len(topic)]
        for claim in group:
            head = f"{claim.verdict:{first}}{claim.identifier:{second}}"
            lines += textwrap.wrap(
                head + claim.statement,
                max(width, len(head) + 30),
                subsequent_indent=" " * len(head),
                break_on_hyphens=False,
            )
    return "\n".join([*lines[1:], "", *textwrap.wrap(summary(claims), width)])


def summary(claims: Sequence[Claim]) -> str:
    """The verdicts counted, in one sentence."""
    found = ", ".join(f"{number} {verdict}" for verdict, number in counts(claims).items() if number)
    return f"{len(claims)} claims: {found}."


def verdict(claim: Claim) -> str:
    """The verdict; in part with its number."""
    return (
        f"{claim.verdict}: {claim.counted}" if claim.verdict is Verdict.IN_PART else claim.verdict
    )


def appendices(claims: Sequence[Claim]) -> Iterator[tuple[str, tuple[str, ...], list[list[str]]]]:
    """Tables after the ledger: title, head and rows; nothing where only some claims are there."""
    by_name = {claim.identifier: claim for claim in claims}
    if not {entry.identifier for entry in ENTRIES} <= by_name.keys():
        return
    yield (
        "The published summary, row by row",
        ("row", "it says", "claims"),
        [
            [
                row["about"],
                part["says"],
                ", ".join(f"{n}: {by_name[n].verdict}" for n in part["claims"]),
            ]
            for row in SUMMARY
            for part in row["part"]
        ],
    )
    yield (
        "Verdicts that changed since version 0.1",
        ("claim", "was", "is", "why"),
        [[name, was, verdict(by_name[name]), why] for name, was, why in changed(claims)],
    )


def text(claim: Claim, width: int = WIDTH) -> str:
    """Everything about one claim, for a terminal."""
    title = f"{claim.identifier}: {claim.verdict}"
    lines = [title, "=" * len(title), *textwrap.wrap(claim.statement, width), ""]
    for name, value in _fields(claim):
        lines += textwrap.wrap(
            f"{name}: {value}", width, subsequent_indent="  ", break_on_hyphens=False
        )
    return "\n".join([*lines, f"Shown by: {claim.command}"])


def markdown(claims: Sequence[Claim]) -> str:
    """The ledger as Markdown: an overview, then each claim with its evidence."""
    lines = [f"# {TITLE}", "", INTRODUCTION, "", summary(claims)]
    for topic, group in by_topic(claims):
        lines += ["", f"## {topic}", "", "| claim | verdict | statement |", "|---|---|---|"]
        lines += [
            f"| [{c.identifier}](#{c.identifier}) | {verdict(c)} | {_cell(c.statement)} |"
            for c in group
        ]
    for title, head, rows in appendices(claims):
        lines += ["", f"## {title}", "", f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
        lines += [f"| {' | '.join(map(_cell, row))} |" for row in rows]
    lines += ["", f"## {EVIDENCE}"]
    for claim in claims:
        lines += ["", f"### {claim.identifier}", "", f"**{verdict(claim)}**: {claim.statement}"]
        lines += ["", *(f"- {name}: {value}" for name, value in _fields(claim))]
        lines += [f"- Shown by: `{claim.command}`"]
    return "\n".join(lines) + "\n"


def html(claims: Sequence[Claim]) -> str:
    """The ledger as one HTML file that needs no network and fits a phone."""
    return render(
        "claims/page.html.jinja",
        title=TITLE,
        introduction=INTRODUCTION,
        summary=summary(claims),
        topics=list(by_topic(claims)),
        evidence=EVIDENCE,
        appendices=list(appendices(claims)),
        sections=[(claim, list(_fields(claim))) for claim in claims],
    )


def write(claims: Sequence[Claim], folder: Path | None = None) -> list[Path]:
    """Write ``claims.md``, ``claims.html`` and ``claims.json`` atomically.

    Args:
        claims: from `evaluate`.
        folder: where to; default: `paths.figures`.

    Returns:
        The three paths.
    """
    target = folder or paths.figures()
    pages: dict[str, Callable[[Sequence[Claim]], str]] = {
        "claims.md": markdown,
        "claims.html": html,
        "claims.json": as_json,
    }
    return [atomic_write(target / name, page(claims)) for name, page in pages.items()]


def as_json(claims: Sequence[Claim]) -> str:
    """The records as text."""
    return json.dumps(records(claims), indent=1, ensure_ascii=False) + "\n"


def _fields(claim: Claim) -> Iterator[tuple[str, str]]:
    for field, name in FIELDS.items():
        value = getattr(claim, field)
        if value:
            yield name, value


def by_topic(claims: Sequence[Claim]) -> Iterator[tuple[str, list[Claim]]]:
    """The claims of each topic, in order of appearance."""
    for topic in dict.fromkeys(claim.topic for claim in claims):
        yield topic, [claim for claim in claims if claim.topic == topic]


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else str(value)


def _cell(words: str) -> str:
    return words.replace("|", "\\|")
