"""RankSim against loops over rows and entries, its black-box backward and its random choice."""

from __future__ import annotations

import math
from collections import Counter

import pytest
import torch
from featured import batch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from gar_verify.losses._distinct import distinct_rows, draw_numbers
from gar_verify.losses.ranksim import RankSimLoss, ranks, ranksim_loss

SEEDS = st.integers(0, 10_000)


def rank(v: list[float]) -> list[float]:
    """Descending rank over n; of equal entries the later one comes first."""
    n = len(v)
    return [sum(v[k] > v[j] or (v[k] == v[j] and k >= j) for k in range(n)) / n for j in range(n)]


def similarities(x: Tensor) -> Tensor:
    unit = x / x.norm(dim=1, keepdim=True).clamp(min=1e-12)
    return unit @ unit.T


def loop(x: Tensor, y: Tensor, strength: float, weight: float) -> tuple[float, Tensor]:
    """Value, and gradient by the black-box rule, of rows that all stay."""
    n, targets = y.shape
    x = x.detach().requires_grad_()
    s = similarities(x)
    value, slope = 0.0, torch.zeros_like(s)
    for i in range(n):
        row = s[i].tolist()
        a = rank(row)
        b = [
            rank([-abs(y[i, d].item() - y[j, d].item()) for j in range(n)]) for d in range(targets)
        ]
        value += sum((a[j] - b[d][j]) ** 2 for j in range(n) for d in range(targets)) / n / targets
        g = [
            weight * 2 * sum(a[j] - b[d][j] for d in range(targets)) / n / targets for j in range(n)
        ]
        after = rank([row[j] + strength * g[j] for j in range(n)])
        for j in range(n):
            slope[i, j] = (after[j] - a[j]) / (strength + 1e-8)
    (gradient,) = torch.autograd.grad(s, x, slope.detach())
    return weight * value, gradient


@given(
    SEEDS,
    st.integers(1, 12),
    st.integers(1, 3),
    st.sampled_from([0.5, 1.0, 2.0]),
    st.sampled_from([1.0, 100.0]),
)
def test_against_the_loop(seed: int, n: int, targets: int, strength: float, weight: float) -> None:
    x, y = batch(seed, n, targets=targets)
    value = RankSimLoss(strength, weight)(x, y)
    (slope,) = torch.autograd.grad(value, x)
    expected, expected_slope = loop(x, y, strength, weight)
    assert value.item() == pytest.approx(expected, rel=1e-12)
    torch.testing.assert_close(slope, expected_slope, rtol=1e-9, atol=1e-9)


@given(SEEDS, st.integers(3, 20))
def test_tied_label_distances_are_broken_by_position(seed: int, n: int) -> None:
    """Equal distances, distinct labels: the same on every platform, also for n >= 17."""
    x, _ = batch(seed, n)
    g = torch.Generator().manual_seed(seed)
    y = torch.randperm(n, generator=g).double().unsqueeze(-1)
    value, slope = loop(x, y, 2.0, 1.0)
    result = ranksim_loss(x, y)
    assert result.item() == pytest.approx(value, rel=1e-12)
    torch.testing.assert_close(torch.autograd.grad(result, x)[0], slope, rtol=1e-9, atol=1e-9)


def test_the_weight_acts_inside_the_backward() -> None:
    x, y = batch(0, 8)
    (slope,) = torch.autograd.grad(ranksim_loss(x, y, 2.0, 1.0), x)
    (inside,) = torch.autograd.grad(ranksim_loss(x, y, 2.0, 100.0), x)
    published = 100 * ranksim_loss(x, y, 2.0, 1.0, upstream_inside=True)
    torch.testing.assert_close(torch.autograd.grad(published, x)[0], inside)
    assert not torch.allclose(inside, 100 * slope)
    torch.testing.assert_close(ranksim_loss(x, y, 2.0, 100.0), 100 * ranksim_loss(x, y, 2.0, 1.0))


@pytest.mark.parametrize("factor", [65536.0, 1 / 64, 0.0])
def test_a_factor_put_on_the_result_scales_the_gradient(factor: float) -> None:
    """Of loss scaling and of gradient accumulation; one for each model."""
    x, y = batch(0, 8, models=2)
    factors = torch.tensor([1.0, factor], dtype=torch.float64)
    loss = RankSimLoss(weight=100.0)
    (slope,) = torch.autograd.grad(loss(x, y).sum(), x)
    (scaled,) = torch.autograd.grad((factors * loss(x, y)).sum(), x)
    torch.testing.assert_close(scaled, factors[:, None, None] * slope, rtol=1e-12, atol=0)
    assert slope.abs().max() > 0.1


