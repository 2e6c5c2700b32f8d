"""All claims in the order of the ledger: read from ``ledger.toml``, found by name, judged."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatch
from functools import partial
from itertools import product
from pathlib import Path
from types import ModuleType
from typing import Any

from gar_verify.claims import (
    ablation,
    alpha,
    orders,
    peaks,
    questions,
    released,
    rules,
    runtime,
    significance,
    synthetic,
    tabular,
    theory,
)
from gar_verify.claims.evidence import LEDGER, ROWS, Evidence, toml
from gar_verify.claims.model import Claim, Verdict
from gar_verify.studies import published
from gar_verify.studies.methods import label

TOPICS = (
    ablation,
    alpha,
    peaks,
    questions,
    released,
    runtime,
    significance,
    synthetic,
    tabular,
    theory,
)
JUDGES: dict[str, ModuleType] = {topic.__name__.rpartition(".")[2]: topic for topic in TOPICS}

SUMMARY: list[dict[str, Any]] = toml("summary.toml")["row"]
"""The rows of a published summary of the paper: what each says, part by part, and its claims."""

BEFORE = toml("version_0_1.toml")
"""The verdicts of version 0.1, and why they changed."""

TEXTS = {"topic", "statement", "where", "how", "rule", "command"}
"""Fields of a claim that may name something in braces."""

STATED: Mapping[str, Mapping[str, Any]] = published.published()["summary_claims"]
STATEMENTS: Mapping[str, str] = published.published()["statements"]


def _entries() -> Iterator[Claim]:
    """Every claim of the ledger, topic by topic."""
    for topic in LEDGER["topic"]:
        shared = {key: value for key, value in topic.items() if key not in ("claim", "each")}
        for each, entry in product(topic.get("each", [{}]), topic["claim"]):
            whole = shared | each | entry
            for arguments in whole.pop("each", [{}]):
                yield _claim(whole | arguments)


def _claim(entry: Mapping[str, Any]) -> Claim:
    fields = Claim.__dataclass_fields__
    arguments = {key: value for key, value in entry.items() if key not in fields}
    if (row := ROWS.get(arguments.get("table", ""))) and row.how:
        entry = {**entry, "how": row.how}
    module, _, judge = entry["judge"].partition(".")
    known = vars(rules) | vars(orders) | vars(JUDGES[module]) | arguments | _words(**arguments)
    name = entry["identifier"].format_map(known).lower().replace("_", "-")
    known["identifier"] = name
    answers = tuple(pattern.format_map(known) for pattern in entry.get("answers", ()))
    said = [words for key, words in STATEMENTS.items() if f"statements/{key}" in answers]
    texts = {"statement": "".join(said)} | {key: entry[key] for key in TEXTS & entry.keys()}
    return Claim(
        identifier=name,
        **{key: text.format_map(known) for key, text in texts.items()},
        answers=answers,
        judge=partial(getattr(JUDGES[module], judge), **arguments),
    )


def _words(table: str = "", method: str = "", metric: str = "", **others: Any) -> dict[str, str]:
    """What the texts of a claim may name of its arguments."""
    words: dict[str, str] = {}
    if table:
        words |= {"title": tabular.title(table), "shown": tabular.shown(table)}
    if method:
        words |= {"label": label(method), "claimed": f"{published.relative_time(method):g}"}
    if metric in STATED.get(table, {}):
        words["claimed"] = tabular.claimed(table, metric)
        words["gains"] = tabular.gains_claimed(table, metric)
    return words


ENTRIES = tuple(_entries())
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


def changed(claims: Sequence[Claim]) -> Iterator[tuple[str, str, str]]:
    """Identifier, verdict in version 0.1 and why, of claims whose verdict is another now."""
    before = {name: verdict for verdict, names in BEFORE["verdicts"].items() for name in names}
    for claim in claims:
        was = before.get(claim.identifier, claim.verdict)
        if was != claim.verdict:
            reasons = [
                w for w in BEFORE["why"] if any(fnmatch(claim.identifier, p) for p in w["of"])
            ]
            yield claim.identifier, was, "; ".join(why["text"] for why in reasons)


def counts(claims: Sequence[Claim]) -> dict[str, int]:
    """How many claims have each verdict, the verdicts in their order.

    >>> counts([])["proved"]
    0
    """
    return {str(verdict): sum(c.verdict is verdict for c in claims) for verdict in Verdict}
