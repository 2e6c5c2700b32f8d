"""All statements by name, in the order in which they build on one another."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from types import ModuleType
from typing import Any

from gar_verify import formulas as package_formulas

from .statements import Result, Statement, check

MODULES = (
    "theorem_1_error_variance",
    "theorem_2_pearson",
    "theorem_3_scaling_factor",
    "theorem_4_gradient_matching",
    "proposition_kl_dro",
    "regression_moments",
    "concordance",
    "conventional_losses",
    "closed_form_gradient",
    "released_constants",
    "sample_weights",
    "several_targets",
    "merging_moments",
    "random_batches",
    "graph_matching",
    "lipschitz_functions",
    "motivating_example",
    "rounding_errors",
)


class UnknownStatementError(LookupError):
    """No statement has that name."""


def names() -> tuple[str, ...]:
    """The names of all statements.

    >>> names()[0]
    'theorem-1-error-variance'
    """
    return tuple(module.replace("_", "-") for module in MODULES)


def find(name: str | None = None) -> tuple[str, ...]:
    """The names that a name, or the beginning of one, stands for; all of them for None.

    >>> find("theorem-4")
    ('theorem-4-gradient-matching',)
    """
    if name is None:
        return names()
    wanted = name.lower().replace("_", "-").removesuffix(".py")
    found = tuple(full for full in names() if full == wanted) or tuple(
        full for full in names() if wanted and full.startswith(wanted)
    )
    if not found:
        raise UnknownStatementError(
            f"no statement is called {name!r}; there are: {', '.join(names())}"
        )
    return found


def statement(name: str, formulas: ModuleType = package_formulas) -> Statement:
    """The statement of that full name, over the given formulas."""
    module: Any = import_module(f".{name.replace('-', '_')}", __package__)
    found: Statement = module.statement(formulas)
    return found


def results(only: str | None = None, formulas: ModuleType = package_formulas) -> Iterator[Result]:
    """Check one after the other: all of them, or those that ``only`` names."""
    for name in find(only):
        yield check(statement(name, formulas))


def run(only: str | None = None, formulas: ModuleType = package_formulas) -> list[Result]:
    """Check all statements, or those that ``only`` names, and return what was found."""
    return list(results(only, formulas))
