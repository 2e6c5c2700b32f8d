"""GAR as the stacked trainer calls it: many models at once, each with its own alpha."""

from __future__ import annotations

import torch
from torch import Tensor

from gar_verify.losses._distinct import Draw
from gar_verify.losses.gar import loss_of_checked
from gar_verify.losses.gar_closed_form import Setting
from gar_verify.losses.gar_options import PARTS, Options


def stacked_gar(
    prediction: Tensor,
    target: Tensor,
    alpha: Tensor | float,
    *,
    parts: tuple[str, ...] = PARTS,
    constants: str = "paper",
    conventional: str = "mae",
) -> Tensor:
    """GAR of many models at once: prediction, target (S, B, T), alpha (S,) -> losses (S,).

    Every model has its own alpha, finite and positive; targets are joint. Not for users' batches:
    nothing is checked.
    """
    options = Options(
        parts=tuple(parts), constants=constants, conventional=conventional, dim=1, kept=(0,)
    )
    if isinstance(alpha, Tensor):
        alpha = alpha.to(torch.promote_types(prediction.dtype, torch.float32)).reshape(-1, 1, 1)
    return loss_of_checked(prediction, target, None, alpha, Setting(options))


def stacked_alpha(f: Tensor, y: Tensor, x: Tensor, alpha: Tensor, draw: Draw) -> Tensor:
    """`stacked_gar` in the signature of `stacking.StackedLoss`."""
    return stacked_gar(f, y, alpha)


def stacked_released(f: Tensor, y: Tensor, x: Tensor, alpha: Tensor, draw: Draw) -> Tensor:
    """GAR with the constants of the authors' released code."""
    return stacked_gar(f, y, alpha, constants="released")


def stacked_parts(
    f: Tensor, y: Tensor, x: Tensor, alpha: Tensor, draw: Draw, *, parts: tuple[str, ...]
) -> Tensor:
    """Some of the sub-losses, with the released constants: the log of one, whatever its alpha."""
    if len(parts) == 1:
        alpha = alpha * 0 + 1
    return stacked_gar(f, y, alpha, parts=parts, constants="released")
