"""What a GAR loss can be asked to compute, and the checks of what it is given."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gar_verify.formulas import Moments
from gar_verify.losses._validation import check_choice, check_floating, check_same_shape

if TYPE_CHECKING:
    from torch.distributed import ProcessGroup

Conventional = Literal["mae", "mse", "huber"]
"""The conventional losses: mean |d|, mean d^2, mean of Huber's function of d."""
Form = Literal["log", "power_mean"]
TargetPolicy = Literal["joint", "per_target"]
Reduction = Literal["mean", "none"]
Part = Literal["conventional", "error_variance", "pearson"]
Reader = Literal["auto", "tensor"]

CONVENTIONAL: tuple[Conventional, ...] = get_args(Conventional)
FORMS: tuple[Form, ...] = get_args(Form)
TARGETS: tuple[TargetPolicy, ...] = get_args(TargetPolicy)
REDUCTIONS: tuple[Reduction, ...] = get_args(Reduction)
PARTS: tuple[Part, ...] = get_args(Part)
HALF = (torch.float16, torch.bfloat16)
_FULL = (torch.float32, torch.float64)


def check_alpha(alpha: float) -> float:
    """``alpha`` as a float in [0, inf], or a ValueError or TypeError that says what was passed."""
    if isinstance(alpha, bool) or not isinstance(alpha, (int, float)):
        raise TypeError(
            f"alpha must be a number in [0, inf] (0: maximum, inf: geometric mean), got "
            f"{alpha!r} of type {type(alpha).__name__}"
        )
    if math.isnan(alpha) or alpha < 0:
        raise ValueError(
            f"alpha must lie in [0, inf] (0: maximum, 1: mean, inf: geometric mean), got {alpha}"
        )
    return float(alpha)


def check_form(form: Form) -> Form:
    """``form``, or a ValueError that lists the forms there are."""
    check_choice("form", form, FORMS)
    return form


@dataclass(frozen=True)
class Options:
    """What a GAR loss computes, apart from alpha; validated on creation."""

    conventional: Conventional = "mae"
    delta: float = 1.0
    form: Form = "log"
    targets: TargetPolicy = "joint"
    dim: int = 0
    reduction: Reduction = "mean"
    parts: tuple[Part, ...] = PARTS
    kept: tuple[int, ...] = ()
    """Dimensions of independent models: never averaged, one loss for each entry."""
    raw: bool = False
    """The one sub-loss in ``parts`` itself, not aggregated."""

    def __post_init__(self) -> None:
        """Refuse unknown options by name."""
        check_form(self.form)
        check_choice("conventional", self.conventional, CONVENTIONAL)
        check_choice("targets", self.targets, TARGETS)
        check_choice("reduction", self.reduction, REDUCTIONS)
        if self.reduction == "none" and self.targets == "joint":
            raise ValueError(
                "reduction='none' returns one loss per target and needs targets='per_target'; "
                "with targets='joint' the sub-losses are averaged before they are aggregated"
            )
        if not self.delta > 0:
            raise ValueError(f"delta, Huber's threshold, must be positive, got {self.delta}")
        unknown = [part for part in self.parts if part not in PARTS]
        if unknown or not self.parts or len(set(self.parts)) < len(self.parts):
            raise ValueError(
                f"parts must name distinct sub-losses out of {PARTS}, got {self.parts}"
            )

    @cached_property
    def numbers(self) -> NDArray[np.float64]:
        """The options as the compiled reader takes them."""
        return np.array(
            [
                CONVENTIONAL.index(self.conventional),
                self.delta,
                self.form == "power_mean",
                self.raw,
                self.targets == "per_target",
                self.reduction == "mean",
                *self.chosen,
            ],
            dtype=np.float64,
        )

    @property
    def chosen(self) -> tuple[bool, ...]:
        """For each of `PARTS`, whether it is used."""
        return tuple(part in self.parts for part in PARTS)

    def changed(self) -> list[str]:
        """The options that differ from the defaults, as they are written."""
        names = [f.name for f in fields(self) if getattr(self, f.name) != f.default]
        return [f"{name}={getattr(self, name)!r}" for name in names]

    def averaged_dims(self, ndim: int) -> tuple[int, ...]:
        """The target dimensions that the value averages over."""
        return tuple(d for d in range(ndim) if d != self.dim and d not in self.kept)

    def reduced_dims(self, ndim: int) -> list[int]:
        """The dimensions that the value does not have."""
        if self.reduction == "none":
            return [self.dim]
        return [d for d in range(ndim) if d not in self.kept]


@dataclass(frozen=True)
class Setting:
    """What determines the value besides tensors."""

    options: Options
    whole: Moments | None = None
    """Moments of the whole batch when the input is a chunk of it."""
    group: ProcessGroup | None = None
    """The processes that hold the batch together."""
    reader: Reader = "auto"
    """``"tensor"``: never the compiled reader."""

    def __post_init__(self) -> None:
        """Refuse options that a chunk of a batch cannot have."""
        if self.partial:
            check_chunkable(self.options)

    @cached_property
    def plans(self) -> dict[Any, Any]:
        """What the compiled reader remembers of the kinds of batches that it has seen."""
        return {}

    @cached_property
    def partial(self) -> bool:
        """Whether the input is a chunk of the batch."""
        return self.whole is not None or self.group is not None


