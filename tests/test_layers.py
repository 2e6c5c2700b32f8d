"""A file imports from lower layers, and on its own layer from rooms named before its own.

The table is that of CONTRIBUTING.md. Imports inside functions count, those for types alone do not;
no circle of files anywhere.
"""

from __future__ import annotations

import ast
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
LAYERS = (
    ("formulas", "paths", "_files", "_extras", "_proofs", "metrics"),
    ("losses", "data"),
    ("training", "integrations"),
    ("studies",),
    ("benchmarks", "comparison", "claims", "reproduce"),
    ("cli", "__main__"),
)
ORDER = [room for layer in LAYERS for room in layer]
FILES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for path in sorted((ROOT / "gar_verify").rglob("*.py"))
}
FACE = "gar_verify"
UNLISTED = ("_extras", "_proofs", "__main__")


def imported(path: Path) -> set[str]:
    """Dotted names that a file imports, at the top or inside functions."""
    names = set()
    tree = ast.parse(path.read_text(encoding="utf8"))
    for_types = {
        id(node)
        for block in ast.walk(tree)
        if isinstance(block, ast.If) and ast.unparse(block.test) == "TYPE_CHECKING"
        for part in block.body
        for node in ast.walk(part)
    }
    for node in ast.walk(tree):
        if id(node) in for_types:
            continue
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            assert node.module is not None
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def files_behind(name: str) -> str | None:
    """The file that an imported name of the project stands for: a module, or its home."""
    if name in FILES:
        return name
    module = name.rpartition(".")[0]
    return module if module in FILES else None


def edges(file: str) -> set[str]:
    """The files of the project that a file imports."""
    found = {files_behind(name) for name in imported(FILES[file]) if name.startswith(FACE)}
    return {name for name in found if name is not None} - {FACE}


@pytest.mark.parametrize("file", [name for name in FILES if name != FACE])
def test_imports_go_down(file: str) -> None:
    room = file.split(".")[1]
    for name in edges(file):
        other = name.split(".")[1]
        assert other == room or ORDER.index(other) < ORDER.index(room), f"{file} imports {name}"
        assert other != "__main__"


def test_no_circle_of_files() -> None:
    graph = {file: edges(file) - {file} for file in FILES if file != FACE}
    list(TopologicalSorter(graph).static_order())  # raises CycleError and names the files


def test_rooms_and_table_agree() -> None:
    rooms = {name.split(".")[1] for name in FILES if name != FACE}
    assert rooms == set(ORDER)
    page = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf8")
    for number, layer in enumerate(LAYERS):
        named = [room for room in layer if room not in UNLISTED]
        row = next(line for line in page.splitlines() if line.strip().startswith(f"| {number} |"))
        places = [row.find(f"`{room}`") for room in named]
        assert -1 not in places, (row, named)
        assert places == sorted(places)


@pytest.mark.parametrize(
    "path", sorted((ROOT / "proofs").rglob("*.py")), ids=lambda path: path.name
)
def test_proofs_import_the_formulas_only(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf8"))
    modules = [node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    used = {module for module in modules if module and module.split(".")[0] == "gar_verify"}
    assert used <= {"gar_verify", "gar_verify.formulas"}
