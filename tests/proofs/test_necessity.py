"""A hypothesis is called necessary by data of the claim's own terms, and by nothing else."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from mutate_scripts import BY_KERNEL

from proofs import catalogue, necessity
from proofs.script import Claim

NAME, HYPOTHESIS = "theorem-3-scaling-factor", "var_y_pos"
CLAIMS = catalogue.statement(NAME).claims
KEPT = necessity.kept()


def faults(change: Callable[[Any], Any], claims: tuple[Claim, ...] = CLAIMS) -> list[str]:
    """What is said of the hypothesis when its data are changed."""
    records = copy.deepcopy(KEPT)
    change(records[NAME][HYPOTHESIS])
    return list(necessity.faults(NAME, claims, records))


@pytest.mark.parametrize("name", BY_KERNEL)
def test_every_hypothesis_has_data_that_show_it_necessary(name: str) -> None:
    assert list(necessity.faults(name, catalogue.statement(name).claims, KEPT)) == []


def test_the_data_as_they_are_leave_no_fault() -> None:
    assert faults(lambda record: None) == []
    assert KEPT[NAME][HYPOTHESIS]["numbers"]["N"] != "0"


CONTRIVED: dict[str, tuple[Callable[[Any], Any], str]] = {
    "data that break another hypothesis": (
        lambda r: r.update(numbers=r["numbers"] | {"N": "0"}),
        "batch_nonempty",
    ),
    "data that meet it": (
        lambda r: r.update(
            numbers=r["numbers"] | {"N": "2"}, columns={"f": ["0", "1"], "y": ["0", "1"]}
        ),
        "they meet it",
    ),
    "data of a claim without the hypothesis": (
        lambda r: r.update(claim="the code"),
        "not enough values",
    ),
    "data without a variable of the claim": (lambda r: r["numbers"].pop("N"), "KeyError: 'N'"),
    "data with a variable more": (
        lambda r: r["numbers"].update(weather="1"),
        "not of the terms of the claim",
    ),
    "data with a column more": (
        lambda r: r["columns"].update(g=["0", "1"]),
        "not of the terms of the claim",
    ),
    "a count that is none": (
        lambda r: r["numbers"].update(N="1/2"),
        "not of the terms of the claim",
    ),
    "a negative count": (lambda r: r["numbers"].update(N="-1"), "not of the terms of the claim"),
    "a column with too few entries": (
        lambda r: r.update(numbers=r["numbers"] | {"N": "9"}),
        "IndexError",
    ),
    "a claim that is not there": (lambda r: r.update(claim="0 = 1"), "KeyError: '0 = 1'"),
    "a hypothesis said to have no value": (
        lambda r: r.update(no_value="batch_nonempty"),
        "batch_nonempty has a value, or has none",
    ),
}


@pytest.mark.parametrize("name", CONTRIVED)
def test_contrived_data_are_refused(name: str) -> None:
    change, said = CONTRIVED[name]
    (fault,) = faults(change)
    assert fault.startswith(f"hypothesis {HYPOTHESIS} is not shown necessary by its data: ")
    assert said in fault


def test_data_of_which_the_claim_is_true_show_nothing() -> None:
    """A conclusion that nothing contradicts needs no hypothesis."""
    claim = next(c for c in CLAIMS if c.name == "the minimum")
    same = replace(claim, conclusion=type(claim.conclusion)(*[claim.conclusion.right] * 2))  # type: ignore[attr-defined]
    record = {"claim": claim.name, "numbers": {"N": "1", "c": "1"}}
    record |= {"columns": {"f": ["1"], "y": ["1"]}, "free": {}}
    with pytest.raises(necessity.NotShownError, match="the claim is true of them"):
        necessity.check(same, HYPOTHESIS, necessity.read(record))


def test_a_hypothesis_that_follows_from_the_others_has_no_data() -> None:
    """The predictions of one sample do not vary: two samples are not to be asked for."""
    claim = next(c for c in catalogue.statement("released-constants").claims if "Pearson" in c.name)
    assert [a.name for a in claim.assuming] == ["batch_nonempty", "var_f_pos", "var_y_pos"]


def test_missing_and_superfluous_data_are_faults() -> None:
    records = copy.deepcopy(KEPT)
    records[NAME]["weather_fine"] = records[NAME].pop(HYPOTHESIS)
    found = list(necessity.faults(NAME, CLAIMS, records))
    assert found == [
        f"hypothesis {HYPOTHESIS} is not shown necessary by its data: KeyError: {HYPOTHESIS!r}",
        "there are data for weather_fine, which is no hypothesis",
    ]
