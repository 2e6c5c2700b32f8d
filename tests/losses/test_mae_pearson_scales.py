"""MAE-Pearson in any unit, against 50 digits: predictions and labels from 1e-30 to 1e30."""

from __future__ import annotations

import itertools

import mpmath
import pytest
import torch
from torch import Tensor

from gar_verify.losses import MAEPearsonLoss

TOLERANCE = {torch.float32: 1e-6, torch.float64: 1e-12}
SCALES = (1e-30, 1e-8, 1.0, 1e5, 1e8, 1e30)


def exact(f: Tensor, y: Tensor) -> tuple[mpmath.mpf, list[mpmath.mpf]]:
    """Value and gradient, with beta held fixed, by the definition."""
    with mpmath.workdps(50):
        fs, ys = ([mpmath.mpf(v) for v in t.double().tolist()] for t in (f, y))
        n = len(fs)
        mf, my = mpmath.fsum(fs) / n, mpmath.fsum(ys) / n
        cf, cy = [v - mf for v in fs], [v - my for v in ys]
        sf, sy = (mpmath.sqrt(mpmath.fsum(v * v for v in c) / n) for c in (cf, cy))
        zf, zy = [v / sf for v in cf], [v / sy for v in cy]
        rho = mpmath.fsum(a * b for a, b in zip(zf, zy, strict=True)) / n
        pearson = (1 - rho) * (n - 1) / n
        beta = pearson / 2
        mae = mpmath.fsum(abs(a - b) for a, b in zip(fs, ys, strict=True)) / n
        signs = [mpmath.sign(a - b) for a, b in zip(fs, ys, strict=True)]
        gradient = [
            (1 - beta) * s / n - beta * (b - rho * a) / (n * sf) * (n - 1) / n
            for s, a, b in zip(signs, zf, zy, strict=True)
        ]
        return (1 - beta) * mae + beta * pearson, gradient


@pytest.mark.parametrize("dtype", TOLERANCE)
def test_value_and_gradient_in_any_unit(dtype: torch.dtype) -> None:
    for of_f, of_y in itertools.product(SCALES, SCALES):
        labels = torch.randn(16, dtype=torch.float64)
        noise = torch.randn(16, dtype=torch.float64)
        f = ((0.8 * labels + 0.6 * noise) * of_f).to(dtype).requires_grad_()
        y = (labels * of_y).to(dtype)
        loss = MAEPearsonLoss()(f, y)
        (slope,) = torch.autograd.grad(loss, f)
        value, gradient = exact(f.detach(), y)
        assert abs(mpmath.mpf(loss.item()) - value) <= TOLERANCE[dtype] * abs(value)
        largest = max(abs(g) for g in gradient)
        for found, expected in zip(slope.double().tolist(), gradient, strict=True):
            assert abs(mpmath.mpf(found) - expected) <= TOLERANCE[dtype] * largest
