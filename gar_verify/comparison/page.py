"""One HTML page that shows the result of a comparison; it needs no network and no other file."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

from gar_verify.comparison.pictures import CAPTIONS
from gar_verify.studies.pages import render

if TYPE_CHECKING:
    from gar_verify.comparison.outcome import Comparison

_METHOD = (
    "Rows are dealt into folds, anew for each seed. For each fold, a small network is trained with "
    "each loss on the other folds; its learning rate, weight decay, length of training and the "
    "loss's own setting are chosen by the mean absolute error on rows held out among those. The "
    "fold itself is seen by nothing before it is scored: missing values, scales and categories are "
    "those of the other folds. “GAR” chooses its alpha like any other setting; the lines with a "
    "fixed alpha show how much that choice matters. Folds share training rows, so the t-test is "
    "the corrected resampled one of Nadeau and Bengio, with Holm's correction for the number of "
    "lines. Rows are taken to be independent of one another; a series in time, or several rows of "
    "one subject, would need another split."
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
            "pictures": [_picture(*named) for named in pictures[target].items()],
        }
        for target in outcome.targets
    ]
    return render(
        "comparison/page.html.jinja",
        outcome=outcome,
        targets=targets,
        how=_METHOD,
        settings=_settings(outcome),
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
