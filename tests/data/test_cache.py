"""Original tables: fetched from a server on loopback, checked, damaged, found; and the command."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import misbehaving
import numpy as np
import pytest
from misbehaving import Server
from typer.testing import CliRunner

from gar_verify import data, paths
from gar_verify.cli import app
from gar_verify.data import cache, published, uci
from gar_verify.data.download import Patience
from gar_verify.data.table import DataError

QUICK = Patience(silence=1.0, attempt=5.0, attempts=2, pause=0.01)
ROWS = np.random.default_rng(0).normal(size=(20, 3)).round(3)
CSV = "a,b,y\n" + "\n".join(",".join(map(str, row)) for row in ROWS) + "\n"
TOY = uci.Original("toy", "Toy", 0, "", "", len(ROWS), ("y",), ("a", "b"))
PACKED = replace(TOY, name="packed", member="toy.csv")


@pytest.fixture(autouse=True)
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(paths.CACHE_VARIABLE, str(tmp_path / "cache"))
    monkeypatch.setenv(paths.DATA_VARIABLE, str(tmp_path / "data"))
    known = {"toy": uci.content(ROWS[:, :2], ROWS[:, 2:])}
    monkeypatch.setattr(uci, "known_contents", lambda: known)


def at(server: Server, original: uci.Original, *bodies: bytes) -> uci.Original:
    answers = [misbehaving.whole(body) for body in bodies]
    return replace(original, url=server.serve(f"/{original.name}", misbehaving.in_turn(*answers)))


def left() -> list[str]:
    folder = paths.downloads()
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


def test_a_table_is_fetched_read_and_verified(server: Server) -> None:
    toy = at(server, TOY, CSV.encode())
    path = cache.fetch(toy, patience=QUICK)
    assert path == cache.find(toy) == paths.downloads() / "toy.csv"
    assert left() == ["toy.csv", "toy.csv.sha256"]
    features, targets = cache.read(toy)
    assert np.array_equal(np.column_stack([features, targets]), ROWS)
    assert "all values" in cache.verify(toy)
    assert "unchanged since it was fetched" in cache.verify(toy)


def test_the_data_folder_comes_first(server: Server, tmp_path: Path) -> None:
    toy = at(server, TOY, CSV.encode())
    cache.fetch(toy, patience=QUICK)
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "toy.csv").write_text(CSV)
    assert cache.find(toy) == tmp_path / "data" / "toy.csv"
    assert "no checksum recorded" in cache.verify(toy)


def test_an_archive_is_read_without_unpacking_it(server: Server) -> None:
    body = misbehaving.archive({"../../evil.csv": b"x", "toy.csv": CSV.encode()})
    packed = at(server, PACKED, body)
    cache.fetch(packed, patience=QUICK)
    assert np.array_equal(cache.read(packed)[0], ROWS[:, :2])
    assert left() == ["packed.zip", "packed.zip.sha256"]
    assert not list(paths.cache().parent.rglob("evil.csv"))


def rows_in_another_order() -> bytes:
    first, *others = CSV.splitlines()
    return "\n".join([first, *reversed(others)]).encode()


@pytest.mark.parametrize(
    ("original", "body", "said"),
    [
        (TOY, b"<html>Welcome to our hotel</html>", "no column a, b, y; it has <html>"),
        (TOY, b"", "No columns to parse"),
        (TOY, b"\xff\xfe\x00", "not the table 'toy'"),
        (TOY, CSV.replace("a,", "A,", 1).encode(), "no column a; it has A, b, y"),
        (
            TOY,
            "\n".join(CSV.splitlines()[:-1]).encode(),
            "19 rows and 2 features; expected 20 and 2",
        ),
        (TOY, CSV.replace(str(ROWS[3, 0]), "", 1).encode(), "some cells are empty"),
        (TOY, CSV.replace(str(ROWS[3, 0]), "n/k", 1).encode(), "could not convert string"),
        (TOY, CSV.replace(str(ROWS[3, 0]), "9.5", 1).encode(), "other values or another order"),
        (TOY, rows_in_another_order(), "other values or another order"),
        (PACKED, CSV.encode(), "File is not a zip file"),
        (PACKED, misbehaving.archive({"../toy.csv": CSV.encode()}), r"holds \['../toy.csv'\], not"),
        (PACKED, misbehaving.archive({"toy.csv": b"0" * 5000}), "toy.csv is larger than"),
        (
            replace(PACKED, checksum="0" * 64),
            misbehaving.archive({"toy.csv": CSV.encode()}),
            "SHA-256",
        ),
    ],
)
def test_something_else_is_refused_and_not_kept(
    server: Server,
    original: uci.Original,
    body: bytes,
    said: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(uci, "LARGEST", 4096)
    wrong = at(server, original, body)
    with pytest.raises(DataError, match=said) as caught:
        cache.fetch(wrong, patience=QUICK)
    assert f"What {wrong.url} sent is not the table '{original.name}'" in str(caught.value)
    assert "It was not kept. Without a network: fetch " in str(caught.value)
    assert left() == []


def test_a_failed_fetch_keeps_what_was_there(server: Server) -> None:
    toy = at(server, TOY, CSV.encode(), b"broken")
    path = cache.fetch(toy, patience=QUICK)
    with pytest.raises(DataError, match="It was not kept"):
        cache.fetch(toy, patience=QUICK)
    assert path.read_bytes() == CSV.encode()
    assert "unchanged" in cache.verify(toy)


def test_a_damaged_file_is_named_with_what_to_do(server: Server) -> None:
    toy = at(server, TOY, CSV.encode())
    path = cache.fetch(toy, patience=QUICK)
    path.write_text(CSV + "\n")  # an empty line that a reader passes over
    with pytest.raises(DataError, match=r"toy\.csv is damaged.*gar-verify data fetch toy"):
        cache.verify(toy)
    path.write_text(CSV[:40])
    with pytest.raises(DataError, match=r"toy\.csv is not the table 'toy'.*data fetch toy"):
        cache.read(toy)


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app.app, ["data", *arguments], standalone_mode=True)
    return result.exit_code, result.output


@pytest.fixture
def only_toy(server: Server, monkeypatch: pytest.MonkeyPatch) -> uci.Original:
    toy = at(server, TOY, CSV.encode(), CSV.encode(), b"broken")
    monkeypatch.setattr(uci, "ORIGINALS", {"toy": toy})
    return toy


def test_the_command_fetches_once_and_verifies(only_toy: uci.Original) -> None:
    nothing = "nothing was checked: none of these tables is available\n"
    assert run("verify") == (1, f"toy: absent (gar-verify data fetch toy)\n{nothing}")
    code, said = run("fetch", "toy")
    assert (code, f"toy: {paths.downloads() / 'toy.csv'}\n" in said) == (0, True)
    assert "already at" in run("fetch")[1]
    assert run("verify")[0] == 0
    assert run("fetch", "--again")[0] == 0
    cache.path_of(only_toy).write_text("damaged")
    code, said = run("verify", "toy")
    assert code == 1
    assert said.startswith("toy: DAMAGED. ")


def test_the_command_refuses_unknown_names(only_toy: uci.Original) -> None:
    result = CliRunner().invoke(app.app, ["data", "fetch", "boston"])
    assert isinstance(result.exception, ValueError)
    assert "no table 'boston' can be fetched; choose from toy" in str(result.exception)


def test_path_prints_where_a_table_is_or_what_to_do(tmp_path: Path) -> None:
    code, said = run("path", "diabetes")
    assert code == 0
    assert Path(said.strip()).is_file()
    code, said = run("path", "superconductivity")
    assert code == 1
    assert "Run gar-verify data fetch superconductivity" in said
    assert run("path", "sine")[0] == run("path", "boston")[0] == 1
    (tmp_path / "data").mkdir()
    there = tmp_path / "data" / "superconductivity.zip"
    there.write_bytes(b"")
    assert run("path", "superconductivity") == (0, f"{there}\n")
    assert run("path", "concrete") == (0, f"{uci.ORIGINALS['concrete'].packaged}\n")


def test_what_comes_with_the_package_is_not_fetched() -> None:
    code, said = run("fetch", "concrete", "parkinsons_motor")
    assert code == 0
    assert said.count("part of the package") == 2
    assert left() == []


@pytest.mark.parametrize("original", uci.ORIGINALS.values(), ids=lambda o: o.name)
def test_an_original_is_described(original: uci.Original) -> None:
    assert original.url.startswith(f"https://archive.ics.uci.edu/static/public/{original.uci_id}/")
    assert original.file.endswith(".zip" if original.url.endswith(".zip") else ".csv")
    assert len(set(original.features)) == len(original.features)
    assert bool(original.features) != bool(original.count)
    assert len(original.checksum) in (0, 64)


def test_arrays_that_are_not_the_published_ones_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uci, "known_contents", lambda: {"parkinsons": "0"})
    (tmp_path / "data").mkdir()
    rows = np.random.default_rng(0).normal(size=(9, 3))
    np.savez(tmp_path / "data" / "parkinsons_telemonitoring.npz", X=rows, y=rows[:, :2])
    code, said = run("verify", "parkinsons_motor")
    assert code == 1
    assert "parkinsons_telemonitoring.npz does not hold the values or the split" in said
    assert published.find("parkinsons") is not None
    assert not data.is_available("superconductivity")


@pytest.mark.parametrize("original", uci.ORIGINALS.values(), ids=lambda o: o.name)
def test_the_page_has_what_the_catalogue_has(original: uci.Original) -> None:
    page = (paths.docs() / "data.md").read_text(encoding="utf8")
    features = original.count or len(original.features)
    assert f"[{original.title}]({original.page})" in page
    assert f"| {original.rows} | {features} |" in page
    assert f"UCI {original.uci_id}, [doi](https://doi.org/{original.doi})" in page
    inside = "the package" if original.packaged else f"<{original.url}>"
    assert f"| `{original.file}` | {inside} |" in page
    assert "CC BY 4.0" in page
    assert f"{uci.LARGEST // 2**20} MB" in page
