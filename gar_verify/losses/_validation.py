"""Checks that the losses share. Each says what was found, what was expected and what to do.

Layout everywhere: predictions and labels ``[..., N, D]`` and features ``[..., N, d]``, where N is
the batch, D the number of targets and the leading dimensions (none, usually) number independent
models. A single target may also be given as ``(N,)``. Shapes must match exactly: a silent
broadcast of ``(N,)`` against ``(N, 1)`` compares every row with every other one.

Names: the arguments of a module are ``input`` and ``target``, as those of torch's losses; losses of
features take ``features`` in the place of ``input``. So ``loss(input=f, target=y)`` can be written
of every loss of predictions.

Dtypes: the tensors of a loss may differ in their floating dtype. It is computed in the widest of
them and at least in float32, and this is the dtype of the result (`torch.result_type`, float32 for
half precision); statistics of a batch may be taken in float64. A gradient has the dtype of the
tensor that it belongs to. Weights are brought to the dtype of the others and decide nothing.

Weights: ``sample_weight`` has one number for each row, ``[..., N]`` or ``[..., N, 1]``, or, with a
loss of predictions, one for each entry, ``[..., N, D]``; none is negative.

Numbers: a hyper-parameter of a module is one real number: Python's, NumPy's, or the one in an array
or tensor without dimensions. Booleans, strings and NaN are none.

Devices: values are only looked at where this waits for no device and breaks no trace, see
`values_readable`. So a NaN in the labels of a loss of pairs raises on the CPU, and elsewhere makes
the result NaN.
"""

from __future__ import annotations

import numbers
from collections.abc import Collection

import numpy as np
import torch
from torch import Tensor, nn

Hyperparameter = float | Tensor
"""A number, or a tensor with one number for each model (the shape of the leading dimensions)."""


PLAIN = (Tensor, nn.Parameter)
"""Tensors that are nothing else besides."""


def transforms_active() -> bool:
    """Whether a transform of `torch.func` or forward-mode differentiation is at work."""
    return bool(
        torch._C._are_functorch_transforms_active() or torch.autograd.forward_ad._current_level >= 0
    )


def executed_plainly() -> bool:
    """Whether operations run as they are called: no trace, no transform, no mode that sees them."""
    return not (
        torch.compiler.is_compiling()
        or transforms_active()
        or torch._C._len_torch_dispatch_stack()
        or torch._C._get_tracing_state() is not None
    )


def values_readable(tensor: Tensor) -> bool:
    """Whether values can be read from a tensor without waiting for a device or losing a trace."""
    return tensor.device.type == "cpu" and type(tensor) in PLAIN and executed_plainly()


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
        if tensor.is_complex():
            raise TypeError(
                f"{name} holds complex numbers, got {tensor.dtype}; complex numbers have no order, "
                f"so no loss is defined: regress both parts as two targets, with "
                f"torch.view_as_real({name}), or the size, with {name}.abs()"
            )
        if not tensor.is_floating_point():
            raise TypeError(
                f"{name} must hold floating-point numbers, got {tensor.dtype}; "
                f"convert it with {name}.float()"
            )


def check_finite(**tensors: Tensor) -> None:
    """Raise a ValueError that names the first argument with a NaN or an infinity in it.

    For labels that are only compared or ranked; see `nan_unless_finite` for where it cannot look.
    """
    for name, tensor in tensors.items():
        bad = int((~torch.isfinite(tensor)).sum()) if values_readable(tensor) else 0
        if bad:
            raise ValueError(
                f"{name} must be finite, {bad} of its {tensor.numel()} entries are not; "
                f"leave those rows out"
            )


def nan_unless_finite(value: Tensor, *tensors: Tensor) -> Tensor:
    """``value`` of each model, with its gradient NaN if one of ``[..., N, k]`` is not finite.

    Ranks and comparisons of NaN are ordinary numbers, which would hide a model that diverged.
    """
    for tensor in tensors:
        sound = torch.isfinite(tensor.detach()).flatten(-2).all(-1)
        value = value * torch.where(sound, 1.0, torch.nan).to(value.dtype)
    return value


