"""The pins: which processes have them, and that the committed samples come out with them."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from joblib.externals.loky import get_reusable_executor

from gar_verify.data import is_available, load_table
from gar_verify.studies import pins, provenance, samples, workers

CAN_PIN = pytest.mark.skipif(
    bool(pins.obstacle()) and "off" not in pins.obstacle(), reason=pins.obstacle() or "pinned"
)
OTHER_CPUS = (
    {"MKL_ENABLE_INSTRUCTIONS": "SSE4_2", "ATEN_CPU_CAPABILITY": "default"},
    {"MKL_CBWR": "AVX2", "OPENBLAS_CORETYPE": "Sandybridge"},
)
"""Variables that make the libraries take this for another processor."""


@pytest.fixture
def pinned(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GAR_VERIFY_PINS")


def numbers_of_this_process() -> dict[str, str]:
    return {name: os.environ.get(name, "") for name in (*pins.ENVIRONMENT, *pins.ONE_THREAD)}


def test_obstacles_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "GAR_VERIFY_PINS is off" in pins.obstacle()
    assert pins.wanted() == {}
    assert pins.are_set()
    monkeypatch.delenv("GAR_VERIFY_PINS")
    assert pins.obstacle("cuda:0") == "the device is cuda:0"
    monkeypatch.setattr(platform, "machine", lambda: "aarch64")
    assert pins.obstacle() == "the processor is aarch64, not x86-64"
    assert provenance.pinned() == {"none": "the processor is aarch64, not x86-64"}
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")
    monkeypatch.setattr(pins, "_cpuinfo", lambda key: "fpu sse4_2")
    assert pins.obstacle() == "the processor has no AVX2"


@CAN_PIN
def test_workers_have_the_pins_and_this_process_keeps_its_own(pinned: None) -> None:
    before = torch.backends.cpu.get_cpu_capability()
    assert not workers.stay_here(1)
    assert workers.stay_here(1, "cuda:0")
    wanted = {**pins.ENVIRONMENT, **pins.ONE_THREAD}
    assert workers.call(numbers_of_this_process) == wanted
    two = dict(workers.as_completed(lambda i: numbers_of_this_process(), range(3), 2))
    assert list(two.values()) == [wanted] * 3
    assert workers.call(provenance.pinned) in (pins.wanted(), {"none": unpinnable()})
    assert torch.backends.cpu.get_cpu_capability() == before
    assert "MKL_CBWR" not in os.environ


def unpinnable() -> str:
    """Why this installation cannot be pinned, such as another BLAS; empty if it can."""
    return str(workers.call(provenance.pinned).get("none", ""))


@CAN_PIN
def test_the_command_line_pins_itself_before_numpy_is_loaded() -> None:
    code = (
        "import sys, gar_verify.cli; from gar_verify.studies import pins; pins.set_here();"
        "print('numpy' in sys.modules, pins.are_set()); import torch; pins.set_here();"
        "print(torch.backends.cpu.get_cpu_capability())"
    )
    environment = {k: v for k, v in os.environ.items() if k != "GAR_VERIFY_PINS"}
    shown = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert shown.stdout.split() == ["False", "True", "AVX2"]


def test_a_process_that_has_loaded_torch_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GAR_VERIFY_PINS")
    before = dict(os.environ)
    pins.set_here()
    assert dict(os.environ) == before


@pytest.mark.slow
@CAN_PIN
def test_the_bytes_are_the_same_whatever_the_processor_would_choose(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """In processes started where the libraries would choose otherwise."""
    take = partial(samples.take, "sine")
    pinned, free = set(), set()
    for other in OTHER_CPUS:
        with monkeypatch.context() as patch:
            for name, value in other.items():
                patch.setenv(name, value)
            free.add(elsewhere(take).sha256)
            patch.delenv("GAR_VERIFY_PINS")
            pinned.add(elsewhere(take).sha256)
    end_workers()
    assert len(pinned) == 1
    assert len(free - pinned) == len(OTHER_CPUS), "the unpinned trainer does not tell them apart"


def elsewhere(function: Callable[[], samples.Sample]) -> samples.Sample:
    """In a fresh process that is started from this environment."""
    end_workers()
    ((_, result),) = workers._from_processes(workers._called, [function], 1, "cpu")
    return result


def end_workers() -> None:
    """Those that come next have the environment of then."""
    get_reusable_executor(1).shutdown(kill_workers=True)


@pytest.mark.parametrize("study", samples.STUDIES)
def test_the_committed_sample_comes_out(pinned: None, study: str) -> None:
    """To the byte where this machine can be pinned and has the libraries; else closely."""
    if not is_available(samples.data_of(study)):
        pytest.skip(f"the table of {study} is not available")
    found = workers.call(partial(samples.check, study))
    assert found in ("same bytes", "close")
    _, record = samples.committed()
    exact = workers.call(partial(provenance.same_arithmetic, record))
    assert (found == "same bytes") == exact


def test_a_sample_is_of_the_table_of_the_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The authors' split of Parkinsons is another, and lies in the data folder of some."""
    rows = np.arange(50.0).reshape(25, 2)
    np.savez(tmp_path / "parkinsons_telemonitoring.npz", X=rows, y=rows, ids=np.arange(25))
    monkeypatch.setenv("GAR_VERIFY_DATA", str(tmp_path))
    assert len(load_table("parkinsons_total").train_y) == 20
    assert len(samples.table_of("parkinsons_total").train_y) == 4700


def test_another_loss_or_seed_is_no_sample() -> None:
    stored, record = samples.committed()
    sine = stored["sine"]
    swapped = {**sine.mae, "gar": sine.mae["rnc"]}
    other = {"pins": json.dumps({"none": "another machine"}), "versions": record["versions"]}
    assert samples.agrees(sine, sine, other)
    assert not samples.agrees(sine._replace(mae=swapped), sine, other)


def test_same_arithmetic_needs_pins_and_libraries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(provenance, "pinned", lambda device="cpu": dict(pins.ENVIRONMENT))
    record = {
        "pins": provenance.canonical(pins.ENVIRONMENT),
        "versions": provenance.canonical(provenance.versions()),
    }
    assert provenance.same_arithmetic(record)
    for key, value in (("torch", "1.0"), ("openblas", "none"), ("mkl", "none"), ("numba", "0")):
        versions = provenance.canonical({**provenance.versions(), key: value})
        assert not provenance.same_arithmetic({**record, "versions": versions})
    assert not provenance.same_arithmetic({**record, "pins": '{"none": "off"}'})
    assert not provenance.same_arithmetic({"versions": record["versions"]})
