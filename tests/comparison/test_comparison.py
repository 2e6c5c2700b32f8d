"""What a comparison trains, chooses, reports and writes, on tables small enough to check."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from gar_verify import compare
from gar_verify.comparison import Comparison, compare_file, nested, plan, reading, splits
from gar_verify.comparison.catalogue import Candidate
from gar_verify.comparison.columns import features_of
from gar_verify.comparison.preparation import pipeline, prepare
from gar_verify.comparison.stacking import phases
from gar_verify.studies import statistics

QUICK = {"losses": ["mae", "gar"], "alphas": [0.5, 2.0], "folds": 3, "quick": True, "jobs": 1}


def frame(rows: int = 60) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    x = rng.normal(size=rows)
    kind = np.resize(["a", "b"], rows)
    y = 1000 + 50 * x + 30 * (kind == "a")
    return pd.DataFrame({"name": [f"r{i}" for i in range(rows)], "x": x, "kind": kind, "y": y})


@pytest.fixture(scope="module")
def outcome() -> Comparison:
    table = frame()
    table.loc[3, "y"] = np.nan
    table.loc[5, "x"] = np.nan
    targets = table[["y"]].assign(half=table["y"] / 2 - 7)
    return compare(table[["name", "x", "kind"]], targets, seeds=(0, 1), title="test", **QUICK)


def test_the_table_is_in_units_and_from_rows_never_seen(outcome: Comparison) -> None:
    table, predictions = outcome.table(), outcome.predictions()
    lines = ["MAE", "GAR", "GAR, alpha = 0.5", "GAR, alpha = 2"]
    others = ["median", "mean", "ridge", "boosting, L1", "boosting, L2"]
    assert list(table.loc["y"].index) == lines + others
    for target in ("y", "half"):
        own = predictions[predictions["target"] == target]
        assert own.notna().all(axis=None)
        error = (own["GAR"] - own["observed"]).abs()
        folds = outcome.results["test"].sel({"method": "gar", "target": target, "metric": "MAE"})
        assert folds.mean().item() == pytest.approx(table.loc[(target, "GAR"), "MAE"])
        assert error.mean() == pytest.approx(folds.mean().item(), rel=0.05)
    assert table.loc[("y", "GAR"), "MAE"] < 20  # of labels around 1000, with a deviation of 50
    assert table.loc[("y", "GAR"), "MAE"] == pytest.approx(
        2 * table.loc[("half", "GAR"), "MAE"], rel=0.2
    )


def test_notes_say_what_was_left_out(outcome: Comparison) -> None:
    said = "\n".join(outcome.notes)
    assert "1 of 60 rows have no target and are left out" in said
    assert "column 'name' is left out: it has 59 different texts in 59 rows" in said
    assert 4 not in outcome.rows
    assert str(outcome).startswith("1 of 60 rows")


def test_it_tests_with_the_corrected_test(outcome: Comparison) -> None:
    gains = {
        key: outcome.results["test"].sel({"method": key, "target": "y", "metric": "MAE"}).values
        for key in ("mae", "gar")
    }
    expected = statistics.paired((gains["mae"] - gains["gar"]).T.ravel(), 1 / 2)["p corrected"]
    assert outcome.table().loc[("y", "GAR"), "p"] == pytest.approx(expected)


def test_the_sentence_follows_the_test(outcome: Comparison) -> None:
    results = outcome.results.copy(deep=True)

    def verdict(gar: float) -> str:
        rng = np.random.default_rng(0)
        results["test"][:] = rng.normal(10, 0.01, results["test"].shape)
        results["test"].loc[{"method": "gar"}] += gar
        same = (outcome.plan, outcome.rows, outcome.truth, ())
        return Comparison("test", results, *same).verdict.splitlines()[0]

    quick = "y: A first look only (--quick), which settles nothing: training with GAR "
    assert f"{quick}is better than with MAE by more than chance: test MAE 8.99" in verdict(-1)
    assert "against 9.998, 10.0 % lower (p < 0.001); RMSE is better (p < 0.001), P" in verdict(-1)
    assert "Pearson is worse (p < 0.001), Spearman is worse (p < 0.001) and CCC" in verdict(-1)
    assert "GAR is worse than with MAE by more than chance" in verdict(1)
    assert f"{quick}cannot be told from training with MAE: test MAE" in verdict(0)
    assert "no equality: a difference in MAE of 0.0" in verdict(0)
    assert "Holm's correction over all 5 tests (losses by metrics) that these" in verdict(0)


def test_the_sentence_warns_of_few_fits(outcome: Comparison) -> None:
    few = "over 3 paired differences, too few to show any but large differences, with Holm's"
    assert few in outcome.verdict
    twice = xr.concat([outcome.results, outcome.results.assign_coords(seed=[1])], "seed")
    more = Comparison("test", twice, outcome.plan, outcome.rows, outcome.truth, ())
    assert "over 6 paired differences, with Holm's" in more.verdict


@pytest.mark.usefixtures("sketched")
def test_everything_is_written_or_nothing(
    outcome: Comparison, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "out"
    written = outcome.save(folder)
    assert {path.name for path in written} == {path.name for path in folder.iterdir()}
    assert {"comparison.csv", "scores.csv", "predictions.csv", "index.html"} <= {
        path.name for path in written
    }
    page = (folder / "index.html").read_text(encoding="utf-8")
    said = outcome.verdict.replace("'", "&#39;")
    assert all(sentence in page for sentence in said.splitlines())
    assert "A first look only (--quick), which settles nothing.</p>" in page
    assert "gar_verify.compare(X, y, losses=[&#39;mae&#39;, &#39;gar&#39;]" in page
    assert (folder / "verdict.txt").read_text(encoding="utf-8") == f"{outcome.verdict}\n"
    for name in ("comparison.csv", "scores.csv", "predictions.csv"):
        assert pd.read_csv(folder / name)["first look"].eq("quick settings, no result").all()
    assert page.count("data:image/png;base64,") == 8
    assert "http" not in page
    assert re.findall(r'\ssrc="(?!data:)', page) == []
    with pytest.raises(ValueError, match="exists already"):
        outcome.save(folder)
    assert outcome.save(folder, force=True) == written

    def fail(*arguments: object) -> str:
        raise OSError("the disk is full")

    monkeypatch.setattr("gar_verify.comparison.writing._draw", fail)
    with pytest.raises(OSError, match="full"):
        outcome.save(tmp_path / "third")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out"]


@pytest.mark.usefixtures("sketched")
def test_a_file_gives_the_bytes_of_another_run(tmp_path: Path) -> None:
    frame().to_csv(tmp_path / "a.csv", index=False, sep=";")
    frame().to_parquet(tmp_path / "a.parquet")
    settings = QUICK | {"alphas": [0.5], "folds": 2}
    runs = [
        compare_file(tmp_path / name, ["y"], identifiers=["name"], max_rows=50, **settings)
        for name in ("a.csv", "a.parquet")
    ]
    one, two = (run.save(tmp_path / str(i)) for i, run in enumerate(runs))
    for first, second in zip(one, two, strict=True):
        if first.suffix == ".csv":
            assert first.read_bytes() == second.read_bytes()
    assert runs[0].notes[0] == "50 of 60 rows are used, drawn at random with seed 0 (max-rows)"
    assert runs[0].predictions().index.name == "name" or runs[0].rows.names == ["name"]


def test_drawn_rows_do_not_depend_on_the_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = pd.DataFrame({"x": np.arange(1000)})
    monkeypatch.setattr(reading, "BLOCK", 10)
    blocks = [whole.iloc[i : i + 7] for i in range(0, 1000, 7)]
    by_blocks, at_once = reading.draw(blocks, 30, 5), reading.draw([whole], 30, 5)
    pd.testing.assert_frame_equal(by_blocks.frame, at_once.frame)
    assert (by_blocks.total, len(by_blocks.frame)) == (1000, 30)
    assert (by_blocks.frame.index == by_blocks.frame["x"] + 1).all()
    assert set(reading.draw([whole], 30, 6).frame["x"]) != set(by_blocks.frame["x"])


def test_nothing_of_the_test_part_reaches_the_transformer() -> None:
    table = pd.DataFrame({"x": [1.0, 2.0, np.nan, 3.0, 900.0], "k": ["a", "b", "a", None, "new"]})
    features = features_of(table)
    train = np.arange(4)
    before = prepare(features, train, train)
    features.frame.loc[4, ["x", "k"]] = [-5.0, "other"]
    after = prepare(features, train, np.arange(5))
    np.testing.assert_array_equal(before, after[:4])
    assert before.shape[1] == 2 + 3  # x, x missing; a, b, (missing)
    np.testing.assert_array_equal(after[4, 2:], 0)  # a level that training did not have


def test_rare_levels_share_a_column_and_outliers_are_cut_off() -> None:
    levels = [f"k{i}" for i in range(30) for _ in range(3)]
    table = pd.DataFrame({"k": levels, "x": [1e9, *np.linspace(0, 1, 89)]})
    features = features_of(table)
    assert features.notes == [
        "column 'k' has 30 levels; the 19 most frequent are told apart, the others are one"
    ]
    inputs = pipeline(features).fit(table.iloc[1:]).transform(table)
    assert inputs.shape[1] == 21
    assert inputs[0, 0] == 10


def test_columns_are_what_they_hold() -> None:
    table = pd.DataFrame(
        {
            "text of numbers": ["1", " 2", "3.5", None],
            "flag": [True, False, True, True],
            "code": [1.0, 2.0, 1.0, np.nan],
            "empty": [None] * 4,
            "kind": pd.Categorical(["u", "v", "u", "u"]),
        }
    )
    found = features_of(table, ["code"])
    assert found.numeric == ["text of numbers"]
    assert found.categorical == ["flag", "code", "kind"]
    assert list(found.frame["code"]) == ["1", "2", "1", None]
    assert found.notes == ["column 'empty' is left out: it has no value at all"]


def test_a_plan_follows_the_rows() -> None:
    small, large = plan.make_plan(442), plan.make_plan(10_000)
    assert (small.recipe.batch_size, large.recipe.batch_size) == (32, 256)
    assert (small.inner, large.inner) == (2, 1)
    assert small.lengths[-1] == small.recipe.epochs > large.recipe.epochs
    assert [line.label for line in small.lines] == [
        "MAE",
        "MSE",
        "Huber",
        "GAR",
        *(f"GAR, alpha = {alpha:g}" for alpha in plan.default_alphas()),
    ]
    assert plan.make_plan(20, ["gar"]).recipe.batch_size == 8


def test_every_loss_takes_part_and_trains_as_if_alone() -> None:
    every = plan.make_plan(60, list(plan.LOSSES), [0.5], folds=3, quick=True)
    table = frame()
    features = features_of(table[["x"]])
    data = nested.Data(features, table[["y"]].to_numpy(), ("y",), splits.Layout(60))
    piece = nested.pieces(data, every, nested.Machine())[0]
    together = piece.compute(lambda models: None)
    assert list(together["method"].values) == list(plan.LOSSES)
    assert np.isfinite(together["test"]).all()
    alone = nested.pieces(data, plan.make_plan(60, ["mse"], folds=3, quick=True), nested.Machine())
    one = alone[0].compute(lambda models: None)["test"]
    np.testing.assert_array_equal(one, together["test"].sel({"method": ["mae", "mse"]}))


def test_losses_of_predictions_share_a_stack() -> None:
    named = [nested.Choice(Candidate(name, 1.0), 0.1, 0, 4) for name in ("mae", "rnc", "gar")]
    stacks = list(phases(named, 4))
    assert [members for _, members in stacks] == [[0, 2], [1]]
    assert stacks[1][0].objective.pretraining_epochs == 2


def test_the_best_settings_are_chosen_and_a_failure_never_is() -> None:
    wanted = plan.make_plan(60, ["gar"], [0.5, 2.0], quick=False)
    scores = np.ones((3, 2, 2, len(wanted.lengths)))
    scores[2, 1, 0, 3] = 0.5
    scores[1] = np.nan
    gar = wanted.lines[1]
    assert nested._choose(scores, wanted, gar) == nested.Choice(
        Candidate("gar", 2.0),
        wanted.learning_rates[1],
        wanted.weight_decays[0],
        wanted.lengths[3],
    )
