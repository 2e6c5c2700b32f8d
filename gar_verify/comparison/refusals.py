"""Columns that cannot be read as they are: what each holds, and what to do, in one message."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence


class Unread(ValueError):
    """A column that cannot be read as it is; several of one kind make one sentence."""

    def __init__(self, where: str, holds: str, example: str, advice: str = "") -> None:
        """Say what the column ``where`` holds, such as "column 'x'", and what to do.

        ``{drop}`` and ``{category}`` in the advice become those options for the columns.
        """
        self.what, _, quoted = where.partition(" ")
        self.name = quoted[1:-1]
        self.kind = (self.what, holds, advice)
        self.example = example
        super().__init__(_sentence([self]))


def joined(errors: Iterable[ValueError]) -> ValueError:
    """One error that says what all of them say."""
    alike: dict[object, list[Unread]] = {}
    others: list[str] = []
    for error in errors:
        if isinstance(error, Unread):
            alike.setdefault(error.kind, []).append(error)
        else:
            others.append(str(error))
    return ValueError("; ".join([*map(_sentence, alike.values()), *others]))


def _sentence(alike: Sequence[Unread]) -> str:
    what, holds, advice = alike[0].kind
    names = [error.name for error in alike]
    quoted = [f"'{name}'" for name in names]
    several = len(names) > 1
    listed = f"{', '.join(quoted[:-1])} and {quoted[-1]}" if several else quoted[0]
    options = {
        option: " ".join(f"--{option} {shlex.quote(name)}" for name in names)
        for option in ("drop", "category")
    }
    examples = "; ".join(dict.fromkeys(error.example for error in alike[:3]))
    verb = "hold" if several else "holds"
    return f"{what}{'s' * several} {listed} {verb} {holds} ({examples}){advice.format(**options)}"
