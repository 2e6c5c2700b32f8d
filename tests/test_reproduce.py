"""The main job, small: what it writes, what it says, and that it stops at a failed proof."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

import proofs
from gar_verify import reproduce


@pytest.fixture
def summary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> reproduce.Summary:
    monkeypatch.setattr(reproduce, "TABLES", ("diabetes", "concrete"))
    monkeypatch.delenv("GAR_VERIFY_DATA", raising=False)
    return reproduce.reproduce(quick=True, folder=tmp_path / "figures", store=tmp_path / "store")


def test_writes_what_it_lists_and_says_what_is_missing(
    summary: reproduce.Summary, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = {path.name for path in summary.written}
    assert {"sine.pdf", "sine.png", "sine.md", "sine.csv", "diabetes.md", "proofs.md"} <= names
    assert all(path.is_file() and path.parent == tmp_path / "figures" for path in summary.written)
    assert {path.name for path in (tmp_path / "figures").iterdir()} == names
    text = summary.text()
    assert "concrete: not at hand, left out; set GAR_VERIFY_DATA" in text
    assert "wrong variants refuted" in text
    assert capsys.readouterr().err == ""


def test_a_failed_proof_stops_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (result,) = proofs.run("theorem-1")
    failed = replace(result, faults=("planted",))
    monkeypatch.setattr(proofs, "run", lambda: [failed])
    with pytest.raises(reproduce.ReproductionError, match="theorem-1-error-variance"):
        reproduce.reproduce(quick=True, folder=tmp_path, store=tmp_path)
    assert not list(tmp_path.iterdir())
