"""Every notebook is executed in order and clean, so that nbval has something to compare."""

from __future__ import annotations

import ast
import base64
import re
from itertools import pairwise
from pathlib import Path

import nbformat
import pytest

from gar_verify import paths
from gar_verify.studies import figures

NAMES = (
    "01_theorems",
    "02_the_loss",
    "03_sine",
    "04_squared_sine",
    "05_tables",
    "06_ablation",
    "07_alpha",
    "08_runtime",
    "09_claims",
    "10_other_rows",
    "11_images_and_sentences",
    "12_dirty_data",
    "13_choosing_alpha",
    "14_not_smooth",
    "15_several_targets",
    "16_competitors",
)
"""The story in its order."""

TOLD = NAMES
"""Notebooks that ask a question, and answer it from their numbers: all."""

OWN = {"gar_verify", "proofs"}
SEEN = {"IPython", "math", "torch", "fnmatch", "pathlib", "tempfile"}
"""What a notebook may import beside the package: to look, and to make a batch."""

IGNORED = "nbval-ignore-output"

NOTEBOOKS = sorted((Path(__file__).resolve().parent.parent / "notebooks").glob("*.ipynb"))


def code_cells(path: Path) -> list[nbformat.NotebookNode]:
    return [c for c in nbformat.read(path, as_version=4).cells if c.cell_type == "code"]


def test_the_notebooks_are_those_of_the_story() -> None:
    found = {path.stem for path in NOTEBOOKS}
    assert found >= set(NAMES[:7])
    assert found <= set(NAMES)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_what_is_used_is_the_package(path: Path) -> None:
    """No library that computes, trains or draws is used directly."""
    imported = set()
    for cell in code_cells(path):
        for node in ast.walk(ast.parse(cell.source)):
            if isinstance(node, ast.Import):
                imported |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                imported.add(str(node.module).split(".")[0])
    assert imported & OWN
    assert imported <= OWN | SEEN


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_most_outputs_are_compared(path: Path) -> None:
    """Outputs that nbval ignores are pictures, times and the like; numbers are compared."""
    cells = code_cells(path)
    compared = [c for c in cells if c.outputs and IGNORED not in c.metadata.get("tags", [])]
    assert len(compared) >= 3
    for cell in compared:
        assert not any("image/png" in o.get("data", {}) for o in cell.outputs)
        assert "Image(" not in cell.source


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_no_path_of_a_machine_and_no_object_address_is_stored(path: Path) -> None:
    for cell in code_cells(path):
        texts = [o.get("text", "") + str(o.get("data", {}).get("text/plain")) for o in cell.outputs]
        assert not re.search(r"0x[0-9a-f]{8}|/(home|work|root|tmp|Users)/", "".join(texts))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_files_that_are_linked_are_there(path: Path) -> None:
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.cell_type == "markdown":
            for target in re.findall(r"\]\((?!https?:)([^)#]+)", cell.source):
                assert (path.parent / target).exists(), target


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_executed_top_to_bottom_without_errors(path: Path) -> None:
    cells = code_cells(path)
    assert [c.execution_count for c in cells] == list(range(1, len(cells) + 1))
    outputs = [output for cell in cells for output in cell.outputs]
    assert not [o for o in outputs if o.output_type == "error"]
    assert not [o for o in outputs if o.get("name") == "stderr"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_thin_and_readable(path: Path) -> None:
    """It opens with a title, tells a story, and defines little: the code lives in the package."""
    cells = nbformat.read(path, as_version=4).cells
    assert cells[0].source.startswith("# ")
    kinds = [cell.cell_type for cell in cells]
    assert kinds.count("markdown") >= kinds.count("code") / 2
    assert all(len(c.source.splitlines()) <= 40 for c in cells if c.cell_type == "code")


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_pictures_are_those_of_today_by_their_data(path: Path) -> None:
    """nbval compares no picture: each one's sealed digest is that of a figure beside the tables."""
    today = {figures.drawn(file) for file in paths.figures().glob("*.png")}
    for cell in code_cells(path):
        for output in cell.outputs:
            if "image/png" in output.get("data", {}):
                shown = figures.drawn(base64.b64decode(output.data["image/png"]))
                assert shown is not None, cell.source
                assert shown in today, cell.source


@pytest.mark.parametrize("name", TOLD)
def test_it_opens_with_a_question_and_closes_with_an_answer_from_its_numbers(name: str) -> None:
    cells = nbformat.read(paths.notebooks() / f"{name}.ipynb", as_version=4).cells
    assert re.search(r"\*\*[^*]+\?\*\*", cells[0].source)
    answer = cells[-1]
    said = answer.outputs[0].data["text/markdown"]
    assert said.startswith("**The answer.** ")
    assert len(re.findall(r"\d", said)) >= 4
    assert len(re.findall(r"^assert ", answer.source, re.MULTILINE)) >= 2
    assert not any(line.count(" and ") for line in answer.source.splitlines() if "assert " in line)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_what_holds_is_asserted_and_not_printed(path: Path) -> None:
    for cell in code_cells(path):
        for output in cell.outputs:
            assert not re.search(r": True$", output.get("text", ""), re.MULTILINE)


@pytest.mark.parametrize("name", TOLD)
def test_every_picture_has_words_beside_it(name: str) -> None:
    cells = nbformat.read(paths.notebooks() / f"{name}.ipynb", as_version=4).cells
    for cell, after in pairwise(cells):
        if "Image(" in cell.source:
            assert after.cell_type == "markdown", cell.source
