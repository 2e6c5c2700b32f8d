"""Kernels of notebooks, forked from one process that has imported what all of them import.

Each is a process of its own that starts in no time; only modules are there before it asks for them.
A line of JSON on stdin orders one, and its process id is the answer.
"""

from __future__ import annotations

import gc
import json
import os
import signal
import sys

import pandas as pd
from ipykernel.kernelapp import IPKernelApp

import gar_verify.reproduce  # noqa: F401  (and with it the proofs, the studies and the claims)


def main() -> None:
    """Fork until nobody asks any more."""
    gc.freeze()
    pd.set_option("display.max_columns", 20)  # pandas looks for a kernel when it is imported
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # those that end are not waited for
    for line in iter(sys.stdin.readline, ""):
        if not os.fork():
            os.setsid()
            print(os.getpid(), flush=True)  # now that its group is its own: groups are signalled
            become(**json.loads(line))
            break


def become(arguments: list[str], folder: str, environment: dict[str, str]) -> None:
    """A kernel, until it is told to end."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment | {"JPY_PARENT_PID": str(os.getppid())})
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in range(3):
        os.dup2(nowhere, stream)
    IPKernelApp.launch_instance(arguments)


if __name__ == "__main__":
    main()
