"""Similarities, distances and the fast stable argsort."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from gar_verify.losses._pairs import (
    cosine_similarities,
    label_distances,
    power_of_two,
    stable_argsort,
)
from gar_verify.losses.conr import conr_loss
from gar_verify.losses.ranksim import ranksim_loss
from gar_verify.losses.rnc import rnc_loss

ENTRIES = st.floats(width=32, allow_nan=False) | st.sampled_from([0.0, -0.0, 1.0, -1.0])


@given(st.lists(st.lists(ENTRIES, min_size=7, max_size=7), min_size=1, max_size=4))
def test_the_order_is_that_of_torch(rows: list[list[float]]) -> None:
    v = torch.tensor(rows, dtype=torch.float32)
    assert torch.equal(stable_argsort(v), v.argsort(dim=-1, stable=True))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("shape", [(300,), (3, 70), (2, 3, 1), (0, 4)])
def test_order_with_many_ties(dtype: torch.dtype, shape: tuple[int, ...]) -> None:
    v = torch.randint(-3, 3, shape).to(dtype)
    assert torch.equal(stable_argsort(v), v.argsort(dim=-1, stable=True))


def test_rows_that_are_no_longer_packed() -> None:
    v = torch.randint(-50, 50, (1, (1 << 16) + 1)).float()
    assert torch.equal(stable_argsort(v), v.argsort(dim=-1, stable=True))


def test_the_input_is_left_alone() -> None:
    v = torch.tensor([2.0, -0.0, 1.0], requires_grad=True)
    before = v.detach().clone()
    stable_argsort(v)
    assert torch.equal(v.detach(), before)


def test_similarities_and_their_floor() -> None:
    x = torch.randn(2, 6, 3, dtype=torch.float64)
    expected = torch.nn.functional.cosine_similarity(x.unsqueeze(-2), x.unsqueeze(-3), dim=-1)
    torch.testing.assert_close(cosine_similarities(x), expected)
    zero = torch.zeros(2, 3, requires_grad=True)
    similarities = cosine_similarities(zero)
    similarities.sum().backward()
    assert torch.equal(similarities.detach(), torch.zeros(2, 2))
    assert torch.isfinite(zero.grad).all()


def test_similarities_keep_their_precision_under_autocast() -> None:
    x = torch.randn(5, 3)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        similarities = cosine_similarities(x)
    assert similarities.dtype == torch.float32
    assert torch.equal(similarities, cosine_similarities(x))


@pytest.mark.parametrize("targets", [1, 3])
def test_label_distances(targets: int) -> None:
    y = torch.randn(2, 5, targets, dtype=torch.float64, requires_grad=True)
    expected = (y.unsqueeze(-2) - y.unsqueeze(-3)).abs().sum(-1)
    distances = label_distances(y)
    torch.testing.assert_close(distances, expected.detach())
    assert not distances.requires_grad


class Largest(TorchDispatchMode):
    """Notes the number of entries of the largest tensor that any operation returns."""

    entries = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        for tensor in result if isinstance(result, tuple | list) else (result,):
            if isinstance(tensor, Tensor):
                self.entries = max(self.entries, tensor.numel())
        return result


@pytest.mark.parametrize("loss", [rnc_loss, ranksim_loss, conr_loss])
@pytest.mark.parametrize("tied", [False, True])
def test_nothing_is_larger_than_a_number_for_each_pair(loss: Any, tied: bool) -> None:
    n = 40
    x, y = torch.randn(n, 3, requires_grad=True), torch.randn(n, 1)
    y = (5 * y).round() if tied else y
    with Largest() as largest:
        loss(*((x, y, y) if loss is conr_loss else (x, y))).sum().backward()
    assert largest.entries <= n * (n + 1)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_powers_of_two(dtype: torch.dtype) -> None:
    info = torch.finfo(dtype)
    v = torch.tensor([1.0, 1.5, 2.0, 0.3, info.max, info.tiny, 1e20], dtype=dtype)
    found = v.log2().floor()
    found[4] -= 1 if found[4] == torch.tensor(info.max, dtype=dtype).log2() else 0
    assert torch.equal(power_of_two(v).log2(), found)
