"""Where to train: a device by name, if this machine has it."""

from __future__ import annotations

import torch


def check_device(device: str) -> str:
    """The device, if this machine has it.

    Raises:
        ValueError: if it has not; the message says which there are.
    """
    try:
        wanted = torch.device(device)
    except RuntimeError as error:
        raise ValueError(f"there is no device {device!r}: {error}".splitlines()[0]) from error
    have = {"cpu": 1, "cuda": torch.cuda.device_count(), "mps": int(torch.mps.is_available())}
    if (wanted.index or 0) >= have.get(wanted.type, 0):
        found = ", ".join(f"{count} {kind}" for kind, count in have.items() if count)
        raise ValueError(f"there is no device {device!r} here; found: {found}")
    return device
