"""ConR against the loops of its formula, and its degenerate batches."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from gar_verify.losses.conr import ConRLoss, conr_loss

SEEDS = st.integers(0, 10_000)


def loop(
    x: Tensor, y: Tensor, f: Tensor, w: float, t: float, e: float, v: Tensor | None = None
) -> Tensor:
    """The formula, with every sum written out."""
    n = len(x)
    unit = x / x.norm(dim=1, keepdim=True).clamp(min=1e-12)
    total = x.sum() * 0
    for i in range(n):
        delta = [(y[i] - y[j]).abs().mean() for j in range(n)]
        pi = [(f[i] - f[j]).abs().mean() for j in range(n)]
        s = [(unit[i] @ unit[j]) / t for j in range(n)]
        positive = [j for j in range(n) if j != i and delta[j] <= w]
        negative = [j for j in range(n) if delta[j] > w and pi[j] <= w]
        if not positive or not negative:
            continue
        row_weight = 1.0 if v is None else v[i]
        den = n - len(positive) + sum(s[j].exp() for j in positive)
        den = den + row_weight * sum((e * delta[j]).exp() * s[j].exp() for j in negative)
        total = total + row_weight * sum(den.log() - s[j] for j in positive) / len(positive)
    return total / n


def batch(seed: int, n: int, targets: int = 1, models: int | None = None):  # type: ignore[no-untyped-def]
    g = torch.Generator().manual_seed(seed)
    lead = () if models is None else (models,)

    def draw(columns: int) -> Tensor:
        return torch.randn(*lead, n, columns, generator=g, dtype=torch.float64)

    return draw(3).requires_grad_(), draw(targets), draw(targets)


@given(
    SEEDS,
    st.integers(1, 10),
    st.integers(1, 3),
    st.sampled_from([0.3, 1.0]),
    st.sampled_from([0.07, 0.5]),
    st.sampled_from([0.0, 0.01, 0.5]),
    st.booleans(),
)
def test_against_the_loop(
    seed: int, n: int, targets: int, w: float, t: float, e: float, weighted: bool
) -> None:
    x, y, f = batch(seed, n, targets)
    v = torch.rand(n, dtype=torch.float64) + 0.1 if weighted else None
    value, expected = ConRLoss(w, t, e)(x, y, f, v), loop(x, y, f, w, t, e, v)
    torch.testing.assert_close(value, expected, rtol=1e-10, atol=1e-14)
    (slope,), (expected_slope,) = torch.autograd.grad(value, x), torch.autograd.grad(expected, x)
    torch.testing.assert_close(slope, expected_slope, rtol=1e-8, atol=1e-11)


@given(SEEDS, st.integers(2, 10))
def test_a_permutation_of_the_rows_changes_nothing(seed: int, n: int) -> None:
    x, y, f = batch(seed, n)
    y = y.round()
    order = torch.randperm(n, generator=torch.Generator().manual_seed(seed))
    torch.testing.assert_close(conr_loss(x[order], y[order], f[order]), conr_loss(x, y, f))


def test_gradients() -> None:
    x, y, f = batch(1, 8)
    assert torch.autograd.gradcheck(lambda v: conr_loss(v, y, f, temperature=0.5), x)
    assert torch.autograd.gradgradcheck(lambda v: conr_loss(v, y, f, temperature=0.5), x)


def test_predictions_and_labels_get_no_gradient() -> None:
    x, y, f = batch(0, 8)
    value = conr_loss(x, y.requires_grad_(), f.requires_grad_())
    assert torch.autograd.grad(value, (y, f), allow_unused=True) == (None, None)


def test_stacked_is_one_at_a_time() -> None:
    x, y, f = batch(0, 8, models=3)
    w = torch.tensor([0.5, 1.0, 2.0], dtype=torch.float64)
    t = torch.tensor([0.07, 0.5, 1.0], dtype=torch.float64)
    e = torch.tensor([0.0, 0.01, 0.2], dtype=torch.float64)
    stacked = conr_loss(x, y, f, w, t, e)
    for i in range(3):
        one = conr_loss(x[i], y[i], f[i], w[i].item(), t[i].item(), e[i].item())
        torch.testing.assert_close(stacked[i], one)


def test_a_low_temperature_and_far_labels_do_not_overflow() -> None:
    x, y, f = batch(0, 12)
    y = torch.where(torch.arange(12).unsqueeze(-1) < 6, 0.1 * y, 1e5 + 0.1 * y)
    x = x.detach().float().requires_grad_()
    value = conr_loss(x, y.float(), 0 * f.float(), temperature=1e-3, push=0.01)
    (slope,) = torch.autograd.grad(value, x)
    assert value > 500
    assert torch.isfinite(slope).all()


# --- degenerate batches ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("y", "f"),
    [
        pytest.param([0.0], [0.0], id="one row"),
        pytest.param([0.0, 9.0, 18.0], [0.0, 0.0, 0.0], id="no positives"),
        pytest.param([0.0, 0.0, 0.0], [0.0, 0.0, 0.0], id="no negatives"),
        pytest.param([0.0, 9.0, 18.0], [0.0, 9.0, 18.0], id="neither"),
    ],
)
def test_rows_with_nothing_to_contrast_cost_nothing(y: list[float], f: list[float]) -> None:
    x = torch.randn(len(y), 3, requires_grad=True)
    value = ConRLoss()(x, torch.tensor(y), torch.tensor(f))
    value.backward()
    assert value.item() == 0
    assert torch.equal(x.grad, torch.zeros_like(x))


def test_some_rows_without_positives_leave_the_loss_finite() -> None:
    x, y, f = (
        torch.randn(4, 3, requires_grad=True),
        torch.tensor([0.0, 0.1, 5.0, 9.0]),
        torch.zeros(4),
    )
    value = ConRLoss()(x, y, f)
    value.backward()
    assert value > 0
    assert torch.isfinite(x.grad).all()


def test_a_row_of_zeros_is_a_vector_without_direction() -> None:
    x, y, f = batch(0, 6)
    x = x.detach().clone()
    x[2] = 0
    torch.testing.assert_close(
        conr_loss(x, y, f), loop(x, y, f, 1.0, 0.07, 0.01), rtol=1e-10, atol=0
    )


def test_a_weight_of_zero_leaves_a_row_out() -> None:
    x, y, f = batch(0, 8)
    v = torch.ones(8, dtype=torch.float64)
    v[3] = 0
    value = conr_loss(x, y, f, sample_weight=v)
    assert torch.isfinite(torch.autograd.grad(value, x)[0]).all()
    torch.testing.assert_close(value, loop(x, y, f, 1.0, 0.07, 0.01, v))


def test_a_weight_of_zero_has_a_gradient_itself() -> None:
    x, y, f = batch(0, 8)
    loss = ConRLoss(temperature=0.5)
    v = torch.ones(8, dtype=torch.float64, requires_grad=True)
    row = int(torch.autograd.grad(loss(x, y, f, v), v)[0].argmax())  # one that contrasts
    with torch.no_grad():
        v[row] = 0
    (slope,) = torch.autograd.grad(loss(x, y, f, v), v)
    step = torch.zeros(8, dtype=torch.float64)
    step[row] = 1e-7  # to the right: weights are not negative
    with torch.no_grad():
        difference = (loss(x, y, f, v + step) - loss(x, y, f, v)) / 1e-7
    assert slope.isfinite().all()
    assert slope[row].item() == pytest.approx(difference.item(), rel=1e-4)
    assert slope[row] > 0


@pytest.mark.parametrize("factor", [1e-8, 1e20, 1e38])
def test_the_length_of_features_does_not_count(factor: float) -> None:
    x, y, f = (t.detach().float() for t in batch(0, 8))
    far = (x * torch.tensor(factor, dtype=torch.float32) / 4).requires_grad_()
    value = ConRLoss(temperature=0.5)(far, y, f)
    torch.testing.assert_close(value, conr_loss(x, y, f, temperature=0.5))
    assert torch.isfinite(torch.autograd.grad(value, far)[0]).all()


def test_a_model_that_diverged_hurts_nobody_else() -> None:
    x, y, f = batch(0, 8, models=3)
    broken = x.detach().clone()
    broken[1] = math.nan
    f[1] = math.nan
    broken.requires_grad_()
    values = conr_loss(broken, y, f)
    sound = conr_loss(x, y, f)
    torch.testing.assert_close(values[[0, 2]], sound[[0, 2]])
    (slope,) = torch.autograd.grad(values.sum(), broken)
    assert torch.isfinite(slope[[0, 2]]).all()


def test_float32_is_accurate() -> None:
    x, y, f = batch(0, 32)
    value = conr_loss(x.float(), y.float(), f.float())
    assert value.dtype == torch.float32
    assert value.item() == pytest.approx(conr_loss(x, y, f).item(), rel=1e-4)


def test_layouts_agree() -> None:
    x, y, f = batch(0, 6)
    one = ConRLoss()(x, y, f)
    assert torch.equal(one, ConRLoss()(x, y.squeeze(-1), f.squeeze(-1)))
    weight = torch.ones(6, dtype=torch.float64)
    torch.testing.assert_close(one, ConRLoss()(x, y, f, weight))
    torch.testing.assert_close(one, ConRLoss()(x, y, f, weight.unsqueeze(-1)))


def test_errors() -> None:
    x, y = torch.randn(5, 3), torch.randn(5)
    with pytest.raises(ValueError, match=r"prediction has shape \(5, 1\) and target has shape \(5"):
        ConRLoss()(x, y, y.unsqueeze(-1))
    with pytest.raises(ValueError, match=r"features have shape \(5, 3\) and target has shape \(4"):
        ConRLoss()(x, y[:4], y[:4])
    with pytest.raises(ValueError, match=r"sample_weight has shape \(5, 2\); one weight is needed"):
        ConRLoss()(x, y, y, torch.ones(5, 2))
    with pytest.raises(ValueError, match=r"sample_weight must be at least 0"):
        ConRLoss()(x, y, y, -torch.ones(5))
    for name in ("distance", "push"):
        with pytest.raises(ValueError, match=f"{name} must be at least 0, got -1"):
            ConRLoss(**{name: -1})
    with pytest.raises(ValueError, match="temperature must be above 0, got 0"):
        ConRLoss(temperature=0)
