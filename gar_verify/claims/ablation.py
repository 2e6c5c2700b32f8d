"""Judges of the parts of GAR: the ablation on Wine Quality."""

from __future__ import annotations

import numpy as np

from gar_verify.claims.evidence import Evidence
from gar_verify.claims.model import Finding, Verdict
from gar_verify.claims.rules import Figure, judge_figures, listed, named, share
from gar_verify.claims.tabular import is_best, measured
from gar_verify.claims.theory import claim_of
from gar_verify.studies import ablation, published
from gar_verify.studies.methods import label
from gar_verify.studies.selection import summarize

LARGE = 2.0
"""A test MAE of that many times the one of training with the MAE alone is large."""


def figures_of_parts(evidence: Evidence, metric: str) -> Finding:
    """Whether the test values of every choice of sub-losses are the published ones."""
    figures = [
        Figure(label(name), *line, published.ablation(name, metric))
        for name, line in _parts(evidence, metric).items()
    ]
    return judge_figures(figures, _published_parts(metric))


def _parts(evidence: Evidence, metric: str) -> dict[str, tuple[float, float]]:
    """Mean and standard deviation by choice of sub-losses: ``b``, ``a+c``, ``gar``."""
    summary = summarize(evidence.summary("wine_ablation"))
    names = map(str, summary["method"].to_numpy())
    return {name.removeprefix(ablation.PREFIX): measured(summary, name, metric) for name in names}


def _published_parts(metric: str) -> str:
    return listed(
        (label(name), published.ablation(name, metric), np.nan) for name in ablation.SUB_LOSSES
    )


def offset(evidence: Evidence) -> Finding:
    """Whether choices without the MAE leave the offset of the predictions free."""
    lines = _parts(evidence, "MAE")
    free = [name for name in lines if name != "gar" and "b" not in name.split("+")]
    result = evidence.proof("regression-moments")
    for name in ("Var(d)", "correlation"):
        claim_of(result, name)
    shifts = result.proved
    worse = {name: lines[name][0] >= LARGE * lines["b"][0] for name in free}
    return Finding(
        verdict=share([shifts, *worse.values()]) if shifts else Verdict.NOT_REPRODUCED,
        measured=listed(named(lines)),
        published=_published_parts("MAE"),
        reason=f"{sum(worse.values())} of {len(free)} choices without the MAE have a multiple of "
        "its test MAE; that their losses are a variance and a correlation, which no offset "
        f"changes, is {'proved' if shifts else 'not proved'}",
    )


def all_parts(evidence: Evidence) -> Finding:
    """Whether no choice of sub-losses is better than all of them."""
    lines = {metric: _parts(evidence, metric) for metric in ("MAE", "RMSE")}
    best = {}
    for metric, of_metric in lines.items():
        others = [mean for name, (mean, _) in of_metric.items() if name != "gar"]
        best[metric] = is_best(of_metric["gar"][0], others, metric)
    answers = [f"lowest {metric}: {'yes' if hit else 'no'}" for metric, hit in best.items()]
    return Finding(
        verdict=share(best.values()),
        measured="; ".join(f"{metric}: {listed(named(line))}" for metric, line in lines.items()),
        published="; ".join(f"{metric}: {_published_parts(metric)}" for metric in lines),
        reason="; ".join([*answers, _logarithm(evidence)]),
    )


def _logarithm(evidence: Evidence) -> str:
    """What training with the log of the MAE alone does, beside training with the MAE."""
    log_mae, _ = _parts(evidence, "MAE")["b"]
    mae, _ = measured(summarize(evidence.summary("wine")), "mae", "MAE")
    return f"the log of the MAE alone (b) reaches {log_mae:.3f}, the MAE itself {mae:.3f}"
