"""With a process group, GAR is that of the batch that all processes hold together.

Every process holds different samples, and a different number of them: equal shards, or equal data,
would not notice statistics that stay within a process.
"""

from __future__ import annotations

import math
import multiprocessing
import socket
import time
import traceback
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from datetime import timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from torch import Tensor
from torch.nn.parallel import DistributedDataParallel

from gar_verify import GARLoss
from gar_verify.losses.gar.accumulation import GARAccumulator

SHARDS = {4: {0: 7, 1: 1, 2: 13, 3: 4}, 2: {1: 5, 3: 12}}
"""Samples of each rank, by the size of the group; the smaller group has neither rank 0 nor 2."""
PATIENCE = 120
"""Seconds until a run of all processes counts as hung."""


class Case(NamedTuple):
    """A loss, a batch for it, and the model's start."""

    options: Mapping[str, Any] = MappingProxyType({})
    targets: int = 1
    weights: str = ""
    change: str = ""


CASES = {
    "default": Case(),
    "alpha 0": Case({"alpha": 0}),
    "alpha 1": Case({"alpha": 1}),
    "alpha inf": Case({"alpha": math.inf}),
    "power mean": Case({"form": "power_mean"}),
    "mse": Case({"conventional": "mse"}),
    "huber": Case({"conventional": "huber", "delta": 0.5}),
    "correlation only": Case({"parts": ("pearson",)}),
    "joint targets": Case({}, targets=3),
    "per target": Case({"targets": "per_target"}, targets=3),
    "no reduction": Case({"targets": "per_target", "reduction": "none"}, targets=3),
    "weights": Case({}, weights="samples"),
    "weights of entries": Case({"targets": "per_target"}, targets=3, weights="entries"),
    "a process of zero weights": Case({}, targets=2, weights="absent"),
    "far offset": Case({}, change="offset"),
    "processes far apart": Case({}, change="apart"),
    "a constant shard": Case({}, change="constant shard"),
    "a perfect shard": Case({}, change="perfect shard"),
    "a perfect batch": Case({}, change="perfect"),
    "constant predictions": Case({}, change="constant predictions"),
    "constant labels": Case({}, change="constant labels"),
}


def batch_of(case: Case, sizes: tuple[int, ...]) -> tuple[Tensor, Tensor, Tensor | None]:
    """Features, labels and weights of the whole batch."""
    generator = torch.Generator().manual_seed(11)
    count = sum(sizes)

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    x = normal(count, 3)
    y = x @ normal(3, case.targets) + 0.3 * normal(count, case.targets)
    weights = None
    first = sizes[0]
    match case.change:
        case "offset":
            y += 1e6
        case "apart":
            y[:first] += 1e3
            x[:first] -= 50
        case "constant shard":
            x[:first], y[:first] = x[0].clone(), y[0].clone()
        case "perfect shard":
            y[:first] = model_of(case)(x[:first]).detach()
        case "perfect":
            y = model_of(case)(x).detach()
        case "constant labels":
            y[:] = 0.1
    match case.weights:
        case "samples":
            weights = normal(count).abs()
            weights[[0, -1]] = 0
        case "entries":
            weights = normal(count, case.targets).abs()
            weights[0, 0] = 0
        case "absent":
            weights = normal(count, case.targets).abs()
            weights[:first] = 0
            weights[first:, 1] = torch.linspace(0, 1, count - first, dtype=torch.float64)
            y[:first] = math.nan
    return x, y, weights


def model_of(case: Case) -> torch.nn.Linear:
    torch.manual_seed(3)
    model = torch.nn.Linear(3, case.targets, dtype=torch.float64)
    if case.change == "constant predictions":  # a last layer that starts from zero
        torch.nn.init.zeros_(model.weight)
        torch.nn.init.constant_(model.bias, 0.1)
    return model


class Outcome(NamedTuple):
    """What one process found, or the single process that holds the whole batch."""

    value: Tensor
    evaluated: Tensor
    """The value without a graph."""
    components: tuple[Tensor, ...]
    gradients: tuple[Tensor, ...]


