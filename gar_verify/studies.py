"""The studies by name: how each is run, and what is drawn and written of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import xarray as xr

from gar_verify import figures, tables
from gar_verify.data.synthetic import CURVES
from gar_verify.experiments import ablation, sensitivity, sine, statistics, summaries, tabular
from gar_verify.experiments.methods import SYNTHETIC, TABULAR
from gar_verify.experiments.selection import select

ONE_TABLE = {"ablation": "wine", "sensitivity": "concrete"}
"""Studies of GAR alone, and the table that each is on."""

STUDIES = (*CURVES, *tabular.RECIPES, *ONE_TABLE)
"""Names that `run` accepts."""

SUMMARIES = {"ablation": "wine_ablation"}
"""Names of the summaries in the repository, where they are not those of the studies."""

METHOD = "gar"


def check(study: str) -> str:
    """The name, or a ValueError that lists the studies there are."""
    if study not in STUDIES:
        raise ValueError(f"no study is called {study!r}; there are: {', '.join(STUDIES)}")
    return study


def data_of(study: str) -> str:
    """The name of the table that a study needs."""
    return ONE_TABLE.get(check(study), study)


def run(study: str, methods: Sequence[str] | None = None, **options: Any) -> xr.Dataset:
    """Train a study with the paper's protocol; what was computed before is read.

    Args:
        study: one of `STUDIES`.
        methods: names of losses; default: all of the study.
        options: those of `experiments.sine.run` and `experiments.tabular.run`.

    Raises:
        ValueError: for an unknown study or loss, or for methods of a study of GAR alone.
    """
    if check(study) in ONE_TABLE and methods is not None:
        raise ValueError(f"{study!r} is a study of GAR alone; leave the methods out")
    if study in CURVES:
        return sine.run(methods or SYNTHETIC, curve=study, **options)
    if study == "ablation":
        return ablation.run(**options)
    if study == "sensitivity":
        return sensitivity.run(**options)
    return tabular.run(study, methods or TABULAR, **options)


def table(study: str, results: xr.Dataset) -> pd.DataFrame:
    """The table of a study: published beside measured."""
    if check(study) in CURVES:
        return tables.sine_table(results)
    if study == "ablation":
        return tables.ablation_table(results)
    if study == "sensitivity":
        return tables.sensitivity_table(results)
    return tables.tabular_table(results)


def sentence(study: str, results: xr.Dataset) -> str:
    """Which differences to GAR survive a careful test; empty where there is nothing to compare."""
    if check(study) not in tabular.RECIPES:
        return ""
    names = [str(name) for name in results["method"].values]
    if METHOD not in names or len(names) < 2:
        return ""
    selected = results if "test" in results else select(results)
    return statistics.sentence(statistics.compare(selected, METHOD), METHOD, study)


def summary(study: str) -> xr.Dataset:
    """The summary of a full run that travels with the repository; as from `summaries.read`."""
    return summaries.read(SUMMARIES.get(check(study), study))


def save(study: str, results: xr.Dataset, folder: Path | None = None) -> list[Path]:
    """Write the table of a study, its figure, and for a tabular one its summary and comparison."""
    written = tables.save(table(study, results), study, folder)
    if study in CURVES:
        return written + figures.save(figures.sine_figure(results), study, folder)
    if study == "sensitivity":
        return written + figures.save(figures.sensitivity_figure(results), study, folder)
    name = SUMMARIES.get(study, study)
    written += summaries.write(results, name, folder / "results" if folder else None)
    if study in tabular.RECIPES:
        written += figures.save(figures.tabular_figure(results), study, folder)
        if sentence(study, results):
            comparison = tables.comparison_table(results, METHOD)
            written += tables.save(comparison, f"{study}_comparison", folder)
    return written
