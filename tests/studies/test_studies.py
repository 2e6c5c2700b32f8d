import json
from dataclasses import replace

import numpy as np
import pytest
from bits import checksum

from gar_verify.data import load_table
from gar_verify.studies import published, synthetic, tabular
from gar_verify.studies.methods import SYNTHETIC, TABULAR, label, tabular_methods

SHORT = tabular.Protocol(
    replace(tabular.RECIPES["diabetes"], epochs=3, milestones=(2,)), (0.1, 0.01), (1e-3,), 3
)


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """GAR and MAE on diabetes, three epochs, and the folder of the store."""
    folder = tmp_path_factory.mktemp("store")
    return study(folder), folder


def study(folder, **changes):
    methods = tabular_methods(["mae", "gar"], SHORT.recipe.epochs)
    return tabular.run_methods(load_table("diabetes"), methods, SHORT, store=folder, **changes)


def test_every_setting_has_its_label(small):
    results, _ = small
    assert dict(results.sizes) == {
        "method": 2,
        "seed": 1,
        "fold": 3,
        "learning_rate": 2,
        "weight_decay": 1,
        "hyperparameter": 3,
        "epoch": 3,
        "split": 3,
        "metric": 4,
    }
    assert results["metrics"].notnull().all()
    assert results["hyperparameter_value"].sel({"method": "gar"}).values.tolist() == [0.1, 1, 10]


def test_labels_are_those_of_the_runs(small):
    results, _ = small
    table = load_table("diabetes")
    method = tabular_methods(["gar"], 3)[0]
    run = tabular.grid(method, SHORT, (0.01,), 0, 2)[1]
    trained = tabular.train(tabular.folds(table, 3), [run], SHORT.recipe, method.objective)
    at = {"method": "gar", "fold": 2, "learning_rate": 0.01, "hyperparameter": 1}
    stored = results["metrics"].sel(at).squeeze(drop=True).transpose("epoch", "split", "metric")
    np.testing.assert_allclose(stored, trained.metrics[0], rtol=1e-3)


def test_a_second_run_goes_on_from_the_store(small):
    results, folder = small
    begun = {path: path.stat().st_mtime_ns for path in folder.rglob("*.nc")}
    again = study(folder)
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*.nc")} == begun
    assert checksum(again) == checksum(results)
    assert again.attrs == results.attrs


def test_more_seeds_and_other_scaling_are_other_results(small):
    results, folder = small
    more = study(folder, seeds=(0, 1))
    assert checksum(more.isel(seed=[0])) == checksum(results)
    assert (more["metrics"].isel(seed=0) != more["metrics"].isel(seed=1)).any()
    clean = study(folder, scaling="training part")
    assert (clean["metrics"] != results["metrics"]).any()


def test_provenance_names_settings_data_and_time(small):
    results, _ = small
    assert results.attrs["data"] == load_table("diabetes").checksum
    assert json.loads(results.attrs["settings"])["recipe"]["epochs"] == 3
    assert results.attrs["seconds"] > 0


def test_ranksim_has_two_more_rates_on_concrete_only():
    method = tabular_methods(["ranksim"], 100)[0]
    settings = tabular.protocol("concrete")
    assert tabular.learning_rates(method, settings, "concrete") == (0.1, 0.01, 0.001, 1e-4, 1e-5)
    assert tabular.learning_rates(method, settings, "wine") == (0.1, 0.01, 0.001)


def test_folds_are_unshuffled_and_share_the_test_part():
    problem = tabular.folds(load_table("diabetes"), 5)
    assert problem.validation[0].tolist() == list(range(71))
    assert sorted([*problem.train[3], *problem.validation[3]]) == list(range(354))
    assert problem.test.tolist() == list(range(354, 442))


def test_paper_protocol():
    full = tabular.protocol("parkinsons_total")
    assert full.recipe.hidden == (128, 256, 128, 64)
    assert (full.recipe.epochs, full.recipe.batch_size, full.recipe.milestones) == (
        100,
        256,
        (50, 75),
    )
    assert len(full.learning_rates) * len(full.weight_decays) * 3 * full.folds == 135
    assert tabular_methods(["rnc"], 100)[0].objective.pretraining_epochs == 50
    with pytest.raises(ValueError, match="no tabular study of 'sine'; choose one of concrete"):
        tabular.protocol("sine")
    with pytest.raises(ValueError, match="'mae_pearson' has no grid in the tabular studies"):
        tabular_methods(["mae_pearson"], 100)


def test_synthetic_study_in_short(tmp_path):
    results = synthetic.run(["gar", "rnc"], seeds=(1, 2), quick=True, store=tmp_path)
    assert dict(results.sizes) == {
        "method": 2,
        "seed": 2,
        "x": 629,
        "epoch": 60,
        "split": 3,
        "metric": 4,
    }
    assert (np.diff(results["x"]) > 0).all()
    assert results["y"].to_numpy() == pytest.approx(np.sin(results["x"]), abs=1e-6)
    assert results["is_test"].sum() == 314
    test = results["prediction"][..., results["is_test"].to_numpy()] - results["y"]
    last = results["metrics"].isel(epoch=-1).sel(split="test", metric="MAE")
    np.testing.assert_allclose(abs(test).mean("x"), last, rtol=1e-5)
    assert results["metrics"].sel(split="validation").isnull().all()


def test_unknown_curve_lists_the_known_ones():
    with pytest.raises(ValueError, match="no synthetic study of 'cosine'; choose one of sine, sq"):
        synthetic.run(curve="cosine")


def test_published_figures_cover_the_methods():
    assert published.tabular("concrete", "gar", "MAE") == (4.603, 0.075)
    assert all(np.isfinite(published.tabular("concrete", m, "MAE")).all() for m in TABULAR)
    assert all(len(published.synthetic_runs("squared_sine", m)) == 5 for m in SYNTHETIC)
    assert published.alpha_sensitivity("MAE")[10] == 4.603
    assert published.ablation("a+b", "RMSE") == 0.691
    assert np.isnan(published.tabular("wine", "gar", "RMSE")).all()
    assert published.tabular("concrete", "gar_released", "MAE") == (4.603, 0.075)
    assert label("focal_mae") == "focal-MAE"
