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
    xgboost_start,
)
from gar_verify.losses import concordance_loss
from gar_verify.losses.gar.options import Options
from gar_verify.losses.gar.tensor_reader import (
    batch_moments,
    conventional_loss,
    conventional_slope,
    moments_of,
    split,
)
from gar_verify.metrics import RegressionMetrics, mae

ALPHAS = (0.0, 0.1, 0.5, 1.0, 10.0, math.inf)


def batch(n: int = 40, seed: int = 0) -> tuple[NDArray[np.float64], ...]:
    """Predictions, labels, positive weights."""
    rng = np.random.default_rng(seed)
    y = 3 * rng.standard_normal(n) + 7
    return 0.6 * y + rng.standard_normal(n), y, rng.uniform(0.2, 2, n)


def exact_gradient(
    f: Any, y: Any, w: Any, groups: Any = None, **options: Any
) -> NDArray[np.float64]:
    prediction = torch.tensor(f, requires_grad=True)
    weight, of = (None if x is None else torch.tensor(x) for x in (w, groups))
    gar_loss(prediction, torch.tensor(y), sample_weight=weight, groups=of, **options).backward()
    assert prediction.grad is not None
    return prediction.grad.numpy()


@pytest.mark.parametrize("alpha", ALPHAS)
@pytest.mark.parametrize("conventional", ["mae", "mse", "huber", "concordance"])
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


@pytest.mark.parametrize("conventional", ["mae", "mse", "concordance"])
def test_only_the_ratio_counts_and_it_is_a_step_in_the_units_of_the_labels(
    conventional: Any,
) -> None:
    f, y, _ = batch()
    objective = lightgbm_objective(math.inf, conventional=conventional)
    one = objective(y, f)  # alpha inf: the weights p_k do not know the units
    two = objective(1000 * y, 1000 * f)
    np.testing.assert_allclose(two[0] / two[1], 1000 * one[0] / one[1], rtol=1e-9)


def test_predictions_in_step_with_the_labels_still_move() -> None:
    """What rounding leaves of 1 - Pearson = 0 is no small loss whose curvature stops all others."""
    _, y, _ = batch()
    gradient, curvature = lightgbm_objective(2.0)(y, 0.3 * y + 0.7)
    assert np.abs(gradient / curvature).max() > 0.1 * np.abs(0.7 * y - 0.7).max()


@pytest.mark.parametrize("name", ["mae", "mse", "huber"])
def test_conventional_parabola_touches_and_lies_above(name: str) -> None:
    errors = torch.linspace(-9, 9, 37, dtype=torch.float64)
    unit, o = split(errors, torch.zeros_like(errors), 0), Options(conventional=name, delta=1.5)
    curvature = conventional_curvature(unit, moments_of(unit), o)
    grid = torch.linspace(-30, 30, 601, dtype=torch.float64)
    large = errors.abs() >= errors.abs().mean()
    assert 10 < int(large.sum()) < 37
    for d, h in zip(errors[large], curvature[large], strict=True):
        touching = conventional_loss(name, d, 1.5) + conventional_slope(name, d, 1.5) * (grid - d)
        parabola = touching + h / 2 * (grid - d) ** 2
        assert bool((parabola - conventional_loss(name, grid, 1.5) > -1e-9).all())


def hessian(loss: Any, f: NDArray[np.float64], y: NDArray[np.float64]) -> Any:
    return torch.autograd.functional.hessian(lambda x: loss(x, torch.tensor(y)), torch.tensor(f))


@pytest.mark.parametrize("noise", [1e-3, 0.1, 1.0, 10.0])
@pytest.mark.parametrize("offset", [0.0, 1.0, 10.0])
@pytest.mark.parametrize("slope", [0.5, 1.0, 3.0, -1.0])
def test_concordance_has_no_more_than_the_claimed_curvature(
    noise: float, offset: float, slope: float
) -> None:
    rng = np.random.default_rng(1)
    y = rng.standard_normal(14)
    f = slope * y + noise * rng.standard_normal(14) + offset
    largest = 14 * torch.linalg.eigvalsh(hessian(concordance_loss, f, y))[-1].item()
    unit = split(torch.tensor(f), torch.tensor(y), 0)
    ours = conventional_curvature(unit, moments_of(unit), Options(conventional="concordance"))
    angle = math.acos((math.sqrt(33) - 1) / 8)
    claimed = math.sin(angle) + math.sin(2 * angle)
    assert largest <= claimed * ours.item()
    if (noise, offset, slope) == (1e-3, 0.0, 0.5):
        assert largest > 0.99 * claimed * ours.item()


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
    with pytest.warns(UserWarning, match=f"11 standard dev.*base_score={y.mean():g} .xgboost_"):
        xgboost_objective()(y, start)
    xgboost_objective()(y, start + 2 * y.std())
    xgboost_objective()(y, start + np.arange(len(y)))  # after the first tree
    xgboost_objective()(y, np.full(len(y), xgboost_start(y)["base_score"]))


