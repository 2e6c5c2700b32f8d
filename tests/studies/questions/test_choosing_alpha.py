"""The choice of alpha: what the scale of the loss changes, and what each policy takes."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
import xarray as xr

from gar_verify import paths
from gar_verify.data import load_table
from gar_verify.losses import gar_loss
from gar_verify.metrics import METRICS
from gar_verify.studies import catalogue, provenance, spot_check, summaries
from gar_verify.studies.figures import choosing_alpha_figure
from gar_verify.studies.questions import across, aggregate, choosing_alpha, deals
from gar_verify.studies.questions import choosing_alpha_report as report
from gar_verify.studies.questions.choosing_alpha import (
    ALPHAS,
    CONDITIONS,
    MAE,
    RAW,
    STANDARDISED,
    at,
)


def gradient(scale: float, alpha: float) -> torch.Tensor:
    rng = torch.Generator().manual_seed(0)
    y = torch.randn(1, 20, 1, generator=rng)
    f = (0.8 * y + 0.5 * torch.randn(1, 20, 1, generator=rng) + 0.3).requires_grad_()
    loss = choosing_alpha.scaled_gar(scale).objective.loss
    value = loss(f, y, None, torch.tensor([alpha]), None)
    expected = gar_loss(scale * f[0, :, 0], scale * y[0, :, 0], alpha)
    assert value.item() == pytest.approx(expected.item(), rel=1e-5)
    return torch.autograd.grad(value.sum(), f)[0]


def test_the_scale_changes_the_attention_and_nothing_else() -> None:
    """With equal attention (alpha without bound) the gradient is that without any scale."""
    for scale in choosing_alpha.SCALES.values():
        torch.testing.assert_close(gradient(scale, 1e8), gradient(1, 1e8), rtol=1e-3, atol=1e-5)
        assert not torch.allclose(gradient(scale, 0.5), gradient(1, 0.5), rtol=0.1)


def test_a_large_scale_leaves_the_offset_alone_and_a_small_one_the_length() -> None:
    """The gradient of the variance alone sums to 0; that of Pearson also along the prediction."""
    assert abs(gradient(100, 0.25).sum()) < 1e-3 < abs(gradient(1, 0.25).sum())
    along = gradient(0.01, 0.25)
    assert abs(along.sum()) < 1e-3
    assert along.abs().max() > 1e-2


def test_errors_are_in_deviations_of_the_target() -> None:
    rng = np.random.default_rng(0)
    inputs, targets = rng.normal(size=(30, 2)), 7 + 5 * rng.normal(size=(30, 1))
    tasks = [
        across.Task("a", name, deals.deal(inputs, targets, (0,), raw=name == RAW))
        for name in (STANDARDISED, RAW)
    ]
    ones = xr.DataArray(
        np.ones((1, 2, 3, 1, 4)),
        {"table": ["a"], "condition": [STANDARDISED, RAW], "metric": list(METRICS)},
        ("table", "condition", "method", "seed", "metric"),
    )
    found = choosing_alpha.in_deviations(xr.Dataset({"test": ones, "validation": ones}), tasks)
    for part in ("test", "validation"):
        values = found[part].isel(table=0, method=2, seed=0)
        assert values.sel(condition=STANDARDISED).to_numpy() == pytest.approx(1)
        expected = [1 / targets.std()] * 2 + [1, 1]
        assert values.sel(condition=RAW).to_numpy() == pytest.approx(expected)


def test_lines_are_named_by_their_alpha() -> None:
    value = xr.DataArray([*ALPHAS, 0.0], dims="value", coords={"value": [*ALPHAS, 0.0]})
    method = xr.DataArray([0, 1000], dims="method", coords={"method": ["gar", MAE]})
    found = choosing_alpha.by_alpha(xr.Dataset({"test": value + method}))["test"]
    assert found["method"].to_numpy().tolist() == [*map(at, ALPHAS), MAE]
    assert found.to_numpy().tolist() == [*ALPHAS, 1000]


# --- policies -------------------------------------------------------------------------------------


def noisy(shape: tuple[int, ...], seed: int = 0) -> np.ndarray:
    return np.exp(0.3 * np.random.default_rng(seed).normal(size=shape))


def made_up(
    levels: dict[str, dict[float, float]] | None = None, spread: float = 0.01
) -> xr.Dataset:
    """Results with errors about the level of each alpha in each condition; 1 where none is given.

    Table and seed have factors of their own; MAE is at 1.5 where it is trained.
    """
    levels = levels or {}
    tables, seeds = 6, 5
    own = noisy((tables, seeds))
    rng = np.random.default_rng(1)
    values = np.full((tables, len(CONDITIONS), len(ALPHAS) + 1, seeds), np.nan)
    for c, condition in enumerate(CONDITIONS):
        of = levels.get(condition, {})
        for a, alpha in enumerate(ALPHAS):
            values[:, c, a] = of.get(alpha, 1.0) * own * rng.normal(1, spread, own.shape)
        if condition not in choosing_alpha.SCALES:
            values[:, c, -1] = 1.5 * own
    test = xr.DataArray(
        values,
        {
            "table": [f"table {i}" for i in range(tables)],
            "condition": list(CONDITIONS),
            "method": list(choosing_alpha.METHODS),
            "seed": range(seeds),
        },
        ("table", "condition", "method", "seed"),
    )
    test = xr.concat([test, 2 * test, 1 - test / 10], "metric")
    test = test.assign_coords(metric=list(report.METRICS))
    return xr.Dataset({"test": test, "validation": test.copy()})


def test_every_policy_takes_the_alpha_that_it_should() -> None:
    """Against loops over tables and seeds; validation and test disagree."""
    results = made_up(spread=0.2)
    results["validation"] = made_up(spread=0.3)["test"].roll(table=1, roll_coords=False)
    metric, condition = "RMSE", RAW
    found = report.policies(results, condition, metric)
    at_hand = results.sel({"condition": condition, "metric": metric})

    def value(part: str, alpha: float, table: str, seed: int) -> float:
        return float(at_hand[part].sel({"method": at(alpha), "table": table, "seed": seed}))

    def chosen(alphas: tuple[float, ...], part: str, table: str, seed: int) -> float:
        best = min(alphas, key=lambda alpha: value(part, alpha, table, seed))
        return value("test", best, table, seed)

    for table in map(str, results["table"].to_numpy()):
        for seed in range(5):
            expected = {
                "alpha 0.5": value("test", 0.5, table, seed),
                "alpha 1": value("test", 1, table, seed),
                "tuned over 3": chosen((0.1, 1, 10), "validation", table, seed),
                "tuned over 9": chosen(ALPHAS, "validation", table, seed),
                "best in hindsight": chosen(ALPHAS, "test", table, seed),
            }
            here = found.sel({"table": table, "seed": seed})
            for name, wanted in expected.items():
                assert float(here.sel({"method": name})) == wanted
    assert float(found.sel({"method": "MAE"}).isel(table=0, seed=0)) == pytest.approx(
        3 * noisy((6, 5))[0, 0]
    )
    assert "MAE" not in report.policies(results, "x100", metric)["method"]


def test_the_rule_does_not_see_the_table_that_it_is_applied_to() -> None:
    ratios = xr.DataArray(
        1 + noisy((len(ALPHAS), 6, 5)),
        {"alpha": list(ALPHAS), "table": list("abcdef"), "seed": range(5)},
    )
    found = report.best_elsewhere(ratios)
    for table in "abcdef":
        others = ratios.drop_sel(table=table)
        means = [
            float(aggregate.interquartile_mean(others.sel(alpha=a).to_numpy())) for a in ALPHAS
        ]
        assert float(found.sel(table=table)) == ALPHAS[int(np.argmin(means))]
    changed = ratios.copy(deep=True)
    changed.loc[{"table": "c"}] = noisy((len(ALPHAS), 5), seed=7)
    changed.loc[{"table": "c", "alpha": 4.0}] = 0.01
    assert report.best_elsewhere(changed).sel(table="c") == found.sel(table="c")


def test_a_correlation_counts_as_its_distance_from_one_and_no_number_as_the_worst() -> None:
    results = made_up()
    place = {"condition": RAW, "metric": "Pearson", "table": "table 0", "seed": 0}
    results["test"].loc[place | {"method": at(0.1)}] = np.nan
    found = report.of_alphas(results, RAW, "Pearson")
    assert np.isinf(found.sel(alpha=0.1, table="table 0", seed=0))
    expected = 1 - float(results["test"].sel(place | {"method": at(4)}))
    assert float(found.sel(alpha=4, table="table 0", seed=0)) == pytest.approx(expected)
    assert float(report.over_hindsight(found).min()) == 1


def test_regrets_are_those_of_the_levels() -> None:
    results = made_up({STANDARDISED: {4.0: 0.8, 0.5: 0.9}}, spread=1e-6)
    table = report.table(results)
    lines = table.loc["MAE"].loc[STANDARDISED]
    assert list(lines.index) == [
        *("alpha 0.5", "alpha 1", "tuned over 3", "tuned over 9", "best elsewhere", "MAE")
    ]
    expected = [12.5, 25, 25, 0, 0, 87.5]
    assert lines["regret"].to_numpy() == pytest.approx(expected, abs=1e-2)
    assert lines["regret low"].to_numpy() == pytest.approx(expected, abs=1e-2)
    assert lines["better"].tolist() == [0.5, 0, 0, 1, 1, 0]
    assert lines["tables"].tolist() == [0, 0, 0, 6, 6, 0]
    assert set(table.index.unique("condition")) == set(CONDITIONS)


# --- in words -------------------------------------------------------------------------------------


def test_the_sentence_says_that_tuning_pays_and_that_the_scale_decides() -> None:
    best = {4.0: 0.8}
    levels = {STANDARDISED: {0.25: 0.9}, RAW: best, "x100": best, "x0.01": {0.05: 0.8}}
    said = report.sentence(made_up(levels))
    assert "6 tables and 5 seeds" in said
    assert "alpha of 9 by validation is better by more than chance than 0.5 (probability of" in said
    assert "on standardised targets and better by more than chance than 0.5" in said
    assert "The scale of the target decides: 6 of 6 comparisons" in said
    assert "% on raw ones (larger), " in said
    assert "best alpha in hindsight is larger on raw ones, smaller at 0.01 times" in said
    assert "times and larger at 100 times." in said
    assert "best on all other tables is 0.25 on standardised targets, better by more" in said
    assert "and 4 on raw targets, better by more than chance" in said


def test_the_sentence_can_say_the_opposite() -> None:
    results = made_up({condition: {0.5: 0.8} for condition in CONDITIONS})
    wrong = results["validation"].copy(deep=True)
    wrong.loc[{"method": at(2)}] = 0
    said = report.sentence(results.assign(validation=wrong))
    assert "alpha of 9 by validation is worse by more than chance than 0.5 (probability of" in said
    assert "The scale of the target is not shown to decide: 0 of 6 comparisons" in said
    assert "on raw ones (no different), " in said
    assert "best alpha in hindsight is no different on raw ones, " in said
    assert "is 0.5 on standardised targets, not better by more than chance than 0.5 (" in said


def test_one_change_of_six_does_not_decide() -> None:
    levels = {condition: {4.0: 0.8} for condition in CONDITIONS}
    said = report.sentence(made_up(levels | {"x100": {4.0: 0.8, 0.5: 1.2}}))
    assert "The scale of the target is not shown to decide: 1 of 6" in said
    said = report.sentence(made_up(levels | {"x100": {10.0: 0.8, 0.5: 1.2}}))
    assert "The scale of the target decides: 2 of 6" in said  # the best alpha, too


@pytest.mark.parametrize("level", [0.8, 1.25])
def test_what_the_scale_changes_is_measured_on_the_same_rows(level: float) -> None:
    found = report.of_scale(made_up({"x100": {0.5: 1.25, 4.0: 0.5}, RAW: {0.5: level}}))
    assert found.loc[("alpha 0.5", "x100"), "ratio"] == pytest.approx(2.5, rel=0.05)
    assert found.loc[("alpha 0.5", "x100"), "better"] == 0
    expected = max(1.0, level)
    assert found.loc[("alpha 0.5", RAW), "ratio"] == pytest.approx(expected, rel=0.05)
    assert found.loc[("alpha 0.5", "x0.01"), "better low"] < 0.5


def test_the_figure_draws_what_the_table_says() -> None:
    results = made_up({RAW: {0.5: 2.0}, "x100": {0.05: 30.0}})
    figure = choosing_alpha_figure(results)
    assert len(figure.axes) == len(CONDITIONS)
    for panel, condition in zip(figure.axes, CONDITIONS, strict=True):
        thick = next(line for line in panel.lines if line.get_linewidth() == 2)
        assert thick.get_xdata().tolist() == list(ALPHAS)
        drawn = dict(zip(ALPHAS, thick.get_ydata(), strict=True))
        table = report.compared(results, condition, "MAE")
        for alpha in report.FIXED:
            expected = 1 + table.loc[f"alpha {alpha:g}", "regret"] / 100
            assert drawn[alpha] == pytest.approx(expected)
        assert max(drawn.values()) <= panel.get_ylim()[1]
        thin = [line for line in panel.lines if line.get_linewidth() == 0.5]
        assert len(thin) == results.sizes["table"]


# --- the whole ------------------------------------------------------------------------------------


@pytest.fixture
def short(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> xr.Dataset:
    """The whole of a small study, computed just now, and its summary."""
    monkeypatch.setenv("GAR_VERIFY_PINS", "off")
    monkeypatch.setattr(paths, "summaries", lambda: tmp_path)
    monkeypatch.setattr(paths, "new_summaries", lambda: tmp_path)
    monkeypatch.setattr(choosing_alpha, "TABLES", ("diabetes", "concrete"))
    monkeypatch.setattr(deals, "AT_MOST", 100)
    recipe = replace(across.RECIPE, hidden=(4,), epochs=2, milestones=(1,))
    small = across.Grid(recipe, (1e-2,), (0, 1), by_value=True)
    monkeypatch.setattr(choosing_alpha, "GRID", small)
    results = choosing_alpha.run(store=tmp_path / "store", jobs=1)
    summaries.write(results, choosing_alpha.NAME)
    return results


def test_a_summary_is_drawn_and_a_part_of_it_verified(
    short: xr.Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert choosing_alpha.is_full(short)
    assert not choosing_alpha.is_full(short.sel(table=["concrete"]))
    stored = catalogue.summary(choosing_alpha.NAME)
    assert report.sentence(stored) == report.sentence(short)
    (written, _) = summaries.write(short, choosing_alpha.NAME)
    before = written.read_bytes()
    summaries.write(stored, choosing_alpha.NAME)
    assert written.read_bytes() == before
    assert short["test"].sel({"condition": RAW, "method": MAE}).notnull().all()
    assert short["test"].sel({"condition": "x100", "method": MAE}).isnull().all()
    found = choosing_alpha.deviations(stored)
    assert list(found) == ["concrete", "diabetes"]  # ascending
    _, y = deals.rows_of(load_table("concrete"))
    assert found["concrete"] == pytest.approx(y.std(), abs=1e-4)
    again = partial(choosing_alpha.run, jobs=1)
    other = catalogue.OTHERS[choosing_alpha.NAME]._replace(run=again)
    monkeypatch.setitem(catalogue.OTHERS, choosing_alpha.NAME, other)
    assert spot_check.state(choosing_alpha.NAME) == spot_check.STATES[0]
    monkeypatch.setattr(provenance, "_digest", lambda roots: f"other code of {roots[-1].name}")
    assert spot_check.state(choosing_alpha.NAME) == spot_check.STATES[2]
    spot_check.verify(choosing_alpha.NAME)
    assert spot_check.state(choosing_alpha.NAME) == spot_check.STATES[1]


def test_a_choice_of_methods_is_refused() -> None:
    with pytest.raises(ValueError, match="'choosing_alpha' is a study of GAR alone"):
        choosing_alpha.run(["gar 1"])
