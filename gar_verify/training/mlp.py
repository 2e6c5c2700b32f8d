"""Many multi-layer perceptrons of one architecture as one: their parameters are rows of a matrix.

A row holds, layer by layer, the weight (out, in) in row-major order and then the bias (out,), as
torch.nn.Linear has them. Each hidden layer is followed by ELU; the last layer is linear and called
the head; the activations that feed it are the features.

Samples are the last dimension inside: the matrices are small, and long rows suit them (2.5 times as
fast as samples first, on one core). The backward pass is written out, which halves the time of a
training step again; the tests hold it against autograd.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

LOG2_E = math.log2(math.e)


@dataclass(frozen=True)
class Architecture:
    """Widths of a perceptron, from its inputs to its outputs."""

    inputs: int
    hidden: tuple[int, ...]
    outputs: int = 1

    @property
    def shapes(self) -> list[tuple[int, int]]:
        """(out, in) of each layer, the head last."""
        return [(b, a) for a, b in pairwise((self.inputs, *self.hidden, self.outputs))]

    @property
    def size(self) -> int:
        """Number of parameters P of one model."""
        return sum(out * (fan_in + 1) for out, fan_in in self.shapes)

    @property
    def body_size(self) -> int:
        """Number of parameters in front of the head; the head has the rest."""
        out, fan_in = self.shapes[-1]
        return self.size - out * (fan_in + 1)

    def initial(self, rng: np.random.Generator) -> NDArray[np.float32]:
        """Parameters (P,) of one model as torch.nn.Linear draws them: uniform +-1/sqrt(fan in)."""
        drawn = [
            rng.uniform(-1, 1, out * (fan_in + 1)) / math.sqrt(fan_in)
            for out, fan_in in self.shapes
        ]
        return np.concatenate(drawn).astype(np.float32)

    def layers(self, parameters: Tensor) -> list[tuple[Tensor, Tensor]]:
        """Weights [S, out, in] and biases [S, out, 1] of each layer: views of [S, P]."""
        sizes = [size for out, fan_in in self.shapes for size in (out * fan_in, out)]
        parts = iter(parameters.split(sizes, dim=1))
        return [
            (next(parts).view(-1, out, fan_in), next(parts)[:, :, None])
            for out, fan_in in self.shapes
        ]

    @torch.no_grad()
    def forward(self, parameters: Tensor, inputs: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Outputs of each model, and all that `backward` needs.

        Args:
            parameters: [S, P], one row for each model.
            inputs: [S, F, n], samples last; or [1, F, n] when all models see the same rows.

        Returns:
            Outputs [S, T, n], and the inputs of every layer; the last are the features [S, d, n].
        """
        *body, (weight, bias) = self.layers(parameters)
        entering = [inputs.expand(len(parameters), -1, -1)]
        for hidden_weight, hidden_bias in body:
            entering.append(elu_(torch.baddbmm(hidden_bias, hidden_weight, entering[-1])))
        return torch.baddbmm(bias, weight, entering[-1]), entering

    @torch.no_grad()
    def backward(
        self,
        parameters: Tensor,
        entering: Sequence[Tensor],
        by_outputs: Tensor | None,
        by_features: Tensor | None = None,
    ) -> Tensor:
        """Gradient [S, P] of each model's loss, from its derivatives in outputs and features.

        Args:
            parameters: [S, P], as given to `forward`.
            entering: the inputs of every layer, from `forward`.
            by_outputs: [S, T, n], or None if the loss does not depend on the outputs; the gradient
                of the head is 0 then.
            by_features: [S, d, n], or None if the loss depends on the outputs only.
        """
        gradient = torch.zeros_like(parameters)
        layers = list(zip(self.layers(parameters), self.layers(gradient), entering, strict=True))
        arriving = by_features
        if by_outputs is not None:
            through_head = _layer_backward(*layers[-1], by_outputs)
            arriving = through_head if by_features is None else through_head + by_features
        if arriving is None:
            return gradient
        for position in range(len(layers) - 2, -1, -1):
            arriving = torch.addcmul(arriving, arriving, entering[position + 1].clamp(max=0))
            arriving = _layer_backward(*layers[position], arriving, first=position == 0)
        return gradient


def elu_(values: Tensor) -> Tensor:
    """ELU in place: x where x > 0, else exp(x) - 1, up to a rounding of 1e-7.

    On a CPU the exponential is a power of two, which torch evaluates several times as fast. (The
    derivative is 1 + min(result, 0).)
    """
    if values.device.type != "cpu":
        return functional.elu(values, inplace=True)
    below = values.clamp(max=0).mul_(LOG2_E).exp2_().sub_(1)
    return torch.maximum(values, below, out=values)


def _layer_backward(
    layer: tuple[Tensor, Tensor],
    gradient: tuple[Tensor, Tensor],
    entered: Tensor,
    arriving: Tensor,
    *,
    first: bool = False,
) -> Tensor:
    """Fill in the gradient of a layer; return the derivative in what entered it."""
    by_weight, by_bias = gradient
    by_weight.copy_(torch.bmm(arriving, entered.transpose(1, 2)))
    by_bias.copy_(arriving.sum(-1, keepdim=True))
    return arriving if first else torch.bmm(layer[0].transpose(1, 2), arriving)
