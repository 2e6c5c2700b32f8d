"""The study of sentences: pieces that are kept, the summary, the table and the figure."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from sklearn.decomposition import PCA
from typer.testing import CliRunner

from gar_verify.cli.app import app
from gar_verify.metrics import METRICS, Scorer
from gar_verify.studies import catalogue, figures, statistics, summaries
from gar_verify.studies.definitions import SOURCES, Definition, definition_of
from gar_verify.studies.methods import tabular_methods
from gar_verify.studies.sentences import encoder, frozen, pairs, study, training

torch = pytest.importorskip("torch")
SHORT = replace(study.RECIPE, batch_size=16)
CHOSEN = ("mae", "rnc", "gar")


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GAR_VERIFY_PINS", "off")
    monkeypatch.setattr(study, "RECIPE", SHORT)


@pytest.fixture(scope="module")
def shared_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Trained once: the pairs and the encoder are the same in every test."""
    return tmp_path_factory.mktemp("store")


@pytest.fixture
def results(sentences_of_ones_own: Path, shared_store: Path) -> xr.Dataset:
    return catalogue.run("sts_b", CHOSEN, store=shared_store, jobs=1)


def test_results_are_metrics_of_what_the_pieces_predict(
    results: xr.Dataset, encoder_folder: Path
) -> None:
    assert dict(results.sizes) == {"method": 3, "seed": 3, "metric": 4}
    parts = pairs.load()
    of = training.material(encoder_folder, pairs.digest(parts), SHORT.layers)
    rates = {}
    for name, of_loss in results.attrs["validation_pearson"].items():
        tried = {float(rate): value for rate, value in of_loss.items()}
        assert set(tried) == set(SHORT.learning_rates)
        rates[name] = max(tried, key=lambda rate: tried[rate])
    assert set(rates) == set(CHOSEN)
    rate = rates["gar"]
    (gar,) = tabular_methods(["gar"], 0)
    predicted = training.train(of, gar.objective, training.GAR_ALPHA, rate, 2, SHORT)
    one = results.sel({"method": "gar", "seed": 2})
    for part in training.SCORED:
        expected = Scorer(torch.tensor(parts[part].score))(torch.tensor(predicted[part]))
        np.testing.assert_allclose(one[part].to_numpy(), expected, atol=1e-5)
    for name, of_loss in rates.items():
        assert (results["rate"].sel({"method": name}) == of_loss).all()


def test_the_summary_is_the_results(results: xr.Dataset, tmp_path: Path) -> None:
    assert study.is_full(results)
    written = catalogue.save("sts_b", results, tmp_path / "figures")
    names = {path.relative_to(tmp_path / "figures").as_posix() for path in written}
    assert names == {
        *(f"sts_b.{suffix}" for suffix in ("csv", "md", "png", "pdf")),
        *(f"results/sts_b.{suffix}" for suffix in ("csv", "json")),
    }
    read = summaries.read("sts_b", tmp_path / "figures" / "results")
    assert catalogue.table("sts_b", read).equals(catalogue.table("sts_b", results))
    assert catalogue.sentence("sts_b", read) == catalogue.sentence("sts_b", results)
    assert figures.digest(catalogue.figure("sts_b", read)) == figures.drawn(
        tmp_path / "figures" / "sts_b.png"
    )
    record = json.loads((tmp_path / "figures" / "results" / "sts_b.json").read_text())
    weights = encoder.weights_digest(encoder.folder())
    assert record["settings"]["weights"] == weights
    assert record["settings"]["recipe"]["layers"] == SHORT.layers
    assert record["code"] == study.code_of(read)
    assert record["code"] != study.code_of(read.sel({"method": ["mae", "gar"]}))
    fewer = results.sel(seed=[0, 1])
    assert not study.is_full(fewer)
    assert catalogue.save("sts_b", results.sel({"method": ["mae"]}), tmp_path / "figures")
    assert summaries.read("sts_b", tmp_path / "figures" / "results").sizes["method"] == 3


@pytest.mark.parametrize("name", study.METHODS)
def test_another_method_in_the_list_leaves_the_record_of_one(name: str) -> None:
    """Results rest on the loss itself, not on the names beside it."""
    (method,) = tabular_methods([name], 0)
    roots = map(definition_of, (*method.objective.functions, training.train))
    reached = SOURCES.reached([Definition(study.__name__, "_piece.compute"), *roots])
    assert "gar_verify.studies.methods" not in {definition.module for definition in reached}


