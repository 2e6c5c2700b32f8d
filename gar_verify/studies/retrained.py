"""What a summary selected, trained again: the candidate of each metric, up to its epoch.

The summary of a tabular study names the candidate that was selected for each metric, so a line, a
seed and a fold of it are four trainings at most. They start from the same numbers as the long run
did; the test values after the selected epochs must come out again.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from gar_verify.data import Table, load_table
from gar_verify.metrics import METRICS
from gar_verify.studies import (
    ablation,
    ic50,
    provenance,
    sensitivity,
    summaries,
    tabular,
    workers,
)
from gar_verify.studies.methods import Method, gar_at, tabular_methods
from gar_verify.studies.sentences import frozen
from gar_verify.training import Problem, Run
from gar_verify.training.keeping import train_keeping

WITH_ALL = ("ranksim",)
"""Methods that need the whole grid of a fold for the same digits: models that are trained together
have batches without their equal labels in matrices of one size, the largest, which rounds otherwise
than another size."""


@dataclass(frozen=True)
class Selected:
    """What was selected of one line with one seed on one fold."""

    method: Method
    runs: tuple[Run | None, ...]
    """Of each metric; None where every candidate diverged."""
    epochs: tuple[int, ...]
    """Of each metric, from 1."""
    test: tuple[float, ...]
    """The stored values."""


def selected(
    summary: xr.Dataset, study: str, line: str | float, fold: int, seed: int | None = None
) -> Selected:
    """What a summary says was selected; without a seed, it must have one only.

    Raises:
        SummaryError: if it has no such line, or comes from other data or settings than those of
            the present code.
    """
    table, protocol = table_of(summary), protocol_of(summary)
    at = _line(summary, study, line).sel(fold=fold)
    chosen = at.squeeze("seed") if seed is None else at.sel(seed=seed)
    recognise(summary, _settings(table, protocol), study)
    method = method_of(summary, line)
    runs = [_candidate(chosen.sel(metric=metric), method, fold) for metric in METRICS]
    epochs = chosen["selected_epoch"].astype(int).to_numpy().tolist()
    test = chosen["test"].to_numpy().tolist()
    return Selected(method, tuple(runs), tuple(epochs), tuple(test))


def train_again(
    summary: xr.Dataset,
    wanted: Selected,
    on_epoch: Callable[[int], None] | None = None,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Test values [metric], and predictions of the test rows [metric, m, T], of what was selected.

    Where every candidate of a metric diverged, both are NaN.
    """
    table, recipe = table_of(summary), protocol_of(summary).recipe
    runs = _beside(summary, wanted)
    pairs = list(zip(wanted.runs, wanted.epochs, strict=True))
    epochs = [{epoch for own, epoch in pairs if own == run} for run in runs]
    gaps, objective = table.name == ic50.NAME, wanted.method.objective
    problem = _problem(summary)
    kept = train_keeping(problem, runs, epochs, recipe, objective, gaps=gaps, on_epoch=on_epoch)
    scores = np.full(len(METRICS), np.nan, np.float32)
    predictions = np.full((len(METRICS), *table.test_y.shape), np.nan, np.float32)
    for i, (run, epoch) in enumerate(pairs):
        if run is not None:
            metrics, predictions[i] = kept[runs.index(run)][epoch]
            scores[i] = metrics[i]
    return scores, predictions


def work_of(summary: xr.Dataset, wanted: Selected) -> tuple[int, float]:
    """How many epochs `train_again` trains, of all models, and the work of each."""
    problem, recipe = _problem(summary), protocol_of(summary).recipe
    work = workers.work_per_epoch(problem, recipe, pairwise=wanted.method.objective.pairwise)
    return len(_beside(summary, wanted)) * max(*wanted.epochs, 1), work


def _beside(summary: xr.Dataset, wanted: Selected) -> list[Run]:
    """What is trained: the candidates, or the grid that they need beside them."""
    runs = list(dict.fromkeys(run for run in wanted.runs if run is not None))
    if wanted.method.name not in WITH_ALL or not runs:
        return runs
    protocol, first = protocol_of(summary), runs[0]
    rates = tabular.learning_rates(wanted.method, protocol, str(summary.attrs["table"]))
    return tabular.grid(wanted.method, protocol, rates, first.seed, first.fold)


