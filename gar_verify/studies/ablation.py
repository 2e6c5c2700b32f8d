"""The ablation: GAR with some of its three sub-losses, on Wine Quality by default.

The letters are the paper's: a is the Pearson loss, b the MAE, c half the error variance, with the
constants of the released code. A pair is aggregated as GAR is; a single letter is the log of that
loss, which has no alpha, so that its grid counts repeats.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import xarray as xr

from gar_verify.data import load_table
from gar_verify.losses.gar.options import Part
from gar_verify.losses.registry import REPEATS, get_spec
from gar_verify.losses.released_gar import stacked_released
from gar_verify.studies.methods import Method
from gar_verify.studies.tabular import protocol, run_methods
from gar_verify.training import Objective

PARTS: dict[str, Part] = {"a": "pearson", "b": "conventional", "c": "error_variance"}
"""Name of each letter's sub-loss in `gar_verify.losses`."""

PREFIX = "ablation "
"""Keeps the names of the choices, ``gar`` among them, apart from those of the losses."""

SUB_LOSSES = ("b", "c", "a", "b+c", "a+b", "a+c", "gar")
"""The lines of the paper's table; ``gar`` is all three."""


def run(
    table_name: str = "wine",
    sub_losses: Sequence[str] = SUB_LOSSES,
    *,
    quick: bool = False,
    **options: Any,
) -> xr.Dataset:
    """Train with every choice of sub-losses by the protocol of the tabular studies.

    Args:
        table_name: one of `tabular.RECIPES`.
        sub_losses: letters joined by ``+``, or ``gar``.
        quick: a small part of the grid and of the epochs.
        options: those of `tabular.run` (seeds, scaling, device, store, jobs, progress, ...).

    Returns:
        As `tabular.run`, the methods being the choices.
    """
    methods = [ablation_method(name) for name in sub_losses]
    return run_methods(load_table(table_name), methods, protocol(table_name, quick), **options)


def ablation_method(name: str) -> Method:
    """The method that minimises some of GAR's sub-losses, such as ``"a+c"``.

    Raises:
        ValueError: for a letter that is not a, b or c.
    """
    letters = tuple("abc") if name == "gar" else tuple(name.split("+"))
    unknown = [letter for letter in letters if letter not in PARTS]
    if unknown:
        raise ValueError(
            f"{name!r} names no sub-losses; join letters of a (Pearson), b (MAE) and c (error "
            "variance) with '+', or say 'gar'"
        )
    gar = get_spec("gar")
    single = len(letters) == 1
    return Method(
        name=PREFIX + name,
        label="GAR" if name == "gar" else name,
        objective=Objective(
            partial(stacked_released, parts=tuple(PARTS[letter] for letter in letters))
        ),
        hyperparameters=REPEATS if single else gar.tabular_grid,
        hyperparameter="repeat" if single else "alpha",
    )