def outcome(
    model: torch.nn.Module, loss: GARLoss, x: Tensor, y: Tensor, weights: Tensor | None
) -> Outcome:
    value = loss(model(x), y, weights)
    value.sum().backward()
    with torch.no_grad():
        prediction = model(x)
    gradients = tuple(p.grad for p in model.parameters() if p.grad is not None)
    return Outcome(
        value.detach(),
        loss(prediction, y, weights),
        tuple(loss.components(prediction, y, weights)),
        gradients,
    )


class Process(NamedTuple):
    """A member of a group, and the samples that each member holds."""

    sizes: tuple[int, ...]
    rank: int
    group: dist.ProcessGroup

    def shard(self, case: Case) -> tuple[Tensor, Tensor, Tensor | None]:
        x, y, weights = batch_of(case, self.sizes)
        x, y = (part.split(self.sizes)[self.rank] for part in (x, y))
        return x, y, None if weights is None else weights.split(self.sizes)[self.rank]

    def parallel(self, case: Case) -> DistributedDataParallel:
        return DistributedDataParallel(model_of(case), process_group=self.group)

    def loss(self, **options: Any) -> GARLoss:
        return GARLoss(**options, process_group=self.group)


def run_case(case: Case, process: Process) -> Outcome:
    return outcome(process.parallel(case), process.loss(**case.options), *process.shard(case))


def accumulate(case: Case, process: Process) -> Outcome:
    """Micro-batches of 3 samples: their number differs from one process to another."""
    x, y, weights = process.shard(case)
    model = process.parallel(case)
    chunks = [
        (x[i : i + 3], y[i : i + 3], None if weights is None else weights[i : i + 3])
        for i in range(0, len(x), 3)
    ]
    accumulator = GARAccumulator(process.loss(**case.options))
    with torch.no_grad():
        for a, b, w in chunks:
            accumulator.observe(model(a), b, w)
    for i, (a, b, w) in enumerate(chunks):
        with nullcontext() if i == len(chunks) - 1 else model.no_sync():
            value = accumulator.loss(model(a), b, w)
            value.sum().backward()
    gradients = tuple(p.grad for p in model.parameters() if p.grad is not None)
    return Outcome(value.detach(), accumulator.value, (), gradients)


def refusal(call: Callable[[], Any]) -> str:
    try:
        call()
    except (NotImplementedError, ValueError) as error:
        return f"{type(error).__name__}: {error}"
    return "no error"


def refusals(process: Process) -> dict[str, str]:
    """Errors that every process raises, rather than one that leaves the others waiting."""
    x, y, _ = process.shard(Case())
    f = (x.sum(1, keepdim=True) + y).requires_grad_()
    loss = process.loss()
    zeros = torch.zeros_like(y)

    def second() -> None:
        torch.autograd.grad(loss(f, y), f, create_graph=True)

    return {
        "second derivatives": refusal(second),
        "labels with gradients": refusal(lambda: loss(f, y.clone().requires_grad_())),
        "transforms": refusal(lambda: torch.func.grad(lambda a: loss(a, y))(f.detach())),
        "no weight anywhere": refusal(lambda: loss(f, y, zeros)),
        "dim": refusal(lambda: process.loss(dim=1)(f, y)),
    }


def all_cases(process: Process) -> dict[str, Any]:
    return {
        "direct": {name: run_case(case, process) for name, case in CASES.items()},
        "accumulated": {name: accumulate(case, process) for name, case in CASES.items()},
        "refusals": refusals(process),
    }


def worker(rank: int, folder: str) -> None:
    """One process: all cases in each group that it is a member of, the outcomes into a file."""
    torch.set_num_threads(1)
    dist.init_process_group(
        "gloo",
        init_method=f"file://{folder}/store",
        rank=rank,
        world_size=max(SHARDS),
        timeout=timedelta(seconds=PATIENCE / 2),
    )
    try:
        found = {}
        for count, sizes in SHARDS.items():
            group = dist.new_group(list(sizes))  # by every process, members or not
            if rank in sizes:
                place = list(sizes).index(rank)
                found[count] = all_cases(Process(tuple(sizes.values()), place, group))
        torch.save(found, f"{folder}/{rank}.pt")
    except Exception:
        Path(folder, f"{rank}.error").write_text(traceback.format_exc(), encoding="utf8")
        raise
    finally:
        dist.destroy_process_group()


