"""Where things live: the only module that knows a folder by name.

In a checkout, figures, stored results, notebooks and proofs lie beside the package. An installed
wheel holds the results, the notebooks and the proofs inside, and what is made goes into
``paper_figures`` of the current folder. Environment variables move the rest: ``GAR_VERIFY_DATA``
names a folder with tables that are no part of the package, ``GAR_VERIFY_CACHE`` a folder for
downloads and long results.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

DATA_VARIABLE = "GAR_VERIFY_DATA"
CACHE_VARIABLE = "GAR_VERIFY_CACHE"
REFERENCE_VARIABLE = "GAR_VERIFY_REFERENCE"

MARK = "pyproject.toml"
"""The file that tells a checkout."""

RESULTS = "results"
"""Folder of the summaries within a folder of figures."""

PACKAGE = Path(__file__).resolve().parent


def repository() -> Path | None:
    """The checkout this package runs from, or None when it is installed elsewhere."""
    root = PACKAGE.parent
    return root if (root / MARK).is_file() and (root / "proofs").is_dir() else None


def figures() -> Path:
    """Folder for figures, tables and the claims: ``paper_figures`` of the checkout, or of here."""
    return (repository() or Path.cwd()) / "paper_figures"


def summaries() -> Path:
    """Folder to read the stored summaries of full runs from: of the checkout, or of the wheel."""
    return figures() / RESULTS if repository() else _shared() / RESULTS


def new_summaries() -> Path:
    """Folder to write summaries of full runs to: of the checkout, or of here."""
    return figures() / RESULTS


def notebooks() -> Path:
    """Folder of the notebooks: of the checkout, or of the wheel."""
    return (repository() or _shared()) / "notebooks"


def proofs() -> Path:
    """Folder of the proofs: of the checkout, or of the wheel."""
    return (repository() or PACKAGE) / "proofs"


def docs() -> Path:
    """Folder of the pages that explain; only a checkout has them."""
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


def kernels() -> Path:
    """Folder for what was compiled."""
    return cache() / "kernels"


def results() -> Path:
    """Folder for the stores of the studies."""
    return cache() / "results"


def _shared() -> Path:
    """What a wheel holds of the checkout: see the build section of ``pyproject.toml``."""
    return PACKAGE / "_share"


def _user_cache() -> Path:
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local"))
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
