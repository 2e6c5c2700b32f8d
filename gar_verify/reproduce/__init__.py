"""The main job: prove, train, time, run the notebooks, judge the claims, and write the report."""

from gar_verify.reproduce.main import ReproductionError, reproduce

__all__ = ["ReproductionError", "reproduce"]
