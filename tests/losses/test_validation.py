"""The shared checks: what they accept, and what they say."""

from __future__ import annotations

import re

import pytest
import torch

from gar_verify.losses import _validation as v


def says(text: str) -> str:
    return re.escape(text)


def test_shapes_that_differ_are_both_named() -> None:
    message = (
        "input has shape (8, 1) and target has shape (8,); they must be equal, nothing is "
        "broadcast: reshape one of them, for example target = target.reshape(input.shape)"
    )
    with pytest.raises(ValueError, match=says(message)):
        v.check_same_shape(torch.zeros(8, 1), torch.zeros(8))
    with pytest.raises(ValueError, match=says("(8,) and f has shape (7,)")) as raised:
        v.check_same_shape(torch.zeros(8), torch.zeros(7), ("y", "f"))
    assert "pass one f for each y" in str(raised.value)
    v.check_same_shape(torch.zeros(8, 2), torch.ones(8, 2))


def test_integers_and_lists_are_refused() -> None:
    with pytest.raises(
        TypeError,
        match=says("target must hold floating-point numbers, got torch.int64; convert it with"),
    ):
        v.check_floating(input=torch.zeros(3), target=torch.zeros(3, dtype=torch.int64))
    with pytest.raises(TypeError, match=says("input must be a torch.Tensor, got list; convert")):
        v.check_floating(input=[1.0])  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=says("got torch.complex64")):
        v.check_floating(input=torch.zeros(3, dtype=torch.complex64))


def test_numbers_out_of_range_are_refused() -> None:
    with pytest.raises(ValueError, match=says("delta must be above 0, got 0")):
        v.check_positive("delta", 0)
    with pytest.raises(ValueError, match=says("push must be at least 0, got -1.0")):
        v.check_nonnegative("push", -1.0)
    with pytest.raises(ValueError, match="must be above 0, got nan"):
        v.check_positive("delta", float("nan"))
    with pytest.raises(ValueError, match=r"above 0, got tensor\(\[1., 0.\]\)"):
        v.check_positive("delta", torch.tensor([1.0, 0.0]))
    v.check_nonnegative("push", torch.tensor([1.0, 0.0]))


def test_labels_must_be_finite() -> None:
    bad = torch.tensor([1.0, float("nan"), float("inf")])
    with pytest.raises(ValueError, match=says("target must be finite, 2 of its 3 entries are not")):
        v.check_finite(target=bad)


def test_choices_are_listed() -> None:
    with pytest.raises(ValueError, match=says("views must be one of 1, 2, got 3")):
        v.check_choice("views", 3, (1, 2))


def test_an_empty_batch_is_refused() -> None:
    with pytest.raises(ValueError, match=says("(0, 1), a batch of 0 rows; at least 1 are needed")):
        v.as_batch(torch.zeros(0), torch.zeros(0))
    with pytest.raises(ValueError, match="at least 1 are needed"):
        v.labels_of(torch.zeros(0, 3), torch.zeros(0))


def test_a_hyperparameter_for_each_model() -> None:
    models = torch.Size([3])
    assert v.per_model("delta", 2.0, models, 2) == 2.0
    per_model = v.per_model("delta", torch.ones(3), models, 2)
    assert isinstance(per_model, torch.Tensor)
    assert per_model.shape == (3, 1, 1)
    with pytest.raises(ValueError, match=says("delta has shape (2,) and the leading dimensions")):
        v.per_model("delta", torch.ones(2), models, 2)


def test_layouts() -> None:
    assert v.as_columns(torch.zeros(5)).shape == (5, 1)
    assert v.as_columns(torch.zeros(5, 2)).shape == (5, 2)
    with pytest.raises(ValueError, match="got a scalar"):
        v.as_columns(torch.tensor(1.0))
    features = torch.zeros(4, 5, 3)
    assert v.labels_of(features, torch.zeros(4, 5)).shape == (4, 5, 1)
    assert v.labels_of(features, torch.zeros(4, 5, 2)).shape == (4, 5, 2)
    with pytest.raises(ValueError, match=says("features have shape (4, 5, 3) and target has")):
        v.labels_of(features, torch.zeros(5))
    with pytest.raises(ValueError, match=says("features must be (..., N, d)")):
        v.labels_of(torch.zeros(5), torch.zeros(5))


def test_the_widest_dtype_counts_and_half_precision_is_raised() -> None:
    half, single, double = (
        torch.zeros(2, dtype=d) for d in (torch.half, torch.float, torch.double)
    )
    assert [t.dtype for t in v.promoted(half, half.bfloat16())] == [torch.float32] * 2
    assert [t.dtype for t in v.promoted(half, single, double)] == [torch.float64] * 3
    assert v.promoted(single)[0] is single


def test_complex_numbers_are_told_what_to_do() -> None:
    with pytest.raises(
        TypeError, match=says("regress both parts as two targets, with torch.view_")
    ):
        v.check_floating(target=torch.zeros(3, dtype=torch.complex64))


def test_values_are_read_on_the_cpu_only_and_in_no_trace() -> None:
    plain = torch.zeros(2)
    assert v.values_readable(plain)
    assert v.values_readable(torch.nn.Parameter(plain))
    assert not v.values_readable(plain.to("meta"))
    seen: list[bool] = []

    def look(x: torch.Tensor) -> torch.Tensor:
        seen.append(v.values_readable(x))
        return x.sum()

    torch.func.grad(look)(plain)
    assert seen == [False]


def test_what_is_not_finite_makes_value_and_gradient_nan() -> None:
    x = torch.tensor([[[1.0]], [[float("inf")]]], requires_grad=True)
    value = v.nan_unless_finite(x.detach().sum((-2, -1)) * 0 + x.nan_to_num(0, 0).sum((-2, -1)), x)
    assert value[0] == 1
    assert value[1].isnan()
    (slope,) = torch.autograd.grad(value.sum(), x)
    assert slope[0] == 1


def test_half_precision_is_raised_to_float32() -> None:
    halves = v.at_least_float32(torch.zeros(2, dtype=torch.float16), torch.zeros(2).bfloat16())
    assert [t.dtype for t in halves] == [torch.float32, torch.float32]
    (double,) = v.at_least_float32(torch.zeros(2, dtype=torch.float64))
    assert double.dtype == torch.float64
