"""GARLoss is the aggregation of the pairwise losses: value, gradient, and every corner."""

from __future__ import annotations

import math
import pickle
from contextlib import nullcontext
from typing import Any

import numpy as np
import pytest
import torch
from conditioning import (
    assert_value_and_gradient,
    comparable_spread,
    random_batch,
    well_conditioned,
)
from hypothesis import assume, given
from hypothesis import strategies as st

from gar_verify import (
    ConcordanceLoss,
    ErrorVarianceLoss,
    GARLoss,
    PearsonLoss,
    concordance_loss,
    error_variance_loss,
    gar_loss,
    kl_dro,
    normalized_pairwise_loss,
    pairwise_difference_loss,
    pearson_loss,
)
from gar_verify.losses import ReleasedGARLoss
from gar_verify.losses._compiled import torch_only
from gar_verify.losses.gar.accumulation import GARAccumulator
from gar_verify.losses.gar.loss import stacked_gar
from gar_verify.losses.gar.options import PARTS

ALPHAS = st.one_of(st.sampled_from([0.0, 0.1, 0.5, 1.0, 10.0, math.inf]), st.floats(0.05, 20))
SEEDS = st.integers(0, 2**31)
FORMS = st.sampled_from(["log", "power_mean"])


def oracle(f: torch.Tensor, y: torch.Tensor, alpha: float, form: str = "log") -> torch.Tensor:
    """GAR by its definition: the O(N^2) losses and autograd."""
    losses = [(f - y).abs().mean(), pairwise_difference_loss(f, y), normalized_pairwise_loss(f, y)]
    return kl_dro(torch.stack(losses), alpha, form=form)


@given(SEEDS, st.integers(3, 200), ALPHAS, FORMS)
def test_equals_the_pairwise_oracle(seed: int, n: int, alpha: float, form: str) -> None:
    f, y, _ = random_batch(seed, n)
    assume(well_conditioned(f, y))
    assert_value_and_gradient(gar_loss(f, y, alpha, form=form), oracle(f, y, alpha, form), f)


@given(SEEDS, ALPHAS)
def test_equals_the_pairwise_oracle_on_two_samples(seed: int, alpha: float) -> None:
    f, y, _ = random_batch(seed, 2)
    assume(comparable_spread(f, y))
    value, expected = gar_loss(f, y, alpha), oracle(f, y, alpha)
    rho = torch.sign((f[0] - f[1]) * (y[0] - y[1])).item()
    if rho < 0:  # rho = -1, where the losses are far from 0
        assert_value_and_gradient(value, expected, f, noise=1e-14 / abs(f[0] - f[1]).item())
    assert error_variance_loss(f, y).item() == pytest.approx(
        pairwise_difference_loss(f, y).item(), rel=1e-11
    )
    assert pearson_loss(f, y).item() == pytest.approx(1 - rho, abs=1e-12)


@given(SEEDS, st.integers(4, 12), ALPHAS, FORMS)
def test_first_and_second_derivatives(seed: int, n: int, alpha: float, form: str) -> None:
    f, y, _ = random_batch(seed, n)
    (one,) = torch.autograd.grad(gar_loss(f, y, alpha, form=form), f, create_graph=True)
    (two,) = torch.autograd.grad(oracle(f, y, alpha, form), f, create_graph=True)
    direction = torch.randn_like(f)
    (a,) = torch.autograd.grad(one @ direction, f)
    (b,) = torch.autograd.grad(two @ direction, f)
    torch.testing.assert_close(a, b, rtol=0, atol=1e-9 * b.abs().max().item() + 1e-12)


@pytest.mark.parametrize("conventional", ["mae", "mse", "huber"])
@pytest.mark.parametrize("alpha", [0.1, 0.5, 1.0, 3.0, math.inf])
def test_gradcheck(alpha: float, conventional: str) -> None:
    f, y, _ = random_batch(5, 6)
    loss = GARLoss(alpha, conventional=conventional, delta=0.7)
    assert torch.autograd.gradcheck(lambda x: loss(x, y), f)
    assert torch.autograd.gradgradcheck(lambda x: loss(x, y), f)


