"""Proof scripts: they call the rules of the kernel, and show the claims of a statement.

A script cannot make a theorem, only ask the kernel for one. What is checked here is that it shows
what the statement says: each claim by a theorem with exactly that conclusion and no hypothesis
besides the claim's own; no hypothesis that the theorem does without; no step, and no citation, that
no claim rests on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from .kernel import Theorem, genuine
from .language import latex, plain
from .terms import Formula


def _said(theorem: Theorem) -> str:
    return f"{', '.join(sorted(map(plain, theorem.hypotheses)))} |- {plain(theorem.conclusion)}"


setattr(Theorem, "__repr__", _said)  # noqa: B010 - printing is no part of the kernel


@dataclass(frozen=True)
class Assumption:
    """A hypothesis under its name, a formula of the kernel."""

    name: str
    formula: Formula
    words: str = ""

    @property
    def text(self) -> str:
        """The formula in words, and as text."""
        said = plain(self.formula)
        return f"{self.words}: {said}" if self.words else said


@dataclass(frozen=True)
class Claim:
    """One thing that a statement says: a conclusion, under hypotheses."""

    name: str
    assuming: tuple[Assumption, ...]
    conclusion: Formula

    @property
    def plain(self) -> str:
        """Hypotheses and conclusion as text."""
        given = ", ".join(plain(a.formula) for a in self.assuming)
        return f"{plain(self.conclusion)}{f', if {given}' if given else ''}"

    @property
    def latex(self) -> str:
        """Hypotheses and conclusion as LaTeX."""
        given = r",\\ ".join(latex(a.formula) for a in self.assuming).replace(r"\\ ", r"\ ")
        before = rf"{given}\ \ \Rightarrow\ \ " if given else ""
        return before + latex(self.conclusion)


class StepError(ValueError):
    """A rule refused a step."""

    def __init__(self, name: str, error: Exception) -> None:
        """Name the step and what the kernel said."""
        super().__init__(f"{type(error).__name__}: {error}")
        self.name = name


@dataclass
class Script:
    """The theorems of a proof, by the names of the steps that asked for them."""

    steps: dict[str, Theorem] = field(default_factory=dict)
    shown: dict[str, Theorem] = field(default_factory=dict)

    def __call__(
        self, name: str, rule: Callable[..., Theorem], *given: Any, **more: Any
    ) -> Theorem:
        """Take a step: ask a rule for a theorem."""
        if name in self.steps:
            raise StepError(name, ValueError("there is a step of that name"))
        try:
            theorem = rule(*given, **more)
        except Exception as error:  # whatever goes wrong, nothing has been shown
            raise StepError(name, error) from error
        self.steps[name] = theorem
        return theorem

    def show(self, claim: str, theorem: Theorem) -> None:
        """Say by which theorem a claim is shown."""
        self.shown[claim] = theorem

    def faults(self, claims: tuple[Claim, ...], lemmas: frozenset[str]) -> Iterator[str]:
        """What keeps the script from being a proof of the claims."""
        for claim in claims:
            yield from self._unproved(claim)
        for name in self.shown.keys() - {claim.name for claim in claims}:
            yield f"the script shows {name!r}, which the statement does not claim"
        needed = self._needed()
        for name, theorem in self.steps.items():
            if theorem not in needed:
                yield f"nothing uses the step {name!r}"
        cited = frozenset().union(*(theorem.cited for theorem in self.shown.values()))
        for lemma in sorted(cited ^ lemmas):
            yield f"the lemma {lemma!r} is {'not declared' if lemma in cited else 'not used'}"

    def _unproved(self, claim: Claim) -> Iterator[str]:
        theorem = self.shown.get(claim.name)
        if theorem is None:
            yield f"the claim {claim.name!r} is not shown"
            return
        if not genuine(theorem):
            yield f"the claim {claim.name!r} is shown by a theorem that is forged or was changed"
        if theorem.conclusion is not claim.conclusion:
            yield f"the claim {claim.name!r} is not what is shown: {plain(theorem.conclusion)}"
        allowed = {assumption.formula for assumption in claim.assuming}
        for formula in theorem.hypotheses - allowed:
            yield f"the claim {claim.name!r} does not assume {plain(formula)}, its proof does"
        for assumption in claim.assuming:
            if assumption.formula not in theorem.hypotheses:
                yield f"the claim {claim.name!r} is shown without {assumption.name}: superfluous"

    def _needed(self) -> set[Theorem]:
        """The theorems that the claims rest on."""
        found: set[Theorem] = set()
        waiting = list(self.shown.values())
        while waiting:
            theorem = waiting.pop()
            if theorem not in found:
                found.add(theorem)
                waiting.extend(theorem.parents)
        return found
