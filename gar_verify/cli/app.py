"""``gar-verify``: a thin door to the proofs, the studies and the tables."""

from __future__ import annotations

import sys
from contextlib import nullcontext
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gar_verify.cli import bench, boosting, claims, compare, data, images, reproduce
from gar_verify.cli.options import Device, Quick, Store

if TYPE_CHECKING:
    import xarray as xr

app = typer.Typer(
    name="gar-verify",
    help="Check the paper on Gradient Aligned Regression: its proofs, its loss, its tables.",
    epilog="Example: gar-verify run concrete --methods mae,gar",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.add_typer(data.app, name="data")

INTERRUPTED = 130
"""The exit code that typer makes of an interruption from the keyboard."""

Corrected = Annotated[
    bool,
    typer.Option(
        "--corrected", help="features scaled on the training part only, five seeds; of a real table"
    ),
]
Methods = Annotated[
    str | None, typer.Option(help="comma-separated losses; default: all of the study")
]


@app.command(epilog="Example: gar-verify prove --only theorem-4")
def prove(
    only: Annotated[
        str | None, typer.Option(help="a statement, or the beginning of its name")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="print one record for each")] = False,
    report: Annotated[bool, typer.Option("--report", help="write a page to read")] = False,
) -> None:
    """Prove the statements of the paper, for every batch size."""
    from gar_verify._proofs import command

    arguments = ["--only", only] if only else []
    arguments += ["--json"] * json + ["--report"] * report
    raise typer.Exit(command.main(arguments, "gar-verify"))


@app.command(epilog="Example: gar-verify run concrete --methods mae,gar --quick")
def run(
    study: Annotated[str, typer.Argument(help="a study, such as sine or concrete, or all")],
    methods: Methods = None,
    seeds: Annotated[
        str | None, typer.Option(help="comma-separated seeds; default: those of the study")
    ] = None,
    quick: Quick = False,
    corrected: Corrected = False,
    device: Device = "cpu",
    store: Store = None,
    jobs: Annotated[
        int | None, typer.Option(help="processes side by side; default: as the study's size asks")
    ] = None,
    dask: Annotated[
        str | None,
        typer.Option(help="scheduler of a cluster that computes, such as tcp://host:8786"),
    ] = None,
    save: Annotated[
        bool, typer.Option("--save", help="write table, figure and summary to paper_figures")
    ] = False,
    layers: Annotated[
        str | None, typer.Option(help="of sts_b: how many upper layers are trained, or all")
    ] = None,
) -> None:
    """Train the methods of a study with the paper's protocol, and print its table.

    Studies: sine, squared_sine, concrete, wine, parkinsons_motor, parkinsons_total, diabetes;
    ablation (of GAR's parts, on wine), sensitivity and sensitivity_paper (to alpha, on concrete);
    superconductivity, supercon, supercon_elements, ic50 (gar-verify data says what to put where);
    digits (by which angle an image was turned); sts_b and sts_b_frozen (pairs of sentences);
    choosing_alpha, dirty_data, not_smooth, several_targets, competitors (open questions, each asked
    of many tables).
    What was computed before is not computed again: an interrupted run goes on where it was.
    """
    from gar_verify.studies import pins

    pins.set_here()  # before numpy is loaded
    from gar_verify.data import is_available
    from gar_verify.studies import catalogue
    from gar_verify.studies.progress import progress_for_stderr
    from gar_verify.studies.workers import cluster
    from gar_verify.training.devices import check_device

    if dask and jobs:
        raise ValueError("--dask and --jobs exclude each other: the cluster has its own processes")
    options: dict[str, Any] = {
        "quick": quick,
        "device": check_device(device),
        "store": store,
        "jobs": jobs,
        "progress": progress_for_stderr(),
    }
    if jobs is not None and jobs < 1:
        raise ValueError(f"--jobs must be at least 1, got {jobs}")
    if study == "all" and methods is not None:
        raise ValueError("--methods belongs to one study; leave it out with all")
    if seeds is not None:
        options["seeds"] = _numbers(seeds)
    if layers is not None:
        if study != "sts_b":
            raise ValueError("--layers is an option of sts_b")
        options["layers"] = None if layers == "all" else _count(layers)
    with cluster(dask) if dask else nullcontext():
        if study != "all":
            name = catalogue.corrected(study) if corrected else study
            _show(name, catalogue.run(name, _names(methods), **options), save)
            return
        for name in catalogue.CORRECTED if corrected else catalogue.STUDIES:
            if is_available(catalogue.data_of(name)):
                typer.echo(f"{name}\n")
                _show(name, catalogue.run(name, **options), save)
            else:
                typer.echo(
                    f"{name}: its table is not available, left out (gar-verify data)", err=True
                )


