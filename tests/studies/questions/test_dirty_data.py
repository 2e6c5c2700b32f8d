"""Dirty data: what is done to the labels, and what is left out of the loss."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
import xarray as xr

from gar_verify import paths
from gar_verify.losses import gar_loss
from gar_verify.studies import catalogue, provenance, spot_check, summaries
from gar_verify.studies.figures import dirty_data_figure
from gar_verify.studies.questions import across, deals, dirty_data

LABELS = np.random.default_rng(0).normal(3, 2, 4000)


def spoiled(how: str) -> np.ndarray:
    change = dirty_data.CONDITIONS[how]
    assert change is not None
    return change(LABELS, np.random.default_rng(1))


@pytest.mark.parametrize("share", [20, 40, 60, 80])
def test_symmetric_noise_replaces_a_share_by_other_labels(share: int) -> None:
    found = spoiled(f"symmetric {share} %")
    assert (found != LABELS).mean() == share / 100
    assert set(found) <= set(LABELS)
    few = np.array([1.0, 1.0, 1.0, 2.0])
    turned = dirty_data.symmetric(few, np.random.default_rng(0), share=1.0)
    assert turned.tolist() == [2, 2, 2, 1]
    with pytest.raises(ValueError, match="all labels are equal"):
        dirty_data.symmetric(np.ones(4), np.random.default_rng(0), share=0.5)


def test_gaussian_noise_has_ten_deviations() -> None:
    noise = (spoiled("Gaussian") - LABELS) / LABELS.std()
    expected = np.mean([(k / 10) ** 2 for k in range(1, 11)])
    assert noise.var() == pytest.approx(expected, rel=0.1)
    assert (noise != 0).all()
    assert np.abs(noise).max() < 5


def test_outliers_are_one_in_twenty() -> None:
    noise = (spoiled("outliers") - LABELS) / LABELS.std()
    assert (noise != 0).mean() == 0.05
    assert noise[noise != 0].std() == pytest.approx(10, rel=0.15)


@pytest.mark.parametrize(("degrees", "quartile"), [(1, 1.0), (2, 0.8165), (3, 0.7649)])
def test_heavy_tails_are_those_of_t(degrees: int, quartile: float) -> None:
    """The upper quartile of a t distribution, in units of half a deviation of the labels."""
    noise = (spoiled(f"t({degrees})") - LABELS) / LABELS.std()
    assert np.quantile(noise, 0.75) == pytest.approx(0.5 * quartile, rel=0.1)
    assert np.median(noise) == pytest.approx(0, abs=0.03)


def test_test_and_validation_labels_stay_clean() -> None:
    rng = np.random.default_rng(2)
    inputs, targets = rng.normal(size=(50, 2)), rng.normal(size=(50, 1))
    clean = deals.deal(inputs, targets, (0, 1))
    dirty = dirty_data.spoil(inputs, targets, "Gaussian", (0, 1), 0)
    for fold in range(2):
        for part in ("validation", "test"):
            ours, theirs = dirty.parts(fold)[part], clean.parts(fold)[part]
            assert np.array_equal(dirty.targets[ours], clean.targets[theirs])
            assert np.array_equal(dirty.inputs[ours], clean.inputs[theirs])
        trained = dirty.train[fold]
        assert np.array_equal(dirty.inputs[trained], clean.inputs[clean.train[fold]])
        assert (dirty.targets[trained] != clean.targets[clean.train[fold]]).all()
        judged = dirty.parts(fold)["train"]
        assert np.array_equal(dirty.inputs[judged], clean.inputs[clean.validation[fold]])
        assert (dirty.targets[judged] != clean.targets[clean.validation[fold]]).all()
    same = dirty_data.spoil(inputs, targets, "clean", (0, 1), 0)
    assert np.array_equal(same.targets[50:], same.targets[:50])
    other = dirty_data.spoil(inputs, targets, "Gaussian", (0, 1), 1)
    assert not np.array_equal(other.targets, dirty.targets)


def test_the_trimmed_loss_is_gar_of_the_rows_with_the_smallest_errors() -> None:
    rng = torch.Generator().manual_seed(0)
    y = torch.randn(3, 20, 1, generator=rng)
    f = (y + torch.randn(3, 20, 1, generator=rng)).requires_grad_()
    alpha = torch.tensor([0.5, 1.0, 4.0])
    found = dirty_data.stacked_trimmed(f, y, f, alpha, None)
    (gradient,) = torch.autograd.grad(found.sum(), f)
    for s in range(3):
        kept = (f - y)[s, :, 0].abs().argsort()[:16]
        expected = gar_loss(f[s, kept, 0], y[s, kept, 0], float(alpha[s]))
        assert found[s].item() == pytest.approx(expected.item(), rel=1e-5)
        left_out = torch.ones(20, dtype=torch.bool)
        left_out[kept] = False
        assert (gradient[s, left_out] == 0).all()
        assert (gradient[s, kept] != 0).all()


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("mae_variance", {"parts": ("conventional", "error_variance")}),
        ("mae_and_pearson", {"parts": ("conventional", "pearson")}),
        ("gar_huber", {"conventional": "huber"}),
    ],
)
def test_the_lines_beside_the_losses_are_parts_of_gar(name: str, options: dict) -> None:
    rng = torch.Generator().manual_seed(1)
    f, y = torch.randn(2, 2, 12, 1, generator=rng)
    (method,) = dirty_data.methods_of([name], 10)
    found = method.objective.loss(f, y, f, torch.tensor([0.5, 2.0]), None)
    for s, alpha in enumerate((0.5, 2.0)):
        expected = gar_loss(f[s, :, 0], y[s, :, 0], alpha, **options)
        assert found[s].item() == pytest.approx(expected.item(), rel=1e-5)


def test_unknown_methods_are_refused_by_name() -> None:
    with pytest.raises(ValueError, match=r"'mine' is no method of dirty_data; choose from mae, .*"):
        dirty_data.run(["mine"])


def made_up(errors: dict[str, dict[str, float]]) -> xr.Dataset:
    """Results in which a method has errors around some value in each condition, clean 1."""
    methods, conditions = list(errors), list(dirty_data.CONDITIONS)
    rng = np.random.default_rng(0)
    shape = (6, len(conditions), len(methods), 5)
    level = np.array([[errors[m].get(c, errors[m]["else"]) for m in methods] for c in conditions])
    scale = rng.uniform(0.1, 10, (6, 1, 1, 1))
    values = scale * level[:, :, None] * rng.normal(1, 0.01, shape)
    dims = ("table", "condition", "method", "seed")
    found = xr.DataArray(values, {"condition": conditions, "method": methods}, dims)
    test = found.expand_dims(metric=["MAE"])
    return xr.Dataset({"test": test, "test_by_other": test.copy()})


EVEN = {
    "mae": {"clean": 1.0, "else": 2.0},
    "mae_variance": {"clean": 0.9, "else": 3.0},
    "mae_and_pearson": {"clean": 0.9, "else": 2.2},
    "gar": {"clean": 0.8, "else": 2.5},
    "gar_trimmed": {"clean": 1.1, "else": 1.5},
}


def test_the_sentence_says_what_breaks_and_what_helps() -> None:
    said = dirty_data.sentence(made_up(EVEN))
    noises = ", ".join(c for c in dirty_data.CONDITIONS if c != "clean")
    assert "With clean labels GAR is better than the MAE loss by test MAE across 6 tables" in said
    assert f"it is better with none, worse with {noises}." in said
    assert f"with the variance alone, better with {noises}, worse with none" in said
    assert f"against the MAE loss, better with none, worse with {noises}." in said
    assert f"against GAR, better with {noises}, worse with none" in said
    assert f"against the MAE loss, better with {noises}, worse with none" in said
    assert "Where spoiled rows select, none of these 10 comparisons" in said


def test_the_sentence_can_say_the_opposite() -> None:
    turned = EVEN | {
        "gar": {"clean": 1.2, "else": 1.5, "outliers": 2.0},
        "mae_variance": {"clean": 1.0, "else": 1.5},
        "gar_trimmed": {"clean": 1.1, "else": 1.9},
    }
    results = made_up(turned)
    results["test_by_other"].loc[{"condition": "Gaussian", "method": "gar"}] *= 3
    said = dirty_data.sentence(results)
    noises = [c for c in dirty_data.CONDITIONS if c not in ("clean", "outliers")]
    kinds = [c for c in dirty_data.CONDITIONS if c != "clean"]
    assert "With clean labels GAR is worse than the MAE loss" in said
    assert f"it is better with {', '.join(noises)}, worse with none" in said
    assert f"with the variance alone, better with none, worse with {', '.join(kinds)};" in said
    assert f"against GAR, better with outliers, worse with {', '.join(noises)};" in said
    assert "Where spoiled rows select, 1 of these 10 comparisons of GAR with" in said
    assert dirty_data.sentence(results.sel({"method": ["mae", "gar"]})) == ""
    assert dirty_data.sentence(results.sel(condition=["clean"])) == ""


def test_the_sentence_counts_the_other_losses_both_ways() -> None:
    assert "other losses" not in dirty_data.sentence(made_up(EVEN))
    worse, better = {"clean": 1.0, "else": 2.2}, {"clean": 1.0, "else": 1.9}
    said = dirty_data.sentence(made_up(EVEN | {"mse": worse, "huber": better}))
    assert (
        "Of the 2 other losses of the paper, better than the MAE loss with any kind: Huber;" in said
    )
    said = dirty_data.sentence(made_up(EVEN | {"mse": worse}))
    assert "with any kind: none; worse with no kind: none." in said


def test_the_table_is_relative_to_clean_labels() -> None:
    results = made_up(EVEN)
    table = dirty_data.table(results)
    assert table.loc[("clean", "MAE"), "ratio"] == pytest.approx(1)
    line = table.loc[("outliers", "GAR")]
    assert line["ratio"] == pytest.approx(2.5, rel=0.02)
    assert line["low"] < line["ratio"] < line["high"]
    assert line["to own"] == pytest.approx(2.5 / 0.8, rel=0.02)
    assert line["by dirty rows"] == pytest.approx(line["ratio"])
    assert (line["better"], line["tables"]) == (0, 0)
    assert table.loc[("outliers", "GAR, trimmed"), ["better", "tables"]].tolist() == [1, 6]


def test_verdicts_of_all_methods_are_those_of_each() -> None:
    results = made_up(EVEN)
    found = dirty_data.verdicts(results, "gar")
    assert found.index.tolist() == ["MAE", "MAE + variance", "MAE + Pearson", "GAR, trimmed"]
    assert found.loc["MAE"].to_dict() == dirty_data.against(results, "mae", "gar")
    assert found.loc["MAE", "outliers"] == "better"


def test_the_figure_draws_what_the_table_says() -> None:
    results = made_up(EVEN)
    figure = dirty_data_figure(results)
    above, below = figure.axes
    assert [text.get_text() for text in below.get_xticklabels()][-1] == "t(1)"
    drawn = {bars.get_label(): bars.lines[0].get_ydata() for bars in above.containers}
    table = dirty_data.table(results)
    shares = [c for c in dirty_data.CONDITIONS if c == "clean" or c.startswith("symmetric")]
    assert len(drawn) == len(EVEN)
    for name, values in drawn.items():
        np.testing.assert_allclose(values, table.loc[[(c, name) for c in shares], "ratio"])


@pytest.fixture
def short(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> xr.Dataset:
    """The whole of a small study, computed just now, and its summary."""
    monkeypatch.setattr(paths, "summaries", lambda: tmp_path)
    monkeypatch.setattr(paths, "new_summaries", lambda: tmp_path)
    monkeypatch.setattr(dirty_data, "TABLES", ("concrete",))
    monkeypatch.setattr(deals, "AT_MOST", 100)
    kinds = {c: dirty_data.CONDITIONS[c] for c in ("clean", "symmetric 40 %")}
    monkeypatch.setattr(dirty_data, "CONDITIONS", kinds)
    small = across.Grid(replace(dirty_data.RECIPE, epochs=2, milestones=(1,)), (1e-2,), (0, 1))
    monkeypatch.setattr(dirty_data, "GRID", small)
    monkeypatch.setattr(across, "SEEDS", (0, 1))
    results = dirty_data.run(("mae", "gar"), seeds=(0, 1), store=tmp_path / "store", jobs=1)
    summaries.write(results, dirty_data.NAME)
    return results


def test_a_part_is_trained_again_to_verify(
    short: xr.Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert dirty_data.is_full(short)
    shown = dirty_data.table(short)
    pd.testing.assert_frame_equal(shown, dirty_data.table(summaries.read(dirty_data.NAME)))
    assert shown.loc[("clean", "MAE"), "ratio"] == 1
    assert not dirty_data.is_full(short.sel(condition=["clean"]))
    assert not dirty_data.is_full(short.sel(seed=[0]))
    again = partial(dirty_data.run, seeds=(0, 1), jobs=1)
    other = catalogue.OTHERS[dirty_data.NAME]._replace(run=again)
    monkeypatch.setitem(catalogue.OTHERS, dirty_data.NAME, other)
    assert spot_check.state(dirty_data.NAME) == spot_check.STATES[0]
    monkeypatch.setattr(provenance, "_digest", lambda roots: f"other code of {roots[-1].name}")
    assert spot_check.state(dirty_data.NAME) == spot_check.STATES[2]
    found = spot_check.verify(dirty_data.NAME)
    assert len(found) == 2 * 2 * len(dirty_data.METRICS)  # methods, seeds, of one condition
    assert spot_check.state(dirty_data.NAME) == spot_check.STATES[1]
    frame, record = summaries.read_frame(dirty_data.NAME)
    changed = (frame["method"] == "gar") & (frame["condition"] == "symmetric 40 %")
    frame.loc[changed & (frame["seed"] == 1), "test"] += 1e-6
    summaries.write_frame(frame, dirty_data.NAME, record)
    with pytest.raises(summaries.SummaryError, match="not verified: gar give other values now"):
        spot_check.verify(dirty_data.NAME)
