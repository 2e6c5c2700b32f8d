"""The tables of the two collections: small files made here, and the real ones where they are."""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import misbehaving
import numpy as np
import pytest
from typer.testing import CliRunner

from gar_verify import data, paths
from gar_verify.cli import app
from gar_verify.data import cache, uci
from gar_verify.data.collections import COLLECTIONS, MEMBERS, Member
from gar_verify.data.table import Array, DataError, digest, zscore

ROWS = np.random.default_rng(0).normal(size=(20, 4)).round(4)
CSV = "\n".join(",".join(map(str, row)) for row in ROWS) + "\n"
KINDS = ["red", "blue"] * 8 + ["blue"] * 4
HEADER = "@relation toy\n@attribute kind {blue,red}\n@attribute a numeric\n"
ARFF = f"{HEADER}@attribute 'y 1' numeric\n@attribute y2 numeric\n\n@data\n" + "\n".join(
    f"{kind},{','.join(map(str, row[:3]))}" for kind, row in zip(KINDS, ROWS, strict=True)
)
ENCODED = np.column_stack([[k == "blue" for k in KINDS], [k == "red" for k in KINDS], ROWS[:, :3]])


def toy(name: str, kind: str, values: Array, targets: int) -> Member:
    features = values.shape[1] - targets
    checksum = digest(values[:, :features], values[:, features:])
    names = tuple(map(str, range(targets)))
    where = COLLECTIONS[kind]
    return Member(name, "Toy", where, len(values), features, names, "toys", "m", checksum, "a toy")


