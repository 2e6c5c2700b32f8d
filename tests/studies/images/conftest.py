"""Images that the tests draw: a disc on grey, its place from the left as the target."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

PARTS = {"train": 18, "val": 8, "test": 8}


@pytest.fixture
def discs(tmp_path: Path) -> tuple[Path, Path]:
    """A table and the folder of its images, 30 pixels high and 40 wide."""
    image = pytest.importorskip("PIL.Image")
    folder = tmp_path / "discs"
    folder.mkdir()
    random = np.random.default_rng(0)
    rows = []
    for i, part in enumerate(name for name, count in PARTS.items() for _ in range(count)):
        x, y = random.uniform(8, 32), random.uniform(8, 22)
        across, down = np.meshgrid(np.arange(40), np.arange(30))
        inside = (across - x) ** 2 + (down - y) ** 2 < 36
        pixels = np.full((30, 40, 3), 90, np.uint8)
        pixels[inside] = random.integers(150, 255, 3)
        image.fromarray(pixels).save(folder / f"{i}.png")
        rows.append({"path": f"{i}.png", "age": round(x, 3), "split": part})
    table = tmp_path / "discs.csv"
    pd.DataFrame(rows).to_csv(table, index=False)
    return table, folder


@pytest.fixture
def changed(discs: tuple[Path, Path]) -> Callable[..., tuple[Path, Path]]:
    """The table with cells changed, or columns renamed by ``rename``."""

    def change(rename: dict[str, str] | None = None, **cells: object) -> tuple[Path, Path]:
        table, folder = discs
        frame = pd.read_csv(table).astype(object)
        for column, value in cells.items():
            frame.loc[3, column] = value
        frame.rename(columns=rename or {}).to_csv(table, index=False)
        return table, folder

    return change
