"""Metrics of predictions that come in batches, in groups and on several processes.

What is kept is, for each group and target, the moments of `gar_verify.formulas` and one sample, the
*anchor*: means are relative to it, so that an offset of the data costs no digits, and constant
predictions have a variance of exactly zero. `formulas.merge` gives the moments of a union, so the
order and the size of the batches do not matter, beyond rounding. Small batches wait until they are
many, or until a value is asked for: the moments of many cost little more than those of one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from gar_verify import formulas
from gar_verify.formulas import Moments, Shifts, square

if TYPE_CHECKING:
    from torch.distributed import ProcessGroup

Missing = Literal["error", "omit"]
Data = Tensor | ArrayLike


WAITING = 2**14
"""Values (samples times targets) that may wait."""
LEAST = 2**6
"""What a smaller batch counts as, so that not too many wait."""


class _Kind(NamedTuple):
    """What all batches have in common."""

    columns: bool
    """Whether the targets have a dimension of their own."""
    targets: int
    grouped: bool


class _Batch(NamedTuple):
    """Samples as they came."""

    values: Tensor
    """[3, N, T]: predictions, targets and weights."""
    labels: Tensor
    """(N,): the groups; zeros if there are none."""


class _State(NamedTuple):
    """All that is kept of the samples; G groups, T targets."""

    columns: bool
    """Whether the targets have a dimension of their own."""
    grouped: bool
    ids: Tensor
    """(G,) ascending."""
    chunk: Tensor
    """[11, G, T]: the anchor (f, y) and the moments, with means relative to the anchor."""
    kept: tuple[tuple[Tensor, Tensor], ...]
    """For Spearman: predictions, targets and weights [3, N, T] and group ids (N,), in parts."""

    @property
    def kind(self) -> _Kind:
        return _Kind(self.columns, self.chunk.shape[2], self.grouped)


_NO_IDS = torch.zeros(0, dtype=torch.int64)
_NOTHING = _State(
    columns=False,
    grouped=False,
    ids=_NO_IDS,
    chunk=torch.zeros(11, 0, 1, dtype=torch.float64),
    kept=((torch.zeros(3, 0, 1, dtype=torch.float64), _NO_IDS),),
)


class _Score(NamedTuple):
    value: Tensor
    defined: Tensor


class RegressionMetrics:
    """MAE, RMSE, bias, error variance, Pearson, CCC, slope and Spearman of a stream of batches.

    With errors d = f - y and population moments (1/N, weighted where there are weights):

    ==================  ==========================================================================
    ``mae``             mean of abs(d)
    ``rmse``            root of the mean of d^2
    ``bias``            mean of d
    ``error_variance``  Var(d)
    ``pearson``         Cov(f, y) / sqrt(Var(f) Var(y))
    ``ccc``             2 Cov(f, y) / (Var(f) + Var(y) + bias^2), Lin's concordance
    ``slope``           Cov(f, y) / Var(y)
    ``spearman``        Pearson of the ranks, ties averaged; a weight of 2 is the sample twice
    ==================  ==========================================================================

    A value is undefined where nothing was seen, ``pearson`` and ``spearman`` also where
    predictions or targets are constant (one sample is), ``slope`` where targets are, ``ccc`` where
    both are the same constant. It is NaN then, and means over targets and groups leave it out. A
    prediction that is NaN or infinite makes NaN (``mae``: NaN or infinite) of all it is part of.

    Everything is computed in float64; what is kept lies on the CPU, and pickles: eleven numbers for
    each group and target, and the last small batches, fewer than `WAITING` values, as they came.

    Args:
        missing: ``"omit"``: a target that is NaN is absent, target by target; ``"error"``: it is a
            ValueError.
        spearman: also compute Spearman's correlation. It has no moments: all values are kept, 24
            bytes for each prediction and 8 for each sample.

    >>> import torch
    >>> metrics = RegressionMetrics()
    >>> metrics.update(torch.tensor([1.0, 2.0]), torch.tensor([1.0, 3.0]))
    >>> metrics.update(torch.tensor([5.0]), torch.tensor([4.0]))
    >>> scores = metrics.compute()
    >>> {name: round(scores[name], 3) for name in ("mae", "rmse", "bias", "pearson", "ccc")}
    {'mae': 0.667, 'rmse': 0.816, 'bias': 0.0, 'pearson': 0.891, 'ccc': 0.85}
    """

    def __init__(self, *, missing: Missing = "error", spearman: bool = False) -> None:
        """Nothing is seen yet."""
        if missing not in ("error", "omit"):
            raise ValueError(f"missing must be one of 'error', 'omit', got {missing!r}")
        self.missing, self.spearman = missing, spearman
        self.reset()

    def reset(self) -> None:
        """Forget all samples."""
        self._kind: _Kind | None = None
        self._settled: _State | None = None
        self._waiting: list[_Batch] = []
        self._room = WAITING

    @torch.no_grad()
    def update(
        self,
        input: Data,
        target: Data,
        sample_weight: Data | None = None,
        groups: Data | None = None,
    ) -> None:
        """See a batch, which may be empty.

        Args:
            input: predictions (N,), or (N, T) for several targets.
            target: of the same shape.
            sample_weight: (N,), or of the shape of the input; a weight of zero is absence.
            groups: (N,) integers, in every update or in none.

        Raises:
            ValueError: shapes that differ, from each other or from earlier batches; negative or
                infinite weights; groups that are no integers; a target that is NaN, unless omitted.
        """
        f, y = _floats(input), _floats(target)
        if f.shape != y.shape or f.ndim not in (1, 2):
            raise ValueError(
                f"input has shape {tuple(f.shape)} and target has shape {tuple(y.shape)}; they "
                "must be equal, (N,) or (N, T), nothing is broadcast"
            )
        w = _weights(sample_weight, f)
        gaps = y.isnan()
        if bool(gaps.any()):
            gaps = gaps & (w > 0)
            if self.missing == "error" and bool(gaps.any()):
                raise ValueError(
                    f"target is NaN in {int(gaps.sum())} entries; missing='omit' leaves them out"
                )
            w = w.masked_fill(gaps, 0)
        values = torch.stack([f, y, w])
        values = values if f.ndim == 2 else values[:, :, None]
        batch = _Batch(values, _labels(groups, f))
        self._check_kind(_Kind(f.ndim == 2, values.shape[2], groups is not None))
        if values[0].numel() < WAITING:
            self._wait([_Batch(*(x.cpu() for x in batch))])
        else:
            self._add(self._summarised(batch))

    def merge(self, other: RegressionMetrics) -> RegressionMetrics:
        """Also see all that the other has seen; returns itself.

        Raises:
            ValueError: if one has groups, several targets or Spearman, and the other has not.
        """
        if self.spearman != other.spearman:
            raise ValueError("only one of the two keeps the values for Spearman")
        if other._kind is not None:
            self._check_kind(other._kind)
        if other._settled is not None:
            self._add(other._settled)
        self._wait(tuple(other._waiting))
        return self

    def gather(self, process_group: ProcessGroup | None = None) -> RegressionMetrics:
        """What all processes of the group have seen together, the same on each of them.

        A collective call, which every process must make; samples or not.
        """
        size = torch.distributed.get_world_size(process_group)
        states: list[Any] = [None] * size
        torch.distributed.all_gather_object(states, self.state_dict(), group=process_group)
        whole = RegressionMetrics(missing=self.missing, spearman=self.spearman)
        for state in states:
            part = RegressionMetrics(missing=self.missing, spearman=self.spearman)
            part.load_state_dict(state)
            whole.merge(part)
        return whole

    def state_dict(self) -> dict[str, Any]:
        """What was seen, as tensors and flags; empty if nothing was."""
        state = self._state
        return {} if state is None else state._asdict()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from what `state_dict` returned, in place of what was seen."""
        loaded = _State(**state) if state else None
        if loaded is not None and self.spearman != bool(loaded.kept):
            raise ValueError("the state keeps values for Spearman, or this object does: not both")
        self.reset()
        if loaded is not None:
            self._kind, self._settled = loaded.kind, loaded

    def compute(self) -> dict[str, float]:
        """The metrics, averaged over the targets.

        With groups, ``within_pearson`` and so on follow: the means over the groups of the values
        within each, beside those of all samples pooled.
        """
        return {name: float(_mean(score).value) for name, score in self._scores().items()}

    def per_target(self) -> dict[str, NDArray[np.float64]]:
        """As `compute`, but arrays (T,): before the mean over the targets."""
        return {name: _array(score) for name, score in self._scores().items()}

    def per_group(self) -> dict[str, NDArray[Any]]:
        """``group``, ``weight`` and each metric within each group: (G,), or (G, T) as the targets.

        A pandas.DataFrame takes the dictionary of one target as it is.
        """
        state = self._state
        if state is None:
            return {}
        found = {name: _array(score) for name, score in self._within(pooled=False).items()}
        found = {"weight": state.chunk[2].numpy().copy(), **found}
        if not state.columns:
            found = {name: values[:, 0] for name, values in found.items()}
        return {"group": state.ids.numpy().copy(), **found}

    @property
    def _state(self) -> _State | None:
        """All that was seen, with nothing left to wait."""
        if self._waiting:
            parts = zip(*self._waiting, strict=True)
            batch = _Batch(*(torch.cat(x, -2 + i) for i, x in enumerate(parts)))
            self._waiting, self._room = [], WAITING
            self._add(self._summarised(batch))
        return self._settled

    def _wait(self, batches: Sequence[_Batch]) -> None:
        """Keep small batches until they are many."""
        self._waiting += batches
        self._room -= sum(max(batch.values[0].numel(), LEAST) for batch in batches)
        if self._room <= 0:
            self._state  # noqa: B018  (settles them)

    def _check_kind(self, new: _Kind) -> None:
        """Refuse what differs from what was seen before."""
        old = self._kind or new
        if old[:2] != new[:2]:
            shapes = [f"(N, {k.targets})" if k.columns else "(N,)" for k in (old, new)]
            raise ValueError(f"targets were {shapes[0]} before and are {shapes[1]} now")
        if old.grouped != new.grouped:
            raise ValueError("pass groups in every update, or in none")
        self._kind = new

    @torch.no_grad()
    def _summarised(self, batch: _Batch) -> _State:
        """What is kept of samples of this kind."""
        assert self._kind is not None
        columns, _, grouped = self._kind
        values, labels = batch
        ids, index = labels.unique(return_inverse=True) if grouped else (labels[:1], labels)
        return _State(
            columns=columns,
            grouped=grouped,
            ids=ids.cpu(),
            chunk=_summary(values, index, len(ids)).cpu(),
            kept=((values.cpu(), labels.cpu()),) if self.spearman else (),
        )

    def _add(self, new: _State) -> None:
        """Merge what was kept of other samples."""
        old = self._settled
        if old is not None:
            ids = torch.cat([old.ids, new.ids]).unique()
            chunk = _merged(*(_placed(state, ids) for state in (old, new)))
            new = old._replace(ids=ids, chunk=chunk, kept=old.kept + new.kept)
        self._settled = new

    def _scores(self) -> dict[str, _Score]:
        """The pooled metrics of each target, then their means over the groups."""
        found = {name: _mean(score) for name, score in self._within(pooled=True).items()}
        if self._kind is not None and self._kind.grouped:
            for name, score in self._within(pooled=False).items():
                found[f"within_{name}"] = _mean(score)
        return found

    def _within(self, *, pooled: bool) -> dict[str, _Score]:
        """The metrics (G, T) of each group, or (1, T) of all samples as one group."""
        state = self._state or _NOTHING
        found = _scores_of(_pooled(state.chunk) if pooled else state.chunk)
        if self.spearman:
            labels = torch.cat([labels for _, labels in state.kept])
            index = torch.zeros_like(labels) if pooled else torch.searchsorted(state.ids, labels)
            batch = torch.cat([batch for batch, _ in state.kept], 1)
            ranked = torch.stack([*(_ranks(x, batch[2], index) for x in batch[:2]), batch[2]])
            ranks = _summary(ranked, index, 1 if pooled else len(state.ids))
            found["spearman"] = _scores_of(ranks)["pearson"]
        return found


