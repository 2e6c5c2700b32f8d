"""Different losses in one stack: a stack of many models is faster than many stacks of few.

Losses that read predictions alone share a stack; each model minimises its own. A loss that reads
features, or has a first phase of its own, is trained by itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Protocol

import torch
from torch import Tensor

from gar_verify.comparison.catalogue import Candidate, get_spec
from gar_verify.training import Objective


class HasCandidate(Protocol):
    """Settings of a training, with the loss among them."""

    @property
    def candidate(self) -> Candidate:
        """The loss and its hyper-parameter."""


@dataclass(frozen=True)
class Mixture:
    """A loss of a stack in which every model has its own: its number among the candidates."""

    candidates: tuple[Candidate, ...]

    def __call__(
        self, prediction: Tensor, target: Tensor, features: Any, code: Tensor, draw: Any
    ) -> Tensor:
        """Losses (S,) of predictions and targets (S, B, T), each the loss that its code names."""
        numbers = [int(number) for number in code.tolist()]
        values = code.new_tensor([self.candidates[number].value for number in numbers])
        losses = []
        begin = 0
        for name, group in groupby(numbers, key=lambda number: self.candidates[number].loss):
            own = slice(begin, begin + len(list(group)))
            stacked = get_spec(name).stacked
            losses.append(stacked(prediction[own], target[own], None, values[own], None))
            begin = own.stop
        return torch.cat(losses)


@dataclass(frozen=True)
class Phase:
    """What a stack minimises, and the number by which a candidate is known there."""

    objective: Objective
    candidates: tuple[Candidate, ...]

    def code(self, candidate: Candidate) -> float:
        """The hyper-parameter of a run of the candidate."""
        if isinstance(self.objective.loss, Mixture):
            return float(self.candidates.index(candidate))
        return candidate.value


def phases(choices: Sequence[HasCandidate], epochs: int) -> Iterator[tuple[Phase, list[int]]]:
    """Stacks that together train some choices, and the positions of the choices in each.

    ``epochs`` is the longest training, of which a first phase takes its fraction.
    """
    groups: dict[str, list[int]] = {}
    for i, choice in enumerate(choices):
        spec = get_spec(choice.candidate.loss)
        groups.setdefault(spec.name if spec.needs_features else "", []).append(i)
    for name, members in groups.items():
        candidates = tuple(dict.fromkeys(choices[i].candidate for i in members))
        yield Phase(_objective(name, candidates, epochs), candidates), members


def _objective(name: str, candidates: tuple[Candidate, ...], epochs: int) -> Objective:
    if not name:
        return Objective(Mixture(candidates))
    spec = get_spec(name)
    return Objective(
        loss=spec.stacked,
        pretraining=spec.stacked_pretraining,
        pretraining_epochs=int(spec.tabular_pretraining * epochs),
        pairwise=True,
    )