@pytest.mark.parametrize("conventional", ["mse", "huber"])
def test_other_conventional_losses(conventional: str) -> None:
    f, y, _ = random_batch(2, 9)
    d = f - y
    reference = {
        "mse": d.square().mean(),
        "huber": torch.nn.functional.huber_loss(f, y, delta=0.7),
    }[conventional]
    parts = [reference, pairwise_difference_loss(f, y), normalized_pairwise_loss(f, y)]
    value = gar_loss(f, y, 0.8, conventional=conventional, delta=0.7)
    assert_value_and_gradient(value, kl_dro(torch.stack(parts), 0.8), f)


# --- the theorems as properties -------------------------------------------------------------------


@given(SEEDS, st.integers(3, 30), st.floats(-50, 50), st.floats(0.1, 10))
def test_invariances(seed: int, n: int, shift: float, scale: float) -> None:
    f, y, _ = random_batch(seed, n)
    f = f.detach()
    order = torch.randperm(n)
    close = {"rtol": 1e-9, "atol": 1e-12}
    for loss in (error_variance_loss, pearson_loss, gar_loss):
        torch.testing.assert_close(loss(f[order], y[order]), loss(f, y), **close)
        torch.testing.assert_close(loss(f.repeat(3), y.repeat(3)), loss(f, y), **close)
    torch.testing.assert_close(
        error_variance_loss(f + shift, y), error_variance_loss(f, y), **close
    )
    pearson = pearson_loss(f, y)
    torch.testing.assert_close(pearson_loss(scale * f + shift, y), pearson, rtol=1e-7, atol=1e-12)
    torch.testing.assert_close(pearson_loss(y, f), pearson, rtol=1e-7, atol=1e-12)
    torch.testing.assert_close(pearson_loss(-f, y), 2 - pearson, rtol=1e-7, atol=1e-12)
    assert 0 <= pearson.item() <= 2


def test_the_motivating_example() -> None:
    labels = torch.zeros(4)
    alternating, biased = torch.tensor([1.0, -1.0, 1.0, -1.0]), torch.ones(4)
    for conventional in ("mae", "mse"):
        values = [
            GARLoss(conventional=conventional).components(errors, labels).conventional.item()
            for errors in (alternating, biased)
        ]
        assert values == [1, 1]
    assert error_variance_loss(alternating, labels).item() == 1
    assert error_variance_loss(biased, labels).item() == 0


@given(SEEDS)
def test_never_increases_with_alpha(seed: int) -> None:
    f, y, _ = random_batch(seed, 8)
    values = [gar_loss(f.detach(), y, a).item() for a in (0, 0.1, 0.5, 1, 3, math.inf)]
    assert all(a >= b - 1e-12 for a, b in zip(values, values[1:], strict=False))  # noqa: RUF007


# --- accuracy and degenerate batches --------------------------------------------------------------


@pytest.mark.parametrize("offset", [0.0, 100.0])
@pytest.mark.parametrize("scale", [0.1, 1.0, 10.0])
@pytest.mark.parametrize("noise", [1.0, 1e-2, 1.4e-5])
def test_float32_keeps_the_digits(offset: float, scale: float, noise: float) -> None:
    generator = torch.Generator().manual_seed(1)
    y = torch.randn(64, generator=generator)
    f = (scale * (y + noise * torch.randn(64, generator=generator) + offset)).requires_grad_()
    exact = f.detach().double().requires_grad_()
    losses = (f, y), (exact, y.double())
    single, double = (pearson_loss(*pair) for pair in losses)
    torch.testing.assert_close(single.double(), double, rtol=1e-6, atol=0)
    (one,), (two,) = torch.autograd.grad(single, f), torch.autograd.grad(double, exact)
    assert (one.double() - two).norm() <= 1e-6 * two.norm()


