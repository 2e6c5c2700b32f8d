"""Notebooks executed in a copy: what they print is compared, what they write is found."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from nbformat import v4

from gar_verify import changes, notebooks, paths


def notebook(*cells: tuple[str, str]) -> nbformat.NotebookNode:
    """A notebook of code cells with what is stored of their output."""
    made = v4.new_notebook()
    for number, (source, stored) in enumerate(cells, 1):
        output = v4.new_output("stream", name="stdout", text=stored)
        made.cells.append(v4.new_code_cell(source, execution_count=number, outputs=[output]))
    made.cells[-1].metadata["tags"] = [notebooks.NOT_COMPARED]
    return made


WRITE = """from gar_verify import paths
paths.figures().joinpath("b.csv").write_text("1")
print(paths.figures().parent == paths.Path.cwd().parent)"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A checkout with little in it, whose notebooks import the package that they find there."""
    root = tmp_path / "checkout"
    for name in ("gar_verify", "proofs", "notebooks"):
        (root / name).mkdir(parents=True)
    real = Path(paths.__file__).parent
    (root / "gar_verify" / "__init__.py").write_text("")
    (root / "gar_verify" / "paths.py").write_text((real / "paths.py").read_text())
    (root / "pyproject.toml").write_text("")
    good = notebook((WRITE, "True\n"), ("print(1)", "2\n"), ("print('time')", "other\n"))
    nbformat.write(good, root / "notebooks" / "01_good.ipynb")
    bad = notebook(("1 / 0", ""), ("print(1)", "1\n"))
    nbformat.write(bad, root / "notebooks" / "02_bad.ipynb")
    return root


def test_executed_in_a_copy_that_stands_for_the_checkout(root: Path, tmp_path: Path) -> None:
    figures = tmp_path / "figures"
    figures.mkdir()
    (figures / "a.csv").write_text("0")
    (figures / ".unfinished").mkdir()
    stored = changes.contents(root)
    copy = tmp_path / "copy"
    place = notebooks.copy(copy, [figures], root)
    before = changes.contents(place)
    assert before == {"a.csv": b"0"}
    good, bad = notebooks.execute(copy, notebooks.names(root))
    assert (good.cells, good.error, good.differing) == (3, "", (2,))
    assert good.sentence == "01_good: 3 cells ran; other output than stored in cell 2"
    assert bad.sentence == "02_bad stopped: ZeroDivisionError: division by zero"
    assert notebooks.written(place, before) == ["b.csv"]
    assert changes.contents(root) == stored
    assert not (figures / "b.csv").exists()


def test_an_installed_package_has_no_notebooks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paths, "repository", lambda: None)
    assert notebooks.names() == []
    with pytest.raises(notebooks.NotebookError, match="part of the repository"):
        notebooks.copy(tmp_path, [])
