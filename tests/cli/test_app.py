"""The command line: help with examples, exit codes, one-line errors, quiet when piped.

A process of its own takes seconds to load the libraries. So each command is called once as a user
calls it, and what remains to be seen of it, through the same door in this process.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import redirect_stderr, redirect_stdout
from importlib import import_module
from io import StringIO
from pathlib import Path

import pytest

from gar_verify import __main__ as door
from gar_verify import paths
from gar_verify.cli import app

COMMANDS = ("prove", "run", "table", "reproduce", "bench", "data", "compare", "images")


def gar_verify(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "gar_verify", *arguments],
        capture_output=True,
        text=True,
        timeout=300,
        env={**os.environ, "COLUMNS": "100", "OMP_NUM_THREADS": "1", **environment},
    )


def here(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """What `gar_verify` gives, without a process of its own."""
    out, err, code = StringIO(), StringIO(), 0
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        patch.setattr(sys, "argv", ["gar-verify", *arguments])
        for name, value in environment.items():
            patch.setenv(name, value)
        try:
            door.main()
        except SystemExit as end:
            code = end.code
    return subprocess.CompletedProcess(arguments, code, out.getvalue(), err.getvalue())


def test_help_lists_every_command() -> None:
    shown = gar_verify("--help")
    assert shown.returncode == 0
    assert all(f"\n  {name} " in shown.stdout for name in COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_an_example(command: str) -> None:
    shown = gar_verify(command, "--help")
    assert shown.returncode == 0
    assert f"Example: gar-verify {command}" in shown.stdout


def test_prove_one_statement() -> None:
    shown = gar_verify("prove", "--only", "theorem-1")
    assert shown.returncode == 0
    assert "Verdict: proved" in shown.stdout
    unknown = here("prove", "--only", "theorem-9")
    assert unknown.returncode == 2
    assert "theorem-4-gradient-matching" in unknown.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("run", "boston"), "no study is called 'boston'; there are: sine, squared_sine"),
        (("run", "diabetes", "--methods", "mae,garr"), "garr"),
        (("run", "diabetes", "--device", "cuda:9"), "cuda:9"),
        (("run", "diabetes", "--seeds", "one"), "--seeds takes numbers such as 0,1,2, got 'one'"),
        (
            ("run", "diabetes", "--seeds", "0,0"),
            "--seeds takes different numbers from 0",
        ),
        (("run", "diabetes", "--methods", "mae,gar,mae"), "--methods takes different losses such"),
        (("run", "diabetes", "--methods", ","), "--methods takes different losses such as mae,gar"),
        (("run", "diabetes", "--jobs", "0"), "--jobs must be at least 1, got 0"),
        (("run", "all", "--methods", "mae"), "--methods belongs to one study"),
        (("run", "sensitivity", "--methods", "mae"), "a study of GAR alone"),
        (("run", "diabetes", "--dask", "tcp://a:1", "--jobs", "2"), "--dask and --jobs exclude"),
        (("data", "fetch", "boston"), "no table 'boston' can be fetched"),
        (("bench", "speed"), "bench has no part 'speed'; there are: all, loss, runtime, targets"),
        (("table", "diabetes_corrected"), "there is no summary 'diabetes_corrected'"),
        (
            ("table", "sine", "--corrected"),
            "no corrected form of 'sine'; there is one of: concrete",
        ),
        (
            ("table", "diabetes_corrected", "--corrected"),
            "there is no summary 'diabetes_corrected'",
        ),
    ],
)
def test_errors_are_one_line_and_exit_code_2(
    arguments: tuple[str, ...], message: str, tmp_path: Path
) -> None:
    shown = here(*arguments, GAR_VERIFY_CACHE=str(tmp_path))
    assert shown.returncode == 2
    assert shown.stdout == ""
    assert len(shown.stderr.splitlines()) == 1
    assert shown.stderr.startswith("gar-verify: ")
    assert message in shown.stderr


def test_an_error_is_the_same_in_a_process_of_its_own(tmp_path: Path) -> None:
    arguments = ("table", "diabetes_corrected")
    shown, same = (call(*arguments, GAR_VERIFY_CACHE=str(tmp_path)) for call in (gar_verify, here))
    assert shown.stderr.startswith("gar-verify: there is no summary 'diabetes_corrected'")
    assert (shown.returncode, shown.stdout, shown.stderr) == (2, "", same.stderr)


def test_an_error_is_known_without_importing_anything(monkeypatch: pytest.MonkeyPatch) -> None:
    classes = [getattr(import_module(module), name) for module, name in app._OWN.items()]
    assert app._expected() == (ValueError, *classes)
    for module in app._OWN:
        monkeypatch.delitem(sys.modules, module)
    before = set(sys.modules)
    assert app._expected() == (ValueError,)
    assert set(sys.modules) == before


@pytest.fixture(scope="module")
def quick(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache in which `QUICK` is trained once."""
    return tmp_path_factory.mktemp("quick")


