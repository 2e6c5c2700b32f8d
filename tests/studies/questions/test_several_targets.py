"""The study of several targets: losses, selection and scores by other means, and what it says."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import xarray as xr
from scipy import stats

from gar_verify import paths
from gar_verify.data import Table
from gar_verify.losses import GARLoss
from gar_verify.metrics import METRICS
from gar_verify.studies import catalogue, summaries
from gar_verify.studies.figures import several_targets_figure
from gar_verify.studies.questions import across, deals
from gar_verify.studies.questions import several_targets as study
from gar_verify.studies.questions import several_targets_report as report
from gar_verify.training import PARTS, Recipe, train
from gar_verify.training.targets import train_by_target

RECIPE = Recipe(hidden=(4,), epochs=3, batch_size=16, milestones=(2,))
GRID = across.Grid(RECIPE, (1e-1, 1e-2), (0, 1))
ALPHAS = torch.tensor([0.3, 1.0, 4.0])


def table(name: str, targets: int = 3, rows: int = 60) -> Table:
    rng = np.random.default_rng(len(name))
    X = rng.normal(size=(rows, 4))
    y = X @ rng.normal(size=(4, targets)) + rng.normal(size=(rows, targets))
    parts = {"train_X": X[12:], "train_y": y[12:], "test_X": X[:12], "test_y": y[:12]}
    return Table(name, **parts, source="made", target="y", unit="")


def dealt(targets: int = 3) -> deals.Deal:
    return deals.deal(*deals.rows_of(table("made", targets)), GRID.seeds)


@pytest.fixture
def tables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(study, "load_table", lambda name: table(name, 2 if name == "enb" else 3))


def run(folder: Path) -> xr.Dataset:
    options = {"seeds": GRID.seeds, "names": ("enb", "jura"), "grid": GRID, "jobs": 1}
    return study.run(("gar", "gar_own", "gar_row"), store=folder, **options)  # type: ignore[arg-type]


# --- the losses -----------------------------------------------------------------------------------


def by_hand(f: np.ndarray, y: np.ndarray, alpha: float, way: str) -> float:
    """GAR of a batch [B, T]: NumPy's deviations and correlations, a loop over columns or rows."""
    if way == "row":
        f, y = f.T, y.T
    parts = np.array(
        [
            [np.abs(d).mean(), d.std() ** 2, 1 - np.corrcoef(p, t)[0, 1]]
            for p, t, d in zip(f.T, y.T, (f - y).T, strict=True)
        ]
    )
    aggregated = parts if way == "per target" else parts.mean(0, keepdims=True)
    return float((alpha * np.log((aggregated ** (1 / alpha)).mean(1))).mean())


@pytest.mark.parametrize(
    ("name", "way", "options"),
    [
        ("gar", "joint", {}),
        ("gar_per_target", "per target", {"targets": "per_target"}),
        ("gar_row", "row", {"dim": 1}),
        ("gar_own", "joint", {}),
    ],
)
def test_what_is_minimised_is_gar_in_its_way(name: str, way: str, options: dict[str, str]) -> None:
    f, y = torch.randn(2, 3, 7, 4, generator=torch.Generator().manual_seed(0)).double()
    f.requires_grad_()
    (method,) = study.methods_of([name])
    losses = method.objective.loss(f, y, None, ALPHAS.double(), None)
    (gradient,) = torch.autograd.grad(losses.sum(), f)
    for k, alpha in enumerate(ALPHAS.tolist()):
        wanted = by_hand(f[k].detach().numpy(), y[k].numpy(), alpha, way)
        assert losses[k].item() == pytest.approx(wanted, rel=1e-6)
        one = f[k].detach().requires_grad_()
        GARLoss(alpha, **options)(one, y[k]).backward()  # type: ignore[arg-type]
        torch.testing.assert_close(gradient[k], one.grad, rtol=1e-6, atol=1e-9)


