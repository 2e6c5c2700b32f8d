"""The O(N^2) definitions against the paper's double sums, written as loops."""

from __future__ import annotations

import math

import pytest
import torch

from gar_verify import normalized_pairwise_loss, pairwise_difference_loss


def test_difference_loss_is_the_double_sum() -> None:
    f, y = torch.randn(2, 5, dtype=torch.float64).unbind()
    total = 0.0
    for i in range(5):
        for j in range(5):
            total += 0.5 * float((f[i] - f[j]) - (y[i] - y[j])) ** 2
    assert pairwise_difference_loss(f, y).item() == pytest.approx(total / 25, rel=1e-13)


def test_normalized_loss_is_the_distance_of_unit_vectors() -> None:
    f, y = torch.randn(2, 5, dtype=torch.float64).unbind()
    df = [float(f[i] - f[j]) for i in range(5) for j in range(5)]
    dy = [float(y[i] - y[j]) for i in range(5) for j in range(5)]
    a, b = math.hypot(*df), math.hypot(*dy)
    expected = 0.5 * sum((p / a - q / b) ** 2 for p, q in zip(df, dy, strict=True))
    assert normalized_pairwise_loss(f, y).item() == pytest.approx(expected, rel=1e-13)


def test_several_targets_are_averaged() -> None:
    f, y = torch.randn(2, 6, 3, dtype=torch.float64).unbind()
    for loss in (pairwise_difference_loss, normalized_pairwise_loss):
        columns = [loss(f[:, t], y[:, t]).item() for t in range(3)]
        assert loss(f, y).item() == pytest.approx(sum(columns) / 3, rel=1e-13)


def test_constants_stay_zero_when_normalised() -> None:
    labels = torch.tensor([1.0, 2.0, 4.0], dtype=torch.float64)
    constant = torch.full((3,), 0.7, dtype=torch.float64)
    assert normalized_pairwise_loss(constant, labels).item() == pytest.approx(0.5)
    assert normalized_pairwise_loss(labels, constant).item() == pytest.approx(0.5)
    assert normalized_pairwise_loss(constant, constant).item() == 0


def test_errors_name_the_shapes() -> None:
    for loss in (pairwise_difference_loss, normalized_pairwise_loss):
        with pytest.raises(ValueError, match=r"\(3,\).*\(3, 1\)"):
            loss(torch.randn(3), torch.randn(3, 1))
        with pytest.raises(ValueError, match=r"not empty, got \(0,\)"):
            loss(torch.randn(0), torch.randn(0))
        with pytest.raises(ValueError, match=r"got \(2, 2, 2\)"):
            loss(torch.randn(2, 2, 2), torch.randn(2, 2, 2))
        with pytest.raises(TypeError, match=r"torch\.int64"):
            loss(torch.arange(3), torch.arange(3))


@pytest.mark.parametrize("factor", [1e-30, 1e20, 1e30])
def test_the_normalised_loss_does_not_know_the_unit(factor: float) -> None:
    f, y = torch.randn(2, 6).unbind()
    expected = normalized_pairwise_loss(f, y)
    for one, two in ((factor, 1.0), (1.0, factor), (factor, 1 / factor)):
        torch.testing.assert_close(normalized_pairwise_loss(one * f, two * y), expected)
