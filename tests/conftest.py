"""Shared fixtures: every test starts from the same seed, dtype and number of threads."""

from __future__ import annotations

import json
import os
import random
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from matplotlib.figure import Figure
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from gar_verify.studies import pins

if "PYTEST_XDIST_WORKER" in os.environ:  # threads of processes side by side wait for each other
    for _name, _value in pins.ONE_THREAD.items():
        os.environ.setdefault(_name, _value)

import numpy as np
import torch

_AUTHORS = "GAR_VERIFY_TEST_DATA"
"""Where the user's folder is kept: its split of Parkinsons is another, and tables lie in it that a
test takes for absent. Workers and kernels inherit what is set here."""
if "GAR_VERIFY_DATA" in os.environ:
    os.environ[_AUTHORS] = os.environ.pop("GAR_VERIFY_DATA")

_COMMON = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow], "derandomize": True}
settings.register_profile("quick", max_examples=60, **_COMMON)
settings.register_profile("full", max_examples=3000, **_COMMON)
settings.load_profile(os.environ.get("GAR_VERIFY_HYPOTHESIS", "quick"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests are found by what they read: ``-m reference``, ``-m arrays``.

    The long files come first: no worker has one left when the other has nothing more to do.
    """
    long = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: not (item.path in long or item.path.suffix == ".ipynb"))
    for item in items:
        fixtures = getattr(item, "fixturenames", ())
        for fixture, mark in (("reference_cases", "reference"), ("authors_folder", "arrays")):
            if fixture in fixtures:
                item.add_marker(mark)


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Bytes are named by their argument: every worker must find the same, gzip holds a time."""
    return argname if isinstance(val, bytes) else None


@pytest.fixture(autouse=True)
def _same_start() -> Iterator[None]:
    random.seed(0)
    np.random.seed(0)  # noqa: NPY002  (libraries under test may still use the old generator)
    if torch.cuda.is_available():
        torch.manual_seed(0)
    else:  # the same for the CPU; the other notes where it is called from, for devices to come
        torch.default_generator.manual_seed(0)
    dtype, threads = torch.get_default_dtype(), torch.get_num_threads()
    yield
    torch.set_default_dtype(dtype)
    torch.set_num_threads(threads)


@pytest.fixture(autouse=True)
def _own_cache(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the user has fetched and computed does not decide what a test sees."""
    monkeypatch.setenv("GAR_VERIFY_CACHE", str(cache))


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> Path:
    """One for the workers of a run; the kernels in it are those of earlier runs too.

    Compiling them takes longer than all tests of the loss. A name holds the hash of the sources.
    """
    base = tmp_path_factory.getbasetemp()
    shared = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "cache"
    shared.mkdir(exist_ok=True)
    kept = getattr(pytestconfig, "cache", None)  # none with -p no:cacheprovider
    with suppress(OSError):  # the other worker was first, or the system has no such links
        if kept:
            (shared / "kernels").symlink_to(kept.mkdir("kernels"), target_is_directory=True)
    return shared


@contextmanager
def _sketching() -> Iterator[None]:
    drawn = Figure.savefig

    def savefig(figure: Figure, file: Any, *, format: str, **options: Any) -> None:
        if format == "pdf":
            file.write(f"%PDF {options['metadata']['Keywords']}".encode())
        elif format == "png":
            about = PngInfo()
            about.add_text("Comment", options["metadata"]["Comment"])
            Image.new("RGB", (6, 4)).save(file, format, pnginfo=about)
        else:
            drawn(figure, file, format=format, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Figure, "savefig", savefig)
        yield


@pytest.fixture
def sketched() -> Iterator[None]:
    """Figures are made and not drawn, their files hold the digests: for what is not about them.

    The figures of the studies, and those of a comparison, have tests that draw them.
    """
    with _sketching():
        yield


@pytest.fixture(scope="module")
def sketches() -> Iterator[None]:
    """The same for all tests of a module."""
    with _sketching():
        yield


@pytest.fixture
def authors_folder(monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder with the arrays of the paper's authors, where GAR_VERIFY_DATA names it."""
    folder = os.environ.get(_AUTHORS)
    if not folder:
        pytest.skip("GAR_VERIFY_DATA is not set: no arrays of the paper's authors")
    monkeypatch.setenv("GAR_VERIFY_DATA", folder)
    return Path(folder)


@pytest.fixture(autouse=True, scope="module")
def _unpinned() -> Iterator[None]:
    """What a test trains, it trains in its own process; tests of the pins turn them on again."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GAR_VERIFY_PINS", "off")
        yield


@pytest.fixture(scope="session")
def reference_cases() -> list[dict[str, Any]]:
    """The observed values of the released losses, where GAR_VERIFY_REFERENCE names their folder."""
    folder = os.environ.get("GAR_VERIFY_REFERENCE")
    if not folder:
        pytest.skip("GAR_VERIFY_REFERENCE is not set: no observed values of the released losses")
    path = Path(folder) / "losses.json"
    if not path.is_file():
        pytest.fail(f"GAR_VERIFY_REFERENCE is set, but {path} does not exist")
    cases: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf8"))["cases"]
    return cases
