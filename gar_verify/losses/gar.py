"""GAR, Gradient Aligned Regression: the paper's loss, exactly as it is proved in ``proofs/``.

    GAR = KL-DRO_alpha( mean |d|,  Var(d),  1 - Pearson(f, y) ),      d = f - y

What each part does to the gradient of the predictions f:

* the mean absolute error pushes every prediction by the same amount towards its label, whatever
  the size of its error: sign(d_i) / N;
* the error variance (Theorem 1: the mean squared difference of all pairs) pulls the errors
  together, towards their mean, not towards zero: 2 (d_i - mean d) / N;
* 1 - Pearson (Theorem 2: the normalised pairs) turns the centred predictions towards the centred
  labels and leaves their length and offset alone: -(z_y - rho z_f) / (N s_f).

The aggregation weighs the three by p_k / L_k with p_k ~ L_k^(1/alpha), so relative improvements
count: alpha = 0 attends to the largest sub-loss only, alpha = 1 weighs them as their plain sum
does, alpha = inf equally, whatever their units. The value in log form is the logarithm of a mean
of losses: it is negative when they are below 1 and has no lower bound; what counts is its gradient.

The authors' released code computes half the error variance and (N - 1)/N * (1 - rho), adds 1e-7 to
each part and forgets the logarithm of its normaliser: `constants="released"` does that, but for
the logarithm, which is a constant to the gradient.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor, nn

from gar_verify.losses.aggregation import check_alpha, smallest
from gar_verify.losses.gar_chunks import check_derivatives, split_chunk
from gar_verify.losses.gar_closed_form import (
    ClosedForm,
    ClosedFormOfNumbers,
    Setting,
    TransformableClosedForm,
    TransformableWithForwardMode,
    aggregate_targets,
    averaged_dims,
    evaluate,
    reduced_dims,
    whole_batch,
    whole_column,
)
from gar_verify.losses.gar_options import (
    PARTS,
    Options,
    check_batch,
    result_dtype,
    transforms_active,
)
from gar_verify.losses.gar_released import released_gar
from gar_verify.moments import split

if TYPE_CHECKING:
    from torch.distributed import ProcessGroup


class Components(NamedTuple):
    """The parts of one value of the loss, for logging; detached."""

    conventional: Tensor
    error_variance: Tensor
    one_minus_pearson: Tensor
    weights: Tensor
    """p_k, the attention that the aggregation gives to each sub-loss, along the last dimension."""
    value: Tensor


def loss_of_checked(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None,
    alpha: float | Tensor,
    setting: Setting,
) -> Tensor:
    """The loss of a checked batch, by the fastest way that gives the derivatives asked for."""
    o = setting.options
    if o.constants == "released":
        return released_gar(input, target, alpha, o)
    if setting.partial:
        check_derivatives(target, weight)
    if target.requires_grad or (weight is not None and weight.requires_grad):
        return evaluate(input, target, weight, alpha, setting, with_gradient=False)[0]
    arguments = (input, target, weight, alpha, setting)
    if torch.compiler.is_compiling():
        value: Tensor = TransformableClosedForm.apply(*arguments)[0]  # type: ignore[no-untyped-call]
        return value
    if transforms_active():
        value = TransformableWithForwardMode.apply(*arguments)[0]  # type: ignore[no-untyped-call]
        return value
    if input.requires_grad and torch.is_grad_enabled():
        value = ClosedForm.apply(*arguments)  # type: ignore[no-untyped-call]
        return value
    with torch.no_grad():
        return evaluate(*arguments, with_gradient=False)[0]


def gar_loss(
    input: Tensor,
    target: Tensor,
    alpha: float = 0.5,
    sample_weight: Tensor | None = None,
    *,
    conventional: str = "mae",
    delta: float = 1.0,
    form: str = "log",
    constants: str = "paper",
    targets: str = "joint",
    dim: int = 0,
    reduction: str = "mean",
    parts: tuple[str, ...] = PARTS,
    process_group: ProcessGroup | None = None,
) -> Tensor:
    """GAR of one batch; see `GARLoss` for every argument.

    >>> import torch
    >>> labels = torch.tensor([0.0, 1.0, 2.0, 3.0])
    >>> round(gar_loss(labels + torch.tensor([0.1, -0.1, 0.1, -0.1]), labels).item(), 4)
    -2.8463
    """
    options = Options(
        conventional=conventional,
        delta=delta,
        form=form,
        constants=constants,
        targets=targets,
        dim=dim,
        reduction=reduction,
        parts=tuple(parts),
    )
    alpha = check_alpha(alpha)
    options = check_batch(input, target, sample_weight, options, process_group is not None)
    setting = Setting(options, group=process_group)
    return loss_of_checked(input, target, sample_weight, alpha, setting)


def _single(part: str, input: Tensor, target: Tensor, weight: Tensor | None, dim: int) -> Tensor:
    options = check_batch(input, target, weight, Options(dim=dim, parts=(part,), raw=True))
    return loss_of_checked(input, target, weight, 1.0, Setting(options))


def error_variance_loss(
    input: Tensor, target: Tensor, sample_weight: Tensor | None = None, dim: int = 0
) -> Tensor:
    """Var(input - target) over ``dim``: the mean of 1/2 (df - dy)^2 over all pairs (Theorem 1).

    ``input``, ``target``: (N,) or (N, T), averaged over targets; in squared units of the labels.
    The gradient is 2 (d_i - mean d) / N: no part of it moves the mean error. Errors as `GARLoss`.

    >>> import torch
    >>> float(error_variance_loss(torch.tensor([1.0, 1.0, 3.0, 3.0]), torch.zeros(4)))
    1.0
    """
    return _single("error_variance", input, target, sample_weight, dim)


def pearson_loss(
    input: Tensor, target: Tensor, sample_weight: Tensor | None = None, dim: int = 0
) -> Tensor:
    """1 - Pearson correlation over ``dim``: the normalised pairwise loss (Theorem 2), in [0, 2].

    ``input``, ``target``: (N,) or (N, T), averaged over targets; without units. A constant vector
    has no direction: the value is 1/2 if just one of the two is constant, 0 if both are, as in
    `normalized_pairwise_loss`, and the gradient 0. Elsewhere the gradient is orthogonal to the
    centred predictions: it changes neither their length nor their offset. Errors as `GARLoss`.

    >>> import torch
    >>> labels = torch.tensor([0.0, 1.0, 2.0])
    >>> float(pearson_loss(5 * labels - 7, labels)), float(pearson_loss(-labels, labels))
    (0.0, 2.0)
    """
    return _single("pearson", input, target, sample_weight, dim)


class GARLoss(nn.Module):
    """Gradient Aligned Regression: KL-DRO of the MAE, the error variance and 1 - Pearson.

    Called with ``(input, target, sample_weight=None)``: input and target floating tensors of one
    shape, (N,) or (N, T) with N the batch; returns a scalar.

    Parameters
    ----------
    alpha : in [0, inf]; 0 is the largest sub-loss, 1 the log of their mean, ``math.inf`` the log of
        their geometric mean. Labels far from unit scale make the error variance the largest part,
        and a small alpha attends to it alone: standardise the labels, or take alpha of 2 or more.
        May be changed between steps: ``loss.alpha = 0.1``.
    conventional : the part that fixes the offset: ``"mae"``, ``"mse"`` or ``"huber"``.
    delta : Huber's threshold, in units of the labels.
    form : ``"log"``, or ``"power_mean"`` for its exponential: a positive loss in the units of the
        sub-losses, with a gradient that vanishes at a perfect fit.
    constants : ``"paper"``, or ``"released"`` for the authors' code: half the error variance,
        (N - 1)/N (1 - rho), 1e-7 added to each (by plain autograd: slower).
    targets : with T > 1, ``"joint"`` averages each sub-loss over the targets before aggregating
        (as released), ``"per_target"`` aggregates each target by itself.
    dim : the dimension that is the batch; 1 correlates across the targets of a row.
    reduction : ``"mean"`` over targets, or ``"none"`` (needs ``targets="per_target"``).
    parts : the sub-losses used, of ``("conventional", "error_variance", "pearson")``.
    process_group : with a group of `torch.distributed`, the loss of the batch that its processes
        hold together: the value is the global one in every process, and gradients averaged by
        DistributedDataParallel are those of the global batch.

    Weights ``sample_weight`` are (N,) or of the input's shape; a zero weight equals absence.

    Notes
    -----
    The gradient is in closed form (proved in ``proofs/closed_form_gradient.py``); second
    derivatives and `torch.func` transforms work. Statistics are in float64, the value in the dtype
    of the input (float32 for half precision). Sub-losses below the smallest normal number count as
    that number, so that perfect predictions have a finite value and a zero gradient; what exceeds
    the largest number of the dtype is that number. Float64 batches are meant to lie within 1e-100
    and 1e100 in size, where squares are numbers too. NaN or infinity in the input gives NaN. The
    module has no parameters and no state.

    What rounding leaves of a residual (16 eps of float64, relative to predictions and labels)
    counts as zero: predictions exactly linear in the labels, two samples among them, have
    1 - Pearson = 0 (or 2) and no gradient from it.

    In log form the gradient grows as 1 / loss near a perfect fit: with a constant rate of learning
    the error then oscillates at about its square root. Where labels can be fitted perfectly, lower
    the rate or use ``form="power_mean"``, whose gradient is bounded.

    Degenerate batches: with N = 1, or constant predictions and labels, only the conventional part
    is non-zero; if just one of the two is constant, 1 - Pearson counts 1/2 and has no gradient.

    Raises
    ------
    TypeError : integer or boolean tensors, dtypes that differ, alpha not a number.
    ValueError : shapes or devices that differ (nothing is broadcast), an empty batch, alpha
        negative or NaN, unknown options, weights of the wrong shape, negative, or summing to 0.

    >>> import torch
    >>> labels = torch.tensor([1.0, 2.0, 3.0, 4.0])
    >>> predictions = torch.tensor([1.5, 1.5, 3.5, 3.5], requires_grad=True)
    >>> loss = GARLoss(alpha=0.5)(predictions, labels)
    >>> loss.backward()
    >>> round(loss.item(), 4)
    -1.1134
    """

    def __init__(
        self,
        alpha: float = 0.5,
        *,
        conventional: str = "mae",
        delta: float = 1.0,
        form: str = "log",
        constants: str = "paper",
        targets: str = "joint",
        dim: int = 0,
        reduction: str = "mean",
        parts: tuple[str, ...] = PARTS,
        process_group: ProcessGroup | None = None,
    ) -> None:
        """Validate and keep the options."""
        super().__init__()
        self.options = Options(
            conventional=conventional,
            delta=delta,
            form=form,
            constants=constants,
            targets=targets,
            dim=dim,
            reduction=reduction,
            parts=tuple(parts),
        )
        self.process_group = process_group
        self._setting = Setting(self.options, group=process_group)
        o = self.options
        self._plain = (o.constants, o.reduction, o.dim, process_group) == ("paper", "mean", 0, None)
        self.alpha = alpha

    @property
    def alpha(self) -> float:
        """The aggregation's parameter, in [0, inf]."""
        return self._alpha

    @alpha.setter
    def alpha(self, value: float) -> None:
        self._alpha = check_alpha(value)

    def forward(self, input: Tensor, target: Tensor, sample_weight: Tensor | None = None) -> Tensor:
        """The loss of one batch."""
        if sample_weight is None and self._plain and whole_column(input, target):
            value: Tensor = ClosedFormOfNumbers.apply(input, target, self._alpha, self.options)
            return value
        part = self.process_group is not None
        options = check_batch(input, target, sample_weight, self.options, part)
        setting = self._setting
        if options is not self.options:
            setting = Setting(options, group=self.process_group)
        return loss_of_checked(input, target, sample_weight, self._alpha, setting)

    @torch.no_grad()
    def components(
        self, input: Tensor, target: Tensor, sample_weight: Tensor | None = None
    ) -> Components:
        """The sub-losses of a batch, the weights p_k of the aggregation and the value, to log.

        >>> import torch
        >>> labels = torch.tensor([1.0, 2.0, 3.0, 4.0])
        >>> parts = GARLoss().components(labels + 2, labels)
        >>> [round(float(x), 4) for x in parts[:3]], [round(float(p), 4) for p in parts.weights]
        ([2.0, 0.0, 0.0], [1.0, 0.0, 0.0])
        """
        part = self.process_group is not None
        o = check_batch(input, target, sample_weight, self.options, part)
        if o.constants == "released":
            raise ValueError("components are those of constants='paper'; this loss has 'released'")
        setting = Setting(o, group=self.process_group)
        batch = (split_chunk if setting.partial else split)(input, target, o.dim, sample_weight)
        m, _, _ = whole_batch(batch, setting)
        dtype = result_dtype(input)
        averaged = averaged_dims(input.ndim, o)
        value, _, losses, p = aggregate_targets(m, self._alpha, o, smallest(dtype), averaged)
        gone = [o.dim, *(averaged if o.targets == "joint" else ())]
        limit = torch.finfo(dtype).max
        losses = losses.clamp(max=limit)
        conventional, variance, pearson = (x.squeeze(gone).to(dtype) for x in losses)
        p = p.squeeze([d + 1 for d in gone]).movedim(0, -1).to(dtype)
        return Components(
            conventional,
            variance,
            pearson,
            p,
            value.squeeze(reduced_dims(input.shape, o)).clamp(max=limit).to(dtype),
        )

    def extra_repr(self) -> str:
        """The options that differ from the defaults."""
        default = Options()
        changed = [
            f"{name}={getattr(self.options, name)!r}"
            for name in default.__dataclass_fields__
            if getattr(self.options, name) != getattr(default, name)
        ]
        return ", ".join([f"alpha={self._alpha:g}", *changed])
