"""What is called more than chance, how often that is wrong, and what could have been seen."""

from __future__ import annotations

from bisect import bisect_left

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from gar_verify.comparison import Comparison, plan, sentences, testing
from gar_verify.comparison.baselines import REFERENCES
from gar_verify.comparison.scoring import METRICS
from gar_verify.studies import statistics

FOLDS, SEEDS = 5, (0, 1)
SHIFTS = {"MAE": 1.0, "RMSE": 1.0, "Pearson": -0.1, "Spearman": -0.1, "CCC": -0.1}
"""What makes a method worse."""


def outcome(*, quick: bool = False, worse: dict[str, float] | None = None) -> Comparison:
    """A comparison with test scores that somebody made up."""
    losses = ["mae", "mse", "huber", "gar"]
    seeds = SEEDS[:1] if quick else SEEDS
    wanted = plan.make_plan(100, losses, [1.0], seeds=seeds, quick=quick, references=REFERENCES)
    keys = list(wanted.labels)
    rng = np.random.default_rng(0)
    base = [10.0, 12.0, 0.8, 0.8, 0.7]
    shape = (len(keys), len(seeds), FOLDS, 1, len(METRICS))
    scores = base + 0.001 * rng.normal(size=shape)
    for key, amount in (worse or {}).items():
        scores[keys.index(key)] += amount * np.array([SHIFTS[metric] for metric in METRICS])
    results = xr.Dataset(
        {
            "test": (("method", "seed", "fold", "target", "metric"), scores),
            "prediction": (
                ("method", "seed", "row", "target"),
                np.zeros((len(keys), len(seeds), 3, 1)),
            ),
        },
        coords={"method": keys, "target": ["y"], "metric": list(METRICS)},
    )
    truth = pd.DataFrame({"y": [1.0, 2.0, 3.0]})
    return Comparison("made up", results, wanted, pd.RangeIndex(3), truth)


def test_every_loss_is_in_the_verdict() -> None:
    said = outcome(worse={"mse": 1, "median": 5, "mean": 5, "ridge": 5}).verdict
    assert "With MSE, MAE is worse (p < 0.001), RMSE is worse (p < 0.001), Pearson is" in said
    assert "than with MAE by more than chance" in said
    assert "Huber cannot be told from MAE by any metric" in said
    assert "over all 15 tests (losses by metrics) that these sentences rest on, half of" in said
    assert "first look" not in said


def test_a_first_look_is_called_one() -> None:
    said = outcome(quick=True).verdict
    assert said.startswith("y: A first look only (--quick), which settles nothing: training")


def test_networks_that_no_one_needs_are_called_so() -> None:
    bad = {"mae": 3, "mse": 3, "huber": 3, "gar": 3, "ridge": -2}
    said = outcome(worse=bad).verdict
    assert "Every network is worse than always predicting the median (test MAE 10, " in said
    assert "No network beats ridge, with a test MAE of 8 against 13 of the best, " in said
    assert "No network beats" not in outcome(worse={one.key: 1 for one in REFERENCES}).verdict


def test_the_adjusted_p_covers_every_loss_and_metric() -> None:
    made = outcome(worse={"gar": 0.0005})
    tests = made.tests("y")
    family = tests[tests["p adjusted"].notna()]
    assert set(family.index.get_level_values("method")) == {"mse", "huber", "gar"}
    assert len(family) == 15
    p, first = family["p corrected"], ("MAE", "gar")
    assert family.loc[first, "p adjusted"] >= p[first]
    assert (family["p adjusted"].drop(first) >= p.drop(first)).all()
    smallest = (p.drop(first) * 14 / (1 - testing.SHARE_OF_FIRST)).min()
    assert family["p adjusted"].drop(first).min() <= min(1, smallest)


def test_weights_that_are_equal_are_holms() -> None:
    p = np.array([0.01, 0.04, 0.03, np.nan, 0.001])
    np.testing.assert_allclose(statistics.holm(p, [0.2] * 5), statistics.holm(p))


