"""Predictions of what was selected: trained again, kept, and what other test rows would change."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from gar_verify import paths
from gar_verify.metrics import METRICS
from gar_verify.studies import predictions, selection, statistics, summaries, tabular

REPOSITORY = Path(__file__).resolve().parents[2]
STORED = sorted(path.stem for path in (paths.summaries() / predictions.FOLDER).glob("*.nc"))
WHOLE = ("selected_epoch", "selected_hyperparameter")
FEW = ("mae", "ranksim", "gar")


FULL = tabular.protocol("diabetes")
SMALL = replace(
    FULL,
    recipe=replace(FULL.recipe, epochs=5, milestones=(3,)),
    folds=2,
    learning_rates=(1e-1, 1e-2),
    weight_decays=(1e-4,),
)


@pytest.fixture(scope="module")
def trained() -> xr.Dataset:
    """A short study of diabetes."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tabular, "protocol", lambda table, quick=False: SMALL)
        return tabular.run("diabetes", FEW, seeds=(0, 1), jobs=1)


@pytest.fixture
def short(trained: xr.Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The summary of that study, in a folder of its own."""
    monkeypatch.setattr(tabular, "protocol", lambda table, quick=False: SMALL)
    monkeypatch.setattr(paths, "summaries", lambda: tmp_path)
    monkeypatch.setattr(predictions, "DRAWS", 20)
    summaries.write(trained, "diabetes", tmp_path)
    return tmp_path


def test_what_was_selected_is_trained_again_and_kept(short: Path) -> None:
    found = predictions.record("diabetes", store=short / "store", jobs=1)
    assert found["prediction"].dims == ("method", "seed", "fold", "metric", "row", "target")
    stored = summaries.read("diabetes")
    scores = predictions.scores(found)
    wanted = stored["test"].transpose(*scores.dims)
    np.testing.assert_allclose(scores, wanted, rtol=1e-6, atol=1e-6)
    rows = stored.attrs[predictions.ROWS]
    assert (rows["count"], rows["lines"]) == (found.sizes["row"], list(FEW))
    before = predictions.path_of("diabetes").read_bytes()
    predictions.record("diabetes", store=short / "store", jobs=1)  # all pieces are there
    assert predictions.path_of("diabetes").read_bytes() == before


def test_nothing_is_written_if_a_value_comes_out_otherwise(short: Path) -> None:
    frame, provenance = summaries.read_frame("diabetes")
    here = (frame["method"] == "gar") & (frame["fold"] == 1) & (frame["seed"] == 0)
    frame.loc[here & (frame["metric"] == "MAE"), "test"] += 2e-6
    summaries.write_frame(frame, "diabetes", provenance, short)
    message = r"1 of 48 test values of 'diabetes' come out otherwise now \(gar\)"
    with pytest.raises(summaries.SummaryError, match=message):
        predictions.record("diabetes", store=short / "store", jobs=1)
    assert not predictions.path_of("diabetes").exists()
    assert predictions.ROWS not in summaries.read("diabetes").attrs


def test_a_line_that_diverged_has_no_predictions(short: Path) -> None:
    frame, provenance = summaries.read_frame("diabetes")
    here = (frame["method"] == "gar") & (frame["fold"] == 1) & (frame["seed"] == 0)
    frame.loc[here, ["test", "validation"]] = np.nan
    chosen = [name for name in frame if name.startswith("selected_")]
    frame.loc[here, chosen] = [-1.0 if name in WHOLE else np.nan for name in chosen]
    summaries.write_frame(frame, "diabetes", provenance, short)
    found = predictions.record("diabetes", store=short / "store", jobs=1)["prediction"]
    line = found.sel({"method": "gar", "seed": 0})
    assert line.sel(fold=1).isnull().all()
    assert line.sel(fold=0).notnull().all()
    compared = statistics.compare(summaries.read("diabetes"), "mae")
    assert compared.xs("GAR", level=1)["error rows"].isna().all()
    assert compared.xs("RankSim", level=1)["error rows"].notna().all()


def test_predictions_of_another_summary_are_refused(short: Path) -> None:
    with pytest.raises(summaries.SummaryError, match="table diabetes --predictions trains what"):
        predictions.read("diabetes")
    path = predictions.path_of("diabetes")
    path.parent.mkdir()
    shutil.copy(REPOSITORY / "paper_figures/results/predictions/diabetes.nc", path)
    with pytest.raises(summaries.SummaryError, match="belongs to another summary of 'diabetes'"):
        predictions.read("diabetes")


def test_studies_without_folds_have_none() -> None:
    with pytest.raises(ValueError, match="such as concrete; sine is none"):
        predictions.record("sine")


def test_every_study_of_a_table_with_folds_has_them() -> None:
    """But that of frozen vectors, which are made from data and an encoder of one's own."""
    heads = {
        path.stem: path.read_text(encoding="utf-8").partition("\n")[0].split(",")
        for path in paths.summaries().glob("*.csv")
    }
    wanted = {name for name, head in heads.items() if {"fold", "selected_weight_decay"} <= {*head}}
    assert {*STORED} == wanted - {"sts_b_frozen"}
    assert all(predictions.ROWS in summaries.read(study).attrs for study in STORED)


@pytest.mark.parametrize("study", STORED)
def test_stored_predictions_have_the_scores_of_their_summary(study: str) -> None:
    """So every number of a table can be had from the predictions."""
    found, summary = predictions.read(study), summaries.read(study)
    scores = predictions.scores(found)
    stored = summary["test"].transpose(*scores.dims)
    np.testing.assert_allclose(scores, stored, rtol=1e-6, atol=1.1e-6)
    assert found.attrs["data"] == summary.attrs["data"]


def test_a_stored_covariance_is_that_of_the_stored_predictions() -> None:
    rows = summaries.read("diabetes").attrs[predictions.ROWS]
    found = predictions.row_covariance(predictions.read("diabetes"), rows["draws"])
    for matrix, metric in zip(found, METRICS, strict=True):
        np.testing.assert_allclose(matrix, rows["covariance"][metric], rtol=1e-4, atol=1e-9)


def made(lines: int = 3, rows: int = 80, folds: int = 4) -> xr.Dataset:
    rng = np.random.default_rng(0)
    label = rng.normal(size=(rows, 2))
    noise = rng.normal(size=(rows, 2)) + 0.3 * rng.normal(size=(lines, 1, folds, 4, rows, 2))
    coordinates = {
        "method": list("abc")[:lines],
        "seed": [0],
        "fold": list(range(folds)),
        "metric": list(METRICS),
    }
    dims = (*coordinates, "row", "target")
    scale = np.array([0.5, 1, 2])[:lines, None, None, None, None, None]
    return xr.Dataset(
        {"prediction": (dims, label + scale * noise), "label": (("row", "target"), label)},
        coordinates,
    )


@pytest.fixture(scope="module")
def covariances() -> np.ndarray:
    """Of what is `made`, for each metric."""
    return predictions.row_covariance(made(), 1500)


def test_the_covariance_of_mean_errors_is_that_of_the_errors_of_rows(
    covariances: np.ndarray,
) -> None:
    found = made()
    error = abs(found["prediction"] - found["label"]).sel(metric="MAE")
    by_row = error.mean(("target", "fold", "seed")).transpose("method", "row")
    wanted = np.cov(by_row) / found.sizes["row"]
    measured = covariances[METRICS.index("MAE")]
    np.testing.assert_allclose(measured, wanted, rtol=0.15)


def test_the_covariance_of_correlations_is_that_of_a_jackknife(covariances: np.ndarray) -> None:
    found = made()
    count = found.sizes["row"]
    without = [
        predictions.scores(found.isel(row=np.delete(np.arange(count), row))).mean(("seed", "fold"))
        for row in range(count)
    ]
    values = np.stack([one.sel(metric="Pearson") for one in without], 1)
    wanted = np.cov(values, ddof=0) * (count - 1)
    measured = covariances[METRICS.index("Pearson")]
    np.testing.assert_allclose(measured.diagonal(), wanted.diagonal(), rtol=0.25)


def test_gaps_leave_a_row_out_of_the_target_that_it_lacks() -> None:
    found = made()
    found["label"][5:9, 0] = np.nan
    scores = predictions.scores(found)
    error = abs(found["prediction"] - found["label"]).sel(metric="MAE").mean("row").mean("target")
    np.testing.assert_allclose(scores.sel(metric="MAE"), error, rtol=1e-6)


def test_rows_are_known_of_results_with_the_stored_values_only() -> None:
    stored = summaries.read("diabetes")
    bare = stored.assign_attrs({**stored.attrs})
    del bare.attrs[predictions.ROWS]
    known = predictions.with_rows(bare, "diabetes")
    assert known.attrs[predictions.ROWS] == stored.attrs[predictions.ROWS]
    part = predictions.with_rows(bare.sel({"method": ["mae", "gar"]}), "diabetes")
    compared = statistics.compare(part, "gar")
    assert compared["error rows"].notna().all()
    other = bare.copy(deep=True)
    other["test"][0, 0, 0, 0] += 1e-6
    assert predictions.ROWS not in predictions.with_rows(other, "diabetes").attrs
    assert predictions.ROWS not in predictions.with_rows(bare, "no_such_study").attrs
    assert json.dumps(stored.attrs[predictions.ROWS])  # plain values


def test_a_difference_is_that_of_folds_and_rows_together() -> None:
    """The error of the rows is that of the difference, from the stored predictions by hand."""
    summary = summaries.read("diabetes")
    line = statistics.compare(summary, "gar").loc[("MAE", "MAE")]
    found = predictions.read("diabetes")["prediction"].sel(metric="MAE").squeeze(("seed", "target"))
    error = abs(found - predictions.read("diabetes")["label"].squeeze("target"))
    gain = (error.sel({"method": "mae"}) - error.sel({"method": "gar"})).mean("fold")
    assert line["difference"] == pytest.approx(float(gain.mean()), rel=1e-5)
    assert line["error rows"] == pytest.approx(float(gain.std(ddof=1)) / len(gain) ** 0.5, rel=0.05)
    alone = statistics.compare(summary.assign_attrs(rows={"lines": [], "count": 0}), "gar")
    assert np.isnan(alone.loc[("MAE", "MAE"), "error rows"])
    assert alone.loc[("MAE", "MAE"), "low"] > line["low"]
    assert selection.select(summary).attrs["rows"]["count"] == len(gain)
