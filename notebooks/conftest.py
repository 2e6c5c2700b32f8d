"""What nbval lacks here: kernels with the pins that start in no time, and a tolerance.

They are forked from one process, and those that train need no process beside them.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from jupyter_client.provisioning import local_provisioner
from nbval.plugin import IPyNbCell

from gar_verify.reproduce.notebooks import alike
from gar_verify.studies import pins

ROOT = Path(__file__).resolve().parent.parent


class Printed(str):
    """An output that equals one that differs by a unit in the last digit of a number."""

    __hash__ = str.__hash__

    def __eq__(self, other: object) -> bool:
        return alike(str(self), str(other))

    def __ne__(self, other: object) -> bool:
        return not self == other


def pytest_itemcollected(item: pytest.Item) -> None:
    """Cells compare their outputs, after nbval's own replacements, by `Printed`."""
    if isinstance(item, IPyNbCell):
        replaced = item.sanitize

        def sanitize(output: Any) -> Any:
            return Printed(replaced(output)) if isinstance(output, str) else output

        item.sanitize = sanitize


class Forked:
    """What jupyter_client asks of a process, for one that another has started."""

    stdin = stdout = stderr = None

    def __init__(self, pid: int) -> None:
        self.pid = pid

    def poll(self) -> int | None:
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return 0
        return None

    def wait(self, timeout: float | None = None) -> int:
        end = time.monotonic() + (timeout or float("inf"))
        while self.poll() is None:
            if time.monotonic() > end:
                raise subprocess.TimeoutExpired("kernel", timeout or 0)
            time.sleep(0.01)
        return 0

    def send_signal(self, number: int) -> None:
        os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)


@cache
def kernels() -> subprocess.Popen[str]:
    """The process that kernels are forked from, with the pins."""
    return subprocess.Popen(
        [sys.executable, "-m", "tools.kernels"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={**os.environ, **pins.wanted(), **pins.ONE_THREAD},
    )


def fork_kernel(
    command: list[str], *, env: dict[str, str], cwd: str | None = None, **_: Any
) -> Forked:
    """In the place of jupyter_client's launch_kernel."""
    order = {
        "arguments": command[command.index("ipykernel_launcher") + 1 :],
        "folder": str(cwd or Path.cwd()),
        "environment": {**env, **pins.wanted(), **pins.ONE_THREAD},
    }
    source = kernels()
    assert source.stdin is not None
    assert source.stdout is not None
    print(json.dumps(order), file=source.stdin, flush=True)
    return Forked(int(source.stdout.readline()))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Iterator[None]:
    """The first cell of a notebook starts its kernel here; other kernels start as they do."""
    with pytest.MonkeyPatch.context() as patch:
        if sys.platform == "linux":  # elsewhere, what has loaded such libraries is not forked
            patch.setattr(local_provisioner, "launch_kernel", fork_kernel)
        else:
            for name, value in {**pins.wanted(), **pins.ONE_THREAD}.items():
                patch.setenv(name, value)
        return (yield)


def pytest_unconfigure() -> None:
    """No more kernels are asked for."""
    if kernels.cache_info().currsize:
        with kernels() as source:
            source.communicate()
