"""Claims about the choice of alpha, on Concrete."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np

from gar_verify.claims.evidence import Evidence
from gar_verify.claims.model import Claim, Finding
from gar_verify.claims.rules import FIGURES, SHARE, Figure, judge_figures, listed, share
from gar_verify.metrics import METRICS
from gar_verify.studies import published, sensitivity
from gar_verify.studies.methods import RELEASED, label

TOPIC = "The choice of alpha"
STUDIES = {"sensitivity": RELEASED, "sensitivity_paper": "gar"}
"""The summaries over alpha, and the kind of GAR that each is of."""
BOTH = "by each kind of GAR, the released constants and the paper's formula"
CHOSEN = "the paper's protocol on Concrete, the selection made for each alpha by itself"
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
    return {label(gar): curve(evidence, study, metric) for study, gar in STUDIES.items()}


def _figures_of_alpha(metric: str) -> Callable[[Evidence], Finding]:
    def judge(evidence: Evidence) -> Finding:
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

    return judge


def _by_alpha(holds: Callable[[Curve], bool]) -> Callable[[Evidence], Finding]:
    """Judge of a property of the curve of test MAE over alpha, for each kind of GAR."""

    def judge(evidence: Evidence) -> Finding:
        curves = _curves(evidence, "MAE")
        hits = {gar: holds(line) for gar, line in curves.items()}
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

    return judge


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


def _entries() -> Iterator[Claim]:
    for metric in METRICS:
        yield Claim(
            f"figures-alpha-{metric.lower()}",
            TOPIC,
            f"Concrete: test {metric} at thirteen values of alpha",
            "the authors' released analysis",
            f"{CHOSEN}; {BOTH}",
            FIGURES,
            "gar-verify table sensitivity",
            _figures_of_alpha(metric),
            tuple(f"alpha_sensitivity/{of}" for of in ("alpha", metric, f"{metric}_std")),
        )
    for identifier, statement, holds, rule in (
        (
            "alpha-small",
            "Small alpha (0.1 and 0.2) costs a multiple of the best test MAE",
            small_hurts,
            f"at least {MUCH:g} times the lowest at both",
        ),
        (
            "alpha-steady",
            "From alpha = 0.25 on the test MAE hardly depends on alpha",
            is_steady,
            f"at most {LITTLE:g} times the lowest at every alpha from {STEADY_FROM:g} on",
        ),
        (
            "alpha-large",
            "The largest alpha, 10, is the best, or within one deviation of the best",
            largest_is_best,
            "within one standard deviation of the lowest",
        ),
    ):
        yield Claim(
            identifier,
            TOPIC,
            statement,
            "the authors' released analysis, read off its figures",
            f"{CHOSEN}; {BOTH}",
            f"test MAE {rule}. {SHARE.capitalize()}",
            "gar-verify table sensitivity",
            _by_alpha(holds),
            ("alpha_sensitivity/MAE",),
        )


ENTRIES = tuple(_entries())
