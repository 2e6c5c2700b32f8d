"""Losses of targets with gaps against loops over the observed entries, written from definitions."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

import pytest
import torch
from torch import Tensor

from gar_verify.losses import gaps, gaps_of_pairs
from gar_verify.losses.conventional import stacked_mae
from gar_verify.losses.gar.loss import gar_loss, stacked_alpha
from gar_verify.losses.registry import LOSSES
from gar_verify.losses.stacking import StackedLoss

NAN = math.nan
VALUES = {"huber": 0.7, "ranksim": 2.0, "rnc": 2.0, "conr": 4.0, "gar": 1.0, "per_target": 10.0}
MASKED: dict[str, StackedLoss] = {
    "mae": gaps.stacked_mae,
    "mse": gaps.stacked_mse,
    "huber": gaps.stacked_huber,
    "focal_mae": gaps.stacked_focal_mae,
    "focal_mse": gaps.stacked_focal_mse,
    "ranksim": gaps_of_pairs.stacked_ranksim,
    "rnc": gaps_of_pairs.stacked_rnc,
    "conr": gaps_of_pairs.stacked_conr,
    "gar": gaps.stacked_gar,
    "gar_released": gaps.stacked_released,
    "per_target": partial(gaps.stacked_gar, targets="per_target"),
}
PLAIN = {name: LOSSES[name].stacked for name in MASKED if name in LOSSES}
PLAIN["rnc"] = LOSSES["rnc"].stacked_pretraining  # type: ignore[assignment]


def batch(
    rows: int = 9, targets: int = 4, share: float = 0.25, seed: int = 0, models: int = 2
) -> tuple[Tensor, Tensor, Tensor]:
    """Predictions, labels with gaps and features of some models, in double precision."""
    random = torch.Generator().manual_seed(seed)

    def normal(*shape: int) -> Tensor:
        return torch.randn(models, rows, *shape, generator=random, dtype=torch.float64)

    y = normal(targets)
    f = y + 0.8 * normal(targets)
    absent = torch.rand(y.shape, generator=random) < share
    return f, y.masked_fill(absent, NAN), normal(5)


def evaluated(loss: StackedLoss, f: Tensor, y: Tensor, x: Tensor, value: float) -> list[Tensor]:
    """Value and gradients in predictions and features, as many as there are."""
    f, x = f.clone().requires_grad_(), x.clone().requires_grad_()
    numbers = torch.linspace(0, 1, y.shape[1], dtype=y.dtype).expand(y.shape[:2])
    found = loss(f, y, x, torch.full((len(f),), value, dtype=f.dtype), numbers)
    by = torch.autograd.grad(found.sum(), (f, x), allow_unused=True)
    return [
        found.detach(),
        *(torch.zeros_like(t) if g is None else g for t, g in zip((f, x), by, strict=True)),
    ]


# --- the definitions, for one model ---------------------------------------------------------------


def entries(f: Tensor, y: Tensor) -> list[Tensor]:
    """Errors of the observed entries, one by one."""
    seen = [(i, t) for i in range(len(y)) for t in range(y.shape[1]) if not math.isnan(y[i, t])]
    return [f[i, t] - y[i, t] for i, t in seen]


def average(terms: list[Tensor]) -> Tensor:
    return torch.stack(terms).mean()


def mae(f: Tensor, y: Tensor, x: Tensor, value: float) -> Tensor:
    return average([e.abs() for e in entries(f, y)])


def mse(f: Tensor, y: Tensor, x: Tensor, value: float) -> Tensor:
    return average([e**2 for e in entries(f, y)])


def huber(f: Tensor, y: Tensor, x: Tensor, value: float) -> Tensor:
    def one(e: Tensor) -> Tensor:
        return e**2 / 2 if abs(e) <= value else value * (e.abs() - value / 2)

    return average([one(e) for e in entries(f, y)])


def focal(power: int, f: Tensor, y: Tensor, x: Tensor, value: float) -> Tensor:
    return average([e.abs() ** power * torch.tanh(value * e.abs() / 2) for e in entries(f, y)])


def sub_losses(f: Tensor, y: Tensor, released: bool) -> Tensor:
    """The three sub-losses of each target that has labels, [3, targets]."""
    columns = []
    for t in range(y.shape[1]):
        seen = ~y[:, t].isnan()
        p, q = f[seen, t], y[seen, t]
        if len(p) > 1:
            d, n = p - q, len(p)
            rho = (
                ((p - p.mean()) * (q - q.mean())).mean() / p.std(correction=0) / q.std(correction=0)
            )
            variance, pearson = d.var(correction=0), 1 - rho
            if released:
                variance, pearson = variance / 2, pearson * (n - 1) / n
            columns.append(torch.stack([d.abs().mean(), variance, pearson]) + 1e-7 * released)
    return torch.stack(columns, dim=1)


def aggregated(losses: Tensor, alpha: float) -> Tensor:
    return alpha * (losses ** (1 / alpha)).mean(0).log()


def gar(f: Tensor, y: Tensor, x: Tensor, value: float, released: bool = False) -> Tensor:
    return aggregated(sub_losses(f, y, released).mean(1), value)


def per_target(f: Tensor, y: Tensor, x: Tensor, value: float) -> Tensor:
    return aggregated(sub_losses(f, y, False), value).mean()


def distance(v: Tensor, y: Tensor, i: int, j: int) -> float:
    """The mean difference over the targets that both rows have; NaN without any."""
    both = ~(y[i].isnan() | y[j].isnan())
    return float((v[i] - v[j]).abs()[both].mean()) if both.any() else NAN


def rnc(f: Tensor, y: Tensor, x: Tensor, value: float) -> Tensor:
    n, terms = len(y), []
    away = [[y.shape[1] * distance(y, y, i, j) for j in range(n)] for i in range(n)]
    for i in range(n):
        s = [-(x[i] - x[k]).square().sum().sqrt() / value if k != i else None for k in range(n)]
        for j in range(n):
            if j != i and not math.isnan(away[i][j]):
                far = [s[k] for k in range(n) if k != i and away[i][k] >= away[i][j] - 1e-12]
                terms.append(torch.stack(far).logsumexp(0) - s[j])  # type: ignore[arg-type]
    return average(terms)


def conr(f: Tensor, y: Tensor, x: Tensor, value: float) -> Tensor:
    n, rows = len(y), []
    for i in range(n):
        away = [distance(y, y, i, j) for j in range(n)]
        near = [distance(f.detach(), y, i, j) for j in range(n)]
        s = [torch.cosine_similarity(x[i], x[j], dim=0) / 0.07 for j in range(n)]
        positive = [j for j in range(n) if j != i and away[j] <= 1]
        negative = [j for j in range(n) if away[j] > 1 and near[j] <= 1]
        if not positive or not negative:
            rows.append(0 * s[0])
            continue
        pushed = [math.exp(0.01 * away[j]) * s[j].exp() for j in negative]
        den = sum(s[j].exp() for j in positive) + (n - len(positive)) + sum(pushed)
        rows.append(average([den.log() - s[j] for j in positive]))  # type: ignore[union-attr]
    return mae(f, y, x, value) + value * average(rows)


def descending(v: list[float]) -> list[float]:
    """Ranks 1 for the largest, over their number."""
    return [sum(b >= a for b in v) / len(v) for a in v]


def ranksim_parts(y: Tensor, x: Tensor, value: float) -> tuple[Tensor, Tensor]:
    """100 RankSim, and what counts as its derivative in the similarities."""
    n = len(y)
    unit = x / x.norm(dim=1, keepdim=True)
    s = (unit @ unit.T).detach()
    columns = [t for t in range(y.shape[1]) if not y[:, t].isnan().all()]
    total, push = 0.0, torch.zeros_like(s)
    for t in columns:
        seen = [i for i in range(n) if not math.isnan(y[i, t])]
        for i in seen:
            ours = descending([float(s[i, j]) for j in seen])
            wanted = descending([-abs(float(y[i, t] - y[j, t])) for j in seen])
            for j, a, b in zip(seen, ours, wanted, strict=True):
                share = 100 / len(columns) / len(seen)
                total += share * (a - b) ** 2
                push[i, j] += share * 2 * (a - b)
    known = [i for i in range(n) if not y[i].isnan().all()]
    by = torch.zeros_like(s)
    for i in known:
        before = descending([float(s[i, j]) for j in known])
        after = descending([float(s[i, j] + value * push[i, j]) for j in known])
        for j, a, b in zip(known, before, after, strict=True):
            by[i, j] = (b - a) / (value + 1e-8)
    return torch.tensor(total, dtype=y.dtype), by


def ranksim(f: Tensor, y: Tensor, x: Tensor, value: float) -> Tensor:
    total, by = ranksim_parts(y, x, value)
    unit = x / x.norm(dim=1, keepdim=True)
    carrier = (by * (unit @ unit.T)).sum()  # has the derivative, and no value
    return mae(f, y, x, value) + total + carrier - carrier.detach()


DEFINITIONS: dict[str, Callable[..., Tensor]] = {
    "mae": mae,
    "mse": mse,
    "huber": huber,
    "focal_mae": partial(focal, 1),
    "focal_mse": partial(focal, 2),
    "ranksim": ranksim,
    "rnc": rnc,
    "conr": conr,
    "gar": gar,
    "gar_released": partial(gar, released=True),
    "per_target": per_target,
}


def by_definition(name: str, f: Tensor, y: Tensor, x: Tensor, value: float) -> list[Tensor]:
    def loss(f: Tensor, y: Tensor, x: Tensor, values: Tensor, draw: object) -> Tensor:
        return torch.stack([DEFINITIONS[name](*one, value) for one in zip(f, y, x, strict=True)])

    return evaluated(loss, f, y, x, value)


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("name", MASKED)
def test_value_and_gradient_are_those_of_a_loop_over_what_is_observed(name: str, seed: int) -> None:
    f, y, x = batch(seed=seed)
    value = VALUES.get(name, 1.0)
    found = evaluated(MASKED[name], f, y, x, value)
    for ours, theirs in zip(found, by_definition(name, f, y, x, value), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("name", MASKED)
def test_a_target_without_a_label_and_pairs_without_a_common_target(name: str) -> None:
    f, y, x = batch(rows=8)
    y[:, 2] = y[:, 2].nan_to_num(0.5)
    y[0, :, 1] = NAN  # of one model only
    y[1, 0, 2:], y[1, 1, :2] = NAN, NAN  # rows 0 and 1 have no target in common
    value = VALUES.get(name, 1.0)
    found = evaluated(MASKED[name], f, y, x, value)
    for ours, theirs in zip(found, by_definition(name, f, y, x, value), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("name", MASKED)
def test_what_is_absent_has_no_part(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its derivative is exactly 0, and neither prediction nor filling changes a bit."""
    f, y, x = (t.float() for t in batch(rows=12))
    value = VALUES.get(name, 1.0)
    before = evaluated(MASKED[name], f, y, x, value)
    assert (before[1][y.isnan()] == 0).all()
    other = f.where(~y.isnan(), -1234.5)
    monkeypatch.setattr(gaps, "FILL", 17.0)
    for one, two in zip(before, evaluated(MASKED[name], other, y, x, value), strict=True):
        assert torch.equal(one, two)


