"""The methods of a study: what each minimises, and its hyper-parameter grid, from the registry."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from gar_verify.losses.registry import LOSSES, LossSpec, get_spec
from gar_verify.training import Objective

PAIRWISE_WORK = 12.0
"""Time of a run whose loss looks at pairs, in that of a run with a cheap loss; a rough guess."""


@dataclass(frozen=True)
class Method:
    """One line of a table: an objective and the values of its hyper-parameter."""

    name: str
    label: str
    objective: Objective
    hyperparameters: tuple[float, ...]
    hyperparameter: str = "repeat"
    """What the values are called; ``repeat`` if they only count repeats."""

    @property
    def work(self) -> float:
        """Units of work for one model and one epoch."""
        return PAIRWISE_WORK if self.objective.pairwise else 1.0


def tabular_methods(names: Sequence[str], epochs: int) -> list[Method]:
    """Methods of the tabular studies by name, in that order.

    Raises:
        ValueError: for a name that is no loss, or a loss that has no published grid.
    """
    specs = [get_spec(name) for name in names]
    for spec in specs:
        if not spec.tabular_grid:
            raise ValueError(
                f"{spec.name!r} has no grid in the tabular studies; choose from "
                f"{', '.join(TABULAR)}"
            )
    return [
        Method(
            name=spec.name,
            label=spec.label,
            objective=objective(spec, epochs, spec.tabular_pretraining),
            hyperparameters=spec.tabular_grid,
            hyperparameter=spec.hyperparameter or "repeat",
        )
        for spec in specs
    ]


def synthetic_methods(names: Sequence[str], epochs: int) -> list[Method]:
    """Methods of the synthetic studies by name, in that order, each with its one value.

    A loss that takes no part in the paper's synthetic studies enters with the middle value of its
    tabular grid.
    """
    return [
        Method(
            name=spec.name,
            label=spec.label,
            objective=objective(spec, epochs, spec.synthetic_pretraining),
            hyperparameters=(_synthetic_value(spec),),
            hyperparameter=spec.hyperparameter or "repeat",
        )
        for spec in map(get_spec, names)
    ]


def gar_at(alphas: Sequence[float]) -> Method:
    """GAR with a grid of alphas of one's own."""
    spec = get_spec("gar")
    return Method(spec.name, spec.label, Objective(spec.stacked), tuple(alphas), "alpha")


def objective(spec: LossSpec, epochs: int, pretraining: Fraction) -> Objective:
    """What training minimises, the first phase taking its fraction of the epochs."""
    return Objective(
        loss=spec.stacked,
        pretraining=spec.stacked_pretraining,
        pretraining_epochs=int(pretraining * epochs),
        pairwise=spec.needs_features,
    )


def label(name: str) -> str:
    """The name of a method in the paper's tables; other names stay as they are."""
    return LOSSES[name].label if name in LOSSES else str(name)


def _synthetic_value(spec: LossSpec) -> float:
    if spec.synthetic_value is not None:
        return spec.synthetic_value
    return spec.tabular_grid[len(spec.tabular_grid) // 2] if spec.hyperparameter else 0.0


TABULAR = tuple(name for name, spec in LOSSES.items() if spec.tabular_grid)
"""Methods of the tabular studies, in the order of the paper's tables."""

SYNTHETIC = ("gar", "rnc", "mae_pearson", "mae", "mse")
"""Methods of the synthetic studies, in the order of the paper's figures."""
