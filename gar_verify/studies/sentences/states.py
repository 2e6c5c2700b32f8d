"""What enters the layers that are trained, for every sentence, packed without padding.

That is the numbers of the tokens, or what the frozen layers below make of them: the same in every
epoch and for every loss, so it is computed once and kept in the cache folder in half precision,
under a name that says of which sentences, weights and layers it is.
"""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gar_verify import paths
from gar_verify._files import replaced


@dataclass(frozen=True, eq=False)
class Entering:
    """Numbers or states of the tokens of all sentences, one sentence after the other."""

    values: Tensor
    """[tokens] or [tokens, d]."""
    lengths: NDArray[np.int64]
    """[sentences]: how many tokens each has."""

    @classmethod
    def of(cls, sentences: Iterable[Tensor]) -> Entering:
        """Pack what enters for each sentence."""
        parts = list(sentences)
        return cls(torch.cat(parts), np.array([len(part) for part in parts], dtype=np.int64))

    def batch(self, rows: NDArray[np.int64], device: torch.device) -> tuple[Tensor, Tensor]:
        """Values [n, L] or [n, L, d] of some sentences, and where there is a token [n, L]."""
        ends = np.cumsum(self.lengths)
        chosen = [self.values[ends[row] - self.lengths[row] : ends[row]] for row in rows]
        padded = torch.nn.utils.rnn.pad_sequence(chosen, batch_first=True)
        lengths = torch.from_numpy(self.lengths[rows])
        mask = torch.arange(padded.shape[1]) < lengths[:, None]
        if padded.is_floating_point():
            padded = padded.float()
        return padded.to(device), mask.to(device)


def kept(name: str, compute: Callable[[], Entering]) -> Entering:
    """What is kept under a name, or what is computed now and kept.

    A file that is damaged is computed again.
    """
    path = place(name)
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            return Entering(torch.from_numpy(stored["values"]), stored["lengths"])
    except (OSError, ValueError, KeyError, zipfile.BadZipFile):
        found = compute()
    with replaced(path) as part, part.open("wb") as stream:
        np.savez(stream, values=found.values.numpy(), lengths=found.lengths)
    return found


def place(name: str) -> Path:
    """The file of that name."""
    short = hashlib.sha256(name.encode()).hexdigest()[:16]
    return paths.cache() / "sentences" / f"states-{short}.npz"
