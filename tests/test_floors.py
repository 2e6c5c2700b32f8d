"""A file imports from its own floor or below, never up (CONTRIBUTING.md)."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FLOORS = {
    "formulas": 0,
    "paths": 0,
    "writing": 0,
    "moments": 1,
    "metrics": 1,
    "losses": 2,
    "data": 2,
    "training": 3,
    "boosting": 3,
    "experiments": 4,
    "regressor": 4,
    "benchmarks": 5,
    "figures": 5,
    "tables": 5,
    "studies": 5,
    "claims": 5,
    "comparison": 5,
    "rerun": 5,
    "staging": 5,
    "changes": 5,
    "forecast": 5,
    "notebooks": 5,
    "summary": 5,
    "job": 5,
    "report": 5,
    "reproduce": 5,
    "commands": 6,
    "cli": 6,
}
FILES = sorted((ROOT / "gar_verify").rglob("*.py"))


def room(parts: tuple[str, ...]) -> str:
    return parts[0].removesuffix(".py")


def imported(path: Path) -> set[str]:
    """Dotted names that a file imports, at the top or inside functions."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            if node.level == 1 and path.parent == ROOT / "proofs":
                continue  # among themselves, so that they work under another name in a wheel
            assert node.level == 0, f"{path}: relative import"
            assert node.module is not None
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_go_down(path: Path) -> None:
    here = path.relative_to(ROOT / "gar_verify").parts
    if here == ("__init__.py",):
        return  # the public face
    floor = FLOORS[room(here)]
    for name in imported(path):
        parts = name.split(".")
        if parts[0] == "proofs":
            assert floor >= 5, f"{path} imports {name}"
        if parts[0] == "gar_verify" and len(parts) > 1:
            assert FLOORS[parts[1]] <= floor, f"{path} imports {name} from above"


@pytest.mark.parametrize("path", sorted((ROOT / "proofs").glob("*.py")), ids=lambda p: p.name)
def test_proofs_import_the_formulas_only(path: Path) -> None:
    used = {name for name in imported(path) if name.split(".")[0] == "gar_verify"}
    assert all(name.startswith("gar_verify.formulas") for name in used), used
