"""RankSim: the nearest in features should be the nearest in labels.

1. If labels repeat, one row for each distinct label stays, drawn at random, in ascending order of
   the labels; otherwise all rows stay. n rows.
2. S_ij is the cosine similarity of the features, self included.
3. R(v) ranks a vector in descending order, 1/n for the largest entry up to n/n.
4. L = weight * sum_i mean_j (R(S_i)_j - R(-|y_i - y_j|)_j)^2; with several targets the mean runs
   over them as well, each with its own ranking of the distances.

Ranks are piecewise constant. Their backward is the black-box differentiation of Vlastelica et al.:
the gradient g that arrives at the ranks moves the similarities by lambda, and the change of the
ranks counts as derivative,

    dL/dS_i = [R(S_i + lambda g_i) - R(S_i)] / (lambda + 1e-8)

g holds the weight, which so acts inside R: it does not simply scale the gradient. A factor put on
the result (of `GradScaler`, of accumulation, of another loss's weight) does scale it; in the
published implementation such a factor acts inside R as well, which ``upstream_inside`` keeps.

On the CPU in eager mode, only the rows that stay take part. Elsewhere (another device, meta and
fake tensors, `torch.compile`, also with ``fullgraph``) their number is not read: all rows are kept
at their place and masked, with the same value. A ``generator`` breaks a compiled graph, as any does
in torch.

Source: Gong, Mori, Tung (2022), "RankSim: Ranking Similarity Regularization for Deep Imbalanced
Regression"; Vlastelica et al. (2020), "Differentiation of Blackbox Combinatorial Solvers".
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from gar_verify.losses._distinct import Draw, distinct_rows, draw_numbers
from gar_verify.losses._pairs import (
    cosine_similarities,
    farthest_first,
    ranks_in_order,
    stable_argsort,
)
from gar_verify.losses._validation import (
    Hyperparameter,
    at_least_float32,
    check_finite,
    check_nonnegative,
    labels_of,
    nan_unless_finite,
    nonnegative_number,
    per_model,
    promoted,
    values_readable,
)
from gar_verify.losses.conventional import mae_loss
from gar_verify.losses.stacking import blockwise

TRAINING_WEIGHT = 100.0
"""Weight of RankSim beside the MAE in training."""


def ranks(v: Tensor, count: Tensor | int) -> Tensor:
    """Descending ranks along the last dimension over ``count``; of equals, the last comes first."""
    return ranks_in_order(stable_argsort(v), count, v.dtype)


class _RankGap(torch.autograd.Function):
    """L from similarities and the ranks ``wanted``, with the derivative of the header."""

    @staticmethod
    def forward(
        ctx: Any,
        similarity: Tensor,
        wanted: Tensor,
        present: Tensor | None,
        found: Tensor,
        strength: Hyperparameter,
        weight: Hyperparameter,
        upstream_inside: bool,
    ) -> Tensor:
        count = found[..., None, None]
        before = ranks(similarity, count)
        gap = before.unsqueeze(-3) - wanted
        if present is not None:
            gap = gap * (present.unsqueeze(-1) & present.unsqueeze(-2)).unsqueeze(-3)
        terms = wanted.shape[-3] * found
        ctx.save_for_backward(similarity, before, gap, count, terms)
        ctx.options = strength, weight, upstream_inside
        mean: Tensor = gap.square().sum((-3, -2, -1)) / terms
        return weight * mean

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        similarity, before, gap, count, terms = ctx.saved_tensors
        strength, weight, upstream_inside = ctx.options
        one = torch.ones_like(grad)
        inside, outside = (grad, one) if upstream_inside else (one, grad)
        factor = (inside * weight / terms)[..., None, None, None]
        push = (factor * (2 * gap)).sum(-3).to(similarity.dtype)
        after = ranks(similarity + strength * push, count)
        return outside[..., None, None] * ((after - before) / (strength + 1e-8)), *(None,) * 6


def ranksim_loss(
    features: Tensor,
    target: Tensor,
    interpolation: Hyperparameter = 2.0,
    weight: Hyperparameter = 1.0,
    draw: Draw = None,
    keep: Tensor | None = None,
    upstream_inside: bool = False,
) -> Tensor:
    """L of each model, a number without unit.

    ``features`` are ``[..., N, d]``, ``target`` is ``[..., N, D]``, ``interpolation`` (lambda) and
    ``weight`` are numbers or ``[...]``, the result is ``[...]``. ``keep``, indices ``[..., n]`` of
    the rows that stay, replaces the random choice. For the gradient and ``upstream_inside`` see the
    header of this file; it is 0 at ``interpolation`` 0. Only features get one, and there is no
    second derivative. Equal entries are ranked by their position, the same on every platform.

    Raises ValueError for shapes that do not fit or a negative hyper-parameter.
    """
    check_nonnegative("interpolation", interpolation)
    check_nonnegative("weight", weight)
    features, target = at_least_float32(features, target.detach())
    models = features.shape[:-2]
    if keep is None:
        rows, found = distinct_rows(target, draw_numbers(draw, target.shape[:-1], target.device))
        present = _present(rows, found)
    else:
        rows, present = keep.expand(*models, -1), None
        found = torch.full(models, rows.shape[-1], dtype=torch.int64, device=rows.device)
    similarity = cosine_similarities(_take(features, rows))
    columns = _take(target, rows).mT
    if present is not None:  # what is not there ranks behind all that is
        similarity = similarity.masked_fill(~present.unsqueeze(-2), -torch.inf)
    strength = per_model("interpolation", interpolation, models, 2)
    wanted = _label_ranks(columns, present, found[..., None, None, None]).to(similarity.dtype)
    scale = per_model("weight", weight, models, 0)
    gap: Tensor = _RankGap.apply(  # type: ignore[no-untyped-call]
        similarity, wanted, present, found, strength, scale, upstream_inside
    )
    return gap


def _label_ranks(columns: Tensor, present: Tensor | None, count: Tensor) -> Tensor:
    """Ranks of -|y_i - y_j| for each target, ``[..., D, n, n]``, of labels ``[..., D, n]``."""
    found = farthest_first(columns, itself=True) if present is None else None
    if found is not None:
        return ranks_in_order(found[0], count, columns.dtype)
    nearness = -(columns.unsqueeze(-1) - columns.unsqueeze(-2)).abs()
    if present is not None:
        nearness = nearness.masked_fill(~present[..., None, None, :], -torch.inf)
    return ranks(nearness, count)


def _take(table: Tensor, rows: Tensor) -> Tensor:
    """The given rows ``[..., n]`` of each model's table ``[..., N, d]``."""
    return table.gather(-2, rows.unsqueeze(-1).expand(*rows.shape, table.shape[-1]))