def test_the_table_compares_with_the_mae(results: xr.Dataset) -> None:
    table, test = catalogue.table("sts_b", results), results["test"]
    line = table.loc[("Pearson", "GAR")]
    ours, theirs = (test.sel({"method": m, "metric": "Pearson"}).to_numpy() for m in ("gar", "mae"))
    assert line["measured"] == pytest.approx(ours.mean())
    assert line["std"] == pytest.approx(ours.std())
    assert line["gain"] == pytest.approx((ours - theirs).mean())
    ratio = 20 / 60
    p = [
        statistics.paired(test.sel({"method": m, "metric": "Pearson"}).to_numpy() - theirs, ratio)[
            "p corrected"
        ]
        for m in ("rnc", "gar")
    ]
    assert line["p holm"] == pytest.approx(statistics.holm(np.array(p))[1])
    mae = table.loc[("MAE", "GAR")]
    errors = (test.sel({"method": m, "metric": "MAE"}).to_numpy() for m in ("mae", "gar"))
    assert mae["gain"] == pytest.approx(np.subtract(*errors).mean())
    assert table.loc[("Pearson", "literature: BiLSTM on GloVe"), "published"] == 0.742
    assert table.loc[("RMSE", "literature: BiLSTM on GloVe"), "published"] == pytest.approx(0.9869, abs=1e-4)  # fmt: skip  # noqa: E501
    sentence = catalogue.sentence("sts_b", results)
    better = int((table.xs("Pearson")["gain"] > 0).sum())
    assert f"by test Pearson, {better} of 2 losses are better on average than MAE" in sentence


def test_references_need_no_training(results: xr.Dataset) -> None:
    parts = pairs.load()
    true = parts["test"].score
    mean = results.attrs["references"]["mean of the training scores"]
    assert mean["MAE"] == pytest.approx(np.abs(true - parts["train"].score.mean()).mean(), abs=1e-5)
    assert set(mean) == set(METRICS[:2])
    of = training.material(encoder.folder(), pairs.digest(parts), SHORT.layers)
    vectors = training.untrained_vectors(of, "mine").numpy()
    u, v = vectors[of.first["test"]], vectors[of.second["test"]]
    cosine = (u * v).sum(1) / np.linalg.norm(u, axis=1) / np.linalg.norm(v, axis=1)
    found = results.attrs["references"]["cosine, untrained"]
    assert found["Pearson"] == pytest.approx(np.corrcoef(cosine, true)[0, 1], abs=1e-4)


def test_shared_pairs_are_counted_and_left_out(sentences_of_ones_own: Path, tmp_path: Path) -> None:
    lines = (sentences_of_ones_own / "sts_b_train.tsv").read_text().splitlines()
    path = sentences_of_ones_own / "sts_b_test.tsv"
    test = path.read_text().splitlines()
    first, second = (line.split("\t") for line in lines[1:3])
    turned = [*second[:2], second[3], second[2], second[4]]
    test[1:4] = ["\t".join(first), "\t".join(turned), "\t".join(first)]
    path.write_text("\n".join(test) + "\n")
    results = study.run(["mae"], seeds=(0,), store=tmp_path / "store", jobs=1)
    shared = results.attrs["shared"]
    assert shared["test and train: different pairs"] == 1
    assert shared["test and train: lines, in either order"] == 3
    assert shared["validation and train: lines, in either order"] == 0
    of = training.material(encoder.folder(), pairs.digest(pairs.load()), SHORT.layers)
    rate = results["rate"].to_numpy().ravel()[0]
    (mae,) = tabular_methods(["mae"], 0)
    predicted = training.train(of, mae.objective, 0.0, rate, 0, SHORT)["test"][3:]
    error = np.abs(predicted - pairs.load()["test"].score[3:]).mean()
    assert results["unshared"].sel(metric="MAE").item() == pytest.approx(error, abs=1e-5)
    assert results["test"].sel(metric="MAE").item() != pytest.approx(error, abs=1e-5)