def degenerate(dtype: torch.dtype) -> dict[str, tuple[torch.Tensor, torch.Tensor]]:
    y = torch.randn(8, dtype=dtype)
    flat = torch.full((8,), 0.1, dtype=dtype)
    big, small = (1e30, 1e-30) if dtype != torch.float16 else (1e4, 1e-4)
    return {
        "perfect": (y.clone(), y),
        "constant predictions": (flat.clone(), y),
        "constant labels": (y.clone(), flat),
        "both constant": (flat + 1, flat),
        "perfect constant": (flat.clone(), flat),
        "one sample": (y[:1] + 1, y[:1]),
        "two samples": (y[:2].flip(0), y[:2]),
        "perfect sample": (y[:1].clone(), y[:1]),
        "duplicates": (y[:1].repeat(8) + 2, y),
        "shifted": (y + 3, y),
        "scaled": (3 * y, y),
        "reversed": (-y, y),
        "huge": (y.flip(0) * big, y * big),
        "tiny": (y.flip(0) * small, y * small),
        "tiny predictions": (y.flip(0) * small, y),
        "huge predictions": (y.flip(0) * big, y),
    }


DTYPES = [torch.float16, torch.bfloat16, torch.float32, torch.float64]


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("alpha", [0, 0.1, 0.5, 1, 10, math.inf])
@pytest.mark.parametrize("form", ["log", "power_mean"])
@pytest.mark.parametrize("name", list(degenerate(torch.float32)))
def test_degenerate_batches_are_finite(
    dtype: torch.dtype, alpha: float, form: str, name: str
) -> None:
    f, y = degenerate(dtype)[name]
    f.requires_grad_()
    value = GARLoss(alpha, form=form)(f, y)
    value.backward()
    assert f.grad is not None
    assert math.isfinite(value.item())
    assert bool(f.grad.isfinite().all())


def test_degenerate_values_are_those_documented() -> None:
    cases = degenerate(torch.float64)
    for name, pearson in (
        ("perfect", 0),
        ("constant predictions", 0.5),
        ("constant labels", 0.5),
        ("both constant", 0),
        ("one sample", 0),
        ("shifted", 0),
        ("reversed", 2),
    ):
        f, y = cases[name]
        f.requires_grad_()
        loss = pearson_loss(f, y)
        assert loss.item() == pytest.approx(pearson, abs=1e-14), name
        loss.backward()
        assert f.grad is not None
        torch.testing.assert_close(f.grad, torch.zeros_like(f), atol=1e-14, rtol=0)
    f, y = cases["perfect"]
    f.requires_grad_()
    for alpha in (0, 0.5, 1, math.inf):
        value = gar_loss(f, y, alpha)
        assert value.item() == pytest.approx(math.log(torch.finfo(f.dtype).tiny))
        (gradient,) = torch.autograd.grad(value, f)
        assert not gradient.any()


