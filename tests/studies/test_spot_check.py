"""A slice trained again agrees with its summary, and with nothing else."""

from __future__ import annotations

import itertools
import shutil
from pathlib import Path

import pandas as pd
import pytest

from gar_verify import paths
from gar_verify.studies import curves, spot_check, summaries


@pytest.fixture(scope="module")
def diabetes() -> pd.DataFrame:
    return spot_check.again(*spot_check.STAND_IN)


def test_the_stand_in_agrees(diabetes: pd.DataFrame) -> None:
    assert diabetes.index.tolist() == ["MAE", "RMSE", "Pearson", "Spearman"]
    assert spot_check.agrees(diabetes)


def test_other_metrics_methods_and_folds_do_not_agree(diabetes: pd.DataFrame) -> None:
    """Every exchange of two columns, every other method of the fold, every other fold."""
    again = diabetes["again"]
    for one, two in itertools.combinations(again.index, 2):
        swapped = diabetes["stored"].rename({one: two, two: one}).reindex(again.index)
        assert not spot_check.agrees(compared(swapped, again))
    study, line, fold = spot_check.STAND_IN
    test = summaries.read(study)["test"].squeeze("seed")
    for other in set(test["method"].to_numpy()) - {line}:
        stored = test.sel({"method": other, "fold": fold}).to_series()
        assert not spot_check.agrees(compared(stored, again)), other
    for other_fold in set(test["fold"].to_numpy().tolist()) - {fold}:
        stored = test.sel({"method": line, "fold": other_fold}).to_series()
        assert not spot_check.agrees(compared(stored, again))


def compared(stored: pd.Series, again: pd.Series) -> pd.DataFrame:
    return pd.DataFrame({"relative difference": (again / stored - 1).abs()})


@pytest.mark.parametrize(
    "chosen", [("concrete", "gar", 1), ("sensitivity", 0.5, 1), ("squared_sine", "mse", 1)]
)
def test_slices_of_the_paper_agree_where_the_tables_are(chosen: tuple[str, str, int]) -> None:
    if spot_check.at_hand(*chosen) != chosen:
        pytest.skip(f"the table of '{chosen[0]}' is not at hand")
    assert spot_check.agrees(spot_check.again(*chosen))


def test_nan_does_not_agree() -> None:
    assert not spot_check.agrees(pd.DataFrame({"relative difference": [0.0, float("nan")]}))


def test_without_the_tables_diabetes_stands_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GAR_VERIFY_DATA", raising=False)
    for chosen in (
        ("concrete", "gar", 1),
        ("squared_sine", "mse", 1),
        ("wine_ablation", "ablation c", 0),
    ):
        assert spot_check.at_hand(*chosen) == spot_check.STAND_IN
    for bundled in (("diabetes", "mae", 2), ("sine", "mae", 1)):
        assert spot_check.at_hand(*bundled) == bundled


def test_a_summary_of_other_settings_is_not_recognised(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    frame, provenance = summaries.read_frame("diabetes")
    provenance["settings"]["recipe"]["epochs"] = 99
    summaries.write_frame(frame, "diabetes", provenance, tmp_path)
    monkeypatch.setattr(paths, "summaries", lambda: tmp_path)
    with pytest.raises(summaries.SummaryError, match=r"other settings \(recipe: stored .*99"):
        spot_check.again(*spot_check.STAND_IN)


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
