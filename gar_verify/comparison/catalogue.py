"""The losses that can be compared: those of the registry, and the concordance loss."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from torch import Tensor
from torch.nn import functional

from gar_verify.losses import registry
from gar_verify.losses.gar import ConcordanceLoss, concordance_loss, gar_loss
from gar_verify.losses.gar.loss import stacked_concordance
from gar_verify.losses.registry import LossSpec


@dataclass(frozen=True)
class Candidate:
    """A loss with a value of its hyper-parameter."""

    loss: str
    value: float


class _Spec(LossSpec):
    """A loss that the paper does not have."""

    def __reduce__(self) -> tuple[Any, ...]:
        """Travel to other processes by name."""
        return get_spec, (self.name,)


_CONCORDANCE = _Spec(
    name="ccc",
    label="CCC",
    color="#117733",
    factory=ConcordanceLoss,
    objective="1 - CCC",
    stacked=stacked_concordance,
    weights=True,
)

LOSSES: Mapping[str, LossSpec] = MappingProxyType({**registry.LOSSES, "ccc": _CONCORDANCE})
"""All losses by name, in the order of the tables."""

_ENTRYWISE: Mapping[str, Callable[..., Tensor]] = {
    "mae": lambda f, y, value: (f - y).abs(),
    "mse": lambda f, y, value: (f - y) ** 2,
    "huber": lambda f, y, value: functional.huber_loss(f, y, reduction="none", delta=value),
}

WEIGHTED = (*_ENTRYWISE, "gar", "ccc")
"""Losses that take a weight for each row and target, so that a missing target can have none."""


def get_spec(name: str) -> LossSpec:
    """What is known about a loss; a ValueError lists the names if there is none."""
    if name == "ccc":
        return _CONCORDANCE
    try:
        return registry.get_spec(name)
    except ValueError as error:
        raise ValueError(f"{error}, ccc") from error


def weighted_loss(candidate: Candidate, f: Tensor, y: Tensor, weight: Tensor) -> Tensor:
    """The loss of one model's batch, (B, T) each, of those of `WEIGHTED`.

    Means are over the rows of each target with their weights, then over the targets that have any.
    """
    if candidate.loss == "gar":
        return gar_loss(f, y, candidate.value, weight)
    if candidate.loss == "ccc":
        return concordance_loss(f, y, weight)
    seen = weight.sum(0) > 0
    entries = _ENTRYWISE[candidate.loss](f, y, candidate.value)[:, seen]
    share = weight[:, seen]
    return ((share * entries).sum(0) / share.sum(0)).mean()
