"""Every number of README.md and docs/*.md is that of its file, and every sentence holds.

After new results: ``python tools/figures_in_text.py --write``, and by hand what it says beyond.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from gar_verify import paths

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))

import figures_in_text as tool  # noqa: E402


@pytest.fixture(scope="module")
def said() -> list[tool.Said]:
    return list(tool.sentences())


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The pages, to be changed."""
    shutil.copytree(ROOT / "docs", tmp_path / "docs", ignore=shutil.ignore_patterns("_*"))
    shutil.copy(ROOT / "README.md", tmp_path)
    return tmp_path


@pytest.mark.parametrize("page", tool.pages(), ids=lambda page: page.name)
def test_numbers_are_in_step(page: Path, said: list[tool.Said]) -> None:
    text = page.read_text(encoding="utf-8")
    assert tool.updated(text, said) == text


def test_every_number_is_tied_and_every_sentence_holds(said: list[tool.Said]) -> None:
    assert tool.faults(said=said) == []


def test_every_measured_number_is_written_anew(said: list[tool.Said], copy: Path) -> None:
    count = 0
    for page in tool.pages(copy):
        text = page.read_text(encoding="utf-8")
        for one in said:
            for match in tool.pattern(one.words).finditer(text):
                for group in range(1, len(match.groups()) + 1):
                    start, end = match.span(group)
                    other = f"{text[:start]}98.7{text[end:]}"
                    assert tool.updated(other, said) == text, match[0]
                    count += 1
    assert count > 80


@pytest.mark.parametrize("page", ["README.md", "docs/findings.md", "docs/studies.md"])
@pytest.mark.parametrize(
    "words", ["GAR gains 12 %.", "RnC has 0.525", "3 of 5 seeds", "1,000 rows"]
)
def test_a_number_that_comes_from_nowhere_is_named(
    said: list[tool.Said], copy: Path, page: str, words: str
) -> None:
    with (copy / page).open("a", encoding="utf-8") as file:
        file.write(f"\n{words}\n")
    (fault,) = {fault.partition(" in ")[0] for fault in tool.faults(copy, said)[:1]}
    assert fault.startswith(Path(page).name)
    assert fault.partition(": ")[2] in words


def test_what_is_gone_from_the_pages_is_named(said: list[tool.Said], copy: Path) -> None:
    findings = copy / "docs" / "findings.md"
    text = findings.read_text(encoding="utf-8").replace("**Motor UPDRS.** The lowest", "It")
    findings.write_text(text.replace("p < 0.05", "by a test"), encoding="utf-8")
    found = tool.faults(copy, said)
    assert any(fault.startswith("on no page: “The lowest test MAE is that") for fault in found)
    assert "findings.md: not there: “p < 0.05”" in found


def test_code_links_and_formulas_are_no_prose() -> None:
    text = "`0.1` [a](b/1.md) <https://e.org/2> $3$\n\n```\n4\n```\n<!-- 5 --> L1, float32, R²"
    assert tool.untied(text, "page.md", []) == []
    assert len(tool.untied("6, 7.5 and 8e-09", "page.md", [])) == 3


@pytest.fixture
def other_results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Concrete's table, with the test MAE of GAR as that of a worse method."""
    figures = tmp_path / "figures"
    shutil.copytree(paths.figures(), figures, ignore=shutil.ignore_patterns("*.p*", "*.html"))
    frame = pd.read_csv(figures / "concrete.csv")
    frame.loc[(frame["metric"] == "MAE") & (frame["method"] == "GAR"), "measured"] = 5.4321
    frame.to_csv(figures / "concrete.csv", index=False)
    monkeypatch.setattr(paths, "figures", lambda: figures)
    tool.table.cache_clear()
    yield
    tool.table.cache_clear()


@pytest.mark.usefixtures("other_results")
def test_other_results_change_the_numbers_and_refute_the_sentence() -> None:
    changed = list(tool._concrete())
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert "GAR's test MAE is 5.432 (published 4.603)" in tool.updated(text, changed)
    assert [one.holds for one in changed].count(False) == 1
    (fault,) = [fault for fault in tool.faults(said=changed) if fault.startswith("not so")]
    assert "the lowest of the nine" in fault
