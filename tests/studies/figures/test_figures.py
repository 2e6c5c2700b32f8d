import numpy as np
import pandas as pd
import pytest
import xarray as xr
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from gar_verify.metrics import METRICS
from gar_verify.studies import curves, figures
from gar_verify.studies.figures import style, tabular
from gar_verify.studies.methods import SYNTHETIC, TABULAR

PARTS = ("a", "c", "a+c")
"""Choices of GAR's parts that nothing else is called."""


@pytest.fixture
def results() -> xr.Dataset:
    x = np.linspace(-3, 3, 40)
    y = np.sin(x)
    seeds = np.array([-0.1, 0.0, 0.4])
    prediction = np.stack([y + seeds[:, None], 2 * y + 0 * seeds[:, None]])
    metrics = np.zeros((2, 3, 1, 3, 4))
    metrics[:, :, 0, 2, 0] = [[0.1, 0.2, 0.3], [0.4, 0.5, 0.6]]
    return xr.Dataset(
        {
            "prediction": (("method", "seed", "x"), prediction),
            "metrics": (("method", "seed", "epoch", "split", "metric"), metrics),
            "y": ("x", y),
            "is_test": ("x", x > 0),
        },
        coords={
            "method": ["gar", "mae"],
            "seed": [1, 2, 3],
            "x": x,
            "epoch": [1],
            "split": ["train", "validation", "test"],
            "metric": ["MAE", "RMSE", "Pearson", "Spearman"],
        },
        attrs={"table": "sine"},
    )


ROUNDING = 0.5 * 10**-curves.DIGITS
"""Of what is kept of a curve, and drawn."""

COUNTED = pd.DataFrame(
    [
        (name, seed, peak, height, int(not (name == "gar" and seed > 1 and peak < 0)))
        for name in ("gar", "mae")
        for seed in (1, 2, 3)
        for peak, height in ((-1.5708, -1.0), (1.5708, 1.0))
    ],
    columns=["method", "seed", "peak", "height", "recovered"],
)
"""Peaks of a sine, one of which two seeds of GAR missed."""


def drawn(results):
    return figures.sine_figure(results, COUNTED)


def test_every_method_has_a_panel_and_all_means_meet_in_the_last(results):
    first, second, everything = drawn(results).axes
    assert [p.get_title(loc="left") for p in (first, second, everything)] == [
        "GAR: 1.33 of 2 waves, test MAE 0.200",
        "MAE: 2.00 of 2 waves, test MAE 0.500",
        "All means",
    ]
    truth, mean, always, sometimes = first.lines
    np.testing.assert_allclose(truth.get_ydata(), results["y"], atol=ROUNDING)
    np.testing.assert_allclose(mean.get_ydata(), results["y"] + 0.1, atol=ROUNDING)
    assert len(everything.lines) == 3
    beyond = 1.35 * results["y"].sel(x=COUNTED["peak"].unique(), method="nearest")
    np.testing.assert_allclose(always.get_ydata(), beyond[1:], atol=0.01)
    np.testing.assert_allclose(sometimes.get_ydata(), beyond[:1], atol=0.01)
    assert [len(mark.get_xdata()) for mark in second.lines[2:]] == [2, 0]


def test_lines_are_told_apart_without_colours(results):
    patterns = {str(dashes) for dashes in figures.DASHES.values()}
    assert len(patterns) == len(figures.DASHES) == len(figures.COLORS)
    *panels, everything = drawn(results).axes
    dashes = [line._unscaled_dash_pattern for line in everything.lines[1:]]
    assert dashes == [panel.lines[1]._unscaled_dash_pattern for panel in panels]
    assert dashes[0] != dashes[1]


def test_where_the_truth_is_flat_around_0_the_deviation_is_drawn_with_every_point(results):
    assert len(drawn(results).axes) == 3
    wide = results.assign_coords(x=10 * results["x"])
    y = wide["y"].where(abs(wide["x"]) > 5, 0)
    *_, near = drawn(wide.assign(y=y)).axes
    x = wide["x"][abs(wide["x"]) <= 4]
    for line, deviation in zip(near.lines, (np.std([-0.1, 0.0, 0.4]), 0.0), strict=True):
        np.testing.assert_allclose(line.get_xdata(), x, atol=1e-4)
        np.testing.assert_allclose(line.get_ydata(), deviation, atol=ROUNDING)
        assert line.get_marker() == "."


