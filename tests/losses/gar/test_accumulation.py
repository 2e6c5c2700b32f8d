"""Two passes over micro-batches give the value and gradient of the one big batch."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import pytest
import torch
from conditioning import assert_same, random_batch, well_conditioned
from hypothesis import assume, given
from hypothesis import strategies as st
from torch import Tensor

from gar_verify import GARLoss
from gar_verify.losses import ReleasedGARLoss
from gar_verify.losses.gar.accumulation import GARAccumulator

SEEDS = st.integers(0, 2**31)
SIZES = st.lists(st.integers(1, 9), min_size=1, max_size=6).filter(lambda sizes: sum(sizes) >= 3)
OPTIONS = st.fixed_dictionaries(
    {
        "alpha": st.sampled_from([0.0, 0.1, 0.5, 1.0, 10.0, math.inf]),
        "form": st.sampled_from(["log", "power_mean"]),
        "conventional": st.sampled_from(["mae", "mse", "huber"]),
        "targets": st.sampled_from(["joint", "per_target"]),
    }
)

Batch = tuple[Tensor, Tensor, Tensor | None]


def accumulated(
    accumulator: GARAccumulator, f: Tensor, y: Tensor, w: Tensor | None, sizes: Sequence[int]
) -> tuple[Tensor, Tensor]:
    """Value and gradient by both passes."""
    f = f.detach().clone().requires_grad_()
    weights = [None] * len(sizes) if w is None else w.split(list(sizes))
    chunks = list(zip(f.split(list(sizes)), y.split(list(sizes)), weights, strict=True))
    for chunk in chunks:
        accumulator.observe(*chunk)
    for chunk in chunks:
        value = accumulator.loss(*chunk)
        torch.testing.assert_close(
            value.detach(), accumulator.value, rtol=0, atol=0, equal_nan=True
        )
        value.sum().backward()
    assert f.grad is not None
    return accumulator.value, f.grad


def exact(loss: GARLoss, f: Tensor, y: Tensor, w: Tensor | None) -> tuple[Tensor, Tensor]:
    f = f.detach().clone().requires_grad_()
    value = loss(f, y, w)
    value.sum().backward()
    assert f.grad is not None
    return value.detach(), f.grad


@given(SEEDS, SIZES, OPTIONS)
def test_equals_one_big_batch(seed: int, sizes: list[int], options: dict[str, Any]) -> None:
    loss = GARLoss(**options)
    f, y, _ = random_batch(seed, sum(sizes))
    assume(well_conditioned(f, y))
    assert_same(accumulated(GARAccumulator(loss), f, y, None, sizes), exact(loss, f, y, None))


@given(SEEDS, SIZES, OPTIONS, st.integers(1, 3), st.sampled_from(["none", "samples", "entries"]))
def test_equals_one_big_batch_with_targets_and_weights(
    seed: int, sizes: list[int], options: dict[str, Any], targets: int, weighted: str
) -> None:
    loss = GARLoss(**options)
    f, y, entries = random_batch(seed, sum(sizes), targets)
    w = {"none": None, "samples": entries[:, 0], "entries": entries}[weighted]
    if w is not None and len(sizes) > 1:
        w[: sizes[0]] = 0  # a micro-batch that is absent
        if sum(sizes[1:]) < 3:
            return
    assume(well_conditioned(f, y, w))
    assert_same(accumulated(GARAccumulator(loss), f, y, w, sizes), exact(loss, f, y, w))


def test_no_reduction() -> None:
    loss = GARLoss(targets="per_target", reduction="none")
    f, y, w = random_batch(1, 11, 3)
    found = accumulated(GARAccumulator(loss), f, y, w, (4, 4, 3))
    assert found[0].shape == (3,)
    assert_same(found, exact(loss, f, y, w))


@pytest.mark.parametrize("constant", [0.1, -7e20, 1e-30])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_predictions_constant_over_all_chunks_have_no_correlation(
    constant: float, dtype: torch.dtype
) -> None:
    """A model whose last layer starts from zero: rounding must not pass for a variance of f."""
    _, y, w = random_batch(2, 40, dtype=dtype)
    y = y + 0.3
    f = torch.full_like(y, constant)
    loss = GARLoss(parts=("pearson",))
    for weights in (None, w):
        value, gradient = accumulated(GARAccumulator(loss), f, y, weights, (13, 1, 20, 6))
        assert value.item() == pytest.approx(math.log(0.5))
        assert not gradient.any()


@pytest.mark.parametrize("name", ["perfect", "constant labels", "both constant", "one sample each"])
def test_degenerate_batches(name: str) -> None:
    f, y, _ = random_batch(3, 12)
    flat = torch.full_like(y, 0.1)
    f, y = {
        "perfect": (y, y),
        "constant labels": (f, flat),
        "both constant": (flat + 1, flat),
        "one sample each": (f, y),
    }[name]
    sizes = [1] * 12 if name == "one sample each" else [5, 1, 6]
    loss = GARLoss()
    assert_same(accumulated(GARAccumulator(loss), f, y, None, sizes), exact(loss, f, y, None))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_lower_precisions(dtype: torch.dtype) -> None:
    loss = GARLoss()
    f, y, _ = random_batch(4, 30, dtype=dtype)
    value, gradient = accumulated(GARAccumulator(loss), f, y, None, (10, 10, 10))
    expected, exact_gradient = exact(loss, f, y, None)
    assert gradient.dtype == dtype
    assert value.dtype == expected.dtype
    torch.testing.assert_close(value, expected)
    torch.testing.assert_close(gradient, exact_gradient)


def test_a_model_in_inference_mode_and_autocast() -> None:
    model = torch.nn.Linear(5, 2)
    x, y = torch.randn(20, 5), torch.randn(20, 2)
    accumulator = GARAccumulator(GARLoss(targets="per_target"))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        with torch.inference_mode():
            for a, b in zip(x.split(6), y.split(6), strict=True):
                accumulator.observe(model(a), b)
            seen = accumulator.value
        for a, b in zip(x.split(6), y.split(6), strict=True):
            accumulator.loss(model(a), b).backward()
        expected = GARLoss(targets="per_target")(model(x), y)
    torch.testing.assert_close(seen, expected.detach())
    gradient, *_ = torch.autograd.grad(expected, model.weight)
    assert model.weight.grad is not None
    torch.testing.assert_close(model.weight.grad, gradient, rtol=1e-2, atol=1e-2)


def test_one_accumulator_for_all_steps_and_a_schedule_of_alpha() -> None:
    loss = GARLoss()
    accumulator = GARAccumulator(loss)
    for step, alpha in enumerate((0.1, 1.0, math.inf)):
        loss.alpha = alpha
        f, y, _ = random_batch(step, 10 + step)
        found = accumulated(accumulator, f, y, None, (4, 6 + step))
        assert_same(found, exact(loss, f, y, None))


def test_the_value_alone_needs_no_second_pass() -> None:
    loss = GARLoss()
    accumulator = GARAccumulator(loss)
    f, y, _ = random_batch(5, 10)
    for end in (4, 10):  # more may be observed after a look
        begin = 0 if end == 4 else 4
        accumulator.observe(f[begin:end], y[begin:end])
        torch.testing.assert_close(accumulator.value, loss(f[:end], y[:end]))
    accumulator.reset()
    accumulator.observe(f, y)
    torch.testing.assert_close(accumulator.value, loss(f, y))


def test_training_takes_the_steps_of_the_big_batch() -> None:
    x = torch.randn(40, 4, dtype=torch.float64)
    y = torch.tanh(x @ torch.randn(4, 1, dtype=torch.float64))
    models = []
    for split in (False, True):
        torch.manual_seed(1)
        model = torch.nn.Sequential(
            torch.nn.Linear(4, 8), torch.nn.Tanh(), torch.nn.Linear(8, 1)
        ).double()
        optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
        loss = GARLoss()
        accumulator = GARAccumulator(loss)
        for _ in range(20):
            optimizer.zero_grad()
            if split:
                chunks = list(zip(x.split(15), y.split(15), strict=True))
                with torch.no_grad():
                    for a, b in chunks:
                        accumulator.observe(model(a), b)
                for a, b in chunks:
                    accumulator.loss(model(a), b).backward()
            else:
                loss(model(x), y).backward()
            optimizer.step()
        models.append(model)
    for one, two in zip(models[0].parameters(), models[1].parameters(), strict=True):
        torch.testing.assert_close(one, two, rtol=1e-9, atol=1e-10)


def test_non_finite_predictions_are_propagated() -> None:
    f, y, _ = random_batch(6, 9)
    f.data[4] = math.nan
    value, gradient = accumulated(GARAccumulator(GARLoss()), f, y, None, (3, 6))
    assert value.isnan()
    assert gradient.isnan().any()


# --- what it refuses ------------------------------------------------------------------------------


def observed(*sizes: int) -> tuple[GARAccumulator, list[tuple[Tensor, Tensor]]]:
    """An accumulator after pass 1, and the micro-batches."""
    f, y, _ = random_batch(7, sum(sizes))
    chunks = list(zip(f.split(list(sizes)), y.split(list(sizes)), strict=True))
    accumulator = GARAccumulator(GARLoss())
    for chunk in chunks:
        accumulator.observe(*chunk)
    return accumulator, chunks


def test_calls_out_of_order_are_refused() -> None:
    fresh = GARAccumulator(GARLoss())
    f, y, _ = random_batch(7, 4)
    for call in (lambda: fresh.loss(f, y), lambda: fresh.value):
        with pytest.raises(RuntimeError, match="nothing is observed"):
            call()
    accumulator, chunks = observed(4, 3)
    accumulator.loss(*chunks[0])
    with pytest.raises(RuntimeError, match="middle of pass 2, which has seen 1 of 2"):
        accumulator.observe(*chunks[0])
    accumulator.loss(*chunks[1])
    with pytest.raises(RuntimeError, match="pass 2 is over: all 2"):
        accumulator.loss(*chunks[0])
    accumulator.observe(*chunks[0])  # a new batch
    accumulator.loss(*chunks[0])


def test_passes_that_differ_are_refused() -> None:
    accumulator, chunks = observed(4, 3)
    with pytest.raises(RuntimeError, match="micro-batch 0 has 3 samples in pass 2 and had 4"):
        accumulator.loss(*chunks[1])
    accumulator, chunks = observed(4, 4, 4)
    accumulator.loss(*chunks[1])
    accumulator.loss(*chunks[0])
    with pytest.raises(RuntimeError, match=r"micro-batches \[0, 1\] of 3.*dropout"):
        accumulator.loss(*chunks[2])
    accumulator, chunks = observed(4, 3)
    accumulator.loss(*chunks[0])
    with pytest.raises(RuntimeError, match=r"micro-batches \[1\] of 2"):
        accumulator.loss(*chunks[1], torch.full((3,), 0.5, dtype=torch.float64))


@pytest.mark.parametrize("offset", [0.0, 1e3])
def test_dropout_is_noticed(offset: float) -> None:
    model = torch.nn.Sequential(torch.nn.Dropout(0.1), torch.nn.Linear(20, 1))
    x, y = torch.randn(64, 20), torch.randn(64, 1) + offset
    torch.nn.init.constant_(model[1].bias, offset)
    accumulator = GARAccumulator(GARLoss())
    chunks = list(zip(x.split(32), y.split(32), strict=True))
    for a, b in chunks:
        accumulator.observe(model(a), b)
    accumulator.loss(model(chunks[0][0]), chunks[0][1])
    with pytest.raises(RuntimeError, match="dropout off"):
        accumulator.loss(model(chunks[1][0]), chunks[1][1])


def test_batches_that_do_not_belong_together_are_refused() -> None:
    accumulator, chunks = observed(4, 3)
    f, y = chunks[0]
    for a, b in ((f[:, None], y[:, None]), (f.float(), y.float())):
        with pytest.raises(ValueError, match=r"must agree in the shape of a sample, dtype"):
            accumulator.observe(a, b)
    with pytest.raises(ValueError, match=r"\(4,\).*\(3,\)"):
        accumulator.observe(f, y[:3])
    torch.testing.assert_close(accumulator.loss(f, y).detach(), accumulator.value)


def test_a_second_pass_without_a_graph_is_refused() -> None:
    accumulator, chunks = observed(4, 3)
    with torch.no_grad(), pytest.raises(RuntimeError, match=r"no graph.*gradients enabled"):
        accumulator.loss(*chunks[0])
    with pytest.raises(NotImplementedError, match="detach target"):
        accumulator.loss(chunks[0][0], chunks[0][1].clone().requires_grad_())
    value = accumulator.loss(*chunks[0])
    with pytest.raises(NotImplementedError, match="no second derivatives"):
        value.backward(create_graph=True)


def test_weights_that_sum_to_zero_everywhere_are_refused() -> None:
    f, y, _ = random_batch(8, 4)
    accumulator = GARAccumulator(GARLoss())
    accumulator.observe(f, y, torch.zeros(4))
    with pytest.raises(ValueError, match="sums to zero over all chunks"):
        _ = accumulator.value


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"loss": torch.nn.L1Loss()}, TypeError, "needs a GARLoss, got L1Loss"),
        ({"loss": ReleasedGARLoss()}, TypeError, "needs a GARLoss, got ReleasedGARLoss"),
        ({"loss": GARLoss(dim=1)}, ValueError, "dim=1"),
        ({"loss": GARLoss(), "tolerance": -1}, ValueError, "tolerance must be at least 0"),
    ],
)
def test_bad_arguments_are_named(
    arguments: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        GARAccumulator(**arguments)
