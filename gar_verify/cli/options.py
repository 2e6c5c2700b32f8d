"""Options of more than one command."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Device = Annotated[str, typer.Option(help="where to train: cpu, cuda, cuda:1, mps")]
Quick = Annotated[bool, typer.Option("--quick", help="a small part, in about a minute")]
Store = Annotated[
    Path | None, typer.Option(help="folder of the results; default: the cache folder")
]