def test_the_published_backward_is_kept_as_an_option() -> None:
    x, y = batch(0, 8)
    loss = RankSimLoss(upstream_inside=True)
    assert "upstream_inside=True" in repr(loss)
    (slope,) = torch.autograd.grad(65536 * loss(x, y), x)
    _, expected = loop(x, y, 2.0, 65536.0)
    torch.testing.assert_close(slope, expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("factor", [1e20, 1e38])
def test_far_features_are_ranked_by_their_direction(factor: float) -> None:
    x, y = batch(0, 8)
    near = x.detach().float()
    far = (near * torch.tensor(factor, dtype=torch.float32) / 4).requires_grad_()
    value = RankSimLoss()(far, y.float())
    assert value.item() == pytest.approx(ranksim_loss(near, y.float()).item(), rel=1e-6)
    assert torch.isfinite(torch.autograd.grad(value, far)[0]).all()


def test_masked_rows_are_the_rows_that_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where numbers are not read, all rows are kept and masked: value and gradient agree."""
    x, y = batch(0, 12, models=3)
    y = y.round()
    numbers = torch.rand(3, 12)
    here = ranksim_loss(x, y, draw=numbers)
    for module in ("ranksim", "_distinct", "_pairs"):
        monkeypatch.setattr(f"gar_verify.losses.{module}.values_readable", lambda tensor: False)
    there = ranksim_loss(x, y, draw=numbers)
    torch.testing.assert_close(there, here)
    slopes = [torch.autograd.grad(value.sum(), x)[0] for value in (here, there)]
    torch.testing.assert_close(*slopes)


def test_without_interpolation_there_is_no_gradient() -> None:
    x, y = batch(0, 8)
    (slope,) = torch.autograd.grad(ranksim_loss(x, y, 0.0, 100.0), x)
    assert torch.equal(slope, torch.zeros_like(x))


def test_features_in_the_order_of_the_labels_cost_nothing() -> None:
    angle = torch.tensor([0.1, 0.3, 0.45, 0.85], dtype=torch.float64)
    x = torch.stack((angle.cos(), angle.sin()), dim=1).requires_grad_()
    value = RankSimLoss()(x, angle)
    assert value.item() == 0
    assert torch.equal(torch.autograd.grad(value, x)[0], torch.zeros_like(x))


@given(st.lists(st.integers(-3, 3), min_size=1, max_size=9))
def test_ranks(v: list[int]) -> None:
    n = len(v)
    result = ranks(torch.tensor(v, dtype=torch.float32), n)
    assert result.tolist() == pytest.approx(rank([float(k) for k in v]))


# --- the random choice -------------------------------------------------------------------------


@given(SEEDS, st.integers(1, 15), st.integers(1, 2))
def test_one_row_for_each_distinct_label_in_ascending_order(
    seed: int, n: int, targets: int
) -> None:
    g = torch.Generator().manual_seed(seed)
    y = torch.randint(0, 3, (n, targets), generator=g).double()
    rows, count = distinct_rows(y, torch.rand(n, generator=g))
    labels = [tuple(label) for label in y.tolist()]
    kept = [labels[r] for r in rows.tolist()]
    assert count.item() == len(set(labels))
    if count.item() < n:
        assert kept == sorted(set(labels))
    else:
        assert rows.tolist() == list(range(n))


def test_all_rows_stay_as_they_are_without_repeated_labels() -> None:
    y = torch.tensor([[3.0], [1.0], [2.0]])
    rows, count = distinct_rows(y, torch.rand(3))
    assert rows.tolist() == [0, 1, 2]
    assert count.item() == 3


def test_every_row_of_a_label_is_drawn_equally_often() -> None:
    y = torch.tensor([1.0, 0.0, 1.0, 1.0]).reshape(1, 4, 1).expand(3000, 4, 1)
    rows, _ = distinct_rows(y, torch.rand(3000, 4))
    drawn = Counter(rows[:, 1].tolist())
    assert set(drawn) == {0, 2, 3}
    assert all(900 < k < 1100 for k in drawn.values())


def test_repeated_labels_leave_the_drawn_rows() -> None:
    x, y = batch(0, 10)
    y = (2 * y).round()
    numbers = torch.rand(10)
    rows, count = distinct_rows(y, numbers)
    assert 2 < count < 10
    value = ranksim_loss(x, y, draw=numbers)
    (slope,) = torch.autograd.grad(value, x)
    expected, expected_slope = loop(x[rows], y[rows], 2.0, 1.0)
    assert value.item() == pytest.approx(expected, rel=1e-12)
    torch.testing.assert_close(slope[rows], expected_slope)
    left_out = [r for r in range(10) if r not in rows.tolist()]
    assert torch.equal(slope[left_out], torch.zeros_like(slope[left_out]))
    torch.testing.assert_close(ranksim_loss(x, y, keep=rows), value)


def test_a_generator_makes_the_choice_repeatable() -> None:
    x, y = batch(0, 40)
    y = y.round()

    def value(seed: int) -> float:
        return RankSimLoss(generator=torch.Generator().manual_seed(seed))(x, y).item()

    assert value(1) == value(1)
    assert len({value(seed) for seed in range(20)}) > 1


def test_each_model_has_its_own_random_numbers() -> None:
    """What a model draws does not depend on the models it is trained with."""

    def generators(*seeds: int) -> list[torch.Generator]:
        return [torch.Generator().manual_seed(seed) for seed in seeds]

    device = torch.device("cpu")
    both = draw_numbers(generators(1, 2), torch.Size([2, 6]), device)
    alone = draw_numbers(generators(2), torch.Size([1, 6]), device)
    assert torch.equal(both[1], alone[0])


# --- stacks ------------------------------------------------------------------------------------


@pytest.mark.parametrize("levels", [[None] * 4, [1, None, 2, 0], [0, 0, 0, 0]])
def test_stacked_is_one_at_a_time(levels: list[int | None]) -> None:
    """Models keep different numbers of rows; levels: distinct labels per unit, None for all."""
    x, y = batch(0, 9, models=4)
    for i, level in enumerate(levels):
        if level is not None:
            y[i] = (level * y[i]).round()
    numbers = torch.rand(4, 9)
    strength = torch.tensor([0.5, 1.0, 2.0, 0.0], dtype=torch.float64)
    weight = torch.tensor([1.0, 100.0, 100.0, 1.0], dtype=torch.float64)
    stacked = ranksim_loss(x, y, strength, weight, numbers)
    (slope,) = torch.autograd.grad(stacked.sum(), x)
    for i in range(4):
        one = x[i].detach().requires_grad_()
        value = ranksim_loss(one, y[i], strength[i].item(), weight[i].item(), numbers[i])
        torch.testing.assert_close(stacked[i], value)
        torch.testing.assert_close(slope[i], torch.autograd.grad(value, one)[0])


def test_a_model_that_diverged_hurts_nobody_else() -> None:
    x, y = batch(0, 9, models=3)
    broken = x.detach().clone()
    broken[1] = math.nan
    broken.requires_grad_()
    values = ranksim_loss(broken, y)
    (slope,) = torch.autograd.grad(values.sum(), broken)
    sound = ranksim_loss(x, y)
    torch.testing.assert_close(values[[0, 2]], sound[[0, 2]])
    torch.testing.assert_close(slope[[0, 2]], torch.autograd.grad(sound.sum(), x)[0][[0, 2]])


# --- degenerate batches, layouts and errors ----------------------------------------------------


@pytest.mark.parametrize("n", [1, 2])
def test_one_or_two_rows_are_always_in_order(n: int) -> None:
    x, y = batch(0, n)
    value = RankSimLoss(weight=100.0)(x, y)
    assert value.item() == 0
    assert torch.equal(torch.autograd.grad(value, x)[0], torch.zeros_like(x))


def test_constant_labels_leave_one_row() -> None:
    x, _ = batch(0, 6)
    value = RankSimLoss()(x, torch.ones(6, dtype=torch.float64))
    assert value.item() == 0
    assert torch.equal(torch.autograd.grad(value, x)[0], torch.zeros_like(x))


def test_float32_ranks_like_float64() -> None:
    x, y = batch(0, 50)
    value = ranksim_loss(x.float(), y.float())
    assert value.dtype == torch.float32
    assert value.item() == pytest.approx(ranksim_loss(x, y).item(), rel=1e-5)


def test_label_layouts_agree() -> None:
    x, y = batch(0, 6)
    assert torch.equal(RankSimLoss()(x, y), RankSimLoss()(x, y.squeeze(-1)))


def test_errors() -> None:
    x, y = torch.randn(5, 3), torch.randn(5)
    with pytest.raises(ValueError, match=r"interpolation must be at least 0, got -1"):
        RankSimLoss(interpolation=-1)
    with pytest.raises(ValueError, match=r"weight must be at least 0, got -1"):
        RankSimLoss(weight=-1)
    with pytest.raises(ValueError, match=r"features have shape \(5, 3\) and target has shape \(4"):
        RankSimLoss()(x, y[:4])
    with pytest.raises(ValueError, match=r"keep must name rows between 0 and 4, got \[0, 5\]"):
        RankSimLoss()(x, y, keep=torch.tensor([0, 5]))
    with pytest.raises(TypeError, match=r"keep must hold indices of rows \(torch.int64\)"):
        RankSimLoss()(x, y, keep=torch.ones(5, dtype=torch.bool))
    with pytest.raises(ValueError, match=r"random numbers have shape \(4,\); one is needed for e"):
        ranksim_loss(x, y.unsqueeze(-1), draw=torch.rand(4))
    with pytest.raises(ValueError, match=r"got 2 generators for 1 models"):
        ranksim_loss(x, y.unsqueeze(-1), draw=[torch.Generator(), torch.Generator()])
