"""A batch that is held in chunks, by several processes or one after another.

Each chunk is reduced to the numbers that `gar_verify.formulas.merge` takes, plus one of its
samples: its *anchor*. Means are kept relative to the anchor, and those of a union to that of the
heavier part, so that merging loses nothing to a common offset or to an outlier elsewhere, and
predictions that are constant over all chunks have a variance of exactly zero (one of 1e-32, left by
rounding, would turn into a gradient of 1e16 in the Pearson part).

A chunk whose weights are all zero is absent from the batch, as a sample of weight zero is. With
groups, each has its own moments, and a chunk may lack some of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor

from gar_verify import formulas
from gar_verify.formulas import Moments, Shifts
from gar_verify.losses._validation import transforms_active, values_readable
from gar_verify.losses.gar.options import Options, Setting
from gar_verify.losses.gar.tensor_reader import (
    Groups,
    Split,
    expand_weight,
    moments_of,
    shifts_at,
    split,
)

if TYPE_CHECKING:
    from torch.distributed import ProcessGroup


def whole_tensors(*tensors: Any) -> list[Any]:
    """Each DTensor as the plain tensor of all its shards; what is none stays as it is.

    Statistics of the batch need all of it. A gradient finds its way back to the shards.
    """
    return [x.full_tensor() if hasattr(x, "full_tensor") else x for x in tensors]


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


class Summary(NamedTuple):
    """What is known of a chunk."""

    numbers: Tensor
    """Along the first dimension: the weight, the anchor (f, y) and the eight other moments, the
    means relative to the anchor."""
    ids: Tensor | None
    """Of its groups; None without groups."""


class Whole(NamedTuple):
    """The batch of all chunks."""

    relative: Moments
    """Its moments, the means relative to `anchor`."""
    anchor: tuple[Tensor, Tensor]
    """Prediction and label of one sample."""
    ids: Tensor | None

    @property
    def shifts(self) -> Shifts:
        """What the means are relative to."""
        return shifts_at(*self.anchor)

    @property
    def moments(self) -> Moments:
        """The moments, with their means."""
        m, (f, y) = self.relative, self.anchor
        return m._replace(mean_f=m.mean_f + f, mean_d=m.mean_d + (f - y), mean_y=m.mean_y + y)


def split_chunk(
    input: Tensor, target: Tensor, dim: int, weight: Tensor | None, groups: Groups | None = None
) -> Split:
    """`split`, where the weights of a chunk may sum to zero: such a chunk has weight 0."""
    if weight is None or groups is not None:
        return split(input, target, dim, weight, groups)
    weight = expand_weight(weight, input, dim)
    absent = weight.sum(dim, keepdim=True) == 0
    batch = split(
        input.masked_fill(absent, 0),
        target.masked_fill(absent, 0),
        dim,
        weight.masked_fill(absent, 1),
    )
    total = torch.as_tensor(batch.weight).masked_fill(absent, 0)
    return batch._replace(weight=total, w=torch.as_tensor(batch.w).masked_fill(absent, 0))


def summary(batch: Split, o: Options) -> Summary:
    """The summary of a chunk."""
    m = moments_of(batch, o.conventional, o.delta)
    residual, label = batch.at_anchor(batch.parts.residual), batch.at_anchor(batch.parts.label)
    anchored = m._replace(
        mean_f=-(residual + m.scale * label),
        mean_d=formulas.lost(*batch.shifts) - (residual + m.slope * label),
        mean_y=-label,
    )
    numbers = [anchored.weight, batch.shifts.f, batch.shifts.y, *anchored[1:]]
    rows = [x if isinstance(x, Tensor) else torch.full_like(label, x) for x in numbers]
    return Summary(torch.stack(rows), None if batch.groups is None else batch.groups.ids)


def merge_summaries(summaries: Sequence[Summary]) -> Summary:
    """The summary of all chunks together, merged from left to right."""
    chunks, ids = _side_by_side(summaries)
    return Summary(reduce(_merged, chunks), ids)


def _merged(a: Tensor, b: Tensor) -> Tensor:
    """The numbers of the union of two chunks."""
    f, y = torch.where(a[0] >= b[0], a[1:3], b[1:3])
    whole = formulas.merge(_relative_to(f, y, a), _relative_to(f, y, b))
    return torch.stack([whole.weight, f, y, *whole[1:]])


def _relative_to(f: Tensor, y: Tensor, chunk: Tensor) -> Moments:
    """The moments of a chunk, the means relative to another anchor."""
    weight, own_f, own_y, *means = chunk[:6]
    shifts = (own_f - f, (own_f - own_y) - (f - y), own_y - y)
    present = [
        (x + shift).masked_fill(weight == 0, 0) for x, shift in zip(means, shifts, strict=True)
    ]
    return Moments(weight, *present, *chunk[6:])


def _side_by_side(summaries: Sequence[Summary]) -> tuple[Tensor, Tensor | None]:
    """The numbers of all chunks, (chunks, numbers, groups, ...), and the groups of all of them."""
    if any(s.ids is None for s in summaries):
        return torch.stack([s.numbers for s in summaries]), None
    ids = torch.unique(torch.cat([s.ids for s in summaries if s.ids is not None]))
    chunks = []
    for numbers, own in summaries:
        assert own is not None
        chunk = numbers.new_zeros(len(numbers), len(ids), *numbers.shape[2:])
        chunks.append(chunk.index_copy(1, torch.searchsorted(ids, own), numbers))
    return torch.stack(chunks), ids


def union(summaries: Sequence[Summary], o: Options) -> Whole:
    """The batch of all chunks.

    Raises a ValueError if the weights of all chunks sum to zero (NaN where that cannot be read).
    """
    (weight, f, y, *rest), ids = merge_summaries(summaries)
    nothing = (weight if ids is None else weight.sum(0)) == 0
    if o.missing == "omit":
        nothing = nothing.all()
    if values_readable(weight) and bool(nothing.any()):
        raise ValueError("sample_weight sums to zero over all chunks of the batch")
    rest[-1] = rest[-1].masked_fill(nothing, torch.nan)
    return Whole(Moments(weight, *rest), (f, y), ids)


def gather(local: Summary, group: ProcessGroup) -> list[Summary]:
    """The summaries of all processes of ``group``, in the order of their ranks.

    One all-gather of eleven numbers per target (with groups: per group and target, after one of
    their number and one of their names): collective calls, which every process must make. All merge
    in the same order, and so get the same result to the last bit.
    """
    numbers, ids = local
    if ids is None:
        return [Summary(x, None) for x in _all_gather(numbers, group)]
    sizes = [int(n) for n in _all_gather(ids.new_tensor(len(ids)), group)]
    more = max(sizes) - len(ids)
    padding = numbers.new_zeros(len(numbers), more, *numbers.shape[2:])
    all_ids = _all_gather(torch.cat([ids, ids.new_zeros(more)]), group)
    all_numbers = _all_gather(torch.cat([numbers, padding], 1), group)
    return [Summary(x[:, :n], i[:n]) for x, i, n in zip(all_numbers, all_ids, sizes, strict=True)]


def _all_gather(local: Tensor, group: ProcessGroup) -> list[Tensor]:
    gathered = [torch.empty_like(local) for _ in range(torch.distributed.get_world_size(group))]
    torch.distributed.all_gather(gathered, local.contiguous(), group=group)
    return gathered


def whole_batch(batch: Split, setting: Setting) -> tuple[Moments, tuple[Tensor, Tensor], Split]:
    """Moments of the whole batch, residual and label of the chunk, the chunk as a part of it."""
    whole: Any = setting.whole
    if whole is None:
        assert setting.group is not None
        o = setting.options
        whole = union(gather(summary(batch, o), setting.group), o)
    if batch.groups is not None:
        index = torch.searchsorted(whole.ids, batch.groups.ids)[batch.groups.of]
        batch = batch._replace(groups=Groups(index, whole.ids))
    shifts, relative = Shifts(*map(batch.spread, whole.shifts)), whole.relative
    vectors = formulas.residual_and_label(
        batch.input, batch.target, shifts, Moments(*map(batch.spread, relative))
    )
    return whole.moments, vectors, batch
