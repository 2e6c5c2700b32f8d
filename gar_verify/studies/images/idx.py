"""Files in IDX format, which MNIST is published in: a header, then numbers of one byte.

The header is two zero bytes, the kind of the numbers (8: unsigned bytes), how many dimensions there
are, and the size of each as four bytes, the largest first.
"""

from __future__ import annotations

import gzip
import math
import struct
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gar_verify.data import DataError

UNSIGNED_BYTES = 8


def read_idx(path: Path, dimensions: int) -> NDArray[np.uint8]:
    """The array of a file, compressed by gzip where its name ends in ``.gz``.

    Args:
        path: the file.
        dimensions: how many the array must have: 3 for images, 1 for labels.

    Raises:
        DataError: if the file cannot be read or is not what it should be.
    """
    content = _content(path)
    expected = bytes((0, 0, UNSIGNED_BYTES, dimensions))
    if content[:4] != expected:
        raise _error(path, f"begins with {content[:4].hex()}, expected {expected.hex()}")
    begin = 4 + 4 * dimensions
    if len(content) < begin:
        raise _error(path, f"ends after {len(content)} bytes, within its header of {begin}")
    shape = struct.unpack(f">{dimensions}I", content[4:begin])
    length = begin + math.prod(shape)
    if len(content) != length:
        raise _error(path, f"holds {len(content)} bytes, expected {length} for the shape {shape}")
    return np.frombuffer(content, np.uint8, offset=begin).reshape(shape)


def _content(path: Path) -> bytes:
    try:
        if path.suffix == ".gz":
            with gzip.open(path) as file:
                return file.read()
        return path.read_bytes()
    except (OSError, EOFError, zlib.error) as error:
        raise _error(path, f"cannot be read ({error})") from error


def _error(path: Path, what: str) -> DataError:
    return DataError(f"{path} {what}; put an intact IDX file there")
