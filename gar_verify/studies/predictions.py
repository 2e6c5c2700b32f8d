"""What the selected models predict of the test rows, kept beside a summary.

The folds and seeds of a tabular study share one set of test rows. How much a difference between two
methods would change with other rows is seen in the predictions alone: `record` trains every
selected candidate again, compares its test values with the stored ones to the last digit, and keeps
the predictions in a file of their own. From them alone it takes the covariance of the methods' test
values over samples of the rows, drawn with replacement, and writes it into the record of the
summary, where `statistics.compare` finds it.
"""

from __future__ import annotations

import io
import itertools
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
import xarray as xr
from numpy.typing import NDArray

from gar_verify import paths
from gar_verify._files import atomic_write
from gar_verify.metrics import METRICS
from gar_verify.metrics.gaps import GapScorer
from gar_verify.metrics.scores import mae, pearson, rmse, spearman
from gar_verify.studies import provenance, retrained, summaries
from gar_verify.studies.definitions import Definition
from gar_verify.studies.methods import losses_of
from gar_verify.studies.progress import Progress, Silent
from gar_verify.studies.store import Piece, collect

FOLDER = "predictions"
ROWS = "rows"
"""Key of a summary's record for what other test rows would change."""

DRAWS = 1000
"""Samples of the test rows."""


SCORES = (mae, rmse, pearson, spearman)


def path_of(study: str, folder: Path | None = None) -> Path:
    """The file with the predictions of a study."""
    return (folder or paths.summaries()) / FOLDER / f"{study}.nc"


def record(
    study: str,
    *,
    store: Path | None = None,
    jobs: int | None = None,
    progress: Progress | None = None,
) -> xr.Dataset:
    """Train what the summary of a study selected again, and keep what it predicts.

    Args:
        study: name of a summary of a tabular study.
        store: folder to keep results in and to go on from; default: `paths.results`.
        jobs: processes that train side by side; default: see `workers.default_jobs`.
        progress: told how far it is; default: nobody.

    Returns:
        `read` of what was written.

    Raises:
        SummaryError: if a test value comes out otherwise, by name; nothing is written then.
        DataError: if the table is not available.
        ValueError: if it is no study of a table with test rows that all folds share.
    """
    summary = summaries.read(study)
    if not {"fold", "seed"} <= set(summary.dims) or "selected_weight_decay" not in summary:
        raise ValueError(
            "predictions are kept of studies of a table that have folds, such as concrete; "
            f"{study} is none"
        )
    pieces = [_piece(summary, study, *at) for at in _slices(summary)]
    folder = (store or paths.results()) / FOLDER / study
    done = collect(pieces, f"{study}, selected", folder, progress or Silent(), "cpu", jobs)
    whole = _whole(summary, done)
    _check(study, summary, whole)
    attrs = {
        "study": study,
        "data": summary.attrs["data"],
        "code": provenance.one_code(piece.attrs["code"] for piece in done),
        summaries.CHECKSUM: summaries.checksum(study),
    }
    _write(whole.drop_vars("test").assign_attrs(attrs), path_of(study))
    summaries.amend(study, {ROWS: _rows(whole)})
    return read(study)


def read(study: str, folder: Path | None = None) -> xr.Dataset:
    """The predictions of the selected models of a study.

    Returns:
        ``prediction`` (line, seed, fold, metric, row, target), in the units of the target, of the
        candidate that the metric selects, and ``label`` (row, target).

    Raises:
        SummaryError: if there are none, or they are of another summary.
    """
    path = path_of(study, folder)
    if not path.is_file():
        raise summaries.SummaryError(
            f"no predictions of {study!r} are stored; gar-verify table {study} --predictions "
            "trains what was selected again"
        )
    with xr.open_dataset(io.BytesIO(path.read_bytes()), engine="h5netcdf") as stored:
        found = stored.load()
    if found.attrs[summaries.CHECKSUM] != summaries.checksum(study, folder):
        raise summaries.SummaryError(
            f"{path.name} belongs to another summary of {study!r}; gar-verify table {study} "
            "--predictions makes it again"
        )
    return found


def with_rows(selected: xr.Dataset, study: str) -> xr.Dataset:
    """Results with what is stored of their test rows, if the summary has the same values.

    Args:
        selected: of a study, to the digits of a summary; some of its lines.
        study: name of the summary.
    """
    if ROWS in selected.attrs or not summaries.exists(study):
        return selected
    stored = summaries.read(study)
    if ROWS not in stored.attrs:
        return selected
    same = stored["test"].reindex_like(selected["test"]).transpose(*selected["test"].dims)
    if not np.array_equal(same, selected["test"], equal_nan=True):
        return selected
    return selected.assign_attrs({ROWS: stored.attrs[ROWS]})


def scores(found: xr.Dataset) -> xr.DataArray:
    """Test values (line, seed, fold, metric) of predictions, each by the metric that selected."""
    return _scores(found, np.arange(found.sizes["row"]))


