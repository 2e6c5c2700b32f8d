"""The comparison itself, for arrays and data frames and for files."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from gar_verify.comparison import reading
from gar_verify.comparison.delimited import Dialect
from gar_verify.comparison.nested import Data, Machine, pieces
from gar_verify.comparison.notation import Notation
from gar_verify.comparison.outcome import Comparison
from gar_verify.comparison.plan import make_plan
from gar_verify.comparison.table import understood
from gar_verify.studies.progress import Progress, Silent
from gar_verify.studies.store import collect
from gar_verify.training.devices import check_device

MAX_ROWS = 10_000
"""Of a larger table, so many rows are drawn at random: about ten minutes on two cores."""


def compare(
    X: Any,
    y: Any,
    *,
    losses: Sequence[str] | None = None,
    alphas: Sequence[float] | None = None,
    folds: int = 5,
    seeds: Sequence[int] = (0, 1),
    categories: Sequence[str] = (),
    title: str = "these data",
    quick: bool = False,
    max_rows: int = MAX_ROWS,
    seed: int = 0,
    written: Notation | None = None,
    log_target: bool = False,
    device: str = "cpu",
    jobs: int | None = None,
    memory_bytes: int | None = None,
    progress: Progress | None = None,
) -> Comparison:
    """Train small networks with several losses on a table, and compare them with care.

    Nested cross-validation: see `gar_verify.comparison.nested`. Nothing is written; `Comparison`
    has the table, a verdict in one sentence for each target, and ``save(folder)``.

    Args:
        X: features (n, F): an array, or a data frame with numbers, categories (text, true and
            false) and missing values. Constant columns and columns of names are left out, with a
            note.
        y: one target (n,), or several (n, T), as array, series or data frame. Rows without a target
            are left out, with a note.
        losses: names from the registry, such as ``("mae", "gar")``; default: MAE, MSE, Huber, GAR.
            MAE is always among them: the others are tested against it.
        alphas: of GAR, finite and positive; default: 0.1, 0.5, 1 and 10.
        folds: outer folds, at least 2.
        seeds: each repeats everything with other folds and other initial parameters.
        categories: columns of numbers that are codes of categories.
        title: what the table is called on the page.
        quick: a small part, for a first look; its figures mean little.
        max_rows: of more rows, so many are drawn at random.
        seed: of that drawing.
        written: how numbers in texts are written, and which values mean missing.
        log_target: whether the logarithm of the targets is learned; scores are of the targets.
        device: where to train.
        jobs: processes that train side by side; default: as many as the work is worth.
        memory_bytes: bound on the memory of a training stack; default: a quarter of what is free.
        progress: told how far it is; default: nobody.

    Raises:
        ValueError: for what cannot be compared on; the message says what was found where, and what
            to do.

    >>> from sklearn.datasets import load_diabetes
    >>> from gar_verify import compare
    >>> X, y = load_diabetes(return_X_y=True, as_frame=True)
    >>> outcome = compare(X, y, losses=["mae", "gar"], alphas=[1.0], folds=2, quick=True)
    >>> list(outcome.table().xs("target").index)
    ['MAE', 'GAR']
    """
    features, targets = _frames(X, y)
    both = pd.concat([features, targets], axis=1, keys=["feature", "target"])
    sample = reading.draw([both], max_rows, seed)
    drawn = sample.frame
    return _compare(
        pd.DataFrame(drawn["feature"]),
        pd.DataFrame(drawn["target"]),
        pd.Index(sample.frame.index, name="row"),
        sample.notes,
        losses=losses,
        alphas=alphas,
        folds=folds,
        seeds=seeds,
        categories=categories,
        title=title,
        quick=quick,
        written=written,
        log_target=log_target,
        device=device,
        jobs=jobs,
        memory_bytes=memory_bytes,
        progress=progress,
    )


def compare_file(
    path: Path,
    targets: Sequence[str],
    *,
    identifiers: Sequence[str] = (),
    dropped: Sequence[str] = (),
    categories: Sequence[str] = (),
    max_rows: int = MAX_ROWS,
    seed: int = 0,
    dialect: Dialect | None = None,
    weight: str | None = None,
    **options: Any,
) -> Comparison:
    """As `compare`, for a CSV or Parquet file.

    The file is read a block at a time; of more than ``max_rows`` rows, so many are drawn at random
    with ``seed``, and memory holds no more than those and one block.

    Args:
        path: the file, see `reading.read`.
        targets: columns to predict.
        identifiers: columns that name the rows: not learned from, but written with predictions.
        dropped: columns that are not read.
        categories: columns of numbers that are codes of categories.
        max_rows: of more rows, so many are drawn at random.
        seed: of that drawing.
        dialect: how a CSV file is separated and encoded.
        weight: column with the weights of the rows.
        options: the others of `compare`.

    Raises:
        ValueError: as `compare`, and for files and columns that do not exist or cannot be read.
    """
    weights = [] if weight is None else [weight]
    _check_roles(
        targets=targets,
        identifiers=identifiers,
        dropped=dropped,
        categories=categories,
        weights=weights,
    )
    wanted = [*targets, *identifiers, *categories, *weights]
    sample = reading.read(path, wanted, dropped, max_rows=max_rows, seed=seed, dialect=dialect)
    features = sample.frame.drop(columns=[*targets, *identifiers, *weights])
    if features.shape[1] == 0:
        raise ValueError(f"{path} has no column left to learn from besides {', '.join(wanted)}")
    return _compare(
        features,
        sample.frame[list(targets)],
        _row_names(sample.frame, identifiers),
        sample.notes,
        categories=categories,
        weights=sample.frame[weight] if weight is not None else None,
        title=path.name,
        **options,
    )


def _compare(
    features: pd.DataFrame,
    targets: pd.DataFrame,
    rows: pd.Index,
    notes: Sequence[str],
    *,
    losses: Sequence[str] | None = None,
    alphas: Sequence[float] | None = None,
    folds: int = 5,
    seeds: Sequence[int] = (0, 1),
    categories: Sequence[str] = (),
    title: str,
    quick: bool = False,
    written: Notation | None = None,
    weights: pd.Series | None = None,
    log_target: bool = False,
    device: str = "cpu",
    jobs: int | None = None,
    memory_bytes: int | None = None,
    progress: Progress | None = None,
) -> Comparison:
    _check_machine(device, jobs, memory_bytes)
    table = understood(
        features,
        targets,
        rows,
        categories=categories,
        written=written,
        weights=weights,
        log_target=log_target,
    )
    truth = table.truth
    plan = make_plan(len(truth), losses, alphas, folds=folds, seeds=seeds, quick=quick)
    names = tuple(map(str, truth.columns))
    data = Data(table.features, truth.to_numpy(dtype=np.float64), names, log_target)
    done = collect(
        pieces(data, plan, Machine(device, memory_bytes)),
        f"comparing on {title}",
        None,
        progress or Silent(),
        device,
        jobs,
    )
    results = _joined(done).assign_attrs(_provenance(done, data))
    return Comparison(title, results, plan, table.rows, truth, (*notes, *table.notes))


def _joined(done: Sequence[xr.Dataset]) -> xr.Dataset:
    """One dataset of the pieces; of the predictions, each piece has those of its fold."""
    scores = xr.combine_by_coords(
        [piece.drop_vars("prediction") for piece in done],
        join="outer",
        data_vars="all",
        combine_attrs="drop",
    )
    predictions = []
    for seed in scores["seed"].to_numpy():
        own = [piece["prediction"] for piece in done if seed in piece["seed"]]
        whole = own[0].drop_vars("fold", errors="ignore")
        for other in own[1:]:
            whole = whole.fillna(other)
        predictions.append(whole)
    methods = done[0]["method"].to_numpy()
    joined = xr.concat(predictions, "seed", join="exact")
    return scores.sel({"method": methods}).assign(prediction=joined)


def _provenance(done: Sequence[xr.Dataset], data: Data) -> dict[str, str]:
    first = done[0].attrs
    prints = "".join(piece.attrs["fingerprint"] for piece in done)
    return {
        "data": data.digest,
        "fingerprints": hashlib.sha256(prints.encode()).hexdigest(),
        "versions": first["versions"],
        "machine": first["machine"],
    }


def _frames(X: Any, y: Any) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Features and targets as frames with as many rows, whatever they came as."""
    if isinstance(X, (str, Path)):
        raise ValueError("X is a path; compare takes arrays: see gar-verify compare for files")
    features = X if isinstance(X, pd.DataFrame) else _array(X, "X", (2,), "x")
    targets = y.to_frame() if isinstance(y, pd.Series) else y
    if not isinstance(targets, pd.DataFrame):
        targets = _array(y, "y", (1, 2), "y")
    if len(features) != len(targets):
        raise ValueError(
            f"X has {len(features):,} rows and y has {len(targets):,}; expected as many in both"
        )
    if len(features) == 0:
        raise ValueError("X and y have no rows")
    named = [name if name is not None else "y" for name in targets.columns]
    targets = targets.set_axis([str(name) for name in named], axis=1)
    features = features.set_axis([str(name) for name in features.columns], axis=1)
    for frame, what in ((features, "X"), (targets, "y")):
        twice = frame.columns[frame.columns.duplicated()]
        if len(twice):
            raise ValueError(
                f"{what} has several columns called '{twice[0]}'; give each a name of its own"
            )
    return features.reset_index(drop=True), targets.reset_index(drop=True)


