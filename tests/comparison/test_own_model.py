"""The plain loop: networks of one's own, targets with gaps, rows with weights."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from gar_verify import compare
from gar_verify.comparison import catalogue, loop, nested, plan, splits
from gar_verify.comparison.catalogue import Candidate
from gar_verify.comparison.columns import features_of
from gar_verify.losses import get_loss

ROWS = 48
SMALL = {"folds": 2, "quick": True, "jobs": 1, "references": False}


def wide(inputs: int, outputs: int) -> nn.Module:
    """A network of one's own, with what only a module has."""
    return nn.Sequential(
        nn.Linear(inputs, 24),
        nn.BatchNorm1d(24),
        nn.ReLU(),
        nn.Dropout(0.1),
        nn.Linear(24, outputs),
    )


def table(targets: int = 1) -> tuple[pd.DataFrame, np.ndarray]:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(ROWS, 2))
    y = 5 + np.stack([x @ [2.0, 1.0], x @ [-1.0, 2.0]], axis=1)[:, :targets]
    return pd.DataFrame(x, columns=["a", "b"]), y


def data(targets: np.ndarray, weight: np.ndarray | None = None) -> nested.Data:
    names = tuple(f"y{i}" for i in range(targets.shape[1]))
    return nested.Data(features_of(table()[0]), targets, names, splits.Layout(ROWS), weight)


def test_a_network_of_ones_own_is_trained_with_each_loss() -> None:
    X, y = table()
    runs = [
        compare(X, y[:, 0], losses=["mae", "gar", "ccc"], alphas=[1.0], model=wide, **SMALL)
        for _ in range(2)
    ]
    assert list(runs[0].labels) == ["mae", "gar", "ccc"]
    assert (runs[0].table()["MAE"] < np.abs(y - np.median(y)).mean()).all()
    pd.testing.assert_frame_equal(runs[0].predictions(), runs[1].predictions())
    assert "model=wide" in runs[0].command


def test_the_plain_loop_trains_as_the_stack_does() -> None:
    _, y = table(2)
    small = plan.make_plan(ROWS, ["mae", "gar", "ccc"], [0.5], folds=2, quick=True)
    outer, test = splits.Layout(ROWS).outer(2, 0)[0]
    problem = nested._problem(data(y), outer[:16], outer[16:], test)
    choices = [nested.Choice(c, 0.02, 1e-4, small.recipe.epochs) for c in small.candidates]
    task = nested._Task(data(y), small, nested.Machine(), 0, outer, test, lambda n: None, 1.0)
    stacked = nested._fit_stacked(task, problem, small.recipe, choices, small.lengths)
    settings = [loop.Settings(*choice[:3]) for choice in choices]
    alone = loop.fit(problem, small.recipe, settings, small.lengths, seed=0)
    np.testing.assert_allclose(alone.predictions, stacked.predictions, atol=2e-3)
    np.testing.assert_allclose(alone.validation, stacked.validation, atol=2e-3)


@pytest.mark.parametrize("candidate", [Candidate(name, 0.5) for name in catalogue.WEIGHTED])
def test_a_missing_target_is_as_good_as_absent(candidate: Candidate) -> None:
    torch.manual_seed(0)
    f = torch.randn(12, 2, dtype=torch.float64, requires_grad=True)
    y = torch.randn(12, 2, dtype=torch.float64)
    y[:4, 0] = float("nan")
    shares = (~y.isnan()).double()
    value = loop._loss(candidate, f, y, shares)
    value.backward()
    assert (f.grad[:4, 0] == 0).all()
    assert f.grad.isfinite().all()
    spec = catalogue.get_spec(candidate.loss)
    given = {spec.hyperparameter: candidate.value} if spec.hyperparameter else {}
    module = get_loss(candidate.loss, **given) if candidate.loss != "ccc" else spec.factory()
    if candidate.loss != "gar":  # which aggregates the means over the targets
        parts = [module(f[4:, :1], y[4:, :1]), module(f[:, 1:], y[:, 1:])]
        torch.testing.assert_close(value, torch.stack(parts).mean())
    whole = loop._loss(candidate, f[4:], y[4:], shares[4:])
    torch.testing.assert_close(whole, module(f[4:], y[4:]))


def test_targets_with_gaps_count_where_they_are() -> None:
    X, y = table(2)
    y[:10, 0] = np.nan
    y[10, 1] = np.nan
    outcome = compare(X, y, losses=["mae", "gar"], alphas=[1.0], **SMALL)
    assert outcome.table().notna().loc[:, ["MAE", "CCC"]].all(axis=None)
    assert "10 of 48 rows lack the target 'y0'; they count for the others" in outcome.notes
    own = outcome.predictions()
    assert own.loc[own["target"] == "y0", "observed"].isna().sum() == 10
    assert own["GAR"].notna().all()
    with pytest.raises(ValueError, match="RnC cannot be trained with gaps in the targets; losses"):
        compare(X, y, losses=["mae", "rnc"], **SMALL)
    y[: ROWS - 6, 0] = np.nan
    with pytest.raises(ValueError, match="6 rows with target 'y0' are too few for 2 folds"):
        compare(X, y, losses=["mae"], **SMALL)


def test_a_row_of_weight_zero_teaches_nothing() -> None:
    X, y = table()
    weight = np.ones(ROWS)
    weight[::6] = 0
    odd = y[:, 0].copy()
    odd[::6] = 1e3
    settings = {"losses": ["mse"], "weight": weight, **SMALL}
    outcome = compare(X, odd, **settings)
    # their labels enter the scale of the target alone
    assert outcome.table().loc[("y", "MSE"), "MAE"] < 50
    with pytest.raises(ValueError, match="weight 'weight' is negative in 1 rows, first in row 1"):
        compare(X, odd, **settings | {"weight": np.r_[-1, weight[1:]]})


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (3, "model must be a function of the numbers of inputs and outputs, got 3"),
        (lambda inputs: nn.Linear(inputs, 1), "fails: .* positional argument"),
        (lambda inputs, outputs: "no", "made str; expected a torch.nn.Module"),
        (lambda inputs, outputs: nn.Linear(inputs, 1), r"makes \(2, 1\) of 2 rows; expected \(2,"),
    ],
)
def test_what_is_no_network_is_refused(build: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        loop.model_of(build)


def test_losses_of_features_are_refused_for_a_network_of_ones_own() -> None:
    X, y = table()
    with pytest.raises(ValueError, match="RankSim cannot be trained with a network of one's own"):
        compare(X, y, losses=["ranksim"], model=wide, **SMALL)


def test_a_model_is_found_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = "from torch import nn\ndef build(i, o):\n    return nn.Linear(i, o)\n"
    (tmp_path / "mine_alone.py").write_text(text)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    model = loop.load("mine_alone:build")
    assert isinstance(model.build(2, 1), nn.Linear)
    before = model.digest
    (tmp_path / "mine_alone.py").write_text(text + "# other\n")
    assert model.digest != before
    for name, message in (
        ("mine_alone", "takes module:function"),
        ("nowhere_at_all:build", "there is no module 'nowhere_at_all' here"),
        ("mine_alone:make", "mine_alone has no 'make'"),
    ):
        with pytest.raises(ValueError, match=message):
            loop.load(name)
