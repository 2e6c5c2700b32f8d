"""A figure shows the numbers of the table beside it: what is drawn, read back from the artists."""

from __future__ import annotations

from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from gar_verify import paths
from gar_verify.benchmarks import accuracy
from gar_verify.metrics import METRICS
from gar_verify.studies import catalogue, figures, gradients, peaks, summaries, tables
from gar_verify.studies.methods import SHOWN, label

STUDIES = [
    study
    for study in catalogue.in_report()
    if summaries.exists(catalogue.SUMMARIES.get(study, study))
]


def dots(figure: Figure, panel: int) -> list[float]:
    """Means of a panel of `tabular_figure` from the top: published and measured in turn."""
    axes = figure.axes[panel]
    drawn = [(line.get_ydata()[0], line.get_xdata()[0]) for line in axes.lines]
    edge = [(text.get_position()[1], float(text.get_text().strip("←→ "))) for text in axes.texts]
    return [float(value) for _, value in sorted(drawn + edge)]


@cache
def stored_figure(study: str) -> Figure:
    """The figure of a summary, made once."""
    return catalogue.figure(study, catalogue.summary(study))


@pytest.mark.parametrize("study", STUDIES)
def test_what_is_committed_was_drawn_from_the_summary(study: str) -> None:
    """Files drawn from other data carry another digest; tables are compared number by number."""
    results = catalogue.summary(study)
    expected = figures.digest(stored_figure(study))
    for suffix in (".png", ".pdf"):
        assert figures.drawn(paths.figures() / f"{study}{suffix}") == expected
    if study in catalogue.CURVES:
        results = results.sel({"method": list(SHOWN)})
    table = catalogue.table(study, results)
    header = list(range(table.columns.nlevels))
    index = list(range(table.index.nlevels))
    stored = pd.read_csv(paths.figures() / f"{study}.csv", header=header, index_col=index)
    np.testing.assert_allclose(stored.to_numpy(float), table.to_numpy(float), rtol=1e-5, atol=1e-9)
    assert stored.index.tolist() == table.index.tolist()


def test_the_figures_of_the_loss_are_those_of_its_numbers() -> None:
    gradient = gradients.gradients(*gradients.batch())
    drawn = {
        "loss_accuracy": figures.accuracy_figure(accuracy.read()),
        "loss_gradients": figures.gradient_figure(gradient),
        "loss_attention": figures.alpha_figure(gradients.attention(*gradients.batch())),
        "squared_sine_peaks": figures.peaks_figure(peaks.read("squared_sine")),
        "alpha": figures.sensitivity_figure(
            catalogue.summary("sensitivity"), catalogue.summary("sensitivity_paper")
        ),
    }
    for stem, figure in drawn.items():
        assert figures.drawn(paths.figures() / f"{stem}.png") == figures.digest(figure), stem


@pytest.mark.parametrize("study", ["concrete", "wine", "diabetes"])
def test_tabular_dots_are_the_numbers_of_the_table(study: str) -> None:
    results = catalogue.summary(study)
    figure, table = figures.tabular_figure(results), tables.tabular_table(results)
    for panel, metric in enumerate(METRICS):
        lines = table.xs(metric)[["measured", "published"]].to_numpy()
        expected = [value for value in lines.ravel() if np.isfinite(value)]
        found = [value for value in dots(figure, panel) if np.isfinite(value)]
        np.testing.assert_allclose(found, expected, rtol=5e-3)


def test_ablation_dots_are_the_numbers_of_the_table() -> None:
    results = catalogue.summary("ablation")
    figure, table = figures.ablation_figure(results), tables.ablation_table(results)
    names = [text.get_text() for text in figure.axes[0].get_yticklabels()]
    assert names[0] == "MAE"
    assert names[-2:] == ["variance + Pearson", "GAR (released)"]
    for panel, metric in enumerate(METRICS):
        expected = table.xs(metric)[["measured", "published"]].to_numpy().ravel()
        np.testing.assert_allclose(dots(figure, panel), expected, rtol=5e-3)


