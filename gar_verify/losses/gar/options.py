"""What a GAR loss can be asked to compute, and the checks of what it is given."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gar_verify.losses._validation import (
    check_batched,
    check_choice,
    check_floating,
    check_number,
    check_same_shape,
    positive_number,
    values_readable,
)

if TYPE_CHECKING:
    from torch.distributed import ProcessGroup

Conventional = Literal["mae", "mse", "huber", "concordance"]
"""The conventional losses: mean |d|, mean d^2, mean of Huber's function of d, 1 - CCC."""
Form = Literal["log", "power_mean"]
TargetPolicy = Literal["joint", "per_target"]
Reduction = Literal["mean", "none"]
Part = Literal["conventional", "error_variance", "pearson"]
Missing = Literal["error", "omit"]
GroupWeight = Literal["equal", "size"]
Reader = Literal["auto", "tensor"]

CONVENTIONAL: tuple[Conventional, ...] = get_args(Conventional)
FORMS: tuple[Form, ...] = get_args(Form)
TARGETS: tuple[TargetPolicy, ...] = get_args(TargetPolicy)
REDUCTIONS: tuple[Reduction, ...] = get_args(Reduction)
PARTS: tuple[Part, ...] = get_args(Part)
MISSING: tuple[Missing, ...] = get_args(Missing)
GROUP_WEIGHTS: tuple[GroupWeight, ...] = get_args(GroupWeight)
HALF = (torch.float16, torch.bfloat16)
_FULL = (torch.float32, torch.float64)


def check_alpha(alpha: Any) -> float:
    """``alpha`` as a float in [0, inf], or a ValueError or TypeError that says what was passed.

    What a number is, see `check_number`.
    """
    number = check_number("alpha", alpha)
    if number < 0:
        raise ValueError(
            f"alpha must lie in [0, inf] (0: maximum, 1: mean, inf: geometric mean), got {number}"
        )
    return number


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
    missing: Missing = "error"
    within: tuple[Part, ...] = PARTS
    """The sub-losses that are taken within groups."""
    group_weight: GroupWeight = "equal"
    grouped: bool = False
    """Whether this batch has groups: units along `dim`, whose losses are averaged."""
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
        check_choice("missing", self.missing, MISSING)
        check_choice("group_weight", self.group_weight, GROUP_WEIGHTS)
        if self.reduction == "none" and self.targets == "joint":
            raise ValueError(
                "reduction='none' returns one loss per target and needs targets='per_target'; "
                "with targets='joint' the sub-losses are averaged before they are aggregated"
            )
        object.__setattr__(self, "delta", positive_number("delta", self.delta))
        _check_parts("parts", self.parts)
        _check_parts("within", self.within)
        if self.within != PARTS:
            self._check_within()

    def _check_within(self) -> None:
        over_all = [part for part in self.parts if part not in self.within]
        if over_all not in ([], ["conventional"]) or self.conventional == "concordance":
            raise ValueError(
                f"within={self.within}: only a conventional loss that is a mean over samples (mae, "
                f"mse, huber) can be taken over all samples while the others are taken within "
                f"groups; name the others in within"
            )

    @property
    def pooled(self) -> bool:
        """Whether the conventional loss is that of all samples, not of each group."""
        return self.grouped and "conventional" not in self.within

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
                self.group_weight == "size",
                self.pooled,
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
    whole: Any = None
    """The whole batch (`distributed.Whole`) when the input is a chunk of it."""
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
    def with_groups(self) -> Setting:
        """The same for batches with groups."""
        return replace(self, options=replace(self.options, grouped=True))

    @property
    def partial(self) -> bool:
        """Whether the input is a chunk of the batch."""
        return self.whole is not None or self.group is not None


def _check_parts(name: str, parts: tuple[Part, ...]) -> None:
    unknown = [part for part in parts if part not in PARTS]
    if unknown or not parts or len(set(parts)) < len(parts):
        raise ValueError(f"{name} must name distinct sub-losses out of {PARTS}, got {parts}")


def as_parts(name: str, parts: Any) -> tuple[Part, ...]:
    """A sequence of sub-losses as a tuple; a string is no sequence of them."""
    if isinstance(parts, str):
        raise ValueError(f"{name} must be a tuple of sub-losses, got {parts!r}: use ({parts!r},)")
    return tuple(parts)


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


def result_dtype(input: Tensor, target: Tensor) -> torch.dtype:
    """Dtype of the loss: that of both together, but float32 for half precision."""
    dtype = input.dtype
    if target.dtype is not dtype:
        dtype = torch.promote_types(dtype, target.dtype)
    return torch.float32 if dtype in HALF else dtype


