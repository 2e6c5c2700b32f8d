"""Samples of the studies: a few epochs of every line, the bytes of which travel with the package.

A machine that gives the bytes of the samples gives those of the studies. They are committed with
the pins and the versions of the libraries that they come from; with others the scores are close
and not the same. After a change of what is computed, or of a library::

    python -m gar_verify.studies.samples
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple

from gar_verify._files import atomic_write
from gar_verify.data import load_table, real
from gar_verify.data.synthetic import CURVES
from gar_verify.data.table import Table, digest
from gar_verify.studies import (
    ablation,
    curves,
    provenance,
    sensitivity,
    synthetic,
    tabular,
    workers,
)
from gar_verify.studies.catalogue import SENSITIVITIES, STUDIES, data_of
from gar_verify.studies.methods import (
    RELEASED,
    SYNTHETIC,
    TABULAR,
    Method,
    gar_at,
    synthetic_methods,
    tabular_methods,
)
from gar_verify.training import Problem, Recipe, Run, train

FILE = "samples.json"
EPOCHS = 2
"""Of a sample: RnC reaches its second phase."""
DIGITS = 6
"""Significant digits of the scores that are kept beside the bytes."""
TOLERANCE = 1e-3
"""Of a relative difference between scores in other arithmetic."""


class Sample(NamedTuple):
    """What a study gives after `EPOCHS`."""

    sha256: str
    """Of the scores after every epoch and of the parameters, line by line."""
    mae: dict[str, float | None]
    """Test MAE of each line's first model, to `DIGITS`; None where it diverged."""


def take(study: str) -> Sample:
    """Train the sample of a study, in this process: one model a line, of the sensitivities all.

    Raises:
        DataError: if the table is not available.
    """
    problem, recipe, lines = _training(study)
    trained = {
        method.name: train(problem, runs, recipe, method.objective) for method, runs in lines
    }
    arrays = [array for t in trained.values() for array in (t.metrics, t.parameters)]
    mae = {name: _score(float(t.metrics[0, -1, -1, 0])) for name, t in trained.items()}
    return Sample(digest(*(array.astype(float) for array in arrays)), mae)


def committed() -> tuple[dict[str, Sample], dict[str, Any]]:
    """The samples that travel with the package, and the record of what they come from."""
    stored = json.loads(files(__package__).joinpath(FILE).read_text(encoding="utf-8"))
    return {study: Sample(**sample) for study, sample in stored["samples"].items()}, stored[
        "record"
    ]


def agrees(sample: Sample, stored: Sample, record: Mapping[str, Any]) -> bool:
    """Whether a sample taken in this process is the stored one.

    To the byte where the record is of the pins and libraries of this process; else by its scores.
    """
    if provenance.same_arithmetic(record):
        return sample == stored
    return sample.mae.keys() == stored.mae.keys() and all(
        _is_close(score, stored.mae[line]) for line, score in sample.mae.items()
    )


def check(study: str) -> str:
    """What this process gives of a study: ``same bytes``, ``close`` in other arithmetic, or ``""``.

    Raises:
        DataError: if the table is not available.
    """
    stored, record = committed()
    if not agrees(take(study), stored[study], record):
        return ""
    return "same bytes" if provenance.same_arithmetic(record) else "close"


def as_json(samples: Mapping[str, Sample]) -> str:
    """The content of the file that `committed` reads, from samples taken in this process."""
    record = {
        "pins": provenance.canonical(provenance.pinned()),
        "versions": provenance.canonical(provenance.versions()),
    }
    named = {study: sample._asdict() for study, sample in samples.items()}
    return json.dumps({"record": record, "samples": named}, indent=1) + "\n"


def _score(value: float) -> float | None:
    return float(f"{value:.{DIGITS}g}") if math.isfinite(value) else None


def _is_close(one: float | None, other: float | None) -> bool:
    if one is None or other is None:
        return one is other
    return math.isclose(one, other, rel_tol=TOLERANCE)


def table_of(study: str) -> Table:
    """The table of a sample, the same on every machine: with the split that the package gives."""
    name = data_of(study)
    return real.load(name, arrays=False) if name in real.REAL_TABLES else load_table(name)


def _training(study: str) -> tuple[Problem, Recipe, Sequence[tuple[Method, list[Run]]]]:
    table = table_of(study)
    if study in CURVES:
        recipe = replace(synthetic.RECIPE, epochs=curves.START)
        methods = synthetic_methods(SYNTHETIC, recipe.epochs)
        lines = [
            (m, [Run(synthetic.LEARNING_RATE, hyperparameter=m.hyperparameters[0], seed=1)])
            for m in methods
        ]
        return synthetic.problem_of(table), recipe, lines
    protocol = tabular.protocol(table.name, quick=True)
    recipe = replace(protocol.recipe, epochs=EPOCHS)
    settings = replace(protocol, recipe=recipe)
    rate = min(tabular.protocol(table.name).learning_rates)  # nothing diverges
    grids = [(m, tabular.grid(m, settings, [rate], 0, 0)) for m in _methods(study)]
    lines = grids if len(grids) == 1 else [(m, runs[:1]) for m, runs in grids]
    return tabular.folds(table, settings.folds), recipe, lines


def _methods(study: str) -> list[Method]:
    if study == "ablation":
        return [ablation.ablation_method(name) for name in ablation.SUB_LOSSES]
    if study in SENSITIVITIES:
        return [gar_at(sensitivity.ALPHAS, SENSITIVITIES[study])]
    return tabular_methods((*TABULAR, RELEASED), EPOCHS)


def _write() -> None:
    """Take all samples anew and write the file."""
    content = workers.call(lambda: as_json({study: take(study) for study in STUDIES}))
    print(atomic_write(Path(__file__).with_name(FILE), content))


if __name__ == "__main__":
    _write()
