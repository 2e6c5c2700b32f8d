"""The losses of pairs of rows for targets with gaps; what is absent counts as `gaps` says."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from gar_verify.losses._distinct import Draw, distinct_rows, draw_numbers
from gar_verify.losses._pairs import cosine_similarities, stable_argsort
from gar_verify.losses.conr import ConRLoss, contrast
from gar_verify.losses.conventional import mae_loss
from gar_verify.losses.gaps import over_observed, without_gaps
from gar_verify.losses.ranksim import TRAINING_WEIGHT, _label_ranks, ranks
from gar_verify.losses.rnc import _scale, _TieGroups
from gar_verify.losses.stacking import blockwise

CONR = ConRLoss()
"""Whose distance, temperature and push are those of the training."""


def mean_distances(v: Tensor, present: Tensor) -> Tensor:
    """Mean of ``|v_id - v_jd|`` over the targets d that rows i and j both have; NaN without any.

    ``v`` and ``present`` are ``[..., N, D]``, the result is ``[..., N, N]``, without a gradient.
    """
    absent = (~present).double()
    size = v.detach().double().where(present, 0)
    # with 0 in the gaps, the sum over all targets has |v| of one row for a gap of the other
    beside = absent @ size.abs().mT
    total = torch.cdist(size, size, p=1.0) - beside - beside.mT
    shared = (1 - absent) @ (1 - absent).mT
    return (total.clamp(min=0) / shared).where(shared > 0, torch.nan).to(v.dtype)


# --- RnC ------------------------------------------------------------------------------------------


class _RankedPairs(torch.autograd.Function):
    """RnC of each model from similarities and label distances; a distance of NaN is no pair."""

    @staticmethod
    def forward(ctx: Any, similarity: Tensor, distance: Tensor) -> Tensor:
        order, starts, gone = _farthest_first(distance)
        ties = _TieGroups(starts)
        s = similarity.gather(-1, order)
        lse = ties.at_last(s.masked_fill(gone, -torch.inf).double().logcumsumexp(-1).to(s.dtype))
        lse = lse.masked_fill(gone, 0)
        pairs = (~gone).sum((-2, -1)).clamp(min=1)
        if ctx.needs_input_grad[0]:
            shares = (-lse).flip(-1).double().logcumsumexp(-1).flip(-1).to(s.dtype)
            slope = (s + ties.at_first(shares)).exp() - 1
            slope = slope.masked_fill(gone, 0) / pairs[..., None, None]
            ctx.save_for_backward(torch.zeros_like(similarity).scatter_(-1, order, slope))
        return (lse - s).masked_fill(gone, 0).sum((-2, -1)) / pairs

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        (slope,) = ctx.saved_tensors
        return grad[..., None, None] * slope, None


def _farthest_first(distance: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The other rows in falling distance, where equals start, and which are no pair; these first.

    All are ``[..., N, N - 1]``.
    """
    distance = distance.masked_fill(distance.isnan(), torch.inf)
    distance.diagonal(dim1=-2, dim2=-1).fill_(-torch.inf)  # the row itself comes last
    order = stable_argsort(-distance)[..., :-1]
    ordered = distance.gather(-1, order)
    starts = torch.ones_like(ordered, dtype=torch.bool)
    starts[..., 1:] = ordered[..., 1:] != ordered[..., :-1]
    return order, starts, ordered == torch.inf


@blockwise()
def stacked_rnc(f: Tensor, y: Tensor, x: Tensor, temperature: Tensor, draw: Draw) -> Tensor:
    """RnC of targets with gaps, which is minimised in the first phase."""
    scale = _scale(x)
    scaled = x / scale
    distance = torch.cdist(scaled, scaled, compute_mode="donot_use_mm_for_euclid_dist")
    similarity = -distance / (temperature[:, None, None] / scale)
    labels = mean_distances(y, ~y.isnan()) * y.shape[-1]
    value: Tensor = _RankedPairs.apply(similarity, labels)  # type: ignore[no-untyped-call]
    return value


# --- ConR -----------------------------------------------------------------------------------------


@blockwise()
def stacked_conr(f: Tensor, y: Tensor, x: Tensor, gamma: Tensor, draw: Draw) -> Tensor:
    """MAE + gamma ConR of targets with gaps."""
    return over_observed(mae_loss, f, y) + gamma * conr_of_gaps(x, y, f)


def conr_of_gaps(features: Tensor, target: Tensor, prediction: Tensor) -> Tensor:
    """ConR of each model, with the settings of the training."""
    filled, _, present = without_gaps(prediction, target)
    label_distance = mean_distances(target, present)
    alike = label_distance <= CONR.distance  # NaN is neither
    itself = torch.eye(alike.shape[-1], dtype=torch.bool, device=alike.device)
    confused = mean_distances(filled, present) <= CONR.distance
    negative = (label_distance > CONR.distance) & confused
    log_push = CONR.push * label_distance.nan_to_num(0)
    similarity = cosine_similarities(features) / CONR.temperature
    total, count = contrast(similarity, alike & ~itself, negative, log_push)
    return (total / count.clamp(min=1)).mean(-1)


