"""Digits turned by known angles: the images of the study `digits`, and what it holds out."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import affine_grid, grid_sample

from gar_verify import paths
from gar_verify.data import DataError
from gar_verify.studies.images.idx import read_idx

IMAGES = Path("mnist", "t10k-images-idx3-ubyte.gz")
LABELS = Path("mnist", "t10k-labels-idx1-ubyte.gz")
"""Files in the folder that ``GAR_VERIFY_DATA`` names."""

LARGEST = 60.0
"""Degrees to either side."""

SEED = 0
"""Of the angles: every method and every seed of the study sees the same images."""

SHARES = {"train": 0.4, "validation": 0.1, "test": 0.5}
"""Parts in the order of the file, so that writers are held out with their images.

The 10,000 images of MNIST's test set are in order of their writers: the first 5,000 come from
NIST's Special Database 3 (employees of the Census Bureau), the last 5,000 from Special Database 1
(students), which are less clean. So the test part holds writers, and a population of writers, that
were not trained on.
"""


@dataclass(frozen=True, eq=False)
class Digits:
    """Images with the angle that each was turned by."""

    images: NDArray[np.uint8]
    """(N, H, W), as they are seen."""
    angles: NDArray[np.float64]
    """(N,), in degrees, positive counter-clockwise."""
    labels: NDArray[np.uint8]
    """(N,), which digit it is."""
    source: str
    name: str = "digits"
    target: str = "angle"
    unit: str = "degrees"

    @property
    def checksum(self) -> str:
        """SHA-256 of images, angles and labels."""
        arrays = (self.images, self.angles.astype("<f8"), self.labels)
        return hashlib.sha256(b"".join(array.tobytes() for array in arrays)).hexdigest()

    @property
    def parts(self) -> Mapping[str, slice]:
        """The rows of each part."""
        ends = np.round(np.cumsum([0, *SHARES.values()]) * len(self.images)).astype(int)
        return {part: slice(*ends[i : i + 2]) for i, part in enumerate(SHARES)}


def load() -> Digits:
    """MNIST's test set where ``GAR_VERIFY_DATA`` has it, else the digits of scikit-learn.

    Raises:
        DataError: if the files of MNIST are damaged or do not match.
    """
    folder = paths.data()
    if folder is not None and (folder / IMAGES).is_file():
        images, labels = read_idx(folder / IMAGES, 3), read_idx(folder / LABELS, 1)
        return turned(images, labels, "MNIST test set, CC BY-SA 3.0")
    from sklearn.datasets import load_digits

    images, labels = load_digits(return_X_y=True)
    levels = (images * 255 / 16).round().reshape(-1, 8, 8)
    return turned(levels, labels, "digits of scikit-learn (UCI 80), 8 x 8 pixels")


def turned(images: NDArray[np.generic], labels: NDArray[np.generic], source: str) -> Digits:
    """Each image turned by an angle of its own, uniform within `LARGEST` degrees.

    Raises:
        DataError: if there are not as many labels as images.
    """
    if len(images) != len(labels):
        raise DataError(
            f"{len(images)} images and {len(labels)} labels of digits do not match; put the files "
            f"{IMAGES.name} and {LABELS.name} of one set into the folder"
        )
    angles = np.random.default_rng(SEED).uniform(-LARGEST, LARGEST, len(images))
    upright = torch.from_numpy(np.asarray(images, dtype=np.float32))[:, None]
    levels = rotate(upright, torch.from_numpy(angles)).round()[:, 0]
    return Digits(levels.numpy().astype(np.uint8), angles, labels.astype(np.uint8), source)


def rotate(images: Tensor, degrees: Tensor) -> Tensor:
    """Images [N, C, H, W] turned about their centres, bilinear, with zeros from outside.

    Args:
        images: what is turned.
        degrees: [N], positive counter-clockwise.
    """
    angle = torch.deg2rad(degrees.double())
    cos, sin, none = angle.cos(), angle.sin(), torch.zeros_like(angle)
    where = torch.stack([cos, -sin, none, sin, cos, none], dim=-1).reshape(-1, 2, 3)
    grid = affine_grid(where.to(images), list(images.shape), align_corners=False)
    return grid_sample(images, grid, align_corners=False)