def check_batch(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None,
    o: Options,
    chunk: bool = False,
    values: bool = True,
    groups: Tensor | None = None,
) -> Options:
    """Refuse what cannot be a batch; return the options with a non-negative ``dim``.

    Args:
        input: the predictions.
        target: the labels.
        weight: the weights; those of a chunk of a batch may sum to zero.
        o: the options.
        chunk: whether this is a chunk of a batch.
        values: whether to look at the values of the weights; if not, their reader has to.
        groups: the groups of the samples.
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
        if values and values_readable(weight):
            check_weight_values(weight, o.dim, chunk)
    if groups is not None:
        _check_groups(groups, input, o)
    return o


def _check_tensors(input: Tensor, target: Tensor, o: Options) -> Options:
    check_floating(input=input, target=target)
    check_batched(input=input, target=target)
    check_same_shape(input, target)
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
    samples = input.shape[o.dim : o.dim + 1]
    column = tuple(n if d == o.dim else 1 for d, n in enumerate(input.shape))
    if weight.shape not in (input.shape, samples, column):
        raise ValueError(
            f"sample_weight has shape {tuple(weight.shape)}; expected {tuple(samples)}, one "
            f"for each sample along dim {o.dim}, or the input's shape {tuple(input.shape)}"
        )
    if weight.device != input.device:
        raise ValueError(
            f"sample_weight is on {weight.device} and input on {input.device}; "
            f"use sample_weight = sample_weight.to(input.device)"
        )


def _check_groups(groups: Tensor, input: Tensor, o: Options) -> None:
    if not isinstance(groups, Tensor) or groups.is_floating_point() or groups.is_complex():
        kind = groups.dtype if isinstance(groups, Tensor) else type(groups).__name__
        raise TypeError(
            f"groups must be a tensor of integers, one for each sample, got {kind}; number the "
            f"groups, for example by numpy.unique(names, return_inverse=True)[1]"
        )
    if o.dim != 0 or input.ndim > 2:
        raise ValueError(
            f"groups need a batch (N,) or (N, T) along dim=0, got shape {tuple(input.shape)} and "
            f"dim={o.dim}"
        )
    if groups.shape != input.shape[:1]:
        raise ValueError(
            f"groups has shape {tuple(groups.shape)}; expected ({len(input)},), one for each sample"
        )
    if groups.device != input.device:
        raise ValueError(
            f"groups is on {groups.device} and input on {input.device}; "
            f"use groups = groups.to(input.device)"
        )


def check_weight_values(weight: Tensor, dim: int, chunk: bool = False) -> None:
    """Refuse weights that are negative, not finite, or sum to zero (but for a chunk)."""
    with torch.no_grad():
        weight = weight.double()
        total = weight.sum(dim if weight.ndim > 1 else 0)
        positive = total >= 0 if chunk else total > 0
        if not bool((weight >= 0).all()) or not bool(positive.all() & total.isfinite().all()):
            raise ValueError(
                "sample_weight must be finite and not negative, with a positive sum over the "
                f"batch; got values from {weight.min().item():g} to {weight.max().item():g} with "
                f"sum {total.min().item():g}"
            )


def check_labels(target: Tensor, weight: Tensor | None, dim: int) -> None:
    """Refuse NaN among the labels that count."""
    missing = target.detach().isnan()
    if weight is not None:
        if weight.ndim < target.ndim:
            weight = weight.reshape([-1 if d == dim else 1 for d in range(target.ndim)])
        missing = missing & (weight != 0)
    count = int(missing.sum())
    if count:
        raise ValueError(
            f"target holds {count} NaN of {target.numel()} labels; use missing='omit' to leave "
            f"those out, target by target"
        )


def omitted(
    target: Tensor, weight: Tensor | None, dim: int, chunk: bool = False
) -> tuple[Tensor, Tensor | None]:
    """Labels and weights in which a NaN label is an absent one: of weight 0."""
    missing = target.isnan()
    if values_readable(target) and not bool(missing.any()):
        return target, weight
    if not chunk and values_readable(target) and bool(missing.all()):
        raise ValueError(f"all {target.numel()} labels are NaN: leave out a batch without labels")
    if weight is None:
        weight = torch.ones_like(target, dtype=torch.promote_types(target.dtype, torch.float32))
    elif weight.ndim < target.ndim:
        weight = weight.reshape([-1 if d == dim else 1 for d in range(target.ndim)])
    weight = weight.expand_as(target)
    return target.masked_fill(missing, 0), weight.masked_fill(missing, 0)
