"""How many models fit in memory at once."""

from __future__ import annotations

import os

import torch

SHARE_OF_FREE = 0.25


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
