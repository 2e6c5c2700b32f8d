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

The authors' released code has other constants: see `gar_verify.losses.released_gar`.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, get_args

import torch
from torch import Tensor, nn

from gar_verify.losses._distinct import Draw
from gar_verify.losses._validation import PLAIN, check_choice
from gar_verify.losses.gar.autograd import loss_of_checked
from gar_verify.losses.gar.distributed import split_chunk, whole_batch, whole_tensors
from gar_verify.losses.gar.options import (
    PARTS,
    Conventional,
    Form,
    GroupWeight,
    Missing,
    Options,
    Part,
    Reader,
    Reduction,
    Setting,
    TargetPolicy,
    as_parts,
    check_alpha,
    check_batch,
    omitted,
    result_dtype,
)
from gar_verify.losses.gar.tensor_reader import grouped, loss_of, moments_of, split, value_of

if TYPE_CHECKING:
    from torch.distributed import ProcessGroup

Constants = Literal["paper", "released"]
CONSTANTS: tuple[Constants, ...] = get_args(Constants)


class Components(NamedTuple):
    """The parts of one value of the loss, for logging; detached."""

    conventional: Tensor
    error_variance: Tensor
    one_minus_pearson: Tensor
    weights: Tensor
    """p_k, the attention that the aggregation gives to each sub-loss, along the last dimension."""
    value: Tensor


def gar_loss(
    input: Tensor,
    target: Tensor,
    alpha: float = 0.5,
    sample_weight: Tensor | None = None,
    groups: Tensor | None = None,
    *,
    conventional: Conventional = "mae",
    delta: float = 1.0,
    form: Form = "log",
    constants: Constants = "paper",
    targets: TargetPolicy = "joint",
    dim: int = 0,
    reduction: Reduction = "mean",
    parts: tuple[Part, ...] = PARTS,
    missing: Missing = "error",
    within: tuple[Part, ...] = PARTS,
    group_weight: GroupWeight = "equal",
    process_group: ProcessGroup | None = None,
) -> Tensor:
    """GAR of one batch; see `GARLoss` for every argument.

    >>> import torch
    >>> labels = torch.tensor([0.0, 1.0, 2.0, 3.0])
    >>> round(gar_loss(labels + torch.tensor([0.1, -0.1, 0.1, -0.1]), labels).item(), 4)
    -2.8463
    """
    if constants != "paper":
        loss = GARLoss(
            alpha,
            conventional=conventional,
            form=form,
            constants=constants,
            targets=targets,
            dim=dim,
            reduction=reduction,
            parts=parts,
            process_group=process_group,
        )
        value: Tensor = loss(input, target)
        return value
    setting = _setting(
        conventional,
        delta,
        form,
        targets,
        dim,
        reduction,
        as_parts("parts", parts),
        missing,
        as_parts("within", within),
        group_weight,
    )
    if process_group is not None:
        setting = Setting(setting.options, group=process_group)
    return _loss(input, target, sample_weight, groups, check_alpha(alpha), setting)


@lru_cache(maxsize=64)
def _setting(
    conventional: Conventional = "mae",
    delta: float = 1.0,
    form: Form = "log",
    targets: TargetPolicy = "joint",
    dim: int = 0,
    reduction: Reduction = "mean",
    parts: tuple[Part, ...] = PARTS,
    missing: Missing = "error",
    within: tuple[Part, ...] = PARTS,
    group_weight: GroupWeight = "equal",
    raw: bool = False,
) -> Setting:
    """One setting for the same options, which remembers the batches it has seen."""
    return Setting(
        Options(
            conventional,
            delta,
            form,
            targets,
            dim,
            reduction,
            parts,
            missing,
            within,
            group_weight,
            raw=raw,
        )
    )


def _loss(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None,
    groups: Tensor | None,
    alpha: float,
    setting: Setting,
) -> Tensor:
    if type(input) not in PLAIN or type(target) not in PLAIN:
        input, target, weight, groups = whole_tensors(input, target, weight, groups)
    if weight is not None and weight.ndim > 1 == input.ndim:
        weight = weight.squeeze(-1)  # one for each row, written as a column
    options = check_batch(input, target, weight, setting.options, values=False, groups=groups)
    if options is not setting.options:
        setting = Setting(options, group=setting.group)
    if options.missing == "omit":
        target, weight = omitted(target, weight, options.dim, chunk=setting.partial)
    if groups is not None:
        setting = setting.with_groups
    return loss_of_checked(input, target, weight, alpha, setting, groups)


