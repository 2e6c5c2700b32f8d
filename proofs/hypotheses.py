"""The assumptions that several statements share, each with what it makes positive."""

from __future__ import annotations

from sympy import Symbol

from .batches import SymbolicBatch
from .definitions import variance
from .power_sums import SIZE, column, total
from .statements import Hypothesis, Lemma, Step

PLAIN = SymbolicBatch(f=column("f"), y=column("y"))
"""Predictions f and labels y of N samples, all of weight one."""

WEIGHTED = SymbolicBatch(w=column("w"), f=column("f"), y=column("y"))
"""The same with weights w."""

NO_SPREAD = SymbolicBatch(
    w=column("w"),
    f=column("f"),
    y=Symbol("q", real=True) + column("u"),
    zero=column("w") * column("u"),
)
"""Labels q + u_i with w_i u_i = 0: Var_w(y) = 0, the labels of weight 0 being whatever they are."""

BATCH_NONEMPTY = Hypothesis("batch_nonempty", "the batch has a sample: N >= 1")
AT_LEAST_TWO = Hypothesis("at_least_two", "the batch has two samples: N >= 2", (SIZE - 1,))
WEIGHT_POS = Hypothesis(
    "weight_pos", "the weights have a positive sum: W > 0", (total(column("w")),)
)
VAR_F_POS = Hypothesis(
    "var_f_pos",
    "the predictions are not all equal: Var(f) > 0",
    (variance(PLAIN, PLAIN.f), variance(WEIGHTED, WEIGHTED.f)),
)
VAR_Y_POS = Hypothesis(
    "var_y_pos",
    "the labels are not all equal: Var(y) > 0",
    (variance(PLAIN, PLAIN.y), variance(WEIGHTED, WEIGHTED.y)),
)
WEIGHTS_NONNEG = Hypothesis("weights_nonneg", "no weight is negative: w_i >= 0")
ALPHA_POS = Hypothesis("alpha_pos", "alpha > 0")
LOSSES_POS = Hypothesis("losses_pos", "every sub-loss is positive: L_k > 0")

ZERO_SUM = Lemma(
    "zero_sum",
    "numbers that are not negative and have the sum 0 are 0, each of them",
    "a rule of the kernel (zero_terms), and proved by Rocq: Batch.no_spread",
)

SPREAD_CASES = Step(
    "the cases of Var_w(y) are all",
    "W Var_w(y) = sum w_i (y_i - q)^2 with q = mean(y): it is positive, or each term is 0, so "
    "that w_i (y_i - q) = 0",
    lambda ground: ground.zero(
        WEIGHTED.weight * variance(WEIGHTED, WEIGHTED.y)
        - WEIGHTED.total((WEIGHTED.y - WEIGHTED.total(WEIGHTED.y) / WEIGHTED.weight) ** 2)
    ),
    needs=(WEIGHT_POS, WEIGHTS_NONNEG),
    cites=(ZERO_SUM,),
)
