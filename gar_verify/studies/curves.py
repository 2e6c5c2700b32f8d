"""What the methods of a synthetic study learned, small enough to travel with the repository.

Of the predictions of a full run (method, seed, x) the figures need the mean and the standard
deviation over the seeds at every x, to the digits that ink can show.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import xarray as xr

from gar_verify.metrics import METRICS
from gar_verify.studies import summaries
from gar_verify.studies.methods import SHOWN, SYNTHETIC
from gar_verify.studies.synthetic import final_test_mae

DIGITS, PLACES = 3, 4
"""Decimals that are kept of y, which lies between -2 and 2, and of x."""

SUFFIX = "_curves"
"""Of the summary's name, after that of the study."""

START = 5
"""Epochs after which a run is scored for `slices`, which trains it again so far: long enough to
tell the methods apart, too short for differences of rounding to grow."""

START_SUFFIX = "_start"
"""Of the name of the summary of these scores."""


def mean_and_band(results: xr.Dataset) -> xr.Dataset:
    """Mean and population deviation (1/seeds) of the predictions over the seeds.

    Args:
        results: from `sine.run`; or what this function returns, which is returned as it is.

    Returns:
        ``mean`` and ``std`` (method, x) to `DIGITS` decimals, the truth ``y`` (x), and ``mae``
        (method), the test MAE after the last epoch, averaged over the seeds.
    """
    if "mean" in results:
        return results
    prediction = results["prediction"].astype(float)
    return xr.Dataset(
        {
            "mean": prediction.mean("seed").round(DIGITS),
            "std": prediction.std("seed").round(DIGITS),
            "y": results["y"].astype(float).round(DIGITS),
            "mae": final_test_mae(results).mean("seed"),
        },
        attrs=results.attrs,
    ).assign_coords(x=results["x"].astype(float).round(PLACES))


def write(results: xr.Dataset, study: str, folder: Path | None = None) -> list[Path]:
    """Write the mean and the band of those of the methods that are shown.

    Args:
        results: from `synthetic.run`.
        study: ``sine`` or ``squared_sine``.
        folder: where to; default: `paths.new_summaries`.
    """
    found = mean_and_band(results)
    frame = found["y"].to_dataframe().reset_index()
    for name in [str(name) for name in found["method"].values if name in SHOWN]:
        for part in ("mean", "std"):
            frame[f"{name} {part}"] = found[part].sel({"method": name}).to_numpy()
    return summaries.write_frame(frame, study + SUFFIX, summaries.provenance_of(results), folder)


def write_start(results: xr.Dataset, study: str, folder: Path | None = None) -> list[Path]:
    """Write the test scores after `START` epochs, method by method and seed by seed."""
    scores = results["metrics"].sel(split="test", epoch=START, drop=True).astype(float)
    frame = scores.round(6).to_series().unstack("metric")[list(METRICS)].reset_index()
    chosen = frame[frame["method"].isin(SYNTHETIC)]
    provenance = summaries.provenance_of(results)
    return summaries.write_frame(chosen, study + START_SUFFIX, provenance, folder)


def read_start(study: str, folder: Path | None = None) -> pd.DataFrame:
    """Test scores after `START` epochs: by (method, seed), a column for each metric.

    Raises:
        SummaryError: if a summary is absent or changed, or comes from another run than the study's.
    """
    frame, provenance = summaries.read_frame(study + START_SUFFIX, folder)
    _same_run(study, START_SUFFIX, provenance, summaries.read(study, folder))
    return frame.set_index(["method", "seed"])


def read(study: str, folder: Path | None = None) -> xr.Dataset:
    """What `mean_and_band` gives, from the summary of a full run.

    The test errors are those of the study's own summary, which its table is made of.

    Raises:
        SummaryError: if a summary is absent or changed, or if the two are of different runs.
    """
    frame, provenance = summaries.read_frame(study + SUFFIX, folder)
    scores = summaries.read(study, folder)
    _same_run(study, SUFFIX, provenance, scores)
    names = map(str, frame.columns)
    methods = [name.removesuffix(" mean") for name in names if name.endswith(" mean")]
    columns = {
        part: (("method", "x"), [frame[f"{name} {part}"].to_numpy() for name in methods])
        for part in ("mean", "std")
    }
    mae = final_test_mae(scores).mean("seed").sel({"method": methods})
    return xr.Dataset(
        {**columns, "y": ("x", frame["y"]), "mae": mae},
        coords={"method": methods, "x": frame["x"].to_numpy()},
        attrs=scores.attrs,
    )


def _same_run(study: str, suffix: str, provenance: Mapping[str, Any], scores: xr.Dataset) -> None:
    if provenance["fingerprints"] != scores.attrs["fingerprints"]:
        raise summaries.SummaryError(
            f"the summaries '{study}' and '{study + suffix}' come from different runs; "
            f"write both again: gar-verify run {study} --save"
        )
