"""``gar-verify bench``: the loss, the running times of the methods, and the targets."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    import pandas as pd

ALL = "all"
EXAMPLE = "Example: gar-verify bench runtime --quick"


def bench(
    part: Annotated[str, typer.Argument(help="loss, runtime, targets, all")] = ALL,
    quick: Annotated[
        bool, typer.Option("--quick", help="a small part, in about a minute; nothing is written")
    ] = False,
    device: Annotated[
        str, typer.Option(help="where the loss is measured: cpu, cuda, cuda:1, mps")
    ] = "cpu",
    folder: Annotated[
        Path | None, typer.Option(help="where tables and figures go; default: paper_figures")
    ] = None,
) -> None:
    """Measure the loss, the running time of every method, and the project's targets.

    loss: forward and backward of GAR against L1Loss, a training step, memory, digits kept.

    runtime: all methods relative to the MAE, in the published loop, in memory, and the loss alone
    against the batch size; writes the summary, tables and figures of the runtime study.

    targets: what the project means to reach beside what it reaches here.
    """
    from gar_verify.training.devices import check_device

    if part not in (ALL, *PARTS):
        raise ValueError(f"bench has no part {part!r}; there are: {ALL}, {', '.join(PARTS)}")
    check_device(device)
    for name, measure in PARTS.items():
        if part in (ALL, name):
            measure(quick, device, folder)


def _loss(quick: bool, device: str, folder: Path | None) -> None:
    from gar_verify import paths
    from gar_verify.benchmarks import accuracy, speed
    from gar_verify.studies import figures, tables

    show = _printer(quick, folder)
    sizes = (256, 4_096) if quick else speed.SIZES
    times = speed.measure(sizes, compiled=not quick, device=device, note=_note())
    show("Forward and backward, in units of L1Loss", "loss_speed", times.set_index("threads"), 2)
    title = "A training step of the small MLP, batch 256, in units of MAE"
    step = speed.training_step(device)
    show(title, "loss_training_step", step.set_index("threads"), 2)
    title = "RnC and RankSim, in units of a product of two 1024 x 1024 matrices"
    show(title, "loss_pairs", speed.pair_losses().set_index("N"), 2)
    if quick:
        return
    memory = speed.peak_memory().set_index("N")
    show("Peak memory beyond the inputs, MB", "loss_memory", memory, 0)
    results = (folder or paths.figures()) / paths.RESULTS
    speed.write(times, results)
    accuracy.write(accuracy.worst(accuracy.measure()), results)
    worst = accuracy.read(results)
    title = "Largest relative error against 50 digits"
    numbers = worst.select_dtypes("number").columns
    written = worst.assign(**{name: worst[name].map("{:.1e}".format) for name in numbers})
    typer.echo(f"{title}\n\n{tables.markdown(written.set_index('dtype'))}")
    tables.save(worst.set_index("dtype"), "loss_accuracy", folder)
    figures.save(figures.accuracy_figure(worst), "loss_accuracy", folder)


def _runtime(quick: bool, device: str, folder: Path | None) -> None:
    from gar_verify.benchmarks import runtime, runtime_report, runtime_summary, runtime_tables
    from gar_verify.benchmarks.runtime_settings import settings
    from gar_verify.studies.progress import progress_for_stderr

    measured = runtime.measure(settings(quick), progress_for_stderr())
    summary = runtime_summary.summarize(measured)
    show = _printer(True, folder)  # written below, with the summary that they are drawn from
    title = f"Time relative to the MAE, {settings().table}, batch {summary.batch_size}, one thread"
    show(title, "", runtime_tables.runtime_table(summary), 3)
    typer.echo(f"{runtime_tables.epoch_sentence(summary)}\n")
    show("The loss alone against the batch size", "", runtime_tables.growth_table(summary), 3)
    if quick:
        return
    for path in runtime_report.save(summary, folder):
        typer.echo(f"wrote {path}", err=True)


def _targets(quick: bool, device: str, folder: Path | None) -> None:
    from gar_verify.benchmarks import targets

    found = targets.table(targets.measure(quick, _note()))
    _printer(quick, folder)("Targets, and what is reached here", "targets", found, 3)
    typer.echo(f"{targets.OTHERS}.")


PARTS = {"loss": _loss, "runtime": _runtime, "targets": _targets}


def _printer(quick: bool, folder: Path | None) -> Callable[[str, str, pd.DataFrame, int], None]:
    """Prints a table with its title, and writes it unless it is of a quick run."""
    from gar_verify.studies import tables

    def show(title: str, stem: str, table: pd.DataFrame, digits: int) -> None:
        typer.echo(f"{title}\n\n{tables.markdown(table, digits)}")
        if not quick:
            tables.save(table, stem, folder)

    return show


def _note() -> Callable[[str], None]:
    from gar_verify.studies.progress import progress_for_stderr

    return progress_for_stderr().note
