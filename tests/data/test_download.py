"""A download from a server that misbehaves: retried or refused, and nothing half-written stays."""

from __future__ import annotations

from pathlib import Path

import misbehaving
import pytest
from misbehaving import Server

from gar_verify.data.download import DownloadError, Patience, download

BODY = bytes(range(256)) * 40
QUICK = Patience(silence=0.5, attempt=1.0, attempts=3, pause=0.01)


def fetch(url: str, path: Path, notes: list[str] | None = None, limit: int = 2**20) -> None:
    note = (notes if notes is not None else []).append
    download(url, path, limit=limit, check=lambda file: None, patience=QUICK, note=note)


def test_a_whole_file_arrives(server: Server, tmp_path: Path) -> None:
    url = server.serve("/whole", misbehaving.whole(BODY))
    fetch(url, tmp_path / "new" / "f")
    assert (tmp_path / "new" / "f").read_bytes() == BODY
    assert server.asked["/whole"] == 1


@pytest.mark.parametrize(
    ("name", "first", "said"),
    [
        ("502", misbehaving.status(502), "the server answered 502 (Bad Gateway)"),
        ("busy", misbehaving.status(429), "the server answered 429"),
        ("cut", misbehaving.cut_off(BODY), f"cut off after {len(BODY) // 2} of {len(BODY)} bytes"),
        ("silent", misbehaving.silent(0.9), "no answer within 0.5 s"),
        ("drip", misbehaving.dripping(BODY, 0.02), "not finished after 1 s"),
    ],
)
def test_what_may_pass_is_tried_again(
    server: Server, tmp_path: Path, name: str, first: misbehaving.Answer, said: str
) -> None:
    url = server.serve(f"/{name}", misbehaving.in_turn(first, misbehaving.whole(BODY)))
    notes: list[str] = []
    fetch(url, tmp_path / "f", notes)
    assert (tmp_path / "f").read_bytes() == BODY
    assert len(notes) == 1
    assert said in notes[0]
    assert "again in 0.01 s" in notes[0]
    assert list(tmp_path.iterdir()) == [tmp_path / "f"]


def test_the_pause_doubles_and_the_attempts_end(server: Server, tmp_path: Path) -> None:
    url = server.serve("/never", misbehaving.status(503))
    notes: list[str] = []
    with pytest.raises(DownloadError, match=r"/never could not be fetched in 3 attempts.*503"):
        fetch(url, tmp_path / "f", notes)
    assert server.asked["/never"] == 3
    assert [note.rsplit("again in ", 1)[1] for note in notes] == ["0.01 s", "0.02 s"]
    assert list(tmp_path.iterdir()) == []


def test_nobody_listens(tmp_path: Path) -> None:
    with pytest.raises(DownloadError, match=r"in 3 attempts; the last: .*refused"):
        fetch("http://127.0.0.1:1/f", tmp_path / "f")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "answer", "said"),
    [
        ("gone", misbehaving.status(404), "the server answered 404"),
        ("loop", misbehaving.redirect("/loop"), "infinite loop"),
        ("away", misbehaving.redirect("file:///etc/passwd"), "not allowed"),
        ("long", misbehaving.whole(BODY), "larger than 0.000954 MB"),
    ],
)
def test_what_will_not_pass_is_not_tried_again(
    server: Server, tmp_path: Path, name: str, answer: misbehaving.Answer, said: str
) -> None:
    url = server.serve(f"/{name}", answer)
    notes: list[str] = []
    with pytest.raises(DownloadError, match=said):
        fetch(url, tmp_path / "f", notes, limit=1000)
    assert notes == []
    assert list(tmp_path.iterdir()) == []


def test_what_was_there_stays_until_the_new_one_is_checked(server: Server, tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"old")
    url = server.serve("/wrong", misbehaving.whole(BODY))

    def refuse(file: Path) -> None:
        assert file.read_bytes() == BODY
        raise RuntimeError("not it")

    with pytest.raises(RuntimeError, match="not it"):
        download(url, tmp_path / "f", limit=2**20, check=refuse, patience=QUICK)
    assert (tmp_path / "f").read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [tmp_path / "f"]
