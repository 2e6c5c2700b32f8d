"""Exponentials and logarithms: what follows from exp(a + b) = exp(a) exp(b) and 1 + t <= exp(t)."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from . import derived, kernel
from .kernel import Theorem
from .language import XP, at_most, equal, exp, log, not_negative, number, positive
from .pairwise import Steps

A, X, Y, Z = map(number, "axyz")


class Exponentials(Steps):
    """Lemmas in variables, each taken once in a script."""

    xp = XP

    @cached_property
    def inverse(self) -> Theorem:
        """0 < z gives exp(-log z) = 1 / z."""
        given = kernel.assume(positive(Z))
        one, other = log(Z), -log(Z)
        product = self.step("exp(log z - log z)", kernel.exp_sum, one, other)
        undone = self.step("exp(log z)", kernel.exp_log, given)
        parts = [(-1 / Z, product), (-exp(other) / Z, undone)]
        return self.combine("exp(-log z)", equal(exp(other), 1 / Z), given, of=parts)

    @cached_property
    def quotient(self) -> Theorem:
        """0 < y and 0 < z give exp(a - log y - log z) = exp(a) / (y z)."""
        first = self.step("exp(a - log y)", kernel.exp_sum, A, -log(Y))
        both = self.step("exp(a - log y - log z)", kernel.exp_sum, A - log(Y), -log(Z))
        known = [kernel.assume(positive(v)) for v in (Y, Z)]
        of_y = self.put("exp(-log y)", self.inverse, {"z": Y})
        over_z = exp(-log(Z))
        parts = [(1, both), (over_z, first), (exp(A) * over_z, of_y), (exp(A) / Y, self.inverse)]
        goal = equal(exp(A - log(Y) - log(Z)), exp(A) / (Y * Z))
        return self.combine("exp of a quotient", goal, *known, of=parts)

    @cached_property
    def log_scaled(self) -> Theorem:
        """0 < z gives log(exp(a) z) = a + log z."""
        start = self.step("log of exp(a + log z)", derived.log_exp, A + log(Z))
        product = self.step("exp(a + log z)", kernel.exp_sum, A, log(Z))
        undone = self.step("exp(log z) again", kernel.exp_log, kernel.assume(positive(Z)))
        return self.step("log of exp(a) z", kernel.rewrite, start, product, undone)

    @cached_property
    def log_over(self) -> Theorem:
        """0 < z gives log(exp(a) / z) = a - log z."""
        given = kernel.assume(positive(Z))
        start = self.step("log of exp(a - log z)", derived.log_exp, A - log(Z))
        product = self.step("exp(a - log z)", kernel.exp_sum, A, -log(Z))
        goal = equal(exp(A - log(Z)), exp(A) / Z)
        both = self.combine("exp(a) / z", goal, given, of=[(1, product), (exp(A), self.inverse)])
        return self.step("log of exp(a) / z", kernel.rewrite, start, both)

    @cached_property
    def log_quotient(self) -> Theorem:
        """0 < y and 0 < z give log(y / z) = log y - log z."""
        special = self.put("log of exp(log y) / z", self.log_over, {"a": log(Y)})
        undone = self.step("exp(log y)", kernel.exp_log, kernel.assume(positive(Y)))
        return self.step("log of y / z", kernel.rewrite, special, undone)

    @cached_property
    def log_inverse(self) -> Theorem:
        """0 < z gives log(1 / z) = -log z."""
        start = self.step("log of exp(-log z)", derived.log_exp, -log(Z))
        return self.step("log of 1 / z", kernel.rewrite, start, self.inverse)

    @cached_property
    def log_increases(self) -> Theorem:
        """0 < y, 0 < z and y <= z give log y <= log z."""
        known = [kernel.assume(positive(v)) for v in (Y, Z)]
        least, below = log(Y) - log(Z), kernel.assume(at_most(Y, Z))
        above = self.step("1 + log y - log z", kernel.exp_above, least)
        product = self.step("exp(log y - log z)", kernel.exp_sum, log(Y), -log(Z))
        undone = self.step("exp(log y) once more", kernel.exp_log, known[0])
        parts = [
            (1, above),
            (1, product),
            (exp(-log(Z)), undone),
            (Y, self.inverse),
            (1 / Z, below),
        ]
        return self.combine("log increases", at_most(log(Y), log(Z)), *known, of=parts)

    @cached_property
    def log_below(self) -> Theorem:
        """0 < z gives log z <= z - 1."""
        given = kernel.assume(positive(Z))
        above = self.step("1 + log z", kernel.exp_above, log(Z))
        undone = self.step("exp(log z), again", kernel.exp_log, given)
        parts = [(1, above), (1, undone)]
        return self.combine("log z is at most z - 1", at_most(log(Z), Z - 1), given, of=parts)

    @cached_property
    def exp_increases(self) -> Theorem:
        """x <= y gives exp x <= exp y."""
        below = kernel.assume(at_most(X, Y))
        product = self.step("exp(x + (y - x))", kernel.exp_sum, X, Y - X)
        above = self.step("1 + (y - x)", kernel.exp_above, Y - X)
        parts = [(-1, product), (exp(X), above), (exp(X), below)]
        return self.combine("exp increases", at_most(exp(X), exp(Y)), of=parts)

    @cached_property
    def exp_below(self) -> Theorem:
        """0 < 1 - x gives exp x <= 1 / (1 - x)."""
        given = kernel.assume(positive(1 - X))
        product = self.step("exp(x - x)", kernel.exp_sum, X, -X)
        above = self.step("1 - x", kernel.exp_above, -X)
        factor = exp(X) / (1 - X)
        parts = [(-1 / (1 - X), product), (factor, above)]
        return self.combine("exp from above", at_most(exp(X), 1 / (1 - X)), given, of=parts)

    def not_less(self, name: str, term: Any, *known: Theorem) -> Theorem:
        """0 <= t from 0 < t."""
        strict = self.step(f"{name}: positive", kernel.sign, term, *known)
        return self.combine(name, not_negative(term), *known, of=[(1, strict)])
