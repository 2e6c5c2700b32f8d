"""What a practitioner tries first, in the table beside the networks: the references.

The median and the mean of the training targets, ridge regression, gradient boosting of scikit-learn
with the absolute and the squared error; where asked for, boosting of LightGBM and XGBoost with both
errors and with GAR. They see the same inputs as the networks, targets in the same scale, one target
at a time; their settings are chosen on the same hold-outs by the same error.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from importlib.util import find_spec
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.dummy import DummyRegressor
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import Ridge

from gar_verify.studies import boosting

Array = NDArray[np.float64]

PENALTIES = (1.0, 0.1, 10.0, 100.0, 1000.0)
"""Of ridge regression, the quick one first."""

LEAVES = (31, 8)
STAGES = (25, 50, 100, 200)
"""Numbers of trees that are chosen from."""
RATE = 0.1
LEAST_ROWS = 20
"""In a leaf, fewer for small tables."""


class Setting(NamedTuple):
    """The settings of one fit; what a method does not have is NaN."""

    learning_rate: float = float("nan")
    hyperparameter: float = float("nan")
    """The penalty of ridge regression, the leaves of a tree, or the alpha of GAR."""


class Rows(NamedTuple):
    """One target: what is learned from, and what is predicted."""

    x: Array
    y: Array
    into: Array
    """Inputs of the rows that are predicted."""
    weight: Any
    seed: int


Fit = Callable[[Setting, Sequence[int], Rows], Array]
"""``(setting, stages, rows) -> predictions [stage, row]``."""


@dataclass(frozen=True)
class Reference:
    """One line of the table that is no network."""

    key: str
    label: str
    fit: Fit
    settings: tuple[Setting, ...] = (Setting(),)
    stages: tuple[int, ...] = (0,)
    """Numbers of trees to choose from."""

    @property
    def quick(self) -> Reference:
        """With its first setting alone."""
        return replace(self, settings=self.settings[:1])

    @property
    def work(self) -> float:
        """Units of work of a fit on a small table; a rough guess."""
        return max(1.0, 4.0 * max(self.stages))


def _constant(strategy: Any, setting: Setting, stages: Sequence[int], rows: Rows) -> Array:
    model = DummyRegressor(strategy=strategy).fit(rows.x, rows.y, rows.weight)
    return np.asarray(model.predict(rows.into))[None]


def _ridge(setting: Setting, stages: Sequence[int], rows: Rows) -> Array:
    model = Ridge(setting.hyperparameter).fit(rows.x, rows.y, rows.weight)
    return np.asarray(model.predict(rows.into))[None]


def _trees(loss: Any, setting: Setting, stages: Sequence[int], rows: Rows) -> Array:
    model = HistGradientBoostingRegressor(
        loss=loss,
        learning_rate=setting.learning_rate,
        max_iter=max(stages),
        max_leaf_nodes=int(setting.hyperparameter),
        min_samples_leaf=max(2, min(LEAST_ROWS, len(rows.y) // LEAST_ROWS)),
        early_stopping=False,
        random_state=rows.seed,
    )
    staged = list(model.fit(rows.x, rows.y, rows.weight).staged_predict(rows.into))
    return np.stack([staged[stage - 1] for stage in stages])


def _boosted(
    library: str, method: str, setting: Setting, stages: Sequence[int], rows: Rows
) -> Array:
    every, size = int(np.gcd.reduce(stages)), len(rows.y)
    grid = boosting.Grid(rounds=max(stages), score_every=every)
    grid = replace(grid, least_rows=max(2, min(grid.least_rows, size // LEAST_ROWS)))
    job = boosting.Job(library, method, 0, LEAVES[-1], setting.learning_rate, 0)
    start = np.average(rows.y, weights=rows.weight)
    staged = boosting.boost(
        np.concatenate([rows.x, rows.into]),
        np.concatenate([rows.y - start, np.zeros(len(rows.into))]),
        np.arange(size),
        job,
        grid,
        setting.hyperparameter,
        rows.seed,
        rows.weight,
    )
    return np.stack([staged[stage // every - 1, size:] + start for stage in stages])


_OF_TREES = tuple(Setting(RATE, leaves) for leaves in LEAVES)

REFERENCES = (
    Reference("median", "median", partial(_constant, "median")),
    Reference("mean", "mean", partial(_constant, "mean")),
    Reference("ridge", "ridge", _ridge, tuple(Setting(hyperparameter=p) for p in PENALTIES)),
    Reference("trees_mae", "boosting, L1", partial(_trees, "absolute_error"), _OF_TREES, STAGES),
    Reference("trees_mse", "boosting, L2", partial(_trees, "squared_error"), _OF_TREES, STAGES),
)
"""Those of scikit-learn."""

NAMES = {"lightgbm": "LightGBM", "xgboost": "XGBoost"}


def boosters(alphas: Sequence[float]) -> tuple[Reference, ...]:
    """GAR and the two errors as objectives of the boosting libraries that are installed.

    Raises:
        ValueError: if none is.
    """
    libraries = [name for name in boosting.LIBRARIES if find_spec(name) is not None]
    if not libraries:
        raise ValueError(
            "boosting with GAR needs LightGBM or XGBoost: pip install 'gar_verify[integrations]'"
        )
    return tuple(
        Reference(
            f"{library}_{method}",
            f"{NAMES[library]}, {label}",
            partial(_boosted, library, method),
            tuple(Setting(RATE, alpha) for alpha in alphas)
            if method == "gar"
            else (Setting(RATE),),
            STAGES,
        )
        for library in libraries
        for method, label in boosting.METHODS.items()
    )


def predict(
    reference: Reference,
    setting: Setting,
    inputs: Array,
    targets: Array,
    into: Array,
    weight: Array | None,
    seed: int,
    stages: Sequence[int] | None = None,
) -> Array:
    """Predictions [stage, row, target], each target learned from the rows that have it."""
    columns = []
    for target in targets.T:
        has = ~np.isnan(target)
        own = None if weight is None else weight[has]
        rows = Rows(inputs[has], target[has], into, own, seed)
        columns.append(reference.fit(setting, stages or reference.stages, rows))
    return np.stack(columns, axis=-1)
