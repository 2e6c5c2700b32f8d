"""Scales and offsets of predictions and labels from 1e-30 to 1e30, against 50 digits."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction

import mpmath as mp
import numpy as np
import pytest
import torch
from torch import Tensor

from gar_verify.losses import (
    GARAccumulator,
    GARLoss,
    MAEPearsonLoss,
    concordance_loss,
    error_variance_loss,
    pearson_loss,
)
from gar_verify.losses.gar.kernels import BLOCK

mp.mp.dps = 120
SCALES = (1e-30, 1e-16, 1e-10, 1e-5, 1.0, 1e5, 1e10, 1e16, 1e30)
EXACT: dict[str, Callable[..., Tensor]] = {
    "pearson": pearson_loss,
    "error variance": error_variance_loss,
    "concordance": concordance_loss,
}


def by_definition(name: str, f: Tensor, y: Tensor) -> tuple[mp.mpf, list[mp.mpf]]:
    """Value and gradient in the predictions, in 120 digits."""
    f_, y_ = ([mp.mpf(x) for x in v.double().tolist()] for v in (f, y))
    n, d = len(f_), [a - b for a, b in zip(f_, y_, strict=True)]
    mean_f, mean_y, mean_d = (mp.fsum(v) / n for v in (f_, y_, d))
    fc, yc, dc = ([a - m for a in v] for v, m in ((f_, mean_f), (y_, mean_y), (d, mean_d)))
    var_f, var_y, var_d = (mp.fsum(a * a for a in v) / n for v in (fc, yc, dc))
    cov = mp.fsum(a * b for a, b in zip(fc, yc, strict=True)) / n
    if name == "error variance":
        return var_d, [2 * a / n for a in dc]
    if name == "pearson":
        s_f, s_y = mp.sqrt(var_f), mp.sqrt(var_y)
        rho = cov / (s_f * s_y)
        return 1 - rho, [
            -(b / s_y - rho * a / s_f) / (n * s_f) for a, b in zip(fc, yc, strict=True)
        ]
    size = var_f + var_y + mean_d**2
    value = (var_d + mean_d**2) / size
    return value, [2 / (n * size) * (e - value * (a + mean_d)) for e, a in zip(d, fc, strict=True)]


def batch(kind: str, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(11)
    f, y = torch.randn(2, 40, dtype=torch.float64, generator=generator)
    if kind == "correlated":
        f = y + 0.3 * f
    if kind == "against":
        f = -y + 0.3 * f
    return f.to(dtype), y.to(dtype)


def errors(
    loss: Callable[..., Tensor], f: Tensor, y: Tensor, value: mp.mpf, gradient: list[mp.mpf]
) -> tuple[float, float]:
    """Relative error of the value, and of the gradient relative to its largest entry.

    What exceeds the largest number of the dtype counts as that, and an error of its smallest number
    is none.
    """
    leaf = f.clone().requires_grad_()
    ours = loss(leaf, y)
    (found,) = torch.autograd.grad(ours, leaf)
    info = torch.finfo(f.dtype)
    value = min(value, mp.mpf(info.max))
    least, largest = info.smallest_normal * info.eps, max(abs(g) for g in gradient)
    worst = max(abs(mp.mpf(a) - b) for a, b in zip(found.double().tolist(), gradient, strict=True))
    of_value = abs(mp.mpf(ours.item()) - value)
    return tuple(
        float(max(error - least, 0) / size)
        for error, size in ((of_value, abs(value)), (worst, largest))
    )


def single(name: str, f: Tensor, y: Tensor) -> tuple[float, float]:
    """`errors` of one part."""
    return errors(EXACT[name], f, y, *by_definition(name, f, y))


def gar_by_definition(
    f: Tensor, y: Tensor, alpha: float, floor: float
) -> tuple[mp.mpf, list[mp.mpf]]:
    """GAR in 120 digits, where a sub-loss below the floor counts as it and has no gradient."""
    d = [mp.mpf(a) - mp.mpf(b) for a, b in zip(f.tolist(), y.tolist(), strict=True)]
    mae = mp.fsum(abs(e) for e in d) / len(d), [mp.sign(e) / len(d) for e in d]
    parts = [mae, *(by_definition(name, f, y) for name in ("error variance", "pearson"))]
    logs = [mp.log(max(loss, floor)) for loss, _ in parts]
    if alpha == math.inf:
        value, p = mp.fsum(logs) / 3, [mp.mpf(1) / 3] * 3
    else:
        powers = [mp.exp(x / mp.mpf(alpha)) for x in logs]
        value = mp.mpf(alpha) * mp.log(mp.fsum(powers) / 3)
        p = [x / mp.fsum(powers) for x in powers]
    factors = [q / loss if loss > floor else 0 for q, (loss, _) in zip(p, parts, strict=True)]
    each = zip(*(g for _, g in parts), strict=True)
    return value, [mp.fsum(a * b for a, b in zip(factors, g, strict=True)) for g in each]


@pytest.mark.parametrize("kind", ["independent", "correlated", "against"])
@pytest.mark.parametrize("name", EXACT)
def test_any_scale_of_predictions_and_labels(name: str, kind: str) -> None:
    f, y = batch(kind, torch.float64)
    for scale_f in SCALES:
        for scale_y in SCALES:
            value, gradient = single(name, f * scale_f, y * scale_y)
            assert value < 1e-13, (scale_f, scale_y, value)
            assert gradient < 1e-12, (scale_f, scale_y, gradient)


@pytest.mark.parametrize("kind", ["independent", "correlated", "against"])
@pytest.mark.parametrize("name", EXACT)
def test_any_scale_in_float32(name: str, kind: str) -> None:
    """All of them: only what is no number of float32 itself is lost."""
    f, y = batch(kind, torch.float64)
    for scale_f in SCALES:
        for scale_y in SCALES:
            value, gradient = single(name, (f * scale_f).float(), (y * scale_y).float())
            assert value < 1e-6, (scale_f, scale_y, value)
            assert gradient < 1e-6, (scale_f, scale_y, gradient)


@pytest.mark.parametrize("alpha", [0.5, 1.0, math.inf])
def test_the_whole_loss_at_any_scale_in_float32(alpha: float) -> None:
    """The error variance of small numbers, 1e-60, is below the smallest normal number."""
    f, y = batch("correlated", torch.float64)
    floored = 0
    for scale_f in SCALES:
        for scale_y in SCALES:
            small = (f * scale_f).float(), (y * scale_y).float()
            exact = gar_by_definition(*small, alpha, torch.finfo(torch.float32).tiny)
            value, gradient = errors(GARLoss(alpha), *small, *exact)
            assert value < 1e-6, (scale_f, scale_y, value)
            assert gradient < 1e-6, (scale_f, scale_y, gradient)
            floored += exact[0] != gar_by_definition(*small, alpha, 0)[0]
    assert floored > 0


@pytest.mark.parametrize("name", EXACT)
@pytest.mark.parametrize("offsets", [(1e6, 0), (0, 1e6), (1e6, 1e6), (1e9, -1e9), (-3e8, 1.0)])
def test_any_offset_of_predictions_and_labels(name: str, offsets: tuple[float, float]) -> None:
    """Of numbers that are exact after the offset is put on them."""
    f, y = (torch.round(x * 2**12) / 2**12 for x in batch("independent", torch.float64))
    value, gradient = single(name, f + offsets[0], y + offsets[1])
    assert value < 1e-13
    assert gradient < 1e-12


@pytest.mark.parametrize("offsets", [(0, 0), (1e10, 0), (0, 1e10), (1e10, -1e10)])
def test_chunks_of_any_offset(offsets: tuple[float, float]) -> None:
    """Micro-batches keep the digits that the whole batch has."""
    f, y = batch("independent", torch.float64)
    f, y = f + offsets[0], y + offsets[1]
    loss = GARLoss(parts=("error_variance", "pearson"))
    leaf, whole = f.clone().requires_grad_(), f.clone().requires_grad_()
    accumulator = GARAccumulator(loss)
    for part in (slice(0, 3), slice(3, 40)):
        accumulator.observe(f[part], y[part])
    for part in (slice(0, 3), slice(3, 40)):
        accumulator.loss(leaf[part], y[part]).backward()
    value = loss(whole, y)
    value.backward()
    torch.testing.assert_close(accumulator.value, value.detach(), rtol=1e-13, atol=1e-13)
    torch.testing.assert_close(leaf.grad, whole.grad, rtol=1e-12, atol=1e-13)


def test_outliers_of_the_labels() -> None:
    labels = torch.tensor([1e15, 1, 2, 3], dtype=torch.float64)
    f = labels + torch.tensor([0, 0.5, -0.5, 0.3], dtype=torch.float64)
    d = [Fraction(x) - Fraction(y) for x, y in zip(f.tolist(), labels.tolist(), strict=True)]
    mean = sum(d) / 4
    expected = float(sum((x - mean) ** 2 for x in d) / 4)
    for order in ([0, 1, 2, 3], [1, 0, 2, 3], [3, 2, 1, 0]):
        found = error_variance_loss(f[order], labels[order]).item()
        assert found == pytest.approx(expected, rel=1e-14)
    f, y = batch("correlated", torch.float64)
    y[0] = 1e20
    for name in EXACT:
        value, gradient = single(name, f, y)
        assert value < 1e-12
        assert gradient < 1e-12


def outlier(size: float, place: int, n: int) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(7)
    f, y = torch.randn(2, n, dtype=torch.float64, generator=generator)
    f += y
    y[place] = size
    return f, y


@pytest.mark.parametrize("name", EXACT)
@pytest.mark.parametrize("place", [0, 2 * BLOCK])
def test_outliers_take_no_digits_from_others(name: str, place: int) -> None:
    """In another block of the compiled reader."""
    f, y = outlier(1e12, place, 2 * BLOCK + 20)
    for one, other in ((f, y), (y, f), (f + y[place], y)):
        value, gradient = single(name, one, other)
        assert value < 1e-13, value
        assert gradient < 1e-12, gradient


@pytest.mark.parametrize("size", [1e8, 1e12, 1e16])
@pytest.mark.parametrize("place", [0, 20])
def test_outliers_take_no_digits_from_other_chunks(size: float, place: int) -> None:
    f, y = outlier(size, place, 50)
    accumulator = GARAccumulator(GARLoss(parts=("pearson",)))
    for part in (slice(0, 10), slice(10, 20), slice(20, 50)):
        accumulator.observe(f[part], y[part])
    value, _ = by_definition("pearson", f, y)
    assert float(abs(mp.exp(mp.mpf(accumulator.value.item())) / value - 1)) < 1e-13


@pytest.mark.parametrize("ratio", [1e5, 1e8])
def test_predictions_much_smaller_than_labels(ratio: float) -> None:
    """A network at its start, on labels without a scale: MAE-Pearson too."""
    f, y = batch("correlated", torch.float32)
    y = y * ratio
    value, gradient = by_definition("pearson", f, y)
    n = len(f)
    p = value * (n - 1) / n
    mae = (
        mp.fsum(abs(mp.mpf(a) - mp.mpf(b)) for a, b in zip(f.tolist(), y.tolist(), strict=True)) / n
    )
    slopes = np.sign(f.numpy().astype(float) - y.numpy())
    expected = [
        float((1 - p / 2) * float(s) / n + p / 2 * g * (n - 1) / n)
        for s, g in zip(slopes, gradient, strict=True)
    ]
    leaf = f.clone().requires_grad_()
    loss = MAEPearsonLoss()(leaf, y)
    loss.backward()
    assert loss.item() == pytest.approx(float((1 - p / 2) * mae + p / 2 * p), rel=1e-6)
    torch.testing.assert_close(leaf.grad, torch.tensor(expected), rtol=1e-5, atol=1e-8)


@pytest.mark.parametrize("alpha", [1e3, 1e6, 1e8, 1e10, 1e15, 1e30])
def test_no_seam_towards_the_geometric_mean(alpha: float) -> None:
    """alpha log mean L^(1/alpha) keeps its digits where the powers are all near 1."""
    f, y = batch("correlated", torch.float64)
    parts = GARLoss().components(f, y)
    logs = [mp.log(mp.mpf(x.item())) for x in parts[:3]]
    expected = alpha * mp.log(mp.fsum(mp.exp(x / alpha) for x in logs) / 3)
    assert GARLoss(alpha)(f, y).item() == pytest.approx(float(expected), rel=1e-13)
