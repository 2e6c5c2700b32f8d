"""What holds of every loss of the registry: devices, compilation, dtypes, NaN and arguments."""

from __future__ import annotations

import inspect
import itertools
import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode

from gar_verify.losses import get_loss, normalized_pairwise_loss, pairwise_difference_loss
from gar_verify.losses.registry import LOSSES

EVERY = pytest.mark.parametrize("name", LOSSES)

FLOATING = (torch.float16, torch.bfloat16, torch.float32, torch.float64)


def arguments(name: str, rows: int = 8, dtype: torch.dtype = torch.float64) -> dict[str, Tensor]:
    """By their names in ``forward``; the first, and predictions, require a gradient."""
    g = torch.Generator().manual_seed(rows)
    first = "features" if LOSSES[name].needs_features else "input"
    shape = (rows, 4) if first == "features" else (rows,)
    given = {
        first: torch.randn(shape, generator=g, dtype=dtype).requires_grad_(),
        "target": torch.randn(rows, generator=g, dtype=dtype).mul(4).round().div(4),
    }
    if "prediction" in inspect.signature(get_loss(name).forward).parameters:
        given["prediction"] = torch.randn(rows, generator=g, dtype=dtype)
    return given


def slope(value: Tensor, given: dict[str, Tensor]) -> Tensor:
    (found,) = torch.autograd.grad(value, next(iter(given.values())))
    return found


def converted(given: dict[str, Tensor], *to: Any) -> dict[str, Tensor]:
    return {name: t.detach().to(*to).requires_grad_(t.requires_grad) for name, t in given.items()}


# --- devices and compilation ---------------------------------------------------------------------


@EVERY
def test_meta_tensors(name: str) -> None:
    given = converted(arguments(name), "meta")
    value = get_loss(name)(**given)
    assert (value.device.type, value.shape, value.dtype) == ("meta", (), torch.float64)
    assert slope(value, given).device.type == "meta"


@EVERY
def test_fake_tensors(name: str) -> None:
    given = arguments(name)
    with FakeTensorMode() as mode:
        given = {key: mode.from_tensor(t) for key, t in given.items()}
        value = get_loss(name)(**given)
        assert value.device.type == "cpu"
        assert slope(value, given).shape == next(iter(given.values())).shape


@EVERY
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_default_device_decides_nothing(name: str, dtype: torch.dtype) -> None:
    given, loss = arguments(name, dtype=dtype), get_loss(name)
    torch.manual_seed(0)
    expected = loss(**given)
    expected_slope = slope(expected, given)
    torch.manual_seed(0)
    with torch.device("meta"):
        value = loss(**given)
        found = slope(value, given)
    assert torch.equal(value, expected)
    assert torch.equal(found, expected_slope)


DYNAMO = pytest.mark.filterwarnings(  # raised inside the compiler
    "ignore:.*should not be instantiated:DeprecationWarning",
    "ignore:The .grad attribute of a Tensor:UserWarning",
)


@pytest.mark.slow
@EVERY
@DYNAMO
def test_compiled_as_a_whole_with_batches_of_any_size(name: str) -> None:
    torch._dynamo.reset()
    loss = get_loss(name)
    compiled = torch.compile(loss, fullgraph=True, backend="aot_eager")
    for rows in (8, 11, 17):
        given = arguments(name, rows)
        if name == "ranksim":  # the numbers that are drawn are others: no label repeats
            given["target"] = torch.arange(rows, dtype=torch.float64)
        value, expected = compiled(**given), loss(**given)
        torch.testing.assert_close(value, expected)
        torch.testing.assert_close(slope(value, given), slope(expected, given))


@DYNAMO
def test_a_generator_only_breaks_the_graph() -> None:
    torch._dynamo.reset()
    source = torch.Generator()
    loss = get_loss("ranksim", generator=source)
    compiled = torch.compile(loss, backend="aot_eager")
    for rows in (8, 11, 17):
        given, found = arguments("ranksim", rows), []
        for form in (compiled, loss):
            source.manual_seed(rows)
            found.append(form(**given))
        torch.testing.assert_close(*found)
        torch.testing.assert_close(*(slope(value, given) for value in found))


# --- dtypes --------------------------------------------------------------------------------------


@EVERY
def test_dtypes_may_differ(name: str) -> None:
    loss, given = get_loss(name), arguments(name)
    lead, *others = given
    for first, second in itertools.product(FLOATING, FLOATING):
        mixed = converted({lead: given[lead]}, first)
        mixed |= {key: given[key].to(second).requires_grad_() for key in others}
        wide = torch.promote_types(torch.promote_types(first, second), torch.float32)
        torch.manual_seed(0)
        value = loss(**mixed)
        torch.manual_seed(0)
        torch.testing.assert_close(value, loss(**converted(mixed, wide)))  # dtype included
        assert value.dtype == wide
        slopes = torch.autograd.grad(value, list(mixed.values()), allow_unused=True)
        assert slopes[0] is not None
        for found, of in zip(slopes, mixed.values(), strict=True):
            assert found is None or found.dtype == of.dtype


