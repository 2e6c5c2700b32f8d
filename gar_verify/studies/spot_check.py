"""A slice of a long study, trained again: does the present code still give what a summary holds?

Of a tabular study, one line and one fold of what was selected (`retrained`) take seconds.

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

from gar_verify.data.synthetic import CURVES
from gar_verify.metrics import METRICS
from gar_verify.studies import (
    catalogue,
    curves,
    definitions,
    ic50,
    provenance,
    retrained,
    summaries,
    synthetic,
    tabular,
    workers,
)
from gar_verify.studies.methods import Method, synthetic_methods
from gar_verify.training import Run, train

TOLERANCE = 1e-3
"""Of a relative difference between a stored test value and the same one trained again."""

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
    again = _synthetic if _is_curve(summary) else _tabular
    stored, trained = workers.call(partial(again, summary, study, line, run))
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
    return retrained.lines_of(summary)


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
    methods = [_method(summary, line) for line in retrained.lines_of(summary)]
    return provenance.one_code(
        provenance.code_version((*compute, *method.objective.functions)) for method in methods
    )


def _tabular(
    summary: xr.Dataset, study: str, line: str | float, fold: int
) -> tuple[list[float], list[float]]:
    """The candidates that were selected, one for each metric, trained again."""
    wanted = retrained.selected(summary, study, line, fold)
    scores, _ = retrained.train_again(summary, wanted)
    return list(wanted.test), scores.astype(float).tolist()


def _method(summary: xr.Dataset, line: str | float) -> Method:
    """The method of a line of a summary."""
    if _is_curve(summary):
        return synthetic_methods([str(line)], synthetic.RECIPE.epochs)[0]
    return retrained.method_of(summary, line)


def _is_curve(summary: xr.Dataset) -> bool:
    return str(summary.attrs["table"]) in CURVES


def _synthetic(
    summary: xr.Dataset, study: str, line: str | float, seed: int
) -> tuple[list[float], list[float]]:
    """One run of a synthetic study: the whole, or where rounding may differ its first epochs."""
    recipe, at = synthetic.RECIPE, retrained.check_line(summary, study, line)
    table = retrained.table_of(summary)
    method = _method(summary, line)
    wanted = {
        "table": table.name,
        "data": table.checksum,
        "learning_rate": synthetic.LEARNING_RATE,
        "recipe": asdict(recipe),
    }
    retrained.recognise(summary, wanted, study)
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
