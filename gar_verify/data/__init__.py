"""Tables by name: the paper's curves and real tables, and others beside them."""

from pathlib import Path

from gar_verify.data import collections, gdsc, real, superconductors, synthetic
from gar_verify.data.superconductors import SUPERCON_TABLES
from gar_verify.data.table import DataError, Table

__all__ = ["SUPERCON_TABLES", "TABLES", "DataError", "Table", "is_available", "load_table", "place"]

TABLES = (
    *synthetic.CURVES,
    *real.REAL_TABLES,
    "diabetes",
    *SUPERCON_TABLES,
    gdsc.NAME,
    *collections.MEMBERS,
)
"""Names that `load_table` accepts."""


def load_table(name: str) -> Table:
    """The table of that name with its fixed split.

    Raises:
        DataError: if there is no such name, or the table is not available; the message says which
            names there are, or where to put the file.
    """
    if name in synthetic.CURVES:
        return synthetic.load(name)
    if name in real.REAL_TABLES:
        return real.load(name)
    if name == "diabetes":
        return real.load_diabetes_table()
    if name in SUPERCON_TABLES:
        return superconductors.load_supercon(name)
    if name == gdsc.NAME:
        return gdsc.load()
    if name in collections.MEMBERS:
        return collections.load(name)
    raise _unknown(name)


def place(name: str) -> Path:
    """The file that a table is read from.

    Raises:
        DataError: if there is no such name or no such file; the message says what to do.
    """
    if name not in TABLES:
        raise _unknown(name)
    if name == "diabetes":
        return real.diabetes_file()
    if name == gdsc.NAME:
        return gdsc.place()[0]
    if name in collections.MEMBERS:
        return collections.place(name)
    if name in synthetic.CURVES:
        raise DataError(f"The table '{name}' is generated and has no file; it is always available.")
    supercon = name in SUPERCON_TABLES
    path = superconductors.place(name) if supercon else real.place(name)
    if path is None:
        raise DataError(superconductors.absent(name) if supercon else real.absent(name))
    return path


def is_available(name: str) -> bool:
    """Whether `load_table` can return the table without asking for anything."""
    try:
        load_table(name)
    except DataError:
        return False
    return True


def _unknown(name: str) -> DataError:
    return DataError(f"There is no table '{name}'; choose one of {', '.join(TABLES)}.")
