"""How much the choice of alpha matters: GAR at thirteen values, on Concrete by default.

The protocol is that of the tabular studies, but the selection is made for each alpha by itself.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from gar_verify.data import load_table
from gar_verify.metrics import METRICS
from gar_verify.studies import published, selection, workers
from gar_verify.studies.methods import RELEASED, gar_at
from gar_verify.studies.tabular import folds, protocol, run_methods
from gar_verify.training import PARTS, Run, train

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
    if "test" in results:
        return results
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
    return selection.summarize(select(results)).assign_attrs(results.attrs)


def lost(results: xr.Dataset, above: float) -> pd.Series:
    """How many folds end with a test MAE above a bound, by alpha.

    Args:
        results: from `run`, or its summary from `summaries.read`.
        above: in the unit of the target.
    """
    return (select(results)["test"].sel(metric="MAE") > above).sum(["seed", "fold"]).to_series()


def by_start(
    fold: int,
    alphas: Sequence[float],
    positions: Sequence[int],
    *,
    table_name: str = "concrete",
    method: str = RELEASED,
) -> pd.DataFrame:
    """Some alphas from the initial weights of each other: is it alpha that fails, or the start?

    In the study every alpha has initial weights and an order of batches of its own, which go with
    its position in `ALPHAS`. Here every alpha is trained from every start, at the largest learning
    rate and the smallest weight decay.

    Returns:
        The best validation MAE over the epochs: a line for each alpha, a column for each position.
    """
    settings = protocol(table_name)
    rate, decay = max(settings.learning_rates), min(settings.weight_decays)
    runs = [Run(rate, decay, a, position, fold) for a in alphas for position in positions]
    problem = folds(load_table(table_name), settings.folds)
    objective = gar_at(alphas, method).objective
    trained = workers.call(partial(train, problem, runs, settings.recipe, objective))
    at = PARTS.index("validation"), METRICS.index("MAE")
    best = np.nanmin(trained.metrics[:, :, at[0], at[1]].astype(float), axis=1)
    return pd.DataFrame(
        best.reshape(len(alphas), len(positions)),
        index=pd.Index(alphas, name="alpha"),
        columns=pd.Index(positions, name="start"),
    )
