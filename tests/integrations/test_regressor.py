"""The scikit-learn estimator: its contract, its losses, its weights, and what it refuses."""

from __future__ import annotations

import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.datasets import load_diabetes
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import GridSearchCV
from sklearn.utils.estimator_checks import check_estimator

from gar_verify import GARRegressor
from gar_verify.integrations.regressor import LOSSES_OF_PREDICTIONS, WEIGHTED

RNG = np.random.default_rng(0)
X = RNG.normal(size=(90, 3))
Y = 100 + 5 * np.sin(X[:, 0]) + 3 * X[:, 1] + 0.1 * RNG.normal(size=90)


def short(**options: object) -> GARRegressor:
    return GARRegressor(max_epochs=10, random_state=0, **options)


def test_it_keeps_the_contract_of_scikit_learn() -> None:
    checks = check_estimator(GARRegressor(max_epochs=40), on_skip=None)
    assert {check["status"] for check in checks if "array_api" not in check["check_name"]} == {
        "passed"
    }


def test_alpha_can_be_searched_for() -> None:
    search = GridSearchCV(short(), {"alpha": [0.1, 1.0, 10.0]}, cv=3).fit(X, Y)
    assert search.best_params_["alpha"] in (0.1, 1.0, 10.0)
    assert len(set(search.cv_results_["mean_test_score"])) == 3


def test_it_learns_what_a_line_cannot() -> None:
    bend = 100 + np.abs(X[:, 0])
    model = GARRegressor(random_state=0).fit(X[:70], bend[:70])
    line = LinearRegression().fit(X[:70], bend[:70])
    assert model.score(X[70:], bend[70:]) > 0.8 > line.score(X[70:], bend[70:])


def test_a_fitted_model_is_copied_and_kept() -> None:
    model = short().fit(X, Y)
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.predict(X), model.predict(X))
    assert not hasattr(clone(model), "parameters_")
    np.testing.assert_array_equal(clone(model).fit(X, Y).predict(X), model.predict(X))


@pytest.mark.parametrize("loss", LOSSES_OF_PREDICTIONS)
def test_every_loss_of_predictions_trains(loss: str) -> None:
    model = GARRegressor(loss=loss, max_epochs=60, random_state=0).fit(X, Y)
    assert model.score(X, Y) > 0.8
    assert model.loss_curve_[-1] < model.loss_curve_[0]


def test_losses_and_options_lead_elsewhere() -> None:
    predictions = [
        short(**options).fit(X, Y).predict(X[:1]).item()
        for options in (
            {},
            {"alpha": 0.0},
            {"alpha": np.inf},
            {"conventional": "mse"},
            {"loss": "mae"},
            {"loss": "huber"},
            {"loss": "huber", "loss_options": {"delta": 0.2}},
        )
    ]
    assert len(set(predictions)) == len(predictions)


@pytest.mark.parametrize("loss", WEIGHTED)
def test_a_weight_is_a_repetition_and_the_order_of_rows_does_not_matter(loss: str) -> None:
    weight = RNG.integers(0, 4, len(X))
    weighted = short(loss=loss).fit(X, Y, sample_weight=weight).predict(X)
    rows = RNG.permutation(np.repeat(np.arange(len(X)), weight))
    np.testing.assert_allclose(weighted, short(loss=loss).fit(X[rows], Y[rows]).predict(X))
    assert not np.allclose(weighted, short(loss=loss).fit(X, Y).predict(X))


def test_several_targets_each_in_its_units() -> None:
    both = np.stack([Y, 1000 * X[:, 2]], axis=1)
    model = GARRegressor(max_epochs=60, random_state=0).fit(X, both)
    assert model.predict(X).shape == both.shape
    assert model.score(X, both) > 0.8


def test_units_do_not_matter() -> None:
    plain, scaled = short().fit(X, Y), short().fit(1e3 * X + 7, 1e-4 * Y)
    np.testing.assert_allclose(scaled.predict(1e3 * X + 7), 1e-4 * plain.predict(X), rtol=1e-5)


def test_names_of_features_are_remembered() -> None:
    frame, y = load_diabetes(return_X_y=True, as_frame=True)
    model = short().fit(frame, y)
    assert list(model.feature_names_in_) == list(frame.columns)
    with pytest.raises(ValueError, match="feature names should match"):
        model.predict(frame[frame.columns[::-1]])


def test_early_stopping_keeps_the_best() -> None:
    noise = pd.Series(RNG.normal(size=90))
    options = {"early_stopping": True, "validation_fraction": 0.3, "n_iter_no_change": 5}
    model = GARRegressor(max_epochs=200, random_state=0, **options).fit(X, noise)
    best = int(np.argmin(model.validation_curve_))
    assert model.n_iter_ == best + 1 + 5 < 200
    shorter = GARRegressor(max_epochs=200, random_state=0, **options | {"n_iter_no_change": 200})
    assert min(shorter.fit(X, noise).validation_curve_) <= model.validation_curve_[best]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"alpha": -1.0}, "alpha"),
        ({"form": "exp"}, "form must be one of 'log', 'power_mean', got 'exp'"),
        ({"conventional": "mape"}, "conventional must be one of"),
        ({"loss": "rnc"}, "loss 'rnc' reads the features of a network; choose one of mae, mse"),
        ({"loss": "maee"}, "there is no loss 'maee'; did you mean 'mae'"),
        ({"loss_options": {"alpha": 1}}, "loss_options .* are of other losses"),
        ({"learning_rate": 0}, "learning_rate must be finite and above 0, got 0"),
        ({"weight_decay": -1}, "weight_decay must be finite and at least 0, got -1"),
        ({"max_epochs": 0}, "max_epochs must be a whole number of at least 1, got 0"),
        ({"batch_size": 2.5}, "batch_size must be a whole number of at least 1, got 2.5"),
        ({"batch_size": 1}, "batch_size must be at least 2 with loss 'gar'.* got 1"),
        ({"device": "tpu9"}, "there is no device 'tpu9'"),
        ({"hidden": 32}, r"hidden must hold one width a layer, such as \(32,\)"),
        ({"early_stopping": True, "validation_fraction": 1.5}, "between 0 and 1, got 1.5"),
        ({"early_stopping": True, "validation_fraction": 0.99}, "90 rows are too few to hold out"),
    ],
)
def test_bad_parameters_are_named(options: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        GARRegressor(**options).fit(X, Y)


@pytest.mark.parametrize("large", ["X", "y"])
def test_values_whose_squares_are_no_numbers_are_refused(large: str) -> None:
    arrays = {"X": X, "y": Y}
    arrays[large] = arrays[large] * 1e200
    with pytest.raises(ValueError, match=f"{large} has values up to .*; expected at most 1e.100"):
        GARRegressor(max_epochs=1).fit(**arrays)


def test_weights_are_refused_where_they_mean_nothing() -> None:
    with pytest.raises(ValueError, match="'focal_mae' takes no sample_weight; those that do"):
        short(loss="focal_mae").fit(X, Y, sample_weight=np.ones(90))
    with pytest.raises(ValueError, match="at least one non-zero number"):
        short().fit(X, Y, sample_weight=np.zeros(90))
    with pytest.raises(TypeError, match="huber has no hyper-parameter 'beta'"):
        short(loss="huber", loss_options={"beta": 1}).fit(X, Y)
