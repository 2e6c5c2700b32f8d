"""The other competitors: what is trained, by other means, and what is said of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import xarray as xr
from sklearn.ensemble import ExtraTreesRegressor

from gar_verify.data import load_table
from gar_verify.losses import ConcordanceLoss
from gar_verify.losses.gar.loss import stacked_concordance
from gar_verify.metrics import Scorer
from gar_verify.studies import selection, summaries, tabular
from gar_verify.studies.figures import competitors_figure
from gar_verify.studies.questions import competitors as study

FOLDS = tabular.Protocol.folds


def test_the_stacked_concordance_is_that_of_each_model() -> None:
    f, y = torch.randn(2, 3, 9, 2, generator=torch.Generator().manual_seed(0)).double()
    f.requires_grad_()
    found = stacked_concordance(f, y, f, f, None)
    (gradient,) = torch.autograd.grad(found.sum(), f)
    for one in range(3):
        alone = f[one].detach().requires_grad_()
        loss = ConcordanceLoss()(alone, y[one])
        loss.backward()
        torch.testing.assert_close(found[one], loss)
        torch.testing.assert_close(gradient[one], alone.grad)
        by_hand = [
            1 - 2 * np.cov(p, t, bias=True)[0, 1] / (p.var() + t.var() + (p.mean() - t.mean()) ** 2)
            for p, t in zip(f[one].detach().numpy().T, y[one].numpy().T, strict=True)
        ]
        assert found[one].item() == pytest.approx(np.mean(by_hand))


def test_the_networks_have_the_papers_protocol() -> None:
    for name in study.TABLES[:2]:
        assert study.protocol(name) == tabular.protocol(name)
    cut = study.protocol("parkinsons_total")
    assert cut.weight_decays == (1e-4,)
    assert replace(cut, weight_decays=(1e-3, 1e-4, 1e-5)) == tabular.protocol("parkinsons_total")


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("competitors")


@pytest.fixture(scope="module")
def quick(store: Path) -> Iterator[xr.Dataset]:
    full = tabular.protocol(study.TABLES[0], quick=True)
    short = replace(full, recipe=replace(full.recipe, epochs=3, milestones=(2,)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tabular, "protocol", lambda table, quick=False: short)
        patch.setattr(study, "QUICK_COUNT", 4)
        yield study.run(quick=True, store=store, jobs=1)


def test_concordance_is_trained_and_selected_as_a_loss_of_the_tabular_studies(
    quick: xr.Dataset,
) -> None:
    name = study.TABLES[0]
    settings = replace(study.protocol(name, quick=True), learning_rates=(1.0,))
    whole = tabular.run_methods(load_table(name), [study.NETWORKS["ccc"]], settings, jobs=1)
    selected = selection.select(whole).squeeze(("method", "seed"))
    ours = quick.sel({"table": name, "method": "ccc"})
    for part in ("test", "validation"):
        np.testing.assert_array_equal(
            ours[part].transpose("fold", "metric"), selected[part].transpose("fold", "metric")
        )


@pytest.mark.parametrize("name", study.TREES)
def test_trees_are_fitted_on_a_fold_and_predict_the_test_rows(quick: xr.Dataset, name: str) -> None:
    table = load_table(study.TABLES[0])
    rows = tabular.folds(table, FOLDS).train[1]
    X, y = table.train_X[rows], table.train_y[rows, 0]
    trees = ExtraTreesRegressor(study.QUICK_COUNT, random_state=1)
    if name == "trees":
        predicted = trees.fit(X, y).predict(table.test_X)
    else:
        predicted = by_pairs(trees, X, y, table.test_X)
    scores = Scorer(torch.tensor(table.test_y[:, 0]))(torch.tensor(predicted))
    found = quick.sel({"table": table.name, "method": name, "fold": 1})["test"].to_numpy()
    tolerance = 1e-12 if name == "trees" else 0.1  # other pairs are drawn there
    np.testing.assert_allclose(found, scores, rtol=tolerance)


def by_pairs(
    trees: ExtraTreesRegressor, X: np.ndarray, y: np.ndarray, rows: np.ndarray
) -> np.ndarray:
    """Differences of pairs are learned; a row is predicted from every row that is known."""

    def pairs(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return np.concatenate([a, b, a - b], -1)

    left, right = np.random.default_rng(0).integers(len(X), size=(2, 40_000))
    trees.fit(pairs(X[left], X[right]), y[left] - y[right])
    anchors = np.random.default_rng(1).permutation(len(X))[:100]
    found = []
    for row in rows:
        one = np.broadcast_to(row, X[anchors].shape)
        there = trees.predict(pairs(one, X[anchors]))
        back = trees.predict(pairs(X[anchors], one))
        found.append(np.mean(y[anchors] + (there - back) / 2))
    return np.array(found)


def test_it_goes_on_where_it_was(store: Path, quick: xr.Dataset) -> None:
    files = sorted((store / study.NAME).glob("*.nc"))
    assert len(files) == len(study.METHODS) * FOLDS
    kept = files[1].stat().st_mtime_ns
    files[0].unlink()
    again = study.run(quick=True, store=store, jobs=1)
    assert files[1].stat().st_mtime_ns == kept
    xr.testing.assert_identical(again.drop_attrs(), quick.drop_attrs())
    assert not study.is_full(again)
    assert json.loads(again.attrs["settings"])["folds"] == FOLDS


def test_unknown_methods_are_refused() -> None:
    with pytest.raises(ValueError, match="'rnc' is no method of competitors; choose from ccc"):
        study.run(["rnc"])


def test_the_code_of_a_record_is_that_of_its_lines(quick: xr.Dataset) -> None:
    lines = [study.code_of(quick.sel({"method": [name]})) for name in study.METHODS]
    assert lines[2] == lines[3]  # trees are the same function with another setting
    assert len({*lines, study.code_of(quick)}) == len(lines)


# --- what it says ---------------------------------------------------------------------------------


def made(**errors: float) -> xr.Dataset:
    """Results with a test MAE of GAR's on the folds of Concrete, times a factor for each method."""
    stored = summaries.read(study.TABLES[0])["test"].sel({"method": "gar"}).squeeze("seed")
    factors = xr.DataArray(list(errors.values()), {"method": list(errors)}, ["method"])
    noise = np.random.default_rng(0).normal(1, 1e-3, (len(errors), FOLDS))
    test = (
        stored.drop_vars(["method", "seed"])
        * factors
        * xr.DataArray(noise, dims=("method", "fold"))
    )
    test = test.expand_dims(table=list(study.TABLES[:1]))
    return xr.Dataset({"test": test, "validation": test})


