"""Files that appear together or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from gar_verify import _files


def test_files_appear_when_all_are_written(tmp_path: Path) -> None:
    place = tmp_path / "figures"
    with _files.together(place) as stage:
        (stage / "results").mkdir()
        (stage / "results" / "a.csv").write_text("1")
        (stage / "b.md").write_text("2")
        assert not (place / "b.md").exists()
    found = {path.relative_to(place).as_posix() for path in place.rglob("*")}
    assert found == {"results", "results/a.csv", "b.md"}


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_an_interruption_leaves_everything_as_it_was(
    tmp_path: Path, error: type[BaseException]
) -> None:
    (tmp_path / "a.md").write_text("old")

    def interrupted() -> None:
        with _files.together(tmp_path) as stage:
            (stage / "a.md").write_text("half")
            (stage / "b.md").write_text("new")
            raise error

    with pytest.raises(error):
        interrupted()
    assert [path.name for path in tmp_path.iterdir()] == ["a.md"]
    assert (tmp_path / "a.md").read_text() == "old"


def test_what_a_killed_process_left_is_swept(tmp_path: Path) -> None:
    left = tmp_path / f"{_files.PREFIX}x"
    left.mkdir()
    (left / "a.md").write_text("half")
    (tmp_path / "a.md").write_text("old")
    _files.sweep(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["a.md"]
    _files.sweep(tmp_path / "absent")


def test_names_of_tests_hold_no_bytes(request: pytest.FixtureRequest) -> None:
    """Such as those of a gzip file, which holds a time: workers would find different tests."""
    assert not [item.name for item in request.session.items if r"\x" in item.name]
