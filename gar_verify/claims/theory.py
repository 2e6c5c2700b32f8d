"""Judges of what is settled by proof: theorems, counterexamples, formulas of the released code."""

from __future__ import annotations

from collections.abc import Sequence

from gar_verify._proofs import statements
from gar_verify.claims.evidence import Evidence, MissingEvidence
from gar_verify.claims.model import Finding, Verdict


def by_proof(
    evidence: Evidence, proof: str, steps: Sequence[str] = (), refuted: Sequence[str] = ()
) -> Finding:
    """What a statement of `proofs` says, by some of its steps or all of them.

    Args:
        evidence: has the proof.
        proof: full name of the statement.
        steps: names of the steps that say it; default: all.
        refuted: names of wrong variants that belong to it; default: all.
    """
    result = evidence.proof(proof)
    shown = [step_of(result, step) for step in steps] or list(result.steps)
    wrong = [variant_of(result, variant) for variant in refuted] or list(result.mutants)
    return Finding(_verdict(result.passed), _counted(shown, wrong), _rests(result, shown))


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
