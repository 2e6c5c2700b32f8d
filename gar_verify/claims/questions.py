"""Judges of what the paper says of its limits, by the studies of many tables."""

from __future__ import annotations

import pandas as pd

from gar_verify.claims.evidence import Evidence
from gar_verify.claims.model import Finding
from gar_verify.claims.rules import share
from gar_verify.studies.questions import choosing_alpha, choosing_alpha_report
from gar_verify.studies.questions.choosing_alpha import RAW, STANDARDISED
from gar_verify.studies.questions.choosing_alpha_report import DEFAULT, FIXED, SHORT, TUNED

CONDITIONS = (STANDARDISED, RAW)


def alpha_needs_tuning(evidence: Evidence) -> Finding:
    """Whether alpha chosen by validation, of the paper's grid and of all, beats the default."""
    lines = _lines(evidence)
    hits = {
        f"{policy} on {condition} targets": _low(lines[condition], policy) > 0.5
        for condition in CONDITIONS
        for policy in (SHORT, TUNED)
    }
    return Finding(share(hits.values()), _said(lines, (SHORT, TUNED)), _answers(hits))


def default_is_good(evidence: Evidence) -> Finding:
    """Whether no fixed alpha is better than the default: 1, or the best on all other tables."""
    lines = _lines(evidence)
    fixed = (
        choosing_alpha_report.fixed(FIXED[1]),
        choosing_alpha_report.ELSEWHERE,
    )
    hits = {
        f"{policy} on {condition} targets": _low(lines[condition], policy) <= 0.5
        for condition in CONDITIONS
        for policy in fixed
    }
    return Finding(share(hits.values()), _said(lines, fixed), _answers(hits))


def _lines(evidence: Evidence) -> dict[str, pd.DataFrame]:
    summary = evidence.summary(choosing_alpha.NAME)
    return {c: choosing_alpha_report.compared(summary, c, "MAE") for c in CONDITIONS}


def _low(lines: pd.DataFrame, policy: str) -> float:
    """Lower end of the probability that a policy has a lower error than the default."""
    return float(lines["better low"][policy])


def _said(lines: dict[str, pd.DataFrame], policies: tuple[str, ...]) -> str:
    """The probability of a lower error than the default's, with its interval."""
    found = [
        f"{policy} on {condition} targets {line['better']:.2f} ({line['better low']:.2f} to "
        f"{line['better high']:.2f})"
        for condition in CONDITIONS
        for policy in policies
        for line in [lines[condition].loc[policy]]
    ]
    return f"probability of a lower test MAE than with alpha {DEFAULT:g}: {', '.join(found)}"


def _answers(hits: dict[str, bool]) -> str:
    return "; ".join(f"{name}: {'holds' if hit else 'does not hold'}" for name, hit in hits.items())
