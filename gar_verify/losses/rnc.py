"""RnC (Rank-N-Contrast): features should be ordered as the labels are.

With s_ij = -|x_i - x_j|_2 / t and the label distance delta_ij = sum_d |y_id - y_jd|,

    L = 1/(n (n - 1)) sum_i sum_{j != i} [ -s_ij + ln sum_{k != i, delta_ik >= delta_ij} exp(s_ik) ]

The inner sums of row i run over sets that grow as delta_ij falls. One sort of the row and one
running log-sum-exp therefore give all of them, O(n^2 log n) time and O(n^2) memory in place of
O(n^3); rows at equal label distance enter together. In the gradient

    dL/ds_ik = 1/(n (n - 1)) ( -1 + sum_{j != i, delta_ij <= delta_ik} exp(s_ik - lse_ij) )

with lse_ij the logarithm above, the sum is a second running log-sum-exp, the other way round.
The row itself is left out of the sums and of what scales them, so features may lie any distance
apart; what is far below the rest of a sum is added as zero.

Source: Zha et al. (2023), "Rank-N-Contrast: Learning Continuous Representations for Regression".
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from gar_verify.losses._distinct import Draw
from gar_verify.losses._pairs import farthest_first, label_distances, power_of_two, stable_argsort
from gar_verify.losses._validation import (
    Hyperparameter,
    at_least_float32,
    check_choice,
    check_finite,
    check_positive,
    labels_of,
    nan_unless_finite,
    per_model,
    positive_number,
    promoted,
    values_readable,
)
from gar_verify.losses.stacking import blockwise

_FLOAT64_RANGE = 600.0  # exp(-600), and a sum of any number of such, are ordinary float64 numbers


def _running_logsumexp(z: Tensor) -> Tensor:
    """``log(cumsum(exp(z)))`` along the last dimension, for any z."""
    if not values_readable(z):
        wide = z if z.device.type == "mps" else z.double()
        return wide.logcumsumexp(-1).to(z.dtype)
    top = z.amax(-1, keepdim=True)
    if bool((top - z.amin(-1, keepdim=True) < _FLOAT64_RANGE).all()):
        # the same numbers three times as fast; float64 holds the whole range of the row
        return (z - top).double().exp_().cumsum_(-1).log_().add_(top).to(z.dtype)
    return z.logcumsumexp(-1)


class _TieGroups:
    """The runs of equal numbers in the rows of a sorted tensor, given where each starts."""

    def __init__(self, starts: Tensor) -> None:
        self.trivial = values_readable(starts) and bool(starts.all())
        if not self.trivial:
            n = starts.shape[-1]
            place = torch.arange(n, device=starts.device).expand_as(starts)
            ends = starts.roll(-1, -1)  # each row begins with a start
            self.first = place.masked_fill(~starts, 0).cummax(-1).values
            self.last = place.masked_fill(~ends, n - 1).flip(-1).cummin(-1).values.flip(-1)

    def at_first(self, v: Tensor) -> Tensor:
        """For each entry, the value of ``v`` where the entry's run starts."""
        return v if self.trivial else v.gather(-1, self.first)

    def at_last(self, v: Tensor) -> Tensor:
        """For each entry, the value of ``v`` where the entry's run ends."""
        return v if self.trivial else v.gather(-1, self.last)


def _farthest_first(labels: Tensor) -> tuple[Tensor, Tensor]:
    """The other rows in falling label distance, ``[..., n, n - 1]``, and the starts."""
    found = farthest_first(labels[..., 0], itself=False) if labels.shape[-1] == 1 else None
    if found is not None:
        return found
    distance = label_distances(labels)
    distance.diagonal(dim1=-2, dim2=-1).fill_(-torch.inf)  # the row itself comes last
    order = stable_argsort(-distance)[..., :-1]
    ordered = distance.gather(-1, order)
    starts = torch.ones_like(ordered, dtype=torch.bool)
    starts[..., 1:] = ordered[..., 1:] != ordered[..., :-1]
    return order, starts


class _RankedContrast(torch.autograd.Function):
    """L of each model from similarities ``[..., n, n]`` and labels ``[..., n, D]``."""

    @staticmethod
    def forward(ctx: Any, similarity: Tensor, labels: Tensor) -> Tensor:
        n = similarity.shape[-1]
        order, starts = _farthest_first(labels)
        ties = _TieGroups(starts)
        s = similarity.gather(-1, order)
        lse = ties.at_last(_running_logsumexp(s))
        if ctx.needs_input_grad[0]:
            log_shares = ties.at_first(_running_logsumexp(-lse.flip(-1)).flip(-1))
            slope = (s + log_shares).exp_().sub_(1).div_(n * (n - 1))
            ctx.save_for_backward(torch.zeros_like(similarity).scatter_(-1, order, slope))
        return (lse - s).mean((-2, -1))

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        (slope,) = ctx.saved_tensors
        return grad[..., None, None] * slope, None