@pytest.mark.parametrize("name", PLAIN)
def test_without_gaps_it_is_the_loss_of_complete_targets(name: str) -> None:
    f, y, x = (t.float() for t in batch(rows=16, share=0))
    value = VALUES.get(name, 1.0)
    found = evaluated(MASKED[name], f, y, x, value)
    plain = evaluated(PLAIN[name], f, y, x, value)
    for ours, theirs in zip(found, plain, strict=True):
        if name in ("mae", "mse", "huber", "focal_mae", "focal_mse"):
            assert torch.equal(ours, theirs)
        else:
            torch.testing.assert_close(ours, theirs, rtol=2e-6, atol=2e-7)


def test_equal_labels_leave_one_row_to_ranksim_as_without_gaps() -> None:
    f, y, x = (t.float() for t in batch(rows=10, targets=2, share=0))
    y[:, 1], y[:, 4] = y[:, 0], y[:, 3]
    found = evaluated(MASKED["ranksim"], f, y, x, 2.0)
    for ours, theirs in zip(found, evaluated(PLAIN["ranksim"], f, y, x, 2.0), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=2e-6, atol=2e-7)


def test_per_target_without_gaps_is_the_loss_with_that_option() -> None:
    f, y, x = batch(share=0, models=1)
    found = evaluated(MASKED["per_target"], f, y, x, 0.5)[0]
    torch.testing.assert_close(found[0], gar_loss(f[0], y[0], 0.5, targets="per_target"))
    assert found[0] != stacked_alpha(f, y, x, torch.tensor([0.5], dtype=f.dtype), None)[0]


