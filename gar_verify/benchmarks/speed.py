"""How much time the loss takes: forward and backward, in units of torch's L1Loss in the same run.

The contenders take turns within each round, so that a busy moment of the machine hits all of them;
ratios are medians over the rounds.
"""

from __future__ import annotations

import contextlib
import resource
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from gar_verify.losses import GARLoss

SIZES = (64, 256, 4_096, 65_536, 1_000_000, 10_000_000)
ROUNDS = 15
SECONDS_PER_TURN = 0.02

Job = Callable[[], None]


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
            with _threads(count):
                turns = take_turns(_jobs(n, compiled, device), device)
            lines.append({"threads": count, "N": n, **_ratios(turns, "L1Loss")})
    return pd.DataFrame(lines)


def training_step(device: str = "cpu") -> pd.DataFrame:
    """A whole training step of the small MLP of the tables, batch 256, relative to MAE."""
    with _threads(1):
        turns = take_turns(_steps(device), device)
    return pd.DataFrame([{"threads": 1, **_ratios(turns, "MAE")}])


def peak_memory(n: int = 10_000_000) -> pd.DataFrame:
    """Megabytes that forward and backward add to the peak of a fresh process, for each loss."""
    return pd.DataFrame([{"N": n, **{name: _peak_of(name, n) for name in _losses()}}])


def take_turns(jobs: dict[str, Job], device: str = "cpu") -> dict[str, np.ndarray]:
    """Seconds of each job in each of the rounds; the jobs take turns within a round."""
    repeats = {}
    for name, job in jobs.items():
        for _ in range(3):
            job()
        _wait(device)
        start = time.perf_counter()
        job()
        _wait(device)
        once = time.perf_counter() - start
        repeats[name] = max(1, min(1000, round(SECONDS_PER_TURN / once)))
    seconds: dict[str, list[float]] = {name: [] for name in jobs}
    for _ in range(ROUNDS):
        for name, job in jobs.items():
            start = time.perf_counter()
            for _ in range(repeats[name]):
                job()
            _wait(device)
            seconds[name].append((time.perf_counter() - start) / repeats[name])
    return {name: np.array(values) for name, values in seconds.items()}


def _ratios(turns: dict[str, np.ndarray], unit: str) -> dict[str, float]:
    line = {f"{unit} [us]": float(np.median(turns[unit]) * 1e6)}
    for name, seconds in turns.items():
        if name != unit:
            ratio = seconds / turns[unit]
            low, middle, high = np.quantile(ratio, (0.25, 0.5, 0.75))
            line |= {name: float(middle), f"{name} IQR": float(high - low)}
    return line


def _losses() -> dict[str, nn.Module]:
    return {
        "L1Loss": nn.L1Loss(),
        "GAR": GARLoss(),
        "GAR, released constants": GARLoss(constants="released"),
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


def _wait(device: str) -> None:
    if device.startswith("cuda"):
        torch.cuda.synchronize()


@contextlib.contextmanager
def _threads(count: int) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # raised inside the compiler
            yield
    finally:
        torch.set_num_threads(before)


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
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    loss(f, y).backward()
    print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024)


if __name__ == "__main__":
    _print_peak(sys.argv[1], int(sys.argv[2]))
