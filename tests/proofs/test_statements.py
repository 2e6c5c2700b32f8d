"""The checker: what passes a step, and that it says no."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import sympy
from sympy import Integer, Symbol

from gar_verify import formulas
from proofs import catalogue, pages
from proofs.batches import ExactBatch, exact_batches, moments
from proofs.definitions import covariance, half_square, scaled_half_square, variance
from proofs.exact import counterexample
from proofs.language import named, number
from proofs.script import Claim
from proofs.statements import (
    ENOUGH_MUTANTS,
    Hypothesis,
    Statement,
    Step,
    check,
    check_part,
    control,
    mutant,
)
from proofs.terms import Add, Equal

X = Symbol("x", real=True)
BY_CHECKS = "lipschitz-functions"


def step(value: Callable[[], Any], **options: Any) -> Step:
    return Step("a step", "what it says", value, **options)


@pytest.mark.parametrize("nothing", [0, Integer(0), True, [0, True], (Integer(0), X - X)])
def test_nothing_left_passes(nothing: Any) -> None:
    assert check_part(step(lambda: nothing)).passed


@pytest.mark.parametrize(
    "something",
    [1, False, None, [], (), X, [0, X], 0.0, sympy.Float(0), sympy.nan, "", [[0]], sympy.false],
    ids=repr,
)
def test_anything_else_fails(something: Any) -> None:
    assert not check_part(step(lambda: something)).passed


def test_an_exception_fails_the_step_and_is_shown() -> None:
    outcome = check_part(step(lambda: 1 // 0))
    assert not outcome.passed
    assert "ZeroDivisionError" in outcome.seen


def statement_with(first: Step) -> Statement:
    """A statement of checks, with another first step."""
    true = catalogue.statement(BY_CHECKS)
    return replace(true, steps=(first, *true.steps[1:]))


def test_a_false_claim_in_one_step_fails_the_statement() -> None:
    def false() -> Any:
        return sympy.expand((X + 1) ** 2) - X**2 - X - 1

    true = catalogue.statement(BY_CHECKS).steps[0]
    assert check(statement_with(true)).passed
    result = check(statement_with(replace(true, check=false)))
    assert not result.passed
    assert [outcome.passed for outcome in result.steps].count(False) == 1


def test_a_step_without_a_check_value_fails_the_statement() -> None:
    true = catalogue.statement(BY_CHECKS).steps[0]
    assert not check(statement_with(replace(true, check=lambda: None))).passed


def test_a_mutant_that_is_not_refuted_fails_the_statement() -> None:
    true = catalogue.statement("theorem-1-error-variance")
    harmless = mutant("no change", "the theorem itself", lambda b: (b.size, b.size))
    result = check(replace(true, mutants=(*true.mutants, harmless)))
    assert not result.passed
    assert result.mutants[-1].seen == "no counterexample found"


def test_a_search_that_breaks_refutes_nothing() -> None:
    true = catalogue.statement("theorem-1-error-variance")
    broken = mutant("broken", "asks for a column that is not there", lambda b: (b.g, 0))
    assert not check(replace(true, mutants=(*true.mutants, broken))).mutants[-1].passed


def test_too_few_mutants_or_no_control_fails_the_statement() -> None:
    true = catalogue.statement("conventional-losses")
    assert not check(replace(true, mutants=true.mutants[-(ENOUGH_MUTANTS - 1) :])).passed
    assert not check(replace(true, controls=())).passed


def test_a_hypothesis_not_shown_necessary_fails_the_statement() -> None:
    true = catalogue.statement(BY_CHECKS)
    more = Hypothesis("weather_fine", "the weather is fine")
    first = replace(true.steps[0], needs=(*true.steps[0].needs, more))
    result = check(replace(true, steps=(first, *true.steps[1:])))
    assert "hypothesis weather_fine is not shown necessary" in result.faults
    assert not result.passed


def test_a_true_variant_that_the_search_contradicts_is_not_accepted() -> None:
    false = control("wrong", "2 = 1", lambda b: (2 * variance(b, b.f), variance(b, b.f)))
    assert not check_part(false).passed


@pytest.mark.parametrize("name", catalogue.names())
def test_every_formula_of_the_page_can_be_drawn(name: str) -> None:
    for formula in catalogue.statement(name).latex:
        assert pages.svg(formula).startswith(b"<?xml")


def test_theorem_3_without_the_half_is_refuted_by_three_samples_and_not_by_two() -> None:
    def claim(batch: ExactBatch) -> tuple[Any, Any]:
        var_y, cov = variance(batch, batch.y), covariance(batch, batch.f, batch.y)
        left = 2 * batch.pair_mean(scaled_half_square(cov / var_y))
        return left, variance(batch, batch.f) - cov**2 / var_y

    def varies(batch: ExactBatch) -> bool:
        return batch.varies("y")

    found = counterexample(claim, exact_batches("f", "y"), where=varies)
    assert str(found) == "f = (0, 0, 1), y = (0, 1, 0): 1/3 ≠ 1/6"
    assert counterexample(claim, exact_batches("f", "y", sizes=(2,)), where=varies) is None
    wrong = catalogue.statement("theorem-3-scaling-factor").mutants[3]
    assert wrong.search() == found


def test_identities_with_weights_are_said_of_weights_that_are_not_negative() -> None:
    """Labels that differ can have Var_w(y) = 0; without negative weights they do not matter."""
    hiding = {"sample-weights": "0 ≠ -1", "random-batches": "3/2 ≠ 9/4"}
    for name, sides in hiding.items():
        statement = catalogue.statement(name)
        assert "weights_nonneg" in [h.name for h in statement.hypotheses]
        (wrong,) = (m for m in statement.mutants if "hide the spread" in m.name)
        assert sides in str(wrong.search())


def test_labels_of_weight_0_are_free_in_the_case_without_spread() -> None:
    batch = ExactBatch(w=(1, 0), f=(2, 5), y=(3, 7))
    assert variance(batch, batch.y) == 0
    m = moments(formulas, batch)
    assert formulas.error_variance(m) == batch.pair_mean(half_square) == 0


def test_two_things_of_one_name_in_the_claims_of_a_statement_fail_it() -> None:
    true = catalogue.statement("motivating-example")
    one, other = (named("the same", "s", Add(number(v).term, number(v).term)) for v in "ab")
    claim = Claim("alike", (), Equal(one.term, other.term))
    faults = check(replace(true, claims=(*true.claims, claim))).faults
    assert "two different things are printed as the same" in faults


def test_theorem_4_without_connectedness_fails_with_its_counterexample_or_without() -> None:
    true = catalogue.statement("theorem-4-gradient-matching")
    fewer = tuple(
        replace(s, needs=tuple(h for h in s.needs if h.name != "domain_connected"))
        for s in true.steps
    )
    kept = tuple(m for m in true.mutants if m.drops != "domain_connected")
    for mutants in (true.mutants, kept):
        result = check(replace(true, steps=fewer, mutants=mutants))
        assert not result.passed
        assert (
            "the step 'gradients to differences, a polygon' cites polygonal_connectedness "
            "without domain_connected"
        ) in result.faults
