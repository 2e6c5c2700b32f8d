"""Checks that the losses share. Each says what was found, what was expected and what to do.

Layout everywhere: predictions and labels ``[..., N, D]`` and features ``[..., N, d]``, where N is
the batch, D the number of targets and the leading dimensions (none, usually) number independent
models. A single target may also be given as ``(N,)``. Shapes must match exactly: a silent
broadcast of ``(N,)`` against ``(N, 1)`` compares every row with every other one.
"""

from __future__ import annotations

from collections.abc import Collection

import torch
from torch import Tensor

Hyperparameter = float | Tensor
"""A number, or a tensor with one number for each model (the shape of the leading dimensions)."""


def check_same_shape(
    first: Tensor, second: Tensor, names: tuple[str, str] = ("input", "target")
) -> None:
    """Raise a ValueError that names both shapes unless they are equal."""
    if first.shape == second.shape:
        return
    one, two = names
    advice = (
        f"reshape one of them, for example {two} = {two}.reshape({one}.shape)"
        if first.numel() == second.numel()
        else f"pass one {two} for each {one}"
    )
    raise ValueError(
        f"{one} has shape {tuple(first.shape)} and {two} has shape {tuple(second.shape)}; "
        f"they must be equal, nothing is broadcast: {advice}"
    )


def check_floating(**tensors: Tensor) -> None:
    """Raise a TypeError that names the first argument that is no tensor of real floats."""
    for name, tensor in tensors.items():
        if not isinstance(tensor, Tensor):
            raise TypeError(
                f"{name} must be a torch.Tensor, got {type(tensor).__name__}; "
                f"convert it with torch.as_tensor({name})"
            )
        if not tensor.is_floating_point():
            raise TypeError(
                f"{name} must hold floating-point numbers, got {tensor.dtype}; "
                f"convert it with {name}.float()"
            )


def check_finite(**tensors: Tensor) -> None:
    """Raise a ValueError that names the first argument with a NaN or an infinity in it.

    For labels that are only compared or ranked: no NaN would show in the result.
    """
    for name, tensor in tensors.items():
        bad = int((~torch.isfinite(tensor)).sum())
        if bad:
            raise ValueError(
                f"{name} must be finite, {bad} of its {tensor.numel()} entries are not; "
                f"leave those rows out"
            )


def check_rows(tensor: Tensor, name: str, least: int = 1, dim: int = -2) -> None:
    """Raise a ValueError if the batch has fewer than ``least`` rows along ``dim``."""
    rows = tensor.shape[dim]
    if rows < least:
        raise ValueError(
            f"{name} has shape {tuple(tensor.shape)}, a batch of {rows} rows; "
            f"at least {least} are needed: skip empty batches"
        )


def check_positive(name: str, value: Hyperparameter) -> None:
    """Raise a ValueError unless the hyper-parameter is positive (for each model)."""
    _check_sign(name, value, zero_allowed=False)


def check_nonnegative(name: str, value: Hyperparameter) -> None:
    """Raise a ValueError unless the hyper-parameter is zero or positive (for each model)."""
    _check_sign(name, value, zero_allowed=True)


def _check_sign(name: str, value: Hyperparameter, *, zero_allowed: bool) -> None:
    if isinstance(value, Tensor):
        if value.device.type != "cpu":
            return  # reading a value back would make every training step wait for the device
        good = bool(((value >= 0) if zero_allowed else (value > 0)).all())
    else:
        good = value >= 0 if zero_allowed else value > 0
    if not good:  # NaN ends up here as well
        raise ValueError(f"{name} must be {'at least' if zero_allowed else 'above'} 0, got {value}")


def check_choice(name: str, value: object, choices: Collection[object]) -> None:
    """Raise a ValueError that lists the choices unless ``value`` is one of them."""
    if value not in choices:
        raise ValueError(
            f"{name} must be one of {', '.join(repr(c) for c in choices)}, got {value!r}"
        )


def per_model(name: str, value: Hyperparameter, models: torch.Size, dims: int) -> Hyperparameter:
    """Make a hyper-parameter broadcast over the ``dims`` dimensions that follow the models.

    A tensor must be a scalar or have exactly the shape of the leading dimensions.
    """
    if not isinstance(value, Tensor) or value.ndim == 0:
        return value
    if value.shape != models:
        raise ValueError(
            f"{name} has shape {tuple(value.shape)} and the leading dimensions of the batch are "
            f"{tuple(models)}; give one number, or one for each model"
        )
    return value.reshape(*value.shape, *(1,) * dims)


def as_columns(tensor: Tensor) -> Tensor:
    """``(N,)`` becomes ``(N, 1)``; ``[..., N, D]`` stays as it is. A scalar is refused."""
    if tensor.ndim == 0:
        raise ValueError(
            "a batch of shape (N,) or (..., N, D) is needed, got a scalar; "
            "for a batch of one use tensor.reshape(1)"
        )
    return tensor.unsqueeze(-1) if tensor.ndim == 1 else tensor


def as_batch(input: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """Check a user's predictions and labels, and bring both to ``[..., N, D]``."""
    check_floating(input=input, target=target)
    check_same_shape(input, target)
    input, target = as_columns(input), as_columns(target)
    check_rows(input, "input")
    return input, target


def labels_of(features: Tensor, labels: Tensor, name: str = "target") -> Tensor:
    """Bring labels to ``[..., N, D]`` for features ``[..., N, d]``; ``[..., N]`` means D = 1."""
    check_floating(features=features, **{name: labels})
    rows = features.shape[:-1]
    if features.ndim >= 2 and labels.shape == rows:
        labels = labels.unsqueeze(-1)
    if features.ndim < 2 or labels.shape[:-1] != rows:
        raise ValueError(
            f"features have shape {tuple(features.shape)} and {name} has shape "
            f"{tuple(labels.shape)}; features must be (..., N, d) and {name} (..., N) or "
            f"(..., N, D) with the same leading dimensions: flatten each sample's features to d "
            f"numbers and pass one row of {name} for each"
        )
    check_rows(features, "features")
    return labels


def at_least_float32(*tensors: Tensor) -> tuple[Tensor, ...]:
    """Half precision becomes float32: its 8 or 11 bits are too few for sums over a batch."""
    return tuple(t.float() if t.dtype.itemsize < 4 else t for t in tensors)