def _array(values: Any, name: str, dims: tuple[int, ...], prefix: str) -> pd.DataFrame:
    array = np.asarray(values)
    if array.ndim not in dims or 0 in array.shape[1:]:
        wanted = "(rows, columns)" if dims == (2,) else "(rows,) or (rows, targets)"
        raise ValueError(f"{name} has shape {array.shape}; expected {wanted}, with no part empty")
    table = array[:, None] if array.ndim == 1 else array
    single = array.ndim == 1
    names = [prefix] if single else [f"{prefix}{i}" for i in range(table.shape[1])]
    return pd.DataFrame(table, columns=names)


def _row_names(frame: pd.DataFrame, identifiers: Sequence[str]) -> pd.Index:
    if not identifiers:
        return frame.index.rename("row")
    return pd.MultiIndex.from_frame(frame[list(identifiers)])


def _check_roles(**roles: Sequence[str]) -> None:
    """Refuse a column that is given two roles, and a comparison without target."""
    if not roles["targets"]:
        raise ValueError("name the column to predict: --target COLUMN")
    seen: dict[str, str] = {}
    for role, names in roles.items():
        for name in names:
            if name in seen:
                where = dict.fromkeys((seen[name], role))
                raise ValueError(
                    f"column '{name}' is named twice, among the {' and the '.join(where)}; "
                    "name it once"
                )
            seen[name] = role


def _check_machine(device: str, jobs: int | None, memory_bytes: int | None) -> None:
    check_device(device)
    if jobs is not None and jobs < 1:
        raise ValueError(f"jobs must be at least 1, got {jobs}")
    if memory_bytes is not None and memory_bytes < 1:
        raise ValueError(f"the bound on memory must be above 0, got {memory_bytes}")
