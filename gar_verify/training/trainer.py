"""The stacked trainer: many small models trained as one, each as if it were alone.

Their parameters are the rows of one tensor; a batch is one tensor [models, batch, features]; the
losses give one number for each model, and the gradient of their sum is every model's own gradient.
Learning rate, weight decay, hyper-parameter, training rows, initial parameters and order of batches
are each model's own.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits
from torch import Tensor

from gar_verify.losses.stacking import StackedLoss
from gar_verify.metrics import METRICS, Scorer
from gar_verify.training import devices
from gar_verify.training.mlp import Architecture, Scratch
from gar_verify.training.optimizers import SGD, Adam, Optimizer
from gar_verify.training.runs import PARTS, Epoch, Problem, Recipe, Rows, Run, Trained, epochs

SCORING_ROWS = 256
"""Rows that are scored at a time: about a batch, so that activations stay in the cache. The same
for every stack: another number would round differently."""

LAYER_BYTES = 3 << 19
"""Activations of the widest layer that a core's own cache holds beside what else it needs."""


@dataclass(frozen=True)
class Objective:
    """What the runs minimise: one loss, or two, one after the other."""

    loss: StackedLoss
    pretraining: StackedLoss | None = None
    """The loss of the first ``pretraining_epochs`` epochs. It must not depend on the prediction:
    the head has no gradient then, and so no weight decay either."""
    pretraining_epochs: int = 0
    pairwise: bool = False
    """Whether a loss holds arrays of batch x batch numbers, which is reckoned with in memory."""

    @property
    def functions(self) -> tuple[Callable[..., Tensor], ...]:
        """The losses, in the order of their phases, as they are defined."""
        losses = [loss for loss in (self.pretraining, self.loss) if loss is not None]
        return tuple(loss.func if isinstance(loss, partial) else loss for loss in losses)

    def at(self, epoch: int) -> tuple[StackedLoss, bool]:
        """The loss of an epoch (from 0), and whether the head is trained in it."""
        if self.pretraining is not None and epoch < self.pretraining_epochs:
            return self.pretraining, False
        return self.loss, True


