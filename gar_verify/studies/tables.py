"""The tables: published beside measured, as data frames, Markdown and CSV.

A deviation is (measured - published) in published standard deviations of a single run.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from gar_verify import paths
from gar_verify._files import atomic_write
from gar_verify.metrics import METRICS
from gar_verify.studies import ablation, boosting, published, selection, sensitivity, statistics
from gar_verify.studies.methods import EVERY_GAR, RELEASED, label
from gar_verify.studies.synthetic import final_test_mae


def sine_table(results: xr.Dataset) -> pd.DataFrame:
    """Test MAE of a synthetic study after the last epoch, one line for each method.

    Args:
        results: from `studies.synthetic.run`, or its summary from `studies.summaries.read`.

    Returns:
        Columns ``measured``, ``std``, ``min``, ``max`` over the seeds, ``published``,
        ``published std``, ``published min``, ``published max`` over the authors' five runs, and the
        ``deviation``; standard deviations are population ones.
    """
    lines = {}
    for name in results["method"].to_numpy():
        ours = final_test_mae(results).sel({"method": name}).to_numpy()
        theirs = np.array(published.synthetic_runs(results.attrs["table"], name) or [np.nan])
        lines[label(name)] = {
            **_spread(ours),
            **{f"published {key}": value for key, value in _spread(theirs).items()},
            "deviation": (ours.mean() - theirs.mean()) / theirs.std(),
        }
    frame = pd.DataFrame.from_dict(lines, orient="index")
    frame.index.name = "method"
    return frame.rename(columns={"mean": "measured", "published mean": "published"})


def tabular_table(results: xr.Dataset) -> pd.DataFrame:
    """Selected test values of a tabular study, one line for each metric and method.

    Args:
        results: from `studies.tabular.run`, or its summary from `studies.summaries.read`.

    Returns:
        Columns ``measured``, ``std`` (divided by the number, over folds and seeds), ``published``,
        ``published std``, ``deviation``; with MAE among the methods, ``gain`` over it in per cent
        and ``p`` of the paper's t-test against it.
    """
    selected = selection.select(results)
    frame = _measured(selected, "metric", "method")
    on = results.attrs["table"]
    theirs = [published.tabular(on, name, metric) for metric, name in frame.index]
    frame[["published", "published std"]] = theirs
    frame["deviation"] = (frame["measured"] - frame["published"]) / frame["published std"]
    others = [name for name in frame.index.unique("method") if name != "mae"]
    if others and "mae" in selected["method"]:
        frame["gain"] = selection.gain(selected, others, "mae")
        found = {name: selection.t_test(selected, name, "mae") for name in others}
        frame["p"] = pd.concat(found, names=["method"]).swaplevel()
    return frame.rename(index=label, level="method")


def ablation_table(results: xr.Dataset) -> pd.DataFrame:
    """Selected test values of the ablation, one line for each metric and choice of sub-losses.

    Args:
        results: from `studies.ablation.run`, or its summary.

    Returns:
        Columns ``measured``, ``std`` (1/5) and ``published``, by metric and sub-losses; all three
        are GAR with the released constants, and so called.
    """
    frame = _measured(selection.select(results), "metric", "method")
    frame = frame.rename(index=lambda name: name.removeprefix(ablation.PREFIX), level="method")
    frame["published"] = [published.ablation(letters, metric) for metric, letters in frame.index]
    frame = frame.rename(index={"gar": label(RELEASED)}, level="method")
    return frame.rename_axis(["metric", "sub-losses"])


def sensitivity_table(results: xr.Dataset) -> pd.DataFrame:
    """Test values of GAR by alpha, selected for each alpha by itself.

    Args:
        results: from `studies.sensitivity.run`, or its summary.

    Returns:
        A line for each alpha of the GAR that the index is named after; for each metric
        ``measured``, ``std`` (1/5) and ``published``.
    """
    summary = sensitivity.summarize(results)
    columns = {}
    for metric in METRICS:
        theirs = published.alpha_sensitivity(metric) if _is_published(results) else {}
        columns[metric, "measured"] = summary["mean"].sel(metric=metric).to_series()
        columns[metric, "std"] = summary["std"].sel(metric=metric).to_series()
        columns[metric, "published"] = pd.Series(theirs, dtype=float)
    name = f"alpha, {label(sensitivity.method_of(results))}"
    return pd.DataFrame(columns).reindex(summary["alpha"].to_numpy()).rename_axis(index=name)


def gains_table(results: xr.Dataset) -> pd.DataFrame:
    """What the paper reports of GAR's gains, one line for each metric and kind of GAR.

    Args:
        results: from `studies.tabular.run`, or its summary.

    Returns:
        ``over MAE`` in per cent, positive where GAR is better, with ``p`` of the paper's test;
        ``best competitor`` by test mean, the gain ``over it`` and ``p over it``.
    """
    selected = selection.select(results)
    there = [name for name in EVERY_GAR if name in selected["method"]]
    gains = {name: _gains(selected, name) for name in there}
    lines = [
        {"metric": metric, "method": label(name), **gains[name][metric]}
        for metric in METRICS
        for name in there
    ]
    return pd.DataFrame(lines).set_index(["metric", "method"])


def comparison_table(results: xr.Dataset, method: str = "gar") -> pd.DataFrame:
    """One method against every other with corrected tests, intervals and effect sizes.

    Args:
        results: from `studies.tabular.run`, or its summary.
        method: the one that the others are compared with.

    Returns:
        See `studies.statistics.compare`.
    """
    return statistics.compare(selection.select(results), method)


def boosting_table(results: xr.Dataset) -> pd.DataFrame:
    """Selected test values of boosting, one line for each metric, library and objective.

    Args:
        results: from `studies.boosting.run`.

    Returns:
        Columns ``measured``, ``std`` (1/5, over folds); for L1 and L2 how much better GAR is
        (``GAR better by``, in the units of the metric) and the ``p corrected`` of that difference,
        see `studies.statistics.compare`.
    """
    selected = boosting.select(results)
    libraries = list(map(str, selected["library"].to_numpy()))
    compared = pd.concat(
        {name: statistics.compare(selected.sel(library=name), "gar") for name in libraries},
        names=["library", "metric", "method"],
    )
    against = compared[["difference", "p corrected"]]
    frame = _measured(selected, "metric", "library", "method").rename(index=label, level="method")
    frame = frame.join(against.rename(columns={"difference": "GAR better by"}))
    titles = {label(name): title for name, title in boosting.METHODS.items()}
    frame = frame.rename(index=titles, level="method")
    return frame.rename_axis(["metric", "library", "objective"])


def markdown(frame: pd.DataFrame, digits: int = 3) -> str:
    """A data frame as a Markdown table, its index as the first columns; NaN is left empty.

    Numbers that would look like zero are written in powers of ten.
    """
    flat = frame.reset_index()
    flat.columns = [" ".join(filter(None, _tuple(name))) for name in flat.columns]
    rows = [[_cell(value, digits) for value in row] for row in flat.itertuples(index=False)]
    numeric = [pd.api.types.is_numeric_dtype(kind) for kind in flat.dtypes]
    ruler = ["---:" if number else "---" for number in numeric]
    lines = [list(map(str, flat.columns)), ruler, *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def save(frame: pd.DataFrame, stem: str | Path, folder: Path | None = None) -> list[Path]:
    """Write a table as Markdown and CSV atomically.

    Args:
        frame: the table.
        stem: name of the files without suffix, such as ``"concrete"``.
        folder: where to; default: `paths.figures`.

    Returns:
        The two paths.
    """
    target = (folder or paths.figures()) / stem
    texts = {".md": markdown(frame), ".csv": frame.to_csv(float_format="%.6g", lineterminator="\n")}
    return [
        atomic_write(target.with_name(target.name + suffix), text) for suffix, text in texts.items()
    ]


def _is_published(results: xr.Dataset) -> bool:
    return bool(results.attrs.get("table") == "concrete")


def _spread(runs: np.ndarray) -> dict[str, float]:
    return {"mean": runs.mean(), "std": runs.std(), "min": runs.min(), "max": runs.max()}


def _measured(selected: xr.Dataset, *levels: str) -> pd.DataFrame:
    """Mean and deviation of what was selected, by the levels of the index."""
    frame = selection.summarize(selected).to_dataframe(dim_order=list(levels))
    return frame[["mean", "std"]].rename(index=str, columns={"mean": "measured"})


def _gains(selected: xr.Dataset, name: str) -> dict[str, dict[str, float | str]]:
    """The gains of a method for each metric."""
    competitors = selection.best_competitor(selected, name)
    best = {metric: str(competitors[metric]) for metric in METRICS}
    others = {"mae", *best.values()}
    gain = {other: selection.gain(selected, name, other) for other in others}
    p = {other: selection.t_test(selected, name, other) for other in others}
    return {
        metric: {
            "over MAE": gain["mae"][metric],
            "p": p["mae"][metric],
            "best competitor": label(other),
            "over it": gain[other][metric],
            "p over it": p[other][metric],
        }
        for metric, other in best.items()
    }


def _tuple(name: object) -> tuple[str, ...]:
    return tuple(map(str, name)) if isinstance(name, tuple) else (str(name),)


def _cell(value: object, digits: int) -> str:
    if not isinstance(value, float):
        return str(value)
    if np.isnan(value):
        return ""
    if 0 < abs(value) < 0.5 * 10**-digits:  # would look like zero
        return f"{value:.0e}"
    return f"{value:.{digits}f}"
