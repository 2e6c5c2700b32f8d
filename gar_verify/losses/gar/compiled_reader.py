"""The formulas read by numba: value and gradient of a batch on the CPU, cheaper than `L1Loss`.

What is compiled stands in `kernels`; here is the way from tensors to the addresses it takes.
"""

from __future__ import annotations

import math
import threading
from functools import cache
from itertools import chain
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from gar_verify.losses import _compiled
from gar_verify.losses._validation import PLAIN
from gar_verify.losses.gar import kernels as compiled
from gar_verify.losses.gar.aggregation import smallest
from gar_verify.losses.gar.kernels import STATE, WORK
from gar_verify.losses.gar.options import (
    HALF,
    Options,
    Setting,
    check_labels,
    check_weight_values,
    result_dtype,
)
from gar_verify.losses.gar.tensor_reader import expand_weight


class Kernels(NamedTuple):
    """Both, compiled."""

    evaluate: Any
    write_gradient: Any


class Plan(NamedTuple):
    """How batches of one kind (dtypes, shapes, strides) are evaluated."""

    kernels: Kernels
    layout: Any
    choices: Any
    numbers: int
    """Length of the state."""
    blank: Tensor
    """A tensor like the value."""
    floor: float
    limit: float
    """The largest value."""
    largest: float
    """The largest gradient."""
    heaviest_total: float
    """The largest sum of weights."""
    direct: bool
    """Whether the tensors are read as they are: of full precision, the weights in their shape."""


Places = tuple[Any, Any]
"""Where each group begins, and the samples in the order of their groups; empty where not needed."""
State = tuple[Plan, Any, Places]
"""What the backward pass needs besides the tensors: the plan, the numbers that the kernel left, and
where the groups lie."""

_ARRAYS = {torch.float32: _compiled.float32_at, torch.float64: _compiled.float64_at}
_PLANS = 64
"""Kinds of batches that a loss remembers."""
_UNKNOWN = object()
_NONE = np.empty(0)
_NOWHERE = np.empty(0, dtype=np.int64)
_NO_GROUPS = (_NOWHERE, _NOWHERE)


class _Local(threading.local):
    """Each thread has its own space to work in."""

    def __init__(self) -> None:
        self.work = np.empty(WORK)


_local = _Local()


def value_and_state(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None,
    alpha: float | Tensor,
    setting: Setting,
    groups: Tensor | None = None,
) -> tuple[Tensor, State] | None:
    """The value, and what `gradient` needs; None if the tensor reader has to serve.

    A batch is served here if it is whole, on the CPU, in eager mode, of at most one dimension of
    targets and one of models.
    """
    if not (
        input.is_cpu
        and type(input) in PLAIN
        and type(target) in PLAIN
        and input.layout is torch.strided is target.layout
    ):
        return None
    key: Any = (input.dtype, target.dtype, input.shape, input.stride(), target.stride())
    if weight is not None:
        key = (*key, weight.dtype, weight.shape, weight.stride())
    plan = setting.plans.get(key, _UNKNOWN)
    if plan is _UNKNOWN:
        plan = _new_plan(key, input, target, weight, setting)
    if plan is None or input.is_neg() or target.is_neg():
        return None
    if not plan.direct:
        input, target, weight = _readable(input, target, weight, setting.options.dim)
    value, each, lie = torch.empty_like(plan.blank), _NONE, _NO_GROUPS
    numbers = np.empty(plan.numbers)
    if groups is not None:
        lie = _places_of(groups)
        numbers = np.empty(plan.numbers * (len(lie[0]) - 1))
    if isinstance(alpha, Tensor):
        if alpha.requires_grad:
            return None
        each = alpha.reshape(-1).double().numpy()
        alpha = 0.0
    valid, labelled = plan.kernels.evaluate(
        input.data_ptr(),
        target.data_ptr(),
        0 if weight is None else weight.data_ptr(),
        plan.layout,
        *lie,
        alpha,
        each,
        plan.choices,
        plan.floor,
        plan.limit,
        plan.heaviest_total,
        _local.work,
        numbers,
        value.data_ptr(),
    )
    if not (valid and labelled) and not setting.options.kept:
        o = setting.options
        if weight is not None:
            check_weight_values(weight, o.dim, chunk=o.missing == "omit")
        check_labels(target, weight, o.dim)
        if not valid and weight is not None:  # a target without labels
            return None
    return value, (plan, numbers, lie)


def gradient(
    input: Tensor, target: Tensor, weight: Tensor | None, state: State, upstream: Tensor
) -> Tensor:
    """The gradient in the input, given that in the value."""
    plan, numbers, lie = state
    dtype = input.dtype
    if not plan.direct:
        input, target, weight = _readable(input, target, weight, int(plan.layout[18]))
    if upstream.ndim > 0:
        upstream = upstream.contiguous()
    out = torch.empty_like(input)
    plan.kernels.write_gradient(
        input.data_ptr(),
        target.data_ptr(),
        0 if weight is None else weight.data_ptr(),
        upstream.data_ptr(),
        out.data_ptr(),
        plan.layout,
        *lie,
        plan.choices,
        plan.largest,
        _local.work,
        numbers,
    )
    return out if plan.direct else out.to(dtype)


def _readable(
    input: Tensor, target: Tensor, weight: Tensor | None, dim: int
) -> tuple[Tensor, Tensor, Tensor | None]:
    """The tensors in float32 or float64, the weights in the shape of the input."""
    dtype = result_dtype(input, target)
    if weight is not None:
        if weight.dtype in HALF:
            weight = weight.float()
        weight = expand_weight(weight, input, dim)
    return input.to(dtype), target.to(dtype), weight


