"""``gar-verify images``: the paper's protocol for AgeDB, on a folder of images with a table."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

EXAMPLE = "Example: gar-verify images agedb.csv --folder AgeDB --loss gar --device cuda"


def images(
    table: Annotated[
        Path, typer.Argument(help="CSV with the file, the target and the part of each image")
    ],
    folder: Annotated[Path, typer.Option(help="what the files of the table are relative to")],
    loss: Annotated[str, typer.Option(help="what is minimised, such as gar or mae")] = "gar",
    probe: Annotated[
        bool, typer.Option("--probe", help="train an encoder by RnC, then a layer on it with LOSS")
    ] = False,
    measure: Annotated[
        bool, typer.Option("--measure", help="time a few steps, and print the hours of the whole")
    ] = False,
    value: Annotated[
        float | None, typer.Option(help="hyper-parameter of the loss, such as GAR's alpha")
    ] = None,
    rate: Annotated[
        float | None, typer.Option(help="learning rate; default: 0.2, and 0.05 with --probe")
    ] = None,
    epochs: Annotated[
        int | None, typer.Option(help="default: 400, and 100 of the layer with --probe")
    ] = None,
    encoder_epochs: Annotated[
        int | None, typer.Option(help="of the encoder with --probe; default: 400")
    ] = None,
    batch_size: Annotated[
        int | None, typer.Option(help="images in a batch; default: 128, and 64 with --probe")
    ] = None,
    encoder_batch_size: Annotated[
        int | None, typer.Option(help="of the encoder with --probe; default: 256")
    ] = None,
    size: Annotated[int, typer.Option(help="pixels to a side of a view")] = 224,
    seed: Annotated[int, typer.Option(help="of the network, the order and the views")] = 0,
    out: Annotated[Path, typer.Option(help="folder of the checkpoints and results")] = Path(
        "images"
    ),
    device: Annotated[str, typer.Option(help="where to train: cpu, cuda, cuda:1")] = "cpu",
    threads: Annotated[int, typer.Option(help="threads that read images")] = 4,
    summary: Annotated[
        str | None, typer.Option(help="train nothing; store the results in OUT under this name")
    ] = None,
    file_column: Annotated[str | None, typer.Option(help="column of the file")] = None,
    target_column: Annotated[str | None, typer.Option(help="column of the target")] = None,
    part_column: Annotated[
        str | None, typer.Option(help="column of the part: train, val, test")
    ] = None,
) -> None:
    """Train a ResNet-18 on images as the paper does for AgeDB, and print the test metrics.

    From scratch on two random views of each image; or with --probe a linear layer on the frozen
    features of an encoder that RnC trained. An interrupted or killed training goes on after its
    last epoch.
    """
    from dataclasses import replace

    from gar_verify.studies.images import pipeline
    from gar_verify.studies.images.folder import read_listing
    from gar_verify.studies.progress import progress_for_stderr
    from gar_verify.training.devices import check_device

    for name, number in (
        ("--epochs", epochs),
        ("--encoder-epochs", encoder_epochs),
        ("--batch-size", batch_size),
        ("--encoder-batch-size", encoder_batch_size),
        ("--size", size),
        ("--threads", threads),
    ):
        if number is not None and number < 1:
            raise ValueError(f"{name} must be at least 1, got {number}")
    columns = {"file": file_column, "target": target_column, "part": part_column}
    listing = read_listing(table, folder, columns)
    place = pipeline.Place(listing, out, check_device(device), threads)
    if summary is not None:
        for path in pipeline.summarise(place, summary):
            typer.echo(f"wrote {path}", err=True)
        return
    standard = pipeline.LINEAR_PROBE if probe else pipeline.FROM_SCRATCH
    recipe = replace(
        standard,
        epochs=epochs or standard.epochs,
        batch_size=batch_size or standard.batch_size,
        learning_rate=standard.learning_rate if rate is None else rate,
        size=size,
    )
    before = pipeline.PRETRAINING
    pretraining = replace(
        before,
        epochs=encoder_epochs or before.epochs,
        batch_size=encoder_batch_size or before.batch_size,
        size=size,
    )
    plan = pipeline.from_scratch(loss, value, recipe, seed)
    first = pipeline.encoder(pretraining, seed)
    if measure:
        stages = [first, replace(plan, frozen=True)] if probe else [plan]
        for stage in stages:
            typer.echo(pipeline.measure(place, stage))
        return
    progress = progress_for_stderr()
    found = (
        pipeline.linear_probe(place, loss, value, recipe, first, progress)
        if probe
        else pipeline.train(place, plan, progress)
    )
    scores = ", ".join(f"{name} {number:.4g}" for name, number in found["test"].items())
    typer.echo(f"{found['name']}: test {scores} (epoch {found['selected_epoch']})")
