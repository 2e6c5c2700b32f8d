"""The AgeDB pipeline end to end on drawn discs: it learns, resumes to the same bytes, refuses."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from gar_verify import claims, paths
from gar_verify.data import DataError
from gar_verify.studies import summaries
from gar_verify.studies.images import augment, checkpoints, folder, objectives, pipeline
from gar_verify.studies.images.resnet import ResNet
from gar_verify.studies.progress import Progress
from gar_verify.studies.store import StoreError

pytest.importorskip("PIL")
TINY = pipeline.Recipe(epochs=3, batch_size=8, learning_rate=0.05, size=16)


def network() -> ResNet:
    torch.manual_seed(0)
    return ResNet((4, 8), (1, 1), kernel=3)


def place(discs: tuple[Path, Path], out: Path, threads: int = 1) -> pipeline.Place:
    return pipeline.Place(folder.read_listing(*discs), out, threads=threads)


def scratch(loss: str = "gar", recipe: pipeline.Recipe = TINY) -> pipeline.Plan:
    return pipeline.from_scratch(loss, recipe=recipe, network=network())


class KillAfter(Progress):
    """Kills its own process when so many epochs have been told of."""

    def __init__(self, epochs: int) -> None:
        self.left = epochs

    def note(self, text: str) -> None:
        self.left -= 1
        if not self.left:
            os.kill(os.getpid(), 9)


CODE = """
import sys
from pathlib import Path
sys.path.insert(0, {here!r})
import test_image_pipeline as test
place = test.place((Path({table!r}), Path({folder!r})), Path({out!r}))
test.pipeline.train(place, test.scratch("ranksim"), test.KillAfter(2))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL on Windows")
def test_killed_after_an_epoch_it_ends_with_the_same_bytes(
    discs: tuple[Path, Path], tmp_path: Path
) -> None:
    whole = pipeline.train(place(discs, tmp_path / "whole"), scratch("ranksim"))
    names = {"here": str(Path(__file__).parent), "table": str(discs[0]), "folder": str(discs[1])}
    code = CODE.format(out=str(tmp_path / "killed"), **names)
    environment = {**os.environ, "OMP_NUM_THREADS": str(torch.get_num_threads())}
    killed = subprocess.run([sys.executable, "-c", code], env=environment, timeout=300)
    assert killed.returncode == -9
    assert not (tmp_path / "killed" / "ranksim-seed0.json").exists()
    kept = torch.load(tmp_path / "killed" / "ranksim-seed0.pt", weights_only=True)
    assert len(kept["history"]) == 2
    again = pipeline.train(place(discs, tmp_path / "killed", threads=2), scratch("ranksim"))
    assert again == whole
    for suffix in (".pt", ".json"):
        one, other = (tmp_path / name / f"ranksim-seed0{suffix}" for name in ("whole", "killed"))
        assert one.read_bytes() == other.read_bytes()
    assert not [path for path in (tmp_path / "killed").iterdir() if path.name.startswith(".")]


def test_a_network_learns_where_the_disc_is(discs: tuple[Path, Path], tmp_path: Path) -> None:
    recipe = replace(TINY, epochs=25)
    images = place(discs, tmp_path)
    guess = images.listing.targets[images.listing.parts["train"]].mean()
    tested = images.listing.targets[images.listing.parts["test"]]
    told: list[str] = []
    progress = Progress()
    progress.note = told.append  # type: ignore[method-assign]
    with pytest.MonkeyPatch.context() as patch:  # views that keep the disc where it is
        patch.setattr(augment, "random_view", lambda images, sizes, size, _: central(images, size))
        patch.setattr(augment, "central_view", lambda images, sizes, size: central(images, size))
        found = pipeline.train(images, scratch("mae", recipe), progress)
    assert found["test"]["MAE"] < 0.7 * np.abs(tested - guess).mean()
    assert found["selected_epoch"] == 1 + int(np.argmin(found["history"]))
    assert found["validation"]["MAE"] == pytest.approx(min(found["history"]), abs=1e-5)
    assert set(found["test"]) == {"MAE", "RMSE", "Pearson", "Spearman", "R2"}
    spread = tested.astype(float).var()
    assert found["test"]["R2"] == pytest.approx(1 - found["test"]["RMSE"] ** 2 / spread)
    assert json.loads((tmp_path / "mae-seed0.json").read_text())["test"] == found["test"]
    assert told[0].startswith("mae-seed0: epoch 1 of 25, validation MAE ")
    assert told[-1].endswith("about 0.0 h left")


