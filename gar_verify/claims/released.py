"""Judges by example: what the loss and the authors' released code compute on a few numbers.

Of that code nothing is copied; its formulas are restated in `gar_verify.formulas`, proved, and held
against observed values where those are available (``tests/losses/test_reference_gar.py``).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise

import torch
from torch import Tensor, nn

from gar_verify.claims.evidence import Evidence
from gar_verify.claims.model import Finding, Verdict
from gar_verify.claims.rules import found
from gar_verify.losses import ConRLoss, RankSimLoss, RnCLoss, gar_loss, kl_dro, pearson_loss
from gar_verify.losses.conventional import mae_loss
from gar_verify.losses.released_gar import released_gar_loss

FEATURES = ((1.0, 0.0), (0.0, 1.0), (1.0, 1.0), (-1.0, 2.0))
LABELS = (0.0, 1.0, 3.0, 7.0)
STRETCHED = (0.0, 1.0, 3.0, 20.0)
"""Other labels whose distances from each label are ordered as in `LABELS`."""
PREDICTIONS = (0.5, 0.5, 3.5, 6.0)
OVERFLOWING = (1e-3, 1.0, 1e3)
SMALL_ALPHA, LARGE_ALPHA = 0.05, 2.0
FACTORS = (1.0, 1e3, 1e6)
PAIRED, PAIRED_OTHERWISE = (0.0, 5.0, 0.5, 7.0), (0.0, 5.0, 0.9, 20.0)
"""Labels of which the first and third are alike, and the first two, predicted alike, are not."""
PAIRED_PREDICTIONS = (0.0, 0.0, 10.0, 20.0)


def ranks(evidence: Evidence) -> Finding:
    """Two label sets: the rank losses and their gradients, and what GAR makes of them."""
    sim, contrast = (_of_both(loss) for loss in (RankSimLoss(), RnCLoss()))
    f = torch.tensor(PREDICTIONS)
    seen = [
        gar_loss(f, torch.tensor(y), 1.0, parts=("error_variance",), form="power_mean").item()
        for y in (LABELS, STRETCHED)
    ]
    blind = _equal(sim), _equal(contrast)
    return Finding(
        verdict=ranks_verdict(*blind, sees=seen[0] != seen[1]),
        counted=f"{sum(blind)} of {len(blind)} losses of ranks",
        measured=f"labels {_set(LABELS)} and {_set(STRETCHED)}, the same features: "
        f"RankSim {sim[0][0].item():.4f} and {sim[1][0].item():.4f}, "
        f"RnC {contrast[0][0].item():.4f} and {contrast[1][0].item():.4f}; error variance of the "
        f"same predictions {seen[0]:.2f} and {seen[1]:.2f}",
        reason="both losses read only the order of the label distances: value and gradient are "
        "equal, to the last bit, for labels of another shape; GAR's are not",
    )


Values = tuple[Tensor, Tensor]


def _of_both(loss: nn.Module) -> tuple[Values, Values]:
    """Value and gradient of a loss of the features, for each of the two label sets."""
    first, second = (_value_and_gradient(loss, labels) for labels in (LABELS, STRETCHED))
    return first, second


def _value_and_gradient(loss: Callable[..., Tensor], labels: tuple[float, ...]) -> Values:
    features = torch.tensor(FEATURES, requires_grad=True)
    value = loss(features, torch.tensor(labels))
    return value.detach(), torch.autograd.grad(value, features)[0]


def _equal(both: tuple[Values, Values]) -> bool:
    return all(torch.equal(one, other) for one, other in zip(*both, strict=True))


def ranks_verdict(ranksim: bool, rnc: bool, *, sees: bool) -> Verdict:
    """Blind: the rank losses are the same for both label sets; sees: GAR's differ."""
    if not (ranksim and sees):
        return Verdict.NOT_REPRODUCED
    return Verdict.PROVED if rnc else Verdict.IN_PART


def pairs(evidence: Evidence) -> Finding:
    """Two label sets with the same positive and negative pairs, and what ConR makes of them."""
    predictions = torch.tensor(PAIRED_PREDICTIONS)[:, None]
    loss = ConRLoss(temperature=1.0)
    both = [
        _value_and_gradient(lambda x, y: loss(x, y[:, None], predictions), labels)
        for labels in (PAIRED, PAIRED_OTHERWISE)
    ]
    seen = [
        gar_loss(predictions[:, 0], torch.tensor(y), parts=("error_variance",)).item()
        for y in (PAIRED, PAIRED_OTHERWISE)
    ]
    blind = _equal((both[0], both[1])) and both[0][0].item() > 0
    return Finding(
        verdict=Verdict.PROVED if blind and seen[0] != seen[1] else Verdict.NOT_REPRODUCED,
        measured=f"labels {_set(PAIRED)} and {_set(PAIRED_OTHERWISE)}, predictions "
        f"{_set(PAIRED_PREDICTIONS)}: ConR {both[0][0].item():.4f} and {both[1][0].item():.4f}",
        reason="ConR reads labels of pairs alike only as alike, and those of pairs predicted far "
        "apart not at all: value and gradient are equal, to the last bit; GAR's are not",
    )


