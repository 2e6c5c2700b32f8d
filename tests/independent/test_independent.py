"""The committed numbers, recomputed without the package; and that a wrong one is noticed."""

from __future__ import annotations

import ast
import contextlib
import io
import json
import lzma
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import paired_tests
import pytest
import recompute
import rules_again
import verdicts_again
from scipy import stats

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
SCRIPTS = sorted(path for path in HERE.glob("*.py") if path != Path(__file__))
FIGURES = ROOT / "paper_figures"

ALONE = """
import runpy, sys
sys.modules.update(gar_verify=None, proofs=None)  # an import of either raises
runpy.run_path(sys.argv.pop(1), run_name="__main__")
"""


def test_all_agree_without_the_package() -> None:
    script = str(HERE / "recompute.py")
    command = [sys.executable, "-c", ALONE, script]
    run = subprocess.run(command, cwd=HERE, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    assert run.stderr == ""
    *lines, last = run.stdout.splitlines()
    assert all(": agrees" in line for line in lines)
    assert last == f"{len(lines)} of {len(lines)} agree"


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_imports_are_of_the_standard_library_numpy_scipy_and_h5py(path: Path) -> None:
    allowed = {"numpy", "scipy", "h5py", *(script.stem for script in SCRIPTS)}
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0
            names = [str(node.module)]
        assert {name.split(".")[0] for name in names} <= allowed | sys.stdlib_module_names


@pytest.fixture(scope="module")
def copied(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Path]:
    """Copies of what the script reads."""

    def make() -> Path:
        root = tmp_path_factory.mktemp("copy")
        pictures = shutil.ignore_patterns("*.png", "*.pdf", "*.html", "*.md")
        shutil.copytree(FIGURES, root / FIGURES.name, ignore=pictures)
        for name in ("gar_verify/data/tables/concrete.csv.xz", "gar_verify/studies/published.json"):
            (root / name).parent.mkdir(parents=True)
            shutil.copy(ROOT / name, root / name)
        return root

    return make


def _report(root: Path) -> str:
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        assert recompute.main(root) == 1
    return said.getvalue()


def test_one_changed_prediction_is_noticed(copied: Callable[[], Path]) -> None:
    root = copied()
    with h5py.File(root / "paper_figures/results/predictions/concrete.nc", "a") as file:
        file["prediction"][8, 0, 3, 0, 100, 0] += np.float32(0.01)
    report = _report(root)
    assert "results/concrete.csv, test values: differs: gar MAE 3 is 4.36" in report
    assert "concrete.csv: differs: MAE GAR " in report


def test_one_changed_label_is_noticed(copied: Callable[[], Path]) -> None:
    root = copied()
    path = root / "gar_verify/data/tables/concrete.csv.xz"
    lines = lzma.decompress(path.read_bytes()).decode().splitlines()
    lines[1 + np.random.RandomState(123).permutation(1030)[7]] += "1"
    path.write_bytes(lzma.compress("\n".join(lines).encode()))
    report = _report(root)
    assert "concrete, labels of the test rows: differs" in report
    assert "results/concrete.csv, test values: differs" in report


EDITS = {
    "epoch": (
        "results/concrete.csv",
        "5.892951,6.720796,1e-05,0.01,1,52",
        "5.892951,6.720796,1e-05,0.01,1,53",
        "concrete, files of one run: differs: the record is of another summary",
    ),
    "candidate": (
        "results/concrete.csv",
        "0,3,MAE,gar,4.409379,4.36306,0.0001,0.1,2,100",
        "0,3,MAE,gar,4.409379,4.36306,0.0001,0.1,2,99",
        "selected candidates: differs: gar, fold 3: MAE and RMSE",
    ),
    "mean": (
        "concrete.csv",
        "MAE,GAR,4.61563",
        "MAE,GAR,4.61564",
        "concrete.csv: differs: MAE GAR measured is",
    ),
    "best": (
        "concrete_gains.csv",
        "Huber,3.34756",
        "MSE,3.34756",
        "MAE GAR best competitor is Huber, stored MSE",
    ),
    "line": (
        "concrete_gains.csv",
        "\nRMSE,GAR,",
        "\nRMSE,GARS,",
        "RMSE GAR on one side only",
    ),
    "interval": (
        "concrete_comparison.csv",
        "-0.126292",
        "-0.126293",
        "comparison.csv: differs: MAE MAE low is",
    ),
    "evidence": (
        "results/runtime.csv",
        "published_loop,ranksim,256,0.105373,1.08169,1.04544,1.12796",
        "published_loop,ranksim,256,0.105373,1.08169,1.04544,2.62796",
        "claim time-ranksim: reproduced: differs: stored reproduced in part",
    ),
    "errors": (
        "results/concrete.json",
        "     0.521185,\n",
        "     0.821185,\n",
        "errors over the rows: differs: RMSE ranksim: ",
    ),
}
"""A file, what stands there, what is put in its place, and what the report says then."""


@pytest.fixture(scope="module")
def edited(copied: Callable[[], Path]) -> str:
    """The report on a copy with all these edits."""
    root = copied()
    for name, old, new, _ in EDITS.values():
        path = root / "paper_figures" / name
        text = path.read_text(encoding="utf-8")
        assert text.count(old) == 1, f"{old} in {name}"
        path.write_text(text.replace(old, new), encoding="utf-8")
    return _report(root)


@pytest.mark.parametrize("name", EDITS)
def test_a_changed_number_is_noticed(name: str, edited: str) -> None:
    assert EDITS[name][-1] in edited


def test_one_changed_verdict_is_noticed(copied: Callable[[], Path]) -> None:
    root = copied()
    path = root / "paper_figures/claims.json"
    claims = json.loads(path.read_text(encoding="utf-8"))
    (claim,) = (claim for claim in claims if claim["identifier"] == "peaks-missed")
    claim["verdict"] = "reproduced"
    path.write_text(json.dumps(claims), encoding="utf-8")
    (wrong,) = (check for check in verdicts_again.checks(root) if check.differing)
    assert str(wrong) == "claim peaks-missed: not reproduced: differs: stored reproduced"


def test_rules_tell_what_cannot_be_told() -> None:
    hits = ([1, 1], [1, -1], [1, 0], [1, -1, -1], [0, -1], [0, 0])
    assert list(map(rules_again.share, hits)) == [
        "reproduced",
        "reproduced in part",
        "reproduced in part",
        "not reproduced",
        "not reproduced",
        "tie",
    ]
    assert [rules_again.every(hits) for hits in ([1, 1], [1, 0], [1, -1])] == [
        "reproduced",
        "tie",
        "not reproduced",
    ]
    runs = np.array([[1.0, 1.1, 0.9, 1.05, 0.95]])
    assert rules_again.ahead([runs, -runs, runs - 1]) == [1, -1, 0]
    published = {"gar": (1.0, 0.1), "near": (1.1, 0.1), "far": (2.0, 0.1), "off": (5.0, 0.1)}
    measured = {"gar": runs, "near": runs + 0.25, "far": runs + 1, "off": runs}
    assert rules_again.close(measured, published, "gar") == [1, 0, 1, -1]


def test_statistics_agree_with_scipy() -> None:
    a, b = np.random.default_rng(3).normal(size=(2, 5))
    assert paired_tests.students(a, b) == pytest.approx(stats.ttest_ind(a, b).pvalue)
    for t, degrees in ((1.3, 4), (-0.4, 4), (2.0, 9)):
        shift = paired_tests.noncentrality(t, degrees, 0.975)
        assert stats.nct.cdf(t, degrees, shift) == pytest.approx(0.975)
    assert paired_tests.holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
