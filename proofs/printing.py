"""Results as text for a terminal, and as records for a program."""

from __future__ import annotations

import hashlib
import platform
import sys
from collections.abc import Callable, Iterator, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import sympy

from gar_verify import formulas

from . import rocq_opinion, z3_opinion
from .rocq_opinion import RocqOpinion
from .statements import Hypothesis, Lemma, Outcome, Result, Statement, Step, check
from .z3_opinion import Opinion


def run_script(statement: Callable[[], Statement]) -> None:
    """Check one statement, print all of it, and exit with 1 when anything fails."""
    result = check(statement())
    print(text(result))
    sys.exit(0 if result.passed else 1)


def text(result: Result) -> str:
    """Statement, assumptions, steps, mutants and verdict of one result, as plain text."""
    return "\n".join(_lines(result))


def _lines(result: Result) -> Iterator[str]:
    s = result.statement
    yield from (s.title, "=" * len(s.title), "", s.plain, f"({s.where})", "")
    yield from _named("Assumptions", s.hypotheses)
    yield from _named("Lemmas cited, not proved here", s.lemmas)
    yield "Steps"
    for number, outcome in enumerate(result.steps, 1):
        yield from _step(number, outcome)
    yield "Wrong variants, to be refuted"
    for wrong in result.mutants:
        yield f"  [{'refuted' if wrong.passed else 'NOT REFUTED'}] {_said(wrong.part)}"
        yield f"     {wrong.seen}"
    yield "True variants, to be accepted"
    for true in result.controls:
        yield f"  [{'accepted' if true.passed else 'NOT ACCEPTED'}] {_said(true.part)}"
        yield from [f"     left over: {true.seen}"] * (not true.passed)
    yield from (f"Finding: {finding}" for finding in s.findings)
    yield from (f"FAULT: {fault}" for fault in result.faults)
    rocq = rocq_opinion.rocq_opinion()
    proved = ", ".join(rocq.of(s.name)) or rocq.trouble or "nothing on this statement"
    part = f" ({rocq_opinion.PARTIAL[s.name]})" if s.name in rocq_opinion.PARTIAL else ""
    yield f"Rocq, for every N: {proved}{part}"
    yield from ("", f"Verdict: {'proved' if result.passed else 'NOT PROVED'}")


def _named(title: str, parts: Sequence[Hypothesis | Lemma]) -> Iterator[str]:
    if parts:
        yield title
    for part in parts:
        instead = f" ({part.instead})" if isinstance(part, Lemma) and part.instead else ""
        yield f"  {_said(part)}{instead}"


def _said(part: Any) -> str:
    return f"{part.name}: {part.text}"


def _step(number: int, outcome: Outcome[Step]) -> Iterator[str]:
    step = outcome.part
    mark = "" if step.mark == "computed" else f" ({step.mark})"
    yield f"  {number}. [{'ok' if outcome.passed else 'FAILED'}] {_said(step)}{mark}"
    rests = names_of((*step.needs, *step.cites))
    yield from [f"     rests on {', '.join(rests)}"] * bool(rests)
    yield from [f"     left over: {outcome.seen}"] * (not outcome.passed)


def names_of(parts: Sequence[Hypothesis | Lemma]) -> list[str]:
    """The names of hypotheses or lemmas."""
    return [part.name for part in parts]


def table(results: Sequence[Result], opinions: Sequence[Opinion] = ()) -> str:
    """One line for each statement, what failed, and the verdict."""
    width = max(len(result.statement.name) for result in results)
    rocq = rocq_opinion.rocq_opinion()
    lines = [f"{'statement':{width}}  by      refuted  Rocq   hypotheses; lemmas cited"]
    lines += [_row(result, width, rocq) for result in results]
    lines += [f"Finding: {finding}" for r in results for finding in r.statement.findings]
    lines += [opinion_line(opinions), str(rocq)]
    for result in results:
        lines += [f"FAILED {result.statement.name}: {problem}" for problem in problems(result)]
    passed = sum(result.passed for result in results)
    seconds = sum(result.seconds for result in results)
    return "\n".join([*lines, f"{passed} of {len(results)} statements proved, {seconds:.1f} s"])