TOYS = {
    "airfoil": (toy("airfoil", "uci", ROWS, 1), gzip.compress(CSV.encode())),
    "enb": (toy("enb", "mulan", ENCODED, 2), ARFF.encode()),
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder that is empty, as the cache is, and two members that are small."""
    monkeypatch.setenv(paths.DATA_VARIABLE, str(tmp_path / "data"))
    monkeypatch.setenv(paths.CACHE_VARIABLE, str(tmp_path / "cache"))
    for name, (member, _) in TOYS.items():
        monkeypatch.setitem(MEMBERS, name, member)
    return tmp_path / "data"


def put(folder: Path, name: str, content: bytes) -> Path:
    path = folder / MEMBERS[name].file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(("name", "values"), [("airfoil", ROWS), ("enb", ENCODED)])
def test_a_table_is_read_scaled_and_split(folder: Path, name: str, values: Array) -> None:
    member, content = TOYS[name]
    path = put(folder, name, content)
    table = data.load_table(name)
    order = np.random.RandomState(123).permutation(len(values))
    features, targets = np.split(values, [member.features], axis=1)
    np.testing.assert_array_equal(table.test_X, zscore(features)[order[:4]])
    np.testing.assert_array_equal(table.train_X, zscore(features)[order[4:]])
    np.testing.assert_array_equal(table.test_y, targets[order[:4]])
    np.testing.assert_array_equal(table.train_y, targets[order[4:]])
    centred = ("columns centred there, so that the mean of the targets is 0; ", "")[name == "enb"]
    assert table.source == (
        f"Toy from {path.name} of {member.collection.page}; {centred}a toy; 80/20 split of ours "
        "(NumPy's RandomState(123)); features z-scored over all rows"
    )
    assert (table.target, table.unit) == ("toys", "m")
    assert data.place(name) == path
    assert data.is_available(name)


def spoilt(name: str) -> Iterator[tuple[bytes, str]]:
    """Wrong files, and what is said of them."""
    member, content = TOYS[name]
    width = member.features + len(member.targets)
    text = (CSV if name == "airfoil" else ARFF).encode()
    pack = gzip.compress if name == "airfoil" else bytes
    yield pack(text.replace(str(ROWS[3, 0]).encode(), b"9.5")), "has its shape, but other values"
    yield (
        pack(b"\n".join(text.splitlines()[:-1])),
        f"19 rows and {width} columns; expected 20 and {width}",
    )
    yield pack(text.replace(str(ROWS[3, 0]).encode(), b"n/k")), "could not convert string"
    yield pack(text.replace(str(ROWS[3, 0]).encode(), b"?")), "(could not convert|other values)"
    yield pack(b"<html>Welcome to our hotel</html>"), ""
    yield pack(b"\xff\xfe\x00"), ""
    yield pack(b""), ""
    yield pack(b"\n \n"), ""
    yield b"", ""
    yield pack(b"0" * 5000), "is larger than"
    yield b"\x1f\x8b not compressed", ""
    yield from ((content[:length], "") for length in range(1, len(content), 7))
    start = max(content.find(b"@data"), 0)  # before it are names, which are free
    for at in range(start, len(content) - 5, 7):
        yield content[:at] + b"\0@," + content[at + 5 :], ""


@pytest.mark.parametrize("name", TOYS)
def test_other_files_are_refused_with_what_to_do(
    folder: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uci, "LARGEST", 4096)
    for content, said in spoilt(name):
        path = put(folder, name, content)
        about = rf"^{re.escape(str(path))} is not the table '{name}': .*{said}.*"
        with pytest.raises(DataError, match=f"(?s){about}Remove it, and run gar-verify data fetch"):
            data.load_table(name)


def test_arff_without_numbers_or_with_words_is_refused(folder: Path) -> None:
    for line in ("@attribute b string\n", "@attribute a numeric\n", "@attribute\n", "@what\n"):
        put(folder, "enb", ARFF.replace("@data", f"{line}@data").encode())
        with pytest.raises(DataError, match=r"enb\.arff is not the table 'enb'"):
            data.load_table("enb")
    put(folder, "enb", HEADER.encode())
    with pytest.raises(DataError, match="'enb': it ends too early"):
        data.load_table("enb")


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("name", MEMBERS)
def test_an_absent_table_says_what_to_fetch_and_where_to_put_it(name: str) -> None:
    for ask in (data.load_table, data.place):
        with pytest.raises(DataError) as caught:
            ask(name)
        for words in (
            f"'{name}' is not available. Run gar-verify data fetch {name}.",
            f"fetch https://raw.githubusercontent.com/{MEMBERS[name].collection.page[11:]}/master/",
            f"put it, as {MEMBERS[name].file}, into",
            paths.DATA_VARIABLE,
        ):
            assert words in str(caught.value)
    assert not data.is_available(name)


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app.app, ["data", *arguments])
    return result.exit_code, result.output


@pytest.fixture
def served(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[misbehaving.Server]:
    """A server that has the small tables the first time, and then something else."""
    with misbehaving.running() as book:
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        for name, (member, content) in TOYS.items():
            answer = misbehaving.in_turn(misbehaving.whole(content), misbehaving.whole(b"broken"))
            book.serve(f"/{name}", answer)
            there = replace(member.collection, url=f"{book.address}/{{}}")
            monkeypatch.setitem(MEMBERS, name, replace(member, collection=there))
        yield book


@pytest.mark.parametrize("name", TOYS)
def test_the_command_fetches_checks_and_finds(served: misbehaving.Server, name: str) -> None:
    absent = f"{name}: absent (gar-verify data fetch {name})\n"
    assert run("verify", name)[1].startswith(absent)
    assert run("path", name)[0] == 1
    path = paths.downloads() / MEMBERS[name].file
    code, said = run("fetch", name)
    assert (code, f"{name}: {path}\n" in said) == (0, True)
    assert "already at" in run("fetch", name)[1]
    assert run("path", name) == (0, f"{path}\n")
    code, said = run("verify", name)
    assert code == 0
    assert "rows and all values, by their checksum; unchanged since it was fetched" in said
    with pytest.raises(DataError, match=r"sent is not the table .* It was not kept"):
        cache.fetch(MEMBERS[name])
    assert cache.find(MEMBERS[name]) == path
    path.write_bytes(b"damaged")
    assert run("verify", name)[1].startswith(f"{name}: DAMAGED. ")


def test_without_a_name_only_the_papers_tables_are_fetched(
    served: misbehaving.Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uci, "ORIGINALS", {"concrete": uci.ORIGINALS["concrete"]})
    code, said = run("fetch")
    assert (code, said.count("\n")) == (0, 1)
    assert said.startswith("concrete: part of the package")
    assert not served.asked


def test_names_are_those_of_no_other_table() -> None:
    assert not set(MEMBERS) & set(uci.ORIGINALS)
    assert len(set(data.TABLES)) == len(data.TABLES)
    assert all(about.name == name for name, about in MEMBERS.items())


README = {
    "airfoil": (1503, 5, 1),
    "autompg": (392, 7, 1),
    "bike": (17379, 17, 1),
    "energy": (768, 8, 1),
    "yacht": (308, 6, 1),
    "protein": (45730, 9, 1),
    "enb": (768, 8, 2),
    "jura": (359, 15, 3),
    "wq": (1060, 16, 14),
    "sf2": (1066, 33, 3),  # 10 nominal attributes there
    "edm": (154, 16, 2),
    "slump": (103, 7, 3),
    "andro": (49, 30, 6),
    "atp1d": (337, 411, 6),
}
"""Rows, features and targets, as the README files of the collections have them."""


def real(folder: Path, name: str) -> tuple[Array, Array]:
    """The features and targets of the file itself."""
    path = folder / MEMBERS[name].file
    if not path.is_file():
        pytest.skip(f"the data folder has no {MEMBERS[name].file}")
    return MEMBERS[name].read(path)


@pytest.mark.parametrize("name", MEMBERS)
def test_the_catalogue_and_the_page_have_what_the_collections_say(name: str) -> None:
    about = MEMBERS[name]
    rows, features, targets = README[name]
    assert (about.rows, about.features, len(about.targets)) == (rows, features, targets)
    page = (paths.docs() / "data.md").read_text(encoding="utf8")
    told = f"{about.target}, {about.unit}" if about.unit else about.target
    row = f"| `{name}` | {about.title} | {rows} | {features} | {targets}: {told} | "
    assert row in page


@pytest.mark.parametrize("name", MEMBERS)
def test_a_real_table(authors_folder: Path, name: str) -> None:
    features, targets = real(authors_folder, name)
    rows, *columns = README[name]
    assert [features.shape, targets.shape] == [(rows, count) for count in columns]
    table = data.load_table(name)
    assert (len(table.test_y), len(table.train_y)) == (rows // 5, rows - rows // 5)
    if MEMBERS[name].collection is COLLECTIONS["uci"]:
        assert abs(targets.mean()) < 1e-4
    else:
        path = authors_folder / MEMBERS[name].file
        lines = [line.split() for line in path.read_text().splitlines()]
        names = [line[1] for line in lines if line and line[0].lower() == "@attribute"]
        if name != "enb":  # Y1 and Y2, which the page of UCI explains
            assert tuple(names[-targets.shape[1] :]) == tuple(MEMBERS[name].targets)


def test_targets_that_are_logs(authors_folder: Path) -> None:
    features, bike = real(authors_folder, "bike")
    rentals = np.exp(bike - bike.min()).ravel()
    assert np.rint(rentals.max()) == 977
    np.testing.assert_allclose(rentals, np.rint(rentals), rtol=1e-4)
    casual, registered = (features - features.min(0))[:, -2:].T
    np.testing.assert_allclose(casual + registered, rentals, atol=0.1)
    _, yacht = real(authors_folder, "yacht")
    resistance = np.exp(yacht - yacht.min())  # in hundredths
    assert np.rint(resistance.max()) == 6242
    np.testing.assert_allclose(resistance, np.rint(resistance), rtol=1e-4)
    _, protein = real(authors_folder, "protein")
    assert np.expm1(np.ptp(protein)) == pytest.approx(20.999, abs=1e-3)


def test_what_the_page_says_of_repeated_rows_and_of_classes(authors_folder: Path) -> None:
    page = " ".join((paths.docs() / "data.md").read_text(encoding="utf8").split())
    for name in ("protein", "edm", "sf2"):
        real(authors_folder, name)
        table = data.load_table(name)
        known = {row.tobytes() for row in np.hstack([table.train_X, table.train_y])}
        tests = np.hstack([table.test_X, table.test_y])
        share = np.mean([row.tobytes() in known for row in tests])
        assert f"`{name}` {100 * share:.0f} %" in page
    assert set(np.unique(real(authors_folder, "wq")[1])) == {0, 1, 3, 5}
    assert set(np.unique(real(authors_folder, "edm")[1])) == {-1, 0, 1}
    flares = (real(authors_folder, "sf2")[1] > 0).sum(0)
    assert "{}, {} and {} of the 1066 rows have flares".format(*flares) in page
    constant = {n: int((np.ptp(real(authors_folder, n)[0], axis=0) == 0).sum()) for n in MEMBERS}
    assert {name: count for name, count in constant.items() if count} == {"sf2": 3, "atp1d": 41}
    assert "three of them, and 41 of the columns of `atp1d`, are constant" in page
