"""The pairwise losses by their definitions, O(N^2): the oracle that the fast forms are held to.

Not for training: they exist so that every closed form can be compared with the paper's double sum.
"""

from __future__ import annotations

import torch
from torch import Tensor

from gar_verify.losses._validation import (
    as_columns,
    check_floating,
    check_same_shape,
    promoted,
)


def _differences(x: Tensor) -> Tensor:
    """x_i - x_j for all pairs: (N, T) -> (N, N, T)."""
    return x.unsqueeze(1) - x.unsqueeze(0)


def _columns(input: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    check_floating(input=input, target=target)
    check_same_shape(input, target)
    if input.ndim not in (1, 2) or input.numel() == 0:
        raise ValueError(
            f"the pairwise losses take a batch of shape (N,) or (N, T), not empty, got "
            f"{tuple(input.shape)}"
        )
    return promoted(as_columns(input), as_columns(target))  # type: ignore[return-value]


def pairwise_difference_loss(input: Tensor, target: Tensor) -> Tensor:
    """(1/N^2) sum_ij 1/2 (df_ij - dy_ij)^2, the left side of Theorem 1.

    ``input``, ``target``: (N,) or (N, T), averaged over targets; in squared units of the labels.
    Equals `error_variance_loss`, at O(N^2) time and memory. The gradient is by autograd.

    >>> import torch
    >>> float(pairwise_difference_loss(torch.tensor([1.0, 1.0, 3.0, 3.0]), torch.zeros(4)))
    1.0
    """
    f, y = _columns(input, target)
    return (_differences(f) - _differences(y)).square().mean() / 2


def normalized_pairwise_loss(input: Tensor, target: Tensor) -> Tensor:
    """1/2 || df/||df|| - dy/||dy|| ||^2 over all pairs, the left side of Theorem 2.

    ``input``, ``target``: (N,) or (N, T), averaged over targets; without units. A vector of zeros
    stays one when it is normalised, so a constant input or target gives 1/2, both give 0. Equals
    `pearson_loss`, at O(N^2) time and memory. The gradient is by autograd, 0 for a constant input.

    >>> import torch
    >>> labels = torch.tensor([0.0, 1.0, 2.0])
    >>> round(float(normalized_pairwise_loss(-labels, labels)), 6)
    2.0
    """
    f, y = _columns(input, target)
    per_target = (_normalize(_differences(f)) - _normalize(_differences(y))).square().sum((0, 1))
    return (per_target / 2).mean()


def _normalize(pairs: Tensor) -> Tensor:
    largest = pairs.abs().amax((0, 1), keepdim=True).detach()
    pairs = pairs / torch.where(
        largest == 0, 1, largest
    )  # squares of 1e20 or 1e-30 are out of range
    norm = torch.linalg.vector_norm(pairs, dim=(0, 1), keepdim=True)
    return pairs / torch.where(norm == 0, 1, norm)
