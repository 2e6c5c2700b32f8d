"""Training states on disk: written atomically, read without unpickling, refused if of another run.

The same state gives the same bytes, so that a training that was killed and went on can be compared
with one that was not.
"""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import torch

from gar_verify._files import atomic_write
from gar_verify.studies.provenance import Settings, canonical
from gar_verify.studies.store import StoreError

SETTINGS = "settings"


def save(state: dict[str, Any], settings: Settings, path: Path) -> None:
    """Write tensors, numbers and mappings of them, with what determines them."""
    buffer = io.BytesIO()  # a file would put its own name into the bytes
    torch.save({**state, SETTINGS: canonical(settings)}, buffer)
    atomic_write(path, buffer.getvalue())


def load(settings: Settings, path: Path) -> dict[str, Any] | None:
    """What `save` wrote, on the CPU; None if there is no such file.

    Raises:
        StoreError: if the file cannot be read or comes from other settings, which are named.
    """
    if not path.is_file():
        return None
    try:
        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        stored = json.loads(state.pop(SETTINGS))
    except Exception as error:  # torch raises whatever its parts do
        raise StoreError(
            f"the checkpoint {path} cannot be read ({str(error).splitlines()[0]}); remove it to "
            "begin anew"
        ) from error
    wanted = json.loads(canonical(settings))
    other = sorted(k for k in stored.keys() | wanted.keys() if stored.get(k) != wanted.get(k))
    if other:
        what = "; ".join(f"{k}: stored {stored.get(k)!r}, wanted {wanted.get(k)!r}" for k in other)
        raise StoreError(
            f"the checkpoint {path} is of another training ({what}); name another folder (--out), "
            "or remove it"
        )
    return state
