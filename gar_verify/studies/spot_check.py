"""A slice of a long study, trained again: does the present code still give what a summary holds?

The summary of a tabular study names the candidate that was selected for each metric, so one line
and one fold of it are four trainings at most, and take seconds. They start from the same numbers as
the long run did; the test values after the selected epochs must come out again.

Processors round differently and training amplifies that: some runs at a high learning rate end
elsewhere, others agree to six digits. The notebooks name slices of the second kind, and `TOLERANCE`
is between the two: another method's values or another metric's are further away. The runs of the
synthetic studies are all of the first kind (Adam, 300 epochs, no selection): a different order of
summation alone moves the test error by a tenth of itself. So their first epochs are compared.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

import pandas as pd
import xarray as xr

from gar_verify.data import Table, is_available, load_table
from gar_verify.data.synthetic import CURVES
from gar_verify.metrics import METRICS
from gar_verify.studies import (
    ablation,
    curves,
    provenance,
    sensitivity,
    summaries,
    synthetic,
    tabular,
)
from gar_verify.studies.methods import Method, gar_at, synthetic_methods, tabular_methods
from gar_verify.training import Run, train

TOLERANCE = 1e-3
"""Of a relative difference between a stored test value and the same one trained again."""

STAND_IN = ("diabetes", "gar", 1)
"""Summary, line and fold that take the place of a slice whose table is not at hand."""


def at_hand(study: str, line: str | float, run: int) -> tuple[str, str | float, int]:
    """The slice, or `STAND_IN` where the table of its study is not at hand.

    A curve counts as at hand when its published split is: with another split, the runs are others.
    """
    settings = summaries.read(study).attrs
    name = str(settings["table"])
    there = is_available(name) and load_table(name).checksum == settings["data"]
    return (study, line, run) if there else STAND_IN


def again(study: str, line: str | float, run: int) -> pd.DataFrame:
    """Train one line of one fold again, and put the test values beside the stored ones.

    Args:
        study: name of a summary, such as ``"wine"`` or ``"wine_ablation"``.
        line: the method, as the summary names it; of a sensitivity, the alpha.
        run: the fold; of a synthetic study, the seed.

    Returns:
        By metric: ``stored``, ``again`` and their ``relative difference``.

    Raises:
        SummaryError: if there is no such summary or line in it, or if it comes from other data or
            settings than those of the present code.
        DataError: if the table is not at hand.
    """
    summary = summaries.read(study)
    table = load_table(str(summary.attrs["table"]))
    again = _synthetic if table.name in CURVES else _tabular
    stored, trained = again(summary, table, study, line, run)
    frame = pd.DataFrame({"stored": stored, "again": trained}, index=pd.Index(METRICS))
    frame["relative difference"] = (frame["again"] / frame["stored"] - 1).abs()
    return frame.rename_axis("metric")


def agrees(frame: pd.DataFrame) -> bool:
    """Whether all differences of `again` are within `TOLERANCE`; NaN is not."""
    return bool((frame["relative difference"] <= TOLERANCE).all())


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


def _tabular(
    summary: xr.Dataset, table: Table, study: str, line: str | float, fold: int
) -> tuple[list[float], list[float]]:
    """The candidates that were selected, one for each metric, trained again."""
    protocol = tabular.protocol(table.name)
    method, at = _line(summary, study, line, protocol.recipe.epochs)
    recognise(summary, _settings(table, protocol), study)
    chosen = at.sel(fold=fold).squeeze("seed")
    seed = int(chosen["seed"])
    wanted = [_candidate(chosen.sel(metric=metric), method, fold, seed) for metric in METRICS]
    runs = list(dict.fromkeys(wanted))
    problem = tabular.folds(table, protocol.folds)
    trained = train(problem, runs, protocol.recipe, method.objective)
    epochs = chosen["selected_epoch"].astype(int).to_numpy()
    values = [
        float(trained.metrics[runs.index(run), epoch - 1, -1, i])
        for i, (run, epoch) in enumerate(zip(wanted, epochs, strict=True))
    ]
    return chosen["test"].to_numpy().tolist(), values


def _candidate(chosen: xr.Dataset, method: Method, fold: int, seed: int) -> Run:
    index = int(chosen["selected_hyperparameter"])
    rate, decay = (float(chosen[f"selected_{name}"]) for name in ("learning_rate", "weight_decay"))
    return Run(rate, decay, method.hyperparameters[index], index, fold, seed)


def _line(
    summary: xr.Dataset, study: str, line: str | float, epochs: int
) -> tuple[Method, xr.Dataset]:
    """The method of a line of a summary, and what was selected for it."""
    dim = "alpha" if "alpha" in summary.dims else "method"
    names = summary[dim].to_numpy().tolist()
    if line not in names:
        raise summaries.SummaryError(
            f"the summary '{study}' has no {dim} {line!r}; there are: {', '.join(map(str, names))}"
        )
    at = summary.sel({dim: line})
    if dim == "alpha":
        method = gar_at(names, sensitivity.method_of(summary))
        return method, at.assign(selected_hyperparameter=names.index(line) + 0 * at["fold"])
    name = str(line)
    if name.startswith(ablation.PREFIX):
        return ablation.ablation_method(name.removeprefix(ablation.PREFIX)), at
    return tabular_methods([name], epochs)[0], at


def _settings(table: Table, protocol: tabular.Protocol) -> dict[str, Any]:
    return {
        "table": table.name,
        "data": table.checksum,
        "folds": protocol.folds,
        "weight_decays": protocol.weight_decays,
        "recipe": asdict(protocol.recipe),
    }


def _synthetic(
    summary: xr.Dataset, table: Table, study: str, line: str | float, seed: int
) -> tuple[list[float], list[float]]:
    """The first epochs of one run of a synthetic study."""
    recipe = synthetic.RECIPE
    (method,) = synthetic_methods([str(line)], recipe.epochs)
    wanted = {
        "table": table.name,
        "data": table.checksum,
        "learning_rate": synthetic.LEARNING_RATE,
        "recipe": asdict(recipe),
    }
    recognise(summary, wanted, study)
    run = Run(synthetic.LEARNING_RATE, hyperparameter=method.hyperparameters[0], seed=seed)
    short = replace(recipe, epochs=curves.START)
    trained = train(synthetic.problem_of(table), [run], short, method.objective)
    stored = curves.read_start(study)
    if (str(line), seed) not in stored.index:
        raise summaries.SummaryError(
            f"the summary '{study + curves.START_SUFFIX}' has no run of {line!r} with seed {seed}"
        )
    values = trained.metrics[0, -1, -1].astype(float).tolist()
    return [float(value) for value in stored.xs((str(line), seed)).to_numpy().ravel()], values
