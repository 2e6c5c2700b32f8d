"""The loss taken apart on small batches: gradients of its parts, attention, degenerate batches."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
import torch
from torch import Tensor
from torch.nn.functional import l1_loss

from gar_verify.losses import GARLoss, error_variance_loss, pearson_loss

PARTS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "MAE": l1_loss,
    "error variance": error_variance_loss,
    "1 - Pearson": pearson_loss,
}
"""GAR's three parts, in the order of `GARLoss.components`."""

SEED = 0
ALPHAS = tuple(np.logspace(-2, 2, 41).round(6).tolist())


def batch(n: int = 24) -> tuple[Tensor, Tensor]:
    """Predictions and labels (n,) of a model that is half trained: flat, shifted and noisy.

    Labels ascend from -2 to 2; predictions are half of them plus 0.6, with noise from a fixed seed.
    """
    generator = torch.Generator().manual_seed(SEED)
    labels = torch.linspace(-2, 2, n, dtype=torch.float64)
    noise = 0.3 * torch.randn(n, generator=generator, dtype=torch.float64)
    return 0.5 * labels + 0.6 + noise, labels


def gradients(predictions: Tensor, labels: Tensor) -> pd.DataFrame:
    """The gradient of each part in each prediction.

    Args:
        predictions: (N,).
        labels: (N,).

    Returns:
        A line for each sample: ``label``, ``prediction``, and a column for each of `PARTS`.
    """
    columns = {"label": labels.numpy(), "prediction": predictions.numpy()}
    for name, loss in PARTS.items():
        leaf = predictions.clone().requires_grad_()
        (gradient,) = torch.autograd.grad(loss(leaf, labels), leaf)
        columns[name] = gradient.numpy()
    return pd.DataFrame(columns)


def moved(gradient: pd.DataFrame) -> pd.DataFrame:
    """What a small descent step does to the predictions' mean, spread and correlation, by part.

    Args:
        gradient: from `gradients`.

    Returns:
        For each part the directional derivatives along a descent step of length one, without the
        rounding errors: of the ``mean`` prediction, of its standard deviation (``spread``), and of
        its Pearson correlation with the labels. Positive is up.
    """
    f, y = (torch.tensor(gradient[name].to_numpy()) for name in ("prediction", "label"))
    lines = {}
    for part in PARTS:
        step = -torch.tensor(gradient[part].to_numpy())
        step = step / step.norm()
        lines[part] = {name: _along(what, f, y, step) for name, what in STATISTICS.items()}
    return pd.DataFrame.from_dict(lines, orient="index").rename_axis("part")


STATISTICS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "mean": lambda f, y: f.mean(),
    "spread": lambda f, y: f.std(correction=0),
    "correlation": lambda f, y: 1 - pearson_loss(f, y),
}


def attention(
    predictions: Tensor, labels: Tensor, alphas: Sequence[float] = ALPHAS
) -> pd.DataFrame:
    """p_k, the weight of each part in the aggregation, over alpha.

    Returns:
        By alpha: a column for each of `PARTS`; a line sums to one.
    """
    lines = [GARLoss(alpha).components(predictions, labels).weights.numpy() for alpha in alphas]
    return pd.DataFrame(lines, index=pd.Index(alphas, name="alpha"), columns=list(PARTS))


def degenerate() -> pd.DataFrame:
    """Value, parts and gradient of the loss on batches that leave a part undefined.

    Returns:
        By the name of the batch: ``value``, the parts, and ``gradient``, its Euclidean norm.
    """
    y = torch.tensor([0.0, 1.0, 2.0, 4.0])
    one = torch.ones(4)
    batches = {
        "ordinary": (torch.tensor([1.0, 1.0, 2.0, 3.0]), y),
        "constant predictions": (one, y),
        "constant labels": (y, one),
        "both constant": (2 * one, one),
        "perfect but for an offset": (y + 1, y),
        "perfect": (y, y),
        "one sample": (y[:1], one[:1]),
        "two samples": (y[:2] / 2, y[:2]),
    }
    return pd.DataFrame.from_dict(
        {name: _taken_apart(*pair) for name, pair in batches.items()}, orient="index"
    ).rename_axis("batch")


def _taken_apart(predictions: Tensor, labels: Tensor) -> dict[str, float]:
    loss = GARLoss()
    leaf = predictions.clone().requires_grad_()
    value = loss(leaf, labels)
    (gradient,) = torch.autograd.grad(value, leaf)
    parts = loss.components(predictions, labels)[: len(PARTS)]
    named = {name: part.item() for name, part in zip(PARTS, parts, strict=True)}
    return {"value": value.item(), **named, "gradient": gradient.norm().item()}


def _along(
    statistic: Callable[[Tensor, Tensor], Tensor], f: Tensor, y: Tensor, step: Tensor
) -> float:
    leaf = f.clone().requires_grad_()
    (slope,) = torch.autograd.grad(statistic(leaf, y), leaf)
    return round(float(slope @ step), 12) + 0.0
