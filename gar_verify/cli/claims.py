"""``gar-verify claims``: the ledger of the paper's claims, printed and written."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Annotated

import typer

EXAMPLE = "Example: gar-verify claims --only theorem-4"


def claims(
    only: Annotated[
        str | None, typer.Option(help="a claim, or the beginning of its identifier")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="print one record for each")] = False,
    folder: Annotated[
        Path | None, typer.Option(help="where --write writes; default: paper_figures")
    ] = None,
    write: Annotated[bool, typer.Option("--write", help="write claims.* and overview.*")] = False,
) -> None:
    """Judge the paper's claims by proofs, stored results and live exhibits.

    Prints the verdict of every claim; with --only everything about it: what was measured, what was
    published, the rule, the reason and the command that shows it. --folder implies --write.
    """
    from gar_verify import claims as ledger
    from gar_verify.claims import overview

    found = ledger.evaluate(only)
    if json:
        typer.echo(ledger.as_json(found), nl=False)
    elif only:
        width = _width()
        typer.echo("\n\n".join(ledger.text(claim, width) for claim in found))
    else:
        typer.echo(ledger.table(found, _width()))
    if write or folder:
        if only:
            found = ledger.evaluate()
        for path in (*ledger.write(found, folder), *overview.write(overview.frame(), folder)):
            typer.echo(f"wrote {path}", err=True)


def _width() -> int:
    return shutil.get_terminal_size((100, 24)).columns
