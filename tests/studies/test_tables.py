import numpy as np
import pandas as pd
import pytest
import xarray as xr

from gar_verify.metrics import METRICS
from gar_verify.studies import published, sensitivity, summaries, tables
from gar_verify.studies import synthetic as sine_study


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


@pytest.fixture
def sensitive() -> xr.Dataset:
    """GAR at two alphas, two folds, one setting, one epoch."""
    metrics = np.zeros((1, 1, 2, 1, 1, 2, 1, 3, 4))
    metrics[..., 0, 0, 2, 0], metrics[..., 1, 0, 2, 0] = 17.5, 4.6
    names = ("method", "seed", "fold", "learning_rate", "weight_decay", "hyperparameter")
    return xr.Dataset(
        {
            "metrics": ((*names, "epoch", "split", "metric"), metrics),
            "hyperparameter_value": (("method", "hyperparameter"), [[0.1, 10.0]]),
        },
        coords={
            "method": ["gar"],
            "seed": [0],
            "fold": [0, 1],
            "learning_rate": [0.1],
            "weight_decay": [0.1],
            "hyperparameter": [0, 1],
            "epoch": [1],
            "split": ["train", "validation", "test"],
            "metric": list(METRICS),
        },
        attrs={"table": "concrete", "settings": '{"method": "gar"}'},
    )


def test_sensitivity_table_has_a_line_for_each_alpha(sensitive):
    table = tables.sensitivity_table(sensitive)
    assert table["MAE", "measured"].tolist() == [17.5, 4.6]
    assert table["MAE", "published"].tolist() == [17.486, 4.603]
    header = tables.markdown(table).splitlines()[0]
    assert header.startswith("| alpha, GAR | MAE measured | MAE std | MAE published | RMSE mea")


def test_ablation_table_names_the_sub_losses(concrete):
    renamed = concrete.assign_coords(method=["ablation gar", "ablation a+b"])
    table = tables.ablation_table(renamed)
    assert table.loc[("MAE", "GAR (released)"), "published"] == 0.494
    assert table.loc[("Pearson", "a+b"), "published"] == 0.608


def test_gains_are_over_mae_and_over_the_best_other_method():
    summary = summaries.read("concrete")
    table = tables.gains_table(summary)
    by_metric = tables.tabular_table(summary).xs("MAE")
    assert table.loc[("MAE", "GAR"), "over MAE"] == pytest.approx(by_metric.loc["GAR", "gain"])
    assert table.loc[("MAE", "GAR"), "p"] == pytest.approx(by_metric.loc["GAR", "p"])
    others = by_metric["measured"].drop(["GAR", "GAR (released)"])
    assert table.loc[("MAE", "GAR"), "best competitor"] == others.idxmin()
    over = 100 * (others.min() - by_metric.loc["GAR", "measured"]) / others.min()
    assert table.loc[("MAE", "GAR"), "over it"] == pytest.approx(over)


def test_comparison_table_is_that_of_the_statistics(concrete):
    table = tables.comparison_table(concrete)
    assert table.loc[("MAE", "MAE"), "difference"] == pytest.approx(0.4)
    assert table.loc[("MAE", "MAE"), "p corrected"] > table.loc[("MAE", "MAE"), "p published"]


def test_a_summary_on_disk_gives_the_same_tables(concrete, tmp_path):
    full = concrete.assign_attrs(settings="{}", table="concrete")
    summaries.write(full, "concrete", tmp_path)
    back = summaries.read("concrete", tmp_path)
    for make in (tables.tabular_table, tables.comparison_table):
        pd.testing.assert_frame_equal(make(back), make(full), rtol=1e-5)
    assert back.attrs == full.attrs


def test_summaries_of_the_other_studies(sine, sensitive, tmp_path):
    sine = sine.assign_attrs(settings="{}")
    summaries.write(sine_study.select(sine), "sine", tmp_path)
    summaries.write(sensitivity.select(sensitive), "sensitivity", tmp_path)
    for study, name, make in (
        (sine, "sine", tables.sine_table),
        (sensitive, "sensitivity", tables.sensitivity_table),
    ):
        pd.testing.assert_frame_equal(make(summaries.read(name, tmp_path)), make(study))


def test_an_absent_summary_says_which_there_are(concrete, tmp_path):
    summaries.write(concrete.assign_attrs(settings="{}"), "concrete", tmp_path)
    with pytest.raises(summaries.SummaryError, match=r"no summary 'wine'.*there: concrete"):
        summaries.read("wine", tmp_path)


def test_no_number_but_zero_looks_like_zero():
    frame = pd.DataFrame(
        {"p": [0.0, 3.2e-6, -4e-4, 5e-4, np.nan]}, index=pd.Index(range(5), name="n")
    )
    assert [line.split("|")[2].strip() for line in tables.markdown(frame).splitlines()[2:]] == [
        "0.000",
        "3e-06",
        "-4e-04",
        "0.001",
        "",
    ]
