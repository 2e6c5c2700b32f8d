"""GAR on each data set: hand-made values, evidence moved both ways, committed files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
import xarray as xr

from gar_verify import paths
from gar_verify.claims import Evidence, overview
from gar_verify.studies import summaries
from gar_verify.studies.figures import drawn, overview_figure

Writer = Callable[[str, xr.Dataset], Evidence]


@pytest.fixture(scope="module")
def lines() -> pd.DataFrame:
    return overview.frame()


@pytest.mark.parametrize(("by", "verdict"), [(-2.0, "lower"), (0.0, "tie"), (2.0, "higher")])
def test_the_verdict_follows_the_errors(store: Writer, by: float, verdict: str) -> None:
    """GAR's errors those of the best other but for a shift, and a spread of a tenth of it."""
    results = summaries.read("concrete")
    test = results["test"].copy()
    best = test.sel({"method": "huber"}, drop=True)
    spread = xr.DataArray([-0.2, -0.1, 0.0, 0.1, 0.2], dims="fold")
    test.loc[{"method": "gar"}] = (best + by + spread).transpose(*best.dims)
    made = store("concrete", results.assign(test=test))
    line = overview.frame(made).loc[("Concrete", "formula")]
    assert (line["RMSE"] > 0, line["RMSE"] < 0) == (verdict == "lower", verdict == "higher")
    assert (line["other"], line["verdict"]) == ("Huber", verdict)
    mean = best.sel(metric="MAE").mean().item()
    assert line["difference"] == pytest.approx(-100 * by / mean, abs=1e-6)
    assert line["low"] < line["difference"] < line["high"]


def test_the_best_other_has_the_lowest_mean(store: Writer) -> None:
    results = summaries.read("concrete")
    test = results["test"].copy()
    test.loc[{"method": "conr", "metric": "MAE"}] = 1.5
    found = overview.frame(store("concrete", results.assign(test=test)))
    assert set(found["other"]) == {"ConR"}
    assert set(found["other measured"]) == {1.5}


def test_counts_of_the_sentence(lines: pd.DataFrame) -> None:
    of = lines.xs("formula", level="constants")
    made = lines.assign(verdict="tie")
    assert f"in 0 of {len(of)} comparisons, higher in 0" in overview.sentence(made)
    made.loc[("Wine", "formula"), "verdict"] = "lower"
    said = overview.sentence(made).partition("by the formula")[2]
    assert f"by more than chance in 1 of {len(of)} comparisons" in said


def test_the_other_metrics_are_counted(lines: pd.DataFrame) -> None:
    made = lines.assign(**dict.fromkeys(overview.FURTHER, 0))
    made.loc[("Wine", "released"), "Pearson"] = 1
    made.loc[("Wine", "released"), "RMSE"] = -1
    said = overview.further(made)
    assert "by RMSE it is better in 0, worse in 1; by Pearson it is better in 1, worse in 0" in said


def test_every_study_of_many_losses_is_there(lines: pd.DataFrame) -> None:
    assert set(lines["study"]) == set(overview.studies())


def test_the_files_of_the_repository_are_of_its_results(
    lines: pd.DataFrame, tmp_path: Path
) -> None:
    written = overview.write(lines, tmp_path)
    for path in written[:2]:
        assert path.read_bytes() == (paths.figures() / path.name).read_bytes()
    assert {drawn(path) for path in written[2:]} == {
        drawn(paths.figures() / f"{overview.STEM}{suffix}") for suffix in (".png", ".pdf")
    }


def test_a_line_for_each_data_set_is_drawn(lines: pd.DataFrame) -> None:
    (panel,) = overview_figure(lines).axes
    names = [text.get_text() for text in panel.get_yticklabels()]
    assert names == list(lines.index.unique("data set"))
    inside = lines["difference"].abs() <= panel.get_xlim()[1]
    middles = [line for line in panel.lines if line.get_marker() == "o"]
    assert len(middles) == inside.sum()
    rings = [line.get_markerfacecolor() == "white" for line in middles]
    assert sum(rings) == (lines["verdict"] == "tie")[inside].sum() < len(rings)
    beyond = inside & ((lines["high"] > panel.get_xlim()[1]) | (lines["low"] < panel.get_xlim()[0]))
    arrows = {line.get_marker() for line in panel.lines} & {"<", ">"}
    assert bool(arrows) == beyond.any()
