"""A tiny encoder with random weights, and sixty pairs of sentences."""

from __future__ import annotations

import os
from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = "1"

import numpy as np
import pytest

WORDS = [f"w{i}" for i in range(30)]
LAYERS, WIDTH = 3, 16


@pytest.fixture(scope="session")
def encoder_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    tokenizers = pytest.importorskip("tokenizers")
    bert = pytest.importorskip("transformers.models.bert")
    torch = pytest.importorskip("torch")
    folder = tmp_path_factory.mktemp("encoder")
    special = ("[PAD]", "[CLS]", "[SEP]", "[UNK]")
    vocabulary = {word: i for i, word in enumerate((*special, *WORDS))}
    tokenizer = tokenizers.Tokenizer(tokenizers.models.WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    tokenizer.post_processor = tokenizers.processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 1), ("[SEP]", 2)]
    )
    tokenizer.save(str(folder / "tokenizer.json"))
    with torch.random.fork_rng():
        torch.manual_seed(0)
        config = bert.BertConfig(
            vocab_size=len(vocabulary),
            hidden_size=WIDTH,
            num_hidden_layers=LAYERS,
            num_attention_heads=2,
            intermediate_size=2 * WIDTH,
            initializer_range=0.5,
        )
        bert.BertModel(config).save_pretrained(folder)
    return folder


def write_pairs(path: Path, count: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    lines = ["index\tsource\tsentence1\tsentence2\tscore"]
    for row in range(count):
        sentences = [" ".join(rng.choice(WORDS, rng.integers(1, 9))) for _ in range(2)]
        lines.append(f"{row}\t-\t{sentences[0]}\t{sentences[1]}\t{rng.uniform(0, 5):.3f}")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


@pytest.fixture
def sentences_of_ones_own(
    encoder_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """The folder of the data, with everything set for the study to run."""
    from gar_verify.studies.sentences import training

    folder = tmp_path / "data"
    folder.mkdir()
    for seed, (part, count) in enumerate((("train", 60), ("dev", 20), ("test", 20))):
        write_pairs(folder / f"sts_b_{part}.tsv", count, seed)
    monkeypatch.setenv("GAR_VERIFY_DATA", str(folder))
    monkeypatch.setenv("GAR_VERIFY_ENCODER", str(encoder_folder))
    training.material.cache_clear()
    return folder
