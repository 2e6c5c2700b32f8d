"""``gar-verify reproduce``: the main job."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gar_verify.cli.options import Device, Quick, Store

EXAMPLE = "Example: gar-verify reproduce --quick --folder figures"


def reproduce(
    everything: Annotated[
        bool, typer.Option("--all", help="the long studies too: Wine, its ablation, Parkinsons")
    ] = False,
    quick: Quick = False,
    device: Device = "cpu",
    folder: Annotated[
        Path | None,
        typer.Option(help="where everything goes; default: paper_figures, with --quick the cache"),
    ] = None,
    store: Store = None,
) -> None:
    """Prove, train, time, run the notebooks, judge the claims, and write report.html.

    Figures and tables go to paper_figures, together with report.html, a page to read or to mail.
    At the end it says what changed against what is committed. What was computed before is read: an
    interrupted job goes on where it was.
    """
    from gar_verify.reproduce.main import reproduce as main_job
    from gar_verify.studies.progress import progress_for_stderr
    from gar_verify.training.devices import check_device

    if everything and quick:
        raise ValueError("--all and --quick exclude each other; leave one of them out")
    summary = main_job(
        everything=everything,
        quick=quick,
        device=check_device(device),
        folder=folder,
        store=store,
        progress=progress_for_stderr(),
    )
    typer.echo(f"\n{summary.text()}")
    raise typer.Exit(1 if summary.failures else 0)