@pytest.mark.parametrize("loss", [pairwise_difference_loss, normalized_pairwise_loss])
def test_dtypes_of_the_definitions_may_differ(loss: Any) -> None:
    f, y = torch.randn(6), torch.randn(6, dtype=torch.float64)
    assert torch.equal(loss(f, y), loss(f.double(), y))
    assert loss(f.half(), f.bfloat16()).dtype == torch.float32


# --- values --------------------------------------------------------------------------------------


@EVERY
@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_what_is_not_finite_shows(name: str, bad: float) -> None:
    for key in arguments(name):
        given = arguments(name)
        with torch.no_grad():
            given[key][2] = bad
        if key == "target" and LOSSES[name].needs_features:
            with pytest.raises(ValueError, match="target must be finite, 1 of its 8"):
                get_loss(name)(**given)
            continue
        if key == "target" and name == "gar" and math.isnan(bad):
            with pytest.raises(ValueError, match="target holds 1 NaN of 8 labels"):
                get_loss(name)(**given)
            continue
        value = get_loss(name)(**given)
        assert not math.isfinite(value.detach()), key
        if LOSSES[name].needs_features:
            assert torch.isnan(slope(value, given)).any()


@pytest.mark.parametrize("name", [name for name in LOSSES if LOSSES[name].needs_features])
def test_labels_that_cannot_be_read_show_in_the_value(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("_validation", "_pairs", "_distinct"):
        monkeypatch.setattr(f"gar_verify.losses.{module}.values_readable", lambda tensor: False)
    given = arguments(name)
    given["target"][2] = math.nan
    assert math.isnan(get_loss(name)(**given).detach())


# --- arguments -----------------------------------------------------------------------------------


def configured() -> list[Any]:
    """Each hyper-parameter that is a number, with the loss it is of."""
    found = []
    for name in LOSSES:
        for parameter in inspect.signature(LOSSES[name].factory).parameters.values():
            if isinstance(parameter.default, float):
                found.append((name, parameter.name))
    return found


@pytest.mark.parametrize(("name", "option"), configured())
def test_hyperparameters_are_numbers(name: str, option: str) -> None:
    def made(value: Any) -> nn.Module:
        return get_loss(name, **{option: value})

    half = repr(made(0.5))
    for value in (np.float32(0.5), np.float64(0.5), np.array(0.5), torch.tensor(0.5)):
        assert repr(made(value)) == half
    assert repr(made(np.int64(2))) == repr(made(2)) == repr(made(2.0))
    for wrong in (True, np.bool_(True), "1", None, 1j, [1.0], np.ones(2), torch.ones(2)):
        with pytest.raises(TypeError, match=f"{option} must be a number, got .* of type"):
            made(wrong)
    with pytest.raises(TypeError, match=f"{option} is not trained"):
        made(nn.Parameter(torch.tensor(1.0)))
    with pytest.raises(ValueError, match=f"{option} must be a number, got nan"):
        made(math.nan)


@pytest.mark.parametrize("name", [name for name in LOSSES if not LOSSES[name].needs_features])
def test_predictions_and_labels_have_the_names_of_torch(name: str) -> None:
    assert list(inspect.signature(get_loss(name).forward).parameters)[:2] == ["input", "target"]


@pytest.mark.parametrize("name", [name for name in LOSSES if LOSSES[name].needs_features])
def test_losses_of_features_take_them_first(name: str) -> None:
    assert list(inspect.signature(get_loss(name).forward).parameters)[:2] == ["features", "target"]


@EVERY
def test_a_batch_that_was_squeezed_away_is_explained(name: str) -> None:
    if LOSSES[name].needs_features:
        with pytest.raises(ValueError, match=r"target has shape \(\)"):
            get_loss(name)(
                torch.zeros(1, 3), torch.tensor(1.0), *[torch.ones(1)] * (name == "conr")
            )
        return
    for pair in ((torch.tensor(1.0), torch.ones(1)), (torch.ones(1), torch.tensor(1.0))):
        with pytest.raises(ValueError, match=r"got a scalar; squeeze\(\) drops .* squeeze\(-1\)"):
            get_loss(name)(*pair)


@EVERY
def test_integers_and_complex_numbers_are_refused(name: str) -> None:
    given = arguments(name)
    for key in given:
        with pytest.raises(TypeError, match=f"{key} must hold floating-point numbers, got torch.i"):
            get_loss(name)(**given | {key: given[key].detach().long()})
        complex_numbers = given[key].detach().to(torch.complex64)
        with pytest.raises(TypeError, match=r"complex numbers have no order.*view_as_real"):
            get_loss(name)(**given | {key: complex_numbers})


@pytest.mark.parametrize("name", [name for name in LOSSES if LOSSES[name].weights])
def test_weights_of_rows(name: str) -> None:
    given, weight = arguments(name), torch.rand(8, dtype=torch.float64)
    expected = get_loss(name)(**given, sample_weight=weight)
    for shape in ((8,), (8, 1)):
        value = get_loss(name)(**given, sample_weight=weight.reshape(shape).float())
        torch.testing.assert_close(value, expected, rtol=1e-6, atol=0)
        assert value.dtype == torch.float64
