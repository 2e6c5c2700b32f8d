"""The plain loop: one model at a time, with torch's modules, optimisers and data loader.

It trains a run exactly as the stack does (same initial parameters, same batches), the way anyone
would write it. The tests hold the stacked trainer against it, and `speed` measures how much time
stacking saves.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import stats
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from gar_verify.training import Architecture, Objective, Problem, Recipe, Run, train
from gar_verify.training.runs import epochs


def train_alone(
    problem: Problem, run: Run, recipe: Recipe, objective: Objective, loader_processes: int = 0
) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
    """Train one run.

    Args:
        problem: rows and folds.
        run: the run; its fold names the rows.
        recipe: how it is trained.
        objective: what it minimises.
        loader_processes: of the data loader, started anew every epoch; the released scripts use
            one.

    Returns:
        Metrics [epoch, part, metric] after every epoch, and the final parameters [P].
    """
    model = network(problem, run, recipe)
    optimizer = _optimizer(model, run, recipe)
    schedule = torch.optim.lr_scheduler.MultiStepLR(
        optimizer, list(recipe.milestones), recipe.decay
    )
    inputs = torch.as_tensor(problem.inputs, dtype=torch.float32)
    targets = torch.as_tensor(problem.targets, dtype=torch.float32)
    value = torch.tensor([run.hyperparameter])
    history = []
    for number, epoch in enumerate(epochs(problem, [run], recipe)):
        loss, _ = objective.at(number)
        loader = DataLoader(
            TensorDataset(inputs, targets),
            batch_sampler=epoch.rows[0].tolist(),
            num_workers=loader_processes,
        )
        for (x, y), numbers in zip(loader, torch.from_numpy(epoch.numbers[0]), strict=True):
            features = model[:-1](x)
            prediction = model[-1](features)
            optimizer.zero_grad()
            loss(prediction[None], y[None], features[None], value, numbers[None]).sum().backward()
            optimizer.step()
        schedule.step()
        history.append(_scores(model, problem, run, inputs, targets))
    parameters = nn.utils.parameters_to_vector(model.parameters()).detach().numpy()
    return np.array(history), parameters


def speed(
    problem: Problem, runs: Sequence[Run], recipe: Recipe, objective: Objective, sample: int = 3
) -> dict[str, float]:
    """Seconds for all runs in a stack and one at a time, on one thread each.

    Args:
        problem: rows and folds.
        runs: all that the stack trains.
        recipe: how they are trained.
        objective: what they minimise.
        sample: of so many runs, the time of all one at a time is reckoned.

    Returns:
        ``stacked``, ``alone`` and ``alone, with a loader process`` (as in the released scripts).
    """
    train(problem, runs[:1], recipe, objective)  # nothing is timed while it is loaded
    chosen = runs[:: max(1, len(runs) // sample)][:sample]
    share = len(chosen) / len(runs)

    def alone(loader_processes: int) -> None:
        for run in chosen:
            train_alone(problem, run, recipe, objective, loader_processes)

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        return {
            "stacked": _seconds(lambda: train(problem, runs, recipe, objective)),
            "alone": _seconds(lambda: alone(0)) / share,
            "alone, with a loader process": _seconds(lambda: alone(1)) / share,
        }
    finally:
        torch.set_num_threads(threads)


def _seconds(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def network(problem: Problem, run: Run, recipe: Recipe) -> nn.Sequential:
    """A torch module with the initial parameters of a run."""
    architecture = Architecture(problem.inputs.shape[1], recipe.hidden, problem.targets.shape[1])
    layers: list[nn.Module] = []
    for out, fan_in in architecture.shapes:
        layers += [nn.Linear(fan_in, out), nn.ELU()]
    model = nn.Sequential(*layers[:-1])
    initial = torch.from_numpy(architecture.initial(run.random()))
    nn.utils.vector_to_parameters(initial, model.parameters())
    return model


def _optimizer(model: nn.Module, run: Run, recipe: Recipe) -> torch.optim.Optimizer:
    rate, decay = run.learning_rate, run.weight_decay
    if recipe.optimizer == "adam":
        return torch.optim.Adam(model.parameters(), rate, weight_decay=decay)
    return torch.optim.SGD(model.parameters(), rate, recipe.momentum, weight_decay=decay)


@torch.no_grad()
def _scores(
    model: nn.Module, problem: Problem, run: Run, inputs: Tensor, targets: Tensor
) -> list[list[float]]:
    """Metrics of each part, averaged over the targets."""
    scores = []
    for rows in problem.parts(run.fold).values():
        predicted, true = model(inputs[rows]).double().numpy(), targets[rows].double().numpy()
        columns = [_metrics(p, y) for p, y in zip(predicted.T, true.T, strict=True)]
        scores.append(np.mean(columns, axis=0).tolist())
    return scores


def _metrics(predicted: NDArray[np.float64], true: NDArray[np.float64]) -> list[float]:
    error = predicted - true
    correlations = [np.nan, np.nan]
    if np.ptp(predicted) > 0:
        correlations = [
            stats.pearsonr(predicted, true).statistic,
            stats.spearmanr(predicted, true).statistic,
        ]
    return [np.abs(error).mean(), np.sqrt((error**2).mean()), *correlations]
