"""Proof scripts of the kernel: what they must show, and that each step of them matters."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

import mutate_scripts
import pytest
from mutate_scripts import BY_KERNEL, Change, changes, key, survives

from proofs import __main__ as command
from proofs import catalogue, kernel, pages
from proofs.language import Expression, equal, number, positive
from proofs.script import Assumption, Claim, Script
from proofs.statements import Statement, check, check_script
from proofs.terms import ONE, ZERO, Each, Equal, LessEqual

EVERYTHING = os.environ.get("GAR_VERIFY_HYPOTHESIS") == "full"
NAME = "theorem-1-error-variance"

SURVIVORS = json.loads(pages.ATTACKS.read_text(encoding="utf8"))["proof scripts"]
"""What a full run of `mutate_scripts` found: changes that leave a proof of the same, and why."""
EQUIVALENT = {tuple(one["change"]): one["why"] for one in SURVIVORS["survivors"]}


@cache
def ran(name: str) -> tuple[Statement, Script]:
    """A statement, and its script after it ran; what the kernel did is known to later runs."""
    with mutate_scripts.remembering():
        return mutate_scripts.ran(name)


def faults(statement: Statement) -> list[str]:
    taken, found = check_script(statement)
    return [*found, *(o.seen for o in taken if not o.passed)]


def test_the_text_and_the_latex_are_printed_from_the_claims() -> None:
    statement = catalogue.statement(NAME)
    assert statement.plain == "; ".join(claim.plain for claim in statement.claims)
    assert "error_variance(m), if 0 < N" in statement.plain
    variance = statement.claims[1].conclusion.right  # type: ignore[attr-defined]
    seven = replace(statement.claims[1], conclusion=equal(7 * number("v") + 1, variance))
    changed = replace(statement, claims=(statement.claims[0], seven, statement.claims[2]))
    assert "7 v + 1" in changed.plain
    assert any("is not what is shown" in fault for fault in faults(changed))
    result = check(changed)
    assert not result.passed
    assert any("'the variance'" in fault for fault in result.faults)


@pytest.mark.parametrize("name", BY_KERNEL)
def test_no_hypothesis_of_a_claim_can_be_left_out_or_added(name: str) -> None:
    statement, script = ran(name)
    more = Assumption("more", positive(number("weather")))
    for claim in statement.claims:
        for assumption in claim.assuming:
            fewer = replace(claim, assuming=tuple(a for a in claim.assuming if a != assumption))
            found = list(script.faults((fewer,), frozenset()))
            assert any("does not assume" in fault for fault in found), (claim.name, assumption)
        found = list(
            script.faults((replace(claim, assuming=(*claim.assuming, more)),), frozenset())
        )
        assert f"the claim {claim.name!r} is shown without more: superfluous" in found


def small(script: Callable[[Script], None]) -> list[str]:
    claim = Claim("c", (), Equal(ONE, ONE))
    return faults(replace(catalogue.statement(NAME), claims=(claim,), script=script))


def test_a_step_that_nothing_uses_fails_the_script() -> None:
    def script(step: Script) -> None:
        step.show("c", step("needed", kernel.combine, Equal(ONE, ONE)))
        step("idle", kernel.combine, Equal(ZERO, ZERO))

    assert small(script) == ["nothing uses the step 'idle'"]


def test_a_citation_that_is_not_declared_fails_the_script() -> None:
    def script(step: Script) -> None:
        step.show("c", step("cited", kernel.cite, "a lemma", Equal(ONE, ONE)))

    assert small(script) == ["the lemma 'a lemma' is not declared"]


def test_a_step_that_the_kernel_refuses_is_named() -> None:
    def script(step: Script) -> None:
        step.show("c", step("one is nothing", kernel.combine, Equal(ONE, ZERO)))

    statement = replace(
        catalogue.statement(NAME), claims=(Claim("c", (), Equal(ONE, ONE)),), script=script
    )
    result = check(statement)
    assert not result.passed
    assert [o.part.name for o in result.steps if not o.passed] == ["one is nothing"]


def test_claims_that_are_not_shown_or_not_made_fail_the_script() -> None:
    assert small(lambda step: None) == ["the claim 'c' is not shown"]

    def script(step: Script) -> None:
        theorem = step("needed", kernel.combine, Equal(ONE, ONE))
        step.show("c", theorem)
        step.show("d", theorem)

    assert small(script) == ["the script shows 'd', which the statement does not claim"]


def _sample() -> list[Change]:
    found = list(changes())
    return found if EVERYTHING else found[3::60]


@pytest.mark.slow
@pytest.mark.parametrize("change", _sample(), ids=str)
def test_a_change_of_a_script_is_noticed(change: Change) -> None:
    if survives(change):
        assert key(change) in EQUIVALENT


def test_the_page_says_what_is_trusted_and_how_long_it_is() -> None:
    said = " ".join(pages.trusted())
    for name in ("kernel.py", "normal_form.py", "terms.py", "language.py", "rocq_formulas.py"):
        assert f"{name} {pages.lines_of_code(name)}" in said
    assert sum(pages.lines_of_code(n) for n in pages.TRUSTED["for the kernel"]) < 500


def test_at_least_98_of_100_changes_of_the_scripts_are_killed_and_the_rest_explained() -> None:
    assert SURVIVORS["killed"] + len(SURVIVORS["survivors"]) == SURVIVORS["changes"]
    assert SURVIVORS["killed"] >= 0.98 * SURVIVORS["changes"]
    assert all(one["why"] for one in SURVIVORS["survivors"])


FALSE_CLAIMS = {
    "Theorem 1 is 7 Var(d) + 1": ("theorem-1-error-variance", "the variance"),
    "alpha to 0 gives the smallest loss": ("proposition-kl-dro", "alpha to 0, from above"),
    "1 - rho at most 1": ("theorem-2-pearson", "at most 2"),
    "the minimum anywhere": ("theorem-3-scaling-factor", "only there"),
}


def falsified(name: str, claim: str) -> Statement:
    """The statement with one claim changed, and its script as it is."""
    statement = catalogue.statement(name)
    (one,) = (c for c in statement.claims if c.name == claim)
    said: Any = one.conclusion
    if claim == "alpha to 0, from above":  # b at most every l_k, in place of at least
        bound = one.assuming[-1]
        inner: Any = bound.formula
        turned = Each(inner.count, LessEqual(inner.of.right, inner.of.left))
        false = replace(one, assuming=(*one.assuming[:-1], replace(bound, formula=turned)))
    elif claim == "only there":
        false = replace(one, assuming=one.assuming[:-1])
    else:
        number_ = Expression(said.right)
        false = replace(one, conclusion=type(said)(said.left, (7 * number_ + 1).term))
    claims = tuple(false if c is one else c for c in statement.claims)
    return replace(statement, claims=claims)


@pytest.mark.parametrize("text", FALSE_CLAIMS)
def test_a_false_variant_fails_and_names_the_claim(
    text: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    name, claim = FALSE_CLAIMS[text]
    changed = falsified(name, claim)
    monkeypatch.setattr(catalogue, "statement", lambda *_: changed)
    monkeypatch.setattr(catalogue, "MODULES", (name.replace("-", "_"),))
    assert command.main([]) == 1
    said = capsys.readouterr().out
    assert f"FAILED {name}: the claim {claim!r}" in said


@pytest.mark.parametrize("name", BY_KERNEL)
def test_no_step_can_be_deleted(name: str) -> None:
    """What comes after a step that is missing is refused, or a claim is not shown."""
    _, whole = ran(name)
    used, waiting = set(whole.shown.values()), [*whole.steps.values(), *whole.shown.values()]
    while waiting:
        more = set(waiting.pop().parents) - used
        used |= more
        waiting += more
    assert [step for step, theorem in whole.steps.items() if theorem not in used] == []