def test_methods_have_the_grids_of_their_losses() -> None:
    found = {method.name: method.hyperparameters for method in study.methods_of(study.METHODS)}
    assert len({found[name] for name in ("gar", "gar_per_target", "gar_own", "gar_row")}) == 1
    assert found["mae_own"] == found["mae"] != found["gar"]
    with pytest.raises(ValueError, match="'rnc' is no method of several_targets; choose from mae"):
        study.methods_of(["rnc"])


# --- training and scores --------------------------------------------------------------------------


def test_scores_by_target_are_those_of_the_trainer_before_they_are_averaged() -> None:
    (method,) = study.methods_of(["gar"])
    runs = across.runs_of(method, GRID)
    ours = train_by_target(dealt(), runs, RECIPE, method.objective)
    theirs = train(dealt(), runs, RECIPE, method.objective)
    assert (ours.parameters == theirs.parameters).all()
    np.testing.assert_allclose(ours.metrics.mean(3), theirs.metrics, rtol=1e-5)


def test_relative_errors_are_those_over_the_mean_of_the_training_rows() -> None:
    deal = dealt()
    for fold in range(len(GRID.seeds)):
        found = study.constant_rmse(deal, fold)
        for p, rows in enumerate((deal.train, deal.validation, deal.tests)):
            for t in range(3):
                mean = sum(deal.targets[row, t] for row in deal.train[fold]) / len(deal.train[fold])
                squares = [(deal.targets[row, t] - mean) ** 2 for row in rows[fold]]
                assert found[p, t] == pytest.approx(np.sqrt(np.mean(squares)))


def piece(name: str, deal: deals.Deal) -> xr.Dataset:
    (method,) = study.methods_of([name])
    return study._piece(across.Task("t", "c", deal), method, GRID).compute(lambda models: None)


def test_a_piece_holds_what_its_training_and_selection_by_loops_give() -> None:
    deal = dealt()
    found = piece("gar", deal)
    (method,) = study.methods_of(["gar"])
    recipe = across.recipe_of(RECIPE, len(deal.train[0]))
    runs = across.runs_of(method, GRID)
    metrics = train_by_target(deal, runs, recipe, method.objective).metrics.astype(float)
    for fold, seed in enumerate(GRID.seeds):
        constant = study.constant_rmse(deal, fold)
        for m, score in enumerate(study.SCORES):
            best, sign = np.inf, -1 if score in study.CORRELATIONS else 1
            for r, trained in enumerate(runs):
                for e in range(recipe.epochs * (trained.fold == fold)):
                    values = metrics[r, e, 1:, :, m] / (constant[1:] if score == "aRRMSE" else 1)
                    validation, test = values.mean(1)
                    if sign * validation < best:
                        best, wanted = sign * validation, test
            assert found["test"].sel(seed=seed, metric=score).item() == pytest.approx(wanted)


@pytest.mark.parametrize("loss", ["gar", "mae"])
def test_own_networks_are_one_study_for_each_target(loss: str) -> None:
    deal = dealt()
    own = piece(f"{loss}_own", deal)
    alone = [piece(loss, replace(deal, targets=deal.targets[:, [t]])) for t in range(3)]
    np.testing.assert_allclose(own["test"], sum(one["test"] for one in alone) / 3)
    np.testing.assert_allclose(own["validation"], sum(one["validation"] for one in alone) / 3)
    assert not np.allclose(own["test"], piece(loss, deal)["test"])


def test_own_networks_select_for_each_target_and_a_shared_one_for_their_mean() -> None:
    coordinates = {
        "seed": [0],
        "learning_rate": [1.0, 2.0],
        "hyperparameter": [0.0],
        "epoch": [1],
        "split": list(PARTS),
        "target": [0, 1],
        "metric": list(METRICS),
    }
    errors = np.array([[0.1, 0.9], [0.4, 0.4]])  # candidate by target; the second has the best mean
    scores = xr.DataArray(np.zeros([len(v) for v in coordinates.values()]), coordinates)
    scores[...] = errors[None, :, None, None, None, :, None]
    together, own = (study.selected(scores, own=own) for own in (False, True))
    assert together["test"].sel(metric="aRRMSE").item() == pytest.approx(0.4)
    assert own["test"].sel(metric="aRRMSE").item() == pytest.approx((0.1 + 0.4) / 2)
    assert own["test"].sel(metric="Pearson").item() == pytest.approx((0.4 + 0.9) / 2)
    assert together["selected_learning_rate"].sel(metric="aRRMSE").item() == 2
    assert "selected_learning_rate" not in own