def _row(result: Result, width: int, rocq: RocqOpinion) -> str:
    s = result.statement
    rests = ", ".join(names_of(s.hypotheses)) or "none"
    cited = ", ".join(names_of(s.lemmas)) or "none"
    verdict = result.by if result.passed else "NO"
    marks = f"{verdict:6}  {refuted(result):7}  {rocq.word(s.name):5}"
    return f"{s.name:{width}}  {marks}  {rests}; {cited}"


def refuted(result: Result) -> str:
    """How many of the wrong variants were refuted: k/k."""
    return f"{sum(wrong.passed for wrong in result.mutants)}/{len(result.mutants)}"


def opinion_line(opinions: Sequence[Opinion]) -> str:
    """What Z3 says, in one line."""
    if not z3_opinion.available():
        return "Second opinion: skipped, the optional package z3-solver is not installed"
    agreed = sum(opinion.agrees for opinion in opinions)
    against = [f"{o.statement}, {o.claim}: {o.verdict}" for o in opinions if not o.agrees]
    said = f"Second opinion: Z3 agrees on {agreed} of {len(opinions)} claims at N = 2, 3, 4"
    return "; ".join([said, *against])


def problems(result: Result) -> list[str]:
    """What kept a statement from passing."""
    found = [f"step '{o.part.name}' left {o.seen}" for o in result.steps if not o.passed]
    found += [f"wrong variant '{o.part.name}': {o.seen}" for o in result.mutants if not o.passed]
    found += [
        f"true variant '{o.part.name}' left {o.seen}" for o in result.controls if not o.passed
    ]
    return [*found, *result.faults]


def records(results: Sequence[Result], opinions: Sequence[Opinion] = ()) -> list[dict[str, Any]]:
    """One record for each statement, ready for JSON."""
    return [_record(result, opinions) for result in results]


def _record(result: Result, opinions: Sequence[Opinion]) -> dict[str, Any]:
    s = result.statement
    return {
        "name": s.name,
        "title": s.title,
        "where": s.where,
        "plain": s.plain,
        "latex": list(s.latex),
        "proved": result.passed,
        "hypotheses": [{"name": h.name, "text": h.text} for h in s.hypotheses],
        "lemmas": [{"name": c.name, "text": c.text, "instead": c.instead} for c in s.lemmas],
        "steps": [
            {
                "name": o.part.name,
                "text": o.part.text,
                "passed": o.passed,
                "mark": o.part.mark,
                "hypotheses": names_of(o.part.needs),
                "lemmas": names_of(o.part.cites),
                "left": o.seen,
            }
            for o in result.steps
        ],
        "mutants": [
            {
                "name": o.part.name,
                "text": o.part.text,
                "drops": o.part.drops or None,
                "refuted": o.passed,
                "counterexample": o.seen,
            }
            for o in result.mutants
        ],
        "controls": [
            {"name": o.part.name, "text": o.part.text, "accepted": o.passed, "left": o.seen}
            for o in result.controls
        ],
        "findings": list(s.findings),
        "faults": list(result.faults),
        "second_opinion": [
            {"claim": o.claim, "true": o.true, "verdict": o.verdict}
            for o in opinions
            if o.statement == s.name
        ],
        "rocq": rocq_opinion.rocq_opinion().theorems.get(s.name, {}),
        "versions": versions(),
        "seconds": round(result.seconds, 3),
    }


def versions() -> dict[str, str | None]:
    """What the proofs ran with; the formulas are named by a digest of their file."""
    source = Path(str(formulas.__file__)).read_bytes()
    return {
        "gar_verify": version("gar_verify"),
        "formulas_sha256": hashlib.sha256(source).hexdigest(),
        "python": platform.python_version(),
        "sympy": sympy.__version__,
        "z3": z3_opinion.version() or None,
    }
