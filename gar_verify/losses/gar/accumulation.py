"""Gradient accumulation that gives the exact gradient of the whole batch, in two passes.

GAR does not add up over micro-batches: the error variance and the correlation of a batch are not
the means of those of its pieces. But it is a function L(m) of a few moments m, and those merge
exactly (`gar_verify.formulas.merge`). So:

    pass 1   m = m_1 + ... + m_K            (merged; m_k the moments of micro-batch k, no graph)
    pass 2   dL/df_i = w_i / W (a phi'(d_i) + b r_i + c (y_i - mean y)),   for i in micro-batch k

with r_i = d_i - mean d - slope (y_i - mean y), where W, the means, the slope and the three
coefficients a, b, c (`gar_verify.formulas.sub_losses_gradient`) depend on m alone and are those of
the whole batch. The gradients of pass 2, which autograd adds up in the parameters, are therefore
the gradient of L at the whole batch, whatever the micro-batches are.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from gar_verify.formulas import prediction_variance
from gar_verify.losses._validation import values_readable
from gar_verify.losses.gar.aggregation import accumulation_dtype
from gar_verify.losses.gar.autograd import ClosedForm, evaluate
from gar_verify.losses.gar.distributed import (
    Summary,
    Whole,
    check_derivatives,
    gather,
    merge_summaries,
    split_chunk,
    summary,
    union,
)
from gar_verify.losses.gar.loss import GARLoss
from gar_verify.losses.gar.options import (
    Options,
    Setting,
    check_batch,
    check_chunkable,
    check_labels,
    omitted,
)
from gar_verify.losses.gar.tensor_reader import expand_weight, grouped

GOLDEN = 0.6180339887498949
"""Its multiples, less their whole parts, tell the places of a micro-batch apart."""


@dataclass
class _Passes:
    """What the two passes over one global batch have seen."""

    kind: tuple[torch.Size, torch.dtype, torch.device]
    """Shape of a sample, dtype and device."""
    options: Options
    sizes: list[int] = field(default_factory=list)
    seen: list[Summary] = field(default_factory=list)
    """Summary of each micro-batch of pass 1."""
    traces: list[Tensor] = field(default_factory=list)
    """What pass 2 has to see again, of each micro-batch of pass 1."""
    replayed: list[Tensor] = field(default_factory=list)
    """The same of pass 2."""
    whole: Whole | None = None
    alpha: float = 0.0
    """The loss's alpha when the moments of the whole batch were taken: it holds for all of it."""

    def is_complete(self) -> bool:
        return len(self.replayed) == len(self.sizes)


class GARAccumulator:
    """The gradient of one big batch, from micro-batches that fit into memory.

    Pass 1 shows every micro-batch to `observe`; pass 2 runs the same micro-batches in the same
    order through `loss` and calls ``backward()`` on each result. The gradients then add up to that
    of ``loss`` at the whole batch, to rounding, and `value` is its value there. Both passes run the
    model: one third more time than plain accumulation, and the memory of one micro-batch.

    Args:
        loss: a `GARLoss` with ``dim=0``; its other options act as usual. Its alpha is read when
            pass 1 is over, and holds for the whole batch. With a ``process_group`` the whole batch
            is that of all processes (they may hold different numbers of micro-batches, at least one
            each), and gradients averaged by DistributedDataParallel are those of the whole batch.
        tolerance: how far the mean prediction of a micro-batch may differ between the passes,
            relative to the standard deviations over the whole batch. Labels and weights must be the
            same, sample by sample.

    Note:
        The model must compute the same in both passes: no dropout that is drawn anew, no update in
        between. Batch normalisation still normalises each micro-batch by itself, and updates its
        running statistics in both passes. Where the last micro-batch shows that predictions or
        labels differed, it raises: call ``optimizer.zero_grad()`` and repair the loop.

        Inputs, targets and ``sample_weight`` are those of `GARLoss`; a micro-batch may have weights
        that are all zero. Under a process group the first call of `loss` or `value` after the last
        `observe` is collective: every process has to make it.

    Raises:
        TypeError, ValueError: as `GARLoss`; micro-batches that do not belong together.
        RuntimeError: calls out of order, or passes that did not see the same.
        NotImplementedError: second derivatives, or labels and weights that require gradients.

    >>> import torch
    >>> model = torch.nn.Linear(3, 1)
    >>> inputs, labels = torch.randn(10, 3), torch.randn(10, 1)
    >>> micro_batches = list(zip(inputs.split(4), labels.split(4)))
    >>> accumulator = GARAccumulator(GARLoss(alpha=0.5))
    >>> with torch.no_grad():
    ...     for x, y in micro_batches:
    ...         accumulator.observe(model(x), y)
    >>> for x, y in micro_batches:
    ...     accumulator.loss(model(x), y).backward()
    >>> exact = GARLoss(alpha=0.5)(model(inputs), labels)
    >>> torch.allclose(accumulator.value, exact)
    True
    >>> (gradient,) = torch.autograd.grad(exact, model.weight)
    >>> torch.allclose(model.weight.grad, gradient, atol=1e-6)
    True
    """

    def __init__(self, loss: GARLoss, *, tolerance: float = 1e-3) -> None:
        """Keep the loss; nothing is observed yet."""
        if not isinstance(loss, GARLoss):
            raise TypeError(
                f"GARAccumulator needs a GARLoss, got {type(loss).__name__}; for a loss that is a "
                f"mean over samples, plain gradient accumulation is exact"
            )
        check_chunkable(loss.options)
        if not tolerance >= 0:
            raise ValueError(f"tolerance must be at least 0, got {tolerance}")
        self._loss = loss
        self._tolerance = tolerance
        self._passes: _Passes | None = None

    def reset(self) -> None:
        """Forget the batch. Needed only to give one up: a completed batch makes room by itself."""
        self._passes = None

    def observe(
        self,
        input: Tensor,
        target: Tensor,
        sample_weight: Tensor | None = None,
        groups: Tensor | None = None,
    ) -> None:
        """Pass 1: add a micro-batch to the whole batch. No graph is kept.

        ``input``, ``target``: (n,) or (n, T), n from one to the next as you like. The first call
        after a completed pass 2 begins a new batch.
        """
        passes = self._passes
        if passes is not None and passes.replayed and not passes.is_complete():
            raise RuntimeError(
                f"observe() in the middle of pass 2, which has seen {len(passes.replayed)} of "
                f"{len(passes.sizes)} micro-batches: finish it, or call reset() to give it up"
            )
        options, target, sample_weight = self._check(input, target, sample_weight, groups)
        if passes is None or passes.replayed:
            passes = _Passes(_kind(input), options)
        _check_kind(input, options, passes)
        passes.sizes.append(len(input))
        passes.seen.append(_summary(input, target, sample_weight, groups, options))
        passes.traces.append(_trace(input, target, sample_weight))
        passes.whole = None
        self._passes = passes

    def loss(
        self,
        input: Tensor,
        target: Tensor,
        sample_weight: Tensor | None = None,
        groups: Tensor | None = None,
    ) -> Tensor:
        """Pass 2: the loss of the *whole* batch, with a graph through this micro-batch only.

        Every micro-batch returns the same value (so do not add them up), in the shape that
        `GARLoss` gives it. Its gradient in ``input`` is the part of the whole batch's gradient that
        belongs to these samples.
        """
        passes = self._observed()
        if passes.is_complete():
            raise RuntimeError(
                f"pass 2 is over: all {len(passes.sizes)} observed micro-batches have been seen; "
                f"show the next batch to observe() first"
            )
        options, target, sample_weight = self._check(input, target, sample_weight, groups)
        check_derivatives(target, sample_weight)
        if not (input.requires_grad and torch.is_grad_enabled()):
            raise RuntimeError(
                "the input of pass 2 has no graph: run the model with gradients enabled "
                "(torch.no_grad() is for pass 1)"
            )
        _check_kind(input, options, passes)
        position = len(passes.replayed)
        if len(input) != passes.sizes[position]:
            raise RuntimeError(
                f"micro-batch {position} has {len(input)} samples in pass 2 and had "
                f"{passes.sizes[position]} in pass 1: show the same micro-batches in the same order"
            )
        whole = self._whole(passes)
        passes.replayed.append(_trace(input, target, sample_weight))
        if passes.is_complete():
            self._check_same_passes(passes, whole)
        setting = Setting(options, whole=whole)
        rest = (passes.alpha, setting, groups)
        value: Tensor = ClosedForm.apply(input, target, sample_weight, rest)  # type: ignore[no-untyped-call]
        group = self._loss.process_group
        if group is None:
            return value
        others = torch.distributed.get_world_size(group) - 1
        return value + others * (value - value.detach())  # DDP divides by the number of processes

    @property
    def value(self) -> Tensor:
        """The loss of the whole batch that was observed last, detached; after pass 1 or later."""
        passes = self._observed()
        whole = self._whole(passes)
        setting = Setting(passes.options, whole=whole)
        shape, dtype, device = passes.kind
        sample = torch.zeros((1, *shape), dtype=dtype, device=device)  # any: the whole decides
        groups = None if whole.ids is None else whole.ids[:1]
        with torch.no_grad():
            return evaluate(sample, sample, None, passes.alpha, setting, groups)[0]

    def _check(
        self, input: Tensor, target: Tensor, weight: Tensor | None, groups: Tensor | None
    ) -> tuple[Options, Tensor, Tensor | None]:
        o = check_batch(input, target, weight, self._loss.options, chunk=True, groups=groups)
        check_chunkable(o)
        if o.missing == "omit":
            target, weight = omitted(target, weight, o.dim, chunk=True)
        elif values_readable(target):
            check_labels(target, weight, o.dim)
        return o if groups is None else replace(o, grouped=True), target, weight

    def _observed(self) -> _Passes:
        if self._passes is None:
            raise RuntimeError(
                "nothing is observed: show every micro-batch to observe() first (pass 1)"
            )
        return self._passes

    def _whole(self, passes: _Passes) -> Whole:
        if passes.whole is None:
            chunks = [merge_summaries(passes.seen)]
            if self._loss.process_group is not None:
                chunks = gather(chunks[0], self._loss.process_group)
            passes.whole = union(chunks, passes.options)
            passes.alpha = self._loss.alpha
        return passes.whole

    def _check_same_passes(self, passes: _Passes, whole: Whole) -> None:
        m = whole.moments
        deviation = (prediction_variance(m).sqrt() + m.var_y.sqrt()).amax(0)
        seen, replayed = torch.stack(passes.traces), torch.stack(passes.replayed)
        rounding = 8 * torch.finfo(passes.kind[1]).eps * seen.abs()
        rounding[:, 0] += self._tolerance * deviation
        differ = (seen - replayed).abs() > rounding
        which = differ.flatten(1).any(1).nonzero().flatten().tolist()
        if which:
            raise RuntimeError(
                f"pass 2 did not see what pass 1 saw, in micro-batches {which} of {len(seen)}: "
                f"predictions, labels or weights differ. Show the same micro-batches in the same "
                f"order, with dropout off and no update of the model in between"
            )


