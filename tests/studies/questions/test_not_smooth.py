"""Targets that are not smooth: how they are drawn, and what is said of made-up results."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from matplotlib import colors

from gar_verify.studies import summaries
from gar_verify.studies.figures import not_smooth_figure
from gar_verify.studies.figures.style import COLORS
from gar_verify.studies.questions import across, not_smooth
from gar_verify.studies.questions.not_smooth import CURVES, DRAWINGS, DRAWN, NAMES, NUMBERS

SEEDS = (0, 1)
METHODS = ("mae", "mse", "gar")


@pytest.mark.parametrize("name", DRAWINGS)
def test_no_tested_point_is_trained_on_or_selects(name: str) -> None:
    deal = not_smooth.task_of(name, SEEDS).deal
    for fold in range(len(SEEDS)):
        seen = np.concatenate([deal.train[fold], deal.validation[fold]])
        assert len(deal.train[fold]) == 0.8 * DRAWN
        assert sorted(seen) == list(range(DRAWN))
        tested = [deal.tests[fold], *(rows[fold] for rows in [deal.scored_as_train] if rows)]
        assert not np.isin(deal.inputs[np.concatenate(tested)], deal.inputs[seen]).any()
        assert sorted(np.concatenate(tested)) == list(range(DRAWN, len(deal.inputs)))
    assert not np.array_equal(*deal.validation)
    assert deal.targets[:DRAWN].mean() == pytest.approx(0, abs=1e-12)
    assert deal.targets[:DRAWN].std() == pytest.approx(1)


@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.parametrize("kind", CURVES)
def test_irregular_points_are_where_the_slope_changes_at_once(kind: str, number: int) -> None:
    """By central second differences on a fine grid, whose size a smooth curve decides."""
    x = np.linspace(0, number * np.pi, 20_001)[1:-1] + 1e-7
    bent = np.abs(np.diff(CURVES[kind][0](x), 2))
    places = x[1:-1][bent > 100 * 2 * (x[1] - x[0]) ** 2]
    found = not_smooth.irregular(kind, number)
    assert (len(places) == 0) == (len(found) == 0)
    if len(found):
        distance = np.abs(places[:, None] - found)
        assert distance.min(1).max() < 1e-2
        assert distance.min(0).max() < 1e-2


@pytest.mark.parametrize("number", NUMBERS)
def test_only_curves_with_jumps_are_not_lipschitz(number: int) -> None:
    holds = {kind: not_smooth.is_lipschitz(kind, number) for kind in CURVES}
    assert holds == dict.fromkeys(CURVES, True) | {"steps": False, "jumps": False}


@pytest.mark.parametrize("name", DRAWINGS)
def test_near_points_are_those_of_the_window(name: str) -> None:
    deal = not_smooth.task_of(name, SEEDS).deal
    kind, number = name.split("-")
    points = not_smooth.irregular(kind, int(number)) - int(number) * np.pi / 2
    if not len(points):
        assert not deal.scored_as_train
        return
    near, away = (
        np.abs(deal.inputs[rows[0]] - points).min(1) for rows in (deal.tests, deal.scored_as_train)
    )
    assert near.max() < not_smooth.NEAR - 1e-3 < not_smooth.NEAR + 1e-3 < away.min()


def test_the_error_of_all_points_is_that_of_a_training(tmp_path: Path) -> None:
    """One task whose test rows are all points, against its parts near and away put together."""
    grid = not_smooth.GRID.quick()
    methods = not_smooth.tabular_methods(["mae"], grid.recipe.epochs)
    task = not_smooth.task_of("steps-2", grid.seeds)
    rows = np.arange(DRAWN, len(task.deal.inputs))
    whole = not_smooth.replace(task.deal, tests=[rows] * 2, scored_as_train=())
    expected = across.run(
        "mine",
        [not_smooth.replace(task, deal=whole)],
        methods,
        grid,
        store=tmp_path,
        jobs=1,
    ).sel(metric=["MAE", "RMSE"])
    found = not_smooth.run(["mae"], names=["steps-2", "sine-2"], quick=True, store=tmp_path, jobs=1)
    ours = found["test"].sel(table=["steps-2"]).to_numpy()
    assert ours == pytest.approx(expected["test"].to_numpy(), rel=1e-5)
    assert (ours == ours.round(summaries.DIGITS)).all()  # tables from a summary are the same
    steps, sine = (found.sel(table=name) for name in ("steps-2", "sine-2"))
    assert (steps["near"] > steps["away"]).all()
    assert sine["near"].isnull().all()
    assert sine["away"].isnull().all()
    assert sine["test"].notnull().all()
    assert json.loads(found.attrs["values"]) == {"steps-2": 2, "sine-2": 160 * 3 // 2}
    assert not not_smooth.is_full(found)


@pytest.fixture(autouse=True)
def _unpinned(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GAR_VERIFY_PINS", "off")


def made_up(gar: Callable[[str, str], float], by_square: float = 1.0) -> xr.Dataset:
    """Results in which GAR's errors are those of the MAE loss, times what a function says.

    ``by_square`` is a further factor of GAR's RMSE.
    """
    rng = np.random.default_rng(0)
    parts = {}
    for part in ("test", "near", "away"):
        plain = rng.uniform(0.1, 1, (len(NAMES), 1, 1, 5, 1)).repeat(3, 2).repeat(2, 4)
        plain[:, :, 1] *= 1.1
        plain[:, :, 2] *= np.array([gar(name, part) for name in NAMES])[:, None, None, None]
        plain[:, :, 2, :, 1] *= by_square
        parts[part] = (("table", "condition", "method", "seed", "metric"), plain)
    coords = {
        "table": list(NAMES),
        "condition": [not_smooth.PLAIN],
        "method": list(METHODS),
        "seed": list(range(5)),
        "metric": ["MAE", "RMSE"],
    }
    settings = {"learning_rates": [1e-2], "epochs": 80}
    attrs = {"values": json.dumps(dict.fromkeys(NAMES, 9)), "settings": json.dumps(settings)}
    return xr.Dataset(parts, coords, attrs)


def test_the_sentence_counts_curves_and_names_what_wins() -> None:
    def better(name: str, part: str) -> float:
        return 1.2 if name in not_smooth.ORDINAL else 0.5 if part == "test" else 0.8

    said = not_smooth.sentence(made_up(better, by_square=2.2))
    assert (
        "on 15 curves better on 15, worse on 0; near irregular points, on 12, better on 12" in said
    )
    assert (
        "few values (3): by MAE better on 0, worse on 3, 1.20 [1.20, 1.20] times the error" in said
    )
    assert "many (3): by MAE better on 3, worse on 0, 0.50 [0.50, 0.50] times the error" in said
    assert said.endswith("by RMSE better on 0, worse on 3, 1.10 [1.10, 1.10] times the error.")
    assert "does not differ from 1 beyond chance" in said
    assert "of 3 losses GAR has the lowest error on both" in said


def test_the_sentence_can_come_out_the_other_way() -> None:
    def worse(name: str, part: str) -> float:
        factor = 0.9 if name in not_smooth.ORDINAL else 1.5
        kind = 0.4 if name.startswith("kinks") else 0.5 if name.startswith("plateaus") else 1
        return factor * kind * (0.1 if part == "away" else 1)

    said = not_smooth.sentence(made_up(worse))
    assert "on 15 curves better on 6, worse on 9" in said
    assert (
        "near irregular points, on 12, better on 6, worse on 6; away from them better on 12" in said
    )
    assert "few values (3): by MAE better on 3, worse on 0, 0.90" in said
    assert "the quotient of the two, 2.22 [2.00, 2.50], differs from 1 beyond chance" in said
    assert not_smooth.contrast(made_up(worse), ["steps-2"], ["kinks-4"])[0] == pytest.approx(2.5)
    assert "losses GAR has the lowest error on the former, MAE on the latter" in said


def test_a_quotient_below_one_differs_too() -> None:
    results = made_up(lambda name, part: 0.5 if name.startswith(("steps", "jumps")) else 0.9)
    assert "], differs from 1 beyond chance" in not_smooth.sentence(results)


def test_seeds_that_do_not_agree_are_even() -> None:
    results = made_up(lambda name, part: 0.9)
    assert not_smooth.verdict(results, ["steps-2"]) == "better"
    one = results["test"].copy()
    one.loc[{"table": "steps-2", "method": "gar", "seed": 3}] = 9.0
    assert not_smooth.verdict(results.assign(test=one), ["steps-2"]) == "even"


def test_nothing_is_said_without_gar_or_without_all_kinds() -> None:
    whole = made_up(lambda name, part: 0.9)
    assert not_smooth.sentence(whole.sel({"method": ["mae", "mse"]})) == ""
    assert not_smooth.sentence(whole.sel({"table": ["wine", "steps-2"]})) == ""


def test_lines_of_the_table_are_ratios_of_their_targets() -> None:
    factor = dict.fromkeys(CURVES, 0.7) | {"steps": 1.3, "jumps": 1.4}
    results = made_up(lambda name, part: factor.get(name.split("-")[0], 1.0))
    table = not_smooth.table(results)
    found = table.xs("GAR", level="method")["all"]
    expected = {**factor, "few values": 1.0, "many values": 1.0, "Lipschitz, not smooth": 0.7}
    assert found.drop("discontinuous").to_dict() == pytest.approx(expected)
    assert 1.3 < found["discontinuous"] < 1.4
    near = table.xs("GAR", level="method")["near"]
    assert near["steps"] == pytest.approx(1.3)
    assert near[["sine", "few values"]].isnull().all()
    lines = not_smooth.each(results)
    assert list(lines.index) == list(NAMES)
    assert lines.loc["kinks-4", ["all", "near", "Lipschitz"]].tolist() == [
        "better",
        "better",
        "yes",
    ]
    assert lines.loc["jumps-4", ["all", "away", "Lipschitz"]].tolist() == ["worse", "worse", "no"]
    assert lines.loc["wine", ["all", "near", "best other"]].tolist() == ["even", "", "MSE"]


def test_full_results_are_saved_and_drawn_from_the_summary(tmp_path: Path) -> None:
    results = made_up(lambda name, part: 0.8 if part == "near" else 0.9)
    assert not_smooth.is_full(results)
    assert not not_smooth.is_full(results.sel({"seed": [0, 1]}))
    short = json.dumps({"learning_rates": [1e-2], "epochs": 13})
    assert not not_smooth.is_full(results.assign_attrs(settings=short))
    assert not not_smooth.is_full(results.sel({"table": list(NAMES[1:])}))
    summaries.write(results, "mine", tmp_path)
    again = summaries.read("mine", tmp_path)
    assert not_smooth.sentence(again) == not_smooth.sentence(results)
    figure = not_smooth_figure(again)
    titles = [axes.get_title(loc="left") for axes in figure.axes]
    assert titles == [*CURVES, "few | many values"]
    steps = figure.axes[titles.index("steps")]
    ours = [line for line in steps.lines if line.get_color() == COLORS["gar"]]
    heights = [
        np.round(line.get_ydata(), 6).tolist() for line in ours if len(line.get_xdata()) == 3
    ]
    assert [0.8] * 3 in heights
    assert heights.count([0.9] * 3) == 2  # away, and all points
    other = {colors.to_hex(line.get_color()) for line in steps.lines}
    assert other == {COLORS[name].lower() for name in ("gar", "mse", "mae")}
    written = not_smooth.save_each(results, results, tmp_path)
    assert [path.name for path in written] == ["not_smooth_each.md", "not_smooth_each.csv"]


def test_the_quick_version_needs_no_file_beside_the_package() -> None:
    few = set(not_smooth.QUICK) - set(DRAWINGS)
    assert few <= {"wine", "concrete"}
    with pytest.raises(ValueError, match="lasso"):
        not_smooth.run(["lasso"], quick=True)
