"""Proofs of the statements of the paper, for every batch size, over `gar_verify.formulas`.

    >>> import proofs
    >>> [result.statement.name for result in proofs.run("theorem-1") if result.passed]
    ['theorem-1-error-variance']

`run` checks statements, `second_opinion` asks Z3; `table`, `text`, `records` and `report` present
what they found. From a shell: ``python -m proofs --help``.
"""

from .catalogue import UnknownStatementError, names, run
from .pages import report
from .printing import records, table, text
from .z3_opinion import second_opinion

__all__ = [
    "run",
    "names",
    "second_opinion",
    "table",
    "text",
    "records",
    "report",
    "UnknownStatementError",
]
