"""MAE-Pearson against its definition with standardised vectors, and its degenerate batches."""

from __future__ import annotations

import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from torch import Tensor

from gar_verify.losses.mae_pearson import MAEPearsonLoss, mae_pearson_loss


def definition(f: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """The loss of one model with N >= 2 rows that vary, and P."""
    z_f = (f - f.mean(0)) / f.std(0)
    z_y = (y - y.mean(0)) / y.std(0)
    p = ((z_f - z_y) ** 2 / 2).mean()
    beta = p.detach() / 2
    return (1 - beta) * (f - y).abs().mean() + beta * p, p


@given(st.integers(3, 40), st.integers(1, 3), st.integers(0, 10_000))
def test_value_and_gradient_of_the_definition(n: int, targets: int, seed: int) -> None:
    g = torch.Generator().manual_seed(seed)
    f = torch.randn(n, targets, generator=g, dtype=torch.float64, requires_grad=True)
    y = torch.randn(n, targets, generator=g, dtype=torch.float64)
    assume((f - y).abs().min() > 1e-6)
    expected, _ = definition(f, y)
    value = MAEPearsonLoss()(f, y)
    torch.testing.assert_close(value, expected, rtol=1e-11, atol=0)
    (slope,) = torch.autograd.grad(value, f)
    (expected_slope,) = torch.autograd.grad(expected, f)
    torch.testing.assert_close(slope, expected_slope, rtol=1e-9, atol=1e-12)


def test_beta_has_no_gradient() -> None:
    f = torch.randn(6, 1, dtype=torch.float64, requires_grad=True)
    y = torch.randn(6, 1, dtype=torch.float64)
    _, p = definition(f, y)
    beta = p.item() / 2
    mae = (f - y).abs().mean()
    (expected,) = torch.autograd.grad((1 - beta) * mae + beta * definition(f, y)[1], f)
    (slope,) = torch.autograd.grad(mae_pearson_loss(f, y), f)
    torch.testing.assert_close(slope, expected)


def test_second_derivatives_exist() -> None:
    y = torch.randn(5, 1, dtype=torch.float64)

    def with_fixed_beta(f: Tensor) -> Tensor:
        """MAE-Pearson is no function that its gradient derives from; P by itself is."""
        value = mae_pearson_loss(f, y)
        beta = definition(f, y)[1].detach() / 2
        return (value - (1 - beta) * (f - y).abs().mean()) / beta

    f = torch.randn(5, 1, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(with_fixed_beta, f)
    assert torch.autograd.gradgradcheck(with_fixed_beta, f)


def test_a_permutation_of_the_rows_changes_nothing() -> None:
    f, y = torch.randn(9, 2, dtype=torch.float64), torch.randn(9, 2, dtype=torch.float64)
    order = torch.randperm(9)
    torch.testing.assert_close(mae_pearson_loss(f[order], y[order]), mae_pearson_loss(f, y))


def test_stacked_is_one_at_a_time() -> None:
    f, y = torch.randn(2, 3, 5, 2), torch.randn(2, 3, 5, 2)
    stacked = mae_pearson_loss(f, y)
    assert stacked.shape == (2, 3)
    torch.testing.assert_close(stacked[1, 2], mae_pearson_loss(f[1, 2], y[1, 2]))


def test_a_perfect_prediction_costs_nothing() -> None:
    y = torch.randn(8)
    f = y.clone().requires_grad_()
    value = MAEPearsonLoss()(f, y)
    value.backward()
    assert value.item() == 0
    assert torch.equal(f.grad, torch.zeros(8))


def test_digits_survive_a_large_offset() -> None:
    y = torch.randn(64, dtype=torch.float64)
    f = y + 1e-3 * torch.randn(64, dtype=torch.float64)
    expected, _ = definition(f.unsqueeze(-1) + 1000, y.unsqueeze(-1) + 1000)
    value = MAEPearsonLoss()(f.float() + 1000, y.float() + 1000)
    assert torch.isfinite(value)
    assert value.item() == pytest.approx(expected.item(), rel=0.05)  # float32 rounds at 6e-5


@pytest.mark.parametrize(
    ("f", "y", "one_minus_rho"),
    [
        pytest.param([2.0, 2.0, 2.0, 2.0], [1.0, 2.0, 3.0, 6.0], 0.5, id="constant prediction"),
        pytest.param([1.0, 2.0, 3.0, 6.0], [2.0, 2.0, 2.0, 2.0], 0.5, id="constant target"),
        pytest.param([3.0, 3.0, 3.0, 3.0], [2.0, 2.0, 2.0, 2.0], 0.0, id="both constant"),
        pytest.param([3.0], [1.0], 0.0, id="one row"),
    ],
)
def test_degenerate_batches_have_a_finite_loss(
    f: list[float], y: list[float], one_minus_rho: float
) -> None:
    input = torch.tensor(f, requires_grad=True)
    target = torch.tensor(y)
    n = len(f)
    p = (n - 1) / n * one_minus_rho
    mae = (input - target).abs().mean()
    value = MAEPearsonLoss()(input, target)
    assert value.item() == pytest.approx((1 - p / 2) * mae.item() + p * p / 2)
    (slope,) = torch.autograd.grad(value, input)
    (mae_slope,) = torch.autograd.grad(mae, input)
    torch.testing.assert_close(slope, (1 - p / 2) * mae_slope)  # no gradient of rho


def test_a_prediction_that_diverged_is_not_hidden() -> None:
    f = torch.tensor([[1.0, 2.0, float("nan")], [1.0, 2.0, 4.0]]).unsqueeze(-1)
    values = mae_pearson_loss(f, torch.randn(2, 3, 1))
    assert torch.isnan(values[0])
    assert torch.isfinite(values[1])


def test_errors() -> None:
    with pytest.raises(ValueError, match=r"input has shape \(3,\) and target has shape \(3, 1\)"):
        MAEPearsonLoss()(torch.zeros(3), torch.zeros(3, 1))
    with pytest.raises(ValueError, match="at least 1 are needed"):
        MAEPearsonLoss()(torch.zeros(0), torch.zeros(0))
