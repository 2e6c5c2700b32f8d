"""A slice of the random search of tools/fuzz_gar.py, and what it found before."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from gar_verify import GARLoss

TOOL = Path(__file__).resolve().parents[3] / "tools" / "fuzz_gar.py"
EVERYTHING = os.environ.get("GAR_VERIFY_HYPOTHESIS") == "full"


def test_random_batches_hold() -> None:
    examples = 15_000 if EVERYTHING else 1_500
    done = subprocess.run(
        [sys.executable, str(TOOL), "--examples", str(examples)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{examples:,} examples" in done.stdout


@pytest.mark.parametrize("dtype", [torch.float16, torch.float32, torch.float64])
@pytest.mark.parametrize("n", [5, 20_000])
def test_constant_predictions_have_no_direction(dtype: torch.dtype, n: int) -> None:
    """Rounding in the means must not pass for a variance, in one block or in several."""
    labels = torch.randn(n, dtype=torch.float64).mul(7.3).add(18.1).to(dtype)
    predictions = torch.full_like(labels, 5.1953125).requires_grad_()
    parts = GARLoss().components(predictions, labels)
    assert parts.one_minus_pearson.item() == 0.5
    GARLoss()(predictions, labels).backward()
    assert predictions.grad is not None
    assert predictions.grad.abs().max().item() < 1


def test_saturation_is_that_of_the_input_dtype() -> None:
    labels = torch.tensor([1e-7, -1e-7, 3e-7, 5e-7], dtype=torch.float16)
    predictions = (labels + torch.tensor([1e-7, 0, 0, 2e-7])).half().requires_grad_()
    GARLoss(10.0)(predictions, labels).backward()
    assert predictions.grad is not None
    assert bool(predictions.grad.isfinite().all())
