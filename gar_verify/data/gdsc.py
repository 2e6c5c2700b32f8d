"""IC50: the response of cancer cell lines to 15 drugs, from release 17 of GDSC.

Two files of the folder that ``GAR_VERIFY_DATA`` names, joined by ``COSMIC_ID``: log IC50 of cell
lines (rows) and drugs, and what is known of the lines, all binary but the tissue. They are not part
of the package. The targets are the drugs with the fewest gaps, of equals the first in the file.
Lines without any of them are left out, the other gaps stay gaps (NaN). Features are not scaled;
the tissue is one column for each. The first fifth of the lines, in the order of the file of the
IC50, tests: a split of ours, for the one of the paper's arrays is not to be had.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from gar_verify import paths
from gar_verify.data import files
from gar_verify.data.table import Array, DataError, Table, digest

NAME = "ic50"
FOLDER = "gdsc"
RESPONSES, FEATURES = "IC50_v17.csv.gz", "genomic_features_v17.csv.gz"
ID = "COSMIC_ID"
TISSUE, MSI = "TISSUE_FACTOR", "MSI_FACTOR"
DRUG, DRUG_END = "Drug_", "_IC50"
DRUGS = 15


@dataclass(frozen=True, eq=False)
class TableWithGaps(Table):
    """A table whose targets may be NaN where they were not measured.

    Raises:
        DataError: as `Table`, and if a row has no target at all.
    """

    targets: tuple[str, ...] = ()
    """Names of the targets."""

    def __post_init__(self) -> None:
        """Check and freeze the arrays, and take their checksum; every gap is the same NaN."""
        given = {key: np.asarray(getattr(self, key), float) for key in ("train_y", "test_y")}
        for key, values in given.items():
            object.__setattr__(self, key, np.where(np.isnan(values), 0, values))
        super().__post_init__()
        for key, values in given.items():
            if np.isnan(values).all(1).any():
                raise DataError(f"{self.name}: {key} has rows without any target; drop them.")
            gaps = np.where(np.isnan(values), np.nan, values)
            gaps.setflags(write=False)
            object.__setattr__(self, key, gaps)
        arrays = (self.train_X, self.train_y, self.test_X, self.test_y)
        object.__setattr__(self, "checksum", digest(*arrays))


def load() -> TableWithGaps:
    """The table.

    Raises:
        DataError: if a file is absent or is not what it should be; the message names it.
    """
    responses, features = place()
    return table_of(_responses(responses), _features(features))


def place() -> tuple[Path, Path]:
    """The two files.

    Raises:
        DataError: if one is absent; the message says what to put where.
    """
    found = [files.find(f"{FOLDER}/{name}") for name in (RESPONSES, FEATURES)]
    absent = [name for name, path in zip((RESPONSES, FEATURES), found, strict=True) if path is None]
    if absent:
        where = paths.data()
        raise DataError(
            f"The table '{NAME}' is not available: "
            + (f"{where} lacks" if where else f"{paths.DATA_VARIABLE} is not set, so there is no")
            + f" {' and '.join(f'{FOLDER}/{name}' for name in absent)}. They are release 17 of "
            "GDSC as the package gdsctools ships it; put both into the folder "
            f"{FOLDER} of the one that {paths.DATA_VARIABLE} names."
        )
    responses, features = [path for path in found if path is not None]
    return responses, features


def table_of(responses: pd.DataFrame, features: pd.DataFrame) -> TableWithGaps:
    """The table of two frames that are indexed by the cell lines.

    Args:
        responses: log IC50, a column for each drug.
        features: numbers, and the tissue in words.

    Raises:
        DataError: if they have no line in common, or fewer drugs than are wanted.
    """
    drugs = fewest_gaps(responses, DRUGS)
    targets = responses[drugs].dropna(how="all")
    shared = targets.index[targets.index.isin(features.index)]
    if shared.empty:
        raise DataError(
            f"{RESPONSES} and {FEATURES} have no {ID} in common: they are of different lines."
        )
    y = targets.loc[shared].to_numpy(float)
    X = pd.get_dummies(features.loc[shared], columns=[TISSUE]).to_numpy(float)
    tests = len(shared) // 5
    return TableWithGaps(
        name=NAME,
        train_X=X[tests:],
        train_y=y[tests:],
        test_X=X[:tests],
        test_y=y[:tests],
        source=(
            f"GDSC release 17, the {DRUGS} drugs with the fewest gaps; split of ours, the first "
            "fifth of the lines tests; features not scaled"
        ),
        target="log IC50",
        unit="log IC50",
        targets=tuple(name.removesuffix(DRUG_END).replace("_", " ") for name in drugs),
    )


def fewest_gaps(responses: pd.DataFrame, count: int) -> list[str]:
    """The columns with the fewest gaps, of equals the first, in the order of the file.

    Raises:
        DataError: if there are fewer columns.
    """
    if responses.shape[1] < count:
        raise DataError(f"{RESPONSES} has {responses.shape[1]} drugs; {count} are wanted.")
    gaps = responses.isna().sum().to_numpy()
    chosen = np.sort(np.argsort(gaps, kind="stable")[:count])
    return [str(name) for name in responses.columns[chosen]]


def _responses(path: Path) -> pd.DataFrame:
    frame = _read(path)
    names = map(str, frame.columns)
    other = [name for name in names if not name.startswith(DRUG) or not name.endswith(DRUG_END)]
    if other:
        raise DataError(f"{path} has columns that are no drug's IC50, such as {other[0]!r}.")
    return _numbers(path, frame)


def _features(path: Path) -> pd.DataFrame:
    frame = _read(path)
    absent = [name for name in (TISSUE, MSI) if name not in frame]
    if absent:
        raise DataError(f"{path} lacks the column {' and '.join(absent)}.")
    numbers = _numbers(path, frame.drop(columns=TISSUE))
    if frame[TISSUE].isna().any() or not numbers.isin([0, 1]).all(axis=None):
        raise DataError(f"{path} has features that are neither 0 nor 1, or lines without a tissue.")
    return pd.concat([frame[[TISSUE]], numbers], axis=1)


def _read(path: Path) -> pd.DataFrame:
    try:
        frame = pd.read_csv(path)
    except (OSError, ValueError, EOFError) as error:
        raise DataError(f"{path} cannot be read as a compressed table ({error}).") from error
    if ID not in frame:
        raise DataError(f"{path} lacks the column {ID}, by which the two files are joined.")
    twice = frame[ID][frame[ID].duplicated()]
    if len(twice):
        raise DataError(f"{path} has {ID} {twice.iloc[0]} twice; each cell line is one row.")
    return frame.set_index(ID)


def _numbers(path: Path, frame: pd.DataFrame) -> pd.DataFrame:
    words = [name for name in frame if not pd.api.types.is_numeric_dtype(frame[name])]
    if words:
        raise DataError(f"{path} has no numbers in the column {words[0]!r}.")
    values: Array = frame.to_numpy(float)
    if np.isinf(values).any():
        raise DataError(f"{path} has numbers that are not finite.")
    return frame
