"""The study of IC50: one network for 15 drugs, trained where there are labels.

The protocol is that of the tabular studies on a large table, with two differences: features are not
scaled, and of the three weight decays only the middle one is tried. The table is not the paper's,
see `data.gdsc`. Beside the paper's methods and GAR with the released constants stands GAR with its
aggregation per target: for each drug by itself, then averaged. All others that aggregate are joint.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
import xarray as xr

from gar_verify.data import gdsc
from gar_verify.losses import gaps, gaps_of_pairs
from gar_verify.losses.stacking import StackedLoss
from gar_verify.metrics import METRICS
from gar_verify.metrics.gaps import GapScorer
from gar_verify.studies import selection, summaries, tables, tabular
from gar_verify.studies.definitions import Definition
from gar_verify.studies.methods import (
    PER_TARGET,
    RELEASED,
    TABULAR,
    Method,
    label,
    refuse_unknown,
    tabular_methods,
)
from gar_verify.studies.store import Piece, piece_of_training
from gar_verify.training import Problem, Run
from gar_verify.training.gaps import LEAST_IN_ROW, TrainedWithGaps, train_with_gaps

NAME = gdsc.NAME
METHODS = (*TABULAR, RELEASED, PER_TARGET)
"""Lines of the table."""

PROTOCOL = tabular.Protocol(tabular.LARGE, weight_decays=(1e-4,))

NOT_THE_PAPERS = (
    "not the paper's table: its arrays are not to be had, GDSC release 17 stands in; of the "
    "paper's three weight decays only 1e-4 is tried"
)

DRUGS = "_drugs"
"""Ends the name of the summary by drug."""

ALONG = "Pearson along a cell line"
"""Correlation over the drugs of a line, in the place of a drug."""

STACKED: dict[str, StackedLoss] = {
    "mae": gaps.stacked_mae,
    "mse": gaps.stacked_mse,
    "huber": gaps.stacked_huber,
    "focal_mae": gaps.stacked_focal_mae,
    "focal_mse": gaps.stacked_focal_mse,
    "ranksim": gaps_of_pairs.stacked_ranksim,
    "rnc": gaps.stacked_mae,
    "conr": gaps_of_pairs.stacked_conr,
    "gar": gaps.stacked_gar,
    RELEASED: gaps.stacked_released,
    PER_TARGET: partial(gaps.stacked_gar, targets="per_target"),
}
"""What each method minimises, after its first phase where there is one."""


def protocol(quick: bool = False) -> tabular.Protocol:
    """The settings that all methods share; quick: a tenth of the epochs and one rate."""
    if not quick:
        return PROTOCOL
    recipe = replace(PROTOCOL.recipe, epochs=10, milestones=(5, 8))
    return replace(PROTOCOL, recipe=recipe, learning_rates=(1e-2,))


def methods_of(names: Sequence[str], epochs: int) -> list[Method]:
    """Methods by name, with losses that take gaps.

    Raises:
        ValueError: for a name that is none of `METHODS`.
    """
    refuse_unknown(names, METHODS, NAME)
    return [_method(name, epochs) for name in names]


def _method(name: str, epochs: int) -> Method:
    (of_table,) = tabular_methods(["gar" if name == PER_TARGET else name], epochs)
    first = gaps_of_pairs.stacked_rnc if of_table.objective.pretraining else None
    objective = replace(of_table.objective, loss=STACKED[name], pretraining=first)
    return replace(of_table, name=name, objective=objective)


def run(
    methods: Sequence[str] = METHODS,
    *,
    quick: bool = False,
    table: gdsc.TableWithGaps | None = None,
    settings: tabular.Protocol | None = None,
    **options: Any,
) -> xr.Dataset:
    """Train methods on the table.

    Args:
        methods: of `METHODS`.
        quick: a small part of the grid and of the epochs.
        table: another one than that of the data folder.
        settings: others than those of `protocol`.
        options: those of `tabular.run_methods`.

    Returns:
        As `tabular.run`, with ``by_drug``, the test metrics of each drug, and ``by_line``, the test
        correlation along each cell line, averaged over the lines.
    """
    table = table or gdsc.load()
    settings = settings or protocol(quick)
    chosen = methods_of(methods, settings.recipe.epochs)
    results = tabular.run_methods(
        table, chosen, settings, piece=_piece, fit=train_with_gaps, **options
    )
    return results.assign_attrs(constant=json.dumps(constant(table)))


def constant(table: gdsc.TableWithGaps) -> dict[str, float]:
    """Test scores of predicting the training mean of each drug, to compare the methods with.

    Returns:
        ``MAE`` and ``RMSE``, averaged over the drugs, and the correlation `ALONG`.
    """
    target = torch.tensor(table.test_y)
    predicted = torch.tensor(np.nanmean(table.train_y, axis=0)).expand_as(target)
    by_drug = GapScorer(target.T)(predicted.T).mean(0)
    lines = GapScorer(target)
    along = lines.pearson(predicted)[lines.count >= LEAST_IN_ROW].mean()
    scores = {"MAE": by_drug[0], "RMSE": by_drug[1], ALONG: along}
    return {name: round(float(score), summaries.DIGITS) for name, score in scores.items()}


def remark(results: xr.Dataset) -> str:
    """What to know beside a comparison of the methods."""
    scores = json.loads(results.attrs["constant"])
    return (
        f"Predicting the training mean of each drug has a test MAE of {scores['MAE']:.3f}, and a "
        f"{ALONG} of {scores[ALONG]:.3f}. This is {NOT_THE_PAPERS}."
    )


def _piece(
    table: gdsc.TableWithGaps,
    problem: Problem,
    method: Method,
    settings: tabular.Protocol,
    seed: int,
    fold: int,
    fit: Callable[..., TrainedWithGaps],
) -> Piece:
    rates = settings.learning_rates
    runs: list[Run] = tabular.grid(method, settings, rates, seed, fold)

    def compute(on_epoch: Callable[[int], None]) -> xr.Dataset:
        trained = fit(problem, runs, settings.recipe, method.objective, on_epoch=on_epoch)
        scores = tabular.labelled(trained, method, rates, settings, seed, fold)
        return _with_drugs(scores, trained, table.targets)

    piece = piece_of_training(
        f"{method.name}-seed{seed}-fold{fold}",
        table,
        problem,
        method,
        runs,
        settings.recipe,
        compute,
        targets=table.targets,
        scaling="none",
        split="the first fifth of the lines tests, a split of ours",
        paper=NOT_THE_PAPERS,
        hyperparameters=method.hyperparameters,
        learning_rates=rates,
        weight_decays=settings.weight_decays,
        folds=settings.folds,
        fold=fold,
        seed=seed,
    )
    return replace(piece, functions=(TRAINER, *piece.functions))


TRAINER = Definition(train_with_gaps.__module__, train_with_gaps.__name__)
COMPUTE = Definition(__name__, "_piece.compute")
"""The code of a piece, which a summary rests on, beside the trainer and the losses."""


def _with_drugs(scores: xr.Dataset, trained: TrainedWithGaps, targets: Sequence[str]) -> xr.Dataset:
    """The scores of a piece, with those of the drugs and of the lines of the test part."""
    candidates = scores["diverged"].dims
    sizes = scores["diverged"].shape
    return scores.assign(
        by_drug=(
            (*candidates, "epoch", "drug", "of"),
            trained.by_target.reshape(*sizes, *trained.by_target.shape[1:]),
        ),
        by_line=((*candidates, "epoch"), trained.by_row.reshape(*sizes, -1)),
    ).assign_coords(drug=list(targets), of=list(METRICS))


def is_full(results: xr.Dataset) -> bool:
    """Whether these are results over all epochs, settings and folds of the protocol."""
    return "metrics" in results and (
        results.sizes["epoch"] == PROTOCOL.recipe.epochs
        and results.sizes["learning_rate"] == len(PROTOCOL.learning_rates)
        and results.sizes["fold"] == PROTOCOL.folds
    )


def select(results: xr.Dataset) -> xr.Dataset:
    """As `selection.select`, with ``by_line`` of the candidate that each metric selected."""
    if "test" in results:
        return results
    selected = selection.select(results)
    return selected.assign(by_line=_of_selected(results["by_line"], results, selected))


def _of_selected(scores: xr.DataArray, results: xr.Dataset, selected: xr.Dataset) -> xr.DataArray:
    """Test scores of the selected candidates, to the digits of a summary; NaN where none is."""
    places = {}
    for dim in selection.CANDIDATES:
        chosen = selected[f"selected_{dim}"]
        matches = chosen.to_numpy()[..., None] == results[dim].to_numpy()
        places[dim] = chosen.copy(data=matches.argmax(-1))
    found = scores.astype(float).isel(places).where(selected["test"].notnull())
    return found.drop_vars(selection.CANDIDATES).round(summaries.DIGITS)


# --- by drug --------------------------------------------------------------------------------------


def by_drug(results: xr.Dataset) -> pd.DataFrame:
    """Test metrics of each drug, each of the candidate that it selected over all drugs.

    Returns:
        Columns ``method``, ``seed``, ``fold``, ``drug`` and the four metrics.
    """
    selected = selection.select(results)
    scores = _of_selected(results["by_drug"].rename(of="metric"), results, selected)
    order = ["method", "seed", "fold", "drug"]
    frame = scores.to_series().unstack("metric").reset_index()
    ranked = frame.assign(method=pd.Categorical(frame["method"], list(results["method"].values)))
    return ranked.sort_values(order).astype({"method": str})[[*order, *METRICS]]


def write_drugs(results: xr.Dataset, folder: Path | None = None) -> list[Path]:
    """Write the summary by drug, from the full results."""
    provenance = summaries.provenance_of(results)
    return summaries.write_frame(by_drug(results), NAME + DRUGS, provenance, folder)


def read_drugs(folder: Path | None = None) -> pd.DataFrame:
    """What `by_drug` gives, from the summary of a full run.

    Raises:
        SummaryError: if there is none, or if it was changed.
    """
    return summaries.read_frame(NAME + DRUGS, folder, f"gar-verify run {NAME} --save")[0]


def drugs_table(selected: xr.Dataset, drugs: pd.DataFrame) -> pd.DataFrame:
    """Test Pearson by drug and along the cell lines, and the MAE by drug: means over the folds.

    Args:
        selected: from `select`, or the summary.
        drugs: from `by_drug`, or `read_drugs`.

    Returns:
        Lines by metric and drug, a column for each method. The lines `ALONG` are
        correlations over the drugs of a line, averaged over the lines, of the candidates that the
        mean Pearson and the MAE selected.
    """
    names = [str(name) for name in selected["method"].to_numpy()]
    shown = {}
    for metric in ("Pearson", "MAE"):
        by_method = drugs.groupby(["drug", "method"], sort=False)[metric].mean().unstack("method")
        along = selected["by_line"].sel(metric=metric).mean(("seed", "fold")).to_series()
        shown[metric] = pd.concat([by_method, along.to_frame(ALONG).T])[names]
    table = pd.concat(shown, names=["metric", "drug"])
    return table.rename(columns=label).rename_axis(columns=None)


def save_drugs(results: xr.Dataset, shown: xr.Dataset, folder: Path | None) -> list[Path]:
    """Write the table by drug, from results, or from the summary that travels with them."""
    drugs = by_drug(results) if "metrics" in results else read_drugs()
    return tables.save(drugs_table(shown, drugs), NAME + DRUGS, folder)