def test_the_sentence_can_come_out_either_way() -> None:
    said = study.sentence(made(ccc=1.2, trees=0.8))
    assert "ahead of CCC and behind extra trees by more than chance; lowest: extra trees" in said
    said = study.sentence(made(ccc=0.5, trees=1.1))
    assert "ahead of extra trees and behind CCC by more than chance; lowest: CCC" in said
    said = study.sentence(made(ccc=1.0, trees=1.00001))
    assert "ahead of none and behind none by more than chance" in said


def test_the_table_puts_them_beside_the_stored_methods_on_the_same_rows() -> None:
    results = made(ccc=1.2, trees=0.8)
    found = study.table(results)
    stored = summaries.read("concrete")["test"].sel(metric="MAE").mean(("seed", "fold"))
    for name in ("gar", "mae", "ranksim"):
        line = found.loc[("concrete", "MAE", study.named(name))]
        assert line["measured"] == pytest.approx(stored.sel({"method": name}).item())
        assert np.isnan(line["GAR ahead by"])
    ours = results["test"].sel({"metric": "MAE", "method": "ccc"}).mean().item()
    line = found.loc[("concrete", "MAE", "CCC")]
    assert line["measured"] == pytest.approx(ours)
    assert line["GAR ahead by"] == pytest.approx(ours - stored.sel({"method": "gar"}).item())
    assert line["low"] < line["GAR ahead by"] < line["high"]
    pearson = found.loc[("concrete", "Pearson", "CCC")]
    assert pearson["GAR ahead by"] < 0  # 1.2 times the correlation would be better


def test_the_figure_draws_what_the_table_says() -> None:
    results = made(ccc=1.2, trees=0.8)
    (panel,) = competitors_figure(results).axes
    names = [text.get_text() for text in panel.get_yticklabels()]
    assert names[-2:] == ["CCC", "extra trees"]
    lines = study.table(results).xs("concrete").xs("MAE").loc[names, "measured"]
    dots = {
        float(line.get_ydata()[0]): float(line.get_xdata()[0])
        for line in panel.lines
        if len(line.get_xdata()) == 1
    }
    assert {names[int(y)]: x for y, x in dots.items()}.items() <= lines.to_dict().items()
    assert len(dots) >= len(names) - 1  # one may be beyond the edge
