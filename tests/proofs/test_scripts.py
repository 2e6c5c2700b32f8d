"""Proof scripts of the kernel: what they must show, and that each step of them matters."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace

import pytest
from mutate_scripts import BY_KERNEL, Change, changes, survives

from proofs import catalogue, kernel, pages
from proofs.language import equal, number, positive
from proofs.script import Assumption, Claim, Script
from proofs.statements import Statement, check, check_script
from proofs.terms import ONE, ZERO, Equal

EVERYTHING = os.environ.get("GAR_VERIFY_HYPOTHESIS") == "full"
NAME = "theorem-1-error-variance"

NAMES = "only the names of the steps depend on it"
ANY = "any value does: the moments that the function does not read, or a factor of 0"
EQUIVALENT = {
    ("swapped", "flat_covariance", "a.d - b.average('d', a.d)"): ANY,
    ("raised", "stable_form", "0"): ANY,
    ("raised", "stable_form", "1"): ANY,
    ("raised", "normalized_is", "0"): NAMES,
    ("raised", "range", "0"): NAMES,
}
"""Changes of the scripts that leave a proof of the same claims, and why."""


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
    statement = catalogue.statement(name)
    script = Script()
    assert statement.script is not None
    statement.script(script)
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
        step.show("c", step("needed", kernel.identity, ONE, ONE))
        step("idle", kernel.identity, ZERO, ZERO)

    assert small(script) == ["nothing uses the step 'idle'"]


def test_a_citation_that_is_not_declared_fails_the_script() -> None:
    def script(step: Script) -> None:
        step.show("c", step("cited", kernel.cite, "a lemma", Equal(ONE, ONE)))

    assert small(script) == ["the lemma 'a lemma' is not declared"]


def test_a_step_that_the_kernel_refuses_is_named() -> None:
    def script(step: Script) -> None:
        step.show("c", step("one is nothing", kernel.identity, ONE, ZERO))

    statement = replace(
        catalogue.statement(NAME), claims=(Claim("c", (), Equal(ONE, ONE)),), script=script
    )
    result = check(statement)
    assert not result.passed
    assert [o.part.name for o in result.steps if not o.passed] == ["one is nothing"]


def test_claims_that_are_not_shown_or_not_made_fail_the_script() -> None:
    assert small(lambda step: None) == ["the claim 'c' is not shown"]

    def script(step: Script) -> None:
        theorem = step("needed", kernel.identity, ONE, ONE)
        step.show("c", theorem)
        step.show("d", theorem)

    assert small(script) == ["the script shows 'd', which the statement does not claim"]


def _sample() -> list[Change]:
    found = list(changes())
    return found if EVERYTHING else found[3::40]


@pytest.mark.slow
@pytest.mark.parametrize("change", _sample(), ids=str)
def test_a_change_of_a_script_is_noticed(change: Change) -> None:
    if survives(change):
        assert (change.kind, change.method, change.before) in EQUIVALENT


def test_the_page_says_what_is_trusted_and_how_long_it_is() -> None:
    said = " ".join(pages.trusted())
    for name in ("kernel.py", "normal_form.py", "terms.py", "power_sums.py", "rocq_formulas.py"):
        assert f"{name} {pages.lines_of_code(name)}" in said
    kernel_lines = sum(pages.lines_of_code(n) for n in pages.TRUSTED["for the kernel"])
    assert kernel_lines < 720
