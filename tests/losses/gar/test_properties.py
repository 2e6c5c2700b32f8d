"""Properties of the loss on hostile data: of pairs, chunks, weights, copies and alpha."""

from __future__ import annotations

import itertools
import math
from functools import reduce

import pytest
import torch
from conditioning import assert_value_and_gradient, random_batch, well_conditioned
from hypothesis import assume, given
from hypothesis import strategies as st
from torch import Tensor

from gar_verify import GARLoss, gar_loss, kl_dro, pearson_loss
from gar_verify.formulas import Moments, merge
from gar_verify.losses.gar.accumulation import GARAccumulator
from gar_verify.losses.gar.autograd import evaluate
from gar_verify.losses.gar.distributed import Whole
from gar_verify.losses.gar.options import Options, Setting
from gar_verify.losses.gar.tensor_reader import batch_moments

ALPHAS = st.one_of(st.sampled_from([0.0, 0.5, 1.0, 10.0, math.inf]), st.floats(0.05, 20))
SEEDS = st.integers(0, 2**31)
POLICIES = st.sampled_from(["joint", "per_target"])
NUMBERS = st.one_of(
    st.sampled_from([0.0, 1.0, -1.0, 0.1, 1e-30, 1e30, 1e-300]),
    st.floats(-1e3, 1e3),
    st.floats(-1e60, 1e60, allow_subnormal=True),
)


# --- the definitions, with weights ----------------------------------------------------------------


def double_sum(x: Tensor, share: Tensor) -> Tensor:
    """sum_ij p_i p_j x_ij, for each target: (N, N, T) and (N, T) to (T,)."""
    return torch.einsum("it,jt,ijt->t", share, share, x)


def weighted_definition(f: Tensor, y: Tensor, w: Tensor, alpha: float, targets: str) -> Tensor:
    """GAR from weighted double sums over all pairs."""
    share = w / w.sum(0)
    df, dy = (x.unsqueeze(1) - x.unsqueeze(0) for x in (f, y))
    difference = double_sum((df - dy).square(), share) / 2
    norm_f, norm_y = double_sum(df.square(), share).sqrt(), double_sum(dy.square(), share).sqrt()
    pearson = double_sum((df / norm_f - dy / norm_y).square(), share) / 2
    losses = torch.stack([(share * (f - y).abs()).sum(0), difference, pearson])
    if targets == "joint":
        return kl_dro(losses.mean(1), alpha)
    return kl_dro(losses, alpha, dim=0).mean()


@given(SEEDS, st.integers(3, 40), st.integers(1, 4), ALPHAS, POLICIES)
def test_weights_weigh_pairs(seed: int, n: int, t: int, alpha: float, targets: str) -> None:
    f, y, w = random_batch(seed, n, t)
    assume(well_conditioned(f, y, w))
    value = gar_loss(f, y, alpha, w, targets=targets)
    assert_value_and_gradient(value, weighted_definition(f, y, w, alpha, targets), f)


@given(SEEDS, st.lists(st.integers(0, 3), min_size=5, max_size=12), ALPHAS, POLICIES)
def test_weights_are_repetitions_of_rows(
    seed: int, counts: list[int], alpha: float, targets: str
) -> None:
    assume(sum(c > 0 for c in counts) >= 3)
    f, y, _ = random_batch(seed, len(counts), 3)
    repeats = torch.tensor(counts)
    rows = y.repeat_interleave(repeats, 0)
    weight = 0.7 * repeats.double()
    for w in (weight, weight[:, None].expand(-1, 3)):
        value = gar_loss(f, y, alpha, w, targets=targets)
        assert_value_and_gradient(
            value, gar_loss(f.repeat_interleave(repeats, 0), rows, alpha, targets=targets), f
        )


@given(SEEDS, st.integers(3, 20), st.floats(1e-20, 1e20), ALPHAS)
def test_only_ratios_of_weights_count(seed: int, n: int, unit: float, alpha: float) -> None:
    f, y, w = random_batch(seed, n)
    assert_value_and_gradient(gar_loss(f, y, alpha, unit * w), gar_loss(f, y, alpha, w), f)


