"""Judges of the choice of alpha, on Concrete."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from gar_verify.claims import orders
from gar_verify.claims.evidence import Evidence
from gar_verify.claims.model import Finding
from gar_verify.claims.rules import Figure, found, judge_figures, listed
from gar_verify.studies import published, sensitivity
from gar_verify.studies.catalogue import SENSITIVITIES
from gar_verify.studies.methods import label
from gar_verify.studies.predictions import ROWS

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
    """The released constants first: a claim is judged by them."""
    return {label(gar): curve(evidence, study, metric) for study, gar in SENSITIVITIES.items()}


def figures_of_alpha(evidence: Evidence, metric: str) -> Finding:
    """Whether the test values of GAR are the published ones, alpha by alpha."""
    spread = published.alpha_deviation(metric)
    theirs = {
        alpha: (value, spread.get(alpha, np.nan))
        for alpha, value in published.alpha_sensitivity(metric).items()
    }
    ours, formula = (
        [Figure(f"{gar} at {a:g}", *line, *theirs[a]) for a, line in of.items()]
        for gar, of in _curves(evidence, metric).items()
    )
    top = ours[list(theirs).index(LARGEST)].name
    finding = judge_figures(ours, _said(theirs), top, formula)
    return replace(finding, measured=_all_said(_curves(evidence, metric)))


LARGEST = 10.0
"""The largest alpha of the released analysis, and its best."""


def by_alpha(evidence: Evidence, holds: str) -> Finding:
    """For which alphas one of the `PROPERTIES` holds for the test MAE."""
    curves = _curves(evidence, "MAE")
    (gar, ours), (formula, theirs) = curves.items()

    def at(shift: float, line: Curve = ours) -> Sequence[bool]:
        return PROPERTIES[holds](line, shift)

    return found(
        at,
        "values of alpha",
        _all_said(curves),
        f"{gar}: {_extremes(ours)}; beside it {formula}: {sum(at(0.0, theirs))} of "
        f"{len(at(0.0, theirs))}, {_extremes(theirs)}",
        _published(),
    )


def largest_is_best(evidence: Evidence) -> Finding:
    """Whether the test MAE of the largest alpha is lower than that of every other."""
    ours, formula = (_largest(evidence, study) for study in SENSITIVITIES)
    name = label(list(SENSITIVITIES.values())[1])
    return replace(ours, reason=f"{ours.reason}; beside it {name}: {formula.reason}")


def _largest(evidence: Evidence, study: str) -> Finding:
    results = evidence.summary(study)
    names = [f"{alpha:g}" for alpha in results["alpha"].to_numpy()]
    top = max(names, key=float)
    rows = results.attrs.get(ROWS, {}) | {"lines": names}
    return orders.superior(
        results[["test"]]
        .rename(alpha="method")
        .assign_coords(method=names)
        .assign_attrs({ROWS: rows} if ROWS in results.attrs else {}),
        [top],
        [name for name in names if name != top],
        ["MAE"],
        _all_said(_curves(evidence, "MAE")),
        _published(),
        of="other values of alpha",
        named="alpha {}".format,
    )


def _published() -> str:
    theirs = published.alpha_sensitivity("MAE").items()
    return _said({alpha: (value, np.nan) for alpha, value in theirs})


def _said(line: Curve) -> str:
    return listed((f"{alpha:g}:", *value) for alpha, value in line.items())


def _all_said(curves: dict[str, Curve]) -> str:
    return "; ".join(f"{gar} at {_said(line)}" for gar, line in curves.items())


def _extremes(line: Curve) -> str:
    """Lowest test MAE, and the alphas from `STEADY_FROM` on that are far above it."""
    best = min(line, key=lambda alpha: line[alpha][0])
    steady = (alpha for alpha in line if alpha >= STEADY_FROM)
    above = [f"{alpha:g}" for alpha, near in zip(steady, is_steady(line), strict=True) if not near]
    return f"lowest at {best:g}" + (f", far above it also at {', '.join(above)}" if above else "")


def _lowest(line: Curve) -> float:
    return min(mean for mean, _ in line.values())


def small_hurts(line: Curve, shift: float = 0.0) -> list[bool]:
    """Each of the two smallest alphas: it costs a multiple of the lowest test MAE."""
    smallest = (line[alpha] for alpha in sorted(line)[:2])
    return [bool(mean + shift * std >= MUCH * _lowest(line)) for mean, std in smallest]


def is_steady(line: Curve, shift: float = 0.0) -> list[bool]:
    """Each alpha from `STEADY_FROM` on: it costs no more than a quarter."""
    large = (line[alpha] for alpha in line if alpha >= STEADY_FROM)
    return [bool(mean - shift * std <= LITTLE * _lowest(line)) for mean, std in large]


PROPERTIES: dict[str, Callable[[Curve, float], Sequence[bool]]] = {
    "small_hurts": small_hurts,
    "is_steady": is_steady,
}
"""Of a curve, as the ledger names them."""
