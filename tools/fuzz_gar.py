"""Random batches through `GARLoss`, looking for a NaN, an infinity or an exception that is not due.

    python tools/fuzz_gar.py [--examples 100000] [--seed 0] [--only INDEX]

Every example draws a dtype, a shape, scales and offsets over the range of the dtype, planted
degeneracies (constants, duplicates, perfect fits, zero weights, infinities and NaN) and every
option of the loss. What must hold:

* finite predictions, labels and weights give a finite value and a finite gradient;
* a NaN or an infinity in a sample that counts gives a NaN, in the value and in the gradient;
* a sample of weight zero counts for nothing, whatever it holds, and has gradient zero;
* the value is the same with and without a graph, and 1 - Pearson lies in [0, 2];
* the compiled reader and that of tensors give the same value and gradient, to rounding;
* so do the definitions of the sub-losses, pair by pair in float64, where they are well-conditioned;
* in micro-batches (`GARAccumulator`) all of this holds as well;
* nothing raises.

On a failure, the smallest batch found that still fails is printed as a call, and the exit status
is 1. Batches of float64 stay within 1e-75 and 1e75: beyond, their squares leave float64.
"""

from __future__ import annotations

import argparse
import math
import sys
import time
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from gar_verify import GARLoss
from gar_verify.losses import normalized_pairwise_loss, pairwise_difference_loss
from gar_verify.losses._compiled import torch_only
from gar_verify.losses.gar import backend
from gar_verify.losses.gar.accumulation import GARAccumulator
from gar_verify.losses.gar.options import PARTS

DTYPES = (torch.float16, torch.bfloat16, torch.float32, torch.float64)
DECADES = {torch.float16: (-7, 4), torch.bfloat16: (-37, 37), torch.float32: (-37, 37)}
"""Powers of ten of the scales, by dtype; float64 is cut at 75, where squares are still numbers."""
RELATIONS = (
    "independent",
    "linear",
    "near",
    "perfect",
    "reversed",
    "shifted",
    "duplicates",
    "constant predictions",
    "constant labels",
    "both constant",
    "outlier",
    "two values",
    "zeros",
    "denormal",
)
BAD = (math.nan, math.inf, -math.inf)
PAIRS = 64
"""Samples up to which the definitions, pair by pair, are computed."""


@dataclass(frozen=True)
class Example:
    """One call of the loss."""

    input: Tensor
    target: Tensor
    weight: Tensor | None
    options: dict[str, Any]
    relation: str = ""

    def __str__(self) -> str:
        """The call, to be pasted."""
        arguments = [f"input={written(self.input)}", f"target={written(self.target)}"]
        if self.weight is not None:
            arguments.append(f"sample_weight={written(self.weight)}")
        options = ", ".join(f"{k}={v!r}" for k, v in self.options.items())
        return f"GARLoss({options})(\n    " + ",\n    ".join(arguments) + "\n)"


def written(tensor: Tensor) -> str:
    """A tensor as an expression, exact to the bit."""
    return f"torch.tensor({tensor.double().tolist()}, dtype={tensor.dtype})"


def draw(seed: int, index: int) -> Example:
    """The example of this number."""
    g = np.random.default_rng([seed, index])
    dtype = DTYPES[g.integers(len(DTYPES))]
    count = int(np.ceil(10 ** g.uniform(0, 2.5))) if g.random() > 0.1 else int(g.integers(1, 4))
    shape = (count,) if g.random() < 0.5 else (count, int(g.integers(1, 5)))
    relation = str(g.choice(RELATIONS))
    f, y = numbers(g, shape, relation, dtype)
    options = draw_options(g, len(shape))
    dim = options.get("dim", 0) % len(shape)
    weight = draw_weight(g, shape, dim, dtype) if g.random() < 0.4 else None
    if g.random() < 0.15:
        plant(g, f, y, weight, dim)
    return Example(f, y, weight, options, relation)


