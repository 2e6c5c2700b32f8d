"""A multi-layer perceptron trained with GAR, as scikit-learn estimators are used.

>>> from sklearn.datasets import load_diabetes
>>> from gar_verify import GARRegressor
>>> X, y = load_diabetes(return_X_y=True)
>>> model = GARRegressor(alpha=1.0, max_epochs=20, random_state=0).fit(X[:300], y[:300])
>>> model.predict(X[300:]).shape
(142,)
"""

from __future__ import annotations

import math
import numbers
from collections.abc import Mapping, Sequence
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.preprocessing import StandardScaler
from sklearn.utils import check_random_state
from sklearn.utils.validation import (
    _check_sample_weight,
    check_consistent_length,
    check_is_fitted,
    column_or_1d,
    validate_data,
)
from torch import Tensor, nn

from gar_verify.integrations._fitting import Rows, Training, merged, split_off
from gar_verify.losses import GARLoss, get_loss, get_spec
from gar_verify.losses._validation import check_choice
from gar_verify.losses.gar.options import Conventional, Form, Missing
from gar_verify.losses.registry import LOSSES
from gar_verify.training import Architecture
from gar_verify.training.devices import check_device

Array = NDArray[np.float64]
LARGEST = 1e100
"""Of inputs and targets, in size."""
WEIGHTED = ("gar", "mae", "mse", "huber")
"""Losses that take sample weights."""
OPTIONS = ("delta", "group_weight", "targets", "within")
"""Options of GAR beside alpha, conventional, form and missing."""
LOSSES_OF_PREDICTIONS = tuple(name for name, spec in LOSSES.items() if not spec.needs_features)
"""Losses that can be trained with: those that read predictions alone."""


