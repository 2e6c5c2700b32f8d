"""The comparison itself, for arrays and data frames and for files."""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import ArrayLike
from torch import nn

from gar_verify.comparison import baselines, loop, reading, splits
from gar_verify.comparison.catalogue import LOSSES
from gar_verify.comparison.columns import Features
from gar_verify.comparison.delimited import Dialect
from gar_verify.comparison.nested import Data, Machine, pieces
from gar_verify.comparison.notation import Notation
from gar_verify.comparison.outcome import Comparison
from gar_verify.comparison.plan import Plan, check_losses, default_alphas, fitted, make_plan
from gar_verify.comparison.table import Table, understood
from gar_verify.studies.progress import Progress, Silent
from gar_verify.studies.store import collect
from gar_verify.studies.workers import cluster
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
    group: str | ArrayLike | None = None,
    time: str | ArrayLike | None = None,
    weight: str | ArrayLike | None = None,
    references: bool = True,
    boosting: bool = False,
    model: Callable[[int, int], nn.Module] | str | None = None,
    written: Notation | None = None,
    log_target: bool = False,
    device: str = "cpu",
    jobs: int | None = None,
    dask: str | None = None,
    memory_bytes: int | None = None,
    store: Path | None = None,
    progress: Progress | None = None,
) -> Comparison:
    """Train small networks with several losses on a table, and compare them with care.

    Nested cross-validation: see `gar_verify.comparison.nested`. Nothing is written without
    ``store``; `Comparison` has the table, a verdict in a few sentences for each target, and
    ``save(folder)``.

    Args:
        X: features (n, F): an array, or a data frame with numbers, categories (text, true and
            false) and missing values. Constant columns and columns of names are left out, with a
            note.
        y: one target (n,), or several (n, T), as array, series or data frame. Rows without any
            target are left out, with a note; of several targets, a row may lack some.
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
        group: whom each row belongs to, such as a patient: a column of X, or values (n,). No group
            lies in two parts, and Pearson's correlation within groups joins the metrics.
        time: when each row was, a column of X or values (n,): folds are predicted from the times
            before them. The column is not learned from.
        weight: how much each row counts, a column of X or values (n,), not negative.
        references: whether median, mean, ridge and boosting of scikit-learn are in the table.
        boosting: GAR as objective of LightGBM and XGBoost, of those that are installed.
        model: ``build(inputs, outputs)``, a network of one's own in place of the perceptron, or
            ``"module:function"``.
        written: how numbers in texts are written, and which values mean missing.
        log_target: whether the logarithm of the targets is learned; scores are of the targets.
        device: where to train.
        jobs: processes that train side by side; default: as many as the work is worth.
        dask: scheduler of a cluster that trains, such as ``tcp://host:8786``.
        memory_bytes: bound on the memory of a training stack; default: a quarter of what is free.
        store: folder that finished folds are kept in until all are, so that the same call goes on
            after an interruption; default: none.
        progress: told how far it is; default: nobody.

    Raises:
        ValueError: for what cannot be compared on; the message says what was found where, and what
            to do.

    >>> from sklearn.datasets import load_diabetes
    >>> from gar_verify import compare
    >>> X, y = load_diabetes(return_X_y=True, as_frame=True)
    >>> outcome = compare(X, y, losses=["mae", "gar"], alphas=[1.0], folds=2, quick=True)
    >>> list(outcome.table().xs("target").index)
    ['MAE', 'GAR', 'median', 'mean', 'ridge', 'boosting, L1', 'boosting, L2']
    """
    features, targets = _frames(X, y)
    features, roles, names = _taken(features, group=group, time=time, weight=weight)
    parts = {"feature": features, "target": targets, "role": roles}
    sample = reading.draw([pd.concat(parts, axis=1)], max_rows, seed)
    drawn = sample.frame
    options: dict[str, Any] = {
        "losses": losses,
        "alphas": alphas,
        "folds": folds,
        "seeds": seeds,
        "categories": categories,
        "title": title,
        "quick": quick,
        "references": references,
        "boosting": boosting,
        "model": model,
        "written": written,
        "log_target": log_target,
        "device": device,
        "jobs": jobs,
        "dask": dask,
        "memory_bytes": memory_bytes,
    }
    said = {**options, "max_rows": max_rows, "seed": seed, **names}
    return _compare(
        pd.DataFrame(drawn["feature"]),
        pd.DataFrame(drawn["target"]),
        pd.Index(drawn.index, name="row"),
        sample.notes,
        roles=pd.DataFrame(drawn["role"]) if names else pd.DataFrame(index=drawn.index),
        names=names,
        store=store,
        progress=progress,
        command=_call(said),
        **options,
    )


def compare_file(
    path: Path,
    targets: Sequence[str],
    *,
    identifiers: Sequence[str] = (),
    dropped: Sequence[str] = (),
    categories: Sequence[str] = (),
    group: str | None = None,
    time: str | None = None,
    weight: str | None = None,
    max_rows: int = MAX_ROWS,
    seed: int = 0,
    dialect: Dialect | None = None,
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
        group: column that says whom each row belongs to.
        time: column that says when each row was.
        weight: column that says how much each row counts.
        max_rows: of more rows, so many are drawn at random.
        seed: of that drawing.
        dialect: how a CSV file is separated and encoded.
        options: the others of `compare`.

    Raises:
        ValueError: as `compare`, and for files and columns that do not exist or cannot be read.
    """
    named = {"group": group, "time": time, "weight": weight}
    single = {role: name for role, name in named.items() if name is not None}
    _check_roles(
        targets=targets,
        identifiers=identifiers,
        dropped=dropped,
        categories=categories,
        **{role: [name] for role, name in single.items()},
    )
    wanted = [*targets, *identifiers, *categories, *single.values()]
    sample = reading.read(path, wanted, dropped, max_rows=max_rows, seed=seed, dialect=dialect)
    features = sample.frame.drop(columns=[*targets, *identifiers, *single.values()])
    if features.shape[1] == 0:
        raise ValueError(f"{path} has no column left to learn from besides {', '.join(wanted)}")
    return _compare(
        features,
        sample.frame[list(targets)],
        _row_names(sample.frame, identifiers),
        sample.notes,
        roles=pd.DataFrame(
            {role: sample.frame[name] for role, name in single.items()}, index=sample.frame.index
        ),
        names=single,
        categories=categories,
        title=path.name,
        **options,
    )


def _compare(
    features: pd.DataFrame,
    targets: pd.DataFrame,
    rows: pd.Index,
    notes: Sequence[str],
    *,
    roles: pd.DataFrame,
    names: Mapping[str, str],
    losses: Sequence[str] | None = None,
    alphas: Sequence[float] | None = None,
    folds: int = 5,
    seeds: Sequence[int] = (0, 1),
    categories: Sequence[str] = (),
    title: str,
    quick: bool = False,
    references: bool = True,
    boosting: bool = False,
    model: Callable[[int, int], nn.Module] | str | None = None,
    written: Notation | None = None,
    log_target: bool = False,
    device: str = "cpu",
    jobs: int | None = None,
    dask: str | None = None,
    memory_bytes: int | None = None,
    store: Path | None = None,
    command: str = "",
    progress: Progress | None = None,
) -> Comparison:
    _check_machine(device, jobs, memory_bytes, dask)
    own = loop.load(model) if isinstance(model, str) else None
    if callable(model):
        own = loop.model_of(model)
    table = understood(
        features,
        targets,
        rows,
        categories=categories,
        written=written,
        weights=roles["weight"].rename(names["weight"]) if "weight" in names else None,
        log_target=log_target,
        suggests_groups=not {"group", "time"} & names.keys(),
    )
    plan = make_plan(
        len(table.truth),
        losses,
        alphas,
        folds=folds,
        seeds=seeds,
        quick=quick,
        references=_references(references, boosting, alphas),
    )
    data, of_layout = _data(table, roles[table.present], names, folds, log_target)
    plan = fitted(plan, data.layout.least(folds, plan.seeds, plan.inner))
    _check_trainable(plan, data, own)
    work = pieces(data, plan, Machine(device, memory_bytes, own))
    kept = None if store is None else store / _digest(piece.fingerprint for piece in work)[:16]
    with cluster(dask) if dask else nullcontext():
        done = collect(work, f"comparing on {title}", kept, progress or Silent(), device, jobs)
    return Comparison(
        title,
        _joined(done).assign_attrs(_provenance(done, data)),
        plan,
        table.rows,
        table.truth,
        (*notes, *table.notes, *of_layout),
        data.layout,
        _columns(table.features),
        command,
        kept,
    )


def _data(
    table: Table, roles: pd.DataFrame, names: Mapping[str, str], folds: int, log_target: bool
) -> tuple[Data, list[str]]:
    """What is learned from, and what a reader should know of how rows belong together."""
    columns = {role: roles[role].rename(name) for role, name in names.items()}
    targets = table.truth.to_numpy(dtype=np.float64)
    weight = None if table.weights is None else table.weights / table.weights.mean()
    found = table.features.frame
    layout, notes = splits.layout_of(
        found, targets, folds, group=columns.get("group"), time=columns.get("time")
    )
    if not {"group", "time"} & columns.keys():
        notes += splits.suggestions(found, folds, table.subjects)
    names_of_targets = tuple(map(str, table.truth.columns))
    return Data(table.features, targets, names_of_targets, layout, weight, log_target), notes


def _check_trainable(plan: Plan, data: Data, own: loop.Model | None) -> None:
    """Refuse losses that the data or the network is too much for, and targets with few values."""
    if own is not None:
        outputs = [name for name, spec in LOSSES.items() if not spec.needs_features]
        check_losses(plan, "a network of one's own, whose features nobody knows", outputs)
    if data.weight is not None:
        check_losses(plan, "weights of the rows")
    if np.isnan(data.targets).any():
        check_losses(plan, "gaps in the targets")
    for name, values in zip(data.names, data.targets.T, strict=True):
        make_plan(int((~np.isnan(values)).sum()), folds=plan.folds, what=f"target '{name}'")


def _references(
    wanted: bool, boosting: bool, alphas: Sequence[float] | None
) -> tuple[baselines.Reference, ...]:
    of_libraries = baselines.boosters(alphas or default_alphas()) if boosting else ()
    return (*(baselines.REFERENCES if wanted else ()), *of_libraries)


def _columns(found: Features) -> pd.DataFrame:
    """The columns as they were read: what each is taken for, its gaps, and what it holds."""
    lines = {}
    for name in map(str, found.frame.columns):
        column = found.frame[name]
        numeric = name in found.numeric
        low, high = (column.min(), column.max()) if numeric else ("", "")
        lines[name] = {
            "taken as": "number" if numeric else "category",
            "missing": int(column.isna().sum()),
            "values": f"{low:g} to {high:g}" if numeric else f"{column.nunique():,} levels",
        }
    return pd.DataFrame.from_dict(lines, orient="index")


def _digest(parts: Iterable[str]) -> str:
    return hashlib.sha256("".join(parts).encode()).hexdigest()


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
    return {
        "data": data.digest,
        "fingerprints": _digest(piece.attrs["fingerprint"] for piece in done),
        "versions": first["versions"],
        "machine": first["machine"],
    }


def _taken(
    features: pd.DataFrame, **given: str | ArrayLike | None
) -> tuple[pd.DataFrame, pd.DataFrame, dict[str, str]]:
    """Features without the columns that have a role, those by role, and what each is called."""
    roles, names = {}, {}
    for role, values in given.items():
        if values is None:
            continue
        if isinstance(values, str):
            reading.find(list(features.columns), [values], "X")
            roles[role], names[role] = features[values], values
            continue
        column = pd.Series(np.asarray(values) if not isinstance(values, pd.Series) else values)
        if len(column) != len(features):
            raise ValueError(
                f"{role} has {len(column):,} values and X has {len(features):,} rows; expected as "
                "many"
            )
        roles[role], names[role] = column.reset_index(drop=True), role
    left = features.drop(columns=[name for name in names.values() if name in features.columns])
    if left.shape[1] == 0:
        raise ValueError("X has no column left to learn from")
    return left, pd.DataFrame(roles, index=features.index), names


def _call(options: Mapping[str, Any]) -> str:
    """The call of `compare` that was made, without what was left as it is."""
    defaults = inspect.signature(compare).parameters
    given = [
        f"{name}={getattr(value, '__qualname__', None) or repr(value)}"
        for name, value in options.items()
        if repr(value) != repr(defaults[name].default)
    ]
    return f"gar_verify.compare({', '.join(['X', 'y', *given])})"


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


def _check_machine(
    device: str, jobs: int | None, memory_bytes: int | None, dask: str | None
) -> None:
    check_device(device)
    if dask and jobs is not None:
        raise ValueError("dask and jobs exclude each other: the cluster has its own processes")
    if jobs is not None and jobs < 1:
        raise ValueError(f"jobs must be at least 1, got {jobs}")
    if memory_bytes is not None and memory_bytes < 1:
        raise ValueError(f"the bound on memory must be above 0, got {memory_bytes}")