def drawn(rng: np.random.Generator, runs: int, shift: float, ratio: float) -> xr.DataArray:
    """Scores whose differences have the correlation that the corrected test takes for granted."""
    shared = np.sqrt(ratio) * rng.normal(size=(len(METRICS), 3, 1))
    gains = shift + shared + rng.normal(size=(len(METRICS), 3, runs))
    signs = np.array([1 if name in ("MAE", "RMSE") else -1 for name in METRICS])
    scores = np.zeros((4, 1, runs, len(METRICS)))
    scores[1:, 0] = (-signs[:, None, None] * gains).transpose(1, 2, 0)
    coords = {"method": ["mae", "mse", "huber", "gar"], "metric": list(METRICS)}
    return xr.DataArray(scores, coords, ("method", "seed", "fold", "metric"))


REPEATS = 200


def by_chance(share: float, repeats: int = REPEATS) -> float:
    """Three standard errors of a share that was counted."""
    return float(3 * np.sqrt(share * (1 - share) / repeats))


def share_found(shift: float) -> tuple[float, float]:
    """How often anything is found, and GAR's difference in MAE."""
    rng, ratio, runs = np.random.default_rng(0), 0.25, 10
    found = []
    for _ in range(REPEATS):
        scores = drawn(rng, runs, shift, ratio)
        tests = testing.against(scores, "mae", ["mse", "huber", "gar"], ratio, first=("MAE", "gar"))
        found.append((tests["survives"].any(), tests.loc[("MAE", "gar"), "survives"]))
    any_of_them, one = np.mean(found, axis=0)
    return float(any_of_them), float(one)


def test_noise_is_seldom_called_a_difference() -> None:
    assert share_found(0)[0] <= statistics.LEVEL + by_chance(statistics.LEVEL)


def test_a_difference_as_large_as_the_detectable_one_is_found() -> None:
    error = np.sqrt(1 / 10 + 0.25)
    shift = testing.detectable(9, statistics.LEVEL * testing.SHARE_OF_FIRST) * error
    assert share_found(shift)[1] >= testing.POWER - by_chance(testing.POWER)
    assert share_found(shift / 2)[1] < testing.POWER / 2
    # one test by itself has the power that it is reckoned from
    rng = np.random.default_rng(1)
    gains = testing.detectable(9) * error + np.sqrt(0.25) * rng.normal(size=(4000, 1))
    gains = gains + rng.normal(size=(4000, 10))
    surest_first = gains[np.argsort(-np.abs(gains.mean(1) / gains.std(1)))]  # p rises with them
    below = bisect_left(
        surest_first,
        statistics.LEVEL,
        key=lambda one: statistics.corrected(one, 0.25)["p corrected"],
    )
    share = below / len(gains)
    assert share == pytest.approx(testing.POWER, abs=by_chance(testing.POWER, len(gains)))


def test_equal_scores_are_no_difference() -> None:
    made = outcome()
    made.results["test"].loc[{"method": "gar"}] = made.results["test"].sel({"method": "mae"})
    assert made.tests("y").loc[("MAE", "gar"), "p corrected"] == 1
    assert "GAR cannot be told from training with MAE" in made.verdict


def test_the_same_folds_of_several_seeds_count_once() -> None:
    scores = outcome().results["test"].sel(target="y", drop=True)
    once = testing.against(scores, "mae", ["gar"], 0.25, same_folds=True)
    means = scores.mean("seed")
    gains = (means.sel({"method": "mae"}) - means.sel({"method": "gar"})).sel(metric="MAE")
    expected = statistics.corrected(gains.to_numpy(), 0.25)["p corrected"]
    assert once.loc[("MAE", "gar"), "p corrected"] == pytest.approx(expected)


def test_what_would_change_it_says_how_many_rows() -> None:
    made = outcome(worse={"gar": 0.0002})
    test = made.tests("y").loc[("MAE", "gar")]
    times = (test["detectable"] / test["difference"]) ** 2
    said = " ".join(sentences.what_would_change_it(made, "y"))
    assert f"about {times:.2g} times as many rows" in said
    assert "without --quick" not in said
