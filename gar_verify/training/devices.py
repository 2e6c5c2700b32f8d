"""Where to train: a device by name, if this machine has it, and how much of its memory to take."""

from __future__ import annotations

import os

import torch

SHARE_OF_FREE = 0.25


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


def free_bytes(device: torch.device) -> int:
    """Bytes free on a device; on a CPU, those of the machine."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    try:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):  # not every system says
        return 4 * 2**30


def default_bound(device: torch.device) -> int:
    """A quarter of what is free."""
    return int(SHARE_OF_FREE * free_bytes(device))
