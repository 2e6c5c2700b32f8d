"""What features hold: a linear (ridge) regression on them, with its strength from validation."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

STRENGTHS = (1e-6, 1e-4, 1e-2, 1.0)
"""Penalties tried, in units of the mean square of a standardised feature."""


def ridge(
    features: Sequence[Tensor], targets: Sequence[Tensor], worse: Callable[[Tensor, Tensor], float]
) -> tuple[list[Tensor], float]:
    """Predictions for each part by the ridge regression that validates best.

    Features are standardised on the first part; the constant is not penalised. In float64.

    Args:
        features: of the training part [n, d], of the validation part, and of any others.
        targets: of the training part [n, T] and of the validation part.
        worse: ``(prediction, target)`` of the validation part to a number; the lowest is chosen.

    Returns:
        Predictions [n, T] for each of ``features``, and the strength.
    """
    train = features[0].double()
    mean, deviation = train.mean(0), train.std(0, correction=0)
    deviation = torch.where(deviation > 0, deviation, 1)
    rows = [(part.double() - mean) / deviation for part in features]
    goal = targets[0].double()
    gram = rows[0].T @ rows[0] / len(train)
    moment = rows[0].T @ (goal - goal.mean(0)) / len(train)
    best: tuple[float, float, list[Tensor]] | None = None
    for strength in STRENGTHS:
        penalty = strength * torch.eye(len(gram), dtype=gram.dtype, device=gram.device)
        slopes = torch.linalg.solve(gram + penalty, moment)
        predicted = [part @ slopes + goal.mean(0) for part in rows]
        score = worse(predicted[1], targets[1].double())
        if best is None or score < best[0]:
            best = score, strength, predicted
    assert best is not None
    return best[2], best[1]


def mean_absolute_error(prediction: Tensor, target: Tensor) -> float:
    """Of all entries."""
    return (prediction - target).abs().mean().item()


def share_wrong(prediction: Tensor, target: Tensor) -> float:
    """Share of rows whose largest entry is another than the target's."""
    return (prediction.argmax(1) != target.argmax(1)).double().mean().item()