@pytest.mark.parametrize("name", [name for name in MASKED if "gar" not in name])
def test_a_batch_without_any_label_has_no_loss(name: str) -> None:
    f, y, x = batch()
    for found in evaluated(MASKED[name], f, torch.full_like(y, NAN), x, VALUES.get(name, 1.0)):
        assert (found == 0).all()


@pytest.mark.parametrize("name", ["gar", "gar_released", "per_target"])
def test_gar_of_a_batch_without_any_label_has_no_gradient(name: str) -> None:
    f, y, x = batch()
    value, by_f, _ = evaluated(MASKED[name], f, torch.full_like(y, NAN), x, 1.0)
    assert value.isfinite().all()
    assert (by_f == 0).all()


@pytest.mark.parametrize("name", MASKED)
def test_models_do_not_know_each_other(name: str) -> None:
    """The bits of a model are the same alone and beside one with more gaps."""
    f, y, x = (t.float() for t in batch(rows=24, models=6, share=0.02))
    y[5, :12, 2:] = NAN
    value = VALUES.get(name, 1.0)
    whole = evaluated(MASKED[name], f, y, x, value)
    alone = evaluated(MASKED[name], f[:1], y[:1], x[:1], value)
    for one, two in zip(whole, alone, strict=True):
        assert torch.equal(one[:1], two)


def test_a_diverged_model_has_no_ranksim_and_disturbs_nobody() -> None:
    f, y, x = (t.float() for t in batch(models=3))
    wanted = evaluated(MASKED["ranksim"], f, y, x, 2.0)
    x[1, 0, 0] = math.inf
    found = evaluated(MASKED["ranksim"], f, y, x, 2.0)
    assert found[0][1].isnan()
    for one, two in zip(found, wanted, strict=True):
        assert torch.equal(one[[0, 2]], two[[0, 2]])
    x[:] = NAN
    assert evaluated(MASKED["ranksim"], f, y, x, 2.0)[0].isnan().all()


def test_the_mae_of_complete_targets_is_the_oracle_here_too() -> None:
    f, y, x = batch(share=0, models=1)
    torch.testing.assert_close(stacked_mae(f, y, x, x, None)[0], mae(f[0], y[0], x[0], 0))
