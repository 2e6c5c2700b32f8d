"""Files as people have them: read rightly, with a note, or refused with the option that helps."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from gar_verify import compare
from gar_verify.cli.app import app
from gar_verify.comparison import compare_file, reading
from gar_verify.comparison.delimited import Dialect
from gar_verify.comparison.notation import Notation
from gar_verify.comparison.preparation import prepare
from gar_verify.comparison.table import Table

ROWS = 40
Reader = Callable[..., Table]


def lines(separator: str = ",", **columns: Sequence[object]) -> str:
    """A file with columns that repeat to `ROWS` rows, and a target y unless there is one."""
    y = np.random.default_rng(0).normal(size=ROWS).round(2)
    every = {**columns} if "y" in columns else {**columns, "y": list(y)}
    cells = [[name, *(list(values) * ROWS)[:ROWS]] for name, values in every.items()]
    quoted = [[f'"{c}"' if separator in str(c) else str(c) for c in column] for column in cells]
    return "".join(separator.join(row) + "\n" for row in zip(*quoted, strict=True))


TENS = [f"{i}M" for i in range(10)]
REFUSED: dict[str, tuple[str, str]] = {
    "decimal commas beside whole numbers": (
        lines(";", b=["7", "-4,31", "2,5"]),
        "column 'b' holds numbers with a decimal comma ('-4,31', which --decimal , reads as -4.31)",
    ),
    "decimal commas as target": (
        lines(";", a=[1, 2, 3], y=["7", "-4,31"]),
        "target 'y' holds numbers with a decimal comma ('-4,31', which --decimal , reads as -4.31)",
    ),
    "commas that may be either": (
        lines(b=["27,247", "3,100", "12"]),
        "column 'b' holds numbers that read in two ways ('27,247', which --decimal , reads as "
        "27.247 and --thousands , reads as 27247)",
    ),
    "commas between thousands": (
        lines(b=["1,234,567", "20,123"]),
        "column 'b' holds numbers with commas between thousands ('1,234,567', which --thousands , "
        "reads as 1234567)",
    ),
    "points between thousands": (
        lines(b=["1.234.567", "20.123"]),
        "column 'b' holds numbers with points between thousands ('1.234.567', which --thousands . "
        "reads as 1234567)",
    ),
    "points and commas": (
        lines(";", b=["1.234,56", "0,5"]),
        "column 'b' holds numbers with points between thousands ('1.234,56', which --thousands . "
        "reads as 1234.56)",
    ),
    "blanks and commas": (
        lines(";", b=["1 234,5", "0,5"]),
        "column 'b' holds numbers with blanks between thousands and a decimal comma ('1 234,5', "
        'which --decimal , --thousands " " reads as 1234.5)',
    ),
    "blanks that do not break": (
        lines(b=["1\u00a0234", "5\u202f000", "12"]),
        "column 'b' holds numbers with blanks between thousands ('1\\xa0234', which --thousands "
        '" " reads as 1234)',
    ),
    "apostrophes": (
        lines(b=["1'234.5", "3"]),
        "column 'b' holds numbers with apostrophes between thousands (\"1'234.5\", which "
        '--thousands "\'" reads as 1234.5)',
    ),
    "dollars": (
        lines(b=["$19000.50", "$3"]),
        "column 'b' holds numbers with a sign or unit ('$19000.50', which --strip-units reads as "
        "19000.5)",
    ),
    "dollars and commas": (
        lines(b=["$1,234.50", "$3"]),
        "column 'b' holds numbers with a sign or unit and commas between thousands ('$1,234.50', "
        "which --strip-units --thousands , reads as 1234.5)",
    ),
    "several columns": (
        lines(a=["45%", "3%"], b=["45 km", "3 km"]),
        "columns 'a' and 'b' hold numbers with a sign or unit ('45%', which --strip-units reads as "
        "45; '45 km', which --strip-units reads as 45)",
    ),
    "several units": (
        lines(b=[*TENS, "500k", "Varies"]),
        "column 'b' holds numbers with several units ('M', 'k'); write all in one, or take "
        "--category b",
    ),
    "two in five are numbers": (
        lines(b=[*range(8), *"abcdefghijkl"]),
        "column 'b' mixes numbers and text: 24 of 40 values are no numbers ('a', 'b', 'c', "
        "first in row 9). Correct them, or leave them empty where they mean missing, or take the "
        "column as categories (--category b)",
    ),
    "a word for missing": (
        lines(b=["1", "2", "3", "not known"]),
        "column 'b' mixes numbers and text: 10 of 40 values are no numbers ('not known', first in "
        "row 4). Correct them, or say that they mean missing (--na 'not known'), or take the "
        "column as categories (--category b)",
    ),
    "dates in several columns, some unknown": (
        lines(d=["unknown", "2024-01-02", "2024-01-03"], m=["2000-01"], n=["Jan-10", "Feb-10"]),
        "columns 'd', 'm' and 'n' hold dates or times (2024-01-02; 2000-01; Jan-10), which are not "
        "learned from: leave out what holds them (--drop d --drop m --drop n), turn them into "
        "numbers first, such as days since the first, or let one split the rows (--time)",
    ),
    "dates and units": (
        lines(d=["20141013T000000"], b=["5 kg", "7 kg"]),
        "column 'd' holds dates or times (20141013T000000), which are not learned from: leave out "
        "what holds them (--drop d), turn them into numbers first, such as days since the first, "
        "or let one split the rows (--time); column 'b' holds numbers with a sign or unit ('5 kg', "
        "which --strip-units reads as 5)",
    ),
    "another separator": (
        "Price, USD;Area, m2;y\n1,5;2,3;4\n",
        "there is no column 'z' in {path} (separated by commas; --sep takes another sign); its "
        "columns: 'Price', 'USD;Area', 'm2;y'",
    ),
    "a title": (
        "Concrete, 2020\nwater,plant,y\n1,2,3\n4,5,6\n",
        "{path} is no sound CSV file: the first row has more fields than the 2 names of the first "
        "line; quote texts with commas in them, name another separator (--sep), or delete the "
        "first line if it is a title",
    ),
    "a title without a comma": (
        "Concrete\nwater,plant,y\n1,2,3\n",
        "{path} is no CSV file with several columns: its first line has one field, 'Concrete'; "
        "expected names separated by commas, semicolons, tabs, bars, or by the sign that --sep "
        "names. If that line is a title, delete it",
    ),
    "a long title": (
        "Concrete, cement, water and more\nwater,y\n1,2\n",
        "every row of {path} has fewer fields than the first line (the first in line 2: 2 of 3); "
        "if that line is a title, delete it; if another sign separates the fields: --sep",
    ),
    "a long row": (
        "a,y\n1,2\n3,4,5\n",
        "{path} is no sound CSV file: Expected 2 fields in line 3, saw 3; quote texts with commas "
        "in them, or name another separator (--sep)",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_reads_in_two_ways_is_refused(case: str, read: Reader, tmp_path: Path) -> None:
    content, message = REFUSED[case]
    target = "z" if case == "another separator" else "y"
    if case == "a long title":
        content = content.replace("more", "y")
        target = "water and y"
    with pytest.raises(
        ValueError, match="^" + re.escape(message.format(path=tmp_path / "mine.csv"))
    ):
        read(content, target)


READ: dict[str, tuple[list[object], dict[str, object], list[float]]] = {
    "decimal commas": (["7", "-4,31"], {"decimal": ","}, [7, -4.31]),
    "commas between thousands": (["27,247", "1,5"], {"decimal": ","}, [27.247, 1.5]),
    "thousands": (["27,247", "3.5"], {"thousands": ","}, [27247, 3.5]),
    "points between thousands": (["1.234.567", "20.123"], {"thousands": "."}, [1234567, 20123]),
    "both": (["1.234,56", "0,5"], {"thousands": "."}, [1234.56, 0.5]),
    "blanks": (["1\u00a0234", "5 000"], {"thousands": " "}, [1234, 5000]),
    "apostrophes": (["1'234.5", "3"], {"thousands": "'"}, [1234.5, 3]),
    "minus signs": (["\u22125.5", "\u20133", "1e-3"], {}, [-5.5, -3, 1e-3]),
    "euros": (["5 €", "-1.5 €", "0"], {"strip_units": True}, [5, -1.5, 0]),
    "negative dollars": (["-$5", "($7.50)", "$1"], {"strip_units": True}, [-5, -7.5, 1]),
    "all": (["$1,234.50", "$3"], {"strip_units": True, "thousands": ","}, [1234.5, 3]),
}


@pytest.mark.parametrize("case", READ)
def test_options_say_how_numbers_are_written(case: str, read: Reader) -> None:
    cells, written, expected = READ[case]
    table = read(lines("|", b=cells), **written)
    assert table.features.numeric == ["b"]
    np.testing.assert_array_equal(table.features.frame["b"][: len(expected)], expected)


NOTED: dict[str, tuple[str, dict[str, object], str]] = {
    "parentheses": (
        lines(b=["(5.00)", "3.2"]),
        {},
        "column 'b' has 20 values in parentheses, which are read as negative numbers",
    ),
    "units": (
        lines(b=["45 km", "3 km"]),
        {"strip_units": True},
        "column 'b' is read without its unit 'km'",
    ),
    "points that may separate thousands": (
        lines(b=["20.123", "7.001", "12"]),
        {},
        "column 'b' is read with a decimal point ('20.123'); if its points separate thousands: "
        "--thousands .",
    ),
    "points beside decimal commas": (
        lines(";", b=["1,5", "7"], c=["0.5", "0.25"]),
        {"decimal": ","},
        "column 'c' is written with a decimal point, not a comma, and read so",
    ),
    "a number among texts": (
        lines(b=["1", *"abc" * 13]),
        {},
        "column 'b' is taken as categories, though 1 of 40 values are numbers ('1')",
    ),
    "one number that is a level": (
        lines(b=["f", "4", "r", "f", "4"]),
        {},
        "column 'b' is taken as categories, though 16 of 40 values are numbers ('4')",
    ),
    "spellings": (
        lines(b=["Male", "male", "fe male", "fe  male", "Male"]),
        {},
        "levels 'Male' and 'male' of column 'b' are taken as one",
    ),
    "spellings of codes": (
        lines(b=["1", "1.0", "2"]),
        {"categories": ["b"]},
        "levels '1' and '1.0' of column 'b' are taken as one",
    ),
    "short rows": (
        lines(b=[1, 2, 3]) + "5\n",
        {},
        "1 of 41 rows have fewer fields than there are names (the first in line 42: 1 of 2); what "
        "they lack is taken as missing",
    ),
    "names that end in separators": (
        "b,y,,\n" + lines(b=[1, 2, 3]).partition("\n")[2],
        {},
        "columns without a name and without values are left out: 2",
    ),
    "shuffled row numbers": (
        lines(b=list(np.random.default_rng(0).permutation(ROWS) + 100)),
        {},
        "column 'b' numbers the rows; if it means nothing, leave it out (--drop b)",
    ),
    "row numbers where targets are missing": (
        lines(b=list(range(ROWS)), y=[1, 2.5, "", 7, 4, "", 3.5]),
        {},
        "column 'b' numbers the rows; if it means nothing, leave it out (--drop b)",
    ),
    "identifiers": (
        lines(id=[7_000_000_000 + i**4 for i in range(ROWS)]),
        {},
        "column 'id' numbers the rows; if it means nothing, leave it out (--drop id)",
    ),
    "subjects": (
        lines(**{"subject#": [*range(10)], "b": [1.5, 2, 3]}),
        {},
        "column 'subject#' has 10 values in 40 rows, as if rows belonged to subjects. Rows of one "
        "subject resemble one another, and what is learned of it in training helps in the test: "
        "--group 'subject#' keeps them together",
    ),
    "days as numbers": (
        lines(b=[20141013, 20150230 - 2]),
        {},
        "column 'b' looks like dates written as numbers (20141013), whose distances mean little; "
        "leave it out (--drop b), or turn it into days since the first",
    ),
    "a number that means missing": (
        lines(b=[-200, 1.5, 2, 3]),
        {},
        "column 'b' holds -200 in 10 rows, apart from all other values (1.5 to 3); if it means "
        "missing: --na -200",
    ),
    "a target of classes": (
        lines(b=[1, 2, 3, 4, 5, 6, 7], y=[1, 2, 3]),
        {},
        "target 'y' holds 3 different whole numbers only (1, 2, 3); if they are classes, this is a "
        "classification, and their distances mean nothing",
    ),
    "missing by name": (
        lines(b=["1", "2", "none known", "4"], c=["5", "none known"]),
        {"missing": ("none known",)},
        "30 values none known in 2 columns are taken as missing (--na)",
    ),
    "missing by a name that is nowhere": (
        lines(b=[1, 2, 3]),
        {"missing": ("-99",)},
        "no value is -99, which was to mean missing (--na)",
    ),
    "the logarithm": (
        lines(b=[1, 2, 3], y=[1, 2, 3, 4]),
        {"log_target": True},
        "the logarithm of the target is learned; scores are of the target itself",
    ),
}


@pytest.mark.parametrize("case", NOTED)
def test_what_is_strange_is_noted(case: str, read: Reader) -> None:
    content, options, note = NOTED[case]
    assert note in read(content, **options).notes


@pytest.mark.parametrize("seed", range(5))
def test_harmless_tables_get_no_notes(seed: int, read: Reader) -> None:
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "normal": rng.normal(size=400),
            "heavy": rng.standard_t(3, size=400).round(3),
            "positive": rng.lognormal(0, 1, size=400).round(2),
            "counts": rng.poisson(3, size=400),
            "flag": rng.integers(0, 2, size=400),
            "large": rng.integers(0, 100_000, size=400),
            "kind": rng.choice(["a1", "b2", "c3", "1Fam", "2fmCon"], size=400),
            "gaps": np.where(rng.random(400) < 0.2, np.nan, rng.normal(size=400).round(4)),
            "y": rng.lognormal(0, 1, size=400),
        }
    )
    table = read(frame.to_csv(index=False))
    assert table.notes == ()
    assert table.features.categorical == ["kind"]
    assert table.subjects == ()


def test_one_huge_target_is_noted_and_a_normal_one_is_not(read: Reader) -> None:
    y = np.random.default_rng(0).normal(size=400)
    y[17] = 1e9
    content = pd.DataFrame({"x": np.arange(400) % 7, "y": y}).to_csv(index=False)
    assert read(content).notes == (
        "target 'y': 1 of 400 values (1e+09 in row 18) make 100 % of its variance, and with it the "
        "scale that is trained on; correct such values, or leave them empty",
    )


def test_missing_values_are_found_however_they_are_written(read: Reader) -> None:
    content = lines(";", b=["-200", "-200,0", "1,5", "2"], y=[-200, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    table = read(content, decimal=",", missing=("-200",))
    assert len(table.truth) == ROWS - 4
    assert list(table.features.frame["b"][:4].isna()) == [True, False, False, True]
    assert "24 values -200 in 2 columns are taken as missing (--na)" in table.notes


def test_levels_differ_in_more_than_case_and_blanks(read: Reader) -> None:
    table = read(lines(b=["Male", " male ", "fe male", "fe  male", "Male", "M"]))
    assert set(table.features.frame["b"]) == {"Male", "fe male", "M"}


def test_subjects_are_handed_on(read: Reader) -> None:
    countries = [f"country {i}" for i in range(25)]
    content = "country,x,y\n" + "".join(
        f"{countries[i // 4]},{i % 10},{i % 50}\n" for i in range(100)
    )
    table = read(content)
    assert table.subjects == ("country",)
    assert any("--group country" in note for note in table.notes)


SPANISH = "niño,y\n" + "ñandú,1\nbúho,2\nñu,7.5\n" * 10


def test_encodings_are_named(read: Reader, tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    message = (
        f"{path} is not UTF-8 text; name its encoding, most often --encoding cp1252: read as "
        "cp1252, it has ['a,y', 'b,1', 'niño,2']"
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        read("a,y\nb,1\nniño,2\n".encode("latin-1"))
    with pytest.raises(ValueError, match="is UTF-16 text, not UTF-8: --encoding utf-16 reads it"):
        read(SPANISH.encode("utf-16"))
    with pytest.raises(ValueError, match="is not utf-16 text; name another with --encoding"):
        read(SPANISH.encode("latin-1"), encoding="utf-16")
    late = "a,y\n" + "b,1\n" * 100_000 + "ñ,2\n"  # found long after the first line
    with pytest.raises(ValueError, match="is not UTF-8 text; name its encoding"):
        read(late.encode("latin-1"))
    for encoding in ("latin-1", "cp1252", "utf-16", "utf-8", "utf-8-sig"):
        table = read(SPANISH.encode(encoding), encoding=encoding)
        assert set(table.features.frame["niño"]) == {"ñandú", "búho", "ñu"}


def test_separators_are_found_or_named(read: Reader) -> None:
    rows = "".join(f"{i % 7};{i % 5};{i}\n" for i in range(ROWS))
    header = "Price, USD;Area, m2;y\n"
    assert list(read(header + rows).features.frame) == ["Price, USD", "Area, m2"]
    commas = header + rows.replace(";", ",5;")  # as many commas as semicolons
    assert list(read(commas, decimal=",").features.frame) == ["Price, USD", "Area, m2"]
    blanks = "a b y\n" + rows.replace(";", "   ")
    assert list(read(blanks, sep=" ").features.frame) == ["a", "b"]
    assert list(read("a\tb\ty\n" + rows.replace(";", "\t")).features.frame) == ["a", "b"]
    assert list(read("a#b#y\n" + rows.replace(";", "#"), sep="#").features.frame) == ["a", "b"]


def test_signs_that_nobody_writes_are_refused() -> None:
    for wrong, message in (
        (lambda: Dialect(";;"), "--sep takes one character, such as ';', or the word tab, and got"),
        (lambda: Dialect(encoding="latn"), "there is no encoding 'latn'; --encoding takes names"),
        (lambda: Notation(decimal=";"), "--decimal takes . or , and got ';'"),
        (lambda: Notation(thousands="_"), "--thousands takes one of ',', '.', ' ', "),
        (lambda: Notation(",", ","), "--decimal and --thousands are both ','; they must differ"),
    ):
        with pytest.raises(ValueError, match=re.escape(message)):
            wrong()


def test_other_files_are_refused_with_what_to_do(read: Reader) -> None:
    with pytest.raises(ValueError, match="is a spreadsheet, which is not read here: export the"):
        read(b"PK\x03\x04", name="mine.XLSX")
    with pytest.raises(ValueError, match="--sep and --encoding are for CSV files"):
        read(b"PAR1", name="mine.parquet", sep=";")


def test_a_name_with_a_comma_wins_over_two_names(tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_text('"Avg TP, $",a,b,"c, d"\n1,2,3,4\n', encoding="utf-8")
    assert reading.resolve(path, ["Avg TP, $"]) == ("Avg TP, $",)
    assert reading.resolve(path, ["a,b", "c, d"]) == ("a", "b", "c, d")
    assert reading.resolve(path, ['a,"c, d"']) == ("a", "c, d")
    assert reading.resolve(path, ["a, x"]) == ("a", "x")


def test_weights_are_checked(read: Reader) -> None:
    table = read(lines(b=[1, 2, 3], w=["0,5", "2"], y=["1", "2", ""]), weight="w", decimal=",")
    np.testing.assert_array_equal(table.weights[:4], [0.5, 2, 2, 0.5])
    assert len(table.weights) == len(table.truth)
    assert list(table.features.frame) == ["b"]
    for weights, message in (
        ([1, ""], "weight 'w' is missing in 20 rows, first in row 2; expected a number from 0"),
        ([1, 2, -3], "weight 'w' is negative in 13 rows, first in row 3"),
        ([0], "weight 'w' is 0 in every row; expected some above 0"),
        (["a", "b"], "weight 'w' holds text ('a', 'b'); a regression needs numbers as its weight"),
    ):
        with pytest.raises(ValueError, match=re.escape(message)):
            read(lines(b=[1, 2, 3], w=weights), weight="w")


def test_the_logarithm_needs_positive_targets(read: Reader) -> None:
    message = (
        "target 'y' has 10 values that are not above 0, first 0 in row 3; --log-target needs "
        "positive ones"
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        read(lines(b=[1, 2, 3], y=[1, 2, 0, 4]), log_target=True)


QUICK = {"losses": ["mae"], "folds": 3, "quick": True, "jobs": 1, "references": False}


def test_the_logarithm_is_learned_and_the_target_is_scored() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(120, 1))
    y = np.exp(5 * x[:, 0])
    plain, logarithm = (compare(x, y, log_target=log, **QUICK) for log in (False, True))
    assert list(logarithm.truth["y"]) == list(y)
    assert (logarithm.predictions()["MAE"] > 0).all()
    assert not (plain.predictions()["MAE"] > 0).all()
    rank = ("y", "MAE")
    assert logarithm.table().loc[rank, "Spearman"] > plain.table().loc[rank, "Spearman"]


def test_the_command_takes_the_options(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    rows = "".join(
        f"{n}\t{x:.2f} kg\t{x * 1e3 + 5e3:.1f}\t{i % 3 + 1}\n".replace(".", ",")
        for i, (n, x) in enumerate(zip([*"ñé"] * 30, rng.normal(size=60), strict=True))
    )
    content = "näme\tMass, net\tAvg TP, $\tw\n" + rows + "ñ\t-999\t5000\t1\n"
    (tmp_path / "mine.csv").write_text(content, encoding="cp1252")
    base = ["compare", "mine.csv", "--target", "Avg TP, $", "--losses", "mae", "--folds", "3"]
    options = ["--sep", "tab", "--encoding", "cp1252", "--decimal", ",", "--strip-units"]
    more = ["--na", "-999", "--log-target", "--drop", "w", "--quick", "--jobs", "1"]
    more += ["--no-references"]
    result = CliRunner().invoke(app, [*base, *options, *more], catch_exceptions=False)
    assert result.exit_code == 0
    for note in (
        "1 values -999 in 1 columns are taken as missing (--na).",
        "column 'Mass, net' is read without its unit 'kg'.",
        "the logarithm of the target is learned; scores are of the target itself.",
        "Avg TP, $: ",
    ):
        assert note in result.output
    options += ["--folder", "other", "--weight", "näme"]
    refused = CliRunner().invoke(app, [*base, *options])
    assert "weight 'näme' holds text ('ñ', 'é')" in str(refused.exception)


def test_a_group_of_levels_is_prepared_as_one(read: Reader) -> None:
    features = read(lines(b=["Male", "male", "F"])).features
    assert prepare(features, np.arange(ROWS), np.arange(3)).shape == (3, 2)


def test_weight_is_a_role_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_text(lines(b=[1, 2], w=[1, 2]), encoding="utf-8")
    with pytest.raises(ValueError, match="column 'w' is named twice, among the dropped and the"):
        compare_file(path, ["y"], dropped=["w"], weight="w")