def test_a_target_that_does_not_vary_where_it_is_scored_is_left_out() -> None:
    deal = dealt()
    targets = deal.targets.copy()
    targets[deal.tests[1], 0] = 5.0
    kept = study.usable(replace(deal, targets=targets))
    np.testing.assert_array_equal(kept.targets, targets[:, 1:])
    assert study.usable(deal).targets.shape == deal.targets.shape


def test_how_correlated_targets_are_is_the_mean_over_their_pairs() -> None:
    targets = np.random.default_rng(0).normal(size=(40, 4)) @ np.diag([1, 2, 3, -4.0])
    targets[:, 1] -= targets[:, 0]
    pairs = [(i, j) for i in range(4) for j in range(i)]
    wanted = np.mean([abs(stats.pearsonr(targets[:, i], targets[:, j])[0]) for i, j in pairs])
    assert study.correlation(targets) == pytest.approx(wanted)


def test_it_goes_on_where_it_was(tmp_path: Path, tables: None) -> None:
    first = run(tmp_path)
    assert first["test"].sel({"table": "enb", "method": "gar_row"}).isnull().all()
    assert first["test"].sel({"table": "jura"}).notnull().all()
    assert json.loads(first.attrs["tables"])["jura"]["targets"] == 3
    files = sorted((tmp_path / study.NAME).glob("*.nc"))
    assert len(files) == 2 + 2 + 1
    kept = files[1].stat().st_mtime_ns
    files[0].unlink()
    files[-1].write_bytes(files[-1].read_bytes()[:-1])
    again = run(tmp_path)
    assert files[1].stat().st_mtime_ns == kept
    xr.testing.assert_identical(again.drop_attrs(), first.drop_attrs())
    assert not study.is_full(again)


# --- what it says ---------------------------------------------------------------------------------


def made(factors: dict[str, float], slope: float = 0.0, tables: int = 8) -> xr.Dataset:
    """Results in which a method has its factor of GAR's error, to the power of a seed's noise.

    With a slope, the targets of later tables are more correlated, and GAR per target is worse.
    """
    rng = np.random.default_rng(0)
    names = [f"t{k}" for k in range(tables)]
    shape = {
        "table": names,
        "condition": ["c"],
        "method": ["gar", *factors],
        "seed": list(range(5)),
    }
    level = 0.4 + 0.02 * rng.normal(size=(tables, 1, 1, 5))
    worse = np.array([1.0, *factors.values()])[None, None, :, None] * np.ones_like(level)
    at = [i for i, name in enumerate(shape["method"]) if name == "gar_per_target"]
    worse[:, :, at] *= np.exp(slope * np.arange(tables))[:, None, None, None]
    worse = worse * np.exp(0.001 * rng.normal(size=worse.shape))
    errors = level * worse
    by_score = [1 - errors if score in study.CORRELATIONS else errors for score in study.SCORES]
    test = xr.DataArray(
        np.stack(by_score, -1), {**shape, "metric": list(study.SCORES)}, [*shape, "metric"]
    )
    about = {
        name: {"rows": 9, "features": 2, "targets": 2 + (k > 0), "correlation": k / 10}
        for k, name in enumerate(names)
    }
    settings = json.dumps({"learning_rates": list(GRID.learning_rates)})
    return xr.Dataset({"test": test}, attrs={"tables": json.dumps(about), "settings": settings})


def beyond_chance(results: xr.Dataset) -> tuple[str, str]:
    """What a sentence says is better, and worse."""
    said = report.sentence(results).split("Beyond chance better: ")[1]
    better, worse = said.split(" comparisons")[0].rsplit(" (", 1)[0].split("; worse: ")
    return better, worse


