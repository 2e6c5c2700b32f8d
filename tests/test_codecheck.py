"""codecheck.yml lists the figures and tables there are, each with what it shows."""

from __future__ import annotations

import pytest
import yaml

from tools import write_codecheck

STORED = write_codecheck.TARGET.read_text(encoding="utf-8")


def test_the_manifest_is_what_the_tool_writes() -> None:
    assert write_codecheck.text() == STORED, "run python tools/write_codecheck.py"


def test_every_figure_and_table_is_listed_with_a_comment() -> None:
    assert STORED.startswith("---\n")
    manifest = yaml.safe_load(STORED)["manifest"]
    listed = [item["file"] for item in manifest]
    there = [f"paper_figures/{path.name}" for path in write_codecheck.FIGURES.glob("*.*")]
    assert listed == sorted(name for name in there if name.endswith((".png", ".csv")))
    assert all(item["comment"].startswith(("Figure. ", "Table. ")) for item in manifest)


def test_a_figure_that_nobody_described_is_named(tmp_path) -> None:
    (tmp_path / "unknown.png").touch()
    with pytest.raises(LookupError, match=r"unknown\.png is not described"):
        write_codecheck.text(tmp_path)
