"""Claims of the paper about the loss itself, and what the authors' released code computes instead.

Of that code nothing is copied; its formulas are restated in `gar_verify.formulas`, proved, and held
against observed values where those are available (``tests/losses/test_reference_gar.py``).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import torch
from torch import Tensor, nn

from gar_verify.claims.evidence import Evidence
from gar_verify.claims.model import Claim, Finding, Verdict
from gar_verify.claims.theory import by_counterexample, by_proof
from gar_verify.losses import RankSimLoss, RnCLoss, gar_loss, kl_dro
from gar_verify.losses.released_gar import released_gar_loss
from gar_verify.studies import published

TOPIC = "The loss and the released code"
CODE = "the authors' released code"
RELEASED = "released-constants"
LIVE = "computed on the spot"
OBSERVED = (
    "by proof about its formulas as they are restated in gar_verify.formulas; that these give the "
    "values observed of the released code is tested where GAR_VERIFY_REFERENCE is set"
)
FEATURES = ((1.0, 0.0), (0.0, 1.0), (1.0, 1.0), (-1.0, 2.0))
LABELS = (0.0, 1.0, 3.0, 7.0)
STRETCHED = (0.0, 1.0, 3.0, 20.0)
"""Other labels whose distances from each label are ordered as in `LABELS`."""
PREDICTIONS = (0.5, 0.5, 3.5, 6.0)
OVERFLOWING = (1e-3, 1.0, 1e3)
SMALL_ALPHA = 0.05


def _ranks(evidence: Evidence) -> Finding:
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


def _overflow(evidence: Evidence) -> Finding:
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


def _floored(evidence: Evidence) -> Finding:
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


def _broadcast(evidence: Evidence) -> Finding:
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


Judge = Callable[[Evidence], Finding]


def _live(
    identifier: str,
    statement: str,
    where: str,
    rule: str,
    judge: Judge,
    answers: tuple[str, ...] = (),
) -> Claim:
    command = f"gar-verify claims --only {identifier}"
    return Claim(identifier, TOPIC, statement, where, LIVE, rule, command, judge, answers)


def _by_code(identifier: str, statement: str, steps: Sequence[str], *refuted: str) -> Claim:
    return _of_code(by_proof(identifier, statement, CODE, RELEASED, steps, refuted))


def _fails(identifier: str, statement: str, variant: str) -> Claim:
    return _of_code(by_counterexample(identifier, statement, CODE, RELEASED, variant))


def _of_code(entry: Claim) -> Claim:
    return replace(entry, topic=TOPIC, how=OBSERVED)


def _entries() -> Iterator[Claim]:
    yield _live(
        "overflow",
        "Dividing by the largest sub-loss first avoids overflow at small alpha",
        "the paper, on the loss",
        "the plain formula overflows and the divided one keeps six digits: reproduced; otherwise "
        "not reproduced",
        _overflow,
    )
    yield _by_code(
        "released-half-variance",
        "The released code computes half the variance of the errors",
        ("half the error variance of the code",),
        "half forgotten",
    )
    yield _by_code(
        "released-pearson",
        "Its Pearson term is (N - 1) / N times 1 - rho: the released code has unbiased deviations "
        "in a mean over N",
        ("the Pearson term", "the Pearson term as the paper has it"),
        "no factor",
    )
    yield _by_code(
        "released-eps",
        "The released code adds 1e-7 to each sub-loss, which changes the gradient by the factor "
        "L / (L + 1e-7)",
        ("eps",),
        "eps without effect",
    )
    yield _live(
        "released-floor",
        "The released code floors standard deviations at 1e-7",
        CODE,
        "constant predictions give NaN without the floor and a finite value with it: reproduced; "
        "otherwise not reproduced",
        _floored,
    )
    yield _by_code(
        "released-normaliser",
        "For alpha other than 1 the released code does not add the log of its normaliser back: the "
        "value is shifted, the gradient is right",
        ("the forgotten normaliser", "the same gradient"),
        "value not shifted",
    )
    yield _by_code(
        "released-power-mean",
        "The variant GAR-EXP of the released code returns the power mean itself",
        ("GAR-EXP",),
    )
    yield _fails("released-alpha-0", "At alpha = 0 the released code divides by zero", "alpha = 0")
    yield _fails("released-one-sample", "For N = 1 the released code gives NaN", "one sample")
    yield _live(
        "released-broadcasting",
        "Predictions of shape (N, 1) against labels of shape (N,) broadcast silently to N x N "
        "in the released code",
        CODE,
        "torch widens the shapes, and gar_loss refuses them: reproduced; otherwise not reproduced",
        _broadcast,
    )
    yield _live(
        "ranks-lose-information",
        published.published()["statements"]["ranks"],
        "the paper, on RankSim and RnC",
        "two label sets with equal RankSim and RnC losses and gradients, but different error "
        "variances: proved, for an example is enough; RankSim alone: in part; none: not reproduced",
        _ranks,
        ("statements/ranks",),
    )


ENTRIES = tuple(_entries())