def train(
    problem: Problem,
    runs: Sequence[Run],
    recipe: Recipe,
    objective: Objective,
    *,
    device: str | torch.device = "cpu",
    memory_bytes: int | None = None,
    models_at_once: int | None = None,
    threads: int = 1,
    on_epoch: Callable[[int], None] | None = None,
) -> Trained:
    """Train all runs, together as far as memory allows, and score them after every epoch.

    Args:
        problem: rows and folds; every run's fold must have at least one batch of training rows.
        runs: the S runs, in any order.
        recipe: what they share.
        objective: what they minimise.
        device: where to compute.
        memory_bytes: bound on the memory of one stack; default: a quarter of what is free.
        models_at_once: bound on the number of models in one stack; default: on a CPU as many as its
            cache holds, elsewhere none.
        threads: of the CPU. The operations are small: on a busy machine, threads that wait for one
            another make them many times slower, on an idle one a second gains little.
        on_epoch: called after every epoch of every stack with the number of models in it.

    Returns:
        Metrics after every epoch, final predictions and parameters, and who diverged, in the order
        of ``runs``.

    Raises:
        ValueError: if a fold has fewer training rows than a batch.
    """
    device = torch.device(device)
    bound = devices.default_bound(device) if memory_bytes is None else memory_bytes
    limit = max(1, bound // model_bytes(problem, recipe, objective))
    limit = min(limit, models_at_once or _models_in_cache(recipe, device))
    stacks = list(_stacks(problem, runs, recipe, limit))
    with on_threads(threads):
        done = [
            _Stack(problem, [runs[i] for i in stack], recipe, objective, device).train(on_epoch)
            for stack in stacks
        ]
    return _reordered(done, np.argsort(np.concatenate(stacks)))


def _models_in_cache(recipe: Recipe, device: torch.device) -> int:
    """How many models are trained together: larger stacks of wide models are slower on a CPU."""
    if device.type != "cpu":
        return sys.maxsize
    return max(1, LAYER_BYTES // (4 * recipe.batch_size * max(recipe.hidden)))


@contextmanager
def on_threads(count: int) -> Iterator[None]:
    """So many threads of torch and of numpy inside."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        with threadpool_limits(count, "blas"):  # numpy's, which multiplies
            yield
    finally:
        torch.set_num_threads(before)


def model_bytes(problem: Problem, recipe: Recipe, objective: Objective) -> int:
    """A generous estimate of the memory that one model of a stack needs, in bytes."""
    architecture = architecture_of(problem, recipe)
    widths = architecture.inputs + sum(out for out, _ in architecture.shapes)
    numbers: int = 8 * architecture.size + 4 * recipe.batch_size * widths
    numbers += 16 * len(problem.targets) * problem.targets.shape[1]
    if objective.pairwise:
        numbers += 24 * recipe.batch_size**2
    return 4 * numbers


def architecture_of(problem: Problem, recipe: Recipe) -> Architecture:
    """The perceptron that fits the problem."""
    return Architecture(problem.inputs.shape[1], recipe.hidden, problem.targets.shape[1])


def _stacks(
    problem: Problem, runs: Sequence[Run], recipe: Recipe, limit: int
) -> Iterator[list[int]]:
    """Numbers of the runs that are trained together: folds of equal sizes, at most ``limit``."""
    by_sizes: dict[tuple[int, ...], list[int]] = defaultdict(list)
    for i, run in enumerate(runs):
        sizes = tuple(len(rows) for rows in problem.parts(run.fold).values())
        if sizes[0] < recipe.batch_size:
            raise ValueError(
                f"fold {run.fold} has {sizes[0]} training rows, fewer than one batch of "
                f"{recipe.batch_size}, and incomplete batches are dropped; use a smaller batch_size"
            )
        by_sizes[sizes].append(i)
    for group in by_sizes.values():
        for begin in range(0, len(group), limit):
            yield group[begin : begin + limit]


def _reordered(done: Sequence[Trained], order: NDArray[np.intp]) -> Trained:
    return Trained(
        metrics=np.concatenate([t.metrics for t in done])[order],
        predictions=np.concatenate([t.predictions for t in done])[order],
        parameters=np.concatenate([t.parameters for t in done])[order],
        diverged=np.concatenate([t.diverged for t in done])[order],
        chunks=tuple(len(t.diverged) for t in done),
    )


def _samples_last(gradient: Tensor) -> Tensor:
    """[S, B, k] as [S, k, B], laid out alike for every S: the layout decides how BLAS rounds."""
    return gradient.transpose(1, 2).clone(memory_format=torch.contiguous_format)


class _Stack:
    """Runs whose folds have equal sizes, trained as one model."""

    def __init__(
        self,
        problem: Problem,
        runs: Sequence[Run],
        recipe: Recipe,
        objective: Objective,
        device: torch.device,
    ) -> None:
        self.problem, self.runs, self.recipe = problem, runs, recipe
        self.objective, self.device = objective, device
        self.architecture = architecture_of(problem, recipe)
        self.scratch = Scratch()
        self.inputs = self._tensor(problem.inputs)
        self.targets = self._tensor(problem.targets)
        self.hyperparameter = self._tensor([run.hyperparameter for run in runs])
        drawn = {run.stream: self.architecture.initial(run.random()) for run in runs}
        self.parameters = self._tensor(np.stack([drawn[run.stream] for run in runs]))
        cut = self.architecture.body_size
        self.body = self._optimizer(self.parameters[:, :cut])
        self.head = self._optimizer(self.parameters[:, cut:])
        self.scorers = [self._scorer(part) for part in PARTS]

    def train(self, on_epoch: Callable[[int], None] | None) -> Trained:
        """Train to the end."""
        history = []
        for number, epoch in enumerate(epochs(self.problem, self.runs, self.recipe)):
            self._epoch(number, epoch)
            predictions = self._predict()
            history.append(self._score(predictions))
            if on_epoch is not None:
                on_epoch(len(self.runs))
        return Trained(
            metrics=torch.stack(history, dim=1).float().cpu().numpy(),
            predictions=predictions.transpose(1, 2).contiguous().cpu().numpy(),
            parameters=self.parameters.cpu().numpy(),
            diverged=(~self.parameters.isfinite().all(1)).cpu().numpy(),
        )

    def _epoch(self, number: int, epoch: Epoch) -> None:
        loss, trains_head = self.objective.at(number)
        factor = self.recipe.factor(number)
        cut = self.architecture.body_size
        rows = torch.from_numpy(epoch.rows).to(self.device)
        numbers = torch.from_numpy(epoch.numbers).to(self.device)
        for step in range(rows.shape[1]):
            gradient = self._gradient(loss, rows[:, step], numbers[:, step])
            self.body.step(gradient[:, :cut], factor)
            if trains_head:
                self.head.step(gradient[:, cut:], factor)

    def _gradient(self, loss: StackedLoss, rows: Tensor, numbers: Tensor) -> Tensor:
        inputs = self.inputs[rows].transpose(1, 2)
        outputs, entering = self.architecture.forward(self.parameters, inputs, self.scratch)
        prediction = outputs.transpose(1, 2).detach().requires_grad_()
        features = entering[-1].transpose(1, 2).detach().requires_grad_()
        losses = loss(prediction, self.targets[rows], features, self.hyperparameter, numbers)
        by_each = torch.autograd.grad(losses.sum(), (prediction, features), allow_unused=True)
        by_outputs, by_features = (g if g is None else _samples_last(g) for g in by_each)
        return self.architecture.backward(
            self.parameters, entering, by_outputs, by_features, self.scratch
        )

    @torch.no_grad()
    def _predict(self) -> Tensor:
        """Outputs of every model for every row, [S, T, n]."""
        blocks = [
            self.architecture.forward(self.parameters, rows.T[None], self.scratch)[0].clone()
            for rows in self.inputs.split(SCORING_ROWS)
        ]
        return torch.cat(blocks, dim=-1)

    def _scorer(self, part: str) -> tuple[Tensor, Scorer] | None:
        """Rows [S, 1, m] of a part for every model, and the scorer against their targets."""
        stacked: list[Rows] = [self.problem.parts(run.fold)[part] for run in self.runs]
        rows = torch.from_numpy(np.stack(stacked)).to(self.device)
        if rows.shape[1] == 0:
            return None
        return rows[:, None], Scorer(self.targets[rows].transpose(1, 2))

    def _score(self, predictions: Tensor) -> Tensor:
        """Metrics [S, part, metric], averaged over the targets."""
        empty = predictions.new_full((len(self.runs), len(METRICS)), torch.nan).double()
        scores = []
        for part in self.scorers:
            if part is None:
                scores.append(empty)
                continue
            rows, scorer = part
            chosen = predictions.gather(-1, rows.expand(-1, predictions.shape[1], -1))
            scores.append(scorer(chosen).mean(1))
        return torch.stack(scores, dim=1)

    def _optimizer(self, parameters: Tensor) -> Optimizer:
        rate = self._tensor([[run.learning_rate] for run in self.runs])
        decay = self._tensor([[run.weight_decay] for run in self.runs])
        if self.recipe.optimizer == "adam":
            return Adam(parameters, rate, decay)
        return SGD(parameters, rate, decay, self.recipe.momentum)

    def _tensor(self, values: object) -> Tensor:
        return torch.as_tensor(np.asarray(values, dtype=np.float32)).to(self.device)
