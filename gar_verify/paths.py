"""Where things live: the only module that knows a folder by name.

Two environment variables move them: ``GAR_VERIFY_DATA`` names a folder that holds the real tables,
``GAR_VERIFY_CACHE`` a folder for downloads and long results.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

DATA_VARIABLE = "GAR_VERIFY_DATA"
CACHE_VARIABLE = "GAR_VERIFY_CACHE"
REFERENCE_VARIABLE = "GAR_VERIFY_REFERENCE"


def repository() -> Path | None:
    """The checkout this package runs from, or None when it is installed elsewhere."""
    root = Path(__file__).resolve().parent.parent
    return root if (root / "pyproject.toml").is_file() and (root / "proofs").is_dir() else None


def figures() -> Path:
    """Folder for figures, tables and the claims: ``paper_figures`` of the checkout, or of here."""
    return (repository() or Path.cwd()) / "paper_figures"


def summaries() -> Path:
    """Folder for the small summaries of full runs that travel with the repository."""
    return figures() / "results"


def docs() -> Path:
    """Folder of the pages that explain: ``docs`` of the checkout, or of here."""
    return (repository() or Path.cwd()) / "docs"


def quick_figures() -> Path:
    """Folder for what the quick version of the main job writes, which is not for the record."""
    return cache() / "quick_figures"


def data() -> Path | None:
    """The folder that ``GAR_VERIFY_DATA`` names, or None when it is not set."""
    named = os.environ.get(DATA_VARIABLE)
    return Path(named).expanduser() if named else None


def reference() -> Path | None:
    """The folder that ``GAR_VERIFY_REFERENCE`` names, or None when it is not set."""
    named = os.environ.get(REFERENCE_VARIABLE)
    return Path(named).expanduser() if named else None


def cache() -> Path:
    """Folder for downloads and long results: ``GAR_VERIFY_CACHE``, or the user's cache folder."""
    named = os.environ.get(CACHE_VARIABLE)
    return Path(named).expanduser() if named else _user_cache() / "gar_verify"


def downloads() -> Path:
    """Folder for tables fetched from the network."""
    return cache() / "tables"


def results() -> Path:
    """Folder for the stores of the studies."""
    return cache() / "results"


def _user_cache() -> Path:
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local"))
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
