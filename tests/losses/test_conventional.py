"""MAE, MSE and Huber against a loop over the entries, and their gradients."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from gar_verify.losses.conventional import (
    HuberLoss,
    MAELoss,
    MSELoss,
    huber_loss,
    mae_loss,
    mse_loss,
)
from gar_verify.losses.focal import FocalMAELoss, FocalMSELoss

DELTA = 0.7


def huber(e: float) -> float:
    return e * e / 2 if abs(e) <= DELTA else DELTA * (abs(e) - DELTA / 2)


LOSSES: dict[str, tuple[nn.Module, Callable[[float], float]]] = {
    "mae": (MAELoss(), abs),
    "mse": (MSELoss(), lambda e: e * e),
    "huber": (HuberLoss(DELTA), huber),
}


def loop(loss: Callable[[float], float], input: Tensor, target: Tensor) -> float:
    errors = (input - target).flatten().tolist()
    return sum(loss(e) for e in errors) / len(errors)


def batch(*shape: int, dtype: torch.dtype = torch.float64) -> tuple[Tensor, Tensor]:
    return torch.randn(shape, dtype=dtype), torch.randn(shape, dtype=dtype)


@pytest.mark.parametrize("name", LOSSES)
@given(data=st.data())
def test_against_a_loop(name: str, data: st.DataObject) -> None:
    n, targets = data.draw(st.integers(1, 9)), data.draw(st.integers(1, 3))
    entries = st.lists(st.floats(-100, 100), min_size=n * targets, max_size=n * targets)
    f = torch.tensor(data.draw(entries), dtype=torch.float64).reshape(n, targets)
    y = torch.tensor(data.draw(entries), dtype=torch.float64).reshape(n, targets)
    module, one = LOSSES[name]
    assert module(f, y).item() == pytest.approx(loop(one, f, y), rel=1e-12, abs=1e-300)


@pytest.mark.parametrize("shape", [(6,), (6, 2), (3, 6, 2)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_reductions_are_those_of_torch(shape: tuple[int, ...], dtype: torch.dtype) -> None:
    f, y = batch(*shape, dtype=dtype)
    pairs = (
        (MAELoss, nn.L1Loss, {}),
        (MSELoss, nn.MSELoss, {}),
        (HuberLoss, nn.HuberLoss, {"delta": DELTA}),
    )
    for ours, theirs, options in pairs:
        entries = ours(**options, reduction="none")(input=f, target=y)
        torch.testing.assert_close(entries, theirs(**options, reduction="none")(f, y))
        total = ours(**options, reduction="sum")(f, y).sum()  # over the leading models
        torch.testing.assert_close(total, theirs(**options, reduction="sum")(f, y))
        mean = ours(**options, reduction="mean")(f, y).mean()
        torch.testing.assert_close(mean, theirs(**options)(f, y))
        assert "reduction='sum'" in repr(ours(**options, reduction="sum"))
    for module in (FocalMAELoss, FocalMSELoss):
        weight = torch.rand(shape, dtype=dtype)
        entries = module(reduction="none")(f, y, weight)
        assert entries.shape == f.shape
        mean, total = (module(reduction=r)(f, y, weight).sum() for r in ("mean", "sum"))
        models = f.shape[:-2].numel()
        torch.testing.assert_close(entries.sum(), total)
        torch.testing.assert_close(entries.mean() * models, mean)
    with pytest.raises(ValueError, match="reduction must be one of 'mean', 'sum', 'none', got 'b"):
        MAELoss(reduction="batchmean")  # type: ignore[arg-type]


@pytest.mark.parametrize("name", LOSSES)
def test_layouts_agree(name: str) -> None:
    module, _ = LOSSES[name]
    f, y = batch(6)
    assert torch.equal(module(f, y), module(f.reshape(6, 1), y.reshape(6, 1)))
    assert module(f, y).shape == ()


@pytest.mark.parametrize("name", LOSSES)
def test_stacked_is_one_at_a_time(name: str) -> None:
    module, _ = LOSSES[name]
    f, y = batch(2, 3, 5, 2)
    stacked = module(f, y)
    assert stacked.shape == (2, 3)
    for i in range(2):
        for j in range(3):
            torch.testing.assert_close(stacked[i, j], module(f[i, j], y[i, j]))


def test_one_delta_for_each_model() -> None:
    f, y = batch(3, 5, 1)
    deltas = torch.tensor([0.1, 1.0, 9.0], dtype=torch.float64)
    stacked = huber_loss(f, y, deltas)
    for i, delta in enumerate(deltas.tolist()):
        torch.testing.assert_close(stacked[i], huber_loss(f[i], y[i], delta))


@pytest.mark.parametrize("name", LOSSES)
def test_gradients(name: str) -> None:
    module, _ = LOSSES[name]
    f, y = batch(2, 6, 2)
    assert torch.autograd.gradcheck(module, (f.requires_grad_(), y.requires_grad_()))
    assert torch.autograd.gradgradcheck(module, (f, y))


def test_the_gradient_of_a_perfect_prediction_is_zero() -> None:
    for module, _ in LOSSES.values():
        f = torch.randn(4, requires_grad=True)
        module(f, f.detach()).backward()
        assert torch.equal(f.grad, torch.zeros(4))


def test_huber_clips_the_error() -> None:
    f = torch.tensor([-3.0, -0.5, 0.0, 0.7, 2.0], dtype=torch.float64, requires_grad=True)
    huber_loss(f.unsqueeze(-1), torch.zeros_like(f).unsqueeze(-1), DELTA).backward()
    expected = torch.tensor([-DELTA, -0.5, 0.0, 0.7, DELTA], dtype=torch.float64) / 5
    torch.testing.assert_close(f.grad, expected)


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_summed_in_float32(name: str, dtype: torch.dtype) -> None:
    module, _ = LOSSES[name]
    f, y = batch(4096, dtype=torch.float32)
    f, y = (f + 100).to(dtype), (y + 100).to(dtype)
    value = module(f, y)
    assert value.dtype == torch.float32
    torch.testing.assert_close(value, module(f.float(), y.float()))


@pytest.mark.parametrize("name", LOSSES)
def test_nothing_is_broadcast(name: str) -> None:
    module, _ = LOSSES[name]
    with pytest.raises(ValueError, match=r"input has shape \(5, 1\) and target has shape \(5,\)"):
        module(torch.zeros(5, 1), torch.zeros(5))
    with pytest.raises(TypeError, match="target must hold floating-point numbers"):
        module(torch.zeros(5), torch.zeros(5, dtype=torch.int64))


def test_the_cores_check_shapes_too() -> None:
    for core in (mae_loss, mse_loss, huber_loss):
        with pytest.raises(ValueError, match="nothing is broadcast"):
            core(torch.zeros(5, 1), torch.zeros(5, 2))


def test_delta_must_be_positive() -> None:
    with pytest.raises(ValueError, match=r"delta must be above 0, got -1\.0"):
        HuberLoss(-1.0)
