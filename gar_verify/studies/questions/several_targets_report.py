"""What the study of several targets shows: its tables, and in a few sentences what follows.

Ways are compared on the same rows, over tables and seeds (`aggregate`). Whether joint GAR gains
where targets are correlated is a rank correlation over tables, and eight tables leave it wide.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from itertools import permutations
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray
from scipy import stats

from gar_verify.studies import methods, tables
from gar_verify.studies.methods import PER_TARGET
from gar_verify.studies.questions import aggregate
from gar_verify.studies.questions.several_targets import (
    ARRMSE,
    CORRELATIONS,
    GAR_OWN,
    LEAST_IN_ROW,
    MAE_OWN,
    NAME,
    ROW,
    SCORES,
)
from gar_verify.studies.statistics import LEVEL

Line = dict[str, float]
"""What is known of one method against another."""

LABELS = {
    "gar": "GAR (joint)",
    PER_TARGET: "GAR (per target)",
    GAR_OWN: "GAR (own networks)",
    MAE_OWN: "MAE (own networks)",
    ROW: "GAR (across the row)",
}

COMPARED = (
    (PER_TARGET, "gar"),
    (GAR_OWN, "gar"),
    (GAR_OWN, PER_TARGET),
    (MAE_OWN, "mae"),
    (ROW, "gar"),
    ("gar", "mae"),
)
"""What the sentence is about: each against the other."""
JUDGED = (ARRMSE, "Pearson")
"""By which scores."""

LEAST_TABLES = 5
"""For a word on chance: the intervals resample the tables."""
CERTAIN = 1 - 1e-9
"""A rank correlation that counts for one of 1, whose interval would have no width."""


def label(name: str) -> str:
    """The name of a method in table and figure."""
    return LABELS.get(name, methods.label(name))


def about(results: xr.Dataset) -> pd.DataFrame:
    """Rows, features, targets and correlation of the targets of each table."""
    frame = pd.DataFrame.from_dict(json.loads(results.attrs["tables"]), orient="index")
    return frame.rename_axis("table")


def lower_is_better(results: xr.Dataset, score: str, *names: str) -> xr.DataArray:
    """A score of some methods, (table, seed, method), on the tables that all are trained on.

    Errors are as they are, a correlation is 1 less itself. Constant predictions have none: it
    counts as 0.
    """
    values = results["test"].sel(metric=score, drop=True).isel(condition=0, drop=True)
    values = values.sel({"method": list(names)}).transpose("table", "seed", "method")
    if ROW in names:
        targets = about(results)["targets"]
        values = values.sel(table=list(targets.index[targets >= LEAST_IN_ROW]))
    return 1 - values.fillna(0) if score in CORRELATIONS else values


def against(results: xr.Dataset, score: str, method: str, baseline: str) -> Line:
    """A method against another: its line of `aggregate.compare`, with ``of``, how many tables.

    Empty where one of the two is missing, or no table has both.
    """
    if not {method, baseline} <= set(results["method"].to_numpy().tolist()):
        return {}
    scores = lower_is_better(results, score, *dict.fromkeys((baseline, method)))
    if not scores.sizes["table"]:
        return {}
    line = aggregate.compare(scores, baseline).loc[method]
    return {**dict(zip(map(str, line.index), line, strict=True)), "of": scores.sizes["table"]}


def table(results: xr.Dataset) -> pd.DataFrame:
    """Test scores of every method over the tables, each against the MAE and against joint GAR.

    Args:
        results: from `run`, or its summary.

    Returns:
        Lines by (score, method): ``measured``, the mean over the tables that the method is trained
        on; the ``ratio`` to the MAE (of 1 less a correlation) as an interquartile mean over tables
        and seeds, ``better``, the probability of being better than joint GAR on the same rows, both
        with the ends of 95 % intervals over tables and seeds; on how many ``tables`` it is better,
        ``of`` how many.
    """
    names = [str(name) for name in results["method"].to_numpy()]
    lines = {}
    for score in SCORES:
        for name in names:
            measured = lower_is_better(results, score, name).mean()
            lines[score, label(name)] = {
                "measured": float(1 - measured if score in CORRELATIONS else measured),
                **_chosen(against(results, score, name, "mae"), "ratio", "to MAE"),
                **_chosen(against(results, score, name, "gar"), "better", "than joint GAR"),
            }
    index = pd.MultiIndex.from_tuples(lines, names=["score", "method"])
    return pd.DataFrame(list(lines.values()), index)


def _chosen(line: Line, key: str, of: str) -> Line:
    """One quantity of a comparison with its interval; of the probability the tables as well."""
    if not line:
        return {}
    found = {f"{key} {of}": line[key], f"{key} low": line[f"{key} low"]}
    found[f"{key} high"] = line[f"{key} high"]
    return found | (
        {"tables": int(line["tables"]), "of": int(line["of"])} if key == "better" else {}
    )


def by_table(results: xr.Dataset) -> pd.DataFrame:
    """Mean aRRMSE of each method on each table over the seeds; most correlated targets first.

    Returns:
        ``targets`` and ``correlation`` of each table, and a column for each method.
    """
    scores = results["test"].sel(metric=ARRMSE, drop=True).isel(condition=0, drop=True)
    frame = scores.mean("seed").to_series().unstack("method")[list(scores["method"].to_numpy())]
    whole = about(results)[["targets", "correlation"]].join(frame.rename(columns=label))
    return whole.sort_values("correlation", ascending=False)


def save_by_table(results: xr.Dataset, shown: xr.Dataset, folder: Path | None) -> list[Path]:
    """Write the table by table."""
    return tables.save(by_table(shown), f"{NAME}_by_table", folder)


def gains(results: xr.Dataset, score: str, method: str) -> pd.Series:
    """By how much joint GAR is better than a method on each table: the mean log ratio of errors."""
    scores = lower_is_better(results, score, "gar", method)
    ratio = scores.sel({"method": method}) / scores.sel({"method": "gar"})
    found: pd.Series = ratio.to_series().map(np.log).groupby("table", sort=False).mean()
    return found


def with_correlation(results: xr.Dataset, score: str, method: str) -> dict[str, float]:
    """Rank correlation, over tables, of the gain of joint GAR and how correlated the targets are.

    Returns:
        ``rank``, Spearman's; ``low`` and ``high``, its 95 % interval by Fisher's transformation
        with the variance of Bonett and Wright; ``p`` of all permutations of the tables.
    """
    gain = gains(results, score, method)
    correlations = about(results)["correlation"].loc[gain.index]
    return rank_correlation(gain.to_numpy(), correlations.to_numpy())


def rank_correlation(one: NDArray[np.float64], other: NDArray[np.float64]) -> dict[str, float]:
    """Spearman's correlation of at most 8 pairs, its interval, and its exact two-sided p.

    Source: Bonett and Wright, "Sample size requirements for estimating Pearson, Kendall and
    Spearman correlations", Psychometrika 65 (2000).

    >>> found = rank_correlation(np.array([1.0, 2, 3, 4, 5]), np.array([1.0, 2, 3, 5, 4]))
    >>> {key: round(value, 3) for key, value in found.items()}
    {'rank': 0.9, 'low': -0.169, 'high': 0.996, 'p': 0.083}
    """
    ranks = np.array([stats.rankdata(values) for values in (one, other)])
    x, y = ((values - values.mean()) / values.std() for values in ranks)
    rank = float((x * y).mean())
    shuffled = (x * y[np.array(list(permutations(range(len(y)))))]).mean(1)
    width = stats.norm.ppf(1 - LEVEL / 2) * np.sqrt((1 + rank**2 / 2) / (len(x) - 3))
    middle = np.arctanh(np.clip(rank, -CERTAIN, CERTAIN))
    low, high = np.tanh([middle - width, middle + width])
    p = (np.abs(shuffled) >= abs(rank) - 1e-12).mean()
    return {"rank": rank, "low": float(low), "high": float(high), "p": float(p)}


def sentence(results: xr.Dataset) -> str:
    """Which way of several targets is better, by aRRMSE and Pearson, and whether correlation tells.

    Each comparison is the probability of being better on the same rows, over tables and seeds; it
    is beyond chance where its 95 % interval leaves out a half. What is missing is left out.
    """
    found = {pair: [against(results, score, *pair) for score in JUDGED] for pair in COMPARED}
    found = {pair: lines for pair, lines in found.items() if all(lines)}
    if not found:
        return ""
    count, seeds = results.sizes["table"], results.sizes["seed"]
    said = (
        f"{count} table{'s' * (count > 1)}, {seeds} seed{'s' * (seeds > 1)}: how often one is "
        f"better on the same rows, by {' and '.join(JUDGED)} (95 % intervals): "
        f"{'; '.join(_said(pair, lines, count) for pair, lines in found.items())}."
    )
    if count < LEAST_TABLES:
        return f"{said} Of so few tables nothing follows."
    said += f" {_beyond_chance(found)}"
    return f"{said} {_of_correlation(results)}" if (PER_TARGET, "gar") in found else said


def _beyond_chance(found: Mapping[tuple[str, str], Sequence[Line]]) -> str:
    sides = {
        f"{label(ours)} than {label(theirs)} by {score}": line
        for (ours, theirs), lines in found.items()
        for score, line in zip(JUDGED, lines, strict=True)
    }
    better = [name for name, line in sides.items() if line["better low"] > 0.5]
    worse = [name for name, line in sides.items() if line["better high"] < 0.5]
    return (
        f"Beyond chance better: {', '.join(better) or 'none'}; worse: {', '.join(worse) or 'none'} "
        f"({len(sides)} comparisons, not corrected for their number)."
    )


def _said(pair: tuple[str, str], lines: Sequence[Line], count: int) -> str:
    each = [
        f"{line['better']:.0%} ({line['better low']:.0%} to {line['better high']:.0%})"
        for line in lines
    ]
    on = "" if lines[0]["of"] == count else f", on {lines[0]['of']}"
    return f"{label(pair[0])} than {label(pair[1])} {' and '.join(each)}{on}"


def _of_correlation(results: xr.Dataset) -> str:
    found = with_correlation(results, ARRMSE, PER_TARGET)
    verdict = f"{results.sizes['table']} tables do not tell whether the gain depends on it"
    if found["low"] > 0:
        verdict = "the gain grows with it"
    if found["high"] < 0:
        verdict = "the gain falls with it"
    return (
        "How much joint is better than per target by aRRMSE has a rank correlation of "
        f"{found['rank']:.2f} ({found['low']:.2f} to {found['high']:.2f}, p = {found['p']:.2f}) "
        f"with how correlated the targets of a table are: {verdict}."
    )
