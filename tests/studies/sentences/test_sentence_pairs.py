"""The files of STS-B: read as they are, refused by name where they are something else."""

from __future__ import annotations

from pathlib import Path

import pytest

from gar_verify.data import DataError
from gar_verify.studies.sentences import pairs

HEADER = "index\tsentence1\tsentence2\tscore\n"


def test_quotation_marks_are_characters(tmp_path: Path) -> None:
    path = tmp_path / "part.tsv"
    path.write_text(HEADER + '0\t"Go\tHe said "go".\t3.5\n1\ta\tb\t0\n', encoding="utf-8")
    read = pairs.read(path)
    assert read.texts == [('"Go', 'He said "go".'), ("a", "b")]
    assert read.score.tolist() == [3.5, 0.0]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("a\tb\tc\n1\t2\t3\n", r"last columns are \['a', 'b', 'c'\]; expected sentence1"),
        (HEADER, "a header and no pairs"),
        (HEADER + "0\ta\tb\n", "line 2: 3 columns, the header has 4"),
        (HEADER + "0\ta\tb\t1\n0\ta\tb\t5.1\n", "line 3: the score '5.1' is no number from 0 to 5"),
        (HEADER + "0\ta\tb\tnan\n", "line 2: the score 'nan'"),
        (HEADER + "0\ta\tb\t-0.1\n", "line 2: the score '-0.1'"),
        (HEADER + "0\ta\tb\tfour\n", "line 2: the score 'four'"),
        (HEADER + "0\t \tb\t1\n", "line 2: a sentence is empty"),
    ],
)
def test_something_else_is_refused(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "part.tsv"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(DataError, match=message):
        pairs.read(path)


def test_what_is_no_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "part.tsv"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DataError, match="cannot be read as text"):
        pairs.read(path)


def test_absent_files_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / pairs.FILES["train"]).write_text(HEADER + "0\ta\tb\t1\n", encoding="utf-8")
    monkeypatch.setenv("GAR_VERIFY_DATA", str(tmp_path))
    with pytest.raises(DataError, match=r"no sts_b_dev.tsv, sts_b_test.tsv\. Put .* GAR_VERIFY"):
        pairs.load()


def test_shared_pairs_in_either_order() -> None:
    parts = {
        "train": pairs.Pairs(("a", "c"), ("b", "d"), None),  # type: ignore[arg-type]
        "test": pairs.Pairs(("a", "d", "a"), ("b", "c", "d"), None),  # type: ignore[arg-type]
    }
    assert pairs.shared(parts, "test").tolist() == [True, True, False]


def test_a_score_or_a_word_moves_the_digest(tmp_path: Path) -> None:
    path, found = tmp_path / "part.tsv", set()
    for line in ("a\tb\t1", "a\tb\t1.5", "a\tc\t1", "b\ta\t1"):
        path.write_text(HEADER + f"0\t{line}\n", encoding="utf-8")
        found.add(pairs.digest({"train": pairs.read(path)}))
    found.add(pairs.digest({"test": pairs.read(path)}))
    assert len(found) == 5