def numbers(
    g: np.random.Generator, shape: tuple[int, ...], relation: str, dtype: torch.dtype
) -> tuple[Tensor, Tensor]:
    """Predictions and labels, related as asked, in units and at offsets of the dtype's range."""
    low, high = DECADES.get(dtype, (-75, 75))
    unit = 10.0 ** (g.uniform(low, high) if g.random() < 0.6 else g.uniform(-3, 3))
    y = g.standard_normal(shape)
    if g.random() < 0.4:
        y = y + 10 ** g.uniform(-2, 6)
    if g.random() < 0.2:
        y = np.round(y)  # ties
    noise = g.standard_normal(shape) * 10 ** g.uniform(-12, 1)
    f = {
        "independent": lambda: g.standard_normal(shape) * 10 ** g.uniform(-20, 20),
        "linear": lambda: 10 ** g.uniform(-20, 20) * (y + noise),
        "near": lambda: y + noise,
        "perfect": y.copy,
        "reversed": lambda: -y,
        "shifted": lambda: y + 10 ** g.uniform(-3, 6),
        "duplicates": lambda: y[g.integers(0, len(y), len(y))],
        "constant predictions": lambda: np.full(shape, g.standard_normal()),
        "constant labels": y.copy,
        "both constant": lambda: np.full(shape, g.standard_normal()),
        "outlier": lambda: y + noise,
        "two values": lambda: np.where(g.random(shape) < 0.5, 0.1, 0.7),
        "zeros": lambda: np.zeros(shape),
        "denormal": lambda: y + noise,
    }[relation]()
    if relation in ("constant labels", "both constant"):
        y = np.full(shape, g.standard_normal())
    if relation == "zeros" and g.random() < 0.5:
        y = np.zeros(shape)
    if relation == "outlier":
        f.flat[g.integers(f.size)] *= 10 ** g.uniform(0, 20)
    if relation == "denormal":
        unit = torch.finfo(dtype).smallest_normal if dtype != torch.float64 else 1e-75
    return as_tensor(f * unit, dtype), as_tensor(y * unit, dtype)


def as_tensor(values: np.ndarray[Any, Any], dtype: torch.dtype) -> Tensor:
    """The values in a dtype, kept within its finite numbers (float64: within their squares)."""
    limit = 1e75 if dtype == torch.float64 else torch.finfo(dtype).max
    return torch.from_numpy(np.clip(values, -limit, limit)).to(dtype)


def draw_options(g: np.random.Generator, ndim: int) -> dict[str, Any]:
    """Options of the loss, most often those that differ from the defaults."""
    alphas = (0.0, math.inf, 1e-300, 1e-3, 0.1, 0.5, 1.0, 10.0, 1e3, 1e7, 1e9)
    options: dict[str, Any] = {"alpha": float(g.choice(alphas))}
    options["form"] = str(g.choice(["log", "power_mean"]))
    options["conventional"] = str(g.choice(["mae", "mse", "huber"]))
    if options["conventional"] == "huber":
        options["delta"] = float(10 ** g.uniform(-3, 3))
    if g.random() < 0.3:
        size = int(g.integers(1, 4))
        options["parts"] = tuple(str(p) for p in g.permutation(PARTS)[:size])
    if g.random() < 0.5:
        options["targets"] = "per_target"
        if g.random() < 0.5:
            options["reduction"] = "none"
    if ndim > 1 and g.random() < 0.3:
        options["dim"] = int(g.choice([1, -1, -2]))
    return options


