"""The error of each formula in float64, measured against 50 digits, beside the proved bound.

A bound is read from the statement of its theorem in Rocq. It holds on moments of many magnitudes,
and is not ten times larger than the largest error found.
"""

from __future__ import annotations

import inspect
import math
import random
from collections.abc import Iterator
from typing import Any

import mpmath
import pytest

from gar_verify import formulas
from gar_verify.formulas import Moments
from proofs import rocq_opinion
from proofs.rounding_errors import BOUNDS, UNIT, bound

SAMPLES = 400
DIGITS = 50
SIGNED = ("mean_f", "mean_d", "mean_y", "scale", "slope")


def number(magnitudes: float) -> float:
    """A positive number of random size: up to so many powers of ten around 1."""
    return random.uniform(1, 10) * 10.0 ** random.uniform(-magnitudes, magnitudes)


def random_moments(magnitudes: float) -> Moments:
    """Moments whose numbers have nothing to do with one another, but signs as they may be."""
    return Moments(
        *(
            random.choice((1, -1)) * number(magnitudes) if name in SIGNED else number(magnitudes)
            for name in Moments._fields
        )
    )


def arguments(function: str) -> Iterator[tuple[Any, ...]]:
    """What the function is tried on: numbers near one another, and of many magnitudes."""
    for case in range(SAMPLES):
        magnitudes = (0.1, 30)[case % 2]
        if function == "without_self_pairs":
            yield number(magnitudes), random.random()
        elif function == "scaled_difference":
            yield random_moments(magnitudes), number(magnitudes)
        else:
            count = 2 if function == "merge" else 1
            yield tuple(random_moments(magnitudes) for _ in range(count))


def called(function: str, part: str, given: tuple[Any, ...], xp: Any) -> Any:
    """The value, or the field of it, with the numbers of one reader."""
    of = getattr(formulas, function)
    found = of(*given, xp) if "xp" in inspect.signature(of).parameters else of(*given)
    return getattr(found, part) if part else found


def exactly(given: Any) -> Any:
    """The same numbers with more digits."""
    if isinstance(given, Moments):
        return Moments(*map(mpmath.mpf, given))
    return mpmath.mpf(given)


def error(function: str, part: str, given: tuple[Any, ...]) -> float:
    """The relative error in units of 2^-53."""
    computed = called(function, part, given, math)
    with mpmath.workdps(DIGITS):
        exact = called(function, part, tuple(map(exactly, given)), mpmath.mp)
        return float(abs(mpmath.mpf(computed) - exact) / abs(exact) / mpmath.mpf(2) ** -53)


@pytest.mark.parametrize("name", BOUNDS)
def test_the_measured_error_is_below_the_proved_bound_and_not_far_below(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    function, _, part = name.partition(".")
    largest = max(error(function, part, given) for given in arguments(function))
    proved = float(bound(BOUNDS[name]) / UNIT)
    with capsys.disabled():
        print(f"\n{name}: {largest:.2f} units measured, {proved:.2f} proved")
    assert largest <= proved
    assert largest >= proved / 10


def test_every_function_whose_rounding_is_proved_has_a_theorem_in_the_certificate() -> None:
    theorems = rocq_opinion.certificate().theorems["rounding-errors"]
    for name in BOUNDS:
        function = name.partition(".")[0]
        assert f"Rounding.rounded_{function}" in theorems


@pytest.mark.parametrize(
    ("function", "part", "given"),
    [
        ("error_variance", "", (Moments(1, 0, 0, 0, 1.0, 0, 1 + 2**-30, -1.0, 0),)),
        (
            "merge",
            "mean_f",
            tuple(Moments(w, m, 0, 0, 0, 0, 0, 0, 0) for w, m in ((1, 1.0), (2, -0.5 - 2.0**-53))),
        ),
    ],
)
def test_where_signs_differ_the_error_is_larger_than_any_bound(
    function: str, part: str, given: tuple[Any, ...]
) -> None:
    assert error(function, part, given) > max(BOUNDS.values())
