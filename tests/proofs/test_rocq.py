"""The definitions generated for Rocq, its certificate, and where it is installed its verdicts."""

from __future__ import annotations

import ast
import hashlib
import json
import os
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import mutate_rocq
import pytest
from mutate import SOURCE, Change, changes

from proofs import __main__ as command
from proofs import catalogue, rocq_formulas, rocq_opinion
from proofs.rocq_formulas import UntranslatableError, translate

CITED = {
    "mean_value_theorem": "GradientMatching.segment",
    "polygonal_connectedness": "GradientMatching.polygonal_connectedness",
    "derivative_of_zero": "GradientMatching.ddir_shift",
    "sign_of_derivative": "Aggregation.sign_of_derivative",
    "difference_quotient": "Aggregation.difference_quotient",
    "squeeze": "Aggregation.squeeze",
    "finite_maximum": "Aggregation.largest_exists",
    "rounded_formulas": "Rounding.rounded_one_minus_pearson",
    "zero_sum": "Batch.no_spread",
    "sums_commute": "Targets.pairs_of_targets",
    "chain": "Graph.along_chain",
    "rank_nullity": "Graph.fewer_do_not",
    "fubini": "Lipschitz.near_axis",
    "absolute_continuity": "Lipschitz.flat_almost_everywhere",
}
"""The theorem that does in Rocq what a lemma does that a SymPy script cites. Rademacher's theorem
is the one that has none."""

needs_rocq = pytest.mark.skipif(not rocq_opinion.available(), reason=rocq_opinion.INSTALL)
ACCEPTED = json.loads(rocq_opinion.MUTATIONS.read_text(encoding="utf8"))["accepted"]
"""Changes that Rocq accepts, since the formula stays the same function, and why."""
EVERYTHING = os.environ.get("GAR_VERIFY_HYPOTHESIS") == "full"


def test_the_definitions_are_those_of_the_formulas() -> None:
    assert rocq_formulas.TARGET.read_text(encoding="utf8") == translate(SOURCE)


def test_every_formula_and_every_guard_is_translated() -> None:
    text = translate(SOURCE)
    functions = [n.name for n in ast.parse(SOURCE).body if isinstance(n, ast.FunctionDef)]
    assert [f for f in functions if f"Definition {f} " not in text] == []
    assert text.count("Req_EM_T") == SOURCE.count(" == 0)")


def test_every_change_of_the_formulas_changes_the_definitions() -> None:
    text = translate(SOURCE)
    assert [str(c) for c in changes() if translate(c.source) == text] == []


def test_a_default_of_a_record_is_part_of_the_definitions() -> None:
    assert "Definition UNSHIFTED : Shifts :=\n  (Build_Shifts 0 0 0)." in translate(SOURCE)
    changed = SOURCE.replace("    d: Scalar = 0\n", "    d: Scalar = 1\n")
    assert "(Build_Shifts 0 0 1)" in translate(changed)


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("return max(d, 0)", "max is no formula"),
        ("return d if d else 0", "d if d else 0"),
        ("return d ** 2", r"d \*\* 2"),
        ("return 0.5 * d", "0.5"),
        ("return xp.tanh(d)", "xp.tanh is no formula"),
        ("return d.var_y", "d.var_y is no field"),
        ("for k in d: pass", "neither an assignment nor the result"),
        ("d, e = 2 * d, d", "e needs what is assigned with it"),
    ],
)
def test_what_has_no_translation_is_refused_with_its_line(line: str, why: str) -> None:
    with pytest.raises(UntranslatableError, match=f"line 2: .*{why}"):
        translate(f"def f(d: Scalar, xp: Any) -> Scalar:\n    {line}\n    return d\n")


def test_the_certificate_is_of_the_present_sources() -> None:
    kept = rocq_opinion.certificate()
    assert set(kept.theorems) >= set(catalogue.names())
    assert {t for ts in kept.theorems.values() for t in ts} == {
        t for ts in rocq_opinion.THEOREMS.values() for t in ts
    }


def test_theorems_1_to_4_and_the_aggregation_are_proved_by_rocq() -> None:
    opinion = rocq_opinion.rocq_opinion()
    assert [n for n in catalogue.names()[:6] if opinion.word(n) != "yes"] == []


def test_every_statement_has_theorems_and_what_is_partial_says_so() -> None:
    opinion = rocq_opinion.rocq_opinion()
    words = {name: opinion.word(name) for name in catalogue.names()}
    assert {name for name, word in words.items() if word != "yes"} == set(rocq_opinion.PARTIAL)


def test_what_the_scripts_cite_is_proved_by_rocq_but_for_rademacher() -> None:
    scripts = (path.read_text(encoding="utf8") for path in rocq_opinion.FOLDER.parent.glob("*.py"))
    cited = {name for text in scripts for name in re.findall(r'(?:Lemma|cite)\(\s*"(\w+)"', text)}
    proved = {t for theorems in rocq_opinion.certificate().theorems.values() for t in theorems}
    assert {name for name in cited if CITED.get(name) not in proved} == {"rademacher"}


