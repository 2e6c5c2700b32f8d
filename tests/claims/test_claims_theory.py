"""Claims that rest on proofs, and on what is computed on the spot."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

import proofs
from gar_verify.claims import Claim, Evidence, Verdict
from gar_verify.claims.released import ranks_verdict
from gar_verify.claims.theory import step_of
from proofs.statements import Result

Judge = Callable[[str, Evidence], Claim]


@pytest.fixture(scope="module")
def theorem_4() -> Result:
    (result,) = proofs.run("theorem-4")
    return result


def failing(result: Result, part: str) -> Result:
    """The same result with one step or wrong variant gone wrong."""

    def fail(outcomes):
        return tuple(replace(o, passed=o.passed and o.part.name != part) for o in outcomes)

    return replace(result, steps=fail(result.steps), mutants=fail(result.mutants))


def test_a_proof_makes_a_claim_proved(judge: Judge) -> None:
    claim = judge("theorem-1", Evidence())
    assert claim.verdict is Verdict.PROVED
    assert claim.measured == "3 of 3 claims proved, 6 of 6 wrong variants refuted"
    assert claim.reason == "assumes that the batch has a sample: 0 < N"


def test_a_step_that_fails_takes_the_verdict_away(judge: Judge, theorem_4: Result) -> None:
    broken = failing(theorem_4, "with a scale")
    claim = judge("theorem-4-scale", Evidence(proved={broken.statement.name: broken}))
    assert claim.verdict is Verdict.NOT_REPRODUCED
    assert claim.reason == "the proof fails: with a scale"


def test_theorem_4_without_connectedness_is_refuted(judge: Judge, theorem_4: Result) -> None:
    name = theorem_4.statement.name
    claim = judge("theorem-4-as-stated", Evidence(proved={name: theorem_4}))
    assert claim.verdict is Verdict.NOT_REPRODUCED
    assert "(2, 3)" in claim.measured
    assert "connected" in claim.reason
    without = Evidence(proved={name: failing(theorem_4, "two intervals")})
    assert judge("theorem-4-as-stated", without).verdict is Verdict.NOT_TESTABLE
    assert judge("theorem-4-connected", without).verdict is Verdict.NOT_REPRODUCED


def test_the_forward_direction_does_not_assume_connectedness(judge: Judge) -> None:
    forward = judge("theorem-4-to-gradients", Evidence())
    backward = judge("theorem-4-connected", Evidence())
    assert "connected" not in forward.reason
    assert "connected" in backward.reason


def test_a_step_that_was_renamed_is_an_error(theorem_4: Result) -> None:
    with pytest.raises(LookupError, match="has no part 'a step that is not'; there are: 'no"):
        step_of(theorem_4, "a step that is not")


def test_a_counterexample_shows_that_something_fails(judge: Judge) -> None:
    claim = judge("released-one-sample", Evidence())
    assert claim.verdict is Verdict.PROVED
    assert "a division by zero" in claim.measured
    (result,) = proofs.run("released-constants")
    without = failing(result, "one sample")
    again = judge("released-one-sample", Evidence(proved={result.statement.name: without}))
    assert again.verdict is Verdict.NOT_REPRODUCED


def test_ranks_lose_information(judge: Judge) -> None:
    claim = judge("ranks-lose-information", Evidence())
    assert claim.verdict is Verdict.PROVED
    assert "RankSim 0.1875 and 0.1875" in claim.measured
    assert ranks_verdict(True, False, sees=True) is Verdict.IN_PART
    assert ranks_verdict(False, True, sees=True) is Verdict.NOT_REPRODUCED
    assert ranks_verdict(True, True, sees=False) is Verdict.NOT_REPRODUCED


@pytest.mark.parametrize("identifier", ["overflow", "released-floor", "released-broadcasting"])
def test_what_is_computed_on_the_spot(judge: Judge, identifier: str) -> None:
    assert judge(identifier, Evidence()).verdict is Verdict.REPRODUCED


def test_an_exhibit_is_not_reproduced_when_the_loss_does_otherwise(
    judge: Judge, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gar_verify.claims.released.gar_loss", lambda *args, **options: None)
    assert judge("released-broadcasting", Evidence()).verdict is Verdict.NOT_REPRODUCED
    monkeypatch.setattr("gar_verify.claims.released.kl_dro", lambda losses, alpha: losses.sum())
    assert judge("overflow", Evidence()).verdict is Verdict.NOT_REPRODUCED
