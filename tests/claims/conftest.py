"""Small evidence made by hand: summaries and tables of results in a folder of their own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from gar_verify import claims
from gar_verify.claims import Claim, Evidence
from gar_verify.claims.evidence import PEAKS
from gar_verify.studies import peaks, summaries
from gar_verify.studies.predictions import ROWS

Writer = Callable[[str, xr.Dataset], Evidence]


@pytest.fixture(scope="session")
def ledger() -> list[Claim]:
    """Every claim, judged by what is in the repository."""
    return claims.evaluate()


@pytest.fixture
def store(tmp_path: Path) -> Writer:
    """Writes a summary into an empty folder, and gives the evidence of that folder.

    Nothing is known of the test rows of values that are made up.
    """

    def write(study: str, results: xr.Dataset) -> Evidence:
        attributes = summaries.read("concrete").attrs | {"table": study}
        del attributes[ROWS]
        summaries.write(results.drop_attrs().assign_attrs(attributes), study, tmp_path)
        return Evidence(tmp_path)

    return write


@pytest.fixture
def judge() -> Callable[[str, Evidence], Claim]:
    """The claim of exactly that identifier, judged by the given evidence."""

    def judged(identifier: str, evidence: Evidence) -> Claim:
        (entry,) = [entry for entry in claims.ENTRIES if entry.identifier == identifier]
        return entry.judged(evidence)

    return judged


@pytest.fixture
def lines(tmp_path: Path) -> Callable[[str, Sequence[Mapping[str, Any]]], Evidence]:
    """Writes a table of results that is no summary."""

    def write(name: str, rows: Sequence[Mapping[str, Any]]) -> Evidence:
        frame = pd.DataFrame(rows)
        if name in PEAKS and "peak" in frame:
            frame = peaks.wide(frame)
        summaries.write_frame(frame, name, {}, tmp_path)
        return Evidence(tmp_path)

    return write


@pytest.fixture
def swap() -> Callable[[xr.Dataset, str, str], xr.Dataset]:
    """A summary in which two methods have each other's values."""

    def swapped(results: xr.Dataset, one: str, other: str) -> xr.Dataset:
        names = {one: other, other: one}
        renamed = [names.get(str(name), str(name)) for name in results["method"].to_numpy()]
        return results.assign_coords(method=np.array(renamed))

    return swapped
