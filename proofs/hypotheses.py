"""The assumptions that several statements share."""

from __future__ import annotations

from .language import Expression, everywhere, index, not_negative, number, positive
from .language import column as entry
from .script import Assumption
from .terms import Count

SIZE, COUNT = Count("N"), Count("M")
ALPHA = number("alpha")

AT_LEAST_TWO = Assumption(
    "at_least_two", positive(Expression(SIZE) - 1), "the batch has two samples, N >= 2"
)
ALPHA_POS = Assumption("alpha_pos", positive(ALPHA))
LOSSES_NONEMPTY = Assumption("losses_nonempty", positive(COUNT), "there is a sub-loss")
SIMPLEX_SIGN = Assumption(
    "p_nonneg",
    everywhere(not_negative(entry("p", (_K := index("k", COUNT)))), _K),
    "no probability is negative",
)
