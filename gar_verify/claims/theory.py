"""Judges of what is settled by proof: theorems, counterexamples, formulas of the released code."""

from __future__ import annotations

from collections.abc import Sequence

from gar_verify._proofs import script, statements
from gar_verify.claims.evidence import Evidence, MissingEvidence
from gar_verify.claims.model import Finding, Verdict


def by_proof(
    evidence: Evidence,
    proof: str,
    claims: Sequence[str] = (),
    steps: Sequence[str] = (),
    refuted: Sequence[str] = (),
) -> Finding:
    """What a statement of `proofs` says, by some of its parts or all of them.

    Args:
        evidence: has the proof.
        proof: full name of the statement.
        claims: names of what it claims; default, if no steps are named either: all.
        steps: names of steps that say it, where no claim does.
        refuted: names of wrong variants that belong to it; default: all.
    """
    result = evidence.proof(proof)
    said = [claim_of(result, name) for name in claims]
    shown = [step_of(result, step) for step in steps]
    if not said and not shown:
        said = list(result.statement.claims)
        shown = [outcome for outcome in result.steps if outcome.part.check is not None]
    wrong = [variant_of(result, variant) for variant in refuted] or list(result.mutants)
    needed = [a.text for claim in said for a in claim.assuming]
    needed += [need.text for outcome in shown for need in outcome.part.needs]
    return Finding(
        _verdict(result.passed), _counted(result, said, shown, wrong), _rests(result, needed)
    )


def by_counterexample(evidence: Evidence, proof: str, variant: str) -> Finding:
    """That something fails, which a wrong variant of a statement of `proofs` settles."""
    found = variant_of(evidence.proof(proof), variant)
    return Finding(_verdict(found.passed), f"counterexample: {found.seen}", found.part.text)


def as_stated(evidence: Evidence, proof: str, variant: str) -> Finding:
    """A statement without one of its hypotheses, which a wrong variant refutes."""
    result = evidence.proof(proof)
    found = variant_of(result, variant)
    if not found.passed:
        raise MissingEvidence("there is neither a counterexample nor a proof without connectedness")
    reason = "; ".join(result.statement.findings)
    return Finding(Verdict.NOT_REPRODUCED, f"counterexample: {found.seen}", reason)


def _verdict(passed: bool) -> Verdict:
    return Verdict.PROVED if passed else Verdict.NOT_REPRODUCED


def claim_of(result: statements.Result, name: str) -> script.Claim:
    """The claim of that name; a LookupError names those there are."""
    for claim in result.statement.claims:
        if claim.name == name:
            return claim
    there = ", ".join(repr(claim.name) for claim in result.statement.claims)
    raise LookupError(f"{result.statement.name} has no claim {name!r}; there are: {there}")


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
    result: statements.Result,
    claims: Sequence[script.Claim],
    steps: Sequence[statements.Outcome[statements.Step]],
    wrong: Sequence[statements.Outcome[statements.Mutant]],
) -> str:
    said = []
    if claims:
        said.append(f"{len(claims) if result.proved else 0} of {len(claims)} claims proved")
    if steps:
        said.append(f"{sum(o.passed for o in steps)} of {len(steps)} steps exact")
    refuted = f"{sum(o.passed for o in wrong)} of {len(wrong)} wrong variants refuted"
    if len(wrong) == 1:
        refuted += f" ({wrong[0].part.name}: {wrong[0].seen})"
    return ", ".join([*said, refuted])


def _rests(result: statements.Result, needed: Sequence[str]) -> str:
    if not result.passed:
        failed = [outcome.part.name for outcome in result.steps if not outcome.passed]
        return f"the proof fails: {', '.join(failed) or 'its record is not complete'}"
    needs = "; ".join(dict.fromkeys(needed))
    return f"assumes that {needs}" if needs else "holds without assumptions"
