"""Results as text for a terminal, and as records for a program."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import Any

from proofs.statements import Result, Statement, check


def run_script(statement: Callable[[], Statement]) -> None:
    """Check one statement, print all of it, and exit with 1 when anything fails."""
    result = check(statement())
    print(text(result))
    sys.exit(0 if result.passed else 1)


def text(result: Result) -> str:
    """Statement, assumptions, steps, mutants and verdict of one result, as plain text."""
    s = result.statement
    lines = [s.title, "=" * len(s.title), "", s.plain, f"({s.where})", ""]
    lines += ["Assumptions" if s.hypotheses else "No assumptions"]
    lines += [f"  {h.name}: {h.text}" for h in s.hypotheses]
    if s.lemmas:
        lines += ["Lemmas cited, not proved here"]
        lines += [f"  {lemma.name}: {lemma.text}" for lemma in s.lemmas]
    lines += ["Steps"]
    for n, outcome in enumerate(result.steps, 1):
        step = outcome.part
        rests = ", ".join([*(h.name for h in step.needs), *(c.name for c in step.cites)])
        lines += [f"  {n}. [{'ok' if outcome.passed else 'FAILED'}] {step.name}: {step.text}"]
        lines += [f"     in the case {', '.join(h.name for h in step.case)}"] * bool(step.case)
        lines += [f"     rests on {rests}"] * bool(rests)
        lines += [f"     left over: {outcome.seen}"] * (not outcome.passed)
    lines += ["Wrong variants, to be refuted"]
    for wrong in result.mutants:
        verdict = "refuted" if wrong.passed else "NOT REFUTED"
        lines += [f"  [{verdict}] {wrong.part.name}: {wrong.part.text}", f"     {wrong.seen}"]
    lines += ["True variants, to be accepted"]
    for true in result.controls:
        verdict = "accepted" if true.passed else "NOT ACCEPTED"
        lines += [f"  [{verdict}] {true.part.name}: {true.part.text} {true.seen}".rstrip()]
    lines += [f"Finding: {finding}" for finding in s.findings]
    lines += [f"FAULT: {fault}" for fault in result.faults]
    lines += ["", f"Verdict: {'proved' if result.passed else 'NOT PROVED'}"]
    return "\n".join(lines)


def table(results: Sequence[Result]) -> str:
    """One line for each statement, and a last line with the verdict."""
    width = max(len(result.statement.name) for result in results)
    lines = [f"{'statement':{width}}  proved  refuted  hypotheses; lemmas cited"]
    lines += [_line(result, width) for result in results]
    failed = [result.statement.name for result in results if not result.passed]
    seconds = sum(result.seconds for result in results)
    lines += [f"{len(results) - len(failed)} of {len(results)} statements proved, {seconds:.1f} s"]
    for result in results:
        lines += [f"FAILED {result.statement.name}: {problem}" for problem in problems(result)]
    return "\n".join(lines)


def _line(result: Result, width: int) -> str:
    s = result.statement
    refuted = f"{sum(m.passed for m in result.mutants)}/{len(result.mutants)}"
    rests = ", ".join(h.name for h in s.hypotheses) or "none"
    cited = ", ".join(lemma.name for lemma in s.lemmas) or "none"
    return f"{s.name:{width}}  {'yes' if result.proved else 'NO':6}  {refuted:7}  {rests}; {cited}"


def problems(result: Result) -> list[str]:
    """What kept a statement from passing."""
    found = [f"step '{o.part.name}' left {o.seen}" for o in result.steps if not o.passed]
    found += [f"wrong variant '{o.part.name}' not refuted" for o in result.mutants if not o.passed]
    found += [
        f"true variant '{o.part.name}' left {o.seen}" for o in result.controls if not o.passed
    ]
    return [*found, *result.faults]


def records(results: Sequence[Result]) -> list[dict[str, Any]]:
    """One record for each statement, ready for JSON."""
    return []
