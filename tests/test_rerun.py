"""A study in the main job: trained or drawn from its summary, with the same table either way."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from gar_verify import paths, rerun, studies
from gar_verify.experiments import sine
from gar_verify.experiments.methods import SYNTHETIC, label
from gar_verify.experiments.summaries import SummaryError


@pytest.fixture
def no_data(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(paths.DATA_VARIABLE, raising=False)


def test_a_trained_study_and_its_summary_make_the_same_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained = rerun.rerun("diabetes", tmp_path / "a", quick=True, store=tmp_path / "store")
    monkeypatch.setattr(paths, "summaries", lambda: tmp_path / "a" / "results")
    read = rerun.from_summary("diabetes", tmp_path / "b")
    assert (trained.origin, read.origin) == ("trained", "summary")
    for name in ("diabetes.csv", "diabetes.md", "diabetes.png", "results/diabetes.csv"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_a_curve_shows_the_papers_methods_and_keeps_all(tmp_path: Path) -> None:
    drawn = rerun.from_summary("sine", tmp_path)
    assert list(drawn.table.index) == [label(name) for name in SYNTHETIC]
    kept = (tmp_path / "results" / "sine.csv").read_bytes()
    assert kept == (paths.summaries() / "sine.csv").read_bytes()


@pytest.mark.usefixtures("no_data")
def test_a_curve_on_a_split_of_ours_has_names_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sine, "QUICK", replace(sine.QUICK, epochs=3, milestones=(1, 2)))
    assert rerun.has_published_split("sine")
    assert not rerun.has_published_split("squared_sine")
    done = rerun.rerun("squared_sine", tmp_path, quick=True, store=tmp_path / "store")
    assert done.stem == "squared_sine_own_split"
    assert (tmp_path / "squared_sine_own_split.png").is_file()
    assert not (tmp_path / "squared_sine.png").exists()
    assert not (tmp_path / "results" / "squared_sine.csv").exists()


@pytest.mark.usefixtures("no_data")
def test_what_can_be_trained_without_data() -> None:
    able = [study for study in studies.STUDIES if rerun.trainable(study)]
    assert able == ["sine", "squared_sine", "diabetes"]


def test_without_a_summary_nothing_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paths, "summaries", lambda: tmp_path / "none")
    with pytest.raises(SummaryError, match="there is no summary 'wine'"):
        rerun.from_summary("wine", tmp_path / "figures")
    assert not (tmp_path / "figures").exists()
