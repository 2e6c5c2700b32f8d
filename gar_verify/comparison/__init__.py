"""Losses compared on a table of one's own: read, prepared, trained, tested, and written."""

from gar_verify.comparison.delimited import Dialect
from gar_verify.comparison.notation import Notation
from gar_verify.comparison.outcome import Comparison
from gar_verify.comparison.running import compare, compare_file

__all__ = ["compare", "compare_file", "Comparison", "Dialect", "Notation"]