def launch(folder: Path) -> Any:
    """Start the processes; where there is a fork server, torch is imported once for all."""
    methods = multiprocessing.get_all_start_methods()
    method = "forkserver" if "forkserver" in methods else "spawn"
    multiprocessing.set_forkserver_preload(["torch._dynamo", "gar_verify.losses.gar.accumulation"])
    return mp.start_processes(
        worker, (str(folder),), nprocs=max(SHARDS), join=False, start_method=method
    )


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> list[dict[int, Any]]:
    """What each process found, by the size of the group."""
    folder = tmp_path_factory.mktemp("processes")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GLOO_SOCKET_IFNAME", loopback())
        patch.setenv("OMP_NUM_THREADS", "1")
        context = launch(folder)
    try:
        deadline = time.monotonic() + PATIENCE
        while not context.join(timeout=1):  # returns whenever one of them has ended
            if time.monotonic() > deadline:
                pytest.fail(f"the processes did not finish within {PATIENCE} s")
    except mp.ProcessRaisedException:
        errors = [path.read_text(encoding="utf8") for path in sorted(folder.glob("*.error"))]
        pytest.fail("\n".join(errors) or "a process failed without a word")
    finally:
        for process in context.processes:
            if process.is_alive():
                process.terminate()
    paths = [folder / f"{rank}.pt" for rank in range(max(SHARDS))]
    return [torch.load(path, weights_only=False) for path in paths]


@pytest.fixture(params=sorted(SHARDS), ids=lambda n: f"{n} processes")
def processes(request: pytest.FixtureRequest, found: list[dict[int, Any]]) -> Any:
    """The sizes of the shards of one group, and what each of its processes found."""
    sizes = SHARDS[request.param]
    return tuple(sizes.values()), [found[rank][request.param] for rank in sizes]


def loopback() -> str:
    names = [name for _, name in socket.if_nameindex()]
    return next(name for name in names if name in ("lo", "lo0"))


def assert_same(found: Outcome, expected: Outcome, case: Case) -> None:
    """Equal to 1e-12; predictions and labels at an offset of 1e6 have lost six digits before."""
    tolerance = 1e-9 if case.change in ("offset", "apart") else 1e-12
    close = {"rtol": tolerance, "atol": tolerance}
    torch.testing.assert_close(found.value, expected.value, **close)
    torch.testing.assert_close(found.evaluated, expected.evaluated, **close)
    if found.components:
        torch.testing.assert_close(found.components, expected.components, **close)
    torch.testing.assert_close(found.gradients, expected.gradients, **close)


def single(case: Case, sizes: tuple[int, ...]) -> Outcome:
    return outcome(model_of(case), GARLoss(**case.options), *batch_of(case, sizes))


@pytest.mark.parametrize("name", CASES)
def test_value_and_gradient_are_those_of_the_whole_batch(processes: Any, name: str) -> None:
    sizes, found = processes
    expected = single(CASES[name], sizes)
    for one in found:
        assert_same(one["direct"][name], expected, CASES[name])
        assert torch.equal(one["direct"][name].value, found[0]["direct"][name].value)


@pytest.mark.parametrize("name", CASES)
def test_accumulated_in_every_process(processes: Any, name: str) -> None:
    sizes, found = processes
    expected = single(CASES[name], sizes)
    for one in found:
        assert_same(one["accumulated"][name], expected, CASES[name])


def test_the_global_loss_is_not_the_mean_of_those_of_the_shards(processes: Any) -> None:
    sizes, found = processes
    x, y, _ = batch_of(CASES["default"], sizes)
    model = model_of(CASES["default"])
    parts = zip(x.split(sizes), y.split(sizes), strict=True)
    mean = torch.stack([GARLoss()(model(a), b).detach() for a, b in parts]).mean()
    assert abs(mean - found[0]["direct"]["default"].value) > 1e-3


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ("second derivatives", "NotImplementedError: .*no second derivatives"),
        ("labels with gradients", "NotImplementedError: .*detach target"),
        ("transforms", "NotImplementedError: .*torch.func"),
        ("no weight anywhere", "ValueError: sample_weight sums to zero over all"),
        ("dim", "ValueError: .*dim=0"),
    ],
)
def test_what_cannot_cross_processes_is_refused_by_all(
    processes: Any, what: str, message: str
) -> None:
    _, found = processes
    for one in found:
        with pytest.raises(AssertionError, match=message):
            raise AssertionError(one["refusals"][what])
