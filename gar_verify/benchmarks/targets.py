"""What the code is meant to reach in time and digits, beside what it reaches here and now.

Times of losses are ratios within one run, so they hold for other machines as well; seconds are
those of two cores.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import NamedTuple

import pandas as pd
import torch

from gar_verify._proofs import proofs
from gar_verify.benchmarks import accuracy, speed
from gar_verify.benchmarks.interleaved import on_threads
from gar_verify.data import load_table
from gar_verify.losses import get_spec
from gar_verify.studies import summaries, tabular
from gar_verify.studies.methods import TABULAR, tabular_methods
from gar_verify.studies.reference_loop import train_alone
from gar_verify.training import train


class Target(NamedTuple):
    """An upper bound."""

    what: str
    bound: float
    unit: str


TARGETS = {
    "gar 64": Target("GAR, forward and backward, N = 64", 0.85, "L1Loss"),
    "gar 256": Target("GAR, forward and backward, N = 256", 0.85, "L1Loss"),
    "gar 4096": Target("GAR, forward and backward, N = 4,096", 0.85, "L1Loss"),
    "gar 65536": Target("GAR, forward and backward, N = 65,536", 1.0, "L1Loss"),
    "gar 1000000": Target("GAR, forward and backward, N = 1,000,000", 0.6, "L1Loss"),
    "gar 10000000": Target("GAR, forward and backward, N = 10,000,000", 0.6, "L1Loss"),
    "gar 1000000 compiled": Target("the same, compiled by torch.compile", 1.3, "L1Loss"),
    "weights": Target("GAR with weights, N = 4,096", 1.5, "L1Loss"),
    "joint": Target("GAR of eight targets, joint, N = 4,096", 1.5, "L1Loss"),
    "per target": Target("GAR of eight targets, per target, N = 4,096", 1.5, "L1Loss"),
    "first call": Target("the first call of GAR, which compiles it", 1.5, "s"),
    "stored": Target("the first call of GAR, compiled before", 0.5, "s"),
    "step": Target("training step with GAR, small MLP, batch 256", 1.02, "step with MAE"),
    "digits": Target("relative error of 1 - Pearson in float32, down to 1e-10", 1e-6, ""),
    "rnc": Target("RnC, N = 512", 0.5, "1024³ matrix product"),
    "ranksim": Target("RankSim, N = 512", 0.5, "1024³ matrix product"),
    "conr": Target("ConR, N = 512", 0.5, "1024³ matrix product"),
    "proofs": Target("all proofs", 15.0, "s"),
    "stack": Target("MAE on Concrete, 135 trainings stacked", 0.02, "loop with a loader process"),
    "stack, no process": Target("the same", 0.02, "loop without a loader process"),
    "concrete cheap": Target("Concrete, the methods of O(N), all trainings", 60.0, "s"),
    "concrete": Target("Concrete, all methods, seconds in its summary", 900.0, "s"),
}
"""Upper bounds, by the keys of `measure`. A loop trains one model at a time with torch's modules
and its data loader, on one thread as the stack: `studies.reference_loop`."""

COMPILED = 1_000_000
"""The size that is measured under `torch.compile`, too."""
NOISE = 1.4e-5
"""Of the predictions, in deviations of the labels: 1 - Pearson is then about 1e-10."""

SAMPLE = 3
"""Trainings that the plain loops are timed with; the time of all follows from these."""

OTHERS = "make test (10 minutes) and make reproduce (6 minutes) are measured by running them"


def measure(
    quick: bool = False, note: Callable[[str], None] = lambda text: None
) -> dict[str, float]:
    """Measure what the targets are about.

    Args:
        quick: only what takes seconds.
        note: told what is measured next.

    Returns:
        Values by the keys of `TARGETS`; what cannot be measured here is left out.
    """
    found = _losses(speed.SIZES[:3] if quick else speed.SIZES, note)
    if quick:
        return found
    note("digits against 50-digit arithmetic")
    found["digits"] = worst_error(accuracy.worst(accuracy.measure((torch.float32,))))
    note("proofs")
    found["proofs"] = _seconds(proofs.run)
    note("one method on Concrete, stacked and one at a time")
    found |= _stacked()
    note("Concrete, the methods of O(N)")
    found["concrete cheap"] = _seconds(_train_cheap)
    found["concrete"] = float(summaries.read("concrete").attrs["seconds"])
    return found


def table(measured: Mapping[str, float]) -> pd.DataFrame:
    """Targets beside measured values.

    Args:
        measured: from `measure`.

    Returns:
        By what is measured: ``target`` (not to be exceeded), ``measured``, ``unit`` and ``met``:
        yes, no or not measured.
    """
    lines = {}
    for key, target in TARGETS.items():
        value = measured.get(key)
        lines[target.what] = {
            "target": f"≤ {target.bound:g}",
            "measured": "" if value is None else f"{value:.3g}",
            "unit": target.unit,
            "met": "not measured" if value is None else "yes" if value <= target.bound else "no",
        }
    return pd.DataFrame.from_dict(lines, orient="index").rename_axis("what")


def worst_error(worst: pd.DataFrame) -> float:
    """The largest relative error of 1 - Pearson in float32 where it is 1e-10 or more.

    Args:
        worst: from `accuracy.worst`.
    """
    ours = worst[(worst["form"] == "gar_verify") & (worst["dtype"] == "float32")]
    return float(ours.loc[ours["noise"] >= NOISE, "pearson"].max())


def _losses(sizes: tuple[int, ...], note: Callable[[str], None]) -> dict[str, float]:
    times = speed.measure(sizes, threads=(1,), compiled=False, note=note).set_index("N")
    found = {f"gar {size}": float(times["GAR"][size]) for size in sizes}
    if COMPILED in sizes:
        times = speed.measure((COMPILED,), threads=(1,), compiled=True, note=note).set_index("N")
        found[f"gar {COMPILED} compiled"] = float(times["GAR compiled"][COMPILED])
    note("weights and several targets; a training step; losses of pairs in matrix products")
    shapes = speed.shapes().max()  # each is measured in one shape
    found |= {name: float(shapes[name]) for name in ("weights", "joint", "per target")}
    found["first call"], found["stored"] = speed.first_calls()
    found["step"] = float(speed.training_step()["GAR"].iloc[0])
    pairs = speed.pair_losses()
    return found | {name.lower(): float(pairs[name].iloc[0]) for name in ("RnC", "RankSim", "ConR")}


def _stacked() -> dict[str, float]:
    """Time of all trainings of one method on Concrete in a stack, in that of the plain loops."""
    settings = tabular.protocol("concrete")
    problem = tabular.folds(load_table("concrete"), settings.folds)
    (method,) = tabular_methods(["mae"], settings.recipe.epochs)
    rates = tabular.learning_rates(method, settings, "concrete")
    runs = [
        run
        for fold in range(settings.folds)
        for run in tabular.grid(method, settings, rates, 0, fold)
    ]
    train(problem, runs[:1], settings.recipe, method.objective)  # nothing is timed while it loads
    chosen = runs[:: len(runs) // SAMPLE][:SAMPLE]

    def alone(loader_processes: int) -> None:
        for run in chosen:
            train_alone(problem, run, settings.recipe, method.objective, loader_processes)

    with on_threads(1):
        stacked = _seconds(lambda: train(problem, runs, settings.recipe, method.objective))
        loops = [_seconds(partial(alone, processes)) for processes in (1, 0)]
    with_process, without = (stacked / (took * len(runs) / SAMPLE) for took in loops)
    return {"stack": with_process, "stack, no process": without}


def _train_cheap() -> None:
    """The whole protocol on Concrete, nothing read from the cache."""
    cheap = [name for name in TABULAR if not get_spec(name).needs_features]
    with tempfile.TemporaryDirectory() as folder:
        tabular.run("concrete", cheap, store=Path(folder))


def _seconds(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun
