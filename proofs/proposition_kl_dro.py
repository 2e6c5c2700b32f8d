"""Proposition: the KL-regularised worst case of the log-losses is a power mean in closed form.

For log-losses l_1..l_M, l_k = log L_k and L_k^(1/alpha) = exp(l_k / alpha), and alpha > 0,

    max over p in the simplex of  sum_k p_k l_k - alpha KL(p || 1/M)
        = alpha log( (1/M) sum_k L_k^(1/alpha) ),        only at p_k ~ L_k^(1/alpha),

where KL(p || 1/M) = sum_k p_k (log p_k + log M), with 0 log 0 = 0, written p log(p + [p = 0]). The
value is the log of the arithmetic mean at alpha = 1, and does not increase with alpha. Its limits
are said as bounds, for every alpha > 0: with b the largest l_k,

    b - alpha log M <= value <= b,                                          so b for alpha -> 0;
    mean(l) <= value <= mean(alpha l / (alpha - l)), all l_k < alpha,       mean(l) for alpha -> oo;

its exponential is the power mean of the losses in their own units,

    exp(value) = ((1/M) sum_k L_k^(1/alpha))^alpha,      z^a = exp(a log z) for z > 0,

where z^1 = z, z^(a + c) = z^a z^c and (z^a)^c = z^(a c), as powers have it; and its derivatives
are said by tangents: with p the weights at l and p' those at n,

    sum_k p_k (n_k - l_k) <= value(n) - value(l) <= sum_k p'_k (n_k - l_k).

Assumptions: alpha_pos, losses_nonempty; p_nonneg and p_sums_to_one, p_attains for the maximum;
l_at_most_b and l_j_is_b, l_below_alpha for the limits; beta_larger; losses_pos and base_pos for
powers. The kernel proves all of it, and Rocq the limits themselves.

In the paper: the proposition on the aggregation. In the code: `gar_verify.formulas.kl_dro` (through
powers less one and a shift, which change nothing), `kl_dro_tilt`.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from types import ModuleType
from typing import Any

import sympy
from sympy import Expr, Integer, Rational

from gar_verify import formulas as package_formulas

from . import derived, kernel
from .exact import EXACT, Case, exact_mean, exact_vector
from .exponentials import Exponentials
from .kernel import Theorem
from .language import (
    XP,
    Expression,
    at_most,
    column,
    equal,
    everywhere,
    exp,
    index,
    log,
    named,
    not_negative,
    number,
    positive,
    real_power,
    term_of,
)
from .language import total_over as total
from .printing import run_script
from .script import Assumption, Claim, Script
from .statements import Statement, control, mutant
from .terms import Count

COUNT = Count("M")
K, J = index("k", COUNT), index("j", COUNT)
M, (ALPHA, BETA, SHIFT, LARGEST) = Expression(COUNT), map(number, ("alpha", "beta", "s", "b"))
LOGS, P, OTHERS, LOSSES = (column(name, K) for name in "lpnL")
BASE, ONE_POWER, OTHER_POWER = map(number, "zac")

ALPHA_POS = Assumption("alpha_pos", positive(ALPHA))
LOSSES_NONEMPTY = Assumption("losses_nonempty", positive(M), "there is a sub-loss")
P_NONNEG = Assumption("p_nonneg", everywhere(not_negative(P), K), "no weight is negative")
P_SUMS = Assumption("p_sums_to_one", equal(total(P, K), 1), "the weights sum to one")
AT_MOST_B = Assumption("l_at_most_b", everywhere(at_most(LOGS, LARGEST), K), "b is a bound")
IS_B = Assumption("l_j_is_b", equal(column("l", J), LARGEST), "which is reached")
BELOW_ALPHA = Assumption(
    "l_below_alpha", everywhere(positive(ALPHA - LOGS), K), "alpha exceeds every log-loss"
)
LOSSES_POS = Assumption("losses_pos", everywhere(positive(LOSSES), K), "no sub-loss is 0")
BASE_POS = Assumption("base_pos", positive(BASE))
BETA_LARGER = Assumption("beta_larger", positive(BETA - ALPHA), "beta > alpha")


def mean(entry: Any) -> Expression:
    """The mean over the sub-losses."""
    return total(entry, K) / M


def power(alpha: Any, logs: Any = LOGS) -> Expression:
    """L_k^(1/alpha)"""
    return exp(logs / alpha)


def partition(alpha: Any = ALPHA, logs: Any = LOGS) -> Expression:
    """sum_k L_k^(1/alpha)"""
    return total(power(alpha, logs), K)


def closed(alpha: Any = ALPHA, logs: Any = LOGS) -> Expression:
    """alpha log mean L^(1/alpha)"""
    return Expression(alpha * log(mean(power(alpha, logs))))


def best(alpha: Any = ALPHA, logs: Any = LOGS) -> Expression:
    """p*_k, the weights of the maximum"""
    return power(alpha, logs) / partition(alpha, logs)


def guarded(p: Any) -> Expression:
    """p, or 1 where it is 0"""
    return Expression(p + 1 * (p == 0))


def divergence(p: Any = P) -> Expression:
    """KL(p || 1/M)"""
    value = total(p * (log(guarded(p)) + log(M)), K)
    name = str(Expression(p).term)
    return named(f"KL({name} || 1/M)", rf"\mathrm{{KL}}({name}\Vert 1/M)", value)


def objective(p: Any = P, alpha: Any = ALPHA, logs: Any = LOGS) -> Expression:
    """sum_k p_k l_k - alpha KL(p || 1/M)"""
    return Expression(total(p * logs, K) - alpha * divergence(p))


class Aggregation(Exponentials):
    """The steps about log-losses l_k."""

    def __init__(self, script: Script, formulas: ModuleType, prefix: str = "") -> None:
        """Over these formulas."""
        super().__init__(script, prefix)
        self.formulas = formulas

    @cached_property
    def known(self) -> tuple[Theorem, Theorem]:
        """0 < alpha and 0 < M"""
        return kernel.assume(ALPHA_POS.formula), kernel.assume(LOSSES_NONEMPTY.formula)

    def code(self, logs: Any = LOGS, alpha: Any = ALPHA, shift: Any = SHIFT) -> Expression:
        """kl_dro"""
        value = self.formulas.kl_dro(logs, alpha, shift, mean, XP)
        text = ", ".join(str(term_of(v)) for v in (logs, alpha, shift))
        return named(f"kl_dro({text})", rf"\mathrm{{kl\_dro}}({text})", value)

    def tilt(self, logs: Any = LOGS, alpha: Any = ALPHA) -> Expression:
        """kl_dro_tilt"""
        value = self.formulas.kl_dro_tilt(logs, alpha, SHIFT, mean, XP)
        text = ", ".join(str(term_of(v)) for v in (logs, alpha, SHIFT))
        return named(f"kl_dro_tilt({text})", rf"\mathrm{{kl\_dro\_tilt}}({text})", value)

    # --- the code -------------------------------------------------------------------------------

    @cached_property
    def shifted_powers(self) -> Theorem:
        """exp((l_k - s) / alpha) = exp(-s / alpha) exp(l_k / alpha)"""
        split = self.step(
            "exp(l / alpha - s / alpha)", kernel.exp_sum, LOGS / ALPHA, -SHIFT / ALPHA
        )
        power_of_code = Expression(self.formulas.power(LOGS, ALPHA, SHIFT, XP))
        goal = equal(power_of_code, exp(-SHIFT / ALPHA) * power(ALPHA))
        return self.combine("the powers of the code", goal, self.known[0], of=[(1, split)])

    @cached_property
    def one_more(self) -> Theorem:
        """1 + mean of the powers less one is exp(-s / alpha) times the mean of the powers."""
        factor = exp(-SHIFT / ALPHA)
        less_one = Expression(self.formulas.power_less_one(LOGS, ALPHA, SHIFT, XP))
        goal = equal(less_one, factor * power(ALPHA) - 1)
        each = self.combine("powers less one", goal, self.known[0], of=[(1, self.shifted_powers)])
        summed = self.step("powers less one, summed", kernel.sum_equal, each, K)
        goal = equal(1 + mean(less_one), factor * mean(power(ALPHA)))
        return self.combine("one more than their mean", goal, *self.known, of=[(1 / M, summed)])

    @cached_property
    def code_defined(self) -> Theorem:
        """The code takes the logarithm of a positive number."""
        one: Any = self.one_more.conclusion
        right = self.step("which is positive", kernel.sign, one.right, self.known[1])
        parts = [(1, right), (-1, self.one_more)]
        return self.combine("the code is defined", positive(one.left), *self.known, of=parts)

    @cached_property
    def code_is_closed(self) -> Theorem:
        """kl_dro is alpha log mean L^(1/alpha), whatever the shift."""
        start: Any = self.step("the code", kernel.congruence, self.code(), self.one_more)
        scaled = self.put(
            "its logarithm",
            self.log_scaled,
            {"a": -SHIFT / ALPHA, "z": mean(power(ALPHA))},
            self.step("the mean is positive", kernel.sign, mean(power(ALPHA)), self.known[1]),
        )
        end = self.combine(
            "the closed form",
            equal(start.conclusion.right, closed()),
            *self.known,
            of=[(ALPHA, scaled)],
        )
        return self.step("kl_dro", kernel.rewrite, start, end)

    @cached_property
    def tilt_is(self) -> Theorem:
        """kl_dro_tilt is M p*_k, whatever the shift."""
        summed = self.step("the powers, summed", kernel.sum_equal, self.shifted_powers, K)
        start: Any = self.step(
            "the tilt", kernel.congruence, self.tilt(), self.shifted_powers, summed
        )
        end = self.combine(
            "without the shift", equal(start.conclusion.right, M * best()), *self.known
        )
        return self.step("kl_dro_tilt", kernel.rewrite, start, end)

    def at_one(self) -> Theorem:
        """The code at alpha = 1 is the log of the mean."""
        one = self.step("0 < 1", kernel.sign, Expression(1))
        special = self.put("alpha is 1", self.code_is_closed, {"alpha": Expression(1)}, one)
        goal = equal(closed(Expression(1)), log(mean(exp(LOGS))))
        plain = self.combine("log of the mean", goal, self.known[1])
        return self.step("at alpha = 1", kernel.rewrite, special, plain)

    # --- the maximum ------------------------------------------------------------------------------

    @cached_property
    def log_of_mean(self) -> Theorem:
        """log mean L^(1/alpha) = log sum - log M"""
        whole = self.step("the sum is positive", kernel.sign, partition(), self.known[1])
        values = {"y": partition(), "z": M}
        return self.put("log of a mean", self.log_quotient, values, whole)

    @cached_property
    def weights(self) -> tuple[Theorem, Theorem]:
        """0 <= p_k, and 0 < p_k + [p_k = 0]"""
        least = self.step("p_k", kernel.at, kernel.assume(P_NONNEG.formula), K)
        return least, self.put("a weight or 1", self.any_guard, {"x": P}, least)

    @cached_property
    def gain(self) -> Expression:
        """u_k = log(p*_k / p_k)"""
        return LOGS / ALPHA - log(partition()) - log(guarded(P))

    @cached_property
    def rest(self) -> Expression:
        """p*_k - p_k - p_k log(p*_k / p_k), the part of one sub-loss in KL(p || p*)"""
        return best() - P - P * self.gain

    @cached_property
    def exp_of_gain(self) -> Theorem:
        """exp(u_k) = p*_k / p_k"""
        whole = self.step("the sum of powers", kernel.sign, partition(), self.known[1])
        values = {"a": LOGS / ALPHA, "y": partition(), "z": guarded(P)}
        return self.put("exp of the gain", self.quotient, values, whole, self.weights[1])

    @cached_property
    def rest_not_negative(self) -> Theorem:
        """0 <= p*_k - p_k - p_k u_k"""
        above = self.step("1 + u", kernel.exp_above, self.gain)
        zero = self.step("an indicator", kernel.sign, Expression(1 * (P == 0)))
        known = (*self.known, *self.weights)
        parts = [(P, above), (P, self.exp_of_gain), (best() / guarded(P), zero)]
        return self.combine("the rest of one", not_negative(self.rest), *known, of=parts)

    @cached_property
    def everywhere_known(self) -> tuple[Theorem, ...]:
        """What is known at every place."""
        names = ("each weight", "each weight or 1")
        return tuple(
            self.step(name, kernel.each, theorem, K)
            for name, theorem in zip(names, self.weights, strict=True)
        )

    @cached_property
    def simplex(self) -> Theorem:
        """sum p = 1"""
        return kernel.assume(P_SUMS.formula)

    @cached_property
    def gibbs(self) -> Theorem:
        """The objective is at most the closed form, for every p in the simplex."""
        each = self.step("the rest of each", kernel.each, self.rest_not_negative, K)
        rest = self.step("the rest of all", kernel.sign, total(self.rest, K), each)
        logs = ALPHA * (log(partition()) - log(M) - 1)
        parts = [(ALPHA, rest), (logs, self.simplex), (-ALPHA, self.log_of_mean)]
        known = (*self.known, *self.everywhere_known)
        return self.combine("Gibbs", at_most(objective(), closed()), *known, of=parts)

    @cached_property
    def attained(self) -> Theorem:
        """At p* the objective is the closed form."""
        p, whole = best(), partition()
        guard = self.combine("p* is not 0", equal(guarded(p), p), *self.known)
        positive_whole = self.step("sum of powers, positive", kernel.sign, whole, self.known[1])
        values = {"a": LOGS / ALPHA, "z": whole}
        log_best = self.put("log p*", self.log_over, values, positive_whole)
        start: Any = self.step(
            "log p*, guarded", kernel.congruence, p * log(guarded(p)), guard, log_best
        )
        summed = self.step("summed over p*", kernel.sum_equal, start, K)
        parts = [(-ALPHA, summed), (-ALPHA, self.log_of_mean)]
        goal = equal(objective(p), closed())
        each_guard = self.step("a guard at p*", kernel.sign, guarded(p), self.known[1])
        each = self.step("at each p*", kernel.each, each_guard, K)
        return self.combine("attained", goal, *self.known, each, of=parts)

    def only_there(self, attains: Assumption) -> Theorem:
        """A p in the simplex with that value is p*."""
        same = kernel.assume(attains.formula)
        logs = log(partition()) - log(M) - 1
        parts = [(-1 / ALPHA, same), (logs, self.simplex), (-1, self.log_of_mean)]
        known = (*self.known, *self.everywhere_known)
        none = self.combine("no rest in all", equal(total(self.rest, K), 0), *known, of=parts)
        most = self.step("at most all", kernel.term_at_most, self.rest_not_negative, K)
        most = self.step("at most 0", kernel.rewrite, most, none)
        zero = self.step("no rest", derived.antisymmetric, most, self.rest_not_negative)
        goal = equal(P, best())
        either = self.step("p_k is 0 or not", kernel.split, self.weights[0])

        def show(name: str, case: Theorem) -> Theorem:
            licences = (*self.known, self.weights[1])
            if case.conclusion == equal(P, 0):
                return self.combine(name, goal, *licences, of=[(-1, zero), (-self.gain, case)])
            touched = self.combine(
                f"{name}: exp(u) = 1 + u",
                equal(exp(self.gain), 1 + self.gain),
                *licences,
                case,
                of=[(1 / P, zero), (1, self.exp_of_gain)],
            )
            gain = self.step(f"{name}: u = 0", derived.exp_only, touched)
            return self.combine(name, goal, *licences, of=[(-1, zero), (-P, gain)])

        return self.by_cases("only at p*", either, show)

    # --- in alpha -------------------------------------------------------------------------------

    def put_columns(
        self, name: str, theorem: Theorem, columns: dict[str, Any], *lemmas: Theorem
    ) -> Theorem:
        """A theorem for these columns, its hypotheses replaced by what proves them."""
        entries = {c: (K, term_of(entry)) for c, entry in columns.items()}
        special = self.step(f"{name}, the columns", kernel.instantiate, theorem, entries)
        return self.step(name, kernel.cut, special, *lemmas) if lemmas else special

    def power_mean(self) -> Theorem:
        """exp(kl_dro) of log L_k is the power mean of the L_k."""
        loss = self.step("L_k", kernel.at, kernel.assume(LOSSES_POS.formula), K)
        goal = equal(power(ALPHA, log(LOSSES)), real_power(LOSSES, 1 / ALPHA))
        each = self.combine("L_k^(1/alpha)", goal, self.known[0], loss)
        summed = self.step("the powers of the losses", kernel.sum_equal, each, K)
        closed_form = self.put_columns("of the losses", self.code_is_closed, {"l": log(LOSSES)})
        value = exp(self.code(log(LOSSES)))
        start = self.step("its exponential", kernel.congruence, value, closed_form)
        return self.step("the power mean", kernel.rewrite, start, summed)

    def power_laws(self) -> tuple[Theorem, Theorem, Theorem]:
        """z^1 = z, z^(a + c) = z^a z^c and (z^a)^c = z^(a c)"""
        z, a, c = BASE, ONE_POWER, OTHER_POWER
        given = kernel.assume(BASE_POS.formula)
        undone = self.step("exp(log z) of a base", kernel.exp_log, given)
        first = self.combine("z^1", equal(real_power(z, Expression(1)), z), given, of=[(1, undone)])
        product = self.step("z^a z^c", kernel.exp_sum, a * log(z), c * log(z))
        goal = equal(real_power(z, a + c), real_power(z, a) * real_power(z, c))
        added = self.combine("z^(a + c)", goal, given, of=[(1, product)])
        inner = self.step("the logarithm of z^a", derived.log_exp, a * log(z))
        start: Any = self.step("(z^a)^c", kernel.congruence, real_power(real_power(z, a), c), inner)
        turned = self.combine("z^(c a)", equal(start.conclusion.right, real_power(z, a * c)), given)
        return first, added, self.step("z^(a c)", kernel.rewrite, start, turned)

    @cached_property
    def best_in_simplex(self) -> tuple[Theorem, Theorem]:
        """0 <= p*_k, and sum p* = 1"""
        least = self.not_less("p*", best(), *self.known)
        each = self.step("each p*", kernel.each, least, K)
        summed = self.combine("p* sums to one", equal(total(best(), K), 1), *self.known)
        return each, summed

    @cached_property
    def divergence_not_negative(self) -> Theorem:
        """0 <= KL(p || 1/M): Gibbs for losses of 1."""
        zero = self.put_columns("losses of 1", self.gibbs, {"l": Expression(0)})
        of_one = mean(power(ALPHA, Expression(0)))
        one = self.combine("the mean of 1", equal(of_one, 1), *self.known)
        zero = self.step("log of the mean of 1", kernel.rewrite, zero, one)
        nothing = self.step("log of 1", derived.log_exp, Expression(0))
        known = (*self.known, *self.everywhere_known)
        parts = [(1 / ALPHA, zero), (1, nothing)]
        return self.combine("KL is not negative", not_negative(divergence()), *known, of=parts)

    def decreasing(self) -> Theorem:
        """The closed form at beta > alpha is at most that at alpha."""
        more = kernel.assume(BETA_LARGER.formula)
        beta = self.combine("0 < beta", positive(BETA), of=[(1, more), (1, self.known[0])])
        p = best(BETA)
        simplex = [
            self.put(f"{name} at beta", theorem, {"alpha": BETA}, beta)
            for name, theorem in zip(("p*", "sum p*"), self.best_in_simplex, strict=True)
        ]
        value = self.put("attained at beta", self.attained, {"alpha": BETA}, beta)
        below = self.put_columns("Gibbs at p* of beta", self.gibbs, {"p": p}, *simplex)
        distance = self.put_columns("KL of p*", self.divergence_not_negative, {"p": p}, *simplex)
        each_guard = self.step("a guard at p* of beta", kernel.sign, guarded(p), self.known[1])
        each = self.step("at each p* of beta", kernel.each, each_guard, K)
        known = (*self.known, beta, more, each)
        parts = [(1, below), (BETA - ALPHA, distance), (-1, value)]
        return self.combine("not increasing", at_most(closed(BETA), closed()), *known, of=parts)

    def largest(self) -> tuple[Theorem, Theorem]:
        """b - alpha log M <= closed form <= b, for b the largest log-loss."""
        alpha, m = self.known
        top = exp(LARGEST / ALPHA)
        bound = self.step("l_k at most b", kernel.at, kernel.assume(AT_MOST_B.formula), K)
        over = self.combine(
            "l_k / alpha", at_most(LOGS / ALPHA, LARGEST / ALPHA), alpha, of=[(1 / ALPHA, bound)]
        )
        values = {"x": LOGS / ALPHA, "y": LARGEST / ALPHA}
        below = self.put("powers are at most that of b", self.exp_increases, values, over)
        gap = self.combine(
            "the gap of powers", not_negative(top - power(ALPHA)), alpha, of=[(1, below)]
        )
        each = self.step("each gap", kernel.each, gap, K)
        summed = self.step("all gaps", kernel.sign, total(top - power(ALPHA), K), each)
        most = self.combine(
            "the mean", at_most(mean(power(ALPHA)), top), *self.known, of=[(1 / M, summed)]
        )
        average = self.step("mean of powers, positive", kernel.sign, mean(power(ALPHA)), m)
        of_top = self.step("power of b, positive", kernel.sign, top)
        logs = self.put(
            "their logs",
            self.log_increases,
            {"y": mean(power(ALPHA)), "z": top},
            average,
            of_top,
            most,
        )
        undone = self.step("log of the power of b", derived.log_exp, LARGEST / ALPHA)
        above = self.combine(
            "at most b", at_most(closed(), LARGEST), alpha, m, of=[(ALPHA, logs), (ALPHA, undone)]
        )
        one = self.step("a power, positive", kernel.sign, power(ALPHA))
        term = self.step("one power of all", kernel.term_at_most, one, K)
        each_term = self.step("each power of all", kernel.each, term, K)
        at_j = self.step("that of j", kernel.at, each_term, J)
        largest = self.step("which is that of b", kernel.rewrite, at_j, kernel.assume(IS_B.formula))
        least = self.combine(
            "a share of the mean",
            at_most(top / M, mean(power(ALPHA))),
            *self.known,
            of=[(1 / M, largest)],
        )
        share = self.step("the share, positive", kernel.sign, top / M, m)
        logs = self.put(
            "the other logs",
            self.log_increases,
            {"y": top / M, "z": mean(power(ALPHA))},
            share,
            average,
            least,
        )
        of_share = self.put("log of the share", self.log_over, {"a": LARGEST / ALPHA, "z": M})
        lower = self.combine(
            "at least b - alpha log M",
            at_most(LARGEST - ALPHA * log(M), closed()),
            *self.known,
            of=[(ALPHA, logs), (-ALPHA, of_share)],
        )
        return lower, above

    def mean_of_logs(self) -> tuple[Theorem, Theorem]:
        """mean l <= closed form <= mean(alpha l / (alpha - l))"""
        alpha, m = self.known
        uniform = 1 / M
        least = self.not_less("1/M", uniform, m)
        each = self.step("each 1/M", kernel.each, least, K)
        one = self.combine("1/M sums to one", equal(total(uniform, K), 1), m)
        special = self.put_columns("Gibbs at 1/M", self.gibbs, {"p": uniform}, each, one)
        guard = self.combine("1/M is not 0", equal(guarded(uniform), uniform), m)
        log_m = self.put("log 1/M", self.log_inverse, {"z": M})
        start = self.step("KL at 1/M", kernel.congruence, log(guarded(uniform)), guard, log_m)
        parts = [(1, special), (ALPHA, start)]
        lower = self.combine(
            "at least the mean", at_most(mean(LOGS), closed()), *self.known, of=parts
        )
        small = self.step("l_k below alpha", kernel.at, kernel.assume(BELOW_ALPHA.formula), K)
        left = self.combine(
            "1 - l_k / alpha", positive(1 - LOGS / ALPHA), alpha, of=[(1 / ALPHA, small)]
        )
        power_most = self.put("one power", self.exp_below, {"x": LOGS / ALPHA}, left)
        part = ALPHA * LOGS / (ALPHA - LOGS)
        gap = part - ALPHA * (power(ALPHA) - 1)
        one_gap = self.combine(
            "a power less one", not_negative(gap), alpha, small, of=[(ALPHA, power_most)]
        )
        each_gap = self.step("each of them", kernel.each, one_gap, K)
        most = self.put_columns("with these", self.below_mean(), {"q": part}, each_gap)
        return lower, most

    def below_mean(self) -> Theorem:
        """alpha (L_k^(1/alpha) - 1) <= q_k for every k gives closed form <= mean(q)."""
        q, average = column("q", K), mean(power(ALPHA))
        gap = q - ALPHA * (power(ALPHA) - 1)
        each_gap = kernel.assume(everywhere(not_negative(gap), K))
        gaps = self.step("all of them", kernel.sign, total(gap, K), each_gap)
        positive_mean = self.step("mean of powers, over 0", kernel.sign, average, self.known[1])
        logs = self.put("log of their mean", self.log_below, {"z": average}, positive_mean)
        parts = [(ALPHA, logs), (1 / M, gaps)]
        return self.combine("below a mean", at_most(closed(), mean(q)), *self.known, of=parts)

    # --- in the log-losses ---------------------------------------------------------------------

    def tangents(self) -> tuple[Theorem, Theorem]:
        """sum p (n - l) <= kl_dro(n) - kl_dro(l) <= sum p' (n - l), by the code."""
        there = {"l": OTHERS}
        gibbs = self.put_columns("Gibbs at n", self.gibbs, there)
        at_best = self.put_columns("with the p* of l", gibbs, {"p": best()}, *self.best_in_simplex)
        code, defined = self.code_is_closed, self.code_defined
        far = self.put_columns("the code at n", code, there)
        far_defined = self.put_columns("defined at n", defined, there)
        way = OTHERS - LOGS
        product = equal(self.tilt() * way, M * best() * way)
        each = self.combine("tilt times the way", product, *self.known, of=[(way, self.tilt_is)])
        summed = self.step("and summed", kernel.sum_equal, each, K)
        guard = self.step("guard of p*", kernel.sign, guarded(best()), self.known[1])
        known = (
            *self.known,
            self.step("guards of p*", kernel.each, guard, K),
            defined,
            far_defined,
        )
        parts = [(1, at_best), (-1, self.attained), (-1, far), (1, code), (1 / M, summed)]
        goal = at_most(mean(self.tilt() * way), self.code(OTHERS) - self.code())
        lower = self.combine("the tangent at l", goal, *known, of=parts)
        swapped = {"l": (K, OTHERS.term), "n": (K, LOGS.term)}
        back = self.step("l and n exchanged", kernel.instantiate, lower, swapped)
        goal = at_most(self.code(OTHERS) - self.code(), mean(self.tilt(OTHERS) * way))
        upper = self.combine("the tangent at n", goal, *known, of=[(1, back)])
        return lower, upper


