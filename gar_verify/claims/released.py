"""Judges by example: what the loss and the authors' released code compute on a few numbers.

Of that code nothing is copied; its formulas are restated in `gar_verify.formulas`, proved, and held
against observed values where those are available (``tests/losses/test_reference_gar.py``).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from gar_verify.claims.evidence import Evidence
from gar_verify.claims.model import Finding, Verdict
from gar_verify.losses import RankSimLoss, RnCLoss, gar_loss, kl_dro
from gar_verify.losses.released_gar import released_gar_loss

FEATURES = ((1.0, 0.0), (0.0, 1.0), (1.0, 1.0), (-1.0, 2.0))
LABELS = (0.0, 1.0, 3.0, 7.0)
STRETCHED = (0.0, 1.0, 3.0, 20.0)
"""Other labels whose distances from each label are ordered as in `LABELS`."""
PREDICTIONS = (0.5, 0.5, 3.5, 6.0)
OVERFLOWING = (1e-3, 1.0, 1e3)
SMALL_ALPHA = 0.05


def ranks(evidence: Evidence) -> Finding:
    """Two label sets: the rank losses and their gradients, and what GAR makes of them."""
    sim, contrast = (_of_both(loss) for loss in (RankSimLoss(), RnCLoss()))
    f = torch.tensor(PREDICTIONS)
    seen = [
        gar_loss(f, torch.tensor(y), 1.0, parts=("error_variance",), form="power_mean").item()
        for y in (LABELS, STRETCHED)
    ]
    return Finding(
        verdict=ranks_verdict(_equal(sim), _equal(contrast), sees=seen[0] != seen[1]),
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


def _value_and_gradient(loss: nn.Module, labels: tuple[float, ...]) -> Values:
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


def overflow(evidence: Evidence) -> Finding:
    """Powers of sub-losses, with and without dividing by the largest first."""
    losses = torch.tensor(OVERFLOWING)
    naive = (SMALL_ALPHA * (losses ** (1 / SMALL_ALPHA)).mean().log()).item()
    ours = kl_dro(losses, SMALL_ALPHA).item()
    powers = [loss ** (1 / SMALL_ALPHA) for loss in OVERFLOWING]
    exact = SMALL_ALPHA * math.log(sum(powers) / len(powers))
    kept = math.isclose(ours, exact, rel_tol=1e-6)
    return Finding(
        verdict=Verdict.REPRODUCED if kept and math.isinf(naive) else Verdict.NOT_REPRODUCED,
        measured=f"sub-losses 0.001, 1, 1000 at alpha {SMALL_ALPHA}, float32: {naive} by the plain "
        f"formula, {ours:.4f} divided by the largest first; {exact:.4f} in double precision",
        reason="the powers overflow, the quotients do not; that the value is the same whatever is "
        "divided by is a step of the proof of kl-dro. Dividing by the largest serves every "
        "alpha: no quotient exceeds 1",
    )


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