@pytest.mark.parametrize("study", ["sensitivity", "sensitivity_paper"])
def test_boxes_are_quartiles_of_the_folds_and_marks_what_was_published(study: str) -> None:
    results = catalogue.summary(study)
    table = catalogue.table(study, results)
    for panel, metric in zip(
        figures.sensitivity_figure(results).axes, ("MAE", "Pearson"), strict=True
    ):
        folds = results["test"].sel(metric=metric, seed=0).transpose("alpha", "fold").to_numpy()
        lines = panel.lines[: 6 * len(folds)]
        medians = [line.get_ydata()[0] for line in lines if line.get_linewidth() == 1.6]
        np.testing.assert_allclose(medians, np.median(folds, axis=1))
        heights = np.concatenate([line.get_ydata() for line in lines])
        assert heights.max() == pytest.approx(folds.max())
        assert heights.min() == pytest.approx(folds.min())
        marks = np.asarray(panel.lines[6 * len(folds)].get_ydata(), dtype=float)
        np.testing.assert_allclose(marks, table[metric, "published"])
        dots = [line.get_ydata() for line in panel.lines if line.get_marker() == "o"][1:]
        np.testing.assert_array_equal(dots, folds.T)
        (tried,) = (line.get_xdata() for line in panel.lines if line.get_marker() == "^")
        assert [table.index[int(place)] for place in tried] == [0.1, 0.5, 1, 2, 10]


def test_curves_are_those_of_the_summary_and_titles_the_numbers_of_the_table() -> None:
    for study in catalogue.CURVES:
        table = catalogue.table(study, catalogue.summary(study))
        waves = peaks.table(peaks.read(study))
        axes = catalogue.figure(study, catalogue.summary(study)).axes
        titles = [panel.get_title(loc="left") for panel in axes[: len(SHOWN)]]
        assert titles == [
            f"{label(name)}: {waves.loc[name, 'mean']:.2f} of {waves.loc[name, 'of']} waves, "
            f"test MAE {table.loc[label(name), 'measured']:.3f}"
            for name in SHOWN
        ]
        share = peaks.read(study).groupby(["method", "peak"])["recovered"].mean()
        for name, panel in zip(SHOWN, axes, strict=False):
            most, fewer = (len(line.get_xdata()) for line in panel.lines[2:4])
            assert (most, most + fewer) == ((share[name] >= 0.5).sum(), (share[name] > 0).sum())


def test_cells_count_the_seeds_that_recovered_a_peak() -> None:
    counted = peaks.read("squared_sine")
    panel, below = figures.peaks_figure(counted).axes
    shown = [int(text.get_text()) for text in panel.texts]
    chosen = counted[counted["method"].isin(SHOWN)]
    expected = chosen.groupby(["method", "peak"], sort=False)["recovered"].sum()
    assert shown == expected.tolist()
    by_seed = chosen.groupby(["method", "seed"], sort=False)["recovered"].sum()
    assert [n for line in below.lines for n in line.get_xdata()] == by_seed.tolist()
    heights = [line.get_ydata() for line in below.lines]
    assert [round(float(seeds.mean())) for seeds in heights] == list(range(len(heights)))
    assert all(
        len(set(seeds)) == counted["seed"].nunique() for seeds in heights
    )  # none hides another


def test_gradient_and_attention_are_drawn_as_they_are() -> None:
    gradient = gradients.gradients(*gradients.batch())
    for panel, part in zip(
        figures.gradient_figure(gradient).axes[1:], gradients.PARTS, strict=True
    ):
        np.testing.assert_array_equal(panel.lines[-1].get_ydata(), gradient[part])
    attention = gradients.attention(*gradients.batch())
    for line, part in zip(figures.alpha_figure(attention).axes[0].lines, attention, strict=True):
        np.testing.assert_array_equal(line.get_ydata(), attention[part])


def test_gradients_have_one_scale_that_holds_them_all() -> None:
    gradient = gradients.gradients(*gradients.batch())
    _, *panels = figures.gradient_figure(gradient).axes
    (limits,) = {panel.get_ylim() for panel in panels}
    assert limits[1] == -limits[0] > gradient[list(gradients.PARTS)].abs().to_numpy().max()


@pytest.mark.parametrize("draw", ["alpha", "accuracy"])
def test_no_label_lies_on_a_line(draw: str) -> None:
    figure = (
        figures.alpha_figure(gradients.attention(*gradients.batch()))
        if draw == "alpha"
        else figures.accuracy_figure(accuracy.read())
    )
    renderer = FigureCanvasAgg(figure).get_renderer()
    figure.draw(renderer)
    boxes = [(p, text.get_window_extent(renderer)) for p in figure.axes for text in p.texts]
    assert len(boxes) >= 2
    for panel, box in boxes:
        for line in panel.lines:
            points = line.get_transform().transform(line.get_xydata())
            steps = np.linspace(0, len(points) - 1, 2000)
            x, y = (np.interp(steps, range(len(points)), values) for values in points.T)
            inside = (x > box.x0) & (x < box.x1) & (y > box.y0) & (y < box.y1)
            assert not inside.any(), line


def test_accuracy_lines_are_the_stored_errors() -> None:
    stored = accuracy.read()
    single = stored[stored["dtype"] == "float32"]
    for panel, column in zip(
        figures.accuracy_figure(stored).axes, ("pearson", "pearson gradient"), strict=True
    ):
        for line, form in zip(panel.lines, ("gar_verify", "textbook", "released"), strict=False):
            assert line.get_label() == form
            np.testing.assert_array_equal(line.get_ydata(), single[single["form"] == form][column])


def test_the_digest_sees_numbers_and_not_colours(tmp_path: Path) -> None:
    results = catalogue.summary("wine")
    written = figures.save(figures.tabular_figure(results), "wine", tmp_path)
    whole = figures.digest(figures.tabular_figure(results))
    assert [figures.drawn(path) for path in written] == [whole, whole]
    changed = results.copy(deep=True)
    changed["test"][0, 0, 0, 0] += 0.01
    assert figures.digest(figures.tabular_figure(changed)) != whole
    repainted = figures.tabular_figure(results)
    repainted.axes[0].lines[0].set_color("red")
    assert figures.digest(repainted) == whole
    (tmp_path / "plain.png").write_bytes(b"no digest here")
    assert figures.drawn(tmp_path / "plain.png") is None


@pytest.mark.parametrize("study", ["sensitivity", "ablation"])
def test_the_same_bytes_every_time(study: str, tmp_path: Path) -> None:
    results = catalogue.summary(study)
    one, two = (
        figures.save(catalogue.figure(study, results), "figure", tmp_path / name) for name in "ab"
    )
    assert [path.read_bytes() for path in one] == [path.read_bytes() for path in two]


@pytest.mark.parametrize("study", ["sine", "squared_sine"])
def test_the_places_of_peaks_stand_apart(study: str) -> None:
    figure = figures.peaks_figure(peaks.read(study))
    renderer = FigureCanvasAgg(figure).get_renderer()
    figure.draw(renderer)
    boxes = [text.get_window_extent(renderer) for text in figure.axes[0].get_xticklabels()]
    assert len(boxes) >= 16
    size = min(min(box.width, box.height) for box in boxes)  # about that of a letter
    assert all(left.x1 + size / 4 < right.x0 for left, right in pairwise(boxes))


def test_a_method_without_a_number_says_so() -> None:
    results = catalogue.summary("concrete").copy(deep=True)
    results["test"].loc[{"method": "mse", "fold": 2, "metric": "MAE"}] = np.nan
    first, *others = figures.tabular_figure(results).axes
    said = [text for text in first.texts if text.get_text() == "no number"]
    assert [round(text.get_position()[1]) for text in said] == [
        results["method"].to_numpy().tolist().index("mse")
    ]
    assert not any(text.get_text() == "no number" for axes in others for text in axes.texts)


def test_a_loss_far_behind_has_its_value_at_the_edge_and_the_others_every_seed() -> None:
    results = catalogue.summary("sts_b")
    for panel, metric in zip(
        figures.sentences_figure(results).axes, ("Pearson", "MAE"), strict=True
    ):
        (far,) = [text.get_text().strip("←→ ") for text in panel.texts]
        values = results["test"].sel(metric=metric)
        assert float(far) == pytest.approx(
            values.sel({"method": "ranksim"}).mean().item(), rel=5e-3
        )
        drawn = [line.get_xdata() for line in panel.lines if line.get_markersize() == 3]
        shown = values.sel(
            {"method": [name for name in values["method"].values if name != "ranksim"]}
        )
        np.testing.assert_allclose(drawn, shown.squeeze().transpose("method", ...).to_numpy())


@pytest.mark.parametrize("study", STUDIES)
def test_legends_fit_into_the_figure(study: str) -> None:
    figure = stored_figure(study)
    renderer = FigureCanvasAgg(figure).get_renderer()
    figure.draw(renderer)
    for legend in figure.legends:
        box = legend.get_window_extent(renderer)
        assert 0 <= box.x0 < box.x1 <= figure.bbox.width
