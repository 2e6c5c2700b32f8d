"""Pieces of a study side by side, in processes of one thread each.

The operations of the trainer are small: two processes use two cores fully, two threads do not. A
piece does not know in which process it is computed, so the results are the same bits: every process
computes with the same pins of the arithmetic (`pins`), which it is started with. loky starts them;
inside `cluster` the pieces go to those of a dask.distributed cluster instead.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent import futures
from contextlib import contextmanager
from contextvars import ContextVar
from itertools import islice
from typing import Any, TypeVar

from joblib.externals.loky import get_reusable_executor
from joblib.externals.loky.process_executor import TerminatedWorkerError

from gar_verify.studies import pins
from gar_verify.training import Problem, Recipe
from gar_verify.training.trainer import architecture_of

WORTH_A_PROCESS = 20_000.0
"""Units of work below which starting a process does not pay; a unit is about 0.4 ms."""

PAIRWISE_STEP = 3.0
"""Units of work that a loss of pairs adds to one step of one model."""

UNIT = 3.5e6
"""Multiplications in a unit of work: one small model, one epoch of Concrete, a cheap loss."""

Item = TypeVar("Item")
Result = TypeVar("Result")


AHEAD = 2
"""Pieces that are sent before they are needed, for each process or thread of a cluster."""

IDLE_SECONDS = 300
"""Seconds after which a process that has nothing to do ends."""

_client: ContextVar[Any] = ContextVar("client", default=None)
"""The connection to the cluster, inside `cluster`."""


class ClusterError(Exception):
    """Processes, here or of a cluster, cannot be used; the message says what to do."""


@contextmanager
def cluster(address: str, timeout: float = 10.0) -> Iterator[None]:
    """Send what `as_completed` is given to a dask.distributed cluster.

    A worker that dies does not end the sweep: the scheduler gives its pieces to others.

    Args:
        address: of the scheduler, such as ``tcp://host:8786``.
        timeout: seconds to wait for the scheduler, and for a first worker.

    Raises:
        ClusterError: if dask is not installed, nobody answers, or there is no worker.
    """
    try:
        import dask
        from distributed import Client
    except ImportError as error:
        raise ClusterError(
            f"a cluster needs dask ({error}); pip install 'gar_verify[cluster]'"
        ) from error
    # A piece carries its table: tens of megabytes, which dask would warn of.
    quiet = dask.config.set({"distributed.admin.large-graph-warning-threshold": "1GB"})
    with quiet, _connected(Client, address, timeout) as client:
        token = _client.set(client)
        try:
            yield
        finally:
            _client.reset(token)


def in_cluster() -> bool:
    """Whether `as_completed` computes on other machines, which may not see this one's files."""
    return _client.get() is not None


def default_jobs(work: float, device: str) -> int:
    """As many processes as cores are free to use, fewer for little work; one for a GPU."""
    if not device.startswith("cpu"):
        return 1
    return max(1, min(_cores(), int(work / WORTH_A_PROCESS)))


def work_per_epoch(problem: Problem, recipe: Recipe, *, pairwise: bool) -> float:
    """Units of work of one model in one epoch; a rough guess, never less than one."""
    steps = len(problem.train[0]) // recipe.batch_size
    passes = 3 * steps * recipe.batch_size + len(problem.inputs)  # backward counts twice
    cheap = max(1.0, passes * architecture_of(problem, recipe).size / UNIT)
    return cheap + steps * PAIRWISE_STEP * pairwise


def stay_here(jobs: int, device: str = "cpu") -> bool:
    """Whether `as_completed` computes in this process, one item after the other."""
    return jobs <= 1 and pins.are_set(device) and not in_cluster()


