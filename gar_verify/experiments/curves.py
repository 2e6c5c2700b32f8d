"""What the methods of a synthetic study learned, small enough to travel with the repository.

Of the predictions of a full run (method, seed, x) the figures need the mean and the standard
deviation over the seeds at every x, to the digits that ink can show.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import xarray as xr

from gar_verify.experiments import summaries
from gar_verify.experiments.methods import SYNTHETIC
from gar_verify.experiments.sine import final_test_mae

DIGITS = 4
"""Decimals that are kept: the curves lie between -2 and 2."""

SUFFIX = "_curves"
"""Of the summary's name, after that of the study."""


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
    )


def write(
    results: xr.Dataset,
    study: str,
    folder: Path | None = None,
    methods: Sequence[str] = SYNTHETIC,
) -> list[Path]:
    """Write the mean and the band of some methods, those of the paper by default.

    Args:
        results: from `sine.run`.
        study: ``sine`` or ``squared_sine``.
        folder: where to; default: `paths.summaries`.
        methods: those of them that are in the results are written.
    """
    found = mean_and_band(results)
    frame = found["y"].to_dataframe().reset_index()
    for name in [str(name) for name in found["method"].values if name in methods]:
        for part in ("mean", "std"):
            frame[f"{name} {part}"] = found[part].sel({"method": name}).to_numpy()
    frame["x"] = frame["x"].round(DIGITS)
    return summaries.write_frame(frame, study + SUFFIX, summaries.provenance_of(results), folder)


def read(study: str, folder: Path | None = None) -> xr.Dataset:
    """What `mean_and_band` gives, from the summary of a full run.

    The test errors are those of the study's own summary, which its table is made of.

    Raises:
        SummaryError: if a summary is absent or changed, or if the two are of different runs.
    """
    frame, provenance = summaries.read_frame(study + SUFFIX, folder)
    scores = summaries.read(study, folder)
    if provenance["fingerprints"] != scores.attrs["fingerprints"]:
        raise summaries.SummaryError(
            f"the summaries '{study}' and '{study + SUFFIX}' come from different runs; "
            f"write both again: gar-verify run {study} --save"
        )
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
