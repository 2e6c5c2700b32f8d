"""The rule by which peaks are counted, on predictions whose answer is known."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from gar_verify.data.synthetic import squared_sine_curve
from gar_verify.studies import peaks

X = np.linspace(-2 * np.pi, 2 * np.pi, 401)
Y = np.sin(X)


def recovered(prediction: np.ndarray, y: np.ndarray = Y) -> list[int]:
    results = xr.Dataset(
        {"prediction": (("method", "seed", "x"), prediction[None, None]), "y": ("x", y)},
        coords={"method": ["gar"], "seed": [3], "x": X},
    )
    return peaks.count(results)["recovered"].tolist()


def test_all_peaks_up_and_down_are_found() -> None:
    places = [X[k] for k, _, _ in peaks.peaks_of(Y)]
    np.testing.assert_allclose(places, np.pi * np.array([-1.5, -0.5, 0.5, 1.5]), atol=0.02)


@pytest.mark.parametrize(
    ("prediction", "expected"),
    [
        (Y, [1, 1, 1, 1]),
        (0 * Y, [0, 0, 0, 0]),
        (0.51 * Y, [1, 1, 1, 1]),
        (0.49 * Y, [0, 0, 0, 0]),
        (1.99 * Y, [1, 1, 1, 1]),
        (2.01 * Y, [0, 0, 0, 0]),
        (-Y, [0, 0, 0, 0]),
        (Y + 100, [1, 1, 1, 1]),
        (Y + 3 * X, [1, 1, 1, 1]),
        (5 + 3 * X, [0, 0, 0, 0]),
        (np.where(X > 0, Y, 0), [0, 0, 1, 1]),
        (np.sin(X - 0.4), [1, 1, 1, 1]),
        (np.sin(X - 3.0), [0, 0, 0, 0]),
    ],
    ids=lambda value: "",
)
def test_recovered_by_the_rule(prediction: np.ndarray, expected: list[int]) -> None:
    assert recovered(prediction) == expected


def test_a_prediction_that_is_not_a_number_recovers_nothing() -> None:
    assert recovered(np.full_like(Y, np.nan)) == [0, 0, 0, 0]


def test_low_peaks_and_cut_half_waves_do_not_count() -> None:
    _, y = squared_sine_curve()
    heights = [abs(y[k]) for k, _, _ in peaks.peaks_of(y)]
    assert len(heights) == 16
    assert min(heights) >= peaks.VISIBLE * max(heights)
    cut = np.cos(X)  # half a wave at either end
    assert [round(X[k] / np.pi) for k, _, _ in peaks.peaks_of(cut)] == [-1, 0, 1]


@pytest.mark.parametrize(("curve", "of"), [("sine", 20), ("squared_sine", 16)])
def test_columns_and_counts_of_the_stored_summary(curve: str, of: int) -> None:
    counted = peaks.read(curve)
    names = ["method", "seed", "peak", "height", "predicted", "recovered"]
    assert counted.columns.tolist() == names
    pd.testing.assert_frame_equal(peaks.long(peaks.wide(counted)), counted)
    table = peaks.table(counted)
    runs = counted[counted["method"] == "gar"]
    assert table.loc["gar", "mean"] == runs["recovered"].sum() / runs["seed"].nunique()
    assert (table["by every seed"] <= table["fewest"]).all()
    assert (table["of"] == of).all()
