"""The table of losses: complete, as published, and usable by name and by the stacked trainer."""

from __future__ import annotations

import inspect
import pickle
import re
from fractions import Fraction

import pytest
import torch
from torch import Tensor

from gar_verify.losses import stacking
from gar_verify.losses.registry import LOSSES, REPEATS, get_loss, get_spec

PUBLISHED = {
    "mae": "MAE",
    "mse": "MSE",
    "huber": "Huber",
    "focal_mae": "focal-MAE",
    "focal_mse": "focal-MSE",
    "mae_pearson": "MAE-Pearson",
    "ranksim": "RankSim",
    "rnc": "RnC",
    "conr": "ConR",
    "gar": "GAR",
    "gar_released": "GAR (released)",
}
NAMES = list(PUBLISHED)
STACKED = [(name, phase) for name in NAMES for phase in ("stacked", "stacked_pretraining")]


def batch(models: int = 4, rows: int = 9, targets: int = 1) -> tuple[Tensor, Tensor, Tensor]:
    f = torch.randn(models, rows, targets, dtype=torch.float64, requires_grad=True)
    x = torch.randn(models, rows, 3, dtype=torch.float64, requires_grad=True)
    return f, torch.randn(models, rows, targets, dtype=torch.float64).round(), x


def grid(name: str, models: int) -> Tensor:
    values = LOSSES[name].tabular_grid or REPEATS
    return torch.tensor([values[i % len(values)] for i in range(models)], dtype=torch.float64)


def test_names_and_published_labels() -> None:
    assert {name: LOSSES[name].label for name in NAMES} == PUBLISHED
    assert [name for name in LOSSES if name in PUBLISHED] == NAMES
    assert all(spec.name == name for name, spec in LOSSES.items())


def test_published_grids() -> None:
    assert {name: LOSSES[name].tabular_grid for name in NAMES} == {
        "mae": REPEATS,
        "mse": REPEATS,
        "huber": (0.25, 1.0, 4.0),
        "focal_mae": (0.25, 1.0, 4.0),
        "focal_mse": (0.25, 1.0, 4.0),
        "mae_pearson": (),
        "ranksim": (0.5, 1.0, 2.0),
        "rnc": (1.0, 2.0, 4.0),
        "conr": (0.2, 1.0, 4.0),
        "gar": (0.1, 1.0, 10.0),
        "gar_released": (0.1, 1.0, 10.0),
    }
    assert len(REPEATS) == 3


def test_published_synthetic_study() -> None:
    values = {n: LOSSES[n].synthetic_value for n in NAMES}
    values = {n: value for n, value in values.items() if value is not None}
    assert values == {"gar": 0.5, "gar_released": 0.5, "rnc": 4.0}


def test_weights_and_pairs_are_those_of_the_modules() -> None:
    for name, spec in LOSSES.items():
        parameters = inspect.signature(get_loss(name).forward).parameters
        assert spec.weights == ("sample_weight" in parameters), name
        assert spec.pairs == spec.needs_features == ("features" in parameters), name


def test_every_loss_has_its_own_color() -> None:
    colors = [spec.color for spec in LOSSES.values()]
    assert len(set(colors)) == len(colors)
    assert all(re.fullmatch("#[0-9A-F]{6}", color) for color in colors)


def test_only_rnc_has_two_phases() -> None:
    for name, spec in LOSSES.items():
        two = name == "rnc"
        assert (spec.stacked_pretraining is not None) == two
        assert (spec.tabular_pretraining, spec.synthetic_pretraining) == (
            (Fraction(1, 2), Fraction(1, 3)) if two else (0, 0)
        )


@pytest.mark.parametrize("name", NAMES)
def test_every_loss_is_made_by_its_name(name: str) -> None:
    module = get_loss(name)
    assert isinstance(module, torch.nn.Module)
    spec = get_spec(name)
    if spec.hyperparameter is not None and name != "conr":  # gamma multiplies ConR from outside
        value = spec.tabular_grid[0]
        assert str(value) in repr(get_loss(name, **{spec.hyperparameter: value}))


def test_unknown_names_are_helped() -> None:
    message = "there is no loss 'focal-MAE'; did you mean 'focal_mae'? the names are mae, mse, hu"
    with pytest.raises(ValueError, match=re.escape(message)):
        get_loss("focal-MAE")
    with pytest.raises(ValueError, match="there is no loss 'xyz'; the names are"):
        get_spec("xyz")
    with pytest.raises(ValueError, match="there is no loss 'GAR'; did you mean 'gar'"):
        get_loss("GAR")
    for name in (None, 3, ["gar"]):
        with pytest.raises(TypeError, match=re.escape(f"called by its name, got {name!r}; the n")):
            get_loss(name)  # type: ignore[arg-type]


