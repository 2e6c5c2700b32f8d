"""Write gar_verify/data/contents.json: what the originals must hold, from the published arrays.

``GAR_VERIFY_DATA`` names the folder with the arrays.
"""

from __future__ import annotations

import json
from pathlib import Path

from gar_verify._files import atomic_write
from gar_verify.data import published, uci

TARGET = Path(uci.__file__).with_name("contents.json")


def main() -> None:
    """Write the file anew."""
    known = {name: uci.content(*published.rows(name, found(name))) for name in names()}
    atomic_write(TARGET, json.dumps(known, indent=2) + "\n")


def names() -> list[str]:
    """The originals whose arrays were published."""
    return [*published.SPLIT, *published.RAW]


def found(name: str) -> Path:
    """The file of the arrays."""
    path = published.find(name)
    if path is None:
        raise SystemExit(f"GAR_VERIFY_DATA names no folder with the arrays of {name}")
    return path


if __name__ == "__main__":
    main()
