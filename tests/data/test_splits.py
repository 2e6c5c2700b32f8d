"""The published splits are permutations from small seeds, and the originals what is pinned."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest

from gar_verify import data, paths
from gar_verify.data import cache, files, published, splits, uci
from gar_verify.data.table import Array, column
from gar_verify.data.uci import ORIGINALS

CONCRETE = {
    0: (540, 0, 0, 162, 2.5, 1040, 676, 28),
    2: (332.5, 142.5, 0, 228, 0, 932, 594, 270),
    1029: (260.9, 100.5, 78.3, 200.6, 8.6, 864.5, 761.5, 28),
}
"""Features of some rows of UCI's file, to undo the z-scores of the published arrays."""

WINE = {
    0: (7.4, 0.7, 0, 1.9, 0.076, 11, 34, 0.9978, 3.51, 0.56, 9.4),
    1: (7.8, 0.88, 0, 2.6, 0.098, 25, 67, 0.9968, 3.2, 0.68, 9.8),
    3: (11.2, 0.28, 0.56, 1.9, 0.075, 17, 60, 0.998, 3.16, 0.58, 9.8),
    1599: (7, 0.27, 0.36, 20.7, 0.045, 45, 170, 1.001, 3, 0.45, 8.8),
    1600: (6.3, 0.3, 0.34, 1.6, 0.049, 14, 132, 0.994, 3.3, 0.49, 9.5),
}
"""The same of UCI's Wine: the first reds, then the first whites."""


pytestmark = pytest.mark.usefixtures("authors_folder")


def found(name: str) -> Path:
    path = published.find(name)
    assert path is not None, f"{paths.DATA_VARIABLE} has no arrays of {name}"
    return path


def raw(features: Array, known: dict[int, tuple[float, ...]]) -> tuple[Array, float]:
    """Features as they were before z-scoring, and how far known rows are from a straight line."""
    restored, rest = np.empty_like(features), 0.0
    for j, values in enumerate(features.T):
        x, y = values[list(known)], np.array([row[j] for row in known.values()], float)
        low, high = np.argmin(y), np.argmax(y)
        slope = (y[high] - y[low]) / (x[high] - x[low])
        restored[:, j] = y[low] + slope * (values - x[low])
        rest = max(rest, np.abs(restored[list(known), j] - y).max())
    return restored, rest


def csv_of(name: str, rows: Array) -> bytes:
    """Rows as UCI writes them: short numbers, and line ends of two characters."""
    original = ORIGINALS[name]
    lines = [",".join((*original.features, *original.targets))]
    lines += [",".join(f"{value + 0:.10g}" for value in row) for row in rows]
    return ("\r\n".join(lines) + "\r\n").encode()


def test_concrete_falls_into_the_file_of_uci_byte_for_byte() -> None:
    features, targets = published.rows("concrete", found("concrete"))
    restored, rest = raw(features, CONCRETE)
    assert rest < 1e-12
    text = csv_of("concrete", np.round(np.column_stack([restored, targets]), 2))
    assert hashlib.sha256(text).hexdigest() == ORIGINALS["concrete"].checksum


def test_wine_falls_into_the_order_of_uci() -> None:
    features, targets = published.rows("wine", found("wine"))
    restored, rest = raw(features, WINE)
    assert rest < 1e-12
    assert targets[:8, 0].tolist() == [5, 5, 5, 6, 5, 5, 5, 7]
    red, white = restored[:1599], restored[1599:]
    assert np.median(red[:, 6]) < 40 < 130 < np.median(white[:, 6])  # total sulfur dioxide


def published_ids(curve: str) -> Array:
    path = files.find(f"{curve}.npz")
    assert path is not None, f"{paths.DATA_VARIABLE} has no {curve}.npz"
    (ids,) = files.read(path, "ids")
    return ids


def test_sine_has_its_seed() -> None:
    ids = published_ids("sine")
    assert np.array_equal(ids, splits.permutation("sine", len(ids)))


def test_squared_sine_tests_on_the_published_half() -> None:
    ids = published_ids("squared_sine")
    ours = splits.test_half_first("squared_sine", len(ids))
    half = len(ids) // 2
    assert set(ours[:half]) == set(ids[:half])
    assert sorted(ours) == list(range(len(ids)))


@pytest.mark.parametrize("name", ["concrete", "wine", "parkinsons"])
def test_the_published_arrays_have_the_known_content(name: str) -> None:
    path = found(name)
    assert "all values" in published.verify(name, path)
    features, targets = published.rows(name, path)
    assert features.shape == (ORIGINALS[name].rows, len(ORIGINALS[name].features))
    for change in (lambda y: y[::-1], lambda y: y + 1e-3):
        assert uci.content(features, change(targets)) != uci.known_contents()[name]


@pytest.mark.parametrize("name", ["concrete", "wine"])
def test_the_packaged_tables_are_the_authors_arrays(name: str) -> None:
    """As split and scaled: to 4 decimals of a deviation, Concrete to the last bit."""
    path = found(name)
    table = data.load_table(name)
    assert table.source.startswith(f"UCI {ORIGINALS[name].title}")
    assert "published split" in table.source
    keys = ("train_X", "train_y", "test_X", "test_y")
    for key, theirs in zip(keys, files.read(path, *keys), strict=True):
        ours = getattr(table, key)
        assert np.abs(ours - column(theirs)).max() <= (0 if name == "concrete" else 1e-8)


def test_the_packaged_parkinsons_has_the_authors_rows() -> None:
    """Their split too, where their file is; else one of ours, and the source says so."""
    raw_X, raw_y, ids = files.read(found("parkinsons"), "X", "y", "ids")
    features, targets = cache.read(ORIGINALS["parkinsons"])
    assert np.array_equal(features, raw_X)
    assert np.array_equal(targets, raw_y)
    total = data.load_table("parkinsons_total")
    assert np.array_equal(total.test_y[:, 0], raw_y[ids[:1175], 1])
    assert "parkinsons_telemonitoring.npz; published split" in total.source
