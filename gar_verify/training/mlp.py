"""Many multi-layer perceptrons of one architecture as one: their parameters are rows of a matrix.

A row holds, layer by layer, the weight (out, in) in row-major order and then the bias (out,), as
torch.nn.Linear has them. Each hidden layer is followed by ELU; the last layer is linear and called
the head; the activations that feed it are the features.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional


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
        """Weights [S, out, in] and biases [S, 1, out] of each layer: views of [S, P]."""
        sizes = [size for out, fan_in in self.shapes for size in (out * fan_in, out)]
        parts = iter(parameters.split(sizes, dim=1))
        return [
            (next(parts).view(-1, out, fan_in), next(parts)[:, None, :])
            for out, fan_in in self.shapes
        ]

    def __call__(self, parameters: Tensor, inputs: Tensor) -> tuple[Tensor, Tensor]:
        """Outputs and features of each model.

        Args:
            parameters: [S, P], one row for each model.
            inputs: [S, n, F], or [1, n, F] when all models see the same rows.

        Returns:
            Outputs [S, n, T] and features [S, n, width of the last hidden layer].
        """
        *body, (weight, bias) = self.layers(parameters)
        features = inputs.expand(len(parameters), -1, -1)
        for hidden_weight, hidden_bias in body:
            linear = torch.baddbmm(hidden_bias, features, hidden_weight.transpose(1, 2))
            features = functional.elu(linear, inplace=True)
        return torch.baddbmm(bias, features, weight.transpose(1, 2)), features
