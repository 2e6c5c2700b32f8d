"""A study as a part of the main job: trained, trained in part, or drawn from its stored summary.

The summary of a full run travels with the package. What is drawn from it is marked as such wherever
it is shown.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
import xarray as xr

from gar_verify import paths
from gar_verify.data import is_available
from gar_verify.data.synthetic import CURVES
from gar_verify.studies import catalogue, curves, peaks, summaries, synthetic, tables
from gar_verify.studies.methods import GARS, RELEASED, SHOWN, TABULAR, label

Origin = Literal["trained", "trained in part", "stored"]

QUICK_METHODS = ("mae", "gar")
PARTS: dict[str, dict[str, Any]] = {
    **{name: {"methods": GARS} for name in ("wine", "diabetes")},
    **{curve: {"methods": SHOWN, "seeds": synthetic.PAPERS_SEEDS} for curve in CURVES},
}
"""What the main job trains of a study that takes long; the rest is stored."""
BESIDE = (curves.SUFFIX, curves.START_SUFFIX, peaks.SUFFIX)
"""End the names of what a summary of a curve has beside it."""


@dataclass(frozen=True)
class Rerun:
    """The result of one study."""

    study: str
    origin: Origin
    results: xr.Dataset
    """Its summary, of the methods that are shown."""
    detail: str = ""
    """Of one that is trained in part: which methods, and whether they agree with what is stored."""

    @property
    def table(self) -> pd.DataFrame:
        """Published beside measured."""
        return catalogue.table(self.study, self.results)


def methods(study: str, quick: bool = False) -> tuple[str, ...]:
    """The methods that the main job trains: those of the paper, and GAR as it was released."""
    if study in CURVES:
        return SHOWN if quick else tuple(dict.fromkeys((*SHOWN, *TABULAR)))
    return QUICK_METHODS if quick else (*TABULAR, RELEASED)


def trainable(study: str) -> bool:
    """Whether the table of a study is available."""
    return is_available(catalogue.data_of(study))


def rerun(study: str, folder: Path, *, quick: bool = False, **options: Any) -> Rerun:
    """Train a study and write its summary, its table, and its figure.

    The table is that of the summary, which has six digits, so that it is the same bytes whether
    the study was trained or its summary read.

    Args:
        study: one whose table is available.
        folder: where to.
        quick: a small part of the study.
        options: those of `studies.run`.
    """
    named = None if study in catalogue.ONE_TABLE else methods(study, quick)
    results = catalogue.run(study, named, quick=quick, **options)
    place = folder / paths.RESULTS
    catalogue.save(study, results, folder)
    summaries.write(catalogue.recorded(study, results), (name := catalogue.stored_as(study)), place)
    shown = catalogue.only_shown(study, summaries.read(name, place))
    tables.save(catalogue.table(study, shown), study, folder)
    return Rerun(study, "trained", shown)


def rerun_part(study: str, folder: Path, **options: Any) -> Rerun:
    """Train what `PARTS` says, and draw the study from that and its summary for the rest.

    Args:
        study: one of `PARTS`.
        folder: where to; the summary is copied there as well.
        options: those of `studies.run`.

    Raises:
        SummaryError: if there is no summary.
    """
    stored = catalogue.summary(study)
    trained = catalogue.select(study, catalogue.run(study, **PARTS[study], **options))
    results, detail = combined(stored, trained.round(summaries.DIGITS))
    catalogue.save(study, results, folder)
    copy_summaries(folder, catalogue.stored_as(study))
    return Rerun(study, "trained in part", catalogue.only_shown(study, results), detail)


def combined(stored: xr.Dataset, trained: xr.Dataset) -> tuple[xr.Dataset, str]:
    """A summary with what was trained again in its place, and how the two agree."""
    names, seeds = (list(trained[dim].to_numpy()) for dim in ("method", "seed"))
    place = {"method": names, "seed": seeds}
    before = stored["test"].sel(place)
    now = trained["test"].sel({"metric": before["metric"].to_numpy()}).transpose(*before.dims)
    same = int((before.to_numpy() == now.to_numpy()).sum())
    test = stored["test"].copy()
    test.loc[place] = now.to_numpy()
    agreement = f"all {now.size} selected values as stored"
    if same < now.size:
        apart = np.abs(now.to_numpy() - before.to_numpy()).max()
        agreement = f"{same} of {now.size} selected values as stored, the others within {apart:.2g}"
    all_seeds = stored.sizes["seed"]
    part = "" if len(seeds) == all_seeds else f", {len(seeds)} of {all_seeds} seeds"
    return stored.assign(test=test), f"{', '.join(map(label, names))}{part}: {agreement}"


def from_summary(study: str, folder: Path) -> Rerun:
    """Write the table of a study and its figure from its summary.

    Args:
        study: one of `studies.STUDIES` or `studies.CORRECTED`.
        folder: where to; the summary is copied there as well.

    Raises:
        SummaryError: if the repository has none.
    """
    results = catalogue.summary(study)
    catalogue.save(study, results, folder)
    copy_summaries(folder, catalogue.stored_as(study))
    return Rerun(study, "stored", catalogue.only_shown(study, results))


def copy_summaries(folder: Path, stem: str) -> None:
    """Copy the files of a summary as they travel with the package, and those that go with it."""
    place = folder / paths.RESULTS
    place.mkdir(parents=True, exist_ok=True)
    beside = [stem, *(f"{stem}{suffix}" for suffix in BESIDE)]
    for path in paths.summaries().iterdir():
        if path.stem in beside:
            shutil.copyfile(path, place / path.name)
