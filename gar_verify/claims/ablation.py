"""Judges of the parts of GAR: the ablation on Wine Quality."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from gar_verify.claims import orders
from gar_verify.claims.evidence import Evidence
from gar_verify.claims.model import Finding
from gar_verify.claims.rules import Figure, found, judge_figures, listed, named
from gar_verify.claims.tabular import measured
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
    return judge_figures(figures, _published_parts(metric), label("gar"))


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

    def at(shift: float) -> list[bool]:
        far = (lines[name][0] + shift * lines[name][1] for name in free)
        return [bool(shifts and mean >= LARGE * lines["b"][0]) for mean in far]

    return found(
        at,
        "choices without the MAE",
        listed(named(lines)),
        "that their losses are a variance and a correlation, which no offset changes, is "
        f"{'proved' if shifts else 'not proved'}; a multiple of its test MAE have "
        f"{', '.join(n for n, hit in zip(free, at(0.0), strict=True) if hit) or 'none'}",
        _published_parts("MAE"),
    )


def all_parts(evidence: Evidence) -> Finding:
    """Whether all sub-losses together are better than every choice of them."""
    results = evidence.summary("wine_ablation")
    lines = {metric: _parts(evidence, metric) for metric in ("MAE", "RMSE")}
    others = [ablation.PREFIX + name for name in lines["MAE"] if name != "gar"]
    measured_parts, published_parts = (
        "; ".join(f"{metric}: {text}" for metric, text in texts.items())
        for texts in (
            {metric: listed(named(line)) for metric, line in lines.items()},
            {metric: _published_parts(metric) for metric in lines},
        )
    )
    order = orders.superior(
        results,
        [ablation.PREFIX + "gar"],
        others,
        list(lines),
        measured_parts,
        published_parts,
        of="comparisons with choices",
        named=_short,
    )
    return replace(order, reason=f"{order.reason}; {_logarithm(evidence)}")


def order_preserved(evidence: Evidence) -> Finding:
    """Whether the error variance alone orders better than the MAE alone."""
    variance, mae = (ablation.PREFIX + name for name in ("c", "b"))
    lines = {metric: _parts(evidence, metric) for metric in ("Spearman", "Pearson")}
    return orders.superior(
        evidence.summary("wine_ablation"),
        [variance],
        [mae],
        list(lines),
        "; ".join(
            f"{metric}: {listed(named({n: line[n] for n in ('b', 'c')}))}"
            for metric, line in lines.items()
        ),
        "; ".join(f"{metric}: {_published_parts(metric)}" for metric in lines),
        of="correlations",
        named=_short,
    )


def _short(name: str) -> str:
    return label(name.removeprefix(ablation.PREFIX))


def _logarithm(evidence: Evidence) -> str:
    """What training with the log of the MAE alone does, beside training with the MAE."""
    log_mae, _ = _parts(evidence, "MAE")["b"]
    mae, _ = measured(summarize(evidence.summary("wine")), "mae", "MAE")
    return f"the log of the MAE alone (b) reaches {log_mae:.3f}, the MAE itself {mae:.3f}"
