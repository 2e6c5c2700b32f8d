"""A batch that is held in chunks, by several processes or one after another.

Each chunk is reduced to the numbers that `gar_verify.formulas.merge` takes, plus one of its
samples: its *anchor*. Means are kept relative to the anchor and merged relative to the anchor of
the heaviest chunk, so that merging loses nothing to a common offset, and predictions that are
constant over all chunks have a variance of exactly zero (one of 1e-32, left by rounding, would turn
into a gradient of 1e16 in the Pearson part).

A chunk whose weights are all zero is absent from the batch, as a sample of weight zero is.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from gar_verify import formulas
from gar_verify.formulas import Moments
from gar_verify.losses.gar.options import Options, Setting, numbers_readable, transforms_active
from gar_verify.losses.gar.tensor_reader import (
    Split,
    merge_all,
    moments_of,
    split,
    without_rounding,
)

if TYPE_CHECKING:
    from torch.distributed import ProcessGroup


def check_derivatives(target: Tensor, weight: Tensor | None) -> None:
    """Refuse derivatives that would have to cross from one chunk to another."""
    if target.requires_grad or (weight is not None and weight.requires_grad) or transforms_active():
        raise NotImplementedError(
            "a batch held in chunks (process_group, GARAccumulator) has first derivatives in the "
            "input only, by backward(): detach target and sample_weight, and leave out the "
            "transforms of torch.func"
        )


def refuse_second_derivatives() -> None:
    """Say that create_graph=True is not available."""
    raise NotImplementedError(
        "a batch held in chunks (process_group, GARAccumulator) has no second derivatives: "
        "call backward() without create_graph=True"
    )


def split_chunk(input: Tensor, target: Tensor, dim: int, weight: Tensor | None) -> Split:
    """`split`, where the weights of a chunk may sum to zero: such a chunk has weight 0."""
    if weight is None:
        return split(input, target, dim)
    if weight.ndim < input.ndim:
        shape = [1] * input.ndim
        shape[dim] = -1
        weight = weight.reshape(shape).expand_as(input)
    absent = weight.sum(dim, keepdim=True) == 0
    batch = split(
        input.masked_fill(absent, 0),
        target.masked_fill(absent, 0),
        dim,
        weight.masked_fill(absent, 1),
    )
    return batch._replace(weight=torch.as_tensor(batch.weight).masked_fill(absent, 0))


def summary(batch: Split, o: Options) -> Tensor:
    """The weight, the anchor (f, y) and the six other moments of a chunk, along a first dimension.

    The means are relative to the anchor, the chunk's first sample.
    """
    m = moments_of(batch, o.conventional, o.delta)
    f, y, residual, label = (
        x.narrow(o.dim, 0, 1)
        for x in (batch.input, batch.target, batch.parts.residual, batch.parts.label)
    )
    anchored = m._replace(mean_d=-(residual + m.slope * label), mean_y=-label)
    numbers = [anchored.weight, f, y, *anchored[1:]]
    return torch.stack([x if isinstance(x, Tensor) else torch.full_like(f, x) for x in numbers])


def merge_summaries(summaries: Sequence[Tensor]) -> Tensor:
    """The summary of all chunks together, merged from left to right."""
    chunks = torch.stack(list(summaries))
    heaviest = chunks[:, :1].argmax(0, keepdim=True)
    f, y = chunks[:, 1:3].gather(0, heaviest.expand(1, 2, *chunks.shape[2:]))[0]
    absent = chunks[:, 0] == 0
    shift_f = (chunks[:, 1] - f).masked_fill(absent, 0)
    shift_y = (chunks[:, 2] - y).masked_fill(absent, 0)
    mean_d, mean_y = chunks[:, 3] + (shift_f - shift_y), chunks[:, 4] + shift_y
    whole = merge_all(
        Moments(chunk[0], d, y, *chunk[5:].unbind())
        for chunk, d, y in zip(chunks, mean_d, mean_y, strict=True)
    )
    return torch.stack([whole.weight, f, y, *whole[1:]])


def union(summaries: Sequence[Tensor]) -> Moments:
    """Moments of the batch of all chunks.

    Raises a ValueError if the weights of all chunks sum to zero (NaN where that cannot be read).
    """
    weight, f, y, *rest = merge_summaries(summaries).unbind()
    m = Moments(weight, *rest)
    nothing = weight == 0
    if numbers_readable(weight) and bool(nothing.any()):
        raise ValueError("sample_weight sums to zero over all chunks of the batch")
    return m._replace(
        mean_d=m.mean_d + (f - y),
        mean_y=m.mean_y + y,
        conventional=m.conventional.masked_fill(nothing, torch.nan),
    )


def gather(local: Tensor, group: ProcessGroup) -> list[Tensor]:
    """The summaries of all processes of ``group``, in the order of their ranks.

    One all-gather of nine numbers per target: a collective call, which every process must make.
    All merge in the same order, and so get the same result to the last bit.
    """
    gathered = [torch.empty_like(local) for _ in range(torch.distributed.get_world_size(group))]
    torch.distributed.all_gather(gathered, local.contiguous(), group=group)
    return gathered


def whole_batch(
    batch: Split, setting: Setting
) -> tuple[Moments, tuple[Tensor, Tensor], float | Tensor]:
    """Moments of the whole batch, residual and label of the chunk, the factor on its gradient.

    Under DistributedDataParallel gradients are averaged over the processes, hence their number.
    """
    processes = 1
    if setting.whole is not None:
        m = setting.whole
    else:
        assert setting.group is not None
        m = union(gather(summary(batch, setting.options), setting.group))
        processes = torch.distributed.get_world_size(setting.group)
    vectors = formulas.residual_and_label(batch.input, batch.target, m)
    return without_rounding(m), vectors, processes * batch.weight / m.weight
