"""The tables of the report hold the numbers of the studies' tables, each in its place."""

from __future__ import annotations

import pandas as pd
import pytest

from gar_verify.metrics import METRICS
from gar_verify.reproduce.report import grids
from gar_verify.studies import catalogue, tables
from gar_verify.studies.summaries import SummaryError


@pytest.mark.parametrize("study", catalogue.in_report())
def test_every_summary_makes_a_grid(study: str) -> None:
    try:
        results = catalogue.summary(study)
    except SummaryError:
        pytest.skip(f"no full run of {study} is stored")
    grid = grids.of_study(study, catalogue.table(study, results), "caption")
    assert all(len(row.cells) == len(grid.columns) for row in grid.rows)
    assert grid.rows


def test_measured_and_published_stand_in_the_line_of_their_method() -> None:
    frame = catalogue.table("concrete", catalogue.summary("concrete"))
    grid = grids.of_study("concrete", frame, "caption")
    cells = {row.head: row.cells for row in grid.rows}
    for method, line in cells.items():
        for metric, cell in zip(METRICS, line, strict=True):
            numbers = frame.loc[(metric, method)]
            assert cell.text == f"{numbers['measured']:.3f} ({numbers['std']:.3f})"
            published = f"{numbers['published']:.3f} ({numbers['published std']:.3f})"
            assert cell.below == ("" if pd.isna(numbers["published"]) else published)
    best = [method for method, line in cells.items() if line[0].best]
    assert best == [frame.xs("MAE")["measured"].idxmin()]
    assert [line[2].best for line in cells.values()].count(True) == 1
    assert grid.columns[0].endswith("↓")
    assert grid.columns[2].endswith("↑")


def test_a_question_is_shown_as_its_table_is() -> None:
    frame = catalogue.table("several_targets", catalogue.summary("several_targets"))
    grid = grids.of_study("several_targets", frame, "caption")
    assert grid.columns == tuple(frame.columns)
    assert [row.head for row in grid.rows] == [", ".join(map(str, place)) for place in frame.index]
    first = frame.iloc[0]
    assert grid.rows[0].cells[0].text == f"{first.iloc[0]:.3f}"


def test_sensitivity_has_a_line_for_each_alpha() -> None:
    frame = tables.sensitivity_table(catalogue.summary("sensitivity"))
    grid = grids.of_study("sensitivity", frame, "caption")
    assert [float(row.head) for row in grid.rows] == list(frame.index)
    assert grid.rows[0].cells[0].text.startswith(f"{frame['MAE', 'measured'].iloc[0]:.3f} (")
    assert grid.rows[0].cells[0].below == f"{frame['MAE', 'published'].iloc[0]:.3f}"


def test_runtime_by_method_and_batch_size() -> None:
    lines = pd.DataFrame(
        [
            ("loss_only", "mae", 64, 1e-5, 1.0, 1.0, 1.0),
            ("loss_only", "gar", 64, 2e-5, 2.0, 1.9, 2.1),
            ("loss_only", "gar", 1024, 3e-5, 1.5, 1.4, 1.6),
            ("published_loop", "gar", 256, 0.1, 1.1, 1.0, 1.2),
        ],
        columns=["setup", "method", "batch_size", "seconds", "ratio", "ratio_low", "ratio_high"],
    )
    grid = grids.runtime(lines, "loss_only")
    assert grid.caption == "Seconds in units of the MAE: loss only"
    assert grid.columns == ("batch 64", "batch 1,024")
    cells = {row.head: [(cell.text, cell.below) for cell in row.cells] for row in grid.rows}
    assert cells == {
        "MAE": [("1.00", "1.00 to 1.00"), ("", "")],
        "GAR": [("2.00", "1.90 to 2.10"), ("1.50", "1.40 to 1.60")],
    }
