"""The losses of the comparison by name, with all that a study has to know about each.

Names, published labels, hyper-parameters with their grids, and what is minimised in training are
stated here and nowhere else.

Source: Zhu, Yang, Jerby, "Gradient Aligned Regression via Pairwise Losses", ICML 2025, section 5
and appendix, and the settings of its released scripts.
"""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor, nn

from gar_verify.losses._distinct import Draw, draw_numbers
from gar_verify.losses.conr import ConRLoss, conr_loss
from gar_verify.losses.conventional import (
    HuberLoss,
    MAELoss,
    MSELoss,
    huber_loss,
    mae_loss,
    mse_loss,
)
from gar_verify.losses.focal import FocalMAELoss, FocalMSELoss, focal_mae_loss, focal_mse_loss
from gar_verify.losses.gar import GARLoss, stacked_gar
from gar_verify.losses.mae_pearson import MAEPearsonLoss, mae_pearson_loss
from gar_verify.losses.ranksim import RankSimLoss, ranksim_loss
from gar_verify.losses.rnc import RnCLoss, rnc_loss

StackedLoss = Callable[[Tensor, Tensor, Any, Any, Any], Tensor]
"""``(prediction[S, B, T], target[S, B, T], features[S, B, d], hyperparameter[S], draw) -> [S]``.

One loss for each of S models, B rows, T targets, d features. ``draw`` is the source of RankSim's
random choice, see `_distinct.Draw`. What a loss does not read may be None.
"""

RANKSIM_WEIGHT = 100.0
"""Weight of RankSim beside the MAE in training."""

_BLOCK = 1 << 18
"""Pairs of rows that a CPU works on at a time: few enough to stay in its caches."""