def _single(
    part: Part,
    conventional: Conventional,
    dim: int,
    missing: Missing,
    reduction: Reduction,
    group_weight: GroupWeight,
) -> Setting:
    """The setting of one sub-loss by itself."""
    return _setting(
        conventional=conventional,
        targets="per_target",
        dim=dim,
        reduction=reduction,
        parts=(part,),
        missing=missing,
        group_weight=group_weight,
        raw=True,
    )


def error_variance_loss(
    input: Tensor,
    target: Tensor,
    sample_weight: Tensor | None = None,
    dim: int = 0,
    *,
    groups: Tensor | None = None,
    missing: Missing = "error",
    reduction: Reduction = "mean",
    group_weight: GroupWeight = "equal",
) -> Tensor:
    """Var(input - target) over ``dim``: the mean of 1/2 (df - dy)^2 over all pairs (Theorem 1).

    ``input``, ``target``: (N,) or (N, T), averaged over targets; in squared units of the labels.
    The gradient is 2 (d_i - mean d) / N: no part of it moves the mean error. Errors as `GARLoss`.

    >>> import torch
    >>> float(error_variance_loss(torch.tensor([1.0, 1.0, 3.0, 3.0]), torch.zeros(4)))
    1.0
    """
    setting = _single("error_variance", "mae", dim, missing, reduction, group_weight)
    return _loss(input, target, sample_weight, groups, 1.0, setting)