QUICK = ("run", "diabetes", "--quick", "--methods", "mae,gar", "--jobs", "1")


@pytest.mark.slow
def test_run_prints_a_table_and_nothing_else(quick: Path) -> None:
    first = gar_verify(*QUICK, GAR_VERIFY_CACHE=str(quick))
    assert (first.returncode, first.stderr) == (0, "")
    assert first.stdout.startswith("| metric | method |")
    again = here(*QUICK, GAR_VERIFY_CACHE=str(quick))
    assert again.stdout == first.stdout


def test_a_part_of_a_study_leaves_the_record_alone(quick: Path) -> None:
    before = (paths.figures() / "diabetes.csv").read_bytes()
    shown = here(*QUICK, "--save", GAR_VERIFY_CACHE=str(quick))
    assert shown.returncode == 0
    assert "paper_figures stays as it is" in shown.stderr
    assert (quick / "quick_figures" / "diabetes.csv").is_file()
    assert (paths.figures() / "diabetes.csv").read_bytes() == before


def test_an_interruption_is_one_line(tmp_path: Path) -> None:
    arguments = [sys.executable, "-m", "gar_verify", "run", "diabetes", "--quick"]
    environment = {**os.environ, "GAR_VERIFY_CACHE": str(tmp_path), "OMP_NUM_THREADS": "1"}

    def listen() -> None:
        """A shell's background job is born deaf to interruptions, and its children with it."""
        signal.signal(signal.SIGINT, signal.SIG_DFL)

    with subprocess.Popen(
        arguments, stderr=subprocess.PIPE, text=True, env=environment, preexec_fn=listen
    ) as run:
        while run.poll() is None and not list(tmp_path.rglob("*.nc")):
            time.sleep(0.05)
        run.send_signal(signal.SIGINT)
        _, said = run.communicate(timeout=60)
    assert run.returncode == 130
    assert said == "gar-verify: interrupted; the same command goes on from here\n"


def test_corrected_is_another_study(quick: Path) -> None:
    """One of its seeds, quickly: other scaling, and the sentence names it."""
    plain, corrected = (
        here(*QUICK, "--seeds", "0", *option, GAR_VERIFY_CACHE=str(quick))
        for option in ((), ("--corrected",))
    )
    assert (corrected.returncode, corrected.stderr) == (0, "")
    assert "\nDiabetes corrected: by test MAE, GAR is" in corrected.stdout
    assert corrected.stdout.splitlines()[2] != plain.stdout.splitlines()[2]


def test_data_says_what_is_absent_and_what_to_do() -> None:
    environment = {k: v for k, v in os.environ.items() if k != "GAR_VERIFY_DATA"}
    shown = subprocess.run(
        [sys.executable, "-m", "gar_verify", "data"],
        capture_output=True,
        text=True,
        env=environment,
    )
    assert shown.returncode == 0
    assert "diabetes: 442 rows, 10 features" in shown.stdout
    assert "concrete: 1030 rows, 8 features" in shown.stdout
    assert "superconductivity: absent. " in shown.stdout
    assert "GAR_VERIFY_DATA" in shown.stdout
