"""A pre-trained encoder of sentences: its files, its tokens, its layers, mean pooling.

``GAR_VERIFY_ENCODER`` names a folder with ``config.json``, ``tokenizer.json`` and
``model.safetensors`` of a BERT, or a name on the Hugging Face hub; default: `NAME`. Dropout is off,
in training too: what comes out is determined by the weights.
"""

from __future__ import annotations

import hashlib
import math
import os
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from gar_verify._extras import needed
from gar_verify.data import DataError
from gar_verify.studies.sentences.states import Entering

VARIABLE = "GAR_VERIFY_ENCODER"
NAME = "sentence-transformers/all-MiniLM-L6-v2"
FILES = ("config.json", "tokenizer.json", "model.safetensors")
LONGEST = 128
"""Tokens of a sentence that are read; longer ones are cut."""

AT_ONCE = 32
"""Sentences that pass the layers together: of about one length, so that little is padded."""


def folder() -> Path:
    """The folder of the encoder; one that has a name on the hub is fetched, if it is not here yet.

    Raises:
        DataError: if there is none, or a package is missing; the message says what to do.
    """
    _check_installed()
    named = os.environ.get(VARIABLE, NAME)
    place = Path(named).expanduser()
    if not place.is_dir():
        place = _from_hub(named)
    absent = [name for name in FILES if not (place / name).is_file()]
    if absent:
        raise DataError(f"{place} is no folder of an encoder: no {', '.join(absent)}. {_ADVICE}")
    return place


_ADVICE = (
    f"Put {', '.join(FILES)} of {NAME} into a folder, and name it in {VARIABLE} (see "
    "docs/sentences.md)."
)


def _check_installed() -> None:
    for module in ("huggingface_hub", "safetensors", "tokenizers", "transformers"):
        if find_spec(module) is None:
            raise DataError(needed(ModuleNotFoundError(name=module), "sts_b") or module)


def _from_hub(name: str) -> Path:
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(name, allow_patterns=list(FILES)))
    except (OSError, ValueError, RuntimeError) as error:  # no network, no such name, no access
        first = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise DataError(f"the encoder {name!r} is not available ({first}). {_ADVICE}") from error


def weights_digest(place: Path) -> str:
    """SHA-256 of the weights, as hexadecimal digits."""
    with (place / "model.safetensors").open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def tokens(place: Path, sentences: Sequence[str]) -> Entering:
    """The numbers of the tokens of each sentence, as they enter the embeddings."""
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(place / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(LONGEST)
    numbers = [encoding.ids for encoding in tokenizer.encode_batch(list(sentences))]
    return Entering.of([torch.tensor(ids) for ids in numbers])


def load(place: Path) -> Any:
    """The ``BertModel`` of a folder, without the layer for other tasks.

    Raises:
        DataError: if the weights are not those of a BERT with that configuration.
    """
    from safetensors.torch import load_file
    from transformers.models.bert import BertConfig, BertModel

    config = BertConfig.from_pretrained(place)
    config._attn_implementation = "sdpa"
    model: Any = BertModel(config, add_pooling_layer=False)
    weights = {
        name.removeprefix("bert."): values.float()
        for name, values in load_file(place / "model.safetensors").items()
        if "pooler." not in name and not name.endswith("position_ids")
    }
    try:
        model.load_state_dict(weights)
    except RuntimeError as error:
        raise DataError(f"{place} holds no BERT that its config.json describes: {error}") from error
    return model.eval()


class Layers(nn.Module):
    """Some layers of a BERT one after the other; the first ones with the embeddings before them.

    Args:
        model: a ``BertModel``.
        first: the layer to begin with, from 0.
        end: the layer to stop before; default: all that are left.
    """

    def __init__(self, model: Any, first: int, end: int | None = None) -> None:
        """Share the parameters of the model."""
        super().__init__()
        self.embeddings = model.embeddings if first == 0 else None
        self.layers = model.encoder.layer[first:end]

    def forward(self, entering: Tensor, mask: Tensor) -> Tensor:
        """Hidden states [n, L, d], from numbers of tokens [n, L] or states [n, L, d].

        ``mask`` [n, L] is true where there is a token.
        """
        hidden = entering if self.embeddings is None else self.embeddings(entering)
        for layer in self.layers:
            hidden = layer(hidden, mask[:, None, None, :])
        return hidden


def pooled(hidden: Tensor, mask: Tensor) -> Tensor:
    """The mean of the states of each sentence's tokens, brought to length sqrt(d): [n, d].

    The encoder's own configuration has the mean and length 1; times sqrt(d), the entries are of
    size 1, as a linear layer behind them expects.
    """
    weight = mask.unsqueeze(-1).to(hidden.dtype)
    mean = (hidden * weight).sum(1) / weight.sum(1)
    return functional.normalize(mean, dim=-1) * math.sqrt(mean.shape[-1])


def vectors(layers: Layers, entering: Entering, rows: NDArray[np.int64]) -> Tensor:
    """Vectors [n, d] of the sentences in these rows, in that order."""
    order = np.argsort(entering.lengths[rows], kind="stable")
    device = next(layers.parameters()).device
    done = []
    for start in range(0, len(order), AT_ONCE):
        values, mask = entering.batch(rows[order[start : start + AT_ONCE]], device)
        done.append(pooled(layers(values, mask), mask))
    return torch.cat(done)[torch.from_numpy(np.argsort(order)).to(device)]


def pair_features(u: Tensor, v: Tensor) -> Tensor:
    """[u, v, |u - v|, u v] of vectors [n, d], as [n, 4 d]."""
    return torch.cat([u, v, (u - v).abs(), u * v], dim=-1)
