"""Claims about the parts of GAR: the ablation on Wine Quality."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from gar_verify.claims.evidence import Evidence
from gar_verify.claims.model import Claim, Finding, Verdict
from gar_verify.claims.rules import FIGURES, SHARE, Figure, judge_figures, listed, share
from gar_verify.claims.tabular import is_best, measured
from gar_verify.claims.theory import step_of
from gar_verify.metrics import METRICS
from gar_verify.studies import ablation, published
from gar_verify.studies.methods import label
from gar_verify.studies.selection import summarize

TOPIC = "The parts of GAR"
TRAINED = "the paper's protocol on Wine Quality with the released constants"
LARGE = 2.0
"""A test MAE of that many times the one of training with the MAE alone is large."""


def _figures_of_parts(metric: str) -> Callable[[Evidence], Finding]:
    def judge(evidence: Evidence) -> Finding:
        lines = _parts(evidence, metric)
        figures = [
            Figure(label(name), *line, published.ablation(name, metric))
            for name, line in lines.items()
        ]
        return judge_figures(figures, _published_parts(metric))

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
    worse = {name: lines[name][0] >= LARGE * lines["b"][0] for name in free}
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


def _entries() -> Iterator[Claim]:
    for metric in METRICS:
        yield Claim(
            f"figures-ablation-{metric.lower()}",
            TOPIC,
            f"Wine Quality: test {metric} of every choice of sub-losses",
            "the authors' released analysis; a: Pearson, b: MAE, c: half the error variance",
            TRAINED,
            FIGURES,
            "gar-verify table ablation",
            _figures_of_parts(metric),
            (f"ablation/*/{metric}",),
        )
    for identifier, statement, rule, judge in (
        (
            "ablation-offset",
            "Without the MAE (a, c, a+c) the offset of the predictions is free, hence a large MAE",
            f"the invariance is proved, and each choice has at least {LARGE:g} times the test MAE "
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
        yield Claim(
            identifier,
            TOPIC,
            statement,
            "the authors' released analysis, read off its figures",
            TRAINED,
            rule,
            "gar-verify table ablation",
            judge,
            ("ablation/*/MAE", "ablation/*/RMSE"),
        )


ENTRIES = tuple(_entries())