PROGRAM = """
import sys
from dataclasses import replace
from pathlib import Path
from gar_verify.studies.sentences import study
study.RECIPE = replace(study.RECIPE, batch_size=16)
study.run({methods!r}, store=Path(sys.argv[1]), jobs=1)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL on Windows")
def test_killed_it_goes_on_to_the_same_bytes(results: xr.Dataset, tmp_path: Path) -> None:
    program = [sys.executable, "-c", PROGRAM.format(methods=CHOSEN), str(tmp_path)]
    process = subprocess.Popen(program)
    until = time.monotonic() + 200
    while len(list(tmp_path.glob("sts_b/*.nc"))) < 2 and time.monotonic() < until:
        assert process.poll() is None
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    before = {path: path.stat().st_mtime_ns for path in tmp_path.glob("sts_b/*.nc")}
    resumed = study.run(CHOSEN, store=tmp_path, jobs=1)
    assert 2 <= len(before) < len(list(tmp_path.glob("sts_b/*.nc"))) == 16
    assert all(path.stat().st_mtime_ns == moment for path, moment in before.items())
    for name in ("test", "validation", "unshared"):
        assert resumed[name].to_numpy().tobytes() == results[name].to_numpy().tobytes()
    assert resumed.attrs["fingerprints"] == results.attrs["fingerprints"]


def test_other_settings_are_other_pieces(sentences_of_ones_own: Path, tmp_path: Path) -> None:
    study.run(["mae"], seeds=(0,), store=tmp_path, jobs=1)
    count = len(list(tmp_path.rglob("*.nc")))
    whole = study.run(["mae"], seeds=(0,), store=tmp_path, jobs=1, layers=None)
    assert len(list(tmp_path.rglob("*.nc"))) == 2 * count
    assert not study.is_full(whole)
    with pytest.raises(ValueError, match="layers must be from 1 to 2, or all, got 7"):
        study.run(["mae"], seeds=(0,), store=tmp_path, jobs=1, layers=7)


def test_frozen_vectors_are_a_table_of_their_own(
    sentences_of_ones_own: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = replace(frozen.QUICK.recipe, epochs=2, batch_size=16, hidden=(4,))
    monkeypatch.setattr(frozen, "QUICK", replace(frozen.QUICK, recipe=recipe))
    monkeypatch.setattr(frozen, "COMPONENTS", 6)
    results = catalogue.run("sts_b_frozen", ("mae", "gar"), quick=True, store=tmp_path, jobs=1)
    assert results.sizes["fold"] == 5
    assert catalogue.sentence("sts_b_frozen", results).startswith("STS-B frozen: by test MAE, GAR")
    assert not catalogue.is_for_the_record("sts_b_frozen", results)
    table, parts = frozen.table(), pairs.load()
    scores = [*parts["train"].score, *parts["validation"].score]
    assert sorted(table.train_y[:, 0]) == sorted(scores)
    assert table.train_X.shape == (80, 4 * frozen.COMPONENTS)
    np.testing.assert_allclose(table.train_X.mean(0), 0, atol=1e-10)
    of = training.material(encoder.folder(), pairs.digest(parts), SHORT.layers)
    vectors = training.untrained_vectors(of, "mine").double().numpy()
    known = np.unique(
        np.concatenate([rows[p] for rows in (of.first, of.second) for p in frozen.KNOWN])
    )
    axes = PCA(frozen.COMPONENTS, svd_solver="full").fit(vectors[known])
    u, v = (axes.transform(vectors[rows["validation"][[3]]]) for rows in (of.first, of.second))
    row = int(np.flatnonzero(table.train_y[:, 0] == parts["validation"].score[3])[0])
    k = frozen.COMPONENTS
    products = np.concatenate([_components(axes, vectors, of, p) for p in frozen.KNOWN])
    expected = (u * v - products.mean(0)) / products.std(0)
    np.testing.assert_allclose(table.train_X[row, 3 * k :], expected[0], rtol=1e-3, atol=1e-3)
    of_test = (_components(axes, vectors, of, "test") - products.mean(0)) / products.std(0)
    np.testing.assert_allclose(table.test_X[:, 3 * k :], of_test, rtol=1e-3, atol=1e-3)


def _components(axes: PCA, vectors: np.ndarray, of: training.Material, part: str) -> np.ndarray:
    u, v = (axes.transform(vectors[rows[part]]) for rows in (of.first, of.second))
    return u * v


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["concrete", "--layers", "2"], "--layers is an option of sts_b"),
        (["sts_b", "--layers", "two"], "--layers takes a number or all, got 'two'"),
        (["sts_b", "--quick", "--layers", "5"], "layers must be from 1 to 2, or all, got 5"),
    ],
)
def test_the_command_takes_layers_of_this_study_only(
    sentences_of_ones_own: Path, arguments: list[str], message: str
) -> None:
    outcome = CliRunner().invoke(app, ["run", *arguments, "--jobs", "1"])
    assert isinstance(outcome.exception, ValueError)
    assert message in str(outcome.exception)


def test_the_command_prints_the_table(sentences_of_ones_own: Path, tmp_path: Path) -> None:
    command = ["run", "sts_b", "--quick", "--methods", "mae,gar", "--jobs", "1"]
    outcome = CliRunner().invoke(app, [*command, "--layers", "all", "--store", str(tmp_path)])
    assert outcome.exception is None, outcome.exception
    assert "| Pearson | GAR |" in outcome.stdout
    assert "| RMSE | literature: RankSim |" in outcome.stdout
