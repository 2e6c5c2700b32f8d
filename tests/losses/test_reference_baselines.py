"""The baselines against observed values of the released losses (GAR_VERIFY_REFERENCE).

The file holds inputs, values and gradients. Cases in which the released code was misused or gave
no finite number have, one by one, a better answer here, and a test that states it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from gar_verify.losses.conr import ConRLoss, contrast
from gar_verify.losses.conventional import HuberLoss, MAELoss, MSELoss
from gar_verify.losses.focal import FocalMAELoss, FocalMSELoss
from gar_verify.losses.mae_pearson import MAEPearsonLoss
from gar_verify.losses.ranksim import RankSimLoss, ranksim_loss
from gar_verify.losses.registry import LOSSES
from gar_verify.losses.rnc import RnCLoss

Case = dict[str, Any]
ELSEWHERE = {"GAR", "GAR-EXP", "GAR-ablation", "Pearson"}
BETTER_ANSWERED = {"misuse", "nonfinite"}
STATISTICS = "RankSim-tied-spread"


def tensor(case: Case, name: str) -> Tensor | None:
    values = case["inputs"].get(name)
    return None if values is None else torch.tensor(values, dtype=getattr(torch, case["dtype"]))


def by_id(cases: list[Case], id: str) -> Case:
    (found,) = [case for case in cases if case["id"] == id]
    return found


# --- how each of the released losses is written with ours --------------------------------------


def focal(module: type[FocalMAELoss | FocalMSELoss], case: Case) -> Callable[..., Tensor]:
    p = case["params"]
    loss = module(p["beta"], p["gamma"], p["activate"])
    return lambda f, y, x: loss(f, y, tensor(case, "weights"))


def ranksim(case: Case) -> Callable[..., Tensor]:
    loss = RankSimLoss(case["params"]["lambda"], case["params"]["weight"])
    chosen = case.get("chosen_indices")
    return lambda f, y, x: loss(x, y, None if chosen is None else torch.tensor(chosen))


def conr(case: Case) -> Callable[..., Tensor]:
    p = case["params"]
    loss = ConRLoss(p["w"], p["t_effective"] if "t_effective" in p else p["t"], p["e"])
    return lambda f, y, x: loss(x, y, f, tensor(case, "weights"))


def conr_nyud2(case: Case) -> Callable[..., Tensor]:
    """The variant for depth maps, from the same contrast.

    It compares the means of the maps, pushes by e v_i delta_ij with v the mean weight, divides by
    |P_i| + 1 and does not weight the rows.
    """
    p, v = case["params"], tensor(case, "weights").mean(1, keepdim=True)

    def loss(f: Tensor, y: Tensor, x: Tensor) -> Tensor:
        y, f = y.mean(1, keepdim=True), f.mean(1, keepdim=True)
        delta, pi = (y - y.T).abs(), (f - f.T).abs()
        alike = delta <= p["w"]
        unit = x / x.norm(dim=1, keepdim=True)
        itself = torch.eye(len(x), dtype=torch.bool)
        total, count = contrast(
            unit @ unit.T / p["t"],
            alike & ~itself,
            ~alike & (pi <= p["w"]),
            (p["e"] * v * delta).log(),
        )
        return (total / (count + 1)).mean()

    return loss


def stacked(case: Case, name: str, hyperparameter: str) -> Callable[..., Tensor]:
    """What training minimises, as a stack of one model."""
    value = torch.tensor([case["params"][hyperparameter]])
    loss = LOSSES[name].stacked
    return lambda f, y, x: loss(f[None], y[None], x[None], value, None).squeeze(0)


WRITTEN: dict[str, Callable[[Case], Callable[..., Tensor]]] = {
    "MAE": lambda case: lambda f, y, x: MAELoss()(f, y),
    "MSE": lambda case: lambda f, y, x: MSELoss()(f, y),
    "Huber": lambda case: lambda f, y, x: HuberLoss(case["params"]["delta"])(f, y),
    "focal-MAE": lambda case: focal(FocalMAELoss, case),
    "focal-MSE": lambda case: focal(FocalMSELoss, case),
    "MAE-Pearson": lambda case: lambda f, y, x: MAEPearsonLoss()(f, y),
    "RnC": lambda case: lambda f, y, x: RnCLoss(case["params"]["temperature"])(x, y),
    "RnC-twoview": lambda case: lambda f, y, x: RnCLoss(case["params"]["temperature"])(x, y),
    "RankSim": ranksim,
    "RankSim-tied": ranksim,
    "MAE+100RankSim": lambda case: stacked(case, "ranksim", "lambda"),
    "ConR": conr,
    "ConR_extend": conr,
    "ConR-upstream-imdb": conr,
    "ConR-upstream-imdb-twoview": conr,
    "ConR-upstream-agedb-twoview": conr,
    "ConR-upstream-nyud2": conr_nyud2,
    "MAE+ConR": lambda case: stacked(case, "conr", "para"),
}


def evaluate(case: Case) -> tuple[Tensor, dict[str, Tensor]]:
    """Our value, and the gradient with respect to each input that has one."""
    f, y, x = (tensor(case, name) for name in ("pred", "target", "features"))
    inputs = {
        name: t.requires_grad_() for name, t in (("pred", f), ("features", x)) if t is not None
    }
    value = WRITTEN[case["loss"]](case)(f, y, x)
    slopes = torch.autograd.grad(value, list(inputs.values()), allow_unused=True)
    return value.detach(), dict(zip(inputs, slopes, strict=True))


# --- the comparison ----------------------------------------------------------------------------


def tolerances(case: Case) -> tuple[float, float]:
    """Of the value and, in units of its largest entry, of the gradient; as the file suggests."""
    if "RankSim" in case["loss"]:
        return 1e-6, 1e-5
    return (1e-9, 1e-7) if case["dtype"] == "float64" else (3e-4, 2e-3)


def differences(case: Case) -> list[str]:
    """What is not as observed, in words."""
    value_tolerance, tolerance = tolerances(case)
    value, slopes = evaluate(case)
    found = []
    if value.item() != pytest.approx(case["value"], rel=value_tolerance, abs=1e-12):
        found.append(f"{case['id']}: value {value.item()} instead of {case['value']}")
    for name, observed in (case["grad"] or {}).items():
        slope = slopes[name]
        if observed is None:  # nothing differentiable came back: here, nothing or zeros
            if slope is not None and slope.any():
                found.append(f"{case['id']}: gradient for {name} where none was observed")
            continue
        expected = torch.tensor(observed, dtype=slope.dtype)
        limit = tolerance * expected.abs().max().item()
        if "zero_gradient" in case["tags"]:
            limit = 1e-5  # rounding noise on both sides
        error = (slope - expected).abs().max().item()
        if not error <= limit:
            found.append(f"{case['id']}: gradient for {name} off by {error}, allowed {limit}")
    return found


@pytest.mark.parametrize("loss", WRITTEN)
def test_values_and_gradients(loss: str, reference_cases: list[Case]) -> None:
    cases = [
        case
        for case in reference_cases
        if case["loss"] == loss and not BETTER_ANSWERED & set(case["tags"])
    ]
    assert cases
    assert [text for case in cases for text in differences(case)] == []


def test_no_case_is_left_out(reference_cases: list[Case]) -> None:
    assert {c["loss"] for c in reference_cases} == {*WRITTEN, *ELSEWHERE, STATISTICS}
    different = {
        case["id"]
        for case in reference_cases
        if case["loss"] not in ELSEWHERE and BETTER_ANSWERED & set(case["tags"])
    }
    assert different == {*FLAT_LABELS, *FAR_FEATURES, *WITHOUT_POSITIVES, "ConR/E_1d_target"}


@pytest.mark.parametrize("id", ["RankSim-tied/T02_N8_d4", "RankSim-tied/T03_N33_d5"])
def test_the_random_choice_has_the_observed_spread(id: str, reference_cases: list[Case]) -> None:
    """500 draws at once, as 500 models with the same batch."""
    case = by_id(reference_cases, f"{id}/l2/w100/spread500")
    draws = case["params"]["draws"]
    x = tensor(case, "features").expand(draws, -1, -1).clone().requires_grad_()
    y = tensor(case, "target").expand(draws, -1, -1)
    draw = torch.Generator().manual_seed(0)
    values = ranksim_loss(x, y, case["params"]["lambda"], case["params"]["weight"], draw)
    (slopes,) = torch.autograd.grad(values.sum(), x)
    standard_error = case["value_rms_spread"] * math.sqrt(2 / draws)  # both sides are samples
    assert values.mean().item() == pytest.approx(case["value_mean"], abs=4 * standard_error)
    assert values.std(correction=0).item() == pytest.approx(case["value_rms_spread"], rel=0.2)
    observed = torch.tensor(case["grad_mean"]["features"], dtype=torch.float64)
    deviation = (slopes.mean(0) - observed).norm().item()
    assert deviation < 4 * case["grad_rms_spread"] * math.sqrt(2 / draws)
    spread = (slopes - slopes.mean(0)).square().sum((1, 2)).mean().sqrt().item()
    assert spread == pytest.approx(case["grad_rms_spread"], rel=0.2)


# --- better answers ----------------------------------------------------------------------------

FLAT_LABELS = ("RnC/E_1d_labels", "RankSim/E_1d_labels", "ConR/E_1d_both")
FAR_FEATURES = ("RnC/E_big_features_f32", "RnC/E_big_features_f64")
WITHOUT_POSITIVES = (
    "ConR-upstream-imdb/C01_N2_d2",
    "ConR-upstream-imdb/C02_N3_d2",
    "ConR-upstream-imdb/C03_N3_d4_tied",
    "ConR-upstream-imdb/E_no_pos_all_neg",
)


@pytest.mark.parametrize("id", FLAT_LABELS)
def test_labels_of_shape_n_are_one_target(id: str, reference_cases: list[Case]) -> None:
    """The released code raises an IndexError, or compares a row of zeros and returns 0."""
    case = by_id(reference_cases, id)
    columns = {k: v if k == "features" else [[e] for e in v] for k, v in case["inputs"].items()}
    value, slopes = evaluate(case)
    expected, expected_slopes = evaluate({**case, "inputs": columns})
    assert torch.equal(value, expected)
    assert value > 0
    assert torch.equal(slopes["features"], expected_slopes["features"])


def test_labels_and_predictions_of_different_shape_are_refused(reference_cases: list[Case]) -> None:
    """The released code broadcasts them, and returns 0."""
    case = by_id(reference_cases, "ConR/E_1d_target")
    message = r"prediction has shape \(8, 1\) and target has shape \(8,\); they must be equal"
    with pytest.raises(ValueError, match=message):
        evaluate(case)


@pytest.mark.parametrize("id", FAR_FEATURES)
def test_far_features_have_a_finite_rnc(id: str, reference_cases: list[Case]) -> None:
    """The released code gives -inf; this is the formula, in float64, with a log-sum-exp."""
    case = by_id(reference_cases, id)
    assert case["value"] == "-inf"
    x, y = tensor(case, "features").double(), tensor(case, "target")
    s = -torch.cdist(x, x, compute_mode="donot_use_mm_for_euclid_dist")
    others = ~torch.eye(len(x), dtype=torch.bool)
    delta = (y - y.T).abs()
    members = (delta.unsqueeze(1) >= delta.unsqueeze(2)) & others.unsqueeze(1)  # [i, j, k]
    lse = s.unsqueeze(1).masked_fill(~members, -math.inf).logsumexp(-1)
    value, slopes = evaluate(case)
    tolerance, _ = tolerances(case)
    assert value.item() == pytest.approx((lse - s)[others].mean().item(), rel=tolerance)
    assert torch.isfinite(slopes["features"]).all()


@pytest.mark.parametrize("id", WITHOUT_POSITIVES)
def test_rows_without_positives_contribute_nothing(id: str, reference_cases: list[Case]) -> None:
    """The upstream code divides by their number, 0, and returns NaN for the whole batch."""
    case = by_id(reference_cases, id)
    assert case["value"] == "nan"
    y, w = tensor(case, "target"), case["params"]["w"]
    positives = ((y - y.T).abs() <= w).sum(1) - 1
    value, slopes = evaluate(case)
    assert torch.isfinite(slopes["features"]).all()
    assert (value > 0) == bool((positives > 0).any())