# --- checks ---------------------------------------------------------------------------------------


def _floats(values: Data) -> Tensor:
    """In float64, on the device of the values if that has it."""
    tensor = torch.as_tensor(values).detach()
    return (tensor.cpu() if tensor.device.type == "mps" else tensor).double()


def _weights(sample_weight: Data | None, f: Tensor) -> Tensor:
    """Weights of the shape of the predictions."""
    if sample_weight is None:
        return torch.ones_like(f)
    w = _floats(sample_weight)
    if w.shape not in (f.shape, f.shape[:1]):
        raise ValueError(
            f"sample_weight has shape {tuple(w.shape)}; expected ({len(f)},) or {tuple(f.shape)}"
        )
    if not bool(((w >= 0) & (w < torch.inf)).all()):
        raise ValueError("sample_weight must be finite and at least 0")
    return (w if w.ndim == f.ndim else w[:, None]).expand_as(f)


def _labels(groups: Data | None, f: Tensor) -> Tensor:
    """The group (N,) of each sample; zeros if there are none."""
    if groups is None:
        return torch.zeros(len(f), dtype=torch.int64, device=f.device)
    labels = torch.as_tensor(groups)
    if labels.shape != f.shape[:1] or labels.is_floating_point() or labels.is_complex():
        raise ValueError(
            f"groups must hold {len(f)} integers, one a sample, got shape {tuple(labels.shape)} "
            f"of {labels.dtype}"
        )
    return labels.to(f.device, torch.int64, copy=True)


