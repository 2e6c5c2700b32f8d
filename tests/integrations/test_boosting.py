"""GAR as the objective of a booster: the gradient, the promises of the curvature, the libraries."""

from __future__ import annotations

import math
import pickle
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from gar_verify import error_variance_loss, gar_loss, pearson_loss
from gar_verify.integrations.boosting import (
    BoostingObjective,
    conventional_curvature,
    lightgbm_objective,
    pearson_curvature,
    xgboost_objective,
)
from gar_verify.losses.gar.tensor_reader import batch_moments, conventional_loss, conventional_slope
from gar_verify.metrics import mae

ALPHAS = (0.0, 0.1, 0.5, 1.0, 10.0, math.inf)


def batch(n: int = 40, seed: int = 0) -> tuple[NDArray[np.float64], ...]:
    """Predictions, labels, positive weights."""
    rng = np.random.default_rng(seed)
    y = 3 * rng.standard_normal(n) + 7
    return 0.6 * y + rng.standard_normal(n), y, rng.uniform(0.2, 2, n)


def exact_gradient(f: Any, y: Any, w: Any, **options: Any) -> NDArray[np.float64]:
    prediction = torch.tensor(f, requires_grad=True)
    weight = None if w is None else torch.tensor(w)
    gar_loss(prediction, torch.tensor(y), sample_weight=weight, **options).backward()
    assert prediction.grad is not None
    return prediction.grad.numpy()


@pytest.mark.parametrize("alpha", ALPHAS)
@pytest.mark.parametrize("conventional", ["mae", "mse", "huber"])
@pytest.mark.parametrize("weighted", [False, True])
def test_gradient_is_that_of_the_loss_up_to_scale(
    alpha: float, conventional: str, weighted: bool
) -> None:
    f, y, w = batch()
    weight = w if weighted else None
    objective = BoostingObjective(alpha, conventional)
    gradient, curvature = objective.derivatives(f, y, weight)
    exact = exact_gradient(f, y, weight, alpha=alpha, conventional=conventional)
    scale = np.abs(gradient).sum() / np.abs(exact).sum()
    np.testing.assert_allclose(gradient, scale * exact, rtol=1e-12, atol=1e-14)
    assert (curvature > 0).all()
    np.testing.assert_allclose(curvature.sum(), w.sum() if weighted else len(f), rtol=1e-12)


def test_only_the_ratio_counts_and_it_is_a_step_in_the_units_of_the_labels() -> None:
    f, y, _ = batch()
    one = lightgbm_objective(math.inf)(y, f)  # alpha inf: the weights p_k do not know the units
    two = lightgbm_objective(math.inf)(1000 * y, 1000 * f)
    np.testing.assert_allclose(two[0] / two[1], 1000 * one[0] / one[1], rtol=1e-9)


@pytest.mark.parametrize("name", ["mae", "mse", "huber"])
def test_conventional_parabola_touches_and_lies_above(name: str) -> None:
    errors = torch.linspace(-9, 9, 37, dtype=torch.float64)
    curvature = conventional_curvature(errors, name, 1.5, None)
    grid = torch.linspace(-30, 30, 601, dtype=torch.float64)
    large = errors.abs() >= errors.abs().mean()
    assert 10 < int(large.sum()) < 37
    for d, h in zip(errors[large], curvature[large], strict=True):
        touching = conventional_loss(name, d, 1.5) + conventional_slope(name, d, 1.5) * (grid - d)
        parabola = touching + h / 2 * (grid - d) ** 2
        assert bool((parabola - conventional_loss(name, grid, 1.5) > -1e-9).all())


def hessian(loss: Any, f: NDArray[np.float64], y: NDArray[np.float64]) -> Any:
    return torch.autograd.functional.hessian(lambda x: loss(x, torch.tensor(y)), torch.tensor(f))


def test_error_variance_has_curvature_two() -> None:
    f, y, _ = batch(12)
    largest = torch.linalg.eigvalsh(hessian(error_variance_loss, f, y))[-1].item()
    assert largest * 12 == pytest.approx(2, rel=1e-9)


