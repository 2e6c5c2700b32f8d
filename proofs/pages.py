"""The page a mathematician would read, as HTML and as Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from proofs.statements import Result


def report(results: Sequence[Result], folder: Path) -> list[Path]:
    """Write the page."""
    return []
