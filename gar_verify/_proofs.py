"""The proofs: the folder ``proofs`` of a checkout, or ``gar_verify.proofs`` of a wheel."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from gar_verify import paths

if TYPE_CHECKING:
    import proofs
    from proofs import __main__ as command
    from proofs import pages, printing, script, statements, z3_opinion
else:
    _NAME = "proofs" if paths.repository() else "gar_verify.proofs"
    proofs = import_module(_NAME)
    command, pages, printing, script, statements, z3_opinion = (
        import_module(f"{_NAME}.{part}")
        for part in ("__main__", "pages", "printing", "script", "statements", "z3_opinion")
    )

__all__ = ["command", "pages", "printing", "proofs", "script", "statements", "z3_opinion"]
