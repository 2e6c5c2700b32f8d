"""A loss is its file and its entry: what trains, compares and draws finds it in the registry."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import gar_verify

PACKAGE = Path(gar_verify.__file__).parent
LOSS = '''
from __future__ import annotations

import torch
from torch import Tensor, nn


class LogCoshLoss(nn.Module):
    """mean log cosh(input - target)."""

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return (input - target).cosh().log().mean()


def stacked_log_cosh(f: Tensor, y: Tensor, x: Tensor, repeat: Tensor, draw: object) -> Tensor:
    return (f - y).cosh().log().mean((1, 2))
'''
SPEC = """
    LossSpec(
        name="log_cosh",
        label="log cosh",
        color="#123456",
        factory=log_cosh.LogCoshLoss,
        objective="log cosh",
        stacked=log_cosh.stacked_log_cosh,
        tabular_grid=REPEATS,
    ),
)
"""
USE = """
import sys, torch
from gar_verify import compare
from gar_verify.__main__ import main
from gar_verify.integrations.regressor import GARRegressor
from gar_verify.losses import get_loss
from gar_verify.studies.objectives import step_loss

f, y = torch.tensor([1.0, 2.0, 5.0]), torch.tensor([1.0, 2.5, 4.0])
assert step_loss("log_cosh")(f, y, None, None) == get_loss("log_cosh")(f, y)
X = torch.randn(40, 2, generator=torch.Generator().manual_seed(0)).numpy()
wanted = {"losses": ["mae", "log_cosh"], "folds": 2, "quick": True, "references": False}
outcome = compare(X, X[:, 0], jobs=1, **wanted)
print("compared:", "log cosh" in outcome.table().to_string())
GARRegressor(loss="log_cosh", max_epochs=1).fit(X, X[:, 0])
sys.argv = ["gar-verify", "run", "diabetes", "--quick", "--methods", "mae,log_cosh", "--jobs", "1"]
sys.argv += ["--save"]
main()
"""


@pytest.mark.slow
def test_a_loss_is_its_file_and_its_entry(tmp_path: Path) -> None:
    """In a copy of the package; its test is the third file."""
    package = tmp_path / "gar_verify"
    shutil.copytree(PACKAGE, package, ignore=shutil.ignore_patterns("__pycache__"))
    (package / "losses" / "log_cosh.py").write_text(LOSS, encoding="utf8")
    registry = package / "losses" / "registry.py"
    text = registry.read_text(encoding="utf8")
    for before, after in (("\n)\n\nLOSSES:", f"{SPEC}\nLOSSES:"), (" focal,", " focal, log_cosh,")):
        text = text.replace(before, after)
    registry.write_text(text, encoding="utf8")
    cache = tmp_path / "cache"
    environment = {"PYTHONPATH": str(tmp_path), "GAR_VERIFY_CACHE": str(cache)}
    used = subprocess.run(
        [sys.executable, "-c", USE],
        env={**os.environ, **environment},
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert used.returncode == 0, used.stderr
    assert "compared: True" in used.stdout
    assert "| MAE | log cosh |" in used.stdout
    figures = cache / "quick_figures"
    assert "log cosh" in (figures / "diabetes.md").read_text(encoding="utf8")
    assert (figures / "diabetes.png").is_file()