def central(images: torch.Tensor, size: int) -> torch.Tensor:
    return augment.normalise(torch.nn.functional.interpolate(images, size))


def test_every_step_sees_two_views_of_each_image(
    discs: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[Any, ...]] = []

    def noted(self: pipeline.Training, loss: Any, *batch: torch.Tensor) -> None:
        def both(prediction: Any, target: torch.Tensor, features: Any) -> torch.Tensor:
            seen.append((target.flatten().tolist(), len(prediction), features.detach()))
            return loss(prediction, target, features)

        step(self, both, *batch)

    step = pipeline.Training.step
    monkeypatch.setattr(pipeline.Training, "step", noted)
    training = pipeline.Training(place(discs, tmp_path), scratch(recipe=replace(TINY, epochs=1)))
    training.epoch(Progress())
    assert len(seen) == training.steps == 2  # 18 images, the last two dropped
    for target, rows, features in seen:
        assert rows == 16
        assert target[:8] == target[8:]
        assert not torch.allclose(features[:8], features[8:])
    everybody = seen[0][0][:8] + seen[1][0][:8]
    assert len(set(everybody)) == 16
    training.epoch(Progress())
    assert seen[2][0] != seen[0][0]  # another order


def test_the_rate_falls_along_the_published_cosine(discs: Any, tmp_path: Path) -> None:
    training = pipeline.Training(place(discs, tmp_path), scratch(recipe=replace(TINY, epochs=2)))
    rates = []
    for _ in range(2):
        training.epoch(Progress())
        rates.append(training.optimizer.param_groups[0]["lr"])
    assert rates == pytest.approx([0.05, 0.05 * (0.001 + 0.999 / 2)])


def test_the_published_settings() -> None:
    found = pipeline.FROM_SCRATCH, pipeline.PRETRAINING, pipeline.LINEAR_PROBE
    assert [r.epochs for r in found] == [400, 400, 100]
    assert [r.batch_size * r.views for r in found] == [256, 512, 64]
    assert [r.learning_rate for r in found] == [0.2, 0.5, 0.05]
    assert [r.weight_decay for r in found] == [1e-4, 1e-4, 0]
    assert [r.last for r in found] == pytest.approx([0.001, 0.001, 0.008])
    assert {r.size for r in found} == {224}
    assert pipeline.encoder().value == 2.0


def test_a_linear_probe_trains_the_last_layer_alone_on_the_encoder_of_rnc(
    discs: tuple[Path, Path], tmp_path: Path
) -> None:
    begun = network().state_dict()
    first = pipeline.encoder(replace(TINY, epochs=2), network=network())
    found = pipeline.linear_probe(place(discs, tmp_path), "mae", recipe=TINY, first=first)
    states = [
        torch.load(tmp_path / f"{name}-seed0.pt", weights_only=True)["network"]
        for name in ("encoder", "mae-probe")
    ]
    layer = {"fc.weight", "fc.bias"}
    for name, value in states[0].items():
        assert torch.equal(value, begun[name]) == (name in layer), name  # nothing trains the layer
        assert torch.equal(states[1][name], value) == (name not in layer), name
    assert found["before"]["epochs"] == 2
    encoder = (tmp_path / "encoder-seed0.pt").read_bytes()
    second = pipeline.encoder(replace(TINY, epochs=2), network=network())
    pipeline.linear_probe(place(discs, tmp_path), "gar", recipe=TINY, first=second)
    assert (tmp_path / "encoder-seed0.pt").read_bytes() == encoder  # it is taken as it is
    with pytest.raises(ValueError, match="conr acts on the features, which are frozen"):
        pipeline.linear_probe(place(discs, tmp_path), "conr")