@pytest.mark.parametrize("noise", [0.1, 1.0, 3.0, 10.0])
def test_pearson_has_the_largest_eigenvalue_that_is_claimed(noise: float) -> None:
    rng = np.random.default_rng(1)
    y = rng.standard_normal(14)
    f = y + noise * rng.standard_normal(14)
    rho = np.corrcoef(f, y)[0, 1]
    assert rho > 0
    largest = 14 * torch.linalg.eigvalsh(hessian(pearson_loss, f, y))[-1].item()
    claimed = (rho + math.sqrt(4 - 3 * rho**2)) / (2 * f.var())
    assert largest == pytest.approx(claimed, rel=1e-6)
    ours = pearson_curvature(batch_moments(torch.tensor(f), torch.tensor(y))).item()
    assert f.var() > y.var()
    assert 1 - 1e-9 <= largest / ours <= 1.16


def test_zero_weight_equals_absence() -> None:
    f, y, w = batch()
    w[::3] = 0
    f[0] = 1e6  # absent: it may be anything
    objective = lightgbm_objective(0.5)
    gradient, curvature = objective(y, f, w)
    kept = w > 0
    assert not gradient[~kept].any()
    assert not curvature[~kept].any()
    for all_rows, left in zip(
        (gradient, curvature), objective(y[kept], f[kept], w[kept]), strict=True
    ):
        np.testing.assert_allclose(all_rows[kept], left, rtol=1e-12)


def test_a_row_of_weight_zero_may_miss_its_label() -> None:
    f, y, w = batch()
    w[::3] = 0
    without = lightgbm_objective(0.5)(y, f, w)
    y[0], f[3] = math.nan, math.inf
    np.testing.assert_array_equal(lightgbm_objective(0.5)(y, f, w), without)


@pytest.mark.parametrize("size", [1e-200, 1e200])
def test_labels_whose_squares_are_out_of_range_are_refused(size: float) -> None:
    """Their variance is 0 or infinite, which gave gradients of 0."""
    f, y, _ = batch()
    with pytest.raises(ValueError, match=r"labels have values up to .* scale the labels"):
        lightgbm_objective(0.5)(size * y, np.zeros_like(y))
    with pytest.raises(ValueError, match=r"predictions have values up to 1e\+200"):
        lightgbm_objective(0.5)(y, np.append(f[1:], 1e200))


def test_a_start_far_from_the_labels_warns() -> None:
    _, y, _ = batch()
    start = np.full(len(y), y.mean() - 11 * y.std())
    with pytest.warns(UserWarning, match=f"11 standard dev.*base_score={y.mean():g}, LightGBM's"):
        xgboost_objective()(y, start)
    xgboost_objective()(y, start + 2 * y.std())
    xgboost_objective()(y, start + np.arange(len(y)))  # after the first tree


@pytest.mark.parametrize("library", ["lightgbm", "xgboost"])
def test_the_libraries_start_warns_once(library: str) -> None:
    x, y = regression_data(60)
    with pytest.warns(UserWarning, match="boosting starts at 0") as caught:
        predictions(library, 0.5, x, y + 1000)
    assert len(caught) == 1


@pytest.mark.parametrize("alpha", ALPHAS)
@pytest.mark.parametrize(
    ("f", "y"),
    [
        ([1.0, 2.0, 4.0], [1.0, 2.0, 4.0]),  # a perfect fit
        ([5.0, 5.0, 5.0], [5.0, 5.0, 5.0]),
        ([0.0, 0.0, 0.0], [1.0, 2.0, 4.0]),  # the start of boosting
        ([1.0, 2.0, 4.0], [3.0, 3.0, 3.0]),
        ([4.0, 2.0, 1.0], [1.0, 2.0, 4.0]),  # opposite directions
        ([2.0], [3.0]),
    ],
)
def test_degenerate_batches_have_finite_steps(alpha: float, f: list[float], y: list[float]) -> None:
    gradient, curvature = lightgbm_objective(alpha)(y, f)
    assert np.isfinite(gradient).all()
    assert (curvature > 0).all()
    assert curvature.sum() == pytest.approx(len(f))
    if f == y:
        assert not gradient.any()


