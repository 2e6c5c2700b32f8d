"""The plain loop: one network at a time, for what the stacked trainer cannot do.

That is a network of one's own, rows with weights, and targets with gaps. Batches, optimiser and
schedule are those of the stack, and so are the initial parameters where the network is the usual
one; a network of one's own starts alike for every loss.
"""

from __future__ import annotations

import hashlib
import importlib
import inspect
import marshal
import math
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from gar_verify.comparison.catalogue import Candidate, get_spec, weighted_loss
from gar_verify.comparison.scoring import mean_absolute_error
from gar_verify.studies import reference_loop
from gar_verify.training import Problem, Recipe, Run
from gar_verify.training.runs import epochs
from gar_verify.training.trainer import on_threads

Array = NDArray[np.float64]
Build = Callable[[int, int], nn.Module]
"""``build(inputs, outputs)``: a network from (B, inputs) to (B, outputs)."""


@dataclass(frozen=True)
class Model:
    """A network of one's own."""

    name: str
    build: Build

    @property
    def digest(self) -> str:
        """SHA-256 of the file that defines it, of its code where there is none, or of its name."""
        try:
            content = Path(inspect.getsourcefile(self.build) or "").read_bytes()
        except (TypeError, OSError):
            code = getattr(self.build, "__code__", None)
            content = marshal.dumps(code) if code else self.name.encode()
        return hashlib.sha256(content).hexdigest()


def load(name: str) -> Model:
    """The model that ``module:function`` names; modules of the current folder are found too.

    The folder stays among those of Python's, so that processes that train find it as well.

    Raises:
        ValueError: if there is no such module or function.
    """
    module, _, function = name.partition(":")
    if not module or not function:
        raise ValueError(f"--model takes module:function, such as mine:build, got {name!r}")
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        build = getattr(importlib.import_module(module), function)
    except ModuleNotFoundError as error:
        raise ValueError(f"--model {name}: there is no module {error.name!r} here") from error
    except AttributeError as error:
        raise ValueError(f"--model {name}: {module} has no {function!r}") from error
    return model_of(build, name)


def model_of(build: Build, name: str | None = None) -> Model:
    """A model of a function, checked by building one.

    Raises:
        ValueError: if it cannot be called with two numbers, or makes something else.
    """
    if not callable(build):
        raise ValueError(
            f"model must be a function of the numbers of inputs and outputs, got {build!r}"
        )
    model = Model(name or str(getattr(build, "__qualname__", build)), build)
    _built(model, 3, 2, seed=0)
    return model


class Fit(NamedTuple):
    """The results of some trainings."""

    validation: Array
    """[training, length]: mean absolute error on what was held out, NaN if nothing was."""
    predictions: Array
    """[training, test row, target] after the last epoch."""


class Settings(NamedTuple):
    """Of one training."""

    candidate: Candidate
    learning_rate: float
    weight_decay: float


def fit(
    problem: Problem,
    recipe: Recipe,
    settings: Sequence[Settings],
    lengths: Sequence[int],
    *,
    seed: int,
    model: Model | None = None,
    weight: Array | None = None,
    device: str = "cpu",
    report: Callable[[int], None] | None = None,
) -> Fit:
    """Train one network after the other.

    Args:
        problem: rows and parts; targets may be NaN.
        recipe: how all are trained.
        settings: one for each training.
        lengths: numbers of epochs after which to score what is held out.
        seed: of initial parameters and batches.
        model: the network; default: the perceptron of the recipe.
        weight: (n,) of the rows of the problem.
        device: where to train.
        report: called with 1 after every epoch.
    """
    results = [
        _fit_one(problem, recipe, one, lengths, seed, model, weight, device, report)
        for one in settings
    ]
    return Fit(*(np.stack(part) for part in zip(*results, strict=True)))


