"""The forecast counts what the store lacks, and learns from what has been trained."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from gar_verify.reproduce import forecast
from gar_verify.studies import catalogue
from gar_verify.studies.progress import Silent


def test_work_ahead_is_what_a_study_would_do_and_none_of_it_is_done(tmp_path: Path) -> None:
    study = partial(catalogue.run, "diabetes", ("mae",), quick=True, store=tmp_path)
    ahead = forecast.work_ahead(study)
    assert ahead > 0
    assert not list(tmp_path.rglob("*"))

    class Told(Silent):
        def start(self, title: str, total: float) -> None:
            self.total = total

    told = Told()
    study(progress=told)
    assert ahead == told.total
    assert forecast.work_ahead(study) == 0


def test_the_rate_is_that_of_the_studies_that_were_trained() -> None:
    expected = forecast.Forecast(work={"a": 100, "b": 300, "c": 0}, seconds={"proofs": 8}, rate=0.5)
    assert expected.left() == 208
    expected.finish("proofs", 20)
    assert expected.left() == 200
    expected.finish("c", 3)  # read from its store: says nothing of the rate
    expected.finish("a", 10)
    assert expected.left() == pytest.approx(30)
    expected.finish("b", 90)
    assert expected.left() == 0
    assert expected.rate == 0.25


def test_seconds_are_remembered_beside_those_of_other_parts(tmp_path: Path) -> None:
    assert forecast.remembered(tmp_path) == {}
    forecast.remember(tmp_path / "store", {"proofs": 8})
    forecast.remember(tmp_path / "store", {"report": 1.5})
    assert forecast.remembered(tmp_path / "store") == {"proofs": 8.0, "report": 1.5}
    (tmp_path / "store" / forecast.FILE).write_text("[half")
    assert forecast.remembered(tmp_path / "store") == {}
