"""``gar-verify claims``: what it prints and what it writes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gar_verify.claims import UnknownClaimError, catalogue
from gar_verify.cli.app import _expected, app

RUN = CliRunner()


def test_help_has_an_example() -> None:
    shown = RUN.invoke(app, ["claims", "--help"])
    assert shown.exit_code == 0
    assert "Example: gar-verify claims --only theorem-4" in shown.stdout


def test_one_claim_is_shown_in_full() -> None:
    shown = RUN.invoke(app, ["claims", "--only", "ranks-lose-information"])
    assert shown.exit_code == 0
    assert shown.stdout.startswith("ranks-lose-information: proved\n")
    assert "Shown by: gar-verify claims --only ranks-lose-information" in shown.stdout


def test_json_is_one_record_for_each() -> None:
    shown = RUN.invoke(app, ["claims", "--only", "lowest-mae", "--json"])
    records = json.loads(shown.stdout)
    assert records[0]["identifier"] == "lowest-mae-sine"
    assert {"verdict", "measured", "published", "command"} <= set(records[0])


def test_everything_is_printed_and_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a ledger of a few claims."""
    monkeypatch.setattr(catalogue, "ENTRIES", few := catalogue.ENTRIES[:4] + catalogue.ENTRIES[-4:])
    shown = RUN.invoke(app, ["claims", "--folder", str(tmp_path)])
    assert shown.exit_code == 0
    assert shown.stdout.startswith("Theory\n------\nproved ")
    assert all(f"  {claim.identifier} " in shown.stdout for claim in few)
    names = {f"claims.{end}" for end in ("html", "json", "md")}
    names |= {f"overview.{end}" for end in ("csv", "md", "pdf", "png")}
    assert {path.name for path in tmp_path.iterdir()} == names
    assert shown.stderr.count("wrote ") == len(names)


def test_an_unknown_claim_is_an_error_that_names_those_near() -> None:
    shown = RUN.invoke(app, ["claims", "--only", "theorem-five"])
    assert isinstance(shown.exception, UnknownClaimError)
    assert isinstance(shown.exception, _expected())  # one line on stderr, exit code 2
    assert shown.stdout == ""
    assert "no claim is called 'theorem-five'; near: theorem-" in str(shown.exception)