# --- from samples to moments ----------------------------------------------------------------------


def _summary(batch: Tensor, index: Tensor, count: int) -> Tensor:
    """Anchors and moments [11, G, T] of predictions, targets and weights [3, N, T] by group.

    The heaviest sample of a group is its anchor. A group whose weights are zero is all zeros.
    """
    f, y, w = batch
    if not len(f):
        return torch.zeros(11, count, f.shape[1], dtype=f.dtype)
    rows = index[:, None].expand_as(w)

    def sums(x: Tensor) -> Tensor:
        if count == 1:
            return x.sum(0, keepdim=True)
        return x.new_zeros(count, x.shape[1]).scatter_add(0, rows, x)

    def spread(x: Tensor) -> Tensor:
        return x if count == 1 else x[index]

    def mean(x: Tensor, times: Tensor | float = 1.0) -> Tensor:
        return spread(sums(share * x * times))

    total = sums(w)
    absent = total == 0
    share = w / spread(total.masked_fill(absent, 1))
    at = w.argmax(0, keepdim=True) if count == 1 else _heaviest(w, rows, count)
    anchors = [x.gather(0, at).masked_fill(absent, 0) for x in (f, y)]
    to_f, to_y = map(spread, anchors)
    f, y = torch.where(w > 0, f, to_f), torch.where(w > 0, y, to_y)
    size = (f - y).abs()
    shifts = Shifts(to_f, to_y, to_f - to_y)
    parts = formulas.decompose(f, y, mean, shifts)
    m = formulas.moments(parts, size, spread(total), mean)
    *_, r, label = (x.expand_as(w).gather(0, at) for x in parts)
    m = Moments(*(x.expand_as(w).gather(0, at) for x in m))
    m = m._replace(mean_f=-(r + m.scale * label), mean_d=-(r + m.slope * label), mean_y=-label)
    return torch.stack([*anchors, *m]).masked_fill(absent, 0)


