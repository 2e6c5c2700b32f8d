"""Pieces of a study on a dask cluster of two workers, one of which is killed."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import xarray as xr
from bits import checksum
from typer.testing import CliRunner

from gar_verify.cli import app
from gar_verify.data import load_table
from gar_verify.studies import store, tabular, workers
from gar_verify.studies.methods import tabular_methods
from gar_verify.studies.progress import Silent

dask = pytest.importorskip("distributed", reason="dask is not installed")

SHORT = tabular.Protocol(
    replace(tabular.RECIPES["diabetes"], epochs=4, milestones=(2,)), (0.1,), (1e-3,), 3
)
PIECES = 6


class Counter(Silent):
    """Counts the pieces that came back, and kills a process after the second."""

    def __init__(self, victim: subprocess.Popen[bytes] | None = None) -> None:
        self.pieces, self.victim = 0, victim

    def advance(self, amount: float) -> None:
        self.pieces += 1
        if self.victim is not None and self.pieces == 2:
            self.victim.kill()
            self.victim.wait()


def start(*command: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "dask", *command, "--no-dashboard"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def stop(processes: list[subprocess.Popen[bytes]]) -> None:
    for process in processes:
        process.kill()
        process.wait()


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A scheduler without workers."""
    file = tmp_path_factory.mktemp("scheduler") / "scheduler.json"
    process = start(
        "scheduler", "--host", "127.0.0.1", "--port", "0", "--scheduler-file", str(file)
    )
    try:
        end = time.monotonic() + 60
        while not file.is_file() or not file.read_text(encoding="utf8").rstrip().endswith("}"):
            assert process.poll() is None, "the scheduler died"
            assert time.monotonic() < end, "the scheduler did not start"
            time.sleep(0.05)
        yield json.loads(file.read_text(encoding="utf8"))["address"]
    finally:
        stop([process])


@pytest.fixture
def crew(address: str, tmp_path: Path) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Two workers of one thread."""
    options = ("--nthreads", "1", "--no-nanny", "--local-directory", str(tmp_path / "dask"))
    processes = [start("worker", address, *options) for _ in range(2)]
    try:
        yield processes
    finally:
        stop(processes)


def sweep(folder: Path, progress: Silent, jobs: int | None = None) -> xr.Dataset:
    methods = tabular_methods(["mae", "gar"], SHORT.recipe.epochs)
    table = load_table("diabetes")
    return tabular.run_methods(table, methods, SHORT, store=folder, jobs=jobs, progress=progress)


def test_a_scheduler_without_workers_is_reported(address: str) -> None:
    with (
        pytest.raises(workers.ClusterError, match=r"has no worker after 0\.2 s.*dask worker tcp"),
        workers.cluster(address, timeout=0.2),
    ):
        pass
    assert not workers.in_cluster()


@pytest.mark.slow
def test_two_workers_or_one_killed_or_none_give_the_same(
    address: str, crew: list[subprocess.Popen[bytes]], tmp_path: Path
) -> None:
    def fail_at_two(item: int) -> int:
        if item == 2:
            raise ValueError("two is not computed")
        return item

    here = sweep(tmp_path / "here", Silent(), jobs=1)
    counts, swept = {}, {}
    with workers.cluster(address, timeout=60):
        with pytest.raises(ValueError, match="two is not computed"):
            list(workers.as_completed(fail_at_two, range(4), jobs=1))
        for name, victim in (("whole", None), ("killed", crew[0])):
            counter = Counter(victim)
            swept[name] = sweep(tmp_path / name, counter)
            counts[name] = counter.pieces
    assert crew[0].poll() is not None
    assert crew[1].poll() is None
    assert counts == {"whole": PIECES, "killed": PIECES}
    files = {path.relative_to(tmp_path / "here") for path in (tmp_path / "here").rglob("*.nc")}
    assert len(files) == PIECES
    for name, results in swept.items():
        assert checksum(results) == checksum(here)
        written = [path for path in (tmp_path / name).rglob("*") if path.is_file()]
        assert {path.relative_to(tmp_path / name) for path in written} == files
        for path in written:
            same = store.read(tmp_path / "here" / path.relative_to(tmp_path / name))
            assert checksum(store.read(path)) == checksum(same)


def test_nobody_answers() -> None:
    with (
        pytest.raises(
            workers.ClusterError, match=r"no scheduler answers at 'tcp://127\.0\.0\.1:1'"
        ),
        workers.cluster("tcp://127.0.0.1:1", timeout=0.3),
    ):
        pass


def test_the_command_asks_for_the_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody(address: str) -> None:
        raise workers.ClusterError(f"nobody at {address}")

    monkeypatch.setattr(workers, "cluster", nobody)
    arguments = ["run", "diabetes", "--quick", "--dask", "tcp://host:8786"]
    result = CliRunner().invoke(app.app, arguments)
    assert isinstance(result.exception, workers.ClusterError)
    assert str(result.exception) == "nobody at tcp://host:8786"
    assert isinstance(result.exception, app._expected())


def test_dask_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with (
        pytest.raises(workers.ClusterError, match=r"needs dask.*gar_verify\[cluster\]"),
        workers.cluster("tcp://127.0.0.1:1"),
    ):
        pass


def test_a_worker_with_other_code_computes_nothing(tmp_path: Path) -> None:
    piece = store.Piece("toy", {"a": 1}, lambda tell: pytest.fail("computed"), work=1.0)
    with pytest.raises(store.StoreError, match="toy would be computed by other code"):
        store._compute((piece, "0" * 64), folder=tmp_path, report=None)
    assert not list(tmp_path.iterdir())
