"""The stacked trainer: many small models of one architecture, trained as one."""

from gar_verify.training.mlp import Architecture
from gar_verify.training.runs import PARTS, Problem, Recipe, Run, Trained
from gar_verify.training.trainer import Objective, train

__all__ = ["train", "Objective", "Problem", "Recipe", "Run", "Trained", "Architecture", "PARTS"]
