"""One row for each distinct label, drawn at random, for many models at once."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from gar_verify.losses._validation import values_readable

Draw = torch.Generator | Sequence[torch.Generator] | Tensor | None
"""Where the random choice among equal labels comes from.

A generator (None: torch's global one), one generator for each model, or the random numbers
themselves, ``[..., N]``: of the rows with equal labels, that with the smallest number stays.
"""


def draw_numbers(draw: Draw, shape: torch.Size, device: torch.device) -> Tensor:
    """Random numbers ``[..., N]``; given one generator for each model, every model has its own."""
    if isinstance(draw, Tensor):
        if draw.shape != shape:
            raise ValueError(
                f"the random numbers have shape {tuple(draw.shape)}; one is needed for each row, "
                f"that is {tuple(shape)}"
            )
        return draw
    if isinstance(draw, Sequence):
        if len(draw) != shape[:-1].numel():
            raise ValueError(
                f"got {len(draw)} generators for {shape[:-1].numel()} models; give one generator, "
                "or one for each model"
            )
        rows = [torch.rand(shape[-1], generator=g, device=g.device) for g in draw]
        return torch.stack(rows).reshape(shape).to(device)
    where = device if draw is None else draw.device
    # torch.rand takes no generator together with a size that torch.compile leaves open
    return torch.empty(shape, device=where).uniform_(generator=draw).to(device)


def distinct_rows(target: Tensor, numbers: Tensor) -> tuple[Tensor, Tensor]:
    """Rows that stay, ``[..., n]``, and how many for each model, ``[...]``.

    n is the largest of the numbers of distinct labels, or that of all rows where it cannot be read
    without waiting for a device; the rows that stay come first.
    """
    order = numbers.argsort(dim=-1)
    for column in reversed(target.unbind(-1)):  # stable sorts: the last key decides first
        order = order.gather(-1, column.gather(-1, order).argsort(dim=-1, stable=True))
    ordered = target.gather(-2, order.unsqueeze(-1).expand_as(target))
    first = torch.ones_like(order, dtype=torch.bool)
    first[..., 1:] = (ordered[..., 1:, :] != ordered[..., :-1, :]).any(-1)
    count = first.sum(-1)
    stays = order.gather(-1, (~first).byte().argsort(dim=-1, stable=True))
    as_given = torch.arange(order.shape[-1], device=order.device)
    rows = torch.where((count == order.shape[-1]).unsqueeze(-1), as_given, stays)
    return (rows[..., : int(count.max())] if values_readable(count) else rows), count
