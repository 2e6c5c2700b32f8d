"""How much time a loss takes: forward and backward, in units of torch's L1Loss in the same run.

The contenders take turns, see `benchmarks.turns`; ratios are medians over the rounds.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path

import pandas as pd
import torch
from torch import Tensor, nn

from gar_verify import paths
from gar_verify.benchmarks.interleaved import Job, Turns, compare, on_threads, take_turns
from gar_verify.losses import (
    ConRLoss,
    GARLoss,
    RankSimLoss,
    ReleasedGARLoss,
    RnCLoss,
    gar_loss,
)
from gar_verify.studies import summaries
from gar_verify.studies.provenance import machine

SIZES = (64, 256, 4_096, 65_536, 1_000_000, 10_000_000)

SUMMARY = "loss_speed"
"""Name of the summary of a full measurement."""


def write(times: pd.DataFrame, folder: Path | None = None) -> list[Path]:
    """Write what `measure` gives as a summary that travels with the repository."""
    rounded = times.map(lambda value: f"{value:.6g}" if isinstance(value, float) else value)
    return summaries.write_frame(rounded, SUMMARY, {"machine": machine("cpu")}, folder)


def measure(
    sizes: Sequence[int] = SIZES,
    threads: Sequence[int] = (1, 2),
    compiled: bool = True,
    device: str = "cpu",
    note: Callable[[str], None] = lambda text: None,
) -> pd.DataFrame:
    """Forward and backward of the losses against L1Loss.

    Args:
        sizes: batch sizes N.
        threads: numbers of CPU threads.
        compiled: whether to measure under `torch.compile` as well.
        device: ``cpu``, or ``cuda``, where every turn ends with a synchronisation.
        note: told what is measured next.

    Returns:
        A line for each N and number of threads: microseconds of L1Loss, and the ratios to it of
        GAR, of the released constants, and of the compiled L1Loss and GAR, each with the
        interquartile range of its ratio.
    """
    lines = []
    for count in threads:
        for n in sizes:
            note(f"N = {n:,}, {count} thread{'s' * (count > 1)}")
            with on_threads(count):
                turns = take_turns(_jobs(n, compiled, device), device)
            lines.append({"threads": count, "N": n, **_ratios(turns, "L1Loss")})
    return pd.DataFrame(lines)


def shapes() -> pd.DataFrame:
    """GAR with weights and for eight targets, against L1Loss of the same shape; one thread."""
    n = 4_096
    generator = torch.Generator().manual_seed(0)
    lines = []
    for shape in ((n,), (n, 8)):
        y = torch.randn(shape, generator=generator)
        f = (y + torch.randn(shape, generator=generator)).requires_grad_()
        w = torch.rand(n, generator=generator)
        jobs = {"L1Loss": _forward_backward(nn.L1Loss(), f, y)}
        if len(shape) == 1:
            jobs["weights"] = _forward_backward(lambda f, y, w=w: gar_loss(f, y, 0.5, w), f, y)
        else:
            jobs["joint"] = _forward_backward(GARLoss(), f, y)
            jobs["per target"] = _forward_backward(GARLoss(targets="per_target"), f, y)
        with on_threads(1):
            lines.append({"shape": str(shape), **_ratios(take_turns(jobs), "L1Loss")})
    return pd.DataFrame(lines)


def training_step(device: str = "cpu") -> pd.DataFrame:
    """A whole training step of the small MLP of the tables, batch 256, relative to MAE."""
    with on_threads(1):
        turns = take_turns(_steps(device), device)
    return pd.DataFrame([{"threads": 1, **_ratios(turns, "MAE")}])


def peak_memory() -> pd.DataFrame:
    """Megabytes that forward and backward add to the peak of a fresh process, for each loss."""
    n = SIZES[-1]
    return pd.DataFrame([{"N": n, **{name: _peak_of(name, n) for name in _losses()}}])


def pair_losses() -> pd.DataFrame:
    """Forward and backward of the losses of pairs on one thread, in matrix products.

    Of 512 rows with eight features, as the tables' small MLP has, against the product of two square
    float32 matrices of 1,024 rows.
    """
    n, width, side = 512, 8, 1024
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(n, width, generator=generator).requires_grad_()
    y = torch.randn(n, generator=generator)
    conr, prediction = ConRLoss(), torch.randn(n, generator=generator)
    one, two = torch.randn(2, side, side, generator=generator)
    jobs: dict[str, Job] = {
        "product": lambda: one @ two,
        "RnC": _forward_backward(RnCLoss(), x, y),
        "RankSim": _forward_backward(RankSimLoss(), x, y),
        "ConR": _forward_backward(lambda x, y: conr(x, y, prediction), x, y),
    }
    with on_threads(1):
        turns = take_turns(jobs)
    return pd.DataFrame([{"N": n, **_ratios(turns, "product")}])


_FIRST_CALL = """
import time, torch
from gar_verify import GARLoss
y = torch.arange(64.0)
f = y.clone().requires_grad_()
begun = time.perf_counter()
GARLoss()(f, y).backward()
print(time.perf_counter() - begun)
"""


def first_calls() -> tuple[float, float]:
    """Seconds of the first call of GAR in a process: one that compiles, one that need not."""
    with tempfile.TemporaryDirectory() as folder:
        environment = os.environ | {paths.CACHE_VARIABLE: folder}
        command = [sys.executable, "-c", _FIRST_CALL]
        compiling, stored = (
            subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
            for _ in range(2)
        )
    return float(compiling.stdout), float(stored.stdout)


def _ratios(turns: Turns, unit: str) -> dict[str, float]:
    compared = compare(turns, unit)
    line = {f"{unit} [us]": 1e6 * compared["seconds"][unit]}
    for name in turns:
        if name != unit:
            found = compared.T[name]
            line |= {name: found["ratio"], f"{name} IQR": found["ratio_high"] - found["ratio_low"]}
    return line


def _losses() -> dict[str, nn.Module]:
    return {
        "L1Loss": nn.L1Loss(),
        "GAR": GARLoss(),
        "GAR, released constants": ReleasedGARLoss(),
    }


def _jobs(n: int, compiled: bool, device: str) -> dict[str, Job]:
    generator = torch.Generator().manual_seed(0)
    y = torch.randn(n, generator=generator).to(device)
    f = (y + torch.randn(n, generator=generator).to(device)).requires_grad_()
    losses: dict[str, Callable[..., Tensor]] = dict(_losses())
    if compiled:
        torch.compiler.reset()
        for name in ("L1Loss", "GAR"):
            losses[f"{name} compiled"] = torch.compile(losses[name], fullgraph=True, dynamic=False)
    return {name: _forward_backward(loss, f, y) for name, loss in losses.items()}


def _forward_backward(loss: Callable[..., Tensor], f: Tensor, y: Tensor) -> Job:
    def job() -> None:
        f.grad = None
        loss(f, y).backward()

    return job


def _steps(device: str) -> dict[str, Job]:
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(256, 8, generator=generator).to(device)
    y = torch.randn(256, 1, generator=generator).to(device)

    def step_of(loss: nn.Module) -> Job:
        torch.manual_seed(0)
        widths = (8, 16, 32, 16, 8)
        layers: list[nn.Module] = []
        for one, two in pairwise(widths):
            layers += [nn.Linear(one, two), nn.ELU()]
        model = nn.Sequential(*layers, nn.Linear(8, 1)).to(device)
        optimizer = torch.optim.SGD(model.parameters(), lr=1e-3, momentum=0.9)

        def step() -> None:
            optimizer.zero_grad()
            loss(model(x), y).backward()
            optimizer.step()

        return step

    names = {"L1Loss": "MAE"}
    return {names.get(name, name): step_of(loss) for name, loss in _losses().items()}


def _peak_of(name: str, n: int) -> float:
    done = subprocess.run(
        [sys.executable, "-m", __name__, name, str(n)], capture_output=True, text=True, check=True
    )
    return float(done.stdout)


def _print_peak(name: str, n: int) -> None:
    loss = _losses()[name]
    small = torch.zeros(4, requires_grad=True)
    loss(small + torch.arange(4.0), torch.arange(4.0)).backward()
    f, y = torch.randn(n, requires_grad=True), torch.randn(n)
    before = _peak_so_far()
    loss(f, y).backward()
    print((_peak_so_far() - before) / 1024)


def _peak_so_far() -> int:
    """Kilobytes of this process at its largest.

    On Linux that of getrusage may be the parent's, from before this process had a program.
    """
    status = Path("/proc/self/status")
    if status.is_file():
        (line,) = (s for s in status.read_text().splitlines() if s.startswith("VmHWM:"))
        return int(line.split()[1])
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


if __name__ == "__main__":
    _print_peak(sys.argv[1], int(sys.argv[2]))
