"""Judges of what the paper says of its limits, by the studies of many tables.

A probability of improvement is told from chance where its 95 % interval leaves out one half.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pandas as pd
from scipy import stats

from gar_verify.claims import orders
from gar_verify.claims.evidence import Evidence
from gar_verify.claims.model import Finding, Verdict
from gar_verify.claims.rules import Rule, found, listed, share, unbeaten
from gar_verify.claims.tabular import measured
from gar_verify.losses.registry import LOSSES, get_spec
from gar_verify.studies.images import digits, digits_report
from gar_verify.studies.questions import (
    aggregate,
    choosing_alpha,
    choosing_alpha_report,
    dirty_data,
    not_smooth,
    several_targets,
    several_targets_report,
)
from gar_verify.studies.questions.choosing_alpha import ALPHAS, RAW, STANDARDISED
from gar_verify.studies.questions.choosing_alpha_report import DEFAULT, FIXED, SHORT, TUNED
from gar_verify.studies.selection import summarize
from gar_verify.studies.statistics import LEVEL

CONDITIONS = (STANDARDISED, RAW)
INTERVAL = (
    f"the {1 - LEVEL:.0%} interval of the probability of a lower test error lies on one side of "
    "one half"
).replace("%", " %")

Line = Mapping[Any, Any]
"""Of a comparison: ``better``, the probability of a lower error, and the ends of its interval."""


def hit(line: Line, shift: float = 0.0) -> int:
    """1 where it is better by more than chance, -1 where it is worse, 0 where neither is told."""
    low, high = line["better low"], line["better high"]
    move = shift * (high - low) / (2 * stats.norm.ppf(1 - LEVEL / 2))
    return 1 if low + move > 0.5 else -1 if high + move < 0.5 else 0


def _judged(
    lines: Mapping[str, Line],
    about: str,
    of: str,
    *,
    sign: int = 1,
    rule: Rule = share,
) -> Finding:
    """What a rule makes of comparisons; sign -1: of being worse."""
    words = {1: "better", 0: "not told from chance", -1: "worse"}
    return found(
        lambda shift: [sign * hit(line, sign * shift) for line in lines.values()],
        of,
        f"{about}: "
        + ", ".join(
            f"{name} {line['better']:.2f} ({line['better low']:.2f} to {line['better high']:.2f})"
            for name, line in lines.items()
        ),
        "; ".join(f"{name}: {words[hit(line)]}" for name, line in lines.items()),
        rule=rule,
    )


def _policies(evidence: Evidence, *policies: str) -> dict[str, Line]:
    """Ways to choose alpha against the default, on standardised and on raw targets."""
    summary = evidence.summary(choosing_alpha.NAME)
    lines = {c: choosing_alpha_report.compared(summary, c, "MAE") for c in CONDITIONS}
    return {
        f"{p} on {c} targets": lines[c].to_dict("index")[p] for c in CONDITIONS for p in policies
    }


AGAINST_DEFAULT = f"probability of a lower test MAE than with alpha {DEFAULT:g}"


def alpha_needs_tuning(evidence: Evidence) -> Finding:
    """Whether alpha chosen by validation, of the paper's grid and of all, beats the default."""
    return _judged(_policies(evidence, SHORT, TUNED), AGAINST_DEFAULT, "comparisons")


def default_is_good(evidence: Evidence) -> Finding:
    """Whether no fixed alpha is better than the default: 1, or the best on all other tables."""
    policies = choosing_alpha_report.fixed(FIXED[1]), choosing_alpha_report.ELSEWHERE
    lines = _policies(evidence, *policies)
    return _judged(lines, AGAINST_DEFAULT, "comparisons", sign=-1, rule=unbeaten)


