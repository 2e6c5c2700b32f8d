"""The methods of a study: what each minimises, and its hyper-parameter grid, from the registry."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import partial

from gar_verify.losses.registry import LOSSES, LossSpec, get_spec
from gar_verify.training import Objective


@dataclass(frozen=True)
class Method:
    """One line of a table: an objective and the values of its hyper-parameter."""

    name: str
    label: str
    objective: Objective
    hyperparameters: tuple[float, ...]
    hyperparameter: str = "repeat"
    """What the values are called; ``repeat`` if they only count repeats."""


def refuse_unknown(names: Sequence[str], known: Sequence[str], study: str) -> None:
    """A ValueError that lists the methods of a study, if a name is none of them."""
    unknown = [name for name in names if name not in known]
    if unknown:
        raise ValueError(f"{unknown[0]!r} is no method of {study}; choose from {', '.join(known)}")


def tabular_methods(names: Sequence[str], epochs: int) -> list[Method]:
    """Methods of the tabular studies by name, in that order.

    Raises:
        ValueError: for a name that is no loss, or a loss that has no published grid.
    """
    return [_tabular_method(name, epochs) for name in names]


def _tabular_method(name: str, epochs: int) -> Method:
    spec = get_spec(loss_of(name))
    if not spec.tabular_grid:
        raise ValueError(
            f"{name!r} has no grid in the tabular studies; choose from "
            f"{', '.join([*TABULAR, RELEASED])}"
        )
    return Method(
        name=name,
        label=label(name),
        objective=_objective(spec, epochs, spec.tabular_pretraining),
        hyperparameters=spec.tabular_grid,
        hyperparameter=spec.hyperparameter or "repeat",
    )


def synthetic_methods(names: Sequence[str], epochs: int) -> list[Method]:
    """Methods of the synthetic studies by name, in that order, each with its one value.

    A loss that takes no part in the paper's synthetic studies enters with the middle value of its
    tabular grid.
    """
    return [_synthetic_method(name, epochs) for name in names]


def _synthetic_method(name: str, epochs: int) -> Method:
    spec = get_spec(name)
    return Method(
        name=name,
        label=label(name),
        objective=_objective(spec, epochs, spec.synthetic_pretraining),
        hyperparameters=(_synthetic_value(spec),),
        hyperparameter=spec.hyperparameter or "repeat",
    )


def gar_at(alphas: Sequence[float], name: str = "gar") -> Method:
    """GAR (``gar`` or ``gar_released``) with a grid of alphas of one's own."""
    return Method(
        name, label(name), _objective(get_spec(name), 0, Fraction(0)), tuple(alphas), "alpha"
    )


def losses_of(method: Method) -> list[str]:
    """What a method minimises, in words: the functions by name, with the arguments they are given.

    Part of the settings of a result: a name in a table could come to mean another function. Which
    module it is defined in says nothing of what it computes.
    """
    objective = method.objective
    losses = [loss for loss in (objective.pretraining, objective.loss) if loss is not None]
    return [_in_words(loss) for loss in losses]


def _in_words(loss: Callable[..., object]) -> str:
    if not isinstance(loss, partial):
        return loss.__qualname__
    given = [repr(value) for value in loss.args]
    given += [f"{key}={value!r}" for key, value in sorted(loss.keywords.items())]
    return f"{_in_words(loss.func)}({', '.join(given)})"


def _objective(spec: LossSpec, epochs: int, pretraining: Fraction) -> Objective:
    """What training minimises, the first phase taking its fraction of the epochs."""
    return Objective(
        loss=spec.stacked,
        pretraining=spec.stacked_pretraining,
        pretraining_epochs=int(pretraining * epochs),
        pairwise=spec.pairs,
    )


def label(name: str) -> str:
    """The name of a method in the paper's tables; other names stay as they are."""
    if name in VARIANTS:
        changed = "per target" if name == PER_TARGET else "large rates"
        return f"{label(loss_of(name)).removesuffix(')')}, {changed})".replace("GAR, ", "GAR (")
    return LOSSES[name].label if name in LOSSES else str(name)


def loss_of(name: str) -> str:
    """The loss of a method, by name: that of a variant, or the method itself."""
    return VARIANTS.get(name, name)


def _synthetic_value(spec: LossSpec) -> float:
    if spec.synthetic_value is not None:
        return spec.synthetic_value
    return spec.tabular_grid[len(spec.tabular_grid) // 2] if spec.hyperparameter else 0.0


TABULAR = tuple(n for n, spec in LOSSES.items() if spec.tabular_grid and not spec.variant_of)
"""Methods of the tabular studies, in the order of the paper's tables."""

RELEASED = "gar_released"
"""GAR with the constants of the released code, which the published figures come from.

Half the error variance makes a difference: the MAE, the only sub-loss that sees the offset, has a
larger part in the aggregation, by a factor of 2^(1/alpha).
"""

GARS = ("gar", RELEASED)
"""GAR by the paper's formula and with the constants of the released code."""

LARGE_RATES = tuple(f"{name}_large_rates" for name in GARS)
"""GAR with other learning rates than the methods beside it."""

PER_TARGET = "gar_per_target"
"""GAR of several targets, each aggregated by itself; GAR aggregates them jointly."""

VARIANTS = dict(zip(LARGE_RATES, GARS, strict=True)) | {PER_TARGET: "gar"}
"""Methods that are a kind of GAR with something else changed, and that kind."""

EVERY_GAR = (*GARS, *VARIANTS)


def is_competitor(name: str, method: str) -> bool:
    """Whether a method is another one, not another GAR beside GAR."""
    return name != method and not {loss_of(name), loss_of(method)} <= set(GARS)


SYNTHETIC = ("gar", "rnc", "mae_pearson", "mae", "mse")
"""Methods of the synthetic studies, in the order of the paper's figures."""

SHOWN = (*SYNTHETIC, RELEASED)
"""Methods that are shown of a synthetic study: the paper's, and what it was published with."""
