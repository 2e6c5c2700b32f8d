"""A slice of a long study, trained again: does the present code still give what a summary holds?

The summary of a tabular study names the candidate that was selected for each metric, so one line
and one fold of it are four trainings at most, and take seconds. They start from the same numbers as
the long run did; the test values after the selected epochs must come out again.

Where the summary was computed with the pins and versions of now, they come out to its last digit.
Otherwise processors round differently and training amplifies that: some runs at a high learning
rate end elsewhere, others agree to six digits. The notebooks name slices of the second kind, and
`TOLERANCE` is between the two: another method's values or another metric's are further away. The
runs of the synthetic studies are all of the first kind (Adam, 300 epochs, no selection): a
different order of summation alone moves the test error by a tenth of itself. So their first epochs
are compared.

`verify` does it for every line of a summary and writes into its record that the present code gives
these values too, so that code may be moved and rewritten without hours of training.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from gar_verify.data import Table, load_table
from gar_verify.data.synthetic import CURVES
from gar_verify.metrics import METRICS
from gar_verify.studies import (
    ablation,
    catalogue,
    curves,
    definitions,
    ic50,
    provenance,
    sensitivity,
    summaries,
    synthetic,
    tabular,
    workers,
)
from gar_verify.studies.methods import Method, gar_at, synthetic_methods, tabular_methods
from gar_verify.studies.sentences import frozen
from gar_verify.training import Run, train
from gar_verify.training.gaps import train_with_gaps

TOLERANCE = 1e-3
"""Of a relative difference between a stored test value and the same one trained again."""

WITH_ALL = ("ranksim",)
"""Methods that need the whole grid of a fold for the same digits: models that are trained together
have batches without their equal labels in matrices of one size, the largest, which rounds otherwise
than another size."""

VERIFIED = "verified"
"""Key of a summary's record for the code that gives its values again."""

STATES = (
    "computed with the present code",
    "verified with the present code",
    "not verified with the present code",
)


def again(study: str, line: str | float, run: int) -> pd.DataFrame:
    """Train one line of one fold again, and put the test values beside the stored ones.

    Args:
        study: name of a summary, such as ``"wine"`` or ``"wine_ablation"``.
        line: the method, as the summary names it; of a sensitivity, the alpha.
        run: the fold; of a synthetic study, the seed.

    Returns:
        By metric: ``stored``, ``again``, their ``relative difference``, whether they are the
        ``same digits``, and whether that is ``expected``.

    Raises:
        SummaryError: if there is no such summary or line in it, or if it comes from other data or
            settings than those of the present code.
        DataError: if the table is not available.
    """
    summary = summaries.read(study)
    table = _table(summary)
    again = _synthetic if table.name in CURVES else _tabular
    stored, trained = workers.call(partial(again, summary, table, study, line, run))
    expected = workers.call(partial(provenance.same_arithmetic, summary.attrs))
    frame = pd.DataFrame({"stored": stored, "again": trained}, index=pd.Index(METRICS))
    frame["relative difference"] = (frame["again"] / frame["stored"] - 1).abs()
    frame["same digits"] = frame["again"].round(summaries.DIGITS) == frame["stored"]
    frame["expected"] = expected
    return frame.rename_axis("metric")


def agrees(frame: pd.DataFrame) -> bool:
    """Whether `again` gives the stored values: all digits where expected, else to `TOLERANCE`."""
    within = frame["relative difference"] <= TOLERANCE  # NaN is not
    return bool(frame["same digits"].where(frame["expected"], within).all())


