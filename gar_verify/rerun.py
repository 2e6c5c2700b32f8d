"""A study as a part of the main job: trained where its table is at hand, or else its summary.

The summary of a full run travels with the repository. What is drawn from it is marked as such
wherever it is shown.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

import pandas as pd
import xarray as xr

from gar_verify import figures, paths, studies, tables
from gar_verify.data import files, is_available
from gar_verify.data.splits import PUBLISHED_SEEDS
from gar_verify.data.synthetic import CURVES
from gar_verify.experiments import selection, sensitivity, sine, summaries
from gar_verify.experiments.methods import RELEASED, SYNTHETIC, TABULAR

Origin = Literal["trained", "summary"]

QUICK_METHODS = ("mae", "gar")
OWN_SPLIT = "_own_split"
"""Ends the names of what a curve gives on a split of ours, in place of the published one."""
SELECT = {
    **dict.fromkeys(CURVES, sine.select),
    **dict.fromkeys(studies.SENSITIVITIES, sensitivity.select),
}
"""What makes a summary of a study's arrays, where that is not `selection.select`."""
BESIDE = ("_curves", "_start", "_peaks")
"""End the names of what a summary of a curve has beside it."""


@dataclass(frozen=True)
class Rerun:
    """What came of one study."""

    study: str
    stem: str
    """Name of its files without suffix."""
    origin: Origin
    results: xr.Dataset
    """Its summary, of the methods that are shown."""

    @property
    def table(self) -> pd.DataFrame:
        """Published beside measured."""
        return studies.table(self.study, self.results)


def methods(study: str, quick: bool = False) -> tuple[str, ...]:
    """The methods that the main job trains: those of the paper, and GAR as it was released."""
    if study in CURVES:
        others = tuple(name for name in TABULAR if name not in SYNTHETIC)
        return SYNTHETIC if quick else (*SYNTHETIC, *others, RELEASED)
    return QUICK_METHODS if quick else (*TABULAR, RELEASED)


def trainable(study: str) -> bool:
    """Whether the table of a study is at hand."""
    return is_available(studies.data_of(study))


def has_published_split(study: str) -> bool:
    """Whether a study is on the paper's split, which of Squared sine only stored data know."""
    known = study not in CURVES or study in PUBLISHED_SEEDS
    return known or files.find(f"{study}.npz") is not None


def training(study: str, *, quick: bool = False, **options: Any) -> Callable[..., xr.Dataset]:
    """What trains a study, of a quick one few methods.

    Args:
        study: one of `studies.STUDIES` or `studies.CAREFUL`.
        quick: a small part of the study.
        options: those of `studies.run` (device, store, progress, ...).
    """
    named = None if study in studies.ONE_TABLE else methods(study, quick)
    return partial(studies.run, study, named, quick=quick, **options)


def rerun(study: str, folder: Path, *, quick: bool = False, **options: Any) -> Rerun:
    """Train a study and write its summary, its table, and its figure.

    The table is that of the summary, which has six digits, so that it is the same bytes whether
    the study was trained or its summary read.

    Args:
        study: one whose table is at hand.
        folder: where to.
        quick: a small part of the study.
        options: those of `studies.run`.
    """
    results = training(study, quick=quick, **options)()
    stem = study if has_published_split(study) else study + OWN_SPLIT
    place = folder / paths.summaries().name
    if stem == study:
        studies.save(study, results, folder)
    else:
        figures.save(figures.sine_figure(_shown(study, results)), stem, folder)
    summaries.write(SELECT.get(study, selection.select)(results), (name := _name(stem)), place)
    shown = _shown(study, summaries.read(name, place))
    tables.save(studies.table(study, shown), stem, folder)
    return Rerun(study, stem, "trained", shown)


def from_summary(study: str, folder: Path) -> Rerun:
    """Write the table of a study and its figure from its summary.

    Args:
        study: one of `studies.STUDIES` or `studies.CAREFUL`.
        folder: where to; the summary is copied there as well.

    Raises:
        SummaryError: if the repository has none.
    """
    results = studies.summary(study)
    studies.save(study, results, folder)
    copy_summaries(folder, _name(study))
    return Rerun(study, study, "summary", _shown(study, results))


def _name(stem: str) -> str:
    return studies.SUMMARIES.get(stem, stem)


def _shown(study: str, results: xr.Dataset) -> xr.Dataset:
    """Of a curve the methods that the paper shows; of any other study all."""
    if study not in CURVES:
        return results
    return results.sel({"method": [name for name in SYNTHETIC if name in results["method"]]})


def copy_summaries(folder: Path, stem: str) -> None:
    """Copy the files of a summary as they travel with the repository, and those that go with it."""
    place = folder / paths.summaries().name
    place.mkdir(parents=True, exist_ok=True)
    beside = [stem, *(f"{stem}{suffix}" for suffix in BESIDE)]
    for path in paths.summaries().iterdir():
        if path.stem in beside:
            shutil.copyfile(path, place / path.name)