class GARRegressor(RegressorMixin, BaseEstimator):  # type: ignore[misc]  # sklearn has no types
    """Regression by a perceptron with ELU units that minimises GAR (or another loss) with Adam.

    Inputs and targets are standardised inside, with the sample weights where there are any;
    predictions are in the units of the targets. Rows are dealt into batches of about equal size,
    at most ``batch_size``. With a loss that takes weights, equal rows count as one of their joint
    weight, so a weight of 2 is the row twice, and the order of the rows does not matter.

    With groups (a query, an era, a patient), GAR compares rows within a group only. Groups are
    dealt whole into the batches, those of more than ``batch_size`` rows in parts.

    Args:
        alpha: of GAR, in [0, inf]; see `GARLoss`.
        conventional: the part of GAR that fixes the offset: ``"mae"``, ``"mse"`` or ``"huber"``.
        form: ``"log"`` or ``"power_mean"``; Adam hardly sees the difference.
        hidden: widths of the hidden layers.
        learning_rate: of Adam at the start; it falls to a tenth at half and again at three quarters
            of the epochs.
        weight_decay: coefficient of the squared parameters, halved.
        max_epochs: passes over the data.
        batch_size: rows of a step, at most. GAR sees correlations within a batch: not too few.
        early_stopping: hold out ``validation_fraction`` of the rows (with groups, of the groups),
            keep the parameters with the lowest mean absolute error there, and stop after
            ``n_iter_no_change`` epochs without a better one.
        validation_fraction: share held out, in (0, 1).
        n_iter_no_change: epochs to wait for an improvement.
        loss: ``"gar"``, or the registry's name of a loss that reads predictions alone: ``"mae"``,
            ``"mse"``, ``"huber"``, ``"focal_mae"``, ``"focal_mse"``, ``"mae_pearson"``.
        loss_options: further hyper-parameters of the loss, such as ``{"delta": 0.5}`` of Huber's;
            they act on standardised targets. Of GAR: ``delta``, ``group_weight``, ``targets`` and
            ``within``, see `GARLoss`.
        missing: ``"error"``, or ``"omit"``: a target that is NaN is absent, target by target; with
            several targets for the losses that take weights only. Features have no gaps.
        random_state: of the initial parameters, the order of batches and the rows held out.
        device: where to train and predict.

    Attributes
    ----------
    parameters_ : (P,) all weights and biases, layer by layer.
    n_features_in_, feature_names_in_ : of the inputs.
    n_outputs_ : number of targets.
    n_iter_ : epochs trained.
    loss_curve_ : mean training loss of each epoch; GAR in log form may be negative.
    validation_curve_ : MAE on the rows held out, in deviations of the targets; only with
        ``early_stopping``.
    """

    def __init__(
        self,
        alpha: float = 0.5,
        *,
        conventional: Conventional = "mae",
        form: Form = "log",
        hidden: Sequence[int] = (32, 32),
        learning_rate: float = 0.02,
        weight_decay: float = 1e-4,
        max_epochs: int = 100,
        batch_size: int = 64,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 20,
        loss: str = "gar",
        loss_options: Mapping[str, Any] | None = None,
        missing: Missing = "error",
        random_state: int | np.random.RandomState | None = None,
        device: str = "cpu",
    ) -> None:
        """Keep the parameters; `fit` checks them."""
        self.alpha = alpha
        self.conventional = conventional
        self.form = form
        self.hidden = hidden
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.max_epochs = max_epochs
        self.batch_size = batch_size
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.loss = loss
        self.loss_options = loss_options
        self.missing = missing
        self.random_state = random_state
        self.device = device

    @torch.inference_mode(False)  # it trains inside torch.no_grad() and torch.inference_mode() too
    @torch.enable_grad()
    def fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        groups: ArrayLike | None = None,
    ) -> GARRegressor:
        """Train on features (n, F) and targets (n,) or (n, T).

        Args:
            X: the features.
            y: the targets.
            sample_weight: (n,) weights of the rows.
            groups: (n,) the group of each row, numbers or names; with ``loss="gar"`` only.

        Raises:
            ValueError: for parameters out of range, arrays that do not match or are not finite, a
                target without a label, and weights or groups that the loss does not take.
            TypeError: for a hyper-parameter that the loss does not have.
        """
        self._check_parameters()
        rows = self._checked(X, y, sample_weight, groups)
        if self.loss in WEIGHTED:
            rows = merged(rows)
        rng = check_random_state(self.random_state)
        train, held_out = rows, None
        if self.early_stopping:
            train, held_out = split_off(rows, self.validation_fraction, rng)
        self._fit_scales(train)
        start = self._architecture().initial(np.random.default_rng(rng.randint(2**31 - 1)))
        Training(self, self._architecture(), rng).run(
            self._as_tensor(start.astype(np.float64)),
            self._tensors(train),
            None if held_out is None else self._tensors(held_out),
        )
        return self

    def predict(self, X: ArrayLike) -> Array:
        """Predictions (n,), or (n, T) for several targets, in the units of the targets."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float64, reset=False)
        inputs = self._as_tensor(self._X_scale.transform(X))
        outputs, _ = self._architecture().forward(
            self._as_tensor(self.parameters_)[None], inputs.T[None].contiguous()
        )
        prediction: Array = outputs[0].T.cpu().numpy().astype(np.float64)
        prediction = self._y_scale.inverse_transform(prediction)
        return prediction[:, 0] if self._single else prediction

    def to_torch(self) -> FittedNetwork:
        """The fitted network as a module of torch by itself, to be exported.

        It takes features (n, F) and returns predictions (n, T) in the units of the targets, on the
        CPU and in float64; ``.float()`` makes it one of float32.
        """
        check_is_fitted(self)
        architecture = self._architecture()
        return FittedNetwork(architecture, self.parameters_, self._X_scale, self._y_scale).eval()

    def _architecture(self) -> Architecture:
        return Architecture(self.n_features_in_, tuple(self.hidden), self.n_outputs_)

    def _check_parameters(self) -> None:
        _check_number("learning_rate", self.learning_rate, above=0)
        _check_number("weight_decay", self.weight_decay, least=0)
        for name in ("max_epochs", "batch_size", "n_iter_no_change"):
            _check_count(name, getattr(self, name))
        if self.loss == "gar" and self.batch_size < 2:
            raise ValueError(
                "batch_size must be at least 2 with loss 'gar', which compares the rows of a "
                f"batch, got {self.batch_size}; 32 and more are sensible"
            )
        check_device(self.device)
        if isinstance(self.hidden, numbers.Integral):
            raise ValueError(f"hidden must hold one width a layer, such as ({self.hidden},)")
        for width in self.hidden:
            _check_count("every width in hidden", width)
        if self.early_stopping and not 0 < self.validation_fraction < 1:
            raise ValueError(
                f"validation_fraction must lie between 0 and 1, got {self.validation_fraction!r}"
            )
        if get_spec(self.loss).needs_features:
            raise ValueError(
                f"loss {self.loss!r} reads the features of a network; choose one of "
                f"{', '.join(LOSSES_OF_PREDICTIONS)}"
            )
        check_choice("missing", self.missing, ("error", "omit"))
        if self.loss == "gar" and not set(self.loss_options or ()) <= set(OPTIONS):
            raise ValueError(
                f"loss_options {dict(self.loss_options or {})!r} are not all of GAR; it has "
                f"{', '.join(OPTIONS)} beside alpha, conventional, form and missing"
            )
        self._module()

    def _module(self) -> nn.Module:
        """The loss; those of one part are written by GAR's, which takes weights."""
        options = dict(self.loss_options or {})
        if self.loss == "gar":
            return GARLoss(
                self.alpha,
                conventional=self.conventional,
                form=self.form,
                missing=self.missing,
                **options,
            )
        module = get_loss(self.loss, **options)
        if self.loss not in WEIGHTED:
            return module
        return GARLoss(
            1.0,
            conventional=cast(Conventional, self.loss),
            delta=getattr(module, "delta", 1.0),
            form="power_mean",
            parts=("conventional",),
            missing=self.missing,
        )

    def _checked(
        self, X: ArrayLike, y: ArrayLike, weight: ArrayLike | None, groups: ArrayLike | None
    ) -> Rows:
        """The rows that have a label; groups are numbered from 0."""
        of_y = {"ensure_all_finite": "allow-nan" if self.missing == "omit" else True}
        checked, y = validate_data(
            self,
            X,
            y,
            validate_separately=(
                {"dtype": np.float64, "ensure_min_samples": 2},
                {"dtype": np.float64, "ensure_2d": False, **of_y},
            ),
        )
        check_consistent_length(checked, y)
        inputs = np.asarray(checked, dtype=np.float64)
        targets = self._shaped(np.asarray(y, dtype=np.float64))
        rows = Rows(inputs, targets, self._weights(weight, inputs), self._groups(groups, inputs))
        _check_labels(targets)
        gaps = np.isnan(targets)
        if gaps[~gaps.all(1)].any() and self.loss not in WEIGHTED:
            raise ValueError(
                f"loss {self.loss!r} takes no missing targets where others of the row are there; "
                f"those that do are {', '.join(WEIGHTED)}"
            )
        return rows.take(~gaps.all(1)) if gaps.any() else rows

    def _weights(self, weight: ArrayLike | None, X: Array) -> Array | None:
        if weight is None:
            return None
        if self.loss not in WEIGHTED:
            raise ValueError(
                f"loss {self.loss!r} takes no sample_weight; those that do are "
                f"{', '.join(WEIGHTED)}"
            )
        checked: Array = _check_sample_weight(weight, X, dtype=np.float64, ensure_non_negative=True)
        if not checked.any():  # older versions of scikit-learn let them pass
            raise ValueError("sample_weight is all zeros; give at least one non-zero number")
        return checked

    def _groups(self, groups: ArrayLike | None, X: Array) -> NDArray[np.int64] | None:
        if groups is None:
            return None
        if self.loss != "gar":
            raise ValueError(f"loss {self.loss!r} takes no groups: it compares no rows; 'gar' does")
        names = column_or_1d(groups)
        check_consistent_length(X, names)
        number: NDArray[np.int64] = np.unique(names, return_inverse=True)[1]
        return number

    def _shaped(self, y: Array) -> Array:
        """Targets (n, T); a column vector warns and counts as (n,), as scikit-learn has it."""
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        self._single = y.ndim == 1
        y = y.reshape(len(y), -1)
        self.n_outputs_ = y.shape[1]
        return y

    def _fit_scales(self, rows: Rows) -> None:
        for name, values in (("X", rows.X), ("y", rows.y)):
            check_size(name, np.fmax.reduce(np.abs(values), axis=None, initial=0))
        _check_labels(rows.y)  # those that are not held out
        self._X_scale = StandardScaler().fit(rows.X, sample_weight=rows.weight)
        self._y_scale = StandardScaler().fit(rows.y, sample_weight=rows.weight)

    def _tensors(self, rows: Rows) -> Rows:
        """The rows scaled, as tensors."""
        weight, group = rows.weight, rows.group
        return Rows(
            self._as_tensor(self._X_scale.transform(rows.X)),
            self._as_tensor(self._y_scale.transform(rows.y)),
            None if weight is None else self._as_tensor(weight),
            None if group is None else torch.as_tensor(group, device=self.device),
        )

    def _as_tensor(self, values: Array) -> Tensor:
        dtype = torch.float32 if torch.device(self.device).type == "mps" else torch.float64
        return torch.as_tensor(values, dtype=dtype, device=self.device)


class FittedNetwork(nn.Module):
    """The perceptron of a fitted `GARRegressor`, with the scales of features and targets.

    The mean of the features is a number of float32 and a rest, so that features far from zero keep
    their digits in a network of float32.
    """

    X_mean: Tensor
    X_rest: Tensor
    X_scale: Tensor
    y_mean: Tensor
    y_scale: Tensor

    def __init__(
        self, architecture: Architecture, parameters: Array, X_scale: Any, y_scale: Any
    ) -> None:
        """Copy the numbers."""
        super().__init__()
        largest = float(np.finfo(np.float32).max)
        mean = X_scale.mean_.clip(-largest, largest).astype(np.float32).astype(np.float64)
        for name, values in (
            ("X_mean", mean),
            ("X_rest", X_scale.mean_ - mean),
            ("X_scale", X_scale.scale_),
            ("y_mean", y_scale.mean_),
            ("y_scale", y_scale.scale_),
        ):
            self.register_buffer(name, torch.tensor(values, dtype=torch.float64))
        layers: list[nn.Module] = []
        for weight, bias in architecture.layers(torch.tensor(parameters)[None]):
            linear = nn.Linear(weight.shape[2], weight.shape[1], dtype=torch.float64)
            linear.weight.data, linear.bias.data = weight[0].clone(), bias[0, :, 0].clone()
            layers += [linear, nn.ELU()]
        self.layers = nn.Sequential(*layers[:-1])

    def forward(self, X: Tensor) -> Tensor:
        """Predictions (n, T) of features (n, F)."""
        outputs: Tensor = self.layers((X - self.X_mean - self.X_rest) / self.X_scale)
        return outputs * self.y_scale + self.y_mean


def _check_labels(y: Array) -> None:
    empty = np.flatnonzero(np.isnan(y).all(0))
    if len(empty):
        raise ValueError(
            f"y has no label to train on in column {', '.join(map(str, empty))}: leave such "
            "targets out"
        )


def _check_number(
    name: str, value: Any, *, least: float = -math.inf, above: float = -math.inf
) -> None:
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise ValueError(f"{name} must be a number, got {value!r}")
    if not (least <= float(value) < math.inf and float(value) > above):
        bound = f"above {above:g}" if math.isfinite(above) else f"at least {least:g}"
        raise ValueError(f"{name} must be finite and {bound}, got {value!r}")


def check_size(name: str, largest: float) -> None:
    """Refuse values whose squares are no numbers.

    Raises:
        ValueError: if the largest of them is more than `LARGEST`.
    """
    if largest > LARGEST:
        raise ValueError(
            f"{name} has values up to {largest:.2g}; expected at most {LARGEST:g} in size, so that "
            "squares are numbers too: divide them by a power of ten"
        )


def _check_count(name: str, value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, numbers.Integral) or value < 1:
        raise ValueError(f"{name} must be a whole number of at least 1, got {value!r}")
