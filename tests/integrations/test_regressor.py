"""The scikit-learn estimator: its contract, its losses, its weights, and what it refuses."""

from __future__ import annotations

import pickle
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn import config_context
from sklearn.base import clone
from sklearn.datasets import load_diabetes
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import GridSearchCV, GroupKFold, cross_val_score
from sklearn.utils.estimator_checks import check_estimator

from gar_verify import GARRegressor
from gar_verify.integrations._fitting import Rows, batches, merged, split_off
from gar_verify.integrations.regressor import LOSSES_OF_PREDICTIONS, WEIGHTED
from gar_verify.metrics import RegressionMetrics

RNG = np.random.default_rng(0)
X = RNG.normal(size=(90, 3))
Y = 100 + 5 * np.sin(X[:, 0]) + 3 * X[:, 1] + 0.1 * RNG.normal(size=90)


def short(**options: object) -> GARRegressor:
    return GARRegressor(**{"max_epochs": 10, "random_state": 0} | options)


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
        ({"loss_options": {"alpha": 1}}, "loss_options .* are not all of GAR; it has delta"),
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


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
@pytest.mark.parametrize("loss", ["gar", "focal_mae"])
def test_it_trains_where_gradients_are_off(mode: Any, loss: str) -> None:
    expected = short(loss=loss, max_epochs=3).fit(X, Y).predict(X)
    with mode():
        found = short(loss=loss, max_epochs=3).fit(X, Y).predict(X)
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(
    "grid",
    [
        {"alpha": np.arange(1, 3)},
        {"alpha": np.array([0.5, np.inf], dtype=np.float32), "learning_rate": [np.float32(0.01)]},
        {"max_epochs": np.arange(2, 4), "batch_size": np.array([16, 32])},
    ],
    ids=["integers", "float32", "counts"],
)
def test_grids_of_numpy_are_searched(grid: dict[str, Any]) -> None:
    search = GridSearchCV(short(), grid, cv=2, error_score="raise").fit(X, Y)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


# --- missing targets ------------------------------------------------------------------------------


def gaps_in(targets: np.ndarray, share: float = 0.3) -> np.ndarray:
    rng = np.random.default_rng(1)
    return np.where(rng.random(targets.shape) < share, np.nan, targets)


@pytest.mark.parametrize("loss", ["gar", "mae", "focal_mse"])
def test_a_row_without_a_label_is_as_if_it_were_not_there(loss: str) -> None:
    y = gaps_in(Y)
    model = short(loss=loss, missing="omit").fit(X, y)
    there = ~np.isnan(y)
    np.testing.assert_array_equal(
        model.predict(X), short(loss=loss).fit(X[there], y[there]).predict(X)
    )
    with pytest.raises(ValueError, match="NaN"):
        short(loss=loss).fit(X, y)
    with pytest.raises(ValueError, match="infinity"):
        short(loss=loss, missing="omit").fit(X, np.where(there, y, np.inf))


@pytest.mark.parametrize("loss", WEIGHTED)
def test_gaps_target_by_target(loss: str) -> None:
    both = np.stack([Y, 1000 * X[:, 2]], axis=1)
    model = GARRegressor(loss=loss, missing="omit", max_epochs=60, random_state=0, batch_size=8)
    y = gaps_in(both, 0.5)
    y[:, 1][np.arange(90) > 20] = np.nan  # many a batch has no label of it
    model.fit(X, y)
    assert np.isfinite(model.loss_curve_).all()
    assert model.score(X, both) > 0.5
    again = GARRegressor(**model.get_params()).fit(X[::-1], y[::-1])
    np.testing.assert_array_equal(again.predict(X), model.predict(X))
    stopped = short(loss=loss, missing="omit", early_stopping=True).fit(X, y)
    assert np.isfinite(stopped.validation_curve_).all()