@given(SEEDS, st.integers(3, 20), st.integers(2, 5), ALPHAS, POLICIES)
def test_a_batch_repeated_has_the_same_value_and_gradient(
    seed: int, n: int, times: int, alpha: float, targets: str
) -> None:
    f, y, w = random_batch(seed, n, 2)
    copies = (x.repeat(times, 1) for x in (f, y, w))
    a, b, c = copies
    assert_value_and_gradient(
        gar_loss(a, b, alpha, c, targets=targets), gar_loss(f, y, alpha, w, targets=targets), f
    )


# --- chunks ---------------------------------------------------------------------------------------


def value_of(m: Moments, alpha: float, targets: str) -> Tensor:
    """The loss of a batch of which only the moments are known."""
    relative = Moments(*(x.unsqueeze(0) for x in m))
    sample = torch.zeros_like(relative.mean_y)
    setting = Setting(Options(targets=targets), whole=Whole(relative, (sample, sample), None))
    return evaluate(sample, sample, None, alpha, setting)[0]


@given(SEEDS, st.lists(st.integers(1, 6), min_size=3, max_size=6), ALPHAS, POLICIES)
def test_merging_is_associative_and_commutative_in_the_loss(
    seed: int, sizes: list[int], alpha: float, targets: str
) -> None:
    f, y, w = random_batch(seed, sum(sizes), 2)
    parts = zip(f.detach().split(sizes), y.split(sizes), w.split(sizes), strict=True)
    chunks = [batch_moments(a, b, 0, c) for a, b, c in parts]
    expected = gar_loss(f.detach(), y, alpha, w, targets=targets)
    from_left, from_right = reduce(merge, chunks), reduce(lambda b, a: merge(a, b), chunks[::-1])
    half = len(chunks) // 2
    halves = merge(reduce(merge, chunks[:half]), reduce(merge, chunks[half:]))
    for m in (from_left, from_right, halves, reduce(merge, chunks[::-1])):
        torch.testing.assert_close(value_of(m, alpha, targets), expected, rtol=1e-11, atol=1e-11)


@given(SEEDS, st.lists(st.integers(1, 6), min_size=2, max_size=5), ALPHAS)
def test_how_a_batch_is_cut_changes_nothing(seed: int, sizes: list[int], alpha: float) -> None:
    assume(sum(sizes) >= 3)
    f, y, _ = random_batch(seed, sum(sizes), 2)
    values = []
    for cut in (sizes, sizes[::-1], [1] * sum(sizes)):
        accumulator = GARAccumulator(GARLoss(alpha))
        for a, b in zip(f.split(cut), y.split(cut), strict=True):
            accumulator.observe(a, b)
        values.append(accumulator.value)
    torch.testing.assert_close(values[1:], values[:1] * 2, rtol=1e-12, atol=1e-12)


# --- ranges ---------------------------------------------------------------------------------------


@given(st.lists(st.tuples(NUMBERS, NUMBERS), min_size=1, max_size=30))
def test_one_minus_pearson_stays_within_its_range(pairs: list[tuple[float, float]]) -> None:
    f, y = torch.tensor(pairs, dtype=torch.float64).unbind(1)
    value = pearson_loss(f, y).item()
    assert 0 <= value <= 2 + 1e-14
    assert pearson_loss(y, y).item() == 0


@given(
    st.lists(st.tuples(NUMBERS, NUMBERS), min_size=1, max_size=20),
    st.lists(ALPHAS, min_size=2, max_size=6),
)
def test_never_increases_with_alpha(pairs: list[tuple[float, float]], alphas: list[float]) -> None:
    f, y = torch.tensor(pairs, dtype=torch.float64).unbind(1)
    values = [gar_loss(f, y, alpha).item() for alpha in sorted(alphas)]
    for one, two in itertools.pairwise(values):
        assert one >= two - 1e-9 * (1 + abs(two))


@pytest.mark.parametrize("scale", [1e-200, 1e-150, 1e150, 1e200])
def test_float64_beyond_its_squares_is_nan_or_finite_but_never_infinite(scale: float) -> None:
    """Squares of 1e200 overflow: NaN says so. Those of 1e-200 underflow: constants, as it were."""
    f, y, _ = random_batch(0, 9)
    f = (f.detach() * scale).requires_grad_()
    value = gar_loss(f, y * scale)
    (gradient,) = torch.autograd.grad(value, f)
    assert value.isnan() if scale == 1e200 else value.isfinite()
    assert bool(gradient.isnan().all() if scale == 1e200 else gradient.isfinite().all())