# --- RankSim --------------------------------------------------------------------------------------


class _RankGaps(torch.autograd.Function):
    """RankSim of each model from similarities, label ranks and the rows that have each target."""

    @staticmethod
    def forward(
        ctx: Any,
        similarity: Tensor,
        wanted: Tensor,
        among: Tensor,
        strength: Tensor,
        weight: float,
    ) -> Tensor:
        kept = among.any(-2)
        found = kept.sum(-1)[..., None, None].clamp(min=1)
        similarity = similarity.masked_fill(~kept.unsqueeze(-2), -torch.inf)  # behind all others
        places = ranks(similarity, 1)
        count = among.sum(-1)[..., None, None]
        gap = _places_among(places, among) / count.clamp(min=1) - wanted
        there = among.to(gap.dtype)
        gap.mul_(there.unsqueeze(-1)).mul_(there.unsqueeze(-2))
        terms = (count * (count > 0).sum(-3, keepdim=True)).clamp(min=1)
        ctx.save_for_backward(similarity, places / found, gap, terms, found, strength)
        ctx.weight = weight
        mean: Tensor = (gap.square() / terms).sum((-3, -2, -1))
        return weight * mean

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        similarity, before, gap, terms, found, strength = ctx.saved_tensors
        push = (ctx.weight / terms * (2 * gap)).sum(-3)
        after = ranks(similarity + strength * push, 1) / found
        return grad[..., None, None] * ((after - before) / (strength + 1e-8)), *(None,) * 4


def _places_among(places: Tensor, among: Tensor) -> Tensor:
    """Places 1, 2, ... of each row among those that have a target, ``[S, D, N, N]``.

    Of the places ``[S, N, N]`` among all rows, those of rows without the target are left out.
    """
    gapped = (~among).any(-2)
    most = int(gapped.sum(-1).max())
    rows = (~gapped).byte().argsort(dim=-1, stable=True)[:, :most]  # [S, most], gapped ones first
    of_rows = places.gather(-1, rows[:, None, :].expand(-1, places.shape[-2], -1))
    before = (of_rows.unsqueeze(-2) < places.unsqueeze(-1)).to(places.dtype)  # [S, N, N, most]
    absent = (~among).gather(-1, rows[:, None, :].expand(-1, among.shape[-2], -1))
    left_out = before.flatten(1, 2) @ absent.to(places.dtype).mT  # small integers: exact
    among_present: Tensor = places.unsqueeze(1) - left_out.mT.unflatten(-1, places.shape[1:])
    return among_present


def ranksim_of_gaps(
    features: Tensor, target: Tensor, interpolation: Tensor, weight: float, draw: Draw
) -> Tensor:
    """RankSim of each model; ``interpolation`` is ``[S]``.

    The rows that stay are those with distinct labels, gaps counting as a label, and at least one.
    Similarities are ranked once, over these; the derivative of the ranks within a target is taken
    as that of the ranks over all.
    """
    _, y, present = without_gaps(target, target)
    known = y.where(present, torch.finfo(y.dtype).max)  # equal to another gap, to no label
    rows, found = distinct_rows(known, draw_numbers(draw, y.shape[:-1], y.device))
    stays = torch.arange(rows.shape[-1], device=y.device) < found.unsqueeze(-1)
    kept = torch.zeros_like(y[..., 0], dtype=torch.bool).scatter(-1, rows, stays)
    among = present.mT & kept.unsqueeze(-2)
    count = among.sum(-1)[..., None, None].clamp(min=1)
    wanted = _label_ranks(_far_where_absent(y.mT, among), None, count)
    value: Tensor = _RankGaps.apply(  # type: ignore[no-untyped-call]
        cosine_similarities(features), wanted, among, interpolation[:, None, None], weight
    )
    return value


def _far_where_absent(columns: Tensor, among: Tensor) -> Tensor:
    """Labels ``[S, D, N]``, with one in place of the absent ones that is farther than all others.

    Their distances are ranked before those of the others, whose ranks are 1, 2, ... then.
    """
    low = columns.where(among, torch.inf).amin(-1, keepdim=True)
    high = columns.where(among, -torch.inf).amax(-1, keepdim=True)
    far = (high + 2 * (high - low) + 1).nan_to_num(0, 0, 0)  # a target without any label
    return columns.where(among, far)


def stacked_ranksim(f: Tensor, y: Tensor, x: Tensor, interpolation: Tensor, draw: Draw) -> Tensor:
    """MAE + 100 RankSim of targets with gaps: what is minimised in training.

    One model after the other, so that none has other bits for its company. One whose features are
    not finite has diverged for good: it is NaN, and costs no sorting.
    """
    numbers = draw_numbers(draw, y.shape[:2], y.device)

    def of_one(model: int) -> Tensor:
        one = slice(model, model + 1)
        if not bool(x[one].isfinite().all()):
            return torch.full_like(interpolation[one], torch.nan)
        return ranksim_of_gaps(x[one], y[one], interpolation[one], TRAINING_WEIGHT, numbers[one])

    return over_observed(mae_loss, f, y) + torch.cat([of_one(model) for model in range(len(x))])
