"""Random views of images, on batches and on the device, from a generator with a seed.

What the released scripts do with torchvision: a random resized crop (0.2, 1), a flip, with
probability 0.8 a colour jitter (0.4, 0.4, 0.4, 0.1), with probability 0.2 grey, normalised by 0.5
and 0.5. Differences from torchvision:

- a crop is cut from an image that was scaled to a square of few pixels more than the view (the box
  is drawn for its own height and width), and its corners need not be whole pixels;
- the four jitters come in one random order for a batch, not for each image;
- colours are real numbers, not rounded to 256 levels in between;
- a flip mirrors the box of the crop, which is the same.

Images are float [N, 3, H, W] between 0 and 1; random numbers are drawn on the CPU, so that they are
the same on every device.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.functional import affine_grid, grid_sample

SCALE = (0.2, 1.0)
"""Share of an image's area that a crop has."""

RATIO = (3 / 4, 4 / 3)
"""Width over height of a crop."""

TRIES = 10
"""Crops that are drawn before the central one is taken; as in torchvision."""

JITTER = {"brightness": 0.4, "contrast": 0.4, "saturation": 0.4, "hue": 0.1}
JITTERED, GREY, FLIPPED = 0.8, 0.2, 0.5
"""Probabilities."""

LUMA = (0.2989, 0.587, 0.114)
"""Of red, green and blue in grey, as in torchvision."""


def random_view(images: Tensor, sizes: Tensor, size: int, generator: torch.Generator) -> Tensor:
    """A random view of each image, normalised.

    Args:
        images: [N, 3, S, S].
        sizes: height and width of each image before it was scaled to a square, [N, 2].
        size: pixels to a side of the view.
        generator: of the random numbers, on the CPU.

    Returns:
        [N, 3, size, size], between -1 and 1.
    """
    n = len(images)
    boxes = random_boxes(sizes, generator)
    flipped = torch.rand(n, generator=generator) < FLIPPED
    boxes[:, 2] = torch.where(flipped, -boxes[:, 2], boxes[:, 2])
    views = crop(images, boxes, size)
    jittered = (torch.rand(n, generator=generator) < JITTERED).to(views.device)
    views = torch.where(jittered[:, None, None, None], _jitter(views, generator), views)
    gray = (torch.rand(n, generator=generator) < GREY).to(views.device)
    views = torch.where(gray[:, None, None, None], grey(views).expand_as(views), views)
    return normalise(views)


def central_view(images: Tensor, sizes: Tensor, size: int) -> Tensor:
    """The central square of each image, 7/8 of the shorter side, normalised: for evaluation."""
    sides = sizes.double()
    shares = sides.amin(1, keepdim=True) / sides * 7 / 8  # of height and width
    half = torch.full((len(images), 2), 0.5, dtype=torch.float64)
    return normalise(crop(images, torch.cat([half, shares.flip(1)], dim=1), size))


def random_boxes(sizes: Tensor, generator: torch.Generator) -> Tensor:
    """A random crop of each image of `sizes` [N, 2]: centre x and y, width, height; [N, 4].

    In units of the image's width and height. As in torchvision, the first of `TRIES` draws that
    fits; if none does, the largest central crop of an allowed ratio.
    """
    height, width = sizes.double()[:, None].unbind(-1)
    drawn = torch.rand(4, len(sizes), TRIES, dtype=torch.float64, generator=generator)
    area = height * width * (SCALE[0] + (SCALE[1] - SCALE[0]) * drawn[0])
    low, high = map(math.log, RATIO)
    ratio = (low + (high - low) * drawn[1]).exp()
    w, h = (area * ratio).sqrt() / width, (area / ratio).sqrt() / height
    fits = (w <= 1) & (h <= 1)
    boxes = torch.stack([w / 2 + (1 - w) * drawn[2], h / 2 + (1 - h) * drawn[3], w, h], dim=-1)
    first = fits.int().argmax(1)[:, None, None].expand(-1, 1, 4)
    own = (width / height)[:, 0]
    half = torch.full_like(own, 0.5)
    central = torch.stack(
        [half, half, (RATIO[1] / own).clamp(max=1), (own / RATIO[0]).clamp(max=1)], dim=-1
    )
    return torch.where(fits.any(1)[:, None], boxes.gather(1, first)[:, 0], central)


def crop(images: Tensor, boxes: Tensor, size: int) -> Tensor:
    """The boxes [N, 4] of `random_boxes`, bilinear at ``size``; a negative width mirrors."""
    x, y, width, height = boxes.unbind(1)
    none = torch.zeros_like(x)
    where = torch.stack([width, none, 2 * x - 1, none, height, 2 * y - 1], dim=1).reshape(-1, 2, 3)
    shape = [len(images), images.shape[1], size, size]
    grid = affine_grid(where.to(images), shape, align_corners=False)
    return grid_sample(images, grid, padding_mode="border", align_corners=False)


def _jitter(images: Tensor, generator: torch.Generator) -> Tensor:
    """Each image with its own brightness, contrast, saturation and hue, in one random order."""
    changes: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
        "brightness": brightness,
        "contrast": contrast,
        "saturation": saturation,
        "hue": hue,
    }
    names = list(changes)
    for i in torch.randperm(len(names), generator=generator).tolist():
        reach = JITTER[names[i]]
        drawn = (2 * torch.rand(len(images), generator=generator) - 1) * reach
        middle = 0.0 if names[i] == "hue" else 1.0
        amount = (middle + drawn).to(images)[:, None, None, None]
        images = changes[names[i]](images, amount)
    return images


def brightness(images: Tensor, factor: Tensor) -> Tensor:
    """Towards black (0) or away from it (above 1)."""
    return (images * factor).clamp(0, 1)


def contrast(images: Tensor, factor: Tensor) -> Tensor:
    """Towards the mean grey of the image, or away from it."""
    return torch.lerp(grey(images).mean((-2, -1), keepdim=True), images, factor).clamp(0, 1)


def saturation(images: Tensor, factor: Tensor) -> Tensor:
    """Towards grey, or away from it."""
    return torch.lerp(grey(images), images, factor).clamp(0, 1)


def hue(images: Tensor, turn: Tensor) -> Tensor:
    """Hues turned by so many full circles, with saturation and value in HSV as they are."""
    value, least = images.amax(1, keepdim=True), images.amin(1, keepdim=True)
    span = value - least
    red, green, blue = images.split(1, dim=1)
    safe = torch.where(span > 0, span, 1)
    sextant = torch.where(
        red == value,
        (green - blue) / safe,
        torch.where(green == value, 2 + (blue - red) / safe, 4 + (red - green) / safe),
    )
    turned = sextant + 6 * turn
    channels = [(turned + offset) % 6 for offset in (5, 3, 1)]
    return torch.cat([value - span * torch.minimum(k, 4 - k).clamp(0, 1) for k in channels], dim=1)


def grey(images: Tensor) -> Tensor:
    """[N, 1, H, W]."""
    weights = torch.tensor(LUMA).to(images)[:, None, None]
    return (images * weights).sum(1, keepdim=True)


def normalise(images: Tensor) -> Tensor:
    """From 0 to 1 to -1 to 1."""
    return (images - 0.5) / 0.5
