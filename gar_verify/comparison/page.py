"""One HTML page that shows the result of a comparison; it needs no network and no other file."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

from gar_verify.comparison import sentences
from gar_verify.comparison.pictures import CAPTIONS
from gar_verify.comparison.plan import BASELINE
from gar_verify.studies.pages import render

if TYPE_CHECKING:
    from gar_verify.comparison.outcome import Comparison

_METHOD = (
    "Rows are dealt into folds, anew for each seed. For each fold, a small network is trained with "
    "each loss on the other folds; its learning rate, weight decay, length of training and the "
    "loss's own setting are chosen by the mean absolute error on rows held out among those. The "
    "fold itself is seen by nothing before it is scored: missing values, scales and categories are "
    "those of the other folds. “GAR” chooses its alpha like any other setting; the lines with a "
    "fixed alpha show how much that choice matters, and are not tested. Median, mean, ridge and "
    "boosting are tuned and scored on the same splits."
)
_TEST = (
    "Folds share training rows, so the t-test is the corrected resampled one of Nadeau and Bengio. "
    "The adjusted p has Holm's correction over every loss and metric that the sentences speak of; "
    "the first question, GAR against MAE by MAE, has half of the 5 %, the others share the rest. "
    f"The detectable difference is the true difference that this test finds {sentences.OFTEN} of "
    "the time, reckoned from the spread of the differences seen, at the strictest step of the "
    "correction; smaller ones are usually missed."
)


def html(outcome: Comparison, pictures: Mapping[str, Mapping[str, bytes]]) -> str:
    """The page.

    Args:
        outcome: the result of the comparison.
        pictures: for each target, PNG files by stem.
    """
    targets = [
        {
            "name": target,
            "scores": outcome.shown(target),
            "sentence": sentences.verdict(outcome, target),
            "otherwise": sentences.what_would_change_it(outcome, target),
            "pictures": [_picture(*named) for named in pictures[target].items()],
        }
        for target in outcome.targets
    ]
    return render(
        "comparison/page.html.jinja",
        outcome=outcome,
        targets=targets,
        how=[_METHOD, _TEST, *([f"{outcome.layout.words}."] if outcome.layout else [])],
        first_look=f"{sentences.FIRST_LOOK}." if outcome.plan.quick else "",
        question=_question(outcome),
        settings=_settings(outcome),
    )


def _question(outcome: Comparison) -> str:
    """What was asked."""
    losses = [line.label for line in outcome.plan.lines if line.tested and line.key != BASELINE]
    others = f"training with {' or '.join(losses)} in place of MAE" if losses else "training"
    return (
        f"Does {others} predict {' and '.join(outcome.targets)} better, "
        f"for rows that were not learned from? {outcome.title}, {len(outcome.rows):,} rows."
    )


def _picture(stem: str, content: bytes) -> dict[str, str]:
    encoded = base64.b64encode(content).decode("ascii")
    return {"alt": CAPTIONS[stem], "uri": f"data:image/png;base64,{encoded}"}


def _settings(outcome: Comparison) -> dict[str, str]:
    plan, attrs = outcome.plan, outcome.results.attrs
    versions = json.loads(attrs["versions"])
    return {
        "rows": f"{len(outcome.rows):,}",
        "folds and seeds": f"{plan.folds} folds, seeds {', '.join(map(str, plan.seeds))}",
        "hidden units (ELU)": " and ".join(map(str, plan.recipe.hidden)),
        "training": (
            f"Adam, batches of {plan.recipe.batch_size}, at most {plan.recipe.epochs} epochs "
            f"({', '.join(map(str, plan.lengths))} to choose from)"
        ),
        "learning rates": ", ".join(f"{rate:g}" for rate in plan.learning_rates),
        "weight decays": ", ".join(f"{decay:g}" for decay in plan.weight_decays),
        "data": f"SHA-256 {attrs['data']}",
        "fingerprint of settings, data and code": attrs["fingerprints"],
        "versions": ", ".join(f"{name} {version}" for name, version in versions.items()),
    }
