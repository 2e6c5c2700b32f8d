"""What cannot be compared on is refused with a message that helps, and nothing is written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from gar_verify import compare
from gar_verify.cli.app import app
from gar_verify.comparison import compare_file

ROWS = 40
RNG = np.random.default_rng(0)


def table(**changes: object) -> pd.DataFrame:
    """A sound table, with columns replaced or added."""
    frame = pd.DataFrame(
        {
            "water": RNG.normal(size=ROWS),
            "plant": np.resize(["north", "south", "east"], ROWS),
            "strength": np.linspace(10, 50, ROWS),
        }
    )
    return frame.assign(**changes)


def mixed(count: int = 2) -> list[object]:
    return [*RNG.normal(size=ROWS - count).round(2), *["many"] * count]


Writer = Callable[[Path], None]


def csv(**changes: object) -> Writer:
    return lambda path: table(**changes).to_csv(path, index=False)


def text(content: str | bytes) -> Writer:
    raw = content.encode() if isinstance(content, str) else content
    return lambda path: path.write_bytes(raw) and None


def parquet(**changes: object) -> Writer:
    return lambda path: table(**changes).to_parquet(path, index=False)


def some(value: float) -> list[float]:
    return [*np.linspace(1, 2, ROWS - 1), value]


DATES = pd.date_range("2024-01-01", periods=ROWS)
FILES: dict[str, tuple[str, Writer, dict[str, object], str]] = {
    "no such file": ("other.csv", csv(), {}, "there is no file .*; did you mean .*other.csv"),
    "a folder": ("mine.csv", lambda p: p.mkdir(), {}, "is a folder; name a CSV or Parquet file"),
    "empty": ("mine.csv", text(""), {}, "is empty; expected a table"),
    "names only": ("mine.csv", text("water,strength\n"), {}, "has column names but no rows"),
    "binary": ("mine.csv", text(b"PK\x03\x04\0\0\0"), {}, "is no CSV file: it holds binary data"),
    "prose": ("mine.csv", text("Once upon a time\n"), {}, "its first line has one field, 'Once"),
    "no names": ("mine.csv", text("1,2\n3,4\n"), {}, "the first line .* holds numbers, '1', '2'"),
    "latin-1": ("mine.csv", text("strength,wät\n1,2\n".encode("latin-1")), {}, "not UTF-8 text"),
    "ragged": (
        "mine.csv",
        text("a,strength\n1,2\n3,4,5\n"),
        {},
        "is no sound CSV file: Expected 2 fields in line 3, saw 3",
    ),
    "one field too many": (
        "mine.csv",
        text("a,strength\n1,2,3\n4,5,6\n"),
        {},
        "the first row has more fields than the 2 names of the first line; quote texts with commas",
    ),
    "twice the same name": ("mine.csv", text("a,a,strength\n1,2,3\n"), {}, "several columns .*'a'"),
    "damaged Parquet": ("mine.parquet", text("PAR1"), {}, "cannot be read as Parquet .*write it"),
    "no such column": (
        "mine.csv",
        csv(),
        {"targets": ["strenght"]},
        "there is no column 'strenght' in .*did you mean 'strength'. its columns: 'water'",
    ),
    "no such column to drop": ("mine.csv", csv(), {"dropped": ["Plants"]}, "you mean 'plant'"),
    "no target": ("mine.csv", csv(), {"targets": []}, "name the column to predict"),
    "target dropped": (
        "mine.csv",
        csv(),
        {"dropped": ["strength"]},
        "column 'strength' is named twice, among the targets and the dropped",
    ),
    "target alone": (
        "mine.csv",
        csv(),
        {"dropped": ["water", "plant"]},
        "no column left to learn from",
    ),
    "constant target": (
        "mine.csv",
        csv(strength=3.5),
        {},
        r"target 'strength' is constant \(3.5\)",
    ),
    "text as target": (
        "mine.csv",
        csv(),
        {"targets": ["plant"]},
        r"target 'plant' holds text \('north', 'south', 'east'\); a regression needs numbers",
    ),
    "true and false as target": ("mine.parquet", parquet(strength=[True, False] * 20), {}, "class"),
    "dates as target": ("mine.parquet", parquet(strength=DATES), {}, "'strength' holds dates"),
    "mixed target": ("mine.csv", csv(strength=mixed()), {}, "target 'strength' mixes numbers and"),
    "infinite target": (
        "mine.csv",
        csv(strength=some(np.inf)),
        {},
        "target 'strength' holds 1 infinite values, first in row 40",
    ),
    "huge target": (
        "mine.csv",
        csv(strength=some(1e300)),
        {},
        r"target 'strength' has values up to 1e\+300; expected at most 1e\+100 in size",
    ),
    "no target at all": ("mine.csv", csv(strength=np.nan), {}, "target 'strength' has no value"),
    "fewer rows than folds": (
        "mine.csv",
        csv(),
        {"folds": 60},
        "40 rows with a target are too few for 60 folds; expected at least 240",
    ),
    "constant features": (
        "mine.csv",
        csv(water=1, plant="north"),
        {},
        r"nothing to learn from.*'water' is left out: it is constant \(1\)",
    ),
    "dates": ("mine.csv", csv(day=DATES), {}, r"'day' holds dates or times \(2024-01-01\).*--drop"),
    "months": (
        "mine.csv",
        csv(day=DATES.strftime("%b %d %Y")),
        {},
        r"'day' holds dates or times \(Jan 01 2024\)",
    ),
    "days of months": ("mine.csv", csv(day=DATES.strftime("%d-%B-%y")), {}, "'day' holds dates or"),
    "times": ("mine.parquet", parquet(day=DATES), {}, "'day' holds dates or times"),
    "mixed feature": (
        "mine.csv",
        csv(water=mixed()),
        {},
        r"'water' mixes numbers and text: 2 of 40 values are no numbers \('many', first in row 39",
    ),
    "infinite feature": ("mine.csv", csv(water=some(-np.inf)), {}, "'water' holds 1 infinite"),
    "decimal comma": (
        "mine.csv",
        csv(water=[f"{i},5" for i in range(ROWS)]),
        {},
        "'water' holds numbers with a decimal comma",
    ),
    "lists in cells": ("mine.parquet", parquet(water=[[1.0, 2.0]] * ROWS), {}, "expected scalars"),
    "unknown loss": ("mine.csv", csv(), {"losses": ["garr"]}, "no loss 'garr'; did you mean 'gar'"),
    "negative alpha": ("mine.csv", csv(), {"alphas": [-1.0]}, "finite and above 0, got -1.0"),
    "infinite alpha": ("mine.csv", csv(), {"alphas": [np.inf]}, "finite and above 0, got inf"),
    "one fold": ("mine.csv", csv(), {"folds": 1}, "at least 2, got 1"),
    "negative seed": ("mine.csv", csv(), {"seeds": (0, -1)}, "seeds must be whole numbers .* -1"),
    "twice the same seed": ("mine.csv", csv(), {"seeds": (1, 1)}, "seeds must be distinct"),
    "no rows wanted": ("mine.csv", csv(), {"max_rows": 0}, "max-rows must be at least 1, got 0"),
    "unknown device": ("mine.csv", csv(), {"device": "cuda:9"}, "no device 'cuda:9' here; found"),
    "no device": ("mine.csv", csv(), {"device": "abacus"}, "there is no device 'abacus'"),
    "no jobs": ("mine.csv", csv(), {"jobs": 0}, "jobs must be at least 1, got 0"),
    "no memory": ("mine.csv", csv(), {"memory_bytes": 0}, "memory must be above 0, got 0"),
}


@pytest.mark.parametrize("case", FILES)
def test_a_bad_file_or_option_is_named(case: str, tmp_path: Path) -> None:
    name, write, options, message = FILES[case]
    write(tmp_path / name)
    path = tmp_path / ("othr.csv" if case == "no such file" else name)
    with pytest.raises(ValueError, match=message):
        compare_file(path, options.pop("targets", ["strength"]), **options)


X = RNG.normal(size=(ROWS, 2))
Y = RNG.normal(size=ROWS)
ARRAYS: dict[str, tuple[object, object, str]] = {
    "lengths": (X, Y[1:], "X has 40 rows and y has 39; expected as many in both"),
    "one dimension": (Y, Y, r"X has shape \(40,\); expected \(rows, columns\)"),
    "three dimensions": (X, X[..., None], r"y has shape \(40, 2, 1\); expected \(rows,\)"),
    "no columns": (X[:, :0], Y, "with no part empty"),
    "no rows": (X[:0], Y[:0], "X and y have no rows"),
    "a path": ("mine.csv", Y, "X is a path; compare takes arrays"),
    "complex": (X * 1j, Y, "'x0' holds complex numbers"),
    "names": (pd.DataFrame(X, columns=["a", "a"]), Y, "X has several columns called 'a'"),
    "target": (X, Y * np.inf, "target 'y' holds 40 infinite values, first in row 1"),
}


@pytest.mark.parametrize("case", ARRAYS)
def test_bad_arrays_are_named(case: str) -> None:
    features, targets, message = ARRAYS[case]
    with pytest.raises(ValueError, match=message):
        compare(features, targets)


def refused(*arguments: str) -> str:
    result = CliRunner().invoke(app, ["compare", *arguments])
    assert isinstance(result.exception, ValueError), result.output
    return str(result.exception)


def test_the_command_writes_nothing_where_it_refuses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    csv()(tmp_path / "mine.csv")
    assert "there is no column" in refused("mine.csv", "--target", "price")
    assert "exclude each other" in refused(
        "mine.csv", "--target", "strength", "--all", "--losses", "mae"
    )
    options = ("mine.csv", "--target", "strength")
    assert "--seeds takes numbers such as 0,1,2, got 'a'" in refused(*options, "--seeds", "a")
    assert "--alphas takes numbers such as 0.5,2" in refused(*options, "--alphas", "one")
    assert [path.name for path in tmp_path.iterdir()] == ["mine.csv"]
    (tmp_path / "mine_comparison").mkdir()
    assert "exists already; name another with --folder" in refused(*options)
    assert "is a file; name a folder" in refused(*options, "--folder", "mine.csv")
    assert not list((tmp_path / "mine_comparison").iterdir())
