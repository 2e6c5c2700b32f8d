"""What a statement is made of, and the checker.

A `Statement` says its claims as formulas of the kernel, and a script asks the kernel for them. What
the kernel cannot say stands in further `Step`s: finite checks, and citations. A check returns what
has to be 0 or ``True``; the step passes when all of it is exactly that, and fails on anything else,
an exception included.

A checker is worth something if it says no. Beside the proof of each statement stand *mutants*,
wrong variants that must be refuted by explicit data, at least `ENOUGH_MUTANTS` of them, and
*controls*, true variants that must pass. That a hypothesis is needed is shown by data of the claims
themselves (`necessity`), and by a wrong variant where it is one of a step alone.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import sympy

from . import necessity
from .batches import ExactBatch, exact_batches
from .exact import Claim as Sides
from .exact import Counterexample, counterexample, is_zero
from .kernel import Theorem
from .language import ambiguous
from .script import Assumption, Claim, Script, StepError
from .terms import Formula

ENOUGH_MUTANTS = 4
_SHOWN = 160


@dataclass(frozen=True)
class Hypothesis:
    """An assumption in words, under the name by which steps and mutants refer to it."""

    name: str
    text: str


@dataclass(frozen=True)
class Lemma:
    """A fact that is used and not proved here."""

    name: str
    text: str
    instead: str = ""
    """Which theorem of Rocq proves it, or why it is cited."""
    needs: tuple[Hypothesis, ...] = ()
    """Without which it does not hold: a step that cites it has to rest on them."""


@dataclass(frozen=True)
class Step:
    """One link of a proof: what it says, what it rests on, and how it is checked."""

    name: str
    text: str
    check: Callable[[], Any] | None
    """None for a step of the kernel, which has checked it."""
    needs: tuple[Hypothesis, ...] = ()
    cites: tuple[Lemma, ...] = ()

    @property
    def mark(self) -> str:
        """``computed`` by the kernel, ``cited`` where it uses a lemma, or ``finite check``."""
        return "cited" if self.cites else "finite check" if self.check else "computed"


@dataclass(frozen=True)
class Mutant:
    """A wrong variant of the statement, and the search for data that refutes it."""

    name: str
    text: str
    search: Callable[[], Counterexample | None]
    drops: str = ""
    """The hypothesis that the variant does without, if that is what makes it wrong."""


@dataclass(frozen=True)
class Control:
    """A true variant, which must be accepted."""

    name: str
    text: str
    check: Callable[[], Any]


@dataclass(frozen=True)
class Statement:
    """A theorem with everything that belongs to it."""

    name: str
    title: str
    where: str
    """Where the paper has it, or what it is for."""
    mutants: tuple[Mutant, ...]
    controls: tuple[Control, ...]
    claims: tuple[Claim, ...] = ()
    """What it says, as formulas of the kernel, which text and LaTeX are printed from."""
    script: Callable[[Script], None] | None = None
    """The proof of the claims."""
    plain: str = ""
    latex: tuple[str, ...] = ()
    """One formula a line, in the part of LaTeX that matplotlib's mathtext reads."""
    steps: tuple[Step, ...] = ()
    findings: tuple[str, ...] = ()
    hypotheses: tuple[Hypothesis, ...] = field(init=False)
    lemmas: tuple[Lemma, ...] = field(init=False)

    def __post_init__(self) -> None:
        """Collect what the steps name."""
        if self.claims:
            said = [*(c.plain for c in self.claims), *[self.plain] * bool(self.plain)]
            object.__setattr__(self, "plain", "; ".join(said))
            object.__setattr__(self, "latex", (*(c.latex for c in self.claims), *self.latex))
        claimed = {a.name: Hypothesis(a.name, a.text) for c in self.claims for a in c.assuming}
        needed = (h for step in self.steps for h in step.needs)
        cited = (lemma for step in self.steps for lemma in step.cites)
        named = {h.name: h for h in needed} | claimed
        object.__setattr__(self, "hypotheses", tuple(named.values()))
        object.__setattr__(self, "lemmas", tuple(dict.fromkeys(cited)))


Part = TypeVar("Part", Step, Mutant, Control)


@dataclass(frozen=True)
class Outcome(Generic[Part]):
    """Whether one part did what it must, and what was seen."""

    part: Part
    passed: bool
    seen: str = ""


@dataclass(frozen=True)
class Result:
    """A statement and what its check said."""

    statement: Statement
    steps: tuple[Outcome[Step], ...]
    mutants: tuple[Outcome[Mutant], ...]
    controls: tuple[Outcome[Control], ...]
    faults: tuple[str, ...]
    """Why the record itself is not enough: too few mutants, a hypothesis not shown necessary."""
    seconds: float

    @property
    def proved(self) -> bool:
        """Whether every step passes."""
        return bool(self.steps) and all(outcome.passed for outcome in self.steps)

    @property
    def by(self) -> str:
        """What proves it: the kernel, citations and finite checks, or both."""
        kernel = [outcome.part.check is None for outcome in self.steps]
        return "kernel" if all(kernel) else "both" if any(kernel) else "cited"

    @property
    def passed(self) -> bool:
        """Proved, every mutant refuted, every true variant accepted, and the record complete."""
        refuted = all(outcome.passed for outcome in self.mutants)
        accepted = all(outcome.passed for outcome in self.controls)
        return self.proved and refuted and accepted and not self.faults