def _heaviest(w: Tensor, rows: Tensor, count: int) -> Tensor:
    """(G, T) the first row with the largest weight of each group; ``rows``: their groups (N, T)."""
    top = w.new_zeros(count, w.shape[1]).scatter_reduce(0, rows, w, "amax")
    position = torch.arange(len(w), device=w.device)[:, None].expand_as(w)
    found = position.where(w == top.gather(0, rows), len(w))
    first: Tensor = found.new_full(top.shape, len(w)).scatter_reduce(0, rows, found, "amin")
    return first


def _ranks(values: Tensor, weight: Tensor, index: Tensor) -> Tensor:
    """Ranks (N, T) within groups, up to a number for each group; NaN where a value is not finite.

    The rank of a value is the weight below it and half the weight at it.
    """
    ranks = torch.empty_like(values)
    for x, w, to in zip(values.T, weight.T, ranks.T, strict=True):
        order = x.argsort(stable=True)
        order = order[index[order].argsort(stable=True)]
        fresh = torch.ones_like(order)
        fresh[1:] = (x[order].diff() != 0) | (index[order].diff() != 0)
        run = fresh.cumsum(0) - 1
        at = w.new_zeros(len(w)).scatter_add(0, run, w[order])
        to[order] = (at.cumsum(0) - at / 2)[run]
    return ranks + 0 * values


