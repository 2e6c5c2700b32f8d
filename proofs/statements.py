"""What a proof is made of, and the checker.

A `Statement` is proved by a sequence of `Step`s. Each step names the hypotheses it rests on and
the lemmas it cites, and carries its own check, which is run on the ground of those hypotheses
alone. A check returns what is left of an equation in normal form, or the outcome of an exact
comparison; the step passes when every value returned is the number 0 or ``True``, and fails on
anything else, an exception included.

A checker is worth something if it says no. Beside the proof of each statement stand *mutants*,
wrong variants that must be refuted by explicit data, at least `ENOUGH_MUTANTS` of them and at least
one for each hypothesis (the statement without it), and *controls*, true variants that must pass.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import sympy
from sympy import Expr

from .algebra import Ground
from .batches import ExactBatch, SymbolicBatch, exact_batches
from .exact import Claim as Sides
from .exact import Counterexample, counterexample
from .kernel import Theorem
from .script import Assumption, Claim, Script, StepError
from .terms import Formula

ENOUGH_MUTANTS = 4
_SHOWN = 160


@dataclass(frozen=True)
class Hypothesis:
    """An assumption, under the name by which steps and mutants refer to it."""

    name: str
    text: str
    positive: tuple[Expr, ...] = ()
    """What the hypothesis makes positive, and hence allows a step to divide by."""


@dataclass(frozen=True)
class Lemma:
    """A fact that is used and not proved here."""

    name: str
    text: str
    instead: str = ""
    """Which theorem of Rocq does without it, or why it is cited."""


@dataclass(frozen=True)
class Step:
    """One link of a proof: what it says, what it rests on, and how it is checked."""

    name: str
    text: str
    check: Callable[[Ground], Any] | None
    """None for a step of the kernel, which has checked it."""
    needs: tuple[Hypothesis, ...] = ()
    cites: tuple[Lemma, ...] = ()
    case: tuple[Hypothesis, ...] = ()
    """What is assumed in this step alone, another step treating the rest."""
    finite: bool = False
    """Whether it looks at finitely many cases one by one."""

    @property
    def mark(self) -> str:
        """``computed``, ``cited`` for a step that uses a lemma, or ``finite check``."""
        return "cited" if self.cites else "finite check" if self.finite else "computed"


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
    check: Callable[[Ground], Any]
    needs: tuple[Hypothesis, ...] = ()


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
        """What proves it: the kernel, the normal forms of the scripts, or both."""
        kernel = [outcome.part.check is None for outcome in self.steps]
        return "kernel" if all(kernel) else "both" if any(kernel) else "forms"

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
        steps=(*taken, *(check_step(step) for step in statement.steps)),
        mutants=tuple(_refute(mutant) for mutant in statement.mutants),
        controls=tuple(check_control(control) for control in statement.controls),
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
    return [*taken, *refused], list(script.faults(statement.claims, frozenset()))


def _step(name: str, theorem: Theorem, names: dict[Formula, Assumption]) -> Step:
    """A theorem of the kernel as a step of the record."""
    formulas = sorted(theorem.hypotheses, key=str)
    known = (names[f] for f in formulas if f in names)
    needs = tuple(Hypothesis(a.name, a.text) for a in known)
    case = tuple(Hypothesis(str(f), str(f)) for f in formulas if f not in names)
    text = str(theorem.conclusion)
    shown = text if len(text) <= 2 * _SHOWN else f"{text[: 2 * _SHOWN]} ..."
    cites = tuple(Lemma(lemma, lemma) for lemma in sorted(theorem.cited))
    return Step(name, shown, None, needs=needs, case=case, cites=cites)


def check_step(step: Step) -> Outcome[Step]:
    """Run one check on the ground of the hypotheses that the step names, and no others."""
    if step.check is None:
        return Outcome(step, False, "a step of the kernel is checked with its script")
    return Outcome(step, *_verdict(step.check, (*step.needs, *step.case)))


def check_control(control: Control) -> Outcome[Control]:
    """Run the check of a true variant."""
    return Outcome(control, *_verdict(control.check, control.needs))


def _verdict(check: Callable[[Ground], Any], assumed: tuple[Hypothesis, ...]) -> tuple[bool, str]:
    """Whether a check leaves nothing, and if not what it leaves."""
    ground = Ground(p for hypothesis in assumed for p in hypothesis.positive)
    try:
        value = check(ground)
    except Exception as error:  # whatever goes wrong, nothing has been shown
        return False, f"{type(error).__name__}: {error}"[:_SHOWN]
    values = list(value) if isinstance(value, list | tuple) else [value]
    left = [v for v in values if not _is_nothing(v)]
    if not values:
        return False, "the check returned nothing"
    return not left, str(left[0])[:_SHOWN] if left else ""


def _is_nothing(value: Any) -> bool:
    """Whether a value is exactly True or exactly the number 0."""
    if value is True or value is sympy.true:
        return True
    return (type(value) is int and value == 0) or value is sympy.S.Zero


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
    for hypothesis in statement.hypotheses:
        if hypothesis.name not in dropped:
            yield f"hypothesis {hypothesis.name} is not shown necessary"
    for name in sorted(dropped - {h.name for h in statement.hypotheses} - {""}):
        yield f"a mutant drops {name}, which is no hypothesis"


def _batches() -> Iterable[ExactBatch]:
    return exact_batches("f", "y")


def mutant(
    name: str,
    text: str,
    claim: Sides,
    cases: Callable[[], Iterable[Any]] = _batches,
    where: Callable[[Any], bool] = lambda case: True,
    drops: Hypothesis | Assumption | None = None,
    undefined: bool = False,
    at_most: bool = False,
) -> Mutant:
    """A wrong claim, to be refuted by the first of the cases that meets ``where``.

    ``undefined``: a division by zero refutes it as well. ``at_most``: the claim is an inequality.
    """
    return Mutant(
        name,
        text,
        lambda: counterexample(claim, cases(), where, undefined, at_most),
        drops=drops.name if drops else "",
    )


def control(
    name: str,
    text: str,
    claim: Sides,
    symbolic: SymbolicBatch,
    where: Callable[[Any], bool] = lambda case: True,
    needs: tuple[Hypothesis, ...] = (),
) -> Control:
    """A true claim about a batch: the normal form must vanish and the search must find nothing."""

    def verify(ground: Ground) -> list[Any]:
        left, right = claim(symbolic)
        return [
            ground.zero(left - right),
            counterexample(claim, exact_batches("f", "y", sizes=(1, 2)), where) is None,
        ]

    return Control(name, text, verify, needs)
