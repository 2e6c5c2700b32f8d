"""How much the choice of alpha matters: GAR at thirteen values, on Concrete by default.

The protocol is that of the tabular studies, but the selection is made for each alpha by itself.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import xarray as xr

from gar_verify.data import load_table
from gar_verify.experiments import published, selection
from gar_verify.experiments.methods import RELEASED, gar_at
from gar_verify.experiments.tabular import protocol, run_methods

ALPHAS = tuple(published.alpha_sensitivity("MAE"))
"""The paper's thirteen values."""


def run(
    table_name: str = "concrete",
    alphas: Sequence[float] = ALPHAS,
    *,
    method: str = RELEASED,
    quick: bool = False,
    **options: Any,
) -> xr.Dataset:
    """Train GAR at every alpha by the protocol of the tabular studies.

    Args:
        table_name: one of `tabular.RECIPES`.
        alphas: finite, positive values.
        method: ``gar_released``, with the constants that the published values come from, or
            ``gar``, the paper's formula.
        quick: a small part of the grid and of the epochs.
        options: those of `tabular.run` (seeds, scaling, device, store, jobs, progress, ...).

    Returns:
        As `tabular.run`, with one method, whose hyper-parameters are the alphas.
    """
    settings = protocol(table_name, quick)
    return run_methods(load_table(table_name), [gar_at(alphas, method)], settings, **options)


def method_of(results: xr.Dataset) -> str:
    """Which GAR a study is of: ``gar_released`` or ``gar``.

    Args:
        results: from `run`, or its summary from `summaries.read`.
    """
    return str(json.loads(results.attrs["settings"])["method"])


def select(results: xr.Dataset) -> xr.Dataset:
    """Selected test values over alpha (and seed, fold, metric), as `selection.select`."""
    over = tuple(dim for dim in selection.CANDIDATES if dim != "hyperparameter")
    selected = selection.select(results.squeeze("method", drop=True), over)
    alphas = results["hyperparameter_value"].squeeze("method", drop=True)
    named = selected.assign_coords(alpha=alphas).swap_dims(hyperparameter="alpha")
    return named.drop_vars("hyperparameter").assign_attrs(results.attrs)


def summarize(results: xr.Dataset) -> xr.Dataset:
    """Mean and standard deviation (1/5) of the selected test values, over alpha and metric.

    Args:
        results: from `run`, or its summary from `summaries.read`.
    """
    selected = results if "test" in results else select(results)
    return selection.summarize(selected).assign_attrs(results.attrs)