def as_completed(
    function: Callable[[Item], Result], items: Sequence[Item], jobs: int, device: str = "cpu"
) -> Iterator[tuple[int, Result]]:
    """Results of the function with the numbers of their items, as they come.

    With one job everything happens here, in order, if this process has the pins of the arithmetic.
    In a cluster ``jobs`` does not count. An error in a process is raised here.

    Raises:
        ClusterError: if the cluster is lost, or a process dies.
    """
    client = _client.get()
    jobs = min(jobs, len(items))
    if client is not None:
        yield from _from_cluster(client, function, items)
    elif stay_here(jobs, device):
        for position, item in enumerate(items):
            yield position, function(item)
    else:
        yield from _from_processes(function, items, max(1, jobs), device)


def call(function: Callable[[], Result], device: str = "cpu") -> Result:
    """The result of a function of no arguments, computed with the pins of the arithmetic."""
    if stay_here(1, device):
        return function()
    ((_, result),) = _from_processes(_called, [function], 1, device)
    return result


@contextmanager
def _connected(client: Callable[..., Any], address: str, timeout: float) -> Iterator[Any]:
    try:
        connected = client(address, timeout=timeout, set_as_default=False)
    except (OSError, ValueError) as error:
        raise ClusterError(
            f"no scheduler answers at {address!r} ({_first_line(error)}). Start one with "
            "dask scheduler, workers with dask worker ADDRESS --nthreads 1, and name its address, "
            "such as tcp://host:8786"
        ) from error
    with connected:
        try:
            connected.wait_for_workers(1, timeout=timeout)
        except TimeoutError as error:
            raise ClusterError(
                f"the scheduler at {address!r} has no worker after {timeout:g} s. Start some with "
                f"dask worker {address} --nthreads 1"
            ) from error
        yield connected


def _from_processes(
    function: Callable[[Item], Result], items: Sequence[Item], jobs: int, device: str
) -> Iterator[tuple[int, Result]]:
    """As `as_completed`, in processes of this machine; they stay for the next call."""
    environment = {**pins.ONE_THREAD, **pins.wanted(device)}
    executor = get_reusable_executor(jobs, timeout=IDLE_SECONDS, env=environment)
    running: dict[Any, int] = {}

    def first_done() -> Any:
        return next(iter(futures.wait(running, return_when=futures.FIRST_COMPLETED).done))

    def submit(item: Item) -> Any:
        return executor.submit(function, item)

    try:
        yield from _in_turn(items, AHEAD * jobs, submit, first_done, running)
    except TerminatedWorkerError as error:
        raise ClusterError(
            "a process that computed was killed, perhaps for want of memory. What was finished is "
            "kept: the same command goes on from there; fewer processes (--jobs) need less memory"
        ) from error
    finally:
        if running:  # nobody waits for these any more
            executor.shutdown(kill_workers=True)


def _from_cluster(
    client: Any, function: Callable[[Item], Result], items: Sequence[Item]
) -> Iterator[tuple[int, Result]]:
    """As `as_completed`, in the processes of a cluster."""
    from distributed import KilledWorker, as_completed

    running: dict[Any, int] = {}
    done = as_completed(loop=client.loop)

    def submit(item: Item) -> Any:
        future = client.submit(function, item, pure=False)
        done.add(future)
        return future

    ahead = AHEAD * max(1, sum(client.ncores().values()))
    try:
        yield from _in_turn(items, ahead, submit, lambda: next(done), running)
    except (futures.CancelledError, KilledWorker, OSError) as error:
        raise ClusterError(
            f"the cluster did not finish ({_first_line(error)}). What came back is kept where "
            "results are kept: the same command goes on from there"
        ) from error
    finally:
        client.cancel(list(running))


def _in_turn(
    items: Sequence[Item],
    ahead: int,
    submit: Callable[[Item], Any],
    first_done: Callable[[], Any],
    running: dict[Any, int],
) -> Iterator[tuple[int, Any]]:
    """Only so many items are under way that whoever sends them need not hold all."""
    waiting = iter(enumerate(items))
    for position, item in islice(waiting, ahead):
        running[submit(item)] = position
    while running:
        future = first_done()
        position = running.pop(future)
        yield position, future.result()
        for following, item in islice(waiting, 1):
            running[submit(item)] = following


def _first_line(error: BaseException) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]


def _called(function: Callable[[], Result]) -> Result:
    return function()


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
