"""pyproject.toml, environment.yml and requirements.lock name the same packages."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import yaml

import gar_verify

ROOT = Path(__file__).resolve().parent.parent
CONDA_NAMES = {
    "torch": "pytorch",
    "matplotlib": "matplotlib-base",
    "xgboost-cpu": "py-xgboost-cpu",
    "build": "python-build",
}
ONLY_CONDA = {"python", "pip"}


def split(requirement: str) -> tuple[str, str]:
    match = re.fullmatch(r"([A-Za-z0-9_.-]+)\s*(.*)", requirement)
    assert match is not None, requirement
    return match[1].lower(), match[2]


def declared() -> dict[str, str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf8"))["project"]
    groups = [project["dependencies"], *project["optional-dependencies"].values()]
    return dict(
        split(requirement)
        for group in groups
        for requirement in group
        if not requirement.startswith("gar_verify[")  # an extra that includes others
    )


def test_conda_environment_has_the_same_packages() -> None:
    environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf8"))
    assert environment["channels"] == ["conda-forge", "nodefaults"]
    *packages, by_pip = environment["dependencies"]
    conda = dict(split(requirement) for requirement in [*packages, *by_pip["pip"]])
    assert {name: spec for name, spec in conda.items() if name not in ONLY_CONDA} == {
        CONDA_NAMES.get(name, name): spec for name, spec in declared().items()
    }


def test_lock_file_pins_every_declared_package_exactly() -> None:
    lines = (ROOT / "requirements.lock").read_text(encoding="utf8").splitlines()
    requirements = [line for line in lines if line and not line.startswith("#")]
    assert all(re.fullmatch(r"[A-Za-z0-9_.-]+==[A-Za-z0-9.]+", line) for line in requirements)
    locked = {re.sub(r"[-_.]+", "-", line.split("==")[0]).lower() for line in requirements}
    assert {re.sub(r"[-_.]+", "-", name) for name in declared()} <= locked
    assert "torch==2.13.0" in requirements


def test_python_version_is_stated_once() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf8"))
    assert project["project"]["requires-python"] == ">=3.11"
    assert project["tool"]["mypy"]["python_version"] == "3.11"
    assert "target-version" not in project["tool"]["ruff"]  # ruff reads requires-python


def test_version_is_stated_once() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf8"))
    assert project["project"]["dynamic"] == ["version"]
    assert project["tool"]["hatch"]["version"]["path"] == "gar_verify/__init__.py"
    newest = re.search(r"^## (.*) - ", (ROOT / "CHANGELOG.md").read_text(encoding="utf8"), re.M)
    assert newest is not None
    assert newest[1] == gar_verify.__version__
    assert "version" not in yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf8"))