def verify(study: str, lines: Sequence[str | float] | None = None) -> pd.DataFrame:
    """Train a fold of every line of a summary again, and write into its record that they agree.

    The folds take turns. The record keeps what the summary was computed with, and names under
    ``verified`` the code, the pins and the versions that give its values again, with the slices
    that show it. Nothing is written unless all stored digits come out.

    Args:
        study: name of a summary.
        lines: some of its lines; default: all that can be trained again.

    Returns:
        `again` of each slice, by ``line`` and ``run``.

    Raises:
        SummaryError: if a value differs; the message names the lines, and the summary is stale.
        DataError: if the table is not available.
    """
    if (other := catalogue.OTHERS.get(study)) and other.part:
        return _verify_part(study, other.run, other.part)
    summary = summaries.read(study)
    runs = summary["fold" if "fold" in summary.dims else "seed"].to_numpy().tolist()
    known = _verifiable(summary, study) if lines is None else lines
    chosen = [(line, runs[i % len(runs)]) for i, line in enumerate(known)]
    found = pd.concat(
        {(line, run): again(study, line, run) for line, run in chosen}, names=["line", "run"]
    )
    _record(study, found, [list(slice_) for slice_ in chosen])
    return found


def _verify_part(
    study: str, run: Callable[..., xr.Dataset], part: Mapping[str, Any]
) -> pd.DataFrame:
    """Train a part of a study again, and compare every test value of it."""
    summary = summaries.read(study)
    methods = summary["method"].to_numpy().tolist()
    with tempfile.TemporaryDirectory() as folder:  # nothing that was kept is taken
        trained = run(methods, store=Path(folder), **part)["test"]
    stored = summary["test"]
    found = trained.transpose(*stored.dims).to_series().rename("again").to_frame()
    found = found.join(stored.to_series().rename("stored")).dropna(how="all")
    found = found.swaplevel("method", 0).rename_axis(index={"method": "line"})
    found["relative difference"] = (found["again"] / found["stored"] - 1).abs()
    found["same digits"] = found["again"].round(summaries.DIGITS) == found["stored"]
    _record(study, found, [{key: list(of) for key, of in part.items()}])
    return found


def _record(study: str, found: pd.DataFrame, slices: Sequence[Any]) -> None:
    """Write into the record of a summary that these slices agree.

    Raises:
        SummaryError: if a value differs.
    """
    other = found[~found["same digits"]]
    if len(other):
        named = ", ".join(dict.fromkeys(map(str, other.index.get_level_values("line"))))
        raise summaries.SummaryError(
            f"the summary '{study}' is not verified: {named} give other values now (relative "
            f"difference up to {other['relative difference'].max():.2g}); run the study again"
        )
    record = {
        "code": code_of(study),
        "pins": workers.call(provenance.pinned),
        "versions": provenance.versions(),
        "slices": slices,
    }
    summaries.amend(study, {VERIFIED: record})


def _verifiable(summary: xr.Dataset, study: str) -> Sequence[str | float]:
    """The lines that can be trained again: of a curve in other arithmetic those with a start."""
    same = partial(provenance.same_arithmetic, summary.attrs)
    if _is_curve(summary) and not workers.call(same):
        return list(curves.read_start(study).index.unique("method"))
    return _lines(summary)


def state(study: str) -> str:
    """What is known of a summary and the present code, in words.

    >>> state("diabetes") in STATES
    True
    """
    attrs, now = summaries.read(study).attrs, code_of(study)
    if attrs.get("code") == now:
        return STATES[0]
    return STATES[1 if attrs.get(VERIFIED, {}).get("code") == now else 2]


def code_of(study: str) -> str:
    """The digest of the present code that a summary rests on, as its record holds it."""
    summary = summaries.read(study)
    if (other := catalogue.OTHERS.get(study)) and other.code:
        return other.code(summary)
    compute: tuple[definitions.Definition, ...] = (tabular.COMPUTE,)
    if _is_curve(summary):
        compute = (synthetic.COMPUTE,)
    elif summary.attrs["table"] == ic50.NAME:
        compute = (ic50.COMPUTE, ic50.TRAINER)
    methods = [_method(summary, line) for line in _lines(summary)]
    return provenance.one_code(
        provenance.code_version((*compute, *method.objective.functions)) for method in methods
    )


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
    of_gaps = table.name == ic50.NAME
    protocol = ic50.PROTOCOL if of_gaps else tabular.protocol(table.name)
    at = _line(summary, study, line)
    method = _method(summary, line)
    recognise(summary, _settings(table, protocol), study)
    chosen = at.sel(fold=fold).squeeze("seed")
    seed = int(chosen["seed"])
    wanted = [_candidate(chosen.sel(metric=metric), method, fold, seed) for metric in METRICS]
    runs = list(dict.fromkeys(wanted))
    if method.name in WITH_ALL:
        rates = tabular.learning_rates(method, protocol, table.name)
        runs = tabular.grid(method, protocol, rates, seed, fold)
    problem = tabular.folds(table, protocol.folds)
    fit = train_with_gaps if of_gaps else train
    trained = fit(problem, runs, protocol.recipe, method.objective)
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


