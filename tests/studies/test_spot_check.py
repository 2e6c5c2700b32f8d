"""A slice trained again agrees with its summary, and with nothing else."""

from __future__ import annotations

import itertools
import json
import shutil
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from gar_verify import paths
from gar_verify.studies import curves, provenance, spot_check, summaries, tabular

DIABETES = ("diabetes", "gar", 1)
"""Summary, line and fold."""


@pytest.fixture(scope="module")
def diabetes() -> pd.DataFrame:
    return spot_check.again(*DIABETES)


def test_a_slice_of_diabetes_agrees(diabetes: pd.DataFrame) -> None:
    assert diabetes.index.tolist() == ["MAE", "RMSE", "Pearson", "Spearman"]
    assert spot_check.agrees(diabetes)


def test_other_metrics_methods_and_folds_do_not_agree(diabetes: pd.DataFrame) -> None:
    """Every exchange of two columns, every other method of the fold, every other fold."""
    again = diabetes["again"]
    for one, two in itertools.combinations(again.index, 2):
        swapped = diabetes["stored"].rename({one: two, two: one}).reindex(again.index)
        assert not spot_check.agrees(compared(swapped, again))
    study, line, fold = DIABETES
    test = summaries.read(study)["test"].squeeze("seed")
    for other in set(test["method"].to_numpy()) - {line}:
        stored = test.sel({"method": other, "fold": fold}).to_series()
        assert not spot_check.agrees(compared(stored, again)), other
    for other_fold in set(test["fold"].to_numpy().tolist()) - {fold}:
        stored = test.sel({"method": line, "fold": other_fold}).to_series()
        assert not spot_check.agrees(compared(stored, again))


def compared(stored: pd.Series, again: pd.Series, expected: bool = False) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "relative difference": (again / stored - 1).abs(),
            "same digits": stored == again,
            "expected": expected,
        }
    )


@pytest.mark.parametrize(
    "chosen", [("concrete", "gar", 1), ("sensitivity", 0.5, 1), ("squared_sine", "mse", 1)]
)
def test_slices_of_the_paper_agree(chosen: tuple[str, str, int]) -> None:
    assert spot_check.agrees(spot_check.again(*chosen))


def test_nan_does_not_agree() -> None:
    assert not spot_check.agrees(compared(pd.Series([1.0, 1.0]), pd.Series([1.0, float("nan")])))


def test_in_the_same_arithmetic_all_digits_count() -> None:
    stored, again = pd.Series([1.0, 2.0]), pd.Series([1.0, 2.000001])
    assert spot_check.agrees(compared(stored, again))
    assert not spot_check.agrees(compared(stored, again, expected=True))
    assert spot_check.agrees(compared(stored, stored, expected=True))


def test_a_summary_of_other_settings_is_not_recognised(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    frame, provenance = summaries.read_frame("diabetes")
    provenance["settings"]["recipe"]["epochs"] = 99
    summaries.write_frame(frame, "diabetes", provenance, tmp_path)
    monkeypatch.setattr(paths, "summaries", lambda: tmp_path)
    with pytest.raises(summaries.SummaryError, match=r"other settings \(recipe: stored .*99"):
        spot_check.again(*DIABETES)


@pytest.fixture
def fresh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The summary of a short study of two losses, computed just now."""
    monkeypatch.setitem(tabular.RECIPES, "diabetes", SHORT)
    monkeypatch.setattr(paths, "summaries", lambda: tmp_path)
    monkeypatch.setattr(paths, "new_summaries", lambda: tmp_path)
    results = tabular.run("diabetes", ("mae", "gar"), store=tmp_path / "store")
    summaries.write(results, "diabetes", tmp_path)
    return "diabetes"


SHORT = replace(tabular.RECIPES["diabetes"], epochs=3, milestones=(2,))


def test_a_summary_is_verified_with_other_code(fresh: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert spot_check.state(fresh) == "computed with the present code"
    before = summaries.read(fresh)
    computed = before.attrs["code"]
    monkeypatch.setattr(provenance, "_digest", lambda roots: f"other code of {roots[-1].name}")
    assert spot_check.state(fresh) == "not verified with the present code"
    frame = spot_check.verify(fresh)
    assert frame["same digits"].all()
    assert spot_check.state(fresh) == "verified with the present code"
    after = summaries.read(fresh)
    assert after.attrs["code"] == computed
    record = after.attrs[spot_check.VERIFIED]
    assert record["code"] == spot_check.code_of(fresh) != computed
    assert record["slices"] == [["mae", 0], ["gar", 1]]
    assert {"pins", "versions"} <= record.keys()
    assert {k: v for k, v in after.attrs.items() if k != spot_check.VERIFIED} == before.attrs


def test_a_summary_of_other_values_is_not_verified(fresh: str) -> None:
    frame, record = summaries.read_frame(fresh)
    frame.loc[(frame["method"] == "gar") & (frame["metric"] == "RMSE"), "test"] += 1e-6
    summaries.write_frame(frame, fresh, record)
    with pytest.raises(summaries.SummaryError, match=r"is not verified: gar give other values now"):
        spot_check.verify(fresh)
    assert spot_check.VERIFIED not in summaries.read(fresh).attrs
    assert len(spot_check.verify(fresh, ["mae"])) == 4


def test_the_records_of_the_repository_are_of_the_present_code() -> None:
    """Those that say which code they were computed with; older ones do not."""
    for path in sorted(paths.summaries().glob("*.json")):
        record = json.loads(path.read_text(encoding="utf8"))
        if "csv_sha256" in record and "fingerprints" in record and "code" in record:
            study = path.stem
            for suffix in ("_curves", "_start", "_peaks", "_drugs"):
                study = study.removesuffix(suffix)
            assert spot_check.state(study) != spot_check.STATES[2], study


def test_absent_lines_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(summaries.SummaryError, match="no method 'lasso'; there are: mae, mse"):
        spot_check.again("diabetes", "lasso", 0)
    for path in paths.summaries().glob("sine*"):
        shutil.copy(path, tmp_path)
    frame, provenance = summaries.read_frame("sine_start")
    other = {**provenance, "fingerprints": "0" * 64}
    summaries.write_frame(frame, "sine_start", other, tmp_path)
    with pytest.raises(summaries.SummaryError, match="'sine' and 'sine_start' come from different"):
        curves.read_start("sine", tmp_path)
