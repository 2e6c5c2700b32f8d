"""RnC against the triple loop of its formula, at any spread of the features, with any ties."""

from __future__ import annotations

import math

import pytest
import torch
from featured import batch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from gar_verify.losses import rnc
from gar_verify.losses.rnc import RnCLoss, rnc_loss

SEEDS = st.integers(0, 10_000)


def loop(x: Tensor, y: Tensor, t: float) -> Tensor:
    """The formula, with every sum written out: O(n^3)."""
    n = len(x)
    total = x.sum() * 0
    for i in range(n):
        others = [k for k in range(n) if k != i]
        s = {
            k: -((x[i] - x[k]).norm() if not torch.equal(x[i], x[k]) else (x[i] * 0).sum()) / t
            for k in others
        }
        delta = {k: (y[i] - y[k]).abs().sum() for k in others}
        for j in others:
            denominator = torch.stack([s[k] for k in others if delta[k] >= delta[j]])
            total = total - s[j] + denominator.logsumexp(0)
    return total / (n * (n - 1))


def assert_equals_loop(x: Tensor, y: Tensor, t: float = 2.0, spread: float = 1.0) -> None:
    """Equal to 1e-10 relative; the slope, which has exp(s), as far as s has digits."""
    value, expected = rnc_loss(x, y, t), loop(x, y, t)
    torch.testing.assert_close(value, expected, rtol=1e-10, atol=1e-14 * spread)
    (slope,), (expected_slope,) = torch.autograd.grad(value, x), torch.autograd.grad(expected, x)
    torch.testing.assert_close(slope, expected_slope, rtol=1e-9, atol=1e-12 + 1e-14 * spread)


@given(SEEDS, st.integers(2, 12), st.integers(1, 4), st.integers(1, 3), st.floats(0.1, 5))
def test_against_the_loop(seed: int, n: int, d: int, targets: int, t: float) -> None:
    assert_equals_loop(*batch(seed, n, d, targets), t)


@given(SEEDS, st.integers(2, 12), st.integers(1, 3), st.integers(1, 4))
def test_tied_labels_enter_together(seed: int, n: int, targets: int, levels: int) -> None:
    x, y = batch(seed, n, targets=targets)
    assert_equals_loop(x, (y * levels / 2).round())


@given(SEEDS, st.integers(2, 12))
def test_a_permutation_of_the_rows_changes_nothing(seed: int, n: int) -> None:
    x, y = batch(seed, n)
    y = y.round()
    order = torch.randperm(n, generator=torch.Generator().manual_seed(seed))
    torch.testing.assert_close(rnc_loss(x[order], y[order]), rnc_loss(x, y))


@given(SEEDS, st.sampled_from([1.0, 1e2, 1e4, 1e6]))
def test_widely_spread_features(seed: int, spread: float) -> None:
    """The published implementation gives -inf and NaN here: exp(-distance / t) underflows."""
    x, y = batch(seed, 8)
    x = (x * spread).detach().requires_grad_()
    assert_equals_loop(x, y, 1.0, spread)
    single = x.detach().float().requires_grad_()
    value = rnc_loss(single, y.float(), 1.0)
    torch.testing.assert_close(value.double(), rnc_loss(x, y, 1.0), rtol=1e-4, atol=1e-5)
    (slope,) = torch.autograd.grad(value, single)
    assert torch.isfinite(slope).all()


def test_both_ways_to_a_running_sum_agree() -> None:
    z = 300 * torch.rand(4, 50, dtype=torch.float64)
    torch.testing.assert_close(rnc._running_logsumexp(z), z.logcumsumexp(-1))
    z[2, 10] = -2000.0
    torch.testing.assert_close(rnc._running_logsumexp(z), z.logcumsumexp(-1))


def test_gradient() -> None:
    x, y = batch(0, 6)
    y[3] = y[1]
    assert torch.autograd.gradcheck(lambda v: rnc_loss(v, y), x)
    t = torch.tensor(2.0, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda v: rnc_loss(x.detach(), y, v), t)