@pytest.mark.parametrize("method", ["gar_per_target", "gar_own", "gar_row"])
def test_a_way_is_called_better_or_worse_where_it_is(method: str) -> None:
    name = f"{report.label(method)} than GAR (joint) by"
    both = f"{name} aRRMSE, {name} Pearson"
    assert beyond_chance(made({method: 0.9})) == (both, "none")
    assert beyond_chance(made({method: 1.0})) == ("none", "none")
    assert beyond_chance(made({method: 1.1})) == ("none", both)


def test_each_score_is_judged_by_itself() -> None:
    results = made({"gar_own": 0.9})
    results["test"].loc[{"metric": "Pearson"}] = made({"gar_own": 1.1})["test"].sel(
        metric="Pearson"
    )
    name = "GAR (own networks) than GAR (joint) by"
    assert beyond_chance(results) == (f"{name} aRRMSE", f"{name} Pearson")
    assert f"{name[:-3]} 100% (100% to 100%) and 0% (0% to 0%)." in report.sentence(results)


def test_gar_is_said_to_lose_to_the_mae_where_it_does() -> None:
    name = "GAR (joint) than MAE by aRRMSE, GAR (joint) than MAE by Pearson"
    assert beyond_chance(made({"mae": 0.9})) == ("none", name)
    assert beyond_chance(made({"mae": 1.1})) == (name, "none")
    assert "MAE (own networks) than MAE by Pearson" in beyond_chance(
        made({"mae": 1.0, "mae_own": 1.2})
    )[1]  # fmt: skip


def test_it_says_on_how_many_tables_and_of_how_many_comparisons() -> None:
    said = report.sentence(made({"gar_row": 1.1, "gar_own": 1.1}))
    assert "GAR (across the row) than GAR (joint) 0% (0% to 0%) and 0% (0% to 0%), on 7." in said
    assert "(4 comparisons, not corrected for their number)" in said


@pytest.mark.parametrize(
    ("slope", "words"),
    [
        (0.1, "the gain grows with it."),
        (-0.1, "the gain falls with it."),
        (0, "do not tell whether"),
    ],
)
def test_the_part_of_correlation_is_judged_by_its_interval(slope: float, words: str) -> None:
    assert words in report.sentence(made({"gar_per_target": 1.0}, slope))


def test_nothing_is_said_of_what_is_not_there() -> None:
    assert report.sentence(made({"huber": 1.0})) == ""
    assert "rank correlation" not in report.sentence(made({"gar_per_target": 1.0}, tables=4))
    assert report.sentence(made({"gar_row": 1.0}, tables=1)) == ""
    few = report.sentence(made({"gar_own": 0.5}, tables=4))
    assert "chance" not in few
    assert few.endswith(
        "100% (100% to 100%) and 100% (100% to 100%). Of so few tables nothing follows."
    )


def test_a_rank_correlation_has_an_exact_p_and_a_wide_interval() -> None:
    one, other = np.random.default_rng(3).normal(size=(2, 6))
    found = report.rank_correlation(one, other)
    rank = stats.spearmanr(one, other).statistic
    tested = stats.permutation_test(
        (one,),
        lambda x: stats.spearmanr(x, other).statistic,
        permutation_type="pairings",
        n_resamples=np.inf,
    )
    assert found["rank"] == pytest.approx(rank)
    assert found["p"] == pytest.approx(tested.pvalue)
    width = 1.959964 * np.sqrt((1 + rank**2 / 2) / (6 - 3))
    wanted = np.tanh(np.arctanh(rank) + np.array([-width, width]))
    assert [found["low"], found["high"]] == pytest.approx(wanted)
    perfect = report.rank_correlation(np.arange(8.0), np.arange(8.0))
    assert perfect["rank"] == pytest.approx(1)
    assert 0.9 < perfect["low"] < perfect["high"] <= 1
    assert perfect["p"] == pytest.approx(2 / 40320)