def _kind(input: Tensor) -> tuple[torch.Size, torch.dtype, torch.device]:
    return input.shape[1:], input.dtype, input.device


def _check_kind(input: Tensor, o: Options, passes: _Passes) -> None:
    kind = _kind(input)
    if kind != passes.kind:
        raise ValueError(
            f"micro-batches of one batch must agree in the shape of a sample, dtype and device: "
            f"the first has {tuple(passes.kind[0])}, {passes.kind[1]}, {passes.kind[2]}; this one "
            f"{tuple(kind[0])}, {kind[1]}, {kind[2]}"
        )
    if o.grouped != passes.options.grouped:
        raise ValueError("pass groups with all micro-batches of a batch, or with none")


def _summary(
    input: Tensor, target: Tensor, weight: Tensor | None, groups: Tensor | None, o: Options
) -> Summary:
    with torch.inference_mode(False), torch.no_grad():
        index = None if groups is None else grouped(groups)
        return summary(split_chunk(input, target, o.dim, weight, index), o)


@torch.no_grad()
def _trace(input: Tensor, target: Tensor, weight: Tensor | None) -> Tensor:
    """Means of predictions, labels and weights, each sample with a factor of its own, (3, ...)."""
    places = torch.arange(len(input), device=input.device, dtype=accumulation_dtype(input))
    factors = 0.5 + torch.frac(places * GOLDEN).reshape(-1, *[1] * (input.ndim - 1))
    w = torch.ones_like(factors)
    if weight is not None:
        w = expand_weight(weight.to(factors.dtype), input, 0)
    f, y = (torch.where(w == 0, 0, x).to(factors.dtype) for x in (input, target))
    return torch.stack([(factors * x.expand_as(input)).mean(0) for x in (f, y, w)])