def row_covariance(found: xr.Dataset, draws: int = DRAWS) -> NDArray[np.float64]:
    """Covariance [metric, line, line] of means over folds and seeds, over samples of the test rows.

    Args:
        found: from `read`.
        draws: how many samples, with replacement, always the same ones.
    """
    rng = np.random.default_rng(0)
    count = found.sizes["row"]
    means = [
        _scores(found, rng.integers(count, size=count))
        .mean(("seed", "fold"), skipna=False)
        .to_numpy()
        .T
        for _ in range(draws)
    ]
    return np.stack([np.cov(of_metric, rowvar=False) for of_metric in np.stack(means, axis=1)])


def _rows(found: xr.Dataset) -> dict[str, Any]:
    covariance = row_covariance(found)
    lines = found[retrained.dim_of(found)].to_numpy().tolist()
    return {
        "count": found.sizes["row"],
        "draws": DRAWS,
        "lines": lines,
        "covariance": {
            metric: [
                [float(f"{value:.6g}") if np.isfinite(value) else None for value in row]
                for row in matrix
            ]
            for metric, matrix in zip(METRICS, covariance, strict=True)
        },
    }


def _scores(found: xr.Dataset, rows: NDArray[np.int64]) -> xr.DataArray:
    line = retrained.dim_of(found)
    dims = (line, "seed", "fold", "metric", "target", "row")
    predicted = torch.from_numpy(found["prediction"].transpose(*dims).to_numpy()[..., rows])
    labels = torch.from_numpy(found["label"].transpose("target", "row").to_numpy()[:, rows])
    gaps = bool(labels.isnan().any())
    parts = [
        GapScorer(labels.expand(chosen.shape))(chosen)[..., i] if gaps else score(chosen, labels)
        for i, (chosen, score) in enumerate(zip(predicted.unbind(3), SCORES, strict=True))
    ]
    means = torch.stack(parts, 3).nanmean(-1)  # over the targets
    return xr.DataArray(means.numpy(), {d: found[d] for d in dims[:4]}, dims[:4])


def _slices(summary: xr.Dataset) -> list[tuple[str | float, int, int]]:
    """Lines with seeds and folds."""
    coordinates = (summary[dim].to_numpy().tolist() for dim in ("seed", "fold"))
    return list(itertools.product(retrained.lines_of(summary), *coordinates))


def _piece(summary: xr.Dataset, study: str, line: str | float, seed: int, fold: int) -> Piece:
    wanted = retrained.selected(summary, study, line, fold, seed)
    recipe = retrained.protocol_of(summary).recipe
    epochs, work = retrained.work_of(summary, wanted)

    def compute(on_epoch: Callable[[int], None]) -> xr.Dataset:
        test, predictions = retrained.train_again(summary, wanted, on_epoch)
        return xr.Dataset(
            {
                "test": ("metric", test),
                "prediction": (("metric", "row", "target"), predictions),
            },
            {"metric": list(METRICS)},
        )

    return Piece(
        name=f"{line}-seed{seed}-fold{fold}",
        settings={
            "study": study,
            "data": summary.attrs["data"],
            "runs": [run and asdict(run) for run in wanted.runs],
            "epochs": wanted.epochs,
            "recipe": asdict(recipe),
            "losses": losses_of(wanted.method),
        },
        compute=compute,
        work=epochs * work,
        work_per_epoch=work,
        functions=(COMPUTE, *wanted.method.objective.functions),
    )


COMPUTE = Definition(retrained.train_again.__module__, retrained.train_again.__name__)


def _whole(summary: xr.Dataset, done: list[xr.Dataset]) -> xr.Dataset:
    """One dataset of all pieces, with the labels of the test rows."""
    dims = (retrained.dim_of(summary), "seed", "fold")
    outer = {dim: summary[dim].to_numpy().tolist() for dim in dims}
    shape = tuple(map(len, outer.values()))
    stacked = {
        name: (
            (*dims, *done[0][name].dims),
            np.stack([piece[name].to_numpy() for piece in done]).reshape(
                *shape, *done[0][name].shape
            ),
        )
        for name in ("test", "prediction")
    }
    labels = retrained.table_of(summary).test_y
    return xr.Dataset(
        {**stacked, "label": (("row", "target"), labels)}, {**outer, "metric": list(METRICS)}
    )


def _check(study: str, summary: xr.Dataset, whole: xr.Dataset) -> None:
    """Compare every test value with the stored one.

    Raises:
        SummaryError: names the lines whose values differ.
    """
    stored = summary["test"].transpose(*whole["test"].dims)
    again = whole["test"].astype(float).round(summaries.DIGITS)
    same = (again.to_numpy() == stored.to_numpy()) | np.isnan(again.to_numpy() + stored.to_numpy())
    if not same.all():
        lines = np.array(list(map(str, retrained.lines_of(summary))))
        other = lines[~same.all(axis=(1, 2, 3))]
        raise summaries.SummaryError(
            f"{(~same).sum()} of {same.size} test values of '{study}' come out otherwise now "
            f"({', '.join(other)}): nothing was written; run the study again"
        )


def _write(dataset: xr.Dataset, path: Path) -> None:
    packed = {"zlib": True, "complevel": 9, "shuffle": True}
    path.parent.mkdir(exist_ok=True)
    content = dataset.to_netcdf(engine="h5netcdf", encoding={"prediction": packed, "label": packed})
    atomic_write(path, bytes(content))
