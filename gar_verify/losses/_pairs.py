"""What the pairwise losses share: similarities and distances of all pairs, and sorting them."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import torch
from torch import Tensor

from gar_verify.losses import _compiled
from gar_verify.losses._validation import values_readable

NORM_FLOOR = 1e-12
"""A row of zeros stays one when it is normalised."""

_INDEX_BITS = 16


def power_of_two(v: Tensor) -> Tensor:
    """The largest power of two up to each positive number, without a gradient.

    Dividing by it changes no digit, and keeps squares of what it was taken of in range.
    """
    v = v.detach()
    return v / (2 * torch.frexp(v).mantissa)


def cosine_similarities(features: Tensor) -> Tensor:
    """``x_i . x_j / (|x_i| |x_j|)`` for features ``[..., N, d]``: ``[..., N, N]``, self included.

    Norms are floored at `NORM_FLOOR`, so rows of zeros have similarity 0, and a gradient 1e12 times
    that of rows of length 1. The product is taken in the features' precision even under autocast.
    """
    features = features / power_of_two(features.abs().amax(-1, keepdim=True).clamp(min=1))
    norms: Tensor = torch.linalg.vector_norm(features, dim=-1, keepdim=True)
    x = features / norms.clamp(min=NORM_FLOOR)
    if features.device.type == "meta":  # which has no autocast
        return x @ x.mT
    with torch.autocast(features.device.type, enabled=False):
        return x @ x.mT


def label_distances(labels: Tensor) -> Tensor:
    """``sum_d |y_id - y_jd|`` for labels ``[..., N, D]``: ``[..., N, N]``, without a gradient."""
    labels = labels.detach()
    if labels.shape[-1] == 1:
        return (labels - labels.mT).abs_()  # the same numbers, much faster
    return torch.cdist(labels, labels, p=1.0)


def stable_argsort(v: Tensor) -> Tensor:
    """``v.argsort(dim=-1, stable=True)``, on a CPU several times as fast.

    There, float32 entries and their positions are packed into integers of the same order, which
    NumPy sorts with vector instructions. (A NaN ends up at either end.)
    """
    n = v.shape[-1]
    if not values_readable(v) or v.dtype != torch.float32 or n > 1 << _INDEX_BITS:
        return v.argsort(dim=-1, stable=True)
    bits = (v.detach() + 0.0).view(torch.int32)  # + 0.0: -0.0 is equal to 0.0, its bits are not
    compiled = _kernels() if n <= _SHORT else None
    if compiled is None:
        return _sorted_by_pairs(bits)
    order = torch.empty(v.shape, dtype=torch.int64, device=v.device)
    rows, found = bits.reshape(-1, n), order.view(-1, n)
    keys, shift = np.empty(rows.shape, np.int32), np.empty(len(rows), np.int64)
    compiled["pack"](rows.numpy(), keys, shift)
    keys.sort(axis=-1)
    crowded = np.zeros(len(rows), np.bool_)
    compiled["unpack"](rows.numpy(), keys, shift, found.numpy(), crowded)
    if crowded.any():
        again = torch.from_numpy(crowded)
        found[again] = _sorted_by_pairs(rows[again])
    return order


def _sorted_by_pairs(bits: Tensor) -> Tensor:
    """The order of numbers with these bits, from integers that hold number and position."""
    # negative floats are ordered the wrong way round as integers: flip all bits but the sign
    keys = (bits ^ ((bits >> 31) & 0x7FFFFFFF)).long() << _INDEX_BITS
    keys |= torch.arange(bits.shape[-1], device=bits.device)
    keys.numpy().sort(axis=-1)
    return keys & ((1 << _INDEX_BITS) - 1)


def farthest_first(labels: Tensor, itself: bool) -> tuple[Tensor, Tensor] | None:
    """``stable_argsort`` of ``-|y_i - y_j|`` for labels ``[..., N]``, and where distances begin.

    Both are ``[..., N, N]``; without ``itself`` each row is left out of its own,
    ``[..., N, N - 1]``. The labels, sorted once, are ordered by their distance from any of them,
    which takes no sort for each row. None where that is not compiled.
    """
    compiled = _kernels() if values_readable(labels) else None
    n = labels.shape[-1]
    if compiled is None or labels.dtype not in (torch.float32, torch.float64):
        return None
    y = labels.detach().reshape(-1, n).double().contiguous()
    by_label = y.argsort(dim=-1, stable=True)
    order = y.new_empty((*labels.shape, n if itself else n - 1), dtype=torch.int64)
    single = labels.dtype == torch.float32
    starts = torch.zeros_like(order, dtype=torch.bool)
    shape = (len(y), n, order.shape[-1])
    compiled["order_by_distance"](
        y.numpy(),
        by_label.numpy(),
        itself,
        single,
        order.view(shape).numpy(),
        starts.view(shape).numpy(),
    )
    return order, starts


def ranks_in_order(order: Tensor, count: Tensor | int, dtype: torch.dtype) -> Tensor:
    """The first of each row of ``order`` gets n / count, the last 1 / count."""
    n = order.shape[-1]
    compiled = _kernels() if values_readable(order) and dtype == torch.float32 else None
    if compiled is not None and order.is_contiguous():
        result = torch.empty_like(order, dtype=dtype)
        counts = (
            torch.as_tensor(count, dtype=dtype, device=order.device)
            .expand(*order.shape[:-1], 1)
            .reshape(-1)
        )
        rows = order.view(-1, n)
        compiled["rank"](rows.numpy(), counts.numpy(), result.view(rows.shape).numpy())
        return result
    descending = torch.arange(n, 0, -1, device=order.device, dtype=dtype).expand(order.shape)
    result = torch.empty(order.shape, device=order.device, dtype=dtype)
    return result.scatter_(-1, order, descending).div_(count)


# --- compiled where there is a compiler -----------------------------------------------------------

Array = Any


_SHORT = 1 << 12
"""Rows up to this length are sorted by 32 bits: most of a number's, and its position."""
_CROWD = 24
"""So many numbers that agree in these bits are put in order one by one; more are sorted again."""