def test_the_band_is_one_deviation_wide(results):
    panel = drawn(results).axes[0]
    corners = panel.collections[0].get_paths()[0].vertices
    middle = corners[np.isclose(corners[:, 0], results["x"][20], atol=1e-3)]
    deviation = np.std([-0.1, 0.0, 0.4])
    assert np.ptp(middle[:, 1]) == pytest.approx(2 * deviation, abs=4 * ROUNDING)


def test_a_method_has_its_colour_in_every_panel(results):
    first, _, everything = drawn(results).axes
    assert to_hex(first.lines[1].get_color()) == figures.COLORS["gar"].lower()
    assert to_hex(everything.lines[1].get_color()) == figures.COLORS["gar"].lower()


def test_files_are_the_same_bytes_every_time(results, tmp_path):
    twice = [figures.save(drawn(results), "sine", tmp_path / name) for name in ("a", "b")]
    assert [path.suffix for path in twice[0]] == [".pdf", ".png"]
    for one, two in zip(*twice, strict=True):
        assert one.read_bytes() == two.read_bytes()
    assert len(list(tmp_path.rglob("*"))) == 6


def test_tabular_figure_puts_published_beside_measured():
    names = ("method", "seed", "fold", "metric")
    values = np.full((6, 1, 2, 4), 4.6)
    values[0, 0, 0], values[2] = 4.8, 12.0
    selected = xr.Dataset(
        {"test": (names, values)},
        coords={
            "method": ["gar", "mae", "ranksim", "rnc", "mse", "conr"],
            "seed": [0],
            "fold": [0, 1],
            "metric": list(METRICS),
        },
        attrs={"table": "concrete", "unit": "MPa"},
    )
    panels = figures.tabular_figure(selected).axes
    assert [panel.get_title(loc="left") for panel in panels] == [
        "test MAE ↓",
        "test RMSE ↓",
        "test Pearson ↑",
        "test Spearman ↑",
    ]
    dots = [float(line.get_xdata()[0]) for line in panels[0].lines]
    assert dots == pytest.approx([4.603, 4.7, 4.976, 4.6, 4.776, 4.6, 4.953, 4.6, 5.016, 4.6])
    assert [text.get_text() for text in panels[0].texts] == ["11.8 →", "12 →"]
    assert panels[0].get_xlabel() == "MPa"
    assert [text.get_text() for text in panels[0].get_yticklabels()] == [
        "GAR",
        "MAE",
        "RankSim",
        "RnC",
        "MSE",
        "ConR",
    ]


def test_every_method_has_a_colour_of_its_own():
    assert len(set(figures.COLORS.values())) == len(figures.COLORS)
    assert set(TABULAR) | set(SYNTHETIC) <= set(figures.COLORS)
    trained = style.METHOD_COLORS | {k: v for k, v in style.CHOICE_COLORS.items() if k in PARTS}
    own = {name: color for name, color in trained.items() if name != "mae_own"}  # a network each
    assert len(set(own.values())) == len(own)


@pytest.mark.parametrize(
    ("means", "shown"),
    [
        ([4.6, 4.8, 5.0, 12.0], [4.6, 5.0]),  # one would stretch the panel
        ([0.50, 0.51, 0.52, 0.49, 3.0, 4.5, 5.5], [0.49, 0.52]),  # a minority of three would
        ([9.1, 10.0, 10.9, 18.0, 36.3, 36.4], [9.1, 18.0]),  # half stay at least
        ([4.6, 4.8, 5.0, 5.4], [4.6, 5.4]),  # as near as the others to one another
        ([1.0, 2.0], [1.0, 2.0]),
        ([3.0], [3.0, 3.0]),
        ([4.6, np.nan, 4.8, 5.0, 1.0], [4.6, 5.0]),  # far on the left
    ],
)
def test_a_minority_that_would_stretch_a_panel_is_cut_off(means, shown):
    panel = Figure().subplots()
    tabular.limit(panel, np.array([means, np.zeros(len(means))]).T)
    left, right = panel.get_xlim()
    assert left < shown[0]
    assert right > shown[1]
    inside = [mean for mean in means if left < mean < right]
    assert (min(inside), max(inside)) == (shown[0], shown[1])


def test_bars_that_reach_the_others_keep_a_dot_in_the_panel():
    panel = Figure().subplots()
    tabular.limit(panel, np.array([[1.0, 0.1], [1.1, 0.1], [1.2, np.nan], [2.5, 1.2]]))
    assert panel.get_xlim()[1] > 3.7
