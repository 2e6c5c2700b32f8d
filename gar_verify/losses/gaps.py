"""The losses of the comparison for targets with gaps: a NaN label is absent, target by target.

Without gaps each is the loss without this name, up to rounding. With gaps

- a mean over entries is one over the observed entries;
- GAR has the moments of each target from its observed rows; joint: each sub-loss averaged over the
  targets that have any, then aggregated; per target: aggregated, then averaged;
- the label distance of two rows (RnC, ConR) is taken over the targets that both have: ConR's is
  the mean over these, RnC's that mean times the number of targets, so that rows with few common
  targets are not near for it. Two rows without a common target are no pair;
- ConR's distance of predictions is over the same targets as that of the labels;
- RankSim compares the ranks target by target, among the rows that have the target.

The prediction of an absent entry has no part in the value, and its derivative is 0. A batch without
any label has the loss 0 (GAR: a constant). `gaps_of_pairs` holds the losses of pairs of rows.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from gar_verify import formulas
from gar_verify.losses._distinct import Draw
from gar_verify.losses.conventional import huber_loss, mae_loss, mse_loss
from gar_verify.losses.focal import focal_mae_loss, focal_mse_loss
from gar_verify.losses.gar.aggregation import aggregate
from gar_verify.losses.gar.autograd import loss_of_checked
from gar_verify.losses.gar.options import Options, Setting, TargetPolicy
from gar_verify.losses.released_gar import EPS

FILL = 0.0
"""Takes the place of what is absent; any other finite number would do."""


def without_gaps(f: Tensor, y: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Predictions and labels with `FILL` in place of what is absent, and where labels are."""
    present = ~y.isnan()
    return f.where(present, FILL), y.where(present, FILL), present


def over_observed(loss: Callable[..., Tensor], f: Tensor, y: Tensor, *values: Tensor) -> Tensor:
    """The mean over the observed entries, of a loss that is a mean over entries, 0 at no error."""
    filled_f, filled_y, present = without_gaps(f, y)
    count = present.sum((-2, -1))
    entries = present[0].numel()
    return loss(filled_f, filled_y, *values) * (entries / count.clamp(min=1))


def stacked_mae(f: Tensor, y: Tensor, x: Tensor, repeat: Tensor, draw: Draw) -> Tensor:
    """The MAE of targets with gaps, see `stacking.StackedLoss`."""
    return over_observed(mae_loss, f, y)


def stacked_mse(f: Tensor, y: Tensor, x: Tensor, repeat: Tensor, draw: Draw) -> Tensor:
    """The MSE of targets with gaps."""
    return over_observed(mse_loss, f, y)


def stacked_huber(f: Tensor, y: Tensor, x: Tensor, delta: Tensor, draw: Draw) -> Tensor:
    """Huber's loss of targets with gaps."""
    return over_observed(huber_loss, f, y, delta)


def stacked_focal_mae(f: Tensor, y: Tensor, x: Tensor, beta: Tensor, draw: Draw) -> Tensor:
    """Focal-MAE of targets with gaps."""
    return over_observed(focal_mae_loss, f, y, beta)


def stacked_focal_mse(f: Tensor, y: Tensor, x: Tensor, beta: Tensor, draw: Draw) -> Tensor:
    """Focal-MSE of targets with gaps."""
    return over_observed(focal_mse_loss, f, y, beta)


def stacked_gar(
    f: Tensor, y: Tensor, x: Tensor, alpha: Tensor, draw: Draw, *, targets: TargetPolicy = "joint"
) -> Tensor:
    """GAR of targets with gaps, by the moments of the observed entries."""
    filled_f, filled_y, present = without_gaps(f, y)
    options = Options(dim=1, kept=(0,), targets=targets, missing="omit")
    setting = Setting(options, reader="tensor")
    weight = present.to(filled_f.dtype)
    return loss_of_checked(filled_f, filled_y, weight, _exponents(f, alpha), setting)


def stacked_released(f: Tensor, y: Tensor, x: Any, alpha: Tensor, draw: Draw) -> Tensor:
    """GAR with the constants of the released code, of targets with gaps; targets are joint.

    A target with fewer than two labels has no unbiased deviation and takes no part.
    """
    filled_f, filled_y, present = without_gaps(f, y)
    count = present.sum(1, keepdim=True)
    whole = (count > 1).to(f.dtype)

    def mean(v: Tensor) -> Tensor:
        return v.where(present, 0).sum(1, keepdim=True) / count.clamp(min=1)

    def scale(v: Tensor) -> Tensor:
        square = formulas.square(v - mean(v)).where(present, 0).sum(1, keepdim=True)
        variance = square / (count - 1).clamp(min=1)
        return variance.clamp(min=EPS**2).sqrt()  # type: ignore[no-any-return]

    parts = formulas.released_sub_losses(
        filled_f, filled_y, mean, scale(filled_f), scale(filled_y), EPS
    )
    shares = whole / whole.sum(-1, keepdim=True).clamp(min=1)
    losses = (torch.stack(parts) * shares).sum(-1, keepdim=True)
    none = losses == 0  # no target has two labels
    value, _, _ = aggregate(
        losses.where(~none, EPS), _exponents(f, alpha), Options(dim=1, kept=(0,)), 0.0, torch
    )
    squeezed: Tensor = value.squeeze((-2, -1))
    return squeezed


def _exponents(f: Tensor, alpha: Tensor) -> Tensor:
    return alpha.to(torch.promote_types(f.dtype, torch.float32)).reshape(-1, 1, 1)