def without_pearson(loss: GARLoss, f: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """The gradient in f (float64) of the other two parts alone, with the weights of all three."""
    parts = loss.components(f, y)
    d = f.detach() - y
    by_mae = parts.weights[0] / parts.conventional * d.sign()
    by_variance = parts.weights[1] / parts.error_variance * 2 * (d - d.mean())
    return (by_mae + by_variance) / len(f)


@given(st.integers(0, 2**31), st.sampled_from([0.5, 1.5, 2.0, 10.0, math.inf]), st.booleans())
def test_rounding_in_step_with_the_labels_has_no_gradient(
    seed: int, alpha: float, two_samples: bool
) -> None:
    """Exactly linear: 1 - Pearson is 0, not the 1e-32 that rounding leaves, by every route."""
    generator = torch.Generator().manual_seed(seed)
    scale, shift = torch.rand(2, generator=generator).double() + 1 / 4
    if two_samples:
        y = torch.randn(2, generator=generator).double()
        f = scale * y + shift
    else:  # eighths of integers: nothing is rounded
        y = torch.randint(-1000, 1000, (30,), generator=generator).double()
        f = y * (8 * scale).ceil() / 16 + 0.375
    loss = GARLoss(alpha)
    expected = without_pearson(loss, f, y)
    accumulator = GARAccumulator(loss)
    for rows in (slice(0, 1), slice(1, None)):
        accumulator.observe(f[rows], y[rows])
    for value in (
        lambda f: loss(f, y),
        lambda f: loss(f, y, torch.ones_like(y)),
        lambda f: loss(f[:, None], y[:, None]),
        lambda f: sum(accumulator.loss(f[r], y[r]) for r in (slice(0, 1), slice(1, None))),
    ):
        leaf = f.clone().requires_grad_()
        (gradient,) = torch.autograd.grad(value(leaf), leaf)
        torch.testing.assert_close(gradient, expected, rtol=1e-10, atol=1e-12)
    assert pearson_loss(f, y).item() == 0


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_non_finite_inputs_are_propagated(bad: float) -> None:
    f, y, _ = random_batch(0, 5)
    with torch.no_grad():
        f[2] = bad
    for alpha in (0, 0.5, math.inf):
        value = gar_loss(f, y, alpha)
        assert value.isnan()
        (gradient,) = torch.autograd.grad(value, f)
        assert bool(gradient.isnan().any())


# --- weights, targets, dimensions -----------------------------------------------------------------


@given(SEEDS, st.lists(st.integers(0, 3), min_size=4, max_size=12), ALPHAS)
def test_integer_weights_are_repetitions(seed: int, counts: list[int], alpha: float) -> None:
    if sum(c > 0 for c in counts) < 3:
        counts = [1] * len(counts)
    f, y, _ = random_batch(seed, len(counts))
    repeats = torch.tensor(counts)
    weighted = gar_loss(f, y, alpha, sample_weight=0.3 * repeats.double())
    repeated = gar_loss(f.repeat_interleave(repeats), y.repeat_interleave(repeats), alpha)
    assert_value_and_gradient(weighted, repeated, f)


def test_two_policies_for_several_targets() -> None:
    f, y, _ = random_batch(3, 7, 4)
    columns = [gar_loss(f[:, t], y[:, t], 0.3) for t in range(4)]
    each = gar_loss(f, y, 0.3, targets="per_target", reduction="none")
    torch.testing.assert_close(each, torch.stack(columns))
    per_target = gar_loss(f, y, 0.3, targets="per_target")
    assert_value_and_gradient(per_target, torch.stack(columns).mean(), f)
    parts = [(f - y).abs().mean(), pairwise_difference_loss(f, y), normalized_pairwise_loss(f, y)]
    assert_value_and_gradient(gar_loss(f, y, 0.3), kl_dro(torch.stack(parts), 0.3), f)


def test_dim_correlates_across_the_targets_of_a_row() -> None:
    f, y, _ = random_batch(3, 7, 4)
    for targets in ("joint", "per_target"):
        across = gar_loss(f, y, targets=targets, dim=1)
        assert_value_and_gradient(across, gar_loss(f.T, y.T, targets=targets), f)
        assert gar_loss(f, y, targets=targets, dim=-1).item() == across.item()


@given(SEEDS)
def test_a_stack_of_models_is_each_by_itself(seed: int) -> None:
    f, y, _ = random_batch(seed, 4, 9, 2)
    alphas = torch.tensor([0.1, 0.5, 1.0, 10.0], dtype=torch.float64)
    stacked = stacked_gar(f, y, alphas)
    single = [gar_loss(f[i], y[i], alphas[i].item()) for i in range(4)]
    assert_value_and_gradient(stacked.sum(), torch.stack(single).sum(), f)
    torch.testing.assert_close(stacked, torch.stack(single))


@pytest.mark.parametrize("parts", [PARTS[:1], PARTS[1:], ("pearson", "conventional")])
def test_subsets_of_the_parts(parts: tuple[str, ...]) -> None:
    f, y, _ = random_batch(4, 9)
    every = {
        "conventional": (f - y).abs().mean(),
        "error_variance": pairwise_difference_loss(f, y),
        "pearson": normalized_pairwise_loss(f, y),
    }
    expected = kl_dro(torch.stack([every[p] for p in parts]), 0.4)
    assert_value_and_gradient(gar_loss(f, y, 0.4, parts=parts), expected, f)


def test_components_explain_the_value() -> None:
    f, y, _ = random_batch(6, 11, 3)
    for targets in ("joint", "per_target"):
        loss = GARLoss(0.3, targets=targets)
        c = loss.components(f, y)
        losses = torch.stack([c.conventional, c.error_variance, c.one_minus_pearson], -1)
        torch.testing.assert_close(c.weights.sum(-1), torch.ones_like(c.weights[..., 0]))
        powers = losses ** (1 / 0.3)
        torch.testing.assert_close(c.weights, powers / powers.sum(-1, keepdim=True))
        torch.testing.assert_close(c.value, loss(f, y).detach())
        assert not c.value.requires_grad


# --- PyTorch's tools ------------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # raised inside torch.func.hessian
def test_torch_func_transforms() -> None:
    f, y, _ = random_batch(7, 4, 6)
    loss = GARLoss(0.5)
    f = f.detach()
    batched = torch.func.vmap(torch.func.grad(loss))(f, y)
    for i in range(4):
        x = f[i].clone().requires_grad_()
        (expected,) = torch.autograd.grad(loss(x, y[i]), x)
        torch.testing.assert_close(batched[i], expected)
    hessian = torch.func.hessian(loss)(f[0], y[0])
    expected = torch.func.hessian(lambda x: oracle(x, y[0], 0.5))(f[0])
    torch.testing.assert_close(hessian, expected, rtol=1e-9, atol=1e-9)
    _, tangent = torch.func.jvp(lambda x: loss(x, y[0]), (f[0],), (f[1],))
    torch.testing.assert_close(tangent, batched[0] @ f[1])


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # raised inside the compiler
@pytest.mark.parametrize("options", [{}, {"conventional": "huber", "form": "power_mean"}], ids=str)
def test_compiles_to_one_graph(options: dict[str, Any]) -> None:
    loss = GARLoss(0.5, **options)
    compiled = torch.compile(loss, fullgraph=True, backend="aot_eager")
    f, y, _ = random_batch(8, 20)
    assert_value_and_gradient(compiled(f, y), loss(f, y), f)


def test_autocast_and_half_precision() -> None:
    model = torch.nn.Linear(5, 1)
    x, y = torch.randn(32, 5), torch.randn(32)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        prediction = model(x).squeeze(-1)
        assert prediction.dtype == torch.bfloat16
        value = GARLoss()(prediction, y)
    assert value.dtype == torch.float32
    value.backward()
    exact = GARLoss()(prediction.detach().double(), y.double())
    assert value.item() == pytest.approx(exact.item(), rel=1e-6)
    assert model.weight.grad is not None
    half = prediction.detach().half().requires_grad_()
    GARLoss()(half, y.half()).backward()
    assert half.grad is not None
    assert half.grad.dtype == torch.float16


def test_gradient_with_respect_to_the_target() -> None:
    f, y, _ = random_batch(9, 7)
    y.requires_grad_()
    (one,) = torch.autograd.grad(gar_loss(f, y, 0.5), y)
    (two,) = torch.autograd.grad(oracle(f, y, 0.5), y)
    torch.testing.assert_close(one, two)


def test_state_repr_and_pickle() -> None:
    loss = GARLoss(0.25, form="power_mean", targets="per_target")
    assert loss.state_dict() == {}
    assert repr(loss) == "GARLoss(alpha=0.25, form='power_mean', targets='per_target')"
    again = pickle.loads(pickle.dumps(loss))
    assert repr(again) == repr(loss)
    loss.alpha = math.inf
    f, y, _ = random_batch(0, 5)
    assert loss(f, y).item() == gar_loss(f, y, math.inf, form="power_mean").item()
    with pytest.raises(ValueError, match="got -1"):
        loss.alpha = -1


def test_the_value_is_the_same_with_and_without_gradients() -> None:
    for dtype in (torch.float32, torch.float64):
        f, y, _ = random_batch(1, 50)
        f, y = f.detach().to(dtype), y.to(dtype)
        assert gar_loss(f, y).item() == gar_loss(f.clone().requires_grad_(), y).item()


# --- errors ---------------------------------------------------------------------------------------

ROW = torch.ones(4)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((ROW, torch.ones(4, 1)), ValueError, r"\(4,\).*\(4, 1\).*reshape"),
        ((ROW, torch.ones(5)), ValueError, r"\(4,\).*\(5,\)"),
        ((torch.ones(4).long(), ROW), TypeError, "input must hold floating-point.*int64"),
        ((ROW, torch.ones(4).bool()), TypeError, "target must hold floating-point.*bool"),
        ((ROW, [1.0] * 4), TypeError, "target must be a torch.Tensor, got list"),
        ((ROW.to("meta"), ROW), ValueError, "input is on meta and target on cpu"),
        ((torch.ones(0), torch.ones(0)), ValueError, r"batch is empty.*\(0,\)"),
        ((torch.tensor(1.0), torch.tensor(1.0)), ValueError, "input is no batch.*got a scalar"),
        ((ROW, ROW, torch.ones(3)), ValueError, r"sample_weight has shape \(3,\); expected \(4,\)"),
        ((ROW, ROW, torch.ones(4).long()), TypeError, "sample_weight must hold floating-point"),
        ((ROW, ROW, torch.zeros(4)), ValueError, "positive sum.*sum 0"),
        ((ROW, ROW, -ROW), ValueError, "not negative.*from -1 to -1"),
    ],
)
def test_bad_batches_are_named(
    arguments: tuple[Any, ...], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        GARLoss()(*arguments)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"alpha": -1}, r"alpha must lie in \[0, inf\]"),
        ({"alpha": math.nan}, "got nan"),
        (
            {"conventional": "rmse"},
            "conventional must be one of 'mae', 'mse', 'huber', 'conc.*', got 'rmse'",
        ),
        ({"form": "exp"}, "form must be one of"),
        ({"constants": "both"}, "constants must be one of 'paper', 'released'"),
        ({"targets": "each"}, "targets must be one of 'joint', 'per_target'"),
        ({"reduction": "sum"}, "reduction must be one of 'mean', 'none', got 'sum'"),
        ({"reduction": "none"}, "reduction='none' .* needs targets='per_target'"),
        ({"delta": 0}, "delta must be above 0, got 0"),
        ({"parts": ("mae",)}, "parts must name distinct sub-losses"),
        ({"constants": "released", "conventional": "mse"}, "constants='released'"),
    ],
)
def test_bad_options_are_named(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        GARLoss(**options)


def test_released_constants_by_the_deprecated_option() -> None:
    f, y, _ = random_batch(3, 9)
    with pytest.warns(DeprecationWarning, match="use gar_verify.losses.ReleasedGARLoss") as seen:
        loss = GARLoss(0.3, constants="released", form="power_mean")
    assert seen[0].filename == __file__
    assert repr(loss) == "ReleasedGARLoss(alpha=0.3, form='power_mean')"
    expected = ReleasedGARLoss(0.3, form="power_mean")(f, y)
    assert loss(f, y).item() == expected.item() != GARLoss(0.3, form="power_mean")(f, y).item()
    with pytest.warns(DeprecationWarning, match="ReleasedGARLoss"):
        value = gar_loss(f, y, 0.3, constants="released", form="power_mean")
    assert value.item() == expected.item()


# --- what torch's own losses take -----------------------------------------------------------------


@pytest.mark.parametrize("alpha", [np.float32(0.5), np.float64(0.5), np.int64(1), np.float16(2)])
def test_numbers_of_numpy_are_numbers(alpha: Any) -> None:
    assert GARLoss(alpha).alpha == float(alpha)
    assert gar_loss(ROW, 2 * ROW, alpha) == GARLoss(float(alpha))(ROW, 2 * ROW)
    with pytest.raises(TypeError, match="alpha must be a number"):
        GARLoss(np.bool_(True))  # type: ignore[arg-type]


@pytest.mark.parametrize("one", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
@pytest.mark.parametrize("two", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
@pytest.mark.parametrize("compiled", [True, False])
def test_dtypes_are_promoted_as_in_torch(
    one: torch.dtype, two: torch.dtype, compiled: bool
) -> None:
    f, y = torch.tensor([1.0, 2.5, 4.0]).to(one), torch.tensor([1.5, 2.0, 3.0]).to(two)
    leaf = f.clone().requires_grad_()
    with nullcontext() if compiled else torch_only():
        value = GARLoss()(leaf, y)
        value.backward()
    together = torch.promote_types(one, two)
    assert value.dtype == (together if together.itemsize > 2 else torch.float32)
    assert leaf.grad is not None
    assert leaf.grad.dtype == one
    exact = f.double().requires_grad_()
    expected = GARLoss()(exact, y.double())
    expected.backward()
    torch.testing.assert_close(value.double(), expected, rtol=1e-6, atol=1e-6)
    digits = torch.finfo(one).eps
    torch.testing.assert_close(leaf.grad.double(), exact.grad, rtol=digits, atol=digits)


@pytest.mark.parametrize("compiled", [True, False])
def test_half_precision_weights_may_sum_to_more_than_half_precision_holds(compiled: bool) -> None:
    f, y = torch.linspace(0, 1, 300), torch.linspace(1, 0, 300).square()
    w = torch.full((300,), 1000.0, dtype=torch.float16)
    with nullcontext() if compiled else torch_only():
        assert GARLoss()(f, y, w).item() == pytest.approx(GARLoss()(f, y).item(), rel=1e-6)


def test_a_column_of_weights_is_one_for_each_sample() -> None:
    f, y, w = torch.randn(5, 3), torch.randn(5, 3), torch.rand(5) + 0.1
    assert GARLoss()(f, y, w[:, None]) == GARLoss()(f, y, w)
    assert GARLoss()(f[:, 0], y[:, 0], w[:, None]) == GARLoss()(f[:, 0], y[:, 0], w)
    with pytest.raises(ValueError, match=r"sample_weight has shape \(1, 5\); expected \(5,\)"):
        GARLoss()(f[:, 0], y[:, 0], w[None])


def test_a_string_is_no_sequence_of_parts() -> None:
    for call in (lambda: GARLoss(parts="pearson"), lambda: gar_loss(ROW, ROW, parts="pearson")):  # type: ignore[arg-type]
        with pytest.raises(ValueError, match=r"parts must be a tuple of sub-losses, got 'pearson'"):
            call()
    with pytest.raises(TypeError, match="delta must be a number, got '1'"):
        GARLoss(delta="1")  # type: ignore[arg-type]


@pytest.mark.parametrize("alpha", [0.0, 0.5, 1.0, math.inf])
def test_an_infinite_loss_makes_an_infinite_aggregate(alpha: float) -> None:
    assert kl_dro(torch.tensor([1.0, math.inf]), alpha) == math.inf
    assert kl_dro(torch.tensor([math.nan, math.inf]), alpha).isnan()


def test_compiled_autograd() -> None:
    """`torch.compile` of the backward pass itself, on batches of several sizes."""
    from torch._dynamo import compiled_autograd

    for n in (4, 4, 7):
        f, y = torch.randn(n, requires_grad=True), torch.randn(n)
        (expected,) = torch.autograd.grad(GARLoss()(f, y), f)
        with compiled_autograd._enable(torch.compile(backend="eager")):
            GARLoss()(f, y).backward()
        torch.testing.assert_close(f.grad, expected)


def test_modules_of_the_parts() -> None:
    f, y = torch.randn(6, 2), torch.randn(6, 2)
    pairs = (
        (PearsonLoss, pearson_loss),
        (ErrorVarianceLoss, error_variance_loss),
        (ConcordanceLoss, concordance_loss),
    )
    for module, function in pairs:
        assert module()(input=f, target=y) == function(input=f, target=y)
        assert torch.equal(module(reduction="none")(f, y), function(f, y, reduction="none"))
        assert module(reduction="none")(f, y).shape == (2,)
        assert module(dim=1)(f, y) == function(f, y, dim=1)
        assert "missing='error'" in repr(module())
        with pytest.raises(ValueError, match="reduction must be one of"):
            module(reduction="sum")  # type: ignore[arg-type]