def test_missing_targets_that_cannot_be_learned_from() -> None:
    both = np.stack([Y, np.full(90, np.nan)], axis=1)
    with pytest.raises(ValueError, match="y has no label to train on in column 1: leave such"):
        short(missing="omit").fit(X, both)
    with pytest.raises(ValueError, match="y has no label to train on in column 0"):
        short(missing="omit").fit(X, np.full(90, np.nan))
    with pytest.raises(ValueError, match="'focal_mae' takes no missing targets"):
        short(loss="focal_mae", missing="omit").fit(X, gaps_in(np.stack([Y, Y], axis=1)))
    with pytest.raises(ValueError, match="missing must be one of 'error', 'omit', got 'skip'"):
        short(missing="skip").fit(X, Y)


# --- groups ---------------------------------------------------------------------------------------

ERAS = np.arange(90) % 6


def offsets(seed: int = 3) -> np.ndarray:
    """A number for each era, which no feature tells."""
    return 30 * np.random.default_rng(seed).normal(size=6)[ERAS]


def test_within_groups_an_offset_of_a_group_does_not_matter() -> None:
    def within(model: GARRegressor) -> float:
        metrics = RegressionMetrics()
        metrics.update(model.predict(X), Y, groups=ERAS)
        return metrics.compute()["within_pearson"]

    y = Y + offsets()
    options = {"max_epochs": 60, "random_state": 0, "batch_size": 90}
    plain = within(GARRegressor(**options).fit(X, y))
    grouped = within(GARRegressor(**options).fit(X, y, groups=ERAS))
    assert grouped > 0.8 > plain


def test_groups_are_names_and_their_order_does_not_matter() -> None:
    by_number = short().fit(X, Y, groups=ERAS).predict(X)
    names = np.array([f"era {10 - era}" for era in ERAS])
    rows = RNG.permutation(90)
    np.testing.assert_array_equal(short().fit(X, Y, groups=2.5 * ERAS - 7).predict(X), by_number)
    np.testing.assert_array_equal(
        short().fit(X[rows], Y[rows], groups=names[rows]).predict(X),
        short().fit(X, Y, groups=names).predict(X),
    )
    assert not np.allclose(short().fit(X, Y).predict(X), by_number)
    by_size = short(loss_options={"group_weight": "size"}, batch_size=90)
    sizes = np.where(ERAS > 2, 3, ERAS)
    fitted = [m.fit(X, Y, groups=sizes) for m in (by_size, short(batch_size=90))]
    assert not np.allclose(*(m.predict(X) for m in fitted))


def test_equal_rows_of_two_groups_stay_two() -> None:
    twice, groups = np.tile(X, (2, 1)), np.repeat([0, 1], 90)
    rows = merged(Rows(twice, np.tile(Y[:, None], (2, 1)), None, groups))
    assert len(rows.X) == 180
    assert sorted(rows.group) == sorted(groups)
    assert len(merged(Rows(twice, np.tile(Y[:, None], (2, 1)))).X) == 90


@pytest.mark.parametrize("size", [4, 10, 64])
def test_groups_stay_whole_in_their_batches(size: int) -> None:
    rng = np.random.RandomState(0)
    group = np.repeat(np.arange(12), np.arange(1, 13))
    dealt = batches(len(group), group, size, rng)
    assert sorted(np.concatenate(dealt)) == list(range(len(group)))
    assert max(map(len, dealt)) <= size
    for own in range(12):
        parts = [np.sum(group[rows] == own) for rows in dealt if own in group[rows]]
        assert len(parts) == np.ceil((own + 1) / size)
        assert max(parts) - min(parts) <= 1
    again = batches(len(group), group, size, rng)
    assert [list(rows) for rows in again] != [list(rows) for rows in dealt]


def test_whole_groups_are_held_out() -> None:
    rows = Rows(X, Y[:, None], None, ERAS)
    train, held_out = split_off(rows, 0.3, np.random.RandomState(0))
    assert not set(train.group) & set(held_out.group)
    assert len(set(held_out.group)) == 2
    model = short(early_stopping=True).fit(X, Y, groups=ERAS)
    assert len(model.validation_curve_) == model.n_iter_
    with pytest.raises(ValueError, match="1 groups are too few to hold out 1 of them"):
        short(early_stopping=True).fit(X, Y, groups=np.zeros(90))


