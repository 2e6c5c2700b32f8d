"""The ledger as a whole: nothing published is missing, every claim has a verdict and a command."""

from __future__ import annotations

import dataclasses
import json
import re
import shlex
from fnmatch import fnmatch
from html.parser import HTMLParser
from pathlib import Path

import pytest
import typer.main

import proofs
from gar_verify import claims, paths
from gar_verify.claims import Claim, UnknownClaimError, Verdict
from gar_verify.claims import catalogue as catalogue_of_claims
from gar_verify.claims.tabular import TASKS
from gar_verify.cli.app import app
from gar_verify.studies import catalogue, published

PAGES = ("claims.md", "claims.html", "claims.json")
COMMANDS = typer.main.get_command(app).commands  # type: ignore[attr-defined]


def test_every_published_figure_and_statement_has_its_claim() -> None:
    patterns = {pattern for entry in claims.ENTRIES for pattern in entry.answers}
    leaves = published.leaves()
    assert not [path for path in leaves if not any(fnmatch(path, p) for p in patterns)]
    # A table's standard deviation need not be published, nor a summary's figure in a table.
    idle = {p for p in patterns if not any(fnmatch(path, p) for path in leaves)}
    assert all(re.match(r"alpha_sensitivity/\w+_std|tabular/(sts_b|imdb_wiki)/", p) for p in idle)


def test_every_figure_of_the_summary_is_in_the_published_text(ledger: list[Claim]) -> None:
    for table, by_metric in published.published()["summary_claims"].items():
        for metric, figures in by_metric.items():
            pattern = f"summary_claims/{table}/{metric}/*"
            (claim,) = [claim for claim in ledger if pattern in claim.answers]
            assert all(f"{figure:.3f}" in claim.statement for figure in figures.values())


def test_claims_that_must_be_there() -> None:
    words = published.published()["statements"]
    stated = {entry.statement for entry in claims.ENTRIES}
    assert set(words.values()) <= stated
    names = {entry.identifier for entry in claims.ENTRIES}
    assert {f"lowest-mae-{task.replace('_', '-')}" for task in TASKS} <= names
    assert {"theorem-1", "theorem-2", "theorem-3", "theorem-4-as-stated", "linear-cost"} <= names


def test_identifiers_are_unique_and_plain() -> None:
    names = [entry.identifier for entry in claims.ENTRIES]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name) for name in names)


def test_in_part_says_how_many_of_how_many(ledger: list[Claim]) -> None:
    """In the data, in the page of each claim and in the tables: `Finding` refuses anything else."""
    page, shown = claims.markdown(ledger), claims.html(ledger)
    for claim in ledger:
        if claim.verdict is Verdict.IN_PART:
            assert re.match(r"\d+ of \d+ ", claim.counted)
            assert f"Counted: {claim.counted}" in claims.text(claim, 10_000)
            assert page.count(f"{claim.verdict}: {claim.counted}") >= 2
            assert f"</span>: {claim.counted}" in shown


def test_what_stands_on_an_edge_says_so(ledger: list[Claim]) -> None:
    edges = {claim.identifier: claim.edge for claim in ledger if claim.edge}
    assert edges
    assert all(edge.endswith("differ by a tenth of their deviation") for edge in edges.values())
    records = json.loads(claims.as_json(ledger))
    assert {r["identifier"]: r["edge"] for r in records if r["edge"]} == edges


def test_every_row_of_the_published_summary_has_its_claims() -> None:
    names = {entry.identifier for entry in claims.ENTRIES}
    for row in catalogue_of_claims.SUMMARY:
        assert row["part"]
        for part in row["part"]:
            assert part["says"]
            assert part["claims"], (row["about"], part["says"])
            assert set(part["claims"]) <= names, (row["about"], part["says"])


def test_the_rows_are_those_of_the_published_summary() -> None:
    """The shared file is not part of the repository: beside its folder, or of the reference."""
    beside = [paths.repository(), paths.reference()]
    homes = [folder.parent for folder in beside if folder is not None]
    found = [path for home in homes for path in (home, home / "shared")]
    texts = [path / "paper" / "summary_claims.md" for path in found]
    (text, *_) = [path.read_text("utf-8") for path in texts if path.is_file()] or [None]
    if text is None:
        pytest.skip("the published summary's claims are not beside the repository")
    lines = [line.split("|")[1].strip(" *") for line in text.splitlines() if line.startswith("|")]
    assert [row["about"] for row in catalogue_of_claims.SUMMARY] == lines[2:]


def test_every_verdict_that_changed_says_why(ledger: list[Claim]) -> None:
    changed = list(catalogue_of_claims.changed(ledger))
    assert all(why for *_, why in changed)
    names = [name for name, *_ in changed]
    for reason in catalogue_of_claims.BEFORE["why"]:
        for pattern in reason["of"]:
            assert any(fnmatch(name, pattern) for name in names), pattern
    before = [name for of in catalogue_of_claims.BEFORE["verdicts"].values() for name in of]
    assert set(before) <= {entry.identifier for entry in claims.ENTRIES}
    page = claims.markdown(ledger)
    assert all(f"| {name} | {was} | " in page for name, was, _ in changed)


def test_every_claim_is_complete(ledger: list[Claim]) -> None:
    assert len(ledger) == len(claims.ENTRIES)
    for claim in ledger:
        for field in ("statement", "where", "how", "rule", "reason", "command", "topic"):
            assert getattr(claim, field), (claim.identifier, field)
        assert bool(claim.measured) is (claim.verdict is not Verdict.NOT_TESTABLE), claim.identifier