def _line(summary: xr.Dataset, study: str, line: str | float) -> xr.Dataset:
    """What was selected for a line of a summary."""
    dim, names = _dim(summary), _lines(summary)
    if line not in names:
        raise summaries.SummaryError(
            f"the summary '{study}' has no {dim} {line!r}; there are: {', '.join(map(str, names))}"
        )
    at = summary.sel({dim: line})
    if dim == "alpha":
        return at.assign(selected_hyperparameter=names.index(line) + 0 * at["fold"])
    return at


def _method(summary: xr.Dataset, line: str | float) -> Method:
    """The method of a line of a summary."""
    name, lines = str(line), _lines(summary)
    if _is_curve(summary):
        return synthetic_methods([name], synthetic.RECIPE.epochs)[0]
    if _dim(summary) == "alpha":
        return gar_at([float(line) for line in lines], sensitivity.method_of(summary))
    if name.startswith(ablation.PREFIX):
        return ablation.ablation_method(name.removeprefix(ablation.PREFIX))
    if summary.attrs["table"] == ic50.NAME:
        return ic50.methods_of([name], ic50.PROTOCOL.recipe.epochs)[0]
    table = str(summary.attrs["table"])
    protocol = frozen.PROTOCOL if table == frozen.NAME else tabular.protocol(table)
    return tabular_methods([name], protocol.recipe.epochs)[0]


def _table(summary: xr.Dataset) -> Table:
    """The table that a summary was computed from, scaled as it was there."""
    table = load_table(str(summary.attrs["table"]))
    return table if table.checksum == summary.attrs["data"] else table.scaled_on_training_part()


def _is_curve(summary: xr.Dataset) -> bool:
    return str(summary.attrs["table"]) in CURVES


def _dim(summary: xr.Dataset) -> str:
    return "alpha" if "alpha" in summary.dims else "method"


def _lines(summary: xr.Dataset) -> list[str | float]:
    return list(summary[_dim(summary)].to_numpy().tolist())


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
    """One run of a synthetic study: the whole, or where rounding may differ its first epochs."""
    recipe, at = synthetic.RECIPE, _line(summary, study, line)
    method = _method(summary, line)
    wanted = {
        "table": table.name,
        "data": table.checksum,
        "learning_rate": synthetic.LEARNING_RATE,
        "recipe": asdict(recipe),
    }
    recognise(summary, wanted, study)
    if provenance.same_arithmetic(summary.attrs):
        stored = at["test"].sel(seed=seed).to_numpy()
    else:
        recipe = replace(recipe, epochs=curves.START)
        stored = _start(study, str(line), seed)
    run = Run(synthetic.LEARNING_RATE, hyperparameter=method.hyperparameters[0], seed=seed)
    trained = train(synthetic.problem_of(table), [run], recipe, method.objective)
    return stored.tolist(), trained.metrics[0, -1, -1].astype(float).tolist()


def _start(study: str, line: str, seed: int) -> NDArray[np.float64]:
    stored = curves.read_start(study)
    if (line, seed) not in stored.index:
        raise summaries.SummaryError(
            f"the summary '{study + curves.START_SUFFIX}' has no run of {line!r} with seed {seed}"
        )
    return stored.xs((line, seed)).to_numpy(dtype=float).ravel()
