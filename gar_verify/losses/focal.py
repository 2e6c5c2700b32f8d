"""Focal-MAE and focal-MSE: small errors count less.

Each error e = input - target is multiplied by the modulation

    m = (2 sigmoid(beta |e|) - 1)^gamma = tanh(beta |e| / 2)^gamma      ("sigmoid", as published)
    m = tanh(beta |e|)^gamma                                            ("tanh")

and the gradient flows through m. The focal loss replaces the plain one, it is not added to it.

Source: the focal-R loss of Yang et al. (2021), "Delving into Deep Imbalanced Regression", as a
baseline in Zhu, Yang, Jerby, "Gradient Aligned Regression via Pairwise Losses", ICML 2025.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from gar_verify import formulas
from gar_verify.losses._distinct import Draw
from gar_verify.losses._validation import (
    Hyperparameter,
    at_least_float32,
    check_choice,
    check_nonnegative,
    check_positive,
    check_same_shape,
    nonnegative_number,
    per_model,
    positive_number,
)
from gar_verify.losses.conventional import EntrywiseLoss, Reduction

_ARGUMENT_SCALE = {"sigmoid": 0.5, "tanh": 1.0}


def modulation(
    error: Tensor,
    beta: Hyperparameter = 0.2,
    gamma: Hyperparameter = 1.0,
    activation: str = "sigmoid",
) -> Tensor:
    """The factor m, between 0 and 1, for absolute errors ``[..., N, D]``; 1 where the error is 0.

    (There it multiplies a zero, and the derivative of ``0^gamma`` is infinite for ``gamma < 1``.)
    It is a constant where it rounds to 1: its derivative, 0, could meet an infinite square.
    """
    check_positive("beta", beta)
    check_nonnegative("gamma", gamma)
    check_choice("activation", activation, _ARGUMENT_SCALE)
    models = error.shape[:-2]
    scale = per_model("beta", beta, models, 2) * _ARGUMENT_SCALE[activation]
    m = torch.tanh(scale * error)
    m = m.masked_fill((error == 0) | (m == 1), 1.0)
    factor: Tensor = m ** per_model("gamma", gamma, models, 2)
    return factor


def _absolute_error(input: Tensor, target: Tensor) -> Tensor:
    check_same_shape(input, target)
    input, target = at_least_float32(input, target)
    error: Tensor = formulas.absolute(input - target)
    return error


def _mean(terms: Tensor, sample_weight: Tensor | None) -> Tensor:
    if sample_weight is not None:
        check_same_shape(terms, sample_weight, ("input", "sample_weight"))
        terms = terms * sample_weight
    return terms.mean((-2, -1))


def focal_mae_loss(
    input: Tensor,
    target: Tensor,
    beta: Hyperparameter = 0.2,
    gamma: Hyperparameter = 1.0,
    activation: str = "sigmoid",
    sample_weight: Tensor | None = None,
) -> Tensor:
    """``mean |e| m`` of each model, in the unit of the labels.

    ``input``, ``target`` and ``sample_weight`` are ``[..., N, D]``, ``beta`` (per unit of the
    labels) and ``gamma`` numbers or ``[...]``, the result is ``[...]``. Weights multiply the terms;
    the mean still divides by N D. At ``gamma`` = 1 the gradient is that of ``beta e^2 / 2`` for
    errors small against ``1 / beta``, and that of the absolute error for large ones.

    Raises ValueError if shapes differ, for a hyper-parameter out of range or an unknown activation.
    """
    error = _absolute_error(input, target)
    return _mean(error * modulation(error, beta, gamma, activation), sample_weight)


def focal_mse_loss(
    input: Tensor,
    target: Tensor,
    beta: Hyperparameter = 0.2,
    gamma: Hyperparameter = 1.0,
    activation: str = "sigmoid",
    sample_weight: Tensor | None = None,
) -> Tensor:
    """``mean e^2 m`` of each model, in the squared unit of the labels.

    Shapes, hyper-parameters, weights and errors as for `focal_mae_loss`. At ``gamma`` = 1 the
    gradient is that of ``beta |e|^3 / 2`` for errors small against ``1 / beta``, and that of the
    squared error for large ones.
    """
    error = _absolute_error(input, target)
    terms = formulas.square(error) * modulation(error, beta, gamma, activation)
    return _mean(terms, sample_weight)


class _FocalLoss(EntrywiseLoss):
    """Holds the configuration of the two focal losses."""

    def __init__(
        self,
        beta: float = 0.2,
        gamma: float = 1.0,
        activation: str = "sigmoid",
        reduction: Reduction = "mean",
    ) -> None:
        """Keep the steepness ``beta``, the exponent ``gamma`` and the shape of the modulation."""
        super().__init__(reduction)
        check_choice("activation", activation, _ARGUMENT_SCALE)
        self.beta, self.gamma = positive_number("beta", beta), nonnegative_number("gamma", gamma)
        self.activation = activation

    def _focal(
        self, mean: Callable[..., Tensor], input: Tensor, target: Tensor, weight: Tensor | None
    ) -> Tensor:
        def of_entries(f: Tensor, y: Tensor, w: Tensor | None = None) -> Tensor:
            return mean(f, y, self.beta, self.gamma, self.activation, w)

        return self._reduced(of_entries, input, target, weight)

    def extra_repr(self) -> str:
        """Show the hyper-parameters when the module is printed."""
        shown = f"beta={self.beta}, gamma={self.gamma}, activation={self.activation!r}"
        return ", ".join(filter(None, (shown, super().extra_repr())))


class FocalMAELoss(_FocalLoss):
    """`focal_mae_loss` as a module.

    >>> loss = FocalMAELoss(beta=2.0)(torch.tensor([1.0, 4.0]), torch.tensor([2.0, 2.0]))
    >>> f"{loss.item():.4f}"  # (tanh(1) * 1 + tanh(2) * 2) / 2
    '1.3448'
    """

    def forward(self, input: Tensor, target: Tensor, sample_weight: Tensor | None = None) -> Tensor:
        """Loss of ``input`` against ``target``, both ``(N,)`` or ``[..., N, D]``; ``[...]``."""
        return self._focal(focal_mae_loss, input, target, sample_weight)


class FocalMSELoss(_FocalLoss):
    """`focal_mse_loss` as a module.

    >>> loss = FocalMSELoss(beta=2.0)(torch.tensor([1.0, 4.0]), torch.tensor([2.0, 2.0]))
    >>> f"{loss.item():.4f}"  # (tanh(1) * 1 + tanh(2) * 4) / 2
    '2.3089'
    """

    def forward(self, input: Tensor, target: Tensor, sample_weight: Tensor | None = None) -> Tensor:
        """Loss of ``input`` against ``target``, both ``(N,)`` or ``[..., N, D]``; ``[...]``."""
        return self._focal(focal_mse_loss, input, target, sample_weight)


def stacked_focal_mae(f: Tensor, y: Tensor, x: Tensor, beta: Tensor, draw: Draw) -> Tensor:
    """`focal_mae_loss` as the stacked trainer calls it."""
    return focal_mae_loss(f, y, beta)


def stacked_focal_mse(f: Tensor, y: Tensor, x: Tensor, beta: Tensor, draw: Draw) -> Tensor:
    """`focal_mse_loss` as the stacked trainer calls it."""
    return focal_mse_loss(f, y, beta)
