"""One HTML page that says what came of a comparison; it needs no network and no other file."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from html import escape
from typing import TYPE_CHECKING

import pandas as pd

from gar_verify.comparison.pictures import CAPTIONS

if TYPE_CHECKING:
    from gar_verify.comparison.outcome import Comparison

_STYLE = """
body { max-width: 60em; margin: 2em auto; padding: 0 1em; font: 16px/1.5 Georgia, serif;
       background: #fff; color: #111; }
h2 { margin-top: 2em; border-bottom: 1px solid #bbb; }
figure { margin: 1.5em 0; } img { max-width: 100%; height: auto; display: block; }
figcaption { color: #555; font-size: .9em; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-size: .9em; }
td, th { border: 1px solid #bbb; padding: .25em .6em; text-align: right; white-space: nowrap; }
th:first-child, td:first-child { text-align: left; }
.verdict { border-left: 4px solid #D55E00; padding-left: .8em; }
dt { color: #555; } dd { overflow-wrap: anywhere; }
"""

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
        outcome: what came of it.
        pictures: for each target, PNG files by stem.
    """
    return "".join(_page(outcome, pictures))


def _page(outcome: Comparison, pictures: Mapping[str, Mapping[str, bytes]]) -> Iterator[str]:
    title = escape(f"Losses compared on {outcome.title}")
    yield (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{title}</title><style>{_STYLE}</style></head><body>\n<h1>{title}</h1>\n"
    )
    for sentence in outcome.verdict.splitlines():
        yield f'<p class="verdict">{escape(sentence)}</p>\n'
    for target in outcome.targets:
        yield f"<h2>{escape(target)}</h2>\n"
        yield f"<p>Test scores, mean ± standard deviation over {outcome.fits} fits.</p>\n"
        yield f'<div class="wide">{_table(outcome.shown(target))}</div>\n'
        for stem, picture in pictures[target].items():
            yield _figure(picture, CAPTIONS[stem])
    yield f"<h2>How it was done</h2>\n<p>{escape(_METHOD)}</p>\n"
    yield "".join(f"<p>{escape(note)}.</p>\n" for note in outcome.notes)
    yield f"<dl>{''.join(_settings(outcome))}</dl>\n</body></html>\n"


def _table(frame: pd.DataFrame) -> str:
    head = "".join(f"<th>{escape(str(name))}</th>" for name in ["loss", *frame.columns])
    lines = ["".join(f"<td>{escape(str(cell))}</td>" for cell in row) for row in frame.itertuples()]
    return f"<table><tr>{head}</tr>{''.join(f'<tr>{line}</tr>' for line in lines)}</table>"


def _figure(picture: bytes, caption: str) -> str:
    encoded = base64.b64encode(picture).decode()
    return (
        f'<figure><img alt="{escape(caption)}" src="data:image/png;base64,{encoded}">'
        f"<figcaption>{escape(caption)}</figcaption></figure>\n"
    )


def _settings(outcome: Comparison) -> Iterator[str]:
    plan, attrs = outcome.plan, outcome.results.attrs
    versions = json.loads(attrs["versions"])
    lines = {
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
    for name, value in lines.items():
        yield f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>\n"
