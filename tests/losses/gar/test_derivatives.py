"""Every derivative, in every argument, by every way of PyTorch: right or refused, never silently 0.

The oracle is a loop of plain arithmetic over the definition (`definition`), differentiated by
autograd in reverse mode; where the value is a choice (constant vectors), what the class documents.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torch.autograd import forward_ad, gradcheck, gradgradcheck
from torch.func import functional_call, grad, hessian, jacfwd, jacrev, jvp, vmap

from gar_verify.losses import (
    GARLoss,
    concordance_loss,
    error_variance_loss,
    pearson_loss,
)

pytestmark = pytest.mark.filterwarnings(
    "ignore:.torch.jit.*deprecated:DeprecationWarning"
)  # torch's

Loss = Callable[[Tensor, Tensor, Tensor], Tensor]
LOSSES: dict[str, Loss] = {
    "GAR": GARLoss(),
    "GAR, alpha 3": GARLoss(3.0, conventional="huber"),
    "GAR, power mean": GARLoss(form="power_mean", conventional="mse"),
    "GAR, concordance": GARLoss(conventional="concordance"),
    "GAR, geometric": GARLoss(float("inf"), conventional="concordance"),
    "pearson": pearson_loss,
    "error variance": error_variance_loss,
    "concordance": concordance_loss,
}
N = 7


def definition(name: str) -> Loss:
    """The loss by sums, without any care for rounding."""

    def moments(f: Tensor, y: Tensor, w: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        p = w / w.sum()
        d = f - y
        f, y, e = f - (p * f).sum(), y - (p * y).sum(), d - (p * d).sum()
        var_f, var_y = (p * f * f).sum(), (p * y * y).sum()
        variance, cov = (p * e * e).sum(), (p * f * y).sum()
        size = var_f + var_y + (p * d).sum() ** 2
        return variance, 1 - cov / (var_f * var_y).sqrt(), (p * d * d).sum() / size

    def loss(f: Tensor, y: Tensor, w: Tensor) -> Tensor:
        variance, pearson, concordance = moments(f, y, w)
        if name in ("pearson", "error variance", "concordance"):
            return {"pearson": pearson, "error variance": variance, "concordance": concordance}[
                name
            ]
        module = LOSSES[name]
        assert isinstance(module, GARLoss)
        p, d = w / w.sum(), f - y
        kind = module.options.conventional
        conventional = {
            "mae": (p * d.abs()).sum(),
            "mse": (p * d * d).sum(),
            "huber": (p * torch.where(d.abs() <= 1, d * d / 2, d.abs() - 0.5)).sum(),
            "concordance": concordance,
        }[kind]
        logs = torch.stack([conventional, variance, pearson]).log()
        if module.alpha == float("inf"):
            return logs.mean()
        value = module.alpha * (torch.logsumexp(logs / module.alpha, 0) - torch.tensor(3.0).log())
        return value.exp() if module.options.form == "power_mean" else value

    return loss


@pytest.fixture
def batch() -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(3)
    f, y = torch.randn(2, N, dtype=torch.float64, generator=generator)
    return f, y, torch.rand(N, dtype=torch.float64, generator=generator) + 0.2


def same(found: object, expected: object) -> None:
    torch.testing.assert_close(found, expected, rtol=1e-6, atol=1e-6)


Batch = tuple[Tensor, Tensor, Tensor]
names = pytest.mark.parametrize("name", LOSSES)
arguments = pytest.mark.parametrize("which", [0, 1, 2], ids=["input", "target", "weight"])


def of_one(loss: Loss, batch: Batch, which: int) -> Callable[[Tensor], Tensor]:
    """The loss as a function of one of its arguments."""
    return lambda x: loss(*(x if i == which else b for i, b in enumerate(batch)))  # type: ignore[arg-type]


@names
@arguments
def test_first_derivatives_of_all_kinds(name: str, which: int, batch: Batch) -> None:
    ours, by_sums = of_one(LOSSES[name], batch, which), of_one(definition(name), batch, which)
    x = batch[which]
    expected = grad(by_sums)(x)
    leaf = x.clone().requires_grad_()
    (reverse,) = torch.autograd.grad(ours(leaf), leaf)
    same(reverse, expected)
    for way in (grad, jacrev, jacfwd):
        same(way(ours)(x), expected)
    tangent = torch.linspace(-1, 1, N, dtype=torch.float64)
    same(jvp(ours, (x,), (tangent,))[1], expected @ tangent)
    with forward_ad.dual_level():
        value = ours(forward_ad.make_dual(x, tangent))
        same(forward_ad.unpack_dual(value).tangent, expected @ tangent)


@names
@arguments
def test_second_derivatives_of_all_kinds(name: str, which: int, batch: Batch) -> None:
    ours, by_sums = of_one(LOSSES[name], batch, which), of_one(definition(name), batch, which)
    x = batch[which]
    expected = jacrev(jacrev(by_sums))(x)
    for way in (
        hessian(ours),
        jacfwd(jacfwd(ours)),
        jacrev(jacfwd(ours)),
        jacfwd(jacrev(ours)),
        jacrev(jacrev(ours)),
    ):
        same(way(x), expected)
    tangent = torch.linspace(-1, 1, N, dtype=torch.float64)
    once = lambda z: jvp(ours, (z,), (tangent,))[1]  # noqa: E731
    same(jvp(once, (x,), (tangent,))[1], tangent @ expected @ tangent)
    same(grad(once)(x), expected @ tangent)
    same(torch.autograd.functional.hessian(ours, x), expected)


@names
@pytest.mark.parametrize("pair", [(0, 1), (0, 2), (1, 2)], ids=["f, y", "f, w", "y, w"])
def test_mixed_second_derivatives(name: str, pair: tuple[int, int], batch: Batch) -> None:
    expected = jacrev(jacrev(definition(name), pair[0]), pair[1])(*batch)
    same(jacrev(jacrev(LOSSES[name], pair[0]), pair[1])(*batch), expected)
    same(jacfwd(jacfwd(LOSSES[name], pair[0]), pair[1])(*batch), expected)
    leaves = [b.clone().requires_grad_() for b in batch]
    (first,) = torch.autograd.grad(LOSSES[name](*leaves), leaves[pair[0]], create_graph=True)
    direction = torch.linspace(-1, 1, N, dtype=torch.float64)
    (second,) = torch.autograd.grad(first @ direction, leaves[pair[1]])
    same(second, direction @ expected)


@names
def test_against_finite_differences(name: str, batch: Batch) -> None:
    leaves = [b.clone().requires_grad_() for b in batch]
    assert gradcheck(LOSSES[name], leaves, check_forward_ad=True, check_batched_grad=True)
    assert gradgradcheck(LOSSES[name], leaves)
    only_input = [leaves[0], batch[1], batch[2]]
    assert gradcheck(LOSSES[name], only_input, check_forward_ad=True)
    assert gradgradcheck(LOSSES[name], only_input)


@names
@arguments
def test_vmap_equals_a_loop(name: str, which: int, batch: Batch) -> None:
    """A derivative of a sum over rows too, in whichever argument is mapped."""
    generator = torch.Generator().manual_seed(5)
    rows = batch[which] + 0.1 * torch.rand(4, N, dtype=torch.float64, generator=generator)
    ours = of_one(LOSSES[name], batch, which)
    leaf = rows.clone().requires_grad_()
    mapped = vmap(ours)(leaf)
    same(mapped, torch.stack([ours(row) for row in rows]))
    (found,) = torch.autograd.grad(mapped.sum(), leaf)
    same(found, torch.stack([grad(ours)(row) for row in rows]))
    same(vmap(grad(ours))(rows), found)


@names
def test_mapped_labels_do_not_hide_the_gradient_of_anything(name: str, batch: Batch) -> None:
    f, y, w = batch
    rows = torch.stack([y, y + f])
    leaf = rows.clone().requires_grad_()
    total = vmap(lambda t: LOSSES[name](f, t, w))(leaf).sum()
    (found,) = torch.autograd.grad(total, leaf)
    same(found, torch.stack([grad(lambda t: LOSSES[name](f, t, w))(row) for row in rows]))


@names
@pytest.mark.parametrize("seed", range(6))
def test_learned_weights_may_start_at_zero(name: str, seed: int, batch: Batch) -> None:
    """The derivative in a weight of exactly 0 is the limit of those beside it."""
    f, y, w = batch
    w = w.clone()
    w[seed] = 0
    expected = grad(definition(name), 2)(f, y, w)
    leaf = w.clone().requires_grad_()
    (found,) = torch.autograd.grad(LOSSES[name](f, y, leaf), leaf)
    same(found, expected)
    same(grad(LOSSES[name], 2)(f, y, w), expected)


@names
def test_absent_samples_may_hold_anything(name: str, batch: Batch) -> None:
    f, y, w = batch
    w, g, z = w.clone(), f.clone(), y.clone()
    w[2] = 0
    g[2], z[2] = torch.inf, torch.nan
    expected = LOSSES[name](f, y, w)
    assert LOSSES[name](g, z, w) == expected
    leaf = g.clone().requires_grad_()
    (first,) = torch.autograd.grad(LOSSES[name](leaf, z, w), leaf, create_graph=True)
    (second,) = torch.autograd.grad(first.square().sum(), leaf)
    assert first[2] == 0
    assert bool(torch.isfinite(second).all())
    assert bool(torch.isfinite(grad(LOSSES[name])(g, z, w)).all())


DEGENERATE = {
    "one sample": ([0.3], [1.1]),
    "constant predictions": ([0.7] * 4, [1.0, 2.0, 4.0, 3.0]),
    "constant labels": ([1.0, 2.0, 4.0, 3.0], [0.7] * 4),
    "both constant": ([0.1] * 4, [0.7] * 4),
    "perfect": ([1.0, 2.0, 4.0, 3.0], [1.0, 2.0, 4.0, 3.0]),
    "zero": ([0.0] * 3, [0.0] * 3),
}


@names
@arguments
@pytest.mark.parametrize("kind", DEGENERATE)
def test_degenerate_batches_have_finite_derivatives(name: str, which: int, kind: str) -> None:
    f, y = (torch.tensor(x, dtype=torch.float64) for x in DEGENERATE[kind])
    w = torch.full_like(f, 0.5)
    w[0] = 0.8
    whole = (f, y, w)
    ours = of_one(LOSSES[name], whole, which)
    x = whole[which]
    leaf = x.clone().requires_grad_()
    (reverse,) = torch.autograd.grad(ours(leaf), leaf, create_graph=True)
    assert bool(torch.isfinite(reverse).all())
    if reverse.requires_grad:
        (second,) = torch.autograd.grad(reverse.square().sum(), leaf, allow_unused=True)
        assert second is None or bool(torch.isfinite(second).all())
    same(grad(ours)(x), reverse.detach())
    same(jacfwd(ours)(x), reverse.detach())
    for way in (jacfwd(jacfwd(ours)), jacrev(jacrev(ours)), jacfwd(jacrev(ours))):
        assert bool(torch.isfinite(way(x)).all())


def test_constant_labels_have_the_derivative_of_the_error_variance() -> None:
    """Var(f - y) is smooth there, in the labels too."""
    f = torch.tensor([1.0, 2.0, 4.0, 3.0], dtype=torch.float64)
    y = torch.full_like(f, 0.7)
    expected = -2 * (f - f.mean()) / 4
    same(grad(error_variance_loss, 1)(f, y), expected)
    hess = jacrev(jacrev(error_variance_loss, 1), 1)(f, y)
    same(hess, 2 * (torch.eye(4, dtype=torch.float64) - 1 / 4) / 4)


def test_a_module_under_functional_call(batch: Batch) -> None:
    """As ensembles and meta-learning use it: parameters mapped, the loss inside."""
    f, y, w = batch
    model = torch.nn.Linear(1, 1, dtype=torch.float64)
    state = {k: torch.stack([v, v + 0.1]).detach() for k, v in model.state_dict().items()}

    def loss(parameters: dict[str, Tensor]) -> Tensor:
        value: Tensor = GARLoss()(functional_call(model, parameters, f[:, None]).squeeze(1), y, w)
        return value

    found = vmap(grad(loss))(state)
    for k in state:
        for i in range(2):
            same(found[k][i], grad(loss)({n: v[i] for n, v in state.items()})[k])


# --- traces ---------------------------------------------------------------------------------------


@names
@pytest.mark.filterwarnings("ignore::torch.jit.TracerWarning")  # shapes are compared
def test_traces_do_not_bake_the_numbers_of_a_batch_in(name: str, batch: Batch) -> None:
    from torch.fx.experimental.proxy_tensor import make_fx

    other = tuple(b.flip(0) * 1.5 for b in batch)
    derivative = lambda f, y, w: grad(LOSSES[name])(f, y, w)  # noqa: E731
    same(make_fx(derivative)(*batch)(*other), derivative(*other))
    scripted = torch.jit.trace(lambda f, y, w: LOSSES[name](f, y, w), batch, check_trace=False)
    same(scripted(*other), LOSSES[name](*other))


def test_export_with_a_dynamic_batch(batch: Batch) -> None:
    class Step(torch.nn.Module):
        def forward(self, f: Tensor, y: Tensor, w: Tensor) -> Tensor:
            value: Tensor = GARLoss()(f, y, w)
            return value

    rows = torch.export.Dim("rows", min=2)
    program = torch.export.export(Step(), batch, dynamic_shapes=({0: rows},) * 3)
    longer = tuple(torch.cat([b, b * 0.5]) for b in batch)
    same(program.module()(*longer), GARLoss()(*longer))


def test_fake_and_meta_tensors(batch: Batch) -> None:
    """No value is read, on no device: what a GPU would have to wait for."""
    from torch._subclasses.fake_tensor import FakeTensorMode

    for loss in LOSSES.values():
        meta = [b.to("meta").requires_grad_(i == 0) for i, b in enumerate(batch)]
        value = loss(*meta)
        assert value.device.type == "meta"
        value.backward()
        assert meta[0].grad is not None
        assert meta[0].grad.device.type == "meta"
        with FakeTensorMode() as mode:
            fake = [mode.from_tensor(b) for b in batch]
            assert loss(*fake).shape == ()


def test_where_tensors_are_made_by_default_changes_nothing(batch: Batch) -> None:
    for loss in LOSSES.values():
        expected = loss(*batch)
        with torch.device("meta"):
            leaf = batch[0].clone().requires_grad_()
            value = loss(leaf, *batch[1:])
            value.backward()
        assert value.device.type == "cpu"
        assert value == expected
        assert leaf.grad is not None


def _one_jvp(f: Tensor, y: Tensor) -> Tensor:
    tangent: Tensor = jvp(lambda x: GARLoss()(x, y), (f,), (torch.ones_like(f),))[1]
    return tangent


TRANSFORMED = {"grad": grad(GARLoss()), "vmap of grad": vmap(grad(GARLoss())), "jvp": _one_jvp}


@pytest.mark.parametrize("way", TRANSFORMED)
def test_compiled_transforms_equal_eager_ones(way: str, batch: Batch) -> None:
    """One graph serves ordinary batches and constant predictions; one sample has another."""
    compiled = torch.compile(TRANSFORMED[way], fullgraph=True, backend="aot_eager")
    one = [torch.tensor(x, dtype=torch.float64) for x in DEGENERATE["one sample"]]
    for f, y in (batch[:2], (torch.full((N,), 0.7).double(), batch[1]), one):
        if way == "vmap of grad":
            f, y = torch.stack([f, f + 1]), torch.stack([y, y])
        expected = TRANSFORMED[way](f, y)
        assert bool(torch.isfinite(expected).all())
        same(compiled(f, y), expected)
