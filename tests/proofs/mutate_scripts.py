"""Small wrong changes to the proof scripts and to the claims, and the statements checked on each.

    python tests/proofs/mutate_scripts.py [MODULE ...] > mutants.txt

A change is made in one function: a statement or a part deleted, an operator swapped, a number
raised, an argument of a step left out. The function takes the place of the one it is a change of,
so that all that inherits it or calls it does; then every statement that calls it is checked.
"""

from __future__ import annotations

import ast
import contextlib
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from itertools import count
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

from proofs import catalogue, kernel, language, terms
from proofs.script import Script
from proofs.statements import Statement

HELPERS = ("pairwise", "exponentials", "derived")
"""Modules of scripts that are no statement themselves."""

BY_KERNEL = tuple(n for n in catalogue.names() if catalogue.statement(n).script is not None)
"""The statements with claims that the kernel proves."""

MODULES = (*HELPERS, *(name.replace("-", "_") for name in BY_KERNEL))

NOT_SCRIPTS = {"Pairwise"}
"""Classes that say things, and prove nothing."""

SWAPS: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.Pow: ast.Mult,
}


def module_of(name: str) -> ModuleType:
    """A module of the proofs."""
    return import_module(f"proofs.{name}")


@cache
def source(name: str) -> str:
    """The source of a module."""
    return Path(str(module_of(name).__file__)).read_text(encoding="utf8")


@dataclass(frozen=True)
class Change:
    """One change in one function of a module."""

    kind: str
    module: str
    owner: str
    """The class of the function; empty for a function of the module."""
    function: str
    line: int
    before: str
    where: tuple[int, ...]
    """The function in its module, or in its class, and the node in it, by their places."""
    edit: Callable[[Any], None]

    def tree(self) -> ast.Module:
        """The module with the change."""
        tree = ast.parse(source(self.module))
        *path, at = self.where
        node: Any = tree
        for place in path:
            node = node.body[place]
        self.edit(list(ast.walk(node))[at])
        return ast.fix_missing_locations(tree)

    def __str__(self) -> str:
        place = f"{self.module}.{self.owner}{'.' * bool(self.owner)}{self.function}"
        return f"{self.kind}: {place}, line {self.line}: {self.before[:60]}"


def changes(*modules: str) -> Iterator[Change]:
    """Every change of the scripts and claims of the modules."""
    for module in modules or MODULES:
        for place, top in enumerate(ast.parse(source(module)).body):
            if isinstance(top, ast.ClassDef) and top.name not in NOT_SCRIPTS:
                for number, method in enumerate(top.body):
                    if isinstance(method, ast.FunctionDef) and method.name != "__init__":
                        yield from _changes_of(module, top.name, method, (place, number), method)
            elif isinstance(top, ast.FunctionDef) and top.name == "statement":
                for part in top.body:
                    if getattr(part, "name", "") == "script" or _claims(part):
                        yield from _changes_of(module, "", top, (place,), part)


def _claims(node: ast.AST) -> bool:
    targets = getattr(node, "targets", [])
    return any(isinstance(t, ast.Name) and t.id == "claims" for t in targets)


def _changes_of(
    module: str, owner: str, function: ast.FunctionDef, path: tuple[int, ...], part: ast.AST
) -> Iterator[Change]:
    within = set(map(id, ast.walk(part))) - set(_annotations(part))
    for at, node in enumerate(ast.walk(function)):
        if id(node) in within and (edits := list(_edits(node))):
            line, text = getattr(node, "lineno", function.lineno), ast.unparse(node)
            for kind, edit in edits:
                yield Change(kind, module, owner, function.name, line, text, (*path, at), edit)


def _annotations(part: ast.AST) -> Iterator[int]:
    """The nodes of types, which say nothing."""
    for node in ast.walk(part):
        for name in ("annotation", "returns"):
            for inner in ast.walk(getattr(node, name, None) or ast.Pass()):
                yield id(inner)


def _edits(node: ast.AST) -> Iterator[tuple[str, Callable[[Any], None]]]:
    if isinstance(node, ast.FunctionDef | ast.If | ast.For):
        for n, statement in enumerate(node.body):
            documented = isinstance(statement, ast.Expr) and isinstance(
                statement.value, ast.Constant
            )
            if not documented:
                yield f"deleted {ast.unparse(statement)[:40]!r}", lambda twin, n=n: _delete(twin, n)
    if isinstance(node, ast.BinOp) and type(node.op) in SWAPS:
        yield "swapped", lambda twin: setattr(twin, "op", SWAPS[type(twin.op)]())
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        yield "sign dropped", lambda twin: setattr(twin, "op", ast.UAdd())
    if isinstance(node, ast.Constant) and type(node.value) is int:
        yield "raised", lambda twin: setattr(twin, "value", twin.value + 1)
    if isinstance(node, ast.Call) and ast.unparse(node.func).endswith(
        (".step", ".combine", ".put")
    ):
        for n in range(2, len(node.args)):
            yield f"argument {n} left out", lambda twin, n=n: twin.args.pop(n)
    if isinstance(node, ast.List):
        for n in range(len(node.elts)):
            yield f"part {n} left out", lambda twin, n=n: twin.elts.pop(n)


def _delete(node: ast.AST, place: int) -> None:
    node.body[place] = ast.Pass()  # type: ignore[attr-defined]


# --- steps that were taken before ---------------------------------------------------------------


