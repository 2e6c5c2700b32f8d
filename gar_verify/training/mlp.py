"""Many multi-layer perceptrons of one architecture as one: their parameters are rows of a matrix.

A row holds, layer by layer, the weight (out, in) in row-major order and then the bias (out,), as
torch.nn.Linear has them. Each hidden layer is followed by ELU; the last layer is linear and called
the head; the activations that feed it are the features.

Samples are the last dimension inside: the matrices are small, and long rows suit them (2.5 times as
fast as samples first, on one core). The backward pass is written out, which halves the time of a
training step again; the tests hold it against autograd.

On a CPU, matrices are multiplied by numpy. Its BLAS can be told to multiply alike on every x86-64
processor at no cost; torch's (MKL) can be too, and takes two and a half times as long then.
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
    def forward(
        self, parameters: Tensor, inputs: Tensor, scratch: Scratch | None = None
    ) -> tuple[Tensor, list[Tensor]]:
        """Outputs of each model, and all that `backward` needs.

        Args:
            parameters: [S, P], one row for each model.
            inputs: [S, F, n], samples last; or [1, F, n] when all models see the same rows.
            scratch: memory to use again; what is returned lies in it until the next call.

        Returns:
            Outputs [S, T, n], and the inputs of every layer; the last are the features [S, d, n].
        """
        scratch = scratch or Scratch()
        *body, head = self.layers(parameters)
        entering = [inputs.expand(len(parameters), -1, -1)]
        for position, layer in enumerate(body):
            linear = _affine(layer, entering[-1], f"entering {position}", scratch)
            entering.append(elu_(linear, scratch))
        return _affine(head, entering[-1], "outputs", scratch), entering

    @torch.no_grad()
    def backward(
        self,
        parameters: Tensor,
        entering: Sequence[Tensor],
        by_outputs: Tensor | None,
        by_features: Tensor | None = None,
        scratch: Scratch | None = None,
    ) -> Tensor:
        """Gradient [S, P] of each model's loss, from its derivatives in outputs and features.

        Args:
            parameters: [S, P], as given to `forward`.
            entering: the inputs of every layer, from `forward`.
            by_outputs: [S, T, n], or None if the loss does not depend on the outputs; the gradient
                of the head is 0 then.
            by_features: [S, d, n], or None if the loss depends on the outputs only.
            scratch: memory to use again; what is returned lies in it until the next call.
        """
        scratch = scratch or Scratch()
        gradient = scratch("gradient", parameters.shape, parameters).zero_()
        layers = list(zip(self.layers(parameters), self.layers(gradient), entering, strict=True))
        arriving = by_features
        if by_outputs is not None:
            _fill_in(layers[-1][1], by_outputs, entering[-1])
            arriving = _through(layers[-1][0], by_outputs, scratch)
            if by_features is not None:
                arriving.add_(by_features)
        if arriving is None:
            return gradient
        for position in range(len(layers) - 2, -1, -1):
            weights, to_fill, entered = layers[position]
            below = scratch("below", arriving.shape, arriving)
            torch.clamp(entering[position + 1], max=0, out=below)
            arriving = torch.addcmul(arriving, arriving, below, out=below)
            _fill_in(to_fill, arriving, entered)
            if position > 0:
                arriving = _through(weights, arriving, scratch)
        return gradient


class Scratch:
    """Tensors by name and shape that are used again: allocating them anew costs half the time."""

    def __init__(self) -> None:
        """Nothing is allocated yet."""
        self._tensors: dict[tuple[str, tuple[int, ...]], Tensor] = {}

    def __call__(self, name: str, shape: Sequence[int], like: Tensor) -> Tensor:
        """A tensor of that shape, of the type and on the device of ``like``; its values are old."""
        key = name, tuple(shape)
        if key not in self._tensors:
            self._tensors[key] = like.new_empty(shape)
        return self._tensors[key]


def elu_(values: Tensor, scratch: Scratch | None = None) -> Tensor:
    """ELU in place: x where x > 0, else exp(x) - 1, up to a rounding of 1e-7.

    On a CPU it is made of an exponential, which takes half the time of torch's own ELU. (The
    derivative is 1 + min(result, 0).)
    """
    if values.device.type != "cpu":
        return functional.elu(values, inplace=True)
    below = (scratch or Scratch())("below", values.shape, values)
    torch.clamp(values, max=0, out=below).exp_().sub_(1)
    return torch.maximum(values, below, out=values)


Layer = tuple[Tensor, Tensor]
"""Weight [S, out, in] and bias [S, out, 1]."""


def _affine(layer: Layer, entered: Tensor, name: str, scratch: Scratch) -> Tensor:
    weight, bias = layer
    shape = len(weight), weight.shape[1], entered.shape[2]
    return product(weight, entered, scratch(name, shape, entered)).add_(bias)


def product(left: Tensor, right: Tensor, out: Tensor) -> Tensor:
    """Matrix products [S, k, m] of [S, k, l] and [S, l, m], written to ``out``."""
    if out.device.type != "cpu":
        return torch.bmm(left, right, out=out)
    with np.errstate(all="ignore"):  # a model that diverges is recorded, not warned of
        np.matmul(left.numpy(), right.numpy(), out=out.numpy())
    return out


def _fill_in(gradient: Layer, arriving: Tensor, entered: Tensor) -> None:
    """The gradient of a layer, from the derivatives in what leaves it before the ELU."""
    weight, bias = gradient
    product(arriving, entered.transpose(1, 2), weight)
    torch.sum(arriving, -1, keepdim=True, out=bias)


def _through(layer: Layer, arriving: Tensor, scratch: Scratch) -> Tensor:
    """The derivatives in what entered a layer."""
    weight = layer[0]
    shape = len(weight), weight.shape[2], arriving.shape[2]
    return product(weight.transpose(1, 2), arriving, scratch("through", shape, arriving))