def test_the_result_can_be_scaled_and_averaged() -> None:
    x, y = batch(0, 6, models=3)
    (slope,) = torch.autograd.grad((5 * rnc_loss(x, y)).mean(), x)
    (alone,) = torch.autograd.grad(rnc_loss(x[1], y[1]), x)
    torch.testing.assert_close(slope[1], 5 / 3 * alone[1])


def test_there_is_no_second_derivative_and_it_says_so() -> None:
    x, y = batch(0, 6)
    (slope,) = torch.autograd.grad(rnc_loss(x, y), x, create_graph=True)
    with pytest.raises(RuntimeError):
        slope.sum().backward()


@pytest.mark.parametrize("levels", [None, 3])
def test_stacked_is_one_at_a_time(levels: int | None) -> None:
    x, y = batch(0, 7, models=4)
    if levels is not None:
        y[1:] = (levels * y[1:]).round()
    temperatures = torch.tensor([0.5, 1.0, 2.0, 4.0], dtype=torch.float64)
    stacked = rnc_loss(x, y, temperatures)
    (slope,) = torch.autograd.grad(stacked.sum(), x)
    for i, t in enumerate(temperatures.tolist()):
        one = x[i].detach().requires_grad_()
        value = rnc_loss(one, y[i], t)
        torch.testing.assert_close(stacked[i], value)
        torch.testing.assert_close(slope[i], torch.autograd.grad(value, one)[0])


def test_float32_is_accurate() -> None:
    x, y = batch(0, 64, d=8)
    value, single = rnc_loss(x, y), rnc_loss(x.float(), y.float())
    assert single.dtype == torch.float32
    assert single.item() == pytest.approx(value.item(), rel=1e-5)


def test_half_precision_is_computed_in_float32() -> None:
    x, y = batch(0, 16)
    value = rnc_loss(x.half(), y.half())
    assert value.dtype == torch.float32
    torch.testing.assert_close(value, rnc_loss(x.half().float(), y.half().float()))


# --- degenerate batches ------------------------------------------------------------------------


def test_one_row_has_nothing_to_rank() -> None:
    x = torch.randn(1, 3, requires_grad=True)
    value = RnCLoss()(x, torch.zeros(1))
    value.backward()
    assert value.item() == 0
    assert torch.equal(x.grad, torch.zeros(1, 3))


def test_two_rows_have_one_set_each() -> None:
    x, y = batch(0, 2)
    value = rnc_loss(x, y)
    (slope,) = torch.autograd.grad(value, x)
    assert value.item() == 0
    assert torch.equal(slope, torch.zeros_like(slope))


def test_identical_features_have_no_slope_between_them() -> None:
    x, y = batch(0, 6)
    x = x.detach().clone()
    x[1] = x[0]
    assert_equals_loop(x.requires_grad_(), y)
    collapsed = torch.ones(6, 3, dtype=torch.float64, requires_grad=True)
    (slope,) = torch.autograd.grad(rnc_loss(collapsed, y), collapsed)
    assert torch.equal(slope, torch.zeros(6, 3, dtype=torch.float64))


def test_constant_labels_put_all_rows_in_every_set() -> None:
    x, _ = batch(0, 5)
    assert_equals_loop(x, torch.zeros(5, 1, dtype=torch.float64))


def test_a_model_that_diverged_hurts_nobody_else() -> None:
    x, y = batch(0, 6, models=3)
    broken = x.detach().clone()
    broken[1, 2] = math.nan
    broken.requires_grad_()
    values = rnc_loss(broken, y)
    assert torch.isnan(values[1])
    torch.testing.assert_close(values[[0, 2]], rnc_loss(x, y)[[0, 2]])
    (slope,) = torch.autograd.grad(values.sum(), broken)
    assert torch.isfinite(slope[[0, 2]]).all()


# --- layouts and errors ------------------------------------------------------------------------


def test_label_layouts_agree() -> None:
    x, y = batch(0, 6)
    assert torch.equal(RnCLoss()(x, y), RnCLoss()(x, y.squeeze(-1)))
    x, y = batch(0, 6, models=3)
    assert torch.equal(RnCLoss()(x, y), RnCLoss()(x, y.squeeze(-1)))


