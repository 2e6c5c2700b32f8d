"""How many digits the loss keeps: relative errors against 50-digit arithmetic, over a grid.

Predictions are scale * (labels + noise + offset), in units of the labels' standard deviation. The
reference computes the textbook definitions from the very numbers that the losses get, with mpmath.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import product
from pathlib import Path

import mpmath
import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor

from gar_verify.losses import error_variance_loss, pearson_loss
from gar_verify.losses.released_gar import released_gar_loss
from gar_verify.studies import summaries
from gar_verify.studies.provenance import machine, versions

DIGITS = 50
SIZES = (64, 1024)
OFFSETS = (0.0, 1.0, 10.0, 100.0)
SCALES = (0.1, 1.0, 10.0)
NOISES = (1.0, 1e-1, 1e-2, 1e-3, 1e-4, 1.4e-5, 1e-6)
"""Noise 1.4e-5 is 1 - Pearson of about 1e-10."""

SUMMARY = "loss_accuracy"
"""Name of the summary of a full measurement."""

Exact = NDArray[np.object_]


def textbook_pearson(input: Tensor, target: Tensor) -> Tensor:
    """1 - cov / (std * std), as it is usually written."""
    f, y = input - input.mean(), target - target.mean()
    return 1 - (f * y).mean() / (f.square().mean().sqrt() * y.square().mean().sqrt())


def textbook_variance(input: Tensor, target: Tensor) -> Tensor:
    """mean d^2 - (mean d)^2, the one-pass variance of the errors."""
    d = input - target
    return d.square().mean() - d.mean().square()


def released_pearson(input: Tensor, target: Tensor) -> Tensor:
    """The authors' term, their factor (N - 1)/N and their 1e-7 taken out again."""
    n = len(input)
    value = released_gar_loss(input, target, 1.0, parts=("pearson",)).exp()
    return (value - 1e-7) * n / (n - 1)


def released_variance(input: Tensor, target: Tensor) -> Tensor:
    """The authors' term, their factor 1/2 and their 1e-7 taken out again."""
    value = released_gar_loss(input, target, 1.0, parts=("error_variance",)).exp()
    return (value - 1e-7) * 2


PEARSON = {
    "gar_verify": pearson_loss,
    "textbook": textbook_pearson,
    "released": released_pearson,
}
VARIANCE = {
    "gar_verify": error_variance_loss,
    "textbook": textbook_variance,
    "released": released_variance,
}


def measure(
    dtypes: tuple[torch.dtype, ...] = (torch.float32, torch.float64),
    sizes: Sequence[int] = SIZES,
    offsets: Sequence[float] = OFFSETS,
    scales: Sequence[float] = SCALES,
) -> pd.DataFrame:
    """Relative errors of each form over the grid, or over a part of it.

    Returns:
        One line for each dtype, size, offset, scale, noise and form, with ``one_minus_pearson``
        (the exact value) and the relative errors ``pearson``, ``variance`` (of the values) and
        ``pearson gradient``, ``variance gradient`` (of the vectors, in the Euclidean norm).
    """
    lines = []
    for dtype, n, offset, scale, noise in product(dtypes, sizes, offsets, scales, NOISES):
        f, y = _batch(dtype, n, offset, scale, noise)
        exact = _exact(f, y)
        for form in PEARSON:
            errors = {
                **_errors(PEARSON[form], f, y, exact["pearson"], "pearson"),
                **_errors(VARIANCE[form], f, y, exact["variance"], "variance"),
            }
            lines.append(
                {
                    "dtype": str(dtype).removeprefix("torch."),
                    "N": n,
                    "offset": offset,
                    "scale": scale,
                    "noise": noise,
                    "form": form,
                    "one_minus_pearson": float(exact["pearson"][0]),
                    **errors,
                }
            )
    return pd.DataFrame(lines)


def worst(errors: pd.DataFrame) -> pd.DataFrame:
    """The largest error of each form over offsets, scales and sizes, by dtype and noise."""
    columns = ["pearson", "pearson gradient", "variance", "variance gradient"]
    grouped = errors.groupby(["dtype", "noise", "form"], sort=False)
    return grouped[["one_minus_pearson", *columns]].max().reset_index()


def write(largest: pd.DataFrame, folder: Path | None = None) -> list[Path]:
    """Write what `worst` gives as a summary that travels with the repository."""
    provenance = {
        "grid": {"sizes": SIZES, "offsets": OFFSETS, "scales": SCALES, "noises": NOISES},
        "digits": DIGITS,
        "versions": versions(),
        "machine": machine("cpu"),
    }
    columns = largest.select_dtypes("number").columns
    rounded = largest.assign(**{name: largest[name].map("{:.4g}".format) for name in columns})
    return summaries.write_frame(rounded, SUMMARY, provenance, folder)


def read(folder: Path | None = None) -> pd.DataFrame:
    """What `worst` gave, from the summary.

    Raises:
        SummaryError: if there is none, or if it was changed.
    """
    return summaries.read_frame(SUMMARY, folder)[0]


def _batch(
    dtype: torch.dtype, n: int, offset: float, scale: float, noise: float
) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(n)
    y = torch.randn(n, generator=generator, dtype=torch.float64)
    f = scale * (y + noise * torch.randn(n, generator=generator, dtype=torch.float64) + offset)
    return f.to(dtype), y.to(dtype)


def _exact(f: Tensor, y: Tensor) -> dict[str, tuple[mpmath.mpf, Exact]]:
    """Values and gradients in the predictions, by their definitions."""
    with mpmath.workdps(DIGITS):
        a, b = (np.array([mpmath.mpf(x) for x in v.double().tolist()]) for v in (f, y))
        n = mpmath.mpf(len(a))
        fc, yc = a - a.sum() / n, b - b.sum() / n
        dc = fc - yc
        s_f, s_y = (mpmath.sqrt((v * v).sum() / n) for v in (fc, yc))
        rho = (fc * yc).sum() / n / (s_f * s_y)
        return {
            "pearson": (1 - rho, (rho * fc / s_f - yc / s_y) / (n * s_f)),
            "variance": ((dc * dc).sum() / n, 2 * dc / n),
        }


def _errors(
    loss: Callable[[Tensor, Tensor], Tensor],
    f: Tensor,
    y: Tensor,
    exact: tuple[mpmath.mpf, Exact],
    name: str,
) -> dict[str, float]:
    f = f.clone().requires_grad_()
    value = loss(f, y)
    (gradient,) = torch.autograd.grad(value, f)
    with mpmath.workdps(DIGITS):
        of_value = abs(mpmath.mpf(value.item()) / exact[0] - 1)
        ours = np.array([mpmath.mpf(x) for x in gradient.double().tolist()])
        difference = ours - exact[1]
        of_gradient = mpmath.sqrt((difference**2).sum() / (exact[1] ** 2).sum())
        return {name: float(of_value), f"{name} gradient": float(of_gradient)}
