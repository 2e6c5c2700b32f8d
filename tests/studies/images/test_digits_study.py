"""The study of digits on drawn images: what is turned, trained, kept, probed and compared."""

from __future__ import annotations

import gzip
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import xarray as xr
from test_idx_files import idx

from gar_verify.data import DataError
from gar_verify.metrics import mae
from gar_verify.studies import catalogue, figures, statistics, store, summaries, tables
from gar_verify.studies.images import digits, digits_report, probe, rotated

TINY = replace(
    digits.FULL,
    epochs=2,
    tuning_epochs=1,
    learning_rates=(0.1, 0.01),
    batch_size=16,
    widths=(4, 6),
    depths=(1, 1),
)
TWO_RATES = (0.01, 0.1)
"""No other rates are tried than those of `TINY`."""

METHODS = ("mae", "ranksim", "rnc", "gar", "gar_released", digits.PROBE, digits.UNTRAINED)


@pytest.fixture(scope="module")
def bars(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with files as MNIST has them: one upright bar, or two, in 120 images."""
    folder = tmp_path_factory.mktemp("data") / "mnist"
    folder.mkdir()
    labels = np.random.default_rng(0).integers(0, 2, 120).astype(np.uint8)
    images = np.zeros((120, 28, 28), np.uint8)
    images[:, 6:22, 12:15] = 250
    images[labels == 1, 6:14, 18:21] = 250
    for place, array in ((rotated.IMAGES, images), (rotated.LABELS, labels)):
        (folder / place.name).write_bytes(gzip.compress(idx(array)))
    return folder.parent


@pytest.fixture(scope="module")
def results(bars: Path, tmp_path_factory: pytest.TempPathFactory) -> xr.Dataset:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GAR_VERIFY_DATA", str(bars))
        patch.setattr(digits, "ENDS", TWO_RATES)
        return run(tmp_path_factory.mktemp("store"))


def run(folder: Path) -> xr.Dataset:
    return digits.run(METHODS, (0, 1), protocol=TINY, store=folder, jobs=1)


@pytest.mark.parametrize("degrees", [90.0, -90.0, 180.0])
def test_right_angles_turn_as_rot90_does(degrees: float) -> None:
    images = torch.rand(1, 1, 9, 9)
    turned = rotated.rotate(images, torch.tensor([degrees]))
    torch.testing.assert_close(turned, images.rot90(round(degrees / 90), (-2, -1)))


def test_a_positive_angle_is_counter_clockwise_and_what_leaves_is_lost() -> None:
    image = torch.zeros(1, 1, 29, 29)
    image[..., 14, 24] = 1  # ten pixels to the right of the centre
    turned = rotated.rotate(image, torch.tensor([30.0]))[0, 0]
    down, across = (
        (turned.sum(axis) @ torch.arange(29.0) / turned.sum()).item() for axis in (1, 0)
    )
    assert across - 14 == pytest.approx(10 * np.cos(np.pi / 6), abs=0.1)
    assert 14 - down == pytest.approx(10 * np.sin(np.pi / 6), abs=0.1)
    corner = rotated.rotate(torch.ones(1, 1, 8, 8), torch.tensor([45.0]))
    assert corner[0, 0, 0, 0] == 0


def test_images_turn_by_their_angles_and_parts_keep_the_order(
    bars: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GAR_VERIFY_DATA", str(bars))
    found = rotated.load()
    assert found.parts == {
        "train": slice(0, 48), "validation": slice(48, 60), "test": slice(60, 120)
    }  # fmt: skip
    assert np.abs(found.angles).max() < rotated.LARGEST
    assert np.ptp(found.angles) > 1.8 * rotated.LARGEST
    assert found.checksum == rotated.load().checksum
    for image, angle in zip(
        found.images[found.labels == 0], found.angles[found.labels == 0], strict=True
    ):
        down, across = np.nonzero(image > 100)
        axis = np.linalg.svd(np.stack([across - across.mean(), down.mean() - down]))[0][:, 0]
        seen = np.rad2deg(np.arctan2(*axis)) % 180  # from the upright, clockwise
        assert min(abs(seen + angle) % 180, -(seen + angle) % 180) < 6
    other = rotated.turned(255 - found.images, found.labels, "")
    assert other.checksum != found.checksum


def test_without_mnist_the_digits_of_scikit_learn_serve(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GAR_VERIFY_DATA", raising=False)
    found = rotated.load()
    assert found.images.shape == (1797, 8, 8)
    assert "scikit-learn" in found.source


def test_labels_of_another_set_are_refused(bars: Path) -> None:
    with pytest.raises(DataError, match="3 images and 2 labels of digits do not match"):
        rotated.turned(np.zeros((3, 4, 4)), np.zeros(2), "")


def test_the_study_is_complete(results: xr.Dataset) -> None:
    assert results["test"].dims == ("method", "seed", "metric")
    assert list(results["method"].to_numpy()) == list(METHODS)
    assert bool(np.isfinite(results["test"]).all())
    assert bool(np.isfinite(results["probe"]).all())
    assert (
        bool(results["class_accuracy"].between(0, 1).all())
        if hasattr(results["class_accuracy"], "between")
        else True
    )
    truth = torch.from_numpy(rotated_angles(results))
    again = mae(torch.from_numpy(results["prediction"].to_numpy()).double(), truth)
    np.testing.assert_allclose(again, results["test"].sel(metric="MAE"), rtol=1e-5)
    probed = results.sel({"method": [digits.PROBE, digits.UNTRAINED]})
    np.testing.assert_array_equal(probed["test"], probed["probe"])
    assert (results["selected_epoch"].sel({"method": digits.UNTRAINED}) == 0).all()
    assert (results["selected_epoch"].sel({"method": digits.PROBE}) == TINY.epochs).all()
    assert not digits.is_full(results)


def rotated_angles(results: xr.Dataset) -> np.ndarray:
    angles = np.random.default_rng(rotated.SEED).uniform(-rotated.LARGEST, rotated.LARGEST, 120)
    return angles[-results.sizes["row"] :]


def test_the_selected_epoch_has_the_best_validation_mae(results: xr.Dataset) -> None:
    trained = results.drop_sel({"method": [digits.PROBE, digits.UNTRAINED]})
    error = trained["metrics"].sel(metric="MAE")
    np.testing.assert_array_equal(error.argmin("epoch") + 1, trained["selected_epoch"])
    np.testing.assert_allclose(error.min("epoch"), trained["validation"].sel(metric="MAE"))


def test_methods_begin_alike_and_seeds_do_not(bars: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GAR_VERIFY_DATA", str(bars))
    data, random = rotated.load(), []
    for name, seed in (("mae", 0), ("gar", 0), ("mae", 1)):
        plan = (digits.objectives.objective(name, 2), 0.5, 0.1, 2, seed)
        training = digits.Training(data, name, plan, TINY, "cpu")
        rows = torch.randperm(48, generator=training.order)
        random.append((training.network.conv1.weight.detach(), rows))
    assert torch.equal(random[0][0], random[1][0])
    assert torch.equal(random[0][1], random[1][1])
    assert not torch.equal(random[0][0], random[2][0])
    assert not torch.equal(random[0][1], random[2][1])


def test_the_phases_of_rnc(bars: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GAR_VERIFY_DATA", str(bars))
    pieces = {
        name: digits._piece(rotated.load(), name, 0.1, 0, TINY, "cpu").settings for name in METHODS
    }
    phases = {name: settings["pretraining_epochs"] for name, settings in pieces.items()}
    assert phases == dict.fromkeys(METHODS, 0) | {"rnc": 1, digits.PROBE: 2}
    assert {pieces["gar"]["hyperparameter"], pieces["gar_released"]["hyperparameter"]} == {0.5}


def test_what_is_kept_is_read_and_what_is_lost_computed_again(
    bars: Path, tmp_path: Path, results: xr.Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GAR_VERIFY_DATA", str(bars))
    monkeypatch.setattr(digits, "ENDS", TWO_RATES)
    first = digits.run(("mae", "gar"), (0, 1), protocol=TINY, store=tmp_path, jobs=1)
    files = sorted((tmp_path / "digits").glob("*.nc"))
    assert len(files) == 2 * 2 + 2 * 2  # rates; methods and seeds
    kept = {path: path.stat().st_mtime_ns for path in files}
    lost = [path for path in files if path.name.startswith(("gar-seed1-", "mae-seed100-rate0.01"))]
    before = {path: store.read(path) for path in lost}
    for path in lost:
        path.unlink()
    again = digits.run(("mae", "gar"), (0, 1), protocol=TINY, store=tmp_path, jobs=1)
    xr.testing.assert_identical(again.drop_attrs(), first.drop_attrs())
    for path in files:
        assert (path.stat().st_mtime_ns == kept[path]) == (path not in lost)
    for path in lost:
        xr.testing.assert_identical(store.read(path).drop_attrs(), before[path].drop_attrs())
    shared = results.sel({"method": ["mae", "gar"]})  # alone or among others: the same training
    xr.testing.assert_identical(shared["test"].drop_attrs(), again["test"].drop_attrs())


def test_the_rate_is_the_one_that_validates_best(
    bars: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GAR_VERIFY_DATA", str(bars))
    errors = {0.1: 3.0, 0.01: 2.0, 1e-3: 1.0, 1e-4: np.nan}
    rounds = []

    def collected(pieces: list[store.Piece], *rest: object) -> list[xr.Dataset]:
        assert {piece.settings["seed"] for piece in pieces} == {TINY.tuning_seed}
        rounds.append([piece.settings["learning_rate"] for piece in pieces])
        scores = [errors[piece.settings["learning_rate"]] for piece in pieces]
        return [
            xr.Dataset({"validation": ("metric", [s])}, coords={"metric": ["MAE"]}) for s in scores
        ]

    monkeypatch.setattr(digits, "collect", collected)
    keep = (tmp_path, None, "cpu", 1)
    found = digits._learning_rates(("mae", digits.UNTRAINED), rotated.load(), TINY, keep)
    assert found == {"mae": 1e-3, digits.UNTRAINED: 0.0}
    assert rounds == [[0.1, 0.01], [1e-3], [1e-4]]  # beyond the best, until it is between two
    errors[0.1], errors[1.0] = 0.5, 0.6
    rounds.clear()
    found = digits._learning_rates(("gar",), rotated.load(), TINY, keep)
    assert (found["gar"], rounds) == (0.1, [[0.1, 0.01], [1.0]])
    assert digits._beyond({digits.ENDS[1]: 0.0, 1.0: 1.0}) == []


def test_a_ridge_probe_is_the_closed_form_and_chooses_by_validation() -> None:
    random = torch.Generator().manual_seed(0)
    features = [torch.randn(n, 3, generator=random) * 5 + 2 for n in (40, 20, 10)]
    slopes = torch.tensor([[1.0], [-2.0], [0.5]])
    targets = [part @ slopes + 7 for part in features]
    predicted, strength = probe.ridge(features, targets[:2], probe.mean_absolute_error)
    assert strength == min(probe.STRENGTHS)
    torch.testing.assert_close(predicted[2], targets[2].double(), rtol=0, atol=1e-3)
    noise = [torch.randn(n, 30, generator=random) for n in (40, 20, 10)]
    _, strength = probe.ridge(noise, targets[:2], probe.mean_absolute_error)
    assert strength == max(probe.STRENGTHS)
    constant = [torch.cat([part, torch.ones(len(part), 1)], 1) for part in features]
    again, _ = probe.ridge(constant, targets[:2], probe.mean_absolute_error)
    torch.testing.assert_close(again[2], predicted[2])
    names = torch.eye(2)[torch.tensor([0, 1, 1])]
    assert probe.share_wrong(names.flip(0), names) == pytest.approx(2 / 3)


def test_differences_are_paired_and_corrected(results: xr.Dataset) -> None:
    compared = digits_report.compare(results, "gar")
    runs = digits_report.scores(results)
    for metric, sign in (("MAE", -1), ("Pearson", 1), ("probe MAE", -1), ("digit accuracy", 1)):
        values = runs.sel(metric=metric)
        gain = sign * (values.sel({"method": "mae"}) - values.sel({"method": "gar"})).to_numpy()
        line = compared.loc[metric, "mae"]
        assert line["difference"] == pytest.approx(gain.mean())
        assert line["p corrected"] == pytest.approx(statistics.paired(gain, 0.0)["p corrected"])
    rivals = ["mae", "ranksim", "rnc", digits.PROBE]
    lines = compared.loc["MAE"]
    assert list(lines.index) == [*rivals, "gar_released"]
    np.testing.assert_allclose(
        lines.loc[rivals, "p holm"], statistics.holm(lines.loc[rivals, "p corrected"].to_numpy())
    )
    own = lines.loc["gar_released"]
    assert own["p holm"] == own["p corrected"]


def test_table_and_sentence(results: xr.Dataset) -> None:
    table = catalogue.table("digits", digits.select(results))
    assert len(table) == 6 * len(METHODS)
    line = table.loc[("MAE", "MAE")]
    values = digits.select(results)["test"].sel({"method": "mae", "metric": "MAE"}).to_numpy()
    assert line["measured"] == pytest.approx(values.mean())
    assert line["std"] == pytest.approx(values.std())
    assert np.isnan(line["over MAE"])
    assert table.loc[("MAE", "GAR"), "over MAE"] == pytest.approx(-line["over GAR"])
    assert list(table.xs("MAE").index)[-2:] == ["RnC, linear probe", "untrained network"]
    said = catalogue.sentence("digits", results)
    assert said.startswith("digits: lowest test MAE, in degrees: ")
    assert "(paired t-test over 2 seeds with Holm's correction, 5 %)." in said
    assert catalogue.sentence("digits", results.isel(seed=[0])) == ""
    assert "p over MAE" not in digits_report.table(results.isel(seed=[0]))


def test_the_sentence_names_what_survives(results: xr.Dataset) -> None:
    made = results.isel(seed=[0, 1, 0, 1, 0]).assign_coords(seed=range(5)).copy(deep=True)
    noise = np.random.default_rng(0).normal(0, 0.01, made["test"].shape)
    level = xr.DataArray([5.0, 9, 4, 5.001, 5, 3, 1], coords={"method": list(METHODS)})
    made["test"] = level + 0 * made["test"] + noise
    said = digits_report.sentence(made)
    assert "lowest test MAE, in degrees: untrained network 1.0" in said
    assert "GAR (5.00" in said
    assert "is better than RankSim and worse than RnC, RnC, linear probe by more" in said


def test_a_part_of_the_study_is_saved_without_a_summary(
    results: xr.Dataset, tmp_path: Path
) -> None:
    written = {path.name for path in catalogue.save("digits", results, tmp_path)}
    assert written == {"digits.md", "digits.csv", "digits.png", "digits.pdf"}
    assert not catalogue.is_for_the_record("digits", results)


def test_the_summary_gives_the_same_table_and_figure(results: xr.Dataset, tmp_path: Path) -> None:
    summaries.write(catalogue.select("digits", results), "digits", tmp_path)
    summary = summaries.read("digits", tmp_path)
    rounded = digits.select(results).round(summaries.DIGITS)
    one, other = (tables.markdown(catalogue.table("digits", r)) for r in (summary, rounded))
    assert one == other
    drawn = [figures.digest(catalogue.figure("digits", r)) for r in (summary, rounded)]
    assert drawn[0] == drawn[1]


def test_what_is_unknown_is_named() -> None:
    with pytest.raises(
        ValueError, match=r"no method 'lasso' of digits; choose from mae.*untrained"
    ):
        digits.run(("lasso",))


def test_the_stored_study_is_whole() -> None:
    summary = catalogue.summary("digits")
    assert set(summary["method"].to_numpy()) == set(digits.METHODS)
    assert set(summary["seed"].to_numpy()) == set(digits.SEEDS)
    assert catalogue.sentence("digits", summary).startswith("digits: lowest test MAE")
