"""Small wrong changes to the formulas, and what Rocq refuses after generation from each.

python tests/proofs/mutate_rocq.py    try all of them and write proofs/rocq/mutations.json
"""

from __future__ import annotations

import ast
import json
import re
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[2]))
from mutate import Change, changes

from proofs import rocq_opinion
from proofs.rocq_formulas import UntranslatableError
from proofs.rocq_opinion import FILES, FOLDER, RocqError, needs

GENERATED = ("Formulas", "Rounded")


def dependents() -> tuple[str, ...]:
    """The sources that build on the generated ones, in order."""
    found = list(GENERATED)
    for name in FILES:
        if name not in found and set(needs(name)) & set(found):
            found.append(name)
    return tuple(found)


def order(function: str) -> Iterator[str]:
    """The sources to compile, those first that speak of a function, after what they need."""
    after = dependents()
    speaks = re.compile(rf"\b{function}\b")
    texts = {n: (FOLDER / f"{n}.v").read_text(encoding="utf8") for n in after}
    given: set[str] = set()

    def with_needs(name: str) -> Iterator[str]:
        if name in given or name not in after:
            return
        for needed in needs(name):
            yield from with_needs(needed)
        given.add(name)
        yield name

    for name in sorted(after, key=lambda n: not speaks.search(texts[n])):
        yield from with_needs(name)


def prepare(folder: Path) -> None:
    """Compile what does not depend on the formulas."""
    rocq_opinion.place(folder)
    for name in FILES:
        if name not in dependents():
            rocq_opinion.compile_source(name, folder)


def refusing(change: Change, prepared: Path) -> str | None:
    """The first source that Rocq refuses over changed formulas; None when it accepts all."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shutil.copytree(prepared, folder, dirs_exist_ok=True)
        try:
            rocq_opinion.place(folder, ast.unparse(change.tree))
        except UntranslatableError:
            return "the translation"
        for source in order(change.function):
            try:
                rocq_opinion.compile_source(source, folder)
            except RocqError:
                return source
    return None


def main() -> int:
    """Try every change, and write what was found."""
    refused: Counter[str] = Counter()
    accepted = []
    sources = {name: rocq_opinion.hashes()[name] for name in GENERATED}
    with tempfile.TemporaryDirectory() as folder:
        prepare(Path(folder))
        for change in changes():
            source = refusing(change, Path(folder))
            print(f"{source or 'ACCEPTED'}: {change}", flush=True)
            if source:
                refused[source] += 1
            else:
                accepted.append([change.function, change.before, change.after])
    record = {"sources": sources, "refused": refused, "accepted": accepted}
    text = json.dumps(record, indent=1, sort_keys=True) + "\n"
    rocq_opinion.MUTATIONS.write_text(text, encoding="utf8")
    print(rocq_opinion.mutations())
    return 0


if __name__ == "__main__":
    sys.exit(main())