def draw_weight(
    g: np.random.Generator, shape: tuple[int, ...], dim: int, dtype: torch.dtype
) -> Tensor:
    """Weights with a positive sum for every target, some zero, of any unit."""
    dtype = (dtype, torch.float32, torch.float64)[g.integers(3)]
    size = shape if g.random() < 0.5 else shape[dim : dim + 1]
    low, high = (-2, 1) if dtype == torch.float16 else (-20, 20)
    weight = g.random(size) * 10 ** (g.uniform(low, high) if g.random() < 0.3 else 0)
    if g.random() < 0.3:
        weight = weight * 10 ** g.uniform(-6, 0, size)
    if g.random() < 0.6:
        weight[g.random(size) < g.random()] = 0
    tensor = torch.from_numpy(weight).to(dtype)
    axis = dim if tensor.ndim > 1 else 0
    empty = tensor.sum(axis, keepdim=True) == 0
    return torch.where(empty, torch.ones_like(tensor), tensor)


def plant(g: np.random.Generator, f: Tensor, y: Tensor, weight: Tensor | None, dim: int) -> None:
    """Put infinities and NaN in, half of the time only where the weight is zero."""
    places = torch.from_numpy(g.random(tuple(f.shape)) < 1.5 / f.numel())
    if weight is not None and g.random() < 0.5:
        places = expanded(weight, f, dim) == 0
    for values in ((f,), (y,), (f, y))[g.integers(3)]:
        values[places] = float(g.choice(BAD))


def expanded(weight: Tensor, like: Tensor, dim: int) -> Tensor:
    """Weights in the shape of the input."""
    if weight.ndim == like.ndim:
        return weight
    return weight.reshape([-1 if d == dim else 1 for d in range(like.ndim)]).expand_as(like)


# --- what must hold -------------------------------------------------------------------------------


def failures(example: Example) -> Iterator[str]:
    """What this example breaks, in words."""
    loss = GARLoss(**example.options)
    dim = loss.options.dim % example.input.ndim
    counts = torch.ones_like(example.input, dtype=torch.bool)
    if example.weight is not None:
        counts = expanded(example.weight, example.input, dim) != 0
    fine = ~counts | (example.input.isfinite() & example.target.isfinite())
    good = fine.all(dim) if loss.options.reduction == "none" else fine.all()
    missing = int((counts & example.target.isnan()).sum())
    if missing:
        yield from unless_refused(example, loss, missing)
        return
    f = example.input.clone().requires_grad_()
    value = loss(f, example.target, example.weight)
    value.sum().backward()
    assert f.grad is not None
    yield from compare(value.detach(), f.grad, good, counts, fine, dim)
    if bool(good.all()):
        yield from differences(example, loss, value.detach(), f.grad)
    again = loss(example.input, example.target, example.weight)
    if not torch.equal(again.nan_to_num(), value.detach().nan_to_num()):
        yield f"the value is {value.tolist()} with a graph and {again.tolist()} without"
    parts = loss.components(example.input, example.target, example.weight)
    pearson = parts.one_minus_pearson
    if bool(((pearson < 0) | (pearson > 2 + 1e-6)).any()):
        yield f"1 - Pearson is {pearson.tolist()}"
    if bool(good.all()):
        for name, part in parts._asdict().items():
            if not bool(part.isfinite().all()):
                yield f"component {name} is {part.tolist()}"
    if dim == 0:
        for problem in failures_in_chunks(example, loss, good, counts, fine):
            yield f"in micro-batches: {problem}"


