"""What the study of digits shows: its table, and in one sentence what is more than chance.

Methods are compared seed by seed: the network that each begins with and the order of rows are the
same, so differences are paired. A t-test over the seeds, with Holm's correction over the other
methods, says whether another seed would show the same, on these images; how other images would
differ, no seed shows.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import xarray as xr

from gar_verify.metrics import LOWER_IS_BETTER
from gar_verify.studies import methods, statistics
from gar_verify.studies.images.digits import PROBE, UNTRAINED, select

LABELS = {PROBE: "RnC, linear probe", UNTRAINED: "untrained network"}
PROBE_MAE, ACCURACY = "probe MAE", "digit accuracy"
BASELINES = ("mae", "gar")


def label(name: str) -> str:
    """The name of a method in table and figure."""
    return LABELS.get(name, methods.label(name))


def scores(results: xr.Dataset) -> xr.DataArray:
    """All scores of the test part, (method, seed, metric).

    Beside the four of `METRICS` the MAE of a linear regression on the features, and the share of
    digits that another one names rightly.
    """
    selected = select(results)
    selected = selected.assign_coords(metric=selected["metric"].astype(object))
    accuracy = selected["class_accuracy"]
    if "metric" in accuracy.dims:  # a summary repeats it for each metric
        accuracy = accuracy.isel(metric=0, drop=True)
    extra = [
        selected["probe"].sel(metric=["MAE"]).assign_coords(metric=[PROBE_MAE]),
        accuracy.expand_dims(metric=[ACCURACY]),
    ]
    return xr.concat([selected["test"], *extra], "metric", coords="minimal").transpose(
        "method", "seed", "metric"
    )


def table(results: xr.Dataset) -> pd.DataFrame:
    """A line for each metric and method.

    Returns:
        ``measured`` and ``std`` (divided by the number) over the seeds; with at least two seeds,
        and MAE or GAR among the methods, how much better the line is ``over MAE`` and ``over
        GAR``, in units of the metric, and p of the paired t-test with Holm's correction.
    """
    runs = scores(results)
    summary = xr.Dataset({"measured": runs.mean("seed"), "std": runs.std("seed", ddof=0)})
    frame = summary.to_dataframe(dim_order=["metric", "method"])[["measured", "std"]]
    for name in BASELINES:
        if name in runs["method"] and runs.sizes["seed"] > 1:
            compared = compare(results, name)
            frame[f"over {label(name)}"] = compared["difference"]
            frame[f"p over {label(name)}"] = compared["p holm"]
    return frame.rename(index=label, level="method")


def compare(results: xr.Dataset, baseline: str) -> pd.DataFrame:
    """Every method against one, by (metric, method): see `statistics.paired`.

    The difference is positive where the method is better. The untrained network is none of those
    that Holm's correction counts; of the two kinds of GAR, one does not compete with the other.
    """
    runs = scores(results)
    others = [str(name) for name in runs["method"].to_numpy() if name not in (baseline, UNTRAINED)]
    families = [[name for name in others if methods.is_competitor(name, baseline)]]
    families += [[name] for name in others if not methods.is_competitor(name, baseline)]
    lines = {}
    for metric in map(str, runs["metric"].to_numpy()):
        sign = -1 if LOWER_IS_BETTER.get(metric, metric == PROBE_MAE) else 1
        for family in filter(None, families):
            of = runs.sel({"metric": metric, "method": [baseline, *family]})
            values = of.transpose("method", "seed").to_numpy()
            tested = [statistics.paired(row, 0.0) for row in sign * (values[1:] - values[0])]
            p = statistics.holm(np.array([line["p corrected"] for line in tested]))
            for name, line, holm in zip(family, tested, p, strict=True):
                lines[metric, name] = line | {"p holm": holm}
    return pd.DataFrame.from_dict(lines, orient="index").rename_axis(["metric", "method"])


def sentence(results: xr.Dataset) -> str:
    """Which differences of the test MAE to GAR and to MAE survive; empty without two seeds."""
    runs = scores(results)
    there = [name for name in BASELINES if name in runs["method"]]
    if runs.sizes["seed"] < 2 or runs.sizes["method"] < 2 or not there:
        return ""
    mean = runs.mean("seed").sel(metric="MAE").to_series()
    unit = results.attrs.get("unit", "")
    order = ", ".join(f"{label(name)} {mean[name]:.3f}" for name in mean.sort_values().index[:3])
    parts = [f"digits: lowest test MAE, in {unit}: {order}"]
    for name in reversed(there):
        lines = compare(results, name).loc["MAE"]
        lines = lines[[methods.is_competitor(other, name) for other in lines.index]]
        survives = lines["p holm"] < statistics.LEVEL
        worse, better = lines["difference"] < 0, lines["difference"] > 0
        parts.append(
            f"{label(name)} ({mean[name]:.3f}) is better than "
            f"{_names(lines.index[worse & survives])} and worse than "
            f"{_names(lines.index[better & survives])} by more than chance"
            if survives.any()
            else f"no difference to {label(name)} ({mean[name]:.3f}) is more than chance"
        )
    return "; ".join(parts) + (
        f" (paired t-test over {runs.sizes['seed']} seeds with Holm's correction, 5 %)."
    )


def _names(names: pd.Index) -> str:
    return ", ".join(label(str(name)) for name in names) or "none"