def _fit_one(
    problem: Problem,
    recipe: Recipe,
    settings: Settings,
    lengths: Sequence[int],
    seed: int,
    model: Model | None,
    weight: Array | None,
    device: str,
    report: Callable[[int], None] | None,
) -> tuple[Array, Array]:
    run = Run(settings.learning_rate, settings.weight_decay, seed=seed)
    with on_threads(1), _random(seed):
        network = _network(problem, run, recipe, model).to(device)
        inputs = torch.as_tensor(problem.inputs, dtype=torch.float32, device=device)
        targets = torch.as_tensor(problem.targets, dtype=torch.float32, device=device)
        shares = _shares(problem.targets, weight, device)
        optimizer = reference_loop.optimizer(network, run, recipe)
        scores = []
        for number, epoch in enumerate(epochs(problem, [run], recipe)):
            for group in optimizer.param_groups:
                group["lr"] = settings.learning_rate * recipe.factor(number)
            network.train()
            for rows in torch.from_numpy(epoch.rows[0]).to(device):
                prediction = _shaped(network(inputs[rows]), targets.shape[1])
                own = None if shares is None else shares[rows]
                optimizer.zero_grad()
                _loss(settings.candidate, prediction, targets[rows], own).backward()
                optimizer.step()
            if number + 1 in lengths:
                scores.append(_validation(network, problem, inputs, weight))
            if report is not None:
                report(1)
        return np.array(scores), _predicted(network, inputs, problem.test, targets.shape[1])


def _loss(candidate: Candidate, f: Tensor, y: Tensor, shares: Tensor | None) -> Tensor:
    """The loss of a batch; rows and targets with no share are as good as absent."""
    if shares is not None:
        return weighted_loss(candidate, f, y.where(shares > 0, 0), shares)
    value = f.new_tensor([candidate.value])
    return get_spec(candidate.loss).stacked(f[None], y[None], None, value, None).sum()


def _shares(targets: Array, weight: Array | None, device: str) -> Tensor | None:
    """Weights (n, T) of rows and targets, 0 where a target is missing; None if all are alike."""
    present = ~np.isnan(targets)
    if weight is None and present.all():
        return None
    shares = present * (1.0 if weight is None else weight[:, None])
    return torch.as_tensor(shares, dtype=torch.float32, device=device)


def _validation(
    network: nn.Module, problem: Problem, inputs: Tensor, weight: Array | None
) -> float:
    rows = problem.validation[0]
    truth = problem.targets[rows]
    if not len(rows):
        return math.nan
    predicted = _predicted(network, inputs, rows, truth.shape[1])
    return mean_absolute_error(predicted, truth, None if weight is None else weight[rows])


@torch.no_grad()
def _predicted(network: nn.Module, inputs: Tensor, rows: NDArray[np.int64], outputs: int) -> Array:
    """Predictions (m, T) of some rows."""
    if not len(rows):
        return np.empty((0, outputs))
    network.eval()
    found: Array = _shaped(network(inputs[rows]), outputs).double().cpu().numpy()
    return found


def _network(problem: Problem, run: Run, recipe: Recipe, model: Model | None) -> nn.Module:
    if model is None:
        return reference_loop.network(problem, run, recipe)
    return _built(model, problem.inputs.shape[1], problem.targets.shape[1], run.seed)


def _built(model: Model, inputs: int, outputs: int, seed: int) -> nn.Module:
    """A network, checked: what it makes of two rows must be (2, outputs)."""
    with _random(seed):
        try:
            network = model.build(inputs, outputs)
        except TypeError as error:
            raise ValueError(f"model {model.name}({inputs}, {outputs}) fails: {error}") from error
        if not isinstance(network, nn.Module) or not list(network.parameters()):
            raise ValueError(
                f"model {model.name}({inputs}, {outputs}) made {type(network).__name__}; expected "
                "a torch.nn.Module with parameters"
            )
        with torch.no_grad():
            network.eval()
            shape = tuple(_shaped(network(torch.zeros(2, inputs)), outputs).shape)
    if shape != (2, outputs):
        raise ValueError(
            f"model {model.name}({inputs}, {outputs}) makes {shape} of 2 rows; expected "
            f"(2, {outputs})"
        )
    return network


def _shaped(output: Tensor, outputs: int) -> Tensor:
    """A single output may come without its dimension."""
    return output[:, None] if outputs == 1 and output.ndim == 1 else output


@contextmanager
def _random(seed: int) -> Iterator[None]:
    """Random numbers of torch from a seed; those outside are left as they were."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield
