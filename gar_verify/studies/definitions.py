"""Source code by meaning: what a function rests on in this package, whatever files it lies in.

A definition (a function, class or assignment at the top of a module, or a function inside another)
is its syntax tree without comments, docstrings, layout, annotations of functions and imports. Names
of the package in it are resolved to the definitions they stand for, other imported names to where
they come from. The digest of a definition covers those of all that it reaches. So another name or
place of a module or function changes no digest; another constant, operator or library does.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple

PACKAGE = "gar_verify"


class Definition(NamedTuple):
    """A name of a module of the package; the empty name stands for the whole module."""

    module: str
    name: str


Reference = Definition | str
"""What a name stands for: a definition of the package, or the dotted name of something else."""


def definition_of(function: Callable[..., Any] | Definition) -> Definition:
    """Where a function of the package is defined; a definition is returned as it is.

    Raises:
        ValueError: if it is none of the package.
    """
    if isinstance(function, Definition):
        return function
    module, name = function.__module__, function.__qualname__
    if not is_of_package(function):
        raise ValueError(f"{module}.{name} is not of {PACKAGE}: its code cannot be fingerprinted")
    return Definition(module, name.replace("<locals>.", ""))


def is_of_package(function: Callable[..., Any]) -> bool:
    """Whether a function is defined in the package."""
    return getattr(function, "__module__", "").split(".")[0] == PACKAGE


@dataclass(frozen=True)
class _Module:
    """The top level of a module: its statements by the names they bind, and what it imports."""

    statements: dict[str, list[ast.stmt]] = field(default_factory=dict)
    imports: dict[str, str] = field(default_factory=dict)
    """Dotted names of what is imported, by the names they have here."""


class Sources:
    """The definitions of a package, read as they are needed.

    Args:
        read: the source of a module by its dotted name; None if there is no such module.
    """

    def __init__(self, read: Callable[[str], str | None]) -> None:
        """Nothing is read yet."""
        self._read = cache(read)
        self._module = cache(self._parsed)
        self._tree = cache(self._understood)

    def digest(self, roots: Sequence[Definition]) -> str:
        """SHA-256 of some definitions, in their order, and of all that they reach.

        Raises:
            ValueError: if one of them does not exist.
        """
        trees = self.reached(roots)
        digests = {definition: tree.own for definition, tree in trees.items()}
        moving = trees
        for _ in trees:  # as often as the longest chain of references may be long: circles end too
            digests |= {
                definition: _sha(tree.own, *(digests[to] for to in tree.reached))
                for definition, tree in moving.items()
            }
            # In the next round only those change that refer to one that changed in this.
            moving = {
                definition: tree
                for definition, tree in moving.items()
                if not moving.keys().isdisjoint(tree.reached)
            }
        return _sha(*(digests[root] for root in roots))

    def reached(self, roots: Sequence[Definition]) -> dict[Definition, _Tree]:
        """All definitions that some reach, themselves included."""
        found: dict[Definition, _Tree] = {}
        waiting = list(roots)
        while waiting:
            if (definition := waiting.pop()) not in found:
                found[definition] = self._tree(definition)
                waiting += found[definition].reached
        return found

    def resolve(self, module: str, name: str) -> Reference | None:
        """What a name at the top of a module stands for; None if nothing there is called so."""
        top = self._module(module)
        if name in top.statements:
            return Definition(module, name)
        return self._imported(top.imports[name]) if name in top.imports else None

    def _imported(self, dotted: str) -> Reference:
        if dotted.split(".")[0] != PACKAGE:
            return dotted
        if self._read(dotted) is not None:
            return Definition(dotted, "")
        module, _, name = dotted.rpartition(".")
        found = self.resolve(module, name) if self._read(module) is not None else None
        return dotted if found is None else found

    def attribute(self, owner: Reference, name: str) -> Reference | None:
        """What ``owner.name`` stands for, if the owner is a module or from outside."""
        if isinstance(owner, str):
            return f"{owner}.{name}"
        if owner.name:
            return None
        inside = f"{owner.module}.{name}"
        return self.resolve(owner.module, name) or (
            Definition(inside, "") if self._read(inside) is not None else None
        )

    def _understood(self, definition: Definition) -> _Tree:
        top = self._module(definition.module)
        if not definition.name:
            names = sorted(top.statements)
            members = [Definition(definition.module, name) for name in names]
            return _Tree(_sha(*names), tuple(members))
        first, *inside = definition.name.split(".")
        statements: Sequence[ast.stmt] = top.statements.get(first, [])
        for name in inside:
            within = (node for statement in statements for node in ast.walk(statement))
            found: list[ast.stmt] = [n for n in within if isinstance(n, _NAMED) and n.name == name]
            statements = found[:1]
        if not statements:
            raise ValueError(f"{definition.module} defines no {definition.name!r}")
        return _Meaning(self, definition.module).of(statements)

    def _parsed(self, module: str) -> _Module:
        source = self._read(module)
        if source is None:
            raise ValueError(f"{module!r} is no module of {PACKAGE}")
        top = _Module()
        for statement in ast.parse(source).body:
            for name in _bound(statement):
                top.statements.setdefault(name, []).append(statement)
            for node in ast.walk(statement):
                if isinstance(node, ast.Import | ast.ImportFrom) and not isinstance(
                    statement, _NAMED
                ):
                    top.imports.update(_imports(node))
        return top


class _Tree(NamedTuple):
    own: str
    """Digest of the definition itself."""
    reached: tuple[Definition, ...]
    """The definitions that it names, in the order in which it first does."""


_NAMED = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


class _Meaning(ast.NodeTransformer):
    """Makes a definition's tree independent of names and places, and notes what it refers to."""

    def __init__(self, sources: Sources, module: str) -> None:
        self.sources, self.module = sources, module
        self.local: dict[str, str] = {}
        self.reached: list[Definition] = []

    def of(self, statements: Sequence[ast.stmt]) -> _Tree:
        copies = [ast.parse(ast.unparse(statement)).body[0] for statement in statements]
        for copy in copies:
            self.local |= dict(
                pair
                for node in ast.walk(copy)
                if isinstance(node, ast.Import | ast.ImportFrom)
                for pair in _imports(node).items()
            )
            if isinstance(copy, _NAMED):
                copy.name = "_"
        own = _sha(*(ast.dump(self.visit(copy)) for copy in copies))
        return _Tree(own, tuple(self.reached))

    def generic_visit(self, node: ast.AST) -> ast.AST:
        body = getattr(node, "body", None)
        if isinstance(body, list):
            node.body = [part for part in body if not _is_remark(part)] or [ast.Pass()]  # type: ignore[attr-defined]
        if isinstance(node, ast.arg):
            node.annotation = None
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            node.returns = None
        return super().generic_visit(node)

    def visit_Import(self, node: ast.Import) -> ast.AST:
        return ast.Pass()

    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.AST:
        return ast.Pass()

    def visit_Name(self, node: ast.Name) -> ast.AST:
        return self._noted(node) if isinstance(node.ctx, ast.Load) else node

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        found = self._reference(node)
        return self.generic_visit(node) if found is None else self._noted(node)

    def _noted(self, node: ast.expr) -> ast.AST:
        found = self._reference(node)
        if found is None:
            return node
        if isinstance(found, Definition):
            if found not in self.reached:
                self.reached.append(found)
            found = f"<{self.reached.index(found)}>"
        return ast.Name(found, ast.Load())

    def _reference(self, node: ast.expr) -> Reference | None:
        if isinstance(node, ast.Name):
            if node.id in self.local:
                return self.sources._imported(self.local[node.id])
            return self.sources.resolve(self.module, node.id)
        if isinstance(node, ast.Attribute):
            owner = self._reference(node.value)
            return None if owner is None else self.sources.attribute(owner, node.attr)
        return None