@pytest.mark.parametrize("views", [None, 2])
def test_two_views_are_twice_the_rows(views: int | None) -> None:
    g = torch.Generator().manual_seed(0)
    x = torch.randn(5, 2, 3, generator=g, dtype=torch.float64)
    y = torch.randn(5, 1, generator=g, dtype=torch.float64)
    expected = loop(torch.cat((x[:, 0], x[:, 1])), torch.cat((y, y)), 2.0)
    for target in (y, y.squeeze(-1)):
        torch.testing.assert_close(RnCLoss(views=views)(x, target), expected)
    torch.testing.assert_close(
        RnCLoss(views=views)(x.expand(2, -1, -1, -1), y.expand(2, -1, -1)), expected.expand(2)
    )


def test_a_layout_that_can_be_read_in_two_ways_is_refused() -> None:
    x, y = torch.randn(5, 2, 3), torch.randn(5, 2)
    with pytest.raises(ValueError, match=r"say which with RnCLoss\(views=2\) or RnCLoss\(views=1"):
        RnCLoss()(x, y)
    assert RnCLoss(views=1)(x, y).shape == (5,)
    assert RnCLoss(views=2)(x, y).shape == ()


def test_errors() -> None:
    with pytest.raises(ValueError, match=r"features have shape \(5, 3\) and target has shape \(4"):
        RnCLoss()(torch.zeros(5, 3), torch.zeros(4))
    with pytest.raises(ValueError, match=r"features of shape \(..., N, 2, d\), got \(5, 3\)"):
        RnCLoss(views=2)(torch.zeros(5, 3), torch.zeros(5))
    with pytest.raises(ValueError, match=r"temperature must be above 0, got 0"):
        RnCLoss(temperature=0)
    with pytest.raises(ValueError, match="views must be one of None, 1, 2, got 3"):
        RnCLoss(views=3)


@pytest.mark.parametrize("factor", [1e-38, 1e-30, 1e20, 1e30, 1e38])
def test_features_and_temperature_may_have_any_unit(factor: float) -> None:
    """Also where squares of features are out of range."""
    x, y = torch.randn(8, 3), torch.randn(8)
    scaled = (x * torch.tensor(factor) / 8).requires_grad_()
    value = RnCLoss(temperature=2.0 * factor)(scaled, y)
    near = (x / 8).requires_grad_()
    expected = RnCLoss(temperature=2.0)(near, y)
    torch.testing.assert_close(value, expected)
    (slope,) = torch.autograd.grad(value, scaled)
    (expected_slope,) = torch.autograd.grad(expected, near)
    torch.testing.assert_close(slope.double() * factor, expected_slope.double())


def test_one_far_row_leaves_the_others_their_distances() -> None:
    x, y = torch.randn(8, 3, dtype=torch.float64), torch.randn(8)
    x[0] = 1e20
    single = x.float().requires_grad_()
    double = x.requires_grad_()
    values = [rnc_loss(v, y.unsqueeze(-1).to(v.dtype)) for v in (single, double)]
    slopes = [torch.autograd.grad(v, t)[0] for v, t in zip(values, (single, double), strict=True)]
    assert values[0].item() == pytest.approx(values[1].item(), rel=1e-5)
    torch.testing.assert_close(slopes[0].double(), slopes[1], rtol=1e-3, atol=1e-6)


def test_what_is_not_read_is_computed_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    x = torch.randn(3, 12, 4, dtype=torch.float64, requires_grad=True)
    y = torch.randn(3, 12, 1, dtype=torch.float64)
    y[1:] = y[1:].round()
    here = rnc_loss(x, y, temperature=0.01)
    for module in ("rnc", "_pairs"):
        monkeypatch.setattr(f"gar_verify.losses.{module}.values_readable", lambda tensor: False)
    there = rnc_loss(x, y, temperature=0.01)
    torch.testing.assert_close(there, here)
    slopes = [torch.autograd.grad(value.sum(), x)[0] for value in (here, there)]
    torch.testing.assert_close(*slopes)