@app.command("table", epilog="Example: gar-verify table concrete")
def table_command(
    study: Annotated[str, typer.Argument(help="a study, such as concrete")],
    corrected: Corrected = False,
    verify: Annotated[
        bool,
        typer.Option(
            "--verify", help="train a fold of every line again; if it agrees, record the code"
        ),
    ] = False,
    predictions: Annotated[
        bool,
        typer.Option(
            "--predictions",
            help="train all that was selected again, and keep what it predicts of the test rows",
        ),
    ] = False,
) -> None:
    """Print the table of a full run from the summary that travels with the repository."""
    from gar_verify.studies import pins

    pins.set_here()  # before numpy is loaded
    from gar_verify.studies import catalogue, spot_check
    from gar_verify.studies.predictions import record
    from gar_verify.studies.progress import progress_for_stderr

    name = catalogue.corrected(study) if corrected else study
    other = catalogue.OTHERS.get(name)
    if verify and other and not (other.verifiable or other.part):
        raise ValueError(f"--verify trains parts of tables and curves; for {name}: gar-verify run")
    if verify:
        spot_check.verify(catalogue.stored_as(name))
    if predictions:
        record(catalogue.stored_as(name), progress=progress_for_stderr())
    _show(name, catalogue.summary(name), save=False)
    typer.echo(f"{name}: {spot_check.state(catalogue.stored_as(name))}", err=True)


app.command("reproduce", epilog=reproduce.EXAMPLE)(reproduce.reproduce)


app.command("bench", epilog=bench.EXAMPLE)(bench.bench)


app.command("claims", epilog=claims.EXAMPLE)(claims.claims)


app.command("boosting", epilog="Example: gar-verify boosting --table diabetes --quick")(
    boosting.boosting
)


app.command("images", epilog=images.EXAMPLE)(images.images)


app.command("compare", epilog=compare.EXAMPLE)(compare.compare)


def main() -> None:
    """Run the command line; an expected error becomes one line on stderr and exit code 2."""
    try:
        app(standalone_mode=True)
    except Exception as error:
        if not isinstance(error, _expected()):
            raise
        typer.echo(f"gar-verify: {error}", err=True)
        sys.exit(2)
    except SystemExit as end:
        if end.code == INTERRUPTED:
            typer.echo("gar-verify: interrupted; the same command goes on from here", err=True)
        raise


def _show(study: str, results: xr.Dataset, save: bool) -> None:
    """Print the table of a study, and write it where that is asked for."""
    from gar_verify import paths
    from gar_verify.studies import catalogue, tables

    typer.echo(tables.markdown(catalogue.table(study, results)))
    verdict = catalogue.sentence(study, results)
    if verdict:
        typer.echo(f"{verdict}\n")
    if save:
        whole = catalogue.is_for_the_record(study, results)
        if not whole:
            typer.echo(
                "only a part of the study, or fewer losses or seeds than are stored: paper_figures "
                "stays as it is",
                err=True,
            )
        for path in catalogue.save(study, results, None if whole else paths.quick_figures()):
            typer.echo(f"wrote {path}", err=True)


def _count(layers: str) -> int:
    if not layers.isdigit():
        raise ValueError(f"--layers takes a number or all, got {layers!r}")
    return int(layers)


def _numbers(seeds: str) -> tuple[int, ...]:
    try:
        numbers = tuple(int(seed) for seed in seeds.split(","))
    except ValueError as error:
        raise ValueError(f"--seeds takes numbers such as 0,1,2, got {seeds!r}") from error
    if min(numbers) < 0 or len(set(numbers)) < len(numbers):
        raise ValueError(f"--seeds takes different numbers from 0, got {seeds!r}")
    return numbers


def _names(methods: str | None) -> tuple[str, ...] | None:
    if methods is None:
        return None
    names = tuple(name.strip() for name in methods.split(",") if name.strip())
    if not names or len(set(names)) < len(names):
        raise ValueError(f"--methods takes different losses such as mae,gar, got {methods!r}")
    return names


_OWN = {
    "gar_verify.data": "DataError",
    "gar_verify.reproduce.main": "ReproductionError",
    "gar_verify.studies.store": "StoreError",
    "gar_verify.studies.summaries": "SummaryError",
    "gar_verify.studies.workers": "ClusterError",
}


def _expected() -> tuple[type[BaseException], ...]:
    """An error is of a module that is loaded: nothing is imported, for seconds, to know it."""
    loaded = ((sys.modules.get(module), name) for module, name in _OWN.items())
    return (ValueError, *(getattr(module, name) for module, name in loaded if module))