def _present(rows: Tensor, found: Tensor) -> Tensor | None:
    """Which of the n places each model fills, ``[..., n]``; None if all are known to fill all."""
    n = rows.shape[-1]
    if values_readable(found) and bool((found == n).all()):
        return None
    return torch.arange(n, device=rows.device) < found.unsqueeze(-1)


class RankSimLoss(nn.Module):
    """`ranksim_loss` as a module: a regulariser, to be added to a loss of the predictions.

    >>> x = torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    >>> f"{RankSimLoss()(x, torch.tensor([0.0, 1.0, 3.0])).item():.4f}"
    '0.1481'
    """

    def __init__(
        self,
        interpolation: float = 2.0,
        weight: float = 1.0,
        generator: torch.Generator | None = None,
        upstream_inside: bool = False,
    ) -> None:
        """Keep lambda, the weight (inside the backward) and the source of the random choice.

        ``upstream_inside`` puts the gradient that arrives at the loss inside the ranks too, as the
        published implementation does: loss scaling and accumulation then change the direction of
        the gradient, for large factors until nothing is left of it.
        """
        super().__init__()
        self.interpolation = nonnegative_number("interpolation", interpolation)
        self.weight = nonnegative_number("weight", weight)
        self.generator, self.upstream_inside = generator, upstream_inside

    def forward(self, features: Tensor, target: Tensor, keep: Tensor | None = None) -> Tensor:
        """Loss ``[...]`` of features ``[..., N, d]``; ``target`` ``[..., N]`` or ``[..., N, D]``.

        ``keep``, indices of rows, replaces the random choice among equal labels.
        """
        features, target = promoted(features, labels_of(features, target))
        check_finite(target=target)
        if keep is not None:
            _check_keep(keep, features)
        value = ranksim_loss(
            features,
            target,
            self.interpolation,
            self.weight,
            self.generator,
            keep,
            self.upstream_inside,
        )
        return nan_unless_finite(value, features, target)

    def extra_repr(self) -> str:
        """Show the hyper-parameters when the module is printed."""
        shown = f"interpolation={self.interpolation}, weight={self.weight}"
        return shown + (", upstream_inside=True" if self.upstream_inside else "")


def _check_keep(keep: Tensor, features: Tensor) -> None:
    n = features.shape[-2]
    if keep.dtype != torch.int64:
        raise TypeError(f"keep must hold indices of rows (torch.int64), got {keep.dtype}")
    outside = values_readable(keep) and bool(((keep < 0) | (keep >= n)).any())
    if keep.ndim == 0 or keep.numel() == 0 or outside:
        raise ValueError(f"keep must name rows between 0 and {n - 1}, got {keep.tolist()}")


@blockwise(random=True)
def stacked_ranksim(f: Tensor, y: Tensor, x: Tensor, interpolation: Tensor, draw: Draw) -> Tensor:
    """MAE + 100 RankSim: what is minimised in training."""
    return mae_loss(f, y) + ranksim_loss(x, y, interpolation, TRAINING_WEIGHT, draw)