def _places_of(groups: Tensor) -> Places:
    """Where the samples of each group lie."""
    numbers = np.ascontiguousarray(groups.numpy(), dtype=np.int64)
    runs_of, in_order = _sorters()
    bounds = np.empty(len(numbers) + 1, dtype=np.int64)
    runs, rising, least, most = runs_of(numbers, bounds)
    if rising:
        return bounds[: runs + 1], _NOWHERE
    if most - least > 4 * len(numbers):
        numbers = np.unique(numbers, return_inverse=True)[1]
        least, most = 0, int(numbers.max())
    begins, order = np.zeros(most - least + 3, np.int64), np.empty(len(numbers), np.int64)
    runs = in_order(numbers, least, begins, order, bounds)
    return bounds[: runs + 1], order


@cache
def _sorters() -> Any:
    """`kernels.runs_of` and `kernels.in_order`, compiled where that is possible."""
    functions = (compiled.runs_of, compiled.in_order)
    return _compiled.load(functions, {}) or functions


def _new_plan(
    key: Any, input: Tensor, target: Tensor, weight: Tensor | None, setting: Setting
) -> Plan | None:
    if len(setting.plans) >= _PLANS:
        setting.plans.clear()
    plan = setting.plans[key] = _make_plan(input, target, weight, setting)
    return plan


def _make_plan(
    input: Tensor, target: Tensor, weight: Tensor | None, setting: Setting
) -> Plan | None:
    o = setting.options
    if setting.partial or setting.reader == "tensor" or len(o.kept) > 1:
        return None
    if o.grouped and (o.kept or o.reduction == "none"):
        return None
    if input.ndim > 2 + len(o.kept):
        return None
    f, y, w = _readable(input, target, weight, o.dim)
    kernels = _kernels(f.dtype, None if w is None else w.dtype)
    if kernels is None:
        return None
    layout = _layout(f, y, w, o)
    reduced = o.reduced_dims(f.ndim)
    blank = f.new_empty([n for d, n in enumerate(f.shape) if d not in reduced])
    return Plan(
        kernels=kernels,
        layout=layout,
        choices=o.numbers,
        numbers=int(layout[0] * layout[1]) * STATE,
        blank=blank,
        floor=smallest(f.dtype),
        limit=torch.finfo(f.dtype).max,
        largest=torch.finfo(input.dtype).max,
        heaviest_total=math.inf if w is None else torch.finfo(w.dtype).max,
        direct=f is input and y is target and w is weight,
    )


def _layout(f: Tensor, y: Tensor, w: Tensor | None, o: Options) -> Any:
    """Where the samples lie.

    (models, targets, samples), the distances of these in predictions, labels and weights (three
    each), the extents of the three, the distances in the gradient, and the batch dimension.
    """
    (models,) = o.kept or (None,)
    (targets,) = o.averaged_dims(f.ndim) or (None,)
    dims = (models, targets, o.dim)
    sizes = [1 if d is None else f.shape[d] for d in dims]
    strides = [
        f.stride(),
        y.stride(),
        (1,) * f.ndim if w is None else w.stride(),
        torch.empty_like(f).stride(),
    ]
    distances = [[0 if d is None else stride[d] for d in dims] for stride in strides]
    extents = [
        1 + sum((size - 1) * step for size, step in zip(sizes, steps, strict=True))
        for steps in distances[:3]
    ]
    return np.array([*sizes, *chain.from_iterable(distances[:3]), *extents, *distances[3], o.dim])


@cache
def _kernels(dtype: torch.dtype, weights: torch.dtype | None) -> Kernels | None:
    """The kernels for numbers and weights of these dtypes; None if they cannot be compiled."""
    variant: dict[str, Any] = {
        "reals_at": _ARRAYS[dtype],
        "weights_at": _ARRAYS[weights or torch.float64],
        "real": compiled.to_float32 if dtype == torch.float32 else compiled.to_float64,
    }
    if weights is None:
        variant |= {
            "weight_of": compiled.one,
            "heaviest_sample": compiled.first_sample,
            "scale_of": compiled.no_scale,
            "weight_sum": compiled.count,
            "weights_side_by_side": compiled.no_weights,
        }
    loaded = _compiled.load((compiled.evaluate, compiled.write_gradient), variant)
    if loaded is None:
        return None
    kernels = Kernels(*loaded)
    try:
        _try_out(kernels, dtype, weights)
    except Exception as error:  # whatever a compiler can do wrong
        _compiled.give_up(error)
        return None
    return kernels


def _try_out(kernels: Kernels, dtype: torch.dtype, weights: torch.dtype | None) -> None:
    """Call both once, which compiles them."""
    batch, out = torch.arange(2, dtype=dtype), torch.empty(2, dtype=dtype)
    w = torch.ones(2, dtype=weights or torch.float64)
    o, work, state = Options(), np.empty(WORK), np.empty(STATE)
    same = (batch.data_ptr(), batch.data_ptr(), w.data_ptr())
    layout, choices, to = _layout(batch, batch, w, o), o.numbers, out.data_ptr()
    where = (layout, *_NO_GROUPS)
    kernels.evaluate(*same, *where, 0.5, _NONE, choices, 1e-38, 1e38, 1e38, work, state, to)
    kernels.write_gradient(*same, to, to, *where, choices, 1e38, work, state)
