"""What changed: tables by their numbers, pictures by their pixels, times set apart."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import imsave

from gar_verify.reproduce import changes


def change(name: str, before: str, after: str) -> changes.Change:
    (found,) = changes.compare({name: before.encode()}, {name: after.encode()})
    return found


def test_new_changed_and_unchanged_in_order_of_names() -> None:
    before = {"b.md": b"1", "a.md": b"2", "gone.md": b"3"}
    found = changes.compare(before, {"c.md": b"1", "b.md": b"1", "a.md": b"3"})
    assert [(each.path, each.kind) for each in found] == [
        ("a.md", "changed"),
        ("b.md", "unchanged"),
        ("c.md", "new"),
    ]


def test_the_largest_relative_change_of_a_table_is_told_with_its_numbers() -> None:
    found = change(
        "t.csv", "method,mae\nGAR,4.0\nMAE,-5e-1\n", "method,mae\nGAR,4.1\nMAE,-5.5e-1\n"
    )
    assert found.largest == pytest.approx(0.1)
    assert found.words == "2 of 2 numbers, the largest relative change 10 % (-0.5 became -0.55)"


def test_a_number_that_was_zero_changed_without_bound() -> None:
    assert "without bound (0 became 1e-09)" in change("t.md", "| 0 |", "| 1e-09 |").words


def test_other_words_are_no_matter_of_percent() -> None:
    found = change("t.md", "| GAR | 1 |\n", "| MAE | 1 |\n| GAR | 2 |\n")
    assert (found.kind, found.largest) == ("changed", 0)
    assert found.words == "other words or lines (1 lines became 2)"


def test_numbers_written_otherwise_are_equal() -> None:
    assert (
        change("t.csv", "a\n1.50\n", "a\n1.5\n").words == "numbers are written otherwise and equal"
    )


def test_seconds_and_machine_of_a_summary_do_not_count() -> None:
    old, new = (
        {"seconds": 1, "machine": "a", "data": "x"},
        {"seconds": 2, "machine": "b", "data": "x"},
    )
    same = change("r.json", json.dumps(old), json.dumps(new))
    assert (same.kind, same.words) == ("unchanged", "but for machine and seconds")
    other = change("r.json", json.dumps(old), json.dumps({**new, "data": "y"}))
    assert (other.kind, other.words) == ("changed", "other data")


def test_timed_sections_of_the_report_do_not_count() -> None:
    page = '<p>{}</p><section id="this-run" data-timed="true">\n{}</section><p>{}</p>'
    assert change("r.html", page.format(1, 2, 3), page.format(1, 9, 3)).kind == "unchanged"
    assert change("r.html", page.format(1, 2, 3), page.format(1, 2, 9)).kind == "changed"


def test_pictures_by_their_pixels(tmp_path: Path) -> None:
    white = np.ones((10, 10, 3))
    spot = white.copy()
    spot[0, 0] = 0
    contents = []
    for number, picture in enumerate((white, spot, white[:5])):
        path = tmp_path / f"{number}.png"
        imsave(path, picture)
        contents.append(path.read_bytes())
    first, second, third = contents
    (found,) = changes.compare({"f.png": first}, {"f.png": second})
    assert found.words == "1 % of the pixels differ"
    (found,) = changes.compare({"f.png": first}, {"f.png": third})
    assert found.words == "10 by 10 pixels became 10 by 5"


def test_text_lists_every_file_once_and_says_a_sentence_on_figures() -> None:
    before = {"a.csv": b"x\n1\n", "b.csv": b"x\n1\n", "f.png": b"p", "left.md": b""}
    found = changes.compare(
        before, {"a.csv": b"x\n2\n", "b.csv": b"x\n1\n", "f.png": b"p", "g.pdf": b""}
    )
    lines = changes.text(found, ["left.md"]).splitlines()
    assert [line.split()[0] for line in lines] == [
        "changed",
        "new",
        "unchanged",
        "unchanged",
        "not",
        "Tables:",
    ]
    assert lines[-1].strip() == (
        "Tables: 1 unchanged, 1 changed, the largest relative change 1e+02 % in a.csv. "
        "Figures: 1 unchanged to the byte, 1 new."
    )


def test_committed_is_what_git_has_not_what_lies_there(tmp_path: Path) -> None:
    def git(*arguments: str) -> None:
        identity = ["-c", "user.name=n", "-c", "user.email=e@example.org"]
        subprocess.run(
            ["git", *identity, *arguments], cwd=tmp_path, check=True, capture_output=True
        )

    folder = tmp_path / "figures"
    (folder / "results").mkdir(parents=True)
    (folder / "results" / "a.csv").write_bytes(b"old")
    (folder / ".hidden").mkdir()
    (folder / ".hidden" / "half.csv").write_bytes(b"half")
    assert changes.committed(folder) == {"results/a.csv": b"old"}  # no git: what lies there
    git("init", "--quiet")
    git("add", "figures/results")
    git("commit", "--quiet", "--message", "old")
    (folder / "results" / "a.csv").write_bytes(b"new")
    (folder / "b.csv").write_bytes(b"new")
    assert changes.committed(folder) == {"results/a.csv": b"old"}
