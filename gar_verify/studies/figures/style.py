"""One style for all figures: sizes, colours, and how they are written.

Colours are those of Okabe and Ito, and some of Paul Tol's muted ones, which readers with any kind
of colour vision tell apart; lines have dashes of their own beside them, for print in grey. Sizes
are those of a printed column or page. `save` writes PDF and PNG that are the same bytes every time,
and seals into both a digest of the numbers that are drawn: `drawn` reads it
back, so that a figure can be compared with the table beside it.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import Collection
from matplotlib.figure import Figure

from gar_verify import paths
from gar_verify._files import atomic_write
from gar_verify.losses.registry import LOSSES

COLUMN_WIDTH = 3.35
"""Inches of one column of a two-column page."""
PAGE_WIDTH = 6.9

TRUTH = "#000000"
PUBLISHED = "#777777"
COLORS = {name: spec.color for name, spec in LOSSES.items()}
"""Colour of each method, in every figure."""

Dashes = str | tuple[float, tuple[float, ...]]

_PATTERNS: tuple[Dashes, ...] = (
    "-",
    (0, (4, 1)),
    (0, (1, 1)),
    (0, (4, 1, 1, 1)),
    (0, (7, 1.5)),
    (0, (4, 1, 1, 1, 1, 1)),
    (0, (2, 1)),
    (0, (1, 2.5)),
    (0, (7, 1, 1, 1)),
    (0, (2, 2.5)),
    (0, (4, 3)),
)
DASHES = dict(zip(("gar", *(name for name in LOSSES if name != "gar")), cycle(_PATTERNS)))
"""Dashes of each method's line, in every figure: GAR's is solid."""

PART_COLORS = {"MAE": COLORS["mae"], "error variance": "#0B5D2A", "1 - Pearson": "#B78B00"}
"""Colour of each of GAR's three parts; none but the MAE's is that of a loss."""

CHOICE_COLORS = {
    "b": PART_COLORS["MAE"],
    "c": PART_COLORS["error variance"],
    "a": PART_COLORS["1 - Pearson"],
    "b+c": "#5BC0AE",
    "a+b": "#8C86E8",
    "a+c": "#7C7A5A",
    "gar": COLORS["gar_released"],
}
"""Colour of each choice of parts, by the paper's letters; all three are GAR as released."""

METHOD_COLORS = COLORS | {
    "mae_variance": CHOICE_COLORS["b+c"],
    "mae_and_pearson": CHOICE_COLORS["a+b"],
    "gar_huber": "#CC6677",
    "gar_trimmed": "#661100",
    "gar_per_target": "#2E1F5E",
    "gar_own": "#7A8F9B",
    "gar_row": "#A89F91",
    "mae_own": COLORS["mae"],
    "ccc": "#1F4E5F",
    "hl_gauss": "#000066",
    "trees": "#4F6D1E",
    "pairs": "#A3B8A0",
}
"""Colour of everything that a study trains; only MAE's networks, one or one a target, share one."""

PART_DASHES = dict(zip(PART_COLORS, _PATTERNS, strict=False))

FORMS = {"gar_verify": "#D55E00", "released": "#AA4499", "textbook": "#999999"}
"""Colour of each way to compute the sub-losses."""

STYLE: dict[Any, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 7,
    "axes.titlesize": 8,
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.6,
    "lines.linewidth": 1.0,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "legend.frameon": False,
    "pdf.fonttype": 42,
    "svg.hashsalt": "gar_verify",
}

DIGEST = "gar_verify data "
"""Beginning of the text, among the metadata of a file, that names the digest."""


def save(figure: Figure, stem: str | Path, folder: Path | None = None) -> list[Path]:
    """Write a figure as PDF and PNG atomically, the same bytes every time.

    Args:
        figure: what to draw.
        stem: name of the files without suffix, such as ``"sine"``.
        folder: where to; default: `paths.figures`.

    Returns:
        The two paths.
    """
    target = (folder or paths.figures()) / stem
    seal = DIGEST + digest(figure)
    metadata = {
        ".pdf": {"CreationDate": None, "Creator": None, "Producer": None, "Keywords": seal},
        ".png": {"Software": None, "Comment": seal},
    }
    written = []
    with mpl.rc_context(STYLE):
        for suffix, about in metadata.items():
            drawing = io.BytesIO()
            figure.savefig(drawing, format=suffix[1:], dpi=200, metadata=about)
            path = target.with_name(target.name + suffix)
            written.append(atomic_write(path, drawing.getvalue()))
    return written


def digest(figure: Figure) -> str:
    """SHA-256 of what a figure shows: the data of its lines and areas to 5 digits, and its texts.

    Colours, sizes and the versions of the libraries do not enter.
    """
    state = hashlib.sha256()
    for axes in figure.axes:
        for array in _arrays(axes):
            rounded = [float(f"{value:.4e}") + 0.0 for value in array.ravel() if np.isfinite(value)]
            state.update(np.array(rounded, dtype="<f8").tobytes())
        texts = [axes.get_title(loc="left"), axes.get_xlabel(), axes.get_ylabel()]
        state.update("\n".join([*texts, *(text.get_text() for text in axes.texts)]).encode())
    return state.hexdigest()


def drawn(picture: Path | bytes) -> str | None:
    """The digest that `save` sealed into a PNG or PDF; None if it carries none."""
    content = picture if isinstance(picture, bytes) else picture.read_bytes()
    begin = content.find(DIGEST.encode())
    if begin < 0:
        return None
    begin += len(DIGEST)
    return content[begin : begin + 64].decode("ascii")


def _arrays(axes: Axes) -> Iterator[np.ndarray]:
    """Coordinates of lines, of areas and bars (as paths), and of scattered marks."""
    for line in axes.lines:
        yield np.asarray(line.get_xydata(), dtype=float)
    for collection in axes.collections:
        yield from _collected(collection)


def _collected(collection: Collection) -> Iterator[np.ndarray]:
    for path in collection.get_paths():
        yield np.asarray(path.vertices, dtype=float)
    yield np.ma.filled(np.ma.asarray(collection.get_offsets(), dtype=float), np.nan)
