"""The page: complete, well-formed, loading nothing; and in a browser, where there is one."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import replace
from html import escape
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import pandas as pd
import pytest

from gar_verify import paths
from gar_verify.claims import Claim, Finding, Verdict
from gar_verify.reproduce import changes, report, rerun
from gar_verify.reproduce.report import page
from gar_verify.studies import summaries
from gar_verify.studies.catalogue import title
from proofs import catalogue
from proofs.statements import Outcome, Result, Statement

STATEMENTS = [catalogue.statement(name) for name in catalogue.names()]
PHONE = 390
"""Pixels of a phone's width."""


def claim(identifier: str, verdict: Verdict, published: str = "") -> Claim:
    """A line of the ledger."""
    finding = Finding(verdict, "4.630", "because", published, "2 of 3 tables", "on the edge: tie")
    return Claim(
        identifier=identifier,
        topic="tables",
        statement="GAR <= every baseline & more",
        where="section 6",
        how="by looking",
        rule="the lowest",
        command="gar-verify table concrete",
        judge=lambda evidence: finding,
        finding=finding,
    )


CLAIMS = [
    claim("gar-best", Verdict.IN_PART),
    claim("gar-lowest", Verdict.TIE),
    claim("same-time", Verdict.NOT_REPRODUCED, published="1.0"),
    claim("sts-b", Verdict.NOT_TESTABLE),
]
RUNTIME = pd.DataFrame(
    [("in_memory", "mae", 256, 1e-3, 1.0, 1.0, 1.0), ("in_memory", "gar", 256, 1e-3, 1.1, 1, 1.2)],
    columns=["setup", "method", "batch_size", "seconds", "ratio", "ratio_low", "ratio_high"],
)


def checked(statement: Statement) -> Result:
    """The statement as if every check had passed."""
    return Result(
        statement=statement,
        steps=tuple(Outcome(step, True) for step in statement.steps),
        mutants=tuple(Outcome(mutant, True, "1 ≠ 2") for mutant in statement.mutants),
        controls=tuple(Outcome(control, True) for control in statement.controls),
        faults=(),
        seconds=0.0,
    )


@pytest.fixture(scope="module")
def figures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("figures")


@pytest.fixture(scope="module")
def material(figures: Path) -> report.Material:
    studies = [rerun.from_summary(study, figures) for study in ("sine", "concrete", "sensitivity")]
    return report.Material(
        proved=[checked(statement) for statement in STATEMENTS],
        studies=[studies[0], replace(studies[1], origin="trained"), studies[2]],
        claims=CLAIMS,
        runtime=RUNTIME,
        sentences=["16 statements proved."],
        changes=[changes.Change("concrete.csv", "changed", "1 of 2 numbers")],
        seconds={"proofs": 8.25},
    )


@pytest.fixture(scope="module")
def text(material: report.Material, figures: Path) -> str:
    return report.html(material, figures)


@pytest.fixture(scope="module")
def root(text: str) -> ElementTree.Element:
    return ElementTree.fromstring(text)  # raises unless it is well-formed


def test_nothing_is_loaded(root: ElementTree.Element, text: str) -> None:
    links = [(e.tag, e.get(key)) for e in root.iter() for key in ("src", "href") if e.get(key)]
    outside = [(tag, link) for tag, link in links if not link.startswith(("data:", "#"))]
    assert outside == []
    assert "url(" not in text
    assert "@import" not in text
    assert not {"script", "iframe", "object"} & {e.tag for e in root.iter()}


def test_every_picture_is_within_the_page_and_described(
    root: ElementTree.Element, figures: Path
) -> None:
    images = list(root.iter("img"))
    assert len(images) == len(list(figures.glob("*.png"))) == 4
    assert all(image.get("src", "").startswith("data:image/png;base64,") for image in images)
    assert all(len(image.get("alt", "")) > 40 for image in images)


def test_captions_say_what_is_drawn(root: ElementTree.Element) -> None:
    """Bands of the curves, bars of the tables, boxes of the studies of alpha."""
    alts = [image.get("alt", "") for image in root.iter("img")]
    words = {"sine": "band", "concrete": "filled dots", "sensitivity": "a box"}
    for study, word in words.items():
        (alt,) = [alt for alt in alts if alt.startswith(f"{title(study)}: ")]
        assert [known for known in words.values() if known in alt] == [word]


def test_every_claim_and_every_statement_is_there(root: ElementTree.Element) -> None:
    identifiers = {e.get("id") for e in root.iter()}
    assert {f"claim-{claim.identifier}" for claim in CLAIMS} <= identifiers
    shown = "".join(root.itertext())
    assert not [claim for claim in CLAIMS if claim.identifier in shown]
    for statement in STATEMENTS:
        (article,) = [e for e in root.iter("article") if e.get("id") == statement.name]
        words = "".join(article.itertext())
        assert statement.title in words
        assert statement.plain in words
        assert len([e for e in article.iter("div") if e.get("class") == "formula"]) == len(
            statement.latex
        )
        assert list(article.iter("math"))
        for part in (*statement.steps, *statement.mutants, *statement.hypotheses):
            assert part.text in words


