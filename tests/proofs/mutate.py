"""Small wrong changes to the formulas, and the proofs run on each."""

from __future__ import annotations

import ast
import contextlib
import copy
import signal
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

import mutate_scripts

from gar_verify import formulas
from proofs import catalogue
from proofs.script import Script
from proofs.statements import Statement, check_part

PATH = Path(str(formulas.__file__))
SOURCE = PATH.read_text()


@dataclass(frozen=True)
class Change:
    """One change, in one function."""

    function: str
    line: int
    before: str
    after: str
    tree: ast.Module

    def __str__(self) -> str:
        return f"{self.function}, line {self.line}: {self.before} -> {self.after}"

    @property
    def source(self) -> str:
        """The formulas with the change, as text."""
        return "\n\n".join(map(_unparsed, self.tree.body))

    def module(self) -> ModuleType:
        """The formulas with the change."""
        changed = ModuleType("changed_formulas")
        changed.__file__ = str(PATH)
        sys.modules[changed.__name__] = changed
        exec(compile(self.tree, str(PATH), "exec"), changed.__dict__)
        return changed


@cache
def _unparsed(node: ast.AST) -> str:
    """A definition as text; what is not changed is the same object in every change."""
    return ast.unparse(node)


def changes() -> Iterator[Change]:
    """Every change: + and -, * and / swapped, ** and == replaced, a sign or abs dropped, n + 1."""
    tree = ast.parse(SOURCE)
    for place, top in enumerate(tree.body):
        if not isinstance(top, ast.FunctionDef):
            continue
        for node in ast.walk(top):
            for replaced in _replacements(node):
                changed = _with(top, node, ast.copy_location(replaced, node))
                body = [*tree.body[:place], changed, *tree.body[place + 1 :]]
                before, after = ast.unparse(node), ast.unparse(replaced)
                yield Change(top.name, node.lineno, before, after, ast.Module(body, []))


def _replacements(node: ast.AST) -> Iterator[ast.expr]:
    if isinstance(node, ast.BinOp) and type(node.op) in mutate_scripts.SWAPS:
        yield ast.BinOp(node.left, mutate_scripts.SWAPS[type(node.op)](), node.right)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        yield node.operand
    elif isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.Eq):
        yield ast.Compare(node.left, [ast.NotEq()], node.comparators)
    elif isinstance(node, ast.Call) and ast.unparse(node.func) == "abs":
        yield node.args[0]
    elif isinstance(node, ast.Constant) and type(node.value) in (int, float):
        yield ast.Constant(node.value + 1)


def _with(node: Any, target: ast.AST, replaced: ast.expr) -> Any:
    """The node with another in a target's place; what has no part in it is shared, not copied."""
    if node is target:
        return replaced
    if isinstance(node, list):
        twins = [_with(one, target, replaced) for one in node]
        return twins if any(a is not b for a, b in zip(node, twins, strict=True)) else node
    if not isinstance(node, ast.AST):
        return node
    for name, value in ast.iter_fields(node):
        twin = _with(value, target, replaced)
        if twin is not value:
            changed = copy.copy(node)
            setattr(changed, name, twin)
            return changed
    return node


@dataclass(frozen=True)
class Check:
    """A step, a control or the script of a statement, with what it costs and calls."""

    statement: str
    kind: str
    place: int
    seconds: float
    calls: frozenset[str]

    def passes(self, changed: ModuleType) -> bool:
        """Whether it passes over changed formulas."""
        return _run(self.statement, changed, self.kind, self.place)


def _run(name: str, module: ModuleType, kind: str, place: int) -> bool:
    try:
        if kind == "script":
            with _limited(60), mutate_scripts.remembering():
                return _proved(catalogue.statement(name, module))
        statement = catalogue.statement(name, module)
    except Exception:  # refused, or the statement cannot even be said of these formulas
        return False
    return check_part(getattr(statement, kind)[place]).passed


@contextlib.contextmanager
def _limited(seconds: int) -> Iterator[None]:
    """A proof that does not come to an end proves nothing."""

    def stop(*_: Any) -> None:
        raise TimeoutError

    kept = signal.signal(signal.SIGALRM, stop)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, kept)


def _proved(statement: Statement) -> bool:
    script = Script()
    assert statement.script is not None
    statement.script(script)
    return not list(script.faults(statement.claims, frozenset()))


def checks() -> list[Check]:
    """Every step and control, the cheapest first, with the formulas that it calls."""
    found = []
    for name in catalogue.names():
        statement = catalogue.statement(name)
        for kind in ("steps", "controls"):
            for place in range(len(getattr(statement, kind))):
                seconds, calls = _traced(name, kind, place)
                found.append(Check(name, kind, place, seconds, calls))
        if statement.script is not None:
            seconds, calls = _traced(name, "script", 0)
            found.append(Check(name, "script", 0, seconds, calls))
    return sorted(found, key=lambda check: check.seconds)


def _traced(name: str, kind: str, place: int) -> tuple[float, frozenset[str]]:
    """Seconds that a check takes, and the formulas that it calls, directly or not."""
    calls: set[str] = set()
    noted = Change("", 0, "", "", ast.parse(SOURCE)).module()
    for function in [n for n, value in vars(noted).items() if isinstance(value, FunctionType)]:
        setattr(noted, function, _noting(getattr(noted, function), calls))
    start = time.perf_counter()
    assert _run(name, noted, kind, place)
    return time.perf_counter() - start, frozenset(calls)


def _noting(function: Callable[..., Any], calls: set[str]) -> Callable[..., Any]:
    def noting(*arguments: Any, **options: Any) -> Any:
        calls.add(function.__name__)
        return function(*arguments, **options)

    return noting


def killer(change: Change, known: list[Check]) -> Check | None:
    """The first check that fails under the change."""
    changed = change.module()
    for check in known:
        if change.function in check.calls and not check.passes(changed):
            return check
    return None
