"""From columns to the inputs of a network, with everything fitted on the training part alone."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.compose import ColumnTransformer
from sklearn.impute import MissingIndicator, SimpleImputer
from sklearn.pipeline import make_pipeline, make_union
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

from gar_verify.comparison.columns import MAX_LEVELS, Features

FAR = 10.0
"""Deviations from the mean at which a number is cut off: one wrong entry must not blow up a fit."""


def pipeline(features: Features) -> ColumnTransformer:
    """A scikit-learn transformer of the columns, not fitted.

    Numbers: missing ones become the median, with a 0/1 column that says so where the training part
    lacks some; then z-scores, cut off at +-`FAR`. Categories: one column for each level, missing
    being a level; the rarest of more than `MAX_LEVELS`, and levels that the training part does not
    have, share one.
    """
    numbers = make_union(
        make_pipeline(
            SimpleImputer(strategy="median", keep_empty_features=True),
            StandardScaler(),
            FunctionTransformer(np.clip, kw_args={"a_min": -FAR, "a_max": FAR}),
        ),
        MissingIndicator(features="missing-only", error_on_new=False),
    )
    levels = make_pipeline(
        SimpleImputer(strategy="constant", fill_value="(missing)", missing_values=None),
        OneHotEncoder(
            handle_unknown="infrequent_if_exist", max_categories=MAX_LEVELS, sparse_output=False
        ),
    )
    parts = [("numbers", numbers, features.numeric), ("categories", levels, features.categorical)]
    return ColumnTransformer([part for part in parts if part[2]])


def prepare(
    features: Features, train: NDArray[np.int64], rows: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Inputs (len(rows), F') of some rows, by a transformer fitted on the training rows alone."""
    fitted = pipeline(features).fit(_at(features.frame, train))
    return np.asarray(fitted.transform(_at(features.frame, rows)), dtype=np.float64)


def standardize(
    targets: NDArray[np.float64], train: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Targets (n, T) as z-scores of the training rows, and the mean and deviation (T,) of those.

    NaN, a target that a row lacks, stays NaN.
    """
    mean, deviation = np.nanmean(targets[train], 0), np.nanstd(targets[train], 0)
    deviation = np.where(deviation > 0, deviation, 1)
    return (targets - mean) / deviation, mean, deviation


def _at(frame: pd.DataFrame, rows: NDArray[np.int64]) -> pd.DataFrame:
    return frame.iloc[rows]
