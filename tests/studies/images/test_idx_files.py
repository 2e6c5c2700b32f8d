"""IDX files: what is written is read, and what is damaged is refused by name."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest

from gar_verify.data import DataError
from gar_verify.studies.images.idx import read_idx


def idx(array: np.ndarray) -> bytes:
    header = struct.pack(f">4B{array.ndim}I", 0, 0, 8, array.ndim, *array.shape)
    return header + array.tobytes()


IMAGES = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)


def test_an_array_is_read_as_it_was_written(tmp_path: Path) -> None:
    (tmp_path / "plain").write_bytes(idx(IMAGES))
    (tmp_path / "packed.gz").write_bytes(gzip.compress(idx(IMAGES)))
    for name in ("plain", "packed.gz"):
        np.testing.assert_array_equal(read_idx(tmp_path / name, 3), IMAGES)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\x89PNG" + idx(IMAGES)[4:], "begins with 89504e47, expected 00000803"),
        (idx(IMAGES[0]), "begins with 00000802, expected 00000803"),
        (b"\0\0\x0d" + idx(IMAGES)[3:], "begins with 00000d03, expected 00000803"),
        (idx(IMAGES)[:9], "ends after 9 bytes, within its header of 16"),
        (idx(IMAGES)[:-1], r"holds 39 bytes, expected 40 for the shape \(2, 3, 4\)"),
        (idx(IMAGES) + b"\0", "holds 41 bytes, expected 40"),
    ],
)
def test_what_is_no_such_array_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "images-idx3-ubyte"
    path.write_bytes(content)
    with pytest.raises(DataError, match=f"images-idx3-ubyte {message}.*put an intact IDX file"):
        read_idx(path, 3)


@pytest.mark.parametrize("content", [b"", b"plain", gzip.compress(idx(IMAGES), mtime=0)[:-9], None])
def test_a_file_that_does_not_unpack_is_refused(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "images.gz"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DataError, match=r"images\.gz (cannot be read|begins with)"):
        read_idx(path, 3)