def test_groups_that_do_not_fit() -> None:
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        short().fit(X, Y, groups=ERAS[:5])
    with pytest.raises(ValueError, match="'mae' takes no groups: it compares no rows; 'gar' does"):
        short(loss="mae").fit(X, Y, groups=ERAS)


def test_groups_are_routed_by_scikit_learn() -> None:
    expected = cross_val_score(
        short(), X, Y, params={"groups": ERAS}, cv=GroupKFold(3), groups=ERAS
    )
    with config_context(enable_metadata_routing=True):
        model = short().set_fit_request(groups=True)
        found = cross_val_score(model, X, Y, params={"groups": ERAS}, cv=GroupKFold(3))
    np.testing.assert_array_equal(found, expected)
    assert not np.allclose(found, cross_val_score(short(), X, Y, cv=GroupKFold(3), groups=ERAS))


# --- the network by itself ------------------------------------------------------------------------


@pytest.fixture(scope="module")
def fitted() -> GARRegressor:
    both = np.stack([Y, 1000 * X[:, 2]], axis=1)
    return short().fit(1e3 + X, both)


def test_the_network_by_itself_predicts_the_same(fitted: GARRegressor) -> None:
    inputs = torch.from_numpy(1e3 + X)
    network = fitted.to_torch()
    np.testing.assert_allclose(network(inputs).detach().numpy(), fitted.predict(1e3 + X), rtol=1e-9)
    expected = fitted.predict(1e3 + X)
    network.layers[0].weight.data.zero_()  # a copy
    np.testing.assert_array_equal(fitted.predict(1e3 + X), expected)
    with pytest.raises(NotFittedError):
        short().to_torch()


def test_the_network_is_exported_and_loaded_again(fitted: GARRegressor, tmp_path: Path) -> None:
    inputs = torch.from_numpy(1e3 + X)
    rows = {"X": {0: torch.export.Dim("rows")}}
    program = torch.export.export(fitted.to_torch(), (inputs[:5],), dynamic_shapes=rows)
    torch.export.save(program, tmp_path / "network.pt2")
    again = torch.export.load(tmp_path / "network.pt2").module()
    np.testing.assert_allclose(again(inputs).detach().numpy(), fitted.predict(1e3 + X), rtol=1e-9)


def test_far_features_keep_their_digits_in_float32(fitted: GARRegressor) -> None:
    inputs = torch.from_numpy(1e3 + X).float()
    found = fitted.to_torch().float()(inputs).detach().numpy()
    assert_close_to_predictions(found, fitted.predict(inputs.numpy()))
    huge = short(max_epochs=1).fit(1e90 * (1 + 1e-3 * X), Y)
    at = 1e90 * (1 + 1e-3 * X)
    found = huge.to_torch()(torch.from_numpy(at)).detach().numpy()[:, 0]
    np.testing.assert_allclose(found, huge.predict(at), rtol=1e-9)


def assert_close_to_predictions(found: Any, expected: Any) -> None:
    """Within the rounding of float32, target by target."""
    assert (np.abs(found - expected).max(0) < 1e-6 * np.abs(expected).max(0)).all()


def test_the_network_becomes_onnx(fitted: GARRegressor, tmp_path: Path) -> None:
    for name in ("onnx", "onnxscript"):
        pytest.importorskip(name, reason=f"no {name} to export with")
    runtime = pytest.importorskip("onnxruntime", reason="no onnxruntime to run the export")
    inputs = torch.from_numpy(1e3 + X).float()
    rows = {"X": {0: torch.export.Dim("rows")}}
    network, path = fitted.to_torch().float(), tmp_path / "network.onnx"
    with warnings.catch_warnings():  # torch's exporter was written before torch renamed a class
        warnings.filterwarnings("ignore", r".*isinstance\(treespec, LeafSpec\)", FutureWarning)
        torch.onnx.export(
            network, (inputs[:5],), path, input_names=["X"], dynamic_shapes=rows, verbose=False
        )
    session = runtime.InferenceSession(path)
    for batch in (inputs, inputs[:7], inputs[:1]):
        (found,) = session.run(None, {"X": batch.numpy()})
        assert found.dtype == np.float32
        assert_close_to_predictions(found, fitted.predict(batch.numpy()))
