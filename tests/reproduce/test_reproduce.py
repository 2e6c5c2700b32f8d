"""The main job, small: offline, resumed, interrupted; what it writes and what it says."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

import proofs
from gar_verify import claims, paths
from gar_verify.reproduce import changes, main, report, rerun
from gar_verify.studies import catalogue, summaries, synthetic
from gar_verify.studies.progress import Silent

FEW = ("theorem-1", "motivating-example")
STUDIES = ("sine", "wine", "diabetes", "sensitivity")


(CLAIM,) = claims.evaluate(only="motivating-example")


class Told(Silent):
    """Remembers what it was told."""

    def __init__(self) -> None:
        self.work: list[float] = []
        self.stages: list[str] = []

    def start(self, title: str, total: float) -> None:
        self.work.append(total)

    def stage(self, text: str) -> None:
        self.stages.append(text)


@dataclass
class Done:
    """A run of the job."""

    summary: main.Summary
    told: Told
    folder: Path


@pytest.fixture(scope="module")
def small(sketches: None) -> Iterator[pytest.MonkeyPatch]:
    """Few proofs, studies and epochs, no data folder, no network."""

    def refused(*_: object, **__: object) -> None:
        raise AssertionError("the main job asked for the network")

    results = [result for name in FEW for result in proofs.run(name)]
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv(paths.DATA_VARIABLE, raising=False)
        patch.setattr(proofs, "run", lambda: results)
        patch.setattr(proofs, "second_opinion", list)
        patch.setattr(catalogue, "STUDIES", STUDIES)
        patch.setattr(catalogue, "CORRECTED", {})
        patch.setattr(catalogue, "OTHER_ROWS", ("digits",))
        patch.setattr(claims, "evaluate", lambda evidence=None: [CLAIM])
        patch.setattr(synthetic, "QUICK", replace(synthetic.QUICK, epochs=3, milestones=(1, 2)))
        for name in ("connect", "connect_ex", "sendto"):
            patch.setattr(socket.socket, name, refused)
        patch.setattr(socket, "getaddrinfo", refused)
        yield patch


@pytest.fixture(scope="module")
def runs(small: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> list[Done]:
    """The same job twice, with one store."""
    where = tmp_path_factory.mktemp("job")
    done = []
    for name in ("first", "second"):
        told = Told()
        summary = main.reproduce(
            quick=True, folder=where / name, store=where / "store", progress=told
        )
        done.append(Done(summary, told, where / name))
    return done


@pytest.mark.slow
def test_offline_it_ends_well_and_says_what_is_from_where(runs: list[Done]) -> None:
    summary = runs[0].summary
    text = summary.text()
    assert summary.failures == []
    stored = summaries.read("wine")["test"].sel({"method": "mae", "metric": "MAE"})
    assert f"wine, stored: test MAE {stored.mean().item():.3f}" in text
    for study in ("sine", "diabetes"):
        assert f"{study}, trained briefly: it runs; so short a training gives no result." in text
    assert "gain" not in text.split("diabetes")[1].splitlines()[0]
    assert "2 statements proved for every N" in text
    assert f"1 claims judged: 1 {CLAIM.verdict}." in text


def test_the_report_marks_what_is_from_the_committed_summaries(runs: list[Done]) -> None:
    page = (runs[0].folder / report.FILE).read_text(encoding="utf-8")
    articles = {part.split('"')[0]: part for part in page.split('<article id="study-')[1:]}
    trained = {name for name, part in articles.items() if "<strong>Trained</strong> by" in part}
    drawn = {name for name, part in articles.items() if "<strong>Stored</strong>" in part}
    assert trained == {"sine", "diabetes"}
    assert drawn == {"wine", "sensitivity", "digits"}


def test_writes_what_it_lists_and_nothing_else(runs: list[Done]) -> None:
    first = runs[0]
    there = {path for path in first.folder.rglob("*") if path.is_file()}
    assert there == set(first.summary.written)
    names = {path.relative_to(first.folder).as_posix() for path in there}
    assert {
        "report.html",
        "proofs.md",
        "claims.md",
        "sine.png",
        "diabetes.md",
        "wine.csv",
        "results/wine.json",
        "results/sensitivity.csv",
    } <= names


def test_a_second_run_reads_what_the_first_computed(runs: list[Done]) -> None:
    first, second = (done.told.work for done in runs)
    assert max(first) > 0
    assert max(second) == 0


def test_two_runs_give_the_same_bytes_where_no_time_is_measured(runs: list[Done]) -> None:
    before, after = (changes.contents(done.folder) for done in runs)
    found = changes.compare(before, after)
    assert {change.path for change in found if change.kind != "unchanged"} == set()
    assert {change.path for change in found if change.words} <= {report.FILE}


def test_it_tells_where_it_stands(runs: list[Done]) -> None:
    stages = runs[0].told.stages
    count = len(stages)
    assert stages[0] == f"proofs; part 1 of {count}"
    assert stages[-1] == f"report; part {count} of {count}"


def test_it_is_quiet_but_for_its_tables(
    small: pytest.MonkeyPatch,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(catalogue, "STUDIES", ("wine",))
    main.reproduce(quick=True, folder=tmp_path / "figures", store=tmp_path / "store")
    shown = capsys.readouterr()
    assert shown.err == ""
    assert "2 of 2 statements proved" in shown.out


def test_a_failed_proof_stops_it(
    small: pytest.MonkeyPatch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed = replace(proofs.run()[0], faults=("planted",))
    monkeypatch.setattr(proofs, "run", lambda: [failed])
    with pytest.raises(main.ReproductionError, match="theorem-1-error-variance"):
        main.reproduce(quick=True, folder=tmp_path, store=tmp_path / "store")
    assert not list(tmp_path.iterdir())


def test_an_interrupted_part_leaves_nothing_half_written(
    small: pytest.MonkeyPatch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(study: str, folder: Path, **_: object) -> None:
        (folder / f"{study}.md").write_text("half of a table")
        raise KeyboardInterrupt

    monkeypatch.setattr(catalogue, "STUDIES", ("diabetes",))
    monkeypatch.setattr(rerun, "rerun", interrupted)
    (tmp_path / "diabetes.md").write_text("as it was")
    with pytest.raises(KeyboardInterrupt):
        main.reproduce(quick=True, folder=tmp_path, store=tmp_path / "store")
    assert (tmp_path / "diabetes.md").read_text() == "as it was"
    assert (tmp_path / "proofs.md").is_file()  # a part that had ended
    assert not [path.name for path in tmp_path.iterdir() if path.name.startswith(".")]
    assert not (tmp_path / report.FILE).exists()


def test_the_quick_version_does_not_touch_the_figures_of_the_paper(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(paths.CACHE_VARIABLE, str(tmp_path))
    assert paths.quick_figures().parent == tmp_path
    assert paths.quick_figures() != paths.figures()
