"""A sweep that is killed (SIGKILL) at any moment goes on to the same arrays, bit for bit."""

import multiprocessing
import os
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from bits import checksum

from gar_verify.data import load_table
from gar_verify.studies import store, tabular
from gar_verify.studies.methods import tabular_methods

KILLS = 10 if os.environ.get("GAR_VERIFY_HYPOTHESIS") == "full" else 4
PROTOCOL = tabular.Protocol(
    replace(tabular.RECIPES["diabetes"], epochs=4, milestones=(2, 3)), (0.1, 0.01), (1e-3,), 5
)


def sweep(folder: Path, protocol: tabular.Protocol = PROTOCOL, names=("mae", "gar", "huber")):
    methods = tabular_methods(names, protocol.recipe.epochs)
    return tabular.run_methods(load_table("diabetes"), methods, protocol, store=folder, jobs=1)


def first_use(folder: Path) -> None:
    """Everything is loaded."""
    sweep(folder.with_name(f"first use {os.getpid()}"), replace(PROTOCOL, folds=2), ["gar"])


def sweep_elsewhere(folder: Path, has_begun) -> None:
    first_use(folder)
    has_begun.set()
    sweep(folder)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL on Windows")
def test_killed_again_and_again_it_ends_with_the_same_arrays(tmp_path):
    first_use(tmp_path / "undisturbed")
    begun = time.perf_counter()
    undisturbed = sweep(tmp_path / "undisturbed")
    duration = time.perf_counter() - begun
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["gar_verify.studies.tabular"])
    moments = np.random.default_rng(0).uniform(0, 0.4 * duration, KILLS)
    files = []
    for moment in moments:
        has_begun = context.Event()
        process = context.Process(target=sweep_elsewhere, args=(tmp_path / "killed", has_begun))
        process.start()
        assert has_begun.wait(120)
        process.join(moment)
        process.kill()
        process.join()
        files.append(len(list((tmp_path / "killed").rglob("*.nc"))))
    finished = sweep(tmp_path / "killed")
    assert files == sorted(files)
    assert checksum(finished) == checksum(undisturbed)
    for path in (tmp_path / "undisturbed").rglob("*.nc"):
        other = tmp_path / "killed" / path.relative_to(tmp_path / "undisturbed")
        assert checksum(store.read(other)) == checksum(store.read(path))
    assert files[-1] > 0, "every kill came before the first piece was done"
