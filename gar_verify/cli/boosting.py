"""``gar-verify boosting``: GAR against L1 and L2 as objectives of gradient boosting."""

from __future__ import annotations

from typing import Annotated

import typer


def boosting(
    table: Annotated[str, typer.Option(help="a table of gar-verify data")] = "concrete",
    quick: Annotated[
        bool, typer.Option("--quick", help="a small part, in about 10 seconds")
    ] = False,
    jobs: Annotated[int, typer.Option(help="processes side by side")] = 1,
    save: Annotated[bool, typer.Option("--save", help="write the table to paper_figures")] = False,
) -> None:
    """Boost with GAR, L1 and L2 in LightGBM and XGBoost, and print the test values."""
    from gar_verify.studies import boosting as study
    from gar_verify.studies import tables
    from gar_verify.studies.progress import progress_for_stderr

    try:
        results = study.run(table, quick=quick, jobs=jobs, progress=progress_for_stderr())
    except ModuleNotFoundError as error:
        typer.echo(f"gar-verify: {error}", err=True)
        raise typer.Exit(2) from error
    frame = tables.boosting_table(results)
    typer.echo(tables.markdown(frame))
    for sentence in study.sentences(results):
        typer.echo(sentence)
    if save:
        for path in tables.save(frame, "boosting"):
            typer.echo(f"wrote {path}", err=True)
