"""Small tables, read as the command reads them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gar_verify.comparison import reading
from gar_verify.comparison.delimited import Dialect
from gar_verify.comparison.notation import Notation
from gar_verify.comparison.table import Table, understood

Reader = Callable[..., Table]


@pytest.fixture
def read(tmp_path: Path) -> Reader:
    """Read a file with some content; keywords besides these are those of `Notation`."""

    def read_table(
        content: str | bytes,
        target: str = "y",
        *,
        name: str = "mine.csv",
        drop: Sequence[str] = (),
        categories: Sequence[str] = (),
        weight: str | None = None,
        sep: str | None = None,
        encoding: str | None = None,
        log_target: bool = False,
        **written: Any,
    ) -> Table:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        roles = [target] if weight is None else [target, weight]
        sample = reading.read(path, roles, drop, max_rows=10_000, dialect=Dialect(sep, encoding))
        table = understood(
            sample.frame.drop(columns=roles),
            sample.frame[[target]],
            sample.frame.index,
            categories=categories,
            written=Notation(**written),
            weights=None if weight is None else sample.frame[weight],
            log_target=log_target,
        )
        return replace(table, notes=(*sample.notes, *table.notes))

    return read_table
