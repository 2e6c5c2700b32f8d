"""The assumptions that several statements share, each with what it makes positive."""

from __future__ import annotations

from proofs.batches import SymbolicBatch
from proofs.definitions import variance
from proofs.power_sums import SIZE, column, total
from proofs.statements import Hypothesis

PLAIN = SymbolicBatch(f=column("f"), y=column("y"))
"""Predictions f and labels y of N samples, all of weight one."""

WEIGHTED = SymbolicBatch(w=column("w"), f=column("f"), y=column("y"))
"""The same with weights w."""

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
ALPHA_POS = Hypothesis("alpha_pos", "alpha > 0")
LOSSES_POS = Hypothesis("losses_pos", "every sub-loss is positive: L_k > 0")
