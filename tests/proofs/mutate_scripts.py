"""Small wrong changes to the proof scripts of the kernel, and the statements checked on each."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from proofs import catalogue, pairwise
from proofs.statements import check_script

SOURCE = Path(str(pairwise.__file__)).read_text(encoding="utf8")
BY_KERNEL = (
    "theorem-1-error-variance",
    "random-batches",
    "theorem-3-scaling-factor",
    "theorem-2-pearson",
    "regression-moments",
    "sample-weights",
)
"""The statements that the scripts of `pairwise` prove, the cheapest first."""

_SWAPS: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.Pow: ast.Mult,
}


@dataclass(frozen=True)
class Change:
    """One change in one method of a script."""

    kind: str
    method: str
    line: int
    before: str
    where: tuple[int, int, int]
    """The class, the method in it, and the node in that, by their places."""
    edit: Callable[[Any], None]

    def tree(self) -> ast.Module:
        """The scripts with the change."""
        tree = ast.parse(SOURCE)
        place, number, at = self.where
        method = tree.body[place].body[number]  # type: ignore[attr-defined]
        self.edit(list(ast.walk(method))[at])
        return ast.fix_missing_locations(tree)

    def __str__(self) -> str:
        return f"{self.kind}: {self.method}, line {self.line}: {self.before[:60]}"


def changes(of: str = "Proofs") -> Iterator[Change]:
    """Every statement deleted, operator swapped, number raised, argument of a step left out."""
    tree = ast.parse(SOURCE)
    (place,) = (n for n, node in enumerate(tree.body) if getattr(node, "name", "") == of)
    for number, method in enumerate(tree.body[place].body):  # type: ignore[attr-defined]
        if not isinstance(method, ast.FunctionDef) or method.name == "__init__":
            continue
        for at, node in enumerate(ast.walk(method)):
            for kind, edit in _edits(node):
                line = getattr(node, "lineno", method.lineno)
                where = (place, number, at)
                yield Change(kind, method.name, line, ast.unparse(node), where, edit)


def _edits(node: ast.AST) -> Iterator[tuple[str, Callable[[Any], None]]]:
    if isinstance(node, ast.FunctionDef | ast.If | ast.For):
        for n, statement in enumerate(node.body):
            documented = isinstance(statement, ast.Expr) and isinstance(
                statement.value, ast.Constant
            )
            if not documented:
                yield f"deleted {ast.unparse(statement)[:40]!r}", lambda twin, n=n: _delete(twin, n)
    if isinstance(node, ast.BinOp) and type(node.op) in _SWAPS:
        yield "swapped", lambda twin: setattr(twin, "op", _SWAPS[type(twin.op)]())
    if isinstance(node, ast.Constant) and type(node.value) is int:
        yield "raised", lambda twin: setattr(twin, "value", twin.value + 1)
    if isinstance(node, ast.Call) and ast.unparse(node.func) == "self.step":
        for n in range(2, len(node.args)):
            yield f"argument {n} left out", lambda twin, n=n: twin.args.pop(n)


def _delete(node: ast.AST, place: int) -> None:
    node.body[place] = ast.Pass()  # type: ignore[attr-defined]


def module(change: Change) -> ModuleType:
    """The scripts with the change."""
    changed = ModuleType("proofs.changed_pairwise")
    changed.__package__ = "proofs"
    changed.__file__ = str(pairwise.__file__)
    exec(compile(change.tree(), changed.__file__, "exec"), changed.__dict__)
    return changed


def survives(change: Change) -> bool:
    """Whether every statement is still proved under the change."""
    try:
        changed = module(change)
    except Exception:
        return False
    modules = [import_module(f"proofs.{name.replace('-', '_')}") for name in BY_KERNEL]
    try:
        for one in modules:
            one.Proofs, one.Pairwise = changed.Proofs, changed.Pairwise  # type: ignore[attr-defined]
        return all(_proved(name) for name in BY_KERNEL)
    finally:
        for one in modules:
            one.Proofs, one.Pairwise = pairwise.Proofs, pairwise.Pairwise  # type: ignore[attr-defined]


def _proved(name: str) -> bool:
    try:
        taken, faults = check_script(catalogue.statement(name))
    except Exception:
        return False
    return not faults and all(outcome.passed for outcome in taken)


if __name__ == "__main__":
    import sys

    known = list(changes(sys.argv[1] if len(sys.argv) > 1 else "Proofs"))
    alive = []
    for change in known:
        if survives(change):
            alive.append(change)
            print("SURVIVED", change, flush=True)
    print(f"{len(known) - len(alive)} of {len(known)} killed")