def differences(example: Example, loss: GARLoss, value: Tensor, gradient: Tensor) -> Iterator[str]:
    """Where the readers differ, or where they differ from the definition."""
    parts = loss.components(example.input, example.target, example.weight)
    dim = loss.options.dim % example.input.ndim
    if not well_conditioned(example, dim, parts.one_minus_pearson):
        return
    f = example.input.clone().requires_grad_()
    with torch_only():
        expected = loss(f, example.target, example.weight)
        expected.sum().backward()
    assert f.grad is not None
    digits = max(1e-9, 4 * torch.finfo(value.dtype).eps)
    if bool(((value - expected).abs() > digits * (1 + expected.abs())).any()):
        yield f"the value is {value.tolist()} compiled and {expected.tolist()} by tensors"
    tolerance = max(1e-6, 8 * torch.finfo(f.dtype).eps) * f.grad.abs().max()
    if bool(((gradient - f.grad).abs() > tolerance).any()):
        yield f"the gradient is {gradient.tolist()} compiled and {f.grad.tolist()} by tensors"
    if example.weight is None and example.input.ndim == 1 and len(f) <= PAIRS:
        a, b = example.input.double(), example.target.double()
        for name, one, two in (
            ("error_variance", parts.error_variance, pairwise_difference_loss(a, b)),
            ("one_minus_pearson", parts.one_minus_pearson, normalized_pairwise_loss(a, b)),
        ):
            limits = torch.finfo(one.dtype)
            two = two.clamp(max=limits.max)
            if abs(one.double() - two) > 1e-6 * two + limits.smallest_normal:
                yield f"{name} is {one.item()} and {two.item()} by its definition"


def well_conditioned(example: Example, dim: int, one_minus_pearson: Tensor) -> bool:
    """Whether rounding leaves the variances and the correlation of every target their digits."""
    f, y = example.input.double(), example.target.double()
    w = torch.ones_like(f)
    if example.weight is not None:
        w = expanded(example.weight, example.input, dim).double()
        f, y = torch.where(w == 0, 0, f), torch.where(w == 0, 0, y)
    w = w / w.amax(dim, keepdim=True)
    share = w / w.sum(dim, keepdim=True)
    several = bool((share.square().sum(dim) < 0.4).all())  # more than two count
    means = [(share * x).sum(dim, keepdim=True) for x in (f, y)]
    spread_f, spread_y = (
        (share * (x - m).square()).sum(dim).sqrt() for x, m in zip((f, y), means, strict=True)
    )
    return (
        several
        and bool((spread_f > 1e-4 * f.abs().amax(dim)).all())
        and bool((spread_y > 1e-4 * y.abs().amax(dim)).all())
        and bool(((spread_f < 1e4 * spread_y) & (spread_y < 1e4 * spread_f)).all())
        and bool(((one_minus_pearson > 1e-4) & (one_minus_pearson < 1.9999)).all())
    )


