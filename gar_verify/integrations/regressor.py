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
    check_is_fitted,
    column_or_1d,
    validate_data,
)
from torch import Tensor, nn

from gar_verify.losses import GARLoss, get_loss, get_spec
from gar_verify.losses.conventional import mae_loss
from gar_verify.losses.gar.options import Conventional, Form
from gar_verify.losses.registry import LOSSES
from gar_verify.training import Architecture
from gar_verify.training.devices import check_device
from gar_verify.training.mlp import Scratch
from gar_verify.training.optimizers import Adam

Array = NDArray[np.float64]
LARGEST = 1e100
"""Of inputs and targets, in size."""
WEIGHTED = ("gar", "mae", "mse", "huber")
"""Losses that take sample weights."""
LOSSES_OF_PREDICTIONS = tuple(name for name, spec in LOSSES.items() if not spec.needs_features)
"""Losses that can be trained with: those that read predictions alone."""


class GARRegressor(RegressorMixin, BaseEstimator):  # type: ignore[misc]  # sklearn has no types
    """Regression by a perceptron with ELU units that minimises GAR (or another loss) with Adam.

    Inputs and targets are standardised inside, with the sample weights where there are any;
    predictions are in the units of the targets. Rows are dealt into batches of about equal size,
    at most ``batch_size``. With a loss that takes weights, equal rows count as one of their joint
    weight, so a weight of 2 is the row twice, and the order of the rows does not matter.

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
        early_stopping: hold out ``validation_fraction`` of the rows, keep the parameters with the
            lowest mean absolute error there, and stop after ``n_iter_no_change`` epochs without a
            better one.
        validation_fraction: share of the rows held out, in (0, 1).
        n_iter_no_change: epochs to wait for an improvement.
        loss: ``"gar"``, or the registry's name of a loss that reads predictions alone: ``"mae"``,
            ``"mse"``, ``"huber"``, ``"focal_mae"``, ``"focal_mse"``, ``"mae_pearson"``.
        loss_options: hyper-parameters of another loss than GAR, such as ``{"delta": 0.5}``; they
            act on standardised targets.
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
        self.random_state = random_state
        self.device = device

    def fit(
        self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> GARRegressor:
        """Train on features (n, F) and targets (n,) or (n, T), with weights (n,) of the rows.

        Raises:
            ValueError: for parameters out of range, arrays that do not match or are not finite, and
                weights that are negative or that the loss does not take.
            TypeError: for a hyper-parameter that the loss does not have.
        """
        self._check_parameters()
        checked, y = validate_data(
            self, X, y, multi_output=True, y_numeric=True, dtype=np.float64, ensure_min_samples=2
        )
        inputs = np.asarray(checked, dtype=np.float64)
        targets = self._shaped(np.asarray(y, dtype=np.float64))
        weight = None
        if sample_weight is not None:
            if self.loss not in WEIGHTED:
                raise ValueError(
                    f"loss {self.loss!r} takes no sample_weight; those that do are "
                    f"{', '.join(WEIGHTED)}"
                )
            weight = _check_sample_weight(
                sample_weight, inputs, dtype=np.float64, ensure_non_negative=True
            )
            if not weight.any():  # older versions of scikit-learn let them pass
                raise ValueError("sample_weight is all zeros; give at least one non-zero number")
        if self.loss in WEIGHTED:
            inputs, targets, weight = _merged(inputs, targets, weight)
        rng = check_random_state(self.random_state)
        train, held_out = self._split(len(inputs), rng)
        self._fit_scales(inputs[train], targets[train], None if weight is None else weight[train])
        architecture = Architecture(inputs.shape[1], tuple(self.hidden), self.n_outputs_)
        start = architecture.initial(np.random.default_rng(rng.randint(2**31 - 1)))
        _Training(self, architecture, rng).run(
            start,
            self._tensors(inputs[train], targets[train], None if weight is None else weight[train]),
            self._tensors(
                inputs[held_out], targets[held_out], None if weight is None else weight[held_out]
            ),
        )
        return self

    def predict(self, X: ArrayLike) -> Array:
        """Predictions (n,), or (n, T) for several targets, in the units of the targets."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float64, reset=False)
        architecture = Architecture(self.n_features_in_, tuple(self.hidden), self.n_outputs_)
        inputs = self._as_tensor(self._X_scale.transform(X))
        outputs, _ = architecture.forward(
            self._as_tensor(self.parameters_)[None], inputs.T[None].contiguous()
        )
        prediction: Array = outputs[0].T.cpu().numpy().astype(np.float64)
        prediction = self._y_scale.inverse_transform(prediction)
        return prediction[:, 0] if self._single else prediction

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
        if self.loss == "gar" and self.loss_options:
            raise ValueError(
                f"loss_options {dict(self.loss_options)!r} are of other losses; GAR's are alpha, "
                "conventional and form"
            )
        self._module()

    def _module(self) -> nn.Module:
        """The loss; those of one part are written by GAR's, which takes weights."""
        if self.loss == "gar":
            return GARLoss(self.alpha, conventional=self.conventional, form=self.form)
        module = get_loss(self.loss, **(self.loss_options or {}))
        if self.loss not in WEIGHTED:
            return module
        return GARLoss(
            1.0,
            conventional=cast(Conventional, self.loss),
            delta=getattr(module, "delta", 1.0),
            form="power_mean",
            parts=("conventional",),
        )

    def _shaped(self, y: Array) -> Array:
        """Targets (n, T); a column vector warns and counts as (n,), as scikit-learn has it."""
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        self._single = y.ndim == 1
        y = y.reshape(len(y), -1)
        self.n_outputs_ = y.shape[1]
        return y

    def _split(
        self, rows: int, rng: np.random.RandomState
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        if not self.early_stopping:
            return np.arange(rows), np.arange(0)
        held_out = math.ceil(self.validation_fraction * rows)
        if rows - held_out < 2:
            raise ValueError(
                f"{rows} rows are too few to hold out {held_out} of them; expected at least 2 to "
                "train on: lower validation_fraction or turn early_stopping off"
            )
        order = rng.permutation(rows)
        return np.sort(order[held_out:]), np.sort(order[:held_out])

    def _fit_scales(self, X: Array, y: Array, weight: Array | None) -> None:
        for name, values in (("X", X), ("y", y)):
            check_size(name, np.abs(values).max(initial=0))
        self._X_scale = StandardScaler().fit(X, sample_weight=weight)
        self._y_scale = StandardScaler().fit(y, sample_weight=weight)

    def _tensors(
        self, X: Array, y: Array, weight: Array | None
    ) -> tuple[Tensor, Tensor, Tensor | None]:
        if len(X) == 0:
            empty = self._as_tensor(np.zeros((0, 1)))
            return empty, empty, None
        return (
            self._as_tensor(self._X_scale.transform(X)),
            self._as_tensor(self._y_scale.transform(y)),
            None if weight is None else self._as_tensor(weight),
        )

    def _as_tensor(self, values: Array) -> Tensor:
        dtype = torch.float32 if torch.device(self.device).type == "mps" else torch.float64
        return torch.as_tensor(values, dtype=dtype, device=self.device)


def _merged(X: Array, y: Array, weight: Array | None) -> tuple[Array, Array, Array | None]:
    """Equal rows as one with the sum of their weights, in ascending order; no weights if equal.

    So a row of weight 2 is two rows to the last bit: training would amplify any rounding.
    """
    weight = np.ones(len(X)) if weight is None else weight
    seen = weight > 0
    both, place = np.unique(np.hstack([X, y])[seen], axis=0, return_inverse=True)
    total = np.bincount(place.ravel(), weights=weight[seen])
    merged = None if bool((total == total[0]).all()) else total.astype(np.float64)
    return both[:, : X.shape[1]], both[:, X.shape[1] :], merged


Part = tuple[Tensor, Tensor, Tensor | None]


class _Training:
    """The loop: batches, gradient steps, and what is held out."""

    def __init__(
        self, model: GARRegressor, architecture: Architecture, rng: np.random.RandomState
    ) -> None:
        self.model, self.architecture, self.rng = model, architecture, rng
        self.loss = model._module()
        self.scratch = Scratch()

    def run(self, start: NDArray[np.float32], train: Part, held_out: Part) -> None:
        """Train, and leave what was learned in the model."""
        model = self.model
        self.parameters = model._as_tensor(start.astype(np.float64))[None]
        full = torch.full((1, 1), 1.0, dtype=self.parameters.dtype, device=self.parameters.device)
        optimizer = Adam(self.parameters, full * model.learning_rate, full * model.weight_decay)
        best, waited, kept = math.inf, 0, self.parameters.clone()
        model.loss_curve_ = []
        validation = []
        for epoch in range(model.max_epochs):
            factor = 0.1 ** sum(epoch >= model.max_epochs * part for part in (0.5, 0.75))
            model.loss_curve_.append(self._epoch(train, optimizer, factor))
            if not model.early_stopping:
                continue
            validation.append(self._held_out_mae(held_out))
            if validation[-1] < best:
                best, waited, kept = validation[-1], 0, self.parameters.clone()
            else:
                waited += 1
            if waited >= model.n_iter_no_change:
                break
        if model.early_stopping:
            self.parameters = kept
            model.validation_curve_ = validation
        model.n_iter_ = len(model.loss_curve_)
        model.parameters_ = self.parameters[0].cpu().numpy().astype(np.float64)

    def _epoch(self, train: Part, optimizer: Adam, factor: float) -> float:
        rows = len(train[0])
        batches = math.ceil(rows / self.model.batch_size)
        order = np.arange(rows) if batches == 1 else self.rng.permutation(rows)
        values = []
        for own in np.array_split(order, batches):
            chosen = torch.from_numpy(own).to(train[0].device)
            inputs, targets, weight = (t if t is None else t[chosen] for t in train)
            assert inputs is not None
            assert targets is not None
            values.append(self._step(inputs, targets, weight, optimizer, factor))
        return float(np.mean(values))

    def _step(
        self,
        inputs: Tensor,
        targets: Tensor,
        weight: Tensor | None,
        optimizer: Adam,
        factor: float,
    ) -> float:
        outputs, entering = self.architecture.forward(
            self.parameters, inputs.T[None].contiguous(), self.scratch
        )
        prediction = outputs[0].T.detach().requires_grad_()
        arguments = (prediction, targets) if weight is None else (prediction, targets, weight)
        value: Tensor = self.loss(*arguments)
        (gradient,) = torch.autograd.grad(value, prediction)
        step = self.architecture.backward(
            self.parameters, entering, gradient.T[None].contiguous(), scratch=self.scratch
        )
        optimizer.step(step, factor)
        return value.item()

    def _held_out_mae(self, part: Part) -> float:
        inputs, targets, weight = part
        outputs, _ = self.architecture.forward(self.parameters, inputs.T[None].contiguous())
        prediction = outputs[0].T
        if weight is None:
            return float(mae_loss(prediction, targets))
        plain = GARLoss(1.0, form="power_mean", parts=("conventional",))
        return float(plain(prediction, targets, weight))


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
