"""Fine-tuning: what is trained, what is minimised, and what chance decides."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from gar_verify.studies.methods import tabular_methods
from gar_verify.studies.sentences import encoder, pairs, training
from gar_verify.studies.sentences.study import METHODS

RECIPE = training.Recipe(layers=1, batch_size=16, epochs=2)


@pytest.fixture
def material(sentences_of_ones_own: Path, encoder_folder: Path) -> training.Material:
    return training.material(encoder_folder, pairs.digest(pairs.load()), 1)


def trained(
    of: training.Material, method: str, rate: float, seed: int, recipe: training.Recipe
) -> dict[str, np.ndarray]:
    """A training with a loss by name."""
    (chosen,) = tabular_methods([method], training.steps(recipe, len(of.scores["train"])))
    value = training.value_of(method)
    return training.train(of, chosen.objective, value, rate, seed, recipe)


def test_material_is_the_pairs(material: training.Material) -> None:
    parts = pairs.load()
    sentences = pairs.sentences(parts)
    for part, of in parts.items():
        both = zip(material.first[part], material.second[part], strict=True)
        found = [(sentences[i], sentences[j]) for i, j in both]
        assert found == of.texts
        assert np.array_equal(material.scores[part], of.score)


def test_a_training_is_the_plain_loop(material: training.Material, encoder_folder: Path) -> None:
    """Adam on the last layer and the head with the MSE, written as anyone would; all else stays."""
    recipe = replace(RECIPE, head_factor=5.0, warm_up=0.25)
    ours = trained(material, "mse", 1e-2, 7, recipe)
    rng = np.random.default_rng(7)
    model = encoder.load(encoder_folder)
    top, head = training.upper(model, 1), training.linear(64, rng)
    batches = list(training.batches(recipe, 60, rng))
    loss = nn.MSELoss()
    optimizer = torch.optim.Adam(
        [{"params": top.parameters(), "lr": 1e-2}, {"params": head.parameters(), "lr": 5e-2}]
    )
    rates = [1e-2 * share for share in (0.5, 1, 1, 0.75, 0.5, 0.25)]

    def predicted(part: str, rows: np.ndarray) -> torch.Tensor:
        u = encoder.vectors(top, material.entering, material.first[part][rows])
        v = encoder.vectors(top, material.entering, material.second[part][rows])
        return head(torch.cat([u, v, (u - v).abs(), u * v], 1))[:, 0]

    assert len(batches) == len(rates)
    for (rows, _), rate in zip(batches, rates, strict=True):
        optimizer.param_groups[0]["lr"], optimizer.param_groups[1]["lr"] = rate, 5 * rate
        optimizer.zero_grad()
        target = torch.tensor(material.scores["train"][rows], dtype=torch.float32)
        loss(predicted("train", rows), target).backward()
        optimizer.step()
    with torch.no_grad():
        for part in training.SCORED:
            theirs = predicted(part, np.arange(20)).numpy()
            np.testing.assert_allclose(ours[part], theirs, rtol=2e-3, atol=2e-3)
    assert list(map(len, ours.values())) == [20, 20]


def test_all_layers_with_the_lower_ones_held_is_the_upper_ones(
    material: training.Material, encoder_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To the half precision of the states: all layers are there, and only the last one moves."""
    whole = training.material(encoder_folder, pairs.digest(pairs.load()), None)
    adam = torch.optim.Adam

    def of_the_last(groups: list[dict], **options: object) -> torch.optim.Optimizer:
        layers = list(groups[0]["params"])
        return adam([{**groups[0], "params": layers[-16:]}, groups[1]], **options)

    recipe = replace(RECIPE, layers=None, epochs=1)
    plain = trained(whole, "mae", 1e-3, 0, recipe)["test"]
    monkeypatch.setattr(torch.optim, "Adam", of_the_last)
    held = trained(whole, "mae", 1e-3, 0, recipe)["test"]
    upper = trained(material, "mae", 1e-3, 0, replace(RECIPE, epochs=1))["test"]
    np.testing.assert_allclose(held, upper, rtol=0, atol=5e-3)
    assert np.abs(plain - held).max() > 2e-2


@pytest.mark.parametrize(
    ("method", "epochs"), [("mae", 15), ("rnc", 40), ("conr", 15), ("gar", 15)]
)
def test_every_kind_of_loss_learns_what_it_sees(
    material: training.Material, method: str, epochs: int
) -> None:
    """Scores that the untrained features determine, of the pairs that are trained on.

    RankSim, a hundred times as heavy as the MAE beside it, does not in so few steps.
    """
    vectors = training.untrained_vectors(material, "any")
    u, v = (vectors[rows["train"]] for rows in (material.first, material.second))
    scores = (encoder.pair_features(u, v) @ torch.linspace(-1, 1, 64)).double().numpy()
    scores = 2.5 + (scores - scores.mean()) / scores.std()
    easy = material._replace(
        first=dict.fromkeys(material.first, material.first["train"]),
        second=dict.fromkeys(material.second, material.second["train"]),
        scores=dict.fromkeys(material.scores, scores),
    )
    predicted = trained(easy, method, 3e-3, 0, replace(RECIPE, epochs=epochs))["test"]
    assert np.abs(predicted - scores).mean() < 0.9 * np.abs(scores - np.median(scores)).mean()


def test_the_first_phase_of_rnc_leaves_the_head_alone(
    material: training.Material, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []
    step = training._Training._step

    def watched(of: training._Training, *args: object) -> None:
        before = [nn.utils.parameters_to_vector(p.parameters()) for p in (of.layers, of.head)]
        step(of, *args)  # type: ignore[arg-type]
        after = [nn.utils.parameters_to_vector(p.parameters()) for p in (of.layers, of.head)]
        seen.append([not torch.equal(*both) for both in zip(before, after, strict=True)])

    monkeypatch.setattr(training._Training, "_step", watched)
    trained(material, "rnc", 1e-3, 0, RECIPE)
    assert seen == [[True, False]] * 3 + [[True, True]] * 3


def test_chance_is_the_seeds_alone(material: training.Material) -> None:
    first, again, other = (trained(material, "ranksim", 1e-3, s, RECIPE) for s in (0, 0, 1))
    assert np.array_equal(first["test"], again["test"])
    assert not np.array_equal(first["test"], other["test"])
    rows = [list(training.batches(RECIPE, 60, np.random.default_rng(3))) for _ in range(2)]
    assert all(np.array_equal(a[0], b[0]) for a, b in zip(*rows, strict=True))


def test_batches_are_every_row_at_most_once_an_epoch() -> None:
    found = [rows for rows, _ in training.batches(RECIPE, 60, np.random.default_rng(0))]
    assert [len(rows) for rows in found] == [16] * 6
    for epoch in (found[:3], found[3:]):
        assert len(np.unique(np.concatenate(epoch))) == 48
    assert not np.array_equal(found[0], found[3])
    few = replace(RECIPE, most=35)
    used = np.concatenate([rows for rows, _ in training.batches(few, 60, np.random.default_rng(0))])
    assert (len(used), training.pairs_seen(few, 60)) == (64, 64)
    assert len(np.unique(used)) <= 35


def test_values_of_the_hyperparameters() -> None:
    assert {name: training.value_of(name) for name in METHODS} == {
        **dict.fromkeys(METHODS, 1.0),
        "rnc": 2.0,
        "gar": 0.5,
        "gar_released": 0.5,
    }
