"""Small wrong changes to the formulas, and what Rocq refuses after generation from each.

A changed function, and those that call it, are generated anew beside the definitions, and hide them
from the sources that speak of them, or need one that does. Only those are compiled again.

python tests/proofs/mutate_rocq.py    try all changes and write proofs/rocq/mutations.json

Why an accepted change leaves the same function is written there by hand, and kept.
"""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
import sys
import tempfile
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[2]))
from mutate import SOURCE, Change, changes

from proofs import rocq_opinion
from proofs.rocq_formulas import (
    ROUNDED_FUNCTIONS,
    UntranslatableError,
    translate,
    translate_rounded,
)
from proofs.rocq_opinion import FILES, FOLDER, RocqError, compile_source, needs

GENERATED = ("Formulas", "Rounded")
HIDING = """\
From Coq Require Import Reals.
From GAR Require Import Formulas.
Open Scope R_scope.
"""


def with_callers(function: str) -> set[str]:
    """A function and all that call it, directly or not."""
    called = {
        node.name: {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}
        for node in ast.parse(SOURCE).body
        if isinstance(node, ast.FunctionDef)
    }
    found: set[str] = set()
    more = {function}
    while more - found:
        found |= more
        more = {name for name, names in called.items() if names & found}
    return found


def speaking(functions: set[str]) -> list[str]:
    """The sources that speak of one of the functions, or need a source that does, in order."""
    word = re.compile(rf"\b({'|'.join(functions)})\b")
    found: list[str] = []
    for name in (n for n in FILES if n not in GENERATED):
        text = (FOLDER / f"{name}.v").read_text(encoding="utf8")
        if word.search(text) or set(needs(name)) & set(found):
            found.append(name)
    return found


def hide(change: Change, functions: set[str], folder: Path) -> list[str]:
    """Write what is changed into a folder, and return the sources to compile."""
    source = change.source
    blocks = [b for b in translate(source).split("\n\n") if _defined(b) in functions]
    (folder / "Changed.v").write_text("\n\n".join([HIDING, *blocks]) + "\n", encoding="utf8")
    after = speaking(functions)
    for name in after:
        text = (FOLDER / f"{name}.v").read_text(encoding="utf8")
        head, last, rest = re.split(r"(From GAR Require[^\n]*\n)(?!From GAR)", text, maxsplit=1)
        changed = f"{head}{last}From GAR Require Import Changed.\n{rest}"
        (folder / f"{name}.v").write_text(changed, encoding="utf8")
    if functions & set(ROUNDED_FUNCTIONS):
        (folder / "Rounded.v").write_text(translate_rounded(source), encoding="utf8")
        after.insert(after.index("Rounding"), "Rounded")
    return ["Changed", *after]


def _defined(block: str) -> str:
    return block.removeprefix("Definition ").partition(" ")[0]


def prepare(folder: Path) -> None:
    """Compile the sources over the present formulas."""
    rocq_opinion.place(folder)
    for name in FILES:
        compile_source(name, folder)


def refusing(change: Change, prepared: Path) -> str | None:
    """The first source that Rocq refuses over changed formulas; None when it accepts all."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shutil.copytree(prepared, folder, dirs_exist_ok=True)
        try:
            sources = hide(change, with_callers(change.function), folder)
        except UntranslatableError:
            return "the translation"
        for source in sources:
            try:
                compile_source(source, folder)
            except RocqError:
                return source
    return None


def main() -> int:
    """Try every change, and write what was found."""
    refused: Counter[str] = Counter()
    accepted = []
    before = json.loads(rocq_opinion.MUTATIONS.read_text(encoding="utf8"))["accepted"]
    reasons = {tuple(one["change"]): one["why"] for one in before}
    sources = {name: rocq_opinion.hashes()[name] for name in GENERATED}
    tried = list(changes())
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(os.cpu_count()) as pool:
        prepare(Path(folder))
        found = pool.map(lambda change: refusing(change, Path(folder)), tried)
        for change, source in zip(tried, found, strict=True):
            print(f"{source or 'ACCEPTED'}: {change}", flush=True)
            if source:
                refused[source] += 1
            else:
                said = change.function, change.before, change.after
                accepted.append({"change": said, "why": reasons.get(said, "")})
    record = {"sources": sources, "refused": refused, "accepted": accepted}
    text = json.dumps(record, indent=1, sort_keys=True) + "\n"
    rocq_opinion.MUTATIONS.write_text(text, encoding="utf8")
    print(rocq_opinion.mutations())
    return 0


if __name__ == "__main__":
    sys.exit(main())
