"""Where GAR stands: on each data set its test MAE, published and measured, beside the best other.

One line for each study of many losses and each reading of its learning rates. The best other loss
is the one with the lowest mean of those that were trained: chosen after the fact, in its favour.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from gar_verify import paths
from gar_verify._files import atomic_write
from gar_verify.claims import orders
from gar_verify.claims.evidence import Evidence, MissingEvidence
from gar_verify.claims.tabular import BASELINES
from gar_verify.data.synthetic import CURVES
from gar_verify.metrics import METRICS
from gar_verify.studies import catalogue, figures, published, tables
from gar_verify.studies.methods import GARS, LARGE_RATES, RELEASED, SYNTHETIC, label

STEM = "overview"
METRIC = "MAE"
FURTHER = tuple(name for name in METRICS if name != METRIC)
OTHERS = tuple(dict.fromkeys((*BASELINES, *(name for name in SYNTHETIC if name not in GARS))))
"""Losses that GAR is compared with."""
VERDICTS = {1: "lower", 0: "tie", -1: "higher"}
"""GAR's error is lower, or higher, than that of the best other by more than chance."""

HOW_TO_READ = (
    "Mean test MAE. Published are the paper's figures, which come from the released constants. The "
    "best other loss is chosen after the fact, in its favour. An interval is that of one "
    "difference at 95 %; the verdict takes into account that GAR was compared with every other "
    "loss of the data set. Tie: not to be told from chance."
)


def frame(evidence: Evidence | None = None) -> pd.DataFrame:
    """Every kind of GAR on every data set of many losses.

    Args:
        evidence: where the summaries are; default: those of the package.

    Returns:
        By (data set, constants): ``study``, ``unit``, ``published`` and ``measured`` mean test
        MAE, ``other`` and ``other measured``, the best other loss and its; ``difference``, how much
        lower the error of GAR is in per cent of that, with the 95 % interval ``low`` to ``high``;
        ``p holm``, corrected over all other losses of the study; ``verdict``, one of `VERDICTS` by
        it; and for each other metric 1, 0 or -1: better than the best other by that metric by more
        than chance, neither, or worse.
    """
    evidence = evidence or Evidence()
    lines = [line for study in studies() for line in _lines(study, evidence)]
    return pd.DataFrame(lines).set_index(["data set", "constants"])


def studies() -> list[str]:
    """The studies that compare many losses, as far as they are reported."""
    apart = (*catalogue.ONE_TABLE, *catalogue.QUESTIONS)
    known = [name for name in catalogue.in_report() if name not in apart]
    return sorted(known, key=lambda name: known.index(catalogue.data_of(name)))


def _lines(study: str, evidence: Evidence) -> Iterator[dict[str, object]]:
    try:
        results = evidence.summary(study)
    except MissingEvidence:
        return
    others = [name for name in OTHERS if name in results["method"]]
    title = catalogue.title(study)
    unit = str(results.attrs.get("unit", "")).partition(",")[0]
    for suffix, kinds in (("", GARS), (", larger rates", LARGE_RATES)):
        for constants, name in zip(("formula", "released"), kinds, strict=True):
            if name in results["method"] and others:
                about = {"data set": title + suffix, "constants": constants, "study": study}
                yield {**about, "unit": unit, **_line(study, results, name, others)}


def _line(study: str, results: xr.Dataset, name: str, others: list[str]) -> dict[str, object]:
    test = results["test"].sel(metric=METRIC, drop=True)
    means = test.mean([dim for dim in test.dims if dim != "method"]).to_series()
    best, line = _closest(results, name, others, METRIC)
    share = {key: 100 * line[key] / means[best] for key in ("difference", "low", "high")}
    theirs = published.tabular(study, RELEASED, METRIC)[0]
    if study in CURVES:
        theirs = float(np.mean(published.synthetic_runs(study, RELEASED)))
    return {
        "published": theirs,
        "measured": means[name],
        "other": label(best),
        "other measured": means[best],
        **share,
        "p holm": line["p holm"],
        "verdict": VERDICTS[line["hit"]],
        **{metric: _closest(results, name, others, metric)[1]["hit"] for metric in FURTHER},
    }


def _closest(
    results: xr.Dataset, name: str, others: list[str], metric: str
) -> tuple[str, pd.Series]:
    """The best other loss by a metric, and the line of `orders.against` it."""
    lines = orders.against(results, name, others, [metric]).xs(metric)
    best = str(lines["difference"].idxmin())
    return best, pd.Series(lines.loc[best])


def compact(lines: pd.DataFrame) -> pd.DataFrame:
    """`frame` as it is printed: one line for each data set, texts."""
    rows = {}
    for name, of_one in lines.groupby(level="data set", sort=False):
        kinds = of_one.droplevel("data set")
        first = kinds.iloc[0]
        unit = f" ({first['unit']})" if first["unit"] else ""
        rows[f"{name}{unit}"] = {
            **{f"{kind} lower by, %": _interval(kinds, kind) for kind in ("released", "formula")},
            "best other": f"{first['other']} {_number(first['other measured'])}",
            "released": _of(kinds, "released", "measured"),
            "formula": _of(kinds, "formula", "measured"),
            "published": _number(first["published"]),
        }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("data set")


def _of(kinds: pd.DataFrame, kind: str, column: str) -> str:
    return _number(kinds[column][kind]) if kind in kinds.index else ""


def _number(value: float) -> str:
    return "" if np.isnan(value) else f"{value:.3f}"


def _interval(kinds: pd.DataFrame, kind: str) -> str:
    if kind not in kinds.index:
        return ""
    line = kinds.loc[kind]
    low, middle, high = (f"{line[key]:.1f}" for key in ("low", "difference", "high"))
    return f"{middle} ({low} to {high}): {line['verdict']}"


def sentence(lines: pd.DataFrame) -> str:
    """What all data sets together say."""
    said = []
    for kind, words in (("released", "with the released constants"), ("formula", "by the formula")):
        of_kind = lines.xs(kind, level="constants")
        counts = {word: int((of_kind["verdict"] == word).sum()) for word in VERDICTS.values()}
        said.append(
            f"{words} GAR's test MAE is lower than that of the best other loss by more than "
            f"chance in {counts['lower']} of {len(of_kind)} comparisons, higher in "
            f"{counts['higher']}, and not to be told from it in {counts['tie']}"
        )
    text = "; ".join(said)
    return text[0].upper() + text[1:] + "."


def further(lines: pd.DataFrame) -> str:
    """The same of the other metrics, with the released constants."""
    released = lines.xs("released", level="constants")
    said = [
        f"by {metric} it is better in {(released[metric] > 0).sum()}, worse in "
        f"{(released[metric] < 0).sum()}"
        for metric in FURTHER
    ]
    return (
        f"In the same {len(released)} comparisons with the released constants, "
        f"{'; '.join(said)}, each against the loss that is best by that metric."
    )


def markdown(lines: pd.DataFrame) -> str:
    """The table with what it says, and how to read it."""
    return (
        f"{sentence(lines)} {further(lines)}\n\n{tables.markdown(compact(lines))}\n{HOW_TO_READ}\n"
    )


def write(lines: pd.DataFrame, folder: Path | None = None) -> list[Path]:
    """Write ``overview.csv``, ``.md``, ``.png`` and ``.pdf`` atomically.

    Args:
        lines: from `frame`.
        folder: where to; default: `paths.figures`.

    Returns:
        The four paths.
    """
    target = folder or paths.figures()
    text = lines.to_csv(float_format="%.6g", lineterminator="\n")
    return [
        atomic_write(target / f"{STEM}.csv", text),
        atomic_write(target / f"{STEM}.md", markdown(lines)),
        *figures.save(figures.overview_figure(lines), STEM, folder),
    ]
