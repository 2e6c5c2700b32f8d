"""Docstrings as they are written here: plain text with formulas, not reStructuredText.

Formulas are indented by four spaces and hold ``*`` and ``|`` without escapes: such blocks become
literal ones, and the characters are escaped elsewhere. A name in single backticks links to what it
names, in whichever module that is.
"""

from __future__ import annotations

import re
from importlib import import_module
from inspect import isroutine
from typing import Any

from docutils import nodes
from sphinx.util.nodes import make_refnode

LITERAL = re.compile(r"(``.+?``|`[^`]+`)")
SPECIAL = re.compile(r"(?<!\\)([*|\\]|(?<=\w)_(?!\w))")
OURS = ("gar_verify", "proofs")
BULLET = re.compile(r" *[*-] ")
SECTION = re.compile(r"(Args|Note|\w+s):$")


def escaped(line: str) -> str:
    """The line with what reStructuredText would take for markup escaped outside of literals."""
    bullet = BULLET.match(line)
    start = bullet[0] if bullet else ""
    parts = LITERAL.split(line.removeprefix(start))
    return start + "".join(
        part if i % 2 else SPECIAL.sub(r"\\\1", part) for i, part in enumerate(parts)
    )


def indent(line: str) -> int:
    """Leading spaces."""
    return len(line) - len(line.lstrip())


def plain(app: Any, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """Make a docstring reStructuredText."""
    if lines and lines[0].startswith("Alias for field number"):  # says nothing
        lines[:] = [""]
    out: list[str] = []
    literal = False
    for i, line in enumerate(lines):
        starts = i > 0 and not lines[i - 1].strip() and indent(line) >= 4 and line.strip()
        if literal and line.strip() and indent(line) == 0:
            literal = False
        if not literal and starts and _is_formula(lines, i):
            literal = True
            out += ["::", ""]
        prompt = line.lstrip().startswith((">>>", "..."))
        out.append(line if literal or prompt or _is_output(lines, i) else escaped(line))
    lines[:] = out


def _is_formula(lines: list[str], position: int) -> bool:
    """Whether an indented line after a blank one starts a formula: no section is open above it."""
    above = [line for line in lines[:position] if line.strip() and indent(line) == 0]
    return not (above and SECTION.match(above[-1]))


def _is_output(lines: list[str], position: int) -> bool:
    """Whether a line is what an example prints."""
    for line in reversed(lines[:position]):
        if not line.strip():
            return False
        if line.lstrip().startswith(">>>"):
            return bool(lines[position].strip())
    return False


def find(app: Any, env: Any, node: Any, text: nodes.Element) -> nodes.Element | None:
    """What a name in backticks refers to: an object of any module whose dotted name ends so."""
    wanted = node.get("reftarget", "")
    if node.get("refdomain") != "py" or not wanted:
        return None
    domain = env.domains["py"]
    ends = (f".{wanted}", f".{wanted.removeprefix('gar_verify.')}")
    found = [name for name in domain.objects if name == wanted or name.endswith(ends)]
    for name in sorted(found, key=lambda name: (name.count("."), name))[:1]:
        entry = domain.objects[name]
        anchor = f"module-{name}" if entry.objtype == "module" else entry.node_id
        return make_refnode(app.builder, node["refdoc"], entry.docname, anchor, [text], name)
    return text if exists(wanted) else None


def exists(name: str) -> bool:
    """Whether a dotted name of this package is that of something private or without a docstring."""
    module, _, attribute = name.rpartition(".")
    if module.split(".")[0] not in OURS:
        return False
    try:
        return hasattr(import_module(module), attribute)
    except ImportError:
        return False


def borrowed(app: Any, what: str, name: str, obj: Any, skip: bool, options: Any) -> bool | None:
    """Leave out methods that another package puts into a class of ours, and describes."""
    home = getattr(obj, "__module__", None) or OURS[0]
    return True if isroutine(obj) and home.split(".")[0] not in OURS else None


def setup(app: Any) -> dict[str, bool]:
    """Before napoleon, which reads the sections."""
    app.connect("autodoc-process-docstring", plain, priority=100)
    app.connect("autodoc-skip-member", borrowed)
    app.connect("missing-reference", find)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
