"""Results on disk: one NetCDF file for each piece of a study, written atomically.

A piece is written under a temporary name and moved into place, so a killed study leaves finished
pieces and nothing else; run again, it goes on after them. A file carries the settings it came from,
and ends with the SHA-256 of all its bytes, which is checked before anything reads them. One that
holds other settings is refused, a damaged one is named and computed again.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import xarray as xr

from gar_verify._files import atomic_write
from gar_verify.data import Table
from gar_verify.data.table import digest
from gar_verify.studies import definitions, pins, provenance, workers
from gar_verify.studies.methods import Method, losses_of
from gar_verify.studies.progress import Progress
from gar_verify.training import Problem, Recipe, Run

SEAL = hashlib.sha256().digest_size
"""Bytes at the end of a file that are the SHA-256 of those before; readers of HDF5 ignore them."""


class StoreError(Exception):
    """A file of the store holds something else than its name says, or none can be written."""


class DamagedError(Exception):
    """A file of the store cannot be read, or its bytes are not those that were written."""


@dataclass(frozen=True)
class Piece:
    """A part of a study that is computed at once and stored as one file."""

    name: str
    settings: provenance.Settings
    """Everything that determines the result."""
    compute: Callable[[Callable[[int], None]], xr.Dataset]
    """Computes the result; calls its argument with the number of models after every epoch."""
    work: float
    """Units of work ahead, one for a model and epoch of a cheap loss."""
    work_per_epoch: float = 1.0
    """Units of work for one model and one epoch."""
    functions: provenance.Functions = ()
    """The losses: code that the result depends on, beside the trainer and ``compute``."""
    device: str = "cpu"
    """Where it is computed."""

    @property
    def code(self) -> provenance.Functions:
        """The functions that the result depends on beside the trainer."""
        own = definitions.is_of_package(self.compute)
        return (self.compute, *self.functions) if own else self.functions

    @property
    def fingerprint(self) -> str:
        """Of the settings, the code, and what pins the arithmetic."""
        return provenance.fingerprint(self.settings, self.code, self.device)


def piece_of_training(
    name: str,
    table: Table,
    problem: Problem,
    method: Method,
    runs: Sequence[Run],
    recipe: Recipe,
    compute: Callable[[Callable[[int], None]], xr.Dataset],
    **settings: Any,
) -> Piece:
    """A piece that trains runs of a method on a fold, with ``settings`` beside those of all."""
    work = workers.work_per_epoch(problem, recipe, pairwise=method.objective.pairwise)
    return Piece(
        name=name,
        settings={
            "table": table.name,
            "data": table.checksum,
            "method": method.name,
            "recipe": asdict(recipe),
            "pretraining_epochs": method.objective.pretraining_epochs,
            "losses": losses_of(method),
            "rows": digest(*(rows.astype(float) for rows in problem.parts(runs[0].fold).values())),
            **settings,
        },
        compute=compute,
        work=len(runs) * recipe.epochs * work,
        work_per_epoch=work,
        functions=method.objective.functions,
    )


def collect(
    pieces: Sequence[Piece],
    title: str,
    folder: Path | None,
    progress: Progress,
    device: str = "cpu",
    jobs: int | None = None,
) -> list[xr.Dataset]:
    """All pieces in order, those that the folder lacks being computed and written there.

    Args:
        pieces: what is wanted.
        title: what is computed, for the reader of the progress.
        folder: where results are kept; None computes everything and keeps nothing.
        progress: told about the work that is left.
        device: where the pieces are computed.
        jobs: processes that compute side by side; default: see `workers.default_jobs`.

    Raises:
        StoreError: if a file of the folder holds other settings, or nothing can be written there.
        ValueError: if ``jobs`` is below 1, or two pieces have one name.
    """
    _check(pieces, jobs)
    pieces = [replace(piece, device=device) for piece in pieces]
    found = {i: _load_or_none(piece, folder, progress) for i, piece in enumerate(pieces)}
    missing = [i for i, dataset in found.items() if dataset is None]
    work = sum(pieces[i].work for i in missing)
    jobs = workers.default_jobs(work, device) if jobs is None else jobs
    # Only a piece that is computed in this process can tell of its epochs.
    alone = workers.stay_here(min(jobs, len(missing)), device)
    report = progress.advance if alone else None
    # The machines of a cluster need not share this one's files: what comes back is written here.
    there = None if workers.in_cluster() else folder
    compute = partial(_compute, folder=there, report=report)
    # The fingerprints of the code as it is now: a process that starts later may find other code.
    orders = [(pieces[i], pieces[i].fingerprint) for i in missing]
    progress.start(title, work)
    try:
        if missing and folder is not None:
            _probe(folder)
        for k, dataset in workers.as_completed(compute, orders, jobs, device):
            found[missing[k]] = dataset
            if there is None and folder is not None:
                write(dataset, path_of(pieces[missing[k]], folder))
            if report is None:
                progress.advance(pieces[missing[k]].work)
    finally:
        progress.finish()
    return [dataset for dataset in found.values() if dataset is not None]


def path_of(piece: Piece, folder: Path) -> Path:
    """The file of a piece; its name holds the beginning of the fingerprint."""
    return folder / f"{piece.name}-{piece.fingerprint[:12]}.nc"


def write(dataset: xr.Dataset, path: Path) -> None:
    """Write a dataset atomically, sealed by the SHA-256 of its bytes.

    Raises:
        StoreError: if it cannot be written.
    """
    content = bytes(dataset.to_netcdf(engine="h5netcdf"))
    try:
        atomic_write(path, content + hashlib.sha256(content).digest())
    except OSError as error:
        raise StoreError(_unwritable(path.parent, error)) from error


def read(path: Path) -> xr.Dataset:
    """Read what `write` wrote.

    Raises:
        DamagedError: if the file is unreadable or its bytes do not match their checksum.
    """
    try:
        sealed = path.read_bytes()
    except OSError as error:
        raise DamagedError(f"{path} cannot be read ({error})") from error
    content = sealed[:-SEAL]
    if hashlib.sha256(content).digest() != sealed[-SEAL:]:
        raise DamagedError(f"{path} is damaged: its bytes do not match their checksum")
    with xr.open_dataset(io.BytesIO(content), engine="h5netcdf") as stored:
        return stored.load()


class Described(Protocol):
    """What the results of a study say of its data: a `Table`, or images."""

    @property
    def name(self) -> str: ...  # noqa: D102

    @property
    def source(self) -> str: ...  # noqa: D102

    @property
    def checksum(self) -> str: ...  # noqa: D102

    @property
    def target(self) -> str: ...  # noqa: D102

    @property
    def unit(self) -> str: ...  # noqa: D102


def summary_of(pieces: Sequence[xr.Dataset], table: Described) -> dict[str, str | float]:
    """The provenance of a study, from that of its pieces and of its table.

    ``seconds`` is the time that the pieces took when they were computed, whenever that was;
    ``fingerprints`` covers the settings, data, code and pins of all of them, ``code`` the code.
    """
    attrs = [piece.attrs for piece in pieces]
    both = hashlib.sha256("".join(a["fingerprint"] for a in attrs).encode()).hexdigest()
    return {
        "table": table.name,
        "source": table.source,
        "data": table.checksum,
        "target": table.target,
        "unit": table.unit,
        "settings": json.dumps(_common([json.loads(a["settings"]) for a in attrs])),
        "fingerprints": both,
        "code": provenance.one_code(a["code"] for a in attrs),
        "seconds": round(sum(a["seconds"] for a in attrs), 3),
        **{
            key: " or ".join(sorted({a[key] for a in attrs}))
            for key in ("versions", "pins", "machine")
        },
    }


def _common(settings: list[dict[str, Any]]) -> dict[str, Any]:
    """Settings that all pieces share."""
    first, *others = settings
    return {k: v for k, v in first.items() if all(other.get(k) == v for other in others)}


def _load_or_none(piece: Piece, folder: Path | None, progress: Progress) -> xr.Dataset | None:
    if folder is None or not (path := path_of(piece, folder)).is_file():
        return None
    try:
        dataset = read(path)
    except DamagedError as error:
        progress.note(f"{error}; it is computed again.")
        return None
    if dataset.attrs.get("fingerprint") != piece.fingerprint:
        raise StoreError(_stranger(path, dataset, piece))
    return dataset


def _check(pieces: Sequence[Piece], jobs: int | None) -> None:
    """Refuse what cannot be meant."""
    if jobs is not None and jobs < 1:
        raise ValueError(f"jobs must be at least 1, got {jobs}")
    names = [piece.name for piece in pieces]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise ValueError(f"{twice} is wanted twice; name every loss and every seed once")


def _probe(folder: Path) -> None:
    """Refuse before hours of work a folder that its results cannot be kept in."""
    try:
        atomic_write(folder / f".probe-{os.getpid()}", b"").unlink()
    except OSError as error:
        raise StoreError(_unwritable(folder, error)) from error


def _unwritable(folder: Path, error: OSError) -> str:
    return (
        f"results cannot be kept in {folder} ({error.strerror or error}); name another folder "
        "(--store, or GAR_VERIFY_CACHE), or make room: what is finished is kept"
    )


def _compute(
    order: tuple[Piece, str],
    *,
    folder: Path | None,
    report: Callable[[float], None] | None,
) -> xr.Dataset:
    piece, wanted = order
    if piece.fingerprint != wanted:
        raise StoreError(
            f"{piece.name} would be computed by other code of gar_verify than it was asked from, "
            "or with other pins: a file was edited since, or a worker has another version or "
            f"another {pins.SWITCH}. Nothing was kept of it: start the command anew, on a cluster "
            "with one version everywhere."
        )
    if not pins.are_set(piece.device):
        raise StoreError(
            f"{piece.name} would be computed with other arithmetic than on another machine: start "
            f"the workers of the cluster with {pins.as_words()}"
        )
    begun = time.perf_counter()
    dataset = piece.compute(
        lambda models: report(models * piece.work_per_epoch) if report is not None else None
    )
    dataset.attrs = {
        "fingerprint": piece.fingerprint,
        "settings": provenance.canonical(piece.settings),
        "code": provenance.code_version(piece.code),
        "pins": provenance.canonical(provenance.pinned(piece.device)),
        "versions": provenance.canonical(provenance.versions()),
        "machine": provenance.canonical(provenance.machine(piece.device)),
        "seconds": round(time.perf_counter() - begun, 3),
    }
    if folder is not None:
        write(dataset, path_of(piece, folder))
    return dataset


def _stranger(path: Path, dataset: xr.Dataset, piece: Piece) -> str:
    stored = json.loads(dataset.attrs.get("settings", "{}"))
    wanted = json.loads(provenance.canonical(piece.settings))
    keys = sorted(k for k in stored.keys() | wanted.keys() if stored.get(k) != wanted.get(k))
    what = "; ".join(f"{k}: stored {stored.get(k)!r}, wanted {wanted.get(k)!r}" for k in keys)
    return (
        f"{path} holds a result of {'other settings' if keys else 'other code or pins'}"
        f"{f' ({what})' if what else ''}. Nothing was mixed in: remove the file, or name another "
        "folder for the results."
    )
