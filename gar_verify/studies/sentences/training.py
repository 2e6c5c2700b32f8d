"""Fine-tuning the upper layers of the encoder and a linear layer behind them, with any loss.

A pair (u, v) of vectors becomes the features [u, v, |u - v|, u v], and one linear layer makes the
score of them. Losses of features (RankSim, ConR, RnC) see these features. RnC's first phase, half
of the steps, is contrastive and leaves the linear layer alone; the MAE follows. Every batch and
every initial weight depends on the seed alone: they are the same for all losses and rates.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from gar_verify.losses.registry import get_spec
from gar_verify.losses.stacking import StackedLoss
from gar_verify.studies import provenance
from gar_verify.studies.methods import GARS
from gar_verify.studies.sentences import encoder, pairs, states
from gar_verify.training.trainer import Objective, on_threads

Rows = NDArray[np.int64]

SCORED = ("validation", "test")
"""The parts whose scores are predicted when a training has ended."""

GAR_ALPHA = 0.5


@dataclass(frozen=True)
class Recipe:
    """How every loss is trained."""

    layers: int | None = 2
    """How many of the upper layers are trained; None: all, with the embeddings."""
    epochs: int = 1
    batch_size: int = 32
    learning_rates: tuple[float, ...] = (1e-4, 3e-4)
    """Of the encoder, by Adam: rising in the first steps, then falling to 0, both linearly."""
    head_factor: float = 10.0
    """By which the learning rate of the linear layer is larger."""
    warm_up: float = 0.1
    """Fraction of the steps in which the learning rates rise."""
    most: int | None = None
    """How many training pairs are used, the first of a permutation; None: all."""


class Material(NamedTuple):
    """What a training reads: the sentences as they enter the trained layers, and the pairs."""

    folder: Path
    layers: int | None
    """How many of the upper layers are trained, as in `Recipe`."""
    entering: states.Entering
    first: dict[str, Rows]
    """For each part, which sentence is the first of each pair."""
    second: dict[str, Rows]
    scores: dict[str, NDArray[np.float64]]


def name_of(data: str, weights: str) -> str:
    """The name under which states are kept: of which pairs and weights, and computed how."""
    how = {"data": data, "weights": weights}
    return provenance.fingerprint(how, (encoder.tokens, frozen_states))


@cache
def material(folder: Path, name: str, layers: int | None) -> Material:
    """The sentences of STS-B for an encoder of which so many upper layers are trained.

    Args:
        folder: of the encoder.
        name: as from `name_of`.
        layers: as in `Recipe`.
    """
    parts = pairs.load()
    sentences = pairs.sentences(parts)
    number = {sentence: row for row, sentence in enumerate(sentences)}
    entering = encoder.tokens(folder, sentences)
    if layers is not None:
        ids = entering
        entering = states.kept(f"{name} {layers}", lambda: frozen_states(folder, ids, layers))
    return Material(
        folder,
        layers,
        entering,
        {part: np.array([number[text] for text in of.first]) for part, of in parts.items()},
        {part: np.array([number[text] for text in of.second]) for part, of in parts.items()},
        {part: of.score for part, of in parts.items()},
    )


@torch.no_grad()
def frozen_states(folder: Path, ids: states.Entering, layers: int) -> states.Entering:
    """What enters the upper layers, in half precision, of sentences given as numbers of tokens."""
    model = encoder.load(folder)
    lower = encoder.Layers(model, 0, _depth(model) - layers)
    order = np.argsort(ids.lengths, kind="stable")
    found: dict[int, Tensor] = {}
    with on_threads(1):
        for start in range(0, len(order), encoder.AT_ONCE):
            rows = order[start : start + encoder.AT_ONCE]
            values, mask = ids.batch(rows, torch.device("cpu"))
            for row, hidden in zip(rows, lower(values, mask).half(), strict=True):
                found[int(row)] = hidden[: ids.lengths[row]]
    return states.Entering.of(found[row] for row in range(len(order)))


def upper(model: nn.Module, layers: int | None) -> encoder.Layers:
    """The layers of a BERT that are trained."""
    depth = _depth(model)
    if layers is not None and not 0 < layers < depth:
        raise ValueError(f"layers must be from 1 to {depth - 1}, or all, got {layers}")
    return encoder.Layers(model, 0 if layers is None else depth - layers)


def _depth(model: nn.Module) -> int:
    return len(model.encoder.layer)  # type: ignore[arg-type,union-attr]


def value_of(method: str) -> float:
    """The hyper-parameter of a method: the middle of its tabular grid, and alpha = 0.5 for GAR."""
    grid = get_spec(method).tabular_grid
    return GAR_ALPHA if method in GARS else grid[len(grid) // 2]


def train(
    of: Material,
    objective: Objective,
    value: float,
    rate: float,
    seed: int,
    recipe: Recipe,
    device: str = "cpu",
    on_step: Callable[[int], None] = lambda pairs: None,
) -> dict[str, NDArray[np.float32]]:
    """Train once; the scores that are predicted then, for each part of `SCORED`.

    Args:
        of: the sentences.
        objective: what is minimised; its first phase, where it has one, counted in steps.
        value: the hyper-parameter of the loss.
        rate: the learning rate of the encoder.
        seed: of the batches and of the linear layer's initial weights.
        recipe: what all trainings share.
        device: where to train.
        on_step: told the number of pairs after every step.
    """
    with on_threads(1):
        training = _Training(of, rate, seed, recipe, device)
        return training.run(objective, value, on_step)


def untrained_vectors(of: Material, name: str) -> Tensor:
    """The vectors [sentences, d] of all sentences before training; kept under a name."""

    def compute() -> states.Entering:
        layers = upper(encoder.load(of.folder), of.layers)
        rows = np.arange(len(of.entering.lengths))
        with on_threads(1), torch.no_grad():
            return states.Entering(encoder.vectors(layers, of.entering, rows), rows)

    return states.kept(f"{name} {of.layers} vectors", compute).values


def cosines(of: Material, name: str) -> dict[str, NDArray[np.float32]]:
    """The cosine of the two vectors of each pair, for each part of `SCORED`, before training."""
    vectors = untrained_vectors(of, name)

    def cosine(part: str) -> NDArray[np.float32]:
        u, v = vectors[of.first[part]], vectors[of.second[part]]
        return functional.cosine_similarity(u, v).numpy()

    return {part: cosine(part) for part in SCORED}


def pair_vectors(layers: encoder.Layers, of: Material, part: str, rows: Rows) -> Sequence[Tensor]:
    """The vectors [n, d] of the first and of the second sentences of some pairs of a part."""
    both = np.concatenate([of.first[part][rows], of.second[part][rows]])
    return encoder.vectors(layers, of.entering, both).chunk(2)


def pairs_seen(recipe: Recipe, training_pairs: int) -> int:
    """How many pairs a training sees, those of every epoch counted."""
    return steps(recipe, training_pairs) * recipe.batch_size


def steps(recipe: Recipe, training_pairs: int) -> int:
    """Steps of a training."""
    return recipe.epochs * _steps(recipe, training_pairs)


def _steps(recipe: Recipe, training_pairs: int) -> int:
    """Steps of an epoch; the last incomplete batch is dropped."""
    return min(training_pairs, recipe.most or training_pairs) // recipe.batch_size


def batches(
    recipe: Recipe, training_pairs: int, rng: np.random.Generator
) -> Iterator[tuple[Rows, NDArray[np.float32]]]:
    """Rows of each step, shuffled in every epoch, with uniform numbers for losses that draw."""
    chosen = rng.permutation(training_pairs)[: recipe.most]
    for _ in range(recipe.epochs):
        order = rng.permutation(chosen)
        for step in range(_steps(recipe, training_pairs)):
            rows = order[step * recipe.batch_size :][: recipe.batch_size]
            yield rows, rng.random(len(rows), dtype=np.float32)


class _Training:
    """One model in training."""

    def __init__(self, of: Material, rate: float, seed: int, recipe: Recipe, device: str) -> None:
        self.of, self.device = of, torch.device(device)
        rng = np.random.default_rng(seed)
        model = encoder.load(of.folder)
        self.layers = upper(model, recipe.layers).to(self.device)
        self.head = linear(4 * model.config.hidden_size, rng).to(self.device)
        self.batches = list(batches(recipe, len(of.scores["train"]), rng))
        rates = (rate, self.layers), (rate * recipe.head_factor, self.head)
        self.optimizer = torch.optim.Adam(
            [{"params": part.parameters(), "lr": own} for own, part in rates]
        )
        self.schedule = torch.optim.lr_scheduler.LambdaLR(
            self.optimizer, lambda step: factor(step, len(self.batches), recipe.warm_up)
        )

    def run(
        self, objective: Objective, value: float, on_step: Callable[[int], None]
    ) -> dict[str, NDArray[np.float32]]:
        """Train to the end, and predict."""
        self.value = torch.tensor([value], device=self.device)
        for step, (rows, numbers) in enumerate(self.batches):
            self._step(objective.at(step)[0], rows, torch.from_numpy(numbers))
            on_step(len(rows))
        return {part: self._predicted(part) for part in SCORED}

    def _step(self, loss: StackedLoss, rows: Rows, numbers: Tensor) -> None:
        target = torch.from_numpy(self.of.scores["train"][rows, None]).float()
        features, prediction = self._of("train", rows)
        f, y, x, drawn = (t[None].to(self.device) for t in (prediction, target, features, numbers))
        self.optimizer.zero_grad()
        loss(f, y, x, self.value, drawn).sum().backward()
        self.optimizer.step()
        self.schedule.step()

    def _of(self, part: str, rows: Rows) -> tuple[Tensor, Tensor]:
        """Features and predictions [n, 1] of some pairs."""
        features = encoder.pair_features(*pair_vectors(self.layers, self.of, part, rows))
        return features, self.head(features)

    @torch.no_grad()
    def _predicted(self, part: str) -> NDArray[np.float32]:
        rows = np.arange(len(self.of.scores[part]))
        predicted: NDArray[np.float32] = self._of(part, rows)[1].squeeze(-1).cpu().numpy()
        return predicted


def linear(inputs: int, rng: np.random.Generator) -> nn.Linear:
    """A linear layer to one output, drawn as `nn.Linear` draws: uniform +-1/sqrt(inputs)."""
    layer = nn.Linear(inputs, 1)
    drawn = rng.uniform(-1, 1, inputs + 1) / np.sqrt(inputs)
    nn.utils.vector_to_parameters(torch.from_numpy(drawn).float(), layer.parameters())
    return layer


def factor(step: int, steps: int, warm_up: float) -> float:
    """What the learning rates are multiplied by in a step (from 0).

    >>> [round(factor(step, 10, 0.2), 3) for step in range(10)]
    [0.5, 1.0, 1.0, 0.875, 0.75, 0.625, 0.5, 0.375, 0.25, 0.125]
    """
    rising = max(1, round(warm_up * steps))
    return min((step + 1) / rising, (steps - step) / (steps - rising))
