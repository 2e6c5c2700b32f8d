"""The KL-regularised worst case of positive sub-losses (KL-DRO), with both its limits.

    L_KL(alpha) = max over p in the simplex of  sum_k p_k log L_k - alpha KL(p || uniform)
                = alpha log( (1/M) sum_k L_k^(1/alpha) ),      attained at p_k ~ L_k^(1/alpha)

alpha = 0 is the maximum, alpha = 1 the log of the mean, alpha = inf the log of the geometric mean;
it never increases with alpha. Source: the paper's proposition, proved in
``proofs/proposition_kl_dro.py``; the arithmetic is `gar_verify.formulas.kl_dro`.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from gar_verify import formulas
from gar_verify.formulas import log_power_mean, power, power_less_one
from gar_verify.losses.gar.options import PARTS, Form, Options, check_alpha, check_form

GEOMETRIC_FROM = 1e100
"""From this alpha on the geometric mean is used, which differs by Var(log L) / (2 alpha): dividing
by a larger one could leave the range of float64."""


def accumulation_dtype(tensor: Tensor) -> torch.dtype:
    """Precision of the statistics of ``tensor``: float64, or float32 on devices without it (MPS).

    A float32 batch whose 1 - Pearson is 1e-10 holds it in digits that float32 sums would lose.
    """
    return torch.float32 if tensor.device.type == "mps" else torch.float64


def smallest(dtype: torch.dtype) -> float:
    """The smallest normal number of ``dtype``: what a sub-loss counts as where it is smaller."""
    return torch.finfo(dtype).tiny


def max_derivative(dtype: torch.dtype) -> float:
    """The largest derivative or coefficient that is used: finite products are left to come."""
    return torch.finfo(dtype).max * 1e-8


def exp_less_one(x: Tensor) -> Tensor:
    """exp(x) - 1, whose derivative is exp(x).

    Autograd takes that of `torch.expm1` to be its value plus 1, which has no digits left where the
    value is nearly -1: there a small sub-loss would lose its part of a second derivative.
    """
    power = torch.exp(x)
    return torch.expm1(x).detach() + (power - power.detach())


class _Namespace:
    """What the formulas take their functions from (no instance: `torch.compile` follows it)."""

    exp = staticmethod(torch.exp)
    expm1 = staticmethod(exp_less_one)
    log1p = staticmethod(torch.log1p)


def worst_case(
    log_losses: Tensor, alpha: float | Tensor, xp: Any = _Namespace
) -> tuple[Tensor, Tensor]:
    """L_KL(alpha) over the first dimension of ``log_losses``, and its derivatives p_k in them.

    ``alpha`` is a float in [0, inf], or a tensor of finite positive values that broadcasts against
    ``log_losses[0]``. At alpha = 0, tied maxima share p equally. ``xp`` supplies the functions.
    """
    count = len(log_losses)

    def mean(x: Tensor) -> Tensor:
        return x.sum(0) / count

    if not isinstance(alpha, Tensor) and alpha >= GEOMETRIC_FROM:
        return mean(log_losses), torch.full_like(log_losses, 1 / count)
    shift = log_losses.amax(0)
    if not isinstance(alpha, Tensor) and alpha == 0:
        top = (log_losses == shift).to(log_losses.dtype)
        return shift, top / top.sum(0)
    shift = shift.detach()
    tilt = formulas.kl_dro_tilt(log_losses, alpha, shift, mean, torch)
    return formulas.kl_dro(log_losses, alpha, shift, mean, xp), tilt / count


def aggregate(
    losses: Tensor, alpha: float | Tensor, o: Options, floor: float, xp: Any = _Namespace
) -> tuple[Tensor, list[Any], Tensor]:
    """Value of the chosen form over the parts, its derivatives in all three, and the p_k.

    ``losses`` holds the three sub-losses along its first dimension; one below ``floor`` counts as
    ``floor``, a constant. ``xp``: as in `worst_case`.
    """
    chosen = [PARTS.index(part) for part in o.parts]
    used = losses if o.parts == PARTS else losses[chosen]
    if o.raw:
        value, p = used[0], used * 0 + 1
        derivatives = p
    else:
        absent = used <= floor
        positive = used.masked_fill(absent, 1)  # no derivative of the logarithm near 0
        log_floor = math.log(floor) if floor else -math.inf
        logs = positive.log().masked_fill(absent, log_floor) + 0 * used  # NaN if infinite
        value, p = worst_case(logs, alpha, xp)
        derivatives = p / positive
        if o.form == "power_mean":
            value = value.exp()
            derivatives = derivatives * value
        derivatives = derivatives.clamp(max=max_derivative(losses.dtype)).masked_fill(absent, 0)
    by_part: list[Any] = [0.0] * len(PARTS)
    for i, part in enumerate(chosen):
        by_part[part] = derivatives[i]
    return value, by_part, p


# --- the same for numbers, as numba compiles it ---------------------------------------------------

Three = tuple[float, float, float]
"""A number for each of the three sub-losses."""
Chosen = tuple[bool, bool, bool]


def worst_case_of_numbers(logs: Three, chosen: Chosen, alpha: float) -> tuple[float, Three]:
    """`worst_case` of the chosen ones of three numbers; the others have p_k = 0."""
    used = (chosen[0] * 1.0, chosen[1] * 1.0, chosen[2] * 1.0)
    count = used[0] + used[1] + used[2]
    total, top = 0.0, -math.inf
    for k in range(3):
        if chosen[k]:
            total += logs[k]
            top = max(top, logs[k])
    if math.isnan(total):  # none is infinite
        return total, (total, total, total)
    if alpha >= GEOMETRIC_FROM:
        return total / count, (used[0] / count, used[1] / count, used[2] / count)
    if alpha == 0:
        one, two, three = (
            used[0] * (logs[0] == top),
            used[1] * (logs[1] == top),
            used[2] * (logs[2] == top),
        )
        tied = one + two + three
        return top, (one / tied, two / tied, three / tied)
    one = power(logs[0], alpha, top, math) if chosen[0] else 0.0
    two = power(logs[1], alpha, top, math) if chosen[1] else 0.0
    three = power(logs[2], alpha, top, math) if chosen[2] else 0.0
    powers, less_one = one + two + three, 0.0
    for k in range(3):
        if chosen[k]:
            less_one += power_less_one(logs[k], alpha, top, math)
    value = log_power_mean(less_one / count, alpha, top, math)
    return value, (one / powers, two / powers, three / powers)


def log_of_number(loss: float, floor: float) -> float:
    """The logarithm of a sub-loss, at least that of ``floor``; NaN of an infinite one."""
    if loss == math.inf:
        return math.nan
    return math.log(floor if loss < floor else loss)


def derivative_of_number(p: float, loss: float, floor: float, scale: float, limit: float) -> float:
    """p / loss times the scale, at most ``limit``; 0 where the loss counts as ``floor``."""
    if loss <= floor:
        return 0.0
    derivative = p / loss * scale
    return limit if derivative > limit else derivative


def aggregate_numbers(
    losses: Three,
    chosen: Chosen,
    alpha: float,
    power_mean: bool,
    raw: bool,
    floor: float,
    limit: float,
) -> tuple[float, Three]:
    """Value and derivatives of `aggregate`, for three numbers."""
    if raw:
        value = 0.0
        for k in range(3):
            if chosen[k]:
                value = losses[k]
        return value, (chosen[0] * 1.0, chosen[1] * 1.0, chosen[2] * 1.0)
    logs = (
        log_of_number(losses[0], floor),
        log_of_number(losses[1], floor),
        log_of_number(losses[2], floor),
    )
    value, p = worst_case_of_numbers(logs, chosen, alpha)
    scale = 1.0
    if power_mean:
        value = scale = math.exp(value)
    return value, (
        derivative_of_number(p[0], losses[0], floor, scale, limit),
        derivative_of_number(p[1], losses[1], floor, scale, limit),
        derivative_of_number(p[2], losses[2], floor, scale, limit),
    )


# --- for users ------------------------------------------------------------------------------------


def kl_dro(losses: Tensor, alpha: float, dim: int = -1, form: Form = "log") -> Tensor:
    """Aggregate positive sub-losses: alpha log mean L^(1/alpha), the KL-regularised worst case.

    Args:
        losses: floating tensor, sub-losses along ``dim``; not negative. One smaller than the
            smallest normal number of its dtype (0 included) counts as that number, so the value
            stays finite.
        alpha: 0 (the maximum), any positive number (1: the log of the mean) or ``math.inf`` (the
            mean of the logs, the log of the geometric mean).
        dim: the dimension that is aggregated.
        form: ``"log"``, or ``"power_mean"`` for its exponential, in the units of the losses.

    Returns:
        Tensor, the shape of ``losses`` without ``dim``. The gradient is p_k / L_k (times the value
        in power-mean form): at alpha = 0 all weight is on the largest loss, at inf it is spread
        equally.

    Raises:
        TypeError, ValueError: ``alpha`` not a number in [0, inf], unknown ``form``, integer or
            empty losses.

    >>> import math, torch
    >>> losses = torch.tensor([1.0, 2.0, 4.0])
    >>> [round(float(kl_dro(losses, a, form="power_mean")), 4) for a in (0, 1, math.inf)]
    [4.0, 2.3333, 2.0]
    """
    alpha, form = check_alpha(alpha), check_form(form)
    if not isinstance(losses, Tensor) or not losses.is_floating_point():
        kind = losses.dtype if isinstance(losses, Tensor) else type(losses).__name__
        raise TypeError(f"losses must be a floating-point tensor, got {kind}")
    if losses.ndim == 0 or losses.shape[dim] == 0:
        raise ValueError(
            f"losses must hold at least one sub-loss along dim {dim}, got shape "
            f"{tuple(losses.shape)}"
        )
    precise = losses.to(accumulation_dtype(losses)).movedim(dim, 0)
    logs = precise.clamp(min=smallest(losses.dtype)).log()
    infinite = (logs == torch.inf).any(0) & ~logs.isnan().any(0)
    value, _ = worst_case(logs.masked_fill(infinite, 0), alpha)
    value = value.masked_fill(infinite, torch.inf)
    return (value.exp() if form == "power_mean" else value).to(losses.dtype)
