"""``python -m proofs``, each script alone, and the pages written."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import proofs
from proofs import __main__ as command
from proofs import catalogue, pages, printing, rocq_opinion, z3_opinion
from proofs.statements import ENOUGH_MUTANTS, Result

ROOT = Path(proofs.__file__).parents[1]
QUICK = "conventional-losses"


@pytest.fixture(autouse=True)
def _rocq_has_an_opinion(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a stale certificate does to the command is tested with Rocq."""
    opinion = rocq_opinion.RocqOpinion({})
    for module in (rocq_opinion, pages):
        monkeypatch.setattr(module, "rocq_opinion", lambda: opinion)


def run(*arguments: str, folder: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments], cwd=folder, capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def results() -> list[Result]:
    return proofs.run(QUICK) + proofs.run("theorem-4")


EVERYTHING = """
import json, sys, time
from proofs import printing, rocq_opinion
from proofs.__main__ import main
rocq_opinion.rocq_opinion = lambda opinion=rocq_opinion.RocqOpinion({}): opinion
table = printing.table
def table_and_records(results, opinions):
    return f"{table(results, opinions)}\\n{json.dumps(printing.records(results, opinions))}"
printing.table = table_and_records
start = time.process_time()
status = main([])
print('torch' in sys.modules, time.process_time() - start < 15)
sys.exit(status)
"""


@pytest.fixture(scope="module")
def everything() -> subprocess.CompletedProcess[str]:
    """All statements checked once: the table, the records as JSON, and what it took."""
    return run("-c", EVERYTHING)