def test_a_checkpoint_of_another_training_is_refused(discs: Any, tmp_path: Path) -> None:
    short = replace(TINY, epochs=1)
    pipeline.train(place(discs, tmp_path), scratch(recipe=short))
    other = pipeline.from_scratch("gar", 2.0, short, network=network())
    with pytest.raises(
        StoreError, match=r"gar-seed0\.pt is of another.*value: stored 0\.5, wanted 2"
    ):
        pipeline.train(place(discs, tmp_path), other)
    path = tmp_path / "gar-seed0.pt"
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(StoreError, match=r"gar-seed0\.pt cannot be read .*; remove it"):
        pipeline.train(place(discs, tmp_path), scratch(recipe=short))


def test_a_checkpoint_is_never_unpickled(tmp_path: Path) -> None:
    torch.save({"settings": "{}", "network": Path("anything but tensors")}, tmp_path / "bad.pt")
    with pytest.raises(StoreError, match="cannot be read"):
        checkpoints.load({}, tmp_path / "bad.pt")


def test_measuring_says_what_was_measured(discs: tuple[Path, Path], tmp_path: Path) -> None:
    said = pipeline.measure(place(discs, tmp_path), scratch(), steps=1)
    assert said.startswith("gar-seed0: a step of 8 images with 2 views of 16 px takes ")
    assert "3 epochs of 2 steps: about " in said
    assert not list(tmp_path.glob("*.pt"))


@pytest.mark.parametrize("name", objectives.METHODS)
def test_every_loss_is_what_the_registry_makes_of_it(name: str) -> None:
    from gar_verify.losses import ConRLoss, MAELoss, RankSimLoss, RnCLoss, get_loss, get_spec

    random = torch.Generator().manual_seed(3)
    prediction, target = torch.randn(2, 12, 1, generator=random)
    features = torch.randn(12, 5, generator=random)
    value, plan = objectives.default_value(name), objectives.objective(name, 10)
    loss = objectives.of_one(plan.loss, value, torch.Generator())
    mae, spec = MAELoss()(prediction, target), get_spec(name)
    expected = {
        "rnc": lambda: mae,
        "ranksim": lambda: mae + RankSimLoss(value)(features, target),
        "conr": lambda: mae + value * ConRLoss()(features, target, prediction),
    }.get(
        name,
        lambda: get_loss(name, **({spec.hyperparameter: value} if spec.hyperparameter else {}))(
            prediction, target
        ),
    )()
    torch.testing.assert_close(loss(prediction, target, features), expected)
    assert plan.pretraining_epochs == (5 if name == "rnc" else 0)
    if name == "rnc":
        contrast = objectives.of_one(plan.at(0)[0], value, torch.Generator())
        wanted = RnCLoss(2.0)(features, target)
        torch.testing.assert_close(contrast(prediction, target, features), wanted)


def test_an_unknown_loss_is_named() -> None:
    with pytest.raises(ValueError, match="no loss 'garr' for images; choose from mae, mse"):
        objectives.objective("garr", 1)


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "no part": ({"rename": {"split": "fold"}}, "the columns path, age, fold; expected .* part or"),
    "no target": ({"rename": {"age": "years"}}, "expected one called target or age or label"),
    "other part": ({"split": "dev"}, r"split holds 'dev'; expected train, val, validation, test"),
    "no number": ({"age": "old"}, r"age of 3\.png is old; expected a number"),
    "infinite": ({"age": "inf"}, r"age of 3\.png is inf; expected a number"),
    "no file": ({"path": "gone.png"}, r"1 files that are not in .*gone\.png; name the folder"),
}


@pytest.mark.parametrize(("change", "message"), REFUSED.values(), ids=REFUSED)
def test_a_table_that_does_not_fit_is_refused(
    changed: Callable[..., tuple[Path, Path]], change: dict[str, Any], message: str
) -> None:
    with pytest.raises(DataError, match=message):
        folder.read_listing(*changed(**change))


def test_columns_can_be_named(changed: Callable[..., tuple[Path, Path]]) -> None:
    renamed = changed(rename={"path": "photo", "age": "years", "split": "fold"})
    columns = {"file": "photo", "target": "years", "part": "fold"}
    listing = folder.read_listing(*renamed, columns)
    assert [len(rows) for rows in listing.parts.values()] == [18, 8, 8]
    with pytest.raises(DataError, match=r"expected one called tag for the part .*--part-column"):
        folder.read_listing(*renamed, {**columns, "part": "tag"})


