"""Arrays from ``.npz`` files in the folder that ``GAR_VERIFY_DATA`` names; nothing is unpickled."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gar_verify import paths
from gar_verify.data.table import DataError


def find(file_name: str) -> Path | None:
    """The file in the data folder, or None if the folder is not set or does not hold it."""
    folder = paths.data()
    path = folder / file_name if folder else None
    return path if path is not None and path.is_file() else None


def read(path: Path, *keys: str) -> list[NDArray[Any]]:
    """The named arrays of an ``.npz`` file.

    Raises:
        DataError: if the file cannot be read or lacks one of the arrays.
    """
    try:
        with np.load(path, allow_pickle=False) as stored:
            missing = [key for key in keys if key not in stored]
            if missing:
                raise DataError(
                    f"{path} has arrays {sorted(stored)} but not {missing}; "
                    f"expected {list(keys)}. Point {paths.DATA_VARIABLE} at another folder."
                )
            return [stored[key] for key in keys]
    except (OSError, ValueError) as error:
        raise DataError(
            f"{path} cannot be read as .npz ({error}); fetch it anew or point "
            f"{paths.DATA_VARIABLE} at another folder."
        ) from error
