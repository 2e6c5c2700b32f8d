"""Notebooks executed in a copy: what they print is compared, what they write is found."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from nbformat import v4

from gar_verify import paths
from gar_verify.reproduce import changes, notebooks


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
    for name in ("gar_verify", "proofs", "notebooks", "paper_figures/results"):
        (root / name).mkdir(parents=True)
    fill(root / "gar_verify", root / "notebooks")
    (root / "pyproject.toml").write_text("")
    return root


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """The same as an installed package."""
    package = tmp_path / "site" / "gar_verify"
    for name in ("proofs", "_share/notebooks", "_share/results"):
        (package / name).mkdir(parents=True)
    fill(package, package / "_share" / "notebooks")
    return package


def fill(package: Path, folder: Path) -> None:
    real = Path(paths.__file__).parent
    (package / "__init__.py").write_text("")
    (package / "paths.py").write_text((real / "paths.py").read_text())
    good = notebook((WRITE, "True\n"), ("print(1)", "2\n"), ("print('time')", "other\n"))
    nbformat.write(good, folder / "01_good.ipynb")
    bad = notebook(("1 / 0", ""), ("print(1)", "1\n"))
    nbformat.write(bad, folder / "02_bad.ipynb")


def test_executed_in_a_copy_that_stands_for_the_checkout(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paths, "PACKAGE", root / "gar_verify")
    figures = tmp_path / "figures"
    figures.mkdir()
    (figures / "a.csv").write_text("0")
    (figures / ".unfinished").mkdir()
    stored = changes.contents(root)
    copy = tmp_path / "copy"
    place = notebooks.copy(copy, [figures, tmp_path / "not there"])
    before = changes.contents(place)
    assert before == {"a.csv": b"0"}
    good, bad = notebooks.execute(copy, notebooks.names())
    assert (good.cells, good.error, good.differing) == (3, "", (2,))
    assert good.sentence == "01_good: 3 cells ran; other output than stored in cell 2"
    assert bad.sentence == "02_bad stopped: ZeroDivisionError: division by zero"
    assert notebooks.written(place, before) == ["b.csv"]
    assert changes.contents(root) == stored
    assert not (figures / "b.csv").exists()


def test_an_installed_package_executes_those_that_it_holds(
    installed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paths, "PACKAGE", installed)
    monkeypatch.chdir(tmp_path)
    copy = tmp_path / "copy"
    place = notebooks.copy(copy, [paths.figures()])
    assert place == copy / "paper_figures"
    good, _ = notebooks.execute(copy, notebooks.names())
    assert (good.error, good.differing) == ("", (2,))
    assert notebooks.written(place, {}) == ["b.csv"]


@pytest.mark.parametrize(
    ("stored", "printed", "same"),
    [
        ("test MAE 0.357", "test MAE 0.358", True),
        ("test MAE 0.357", "test MAE 0.359", False),
        ("test MAE 0.357", "test MAE 0.36", False),
        ("1.2e-08 left", "1.3e-08 left", True),
        ("1.2e-08 left", "1.2e-07 left", False),
        ("5 of 8", "6 of 8", False),  # whole numbers count
        ("-0.10", "0.10", False),
        ("0.100 and 0.200", "0.100", False),
        ("GAR 0.1", "MAE 0.1", False),
        ("1 2", "1  2", False),
    ],
)
def test_numbers_may_differ_by_one_in_their_last_digit(
    stored: str, printed: str, same: bool
) -> None:
    assert notebooks.alike(stored, printed) is same
    assert notebooks.alike(printed, stored) is same


def test_what_is_said_in_markdown_is_compared(root: Path) -> None:
    said = "from IPython.display import Markdown\nMarkdown('0.{}')"
    cells = [(said.format(digits), "") for digits in ("11", "12", "13")]
    made = notebook(*cells, ("1", "1"))
    for cell in made.cells[:3]:
        data = {"text/markdown": "0.11", "text/plain": "<IPython.core.display.Markdown object>"}
        cell.outputs = [v4.new_output("execute_result", data, execution_count=1)]
    for path in (root / "notebooks").glob("*.ipynb"):
        path.unlink()
    nbformat.write(made, root / "notebooks" / "01_said.ipynb")
    (result,) = notebooks.execute(root, ["01_said"])
    assert result.differing == (3,)
