"""The encoder taken apart gives what transformers gives whole; padding counts nowhere."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
import torch

from gar_verify.data import DataError
from gar_verify.studies.sentences import encoder, states, training

SENTENCES = ["w1 w2 w3", "w4", "w5 w6 w7 w8 w9 w1 w2", "w2 w2", "w3 w9 w1 w4"]


@torch.no_grad()
def whole(folder: Path, sentence: str) -> torch.Tensor:
    """States [L, d] of a sentence by itself, by transformers' own loader and model."""
    from transformers.models.bert import BertModel
    from transformers.utils import logging

    logging.set_verbosity_error()
    logging.disable_progress_bar()
    ids = encoder.tokens(folder, [sentence]).values[None]
    return BertModel.from_pretrained(folder).eval()(ids).last_hidden_state[0]


def mean_of_length_sqrt_d(hidden: torch.Tensor) -> torch.Tensor:
    mean = hidden.mean(0)
    return mean / mean.norm() * len(mean) ** 0.5


def test_all_layers_give_the_vectors_of_transformers(encoder_folder: Path) -> None:
    ids = encoder.tokens(encoder_folder, SENTENCES)
    layers = training.upper(encoder.load(encoder_folder), None)
    with torch.no_grad():
        ours = encoder.vectors(layers, ids, np.arange(5))
    theirs = [mean_of_length_sqrt_d(whole(encoder_folder, text)) for text in SENTENCES]
    torch.testing.assert_close(ours, torch.stack(theirs), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("layers", [1, 2])
def test_upper_layers_on_frozen_states_give_what_all_layers_give(
    encoder_folder: Path, layers: int
) -> None:
    """To the rounding of half precision, in which the states are kept."""
    ids = encoder.tokens(encoder_folder, SENTENCES)
    model = encoder.load(encoder_folder)
    kept = training.frozen_states(encoder_folder, ids, layers)
    assert kept.values.dtype == torch.float16
    rows = np.array([3, 0, 0, 4])
    with torch.no_grad():
        upper = encoder.vectors(training.upper(model, layers), kept, rows)
        all_of_them = encoder.vectors(training.upper(model, None), ids, rows)
    torch.testing.assert_close(upper, all_of_them, rtol=0, atol=1e-2)
    assert (upper[0] - upper[1]).abs().max() > 0.1


def test_states_are_those_of_each_sentence(encoder_folder: Path) -> None:
    """Between embeddings and the rest, exactly: what is kept is what the lower layers give."""
    ids = encoder.tokens(encoder_folder, SENTENCES)
    kept = training.frozen_states(encoder_folder, ids, 1)
    assert kept.lengths.tolist() == [5, 3, 9, 4, 6]
    lower = encoder.Layers(encoder.load(encoder_folder), 0, 2)
    alone = encoder.tokens(encoder_folder, [SENTENCES[3]]).values[None]
    with torch.no_grad():
        expected = lower(alone, torch.ones(1, 4, dtype=torch.bool))[0]
    found, mask = kept.batch(np.array([3]), torch.device("cpu"))
    assert mask.all()
    torch.testing.assert_close(found[0], expected, rtol=1e-3, atol=2e-3)


def test_pooling_ignores_padding_and_has_length_sqrt_d() -> None:
    hidden = torch.tensor([[[3.0, 4.0], [3.0, 4.0], [9e9, -9e9]], [[1.0, 0.0], [0, 1], [-2, 0]]])
    mask = torch.tensor([[True, True, False], [True, True, True]])
    root = 2**0.5
    expected = torch.tensor([[0.6, 0.8], [-1 / root, 1 / root]]) * root
    torch.testing.assert_close(encoder.pooled(hidden, mask), expected)


def test_a_sentence_has_one_vector_in_any_company(encoder_folder: Path) -> None:
    ids = encoder.tokens(encoder_folder, SENTENCES)
    layers = training.upper(encoder.load(encoder_folder), None)
    with torch.no_grad():
        alone = encoder.vectors(layers, ids, np.array([1]))
        among = encoder.vectors(layers, ids, np.array([2, 1, 0]))
    torch.testing.assert_close(among[1:2], alone, rtol=1e-5, atol=1e-5)


def test_features_of_a_pair() -> None:
    u, v = torch.tensor([[1.0, -2.0]]), torch.tensor([[3.0, 5.0]])
    assert encoder.pair_features(u, v).tolist() == [[1, -2, 3, 5, 2, 7, 3, -10]]


def test_states_are_kept_and_damaged_ones_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GAR_VERIFY_CACHE", str(tmp_path))
    made = []

    def compute() -> states.Entering:
        made.append(1)
        return states.Entering.of([torch.ones(2, 3).half(), torch.zeros(1, 3).half()])

    first, again = states.kept("name", compute), states.kept("name", compute)
    assert len(made) == 1
    assert torch.equal(first.values, again.values)
    assert again.lengths.tolist() == [2, 1]
    states.kept("other", compute)
    assert len(made) == 2
    path = states.place("name")
    path.write_bytes(path.read_bytes()[:-40])
    states.kept("name", compute)
    assert len(made) == 3
    assert {file.suffix for file in path.parent.iterdir()} == {".npz"}


def test_weights_are_known_by_their_sha256(encoder_folder: Path) -> None:
    content = (encoder_folder / "model.safetensors").read_bytes()
    assert encoder.weights_digest(encoder_folder) == hashlib.sha256(content).hexdigest()


def test_an_absent_encoder_is_an_error_that_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GAR_VERIFY_ENCODER", str(tmp_path))
    with pytest.raises(DataError, match=r"no folder of an encoder: no config.json, .* Put config"):
        encoder.folder()
    monkeypatch.setenv("GAR_VERIFY_ENCODER", "nobody/has-this")
    with pytest.raises(DataError, match=r"'nobody/has-this' is not available .* Put config.json"):
        encoder.folder()


def test_other_weights_are_refused(encoder_folder: Path, tmp_path: Path) -> None:
    config = (encoder_folder / "config.json").read_text(encoding="utf-8")
    config = config.replace('"num_hidden_layers": 3', '"num_hidden_layers": 4')
    (tmp_path / "config.json").write_text(config, encoding="utf-8")
    (tmp_path / "model.safetensors").symlink_to(encoder_folder / "model.safetensors")
    with pytest.raises(DataError, match=r"holds no BERT that its config\.json describes"):
        encoder.load(tmp_path)


def test_layers_that_are_not_there(encoder_folder: Path) -> None:
    model = encoder.load(encoder_folder)
    for layers in (0, 3):
        with pytest.raises(ValueError, match=f"layers must be from 1 to 2, or all, got {layers}"):
            training.upper(model, layers)


def test_a_missing_package_is_named_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoder, "find_spec", lambda name: None if name == "tokenizers" else name)
    with pytest.raises(
        DataError, match=r'sts_b needs tokenizers: pip install "gar_verify\[text\]"'
    ):
        encoder.folder()