def pearson_loss(
    input: Tensor,
    target: Tensor,
    sample_weight: Tensor | None = None,
    dim: int = 0,
    *,
    groups: Tensor | None = None,
    missing: Missing = "error",
    reduction: Reduction = "mean",
    group_weight: GroupWeight = "equal",
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
    setting = _single("pearson", "mae", dim, missing, reduction, group_weight)
    return _loss(input, target, sample_weight, groups, 1.0, setting)


def concordance_loss(
    input: Tensor,
    target: Tensor,
    sample_weight: Tensor | None = None,
    dim: int = 0,
    *,
    groups: Tensor | None = None,
    missing: Missing = "error",
    reduction: Reduction = "mean",
    group_weight: GroupWeight = "equal",
) -> Tensor:
    """1 - CCC over ``dim``, with Lin's concordance correlation coefficient; in [0, 2].

    CCC = 2 Cov(f, y) / (Var(f) + Var(y) + (mean f - mean y)^2) is 1 for equal vectors only: unlike
    the correlation it sees scale and offset. 1 - CCC is the mean of d^2 over that denominator, a
    quotient of sums of squares. ``input``, ``target``: (N,) or (N, T), averaged over targets. It
    is 0, with a gradient of 0, if both are the same constant. Errors as `GARLoss`.

    Source: Lin, "A Concordance Correlation Coefficient to Evaluate Reproducibility", 1989.

    >>> import torch
    >>> labels = torch.tensor([0.0, 1.0, 2.0])
    >>> round(float(concordance_loss(labels + 1, labels)), 4)
    0.4286
    """
    setting = _single("conventional", "concordance", dim, missing, reduction, group_weight)
    return _loss(input, target, sample_weight, groups, 1.0, setting)


class _PartLoss(nn.Module):
    """One sub-loss by itself."""

    function: Callable[..., Tensor]

    def __init__(
        self,
        *,
        dim: int = 0,
        missing: Missing = "error",
        reduction: Reduction = "mean",
        group_weight: GroupWeight = "equal",
    ) -> None:
        """Validate and keep the options; see `GARLoss` for each."""
        super().__init__()
        self.options = {
            "dim": dim,
            "missing": missing,
            "reduction": reduction,
            "group_weight": group_weight,
        }
        _single("pearson", "mae", dim, missing, reduction, group_weight)

    def forward(
        self,
        input: Tensor,
        target: Tensor,
        sample_weight: Tensor | None = None,
        groups: Tensor | None = None,
    ) -> Tensor:
        """The loss of one batch."""
        return type(self).function(input, target, sample_weight, groups=groups, **self.options)

    def extra_repr(self) -> str:
        """The options."""
        return ", ".join(f"{name}={value!r}" for name, value in self.options.items())


class ErrorVarianceLoss(_PartLoss):
    """`error_variance_loss` as a module.

    >>> import torch
    >>> ErrorVarianceLoss()(torch.tensor([1.0, 1.0, 3.0, 3.0]), torch.zeros(4))
    tensor(1.)
    """

    function = staticmethod(error_variance_loss)


class PearsonLoss(_PartLoss):
    """`pearson_loss` as a module.

    >>> import torch
    >>> labels = torch.tensor([1.0, 0.0, torch.nan])
    >>> PearsonLoss(missing="omit")(torch.tensor([3.0, 2.0, 9.0]), labels)
    tensor(0.)
    """

    function = staticmethod(pearson_loss)


class ConcordanceLoss(_PartLoss):
    """`concordance_loss` as a module.

    >>> import torch
    >>> ConcordanceLoss()(torch.tensor([0.0, 1.0]), torch.tensor([1.0, 0.0]))
    tensor(2.)
    """

    function = staticmethod(concordance_loss)


class GARLoss(nn.Module):
    """Gradient Aligned Regression: KL-DRO of the MAE, the error variance and 1 - Pearson.

    Called with ``(input, target, sample_weight=None, groups=None)``: input and target floating
    tensors of one shape, (N,) or (N, T) with N the batch; returns a scalar.

    Args:
        alpha: in [0, inf]; 0 is the largest sub-loss, 1 the log of their mean, ``math.inf`` the log
            of their geometric mean. Labels far from unit scale make the error variance the largest
            part, and a small alpha attends to it alone: standardise the labels, or take alpha of 2
            or more. May be changed between steps: ``loss.alpha = 0.1``.
        conventional: the part that fixes the offset: ``"mae"``, ``"mse"``, ``"huber"`` or
            ``"concordance"`` (1 - CCC, see `concordance_loss`).
        delta: Huber's threshold, in units of the labels.
        form: ``"log"``, or ``"power_mean"`` for its exponential: a positive loss in the units of
            the sub-losses, with a gradient that vanishes at a perfect fit.
        constants: deprecated; ``"released"`` makes a `gar_verify.losses.ReleasedGARLoss`.
        targets: with T > 1, ``"joint"`` averages each sub-loss over the targets before aggregating
            (as released), ``"per_target"`` aggregates each target by itself.
        dim: the dimension that is the batch; 1 correlates across the targets of a row.
        reduction: ``"mean"`` over targets, or ``"none"`` (needs ``targets="per_target"``).
        parts: the sub-losses used, of ``("conventional", "error_variance", "pearson")``.
        missing: ``"error"``, or ``"omit"``: a NaN target is absent, target by target.
        within: with ``groups``, the sub-losses taken within each group; a conventional loss that is
            not named is that of all samples.
        group_weight: with ``groups``, ``"equal"``, or ``"size"``: by the sum of their weights.
        process_group: with a group of `torch.distributed`, the loss of the batch that its processes
            hold together: the value is the global one in every process, and gradients averaged by
            DistributedDataParallel are those of the global batch. DTensors are the global batch
            already and need none; the value is a plain tensor, the same in every process.

    Weights ``sample_weight`` are (N,) or of the input's shape; a zero weight equals absence. Groups
    ``groups`` are (N,) integers in any order (query, era, patient, day): the value is the mean of
    the losses of all groups. One of a single sample, or of constant labels, is treated as such a
    batch is.

    Note:
        The gradient is in closed form (proved in ``proofs/closed_form_gradient.py``); second
        derivatives and `torch.func` transforms work. Statistics are in float64, the value in the
        dtype of input and target together (float32 for half precision). Sub-losses below the
        smallest normal number count as that number, so that perfect predictions have a finite value
        and a zero gradient; what exceeds the largest number of the dtype is that number. Float64
        batches are meant to
        lie within 1e-100 and 1e100 in size, where squares are numbers too. NaN or infinity in the
        input gives NaN. The module has no parameters and no state.

        What rounding leaves of a residual (16 eps of float64, relative to the predictions) counts
        as zero in the correlation: predictions exactly linear in the labels, two samples among
        them, have 1 - Pearson = 0 (or 2) and no gradient from it.

        In log form the gradient grows as 1 / loss near a perfect fit: with a constant rate of
        learning the error then oscillates at about its square root. Where labels can be fitted
        perfectly, lower the rate or use ``form="power_mean"``, whose gradient is bounded.

        Degenerate batches: with N = 1, or constant predictions and labels, only the conventional
        part is non-zero; if just one of the two is constant, 1 - Pearson counts 1/2 and has no
        gradient.

    Raises:
        TypeError: integer or boolean tensors, alpha not a number, groups not integers.
        ValueError: shapes or devices that differ (nothing is broadcast), an empty batch, alpha
            negative or NaN, unknown options, weights of the wrong shape, negative, or summing to 0,
            a NaN among the labels (where it can be seen without waiting for a device).

    >>> import torch
    >>> labels = torch.tensor([1.0, 2.0, 3.0, 4.0])
    >>> predictions = torch.tensor([1.5, 1.5, 3.5, 3.5], requires_grad=True)
    >>> loss = GARLoss(alpha=0.5)(predictions, labels)
    >>> loss.backward()
    >>> round(loss.item(), 4)
    -1.1134
    """

    def __new__(cls, alpha: float = 0.5, *, constants: Constants = "paper", **options: Any) -> Any:
        """A `ReleasedGARLoss` for the deprecated ``constants="released"``."""
        check_choice("constants", constants, CONSTANTS)
        if constants == "paper":
            return super().__new__(cls)
        return _released(alpha, **options)

    def __init__(
        self,
        alpha: float = 0.5,
        *,
        conventional: Conventional = "mae",
        delta: float = 1.0,
        form: Form = "log",
        constants: Constants = "paper",
        targets: TargetPolicy = "joint",
        dim: int = 0,
        reduction: Reduction = "mean",
        parts: tuple[Part, ...] = PARTS,
        missing: Missing = "error",
        within: tuple[Part, ...] = PARTS,
        group_weight: GroupWeight = "equal",
        process_group: ProcessGroup | None = None,
    ) -> None:
        """Validate and keep the options."""
        super().__init__()
        self.options = Options(
            conventional=conventional,
            delta=delta,
            form=form,
            targets=targets,
            dim=dim,
            reduction=reduction,
            parts=as_parts("parts", parts),
            missing=missing,
            within=as_parts("within", within),
            group_weight=group_weight,
        )
        self.process_group = process_group
        self._setting = Setting(self.options, group=process_group)
        self._alpha = check_alpha(alpha)

    @property
    def alpha(self) -> float:
        """The aggregation's parameter, in [0, inf]."""
        return self._alpha

    @alpha.setter
    def alpha(self, value: float) -> None:
        self._alpha = check_alpha(value)

    def __getstate__(self) -> dict[str, Any]:
        """What is copied and pickled: not what the setting remembers, which holds compiled code."""
        return self.__dict__ | {"_setting": Setting(self.options, group=self.process_group)}

    def forward(
        self,
        input: Tensor,
        target: Tensor,
        sample_weight: Tensor | None = None,
        groups: Tensor | None = None,
    ) -> Tensor:
        """The loss of one batch."""
        return _loss(input, target, sample_weight, groups, self._alpha, self._setting)

    @torch.no_grad()
    def components(
        self,
        input: Tensor,
        target: Tensor,
        sample_weight: Tensor | None = None,
        groups: Tensor | None = None,
    ) -> Components:
        """The sub-losses of a batch, the weights p_k of the aggregation and the value, to log.

        >>> import torch
        >>> labels = torch.tensor([1.0, 2.0, 3.0, 4.0])
        >>> parts = GARLoss().components(labels + 2, labels)
        >>> [round(float(x), 4) for x in parts[:3]], [round(float(p), 4) for p in parts.weights]
        ([2.0, 0.0, 0.0], [1.0, 0.0, 0.0])
        """
        input, target, sample_weight, groups = whole_tensors(input, target, sample_weight, groups)
        partial = self._setting.partial
        o = check_batch(input, target, sample_weight, self.options, partial, groups=groups)
        weight, index = sample_weight, None
        if o.missing == "omit":
            target, weight = omitted(target, weight, o.dim, chunk=partial)
        if groups is not None:
            o, index = replace(o, grouped=True), grouped(groups)
        if partial:
            chunk = split_chunk(input, target, o.dim, weight, index)
            m, _, _ = whole_batch(chunk, Setting(o, group=self.process_group))
        else:
            m = moments_of(split(input, target, o.dim, weight, index), o.conventional, o.delta)
        dtype = result_dtype(input, target)
        loss = loss_of(m, self._alpha, o, dtype)
        losses, p = loss.losses, loss.p
        if loss.units is not None:
            losses = (loss.units * losses).sum(o.dim + 1, keepdim=True)
            p = (loss.units * p).sum(o.dim + 1, keepdim=True)
        gone = [o.dim, *(o.averaged_dims(input.ndim) if o.targets == "joint" else ())]
        losses = losses.clamp(max=torch.finfo(dtype).max)
        conventional, variance, pearson = (x.squeeze(gone).to(dtype) for x in losses)
        p = p.squeeze([d + 1 for d in gone]).movedim(0, -1).to(dtype)
        return Components(conventional, variance, pearson, p, value_of(loss, o, dtype))

    def extra_repr(self) -> str:
        """The options that differ from the defaults."""
        return ", ".join([f"alpha={self._alpha:g}", *self.options.changed()])


def _released(alpha: float, **options: Any) -> nn.Module:
    """What the deprecated ``constants="released"`` stands for."""
    from gar_verify.losses.released_gar import ReleasedGARLoss  # it imports files of this package

    for name, default in (("conventional", "mae"), ("process_group", None)):
        if options.pop(name, default) != default:
            raise ValueError(
                f"constants='released' is the authors' code, which has {name}={default!r} only"
            )
    options.pop("delta", None)
    warnings.warn(
        "constants='released' is deprecated: use gar_verify.losses.ReleasedGARLoss",
        DeprecationWarning,
        stacklevel=3,
    )
    return ReleasedGARLoss(alpha, **options)


# --- many models at once --------------------------------------------------------------------------


def stacked_gar(
    prediction: Tensor,
    target: Tensor,
    alpha: Tensor | float,
    *,
    parts: tuple[Part, ...] = PARTS,
    conventional: Conventional = "mae",
    reader: Reader = "tensor",
) -> Tensor:
    """GAR of many models at once: prediction, target (S, B, T), alpha (S,) -> losses (S,).

    Every model has its own alpha, finite and positive; targets are joint. Not for users' batches:
    nothing is checked. The tensor reader is the default so that a study has the same numbers
    with and without a compiler.
    """
    options = Options(parts=tuple(parts), conventional=conventional, dim=1, kept=(0,))
    if isinstance(alpha, Tensor):
        alpha = alpha.to(torch.promote_types(prediction.dtype, torch.float32)).reshape(-1, 1, 1)
    return loss_of_checked(prediction, target, None, alpha, Setting(options, reader=reader))


def stacked_alpha(f: Tensor, y: Tensor, x: Tensor, alpha: Tensor, draw: Draw) -> Tensor:
    """`stacked_gar` in the signature of `stacking.StackedLoss`."""
    return stacked_gar(f, y, alpha)


def stacked_concordance(f: Tensor, y: Tensor, x: Tensor, repeat: Tensor, draw: Draw) -> Tensor:
    """1 - CCC of each model, averaged over its targets; see `stacking.StackedLoss`."""
    options = Options(
        "concordance", targets="per_target", dim=1, parts=("conventional",), kept=(0,), raw=True
    )
    return loss_of_checked(f, y, None, 1.0, Setting(options, reader="tensor"))
