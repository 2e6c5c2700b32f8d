"""``gar-verify data``: which tables are available, and how to get the others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from gar_verify.data.cache import Original

app = typer.Typer(
    help="List, fetch, check and find the tables that the studies train on.",
    epilog="Example: gar-verify data fetch superconductivity",
    invoke_without_command=True,
    rich_markup_mode=None,
)

Names = Annotated[list[str] | None, typer.Argument(help="tables; default: the paper's")]


@app.callback(epilog="Example: gar-verify data fetch superconductivity")
def tables(context: typer.Context) -> None:
    """List, fetch, check and find the tables that the studies train on."""
    if context.invoked_subcommand is None:
        show()


@app.command("list", epilog="Example: gar-verify data list")
def show() -> None:
    """List the tables: which are available, and where the others come from."""
    from gar_verify.data import TABLES, DataError, load_table

    for name in TABLES:
        try:
            table = load_table(name)
        except DataError as error:
            typer.echo(f"{name}: absent. {error}")
        else:
            rows, columns = len(table.train_X) + len(table.test_X), table.train_X.shape[1]
            typer.echo(
                f"{name}: {rows} rows, {columns} features, checksum {table.checksum[:12]}, "
                f"{table.source}"
            )


@app.command(epilog="Example: gar-verify data fetch superconductivity")
def fetch(
    names: Names = None,
    again: Annotated[bool, typer.Option("--again", help="also what is in the cache")] = False,
    timeout: Annotated[float, typer.Option(help="seconds a server may say nothing")] = 20.0,
) -> None:
    """Fetch what is no part of the package into the cache, checked."""
    from gar_verify.data import cache
    from gar_verify.data.download import Patience
    from gar_verify.studies.progress import progress_for_stderr

    if timeout <= 0:
        raise ValueError(f"--timeout takes a number of seconds above 0, got {timeout:g}")
    progress = progress_for_stderr()
    for original in _originals(names):
        path = cache.path_of(original)
        if original.packaged:
            typer.echo(f"{original.name}: part of the package, at {original.packaged}")
            continue
        if path.is_file() and not again:
            typer.echo(f"{original.name}: already at {path} (gar-verify data verify checks it)")
            continue
        progress.note(f"{original.name}: fetching {original.url}")
        cache.fetch(original, patience=Patience(silence=timeout), note=progress.note)
        typer.echo(f"{original.name}: {path}")


@app.command(epilog="Example: gar-verify data verify")
def verify(names: Names = None) -> None:
    """Check the available tables again; exit code 1 if one is damaged or none is there."""
    from functools import partial

    from gar_verify.data import cache, published

    sound, found = True, False
    for original in _originals(names):
        file, arrays = cache.find(original), published.find(original.name)
        found |= file is not None or arrays is not None
        if file is None and arrays is None:
            typer.echo(f"{original.name}: absent (gar-verify data fetch {original.name})")
        if arrays is not None:
            check = partial(published.verify, original.name, arrays)
            sound &= _is_sound(original.name, arrays, check)
        if file is not None:
            sound &= _is_sound(original.name, file, partial(cache.verify, original))
    if not found:
        typer.echo("nothing was checked: none of these tables is available", err=True)
    raise typer.Exit(int(not (sound and found)))


@app.command(epilog="Example: gar-verify data path concrete")
def path(name: Annotated[str, typer.Argument(help="a table, such as concrete")]) -> None:
    """Print where a table lies; exit code 1, with what to do, if it is not available."""
    from gar_verify.data import TABLES, DataError, place
    from gar_verify.data.real import REAL_TABLES

    by_original = {about.original.name: table for table, about in REAL_TABLES.items()}
    try:
        typer.echo(place(name if name in TABLES else by_original.get(name, name)))
    except DataError as error:
        typer.echo(f"gar-verify: {error}", err=True)
        raise typer.Exit(1) from error


def _is_sound(name: str, path: Path, check: Callable[[], str]) -> bool:
    from gar_verify.data import DataError

    try:
        typer.echo(f"{name}: sound. {path}: {check()}")
    except DataError as error:
        typer.echo(f"{name}: DAMAGED. {error}")
        return False
    return True


def _originals(names: list[str] | None) -> list[Original]:
    """The originals of some tables, each once; those of the paper where none is named."""
    from gar_verify.data.collections import MEMBERS
    from gar_verify.data.real import REAL_TABLES
    from gar_verify.data.uci import ORIGINALS

    papers = {name: about.original for name, about in REAL_TABLES.items()}
    known: dict[str, Original] = {**ORIGINALS, **papers, **MEMBERS}
    for name in names or ():
        if name not in known:
            raise ValueError(f"no table '{name}' can be fetched; choose from {', '.join(known)}")
    wanted = [known[name] for name in names] if names else list(ORIGINALS.values())
    return list({original.name: original for original in wanted}.values())
