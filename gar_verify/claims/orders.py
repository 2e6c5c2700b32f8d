"""Who is ahead, and whether by more than chance: what every claim of order rests on.

Runs are paired: folds by the corrected resampled t-test, to which the variance over the test rows
is added where predictions are stored, seeds on the same rows by the paired one. Holm's correction
is over all that a claim compares.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from gar_verify.claims.model import Finding, Verdict
from gar_verify.claims.rules import every, found, share
from gar_verify.metrics import LOWER_IS_BETTER
from gar_verify.studies.methods import GARS, LARGE_RATES, RELEASED, label
from gar_verify.studies.statistics import LEVEL, corrected, holm, rows_of

CHANCE = (
    f"{1 - LEVEL:.0%} paired test over the runs, over folds that of Nadeau and Bengio, and over "
    "the test rows where predictions are stored, with Holm's correction over all comparisons of "
    "the claim"
).replace("%", " %")
LINE = (
    "by GAR with the released constants, which the published figures come from; the paper's "
    "formula is said beside it"
)


def judged(results: xr.Dataset) -> list[str]:
    """The lines of GAR that a claim is judged by: `LINE`, or the formula where it is alone.

    Each reading of the learning rates is one.
    """
    return readings(results, RELEASED) or readings(results, "gar")


def beside(results: xr.Dataset) -> list[str]:
    """The lines of the paper's formula, where they are not those that are judged."""
    return readings(results, "gar") if readings(results, RELEASED) else []


def readings(results: xr.Dataset, gar: str) -> list[str]:
    """The lines of a kind of GAR: one for each reading of the learning rates."""
    both = (gar, dict(zip(GARS, LARGE_RATES, strict=True))[gar])
    return [name for name in both if name in results["method"]]


def moved(results: xr.Dataset, method: str, shift: float, part: str = "test") -> xr.Dataset:
    """The results with those of a method better by so many of their standard deviations."""
    if not shift:
        return results
    mine = results[part].sel({"method": method}, drop=True)
    runs = [dim for dim in ("seed", "fold") if dim in mine.dims]
    better = mine - shift * _signs(mine["metric"]) * mine.std(runs)
    return results.assign({part: results[part].where(results["method"] != method, better)})


def against(
    results: xr.Dataset,
    method: str,
    others: Sequence[str],
    metrics: Sequence[str],
    part: str = "test",
) -> pd.DataFrame:
    """A method against others on some metrics, with Holm's correction over all of them.

    Returns:
        By (metric, method) the line of `statistics.corrected`, ``difference`` positive where the
        method is better, with ``p holm`` and ``hit``: 1 or -1, better or worse by more than
        chance, or 0.
    """
    runs, ratio = results[part], 0.0
    if "fold" in runs.dims:
        runs = runs.mean("seed", skipna=False) if "seed" in runs.dims else runs
        ratio = 1 / (results.sizes["fold"] - 1)
    signed = runs * _signs(runs["metric"])
    chosen = signed.sel({"metric": list(metrics), "method": [*others, method]})
    lines = {}
    for metric, of_metric in zip(
        metrics, chosen.transpose("metric", "method", ...).to_numpy(), strict=True
    ):
        rows = rows_of(results, metric, others, method)
        for name, theirs, error in zip(others, of_metric, rows.errors, strict=False):
            lines[metric, name] = _tested(theirs - of_metric[-1], ratio, error, rows.number)
    frame = pd.DataFrame.from_dict(lines, orient="index")
    frame["p holm"] = holm(frame["p corrected"].to_numpy())
    frame["hit"] = np.where(frame["p holm"] < LEVEL, np.sign(frame["difference"]), 0).astype(int)
    return frame.rename_axis(["metric", "method"])


def _tested(
    differences: NDArray[np.float64], ratio: float, error_rows: float, rows: int
) -> dict[str, float]:
    """`statistics.corrected`; one run alone cannot be told from chance."""
    if len(differences) > 1:
        return corrected(differences, ratio, error_rows, rows)
    alone = dict.fromkeys(("low", "high", "p corrected"), np.nan)
    return {"difference": float(differences[0]), **alone}


def superior(
    results: xr.Dataset,
    methods: Sequence[str],
    others: Sequence[str],
    metrics: Sequence[str],
    measured: str,
    published: str = "",
    *,
    formula: Sequence[str] = (),
    note: str = "",
    absent: int = 0,
    of: str = "baselines",
    part: str = "test",
    named: Callable[[str], str] = label,
) -> Finding:
    """`EVERY` for one line; of several readings of it, `SHARE` of what each gives.

    Args:
        results: has all methods.
        methods: the line that is judged; several are readings of it.
        others: what it must be ahead of.
        metrics: on which.
        measured: see `Finding`.
        published: see `Finding`.
        formula: lines of the paper's formula, to be said beside.
        note: said first.
        absent: baselines that the claim speaks of and nobody trained.
        of: what the others are.
        part: of the results.
        named: names of methods.
    """

    @cache
    def lines(name: str, shift: float = 0.0) -> pd.DataFrame:
        return against(moved(results, name, shift, part), name, others, metrics, part)

    def hits(name: str, shift: float = 0.0) -> list[int]:
        return list(lines(name, shift)["hit"])

    def at(shift: float) -> list[int]:
        if len(methods) == 1:
            return hits(methods[0], shift)
        return [SIGNS.get(every(hits(name, shift)), 0) for name in methods]

    def said(name: str) -> str:
        return f"{named(name)} {_counts(lines(name), named)}"

    single = len(methods) == 1
    texts = [*map(said, methods), *(f"beside it {said(name)}" for name in formula)]
    return found(
        at,
        of if single else "readings of the rates",
        measured,
        note + "; ".join(texts),
        published,
        rule=every if single else share,
        absent=absent,
    )


SIGNS = {Verdict.REPRODUCED: 1, Verdict.NOT_REPRODUCED: -1}
"""Of a verdict on one line, as a hit among several."""


def _counts(lines: pd.DataFrame, named: Callable[[str], str]) -> str:
    """Of how many it is ahead by more than chance, and which are ahead of it."""
    hits, difference = lines["hit"], lines["difference"]
    said = f"is ahead of {(hits > 0).sum()} of {len(hits)} by more than chance"
    single = lines.index.get_level_values("metric").nunique() == 1
    for word, chosen in (
        ("behind by more than chance", hits < 0),
        ("behind by no more than chance", (hits == 0) & (difference < 0)),
    ):
        names = [named(m) if single else f"{named(m)} in {k}" for k, m in lines.index[chosen]]
        said += f", {word}: {', '.join(names)}" if names else ""
    if single and (hits == 0).any():
        nearest = str(difference.abs().groupby("method").first().idxmin())
        line = lines.xs(nearest, level="method").iloc[0]
        least = (line["high"] - line["low"]) / 2
        said += f", would be of {named(nearest)}, the nearest, by {least:.3g} or more"
    return said


def _signs(metric: xr.DataArray) -> xr.DataArray:
    """1 where lower is better, -1 where higher is."""
    return metric.copy(data=[1 if LOWER_IS_BETTER[name] else -1 for name in metric.to_numpy()])