def test_unknown_hyperparameters_are_named() -> None:
    message = "rnc has no hyper-parameter 'temp', 'x'; it has temperature, views"
    with pytest.raises(TypeError, match=re.escape(message)):
        get_loss("rnc", temp=2.0, x=1)
    with pytest.raises(TypeError, match="mae_pearson has no hyper-parameter 'beta'; it has none"):
        get_loss("mae_pearson", beta=1.0)


@pytest.mark.parametrize(("name", "phase"), STACKED)
@pytest.mark.parametrize("targets", [1, 2])
def test_a_stack_is_its_models_one_at_a_time(
    name: str, phase: str, targets: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Value and gradient, whatever the size of the blocks that pairwise losses are taken in."""
    loss = getattr(LOSSES[name], phase)
    if loss is None:
        assert name != "rnc"
        return
    f, y, x = batch(targets=targets)
    values, numbers = grid(name, 4), torch.rand(4, 9)
    inputs = (f, x)

    def slopes(result: Tensor) -> list[Tensor]:
        found = torch.autograd.grad(result.sum(), inputs, allow_unused=True)
        return [torch.zeros(()) if g is None else g for g in found]

    whole = loss(f, y, x, values, numbers)
    whole_slopes = slopes(whole)
    assert whole.shape == (4,)
    for block in (1, 2 * 81, 3 * 81):
        monkeypatch.setattr(stacking, "PAIRS", block)
        parts = loss(f, y, x, values, numbers)
        torch.testing.assert_close(parts, whole)
        for a, b in zip(slopes(parts), whole_slopes, strict=True):
            torch.testing.assert_close(a, b)
    for i in range(4):
        one = slice(i, i + 1)
        alone = loss(f[one], y[one], x[one], values[one], numbers[one])
        torch.testing.assert_close(alone, whole[one])


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.parametrize(("name", "phase"), STACKED)
def test_a_gpu_gives_what_a_cpu_gives(name: str, phase: str) -> None:
    loss = getattr(LOSSES[name], phase)
    if loss is None:
        return
    f, y, x = batch(rows=40)
    values, numbers = grid(name, 4), torch.rand(4, 40)
    here = loss(f, y, x, values, numbers)
    there = loss(f.cuda(), y.cuda(), x.cuda(), values.cuda(), numbers.cuda())
    torch.testing.assert_close(there.cpu(), here)
    for a, b in zip(
        torch.autograd.grad(there.sum(), (f, x), allow_unused=True),
        torch.autograd.grad(here.sum(), (f, x), allow_unused=True),
        strict=True,
    ):
        torch.testing.assert_close(a, b)


def test_the_first_phase_of_rnc_leaves_the_predictions_alone() -> None:
    f, y, x = batch()
    loss = LOSSES["rnc"].stacked_pretraining
    assert loss is not None
    value = loss(f, y, x, grid("rnc", 4), None)
    assert torch.autograd.grad(value.sum(), (f,), allow_unused=True) == (None,)


@pytest.mark.parametrize("name", [name for name in NAMES if not LOSSES[name].needs_features])
def test_losses_of_predictions_need_no_features(name: str) -> None:
    f, y, _ = batch()
    assert LOSSES[name].stacked(f, y, None, grid(name, 4), None).shape == (4,)


def test_objectives_of_training() -> None:
    f, y, x = batch()
    mae = (f - y).abs().mean((-2, -1))
    ones = torch.ones(4, dtype=torch.float64)
    torch.testing.assert_close(LOSSES["rnc"].stacked(f, y, x, ones, None), mae)
    conr = get_loss("conr")(x, y, f)
    torch.testing.assert_close(LOSSES["conr"].stacked(f, y, x, 4 * ones, None), mae + 4 * conr)
    y = y + torch.arange(9).reshape(1, 9, 1) / 100  # distinct labels: nothing is drawn
    ranksim = get_loss("ranksim", interpolation=1.0, weight=100.0)(x, y)
    mae = (f - y).abs().mean((-2, -1))
    torch.testing.assert_close(LOSSES["ranksim"].stacked(f, y, x, ones, None), mae + ranksim)


def test_random_numbers_of_a_model_do_not_depend_on_the_stack() -> None:
    f, y, x = batch()
    values = grid("ranksim", 4)

    def run(models: list[int]) -> Tensor:
        draw = [torch.Generator().manual_seed(i) for i in models]
        return LOSSES["ranksim"].stacked(f[models], y[models], x[models], values[models], draw)

    torch.testing.assert_close(run([0, 1, 2, 3])[[2]], run([2]))


def test_specs_travel_to_other_processes() -> None:
    for spec in LOSSES.values():
        assert pickle.loads(pickle.dumps(spec)) is spec
