"""SGD and Adam on stacked parameters: each row has its own learning rate and weight decay.

The arithmetic is that of torch.optim, row by row: weight decay is added to the gradient, SGD keeps
v = momentum * v + g and subtracts lr * v. An optimiser holds a view of the parameters and changes
them in place; rows never mix, so a row of NaN stays alone.
"""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor


class Optimizer(Protocol):
    """What the trainer asks of an optimiser."""

    def step(self, gradient: Tensor, factor: float) -> None:
        """Move the parameters once; ``factor`` scales every learning rate."""


class SGD:
    """Stochastic gradient descent with momentum.

    Args:
        parameters: [S, P], changed in place.
        learning_rate: [S, 1].
        weight_decay: [S, 1].
        momentum: 0 for plain descent.
    """

    def __init__(
        self, parameters: Tensor, learning_rate: Tensor, weight_decay: Tensor, momentum: float = 0.9
    ) -> None:
        """Start at rest."""
        self.parameters = parameters
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.momentum = momentum
        self.velocity = torch.zeros_like(parameters)

    def step(self, gradient: Tensor, factor: float) -> None:
        """Move the parameters once; ``factor`` scales every learning rate."""
        self.velocity.mul_(self.momentum).add_(gradient)
        self.velocity.addcmul_(self.parameters, self.weight_decay)
        self.parameters.addcmul_(self.velocity, self.learning_rate, value=-factor)


class Adam:
    """Adam with torch's defaults: beta = (0.9, 0.999), eps = 1e-8.

    Args:
        parameters: [S, P], changed in place.
        learning_rate: [S, 1].
        weight_decay: [S, 1].
    """

    def __init__(
        self,
        parameters: Tensor,
        learning_rate: Tensor,
        weight_decay: Tensor,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
    ) -> None:
        """Start at rest."""
        self.parameters = parameters
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.betas, self.eps = betas, eps
        self.mean = torch.zeros_like(parameters)
        self.square = torch.zeros_like(parameters)
        self.steps = 0

    def step(self, gradient: Tensor, factor: float) -> None:
        """Move the parameters once; ``factor`` scales every learning rate."""
        first, second = self.betas
        self.steps += 1
        gradient = torch.addcmul(gradient, self.parameters, self.weight_decay)
        self.mean.lerp_(gradient, 1 - first)
        self.square.mul_(second).addcmul_(gradient, gradient, value=1 - second)
        scale = factor / (1 - first**self.steps)
        # made of IEEE operations: MKL's square root is another on an AMD than on an Intel processor
        root = self.square.rsqrt().reciprocal_()
        spread = root.div_((1 - second**self.steps) ** 0.5).add_(self.eps)
        self.parameters.addcmul_(self.mean / spread, self.learning_rate, value=-scale)