@pytest.fixture(scope="module")
def records(everything: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(everything.stdout.splitlines()[-2])
    return found


@pytest.mark.slow
def test_all_statements_are_proved_in_under_fifteen_seconds_without_torch(
    everything: subprocess.CompletedProcess[str],
) -> None:
    lines, count = everything.stdout.splitlines(), len(catalogue.names())
    table = "\n".join(lines[:-2])
    assert everything.returncode == 0, table + everything.stderr
    assert f"{count} of {count} statements proved" in table
    assert lines[-1] == "False True"
    assert everything.stderr == ""


def test_every_record_is_complete(records: list[dict[str, Any]]) -> None:
    assert [record["name"] for record in records] == list(catalogue.names())
    for record in records:
        assert record["proved"], record["name"]
        assert record["faults"] == [], record["name"]
        assert all(step["passed"] for step in record["steps"]), record["name"]
        assert len(record["mutants"]) >= ENOUGH_MUTANTS, record["name"]
        assert all(m["counterexample"] for m in record["mutants"]), record["name"]


def test_the_finding_about_theorem_4_is_said(results: list[Result]) -> None:
    assert "does not ask for a connected domain" in printing.table(results)
    assert "does not ask for a connected domain" in printing.text(results[-1])
    assert "does not ask for a connected domain" in pages.markdown(results)


@pytest.mark.parametrize("name", ["theorem-4", "theorem_4", "THEOREM-4-gradient-matching"])
def test_a_statement_is_found_by_the_beginning_of_its_name(name: str) -> None:
    assert catalogue.find(name) == ("theorem-4-gradient-matching",)


def test_an_unknown_name_gives_the_names(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["--only", "theorem-9"]) == 2
    said = capsys.readouterr().err
    assert "'theorem-9'" in said
    assert all(name in said for name in catalogue.names())


def test_help_has_examples(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        command.main(["--help"])
    assert "python -m proofs --only theorem-4" in capsys.readouterr().out


def test_one_statement_is_shown_in_full(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["--only", QUICK]) == 0
    shown = capsys.readouterr().out
    for part in ("Assumptions", "Steps", "[ok]", "[refuted]", "[accepted]", "Verdict: proved"):
        assert part in shown


def test_json_has_one_record_for_each_statement(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["--only", "theorem-1", "--json"]) == 0
    (record,) = json.loads(capsys.readouterr().out)
    assert record["name"] == "theorem-1-error-variance"
    assert record["proved"] is True
    assert record["latex"]
    assert record["plain"]
    assert [h["name"] for h in record["hypotheses"]] == ["batch_nonempty"]
    assert all(step["passed"] for step in record["steps"])
    assert all(m["refuted"] and m["counterexample"] for m in record["mutants"])
    assert {"sympy", "python", "gar_verify", "formulas_sha256", "z3"} <= record["versions"].keys()
    assert record["seconds"] > 0


def test_the_page_is_whole_and_the_same_twice(results: list[Result], tmp_path: Path) -> None:
    written = [proofs.report(results, folder=tmp_path / str(n)) for n in range(2)]
    for one, other in zip(*written, strict=True):
        assert one.read_bytes() == other.read_bytes()
        assert "http://" not in one.read_text(encoding="utf8")
    assert sorted(path.name for path in (tmp_path / "0").iterdir()) == ["proofs.html", "proofs.md"]


def test_a_page_that_cannot_be_written_leaves_the_old_one(
    results: list[Result], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (page, _) = proofs.report(results, folder=tmp_path)
    before = page.read_bytes()

    def refuse(*_: object) -> None:
        raise OSError("no space")

    monkeypatch.setattr(pages.os, "replace", refuse)
    with pytest.raises(OSError, match="no space"):
        proofs.report(results[:1], folder=tmp_path)
    assert page.read_bytes() == before
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize("module", catalogue.MODULES)
def test_every_script_is_in_the_catalogue_and_opens_with_what_it_is_for(module: str) -> None:
    statement = catalogue.statement(module.replace("_", "-"))
    assert statement.name == module.replace("_", "-")
    script = (ROOT / "proofs" / f"{module}.py").read_text(encoding="utf8")
    assert "Assumptions:" in script.split('"""')[1]
    for hypothesis in statement.hypotheses:
        assert hypothesis.name in script.split('"""')[1], hypothesis.name


def test_a_script_runs_by_itself() -> None:
    done = run("-m", "proofs.theorem_1_error_variance")
    assert done.returncode == 0, done.stderr
    assert done.stdout.rstrip().endswith("Verdict: proved")


CHANGES = [
    (
        "theorem-1-error-variance",
        "return m.var_r + square(m.slope) * m.var_y",
        "return m.var_r - square(m.slope) * m.var_y",
    ),
    ("theorem-2-pearson", "aligned = ratio(m.var_r,", "aligned = ratio(2 * m.var_r,"),
    ("proposition-kl-dro", "return shift + alpha * xp.log1p", "return shift + xp.log1p"),
]


def changed(folder: Path, *changes: tuple[str, str, str]) -> Path:
    """A copy of the project whose formulas are changed."""
    shutil.copytree(ROOT / "proofs", folder / "proofs")
    package = folder / "gar_verify"
    package.mkdir()
    shutil.copy(ROOT / "gar_verify" / "__init__.py", package)
    source = (ROOT / "gar_verify" / "formulas.py").read_text(encoding="utf8")
    for _, before, after in changes:
        assert source.count(before) == 1
        source = source.replace(before, after)
    (package / "formulas.py").write_text(source, encoding="utf8")
    return folder


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change[0])
def test_a_changed_formula_fails_its_theorem(change: tuple[str, str, str], tmp_path: Path) -> None:
    """The file itself is changed, in a copy of the project."""
    done = run("-m", "proofs", "--only", change[0], folder=changed(tmp_path, change))
    assert done.returncode == 1
    assert "Verdict: NOT PROVED" in done.stdout


def test_changed_formulas_fail_the_run_and_their_theorems_are_named(tmp_path: Path) -> None:
    modules = [name.replace("-", "_") for name, _, _ in CHANGES]
    code = (
        "import sys; from proofs import __main__, catalogue; "
        f"catalogue.MODULES = {(*modules, 'conventional_losses')}; sys.exit(__main__.main([]))"
    )
    done = run("-c", code, folder=changed(tmp_path, *CHANGES))
    assert done.returncode == 1
    assert all(f"FAILED {name}" in done.stdout for name, _, _ in CHANGES)
    assert "1 of 4 statements proved" in done.stdout


def test_a_false_claim_in_a_step_fails_the_run_and_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    true = catalogue.statement("lipschitz-functions")
    false = replace(true.steps[0], name="two is one", check=lambda: 2 - 1)
    monkeypatch.setattr(
        catalogue, "statement", lambda *_: replace(true, steps=(false, *true.steps[1:]))
    )
    monkeypatch.setattr(catalogue, "MODULES", ("lipschitz_functions",))
    assert command.main([]) == 1
    shown = capsys.readouterr().out
    assert "FAILED lipschitz-functions: step 'two is one' left 1" in shown
    assert "0 of 1 statements proved" in shown


def test_z3_agrees_or_is_skipped_visibly(
    records: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    if z3_opinion.available():
        opinions = [o for record in records for o in record["second_opinion"]]
        verdicts = {True: "holds", False: "fails"}
        assert [o for o in opinions if o["verdict"] != verdicts[o["true"]]] == []
        assert len(opinions) >= 60
        assert {c.statement for c in z3_opinion._claims(2)} <= set(catalogue.names())
        monkeypatch.setattr(z3_opinion, "_STEPS", 1)
        unknown = proofs.second_opinion(["sample-weights"])
        assert [o for o in unknown if o.verdict == "unknown"]
        assert all(o.contradicts for o in unknown if o.verdict == "unknown")
    monkeypatch.setattr(z3_opinion, "z3", None)
    assert proofs.second_opinion() == []
    assert "skipped" in printing.opinion_line([])