def _bound(statement: ast.stmt) -> set[str]:
    """Names that a statement at the top of a module gives a meaning."""
    if isinstance(statement, _NAMED):
        return {statement.name}
    stored = {
        node.id
        for node in ast.walk(statement)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    }
    inside = {node.name for node in ast.walk(statement) if isinstance(node, _NAMED)}
    return stored | inside


def _imports(node: ast.Import | ast.ImportFrom) -> dict[str, str]:
    if isinstance(node, ast.ImportFrom):
        return {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
    return {
        alias.asname or alias.name.split(".")[0]: alias.name
        if alias.asname
        else alias.name.split(".")[0]
        for alias in node.names
    }


def _is_remark(node: ast.AST) -> bool:
    """Whether a statement is a docstring or another bare string."""
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )


def _sha(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def read_module(name: str) -> str | None:
    """The source of a module of the installed package; None if there is none of that name."""
    package, *inside = name.split(".")
    if package != PACKAGE:
        return None
    root = files(PACKAGE)
    *rooms, last = inside or ["__init__"]
    places = (root.joinpath(*inside, "__init__.py"), root.joinpath(*rooms, f"{last}.py"))
    found = next((place for place in places if place.is_file()), None)
    return None if found is None else found.read_text(encoding="utf-8")


SOURCES = Sources(read_module)
"""The package as it is installed, each module as it was when it was first read."""