def _blockwise(loss: StackedLoss, *, random: bool = False) -> StackedLoss:
    """The same loss of pairs of rows, a few models at a time: up to three times as fast on a CPU.

    With ``random``, the numbers that the loss draws are drawn for all models at once.
    """

    def blocks(f: Tensor, y: Tensor, x: Tensor, hyperparameter: Tensor, draw: Draw) -> Tensor:
        models, rows = y.shape[:2]
        size = max(1, _BLOCK // rows**2)
        draws: Sequence[Draw] = [draw] * -(-models // size)
        if random:
            draw = draw_numbers(draw, y.shape[:2], y.device)
            draws = draw.split(size)
        if y.device.type != "cpu" or size >= models:
            return loss(f, y, x, hyperparameter, draw)
        parts = [t.split(size) for t in (f, y, x, hyperparameter)]
        return torch.cat([loss(*block) for block in zip(*parts, draws, strict=True)])

    return blocks


REPEATS = (0.0, 1.0, 2.0)
"""The grid of a loss without hyper-parameter: runs that differ in their initialisation only."""


@dataclass(frozen=True)
class LossSpec:
    """One loss of the comparison.

    What is trained is `stacked`; where it differs from the loss itself (RankSim and ConR are added
    to the MAE, RnC comes before it), `objective` says so.
    """

    name: str
    """Name in code and on the command line: ``focal_mae``."""
    label: str
    """Name in the paper's tables: ``focal-MAE``."""
    factory: Callable[..., nn.Module]
    """Makes the module from its hyper-parameters."""
    objective: str
    """What training minimises, in words."""
    stacked: StackedLoss
    """What training minimises, after the first phase where there is one."""
    hyperparameter: str | None = None
    """The swept hyper-parameter of the objective; None if the grid counts repeats."""
    tabular_grid: tuple[float, ...] = ()
    """Its values in the tabular studies; empty if the loss does not take part."""
    synthetic_value: float | None = None
    """Its value in the synthetic studies; None without a hyper-parameter or without part."""
    in_synthetic: bool = False
    """Whether the loss takes part in the synthetic studies."""
    needs_features: bool = False
    """Whether `stacked` or `stacked_pretraining` reads the features."""
    stacked_pretraining: StackedLoss | None = None
    """What the first phase minimises; its gradient never reaches the last layer."""
    tabular_pretraining: Fraction = Fraction(0)
    """Fraction of the epochs that the first phase takes in the tabular studies."""
    synthetic_pretraining: Fraction = Fraction(0)
    """Fraction of the epochs that the first phase takes in the synthetic studies."""

    def __reduce__(self) -> tuple[Any, ...]:
        """Travel to other processes by name."""
        return get_spec, (self.name,)


_SPECS = (
    LossSpec(
        name="mae",
        label="MAE",
        factory=MAELoss,
        objective="MAE",
        stacked=lambda f, y, x, repeat, draw: mae_loss(f, y),
        tabular_grid=REPEATS,
        in_synthetic=True,
    ),
    LossSpec(
        name="mse",
        label="MSE",
        factory=MSELoss,
        objective="MSE",
        stacked=lambda f, y, x, repeat, draw: mse_loss(f, y),
        tabular_grid=REPEATS,
        in_synthetic=True,
    ),
    LossSpec(
        name="huber",
        label="Huber",
        factory=HuberLoss,
        objective="Huber(delta)",
        stacked=lambda f, y, x, delta, draw: huber_loss(f, y, delta),
        hyperparameter="delta",
        tabular_grid=(0.25, 1.0, 4.0),
    ),
    LossSpec(
        name="focal_mae",
        label="focal-MAE",
        factory=FocalMAELoss,
        objective="focal-MAE(beta)",
        stacked=lambda f, y, x, beta, draw: focal_mae_loss(f, y, beta),
        hyperparameter="beta",
        tabular_grid=(0.25, 1.0, 4.0),
    ),
    LossSpec(
        name="focal_mse",
        label="focal-MSE",
        factory=FocalMSELoss,
        objective="focal-MSE(beta)",
        stacked=lambda f, y, x, beta, draw: focal_mse_loss(f, y, beta),
        hyperparameter="beta",
        tabular_grid=(0.25, 1.0, 4.0),
    ),
    LossSpec(
        name="mae_pearson",
        label="MAE-Pearson",
        factory=MAEPearsonLoss,
        objective="(1 - P/2) MAE + (P/2) P, P the Pearson loss",
        stacked=lambda f, y, x, repeat, draw: mae_pearson_loss(f, y),
        in_synthetic=True,
    ),
    LossSpec(
        name="ranksim",
        label="RankSim",
        factory=RankSimLoss,
        objective="MAE + 100 RankSim(interpolation)",
        stacked=_blockwise(
            lambda f, y, x, interpolation, draw: (
                mae_loss(f, y) + ranksim_loss(x, y, interpolation, RANKSIM_WEIGHT, draw)
            ),
            random=True,
        ),
        hyperparameter="interpolation",
        tabular_grid=(0.5, 1.0, 2.0),
        needs_features=True,
    ),
    LossSpec(
        name="rnc",
        label="RnC",
        factory=RnCLoss,
        objective="RnC(temperature), then MAE",
        stacked=lambda f, y, x, temperature, draw: mae_loss(f, y),
        stacked_pretraining=_blockwise(
            lambda f, y, x, temperature, draw: rnc_loss(x, y, temperature)
        ),
        tabular_pretraining=Fraction(1, 2),
        synthetic_pretraining=Fraction(100, 300),
        hyperparameter="temperature",
        tabular_grid=(1.0, 2.0, 4.0),
        synthetic_value=4.0,
        in_synthetic=True,
        needs_features=True,
    ),
    LossSpec(
        name="conr",
        label="ConR",
        factory=ConRLoss,
        objective="MAE + gamma ConR",
        stacked=_blockwise(
            lambda f, y, x, gamma, draw: mae_loss(f, y) + gamma * conr_loss(x, y, f)
        ),
        hyperparameter="gamma",
        tabular_grid=(0.2, 1.0, 4.0),
        needs_features=True,
    ),
    LossSpec(
        name="gar",
        label="GAR",
        factory=GARLoss,
        objective="GAR(alpha)",
        stacked=lambda f, y, x, alpha, draw: stacked_gar(f, y, alpha),
        hyperparameter="alpha",
        tabular_grid=(0.1, 1.0, 10.0),
        synthetic_value=0.5,
        in_synthetic=True,
    ),
)

LOSSES: Mapping[str, LossSpec] = MappingProxyType({spec.name: spec for spec in _SPECS})
"""All losses by name, in the order of the paper's tables."""


def get_spec(name: str) -> LossSpec:
    """What is known about the loss called ``name``; a ValueError lists the names if there is none.

    >>> get_spec("rnc").tabular_grid
    (1.0, 2.0, 4.0)
    """
    if name not in LOSSES:
        near = difflib.get_close_matches(name.lower().replace("-", "_"), LOSSES, n=1)
        hint = f"did you mean {near[0]!r}? " if near else ""
        raise ValueError(f"there is no loss {name!r}; {hint}the names are {', '.join(LOSSES)}")
    return LOSSES[name]


def get_loss(name: str, **hyperparameters: Any) -> nn.Module:
    """Make the module of the loss called ``name``.

    >>> get_loss("rnc", temperature=4.0)
    RnCLoss(temperature=4.0, views=None)

    Raises ValueError for an unknown name or a value out of range, TypeError for a hyper-parameter
    that the loss does not have.
    """
    factory = get_spec(name).factory
    known = [
        parameter.name
        for parameter in inspect.signature(factory).parameters.values()
        if parameter.kind is not parameter.VAR_POSITIONAL
        and parameter.kind is not parameter.VAR_KEYWORD
    ]
    unknown = [given for given in hyperparameters if given not in known]
    if unknown:
        raise TypeError(
            f"{name} has no hyper-parameter {', '.join(map(repr, unknown))}; "
            f"it has {', '.join(known) or 'none'}"
        )
    return factory(**hyperparameters)
