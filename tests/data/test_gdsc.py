"""IC50 from a small made pair of files, read rightly and refused by name when wrong."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from gar_verify import data, paths
from gar_verify.cli.app import app
from gar_verify.data import gdsc
from gar_verify.data.table import DataError

Frame = pd.DataFrame
DRUGS, LINES = 20, 30


def made() -> tuple[Frame, Frame]:
    """Responses with gaps, and features of other lines too, in another order."""
    rng = np.random.default_rng(0)
    ids = rng.permutation(np.arange(1000, 1000 + LINES))
    y = rng.normal(size=(LINES, DRUGS)).round(3)
    for drug in range(DRUGS):
        y[rng.permutation(LINES - 5)[: 1 + drug // 2], drug] = np.nan
    y[LINES - 1] = np.nan  # a line without any
    responses = Frame(y[:, ::-1], columns=[f"Drug_{k}_IC50" for k in range(DRUGS)])
    responses.insert(0, "COSMIC_ID", ids)
    known = rng.permutation(np.concatenate([ids[2:], [7, 8]]))
    features = Frame({"COSMIC_ID": known})
    features["TISSUE_FACTOR"] = rng.choice(["skin", "bone", "lung"], len(known))
    for name in ("MSI_FACTOR", "A_mut", "B_mut"):
        features[name] = rng.integers(0, 2, len(known))
    return responses, features


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    monkeypatch.setenv(paths.DATA_VARIABLE, str(tmp_path))
    (tmp_path / gdsc.FOLDER).mkdir()

    def writer(responses: Frame, features: Frame) -> None:
        responses.to_csv(tmp_path / gdsc.FOLDER / gdsc.RESPONSES, index=False)
        features.to_csv(tmp_path / gdsc.FOLDER / gdsc.FEATURES, index=False)

    return writer


def test_files_are_joined_by_the_lines_and_gaps_stay(write: Callable[..., None]) -> None:
    responses, features = made()
    write(responses, features)
    table = gdsc.load()
    known = features.set_index("COSMIC_ID")
    by_line = responses.set_index("COSMIC_ID")
    lines = [line for line in responses["COSMIC_ID"] if line in known.index][:-1]
    drugs = [f"Drug {k}" for k in (4, *range(6, DRUGS))]  # 5 has as many gaps as 4
    assert table.targets == tuple(drugs)
    wanted = by_line.loc[lines, [f"{d.replace(' ', '_')}_IC50" for d in drugs]].to_numpy()
    tests = len(lines) // 5
    np.testing.assert_array_equal(table.test_y, wanted[:tests])
    np.testing.assert_array_equal(table.train_y, wanted[tests:])
    assert np.isnan(wanted).any()
    X = np.concatenate([table.test_X, table.train_X])
    for row, line in enumerate(lines):
        one_hot = [known.loc[line, "TISSUE_FACTOR"] == t for t in ("bone", "lung", "skin")]
        numbers = known.loc[line, ["MSI_FACTOR", "A_mut", "B_mut"]].to_list()
        assert X[row].tolist() == [*numbers, *one_hot]
    assert data.load_table("ic50").checksum == table.checksum
    assert data.place("ic50").name == gdsc.RESPONSES


def test_the_drugs_with_the_fewest_gaps_and_of_equals_the_first() -> None:
    frame = Frame({"c": [1, np.nan], "a": [1, 1], "d": [np.nan] * 2, "b": [np.nan, 1]})
    assert gdsc.fewest_gaps(frame, 2) == ["c", "a"]
    assert gdsc.fewest_gaps(frame, 3) == ["c", "a", "b"]
    with pytest.raises(DataError, match="has 4 drugs; 5 are wanted"):
        gdsc.fewest_gaps(frame, 5)


def test_equal_values_have_equal_checksums_whatever_their_nan(write: Callable[..., None]) -> None:
    responses, features = made()
    write(responses, features)
    table = gdsc.load()
    assert not table.train_y.flags.writeable
    negative = 0 - responses.set_index("COSMIC_ID")
    other = gdsc.table_of(0 - negative, features.set_index("COSMIC_ID"))
    assert other.checksum == table.checksum


WRONG: dict[str, tuple[Callable[[Frame, Frame], tuple[Frame, Frame]], str]] = {
    "no id": (lambda r, f: (r.drop(columns="COSMIC_ID"), f), f"{gdsc.RESPONSES} lacks the column"),
    "an id twice": (
        lambda r, f: (r, pd.concat([f, f[:1]])),
        f"{gdsc.FEATURES} has COSMIC_ID .* tw",
    ),
    "other columns": (lambda r, f: (r.assign(age=1), f), "no drug's IC50, such as 'age'"),
    "swapped": (lambda r, f: (f, r), f"{gdsc.RESPONSES} has columns that are no drug's IC50"),
    "no tissue": (lambda r, f: (r, f.drop(columns="TISSUE_FACTOR")), "column TISSUE_FACTOR"),
    "no MSI": (lambda r, f: (r, f.drop(columns="MSI_FACTOR")), "lacks the column MSI_FACTOR"),
    "not binary": (lambda r, f: (r, f.assign(A_mut=2)), f"{gdsc.FEATURES} .* neither 0 nor 1"),
    "a gap": (lambda r, f: (r, f.assign(A_mut=np.nan)), f"{gdsc.FEATURES} .* neither 0 nor 1"),
    "no tissue of a line": (
        lambda r, f: (r, f.assign(TISSUE_FACTOR=f["TISSUE_FACTOR"].where(f.index > 0))),
        "or lines without a tissue",
    ),
    "words": (lambda r, f: (r.assign(Drug_0_IC50="x"), f), "no numbers in the column 'Drug_0_IC50"),
    "infinite": (lambda r, f: (r.assign(Drug_0_IC50=np.inf), f), "numbers that are not finite"),
    "strangers": (lambda r, f: (r, f.assign(COSMIC_ID=range(len(f)))), "no COSMIC_ID in common"),
    "few drugs": (lambda r, f: (r.iloc[:, :9], f), "has 8 drugs; 15 are wanted"),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_files_are_refused_by_name(name: str, write: Callable[..., None]) -> None:
    spoil, message = WRONG[name]
    write(*spoil(*made()))
    with pytest.raises(DataError, match=message):
        gdsc.load()


def test_a_file_that_is_no_table(write: Callable[..., None], tmp_path: Path) -> None:
    write(*made())
    (tmp_path / gdsc.FOLDER / gdsc.FEATURES).write_bytes(b"not compressed")
    with pytest.raises(DataError, match=rf"{gdsc.FEATURES} cannot be read as a compressed table"):
        gdsc.load()


def test_absent_files_are_named_with_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(paths.DATA_VARIABLE, str(tmp_path))
    (tmp_path / gdsc.FOLDER).mkdir()
    (tmp_path / gdsc.FOLDER / gdsc.RESPONSES).write_bytes(b"")
    with pytest.raises(DataError, match=rf"lacks gdsc/{gdsc.FEATURES}\. .*put both into the fold"):
        data.load_table("ic50")
    assert not data.is_available("ic50")
    listed = CliRunner().invoke(app, ["data"]).output
    assert "ic50: absent. The table 'ic50' is not available" in listed
    monkeypatch.delenv(paths.DATA_VARIABLE)
    with pytest.raises(DataError, match="GAR_VERIFY_DATA is not set, so there is no gdsc/IC50"):
        data.place("ic50")


def test_rows_without_any_target_are_refused() -> None:
    y = np.array([[1.0, np.nan], [np.nan, np.nan]])
    with pytest.raises(DataError, match="toy: train_y has rows without any target"):
        gdsc.TableWithGaps("toy", np.eye(2), y, np.eye(2), np.eye(2), "", "", "")
    with pytest.raises(DataError, match="not finite"):
        gdsc.TableWithGaps("toy", np.eye(2), y * np.inf, np.eye(2), np.eye(2), "", "", "")
