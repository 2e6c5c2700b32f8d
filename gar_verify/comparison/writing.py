"""A comparison as files: a new folder appears complete, or not at all."""

from __future__ import annotations

import re
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from gar_verify.comparison import pictures
from gar_verify.comparison.page import html
from gar_verify.studies import figures

if TYPE_CHECKING:
    from gar_verify.comparison.outcome import Comparison


def check_folder(folder: Path, *, force: bool) -> None:
    """Raise a ValueError for a folder that may not be written into."""
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"{folder} is a file; name a folder for the results")
    if folder.exists() and not force:
        raise ValueError(
            f"the folder {folder} exists already; name another with --folder, or write into it "
            "with --force"
        )


def write(outcome: Comparison, folder: Path, *, force: bool) -> list[Path]:
    """Write every file under a temporary name first, then move all of them into place."""
    check_folder(folder, force=force)
    folder.parent.mkdir(parents=True, exist_ok=True)
    part = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}-"))
    try:
        _fill(outcome, part)
        part.chmod(0o755)  # mkdtemp makes folders that others cannot read
        names = sorted(path.name for path in part.iterdir())
        if folder.is_dir():
            for name in names:
                (part / name).replace(folder / name)
        else:
            part.replace(folder)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return [folder / name for name in names]


def _fill(outcome: Comparison, folder: Path) -> None:
    tables = {
        "comparison.csv": outcome.table(),
        "scores.csv": outcome.scores(),
        "predictions.csv": outcome.predictions(),
    }
    for name, frame in tables.items():
        if outcome.plan.quick:  # whoever is sent the file alone should know
            frame = frame.assign(**{"first look": "quick settings, no result"})
        text = frame.to_csv(float_format="%.6g", lineterminator="\n")
        (folder / name).write_text(text, encoding="utf-8", newline="\n")
    said = f"{outcome.verdict}\n"
    (folder / "verdict.txt").write_text(said, encoding="utf-8", newline="\n")
    drawn = {target: _draw(outcome, target, folder) for target in outcome.targets}
    (folder / "index.html").write_text(html(outcome, drawn), encoding="utf-8", newline="\n")


def _draw(outcome: Comparison, target: str, folder: Path) -> dict[str, bytes]:
    """Write the figures of a target; the PNG files by stem."""
    suffix = ""
    if len(outcome.targets) > 1:
        plain = re.sub(r"\W+", "_", target).strip("_")
        suffix = f"_{outcome.targets.index(target) + 1}_{plain}"
    found = {}
    for stem, figure in pictures.figures_of(outcome, target).items():
        _, png = figures.save(figure, f"{stem}{suffix}", folder)
        found[stem] = png.read_bytes()
    return found
