"""GAR as the objective of gradient boosting, for LightGBM and XGBoost.

A booster sees the whole training set at once, so the batch of the loss is all of it. It asks for
the gradient with respect to each prediction, which is that of `GARLoss`, and for one curvature h_i
a prediction. With these, a leaf moves its predictions by -sum g_i / sum h_i: what is wanted of the
curvature is a step of the right length. The diagonal of the Hessian is a poor guide to it: the
Hessian of the mean absolute error is 0, and that of 1 - Pearson is 0 along the predictions
themselves and without bound where they are nearly constant, as in the first trees. The surrogate is
the curvature of a parabola above each part,

    conventional    phi'(e_i) / e_i  with e_i = max(|d_i|, mean|d|): the parabola that has phi's
                    value and slope at +-e_i; 2 for d^2, 1 / e_i for |d|
    1 - CCC         2 / (Var(f) + Var(y) + mean(d)^2): N times its Hessian has no eigenvalue above
                    max(sin x + sin 2x) = 1.76 times that, found for f = y tan(x / 2); steps shorter
                    than twice the inverse descend
    error variance  2, the largest eigenvalue of N times its Hessian
    1 - Pearson     1 / max(Var(f), Var(y)): N times its Hessian has the largest eigenvalue
                    (rho + sqrt(4 - 3 rho^2)) / (2 Var(f)), between 1 and 1.16 times 1 / Var(f) for
                    rho >= 0; predictions nearer to constant than the labels are treated as these

weighed with p_k / L_k, the derivatives of the aggregation (with groups: each with those of its own
group). It is positive and costs O(N). The
curvature of the aggregation itself is left out: for alpha >= 1 it is negative, so the sum stays on
the safe side; below, a smaller learning rate does the same.

Only the ratio of gradient and curvature moves a leaf, but the libraries compare curvature with
settings of theirs (`lambda_l2`, `min_child_weight`). Both are scaled so that the curvature sums to
the sum of the weights, as it does for the squared error; the logarithm or the power mean of GAR
then make no difference.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from gar_verify import formulas
from gar_verify.formulas import Moments
from gar_verify.losses.gar import gar_loss
from gar_verify.losses.gar.options import (
    PARTS,
    Conventional,
    GroupWeight,
    Options,
    Part,
    as_parts,
    check_alpha,
)
from gar_verify.losses.gar.tensor_reader import (
    Split,
    conventional_slope,
    grouped,
    loss_of,
    moments_of,
    split,
)

Vector = NDArray[np.float64]
Places = NDArray[np.int64]

LARGEST = 1e150
"""The square of what is larger is no number."""

FAR = 10.0
"""Standard deviations of the labels between their mean and a start that is worth a warning."""


@dataclass(frozen=True)
class BoostingObjective:
    """GAR as both libraries call it: gradient and curvature, each (N,) in float64.

    Called with ``(predictions, data)``, as by ``lightgbm.train`` and ``xgboost.train``, where
    ``data`` has ``get_label``, ``get_weight`` and ``get_group``; or with ``(labels, predictions,
    sample_weight, group)``, as by ``LGBMModel`` and ``XGBRegressor``. Can be copied and pickled.

    Where the data have groups (XGBoost's ``qid`` or ``group``, LightGBM's ``group``), the loss is
    that of `GARLoss` with ``groups``. With groups XGBoost has one weight for each group: it is that
    of each of its rows, and so counts with ``group_weight="size"``.
    """

    alpha: float = 0.5
    conventional: Conventional = "mae"
    delta: float = 1.0
    parts: tuple[Part, ...] = PARTS
    within: tuple[Part, ...] = PARTS
    group_weight: GroupWeight = "equal"

    def __post_init__(self) -> None:
        """Refuse what `GARLoss` refuses."""
        check_alpha(self.alpha)
        for name in ("parts", "within"):
            object.__setattr__(self, name, as_parts(name, getattr(self, name)))
        self.options  # noqa: B018  (checks them)

    @property
    def options(self) -> Options:
        """The options of the loss, checked."""
        return Options(
            conventional=self.conventional,
            delta=self.delta,
            parts=self.parts,
            within=self.within,
            group_weight=self.group_weight,
        )

    def __call__(
        self,
        first: ArrayLike,
        second: Any,
        sample_weight: ArrayLike | None = None,
        group: ArrayLike | None = None,
    ) -> tuple[Vector, Vector]:
        """Gradient and curvature; ``group`` holds the sizes of the groups, in the order of rows."""
        label, prediction = first, second
        if hasattr(second, "get_label"):
            label, prediction = second.get_label(), first
            sample_weight, group = second.get_weight(), second.get_group()
        weight, sizes = _unless_empty(sample_weight), _unless_empty(group)
        if sizes is None:
            return self.derivatives(prediction, label, weight)
        if weight is not None and len(weight) == len(sizes):
            weight = np.repeat(weight, sizes)
        return self.derivatives(prediction, label, weight, _numbered(sizes, np.size(label)))

    def derivatives(
        self,
        prediction: ArrayLike,
        label: ArrayLike,
        sample_weight: ArrayLike | None = None,
        groups: ArrayLike | None = None,
    ) -> tuple[Vector, Vector]:
        """Gradient and curvature of the loss of one batch.

        Args:
            prediction, label: (N,), in the units of the labels.
            sample_weight: (N,), not negative; a zero weight equals absence, also of a row with a
                label that is missing.
            groups: (N,) integers, the group of each row.

        Returns:
            gradient, curvature: (N,) each; the gradient is a positive multiple of that of
                `GARLoss`, the curvature positive, with the sum of the weights (N without) as its
                sum. Where the loss has no slope and no scale (a perfect fit) they are 0 and the
                weights.

        Raises:
            ValueError: shapes that differ or are not (N,), values that are not finite or whose
                squares are out of range, and what `GARLoss` refuses.

        Warns:
            UserWarning: once, if the predictions are constant, as at the start, and far from the
                labels.
        """
        f, y = _vector("predictions", prediction), _vector("labels", label)
        w = None if sample_weight is None else _vector("sample_weight", sample_weight)
        of = None if groups is None else np.asarray(groups)
        if w is not None and f.shape == y.shape == w.shape and w.any() and not w.all():
            seen, both = w != 0, np.zeros((2, len(w)))
            both[:, seen] = self.derivatives(
                f[seen], y[seen], w[seen], None if of is None else of[seen]
            )
            return both[0], both[1]
        _check_values(predictions=f, labels=y, sample_weight=w)
        self._check_start(f, y)
        return self._derivatives(
            torch.from_numpy(f),
            torch.from_numpy(y),
            None if w is None else torch.from_numpy(w),
            None if of is None else torch.from_numpy(of),
        )

    def _check_start(self, f: Vector, y: Vector) -> None:
        """Warn once of a constant prediction many standard deviations from the mean label."""
        known = self.__dict__.get("_warned", False) or f.shape != y.shape or not f.size
        if known or np.ptp(f) > 0 or not y.std() > 0:
            return
        distance = abs(float(y.mean() - f[0]) / float(y.std()))
        if distance > FAR:
            object.__setattr__(self, "_warned", True)
            warnings.warn(
                f"boosting starts at {f[0]:g}, {distance:.0f} standard deviations of the labels "
                f"from their mean, and may stay far from it; start at the mean: XGBoost's "
                f"base_score={y.mean():g} (xgboost_start), LightGBM's init_score, or scaled labels",
                UserWarning,
                stacklevel=3,
            )

    def _derivatives(
        self, f: Tensor, y: Tensor, w: Tensor | None, groups: Tensor | None
    ) -> tuple[Vector, Vector]:
        f.requires_grad_()
        value = gar_loss(
            f,
            y,
            self.alpha,
            w,
            groups,
            conventional=self.conventional,
            delta=self.delta,
            parts=self.parts,
            within=self.within,
            group_weight=self.group_weight,
        )
        (gradient,) = torch.autograd.grad(value, f)
        weight = torch.ones_like(y) if w is None else w
        curvature = self._curvature(f.detach(), y, w, groups)
        scale = weight.sum() / curvature.sum()
        if not bool((gradient != 0).any()) or not bool(torch.isfinite(scale)):
            return np.zeros(len(f)), weight.numpy()
        return (scale * gradient).numpy(), (scale * curvature).numpy()

    def _curvature(self, f: Tensor, y: Tensor, w: Tensor | None, groups: Tensor | None) -> Tensor:
        """Of the loss, sample by sample."""
        o = replace(self.options, grouped=groups is not None)
        batch = split(f, y, 0, w, None if groups is None else grouped(groups))
        m = moments_of(batch, o.conventional, o.delta)
        of_parts = (
            conventional_curvature(batch, m, o),
            formulas.error_variance_gradient(m).residual,
            batch.spread(pearson_curvature(m)),
        )
        derivatives = loss_of(m, self.alpha, o, f.dtype).derivatives
        share = batch.w / batch.spread(m.weight)
        each = (batch.spread(by) * h for by, h in zip(derivatives, of_parts, strict=True))
        curvature: Tensor = share * sum(each)
        return curvature


def conventional_curvature(batch: Split, m: Moments, o: Options) -> Tensor:
    """Of the conventional part, sample by sample.

    phi'(e) / e at e = max(|d|, mean|d|), the parabola through phi at +-e.
    """
    if o.conventional == "concordance":
        scale = batch.spread(formulas.concordance_scale(m))
        of_ratio: Tensor = formulas.ratio(torch.full_like(scale, 2), scale)
        return of_ratio
    size = formulas.absolute(batch.error)
    mean = (batch.w * size).sum() / m.weight.sum() if o.pooled else batch.mean(size)
    large = torch.maximum(size, mean)
    slope = conventional_slope(o.conventional, large, o.delta)
    curvature: Tensor = formulas.ratio(slope, large)
    return curvature


def pearson_curvature(m: Moments) -> Tensor:
    """1 / max(Var(f), Var(y)); 0 where both are constant."""
    variance = torch.maximum(formulas.prediction_variance(m), m.var_y)
    curvature: Tensor = formulas.ratio(torch.ones_like(variance), variance)
    return curvature


def lightgbm_objective(
    alpha: float = 0.5,
    *,
    conventional: Conventional = "mae",
    delta: float = 1.0,
    parts: tuple[Part, ...] = PARTS,
    within: tuple[Part, ...] = PARTS,
    group_weight: GroupWeight = "equal",
) -> Callable[..., tuple[Vector, Vector]]:
    """GAR for LightGBM: ``LGBMRegressor(objective=...)`` or ``params["objective"]``.

    With an objective of one's own LightGBM starts from 0, and the error variance holds any offset
    in place: start from the mean of the labels, by ``init_score`` or by scaling the labels
    (scikit-learn's `TransformedTargetRegressor`).

    Parameters are those of `GARLoss`; see `BoostingObjective` for what is returned and raised, and
    this module's text for the curvature.

    >>> labels, predictions = [1.0, 2.0, 3.0, 4.0], [2.0, 2.0, 3.0, 3.0]
    >>> gradient, curvature = lightgbm_objective(alpha=1.0)(labels, predictions)
    >>> gradient.round(3).tolist(), round(float(curvature.sum()), 6)
    ([0.906, -0.208, 0.208, -0.906], 4.0)
    """
    return BoostingObjective(alpha, conventional, delta, parts, within, group_weight)


def xgboost_objective(
    alpha: float = 0.5,
    *,
    conventional: Conventional = "mae",
    delta: float = 1.0,
    parts: tuple[Part, ...] = PARTS,
    within: tuple[Part, ...] = PARTS,
    group_weight: GroupWeight = "equal",
) -> Callable[..., tuple[Vector, Vector]]:
    """GAR for XGBoost: ``XGBRegressor(objective=...)`` or ``xgboost.train(..., obj=...)``.

    With an objective of one's own XGBoost starts from ``base_score``, 0.5 unless given, and the
    error variance holds any offset in place: set it to the mean of the labels (`xgboost_start`), or
    scale them (scikit-learn's `TransformedTargetRegressor`). An objective cannot do it: it is asked
    for derivatives, and XGBoost adds its own start to what the trees predict.

    Parameters are those of `GARLoss`; see `BoostingObjective` for what is returned and raised, and
    this module's text for the curvature.
    """
    return BoostingObjective(alpha, conventional, delta, parts, within, group_weight)


def xgboost_start(labels: ArrayLike, sample_weight: ArrayLike | None = None) -> dict[str, float]:
    """The parameters of XGBoost with which boosting starts at the mean of the labels (N,).

    ``xgboost.train({**params, **xgboost_start(y)}, ..., obj=xgboost_objective())``, or
    ``XGBRegressor(objective=xgboost_objective(), **xgboost_start(y))``. The start is stored with
    the booster and is part of its predictions.

    Raises:
        ValueError: labels or weights that are not (N,) or not finite; weights that sum to 0.

    >>> xgboost_start([1000.0, 1001.0, 1005.0])
    {'base_score': 1002.0}
    """
    y = _vector("labels", labels)
    w = np.ones_like(y) if sample_weight is None else _vector("sample_weight", sample_weight)
    if y.shape != w.shape or not w.any():
        raise ValueError(
            f"there are {len(y)} labels and {len(w)} weights, of sum {w.sum():g}; expected one "
            f"for each label, with a positive sum"
        )
    y, w = y[w != 0], w[w != 0]
    _check_values(labels=y, sample_weight=w)
    return {"base_score": float(y[0] + np.average(y - y[0], weights=w))}


def _unless_empty(values: Any) -> Any:
    """None for what a library has instead of weights or groups where there are none."""
    return None if values is None or len(values) == 0 else values


def _numbered(sizes: ArrayLike, rows: int) -> Places:
    """The group (N,) of each row, for groups that follow each other."""
    counts = np.asarray(sizes)
    if counts.sum() != rows:
        raise ValueError(
            f"the sizes of the {len(counts)} groups sum to {counts.sum()}, and there are {rows} "
            f"rows; expected the number of rows of each group, the rows in the order of the groups"
        )
    return np.repeat(np.arange(len(counts)), counts)


def _vector(name: str, values: ArrayLike) -> Vector:
    """Numbers (N,) as a float64 array of their own."""
    array = np.array(values, dtype=np.float64)
    if array.ndim != 1:
        raise ValueError(
            f"{name} have shape {array.shape}; expected (N,): boost one target at a time"
        )
    return array


def _check_values(**vectors: Vector | None) -> None:
    """Refuse what is not finite, and what has no squares in float64."""
    for name, array in vectors.items():
        if array is None or not array.size:
            continue
        bad = int((~np.isfinite(array)).sum())
        if bad:
            raise ValueError(f"{name}: {bad} of {array.size} are not finite; leave those rows out")
        largest, spread = float(np.abs(array).max()), float(np.ptp(array))
        if largest > LARGEST or (name == "labels" and 0 < spread < 1 / LARGEST):
            raise ValueError(
                f"{name} have values up to {largest:.2g} and a range of {spread:.2g}; expected at "
                f"most {LARGEST:g} and at least {1 / LARGEST:g}, so that squares are numbers too: "
                "scale the labels to a standard deviation near 1"
            )
