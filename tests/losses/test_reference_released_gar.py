"""`ReleasedGARLoss` against observed values of the released GAR (GAR_VERIFY_REFERENCE)."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch

from gar_verify import gar_loss, pearson_loss
from gar_verify.losses.released_gar import released_gar_loss

LETTERS = {"a": "pearson", "b": "conventional", "c": "error_variance"}
VARIANTS = ("GAR", "GAR-EXP", "GAR-ablation")


def tensors(case: dict[str, Any]) -> tuple[torch.Tensor, torch.Tensor]:
    dtype = getattr(torch, case["dtype"])
    inputs = case["inputs"]
    return (
        torch.tensor(inputs["pred"], dtype=dtype, requires_grad=True),
        torch.tensor(inputs["target"], dtype=dtype),
    )


def parts_of(case: dict[str, Any]) -> tuple[str, ...]:
    if case["loss"] != "GAR-ablation":
        return tuple(LETTERS[letter] for letter in "bca")
    return tuple(LETTERS[letter] for letter in case["params"]["version"].split("+"))


def forgotten(f: torch.Tensor, y: torch.Tensor, alpha: float) -> float:
    """log of the normaliser that the released value leaves out: largest or smallest sub-loss."""
    losses = [released_gar_loss(f, y, 1.0, parts=(part,)).item() for part in LETTERS.values()]
    return max(losses) if alpha < 1 else min(losses) if alpha > 1 else 0.0


def assert_matches(case: dict[str, Any], value: float, gradient: torch.Tensor) -> None:
    """Within the tolerances that the file suggests for each dtype."""
    value_rtol, gradient_rtol = (1e-9, 1e-7) if case["dtype"] == "float64" else (3e-4, 2e-3)
    assert value == pytest.approx(case["value"], rel=value_rtol, abs=value_rtol), case["id"]
    expected = torch.tensor(case["grad"]["pred"], dtype=gradient.dtype)
    # Where the exact gradient is 0, the observed one is rounding noise.
    absolute = 1e-6 if "zero_gradient" in case["tags"] else 0.0
    largest = (gradient - expected).abs().max().item()
    assert largest <= gradient_rtol * expected.abs().max().item() + absolute, case["id"]


def test_every_observed_gar(reference_cases: list[dict[str, Any]]) -> None:
    checked = 0
    for case in reference_cases:
        unlike = {"misuse", "nonfinite", "raises"} & set(case["tags"])
        if case["loss"] not in VARIANTS or unlike or case["params"]["alpha"] < 0:
            continue
        f, y = tensors(case)
        alpha = float(case["params"]["alpha"])
        form = "power_mean" if case["loss"] == "GAR-EXP" else "log"
        value = released_gar_loss(f, y, alpha, form=form, parts=parts_of(case))
        (gradient,) = torch.autograd.grad(value, f)
        constant = forgotten(f.detach(), y, alpha) if form == "log" else 0.0
        assert_matches(case, value.item() - constant, gradient)
        checked += 1
    assert checked > 150


def test_every_observed_pearson(reference_cases: list[dict[str, Any]]) -> None:
    """The synthetic study's Pearson term is (N - 1)/N (1 - rho)."""
    checked = 0
    for case in reference_cases:
        if case["loss"] != "Pearson":
            continue
        f, y = tensors(case)
        n = f.shape[0]
        value = (n - 1) / n * pearson_loss(f, y)
        (gradient,) = torch.autograd.grad(value, f)
        assert_matches(case, value.item(), gradient)
        checked += 1
    assert checked == 6


def test_where_the_released_code_fails_ours_answers(reference_cases: list[dict[str, Any]]) -> None:
    """N = 1 (theirs: NaN), silent broadcasting to N x N, alpha = 0 (division by zero) or below."""
    seen = set()
    for case in reference_cases:
        if case["loss"] not in VARIANTS:
            continue
        f, y = tensors(case)
        if case["params"]["alpha"] < 0:
            with pytest.raises(ValueError, match="alpha must lie in"):
                gar_loss(f, y, float(case["params"]["alpha"]))
            seen.add("negative")
        elif "misuse" in case["tags"]:
            with pytest.raises(ValueError, match="nothing is broadcast"):
                gar_loss(f, y)
        elif "nonfinite" in case["tags"] or "raises" in case["tags"]:
            value = gar_loss(f, y, float(case["params"]["alpha"]))
            (gradient,) = torch.autograd.grad(value, f)
            assert math.isfinite(value.item())
            assert bool(gradient.isfinite().all())
        else:
            continue
        seen |= {tag for tag in case["tags"] if tag != "edge"}
    assert seen == {"misuse", "nonfinite", "raises", "negative"}
