"""A DTensor is the whole batch, however it is spread over processes."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from torch import Tensor

from gar_verify.losses import GARLoss, pearson_loss
from gar_verify.losses._compiled import torch_only

pytestmark = pytest.mark.skipif(not dist.is_available(), reason="no torch.distributed")
SIZE = 2
CASES: dict[str, Any] = {
    "plain": lambda f, y, w, groups: GARLoss()(f, y),
    "weights": lambda f, y, w, groups: GARLoss(alpha=2.0)(f, y, w),
    "groups": lambda f, y, w, groups: GARLoss(group_weight="size")(f, y, w, groups),
    "one part": lambda f, y, w, groups: pearson_loss(f, y),
    "components": lambda f, y, w, groups: GARLoss().components(f, y, w, groups).weights.sum(),
}


def batch() -> tuple[Tensor, ...]:
    """A number of samples that does not divide by that of the processes."""
    generator = torch.Generator().manual_seed(0)
    f, y = torch.randn(2, 11, generator=generator, dtype=torch.float64)
    return f, y, torch.rand(11, generator=generator, dtype=torch.float64), torch.arange(11) % 3


def value_and_gradient(name: str, f: Tensor, *others: Tensor) -> tuple[Tensor, Tensor | None]:
    leaf = f.detach().clone().requires_grad_()
    value = CASES[name](leaf, *others)
    if value.requires_grad:
        value.backward()
    return value.detach(), leaf.grad


def member(rank: int, folder: str) -> None:
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.tensor import Replicate, Shard, distribute_tensor

    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{folder}/s", rank=rank, world_size=SIZE)
    mesh = init_device_mesh("cpu", (SIZE,))
    found = {}
    with torch_only():
        for kind, placement in (("sharded", Shard(0)), ("replicated", Replicate())):
            spread = [distribute_tensor(x, mesh, [placement]) for x in batch()]
            for name in CASES:
                value, gradient = value_and_gradient(name, *spread)
                if gradient is not None:
                    assert gradient.placements == (placement,)
                    gradient = gradient.full_tensor()
                found[f"{name}, {kind}"] = value, gradient
            found[f"plain, {kind} and labels plain"] = value_and_gradient(
                "plain", *[*spread[:1], *batch()[1:]]
            )[:1]
    torch.save(found, os.path.join(folder, f"{rank}.pt"))
    dist.destroy_process_group()


def test_value_and_gradient_are_those_of_the_whole_batch(tmp_path: Path) -> None:
    mp.spawn(member, (str(tmp_path),), SIZE)
    with torch_only():
        expected = {name: value_and_gradient(name, *batch()) for name in CASES}
    for rank in range(SIZE):
        found = torch.load(tmp_path / f"{rank}.pt")
        assert len(found) == 2 * (len(CASES) + 1)
        for case, result in found.items():
            for one, other in zip(result, expected[case.split(",")[0]], strict=False):
                assert type(one) is type(other)
                if one is not None:
                    torch.testing.assert_close(one, other, rtol=1e-14, atol=1e-14, msg=case)