# --- unions ---------------------------------------------------------------------------------------


def _placed(state: _State, ids: Tensor) -> Tensor:
    """The chunk of a state with a place for each of more groups; those it lacks are absent."""
    eleven, _, targets = state.chunk.shape
    wider = state.chunk.new_zeros(eleven, len(ids), targets)
    wider[:, torch.searchsorted(ids, state.ids)] = state.chunk
    return wider


def _merged(a: Tensor, b: Tensor) -> Tensor:
    """The chunk of the union, relative to the anchor of the heavier of the two."""
    anchor = torch.where(a[2] >= b[2], a[:2], b[:2])
    whole = formulas.merge(_relative(a, anchor), _relative(b, anchor))
    return torch.stack([*anchor, *whole])


def _relative(chunk: Tensor, anchor: Tensor) -> Moments:
    """The moments of a chunk with means relative to another anchor."""
    (f, y), (to_f, to_y) = chunk[:2], anchor
    m = Moments(*chunk[2:])
    gap_f, gap_y = f - to_f, y - to_y
    own, other = f - y, to_f - to_y
    gap_d = (own - other) + (formulas.lost(f, y, own) - formulas.lost(to_f, to_y, other))
    absent = m.weight == 0
    return m._replace(
        mean_f=(m.mean_f + gap_f).masked_fill(absent, 0),
        mean_d=(m.mean_d + gap_d).masked_fill(absent, 0),
        mean_y=(m.mean_y + gap_y).masked_fill(absent, 0),
    )


def _pooled(chunk: Tensor) -> Tensor:
    """All groups as one, [11, 1, T]; merged in pairs, so in few steps."""
    while chunk.shape[1] > 1:
        if chunk.shape[1] % 2:
            chunk = torch.cat([chunk, torch.zeros_like(chunk[:, :1])], 1)
        chunk = _merged(*chunk.chunk(2, 1))
    return chunk


# --- from moments to metrics ----------------------------------------------------------------------


def _scores_of(chunk: Tensor) -> dict[str, _Score]:
    """The metrics of each group and target, but Spearman's correlation."""
    f, y, *numbers = chunk
    m = Moments(*numbers)
    m = m._replace(mean_d=(m.mean_d + formulas.lost(f, y, f - y)) + (f - y))
    variance = formulas.error_variance(m)
    seen = m.weight != 0
    sloped = seen & (m.var_y != 0)
    correlated = sloped & (formulas.prediction_variance(m) != 0)
    size = formulas.concordance_scale(m)
    found = {
        "mae": _Score(m.conventional, seen),
        "rmse": _Score((variance + square(m.mean_d)).sqrt(), seen),
        "bias": _Score(m.mean_d, seen),
        "error_variance": _Score(variance, seen),
        "pearson": _Score(1 - formulas.one_minus_pearson(m, torch), correlated),
        "ccc": _Score((2 * m.scale * m.var_y / size).clamp(-1, 1), size != 0),
        "slope": _Score(m.scale, sloped),
    }
    return found


def _mean(score: _Score) -> _Score:
    """Over the first dimension, where it is defined; 0 / 0 = NaN where it is nowhere."""
    total = score.value.where(score.defined, 0).sum(0)
    return _Score(total / score.defined.sum(0), score.defined.any(0))


def _array(score: _Score) -> NDArray[np.float64]:
    values: NDArray[np.float64] = score.value.where(score.defined, torch.nan).numpy()
    return values