def statement(formulas: ModuleType = package_formulas) -> Statement:
    """The proposition, over the given formulas."""

    says = Aggregation(Script(), formulas)
    code, tilt, way = says.code(), says.tilt(), OTHERS - LOGS
    some, given = (LOSSES_NONEMPTY,), (ALPHA_POS, LOSSES_NONEMPTY)
    simplex = (*given, P_NONNEG, P_SUMS)
    attains = Assumption("p_attains", equal(objective(), closed()), "p has the largest value")
    least = LARGEST - ALPHA * log(M)
    part = ALPHA * LOGS / (ALPHA - LOGS)
    change = says.code(OTHERS) - code
    powers = real_power(mean(real_power(LOSSES, 1 / ALPHA)), ALPHA)
    a, c = ONE_POWER, OTHER_POWER
    first, second, third = (real_power(BASE, x) for x in (a, c, a * c))
    claims = (
        Claim("the code", given, equal(code, closed())),
        Claim("the code at p*", given, equal(objective(best()), closed())),
        Claim("the weights of the code", given, equal(tilt, M * best())),
        Claim("the maximum", simplex, at_most(objective(), closed())),
        Claim("only at p*", (*simplex, attains), equal(P, best())),
        Claim("KL is not negative", simplex, not_negative(divergence())),
        Claim("alpha = 1", some, equal(says.code(alpha=Expression(1)), log(mean(exp(LOGS))))),
        Claim("not increasing", (*given, BETA_LARGER), at_most(closed(BETA), closed())),
        Claim("alpha to 0, from below", (*given, IS_B), at_most(least, closed())),
        Claim("alpha to 0, from above", (*given, AT_MOST_B), at_most(closed(), LARGEST)),
        Claim("alpha to infinity, from below", given, at_most(mean(LOGS), closed())),
        Claim(
            "alpha to infinity, from above", (*given, BELOW_ALPHA), at_most(closed(), mean(part))
        ),
        Claim("the power mean", (*given, LOSSES_POS), equal(exp(says.code(log(LOSSES))), powers)),
        Claim("a power of 1", (BASE_POS,), equal(real_power(BASE, Expression(1)), BASE)),
        Claim("powers multiplied", (BASE_POS,), equal(real_power(BASE, a + c), first * second)),
        Claim("a power of a power", (BASE_POS,), equal(real_power(first, c), third)),
        Claim("the tangent", given, at_most(mean(tilt * way), change)),
        Claim("from above", given, at_most(change, mean(says.tilt(OTHERS) * way))),
    )

    def script(step: Script) -> None:
        steps = Aggregation(step, formulas)
        limits = (*steps.largest(), *steps.mean_of_logs())
        theorems = (
            steps.code_is_closed,
            steps.attained,
            steps.tilt_is,
            steps.gibbs,
            steps.only_there(attains),
            steps.divergence_not_negative,
            steps.at_one(),
            steps.decreasing(),
            *limits,
            steps.power_mean(),
            *steps.power_laws(),
            *steps.tangents(),
        )
        for claim, theorem in zip(claims, theorems, strict=True):
            step.show(claim.name, theorem)

    def logs_of(case: Case) -> Any:
        return exact_vector(sympy.log(loss) for loss in case.L)

    def exact(case: Case, alpha: Any = None) -> Any:
        order = case.alpha if alpha is None else alpha
        return formulas.kl_dro(logs_of(case), order, Integer(0), exact_mean, EXACT)

    def exact_weights(case: Case) -> Any:
        tilt = formulas.kl_dro_tilt(logs_of(case), case.alpha, Integer(0), exact_mean, EXACT)
        return tilt / len(case.L)

    def homogeneous(case: Case) -> tuple[Any, Any]:
        scaled = Case(alpha=case.alpha, L=tuple(3 * loss for loss in case.L))
        return sympy.exp(exact(scaled)), 3 * sympy.exp(exact(case))

    two = (Integer(1), Integer(4))
    return Statement(
        name="proposition-kl-dro",
        title="Proposition: the KL-regularised worst case is a power mean, with its three limits",
        where="the paper's proposition on the aggregation; gar_verify.formulas.kl_dro",
        claims=claims,
        script=script,
        latex=(
            r"\lim_{\alpha\to 0}\mathcal{L}_{\alpha}=\max_k\log L_k,\quad"
            r"\mathcal{L}_1=\log\frac{1}{M}\sum_{k=1}^{M}L_k,\quad"
            r"\lim_{\alpha\to\infty}\mathcal{L}_{\alpha}=\frac{1}{M}\sum_{k=1}^{M}\log L_k",
        ),
        mutants=(
            mutant(
                "1/M dropped",
                "alpha log(sum L^(1/alpha))",
                lambda case: (
                    case.alpha * sympy.log(sum(loss ** (1 / case.alpha) for loss in case.L)),
                    exact(case),
                ),
                cases=small_cases,
            ),
            mutant(
                "power alpha",
                "L^alpha for L^(1/alpha)",
                lambda case: (
                    case.alpha * sympy.log(exact_mean([loss**case.alpha for loss in case.L])),
                    exact(case),
                ),
                cases=small_cases,
            ),
            mutant(
                "divergence reversed",
                "KL(1/M || p) for KL(p || 1/M), at p*",
                lambda case: (
                    value_at(case, exact_weights(case), reverse=True),
                    exact(case),
                ),
                cases=small_cases,
            ),
            mutant(
                "divergence added",
                "+ alpha KL for - alpha KL, still at most the closed form",
                lambda case: (value_at(case, one_hot(case), factor=1), exact(case)),
                cases=small_cases,
                at_most=True,
            ),
            mutant(
                "weights by the losses",
                "the maximum taken to be at p ~ L for every alpha",
                lambda case: (
                    value_at(case, [loss / sum(case.L) for loss in case.L]),
                    exact(case),
                ),
                cases=small_cases,
            ),
            mutant(
                "increasing in alpha",
                "the value at alpha at most that at 2 alpha",
                lambda case: (exact(case), exact(case, 2 * case.alpha)),
                cases=small_cases,
                at_most=True,
            ),
            mutant(
                "alpha = 0",
                "the closed form at alpha = 0, without the limit",
                lambda case: (exact(case), sympy.log(max(case.L))),
                cases=lambda: [Case(alpha=Integer(0), L=(Integer(1), Integer(4)))],
                drops="alpha_pos",
                undefined=True,
            ),
            mutant(
                "negative alpha",
                "no p exceeds the closed form at alpha = -1",
                lambda case: (value_at(case, one_hot(case)), exact(case)),
                cases=lambda: [Case(alpha=Integer(-1), L=(Integer(1), Integer(2)))],
                drops="alpha_pos",
                at_most=True,
            ),
            mutant(
                "power mean of order alpha",
                "(mean L^alpha)^(1/alpha) for (mean L^(1/alpha))^alpha",
                lambda case: (
                    sympy.exp(exact(case)),
                    exact_mean([loss**case.alpha for loss in case.L]) ** (1 / case.alpha),
                ),
                cases=small_cases,
            ),
            mutant(
                "no loss",
                "M = 0 allowed",
                lambda case: (exact(case), 0),
                cases=lambda: [Case(alpha=Integer(1), L=())],
                drops="losses_nonempty",
                undefined=True,
            ),
            mutant(
                "the smallest loss for alpha to 0",
                "the value at most the smallest log-loss",
                lambda case: (exact(case), sympy.log(min(case.L))),
                cases=small_cases,
                at_most=True,
            ),
            mutant(
                "a negative weight",
                "p = (2, -1): the objective is no real number",
                lambda case: (sympy.im(value_at(case, case.p)) / sympy.pi, 0),
                cases=lambda: [Case(alpha=Integer(1), L=two, p=(Integer(2), Integer(-1)))],
                drops="p_nonneg",
            ),
            mutant(
                "weights that sum to 2",
                "no p >= 0 exceeds the closed form, whatever its sum",
                lambda case: (value_at(case, case.p), exact(case)),
                cases=lambda: [
                    Case(alpha=Integer(1), L=(Integer(8), Integer(8)), p=(Integer(1), Integer(1)))
                ],
                drops="p_sums_to_one",
                at_most=True,
            ),
            mutant(
                "any weights",
                "every p taken to be p*",
                lambda case: (one_hot(case)[0], exact_weights(case)[0]),
                cases=small_cases,
                where=lambda case: len(case.L) == 2,
                drops="p_attains",
            ),
            mutant(
                "b is no bound",
                "the value at most b = 0 with a loss of 4",
                lambda case: (exact(case), 0),
                cases=lambda: [Case(alpha=Integer(1), L=two)],
                drops="l_at_most_b",
                at_most=True,
            ),
            mutant(
                "b is not reached",
                "b - alpha log M at most the value with b = log 100",
                lambda case: (sympy.log(100) - case.alpha * sympy.log(2), exact(case)),
                cases=lambda: [Case(alpha=Integer(1), L=two)],
                drops="l_j_is_b",
                at_most=True,
            ),
            mutant(
                "alpha below a log-loss",
                "mean(alpha l / (alpha - l)) above the value with l = log 8, alpha = 1",
                lambda case: (exact(case), sympy.log(8) / (1 - sympy.log(8))),
                cases=lambda: [Case(alpha=Integer(1), L=(Integer(8),))],
                drops="l_below_alpha",
                at_most=True,
            ),
            mutant(
                "alpha made smaller",
                "the value at alpha / 2 at most that at alpha",
                lambda case: (exact(case, case.alpha / 2), exact(case)),
                cases=small_cases,
                drops="beta_larger",
                at_most=True,
            ),
        ),
        controls=(
            control(
                "losses in other units",
                "all losses multiplied by 3 multiply the power mean by 3",
                homogeneous,
                cases=small_cases,
            ),
        ),
    )


def small_cases() -> Iterator[Case]:
    """One and two losses, at three values of alpha."""
    one, four = Integer(1), Integer(4)
    for losses in ((four,), (one, four), (four, four)):
        for alpha in (one, Rational(1, 2), Integer(2)):
            yield Case(L=losses, alpha=alpha)


def one_hot(case: Case) -> list[Expr]:
    """All the weight on the last loss."""
    return [Integer(0)] * (len(case.L) - 1) + [Integer(1)]


def value_at(case: Case, weights: Any, factor: int = -1, reverse: bool = False) -> Expr:
    """sum_k p_k log L_k - alpha KL(p || 1/M), or one of its wrong variants."""
    uniform = Rational(1, len(case.L))
    pairs = [(uniform, p) if reverse else (p, uniform) for p in weights]
    distance = sum(a * sympy.log(a / b) for a, b in pairs if a != 0)
    gain = sum(p * sympy.log(loss) for p, loss in zip(weights, case.L, strict=True))
    return gain + factor * case.alpha * distance


if __name__ == "__main__":
    run_script(statement)
