"""How a `GARRegressor` is trained: its rows, its batches, and the loop."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gar_verify.losses import GARLoss
from gar_verify.training import Architecture
from gar_verify.training.mlp import Scratch
from gar_verify.training.optimizers import Adam

if TYPE_CHECKING:
    from gar_verify.integrations.regressor import GARRegressor

Places = NDArray[np.int64]


class Rows(NamedTuple):
    """Samples, as arrays, or as tensors once they are scaled."""

    X: Any
    """(n, F)"""
    y: Any
    """(n, T), NaN where a target has no label."""
    weight: Any = None
    """(n,), or None."""
    group: Any = None
    """(n,) integers, or None."""

    def take(self, places: Any) -> Rows:
        """Some of the rows."""
        return Rows(*(None if part is None else part[places] for part in self))


def merged(rows: Rows) -> Rows:
    """Equal rows as one with the sum of their weights, in ascending order; no weights if equal.

    So a row of weight 2 is two rows to the last bit: training would amplify any rounding.
    """
    weight = np.ones(len(rows.X)) if rows.weight is None else rows.weight
    seen = np.flatnonzero(weight > 0)
    gapless = np.where(np.isnan(rows.y), np.inf, rows.y)  # a NaN would not equal itself
    columns = [rows.X, gapless] if rows.group is None else [rows.X, gapless, rows.group[:, None]]
    _, first, place = np.unique(
        np.hstack(columns)[seen], axis=0, return_index=True, return_inverse=True
    )
    total = np.bincount(place.ravel(), weights=weight[seen])
    equal = bool((total == total[0]).all())
    return rows.take(seen[first])._replace(weight=None if equal else total.astype(np.float64))


def split_off(rows: Rows, fraction: float, rng: np.random.RandomState) -> tuple[Rows, Rows]:
    """The rows to train on, and a share of them held out; of the groups, where there are any.

    Raises:
        ValueError: if too little is left to train on.
    """
    unit = np.arange(len(rows.X)) if rows.group is None else rows.group
    names = np.unique(unit)
    held_out = math.ceil(fraction * len(names))
    word, least = ("rows", 2) if rows.group is None else ("groups", 1)
    if len(names) - held_out < least:
        raise ValueError(
            f"{len(names)} {word} are too few to hold out {held_out} of them; expected at least "
            f"{least} to train on: lower validation_fraction or turn early_stopping off"
        )
    out = np.isin(unit, names[rng.permutation(len(names))[:held_out]])
    return rows.take(~out), rows.take(out)


def batches(
    rows: int, group: NDArray[Any] | None, size: int, rng: np.random.RandomState
) -> list[Places]:
    """Rows of each step of an epoch, at most ``size``, in random order.

    Groups stay whole: they are dealt one by one into a batch until the next does not fit. A group
    of more than ``size`` rows is dealt in parts of about equal size.
    """
    if rows <= size:
        return [np.arange(rows)]
    order = rng.permutation(rows)
    if group is None:
        return np.array_split(order, math.ceil(rows / size))
    order = order[np.argsort(group[order], kind="stable")]
    groups = np.split(order, np.flatnonzero(np.diff(group[order])) + 1)
    parts = [part for own in groups for part in np.array_split(own, math.ceil(len(own) / size))]
    dealt: list[list[Places]] = []
    room = 0
    for place in rng.permutation(len(parts)):
        if len(parts[place]) > room:
            dealt.append([])
            room = size
        dealt[-1].append(parts[place])
        room -= len(parts[place])
    return [np.concatenate(batch) for batch in dealt]


class Training:
    """The loop: batches, gradient steps, and what is held out."""

    def __init__(
        self, model: GARRegressor, architecture: Architecture, rng: np.random.RandomState
    ) -> None:
        """Nothing is trained yet."""
        self.model, self.architecture, self.rng = model, architecture, rng
        self.loss = model._module()
        self.score = GARLoss(1.0, form="power_mean", parts=("conventional",), missing=model.missing)
        self.scratch = Scratch()

    def run(self, start: Tensor, train: Rows, held_out: Rows | None) -> None:
        """Train from the parameters (P,), and leave what was learned in the model."""
        model = self.model
        self.parameters = start[None]
        full = torch.ones((1, 1), dtype=start.dtype, device=start.device)
        optimizer = Adam(self.parameters, full * model.learning_rate, full * model.weight_decay)
        group = None if train.group is None else train.group.cpu().numpy()
        best, waited, kept = math.inf, 0, self.parameters.clone()
        curve, validation = [], []
        for epoch in range(model.max_epochs):
            factor = 0.1 ** sum(epoch >= model.max_epochs * part for part in (0.5, 0.75))
            dealt = batches(len(train.X), group, model.batch_size, self.rng)
            steps = [self._step(train.take(places), optimizer, factor) for places in dealt]
            curve.append(float(np.mean(steps)))
            if held_out is None:
                continue
            validation.append(self._held_out_mae(held_out))
            if validation[-1] < best:
                best, waited, kept = validation[-1], 0, self.parameters.clone()
            else:
                waited += 1
            if waited >= model.n_iter_no_change:
                break
        if held_out is not None:
            self.parameters = kept
            model.validation_curve_ = validation
        model.loss_curve_, model.n_iter_ = curve, len(curve)
        model.parameters_ = self.parameters[0].cpu().numpy().astype(np.float64)

    def _step(self, rows: Rows, optimizer: Adam, factor: float) -> float:
        outputs, entering = self.architecture.forward(
            self.parameters, rows.X.T[None].contiguous(), self.scratch
        )
        prediction = outputs[0].T.detach().requires_grad_()
        value = _loss_of(self.loss, prediction, rows)
        (gradient,) = torch.autograd.grad(value, prediction)
        step = self.architecture.backward(
            self.parameters, entering, gradient.T[None].contiguous(), scratch=self.scratch
        )
        optimizer.step(step, factor)
        return value.item()

    def _held_out_mae(self, rows: Rows) -> float:
        outputs, _ = self.architecture.forward(self.parameters, rows.X.T[None].contiguous())
        return float(_loss_of(self.score, outputs[0].T, rows._replace(group=None)))


def _loss_of(loss: torch.nn.Module, prediction: Tensor, rows: Rows) -> Tensor:
    """The loss of some rows; targets that none of them has a label for are left out."""
    labelled = ~rows.y.isnan().all(0)
    given = {"sample_weight": rows.weight, "groups": rows.group}
    value: Tensor = loss(
        prediction[:, labelled],
        rows.y[:, labelled],
        **{name: tensor for name, tensor in given.items() if tensor is not None},
    )
    return value