def check_rows(tensor: Tensor, name: str, least: int = 1, dim: int = -2) -> None:
    """Raise a ValueError if the batch has fewer than ``least`` rows along ``dim``."""
    rows = tensor.shape[dim]
    if rows < least:
        raise ValueError(
            f"{name} has shape {tuple(tensor.shape)}, a batch of {rows} rows; "
            f"at least {least} are needed: skip empty batches"
        )


def check_number(name: str, value: object) -> float:
    """A hyper-parameter of a module as a float, or an error that says what was passed."""
    given = value
    if isinstance(value, np.ndarray | Tensor) and value.ndim == 0:
        if isinstance(value, Tensor) and value.requires_grad:
            raise TypeError(f"{name} is not trained, got a tensor that requires a gradient")
        value = value.item()
    if isinstance(value, bool | np.bool_) or not isinstance(value, numbers.Real):
        raise TypeError(f"{name} must be a number, got {given!r} of type {type(given).__name__}")
    number = float(value)
    if number != number:
        raise ValueError(f"{name} must be a number, got {given!r}")
    return number


def positive_number(name: str, value: object) -> float:
    """`check_number` of what has to be above 0."""
    number = check_number(name, value)
    check_positive(name, number)
    return number


def nonnegative_number(name: str, value: object) -> float:
    """`check_number` of what has to be at least 0."""
    number = check_number(name, value)
    check_nonnegative(name, number)
    return number


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


def check_batched(**tensors: Tensor) -> None:
    """Raise a ValueError that names the first argument without the dimension of the batch."""
    for name, tensor in tensors.items():
        if tensor.ndim == 0:
            raise ValueError(
                f"{name} is no batch of shape (N,) or (..., N, D), got a scalar; squeeze() drops "
                f"the dimension of a batch of one as well: use squeeze(-1), or {name}.reshape(1)"
            )


def as_columns(tensor: Tensor, name: str = "input") -> Tensor:
    """``(N,)`` becomes ``(N, 1)``; ``[..., N, D]`` stays as it is. A scalar is refused."""
    check_batched(**{name: tensor})
    return tensor.unsqueeze(-1) if tensor.ndim == 1 else tensor


def as_batch(input: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """Check a user's predictions and labels, and bring both to ``[..., N, D]`` in one dtype."""
    check_floating(input=input, target=target)
    check_batched(input=input, target=target)
    check_same_shape(input, target)
    input, target = promoted(as_columns(input), as_columns(target))
    check_rows(input, "input")
    return input, target


def weights_of(sample_weight: Tensor, rows: torch.Size, like: Tensor, targets: int = 1) -> Tensor:
    """Check a user's weights and bring them to ``[..., N, 1]`` or ``[..., N, D]``.

    Args:
        sample_weight: as the header of this file says.
        rows: ``[..., N]``.
        like: a tensor with the dtype of the computation.
        targets: D where each entry can have its own weight, else 1.
    """
    check_floating(sample_weight=sample_weight)
    weight = sample_weight.unsqueeze(-1) if sample_weight.shape == rows else sample_weight
    if weight.shape[:-1] != rows or weight.shape[-1] not in (1, targets):
        entries = f", or for each entry, {(*rows, targets)}" if targets > 1 else ""
        raise ValueError(
            f"sample_weight has shape {tuple(sample_weight.shape)}; one weight is needed for each "
            f"row, that is {tuple(rows)}{entries}"
        )
    if values_readable(weight):
        check_finite(sample_weight=weight)
        check_nonnegative("sample_weight", weight.detach().amin())
    return weight.to(like.dtype)


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


def promoted(*tensors: Tensor) -> tuple[Tensor, ...]:
    """The tensors in the dtype that a loss of them is computed in and has: the header's rule."""
    wide = any(t.dtype == torch.float64 for t in tensors)
    return tuple(t.to(torch.float64 if wide else torch.float32) for t in tensors)
