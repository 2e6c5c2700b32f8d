"""Where a result comes from: settings, data, code, machine; a fingerprint of the first three.

Two results with the same fingerprint were computed from the same settings and data by the same
code. The code is the trainer, the losses in use, and every module of the package that these import,
directly or not; it is read without comments, docstrings and layout.
"""

from __future__ import annotations

import ast
import hashlib
import json
import platform
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

import numpy as np
import torch

import gar_verify

TRAINER = "gar_verify.training.trainer"
"""The module that every trained model depends on."""

Settings = Mapping[str, Any]
"""Names and plain values: numbers, strings, lists and mappings of them."""


def fingerprint(settings: Settings, modules: tuple[str, ...] = ()) -> str:
    """SHA-256 of settings and code, as hexadecimal digits; ``modules`` as in `code_version`."""
    code = code_version(modules)
    return hashlib.sha256(canonical({**settings, "code": code}).encode()).hexdigest()


def canonical(settings: Settings) -> str:
    """Settings as JSON with sorted keys."""
    return json.dumps(settings, sort_keys=True, default=list)


@cache
def code_version(modules: tuple[str, ...] = ()) -> str:
    """SHA-256 of the syntax trees of the trainer, some modules, and all that these import."""
    state = hashlib.sha256()
    for name in sorted(_imported({TRAINER, *modules})):
        state.update(f"{name} {_meaning(_source(name))}".encode())
    return state.hexdigest()


def versions() -> dict[str, str]:
    """Versions of what computes."""
    return {
        "gar_verify": gar_verify.__version__,
        "torch": torch.__version__,
        "numpy": np.__version__,
        "python": platform.python_version(),
    }


def machine(device: str) -> dict[str, Any]:
    """The device, in words."""
    name = torch.cuda.get_device_name(device) if device.startswith("cuda") else platform.machine()
    return {"device": device, "machine": name}


def _imported(roots: set[str]) -> set[str]:
    """Names of modules of this package: the roots and what they import, directly or not."""
    found: set[str] = set()
    waiting = set(roots)
    while waiting:
        name = waiting.pop()
        found.add(name)
        waiting |= _imports(_source(name)) - found
    return found


def _imports(source: str) -> set[str]:
    """Names of the modules of this package that a source imports."""
    named = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            named |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            inside = {f"{node.module}.{alias.name}" for alias in node.names}
            modules = {name for name in inside if _path(name) is not None}
            named |= modules | ({node.module} if inside - modules else set())
    return {name for name in named if _path(name) is not None}


def _path(name: str) -> Traversable | None:
    """The file of a module of this package; None if there is no such module in it."""
    package, *inside = name.split(".")
    if package != "gar_verify" or not inside:
        return None
    *rooms, last = inside
    root = files(package)
    places = (root.joinpath(*inside, "__init__.py"), root.joinpath(*rooms, f"{last}.py"))
    return next((place for place in places if place.is_file()), None)


def _source(name: str) -> str:
    path = _path(name)
    if path is None:
        raise ValueError(f"{name!r} is no module of gar_verify: its code cannot be fingerprinted")
    return path.read_text(encoding="utf-8")


def _meaning(source: str) -> str:
    tree = ast.parse(source)
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            node.body = [part for part in body if not _is_remark(part)]  # type: ignore[attr-defined]
    return ast.dump(tree)


def _is_remark(node: ast.AST) -> bool:
    """Whether a statement is a docstring or another bare string."""
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )
