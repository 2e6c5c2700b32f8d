"""Proposition: the KL-regularised worst case of the log-losses is a power mean in closed form.

For positive sub-losses L_1..L_M, l_k = log L_k, and alpha > 0,

    max over p in the simplex of  sum_k p_k l_k - alpha KL(p || 1/M)
        = alpha log( (1/M) sum_k L_k^(1/alpha) ),        only at p_k ~ L_k^(1/alpha),

where KL(p || q) = sum_k p_k log(p_k / q_k), with 0 log 0 = 0. Its limits are max_k l_k for
alpha -> 0, the log of the arithmetic mean at alpha = 1, and the mean of l_k for alpha -> infinity.
It does not increase with alpha. Its derivatives with respect to the l_k are the weights p_k.

Assumptions: alpha_pos, losses_pos, simplex.

Sums over p run over its support, the m <= M indices with p_k > 0: the others contribute 0.

Cited, not proved: a differentiable function does not increase where its derivative is not
positive; the derivative is the limit of the difference quotient; what lies between two quantities
with one limit has that limit; a finite set has a largest element. No result rests on SymPy's
``limit``, which answers wrongly where parameters are free.

In the paper: the proposition on the aggregation. In the code: `gar_verify.formulas.kl_dro` and
`kl_dro_tilt`.
"""

from __future__ import annotations

from collections.abc import Iterator
from types import ModuleType, SimpleNamespace
from typing import Any

import sympy
from sympy import Expr, Integer, Rational, Sum, Symbol

from gar_verify import formulas as package_formulas

from .algebra import Ground
from .exact import EXACT, Case, exact_mean, exact_vector
from .hypotheses import ALPHA_POS, LOSSES_POS
from .power_sums import INDEX, column, total
from .printing import run_script
from .statements import Control, Hypothesis, Lemma, Statement, Step, mutant

COUNT = Symbol("M", integer=True, positive=True)
SUPPORT = Symbol("m", integer=True, positive=True)
ALPHA = Symbol("alpha", positive=True)
SHIFT = Symbol("s", real=True)
T = Symbol("t", positive=True)
LOGS = column("l")
P = column("p", positive=True)
Q = column("q", positive=True)

SIMPLEX = Hypothesis("simplex", "the weights are not negative and sum to one: p >= 0, sum p = 1")

MONOTONE = Lemma(
    "sign_of_derivative",
    "a function on an interval does not increase where its derivative is <= 0, nor decrease where "
    "it is >= 0 (mean value theorem)",
    "not needed by Rocq: Aggregation.monotone, by the maximum at two values of alpha",
)
QUOTIENT = Lemma(
    "difference_quotient",
    "if g(0) = 0 and g is differentiable, g(t) / t tends to g'(0) as t -> 0",
    "not needed by Rocq: Aggregation.limit_at_infinity, between two bounds",
)
SQUEEZE = Lemma(
    "squeeze",
    "what lies between two quantities with one limit has that limit",
    "proved by Rocq within Aggregation.limit_at_zero",
)
FINITE_MAXIMUM = Lemma(
    "finite_maximum",
    "one of finitely many numbers is the largest",
    "proved by Rocq: Aggregation.largest_exists",
)


def mean(body: Any) -> Expr:
    """The mean over the sub-losses, in power sums."""
    return total(body, INDEX, COUNT) / COUNT


def mean_unreduced(body: Any) -> Expr:
    """The mean over the sub-losses, to be differentiated before it is reduced."""
    return Sum(body, (INDEX, 1, COUNT)) / COUNT


def on_support(body: Any) -> Expr:
    """The sum over the indices with p_k > 0."""
    return total(body, INDEX, SUPPORT)


def divergence(p: Expr, q: Expr, summed: Any) -> Expr:
    """KL(p || q) = sum of p log(p / q)"""
    return summed(p * sympy.log(p / q))


def phi(s: Any) -> Expr:
    """s - 1 - log(s), which is never negative."""
    return s - 1 - sympy.log(s)


def divergence_by_phi(ground: Ground) -> Any:
    """KL(p || q) - sum p phi(q / p), less sum p - sum q."""
    return ground.zero(
        divergence(P, Q, on_support) - on_support(P * phi(Q / P)) - on_support(P) + on_support(Q)
    )


def phi_is_not_negative(ground: Ground) -> list[Any]:
    """phi(1) = 0, and phi' has the sign of s - 1, seen on s = 1 + u and s = 1 / (1 + u), u > 0."""
    s, u = Symbol("s", positive=True), Symbol("u", positive=True)
    slope = sympy.diff(phi(s), s)
    return [
        phi(Integer(1)),
        ground.zero(slope - (s - 1) / s),
        sympy.cancel(slope.subs(s, 1 + u)).is_positive,
        sympy.cancel(slope.subs(s, 1 / (1 + u))).is_negative,
    ]


def statement(formulas: ModuleType = package_formulas) -> Statement:
    """The proposition, over the given formulas."""

    def aggregate(logs: Any = LOGS, alpha: Any = ALPHA, averaged: Any = mean) -> Any:
        return formulas.kl_dro(logs, alpha, SHIFT, averaged, sympy)

    def weights() -> Any:
        return formulas.kl_dro_tilt(LOGS, ALPHA, SHIFT, mean, sympy) / COUNT

    def partition(alpha: Any = ALPHA) -> Expr:
        return total(sympy.exp(LOGS / alpha), INDEX, COUNT)

    def closed_form(ground: Ground) -> list[Any]:
        losses = column("L", positive=True)
        return [
            ground.zero(aggregate() - ALPHA * (sympy.log(partition()) - sympy.log(COUNT))),
            ground.zero(sympy.log(losses ** (1 / ALPHA)) - sympy.log(losses) / ALPHA),
        ]

    def best_weights(ground: Ground) -> list[Any]:
        return [
            ground.zero(weights() - sympy.exp(LOGS / ALPHA) / partition()),
            ground.zero(total(weights(), INDEX, COUNT) - 1),
        ]

    def gibbs(ground: Ground) -> Any:
        value = on_support(P * LOGS) - ALPHA * divergence(P, 1 / COUNT, on_support)
        best = sympy.exp(LOGS / ALPHA) / partition()
        gap = aggregate() - value - ALPHA * divergence(P, best, on_support)
        return ground.zero(sympy.expand(gap).xreplace({on_support(P): Integer(1)}))

    def attained(ground: Ground) -> Any:
        def summed(body: Any) -> Expr:
            return total(body, INDEX, COUNT)

        p = weights()
        return ground.zero(
            summed(p * LOGS) - ALPHA * divergence(p, 1 / COUNT, summed) - aggregate()
        )

    def at_one(ground: Ground) -> Any:
        return ground.zero(
            aggregate(alpha=Integer(1)) - sympy.log(total(sympy.exp(LOGS), INDEX, COUNT) / COUNT)
        )

    def to_infinity(ground: Ground) -> list[Any]:
        t = Symbol("t", real=True)
        g = sympy.log(mean_unreduced(sympy.exp(t * LOGS)))
        return [
            ground.zero(aggregate(alpha=1 / T) - sympy.log(mean(sympy.exp(T * LOGS))) / T),
            ground.zero(g.subs(t, 0)),
            ground.zero(g.diff(t).subs(t, 0) - mean(LOGS)),
        ]

    def to_zero(ground: Ground) -> list[Any]:
        u = column("u", positive=True)
        largest = SimpleNamespace(exp=lambda _: u, log=sympy.log)
        value = formulas.kl_dro(LOGS, ALPHA, SHIFT, mean, largest)
        others = total(u, INDEX, COUNT) - 1
        return [
            ground.zero(value - SHIFT - ALPHA * sympy.log(mean(u))),
            ground.zero(COUNT - total(u, INDEX, COUNT) - total(1 - u, INDEX, COUNT)),
            ground.zero(mean(u) - (1 + others) / COUNT),
            ground.zero((ALPHA * sympy.log(1 / COUNT)).subs(ALPHA, 0)),
        ]

    def decreasing(ground: Ground) -> Any:
        value = aggregate(averaged=mean_unreduced)
        p = sympy.exp(LOGS / ALPHA) / partition()
        distance = divergence(p, 1 / COUNT, lambda body: total(body, INDEX, COUNT))
        return ground.zero(value.diff(ALPHA) + distance)

    def derivative(ground: Ground) -> Any:
        t, direction = Symbol("t", real=True), column("h")
        value = aggregate(logs=LOGS + t * direction, averaged=mean_unreduced)
        tilt = formulas.kl_dro_tilt(LOGS, ALPHA, SHIFT, mean, sympy)
        return ground.zero(value.diff(t).subs(t, 0) - mean(tilt * direction))

    def homogeneous(ground: Ground) -> Any:
        factor = Symbol("c", real=True)
        return ground.zero(aggregate(logs=LOGS + factor) - aggregate() - factor)

    def logs_of(case: Case) -> Any:
        return exact_vector(sympy.log(loss) for loss in case.L)

    def exact(case: Case, alpha: Any = None) -> Any:
        order = case.alpha if alpha is None else alpha
        return formulas.kl_dro(logs_of(case), order, Integer(0), exact_mean, EXACT)

    def exact_weights(case: Case) -> Any:
        tilt = formulas.kl_dro_tilt(logs_of(case), case.alpha, Integer(0), exact_mean, EXACT)
        return tilt / len(case.L)

    needs = (ALPHA_POS, LOSSES_POS)
    return Statement(
        name="proposition-kl-dro",
        title="Proposition: the KL-regularised worst case is a power mean, with its three limits",
        where="the paper's proposition on the aggregation; gar_verify.formulas.kl_dro",
        plain=(
            "max over p of sum_k p_k log L_k - alpha KL(p || 1/M) = alpha log((1/M) sum_k "
            "L_k^(1/alpha)), only at p_k ~ L_k^(1/alpha); max_k log L_k for alpha -> 0, log of "
            "the mean at 1, mean of the logs for alpha -> infinity; it does not increase in alpha"
        ),
        latex=(
            r"\max_{p\in\Delta_M}\ \sum_{k=1}^{M}p_k\log L_k"
            r"-\alpha\,\mathrm{KL}\left(p\,\Vert\,\frac{1}{M}\right)"
            r"=\alpha\log\left(\frac{1}{M}\sum_{k=1}^{M}L_k^{1/\alpha}\right)"
            r"=:\mathcal{L}_{\alpha},\quad p^{\ast}_k\propto L_k^{1/\alpha}",
            r"\lim_{\alpha\to 0}\mathcal{L}_{\alpha}=\max_k\log L_k,\quad"
            r"\mathcal{L}_1=\log\frac{1}{M}\sum_{k=1}^{M}L_k,\quad"
            r"\lim_{\alpha\to\infty}\mathcal{L}_{\alpha}=\frac{1}{M}\sum_{k=1}^{M}\log L_k,\quad"
            r"\frac{\mathrm{d}\mathcal{L}_{\alpha}}{\mathrm{d}\alpha}"
            r"=-\mathrm{KL}\left(p^{\ast}\,\Vert\,\frac{1}{M}\right)\leq 0",
        ),
        steps=(
            Step(
                "the code",
                "kl_dro is alpha log((1/M) sum exp(l_k / alpha)) whatever the shift, and "
                "log L^(1/alpha) = l / alpha",
                closed_form,
                needs=needs,
            ),
            Step(
                "the weights of the code",
                "kl_dro_tilt / M is p*_k = L_k^(1/alpha) / sum L^(1/alpha), which sums to one",
                best_weights,
                needs=needs,
            ),
            Step(
                "Gibbs",
                "for every p in the simplex: closed form - [sum p l - alpha KL(p || 1/M)] "
                "= alpha KL(p || p*)",
                gibbs,
                needs=(*needs, SIMPLEX),
            ),
            Step(
                "the divergence by terms",
                "KL(p || q) = sum p phi(q / p) + sum p - sum q with phi(s) = s - 1 - log s; "
                "on the support of p the last two make 1 - sum q >= 0",
                divergence_by_phi,
                needs=(SIMPLEX,),
            ),
            Step(
                "phi >= 0",
                "phi(1) = 0 and phi' = (s - 1) / s is negative before 1 and positive after; so "
                "KL >= 0, and 0 only where p = q: the maximiser is one",
                phi_is_not_negative,
                cites=(MONOTONE,),
            ),
            Step("attained", "at p = p* the value is the closed form", attained, needs=needs),
            Step("alpha = 1", "the log of the arithmetic mean", at_one, needs=(LOSSES_POS,)),
            Step(
                "alpha to infinity",
                "at alpha = 1/t the value is g(t) / t, g(t) = log mean exp(t l); g(0) = 0 and "
                "g'(0) = mean(l)",
                to_infinity,
                needs=(LOSSES_POS,),
                cites=(QUOTIENT,),
            ),
            Step(
                "alpha to 0",
                "with the largest l as shift the value is max l + alpha log mean(u), where "
                "0 < u_k <= 1 and one of them is 1: between max l - alpha log M and max l",
                to_zero,
                needs=needs,
                cites=(FINITE_MAXIMUM, SQUEEZE),
            ),
            Step(
                "not increasing in alpha",
                "the derivative in alpha is -KL(p* || 1/M)",
                decreasing,
                needs=needs,
                cites=(MONOTONE,),
            ),
            Step(
                "derivatives in the log-losses",
                "the derivative along any h is (1/M) sum tilt_k h_k = sum p*_k h_k",
                derivative,
                needs=needs,
            ),
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
                    objective(case, exact_weights(case), reverse=True),
                    exact(case),
                ),
                cases=small_cases,
            ),
            mutant(
                "divergence added",
                "+ alpha KL for - alpha KL, still at most the closed form",
                lambda case: (objective(case, one_hot(case), factor=1), exact(case)),
                cases=small_cases,
                at_most=True,
            ),
            mutant(
                "weights by the losses",
                "the maximum taken to be at p ~ L for every alpha",
                lambda case: (
                    objective(case, [loss / sum(case.L) for loss in case.L]),
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
                lambda case: (objective(case, one_hot(case)), exact(case)),
                cases=lambda: [Case(alpha=Integer(-1), L=(Integer(1), Integer(2)))],
                drops="alpha_pos",
                at_most=True,
            ),
            mutant(
                "a negative loss",
                "the closed form for losses that are not positive",
                lambda case: (exact(case), 0),
                cases=lambda: [Case(alpha=Integer(1), L=(Integer(-1), Integer(1)))],
                drops="losses_pos",
                undefined=True,
            ),
            mutant(
                "weights that sum to 2",
                "no p >= 0 exceeds the closed form, whatever its sum",
                lambda case: (objective(case, case.p), exact(case)),
                cases=lambda: [
                    Case(alpha=Integer(1), L=(Integer(8), Integer(8)), p=(Integer(1), Integer(1)))
                ],
                drops="simplex",
                at_most=True,
            ),
        ),
        controls=(
            Control(
                "losses in other units",
                "all losses multiplied by exp(c) add c",
                homogeneous,
                needs=needs,
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


def objective(case: Case, weights: Any, factor: int = -1, reverse: bool = False) -> Expr:
    """sum_k p_k log L_k - alpha KL(p || 1/M), or one of its wrong variants."""
    uniform = Rational(1, len(case.L))
    pairs = [(uniform, p) if reverse else (p, uniform) for p in weights]
    distance = sum(a * sympy.log(a / b) for a, b in pairs if a != 0)
    gain = sum(p * sympy.log(loss) for p, loss in zip(weights, case.L, strict=True))
    return gain + factor * case.alpha * distance


if __name__ == "__main__":
    run_script(statement)
