"""Training through a perfect fit: no NaN, and what the error does when it can be zero."""

from __future__ import annotations

import pytest
import torch

from gar_verify import GARLoss

RATE = 1e-2


def errors_of(form: str, dtype: torch.dtype) -> torch.Tensor:
    """Mean absolute error before each of 2,000 steps of SGD on labels linear in the inputs."""
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(64, 3, generator=generator, dtype=dtype)
    y = x @ torch.tensor([1.0, -2.0, 0.5], dtype=dtype) + 3
    model = torch.nn.Linear(3, 1, dtype=dtype)
    optimizer = torch.optim.SGD(model.parameters(), lr=RATE)
    loss = GARLoss(form=form)
    history = []
    for _ in range(2000):
        optimizer.zero_grad()
        prediction = model(x).squeeze(1)
        value = loss(prediction, y)
        value.backward()
        assert value.isfinite()
        optimizer.step()
        history.append((prediction.detach() - y).abs().mean())
    assert all(bool(p.isfinite().all()) for p in model.parameters())
    return torch.stack(history)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_power_mean_form_oscillates_under_the_step_size(dtype: torch.dtype) -> None:
    """Its gradient stays bounded, as that of the MAE: the error ends at the size of a step."""
    errors = errors_of("power_mean", dtype)
    assert errors[0] > 1
    assert errors[-200:].max() < 5 * RATE


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_log_form_oscillates_at_the_root_of_the_step_size(dtype: torch.dtype) -> None:
    """Its gradient grows as 1 / error, so a step of constant rate overshoots below sqrt(rate)."""
    errors = errors_of("log", dtype)
    assert errors[0] > 1
    assert errors[-200:].median() < 5 * RATE**0.5


@pytest.mark.parametrize("form", ["log", "power_mean"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_perfect_start_stays_perfect(form: str, dtype: torch.dtype) -> None:
    """At an error of exactly zero the gradient is zero, in either form: nothing moves."""
    x = torch.randn(64, 3, dtype=dtype)
    model = torch.nn.Linear(3, 1, dtype=dtype)
    y = model(x).squeeze(1).detach()
    optimizer = torch.optim.SGD(model.parameters(), lr=RATE)
    for _ in range(100):
        optimizer.zero_grad()
        GARLoss(form=form)(model(x).squeeze(1), y).backward()
        optimizer.step()
    assert torch.equal(model(x).squeeze(1), y)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_log_form_from_the_last_digit_of_a_perfect_fit(dtype: torch.dtype) -> None:
    """One unclipped step of rate / error throws it far off, where steps are small: finite, no more.

    Seen: mean errors of 1e4 in float32 and 6e12 in float64 after a rate of 0.01. This is the log
    form itself, not rounding; clipped gradients or ``form="power_mean"`` do not do it.
    """
    x = torch.randn(64, 3, dtype=dtype)
    model = torch.nn.Linear(3, 1, dtype=dtype)
    y = model(x).squeeze(1).detach()
    with torch.no_grad():
        model.bias += 8 * torch.finfo(dtype).eps
    optimizer = torch.optim.SGD(model.parameters(), lr=RATE)
    loss = GARLoss()
    for _ in range(50):
        optimizer.zero_grad()
        value = loss(model(x).squeeze(1), y)
        value.backward()
        assert value.isfinite()
        optimizer.step()
    assert all(bool(p.isfinite().all()) for p in model.parameters())
    assert (model(x).squeeze(1) - y).abs().mean() > 1