def test_figures_without_which_the_ledger_is_wrong(ledger: list[Claim]) -> None:
    """Verdicts that the summaries in the repository settle whatever else arrives."""
    by_name = {claim.identifier: claim.verdict for claim in ledger}
    assert by_name["theorem-4-as-stated"] is Verdict.NOT_REPRODUCED
    assert by_name["lowest-mae-concrete"] is Verdict.TIE
    assert by_name["leads-rmse"] is Verdict.IN_PART
    assert by_name["time-ranksim"] is Verdict.IN_PART  # it depends on the loop
    assert by_name["summary-sts-b-pearson"] is Verdict.IN_PART  # a stand-in: at most
    assert by_name["lowest-mae-agedb"] is Verdict.NOT_TESTABLE


@pytest.mark.parametrize("entry", claims.ENTRIES, ids=lambda entry: entry.identifier)
def test_its_command_exists(entry: claims.Claim) -> None:
    program, name, *arguments = shlex.split(entry.command)
    assert program == "gar-verify"
    given = COMMANDS[name].make_context(name, list(arguments)).params
    if name == "table":
        assert catalogue.check(given["study"])
    if name == "prove":
        assert given["only"] in proofs.names()
    if name == "claims":
        assert claims.find(given["only"])


def test_without_any_evidence_only_proofs_and_exhibits_are_left(tmp_path: Path) -> None:
    found = claims.evaluate(folder=tmp_path)
    missing = [claim for claim in found if claim.verdict is Verdict.NOT_TESTABLE]
    assert len(missing) > 40
    assert {claim.topic for claim in found if claim not in missing} == {
        "Theory",
        "The loss and the released code",
    }
    assert not [claim for claim in missing if str(tmp_path) in claim.reason]


def test_a_summary_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "concrete.csv").write_text("method,test\nmae,1\n")
    with pytest.raises(Exception, match=r"concrete|metric|json"):
        claims.evaluate("figures-concrete-mae", folder=tmp_path)


def test_unknown_claims_are_named_with_those_near() -> None:
    with pytest.raises(UnknownClaimError, match=r"called 'theorem-five'; near: theorem-"):
        claims.evaluate("theorem-five")
    with pytest.raises(UnknownClaimError, match=r"near: .*lowest-mae-wine.*summary-wine-mae"):
        claims.find("wine")
    with pytest.raises(UnknownClaimError, match="gar-verify claims lists all of them"):
        claims.find("§§§§")
    with pytest.raises(UnknownClaimError):
        claims.find("")


def test_counts(ledger: list[Claim]) -> None:
    counts = claims.counts(ledger)
    assert list(counts) == [str(verdict) for verdict in Verdict]
    assert sum(counts.values()) == len(ledger)


def test_frame_has_a_line_for_each_claim(ledger: list[Claim]) -> None:
    frame = claims.frame(ledger)
    assert list(frame.index) == [claim.identifier for claim in ledger]
    assert frame.loc["theorem-1", "verdict"] == "proved"


def test_pages_hold_every_claim(ledger: list[Claim], tmp_path: Path) -> None:
    """And are the same bytes every time, as the next test finds."""
    first = [path.read_bytes() for path in claims.write(ledger, tmp_path)]
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(PAGES)
    for page in first[:2]:
        assert all(claim.identifier.encode() in page for claim in ledger)
    assert [record["verdict"] for record in json.loads(first[2])] == [c.verdict for c in ledger]


@pytest.mark.parametrize("name", PAGES)
def test_the_pages_in_the_repository_are_of_its_results(
    ledger: list[Claim], tmp_path: Path, name: str
) -> None:
    """After new summaries: gar-verify claims --write."""
    written = {path.name: path for path in claims.write(ledger, tmp_path)}
    assert written[name].read_text() == (paths.figures() / name).read_text()


def test_no_path_of_a_machine_is_written(ledger: list[Claim]) -> None:
    text = claims.as_json(ledger)
    assert not re.search(r"/(home|work|tmp|root|Users)/", text)


class Page(HTMLParser):
    """Collects anchors, links and what is loaded from elsewhere; checks that tags close."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.anchors: list[str] = []
        self.links: list[str] = []
        self.loaded: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag not in ("meta", "link"):
            self.open.append(tag)
        self.anchors += [given["id"] or ""] if "id" in given else []
        self.links += [given["href"] or ""] if tag == "a" else []
        own = given.get("href", "") == "data:,"  # no icon, said so that none is looked for
        self.loaded += [tag] if tag in ("link", "script", "img") and not own else []

    def handle_endtag(self, tag: str) -> None:
        if tag not in ("meta", "link"):
            assert self.open.pop() == tag


def test_the_html_page_is_whole_and_links_to_its_sections(ledger: list[Claim]) -> None:
    hostile = dataclasses.replace(ledger[0], statement="a < b & <script>c</script>")
    page = Page()
    page.feed(claims.html([hostile, *ledger[1:]]))
    assert not page.open
    assert not page.loaded
    assert page.anchors == [claim.identifier for claim in ledger]
    assert page.links == [f"#{anchor}" for anchor in page.anchors]
    assert "width=device-width" in claims.html(ledger)


@pytest.mark.parametrize("width", [80, 120])
def test_the_table_is_wrapped(ledger: list[Claim], width: int) -> None:
    table = claims.table(ledger, width)
    assert max(map(len, table.splitlines())) <= max(width, 82)
    assert f"\n\n{len(ledger)} claims: " in table
    assert all(f"  {claim.identifier} " in table for claim in ledger)
