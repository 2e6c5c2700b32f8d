"""The notebooks, executed anew in a copy laid out as a checkout; the original stays as it is.

The copy holds the code, the notebooks and the figures folder, so that a notebook that writes a
figure or a table writes it there. What was printed is compared with what is stored in the notebook,
as under nbval (`alike`): text, not pictures, and not the cells that measure time.
"""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gar_verify import paths
from gar_verify.reproduce import changes
from gar_verify.studies import pins

NOT_COPIED = shutil.ignore_patterns("__pycache__", ".*")
CELL_TIMEOUT = 1800
"""Seconds after which a cell is given up."""
SIDE_BY_SIDE = min(2, os.cpu_count() or 1)
"""Notebooks at a time: each waits for one core."""
TRANSPORT = "tcp" if sys.platform == "win32" else "ipc"
"""How to talk to a kernel; ipc needs no port, and no network."""
NOT_COMPARED = "nbval-ignore-output"
"""Tag of a cell whose output differs from run to run."""


NUMBER = re.compile(r"(?<![\w.])[-+]?\d+\.(\d+)(?:e([-+]\d+))?")
"""A decimal fraction in a text: its decimals, and its power of ten."""


class NotebookError(Exception):
    """The notebooks cannot be executed here; the message says why."""


@dataclass(frozen=True)
class Executed:
    """The result of one notebook."""

    name: str
    cells: int
    seconds: float
    error: str = ""
    """What stopped it; empty when it ran to its end."""
    differing: tuple[int, ...] = ()
    """Numbers of the code cells, from 1, that print something else than is stored."""

    @property
    def sentence(self) -> str:
        """What a reader should know, without times."""
        if self.error:
            return f"{self.name} stopped: {self.error}"
        if not self.differing:
            return f"{self.name}: {self.cells} cells print what is stored"
        cells = ", ".join(map(str, self.differing))
        return f"{self.name}: {self.cells} cells ran; other output than stored in cell {cells}"


def alike(stored: str, printed: str) -> bool:
    """Whether texts are the same but for one unit in the last digit of their decimal fractions.

    Another processor may round on the other side of an edge; a number that moved further, a whole
    number and a word must be the same.

    >>> alike("MAE 4.603 of 5", "MAE 4.604 of 5"), alike("MAE 4.603 of 5", "MAE 4.605 of 5")
    (True, False)
    """
    if NUMBER.sub("#", stored) != NUMBER.sub("#", printed):
        return False
    pairs = zip(NUMBER.finditer(stored), NUMBER.finditer(printed), strict=True)
    return all(_near(one, other) for one, other in pairs)


def _near(one: re.Match[str], other: re.Match[str]) -> bool:
    if [len(one[1]), one[2]] != [len(other[1]), other[2]]:
        return False
    unit = 10.0 ** (int(one[2] or 0) - len(one[1]))
    return abs(float(one[0]) - float(other[0])) < 1.5 * unit


def names() -> list[str]:
    """The notebooks in reading order."""
    return sorted(path.stem for path in paths.notebooks().glob("*.ipynb"))


def copy(target: Path, figures: Sequence[Path]) -> Path:
    """Copy what the notebooks need, from a checkout or an installed package.

    Args:
        target: an empty folder.
        figures: folders whose files make up ``paper_figures`` of the copy, where they are there;
            later ones win.

    Returns:
        The figures folder of the copy.
    """
    for source in (paths.PACKAGE, paths.proofs(), paths.notebooks()):
        shutil.copytree(source, target / source.name, ignore=NOT_COPIED)
    (target / paths.MARK).touch()
    place = target / paths.figures().name
    shutil.copytree(paths.summaries(), place / paths.RESULTS, ignore=NOT_COPIED)
    for folder in filter(Path.is_dir, figures):
        shutil.copytree(folder, place, ignore=NOT_COPIED, dirs_exist_ok=True)
    return place


def execute(
    root: Path, wanted: Sequence[str], note: Callable[[str], None] = lambda text: None
) -> Iterator[Executed]:
    """Execute notebooks of a copy, `SIDE_BY_SIDE`, and store what came out; they come in order.

    Each has a fresh kernel.

    Args:
        root: the copy, which the kernels import the package from.
        wanted: names without suffix.
        note: told which one is next.

    Raises:
        NotebookError: if nbclient or ipykernel is not installed.
    """
    try:
        import ipykernel  # noqa: F401  (the kernel process needs it)
        import nbclient  # noqa: F401
    except ImportError as error:
        raise NotebookError(f"{error.name} is not installed (make setup installs it)") from error
    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        try:
            running = [pool.submit(_execute, root, name) for name in wanted]
            for name, done in zip(wanted, running, strict=True):
                note(f"notebook {name}")
                yield done.result()
        finally:
            pool.shutdown(cancel_futures=True)


def written(figures: Path, before: dict[str, bytes]) -> list[str]:
    """Files of the copy's figures folder that are new or other than they were."""
    after = changes.contents(figures)
    return [name for name, content in after.items() if before.get(name) != content]


def _execute(root: Path, name: str) -> Executed:
    import nbformat
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError
    from traitlets.config import Config

    path = root / "notebooks" / f"{name}.ipynb"
    notebook: Any = nbformat.read(path, as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    stored = [_printed(cell) for cell in code]
    for cell in code:
        cell.outputs, cell.execution_count = [], None
    pipes = {"transport": TRANSPORT, "connection_file": str(root / f"{name}.json")}
    client = NotebookClient(
        notebook,
        timeout=CELL_TIMEOUT,
        kernel_name="python3",
        config=Config(AsyncKernelManager=pipes),
        resources={"metadata": {"path": str(path.parent)}},
    )
    begun, error = time.perf_counter(), ""
    try:
        asyncio.run(client.async_execute(env=_environment(root)))
    except CellExecutionError as failure:
        error = f"{failure.ename}: {failure.evalue}".splitlines()[0]
    except (RuntimeError, TimeoutError) as failure:  # the kernel died, or did not answer
        error = f"{type(failure).__name__}: {failure}".splitlines()[0]
    nbformat.write(notebook, path)
    compared = enumerate(zip(code, stored, strict=True), 1)
    return Executed(
        name=name,
        cells=len(code),
        seconds=time.perf_counter() - begun,
        error=error,
        differing=tuple(i for i, (cell, old) in compared if not error and _differs(cell, old)),
    )


def _environment(root: Path) -> dict[str, str]:
    """Of the kernels: the package is that of the copy, and the arithmetic is pinned."""
    inherited = os.environ.get("PYTHONPATH")
    path = os.pathsep.join([str(root), *filter(None, [inherited])])
    return {**os.environ, **pins.wanted(), "PYTHONPATH": path}


def _differs(cell: Any, stored: Sequence[str]) -> bool:
    printed = _printed(cell)
    return len(printed) != len(stored) or not all(map(alike, stored, printed))


def _printed(cell: Any) -> list[str]:
    """The text that a cell prints or shows; nothing of a cell that measures time."""
    if NOT_COMPARED in cell.metadata.get("tags", ()):
        return []
    printed: dict[str, str] = {}
    shown = []
    for output in cell.outputs:
        if output.output_type == "stream":
            printed[output.name] = printed.get(output.name, "") + output.text
        elif "data" in output and not any(kind.startswith("image/") for kind in output.data):
            shown.append(str(output.data.get("text/markdown", output.data.get("text/plain", ""))))
    return [f"{stream}: {text}" for stream, text in sorted(printed.items())] + shown
