"""The plain loop: one model at a time, with torch's modules, optimisers and data loader.

It trains a run exactly as the stack does (same initial parameters, same batches), the way anyone
would write it. The tests hold the stacked trainer against it, `benchmarks.targets` measures how
much time stacking saves, and `benchmarks.runtime` times an epoch of it, taken apart.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import stats
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from gar_verify.losses.stacking import StackedLoss
from gar_verify.training import Architecture, Objective, Problem, Recipe, Run
from gar_verify.training.runs import Epoch, epochs

StepLoss = Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]
"""``(prediction[B, T], target[B, T], features[B, d], numbers[B]) -> scalar``: what one model's step
minimises. ``numbers`` are uniform random ones, for losses that choose rows at random."""


class PlainLoop:
    """One model in training, an epoch at a time.

    Args:
        problem: rows and folds.
        run: the run; its fold names the rows.
        recipe: how it is trained.
        loader_processes: of the data loader, started anew every epoch; the released scripts use
            one. None: no data loader, batches are taken out of the arrays in memory.
    """

    def __init__(
        self, problem: Problem, run: Run, recipe: Recipe, loader_processes: int | None = 0
    ) -> None:
        """Start from the initial parameters of the run."""
        self.parts = problem.parts(run.fold)
        self.loader_processes = loader_processes
        self.model = network(problem, run, recipe)
        self.inputs = torch.as_tensor(problem.inputs, dtype=torch.float32)
        self.targets = torch.as_tensor(problem.targets, dtype=torch.float32)
        self._optimizer = optimizer(self.model, run, recipe)
        self._schedule = torch.optim.lr_scheduler.MultiStepLR(
            self._optimizer, list(recipe.milestones), recipe.decay
        )

    def steps(self, epoch: Epoch, loss: StepLoss) -> None:
        """The steps of one epoch; ``epoch`` holds the batches of this run alone."""
        numbers = torch.from_numpy(epoch.numbers[0])
        for (x, y), drawn in zip(self.batches(epoch), numbers, strict=True):
            features = self.model[:-1](x)
            prediction = self.model[-1](features)
            self._optimizer.zero_grad()
            loss(prediction, y, features, drawn).backward()
            self._optimizer.step()
        self._schedule.step()

    def batches(self, epoch: Epoch) -> Iterable[Sequence[Tensor]]:
        """Inputs [B, F] and targets [B, T] of each batch of an epoch."""
        rows = epoch.rows[0]
        if self.loader_processes is None:
            return ((self.inputs[batch], self.targets[batch]) for batch in torch.from_numpy(rows))
        return DataLoader(
            TensorDataset(self.inputs, self.targets),
            batch_sampler=rows.tolist(),
            num_workers=self.loader_processes,
        )

    @torch.no_grad()
    def scores(self) -> list[list[float]]:
        """Metrics of each part, averaged over the targets."""
        scores = []
        for rows in self.parts.values():
            predicted = self.model(self.inputs[rows]).double().numpy()
            true = self.targets[rows].double().numpy()
            columns = [_metrics(p, y) for p, y in zip(predicted.T, true.T, strict=True)]
            scores.append(np.mean(columns, axis=0).tolist())
        return scores


def train_alone(
    problem: Problem, run: Run, recipe: Recipe, objective: Objective, loader_processes: int = 0
) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
    """Train one run.

    Args:
        problem: rows and folds.
        run: the run; its fold names the rows.
        recipe: how it is trained.
        objective: what it minimises.
        loader_processes: of the data loader, see `PlainLoop`.

    Returns:
        Metrics [epoch, part, metric] after every epoch, and the final parameters [P].
    """
    loop = PlainLoop(problem, run, recipe, loader_processes)
    history = []
    for number, epoch in enumerate(epochs(problem, [run], recipe)):
        loss, _ = objective.at(number)
        loop.steps(epoch, _of_one_model(loss, run.hyperparameter))
        history.append(loop.scores())
    parameters = nn.utils.parameters_to_vector(loop.model.parameters()).detach().numpy()
    return np.array(history), parameters


def _of_one_model(loss: StackedLoss, hyperparameter: float) -> StepLoss:
    """A loss of stacked models, of a stack of one."""
    value = torch.tensor([hyperparameter])

    def of_one(prediction: Tensor, target: Tensor, features: Tensor, numbers: Tensor) -> Tensor:
        return loss(prediction[None], target[None], features[None], value, numbers[None]).sum()

    return of_one


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


def optimizer(model: nn.Module, run: Run, recipe: Recipe) -> torch.optim.Optimizer:
    """The optimizer of a run, for a module's parameters."""
    rate, decay = run.learning_rate, run.weight_decay
    if recipe.optimizer == "adam":
        return torch.optim.Adam(model.parameters(), rate, weight_decay=decay)
    return torch.optim.SGD(model.parameters(), rate, recipe.momentum, weight_decay=decay)


def _metrics(predicted: NDArray[np.float64], true: NDArray[np.float64]) -> list[float]:
    error = predicted - true
    correlations = [np.nan, np.nan]
    if np.ptp(predicted) > 0:
        correlations = [
            stats.pearsonr(predicted, true).statistic,
            stats.spearmanr(predicted, true).statistic,
        ]
    return [np.abs(error).mean(), np.sqrt((error**2).mean()), *correlations]
