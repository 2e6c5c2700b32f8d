"""What a GAR loss can be asked to compute, and the checks of what it is given."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from gar_verify.losses._validation import check_floating, check_same_shape
from gar_verify.moments import CONVENTIONAL

PARTS = ("conventional", "error_variance", "pearson")
CONSTANTS = ("paper", "released")
TARGETS = ("joint", "per_target")
REDUCTIONS = ("mean", "none")
HALF = (torch.float16, torch.bfloat16)


FORMS = ("log", "power_mean")


def check_form(form: str) -> str:
    """``form``, or a ValueError that lists the forms there are."""
    if form not in FORMS:
        raise ValueError(f"form must be one of {', '.join(map(repr, FORMS))}, got {form!r}")
    return form


@dataclass(frozen=True)
class Options:
    """What a GAR loss computes, apart from alpha; validated on creation."""

    conventional: str = "mae"
    delta: float = 1.0
    form: str = "log"
    constants: str = "paper"
    targets: str = "joint"
    dim: int = 0
    reduction: str = "mean"
    parts: tuple[str, ...] = PARTS
    kept: tuple[int, ...] = ()
    """Dimensions of independent models: never averaged, one loss for each entry."""
    raw: bool = False
    """The one sub-loss in ``parts`` itself, not aggregated."""

    def __post_init__(self) -> None:
        """Refuse unknown options by name."""
        check_form(self.form)
        for name, allowed in (
            ("conventional", CONVENTIONAL),
            ("constants", CONSTANTS),
            ("targets", TARGETS),
            ("reduction", REDUCTIONS),
        ):
            if getattr(self, name) not in allowed:
                raise ValueError(
                    f"{name} must be one of {', '.join(map(repr, allowed))}, "
                    f"got {getattr(self, name)!r}"
                )
        if self.reduction == "none" and self.targets == "joint":
            raise ValueError(
                "reduction='none' returns one loss per target and needs targets='per_target'; "
                "with targets='joint' the sub-losses are averaged before they are aggregated"
            )
        if self.constants == "released" and self.conventional != "mae":
            raise ValueError(
                "constants='released' is the authors' code, which uses conventional='mae', got "
                f"conventional={self.conventional!r}"
            )
        if not self.delta > 0:
            raise ValueError(f"delta, Huber's threshold, must be positive, got {self.delta}")
        unknown = [part for part in self.parts if part not in PARTS]
        if unknown or not self.parts or len(set(self.parts)) < len(self.parts):
            raise ValueError(
                f"parts must name distinct sub-losses out of {PARTS}, got {self.parts}"
            )


def result_dtype(input: Tensor) -> torch.dtype:
    """Dtype of the loss: that of the input, but float32 for half precision."""
    return torch.float32 if input.dtype in HALF else input.dtype


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
    input: Tensor, target: Tensor, weight: Tensor | None, o: Options, part: bool = False
) -> Options:
    """Refuse what cannot be a batch; return the options with a non-negative ``dim``.

    The weights of a ``part`` of a batch may sum to zero.
    """
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
    if o.dim < 0:
        o = replace(o, dim=o.dim % input.ndim)
    if input.numel() == 0:
        raise ValueError(
            f"the batch is empty: input has shape {tuple(input.shape)}; skip empty batches"
        )
    if weight is not None:
        _check_weight(weight, input, o, part)
    return o


def _check_weight(weight: Tensor, input: Tensor, o: Options, part: bool) -> None:
    if o.constants == "released":
        raise ValueError(
            "sample_weight has no meaning with constants='released', which has none: "
            "use constants='paper'"
        )
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
    if numbers_readable(weight):
        _check_weight_values(weight, o.dim, part)


def _check_weight_values(weight: Tensor, dim: int, part: bool) -> None:
    with torch.no_grad():
        total = weight.sum(dim if weight.ndim > 1 else 0)
        positive = total >= 0 if part else total > 0
        if not bool((weight >= 0).all()) or not bool(positive.all() & total.isfinite().all()):
            raise ValueError(
                "sample_weight must be finite and not negative, with a positive sum over the "
                f"batch; got values from {weight.min().item():g} to {weight.max().item():g} with "
                f"sum {total.min().item():g}"
            )
