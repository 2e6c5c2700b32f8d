"""What holds across tables and seeds."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from scipy import stats

from gar_verify.studies.questions import aggregate


def scores(values: np.ndarray, names: list[str]) -> xr.DataArray:
    """Scores (table, seed, method) of an array [method, table, seed]."""
    return xr.DataArray(values, {"method": names}, ("method", "table", "seed")).transpose(
        "table", "seed", "method"
    )


@pytest.fixture
def drawn() -> np.ndarray:
    rng = np.random.default_rng(3)
    return np.exp(rng.normal(0, 0.3, (3, 7, 5)) + rng.normal(0, 2, (7, 1)))


def test_the_mean_is_that_of_the_middle_half(drawn: np.ndarray) -> None:
    expected = [stats.trim_mean(method.ravel(), 0.25) for method in drawn]
    np.testing.assert_allclose(aggregate.interquartile_mean(drawn), expected)
    extreme = drawn[0].copy()
    extreme.flat[extreme.argmax()] *= 1e6
    assert aggregate.interquartile_mean(extreme) == aggregate.interquartile_mean(drawn[0])


def test_the_unit_of_a_table_does_not_matter(drawn: np.ndarray) -> None:
    names = ["a", "b", "c"]
    units = np.array([1.0, 1e3, 1e-3, 5.0, 7.0, 0.1, 2.0])[:, None]
    plain = aggregate.compare(scores(drawn, names), "a")
    scaled = aggregate.compare(scores(drawn * units, names), "a")
    np.testing.assert_allclose(plain, scaled, rtol=1e-12)


def test_the_baseline_is_even_with_itself(drawn: np.ndarray) -> None:
    line = aggregate.compare(scores(drawn, ["a", "b", "c"]), "b").loc["b"]
    assert (line[["ratio", "ratio low", "ratio high"]] == 1).all()
    assert (line[["better", "better low", "better high"]] == 0.5).all()
    assert line["tables"] == 0


def test_a_method_is_compared_on_the_same_rows() -> None:
    base = np.array([[1.0, 2.0, 3.0], [10.0, 20.0, 30.0]])
    better = base - np.array([[0.1, 0.1, -0.1], [1, 1, 1]])
    line = aggregate.compare(scores(np.stack([base, better]), ["mae", "new"]), "mae").loc["new"]
    assert line["better"] == pytest.approx((2 / 3 + 1) / 2)
    assert line["tables"] == 2
    ratios = np.sort((better / base).ravel())
    assert line["ratio"] == pytest.approx(ratios[1:-1].mean())


def test_a_training_without_a_number_is_the_worst() -> None:
    values = np.ones((2, 2, 4))
    values[1] = 0.9
    values[1, 0, 0] = np.nan
    line = aggregate.compare(scores(values, ["mae", "new"]), "mae").loc["new"]
    assert line["better"] == 7 / 8
    assert line["ratio"] == pytest.approx(0.9)
    with pytest.raises(ValueError, match="a training of new, the baseline, gave no number"):
        aggregate.compare(scores(values, ["mae", "new"]), "new")


def test_the_draws_are_those_of_two_levels() -> None:
    values = np.arange(24.0).reshape(1, 4, 6)
    many = aggregate.resampled(np.concatenate([values, -values]), 500)
    assert many.shape == (500, 2, 4, 6)
    assert np.array_equal(many[:, 0], -many[:, 1])
    tables = many[:, 0] // 6
    assert (tables == tables[..., :1]).all()  # a drawn table's seeds are its own
    assert len(np.unique(tables)) == 4
    assert len({tuple(row) for row in tables[..., 0]}) > 100
    assert np.array_equal(many, aggregate.resampled(np.concatenate([values, -values]), 500))


def test_intervals_hold_what_they_promise() -> None:
    """Ratios with a spread of tables and of seeds around 0.9: about 95 % of intervals hold it."""
    rng = np.random.default_rng(0)
    held, beyond = 0, 0
    for _ in range(100):
        log = np.log(0.9) + rng.normal(0, 0.1, (12, 1)) + rng.normal(0, 0.1, (12, 5))
        even = np.exp(rng.normal(0, 0.1, (12, 1)) + rng.normal(0, 0.1, (12, 5)))
        table = scores(np.stack([np.ones((12, 5)), np.exp(log), even]), ["mae", "new", "even"])
        found = aggregate.compare(table, "mae")
        held += found.loc["new", "ratio low"] <= 0.9 <= found.loc["new", "ratio high"]
        up, down = aggregate.beyond_chance(found)
        beyond += "even" in (*up, *down)
    assert 85 <= held <= 99
    assert beyond <= 12
