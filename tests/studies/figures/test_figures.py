import numpy as np
import pytest
import xarray as xr
from matplotlib.colors import to_hex

from gar_verify.metrics import METRICS
from gar_verify.studies import figures
from gar_verify.studies.methods import SYNTHETIC, TABULAR


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


def test_every_method_has_a_panel_and_all_means_meet_in_the_last(results):
    first, second, everything, spare = figures.sine_figure(results).axes
    assert [p.get_title(loc="left") for p in (first, second, everything)] == [
        "GAR, test MAE 0.200",
        "MAE, test MAE 0.500",
        "All means",
    ]
    assert not spare.axison
    truth, mean = first.lines
    np.testing.assert_allclose(truth.get_ydata(), results["y"], atol=1e-4)
    np.testing.assert_allclose(mean.get_ydata(), results["y"] + 0.1, atol=1e-4)
    assert len(everything.lines) == 3


def test_the_band_is_one_deviation_wide(results):
    panel = figures.sine_figure(results).axes[0]
    corners = panel.collections[0].get_paths()[0].vertices
    middle = corners[np.isclose(corners[:, 0], results["x"][20], atol=1e-3)]
    deviation = np.std([-0.1, 0.0, 0.4])
    assert np.ptp(middle[:, 1]) == pytest.approx(2 * deviation, abs=2e-4)


def test_a_method_has_its_colour_in_every_panel(results):
    first, _, everything, _ = figures.sine_figure(results).axes
    assert to_hex(first.lines[1].get_color()) == figures.COLORS["gar"].lower()
    assert to_hex(everything.lines[1].get_color()) == figures.COLORS["gar"].lower()


def test_files_are_the_same_bytes_every_time(results, tmp_path):
    twice = [
        figures.save(figures.sine_figure(results), "sine", tmp_path / name) for name in ("a", "b")
    ]
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