def test_a_table_without_a_part_or_that_is_no_table_is_refused(discs: Any, tmp_path: Path) -> None:
    table, images = discs
    lines = table.read_text().splitlines()
    table.write_text("\n".join(line for line in lines if not line.endswith("val")))
    with pytest.raises(DataError, match=r"no image is of the part validation \(split\)"):
        folder.read_listing(table, images)
    with pytest.raises(DataError, match="cannot be read as CSV"):
        folder.read_listing(tmp_path / "none.csv", images)


def test_an_image_is_read_with_its_own_size_or_named(discs: Any) -> None:
    pixels, size = folder.read_image(discs[1] / "0.png", 20)
    assert pixels.shape == (3, 20, 20)
    assert size == (30, 40)
    assert pixels[:, 0, 0].tolist() == [90] * 3
    (discs[1] / "1.png").write_bytes(b"not an image")
    with pytest.raises(DataError, match=r"1\.png cannot be read"):
        folder.read_image(discs[1] / "1.png", 20)


def test_a_batch_that_the_table_cannot_fill_is_refused(discs: Any, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="18 images to train on, fewer than one batch of 128"):
        pipeline.Training(place(discs, tmp_path), scratch(recipe=replace(TINY, batch_size=128)))


MEASURE = ("--measure", "--batch-size", "2")
COMMANDS = {
    (*MEASURE, "--epochs", "7"): (0, "7 epochs of 9 steps: about "),
    (*MEASURE, "--probe", "--encoder-batch-size", "3"): (0, "encoder-seed0: a step of 3 images"),
    ("--epochs", "0"): (2, "gar-verify: --epochs must be at least 1, got 0"),
    ("--loss", "garr"): (2, "gar-verify: no loss 'garr' for images"),
}


@pytest.mark.parametrize("arguments", COMMANDS, ids=" ".join)
def test_the_command(
    discs: tuple[Path, Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
) -> None:
    from gar_verify.__main__ import main

    table, images = map(str, discs)
    common = ["--folder", images, "--size", "16", "--threads", "1", "--out", str(tmp_path / "out")]
    monkeypatch.setattr(sys, "argv", ["gar-verify", "images", table, *common, *arguments])
    code, expected = COMMANDS[arguments]
    try:
        main()
        ended = 0
    except SystemExit as end:
        ended = end.code
    shown = capsys.readouterr()
    assert (ended, expected in shown.out + shown.err) == (code, True), shown


def test_without_pillow_one_line_says_what_to_install(
    discs: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from gar_verify._extras import needed

    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(ModuleNotFoundError) as caught:
        folder.read_image(discs[1] / "0.png", 20)
    assert needed(caught.value, "this command") == (
        'this command needs PIL: pip install "gar_verify[images]"'
    )


def test_results_become_a_summary_that_the_ledger_judges(
    discs: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paths, "new_summaries", lambda: tmp_path / "results")
    here = place(discs, tmp_path / "out")
    with pytest.raises(DataError, match="holds 0 results of this table from scratch; train"):
        pipeline.summarise(here, "agedb")
    once = replace(TINY, epochs=1)
    found = {loss: pipeline.train(here, scratch(loss, once)) for loss in ("mae", "gar")}
    pipeline.summarise(here, "agedb")
    stored = summaries.read("agedb", tmp_path / "results")["test"].sel(metric="MAE", seed=0)
    assert {str(m): float(stored.sel({"method": m})) for m in stored["method"].values} == {
        loss: result["test"]["MAE"] for loss, result in found.items()
    }
    (claim,) = claims.evaluate("lowest-mae-agedb", folder=tmp_path / "results")
    assert claim.verdict is claims.Verdict.TIE  # of one run each nothing can be told
    assert "GAR is ahead of 0 of 1 by more than chance" in claim.reason
    assert "not trained yet: MSE, Huber" in claim.reason
    pipeline.train(here, scratch("mse", replace(once, learning_rate=0.01)))
    with pytest.raises(DataError, match="3 results of this table from scratch, by different"):
        pipeline.summarise(here, "agedb")
