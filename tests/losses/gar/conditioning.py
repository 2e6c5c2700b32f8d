"""Random batches, and which of them a comparison to twelve digits can be asked of.

Near rho = 1 and rho = -1 the gradient of 1 - rho is the difference of nearly equal vectors, and
where predictions vary far less than labels their variation is lost in the errors: in float64 either
side of a comparison then keeps fewer digits. Accuracy there is measured against 50 digits
(`gar_verify.benchmarks.accuracy`).
"""

from __future__ import annotations

import torch
from torch import Tensor


def random_batch(
    seed: int, *shape: int, dtype: torch.dtype = torch.float64
) -> tuple[Tensor, Tensor, Tensor]:
    """Correlated predictions and labels of random scale, offset and noise, and positive weights."""
    generator = torch.Generator().manual_seed(seed)

    def normal(*size: int) -> Tensor:
        return torch.randn(*size, generator=generator, dtype=torch.float64)

    y = normal(*shape)
    f = normal(1) * y + normal(*shape) * 10 ** normal(1) + normal(1)
    return f.to(dtype).requires_grad_(), y.to(dtype), normal(*shape).abs().to(dtype)


def assert_same(
    found: tuple[Tensor, Tensor], expected: tuple[Tensor, Tensor], noise: float = 0.0
) -> None:
    """Value and gradient to 1e-12, the gradient of its largest entry (or ``noise`` where 0)."""
    torch.testing.assert_close(found[0], expected[0], rtol=1e-12, atol=1e-12)
    atol = 1e-12 * expected[1].abs().max().item() + noise
    torch.testing.assert_close(found[1], expected[1], rtol=0, atol=atol)


def assert_value_and_gradient(a: Tensor, b: Tensor, f: Tensor, noise: float = 0.0) -> None:
    """`assert_same` of two values of f."""
    (one,), (two,) = torch.autograd.grad(a, f), torch.autograd.grad(b, f)
    assert_same((a, one), (b, two), noise)


def comparable_spread(f: Tensor, y: Tensor, w: Tensor | None = None) -> bool:
    """Whether the predictions of every target vary at least a tenth as much as its labels."""
    s_f, s_y, _ = _spreads(f, y, w)
    return bool((s_f > s_y / 10).all())


def well_conditioned(f: Tensor, y: Tensor, w: Tensor | None = None) -> bool:
    """`comparable_spread`, and no target's predictions nearly in step with its labels."""
    _, _, rho = _spreads(f, y, w)
    return comparable_spread(f, y, w) and bool((rho.abs() < 1 - 1e-4).all())


def _spreads(f: Tensor, y: Tensor, w: Tensor | None) -> tuple[Tensor, Tensor, Tensor]:
    f, y = f.detach().double(), y.double()
    w = torch.ones_like(y) if w is None else w.double()
    w = w.reshape(-1, *[1] * (y.ndim - 1)).expand_as(y) if w.ndim < y.ndim else w
    share = w / w.sum(0)
    f, y = f - (share * f).sum(0), y - (share * y).sum(0)
    s_f, s_y = (share * f * f).sum(0).sqrt(), (share * y * y).sum(0).sqrt()
    return s_f, s_y, (share * f * y).sum(0) / (s_f * s_y)
