import numpy as np
import pytest
import xarray as xr
from scipy import stats

from gar_verify.metrics import METRICS
from gar_verify.studies import selection

nan = np.nan


def results(validation, test) -> xr.Dataset:
    """One method and fold; [learning_rate, epoch] is the value of every metric."""
    scores = np.stack([validation, validation, test]).astype("float32")  # [split, rate, epoch]
    shaped = np.moveaxis(scores, 0, -1)[None, None, None, :, None, None, :, :, None]
    return xr.Dataset(
        {"metrics": (DIMS, np.repeat(shaped, 4, axis=-1))},
        coords={
            "method": ["gar"],
            "seed": [0],
            "fold": [0],
            "learning_rate": [0.1, 0.01],
            "weight_decay": [0.5],
            "hyperparameter": [0],
            "epoch": [1, 2],
            "split": ["train", "validation", "test"],
            "metric": list(METRICS),
        },
    )


DIMS = (
    "method seed fold learning_rate weight_decay hyperparameter epoch split metric".split()  # noqa: SIM905
)


def chosen(validation, metric="MAE", test=((10, 11), (12, 13))):
    selected = selection.select(results(np.array(validation), np.array(test)))
    return selected.squeeze().sel(metric=metric)


def test_the_best_epoch_of_the_best_setting_gives_the_test_value():
    best = chosen([[5, 4], [3, 9]])
    assert best["test"] == 12
    assert best["validation"] == 3
    assert (best["selected_learning_rate"], best["selected_epoch"]) == (0.01, 1)


def test_correlations_are_maximised():
    best = chosen([[0.5, 0.4], [0.3, 0.9]], "Pearson")
    assert best["test"] == 13


def test_of_equals_the_first_wins():
    assert chosen([[3, 3], [3, 3]])["test"] == 10
    assert chosen([[4, 3], [3, 3]])["test"] == 11


@pytest.mark.parametrize("bad", [nan, np.inf, -np.inf])
def test_what_is_not_finite_never_wins(bad):
    assert chosen([[bad, 4], [bad, 5]])["test"] == 11
    assert chosen([[bad, 0.4], [bad, 0.5]], "Pearson")["test"] == 13


def test_nothing_but_nan_stays_nan():
    best = chosen([[nan, nan], [nan, nan]])
    assert np.isnan(best["test"])
    assert np.isnan(best["selected_learning_rate"])
    assert best["selected_epoch"] == -1


def test_decay_is_the_outermost_of_the_order():
    scores = np.zeros((1, 1, 1, 2, 2, 1, 1, 3, 4), dtype="float32")
    scores[..., 2, :] = np.arange(4).reshape(2, 2)[..., None, None, None]
    wide = results(np.zeros((2, 2)), np.zeros((2, 2))).isel(epoch=[0])
    wide = wide.drop_vars("metrics").reindex(weight_decay=[0.5, 0.1])
    wide["metrics"] = (DIMS, scores)
    wide["metrics"].loc[{"split": "validation", "learning_rate": 0.1, "weight_decay": 0.5}] = 1
    assert selection.select(wide)["test"].sel(metric="MAE").item() == 2


@pytest.fixture
def selected() -> xr.Dataset:
    values = np.random.default_rng(0).normal(5, 1, (2, 1, 5, 4))
    return xr.Dataset(
        {"test": (("method", "seed", "fold", "metric"), values)},
        coords={
            "method": ["gar", "mae"],
            "seed": [0],
            "fold": range(5),
            "metric": list(METRICS),
        },
    )


def test_summary_is_mean_and_population_deviation(selected):
    summary = selection.summarize(selected)
    values = selected["test"].to_numpy()[:, 0]
    np.testing.assert_allclose(summary["mean"], values.mean(1))
    np.testing.assert_allclose(summary["std"], values.std(1))


def test_gain_is_positive_where_the_method_is_better(selected):
    ours, theirs = selected["test"].to_numpy()[:, 0].mean(1)
    gain = selection.gain(selected, "gar", "mae")
    assert gain["MAE"] == pytest.approx(100 * (theirs[0] - ours[0]) / theirs[0])
    assert gain["Pearson"] == pytest.approx(100 * (ours[2] - theirs[2]) / theirs[2])


def test_t_test_is_the_unpaired_one_of_the_paper(selected):
    ours, theirs = selected["test"].to_numpy()[:, 0, :, 1]
    p = selection.t_test(selected, "gar", "mae")
    assert p["RMSE"] == pytest.approx(stats.ttest_ind(ours, theirs, equal_var=True).pvalue)
    assert selection.best_competitor(selected, "gar").unique().tolist() == ["mae"]