def check_chunkable(o: Options) -> None:
    """Refuse options under which chunks of the batch do not merge.

    A negative ``dim`` is judged when the batch is there, which says what it counts from.
    """
    if o.dim > 0:
        raise ValueError(
            f"chunks of a batch (several processes or micro-batches) are merged along dim=0, and "
            f"this loss has dim={o.dim}: with the statistics of each row on their own there is "
            f"nothing to merge; average the losses of the chunks, weighted by their rows"
        )


def result_dtype(dtype: torch.dtype) -> torch.dtype:
    """Dtype of the loss: that of the input, but float32 for half precision."""
    return torch.float32 if dtype in HALF else dtype


def transforms_active() -> bool:
    """Whether a transform of `torch.func` or forward-mode differentiation is at work."""
    return bool(
        torch._C._are_functorch_transforms_active() or torch.autograd.forward_ad._current_level >= 0
    )


def numbers_readable(tensor: Tensor) -> bool:
    """Whether values can be read from ``tensor`` without waiting for a device or losing a trace."""
    return (
        tensor.device.type == "cpu"
        and not torch.compiler.is_compiling()
        and not transforms_active()
    )


def check_batch(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None,
    o: Options,
    chunk: bool = False,
    values: bool = True,
) -> Options:
    """Refuse what cannot be a batch; return the options with a non-negative ``dim``.

    Args:
        input: the predictions.
        target: the labels.
        weight: the weights; those of a chunk of a batch may sum to zero.
        o: the options.
        chunk: whether this is a chunk of a batch.
        values: whether to look at the values of the weights; if not, their reader has to.
    """
    plainly_valid = (  # the batch of most loops, which needs none of the slower checks
        isinstance(input, Tensor)
        and isinstance(target, Tensor)
        and input.is_cpu
        and target.is_cpu
        and input.dtype is target.dtype
        and input.dtype in _FULL
        and input.shape == target.shape
        and 0 <= o.dim < input.ndim
        and input.numel() > 0
    )
    if not plainly_valid:
        o = _check_tensors(input, target, o)
    if weight is not None:
        _check_weight(weight, input, o)
        if values and numbers_readable(weight):
            check_weight_values(weight, o.dim, chunk)
    return o


def _check_tensors(input: Tensor, target: Tensor, o: Options) -> Options:
    check_floating(input=input, target=target)
    check_same_shape(input, target)
    if input.dtype != target.dtype and not (
        input.dtype in HALF and target.dtype in (*HALF, torch.float32)
    ):
        raise TypeError(
            f"input is {input.dtype} and target is {target.dtype}; they must be equal (a half-"
            f"precision input may meet float32 labels): use target = target.to(input.dtype)"
        )
    if input.device != target.device:
        raise ValueError(
            f"input is on {input.device} and target on {target.device}; "
            f"use target = target.to(input.device)"
        )
    if not -input.ndim <= o.dim < input.ndim:
        raise ValueError(
            f"dim={o.dim} is not a dimension of an input of shape {tuple(input.shape)}; "
            f"pass a batch of shape (N,) or (N, T)"
        )
    if input.numel() == 0:
        raise ValueError(
            f"the batch is empty: input has shape {tuple(input.shape)}; skip empty batches"
        )
    return replace(o, dim=o.dim % input.ndim) if o.dim < 0 else o


def _check_weight(weight: Tensor, input: Tensor, o: Options) -> None:
    check_floating(sample_weight=weight)
    if weight.shape not in (input.shape, input.shape[o.dim : o.dim + 1]):
        raise ValueError(
            f"sample_weight has shape {tuple(weight.shape)}; expected ({input.shape[o.dim]},), one "
            f"for each sample along dim {o.dim}, or the input's shape {tuple(input.shape)}"
        )
    if weight.device != input.device:
        raise ValueError(
            f"sample_weight is on {weight.device} and input on {input.device}; "
            f"use sample_weight = sample_weight.to(input.device)"
        )


def check_weight_values(weight: Tensor, dim: int, chunk: bool = False) -> None:
    """Refuse weights that are negative, not finite, or sum to zero (but for a chunk)."""
    with torch.no_grad():
        total = weight.sum(dim if weight.ndim > 1 else 0)
        positive = total >= 0 if chunk else total > 0
        if not bool((weight >= 0).all()) or not bool(positive.all() & total.isfinite().all()):
            raise ValueError(
                "sample_weight must be finite and not negative, with a positive sum over the "
                f"batch; got values from {weight.min().item():g} to {weight.max().item():g} with "
                f"sum {total.min().item():g}"
            )
