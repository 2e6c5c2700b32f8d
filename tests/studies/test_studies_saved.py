"""What `studies.save` writes, and what it leaves alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from gar_verify import paths
from gar_verify.data import load_table
from gar_verify.studies import catalogue, peaks, summaries, synthetic, tabular

TEXTS = (".md", ".csv")
pytestmark = pytest.mark.usefixtures("sketches")


def test_a_summary_is_saved_as_table_figure_and_comparison(tmp_path: Path) -> None:
    written = catalogue.save("diabetes", catalogue.summary("diabetes"), tmp_path)
    assert {path.name for path in written} == {
        *(f"diabetes{suffix}" for suffix in (".md", ".csv", ".pdf", ".png")),
        *(f"diabetes_{name}{suffix}" for name in ("comparison", "gains") for suffix in TEXTS),
    }
    assert {path.name for path in tmp_path.iterdir()} == {path.name for path in written}


def test_quick_results_are_no_summary(tmp_path: Path) -> None:
    results = synthetic.run(["gar"], seeds=(1,), quick=True, store=tmp_path / "store")
    names = {path.name for path in catalogue.save("sine", results, tmp_path)}
    suffixes = ("md", "csv", "pdf", "png")
    assert names == {f"sine{stem}.{end}" for stem in ("", "_peaks") for end in suffixes}


def test_full_results_are_summarised_unless_that_would_lose_methods(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    short = replace(synthetic.QUICK, epochs=6, milestones=(2, 4))
    monkeypatch.setattr(synthetic, "QUICK", short)
    monkeypatch.setattr(synthetic, "RECIPE", short)
    monkeypatch.setattr(synthetic, "SEEDS", (1, 2))
    store = tmp_path / "store"
    both = synthetic.run(
        ["gar", "mse"], seeds=(1, 2), curve="squared_sine", quick=True, store=store
    )
    written = catalogue.save("squared_sine", both, tmp_path)
    results = {path.stem for path in written if path.parent.name == "results"}
    assert results == {f"squared_sine{end}" for end in ("", "_curves", "_start", "_peaks")}
    counted = peaks.read("squared_sine", tmp_path / "results")
    assert counted.equals(peaks.count(both).assign(recovered=counted["recovered"]))
    before = (tmp_path / "results" / "squared_sine.csv").read_bytes()
    catalogue.save("squared_sine", both.sel({"method": ["gar"]}), tmp_path)
    assert (tmp_path / "results" / "squared_sine.csv").read_bytes() == before


def test_a_corrected_study_needs_all_its_seeds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its features are scaled on the training part, and fewer seeds make no summary of it."""
    recipe = replace(tabular.RECIPES["diabetes"], epochs=2, milestones=(1,))
    short = tabular.Protocol(recipe, (0.1,), (1e-3,), 2)
    monkeypatch.setattr(tabular, "protocol", lambda *_: short)
    corrected = catalogue.run("diabetes_corrected", ["mae", "gar"], store=tmp_path / "store")
    scaled = load_table("diabetes").scaled_on_training_part()
    assert (corrected.attrs["data"], corrected.attrs["source"]) == (scaled.checksum, scaled.source)
    assert corrected["seed"].to_numpy().tolist() == list(catalogue.CORRECTED_SEEDS)
    names = {path.name for path in catalogue.save("diabetes_corrected", corrected, tmp_path)}
    assert {"diabetes_corrected.csv", "diabetes_corrected_comparison.csv"} < names
    stored = tmp_path / "results" / "diabetes_corrected.csv"
    before = stored.read_bytes()
    catalogue.save("diabetes_corrected", corrected.sel(seed=[0]), tmp_path)
    assert stored.read_bytes() == before
    stored.unlink()
    catalogue.save("diabetes_corrected", corrected.sel(seed=[0]), tmp_path)
    assert not stored.exists()


def test_missing_methods_and_verdicts_are_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert catalogue.missing("concrete") == []
    assert "not in the summary yet" not in catalogue.verdict("concrete")
    frame, provenance = summaries.read_frame("concrete")
    chosen = frame[frame["method"].isin(["mae", "gar"])]
    summaries.write_frame(chosen, "concrete", provenance, tmp_path)
    monkeypatch.setattr(paths, "summaries", lambda: tmp_path)
    assert catalogue.missing("concrete")[:2] == ["MSE", "Huber"]
    gar = chosen.query("method == 'gar' and metric == 'MAE'")["test"].mean()
    lowest = f"Concrete: lowest test MAE GAR {gar:.3f}, then MAE"
    assert catalogue.verdict("concrete").startswith(lowest)
    assert "not in the summary yet: MSE, Huber" in catalogue.verdict("concrete")
    assert catalogue.missing("wine") == list(map(catalogue.label, tabular.methods_of("wine")))
    assert catalogue.verdict("wine") == ("wine: no full run is stored; gar-verify run wine --save")


def test_sensitivity_paper_is_the_papers_formula() -> None:
    assert catalogue.data_of("sensitivity_paper") == "concrete"
    with pytest.raises(ValueError, match="'sensitivity_paper' is a study of GAR alone"):
        catalogue.run("sensitivity_paper", ("mae",))
    for study, method in catalogue.SENSITIVITIES.items():
        assert catalogue.sensitivity.method_of(catalogue.summary(study)) == method


def test_lost_folds_and_starts() -> None:
    lost = catalogue.sensitivity.lost(catalogue.summary("sensitivity_paper"), above=6)
    folds = catalogue.summary("sensitivity_paper")["test"].sel(metric="MAE", alpha=0.25)
    assert lost.loc[0.25] == int((folds > 6).sum()) > 0
    crossed = catalogue.sensitivity.by_start(
        0, (0.5, 1.0), (0, 1), table_name="diabetes", method="gar"
    )
    assert crossed.index.tolist() == [0.5, 1.0]
    problem = tabular.folds(load_table("diabetes"), 5)
    flat = np.abs(problem.targets[problem.validation[0]]).mean()
    assert (crossed < flat).all(axis=None)
