"""The synthetic studies: Sine and Squared sine, learned from half of their points.

``run()`` trains the paper's protocol: five hidden layers of 100, Adam at 0.01 for 300 epochs,
batches of 128, no validation, the last epoch counts. The paper has five seeds; as single runs
differ by more than its methods do, there are more here, its own among them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import xarray as xr

from gar_verify import paths
from gar_verify.data import Table, load_table
from gar_verify.data.synthetic import CURVES
from gar_verify.metrics import METRICS
from gar_verify.studies.definitions import Definition
from gar_verify.studies.methods import SHOWN, Method, synthetic_methods
from gar_verify.studies.progress import Progress, Silent
from gar_verify.studies.store import Piece, collect, piece_of_training, summary_of
from gar_verify.training import PARTS, Problem, Recipe, Run, Trained, train

PAPERS_SEEDS = (1, 2, 3, 4, 5)
SEEDS = tuple(range(1, 21))
LEARNING_RATE = 1e-2
RECIPE = Recipe(
    hidden=(100,) * 5, epochs=300, batch_size=128, milestones=(100, 200), optimizer="adam"
)
QUICK = replace(RECIPE, epochs=60, milestones=(20, 40))


def run(
    methods: Sequence[str] = SHOWN,
    seeds: Sequence[int] | None = None,
    *,
    curve: str = "sine",
    quick: bool = False,
    device: str = "cpu",
    store: Path | None = None,
    jobs: int | None = None,
    progress: Progress | None = None,
) -> xr.Dataset:
    """Train methods on a synthetic curve with the paper's protocol.

    Args:
        methods: names of losses.
        seeds: each is one training of every method; default: `SEEDS`, or with ``quick`` the
            paper's.
        curve: ``sine`` or ``squared_sine``.
        quick: a fifth of the epochs.
        device: where to train.
        store: folder to keep results in and to go on from; default: `paths.results`.
        jobs: processes that train side by side; default: see `workers.default_jobs`.
        progress: told how far it is; default: nobody.

    Returns:
        ``prediction`` (method, seed, x) after the last epoch, x ascending, beside the truth ``y``
        (x) and ``is_test`` (x); ``metrics`` (method, seed, epoch, split, metric), where the
        validation split is empty and NaN; ``diverged`` (method, seed); provenance as attributes.

    Raises:
        ValueError: if there is no such curve.
    """
    if curve not in CURVES:
        raise ValueError(f"no synthetic study of '{curve}'; choose one of {', '.join(CURVES)}")
    recipe, usual = (QUICK, PAPERS_SEEDS) if quick else (RECIPE, SEEDS)
    seeds = usual if seeds is None else seeds
    table = load_table(curve)
    pieces = [
        _piece(table, method, seeds, recipe, device)
        for method in synthetic_methods(methods, recipe.epochs)
    ]
    folder = (store or paths.results()) / curve
    done = collect(pieces, curve, folder, progress or Silent(), device, jobs)
    combined = xr.concat(
        done,
        dim="method",
        data_vars="minimal",
        coords="minimal",
        compat="override",
        join="exact",
        combine_attrs="drop",
    )
    return combined.assign_attrs(summary_of(done, table))


def select(results: xr.Dataset) -> xr.Dataset:
    """What counts of a study: ``test`` after the last epoch, over method, seed and metric.

    A summary of a study is returned as it is.
    """
    if "test" in results:
        return results
    last = results["metrics"].isel(epoch=-1, drop=True).sel(split="test", drop=True)
    return xr.Dataset({"test": last.astype(float)}, attrs=results.attrs)


def final_test_mae(results: xr.Dataset) -> xr.DataArray:
    """Test MAE after the last epoch, over method and seed.

    Args:
        results: from `run`, or its summary from `summaries.read`.
    """
    return select(results)["test"].sel(metric="MAE", drop=True)


def problem_of(table: Table) -> Problem:
    """All rows with x ascending, one fold without validation."""
    inputs = np.concatenate([table.train_X, table.test_X])
    targets = np.concatenate([table.train_y, table.test_y])
    order = np.argsort(inputs[:, 0])
    is_test = order >= len(table.train_X)
    position = np.argsort(order)
    return Problem(
        inputs=inputs[order],
        targets=targets[order],
        train=[position[: len(table.train_X)]],
        validation=[np.arange(0)],
        test=np.flatnonzero(is_test),
    )


def _piece(
    table: Table, method: Method, seeds: Sequence[int], recipe: Recipe, device: str
) -> Piece:
    problem = problem_of(table)
    (value,) = method.hyperparameters
    runs = [Run(LEARNING_RATE, hyperparameter=value, seed=seed) for seed in seeds]

    def compute(on_epoch: Callable[[int], None]) -> xr.Dataset:
        trained = train(problem, runs, recipe, method.objective, device=device, on_epoch=on_epoch)
        return _labelled(trained, problem, method.name, seeds, recipe)

    return piece_of_training(
        method.name,
        table,
        problem,
        method,
        runs,
        recipe,
        compute,
        hyperparameter=value,
        learning_rate=LEARNING_RATE,
        seeds=list(seeds),
    )


COMPUTE = Definition(__name__, "_piece.compute")
"""The code of a piece, which a summary rests on."""


def _labelled(
    trained: Trained, problem: Problem, method: str, seeds: Sequence[int], recipe: Recipe
) -> xr.Dataset:
    is_test = np.zeros(len(problem.inputs), dtype=bool)
    is_test[problem.test] = True
    return xr.Dataset(
        {
            "prediction": (("method", "seed", "x"), trained.predictions[None, :, :, 0]),
            "metrics": (("method", "seed", "epoch", "split", "metric"), trained.metrics[None]),
            "diverged": (("method", "seed"), trained.diverged[None]),
            "y": ("x", problem.targets[:, 0]),
            "is_test": ("x", is_test),
        },
        coords={
            "method": [method],
            "seed": list(seeds),
            "x": problem.inputs[:, 0],
            "epoch": range(1, recipe.epochs + 1),
            "split": list(PARTS),
            "metric": list(METRICS),
        },
    )