def test_xgboost_starts_at_the_mean_of_the_labels() -> None:
    x, y = regression_data(200)
    for offset in (1000.0, -1e6):
        start = xgboost_start(y + offset)
        assert start == {"base_score": pytest.approx((y + offset).mean(), rel=1e-15)}
        found = predictions("xgboost", 0.5, x, y + offset, **start)  # warnings are errors
        error = mae(torch.as_tensor(found), torch.as_tensor(y + offset)).item()
        assert error < 0.3 * np.abs(y - y.mean()).mean()
    weight = np.ones(3)
    weight[2] = 0
    assert xgboost_start([1.0, 2.0, math.nan], weight) == {"base_score": 1.5}
    with pytest.raises(ValueError, match="labels: 1 of 3 are not finite"):
        xgboost_start([1.0, 2.0, math.nan])
    with pytest.raises(ValueError, match=r"2 labels and 2 weights, of sum 0; expected one for"):
        xgboost_start([1.0, 2.0], [0.0, 0.0])


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

    def __init__(self, label: Any, weight: Any, group: Any) -> None:
        self.get_label = lambda: label
        self.get_weight = lambda: weight
        self.get_group = lambda: group


@pytest.mark.parametrize("absent", [None, np.array([])])
def test_both_ways_of_calling_agree(absent: Any) -> None:
    f, y, w = batch()
    for objective in (lightgbm_objective(0.3), xgboost_objective(0.3)):
        np.testing.assert_array_equal(objective(f, Data(y, w, absent)), objective(y, f, w))
        np.testing.assert_array_equal(objective(f, Data(y, absent, absent)), objective(y, f))
        np.testing.assert_array_equal(
            objective(f, Data(y, absent, np.array(SIZES))), objective(y, f, None, SIZES)
        )


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
        (
            ValueError,
            r"the sizes of the 2 groups sum to 4, and there are 3 rows; expected the number of",
            lambda: lightgbm_objective()([1.0, 2.0, 3.0], [1.0, 2.0, 3.0], None, [1, 3]),
        ),
        (ValueError, "only a conventional loss", lambda: xgboost_objective(within=("pearson",))),
        (ValueError, "group_weight must be", lambda: lightgbm_objective(group_weight="rows")),
        (ValueError, "within must be a tuple", lambda: lightgbm_objective(within="pearson")),
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


def predictions(
    library: str,
    alpha: float,
    x: Any,
    y: Any,
    native: bool = True,
    sizes: Any = None,
    **more: Any,
) -> Any:
    """Of a booster trained on x and y by one of the two interfaces of a library."""
    rounds, rate = 100, 0.2
    if library == "lightgbm":
        lightgbm = pytest.importorskip("lightgbm")
        settings = {"learning_rate": rate, "num_leaves": 8, "verbosity": -1, "num_threads": 1}
        settings["objective"] = lightgbm_objective(alpha)
        if native:
            return lightgbm.train(settings, lightgbm.Dataset(x, y, group=sizes), rounds).predict(x)
        estimator = lightgbm.LGBMRegressor(n_estimators=rounds, **settings).fit(x, y)
        return estimator.booster_.predict(x)
    xgboost = pytest.importorskip("xgboost")
    settings = {"learning_rate": rate, "max_depth": 3, "base_score": 0.0, **more}
    objective = xgboost_objective(alpha)
    if native:
        data = xgboost.DMatrix(x, y, group=sizes)
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


# --- groups ---------------------------------------------------------------------------------------

SIZES = [11, 1, 8, 20]
"""Rows of each group; they follow each other."""
GROUPS = np.repeat([3, 5, 8, 9], SIZES)
POOLED = ("error_variance", "pearson")
KINDS: dict[str, dict[str, Any]] = {
    "default": {},
    "by size": {"group_weight": "size", "alpha": 2.0},
    "pooled": {"within": POOLED, "conventional": "huber"},
    "pooled by size": {"within": POOLED, "group_weight": "size"},
    "concordance": {"conventional": "concordance"},
    "pearson": {"parts": ("pearson",)},
}


def assert_parallel(found: NDArray[np.float64], expected: NDArray[np.float64]) -> None:
    """Equal but for a positive factor."""
    scale = np.abs(found).sum() / np.abs(expected).sum()
    np.testing.assert_allclose(found, scale * expected, rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("options", KINDS.values(), ids=KINDS)
@pytest.mark.parametrize("weighted", [False, True])
def test_gradient_within_groups_is_that_of_the_loss(
    options: dict[str, Any], weighted: bool
) -> None:
    f, y, w = batch()
    w[2] = 0
    weight = w if weighted else None
    gradient, curvature = lightgbm_objective(**options)(y, f, weight, SIZES)
    assert_parallel(gradient, exact_gradient(f, y, weight, GROUPS, **options))
    assert (curvature[np.ones(40, bool) if weight is None else w > 0] >= 0).all()
    np.testing.assert_allclose(curvature.sum(), w.sum() if weighted else 40, rtol=1e-12)


@pytest.mark.parametrize("name", ["default", "by size", "concordance"])
def test_the_step_of_a_sample_is_that_of_its_group_by_itself(name: str) -> None:
    f, y, w = batch()
    objective = xgboost_objective(**KINDS[name])
    gradient, curvature = objective(y, f, w, SIZES)
    for group in set(GROUPS):
        own = group == GROUPS
        alone = objective.derivatives(f[own], y[own], w[own])
        np.testing.assert_allclose(gradient[own] / curvature[own], alone[0] / alone[1], rtol=1e-11)


def test_pooled_parts_of_one_group_are_those_of_the_batch() -> None:
    f, y, w = batch()
    expected = xgboost_objective(0.5)(y, f, w)
    found = xgboost_objective(0.5, within=POOLED)(y, f, w, [40])
    np.testing.assert_allclose(found, expected, rtol=1e-12)


@pytest.mark.parametrize("options", KINDS.values(), ids=KINDS)
def test_the_groups_of_the_libraries_are_read(options: dict[str, Any]) -> None:
    f, y, w = batch()
    y = y.astype(np.float32).astype(np.float64)  # as the libraries keep labels
    objective = BoostingObjective(**options)
    lightgbm, xgboost = (pytest.importorskip(name) for name in ("lightgbm", "xgboost"))
    x = np.random.default_rng(0).standard_normal((40, 2))
    expected = objective.derivatives(f, y, None, GROUPS)
    weight = w.astype(np.float32).astype(np.float64)
    quiet = {"verbosity": -1}
    sets = [
        xgboost.DMatrix(x, y, qid=GROUPS),
        xgboost.QuantileDMatrix(x, y, group=SIZES),
        lightgbm.Dataset(x, y, group=SIZES, params=quiet).construct(),
    ]
    for data in sets:
        np.testing.assert_array_equal(objective(f, data), expected)
    rows = lightgbm.Dataset(x, y, group=SIZES, weight=w, params=quiet).construct()
    np.testing.assert_array_equal(objective(f, rows), objective.derivatives(f, y, weight, GROUPS))
    groups = xgboost.DMatrix(x, y, qid=GROUPS, weight=w[:4])  # one for each group
    np.testing.assert_array_equal(
        objective(f, groups), objective.derivatives(f, y, np.repeat(weight[:4], SIZES), GROUPS)
    )


@pytest.mark.parametrize("library", ["lightgbm", "xgboost"])
def test_boosting_within_groups_learns_what_their_levels_hide(library: str) -> None:
    x, y = regression_data(300)
    sizes = [30] * 10
    era = np.repeat(np.arange(10), sizes)
    level = 30 * np.random.default_rng(1).standard_normal(10)[era]
    labels = y + level - level.mean()

    def within(found: Any) -> float:
        metrics = RegressionMetrics()
        metrics.update(found, y, groups=era)
        return metrics.compute()["within_pearson"]

    blind = within(predictions(library, 1.0, x, labels))
    assert within(predictions(library, 1.0, x, labels, sizes=sizes)) > 0.95 > 0.9 > blind


def test_lightgbm_passes_groups_to_its_estimator() -> None:
    lightgbm = pytest.importorskip("lightgbm")
    x, y = regression_data(120)
    sizes, settings = [40] * 3, {"verbosity": -1, "objective": lightgbm_objective(1.0)}
    model = lightgbm.LGBMModel(n_estimators=20, n_jobs=1, **settings).fit(x, y, group=sizes)
    data = lightgbm.Dataset(x, y, group=sizes)
    native = lightgbm.train({"num_threads": 1, **settings}, data, 20)
    np.testing.assert_allclose(model.booster_.predict(x), native.predict(x), rtol=1e-6)
