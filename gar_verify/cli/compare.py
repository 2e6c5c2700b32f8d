"""``gar-verify compare``: the losses on a table of one's own."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

from gar_verify.cli.options import Device

EXAMPLE = (
    "Example: gar-verify compare mine.csv --target price --quick; as spreadsheets write it: "
    "gar-verify compare mine.csv --target 'Price, EUR' --sep ';' --decimal , --strip-units --na -99"
)

Columns = list[str]
Number = TypeVar("Number")


def compare(
    file: Annotated[Path, typer.Argument(help="a CSV file, or Parquet if it ends in .parquet")],
    target: Annotated[
        Columns, typer.Option(help="column to predict; several: repeat, or separate by commas")
    ],
    losses: Annotated[
        str | None, typer.Option(help="comma-separated; default: mae,mse,huber,gar")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="all losses there are")] = False,
    alphas: Annotated[
        str | None, typer.Option(help="of GAR, comma-separated; default: 0.1,0.5,1,10")
    ] = None,
    folds: Annotated[int, typer.Option(help="folds of the cross-validation")] = 5,
    seeds: Annotated[
        str, typer.Option(help="comma-separated; each repeats all of it with other folds")
    ] = "0,1",
    identifier: Annotated[
        Columns | None, typer.Option("--id", help="column that names the rows: not learned from")
    ] = None,
    drop: Annotated[Columns | None, typer.Option(help="column to leave out")] = None,
    category: Annotated[
        Columns | None, typer.Option(help="column of numbers that are codes of categories")
    ] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="a first look in seconds; its figures mean little")
    ] = False,
    device: Device = "cpu",
    jobs: Annotated[
        int | None, typer.Option(help="processes side by side; default: as the work asks")
    ] = None,
    memory: Annotated[
        float | None, typer.Option(help="MB for the networks trained at once, in each process")
    ] = None,
    group: Annotated[
        str | None, typer.Option(help="column of whom rows belong to: no group in two parts")
    ] = None,
    time: Annotated[
        str | None, typer.Option(help="column of when rows were: learn from before, predict after")
    ] = None,
    references: Annotated[
        bool, typer.Option(help="median, mean, ridge and boosting in the same table")
    ] = True,
    boosting: Annotated[
        bool, typer.Option("--boosting", help="also GAR in LightGBM and XGBoost, if installed")
    ] = False,
    model: Annotated[
        str | None, typer.Option(help="your own network: module:function of inputs and outputs")
    ] = None,
    dask: Annotated[
        str | None, typer.Option(help="scheduler of a cluster that trains, such as tcp://host:8786")
    ] = None,
    max_rows: Annotated[
        int, typer.Option(help="of a longer table, so many rows are drawn at random")
    ] = 10_000,
    seed: Annotated[int, typer.Option(help="of that drawing")] = 0,
    folder: Annotated[
        Path | None, typer.Option(help="for tables, figures and page; default: FILE_comparison")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="write into an existing folder")] = False,
    sep: Annotated[
        str | None, typer.Option(help="what separates fields: a sign, or tab; default: what fits")
    ] = None,
    encoding: Annotated[
        str | None, typer.Option(help="of a CSV file, such as cp1252 or latin-1; default: UTF-8")
    ] = None,
    decimal: Annotated[str | None, typer.Option(help="decimal sign of numbers: . or ,")] = None,
    thousands: Annotated[
        str | None, typer.Option(help="what separates thousands: , or . or a blank or '")
    ] = None,
    strip_units: Annotated[
        bool, typer.Option("--strip-units", help="read $5, 45% and 45 km as numbers")
    ] = False,
    na: Annotated[Columns | None, typer.Option(help="a value that means missing; repeat")] = None,
    log_target: Annotated[
        bool, typer.Option("--log-target", help="learn the logarithm; scores are of the target")
    ] = False,
    weight: Annotated[str | None, typer.Option(help="column of how much each row counts")] = None,
) -> None:
    """Does GAR help on your data? Train small networks with several losses, and test with care.

    Reads numbers, categories (as text) and missing values; dates are refused. What reads in two
    ways is refused with the options that decide, such as --decimal and --thousands. Settings are
    chosen inside each training part (nested cross-validation). Prints a table and a verdict; writes
    CSV, figures and one HTML page into a folder. Nothing is written there unless all of it is;
    finished folds are kept in the cache folder until then, and the same command goes on after an
    interruption.
    """
    from gar_verify.studies import pins

    pins.set_here()  # before numpy is loaded
    from gar_verify import paths
    from gar_verify.comparison import compare_file
    from gar_verify.comparison.catalogue import LOSSES
    from gar_verify.comparison.delimited import Dialect
    from gar_verify.comparison.notation import Notation
    from gar_verify.comparison.reading import resolve
    from gar_verify.comparison.writing import check_folder
    from gar_verify.studies.progress import progress_for_stderr

    if every and losses:
        raise ValueError("--all and --losses exclude each other; give one of them")
    folder = folder or Path.cwd() / f"{file.stem}_comparison"
    check_folder(folder, force=force)
    dialect = Dialect({"tab": "\t"}.get(sep or "", sep), encoding)
    columns = partial(resolve, file, dialect=dialect)
    outcome = compare_file(
        file,
        columns(target),
        identifiers=columns(identifier or ()),
        dropped=columns(drop or ()),
        categories=columns(category or ()),
        dialect=dialect,
        written=Notation(decimal, thousands, strip_units, tuple(na or ())),
        log_target=log_target,
        weight=weight,
        max_rows=max_rows,
        seed=seed,
        losses=_every(LOSSES, model) if every else _parts(losses),
        alphas=_numbers(alphas, float, "--alphas", "0.5,2"),
        folds=folds,
        seeds=_numbers(seeds, int, "--seeds", "0,1,2") or (),
        quick=quick,
        group=group,
        time=time,
        references=references,
        boosting=boosting,
        model=model,
        dask=dask,
        device=device,
        jobs=jobs,
        memory_bytes=None if memory is None else int(memory * 1e6),
        store=paths.results() / "comparisons",
        command=shlex.join(["gar-verify", *sys.argv[1:]]),
        progress=progress_for_stderr(),
    )
    typer.echo(str(outcome))
    for path in outcome.save(folder, force=force):
        typer.echo(f"wrote {path}", err=True)
    outcome.forget()


def _every(losses: Mapping[str, Any], model: str | None) -> tuple[str, ...]:
    """All losses; with a network of one's own, those that read predictions alone."""
    return tuple(name for name, spec in losses.items() if not (model and spec.needs_features))


def _parts(text: str | None) -> tuple[str, ...] | None:
    return tuple(part.strip() for part in text.split(",") if part.strip()) if text else None


def _numbers(
    text: str | None, kind: Callable[[str], Number], option: str, example: str
) -> tuple[Number, ...] | None:
    if text is None:
        return None
    try:
        return tuple(kind(part) for part in text.split(","))
    except ValueError as error:
        raise ValueError(f"{option} takes numbers such as {example}, got {text!r}") from error
