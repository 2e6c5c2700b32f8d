"""The study of IC50 on a small made table."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from bits import checksum

from gar_verify import paths
from gar_verify.data.gdsc import TableWithGaps
from gar_verify.losses.registry import get_spec
from gar_verify.metrics import METRICS
from gar_verify.studies import (
    catalogue,
    ic50,
    methods,
    selection,
    spot_check,
    statistics,
    tables,
    tabular,
)
from gar_verify.studies.figures import tabular_figure

RECIPE = replace(tabular.SMALL, hidden=(8, 4), epochs=3, batch_size=16, milestones=(1, 2))
SETTINGS = tabular.Protocol(RECIPE, (1e-1, 1e-2), (1e-4,), 3)


def made(rows: int = 90, drugs: int = 4) -> TableWithGaps:
    rng = np.random.default_rng(1)
    X = rng.integers(0, 2, (rows, 6)).astype(float)
    y = X @ rng.normal(size=(6, drugs)) + rng.normal(size=(rows, drugs))
    y[rng.random(y.shape) < 0.05] = np.nan
    y[:, 0] = np.nan_to_num(y[:, 0])
    names = tuple(f"Drug {k}" for k in range(drugs))
    parts = {"train_X": X[20:], "train_y": y[20:], "test_X": X[:20], "test_y": y[:20]}
    return TableWithGaps("ic50", **parts, source="made", target="y", unit="y", targets=names)


def run(folder: Path, names: tuple[str, ...] = ic50.METHODS) -> xr.Dataset:
    return ic50.run(names, table=made(), settings=SETTINGS, store=folder, jobs=1)


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> xr.Dataset:
    return run(tmp_path_factory.mktemp("store"))


def test_every_method_is_trained_and_scored(results: xr.Dataset) -> None:
    assert tuple(results["method"].values) == ic50.METHODS
    scores = results["metrics"].where(~results["diverged"])
    assert np.isfinite(scores.sel({"method": "gar"})).all()
    mean = results["by_drug"].mean("drug").rename(of="metric")
    test = results["metrics"].sel(split="test", drop=True)
    xr.testing.assert_allclose(mean.transpose(*test.dims), test, rtol=1e-4)


def test_methods_minimise_losses_that_take_gaps_with_the_grids_of_the_others() -> None:
    for method in ic50.methods_of(ic50.METHODS, 100):
        name = "gar" if method.name == methods.PER_TARGET else method.name
        assert method.hyperparameters == get_spec(name).tabular_grid
        assert method.objective.pairwise == get_spec(name).pairs
        for function in method.objective.functions:
            assert function.__module__ in (ic50.gaps.__name__, ic50.gaps_of_pairs.__name__)
    (rnc,) = ic50.methods_of(["rnc"], 100)
    assert (rnc.objective.pretraining_epochs, len(rnc.objective.functions)) == (50, 2)
    with pytest.raises(ValueError, match="'mae_pearson' is no method of ic50; choose from mae"):
        ic50.methods_of(["mae_pearson"], 100)


def test_the_protocol_is_the_papers_but_for_two_decays() -> None:
    assert ic50.protocol().recipe == tabular.LARGE
    assert ic50.protocol().learning_rates == (1e-1, 1e-2, 1e-3)
    assert ic50.protocol().weight_decays == (1e-4,)
    assert ic50.protocol(quick=True).recipe.epochs < 20


def test_drugs_and_lines_are_those_of_the_selected_candidates(results: xr.Dataset) -> None:
    selected = ic50.select(results)
    assert ic50.select(selected) is selected
    drugs = ic50.by_drug(results)
    at = {"method": "huber", "seed": 0, "fold": 2}
    for metric in METRICS:
        chosen = selected.sel({**at, "metric": metric})
        candidate = {dim: chosen[f"selected_{dim}"].item() for dim in selection.CANDIDATES}
        stored = results.sel({**at, **candidate})
        assert chosen["by_line"].item() == pytest.approx(stored["by_line"].item(), abs=1e-6)
        lines = drugs[(drugs["method"] == "huber") & (drugs["fold"] == 2)]
        wanted = stored["by_drug"].sel(of=metric).to_numpy()
        assert lines[metric].to_numpy() == pytest.approx(wanted, abs=1e-6)
        assert lines[metric].mean() == pytest.approx(chosen["test"].item(), abs=1e-5)


def test_where_nothing_is_selected_nothing_is_reported(results: xr.Dataset) -> None:
    lost = results.copy(deep=True)
    lost["metrics"].loc[{"method": "mse", "fold": 0}] = np.nan
    selected, drugs = ic50.select(lost), ic50.by_drug(lost)
    assert selected["by_line"].sel({"method": "mse", "fold": 0}).isnull().all()
    of_mse = drugs[drugs["method"] == "mse"]
    assert of_mse[of_mse["fold"] == 0][list(METRICS)].isna().all(axis=None)
    assert of_mse[of_mse["fold"] == 1][list(METRICS)].notna().all(axis=None)


def test_a_damaged_and_a_lost_piece_are_computed_again(tmp_path: Path, results: xr.Dataset) -> None:
    names = ("gar", "conr")
    run(tmp_path, names)
    files = sorted((tmp_path / "ic50").glob("*.nc"))
    assert len(files) == 6
    files[0].unlink()
    files[3].write_bytes(files[3].read_bytes()[:-1])
    assert checksum(run(tmp_path, names)) == checksum(results.sel({"method": list(names)}))


def test_it_is_written_and_read_as_the_other_studies(
    results: xr.Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ic50, "PROTOCOL", SETTINGS)
    monkeypatch.setattr(paths, "summaries", lambda: tmp_path / "results")
    written = {path.name for path in catalogue.save("ic50", results, tmp_path)}
    stems = ("ic50", "ic50_comparison", "ic50_gains", "ic50_drugs")
    assert written == {
        *(f"{stem}{suffix}" for stem in stems for suffix in (".csv", ".md")),
        *("ic50.png", "ic50.pdf", "ic50.json", "ic50_drugs.json"),
    }
    record = json.loads((tmp_path / "results" / "ic50.json").read_text())
    assert record["settings"]["paper"].startswith("not the paper's table")
    assert record["settings"]["scaling"] == "none"
    before = {path: path.read_bytes() for path in tmp_path.glob("*.*")}
    catalogue.save("ic50", catalogue.summary("ic50"), tmp_path)
    assert {path: path.read_bytes() for path in tmp_path.glob("*.*")} == before
    assert spot_check.state("ic50") == spot_check.STATES[0]
    assert "not the paper's table" in catalogue.sentence("ic50", results)
    frame = pd.read_csv(tmp_path / "ic50_drugs.csv")
    assert list(frame["drug"][:5]) == [*made().targets, ic50.ALONG]
    along = ic50.select(results)["by_line"].sel({"method": "gar", "metric": "Pearson"}).mean()
    assert frame["GAR"][4] == pytest.approx(float(along), abs=1e-5)


def test_the_constant_beside_the_methods(results: xr.Dataset) -> None:
    table = made()
    mean = np.nanmean(table.train_y, axis=0)
    lines = [(row, ~np.isnan(row)) for row in table.test_y]
    along = [np.corrcoef(mean[seen], row[seen])[0, 1] for row, seen in lines if seen.sum() > 2]
    error = np.nanmean(np.abs(mean - table.test_y), axis=0).mean()
    found = ic50.constant(table)
    assert found["MAE"] == pytest.approx(error, abs=1e-6)
    assert found[ic50.ALONG] == pytest.approx(np.mean(along), abs=1e-6)
    assert f"has a test MAE of {error:.3f}" in catalogue.sentence("ic50", results)


def test_a_part_is_not_for_the_record(results: xr.Dataset) -> None:
    assert not catalogue.is_for_the_record("ic50", results)


def test_aggregation_per_target_is_a_line_of_its_own(results: xr.Dataset) -> None:
    comparison = tables.comparison_table(ic50.select(results))
    line = comparison.loc[("MAE", "GAR (per target)")]
    assert line["p holm"] == line["p corrected"]
    assert not methods.is_competitor(methods.PER_TARGET, "gar")
    compared = statistics.compare(ic50.select(results), "gar")
    others = compared.loc["MAE"].drop(["GAR (released)", "GAR (per target)"])
    known = others["difference"].notna().sum()  # RankSim may have diverged
    assert f"of {known} methods" in statistics.sentence(compared, "gar", "ic50")
    gains = tables.gains_table(results).loc["MAE"]
    assert list(gains.index) == ["GAR", "GAR (released)", "GAR (per target)"]


def test_the_figure_shows_what_the_table_holds(results: xr.Dataset) -> None:
    figure = tabular_figure(results)
    table = tables.tabular_table(results)
    for panel, metric in zip(figure.axes, METRICS, strict=True):
        shown = sorted(float(bar[0].get_xdata()[0]) for bar in panel.containers)
        lines = table.xs(metric)["measured"]
        inside = lines.between(*panel.get_xlim())
        assert shown == pytest.approx(sorted(lines[inside]))
        assert len(shown) + len(panel.texts) == len(lines)