def averages_have_drawbacks(evidence: Evidence) -> Finding:
    """Whether the default is better than the arithmetic mean and than nearly the geometric one."""
    summary = evidence.summary(choosing_alpha.NAME)
    means = {"the arithmetic mean": 1.0, "nearly the geometric mean": max(ALPHAS)}
    lines: dict[str, Line] = {}
    for condition in CONDITIONS:
        scores = choosing_alpha_report.errors(summary, condition, "MAE")
        for name, alpha in means.items():
            at = choosing_alpha.at(alpha)
            line = aggregate.compare(scores, choosing_alpha.at(DEFAULT))
            key = f"{name} (alpha {alpha:g}) on {condition} targets"
            lines[key] = line.to_dict("index")[at]
    return _judged(lines, AGAINST_DEFAULT, "comparisons", sign=-1)


AGAINST_MAE = "probability that GAR has a lower test error than training with the MAE"


def dirty_data_are_a_limit(evidence: Evidence) -> Finding:
    """Whether GAR is worse than the MAE loss with spoiled labels, and not with clean ones."""
    summary = evidence.summary(dirty_data.NAME)
    errors = summary["test"].sel({"metric": "MAE", "method": ["gar", dirty_data.BASELINE]})
    lines = {
        str(c): _gar(aggregate.compare(errors.sel(condition=c), dirty_data.BASELINE))
        for c in summary["condition"].to_numpy()
    }
    return _a_limit(lines, dirty_data.CLEAN, "kinds of spoiled labels")


def rough_targets_are_a_limit(evidence: Evidence) -> Finding:
    """Whether GAR is worse than the MAE loss where Theorem 4 does not hold, and not on a sine."""
    summary = evidence.summary(not_smooth.NAME)
    kinds: dict[str, list[str]] = {}
    for name in map(str, summary["table"].to_numpy()):
        kinds.setdefault(not_smooth.kind_of(name), []).append(name)
    lines = {
        kind: _gar(not_smooth.compare(summary, names))
        for kind, names in kinds.items()
        if kind != MANY
    }
    return _a_limit(lines, SMOOTH, "kinds of targets")


SMOOTH, MANY = "sine", "many values"
"""The smooth curves, and tables of which nobody knows whether they are smooth."""


def several_targets_are_a_limit(evidence: Evidence) -> Finding:
    """Whether GAR of several targets jointly is worse than the MAE loss, by each score."""
    summary = evidence.summary(several_targets.NAME)
    lines = {
        score: several_targets_report.against(summary, score, "gar", "mae")
        for score in several_targets.SCORES
    }
    return _judged(lines, AGAINST_MAE, "scores", sign=-1)


def _gar(compared: pd.DataFrame) -> Line:
    line: Line = compared.to_dict("index")["gar"]
    return line


def _a_limit(lines: dict[str, Line], plain: str, of: str) -> Finding:
    """GAR is worse by more than chance in these cases, and not in the plain one."""
    good = lines.pop(plain)
    limits = _judged(lines, AGAINST_MAE, of, sign=-1, rule=share if hit(good) >= 0 else _none)
    words = {1: "better", 0: "not told from chance", -1: "worse"}
    reason = f"{plain}: {words[hit(good)]}; {limits.reason}"
    return replace(limits, reason=reason)


def _none(hits: object) -> Verdict:
    return share([False])


def features_of_pairs(evidence: Evidence) -> Finding:
    """Whether the features of RnC alone, probed linearly, serve better than without pairs."""
    results = evidence.summary(digits.NAME)
    trained = (name for name in map(str, results["method"].to_numpy()) if name in LOSSES)
    others = [name for name in trained if not get_spec(name).needs_features]
    names = [digits.PROBE, *others]
    probe = summarize(results[["probe"]].rename(probe="test"))
    lines = {name: measured(probe, name, "MAE") for name in names}
    return orders.superior(
        results,
        [digits.PROBE],
        others,
        ["MAE"],
        "test MAE of a linear probe: "
        + listed((digits_report.label(name), *line) for name, line in lines.items()),
        of="comparisons",
        part="probe",
        named=digits_report.label,
    )
