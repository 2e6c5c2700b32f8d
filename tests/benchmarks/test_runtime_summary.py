"""The summary of the runtime study: what is written is what is read, and no other numbers."""

import json

import pandas as pd
import pytest

from gar_verify.benchmarks import runtime_summary
from gar_verify.benchmarks.runtime import Measured
from gar_verify.benchmarks.runtime_settings import COLUMNS, METHODS, SETUPS, SIZES, Settings
from gar_verify.data import load_table
from gar_verify.studies import summaries
from gar_verify.studies.summaries import SummaryError


@pytest.fixture
def measured() -> Measured:
    lines = pd.DataFrame(
        [
            ("in_memory", "mae", 64, 0.0021234567, 1.0, 1.0, 1.0),
            ("in_memory", "gar", 64, 0.0025, 1.2, 1.1, 1.3),
            ("loss_only", "mae", 8, 2e-5, 1.0, 1.0, 1.0),
            ("loss_only", "gar", 8, 3e-5, 1.5, 1.4, 1.6),
        ],
        columns=COLUMNS,
    )
    return Measured(lines, {"whole": 0.1, "loader": 0.09}, Settings(table="diabetes", rounds=3))


@pytest.fixture
def folder(measured, tmp_path):
    runtime_summary.write(runtime_summary.summarize(measured), tmp_path)
    return tmp_path


def test_what_is_written_is_read_again(measured, folder):
    found = runtime_summary.read(folder)
    pd.testing.assert_frame_equal(found.lines, measured.lines, rtol=1e-5)
    assert found.batch_size == 64
    assert found.epoch_seconds == measured.epoch
    assert found.of("loss_only", 8).loc["gar", "ratio"] == 1.5
    assert list(found.of("in_memory").index) == ["mae", "gar"]
    assert sorted(path.name for path in folder.iterdir()) == ["runtime.csv", "runtime.json"]


def test_it_says_where_it_comes_from(folder):
    record = json.loads((folder / "runtime.json").read_text())
    assert record["data"] == load_table("diabetes").checksum
    assert (record["threads"], record["rounds"], record["seed"]) == (1, 3, 0)
    assert {"torch", "numpy", "python", "gar_verify"} <= set(record["versions"])
    assert "cores" in record["machine"]


def test_writing_again_gives_the_same_bytes(folder, tmp_path):
    again = runtime_summary.write(runtime_summary.read(folder), tmp_path / "again")
    for path in again:
        assert path.read_bytes() == (folder / path.name).read_bytes()


@pytest.mark.parametrize(
    ("old", "new"), [("1.2,1.1", "1.1,1.2"), ("mae", "mse"), (",seconds,ratio,", ",ratio,seconds,")]
)
def test_a_changed_table_is_refused(folder, old, new):
    path = folder / "runtime.csv"
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new, 1))
    with pytest.raises(SummaryError, match=r"runtime.csv was changed after it was written"):
        runtime_summary.read(folder)


def test_an_absent_summary_says_what_to_do(tmp_path):
    with pytest.raises(SummaryError, match=r"no summary 'runtime' in .*: gar-verify bench runtime"):
        runtime_summary.read(tmp_path)


def test_other_columns_are_refused(measured, tmp_path):
    summary = runtime_summary.summarize(measured)
    renamed = summary.lines.rename(columns={"ratio": "relative"})
    summaries.write_frame(renamed, "runtime", summary.provenance, tmp_path)
    with pytest.raises(SummaryError, match=r"the columns .*relative.*; expected setup, method"):
        runtime_summary.read(tmp_path)


def test_the_committed_summary_is_of_the_whole_study():
    found = runtime_summary.read()
    assert found.provenance["table"] == "concrete"
    lines = found.lines.set_index(["setup", "batch_size", "method"])
    sizes = {setup: SIZES if setup == "loss_only" else (256,) for setup in SETUPS}
    expected = [
        (setup, size, name) for setup in SETUPS for size in sizes[setup] for name in METHODS
    ]
    assert list(lines.index) == expected
    assert (lines["seconds"] > 0).all()
    assert (lines["ratio_low"] <= lines["ratio"]).all()
    assert (lines["ratio"] <= lines["ratio_high"]).all()
    assert (lines.xs("mae", level="method")["ratio"] == 1).all()
