"""Losses of groups and of labels with gaps, against loops over groups and columns."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from typing import Any

import mpmath
import pytest
import torch
import torch.multiprocessing as mp
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from gar_verify.losses import (
    ConcordanceLoss,
    ErrorVarianceLoss,
    GARAccumulator,
    GARLoss,
    PearsonLoss,
    concordance_loss,
    error_variance_loss,
    gar_loss,
    kl_dro,
    pearson_loss,
)
from gar_verify.losses._compiled import torch_only

pytestmark = pytest.mark.filterwarnings(
    "ignore:.torch.jit.*deprecated:DeprecationWarning"
)  # torch's
READERS = pytest.mark.parametrize("compiled", [True, False], ids=["compiled", "torch"])
OPTIONS: dict[str, dict[str, Any]] = {
    "default": {},
    "alpha 0": {"alpha": 0.0},
    "geometric": {"alpha": math.inf, "conventional": "huber"},
    "power mean": {"form": "power_mean", "conventional": "mse"},
    "concordance": {"conventional": "concordance", "alpha": 2.0},
    "per target": {"targets": "per_target"},
    "by size": {"group_weight": "size"},
    "pooled": {"within": ("error_variance", "pearson"), "alpha": 1.5},
    "pooled by size": {
        "within": ("error_variance", "pearson"),
        "group_weight": "size",
        "conventional": "mse",
    },
}


def by_loop(
    f: Tensor, y: Tensor, w: Tensor | None, groups: Tensor, options: dict[str, Any]
) -> Tensor:
    """The mean over groups of the loss of each, from the definition of `GARLoss` without groups."""
    o = dict(options)
    within = o.pop("within", None)
    by_size = o.pop("group_weight", "equal") == "size"
    alpha = o.pop("alpha", 0.5)
    total, size = f.new_zeros(()), 0.0
    weight = torch.ones_like(f[..., 0] if f.ndim > 1 else f) if w is None else w
    for g in groups.unique().tolist():
        rows = groups == g
        share = float(weight[rows].sum()) if by_size else 1.0
        part = None if w is None else w[rows]
        if within is None:
            value = gar_loss(f[rows], y[rows], alpha, part, **o)
        else:
            value = kl_dro(torch.stack(_pooled_parts(f, y, w, rows, o)), alpha)
        total, size = total + share * value, size + share
    return total / size


def _pooled_parts(
    f: Tensor, y: Tensor, w: Tensor | None, rows: Tensor, o: dict[str, Any]
) -> list[Tensor]:
    d, p = f - y, torch.ones_like(y) if w is None else w.reshape(-1, *[1] * (f.ndim - 1))
    phi = d * d if o.get("conventional") == "mse" else d.abs()
    part = None if w is None else w[rows]
    return [
        ((p * phi).sum(0) / (p * torch.ones_like(y)).sum(0)).mean(),
        error_variance_loss(f[rows], y[rows], part),
        pearson_loss(f[rows], y[rows], part),
    ]


def batch(seed: int, n: int, targets: int, kinds: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    shape = (n, targets) if targets else (n,)
    f, y = torch.randn(2, *shape, dtype=torch.float64, generator=generator)
    w = torch.rand(n, dtype=torch.float64, generator=generator) + 0.1
    groups = torch.randint(-3, kinds, (n,), generator=generator) * 7
    return f, y, w, groups


def value_and_gradient(loss: Callable[[Tensor], Tensor], f: Tensor) -> tuple[Tensor, Tensor]:
    leaf = f.clone().requires_grad_()
    value = loss(leaf)
    return value.detach(), torch.autograd.grad(value, leaf)[0]


def same(found: Any, expected: Any, digits: float = 1e-12) -> None:
    torch.testing.assert_close(found, expected, rtol=digits, atol=digits)


@READERS
@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
@pytest.mark.parametrize("targets", [0, 3])
@pytest.mark.parametrize("weighted", [False, True])
def test_equal_to_a_loop_over_groups(
    compiled: bool, options: dict[str, Any], targets: int, weighted: bool
) -> None:
    f, y, w, groups = batch(4, 60, targets, 4)
    weight = w if weighted else None
    more = {k: v for k, v in options.items() if k != "alpha"}
    loss = GARLoss(options.get("alpha", 0.5), **more)
    if targets and loss.options.targets == "joint" and "within" in options:
        pytest.skip(
            "the loop of pooled losses has the mean over targets before the aggregation too"
        )
    if compiled:
        found = value_and_gradient(lambda x: loss(x, y, weight, groups), f)
    else:
        with torch_only():
            found = value_and_gradient(lambda x: loss(x, y, weight, groups), f)
    expected = value_and_gradient(lambda x: by_loop(x, y, weight, groups, options), f)
    same(found, expected)


@given(st.integers(0, 10**6), st.integers(1, 40), st.sampled_from([0, 2]), st.integers(-2, 9))
def test_any_groups(seed: int, n: int, targets: int, kinds: int) -> None:
    """Groups of one sample among them, in any order, with any numbers."""
    f, y, w, groups = batch(seed, n, targets, kinds)
    loss = GARLoss()
    expected = value_and_gradient(lambda x: by_loop(x, y, w, groups, {}), f)
    same(value_and_gradient(lambda x: loss(x, y, w, groups), f), expected, 1e-10)
    with torch_only():
        same(value_and_gradient(lambda x: loss(x, y, w, groups), f), expected, 1e-10)
    order = groups.argsort(stable=True)
    sorted_value = loss(f[order], y[order], w[order], groups[order])
    same(sorted_value, expected[0], 1e-10)
    spread_out = groups * 10**12  # numbers that no table of counts could hold
    same(loss(f, y, w, spread_out), expected[0], 1e-10)


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
def test_second_derivatives_within_groups(options: dict[str, Any]) -> None:
    f, y, w, groups = batch(9, 20, 0, 1)
    more = {k: v for k, v in options.items() if k != "alpha"}
    loss = GARLoss(options.get("alpha", 0.5), **more)
    found = torch.func.hessian(lambda x: loss(x, y, w, groups))(f)
    expected = torch.func.hessian(lambda x: by_loop(x, y, w, groups, options))(f)
    same(found, expected)
    leaf = f.clone().requires_grad_()
    (first,) = torch.autograd.grad(loss(leaf, y, w, groups), leaf, create_graph=True)
    (second,) = torch.autograd.grad(first[3], leaf)
    same(second, expected[3])


def precise_loss(
    f: list[Any], y: list[Any], w: list[Any], groups: list[int], alpha: float
) -> mpmath.mpf:
    """GAR within groups by its definition."""

    def within(rows: list[int]) -> mpmath.mpf:
        total = mpmath.fsum(w[i] for i in rows)

        def mean(values: Callable[[int], Any]) -> mpmath.mpf:
            return mpmath.fsum(w[i] * values(i) for i in rows) / total

        mean_f, mean_y = mean(lambda i: f[i]), mean(lambda i: y[i])
        var_f, var_y = mean(lambda i: (f[i] - mean_f) ** 2), mean(lambda i: (y[i] - mean_y) ** 2)
        cov = mean(lambda i: (f[i] - mean_f) * (y[i] - mean_y))
        losses = [
            mean(lambda i: abs(f[i] - y[i])),
            mean(lambda i: (f[i] - y[i] - mean_f + mean_y) ** 2),
            1 - cov / mpmath.sqrt(var_f * var_y),
        ]
        return alpha * mpmath.log(mpmath.fsum(x ** (1 / mpmath.mpf(alpha)) for x in losses) / 3)

    names = sorted(set(groups))
    each = [within([i for i, own in enumerate(groups) if own == name]) for name in names]
    return mpmath.fsum(each) / len(names)


def precise_hessian(f: Tensor, y: Tensor, w: Tensor, groups: Tensor, alpha: float) -> Tensor:
    """By differences over 1e-30, in 90 digits."""
    with mpmath.workdps(90):
        h = mpmath.mpf(10) ** -30
        of, *others = ([mpmath.mpf(x) for x in v.tolist()] for v in (f, y, w))

        def at(i: int, j: int, one: int, two: int) -> mpmath.mpf:
            moved = list(of)
            moved[i] += one * h
            moved[j] += two * h
            return precise_loss(moved, *others, groups.tolist(), alpha)

        def entry(i: int, j: int) -> float:
            pairs = at(i, j, 1, 1) - at(i, j, 1, -1) - at(i, j, -1, 1) + at(i, j, -1, -1)
            return float(pairs / (4 * h * h))

        n = len(f)
        lower = [[entry(i, j) if j <= i else 0.0 for j in range(n)] for i in range(n)]
    found = torch.tensor(lower, dtype=torch.float64)
    return found + found.tril(-1).T


@pytest.mark.parametrize("alpha", [0.5, 1.0, 2.0])
@pytest.mark.parametrize("noise", [1.0, 1e-2, 1e-4, 1e-6, 1e-8])
def test_second_derivatives_of_predictions_nearly_in_step(alpha: float, noise: float) -> None:
    """A small sub-loss keeps its part of them: what a large alpha weighs, and a small one nearly
    ignores.

    Rounding of the predictions changes residuals of the size of the noise by eps / noise, and with
    alpha > 1 what is small has weight; the other errors are a few eps.
    """
    f, y, w, _ = batch(9, 8, 0, 1)
    f, groups = 2 * y + noise * f, torch.arange(8) % 2
    expected = precise_hessian(f, y, w, groups, alpha)
    found = torch.func.hessian(lambda x: gar_loss(x, y, alpha, w, groups))(f)
    eps = torch.finfo(f.dtype).eps
    tolerance = max(1e-14, eps / noise if alpha > 1 else 0)
    assert float((found - expected).abs().max() / expected.abs().max()) < tolerance
    leaf = f.clone().requires_grad_()
    (closed,) = torch.autograd.grad(gar_loss(leaf, y, alpha, w, groups), leaf)
    by_transform = torch.func.grad(lambda x: gar_loss(x, y, alpha, w, groups))(f)
    assert float((by_transform - closed).abs().max() / closed.abs().max()) < 2 * tolerance


@pytest.mark.parametrize("single", [error_variance_loss, pearson_loss, concordance_loss])
def test_single_parts_within_groups(single: Callable[..., Tensor]) -> None:
    f, y, w, groups = batch(2, 30, 2, 3)
    rows = [groups == g for g in groups.unique()]
    expected = torch.stack([single(f[r], y[r], w[r]) for r in rows])
    same(single(f, y, w, groups=groups), expected.mean())
    sizes = torch.stack([w[r].sum() for r in rows])
    same(
        single(f, y, w, groups=groups, group_weight="size"), (sizes * expected).sum() / sizes.sum()
    )


def test_a_group_of_weight_zero_is_absent() -> None:
    f, y, w, groups = batch(3, 30, 2, 3)
    w = torch.where(groups == 0, 0.0, w)
    keep = groups != 0
    found = value_and_gradient(lambda x: GARLoss()(x, y, w, groups), f)
    expected = value_and_gradient(lambda x: GARLoss()(x[keep], y[keep], w[keep], groups[keep]), f)
    same(found, expected)


# --- labels with gaps -----------------------------------------------------------------------------


def gappy(seed: int, targets: int) -> tuple[Tensor, Tensor, Tensor]:
    f, y, w, _ = batch(seed, 25, targets, 1)
    generator = torch.Generator().manual_seed(seed)
    y[torch.rand(y.shape, generator=generator) < 0.3] = torch.nan
    return f, y, w


MODULES: dict[str, Any] = {
    "GAR": GARLoss(missing="omit"),
    "GAR per target": GARLoss(2.0, targets="per_target", missing="omit"),
    "concordance": ConcordanceLoss(missing="omit"),
    "pearson": PearsonLoss(missing="omit"),
    "variance": ErrorVarianceLoss(missing="omit"),
}


@READERS
@pytest.mark.parametrize("name", MODULES)
@pytest.mark.parametrize("weighted", [False, True])
def test_a_missing_label_is_absent(compiled: bool, name: str, weighted: bool) -> None:
    """As if the sample were not in the batch."""
    f, y, w = gappy(1, 0)
    keep = ~y.isnan()
    weight, kept = (w, w[keep]) if weighted else (None, None)
    loss = MODULES[name]
    with torch_only():
        expected = value_and_gradient(lambda x: loss(x[keep], y[keep], kept), f)
    if compiled:
        found = value_and_gradient(lambda x: loss(x, y, weight), f)
    else:
        with torch_only():
            found = value_and_gradient(lambda x: loss(x, y, weight), f)
    same(found, expected)


@READERS
def test_each_target_has_its_own_gaps(compiled: bool) -> None:
    f, y, w = gappy(2, 3)
    y[:, 1] = torch.nan  # a target without a label is absent from the mean over targets
    columns = [0, 2]

    def column(k: int, x: Tensor) -> Tensor:
        keep = ~y[:, k].isnan()
        return PearsonLoss()(x[keep, k], y[keep, k], w[keep])

    def found(x: Tensor) -> Tensor:
        value: Tensor = PearsonLoss(missing="omit")(x, y, w)
        return value

    expected = value_and_gradient(lambda x: torch.stack([column(k, x) for k in columns]).mean(), f)
    if compiled:
        same(value_and_gradient(found, f), expected)
    else:
        with torch_only():
            same(value_and_gradient(found, f), expected)


def test_joint_targets_average_what_is_there() -> None:
    f, y, _ = gappy(6, 2)
    parts = []
    for k in range(2):
        keep = ~y[:, k].isnan()
        parts.append(GARLoss().components(f[keep, k], y[keep, k])[:3])
    means = [torch.stack(list(x)).mean() for x in zip(*parts, strict=True)]
    same(GARLoss(missing="omit")(f, y), kl_dro(torch.stack(means), 0.5))
    found = GARLoss(missing="omit").components(f, y)
    same(torch.stack(found[:3]), torch.stack(means))


def test_a_target_without_labels_has_no_loss() -> None:
    f, y, _, groups = batch(0, 12, 3, 1)
    y[:, 1] = torch.nan
    for options in ({}, {"form": "power_mean"}):
        loss = GARLoss(missing="omit", targets="per_target", reduction="none", **options)
        found = loss(f, y)
        assert found[1] == 0
        same(found[[0, 2]], loss(f[:, [0, 2]], y[:, [0, 2]]))
        same(found, loss(f, y, groups=0 * groups))


def test_gaps_within_groups_and_transforms() -> None:
    f, y, w = gappy(3, 0)
    groups = torch.arange(25) // 6
    keep = ~y.isnan()
    loss = GARLoss(missing="omit")
    expected = value_and_gradient(lambda x: loss(x[keep], y[keep], w[keep], groups[keep]), f)
    same(value_and_gradient(lambda x: loss(x, y, w, groups), f), expected)
    same(torch.func.grad(lambda x: loss(x, y, w, groups))(f), expected[1])
    same(torch.func.grad(loss)(f, y), torch.func.grad(lambda x: loss(x[keep], y[keep]))(f))


def test_missing_labels_are_counted_where_they_are_an_error() -> None:
    f, y, w = gappy(4, 2)
    count = int(y.isnan().sum())
    for context in (torch_only, torch.no_grad):
        with context(), pytest.raises(ValueError, match=f"target holds {count} NaN of 50 labels"):
            GARLoss()(f, y)
    with pytest.raises(ValueError, match="all 50 labels are NaN"):
        GARLoss(missing="omit")(f, y * torch.nan)
    absent = torch.where(y.isnan().any(1), 0.0, w)
    assert bool(torch.isfinite(GARLoss()(f, y, absent)))  # absent samples may hold anything
    assert bool(GARLoss()(f * torch.nan, torch.zeros_like(y)).isnan())  # predictions are not labels


# --- micro-batches and processes ------------------------------------------------------------------


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
def test_groups_spread_over_micro_batches(options: dict[str, Any]) -> None:
    f, y, w, groups = batch(5, 40, 2, 4)
    more = {k: v for k, v in options.items() if k != "alpha"}
    loss = GARLoss(options.get("alpha", 0.5), **more)
    expected = value_and_gradient(lambda x: loss(x, y, w, groups), f)
    accumulator, leaf = GARAccumulator(loss), f.clone().requires_grad_()
    pieces = [slice(0, 7), slice(7, 8), slice(8, 30), slice(30, 40)]
    for p in pieces:
        accumulator.observe(f[p], y[p], w[p], groups[p])
    for p in pieces:
        accumulator.loss(leaf[p], y[p], w[p], groups[p]).backward()
    assert leaf.grad is not None
    same((accumulator.value, leaf.grad), expected, 1e-11)


def test_gaps_and_shuffled_labels_in_micro_batches() -> None:
    f, y, _ = gappy(7, 2)
    loss = GARLoss(missing="omit")
    accumulator, leaf = GARAccumulator(loss), f.clone().requires_grad_()
    for p in (slice(0, 9), slice(9, 25)):
        accumulator.observe(f[p], y[p])
    for p in (slice(0, 9), slice(9, 25)):
        accumulator.loss(leaf[p], y[p]).backward()
    assert leaf.grad is not None
    same((accumulator.value, leaf.grad), value_and_gradient(lambda x: loss(x, y), f), 1e-11)
    accumulator.observe(f, y)
    with pytest.raises(RuntimeError, match="pass 2 did not see what pass 1 saw"):
        accumulator.loss(leaf, y.flip(0))  # the same labels on average


def _in_a_process(rank: int, size: int, folder: str, results: Any) -> None:
    torch.set_num_threads(1)
    torch.distributed.init_process_group(
        "gloo", init_method=f"file://{folder}/meeting", rank=rank, world_size=size
    )
    for number, options in enumerate(OPTIONS.values()):
        f, y, w, groups = batch(8, 41, 2, 4)
        more = {k: v for k, v in options.items() if k != "alpha"}
        group = torch.distributed.group.WORLD
        loss = GARLoss(options.get("alpha", 0.5), process_group=group, **more)
        own = slice(rank * 9, 41 if rank == size - 1 else (rank + 1) * 9)
        leaf = f[own].clone().requires_grad_()
        value = loss(leaf, y[own], w[own], groups[own])
        value.backward()
        assert leaf.grad is not None
        results.put((number, rank, value.item(), (leaf.grad / size).tolist()))
    torch.distributed.destroy_process_group()


def test_groups_spread_over_processes(tmp_path: Any) -> None:
    size = 3
    server = "forkserver" in mp.get_all_start_methods()  # torch is imported once for all
    context = mp.get_context("forkserver" if server else "spawn")
    context.set_forkserver_preload(["torch._dynamo", "gar_verify.losses.gar.loss"])
    results = context.Queue()
    workers = [
        context.Process(target=_in_a_process, args=(r, size, os.fspath(tmp_path), results))
        for r in range(size)
    ]
    for worker in workers:
        worker.start()
    found: dict[int, dict[int, tuple[float, list[list[float]]]]] = {}
    for _ in range(size * len(OPTIONS)):
        number, rank, value, gradient = results.get(timeout=120)
        found.setdefault(number, {})[rank] = (value, gradient)
    for worker in workers:
        worker.join()
    for number, options in enumerate(OPTIONS.values()):
        f, y, w, groups = batch(8, 41, 2, 4)
        more = {k: v for k, v in options.items() if k != "alpha"}
        loss = GARLoss(options.get("alpha", 0.5), **more)
        value, gradient = value_and_gradient(lambda x: loss(x, y, w, groups), f)  # noqa: B023
        parts = [found[number][rank] for rank in range(size)]
        assert {v for v, _ in parts} == {parts[0][0]}
        same(torch.tensor(parts[0][0], dtype=torch.float64), value, 1e-11)
        same(
            torch.tensor([row for _, g in parts for row in g], dtype=torch.float64), gradient, 1e-11
        )


# --- what is refused ------------------------------------------------------------------------------


def test_bad_groups_are_named() -> None:
    f = torch.randn(4)
    y = torch.randn(4)
    with pytest.raises(TypeError, match=r"groups must be a tensor of integers.*float32"):
        GARLoss()(f, y, None, torch.zeros(4))
    with pytest.raises(TypeError, match=r"groups must be a tensor of integers.*list"):
        GARLoss()(f, y, None, [0, 0, 1, 1])  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"groups has shape \(3,\); expected \(4,\)"):
        GARLoss()(f, y, None, torch.zeros(3).long())
    with pytest.raises(ValueError, match=r"groups need a batch .* along dim=0"):
        GARLoss(dim=1)(f[None], y[None], None, torch.zeros(1).long())
    with pytest.raises(ValueError, match="only a conventional loss that is a mean over samples"):
        GARLoss(within=("conventional", "pearson"))
    with pytest.raises(ValueError, match="group_weight must be one of 'equal', 'size'"):
        GARLoss(group_weight="rows")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"within must be a tuple of sub-losses, got 'pearson'"):
        GARLoss(within="pearson")  # type: ignore[arg-type]