def rnc_loss(features: Tensor, target: Tensor, temperature: Hyperparameter = 2.0) -> Tensor:
    """L of each model, a number without unit.

    ``features`` are ``[..., N, d]``, ``target`` is ``[..., N, D]``, ``temperature`` (in the unit
    of the features) a number or ``[...]``, the result is ``[...]``. The gradient pulls x_i towards
    x_j, and away from the rows whose label is at least as far: dL/ds above, times -1/t along the
    unit vector between the two, or 0 where features coincide. Labels get no gradient. One row has
    nothing to be ranked: 0.

    Label distances are compared as computed: 0.3 - 0.2 and 0.2 - 0.1 differ in floating point.
    There is no second derivative.

    Raises ValueError for shapes that do not fit or a temperature that is not positive.
    """
    check_positive("temperature", temperature)
    features, target = at_least_float32(features, target)
    if features.shape[-2] == 1:
        return 0 * features.sum((-2, -1))
    scale = _scale(features)
    scaled = features / scale
    # differences, not the scalar products of the faster modes, which lose small distances
    distance = torch.cdist(scaled, scaled, compute_mode="donot_use_mm_for_euclid_dist")
    similarity = -distance / (per_model("temperature", temperature, features.shape[:-2], 2) / scale)
    contrast: Tensor = _RankedContrast.apply(similarity, target)  # type: ignore[no-untyped-call]
    return contrast


def _scale(features: Tensor) -> Tensor:
    """A power of two for each model, ``[..., 1, 1]``, that puts the largest feature far from 1.

    So far that squares of features 1e15 times as small are in range as well.
    """
    room = {torch.float32: 2.0**50, torch.float64: 2.0**400}[features.dtype]
    largest = features.abs().amax((-2, -1), keepdim=True)
    return power_of_two(largest.clamp(min=1 / room)) / room


def two_views_as_rows(features: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """``[..., N, 2, d]`` and ``[..., N, D]`` become 2N rows: all first views, then all second."""
    return torch.cat(features.unbind(-2), dim=-2), torch.cat((target, target), dim=-2)


def as_rows(features: Tensor, target: Tensor, views: int | None) -> tuple[Tensor, Tensor]:
    """Check a user's features and labels; bring them to ``[..., N, d]`` and ``[..., N, D]``."""
    layouts = (target.shape, target.shape[:-1])
    pairs = features.ndim >= 3 and features.shape[-2] == 2
    fits_one, fits_two = features.shape[:-1] in layouts, features.shape[:-2] in layouts and pairs
    if views is None and fits_one and fits_two:
        raise ValueError(
            f"features of shape {tuple(features.shape)} with target of shape "
            f"{tuple(target.shape)} can be two views of each sample or batches of two rows; "
            "say which with RnCLoss(views=2) or RnCLoss(views=1)"
        )
    if views == 2 and not pairs:
        raise ValueError(
            f"two views of each sample are features of shape (..., N, 2, d), "
            f"got {tuple(features.shape)}; stack them with torch.stack((first, second), dim=-2)"
        )
    if views == 2 or (views is None and fits_two):
        return two_views_as_rows(features, labels_of(features.select(-2, 0), target))
    return features, labels_of(features, target)


class RnCLoss(nn.Module):
    """`rnc_loss` as a module.

    >>> x = torch.tensor([[0.0], [1.0], [3.0]])
    >>> f"{RnCLoss(temperature=1.0)(x, torch.tensor([0.0, 1.0, 2.0])).item():.4f}"
    '0.3445'
    """

    def __init__(self, temperature: float = 2.0, views: int | None = None) -> None:
        """Keep the temperature t and the number of views of a sample, 1 or 2.

        None reads the number from the shapes.
        """
        super().__init__()
        check_choice("views", views, (None, 1, 2))
        self.temperature, self.views = positive_number("temperature", temperature), views

    def forward(self, features: Tensor, target: Tensor) -> Tensor:
        """Loss ``[...]`` of the features; ``target`` is ``[..., N]`` or ``[..., N, D]``.

        ``features`` are ``[..., N, d]``, or with two views of each sample ``[..., N, 2, d]``.
        """
        features, target = promoted(*as_rows(features, target, self.views))
        check_finite(target=target)
        value = rnc_loss(features, target, self.temperature)
        return nan_unless_finite(value, features, target)

    def extra_repr(self) -> str:
        """Show the hyper-parameters when the module is printed."""
        return f"temperature={self.temperature}, views={self.views}"


@blockwise()
def stacked_rnc(f: Tensor, y: Tensor, x: Tensor, temperature: Tensor, draw: Draw) -> Tensor:
    """`rnc_loss` as the stacked trainer calls it, in its first phase."""
    return rnc_loss(x, y, temperature)
