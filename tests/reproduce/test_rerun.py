"""A study in the main job: trained or drawn from its summary, with the same table either way."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from gar_verify import paths
from gar_verify.reproduce import rerun, summary
from gar_verify.reproduce.report import page
from gar_verify.studies import catalogue, synthetic
from gar_verify.studies.methods import SHOWN, label
from gar_verify.studies.summaries import SummaryError

pytestmark = pytest.mark.usefixtures("sketches")


@pytest.fixture
def no_data(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(paths.DATA_VARIABLE, raising=False)


def test_a_trained_study_and_its_summary_make_the_same_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained = rerun.rerun("diabetes", tmp_path / "a", quick=True, store=tmp_path / "store")
    monkeypatch.setattr(paths, "summaries", lambda: tmp_path / "a" / "results")
    read = rerun.from_summary("diabetes", tmp_path / "b")
    assert (trained.origin, read.origin) == ("trained", "stored")
    for name in ("diabetes.csv", "diabetes.md", "diabetes.png", "results/diabetes.csv"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_a_curve_shows_some_methods_and_keeps_all(tmp_path: Path) -> None:
    drawn = rerun.from_summary("sine", tmp_path)
    assert list(drawn.table.index) == [label(name) for name in SHOWN]
    kept = (tmp_path / "results" / "sine.csv").read_bytes()
    assert kept == (paths.summaries() / "sine.csv").read_bytes()


def test_a_part_takes_the_place_of_what_is_stored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And tells whether it agrees with it."""
    options = {"quick": True, "store": tmp_path / "store"}
    monkeypatch.setitem(rerun.PARTS, "diabetes", {"methods": ("mae", "gar")})
    monkeypatch.setattr(rerun, "methods", lambda study, quick: ("mae", "huber", "gar"))
    whole = rerun.rerun("diabetes", tmp_path / "a", **options)
    monkeypatch.setattr(paths, "summaries", lambda: tmp_path / "a" / "results")
    monkeypatch.setattr(catalogue, "summary", lambda study: whole.results)
    part = rerun.rerun_part("diabetes", tmp_path / "b", **options)
    assert part.origin == "trained in part"
    assert part.detail == f"MAE, GAR: all {2 * 5 * 4} selected values as stored"
    assert part.table.equals(whole.table)
    other = whole.results.copy(deep=True)
    other["test"].loc[{"method": "gar", "metric": "MAE"}] += 0.25
    monkeypatch.setattr(catalogue, "summary", lambda study: other)
    moved = rerun.rerun_part("diabetes", tmp_path / "c", **options)
    assert moved.detail == "MAE, GAR: 35 of 40 selected values as stored, the others within 0.25"
    assert moved.table.equals(whole.table)  # what was trained counts


def test_a_part_of_the_seeds_takes_their_place() -> None:
    stored = catalogue.summary("sine")
    part = {"seed": [2, 3], "method": ["gar", "mae"]}
    few = stored.sel(part)
    results, detail = rerun.combined(stored, few.assign(test=few["test"] + 1))
    moved = results["test"] - stored["test"]
    np.testing.assert_allclose(moved.sel(part), 1)
    assert (moved != 0).sum() == few["test"].size
    assert detail.startswith(f"GAR, MAE, 2 of {len(synthetic.SEEDS)} seeds: 0 of 16 selected")


@pytest.mark.usefixtures("no_data")
def test_what_can_be_trained_without_data() -> None:
    assert all(map(rerun.trainable, catalogue.STUDIES))


def test_without_a_summary_nothing_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paths, "summaries", lambda: tmp_path / "none")
    with pytest.raises(SummaryError, match="there is no summary 'wine'"):
        rerun.from_summary("wine", tmp_path / "figures")
    assert not (tmp_path / "figures").exists()


@pytest.mark.parametrize("study", catalogue.in_report())
def test_every_stored_study_is_drawn_and_told(study: str, tmp_path: Path) -> None:
    """As the main job does, to the line that it prints and what its page shows."""
    try:
        done = rerun.from_summary(study, tmp_path)
    except SummaryError:
        pytest.skip(f"no full run of {study} is stored")
    told = summary.of_study(done)
    assert told.startswith(f"{study}, stored: ")
    assert len(told) > len(f"{study}, stored: ") + 20
    shown = page._study(done, tmp_path)
    assert shown["grid"].rows
    assert shown["picture"]
