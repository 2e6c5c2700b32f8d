"""Moments of tensors: against numpy, merged over chunks, with weights as repetitions."""

from __future__ import annotations

import math
from functools import reduce

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from gar_verify.formulas import Moments, merge
from gar_verify.losses.gar.tensor_reader import batch_moments

SEEDS = st.integers(0, 2**31)


def random_batch(seed: int, n: int, *more: int) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    y = torch.randn(n, *more, generator=generator, dtype=torch.float64)
    scale = 10 ** (2 * torch.rand(1, generator=generator, dtype=torch.float64) - 1)
    noise = torch.randn(n, *more, generator=generator, dtype=torch.float64)
    return scale * y + noise + 3, y


def assert_same(a: Moments, b: Moments, rtol: float = 1e-10) -> None:
    for name, x, z in zip(Moments._fields, a, b, strict=True):
        torch.testing.assert_close(x, z, rtol=rtol, atol=1e-12, msg=lambda s, n=name: f"{n}: {s}")


@given(SEEDS, st.integers(2, 50))
def test_equal_numpy(seed: int, n: int) -> None:
    f, y = random_batch(seed, n)
    m = batch_moments(f, y)
    d = (f - y).numpy()
    cov = np.cov(d, y.numpy(), bias=True)
    assert m.mean_d.item() == pytest.approx(d.mean(), abs=1e-12)
    assert m.mean_y.item() == pytest.approx(y.mean().item(), abs=1e-12)
    assert m.var_y.item() == pytest.approx(cov[1, 1])
    assert m.slope.item() == pytest.approx(cov[0, 1] / cov[1, 1])
    assert m.var_r.item() == pytest.approx(
        cov[0, 0] - cov[0, 1] ** 2 / cov[1, 1], rel=1e-8, abs=1e-12
    )
    assert m.conventional.item() == pytest.approx(np.abs(d).mean())
    assert m.weight.item() == n


@given(SEEDS, st.lists(st.integers(1, 9), min_size=2, max_size=5))
def test_merging_chunks_gives_the_moments_of_the_whole(seed: int, sizes: list[int]) -> None:
    f, y = random_batch(seed, sum(sizes), 2)
    chunks = [batch_moments(a, b) for a, b in zip(f.split(sizes), y.split(sizes), strict=True)]
    assert_same(reduce(merge, chunks), batch_moments(f, y))
    assert_same(reduce(merge, chunks[::-1]), batch_moments(f, y))
    if len(chunks) > 2:  # associative
        a, b, c = chunks[:3]
        assert_same(merge(merge(a, b), c), merge(a, merge(b, c)))


@given(SEEDS, st.lists(st.integers(0, 3), min_size=3, max_size=12).filter(any))
def test_integer_weights_are_repetitions(seed: int, counts: list[int]) -> None:
    f, y = random_batch(seed, len(counts))
    repeats = torch.tensor(counts)
    weighted = batch_moments(f, y, sample_weight=repeats.double())
    repeated = batch_moments(f.repeat_interleave(repeats), y.repeat_interleave(repeats))
    assert_same(weighted, repeated)


def test_a_zero_weight_hides_what_it_weighs() -> None:
    f, y = random_batch(0, 6)
    weight = torch.ones(6, dtype=torch.float64)
    weight[[0, 3]] = 0
    expected = batch_moments(f[[1, 2, 4, 5]], y[[1, 2, 4, 5]])
    f[0], y[3] = math.nan, math.inf
    assert_same(batch_moments(f, y, sample_weight=weight), expected)


@pytest.mark.parametrize("constant", [0.1, 1e-30, 123.456, -7e20])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_constants_have_exactly_no_variance(constant: float, dtype: torch.dtype) -> None:
    y = torch.randn(37, dtype=dtype)
    flat = torch.full_like(y, constant)
    m = batch_moments(flat, y)
    assert m.var_r.item() == 0
    assert m.slope.item() == -1
    assert batch_moments(y, flat).var_y.item() == 0


def test_dim_and_shapes() -> None:
    f, y = random_batch(1, 5, 4)
    assert batch_moments(f, y, dim=0).var_y.shape == (4,)
    assert_same(batch_moments(f, y, dim=1), batch_moments(f.T, y.T, dim=0))
