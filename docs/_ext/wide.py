"""Pictures wider than a column: on a narrow screen they scroll in a box, at a size to read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from docutils import nodes

COLUMN = 800
"""Pixels from which a picture is of a page's width."""
WIDTH = slice(16, 20)
"""Where a PNG file holds its width."""


def is_wide(path: Path) -> bool:
    """Whether it is a PNG file of more pixels than a column has."""
    return path.suffix == ".png" and int.from_bytes(path.read_bytes()[WIDTH], "big") > COLUMN


def box(app: Any, doctree: nodes.document) -> None:
    """Put wide pictures into boxes that scroll."""
    for image in list(doctree.findall(nodes.image)):
        if is_wide(Path(app.srcdir, image["uri"])):
            image.replace_self(nodes.container("", image.copy(), classes=["wide"]))


def setup(app: Any) -> dict[str, bool]:
    """After Sphinx has found the pictures."""
    app.connect("doctree-read", box)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