def scales(evidence: Evidence) -> Finding:
    """The MAE and the Pearson loss of predictions that are ever larger."""
    labels, predictions = torch.tensor(LABELS), torch.tensor(PREDICTIONS)
    large = [factor * predictions for factor in FACTORS]
    mae = [mae_loss(f[:, None], labels[:, None]).item() for f in large]
    pearson = [pearson_loss(f, labels).item() for f in large]
    grows = all(after > before * FACTORS[1] / 2 for before, after in pairwise(mae))
    bounded = all(0 <= value <= 2 for value in pearson) and max(pearson) - min(pearson) < 1e-6
    return Finding(
        verdict=Verdict.REPRODUCED if grows and bounded else Verdict.NOT_REPRODUCED,
        measured=f"predictions times {', '.join(f'{factor:g}' for factor in FACTORS)}: MAE "
        f"{', '.join(f'{value:.4g}' for value in mae)}; Pearson loss "
        f"{', '.join(f'{value:.4f}' for value in pearson)}",
        reason="the MAE grows in proportion, without a bound; the Pearson loss does not see the "
        "scale. That it lies in [0, 2] is proved as theorem-2-range",
    )


def overflow(evidence: Evidence, by: str) -> Finding:
    """Powers of sub-losses, with and without dividing by the largest or the smallest first."""
    losses = torch.tensor(OVERFLOWING)
    said, kept = [], {}
    for alpha in (SMALL_ALPHA, LARGE_ALPHA):
        naive = _log_mean(losses, alpha, torch.tensor(1.0))
        ours = _log_mean(losses, alpha, losses.aminmax()[by == "largest"])
        if by == "largest":
            ours = kl_dro(losses, alpha).item()
        powers = [loss ** (1 / alpha) for loss in OVERFLOWING]
        exact = alpha * math.log(sum(powers) / len(powers))
        kept[alpha] = math.isclose(ours, exact, rel_tol=1e-6)
        said.append(
            f"at alpha {alpha:g} {naive:.4f} by the plain formula, {ours:.4f} divided by the {by} "
            f"first, {exact:.4f} in double precision"
        )
    needed = math.isinf(_log_mean(losses, SMALL_ALPHA, torch.tensor(1.0)))
    return found(
        lambda shift: [needed and kept[alpha] for alpha in kept],
        "values of alpha",
        f"sub-losses 0.001, 1, 1000, float32: {'; '.join(said)}",
        f"divided by the {by}, the value is kept at "
        + (", ".join(f"{alpha:g}" for alpha in kept if kept[alpha]) or "neither alpha")
        + "; that it is the same whatever is divided by is a step of the proof of kl-dro. Divided "
        "by the largest no quotient exceeds 1, so this serves every alpha",
    )


def _log_mean(losses: Tensor, alpha: float, unit: Tensor) -> float:
    """alpha log mean L^(1/alpha) as it stands, of quotients by a unit."""
    mean = ((losses / unit) ** (1 / alpha)).mean()
    return float(alpha * mean.log() + unit.log())


def floored(evidence: Evidence) -> Finding:
    """Constant predictions, with and without the floor of the released code."""
    labels = torch.tensor(LABELS)
    constant = torch.full_like(labels, 2.0)
    floored = released_gar_loss(constant, labels, 1.0, parts=("pearson",))
    plain = ((constant - constant.mean()) / constant.std()).mean().item()
    finite = bool(floored.isfinite())
    return Finding(
        verdict=Verdict.REPRODUCED if finite and math.isnan(plain) else Verdict.NOT_REPRODUCED,
        measured=f"constant predictions: {plain} without the floor, a log-loss of "
        f"{floored.item():.4f} with it",
        reason="the floor turns 0 / 0 into 0; the value then has no relation to a correlation",
    )


def broadcast(evidence: Evidence) -> Finding:
    """A column of predictions against a row of labels."""
    column, row = torch.zeros(4, 1), torch.zeros(4)
    shape = tuple((column - row).shape)
    try:
        gar_loss(column, row)
        refused = False
    except ValueError:
        refused = True
    widened = shape == (len(row), len(row))
    return Finding(
        verdict=Verdict.REPRODUCED if widened and refused else Verdict.NOT_REPRODUCED,
        measured=f"predictions (4, 1) minus labels (4,) have shape {shape} in torch; gar_loss "
        f"{'refuses them' if refused else 'takes them'}",
        reason="arithmetic without a check of shapes broadcasts: errors of every prediction "
        "against every label",
    )


def _set(labels: tuple[float, ...]) -> str:
    return f"({', '.join(f'{label:g}' for label in labels)})"
