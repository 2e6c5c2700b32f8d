"""Files that are whole or not there: written under a name of their own, then moved into place."""

from __future__ import annotations

import os
import secrets
from pathlib import Path


def write_whole(path: Path, content: bytes | str) -> Path:
    """Write a file whole or not at all; its folder is made. Two processes do not meet.

    Args:
        path: where to; what is there is replaced.
        content: bytes, or text that becomes UTF-8 with line feeds as they are.

    Returns:
        The path.

    Raises:
        OSError: if it cannot be written; nothing half-written stays.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}-{os.getpid()}-{secrets.token_hex(4)}.part")
    try:
        part.write_bytes(content.encode() if isinstance(content, str) else content)
        return part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