def _problem(summary: xr.Dataset) -> Problem:
    return tabular.folds(table_of(summary), protocol_of(summary).folds)


def recognise(summary: xr.Dataset, wanted: Mapping[str, Any], study: str) -> None:
    """Compare the settings that a summary was computed with, data included, with others.

    Raises:
        SummaryError: names every setting that differs.
    """
    stored = json.loads(summary.attrs["settings"])
    now = json.loads(provenance.canonical(wanted))
    other = sorted(key for key in stored.keys() & now.keys() if stored[key] != now[key])
    if other:
        what = "; ".join(f"{key}: stored {stored[key]!r}, now {now[key]!r}" for key in other)
        raise summaries.SummaryError(
            f"the summary '{study}' comes from other settings ({what}); run the study again"
        )


def table_of(summary: xr.Dataset) -> Table:
    """The table that a summary was computed from, scaled as it was there."""
    table = load_table(str(summary.attrs["table"]))
    return table if table.checksum == summary.attrs["data"] else table.scaled_on_training_part()


def protocol_of(summary: xr.Dataset) -> tabular.Protocol:
    """The protocol of the table of a summary."""
    table = str(summary.attrs["table"])
    own = {ic50.NAME: ic50.PROTOCOL, frozen.NAME: frozen.PROTOCOL}
    return own[table] if table in own else tabular.protocol(table)


def method_of(summary: xr.Dataset, line: str | float) -> Method:
    """The method of a line of the summary of a tabular study."""
    name, epochs = str(line), protocol_of(summary).recipe.epochs
    if dim_of(summary) == "alpha":
        alphas = [float(line) for line in lines_of(summary)]
        return gar_at(alphas, sensitivity.method_of(summary))
    if name.startswith(ablation.PREFIX):
        return ablation.ablation_method(name.removeprefix(ablation.PREFIX))
    if summary.attrs["table"] == ic50.NAME:
        return ic50.methods_of([name], epochs)[0]
    return tabular_methods([name], epochs)[0]


def dim_of(summary: xr.Dataset) -> str:
    """The dimension of the lines: methods, or values of alpha."""
    return "alpha" if "alpha" in summary.dims else "method"


def lines_of(summary: xr.Dataset) -> Sequence[str | float]:
    """Methods, or values of alpha."""
    return list(summary[dim_of(summary)].to_numpy().tolist())


def check_line(summary: xr.Dataset, study: str, line: str | float) -> xr.Dataset:
    """A line of a summary, or a SummaryError that lists those there are."""
    dim, names = dim_of(summary), lines_of(summary)
    if line not in names:
        raise summaries.SummaryError(
            f"the summary '{study}' has no {dim} {line!r}; there are: {', '.join(map(str, names))}"
        )
    return summary.sel({dim: line})


def _line(summary: xr.Dataset, study: str, line: str | float) -> xr.Dataset:
    at = check_line(summary, study, line)
    if dim_of(summary) == "alpha":
        number = list(lines_of(summary)).index(line)
        return at.assign(selected_hyperparameter=number + 0 * at["fold"])
    return at


def _candidate(chosen: xr.Dataset, method: Method, fold: int) -> Run | None:
    index = int(chosen["selected_hyperparameter"])
    if index < 0:
        return None
    rate, decay = (float(chosen[f"selected_{name}"]) for name in ("learning_rate", "weight_decay"))
    value = method.hyperparameters[index]
    return Run(rate, decay, value, index, fold, int(chosen["seed"]))


def _settings(table: Table, protocol: tabular.Protocol) -> dict[str, Any]:
    return {
        "table": table.name,
        "data": table.checksum,
        "folds": protocol.folds,
        "weight_decays": protocol.weight_decays,
        "recipe": asdict(protocol.recipe),
    }
