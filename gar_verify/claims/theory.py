"""Claims of the paper's theory: its theorems, the aggregation, the cost and the first example."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gar_verify._proofs import statements
from gar_verify.claims.evidence import Evidence, MissingEvidence
from gar_verify.claims.model import Claim, Finding, Verdict

TOPIC = "Theory"
HOW = "by proof, for every batch size, over the functions that the loss executes"
PROOF = (
    "every step exact, every wrong variant refuted, every hypothesis shown necessary: proved; "
    "otherwise not reproduced"
)

COUNTEREXAMPLE = "an exact counterexample: proved; otherwise not reproduced"


def by_proof(
    identifier: str,
    statement: str,
    where: str,
    name: str,
    steps: Sequence[str] = (),
    refuted: Sequence[str] = (),
) -> Claim:
    """A claim that a statement of `proofs` settles, by some of its steps or all of them.

    Args:
        identifier: of the claim.
        statement: in words.
        where: it is made.
        name: full name of the statement in `proofs`.
        steps: names of the steps that say it; default: all.
        refuted: names of wrong variants that belong to it; default: all.
    """

    def judge(evidence: Evidence) -> Finding:
        result = evidence.proof(name)
        shown = [step_of(result, step) for step in steps] or list(result.steps)
        wrong = [variant_of(result, variant) for variant in refuted] or list(result.mutants)
        verdict = Verdict.PROVED if result.passed else Verdict.NOT_REPRODUCED
        return Finding(verdict, _counted(shown, wrong), _rests(result, shown))

    command = f"gar-verify prove --only {name}"
    return Claim(identifier, TOPIC, statement, where, HOW, PROOF, command, judge)


def by_counterexample(
    identifier: str, statement: str, where: str, name: str, variant: str
) -> Claim:
    """A claim that something fails, which a wrong variant of a statement of `proofs` settles."""

    def judge(evidence: Evidence) -> Finding:
        found = variant_of(evidence.proof(name), variant)
        verdict = Verdict.PROVED if found.passed else Verdict.NOT_REPRODUCED
        return Finding(verdict, f"counterexample: {found.seen}", found.part.text)

    command = f"gar-verify prove --only {name}"
    return Claim(identifier, TOPIC, statement, where, HOW, COUNTEREXAMPLE, command, judge)


def step_of(result: statements.Result, name: str) -> statements.Outcome[statements.Step]:
    """The step of that name; a LookupError names those there are."""
    return _named(result.steps, name, result)


def variant_of(result: statements.Result, name: str) -> statements.Outcome[statements.Mutant]:
    """The wrong variant of that name; a LookupError names those there are."""
    return _named(result.mutants, name, result)


def _named(
    outcomes: Sequence[statements.Outcome[statements.Part]], name: str, result: statements.Result
) -> statements.Outcome[statements.Part]:
    for outcome in outcomes:
        if outcome.part.name == name:
            return outcome
    there = ", ".join(repr(outcome.part.name) for outcome in outcomes)
    raise LookupError(f"{result.statement.name} has no part {name!r}; there are: {there}")


def _counted(
    steps: Sequence[statements.Outcome[statements.Step]],
    wrong: Sequence[statements.Outcome[statements.Mutant]],
) -> str:
    passed = sum(outcome.passed for outcome in steps)
    refuted = sum(outcome.passed for outcome in wrong)
    said = f"{passed} of {len(steps)} steps exact, {refuted} of {len(wrong)} wrong variants refuted"
    return f"{said} ({wrong[0].part.name}: {wrong[0].seen})" if len(wrong) == 1 else said


def _rests(result: statements.Result, steps: Sequence[statements.Outcome[statements.Step]]) -> str:
    if not result.passed:
        failed = [outcome.part.name for outcome in result.steps if not outcome.passed]
        return f"the proof fails: {', '.join(failed) or 'its record is not complete'}"
    needed = dict.fromkeys(need.text for outcome in steps for need in outcome.part.needs)
    return f"assumes that {'; '.join(needed)}" if needed else "holds without assumptions"


def _theorem_4_as_stated(evidence: Evidence) -> Finding:
    result = evidence.proof(GRADIENTS)
    islands = variant_of(result, "two intervals")
    if not islands.passed:
        raise MissingEvidence("there is neither a counterexample nor a proof without connectedness")
    return Finding(
        verdict=Verdict.NOT_REPRODUCED,
        measured=f"counterexample: {islands.seen}",
        reason="; ".join(result.statement.findings),
    )


GRADIENTS = "theorem-4-gradient-matching"
AGGREGATION = "proposition-kl-dro"
NUMBERED_HERE = "the paper; the number is ours (the text available to us numbers Theorems 1 and 4)"
PROPOSITION = "the paper's proposition on the aggregation"

_THEOREM_4_AS_STATED = Claim(
    identifier="theorem-4-as-stated",
    topic=TOPIC,
    statement="Theorem 4 on any open domain, as the text available to us summarises it: matching "
    "gradients give matching differences, connected or not",
    where="the paper, Theorem 4, as summarised in the text available to us",
    how="by an exact counterexample on two disjoint intervals",
    rule="a counterexample: not reproduced; none: not testable here",
    command=f"gar-verify prove --only {GRADIENTS}",
    judge=_theorem_4_as_stated,
)


def _entries() -> Iterator[Claim]:
    yield by_proof(
        "theorem-1",
        "The pairwise squared difference of all N^2 pairs is the variance of the errors",
        "the paper, Theorem 1",
        "theorem-1-error-variance",
    )
    yield by_proof(
        "theorem-2",
        "The normalised pairwise difference is 1 minus Pearson's correlation",
        NUMBERED_HERE,
        "theorem-2-pearson",
    )
    yield by_proof(
        "theorem-2-range",
        "The normalised pairwise difference lies in [0, 2], and both ends are reached",
        NUMBERED_HERE,
        "theorem-2-pearson",
        (
            "the range, from below",
            "the range",
            "f = c y + b: the end",
            "f = -c y + b: the end",
        ),
    )
    yield by_proof(
        "theorem-3",
        "The best common factor of the differences is Cov(f, y) / Var(y), and leaves "
        "Var(f) (1 - rho^2)",
        NUMBERED_HERE,
        "theorem-3-scaling-factor",
        ("the square", "the minimum", "only there", "in terms of the correlation"),
    )
    yield by_proof(
        "theorem-3-direction",
        "The loss of Theorem 2 is 0 exactly when all differences agree up to a positive factor",
        NUMBERED_HERE,
        "theorem-3-scaling-factor",
        ("f = c y + b: the end", "0 gives the same direction"),
    )
    yield by_proof(
        "theorem-4-to-gradients",
        "Matching differences give matching derivatives of every order, on any open domain",
        "the paper, Theorem 4",
        GRADIENTS,
        ("differences to gradients", "from one order to the next"),
    )
    yield _THEOREM_4_AS_STATED
    yield by_proof(
        "theorem-4-connected",
        "Matching gradients give matching differences on a connected domain",
        "the paper, Theorem 4, with the hypothesis that the summary of it leaves out",
        GRADIENTS,
        (
            "gradients to differences, one segment",
            "gradients to differences, a polygon",
            "which is matching",
        ),
        ("two intervals",),
    )
    yield by_proof(
        "theorem-4-scale",
        "Differences that agree up to a factor c are gradients that agree up to c",
        "the paper, corollary of Theorem 4",
        GRADIENTS,
        ("with a scale",),
        ("scale forgotten",),
    )
    yield by_proof(
        "kl-dro",
        "The KL-regularised worst case of the log-losses is alpha log mean L^(1/alpha), attained "
        "only at weights in proportion to L^(1/alpha)",
        PROPOSITION,
        AGGREGATION,
        ("the code", "the weights of the code", "Gibbs", "phi >= 0", "attained"),
    )
    yield by_proof(
        "kl-dro-alpha-0",
        "For alpha to 0 the aggregate tends to the log of the largest sub-loss",
        PROPOSITION,
        AGGREGATION,
        ("alpha to 0",),
    )
    yield by_proof(
        "kl-dro-alpha-1",
        "At alpha = 1 the aggregate is the log of the arithmetic mean",
        PROPOSITION,
        AGGREGATION,
        ("alpha = 1",),
    )
    yield by_proof(
        "kl-dro-alpha-infinity",
        "For alpha to infinity the aggregate tends to the log of the geometric mean",
        PROPOSITION,
        AGGREGATION,
        ("alpha to infinity",),
    )
    yield by_proof(
        "kl-dro-monotone",
        "The aggregate does not increase in alpha",
        PROPOSITION,
        AGGREGATION,
        ("not increasing in alpha",),
        ("increasing in alpha",),
    )
    yield by_proof(
        "kl-dro-power-mean",
        "The exponential of the aggregate, the loss in its own units, is the power mean of order "
        "1 / alpha",
        PROPOSITION,
        "released-constants",
        ("GAR-EXP",),
    )
    yield by_proof(
        "six-numbers",
        "All three sub-losses are functions of N, mean |d|, Var(d), Var(y), Cov(d, y) and the "
        "means: one pass over the batch",
        "the paper, on its complexity",
        "regression-moments",
    )
    yield by_proof(
        "motivating-example",
        "Errors (1, -1, 1, -1) and (1, 1, 1, 1) have the same MAE and MSE; only the second is one "
        "bias correction away from zero",
        "the paper's motivating example",
        "motivating-example",
    )


ENTRIES = tuple(_entries())