@pytest.mark.parametrize("name", ["theorem-4-gradient-matching", "proposition-kl-dro"])
def test_theorem_4_and_the_aggregation_cite_what_rocq_proves_of_them(name: str) -> None:
    proved = rocq_opinion.certificate().theorems[name]
    assert [x.name for x in catalogue.statement(name).lemmas if CITED[x.name] not in proved] == []


@pytest.mark.parametrize("name", rocq_opinion.FILES)
def test_a_certificate_of_another_source_is_refused(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = rocq_opinion.certificate()
    path = tmp_path / "certificate.json"
    rocq_opinion.write(replace(kept, sources=kept.sources | {name: "0" * 64}), path)
    monkeypatch.setattr(rocq_opinion, "CERTIFICATE", path)
    monkeypatch.setattr(command, "second_opinion", lambda names: [])  # of Z3
    monkeypatch.setattr(rocq_opinion.certificate, "__defaults__", (path,))
    assert f"of another {name}: run make rocq" in str(rocq_opinion.rocq_opinion())
    assert command.main(["--only", "motivating-example"]) == 1
    assert name in capsys.readouterr().err


def test_a_certificate_with_another_axiom_or_without_a_theorem_is_refused(tmp_path: Path) -> None:
    kept = rocq_opinion.certificate()
    path = tmp_path / "certificate.json"
    more = {"Paper.paper_theorem_1": ["GAR.Paper.everything_is_equal"]}
    rocq_opinion.write(
        replace(kept, theorems=kept.theorems | {"theorem-1-error-variance": more}), path
    )
    with pytest.raises(rocq_opinion.RocqError, match=r"rests on GAR\.Paper\.everything_is_equal"):
        rocq_opinion.certificate(path)
    rocq_opinion.write(
        replace(kept, theorems={k: v for k, v in kept.theorems.items() if k != "merging-moments"}),
        path,
    )
    with pytest.raises(rocq_opinion.StaleError, match=r"lacks Merging\.merge_is"):
        rocq_opinion.certificate(path)
    path.write_text(json.dumps({"rocq": "8.16"}), encoding="utf8")
    with pytest.raises(TypeError):
        rocq_opinion.certificate(path)


def test_the_sources_stand_after_those_that_they_need() -> None:
    files = rocq_opinion.FILES
    assert sorted(files) == sorted(path.stem for path in rocq_opinion.FOLDER.glob("*.v"))
    for place, name in enumerate(files):
        assert set(rocq_opinion.needs(name)) <= set(files[:place])


def test_no_proof_is_left_out() -> None:
    for name in rocq_opinion.FILES:
        text = (rocq_opinion.FOLDER / f"{name}.v").read_text(encoding="utf8")
        for word in ("Admitted", "admit", "Axiom", "Parameter", "Conjecture"):
            assert word not in text, f"{name}.v says {word}"


def test_without_rocq_make_rocq_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(rocq_opinion.shutil, "which", lambda _: None)
    assert rocq_opinion.certify() == 2
    assert "apt-get install coq libcoq-coquelicot" in capsys.readouterr().err


CHANGES = list(changes())


def key(change: Change) -> list[str]:
    return [change.function, change.before, change.after]


def test_what_rocq_accepts_of_changed_formulas_is_explained() -> None:
    kept = json.loads(rocq_opinion.MUTATIONS.read_text(encoding="utf8"))
    assert sum(kept["refused"].values()) + len(ACCEPTED) == len(CHANGES)
    assert [
        one for one in ACCEPTED if not one["why"] or one["change"] not in map(key, CHANGES)
    ] == []
    assert {one["change"][0] for one in ACCEPTED} == {"lost", "one_minus_concordance_gradient"}
    assert "Rocq refuses" in rocq_opinion.mutations()


# one that changes nothing is compiled to the last source: `mutate_rocq` and a full run do that
SAMPLE = [c for c in CHANGES[7::29] if key(c) not in [one["change"] for one in ACCEPTED]]


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> Path:
    """The compiled sources, of an earlier run if these and Rocq are the same."""
    version = subprocess.run(["coqc", "--version"], capture_output=True, check=True).stdout
    sources = json.dumps(rocq_opinion.hashes()).encode()
    shelf = pytestconfig.cache.mkdir("rocq")
    kept = shelf / hashlib.sha256(version + sources).hexdigest()
    if not kept.is_dir():
        for old in shelf.iterdir():
            shutil.rmtree(old)
        folder = shelf / "unfinished"
        folder.mkdir()
        mutate_rocq.prepare(folder)
        folder.rename(kept)
    return kept


@needs_rocq
@pytest.mark.slow
def test_rocq_accepts_what_is_generated_anew_and_not_changed(prepared: Path) -> None:
    """Where Rocq refuses a change, it is not for how the changed definitions are written."""
    function = "ratio" if EVERYTHING else "sample_gradient"  # almost all speak of the former
    one = next(c for c in CHANGES if c.function == function)
    assert mutate_rocq.refusing(replace(one, tree=ast.parse(SOURCE)), prepared) is None


@needs_rocq
@pytest.mark.slow
@pytest.mark.parametrize("change", CHANGES if EVERYTHING else SAMPLE, ids=str)
def test_rocq_refuses_a_changed_formula(change: Change, prepared: Path) -> None:
    assert mutate_rocq.refusing(change, prepared) or key(change) in [
        one["change"] for one in ACCEPTED
    ]
