"""Where a result comes from: settings, data, code, machine; a fingerprint of the first three.

Two results with the same fingerprint were computed from the same settings and data by the same
code. The code is that of the packages below, read without comments, docstrings and layout.
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

CODE = ("formulas.py", "moments.py", "metrics.py", "losses", "training")
"""What a trained model depends on, inside the package."""

Settings = Mapping[str, Any]
"""Names and plain values: numbers, strings, lists and mappings of them."""


def fingerprint(settings: Settings) -> str:
    """SHA-256 of settings and code, as hexadecimal digits."""
    return hashlib.sha256(canonical({**settings, "code": code_version()}).encode()).hexdigest()


def canonical(settings: Settings) -> str:
    """Settings as JSON with sorted keys."""
    return json.dumps(settings, sort_keys=True, default=list)


@cache
def code_version() -> str:
    """SHA-256 of the syntax trees of the code that a trained model depends on."""
    state = hashlib.sha256()
    root = files("gar_verify")
    for name in CODE:
        for source in _sources(root.joinpath(name)):
            state.update(_meaning(source.read_text(encoding="utf-8")).encode())
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


def _sources(item: Traversable) -> list[Traversable]:
    if item.is_file():
        return [item]
    if not item.is_dir():
        return []
    inside = sorted(item.iterdir(), key=lambda entry: entry.name)
    return [entry for entry in inside if entry.name.endswith(".py")]


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