def check(statement: Statement) -> Result:
    """Run every step, mutant and control of a statement."""
    start = time.perf_counter()
    taken, faults = check_script(statement)
    return Result(
        statement=statement,
        steps=(*taken, *map(check_part, statement.steps)),
        mutants=tuple(_refute(mutant) for mutant in statement.mutants),
        controls=tuple(map(check_part, statement.controls)),
        faults=(*faults, *_faults(statement)),
        seconds=time.perf_counter() - start,
    )


def check_script(statement: Statement) -> tuple[list[Outcome[Step]], list[str]]:
    """Run the script of a statement: its steps, and what keeps it from proving the claims."""
    if statement.script is None:
        return [], []
    script = Script()
    refused: list[Outcome[Step]] = []
    try:
        statement.script(script)
    except StepError as error:
        refused.append(Outcome(Step(error.name, "refused", None), False, str(error)[:_SHOWN]))
    except Exception as error:  # whatever goes wrong, nothing has been shown
        broken = Step("the script", "breaks off", None)
        refused.append(Outcome(broken, False, f"{type(error).__name__}: {error}"[:_SHOWN]))
    names = {a.formula: a for claim in statement.claims for a in claim.assuming}
    taken = [Outcome(_step(name, t, names), True) for name, t in script.steps.items()]
    faults = [] if refused else list(script.faults(statement.claims, frozenset()))
    return [*taken, *refused], faults


def _step(name: str, theorem: Theorem, names: dict[Formula, Assumption]) -> Step:
    """A theorem of the kernel as a step of the record."""
    formulas = sorted(theorem.hypotheses, key=str)
    assumed = [(names[f].name if f in names else str(f), str(f)) for f in formulas]
    text = str(theorem.conclusion)
    shown = text if len(text) <= 2 * _SHOWN else f"{text[: 2 * _SHOWN]} ..."
    cites = tuple(Lemma(lemma, lemma) for lemma in sorted(theorem.cited))
    return Step(name, shown, None, tuple(Hypothesis(*a) for a in assumed), cites)


def check_part(part: Part) -> Outcome[Part]:
    """Run the check of a step or a control: whether it leaves nothing, and if not what."""
    ask: Any = getattr(part, "check", None)
    if ask is None:
        return Outcome(part, False, "a step of the kernel is checked with its script")
    try:
        value = ask()
        values = list(value) if isinstance(value, list | tuple) else [value]
        left = [v for v in values if not _is_nothing(v)]
    except Exception as error:  # whatever goes wrong, nothing has been shown
        return Outcome(part, False, f"{type(error).__name__}: {error}"[:_SHOWN])
    if not values:
        return Outcome(part, False, "the check returned nothing")
    return Outcome(part, not left, str(left[0])[:_SHOWN] if left else "")


def _is_nothing(value: Any) -> bool:
    """Whether a value is exactly True or exactly the number 0."""
    if isinstance(value, bool | float | str | sympy.Float) or value is None:
        return value is True
    return is_zero(value)


def _refute(mutant: Mutant) -> Outcome[Mutant]:
    try:
        found = mutant.search()
    except Exception as error:  # a search that breaks has refuted nothing
        return Outcome(mutant, False, f"{type(error).__name__}: {error}"[:_SHOWN])
    return Outcome(mutant, found is not None, str(found or "no counterexample found"))


def _faults(statement: Statement) -> Iterator[str]:
    if len(statement.mutants) < ENOUGH_MUTANTS:
        yield f"{len(statement.mutants)} mutants, fewer than {ENOUGH_MUTANTS}"
    if not statement.controls:
        yield "no true variant"
    dropped = {mutant.drops for mutant in statement.mutants}
    by_data = {a.name for claim in statement.claims for a in claim.assuming}
    for hypothesis in statement.hypotheses:
        if hypothesis.name not in dropped | by_data:
            yield f"hypothesis {hypothesis.name} is not shown necessary"
    for name in sorted(dropped - {h.name for h in statement.hypotheses} - {""}):
        yield f"a mutant drops {name}, which is no hypothesis"
    for step in statement.steps:
        for lemma in step.cites:
            for hypothesis in set(lemma.needs) - set(step.needs):
                yield f"the step {step.name!r} cites {lemma.name} without {hypothesis.name}"
    claims = statement.claims
    yield from necessity.faults(statement.name, claims, necessity.kept())
    formulas = [f for c in claims for f in (c.conclusion, *(a.formula for a in c.assuming))]
    for label in ambiguous(formulas):
        yield f"two different things are printed as {label}"


def _batches() -> Iterable[ExactBatch]:
    return exact_batches("f", "y")


def mutant(
    name: str,
    text: str,
    claim: Sides,
    cases: Callable[[], Iterable[Any]] = _batches,
    where: Callable[[Any], bool] = lambda case: True,
    drops: str = "",
    undefined: bool = False,
    at_most: bool = False,
) -> Mutant:
    """A wrong claim, to be refuted by the first of the cases that meets ``where``.

    ``undefined``: a division by zero refutes it as well. ``at_most``: the claim is an inequality.
    """
    return Mutant(
        name, text, lambda: counterexample(claim, cases(), where, undefined, at_most), drops
    )


def control(
    name: str,
    text: str,
    claim: Sides,
    cases: Callable[[], Iterable[Any]] = lambda: exact_batches("f", "y", sizes=(1, 2)),
    where: Callable[[Any], bool] = lambda case: True,
) -> Control:
    """A true claim, whose two sides must be equal on each of the cases that meets ``where``."""

    def verify() -> list[Any]:
        sides = [claim(case) for case in cases() if where(case)]
        return [left - right for left, right in sides]

    return Control(name, text, verify)
