"""Tables beside the paper's, from two collections: one target each (UCI), and several (Mulan).

None is part of the package: a file is fetched, or put into the folder ``GAR_VERIFY_DATA`` names.
The UCI tables come as github.com/treforevans/uci_datasets has them: no header, the target last, the
mean of every column taken off, and some targets as logarithms, which their values show: ``bike`` is
the log of whole numbers from 1 to 977, ``yacht`` of hundredths, ``protein`` of one and UCI's value.
The tables of github.com/tsoumakas/mulan are ARFF files, the targets last. A nominal feature becomes
one column of 0 and 1 for each of its values, in the order of the header.
"""

from __future__ import annotations

import gzip
import io
import tomllib
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import numpy as np

from gar_verify.data import cache, splits, uci
from gar_verify.data.superconductors import OWN_SPLIT
from gar_verify.data.table import SCALED, Array, DataError, Table, digest, split_table, zscore

UNREADABLE = (*uci.UNREADABLE, zlib.error, IndexError, StopIteration)
"""What reading raises when a file is damaged or something else; scipy's reader has the last two."""


@dataclass(frozen=True)
class Collection:
    """Files of one format at one place."""

    page: str
    """Address that describes it."""
    url: str
    file: str
    """Where a file comes from and where it lies, but for the name of the table."""
    columns: Callable[[Path], Array]
    """The columns of a file (n, F + T), the targets last."""
    remark: str
    """What is particular to its values; for the source of a table."""


@dataclass(frozen=True)
class Member:
    """A table of a collection."""

    name: str
    title: str
    collection: Collection
    rows: int
    features: int
    """Columns, after a nominal one became several."""
    targets: Sequence[str]
    """Names of the targets, in the order of the columns; as in the file, where it has any."""
    target: str
    """What they are called on an axis."""
    unit: str
    checksum: str
    """`table.digest` of features and targets as they are in the file."""
    remark: str = ""
    """What else a reader of a result should know; for the source of the table."""

    packaged = None
    """No member is part of the package."""

    @property
    def url(self) -> str:
        """Where the file comes from."""
        return self.collection.url.format(self.name)

    @property
    def file(self) -> str:
        """The file in a folder of tables."""
        return self.collection.file.format(self.name)

    def read(self, path: Path) -> tuple[Array, Array]:
        """Features (n, F) and targets (n, T) in the order and units of the file, checked.

        Raises:
            DataError: if the file cannot be read or is not the table it should be.
        """
        try:
            values = self.collection.columns(path)
        except UNREADABLE as error:
            what = str(error) or "it ends too early"
            raise DataError(f"{path} is not the table '{self.name}': {what}.") from error
        wanted = (self.rows, self.features + len(self.targets))
        if values.shape != wanted:
            raise DataError(
                f"{path} is not the table '{self.name}': it has {values.shape[0]} rows and "
                f"{values.shape[1]} columns; expected {wanted[0]} and {wanted[1]}."
            )
        features, targets = values[:, : self.features], values[:, self.features :]
        found = digest(features, targets)
        if found != self.checksum:
            raise DataError(
                f"{path} is not the table '{self.name}': it has its shape, but other values; their "
                f"checksum is {found}, expected {self.checksum}."
            )
        return features, targets

    def checked(self) -> str:
        """What `read` compares, beyond columns, rows and finite numbers, in words."""
        return "all values, by their checksum"


def load(name: str) -> Table:
    """A table; the first fifth of the rows of `splits.permutation` tests.

    Raises:
        DataError: if it is not available, or is not what it should be.
    """
    about = MEMBERS[name]
    path = place(name)
    raw, targets = cache.read(about)
    words = [
        f"{about.title} from {path.name} of {about.collection.page}",
        about.collection.remark,
        about.remark,
        f"{OWN_SPLIT} (NumPy's RandomState({splits.OTHER_SEED}))",
        SCALED,
    ]
    return split_table(
        name,
        zscore(raw),
        targets,
        splits.permutation(name, len(raw)),
        len(raw) // 5,
        source="; ".join(filter(None, words)),
        target=about.target,
        unit=about.unit,
    )


def place(name: str) -> Path:
    """The file that `load` reads.

    Raises:
        DataError: if there is none; the message says what to do.
    """
    path = cache.find(MEMBERS[name])
    if path is None:
        raise DataError(
            f"The table '{name}' is not available. Run gar-verify data fetch {name}. "
            f"{cache.offline(MEMBERS[name])}"
        )
    return path


def _csv(path: Path) -> Array:
    with gzip.open(path) as stream:
        text = uci.limited(stream.read(uci.LARGEST + 1), path.name)
    if not text.strip():
        raise ValueError("it is empty")
    return np.loadtxt(io.BytesIO(text), delimiter=",", comments=None, ndmin=2)


def _arff(path: Path) -> Array:
    from scipy.io import arff  # no other table needs it

    with path.open("rb") as stream:
        text = uci.limited(stream.read(uci.LARGEST + 1), path.name)
    rows, header = arff.loadarff(io.StringIO(text.decode()))
    columns = []
    for name in header.names():
        kind, values = header[name]
        nominal = [rows[name] == value.encode() for value in values] if kind == "nominal" else None
        columns += nominal or [rows[name]]
    return np.stack(columns, axis=1).astype(np.float64)


COLLECTIONS = {
    "uci": Collection(
        page="github.com/treforevans/uci_datasets",
        url="https://raw.githubusercontent.com/treforevans/uci_datasets/master/uci_datasets/{}/data.csv.gz",
        file="uci/{}.csv.gz",
        columns=_csv,
        remark="columns centred there, so that the mean of the targets is 0",
    ),
    "mulan": Collection(
        page="github.com/tsoumakas/mulan",
        url="https://raw.githubusercontent.com/tsoumakas/mulan/master/data/multi-target/{}.arff",
        file="multi_target/{}.arff",
        columns=_arff,
        remark="",
    ),
}

MEMBERS = {
    name: Member(name, **about | {"collection": COLLECTIONS[about["collection"]]})
    for name, about in tomllib.loads(
        resources.files("gar_verify.data").joinpath("collections.toml").read_text(encoding="utf8")
    ).items()
}
"""The tables of the collections, by name."""
