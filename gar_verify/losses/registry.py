"""The losses of the comparison by name, with all that a study has to know about each.

Names, published labels, hyper-parameters with their grids, and what is minimised in training are
stated here and nowhere else.

Source: Zhu, Yang, Jerby, "Gradient Aligned Regression via Pairwise Losses", ICML 2025, section 5
and appendix, and the settings of its released scripts.
"""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from types import MappingProxyType
from typing import Any

from torch import nn

from gar_verify.losses import conr, conventional, focal, mae_pearson, ranksim, released_gar, rnc
from gar_verify.losses.gar import loss as gar
from gar_verify.losses.stacking import StackedLoss

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
    color: str
    """Its colour in every figure, of the palettes of Okabe and Ito or of Paul Tol."""
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
    weights: bool = False
    """Whether the module takes a ``sample_weight``."""
    pairs: bool = False
    """Whether it compares all pairs of rows: its cost grows with the square of the batch."""
    needs_features: bool = False
    """Whether `stacked` or `stacked_pretraining` reads the features."""
    variant_of: str | None = None
    """The loss that this one is with other constants: the two do not compete."""
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
        color="#0072B2",
        factory=conventional.MAELoss,
        objective="MAE",
        stacked=conventional.stacked_mae,
        tabular_grid=REPEATS,
    ),
    LossSpec(
        name="mse",
        label="MSE",
        color="#56B4E9",
        factory=conventional.MSELoss,
        objective="MSE",
        stacked=conventional.stacked_mse,
        tabular_grid=REPEATS,
    ),
    LossSpec(
        name="huber",
        label="Huber",
        color="#009E73",
        factory=conventional.HuberLoss,
        objective="Huber(delta)",
        stacked=conventional.stacked_huber,
        hyperparameter="delta",
        tabular_grid=(0.25, 1.0, 4.0),
    ),
    LossSpec(
        name="focal_mae",
        label="focal-MAE",
        color="#CC79A7",
        factory=focal.FocalMAELoss,
        objective="focal-MAE(beta)",
        stacked=focal.stacked_focal_mae,
        hyperparameter="beta",
        tabular_grid=(0.25, 1.0, 4.0),
        weights=True,
    ),
    LossSpec(
        name="focal_mse",
        label="focal-MSE",
        color="#882255",
        factory=focal.FocalMSELoss,
        objective="focal-MSE(beta)",
        stacked=focal.stacked_focal_mse,
        hyperparameter="beta",
        tabular_grid=(0.25, 1.0, 4.0),
        weights=True,
    ),
    LossSpec(
        name="mae_pearson",
        label="MAE-Pearson",
        color="#332288",
        factory=mae_pearson.MAEPearsonLoss,
        objective="(1 - P/2) MAE + (P/2) P, P the Pearson loss",
        stacked=mae_pearson.stacked_mae_pearson,
    ),
    LossSpec(
        name="ranksim",
        label="RankSim",
        color="#6B4C1E",
        factory=ranksim.RankSimLoss,
        objective="MAE + 100 RankSim(interpolation)",
        stacked=ranksim.stacked_ranksim,
        hyperparameter="interpolation",
        tabular_grid=(0.5, 1.0, 2.0),
        pairs=True,
        needs_features=True,
    ),
    LossSpec(
        name="rnc",
        label="RnC",
        color="#E69F00",
        factory=rnc.RnCLoss,
        objective="RnC(temperature), then MAE",
        stacked=conventional.stacked_mae,
        stacked_pretraining=rnc.stacked_rnc,
        tabular_pretraining=Fraction(1, 2),
        synthetic_pretraining=Fraction(100, 300),
        hyperparameter="temperature",
        tabular_grid=(1.0, 2.0, 4.0),
        synthetic_value=4.0,
        pairs=True,
        needs_features=True,
    ),
    LossSpec(
        name="conr",
        label="ConR",
        color="#999933",
        factory=conr.ConRLoss,
        objective="MAE + gamma ConR",
        stacked=conr.stacked_conr,
        hyperparameter="gamma",
        tabular_grid=(0.2, 1.0, 4.0),
        pairs=True,
        needs_features=True,
        weights=True,
    ),
    LossSpec(
        name="gar",
        label="GAR",
        color="#D55E00",
        factory=gar.GARLoss,
        objective="GAR(alpha)",
        stacked=gar.stacked_alpha,
        hyperparameter="alpha",
        tabular_grid=(0.1, 1.0, 10.0),
        synthetic_value=0.5,
        weights=True,
    ),
    LossSpec(
        name="gar_released",
        label="GAR (released)",
        color="#AA4499",
        factory=released_gar.ReleasedGARLoss,
        objective="GAR(alpha) with the constants of the released code",
        stacked=released_gar.stacked_released,
        hyperparameter="alpha",
        tabular_grid=(0.1, 1.0, 10.0),
        synthetic_value=0.5,
        variant_of="gar",
    ),
)

LOSSES: Mapping[str, LossSpec] = MappingProxyType({spec.name: spec for spec in _SPECS})
"""All losses by name, in the order of the paper's tables."""


def get_spec(name: str) -> LossSpec:
    """What is known about the loss called ``name``; a ValueError lists the names if there is none.

    >>> get_spec("rnc").tabular_grid
    (1.0, 2.0, 4.0)
    """
    if not isinstance(name, str):
        raise TypeError(
            f"a loss is called by its name, got {name!r}; the names are {', '.join(LOSSES)}"
        )
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
