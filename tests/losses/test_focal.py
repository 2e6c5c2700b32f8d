"""Focal-MAE and focal-MSE against a loop over the entries, and their gradients."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from gar_verify.losses.conventional import mae_loss
from gar_verify.losses.focal import FocalMAELoss, FocalMSELoss, focal_mae_loss, focal_mse_loss

CORES = {1: focal_mae_loss, 2: focal_mse_loss}
MODULES = {1: FocalMAELoss, 2: FocalMSELoss}


def sigmoid(v: float) -> float:
    return 1 / (1 + math.exp(-v))


def loop(power: int, f: Tensor, y: Tensor, beta: float, gamma: float, activation: str) -> float:
    total = 0.0
    for e in (f - y).abs().flatten().tolist():
        m = 2 * sigmoid(beta * e) - 1 if activation == "sigmoid" else math.tanh(beta * e)
        total += e**power * m**gamma
    return total / f.numel()


@pytest.mark.parametrize("power", [1, 2])
@pytest.mark.parametrize("activation", ["sigmoid", "tanh"])
@given(data=st.data())
def test_against_a_loop(power: int, activation: str, data: st.DataObject) -> None:
    entries = st.lists(st.integers(-20, 20).map(lambda k: k / 4), min_size=6, max_size=6)
    f = torch.tensor(data.draw(entries), dtype=torch.float64).reshape(3, 2)
    y = torch.tensor(data.draw(entries), dtype=torch.float64).reshape(3, 2)
    beta, gamma = data.draw(st.sampled_from([0.2, 1.0, 4.0])), data.draw(st.floats(0, 3))
    value = MODULES[power](beta, gamma, activation)(f, y).item()
    assert value == pytest.approx(loop(power, f, y, beta, gamma, activation), rel=1e-9)


@pytest.mark.parametrize("power", [1, 2])
@pytest.mark.parametrize("gamma", [0.5, 1.0, 2.0])
def test_gradients(power: int, gamma: float) -> None:
    f = torch.randn(2, 5, 2, dtype=torch.float64, requires_grad=True)
    y = torch.randn(2, 5, 2, dtype=torch.float64)
    core = CORES[power]
    assert torch.autograd.gradcheck(lambda v: core(v, y, 0.7, gamma), f)
    assert torch.autograd.gradgradcheck(lambda v: core(v, y, 0.7, gamma), f)


@pytest.mark.parametrize("power", [1, 2])
@pytest.mark.parametrize("gamma", [0.0, 0.5, 1.0, 2.0])
def test_an_error_of_zero_has_no_gradient(power: int, gamma: float) -> None:
    f = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
    MODULES[power](1.0, gamma)(f, torch.tensor([1.0, 2.0, 5.0])).backward()
    assert torch.equal(f.grad[:2], torch.zeros(2))
    assert torch.isfinite(f.grad).all()
    assert f.grad[2] < 0


@pytest.mark.parametrize("power", [1, 2])
@pytest.mark.parametrize("gamma", [0.0, 0.5, 1.0, 2.0])
@pytest.mark.parametrize("activation", ["sigmoid", "tanh"])
@pytest.mark.parametrize("error", [1e-30, 1e15, 1e25, 1e30])
def test_gradients_of_tiny_and_huge_errors(
    power: int, gamma: float, activation: str, error: float
) -> None:
    """In float32, where the square of 1e30 is infinite and its modulation has no slope."""

    def slope(dtype: torch.dtype) -> Tensor:
        f = torch.tensor([error, 0.5], dtype=dtype, requires_grad=True)
        MODULES[power](0.2, gamma, activation)(f, torch.zeros(2, dtype=dtype)).backward()
        assert f.grad is not None
        return f.grad

    torch.testing.assert_close(slope(torch.float32).double(), slope(torch.float64))


def test_gamma_zero_is_the_plain_loss() -> None:
    f, y = torch.randn(5, 1), torch.randn(5, 1)
    torch.testing.assert_close(focal_mae_loss(f, y, gamma=0.0), mae_loss(f, y))


def test_large_errors_count_in_full() -> None:
    f, y = torch.full((3,), 1e6), torch.zeros(3)
    assert FocalMAELoss(beta=1.0)(f, y).item() == 1e6


@pytest.mark.parametrize("power", [1, 2])
def test_weights_multiply_the_terms(power: int) -> None:
    f, y = torch.randn(4, dtype=torch.float64), torch.randn(4, dtype=torch.float64)
    module = MODULES[power](beta=1.0)
    weight = torch.tensor([0.0, 1.0, 2.0, 3.0], dtype=torch.float64)
    terms = torch.stack([module(f[i : i + 1], y[i : i + 1]) for i in range(4)])
    torch.testing.assert_close(module(f, y, weight), (weight * terms).mean())


@pytest.mark.parametrize("shape", [(4,), (4, 1)])
def test_weights_of_rows_and_of_entries(shape: tuple[int, ...]) -> None:
    f, y = torch.randn(4, 2), torch.randn(4, 2)
    weight = torch.rand(4, 1)
    expected = FocalMAELoss()(f, y, weight.expand(4, 2))
    torch.testing.assert_close(FocalMAELoss()(f, y, weight.reshape(shape)), expected)
    torch.testing.assert_close(
        FocalMAELoss()(f[:, 0], y[:, 0], weight.reshape(shape)),
        FocalMAELoss()(f[:, :1], y[:, :1], weight),
    )


@pytest.mark.parametrize("power", [1, 2])
def test_stacked_is_one_at_a_time(power: int) -> None:
    core = CORES[power]
    f, y = torch.randn(3, 5, 2), torch.randn(3, 5, 2)
    betas = torch.tensor([0.2, 1.0, 4.0])
    stacked = core(f, y, betas)
    for i, beta in enumerate(betas.tolist()):
        torch.testing.assert_close(stacked[i], core(f[i], y[i], beta))


def test_errors() -> None:
    with pytest.raises(ValueError, match=r"beta must be above 0, got 0"):
        FocalMAELoss(beta=0)
    with pytest.raises(ValueError, match=r"gamma must be at least 0, got -1"):
        FocalMSELoss(gamma=-1)
    with pytest.raises(
        ValueError, match=r"activation must be one of 'sigmoid', 'tanh', got 'relu'"
    ):
        FocalMAELoss(activation="relu")
    with pytest.raises(ValueError, match=r"sample_weight has shape \(3, 2\); one weight is nee"):
        FocalMAELoss()(torch.zeros(3), torch.zeros(3), torch.ones(3, 2))
    with pytest.raises(ValueError, match=r"that is \(3,\), or for each entry, \(3, 2\)"):
        FocalMAELoss()(torch.zeros(3, 2), torch.zeros(3, 2), torch.ones(2))
    with pytest.raises(ValueError, match="sample_weight must be at least 0, got -1"):
        FocalMAELoss()(torch.zeros(3), torch.zeros(3), -torch.ones(3))
    with pytest.raises(ValueError, match="sample_weight must be finite, 3 of its 3 entries"):
        FocalMAELoss()(torch.zeros(3), torch.zeros(3), torch.full((3,), math.inf))
    with pytest.raises(ValueError, match=r"target has shape \(4,\)"):
        FocalMSELoss()(torch.zeros(3), torch.zeros(4))
