"""KL-DRO: its limits, its monotonicity, its range, its errors (the paper's proposition)."""

from __future__ import annotations

import itertools
import math

import mpmath
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from gar_verify import formulas, kl_dro
from gar_verify.losses.gar.aggregation import GEOMETRIC_FROM

LOG_LOSSES = st.lists(st.floats(-60, 60), min_size=1, max_size=6)
ALPHAS = st.floats(1e-3, 1e3)


def exact(log_losses: list[float], alpha: float) -> float:
    """The same formula with 60 digits."""
    with mpmath.workdps(60):
        logs = np.array([mpmath.mpf(x) for x in log_losses])
        powers = np.array([mpmath.exp(x / mpmath.mpf(alpha)) for x in logs])
        return float(mpmath.mpf(alpha) * mpmath.log(powers.sum() / len(logs)))


@given(LOG_LOSSES, ALPHAS)
def test_equals_the_definition_in_60_digits(log_losses: list[float], alpha: float) -> None:
    losses = torch.tensor(log_losses, dtype=torch.float64).exp()
    expected = exact(losses.log().tolist(), alpha)
    assert kl_dro(losses, alpha).item() == pytest.approx(expected, rel=1e-12, abs=1e-12)


@given(LOG_LOSSES)
def test_the_three_named_alphas(log_losses: list[float]) -> None:
    losses = torch.tensor(log_losses, dtype=torch.float64).exp()
    assert kl_dro(losses, 0).item() == losses.max().log().item()
    assert kl_dro(losses, 1).item() == pytest.approx(losses.mean().log().item(), abs=1e-13)
    assert kl_dro(losses, math.inf).item() == pytest.approx(losses.log().mean().item(), abs=1e-13)


@given(st.lists(st.floats(-30, 30), min_size=3, max_size=3))
def test_float32_from_1e_minus_30_to_1e30_approaches_both_ends(exponents: list[float]) -> None:
    losses = torch.tensor([10.0**e for e in exponents])
    small, large = kl_dro(losses, 1e-3), kl_dro(losses, 1e3)
    assert small.dtype == torch.float32
    # The squeeze of the proposition: max - alpha log M <= L_KL <= max.
    gap = (kl_dro(losses, 0) - small).item()
    assert -1e-5 <= gap <= 1e-3 * math.log(3) + 1e-5
    # mean log <= L_KL <= mean log + range^2 / (8 alpha) (Hoeffding's lemma).
    spread = (losses.max().double().log() - losses.min().double().log()).item()
    gap = (large - kl_dro(losses, math.inf)).item()
    assert -2e-5 <= gap <= spread**2 / 8e3 + 2e-5


@given(LOG_LOSSES, ALPHAS, ALPHAS)
def test_never_increases_with_alpha(log_losses: list[float], one: float, two: float) -> None:
    losses = torch.tensor(log_losses, dtype=torch.float64).exp()
    low, high = sorted((one, two))
    values = [kl_dro(losses, a).item() for a in (0, low, high, math.inf)]
    assert all(a >= b - 1e-11 for a, b in itertools.pairwise(values))


@given(LOG_LOSSES, st.one_of(ALPHAS, st.just(0.0), st.just(math.inf)))
def test_gradient_is_p_over_loss(log_losses: list[float], alpha: float) -> None:
    losses = torch.tensor(log_losses, dtype=torch.float64).exp().requires_grad_()
    (gradient,) = torch.autograd.grad(kl_dro(losses, alpha), losses)
    p = gradient * losses.detach()
    assert p.sum().item() == pytest.approx(1, abs=1e-9)
    assert bool((p >= 0).all())


def test_large_alpha_meets_the_geometric_mean_without_a_jump() -> None:
    losses = torch.tensor([1e-3, 0.5, 40.0], dtype=torch.float64)
    below = kl_dro(losses, GEOMETRIC_FROM * 0.99).item()
    assert below == pytest.approx(kl_dro(losses, math.inf).item(), abs=2e-7)
    assert kl_dro(losses, 1e300).item() == kl_dro(losses, math.inf).item()


def test_power_mean_is_the_exponential_and_dim_is_respected() -> None:
    losses = torch.rand(4, 3, 5, dtype=torch.float64) + 0.1
    for dim in (0, 1, -1):
        log = kl_dro(losses, 0.7, dim=dim)
        assert log.shape == losses.sum(dim).shape
        torch.testing.assert_close(kl_dro(losses, 0.7, dim=dim, form="power_mean"), log.exp())


@pytest.mark.parametrize("alpha", [0, 0.3, 1, 4.0, math.inf])
def test_zero_losses_have_a_finite_value_and_gradient(alpha: float) -> None:
    for values in ([0.0, 0.0, 0.0], [0.0, 1.0, 2.0]):
        losses = torch.tensor(values, requires_grad=True)
        value = kl_dro(losses, alpha)
        value.backward()
        assert math.isfinite(value.item())
        assert losses.grad is not None
        assert bool(losses.grad.isfinite().all())


def test_nan_is_propagated() -> None:
    for alpha in (0, 0.5, math.inf):
        assert kl_dro(torch.tensor([1.0, math.nan]), alpha).isnan()


def test_the_shift_changes_nothing() -> None:
    logs = np.array([-1.0, 0.5, 2.0])
    values = [formulas.kl_dro(logs, 0.8, s, np.mean, np) for s in (-3.0, 0.0, 2.0)]
    np.testing.assert_allclose(values, values[0], rtol=1e-14)


@pytest.mark.parametrize(
    ("alpha", "error", "message"),
    [
        (-0.1, ValueError, r"alpha must lie in \[0, inf\].*got -0.1"),
        (math.nan, ValueError, "got nan"),
        ("0.5", TypeError, "alpha must be a number.*'0.5' of type str"),
        (True, TypeError, "of type bool"),
        (None, TypeError, "of type NoneType"),
    ],
)
def test_bad_alpha_is_named(alpha: float, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        kl_dro(torch.ones(3), alpha)


def test_bad_losses_and_forms_are_named() -> None:
    with pytest.raises(TypeError, match=r"floating-point tensor, got torch.int64"):
        kl_dro(torch.tensor([1, 2]), 1)
    with pytest.raises(TypeError, match="got list"):
        kl_dro([1.0, 2.0], 1)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"at least one sub-loss along dim 1.*\(3, 0\)"):
        kl_dro(torch.ones(3, 0), 1, dim=1)
    with pytest.raises(ValueError, match="form must be one of 'log', 'power_mean', got 'exp'"):
        kl_dro(torch.ones(3), 1, form="exp")
