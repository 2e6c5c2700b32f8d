"""What the pins of the arithmetic cost: a quick sweep of Concrete with and without, taking turns.

    python tools/pins_cost.py [--methods mae,gar] [--rounds 5]

Each side trains in a process of its own, started with its variables, on one thread. Measure on an
idle machine; the load while it ran is printed with the figures.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory

from gar_verify.studies import pins

SIDES = {"free": {pins.SWITCH: "off"}, "pinned": dict(pins.ENVIRONMENT)}


def sweep(methods: tuple[str, ...]) -> bool:
    """Train the methods on Concrete in this process; whether it has the pins."""
    from gar_verify.studies import tabular

    with TemporaryDirectory() as folder:
        tabular.run("concrete", methods, quick=True, store=Path(folder), jobs=1)
    return bool(pins.wanted()) and pins.are_set()


@contextmanager
def process(environment: Mapping[str, str]) -> Iterator[ProcessPoolExecutor]:
    """One process, started with these variables and one thread."""
    kept = dict(os.environ)
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        os.environ.update({**pins.ONE_THREAD, **environment})
        try:
            pool.submit(os.getpid).result()  # started now
        finally:
            os.environ.clear()
            os.environ.update(kept)
        yield pool


def main(arguments: list[str] | None = None) -> int:
    """Measure, and print a line for each side."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--methods", default="mae,gar")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args(arguments)
    if obstacle := pins.obstacle():
        sys.exit(f"nothing to measure: {obstacle}")
    from gar_verify.benchmarks.interleaved import compare, take_turns

    job = partial(sweep, tuple(options.methods.split(",")))
    with process(SIDES["free"]) as free, process(SIDES["pinned"]) as pinned:
        pools = {"free": free, "pinned": pinned}
        for name, pool in pools.items():
            assert pool.submit(job).result() == (name == "pinned"), name
        jobs = {name: lambda pool=pool: pool.submit(job).result() for name, pool in pools.items()}
        turns = take_turns(jobs, rounds=options.rounds)
    print(compare(turns, "free").round(3).to_string())
    print(f"load average: {' '.join(f'{load:.1f}' for load in os.getloadavg())}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
