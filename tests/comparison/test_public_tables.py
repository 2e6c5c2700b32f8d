"""Extracts with the oddities of well-known public tables: names and forms are theirs, rows are not.

Each is read or refused as its oddities ask; where it is refused, the options that the message names
have it read.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import numpy as np
import pytest

from gar_verify.comparison.splits import layout_of
from gar_verify.comparison.table import Table

ROWS = 60
RNG = np.random.default_rng(0)
Reader = Callable[..., Table]


def body(separator: str, *columns: Sequence[object]) -> str:
    """Rows of cells, as many as `ROWS`; columns that are shorter repeat."""
    cells = [(list(column) * ROWS)[:ROWS] for column in columns]
    return "".join(separator.join(map(str, row)) + "\n" for row in zip(*cells, strict=True))


def around(mean: float, std: float, places: int = 1) -> list[str]:
    return [f"{value:.{places}f}" for value in RNG.normal(mean, std, ROWS)]


def commas(values: Sequence[str]) -> list[str]:
    return [value.replace(".", ",") for value in values]


def refused(read: Reader, content: str | bytes, target: str, **options: object) -> str:
    with pytest.raises(ValueError, match=r"\w") as error:
        read(content, target, **options)
    return str(error.value)


def said(table: Table, pattern: str) -> bool:
    return any(re.search(pattern, note) for note in table.notes)


def test_air_quality(read: Reader) -> None:
    """Decimal commas, -200 for missing, names and rows that end in separators, empty rows."""
    gas = commas(["-200", "-200", *around(2.6, 0.5)])
    content = (
        "Date;Time;CO(GT);PT08.S1(CO);NMHC(GT);T;;\n"
        + body(
            ";",
            [f"{day:02}/03/2004" for day in range(1, 25)],
            [f"{hour:02}.00.00" for hour in range(24)],
            gas,
            [*range(1000, 1500, 7)],
            ["-200"] * 4 + [*range(90, 140)],
            commas(around(13, 2)),
            [""],
            [""],
        )
        + ";;;;;;;\n" * 5
    )
    assert "columns 'Date' and 'Time' hold dates or times" in refused(
        read, content, "CO(GT)", decimal=","
    )
    assert "target 'CO(GT)' holds numbers with a decimal comma" in refused(read, content, "CO(GT)")
    options = {"drop": ["Date", "Time"], "decimal": ","}
    table = read(content, "CO(GT)", **options)
    assert said(table, "target 'CO.GT.' holds -200 in 2 rows, apart from all.*--na -200")
    assert said(table, "column 'NMHC.GT.' holds -200")
    table = read(content, "CO(GT)", **options, missing=("-200",))
    assert table.features.numeric == ["PT08.S1(CO)", "NMHC(GT)", "T"]
    assert table.truth["CO(GT)"].min() > 0
    assert said(table, "7 of 65 rows have no target")
    assert said(table, "columns without a name and without values are left out: 2")


def test_avocado_prices(read: Reader) -> None:
    """An index without a name, dates, and regions that come back week after week."""
    content = ",Date,AveragePrice,Total Volume,type,year,region\n" + body(
        ",",
        range(30),
        [f"2015-12-{day:02}" for day in range(1, 31)],
        around(1.4, 0.2, 2),
        around(64_000, 900, 2),
        ["conventional", "organic", "organic"],
        [2015, 2016],
        [f"Region{i}" for i in range(25)],
    )
    assert "column 'Date' holds dates or times (2015-12-01)" in refused(
        read, content, "AveragePrice"
    )
    table = read(content, "AveragePrice", drop=["Date"])
    assert table.subjects == ("region",)
    assert said(table, "--group region keeps them together")
    assert said(table, "a column without a name .a row index, usually. is left out")


def test_ames_housing(read: Reader) -> None:
    """Levels that begin with numbers are no quantities, and NA is a level that is missing."""
    content = "Id,MSSubClass,BldgType,HouseStyle,Alley,LotFrontage,SalePrice\n" + body(
        ",",
        range(1, ROWS + 1),
        [20, 60, 120],
        ["1Fam"] * 9 + ["2fmCon", "Duplex"],
        ["1Story", "2Story", "1.5Fin", "2.5Unf", "SLvl"],
        ["NA", "NA", "Grvl", "Pave"],
        [65, "NA", 80, 68, 60, 84],
        [*range(90_000, 300_000, 3_333)],
    )
    table = read(content, "SalePrice")
    assert table.features.categorical == ["BldgType", "HouseStyle", "Alley"]
    assert table.features.frame["Alley"].isna().sum() == ROWS / 2
    assert table.notes == (
        "column 'Id' numbers the rows; if it means nothing, leave it out (--drop Id)",
    )
    assert (
        "MSSubClass" in read(content, "SalePrice", categories=["MSSubClass"]).features.categorical
    )


def test_king_county(read: Reader) -> None:
    """Dates run together with a time, and identifiers of ten digits."""
    content = "id,date,price,bedrooms,zipcode\n" + body(
        ",",
        [7_000_000_000 + 17 * i**3 for i in range(ROWS)],
        ["20141013T000000", "20150225T000000"],
        [f"{value}e+005" for value in around(5.4, 1, 3)],
        [3, 2, 4, 3, 5],
        [98178, 98125, 98028, 98136],
    )
    assert "column 'date' holds dates or times (20141013T000000)" in refused(read, content, "price")
    table = read(content, "price", drop=["date"])
    assert said(table, "column 'id' numbers the rows")
    assert table.truth["price"].between(1e5, 1e6).all()


def test_auto_mpg(read: Reader) -> None:
    """Separated by blanks, ? for missing, a quoted name; names added in a first line."""
    content = "mpg cylinders horsepower weight origin name\n" + body(
        "   ",
        around(20, 3),
        [8, 4, 6],
        ["130.0", "165.0", "?", "90.0", "88.0"],
        [f"{weight}." for weight in range(2000, 2060)],
        [1, 3, 2],
        [f'"car no {i}"' for i in range(ROWS)],
    )
    assert "or by the sign that --sep names" in refused(read, content, "mpg")
    table = read(content, "mpg", sep=" ")
    assert table.features.numeric == ["cylinders", "horsepower", "weight", "origin"]
    assert table.features.frame["horsepower"].isna().sum() == ROWS / 5
    assert said(table, "column 'name' is left out: it has 60 different texts")


def test_wine_quality(read: Reader) -> None:
    """Semicolons and quoted names, a target of grades, rows that occur twice."""
    rows = body(
        ";", around(7, 1), around(0.4, 0.1, 2), around(0.998, 0.001, 5), [5, 6, 7, 5, 4, 8, 3]
    )
    content = '"fixed acidity";"citric acid";"density";"quality"\n' + rows + rows[: len(rows) // 2]
    table = read(content, "quality")
    assert table.features.numeric == ["fixed acidity", "citric acid", "density"]
    _, (note,) = layout_of(table.features.frame, table.truth.to_numpy(), 5)
    assert re.match(rf"({ROWS // 2 - 1}|{ROWS // 2}) of \d+ rows repeat another row exactly", note)


def test_loans(read: Reader) -> None:
    """Percent signs, months as a unit, years in words, months of years: all named at once."""
    content = "loan_amnt,term,int_rate,emp_length,grade,issue_d,annual_inc\n" + body(
        ",",
        [5000, 2400, 10000],
        [" 36 months", " 60 months"],
        [f" {rate}%" for rate in around(12, 2, 2)],
        ["10+ years", "< 1 year", "3 years", "n/a"],
        "ABCDE",
        ["Dec-2011", "Nov-2011"],
        around(60_000, 5_000, 0),
    )
    assert refused(read, content, "annual_inc") == (
        "columns 'term' and 'int_rate' hold numbers with a sign or unit ('36 months', which "
        "--strip-units reads as 36; "
        f"{content.splitlines()[1].split(',')[2].strip()!r}, which --strip-units reads as "
        f"{float(content.splitlines()[1].split(',')[2].strip(' %')):g}); column 'issue_d' holds "
        "dates or times (Dec-2011), which are not learned from: leave out what holds them "
        "(--drop issue_d), turn them into numbers first, such as days since the first, or let one "
        "split the rows (--time)"
    )
    table = read(content, "annual_inc", drop=["issue_d"], strip_units=True)
    assert table.features.numeric == ["loan_amnt", "term", "int_rate"]
    assert table.features.categorical == ["emp_length", "grade"]


def test_census_income(read: Reader) -> None:
    """A blank behind each comma, ? among texts, 99999 for all that is more."""
    content = "age, workclass, capital-gain, sex, hours-per-week\n" + body(
        ", ",
        [39, 50, 38, 53, 28, 37],
        ["State-gov", "?", "Private", "Private"],
        ["0"] * 7 + ["2174", "14084", "7298", "99999"],
        ["Male", "Female"],
        [40, 13, 45, 50, 16],
    )
    table = read(content, "hours-per-week")
    assert table.features.categorical == ["workclass", "sex"]
    assert set(table.features.frame["workclass"].dropna()) == {"State-gov", "Private"}
    assert said(table, "column 'capital-gain' holds 99999 in 5 rows, apart from all other values")


def test_world_bank(read: Reader) -> None:
    """Lines before the names, which end in a comma as all lines do."""
    names = '"Country Name","Country Code","2019","2020",\n'
    rows = body(
        ",", [f'"Land {i}"' for i in range(ROWS)], ['"LND"'], around(3, 1), around(3, 1), [""]
    )
    head = '"Data Source","World Development Indicators",\n\n"Last Updated","2024-01-01",\n\n'
    assert "delete the first line if it is a title" in refused(read, head + names + rows, "2020")
    table = read(names + rows, "2020")
    assert table.features.numeric == ["2019"]
    assert said(table, "'Country Name' is left out: it has 60 different texts")


def test_life_expectancy(read: Reader) -> None:
    """Countries over years: each in several rows, and all of them alike."""
    years = [1952, 1957, 1962]
    content = "country,continent,year,lifeExp,gdpPercap\n" + body(
        ",",
        [country for i in range(30) for country in [f"Land {i}"] * 2],
        ["Asia", "Asia", "Europe", "Europe", "Africa", "Africa"],
        years,
        around(60, 5),
        around(5000, 900, 4),
    )
    table = read(content, "lifeExp")
    assert table.subjects == ("country",)
    assert said(table, "column 'country' has 30 values in 60 rows, as if rows belonged to subjects")


def test_app_store(read: Reader) -> None:
    """Sizes in two units, counts like 10,000+, prices with and without a dollar."""
    content = "App,Rating,Reviews,Size,Installs,Type,Price\n" + body(
        ",",
        [f"App {i}" for i in range(ROWS)],
        around(4, 0.2),
        [159, 967, 87510],
        [*(f"{size}M" for size in range(2, 19)), "201k", "Varies with device"],
        ['"10,000+"', '"500,000+"', '"5,000,000+"'],
        ["Free", "Free", "Paid"],
        ["0", "0", "$4.99", "$0.99"],
    )
    message = refused(read, content, "Rating")
    assert "column 'Size' holds numbers with several units ('M', 'k')" in message
    assert (
        "column 'Installs' holds numbers with a sign or unit and commas between thousands "
        "('10,000+', which --strip-units --thousands , reads as 10000)"
    ) in message
    assert "column 'Price' holds numbers with a sign or unit ('$4.99'" in message
    table = read(content, "Rating", drop=["Size"], thousands=",", strip_units=True)
    assert table.features.numeric == ["Reviews", "Installs", "Price"]
    assert table.features.frame["Price"].max() == 4.99


def test_hospital_stays(read: Reader) -> None:
    """Codes of diseases, some of which are numbers, and patients who come again."""
    codes = ["250.83", "276", "648", "8", "197", "414", "428", "398", "434", "V57", "E909", "?"]
    content = "encounter_id,patient_nbr,diag_1,age,time_in_hospital\n" + body(
        ",",
        [12_522 + 6_007 * i for i in range(ROWS)],
        [8_222_157 + 311 * i for i in range(20)],
        codes,
        ["[0-10)", "[10-20)", "[20-30)"],
        [1, 3, 2, 5, 13],
    )
    message = refused(read, content, "time_in_hospital")
    assert "column 'diag_1' mixes numbers and text: 10 of 55 values are no numbers" in message
    assert "--category diag_1" in message
    table = read(content, "time_in_hospital", categories=["diag_1"])
    assert table.features.categorical == ["diag_1", "age"]
    assert table.subjects == ("patient_nbr",)
    assert said(table, "column 'encounter_id' numbers the rows")


def test_rents(read: Reader) -> None:
    """R$8,000 is eight thousand: a comma that could be decimal is asked about."""
    content = "city,area,floor,rent amount\n" + body(
        ",",
        ["São Paulo", "Porto Alegre", "são paulo"],
        [70, 320, 80, 51, 25],
        ["7", "20", "-", "6"],
        ['"R$3,300"', '"R$4,960"', '"R$999"'],
    )
    assert "target 'rent amount' holds numbers with a sign or unit that read in two ways" in (
        refused(read, content, "rent amount")
    )
    options = {"thousands": ",", "strip_units": True}
    message = refused(read, content, "rent amount", **options)
    assert "column 'floor' mixes numbers and text" in message
    assert "--na -" in message
    table = read(
        content.encode("latin-1"), "rent amount", encoding="latin-1", missing=("-",), **options
    )
    assert list(table.truth["rent amount"][:3]) == [3300, 4960, 999]
    assert set(table.features.frame["city"]) == {"São Paulo", "Porto Alegre"}


def test_telemonitoring(read: Reader) -> None:
    """A number for the subject, and their age in every row."""
    content = "subject#,age,sex,motor_UPDRS,Jitter(%)\n" + body(
        ",",
        [subject for subject in range(1, 11) for _ in range(6)],
        [age for age in range(60, 70) for _ in range(6)],
        [0] * 6 + [1] * 6,
        around(20, 4, 3),
        around(0.006, 0.001, 5),
    )
    table = read(content, "motor_UPDRS")
    assert table.subjects == ("subject#",)
    assert table.features.numeric == ["subject#", "age", "sex", "Jitter(%)"]