def as_integer(bits: int) -> Any:
    """An integer in the order of the float32 numbers."""
    b = np.int64(bits)
    return b if b >= 0 else b ^ np.int64(2147483647)


def bits_of(n: int) -> int:
    """Bits that a number below n needs."""
    count = 0
    while (1 << count) < n:
        count += 1
    return count


def pack(bits: Array, keys: Array, shift: Array) -> None:
    """Keys that hold the first bits of a number, relative to the row's smallest, and its position.

    ``shift`` takes how many of the last bits were left out in each row.
    """
    n = bits.shape[1]
    places = bits_of(n)
    for row in range(bits.shape[0]):
        low, high = as_integer(bits[row, 0]), as_integer(bits[row, 0])
        for i in range(n):
            x = as_integer(bits[row, i])
            low, high = min(low, x), max(high, x)
        left_out = 0
        while ((high - low) >> left_out) >= (1 << (31 - places)):
            left_out += 1
        shift[row] = left_out
        for i in range(n):
            first = (as_integer(bits[row, i]) - low) >> left_out
            keys[row, i] = np.int32((first << places) | i)


def unpack(bits: Array, keys: Array, shift: Array, order: Array, crowded: Array) -> None:
    """Positions from sorted keys; numbers that agree in their first bits are put in order."""
    n = bits.shape[1]
    places = bits_of(n)
    for row in range(bits.shape[0]):
        begin, before = 0, np.int64(-1)
        for k in range(n):
            first = np.int64(keys[row, k]) >> places
            i = np.int64(keys[row, k]) & ((1 << places) - 1)
            place = k
            if first != before:
                begin, before = k, first
            elif shift[row] > 0:
                if k - begin > _CROWD:
                    crowded[row] = True
                    break
                x = as_integer(bits[row, i])
                while place > begin and as_integer(bits[row, order[row, place - 1]]) > x:
                    order[row, place] = order[row, place - 1]
                    place -= 1
            order[row, place] = i


def rank(order: Array, counts: Array, out: Array) -> None:
    """Descending ranks over the count of each row."""
    n = order.shape[1]
    for row in range(order.shape[0]):
        for k in range(n):
            out[row, order[row, k]] = np.float32(n - k) / counts[row]


def distance(a: float, b: float, single: bool) -> float:
    """|a - b|, rounded to float32 if both are."""
    d = abs(a - b)
    return np.float64(np.float32(d)) if single else d


def order_by_distance(
    y: Array, by_label: Array, itself: bool, single: bool, out: Array, starts: Array
) -> None:
    """Rows in falling distance of their labels from that of each row; equals by position.

    ``starts`` is set at the first of equals.
    """
    n = y.shape[1]
    first, last = np.empty(n, np.int64), np.empty(n, np.int64)  # of the labels equal to each
    for model in range(y.shape[0]):
        v, p = y[model], by_label[model]
        for k in range(n):
            first[k] = first[k - 1] if k > 0 and v[p[k]] == v[p[k - 1]] else k
        for k in range(n - 1, -1, -1):
            last[k] = last[k + 1] if k < n - 1 and v[p[k]] == v[p[k + 1]] else k
        for i in range(n):
            low, high, count, begin, before = 0, n - 1, 0, 0, -1.0
            row = out[model, i]
            while low <= high:
                left, right = distance(v[p[low]], v[i], single), distance(v[p[high]], v[i], single)
                a, b, d = low, last[low], left
                if right > left:
                    a, b, d = first[high], high, right
                    high = a - 1
                else:
                    low = b + 1
                if d != before:
                    begin, before = count, d
                for k in range(a, b + 1):
                    if itself or p[k] != i:
                        place = count
                        while place > begin and row[place - 1] > p[k]:
                            row[place] = row[place - 1]
                            place -= 1
                        row[place] = p[k]
                        starts[model, i, begin] = True
                        count += 1


@cache
def _kernels() -> dict[str, Any] | None:
    """The functions above, compiled; None where that is not possible."""
    entries = (pack, unpack, rank, order_by_distance)
    compiled = _compiled.load(entries)
    if compiled is None:
        return None
    try:
        bits, order, shift = (
            np.zeros((1, 1), np.int32),
            np.zeros((1, 1), np.int64),
            np.zeros(1, int),
        )
        compiled[0](bits, bits, shift)
        compiled[1](bits, bits, shift, order, np.zeros(1, np.bool_))
        compiled[2](order, np.ones(1, np.float32), np.zeros((1, 1), np.float32))
        whole = np.zeros((1, 1, 1), np.int64)
        compiled[3](np.zeros((1, 1)), order, True, True, whole, whole == 0)
    except Exception as error:  # whatever a compiler can do wrong
        _compiled.give_up(error)
        return None
    return dict(zip((entry.__name__ for entry in entries), compiled, strict=True))
