"""One formula, several readers: torch, numpy and 50-digit mpmath agree, on ill-conditioned data."""

from __future__ import annotations

import ast
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mpmath
import numpy as np
import pytest
import sympy
import torch

from gar_verify import formulas
from gar_verify.formulas import Moments, Shifts


def batch(n: int, offset: float, scale: float, noise: float) -> tuple[np.ndarray, np.ndarray]:
    """Predictions offset + scale * (labels + noise), as float64 arrays."""
    rng = np.random.default_rng(0)
    y = rng.normal(size=n)
    return offset + scale * (y + noise * rng.normal(size=n)), y


def moments_with(
    convert: Callable[[float], Any], f: np.ndarray, y: np.ndarray
) -> tuple[Moments, Any, Any]:
    """Moments of the batch in the numbers that ``convert`` makes, on object arrays if need be."""
    a = np.array([convert(v) for v in f.tolist()])
    b = np.array([convert(v) for v in y.tolist()])
    n = convert(len(f))

    def mean(x: Any, times: Any = 1) -> Any:
        return (x * times).sum() / n

    parts = formulas.decompose(a, b, mean, Shifts(a[0], b[0], a[0] - b[0]))
    return formulas.moments(parts, formulas.absolute(a - b), n, mean), a, b


GRID = [
    (offset, scale, noise)
    for offset in (0.0, 100.0)
    for scale in (0.1, 1.0, 10.0)
    for noise in (1.0, 1e-3, 1e-6)
]


@pytest.mark.parametrize(("offset", "scale", "noise"), GRID)
def test_float64_agrees_with_50_digits(offset: float, scale: float, noise: float) -> None:
    f, y = batch(40, offset * scale, scale, noise)
    fast, _, _ = moments_with(float, f, y)
    with mpmath.workdps(50):
        exact, a, b = moments_with(mpmath.mpf, f, y)
        mean_f, mean_y = a.sum() / 40, b.sum() / 40
        fc, yc = a - mean_f, b - mean_y
        rho = (fc * yc).sum() / mpmath.sqrt((fc * fc).sum() * (yc * yc).sum())
        textbook = 1 - rho
        ours = formulas.one_minus_pearson(exact, mpmath)
        assert abs(ours / textbook - 1) < mpmath.mpf(10) ** -30
        variance = ((a - b - mean_f + mean_y) ** 2).sum() / 40
        assert abs(formulas.error_variance(exact) / variance - 1) < mpmath.mpf(10) ** -30
    assert formulas.one_minus_pearson(fast, math) == pytest.approx(float(textbook), rel=1e-7)
    assert formulas.error_variance(fast) == pytest.approx(float(variance), rel=1e-9)


def test_every_namespace_reads_the_same_formula() -> None:
    values = {"weight": 4, "mean_f": 3, "mean_d": 1, "mean_y": 2, "var_y": 3, "var_r": 0.5}
    m = Moments(**values, scale=-0.25, slope=-1.25, conventional=2)
    expected = float(formulas.one_minus_pearson(m, math))
    assert 1 < expected < 2  # scale < 0: negatively correlated
    tensors = Moments(*(torch.tensor(float(x), dtype=torch.float64) for x in m))
    assert float(formulas.one_minus_pearson(tensors, torch)) == pytest.approx(expected, rel=1e-15)
    arrays = Moments(*(np.float64(x) for x in m))
    assert float(formulas.one_minus_pearson(arrays, np)) == pytest.approx(expected, rel=1e-15)
    exact = Moments(*(sympy.Rational(x) for x in m))
    assert float(formulas.one_minus_pearson(exact, sympy)) == pytest.approx(expected, rel=1e-15)
    precise = Moments(*(mpmath.mpf(x) for x in m))
    assert float(formulas.one_minus_pearson(precise, mpmath)) == pytest.approx(expected, rel=1e-15)


def test_formulas_import_nothing_but_typing() -> None:
    """Floor 0: backend-neutral."""
    source = Path(formulas.__file__).read_text(encoding="utf8")
    modules = {
        node.module if isinstance(node, ast.ImportFrom) else node.names[0].name
        for node in ast.walk(ast.parse(source))
        if isinstance(node, (ast.Import, ast.ImportFrom))
    }
    assert modules == {"__future__", "collections.abc", "typing"}


@pytest.mark.parametrize("xp", [math, np])
def test_ratio_is_zero_for_zero_over_zero_and_keeps_nan(xp: Any) -> None:
    assert formulas.ratio(0.0, 0.0) == 0
    assert formulas.ratio(6.0, 3.0) == 2
    assert math.isnan(formulas.ratio(math.nan, 1.0))
    assert math.isnan(formulas.ratio(1.0, math.nan))
