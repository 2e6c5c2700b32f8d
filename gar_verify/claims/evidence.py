"""Where the verdicts come from: proofs, summaries of full runs, and small tables of results."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
import xarray as xr

from gar_verify import paths
from gar_verify._proofs import proofs, statements
from gar_verify.benchmarks import speed
from gar_verify.data.superconductors import NOT_THE_PAPERS
from gar_verify.data.synthetic import CURVES
from gar_verify.studies import peaks, summaries


def toml(name: str) -> dict[str, Any]:
    """A data file of this package."""
    return tomllib.loads(files("gar_verify.claims").joinpath(name).read_text("utf-8"))


LEDGER = toml("ledger.toml")
"""The claims in words, see its head."""

RUNTIME, SPEED = "runtime", speed.SUMMARY
PEAKS = tuple(curve + peaks.SUFFIX for curve in CURVES)

COLUMNS = {
    SPEED: ("threads", "N", "L1Loss [us]", "GAR", "GAR, released constants"),
    RUNTIME: ("setup", "method", "batch_size", "seconds", "ratio", "ratio_low", "ratio_high"),
    **dict.fromkeys(PEAKS, ("method", "seed")),
}
"""Columns of the tables of results that are no summaries."""

COMMANDS = {
    RUNTIME: "gar-verify bench runtime",
    SPEED: "gar-verify bench loss",
    **{name: f"gar-verify run {name.removesuffix(peaks.SUFFIX)} --save" for name in PEAKS},
    "wine_ablation": "gar-verify run ablation --save",
    "sensitivity_paper": "gar_verify.studies.sensitivity.run(method='gar')",
}
"""What makes each result; for every other study, `gar-verify run` with its name."""


class Row(NamedTuple):
    """A row of the paper whose own data or protocol is not to be had here."""

    title: str
    kind: str
    """Of its evidence: the paper's data, a part of it, or a stand-in."""
    evidence: str
    """What its evidence is about."""
    command: str
    """What gives it."""
    how: str = ""
    """How it was measured, where not by the paper's protocol."""


PAPERS = "the paper's data"
"""The kind of all other rows."""

ROWS = {name: Row(**about) for name, about in LEDGER["rows"].items()}
"""Such rows by name."""


def kind_of(task: str, summary: xr.Dataset) -> str:
    """What the evidence on a task is: `PAPERS`, a part of it, or a stand-in."""
    whole = task == "superconductivity" and NOT_THE_PAPERS not in summary.attrs["source"]
    return ROWS[task].kind if task in ROWS and not whole else PAPERS


class MissingEvidence(Exception):
    """What a claim needs is not there; the message says what, and what makes it."""


class Evidence:
    """Everything that a judge may look at, read on first use.

    Args:
        folder: of the summaries and tables; default: `paths.summaries`.
        proved: results of proofs by name that take the place of a run.
    """

    def __init__(
        self, folder: Path | None = None, proved: Mapping[str, statements.Result] | None = None
    ) -> None:
        """Keep where to look; nothing is read yet."""
        self.folder = folder or paths.summaries()
        self._proved = proved or {}
        self._read: dict[str, xr.Dataset] = {}

    def proof(self, name: str) -> statements.Result:
        """The result of the statement of that full name; proved once in a process."""
        return self._proved.get(name) or _proof(name)

    def summary(self, study: str) -> xr.Dataset:
        """The selected test values of a study, as from `summaries.read`.

        Raises:
            MissingEvidence: if there is no such summary.
            SummaryError: if it is there and cannot be read.
        """
        if study in self._read or (self.folder / f"{study}.csv").is_file():
            if study not in self._read:
                self._read[study] = summaries.read(study, self.folder)
            return self._read[study]
        if study in ROWS:
            row = ROWS[study]
            of = "" if row.kind == PAPERS else f"; it would be {row.kind} ({row.evidence})"
            raise MissingEvidence(f"no data of it is here; to have it judged, {row.command}{of}")
        command = COMMANDS.get(study, f"gar-verify run {study} --save")
        raise MissingEvidence(f"there is no summary {study}.csv; to make it: {command}")

    def table(self, name: str) -> pd.DataFrame:
        """A table of results that is no summary: `RUNTIME`, `SPEED`, or one of `PEAKS`.

        Raises:
            MissingEvidence: if it is not there.
            SummaryError: if it was changed after it was written.
            ValueError: if it lacks a column.
        """
        path = self.folder / f"{name}.csv"
        if not path.is_file():
            raise MissingEvidence(f"there is no table {path.name}; to make it: {COMMANDS[name]}")
        frame, _ = summaries.read_frame(name, self.folder, COMMANDS[name])
        lacking = [column for column in COLUMNS[name] if column not in frame]
        if lacking:
            raise ValueError(
                f"{path.name} lacks {', '.join(lacking)}; it has {', '.join(frame.columns)}. "
                f"Make it again: {COMMANDS[name]}"
            )
        return peaks.long(frame) if name in PEAKS else frame


@cache
def _proof(name: str) -> statements.Result:
    (result,) = proofs.run(name)
    return result