class Data:
    """What a library's data set has in common."""

    def __init__(self, label: Any, weight: Any) -> None:
        self.get_label = lambda: label
        self.get_weight = lambda: weight


@pytest.mark.parametrize("absent", [None, np.array([])])
def test_both_ways_of_calling_agree(absent: Any) -> None:
    f, y, w = batch()
    for objective in (lightgbm_objective(0.3), xgboost_objective(0.3)):
        np.testing.assert_array_equal(objective(f, Data(y, w)), objective(y, f, w))
        np.testing.assert_array_equal(objective(f, Data(y, absent)), objective(y, f))


def test_can_be_pickled() -> None:
    f, y, _ = batch()
    objective = xgboost_objective(2.0, conventional="huber", delta=0.5)
    again = pickle.loads(pickle.dumps(objective))
    assert again == objective
    np.testing.assert_array_equal(again(y, f), objective(y, f))


@pytest.mark.parametrize(
    ("error", "message", "call"),
    [
        (ValueError, "alpha must lie in", lambda: lightgbm_objective(-1.0)),
        (ValueError, "conventional must be one of", lambda: xgboost_objective(conventional="l1")),
        (
            ValueError,
            r"labels have shape \(2, 2\)",
            lambda: lightgbm_objective()([[1, 2]] * 2, [1]),
        ),
        (ValueError, "1 of 2 are not finite", lambda: lightgbm_objective()([1, 2], [math.nan, 1])),
        (ValueError, "they must be equal", lambda: lightgbm_objective()([1.0, 2.0], [1.0])),
        (ValueError, "sample_weight must be", lambda: lightgbm_objective()([1], [2], [-1.0])),
    ],
)
def test_errors(error: type[Exception], message: str, call: Any) -> None:
    with pytest.raises(error, match=message):
        call()


def regression_data(n: int = 300) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((n, 4))
    return x, 2 * x[:, 0] + np.sin(3 * x[:, 1]) + 0.1 * rng.standard_normal(n)


def predictions(library: str, alpha: float, x: Any, y: Any, native: bool = True) -> Any:
    """Of a booster trained on x and y by one of the two interfaces of a library."""
    rounds, rate = 100, 0.2
    if library == "lightgbm":
        lightgbm = pytest.importorskip("lightgbm")
        settings = {"learning_rate": rate, "num_leaves": 8, "verbosity": -1, "num_threads": 1}
        settings["objective"] = lightgbm_objective(alpha)
        if native:
            return lightgbm.train(settings, lightgbm.Dataset(x, y), rounds).predict(x)
        estimator = lightgbm.LGBMRegressor(n_estimators=rounds, **settings).fit(x, y)
        return estimator.booster_.predict(x)
    xgboost = pytest.importorskip("xgboost")
    settings = {"learning_rate": rate, "max_depth": 3, "base_score": 0.0}
    objective = xgboost_objective(alpha)
    if native:
        data = xgboost.DMatrix(x, y)
        return xgboost.train({**settings, "nthread": 1}, data, rounds, obj=objective).predict(data)
    estimator = xgboost.XGBRegressor(n_estimators=rounds, n_jobs=1, objective=objective, **settings)
    return estimator.fit(x, y).predict(x)


@pytest.mark.parametrize("library", ["lightgbm", "xgboost"])
@pytest.mark.parametrize("alpha", [0.1, 1.0, 10.0, math.inf])
def test_learns_from_a_constant_start_at_every_alpha(library: str, alpha: float) -> None:
    """With the curvature of 1 - Pearson unbounded at the start, large alphas stay there."""
    x, y = regression_data()
    found = predictions(library, alpha, x, y)
    error = mae(torch.as_tensor(found), torch.as_tensor(y)).item()
    assert error < (0.2 if alpha <= 1 else 0.4) * np.abs(y - y.mean()).mean()


@pytest.mark.parametrize("library", ["lightgbm", "xgboost"])
def test_both_interfaces_of_a_library_train_the_same_booster(library: str) -> None:
    x, y = regression_data(120)
    one, two = (predictions(library, 0.5, x, y, native) for native in (True, False))
    np.testing.assert_allclose(one, two, rtol=1e-6)
