"""The tables of the runtime study: measured beside published."""

import numpy as np
import pandas as pd
import pytest

from gar_verify import paths
from gar_verify.benchmarks import runtime_summary, runtime_tables
from gar_verify.benchmarks.runtime_settings import COLUMNS
from gar_verify.benchmarks.runtime_summary import Summary
from gar_verify.studies import published, tables

METHODS = ("mae", "rnc", "rnc_contrastive", "gar_released")


@pytest.fixture
def summary() -> Summary:
    """A loss alone that takes N^2 us (the MAE: N us), loops of 256 rows with made-up times."""
    lines = [
        (setup, name, 256, 0.01 * (i + 1), i + 1.0, i + 0.5, i + 1.5)
        for setup in ("published_loop", "in_memory")
        for i, name in enumerate(METHODS)
    ]
    lines += [
        ("loss_only", name, n, 1e-6 * n ** (1 + (name != "mae")), float(n), 0.0, 0.0)
        for n in (256, 512, 1024, 2048)
        for name in METHODS
    ]
    parts = {"whole": 0.1, "loader": 0.09, "steps": 0.0021, "metrics": 0.004}
    return Summary(pd.DataFrame(lines, columns=COLUMNS), {"epoch_seconds": parts})


def test_published_stands_beside_measured(summary):
    table = runtime_tables.runtime_table(summary)
    seconds = published.seconds_per_epoch
    assert table.index.tolist() == ["MAE", "RnC", "RnC, first phase", "GAR (released)"]
    assert table.loc["MAE", "published s"] == seconds("mae")
    assert table.loc["GAR (released)", "published s"] == seconds("gar")
    assert table.loc["GAR (released)", "published ratio"] == seconds("gar") / seconds("mae")
    assert table.loc["RnC", "claimed ratio"] == published.relative_time("rnc")
    assert np.isnan(table.loc["RnC, first phase", "claimed ratio"])
    line = table.loc["RnC, first phase"]
    assert line[["loop ms", "loop ratio", "loop low", "loop high"]].tolist() == [30, 3, 2.5, 3.5]
    assert line["loss ms"] == pytest.approx(1e-3 * 256**2)
    assert line["loss ratio"] == 256


def test_the_published_time_of_rnc_is_its_first_phase(summary):
    table = runtime_tables.runtime_table(summary)["published s"]
    assert table["RnC, first phase"] == published.seconds_per_epoch("rnc")
    assert table["RnC"] == pytest.approx((table["RnC, first phase"] + table["MAE"]) / 2)


def test_growth_has_a_column_for_each_size_and_the_exponent(summary):
    table = runtime_tables.growth_table(summary)
    assert table.index.tolist() == ["MAE", "RnC", "RnC, first phase", "GAR (released)"]
    sizes = [f"N = {n} [ms]" for n in (256, 512, 1024, 2048)]
    assert list(table) == [*sizes, "exponent", "error", "from", "to"]
    assert table["exponent"].to_numpy() == pytest.approx([1, 2, 2, 2])
    assert table.loc["MAE", "N = 256 [ms]"] == pytest.approx(0.256)
    assert table[["from", "to"]].to_numpy().tolist() == [[512, 2048]] * 4


def test_the_sentence_tells_where_an_epoch_goes(summary):
    assert runtime_tables.epoch_sentence(summary) == (
        "An epoch of the released loop with the MAE takes 100.0 ms. By themselves, its data "
        "loader takes 90.0 ms, the metrics 4.0 ms, and the steps, loss included, 2.1 ms."
    )


@pytest.mark.parametrize(
    ("name", "make"),
    [("runtime", runtime_tables.runtime_table), ("runtime_growth", runtime_tables.growth_table)],
)
def test_the_committed_tables_are_those_of_the_committed_summary(name, make, tmp_path):
    for path in tables.save(make(runtime_summary.read()), name, tmp_path):
        assert path.read_text() == (paths.figures() / path.name).read_text()


def test_published_times_are_all_there():
    for name in ("mae", "mse", "huber", "focal_mae", "focal_mse", "ranksim", "rnc", "conr", "gar"):
        assert published.seconds_per_epoch(name) > 0
    assert published.seconds_per_epoch("mae") == 0.093
    assert published.seconds_per_epoch("gar_released") == published.seconds_per_epoch("gar") == 0.08
    assert [published.relative_time(n) for n in ("ranksim", "rnc", "conr")] == [2.5, 1.8, 2.0]
    assert np.isnan(published.relative_time("huber"))
