"""Proofs of the statements of the paper, for every batch size, over `gar_verify.formulas`.

    >>> import proofs
    >>> [result.statement.name for result in proofs.run("theorem-1") if result.passed]
    ['theorem-1-error-variance']

`run` checks statements, `names` lists them, `table`, `records` and `report` present results.
"""

from proofs.catalogue import UnknownStatementError, names, run
from proofs.pages import report
from proofs.printing import records, table

__all__ = ["run", "names", "table", "records", "report", "UnknownStatementError"]