def _remembering(rule: Callable[..., Any]) -> Callable[..., Any]:
    """A rule that does not compute again what it has shown, or refused, in an earlier run."""
    seen: dict[Any, Any] = {}

    def said(theorem: Any) -> Any:
        return (theorem.conclusion, theorem.hypotheses)

    def remembered(goal: Any, *given: Any) -> Any:
        listed = [list(one) if rule is COMBINE and not n else one for n, one in enumerate(given)]
        parts = listed[0] if rule is COMBINE and listed else []
        known = listed[1:] if rule is COMBINE else listed
        key = (goal, tuple((f, *said(th)) for f, th in parts), tuple(map(said, known)))
        if key not in seen:
            try:
                theorem = rule(goal, *listed)
            except Exception as error:
                seen[key] = error
            else:
                used = [n for n, one in enumerate(known) if one in theorem.parents[len(parts) :]]
                seen[key] = theorem.conclusion, theorem.hypotheses, used
        if isinstance(seen[key], Exception):
            raise seen[key]
        conclusion, hypotheses, used = seen[key]
        parents = (*(theorem for _, theorem in parts), *(known[n] for n in used))
        return kernel._made(conclusion, parents, hypotheses)

    return remembered


COMBINE, SIGN = kernel.combine, kernel.sign


@contextlib.contextmanager
def remembering() -> Iterator[None]:
    """Equal steps of later runs cost nothing: indices have the same keys in every run."""
    global _KEYS
    _KEYS = count(10**6)
    holders = [m for n, m in sys.modules.items() if n.startswith("proofs.")]
    holders = [m for m in holders if getattr(m, "index", None) is language.index]
    kept = language.index

    def again(name: str, of: Any) -> Any:
        return terms.Index(name, of, next(_KEYS))

    try:
        kernel.combine, kernel.sign = _REMEMBERED
        for holder in holders:
            holder.index = again  # type: ignore[attr-defined]
        yield
    finally:
        kernel.combine, kernel.sign = COMBINE, SIGN
        for holder in holders:
            holder.index = kept  # type: ignore[attr-defined]


_REMEMBERED = _remembering(COMBINE), _remembering(SIGN)
_KEYS = count(10**6)


# --- which statement calls which function -------------------------------------------------------


def ran(name: str) -> tuple[Statement, Script]:
    """A statement, and its script after it ran, with the keys that every run has."""
    global _KEYS
    _KEYS = count(10**6)
    statement, script = catalogue.statement(name), Script()
    assert statement.script is not None
    statement.script(script)
    return statement, script


def proved(name: str) -> bool:
    """Whether the script of a statement proves its claims, and nothing in it is idle."""
    try:
        statement, script = ran(name)
        return not list(script.faults(statement.claims, frozenset()))
    except Exception:
        return False


@cache
def callers() -> dict[tuple[str, str], list[str]]:
    """For each function, by file and name with its class, the statements that call it."""
    found: dict[tuple[str, str], list[tuple[float, str]]] = {}
    for name in BY_KERNEL:
        called: set[CodeType] = set()
        with remembering():
            start = time.perf_counter()
            assert proved(name)
            seconds = time.perf_counter() - start
            # again, for who is called: what the kernel has done it does not do under the profiler
            sys.setprofile(lambda frame, event, _, called=called: called.add(frame.f_code))
            try:
                assert proved(name)
            finally:
                sys.setprofile(None)
        for code in called:
            key = Path(code.co_filename).stem, code.co_qualname.split(".<locals>")[0]
            found.setdefault(key, []).append((seconds, name))
    return {key: [n for _, n in sorted(set(names))] for key, names in found.items()}


def _quick(self: Statement) -> None:
    """A statement without its text, which takes longer than to prove it."""


@contextlib.contextmanager
def changed(change: Change) -> Iterator[None]:
    """The function takes the place of the one that it is a change of."""
    original = module_of(change.module)
    twin = ModuleType(f"proofs.changed_{change.module}")
    twin.__package__ = "proofs"
    twin.__file__ = str(original.__file__)
    exec(compile(change.tree(), twin.__file__, "exec"), twin.__dict__)
    holder: Any = getattr(original, change.owner) if change.owner else original
    new = vars(getattr(twin, change.owner) if change.owner else twin)[change.function]
    function = getattr(new, "func", new)
    function = getattr(function, "fget", function)
    function = getattr(function, "__wrapped__", function)
    function.__globals__.update({**vars(twin), **vars(original)})
    kept = vars(holder)[change.function]
    setattr(holder, change.function, new)
    try:
        yield
    finally:
        setattr(holder, change.function, kept)


def survives(change: Change) -> bool:
    """Whether every statement that calls the function is still proved under the change."""
    qualified = f"{change.owner}{'.' * bool(change.owner)}{change.function}"
    names = callers().get((change.module, qualified), [])
    if change.function == "statement":
        names = [change.module.replace("_", "-")]
    post_init = Statement.__post_init__
    try:
        Statement.__post_init__ = _quick  # type: ignore[method-assign]
        with remembering(), changed(change):
            return all(proved(name) for name in names)
    except Exception:
        return False
    finally:
        Statement.__post_init__ = post_init  # type: ignore[method-assign]


def key(change: Change) -> tuple[str, ...]:
    """What a change is told by when lines have moved."""
    return change.kind, change.module, change.owner, change.function, change.before


if __name__ == "__main__":
    known = list(changes(*sys.argv[1:]))
    alive = 0
    for number, change in enumerate(known, 1):
        if survives(change):
            alive += 1
            print("SURVIVED", change, flush=True)
        if number % 100 == 0:
            print(f"{number - alive} of {number} killed", flush=True)
    print(f"{len(known) - alive} of {len(known)} killed")