def test_verdicts_are_counted_and_claims_are_escaped(root: ElementTree.Element, text: str) -> None:
    (section,) = [e for e in root.iter("section") if e.get("id") == "claims"]
    words = " ".join("".join(section.itertext()).split())
    assert "1 tie, 1 reproduced in part, 1 not reproduced, 1 not testable here." in words
    assert "reproduced in part (2 of 3 tables) because; on the edge: tie" in words
    assert '<span class="verdict tie">tie</span>' in text
    assert ".tie," in text
    assert escape(CLAIMS[0].statement) in text


def test_links_within_the_page_lead_somewhere(root: ElementTree.Element) -> None:
    identifiers = [e.get("id") for e in root.iter() if e.get("id")]
    assert len(identifiers) == len(set(identifiers))
    targets = {link.get("href", "").removeprefix("#") for link in root.iter("a")}
    assert targets <= set(identifiers)


def test_headings_and_language(root: ElementTree.Element) -> None:
    assert root.get("lang") == "en"
    levels = [int(e.tag[1]) for e in root.iter() if re.fullmatch("h[1-6]", e.tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


def test_what_was_trained_and_what_is_from_a_summary(root: ElementTree.Element) -> None:
    words = {e.get("id"): "".join(e.itertext()) for e in root.iter("article") if e.get("id")}
    assert "Stored: drawn from the stored summary" in words["study-sine"]
    assert "Trained by this job." in words["study-concrete"]
    assert "4.603 (0.075)" in words["study-concrete"]
    seconds = summaries.read("concrete").attrs["seconds"]
    assert f"Its trainings took {seconds:,.0f} seconds of one core." in words["study-concrete"]


def test_missing_parts_are_said_to_be_missing(material: report.Material, figures: Path) -> None:
    bare = report.html(replace(material, claims=None, runtime=None), figures)
    assert "The ledger of claims is missing." in bare
    assert "The table of the full runtime study is missing." in bare


def test_the_stored_runtime_study_is_shown(material: report.Material, tmp_path: Path) -> None:
    (tmp_path / "results").mkdir()
    RUNTIME.replace(1.1, 1.37).to_csv(tmp_path / "results" / page.RUNTIME, index=False)
    shown = report.html(replace(material, runtime=None), tmp_path)
    assert "1.37" in shown
    assert "is missing" not in shown


def test_the_same_bytes_but_for_times(material: report.Material, figures: Path) -> None:
    def untimed(made: str) -> str:
        found, count = changes.TIMED.subn("", made)
        assert count == 2
        return found

    slow = replace(material, seconds={"proofs": 99.0}, changes=(), runtime=None)
    first, second = report.html(material, figures), report.html(slow, figures)
    assert first != second
    assert untimed(first) == untimed(second)


def test_written_whole_or_not_at_all(
    material: report.Material, figures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    report.write(material, tmp_path, figures)
    assert [path.name for path in tmp_path.iterdir()] == [report.FILE]
    before = (tmp_path / report.FILE).read_bytes()

    def broken(*_: object) -> str:
        raise RuntimeError

    monkeypatch.setattr(page, "html", broken)
    with pytest.raises(RuntimeError):
        report.write(material, tmp_path, figures)
    assert (tmp_path / report.FILE).read_bytes() == before


def test_the_committed_page_of_proofs_has_the_same_statements() -> None:
    told = (paths.figures() / "proofs.md").read_text(encoding="utf-8")
    assert all(statement.title in told for statement in STATEMENTS)


MEASURE = """<!DOCTYPE html><html><body>
<iframe width="{width}" height="800" srcdoc="{page}"></iframe>
<script>onload = () => {{
  const inner = document.querySelector("iframe").contentDocument;
  const formulas = [...inner.querySelectorAll("math")];
  const sizes = formulas.map(formula => formula.getBoundingClientRect());
  const flat = sizes.filter(size => size.width * size.height < 20);
  const broken = [...inner.images].filter(i => !i.naturalWidth);
  document.title = [inner.documentElement.scrollWidth, flat.length, broken.length,
                    formulas.length].join(" ");
}}</script></body></html>"""


@pytest.mark.browser
def test_in_a_browser_on_a_phone(text: str, tmp_path: Path) -> None:
    """No console message, no picture missing, no formula empty, nothing wider than the screen."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        pytest.skip("no chromium on PATH")
    wrapper = tmp_path / "wrapper.html"
    wrapper.write_text(MEASURE.format(width=PHONE, page=escape(text)), encoding="utf-8")
    done = subprocess.run(
        [
            chromium,
            *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
            *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
            *("--host-resolver-rules=MAP * ~NOTFOUND", "--enable-logging=stderr", "--dump-dom"),
            f"--user-data-dir={tmp_path / 'profile'}",
            wrapper.as_uri(),
        ],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert ":CONSOLE" not in done.stderr
    found = re.search(r"<title>(\d+) (\d+) (\d+) (\d+)</title>", done.stdout)
    assert found is not None, done.stderr[-2000:]
    width, flat, broken, formulas = map(int, found.groups())
    assert width <= PHONE
    assert (flat, broken) == (0, 0)
    assert formulas > len(STATEMENTS)
