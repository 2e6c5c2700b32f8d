import numpy as np
import pandas as pd
import pytest
import xarray as xr

from gar_verify import tables
from gar_verify.experiments import published
from gar_verify.metrics import METRICS


@pytest.fixture
def sine() -> xr.Dataset:
    metrics = np.zeros((2, 2, 1, 3, 4))
    metrics[:, :, 0, 2, 0] = [[0.3, 0.4], [0.4, 0.5]]
    return xr.Dataset(
        {"metrics": (("method", "seed", "epoch", "split", "metric"), metrics)},
        coords={
            "method": ["gar", "mae"],
            "seed": [1, 2],
            "epoch": [1],
            "split": ["train", "validation", "test"],
            "metric": list(METRICS),
        },
        attrs={"table": "sine"},
    )


@pytest.fixture
def concrete() -> xr.Dataset:
    """Two methods, five folds, one setting, two epochs; the first epoch is the better one."""
    metrics = np.ones((2, 1, 5, 1, 1, 1, 2, 3, 4))
    metrics[..., 1, 1, :2], metrics[..., 1, 1, 2:] = 2, 0.5
    metrics[0, 0, :, ..., 0, 2, 0] = np.array([4.5, 4.6, 4.6, 4.7, 4.6]).reshape(5, 1, 1, 1)
    metrics[1, 0, :, ..., 0, 2, 0] = np.array([5.0, 5.0, 5.0, 4.9, 5.1]).reshape(5, 1, 1, 1)
    names = ("method", "seed", "fold", "learning_rate", "weight_decay", "hyperparameter")
    return xr.Dataset(
        {"metrics": ((*names, "epoch", "split", "metric"), metrics)},
        coords={
            "method": ["gar", "mae"],
            "seed": [0],
            "fold": range(5),
            "learning_rate": [0.1],
            "weight_decay": [0.1],
            "hyperparameter": [0],
            "epoch": [1, 2],
            "split": ["train", "validation", "test"],
            "metric": list(METRICS),
        },
        attrs={"table": "concrete"},
    )


def test_sine_table_puts_published_beside_measured(sine):
    table = tables.sine_table(sine)
    runs = published.synthetic_runs("sine", "gar")
    assert table.loc["GAR", "measured"] == pytest.approx(0.35)
    assert table.loc["GAR", "published"] == pytest.approx(np.mean(runs))
    assert table.loc["MAE", "max"] == 0.5
    assert table.loc["GAR", "deviation"] == pytest.approx((0.35 - np.mean(runs)) / np.std(runs))


def test_tabular_table_selects_and_compares(concrete):
    table = tables.tabular_table(concrete)
    line = table.loc[("MAE", "GAR")]
    assert line["measured"] == pytest.approx(4.6)
    assert line["std"] == pytest.approx(np.std([4.5, 4.6, 4.6, 4.7, 4.6]))
    assert line["deviation"] == pytest.approx((4.6 - 4.603) / 0.075)
    assert line["gain"] == pytest.approx(8)
    assert 0 < line["p"] < 0.001
    assert np.isnan(table.loc[("MAE", "MAE"), "gain"])


def test_what_was_not_published_is_empty(concrete):
    table = tables.tabular_table(concrete.assign_attrs(table="diabetes"))
    assert table["published"].isna().all()
    assert table["deviation"].isna().all()


def test_markdown_aligns_numbers_and_leaves_gaps_empty():
    frame = pd.DataFrame(
        {"a": [1.23456, np.nan], "b": [2, 3]}, index=pd.Index(["x", "y"], name="m")
    )
    assert tables.markdown(frame, 2) == (
        "| m | a | b |\n| --- | ---: | ---: |\n| x | 1.23 | 2 |\n| y |  | 3 |\n"
    )


def test_files_hold_the_table(sine, tmp_path):
    markdown, csv = tables.save(tables.sine_table(sine), "inner/sine", tmp_path)
    assert markdown.read_text().startswith("| method | measured |")
    back = pd.read_csv(csv, index_col="method")
    pd.testing.assert_frame_equal(back, tables.sine_table(sine), rtol=1e-5)
    assert len(list(csv.parent.iterdir())) == 2
