"""Judges of the choice of alpha, on Concrete."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from gar_verify.claims.evidence import Evidence
from gar_verify.claims.model import Finding
from gar_verify.claims.rules import Figure, judge_figures, listed, share
from gar_verify.studies import published, sensitivity
from gar_verify.studies.catalogue import SENSITIVITIES
from gar_verify.studies.methods import label

STEADY_FROM = 0.25
"""From this alpha on the published test MAE stays within an eighth of its lowest."""
MUCH, LITTLE = 2.0, 1.25
"""Factors over the lowest test MAE: a multiple, and little more."""

Curve = dict[float, tuple[float, float]]


def curve(evidence: Evidence, study: str, metric: str) -> Curve:
    """Mean and standard deviation of a metric by alpha."""
    summary = sensitivity.summarize(evidence.summary(study)).sel(metric=metric)
    pairs = zip(summary["mean"].to_numpy(), summary["std"].to_numpy(), strict=True)
    return dict(zip(map(float, summary["alpha"].to_numpy()), pairs, strict=True))


def _curves(evidence: Evidence, metric: str) -> dict[str, Curve]:
    return {label(gar): curve(evidence, study, metric) for study, gar in SENSITIVITIES.items()}


def figures_of_alpha(evidence: Evidence, metric: str) -> Finding:
    """Whether the test values of each kind of GAR are the published ones, alpha by alpha."""
    spread = published.alpha_deviation(metric)
    theirs = {
        alpha: (value, spread.get(alpha, np.nan))
        for alpha, value in published.alpha_sensitivity(metric).items()
    }
    curves = _curves(evidence, metric)
    figures = [
        Figure(f"{gar} at {alpha:g}", *ours, *theirs[alpha])
        for gar, line in curves.items()
        for alpha, ours in line.items()
    ]
    return replace(judge_figures(figures, _said(theirs)), measured=_all_said(curves))


def by_alpha(evidence: Evidence, holds: str) -> Finding:
    """Whether one of the `PROPERTIES` holds for the test MAE of each kind of GAR."""
    curves = _curves(evidence, "MAE")
    hits = {gar: PROPERTIES[holds](line) for gar, line in curves.items()}
    answers = (
        f"{gar}: {'holds' if hit else 'does not hold'}{_extremes(curves[gar])}"
        for gar, hit in hits.items()
    )
    theirs = published.alpha_sensitivity("MAE").items()
    return Finding(
        verdict=share(hits.values()),
        measured=_all_said(curves),
        published=_said({alpha: (value, np.nan) for alpha, value in theirs}),
        reason="; ".join(answers),
    )


def _said(line: Curve) -> str:
    return listed((f"{alpha:g}:", *value) for alpha, value in line.items())


def _all_said(curves: dict[str, Curve]) -> str:
    return "; ".join(f"{gar} at {_said(line)}" for gar, line in curves.items())


def _extremes(line: Curve) -> str:
    """Lowest test MAE, and the alphas from `STEADY_FROM` on that are far above it."""
    best = min(line, key=lambda alpha: line[alpha][0])
    above = [f"{alpha:g}" for alpha in line if alpha >= STEADY_FROM and not _near(line, alpha)]
    far = f", far above it also at {', '.join(above)}" if above else ""
    return f" (lowest at {best:g}{far})"


def _lowest(line: Curve) -> float:
    return min(mean for mean, _ in line.values())


def _near(line: Curve, alpha: float) -> bool:
    return line[alpha][0] <= LITTLE * _lowest(line)


def small_hurts(line: Curve) -> bool:
    """Both smallest alphas cost a multiple of the lowest test MAE."""
    return all(line[alpha][0] >= MUCH * _lowest(line) for alpha in sorted(line)[:2])


def is_steady(line: Curve) -> bool:
    """From `STEADY_FROM` on no alpha costs more than a quarter."""
    return all(_near(line, alpha) for alpha in line if alpha >= STEADY_FROM)


def largest_is_best(line: Curve) -> bool:
    """The largest alpha is within one standard deviation of the lowest test MAE."""
    mean, std = line[max(line)]
    return mean - std <= _lowest(line)


PROPERTIES: dict[str, Callable[[Curve], bool]] = {
    "small_hurts": small_hurts,
    "is_steady": is_steady,
    "largest_is_best": largest_is_best,
}
"""Of a curve, as the ledger names them."""
