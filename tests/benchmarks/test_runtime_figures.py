"""The figures of the runtime study, through what they draw."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex

from gar_verify.benchmarks import figures as runtime_figures
from gar_verify.benchmarks.runtime_settings import COLUMNS
from gar_verify.benchmarks.runtime_summary import Summary
from gar_verify.studies import figures, published

METHODS = ("mae", "rnc", "rnc_contrastive", "gar")
SETUPS = ("published_loop", "in_memory", "loss_only")
SIZES = (256, 512, 1024, 2048)
CAP = 4
"""Points that the ends of a bar are long."""


@pytest.fixture
def summary() -> Summary:
    """Ratios 1, 2, 3, 4 of the methods in the loop, ten and a hundred times them in the others."""
    lines = [
        (setup, name, n, (i + 1) * 1e-6 * n**2, r := (i + 1) * 10**j, 0.9 * r, 1.2 * r)
        for j, setup in enumerate(SETUPS)
        for n in (SIZES if setup == "loss_only" else (256,))
        for i, name in enumerate(METHODS)
    ]
    return Summary(pd.DataFrame(lines, columns=COLUMNS), {})


def test_every_method_but_the_mae_has_a_row_with_three_ratios_and_the_published_one(summary):
    (panel,) = runtime_figures.ratio_figure(summary).axes
    assert [text.get_text() for text in panel.get_yticklabels()] == [
        "RnC",
        "RnC, first phase",
        "GAR",
    ]
    marks = {
        (line.get_marker(), round(line.get_ydata()[0])): float(line.get_xdata()[0])
        for line in panel.lines
        if line.get_marker() not in ("None", None, "") and line.get_markersize() != CAP
    }
    for row, ratio in enumerate((2.0, 3.0, 4.0)):
        assert [marks[marker, row] for marker in "os^"] == [ratio, 10 * ratio, 100 * ratio]
    claimed = {
        int(line.get_ydata()[0]): float(line.get_xdata()[0])
        for line in panel.lines
        if line.get_marker() == "D"
    }
    assert claimed[0] == published.relative_time("rnc")
    assert claimed[2] == published.relative_time("gar")
    theirs = published.seconds_per_epoch("gar") / published.seconds_per_epoch("mae")
    assert marks["|", 2] == theirs
    assert panel.get_xscale() == "log"
    assert panel.get_xlabel() == "time in units of the MAE, batch 256"


def test_bars_reach_from_quartile_to_quartile(summary):
    (panel,) = runtime_figures.ratio_figure(summary).axes
    segments = [bar.get_segments()[0] for bar in panel.collections[:3]]
    bars = [segment[:, 0].tolist() for segment in segments]
    assert bars == [pytest.approx([0.9 * r, 1.2 * r]) for r in (2, 20, 200)]
    assert len({segment[0, 1] for segment in segments}) == 3  # none hides another
    caps = [line for line in panel.lines if line.get_markersize() == CAP]
    assert [cap.get_xdata()[0] for cap in caps[:2]] == pytest.approx([1.8, 2.4])


def test_the_legend_names_settings_and_the_published_mark(summary):
    (legend,) = runtime_figures.ratio_figure(summary).legends
    assert [text.get_text() for text in legend.get_texts()] == [
        "released loop",
        "steps in memory",
        "loss alone",
        "published ratio",
        "claimed ratio",
    ]


def test_growth_has_a_labelled_line_for_each_measured_method(summary):
    (panel,) = runtime_figures.growth_figure(summary).axes
    lines = [line for line in panel.lines if line.get_marker() == "o"]
    assert len({line._unscaled_dash_pattern for line in lines}) == 3  # in grey too
    for line, i in zip(lines, (0, 2, 3), strict=True):  # RnC as a whole is reckoned
        assert line.get_xdata().tolist() == list(SIZES)
        np.testing.assert_allclose(line.get_ydata(), [(i + 1) * 1e-3 * n**2 for n in SIZES])
        assert to_hex(line.get_color()) == runtime_figures.color_of(METHODS[i]).lower()
    names = [text.get_text() for text in panel.texts if text.get_text()[0] != " "]
    assert names == [f"{name}  2.00 ± 0.00" for name in ("MAE", "RnC, first phase", "GAR")]
    assert (panel.get_xscale(), panel.get_yscale()) == ("log", "log")
    assert "[ms]" in panel.get_ylabel()


def test_what_a_call_costs_is_no_growth(summary):
    summary.lines["seconds"] = 1 - 1e-6 * summary.lines["batch_size"]
    (panel,) = runtime_figures.growth_figure(summary).axes
    assert "MAE  flat" in [text.get_text() for text in panel.texts]


def test_guides_have_the_slopes_of_n_and_of_its_square(summary):
    (panel,) = runtime_figures.growth_figure(summary).axes
    guides = [line for line in panel.lines if line.get_marker() == "None"]
    for power, line in zip((1, 2), guides, strict=True):
        x, y = line.get_xydata().T
        np.testing.assert_allclose(np.diff(np.log(y)), power * np.diff(np.log(x)))
    assert [text.get_text() for text in panel.texts if text.get_text()[0] == " "] == [
        " $N$",
        " $N^2$",
    ]


def test_labels_do_not_overlap_and_stay_in_order(summary):
    (panel,) = runtime_figures.growth_figure(summary).axes
    texts = [text for text in panel.texts if text.get_text()[0] != " "]
    heights = [text.xyann[1] for text in texts]
    assert min(np.diff(heights)) > 0.06
    ends = [text.xy[1] for text in texts]
    assert np.argsort(heights).tolist() == np.argsort(ends).tolist()


@pytest.mark.parametrize(
    ("heights", "expected"),
    [
        ([0.1, 0.9], [0.1, 0.9]),
        ([0.5, 0.5], [0.45, 0.55]),
        ([0.52, 0.5, 0.9], [0.56, 0.46, 0.9]),
        ([0.0, 0.3, 0.32, 0.41], [0.0, 0.2433, 0.3433, 0.4433]),
        ([0.3, 0.3, 0.25], [0.2833, 0.3833, 0.1833]),
    ],
)
def test_heights_are_moved_apart_and_no_further(heights, expected):
    found = runtime_figures.spread_apart(heights, 0.1)
    assert found == pytest.approx(expected, abs=1e-4)


def test_the_same_bytes_every_time(summary, tmp_path):
    for make in (runtime_figures.ratio_figure, runtime_figures.growth_figure):
        one, two = (figures.save(make(summary), "f", tmp_path / name) for name in ("a", "b"))
        assert [path.read_bytes() for path in one] == [path.read_bytes() for path in two]


def test_the_first_phase_of_rnc_has_the_colour_of_rnc():
    assert runtime_figures.color_of("rnc_contrastive") == figures.COLORS["rnc"]
