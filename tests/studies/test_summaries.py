"""Summaries in the repository are whole, and a changed one is refused by name."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest

from gar_verify import paths
from gar_verify.studies import curves, summaries
from gar_verify.studies.methods import SHOWN

COMMITTED = sorted(path.stem for path in paths.summaries().glob("*.csv"))


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    for suffix in (".csv", ".json"):
        shutil.copy(paths.summaries() / f"concrete{suffix}", tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", COMMITTED)
def test_every_committed_summary_is_the_one_that_was_written(name: str) -> None:
    frame, provenance = summaries.read_frame(name)
    assert len(frame) > 0
    assert summaries.CHECKSUM not in provenance


def test_all_summaries_together_stay_small() -> None:
    """Studies of many tables keep every table and seed: a third of it is theirs, and more."""
    assert sum(path.stat().st_size for path in paths.summaries().iterdir()) < 1_500_000


def test_a_swapped_column_is_refused(copy: Path) -> None:
    path = copy / "concrete.csv"
    frame = pd.read_csv(path)
    frame[["validation", "test"]] = frame[["test", "validation"]].to_numpy()
    frame.to_csv(path, index=False, lineterminator="\n")
    with pytest.raises(summaries.SummaryError, match=r"concrete\.csv was changed after it was wr"):
        summaries.read("concrete", copy)


def test_the_provenance_of_another_run_is_refused(copy: Path) -> None:
    shutil.copy(paths.summaries() / "wine.json", copy / "concrete.json")
    with pytest.raises(summaries.SummaryError, match=r"concrete\.json expects [0-9a-f]{64}"):
        summaries.read("concrete", copy)


@pytest.mark.parametrize("text", ["{", "[1]", None])
def test_provenance_that_cannot_be_read_is_named(copy: Path, text: str | None) -> None:
    path = copy / "concrete.json"
    path.unlink() if text is None else path.write_text(text)
    with pytest.raises(summaries.SummaryError, match=r"concrete\.json"):
        summaries.read("concrete", copy)


def test_written_again_it_holds_the_same(copy: Path) -> None:
    before = summaries.read("concrete", copy)
    summaries.write(before, "again", copy)
    after = summaries.read("again", copy)
    assert after.equals(before)
    assert after.attrs == before.attrs
    assert json.loads((copy / "again.json").read_text())[summaries.CHECKSUM]


@pytest.mark.parametrize("study", ["sine", "squared_sine"])
def test_curves_belong_to_the_run_of_the_scores(study: str, tmp_path: Path) -> None:
    found = curves.read(study)
    assert found["mean"].shape == found["std"].shape == (len(SHOWN), found.sizes["x"])
    for path in paths.summaries().glob(f"{study}*"):
        shutil.copy(path, tmp_path)
    frame, provenance = summaries.read_frame(f"{study}_curves", tmp_path)
    other = {**provenance, "fingerprints": "0" * 64}
    summaries.write_frame(frame, f"{study}_curves", other, tmp_path)
    with pytest.raises(summaries.SummaryError, match="come from different runs"):
        curves.read(study, tmp_path)