def test_the_table_has_every_method_beside_mae_and_gar() -> None:
    results = made({"mae": 1.25, "gar_row": 0.5})
    table = report.table(results)
    line = table.loc["Pearson", "GAR (across the row)"]
    test = results["test"].sel({"method": "gar_row", "metric": "Pearson"})
    assert line["measured"] == pytest.approx(test[1:].mean().item())  # the first has two targets
    assert line["ratio to MAE"] == pytest.approx(0.4, rel=0.01)
    assert (line["tables"], line["of"], line["better low"]) == (7, 7, 1)
    own = table.loc["aRRMSE", "GAR (joint)"]
    assert (own["better than joint GAR"], own["ratio to MAE"]) == (
        0.5,
        pytest.approx(0.8, rel=0.01),
    )
    assert "ratio to MAE" not in report.table(made({"huber": 1.0}))


def test_constant_predictions_count_as_no_correlation() -> None:
    results = made({"mae": 1.0})
    results["test"].loc[{"method": "mae", "metric": "Pearson", "seed": 2}] = np.nan
    assert report.lower_is_better(results, "Pearson", "mae").sel(
        seed=2
    ).to_numpy() == pytest.approx(1)


def test_the_figure_has_the_tables_by_correlation_and_ratios_of_the_same_rows() -> None:
    results = made({"mae": 1.25, "gar_row": 0.5, "gar_own": 1.0})
    panel = several_targets_figure(results).axes[0]
    names = [text.get_text().split("\n")[0] for text in panel.get_yticklabels()]
    assert names == [f"t{k}" for k in reversed(range(8))]
    lines = {c.get_label(): c.lines[0].get_xydata() for c in panel.containers}
    assert list(lines) == ["GAR (joint)", "GAR (own networks)", "GAR (across the row)"]
    scores = results["test"].sel(metric="aRRMSE", condition="c")
    ratios = scores.sel({"method": "gar_row"}) / scores.sel({"method": "mae"})
    wanted = ratios.mean("seed").to_numpy()[:0:-1]
    assert lines["GAR (across the row)"][:, 0] == pytest.approx(wanted)
    assert np.rint(lines["GAR (across the row)"][:, 1]) == pytest.approx(np.arange(7))


def test_it_is_saved_and_read_by_name(
    tmp_path: Path, tables: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(study, "GRID", GRID)
    monkeypatch.setattr(study, "TABLES", ("enb", "jura"))
    monkeypatch.setattr(paths, "summaries", lambda: tmp_path / "results")
    results = catalogue.run(
        study.NAME, ("mae", "gar", "gar_row"), seeds=GRID.seeds, grid=GRID,
        store=tmp_path / "store", jobs=1,
    )  # fmt: skip
    written = {path.name for path in catalogue.save(study.NAME, results, tmp_path)}
    stems = (study.NAME, f"{study.NAME}_by_table")
    assert written == {
        *(f"{stem}{suffix}" for stem in stems for suffix in (".csv", ".md")),
        *(f"{study.NAME}{suffix}" for suffix in (".png", ".pdf", ".json")),
    }
    stored = catalogue.summary(study.NAME)
    whole = tmp_path / f"{study.NAME}.csv"
    from_results = whole.read_bytes()
    catalogue.save(study.NAME, stored, tmp_path)
    assert whole.read_bytes() == from_results
    assert report.by_table(stored).index.tolist() == report.by_table(results).index.tolist()
    assert catalogue.sentence(study.NAME, stored)


@pytest.mark.skipif(not summaries.exists(study.NAME), reason="not run yet")
def test_the_stored_summary_is_of_the_whole_study() -> None:
    stored = catalogue.summary(study.NAME)
    assert study.is_full(stored)
    assert study.code_of(stored) == stored.attrs["code"]
    assert tuple(stored["method"].to_numpy()) == study.METHODS
    wide = report.about(stored)["targets"] >= study.LEAST_IN_ROW
    absent = stored["test"].sel({"method": study.ROW}).isnull().all(["condition", "seed", "metric"])
    assert (absent.to_numpy() == ~wide.to_numpy()).all()


def test_the_packaged_table_has_both_targets_of_parkinsons() -> None:
    whole = study._table(study.PARKINSONS)
    motor, total = (study.load_table(f"parkinsons_{name}") for name in ("motor", "total"))
    np.testing.assert_array_equal(whole.train_X, total.train_X)
    np.testing.assert_array_equal(whole.test_y, np.hstack([motor.test_y, total.test_y]))
