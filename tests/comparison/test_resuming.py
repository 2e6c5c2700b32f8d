"""A comparison that was interrupted goes on where it was, and comes to the same bytes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from gar_verify import compare
from gar_verify.cli.app import app
from gar_verify.comparison import Comparison
from gar_verify.studies.progress import Progress

pytestmark = pytest.mark.usefixtures("sketches")
SETTINGS = {"losses": ["mae", "gar"], "alphas": [1.0], "folds": 3, "quick": True, "jobs": 1}


class Interrupted(Progress):
    """Somebody presses Ctrl-C in the second of three folds."""

    def start(self, title: str, total: float) -> None:
        self.left = total / 2

    def advance(self, amount: float) -> None:
        self.left -= amount
        if self.left < 0:
            raise KeyboardInterrupt


class Counting(Progress):
    work = 0.0

    def start(self, title: str, total: float) -> None:
        self.work = total


def run(store: Path | None, progress: Progress, **changes: object) -> Comparison:
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"a": rng.normal(size=30), "b": rng.normal(size=30)})
    settings = {**SETTINGS, "references": False, **changes}
    return compare(X, X["a"] + 0.1 * X["b"], store=store, progress=progress, **settings)


def test_an_interrupted_comparison_goes_on_to_the_same_bytes(tmp_path: Path) -> None:
    store = tmp_path / "store"
    with pytest.raises(KeyboardInterrupt):
        run(store, Interrupted())
    kept = {path: path.read_bytes() for path in store.rglob("*.nc")}
    assert kept
    rest, whole = Counting(), Counting()
    resumed, at_once = run(store, rest), run(None, whole)
    assert 0 < rest.work < whole.work
    assert all(path.read_bytes() == content for path, content in kept.items())
    written = [one.save(tmp_path / name) for one, name in ((resumed, "a"), (at_once, "b"))]
    for first, second in zip(*written, strict=True):
        assert first.read_bytes() == second.read_bytes(), first.name
    resumed.forget()
    assert list(store.iterdir()) == []


def test_other_settings_do_not_find_what_is_kept(tmp_path: Path) -> None:
    first, again, other = Counting(), Counting(), Counting()
    run(tmp_path, first)
    run(tmp_path, again)
    run(tmp_path, other, alphas=[2.0])
    assert again.work == 0
    assert other.work == first.work


def test_jobs_and_a_cluster_exclude_each_other() -> None:
    with pytest.raises(ValueError, match="dask and jobs exclude each other"):
        run(None, Counting(), dask="tcp://nowhere:1")


def test_after_ctrl_c_the_same_command_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(0)
    table = pd.DataFrame(rng.normal(size=(60, 3)), columns=["a", "b", "y"])
    table.to_csv(tmp_path / "mine.csv", index=False)
    environment = {**os.environ, "GAR_VERIFY_CACHE": str(tmp_path / "cache")}
    environment["OMP_NUM_THREADS"] = "1"
    arguments = [sys.executable, "-m", "gar_verify", "compare", "mine.csv", "--target", "y"]
    settings = ["--losses", "mae,huber", "--folds", "3", "--no-references", "--quick"]
    settings += ["--jobs", "1"]
    arguments += settings

    def listen() -> None:
        """A shell's background job is born deaf to interruptions, and its children with it."""
        signal.signal(signal.SIGINT, signal.SIG_DFL)

    with subprocess.Popen(
        arguments,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
        preexec_fn=listen,
        cwd=tmp_path,
    ) as run:
        while run.poll() is None and not list(tmp_path.rglob("seed*.nc")):
            time.sleep(0.02)
        run.send_signal(signal.SIGINT)
        _, said = run.communicate(timeout=60)
    assert said == "gar-verify: interrupted; the same command goes on from here\n"
    assert run.returncode == 130
    assert list(tmp_path.rglob("seed*.nc"))
    assert not (tmp_path / "mine_comparison").exists()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GAR_VERIFY_CACHE", environment["GAR_VERIFY_CACHE"])
    monkeypatch.setattr(sys, "argv", arguments[2:])
    again = CliRunner().invoke(app, arguments[3:], catch_exceptions=False)
    assert again.exit_code == 0
    assert "cannot be told from" in again.stdout
    page = (tmp_path / "mine_comparison" / "index.html").read_text(encoding="utf-8")
    assert f"gar-verify compare mine.csv --target y {' '.join(settings)}" in page
    assert not list(tmp_path.rglob("*.nc"))
