"""Residual networks of basic blocks, their widths and depths as arguments.

`resnet18` is the network of the paper's AgeDB study. Parameters are called as in torchvision, so
that a state dict of its ResNet-18 loads here, and one of here there; they start as there.

Source: He et al. (2016), "Deep Residual Learning for Image Recognition".
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn


class BasicBlock(nn.Module):
    """Two convolutions beside a short cut, which is a convolution where shapes differ."""

    def __init__(self, channels: int, width: int, stride: int) -> None:
        """From ``channels`` to ``width``; a stride of 2 halves the image."""
        super().__init__()
        self.conv1 = nn.Conv2d(channels, width, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.downsample: nn.Module | None = None
        if stride != 1 or channels != width:
            shortcut = nn.Conv2d(channels, width, 1, stride, bias=False)
            self.downsample = nn.Sequential(shortcut, nn.BatchNorm2d(width))

    def forward(self, x: Tensor) -> Tensor:
        """Images [N, channels, H, W] become [N, width, H', W']."""
        out = self.bn1(self.conv1(x)).relu()
        out = self.bn2(self.conv2(out))
        shortcut = x if self.downsample is None else self.downsample(x)
        return torch.relu(out + shortcut)


class ResNet(nn.Module):
    """A residual network.

    Args:
        widths: channels of each layer of blocks; every layer but the first halves the image.
        depths: blocks in each.
        channels: of the images.
        outputs: of the last, linear layer ``fc``.
        kernel: pixels to a side of the first convolution, which halves the image, as does the
            maximum after it; 7 for images of some hundred pixels.
    """

    def __init__(
        self,
        widths: Sequence[int],
        depths: Sequence[int],
        channels: int = 3,
        outputs: int = 1,
        kernel: int = 7,
    ) -> None:
        """Draw the parameters from torch's global generator."""
        super().__init__()
        if len(widths) != len(depths):
            raise ValueError(f"one depth is needed for each width, got {widths} and {depths}")
        self.conv1 = nn.Conv2d(channels, widths[0], kernel, 2, padding=kernel // 2, bias=False)
        self.bn1 = nn.BatchNorm2d(widths[0])
        self.maxpool = nn.MaxPool2d(3, 2, padding=1)
        self._layers = [f"layer{i + 1}" for i in range(len(widths))]
        before = [widths[0], *widths]
        for i, name in enumerate(self._layers):
            blocks = [BasicBlock(before[i], widths[i], 1 if i == 0 else 2)]
            blocks += [BasicBlock(widths[i], widths[i], 1) for _ in range(depths[i] - 1)]
            self.add_module(name, nn.Sequential(*blocks))
        self.fc = nn.Linear(widths[-1], outputs)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def features(self, x: Tensor) -> Tensor:
        """Images [N, channels, H, W] become features [N, widths[-1]]."""
        out: Tensor = self.maxpool(self.bn1(self.conv1(x)).relu())
        for name in self._layers:
            out = getattr(self, name)(out)
        return out.mean((-2, -1))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Predictions [N, outputs] and the features [N, widths[-1]] that they are linear in."""
        features = self.features(x)
        return self.fc(features), features


def resnet18(outputs: int = 1) -> ResNet:
    """ResNet-18 without pre-training.

    >>> sum(parameter.numel() for parameter in resnet18(outputs=1000).parameters())
    11689512
    """
    return ResNet((64, 128, 256, 512), (2, 2, 2, 2), outputs=outputs)
