"""Claims about alpha, on Concrete, and about the parts of GAR, on Wine Quality."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from gar_verify.claims.evidence import Evidence
from gar_verify.claims.model import Entry, Finding, Verdict
from gar_verify.claims.rules import FIGURES, SHARE, Figure, judge_figures, listed, share
from gar_verify.claims.tabular import is_best, measured
from gar_verify.claims.theory import step_of
from gar_verify.experiments import ablation, published, sensitivity
from gar_verify.experiments.methods import RELEASED, label
from gar_verify.experiments.selection import summarize
from gar_verify.metrics import METRICS

ALPHA, PARTS = "The choice of alpha", "The parts of GAR"
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


def _curves(evidence: Evidence) -> dict[str, Curve]:
    return {label(gar): curve(evidence, study, "MAE") for study, gar in STUDIES.items()}


def _figures_of_alpha(metric: str) -> Callable[[Evidence], Finding]:
    def judge(evidence: Evidence) -> Finding:
        theirs = published.alpha_sensitivity(metric)
        spread = published.alpha_sensitivity("MAE_std") if metric == "MAE" else {}
        figures = [
            Figure(f"{label(gar)} {alpha:g}", *ours, theirs[alpha], spread.get(alpha, np.nan))
            for study, gar in STUDIES.items()
            for alpha, ours in curve(evidence, study, metric).items()
        ]
        found = judge_figures(figures)
        shown = listed((f"{alpha:g}:", v, spread.get(alpha, np.nan)) for alpha, v in theirs.items())
        return Finding(found.verdict, found.measured, found.reason, shown)

    return judge


def _by_alpha(holds: Callable[[Curve], bool], words: str) -> Callable[[Evidence], Finding]:
    """Judge of a property of the curve of test MAE over alpha, for each kind of GAR."""

    def judge(evidence: Evidence) -> Finding:
        curves = _curves(evidence)
        hits = {name: holds(line) for name, line in curves.items()}
        theirs = published.alpha_sensitivity("MAE")
        return Finding(
            verdict=share(hits.values()),
            measured="; ".join(
                f"{name}: " + listed((f"{alpha:g}:", *value) for alpha, value in line.items())
                for name, line in curves.items()
            ),
            published=listed((f"{alpha:g}:", value, np.nan) for alpha, value in theirs.items()),
            reason="; ".join(
                f"{name}: {words} {'holds' if hit else 'does not hold'}" + _peaks(curves[name])
                for name, hit in hits.items()
            ),
        )

    return judge


def _peaks(line: Curve) -> str:
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


def _figures_of_parts(metric: str) -> Callable[[Evidence], Finding]:
    def judge(evidence: Evidence) -> Finding:
        lines = _parts(evidence, metric)
        figures = [
            Figure(label(name), *line, published.ablation(name, metric))
            for name, line in lines.items()
        ]
        return judge_figures(figures)

    return judge


def _parts(evidence: Evidence, metric: str) -> dict[str, tuple[float, float]]:
    """Mean and standard deviation by choice of sub-losses: ``b``, ``a+c``, ``gar``."""
    summary = summarize(evidence.summary("wine_ablation"))
    names = map(str, summary["method"].to_numpy())
    return {name.removeprefix(ablation.PREFIX): measured(summary, name, metric) for name in names}


def _published_parts(metric: str) -> str:
    return listed(
        (label(name), published.ablation(name, metric), np.nan) for name in ablation.SUB_LOSSES
    )


def _offset(evidence: Evidence) -> Finding:
    lines = _parts(evidence, "MAE")
    free = [name for name in lines if name != "gar" and "b" not in name.split("+")]
    result = evidence.proof("regression-moments")
    shifts = step_of(result, "shifts").passed
    worse = {name: lines[name][0] >= MUCH * lines["b"][0] for name in free}
    return Finding(
        verdict=share([shifts, *worse.values()]) if shifts else Verdict.NOT_REPRODUCED,
        measured=listed((label(name), *line) for name, line in lines.items()),
        published=_published_parts("MAE"),
        reason=f"{sum(worse.values())} of {len(free)} choices without the MAE have a multiple of "
        "its test MAE; that their losses do not change when predictions are shifted is "
        f"{'proved' if shifts else 'not proved'}",
    )


def _all_parts(evidence: Evidence) -> Finding:
    hits, said = [], []
    for metric in ("MAE", "RMSE"):
        lines = _parts(evidence, metric)
        others = [mean for name, (mean, _) in lines.items() if name != "gar"]
        hits.append(is_best(lines["gar"][0], others, metric))
        said.append(f"{metric}: " + listed((label(name), *line) for name, line in lines.items()))
    said_of = dict(zip(("MAE", "RMSE"), ("yes" if hit else "no" for hit in hits), strict=True))
    return Finding(
        verdict=share(hits),
        measured="; ".join(said),
        published="; ".join(f"{metric}: {_published_parts(metric)}" for metric in said_of),
        reason="; ".join(f"lowest {metric}: {answer}" for metric, answer in said_of.items())
        + f"; {_logarithm(evidence)}",
    )


def _logarithm(evidence: Evidence) -> str:
    """What training with the log of the MAE alone does, beside training with the MAE."""
    log_mae, _ = _parts(evidence, "MAE")["b"]
    mae, _ = measured(summarize(evidence.summary("wine")), "mae", "MAE")
    return f"the log of the MAE alone (b) reaches {log_mae:.3f}, the MAE itself {mae:.3f}"


def _entries() -> Iterator[Entry]:
    for metric in METRICS:
        yield Entry(
            f"figures-alpha-{metric.lower()}",
            ALPHA,
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
            "The largest alpha, 10, is the best",
            largest_is_best,
            "within one standard deviation of the lowest",
        ),
    ):
        yield Entry(
            identifier,
            ALPHA,
            statement,
            "the authors' released analysis, read off its figures",
            f"{CHOSEN}; {BOTH}",
            f"test MAE {rule}. {SHARE.capitalize()}",
            "gar-verify table sensitivity",
            _by_alpha(holds, "that"),
            ("alpha_sensitivity/MAE",),
        )
    for metric in METRICS:
        yield Entry(
            f"figures-ablation-{metric.lower()}",
            PARTS,
            f"Wine Quality: test {metric} of every choice of sub-losses",
            "the authors' released analysis; a: Pearson, b: MAE, c: half the error variance",
            "the paper's protocol on Wine Quality with the released constants",
            FIGURES,
            "gar-verify table ablation",
            _figures_of_parts(metric),
            (f"ablation/*/{metric}",),
        )
    for identifier, statement, rule, judge in (
        (
            "ablation-offset",
            "Without the MAE (a, c, a+c) the offset of the predictions is free, hence a large MAE",
            f"the invariance is proved, and each choice has at least {MUCH:g} times the test MAE "
            f"of b. {SHARE.capitalize()}",
            _offset,
        ),
        (
            "ablation-all-parts",
            "All three parts together have the lowest test MAE and RMSE of every choice, or equal",
            f"to three decimals, for each of the two metrics. {SHARE.capitalize()}",
            _all_parts,
        ),
    ):
        yield Entry(
            identifier,
            PARTS,
            statement,
            "the authors' released analysis, read off its figures",
            "the paper's protocol on Wine Quality with the released constants",
            rule,
            "gar-verify table ablation",
            judge,
            ("ablation/*/MAE", "ablation/*/RMSE"),
        )


ENTRIES = tuple(_entries())