def failures_in_chunks(
    example: Example, loss: GARLoss, good: Tensor, counts: Tensor, fine: Tensor
) -> Iterator[str]:
    """The same in two micro-batches of different size."""
    f = example.input.clone().requires_grad_()
    size = max(1, len(f) // 3)
    accumulator = GARAccumulator(loss)
    parts = [(0, size), (size, len(f))] if len(f) > 1 else [(0, 1)]
    w = example.weight
    chunks = [(f[a:b], example.target[a:b], None if w is None else w[a:b]) for a, b in parts]
    for chunk in chunks:
        accumulator.observe(*chunk)
    for chunk in chunks:
        accumulator.loss(*chunk).sum().backward()
    assert f.grad is not None
    yield from compare(accumulator.value, f.grad, good, counts, fine, 0)


def unless_refused(example: Example, loss: GARLoss, missing: int) -> Iterator[str]:
    """Labels that are NaN and count are an error that says how many they are."""
    try:
        value = loss(example.input, example.target, example.weight)
    except ValueError as error:
        if f"target holds {missing} NaN" not in str(error):
            yield f"{missing} NaN among the labels: {error}"
    else:
        yield f"{missing} NaN among the labels give {value.tolist()}"


def compare(
    value: Tensor, gradient: Tensor, good: Tensor, counts: Tensor, fine: Tensor, dim: int
) -> Iterator[str]:
    """Finite where it must be, NaN where it must be, zero where nothing counts."""
    if not bool(value[good].isfinite().all()):
        yield f"the value is {value.tolist()}"
    if not bool(value[~good].isnan().all()):
        yield f"a NaN or an infinity in the batch gives the value {value.tolist()}"
    if bool(good.all()):
        if not bool(gradient.isfinite().all()):
            yield f"the gradient is {gradient.tolist()}"
        elif bool(gradient[~counts].any()):
            yield f"samples of weight zero have the gradient {gradient[~counts].tolist()}"
    elif not bool((gradient.isnan() & counts).any()):
        yield f"a NaN or an infinity in the batch gives the gradient {gradient.tolist()}"


def problem(example: Example) -> str:
    """The first thing that this example breaks, or nothing."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            return next(failures(example), "")
    except Exception as error:
        return f"{type(error).__name__}: {error}"


# --- the smallest batch that still fails ----------------------------------------------------------


def kind(words: str) -> str:
    """A problem without its numbers."""
    return words.split(" is ")[0].split(":")[-1][:40]


def shrink(example: Example) -> Example:
    """Leave out samples, targets and options as long as it fails in the same way."""
    what = kind(problem(example))
    smaller = True
    while smaller:
        smaller = False
        for candidate in simpler(example):
            if kind(problem(candidate)) == what:
                example, smaller = candidate, True
                break
    return example


def simpler(example: Example) -> Iterator[Example]:
    """Simpler calls, the boldest first."""
    if example.weight is not None:
        yield replace(example, weight=None)
    for name in example.options:
        if name != "alpha":
            rest = {k: v for k, v in example.options.items() if k != name}
            if name != "targets" or "reduction" not in rest:
                yield replace(example, options=rest)
    for axis in range(example.input.ndim):
        size = example.input.shape[axis]
        step = size // 2
        while step >= 1:
            for start in range(0, size, step):
                keep = [i for i in range(size) if not start <= i < start + step]
                if keep:
                    yield selected(example, axis, torch.tensor(keep))
            step //= 2


def selected(example: Example, axis: int, keep: Tensor) -> Example:
    """The example with some of its rows or columns."""
    w = example.weight
    if w is not None:
        dim = example.options.get("dim", 0) % example.input.ndim
        if w.ndim == example.input.ndim:
            w = w.index_select(axis, keep)
        elif axis == dim:
            w = w.index_select(0, keep)
    return replace(
        example,
        input=example.input.index_select(axis, keep),
        target=example.target.index_select(axis, keep),
        weight=w,
    )


# --- the run --------------------------------------------------------------------------------------


def run(examples: int, seed: int, first: int = 0) -> list[tuple[int, str]]:
    """Indices and problems of the examples that fail."""
    found = []
    shown = sys.stderr.isatty()
    for index in range(first, first + examples):
        words = problem(draw(seed, index))
        if words:
            found.append((index, words))
        if shown and index % 500 == 0:
            done = index - first
            print(f"\r{done:>9,} of {examples:,}, {len(found)} failed", end="", file=sys.stderr)
    if shown:
        print("\r" + " " * 60 + "\r", end="", file=sys.stderr)
    return found


def main(arguments: list[str] | None = None) -> int:
    """Run, report, and say by the exit status whether anything failed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--examples", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", type=int, metavar="INDEX", help="this example alone")
    parser.add_argument("--kinds", type=int, default=5, help="how many kinds of failure to show")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    start = time.perf_counter()
    if options.only is None:
        found = run(options.examples, options.seed)
    else:
        found = run(1, options.seed, options.only)
    seconds = time.perf_counter() - start
    examples = options.examples if options.only is None else 1
    print(f"read by: {backend().name}")
    print(f"{examples:,} examples in {seconds:.0f} s (seed {options.seed}): {len(found)} failed")
    kinds: dict[str, list[int]] = {}
    for index, words in found:
        kinds.setdefault(kind(words), []).append(index)
    for indices in sorted(kinds.values(), key=len, reverse=True)[: options.kinds]:
        smallest = shrink(draw(options.seed, indices[0]))
        print(f"\n{len(indices)} like --seed {options.seed} --only {indices[0]}: in the call")
        print(f"{smallest}\n{problem(smallest)}")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
