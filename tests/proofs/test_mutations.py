"""Every operator and constant of the formulas, changed one at a time: some proof must fail."""

from __future__ import annotations

import ast

import pytest
from mutate import SOURCE, Change, Check, changes, checks, killer

CHANGES = list(changes())

EQUIVALENT: dict[tuple[str, str, str], str] = {}
"""Changes that no proof can see, because the formula stays the same function, and why."""


@pytest.fixture(scope="module")
def known() -> list[Check]:
    return checks()


def test_every_formula_is_called_by_some_proof(known: list[Check]) -> None:
    called = frozenset[str]().union(*(check.calls for check in known))
    functions = {node.name for node in ast.parse(SOURCE).body if isinstance(node, ast.FunctionDef)}
    assert functions - called == set()


def test_every_change_fails_a_proof_or_is_known_to_change_nothing(
    known: list[Check], capsys: pytest.CaptureFixture[str]
) -> None:
    survivors, order = [], list(known)
    for change in CHANGES:
        check = killer(change, order)
        if check is None:
            survivors.append(change)
        else:  # what has noticed one change is asked first about the next
            order.remove(check)
            order.insert(0, check)
    with capsys.disabled():
        killed = len(CHANGES) - len(survivors)
        print(f"\n{killed} of {len(CHANGES)} changes killed, {len(survivors)} equivalent")
    assert [str(s) for s in survivors if key(s) not in EQUIVALENT] == []
    assert {key(s) for s in survivors} == set(EQUIVALENT), "an entry is out of date"


def key(change: Change) -> tuple[str, str, str]:
    return change.function, change.before, change.after


def test_the_changes_cover_every_kind() -> None:
    kinds = {(type(ast.parse(c.before, mode="eval").body).__name__) for c in CHANGES}
    assert {"BinOp", "Constant", "UnaryOp", "Compare", "Call"} <= kinds
    assert len(CHANGES) > 100
