"""ConR: contrast rows whose labels differ although the model predicts them alike.

With label distance delta_ij and prediction distance pi_ij (the mean of |.| over the targets),
similarity s_ij = cos(x_i, x_j) / t, positives P_i = {j != i: delta_ij <= w} and negatives
Ng_i = {j: delta_ij > w, pi_ij <= w},

    den_i = sum_{P_i} exp(s_ij) + (N - |P_i|) + sum_{Ng_i} exp(e delta_ij) exp(s_ij)
    l_i   = [Ng_i not empty] 1/|P_i| sum_{P_i} (-s_ij + ln den_i)
    L     = mean_i l_i

N - |P_i| counts one for each row that is no positive; the published implementation has it, from
exponentials of masked zeros, and it is kept. Rows without positives contribute 0. With sample
weights v_i, the sum over Ng_i and then l_i are multiplied by v_i.

Source: Keramati, Meng, Evans (2023), "ConR: Contrastive Regularizer for Deep Imbalanced
Regression".
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from gar_verify.losses._distinct import Draw
from gar_verify.losses._pairs import cosine_similarities, label_distances
from gar_verify.losses._validation import (
    Hyperparameter,
    at_least_float32,
    check_finite,
    check_floating,
    check_nonnegative,
    check_positive,
    check_same_shape,
    labels_of,
    nan_unless_finite,
    nonnegative_number,
    per_model,
    positive_number,
    promoted,
    weights_of,
)
from gar_verify.losses.conventional import mae_loss
from gar_verify.losses.stacking import blockwise


def contrast(
    similarity: Tensor, positive: Tensor, negative: Tensor, log_push: Tensor
) -> tuple[Tensor, Tensor]:
    """``sum_{P_i} (-s_ij + ln den_i)`` of each row, 0 without negatives, and ``|P_i|``.

    All arguments are ``[..., N, N]``, the results ``[..., N]``; ``exp(log_push)`` multiplies the
    negatives. den is summed in logarithms: neither a low temperature nor far labels overflow.
    """
    n = similarity.shape[-1]
    count = positive.sum(-1)
    terms = torch.where(negative, similarity + log_push, similarity)
    terms = terms.masked_fill(~(positive | negative), -torch.inf)
    rest = (n - count).to(terms.dtype).log().unsqueeze(-1)  # a row is no positive of itself: > 0
    log_den = torch.cat((terms, rest), dim=-1).logsumexp(-1)
    total = count * log_den - torch.where(positive, similarity, 0).sum(-1)
    return torch.where(negative.any(-1), total, 0), count


def conr_loss(
    features: Tensor,
    target: Tensor,
    prediction: Tensor,
    distance: Hyperparameter = 1.0,
    temperature: Hyperparameter = 0.07,
    push: Hyperparameter = 0.01,
    sample_weight: Tensor | None = None,
) -> Tensor:
    """L of each model, a number without unit.

    ``features`` are ``[..., N, d]``, ``target`` and ``prediction`` ``[..., N, D]``; ``distance`` w
    is in the unit of the labels, ``push`` e in its inverse, and they and ``temperature`` t are
    numbers or ``[...]``; ``sample_weight`` is ``[..., N]``; the result is ``[...]``.

    The gradient turns features of positives towards each other and those of negatives apart; it is
    orthogonal to each feature vector. Predictions decide who is a negative and get no gradient, nor
    do labels.

    Raises ValueError for shapes that do not fit or a hyper-parameter out of range.
    """
    check_nonnegative("distance", distance)
    check_positive("temperature", temperature)
    check_nonnegative("push", push)
    check_same_shape(prediction, target, ("prediction", "target"))
    features, target, prediction = at_least_float32(features, target, prediction)
    models = features.shape[:-2]
    near = per_model("distance", distance, models, 2)
    targets = target.shape[-1]
    label_distance = label_distances(target) / targets
    alike = label_distance <= near
    itself = torch.eye(alike.shape[-1], dtype=torch.bool, device=alike.device)
    negative = ~alike & (label_distances(prediction) / targets <= near)
    log_push = per_model("push", push, models, 2) * label_distance
    if sample_weight is not None:
        absent = sample_weight == 0  # its row is multiplied by 0 too, so nothing is lost here
        log_weight = sample_weight.masked_fill(absent, 1).log().masked_fill(absent, -torch.inf)
        log_push = log_push + log_weight.unsqueeze(-1)
    similarity = cosine_similarities(features) / per_model("temperature", temperature, models, 2)
    total, count = contrast(similarity, alike & ~itself, negative, log_push)
    rows = total / count.clamp(min=1)
    return (rows if sample_weight is None else rows * sample_weight).mean(-1)


class ConRLoss(nn.Module):
    """`conr_loss` as a module.

    >>> x = torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    >>> y, f = torch.tensor([0.0, 0.5, 3.0]), torch.tensor([0.0, 0.0, 0.0])
    >>> f"{ConRLoss(temperature=1.0)(x, y, f).item():.4f}"
    '1.0842'
    """

    def __init__(
        self, distance: float = 1.0, temperature: float = 0.07, push: float = 0.01
    ) -> None:
        """Keep w (how near counts as alike, in the unit of the labels), t and e."""
        super().__init__()
        self.distance = nonnegative_number("distance", distance)
        self.temperature = positive_number("temperature", temperature)
        self.push = nonnegative_number("push", push)

    def forward(
        self,
        features: Tensor,
        target: Tensor,
        prediction: Tensor,
        sample_weight: Tensor | None = None,
    ) -> Tensor:
        """Loss ``[...]`` of features ``[..., N, d]``.

        ``target`` and ``prediction`` are both ``[..., N]`` or both ``[..., N, D]``;
        ``sample_weight``, one for each row, is ``[..., N]`` or ``[..., N, 1]``. Two views of a
        sample are two rows.
        """
        check_floating(prediction=prediction, target=target)
        check_same_shape(prediction, target, ("prediction", "target"))
        features, target, prediction = promoted(
            features, labels_of(features, target), labels_of(features, prediction, "prediction")
        )
        check_finite(target=target)
        if sample_weight is not None:
            sample_weight = weights_of(sample_weight, features.shape[:-1], features).squeeze(-1)
        value = conr_loss(
            features,
            target,
            prediction,
            self.distance,
            self.temperature,
            self.push,
            sample_weight,
        )
        return nan_unless_finite(value, features, target, prediction)

    def extra_repr(self) -> str:
        """Show the hyper-parameters when the module is printed."""
        return f"distance={self.distance}, temperature={self.temperature}, push={self.push}"


@blockwise()
def stacked_conr(f: Tensor, y: Tensor, x: Tensor, gamma: Tensor, draw: Draw) -> Tensor:
    """MAE + gamma ConR: what is minimised in training."""
    return mae_loss(f, y) + gamma * conr_loss(x, y, f)
