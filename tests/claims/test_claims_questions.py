"""Judges of the paper's limits: each verdict from made-up evidence, both ways."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest
import xarray as xr

from gar_verify.claims import catalogue
from gar_verify.claims.evidence import Evidence
from gar_verify.claims.model import Verdict
from gar_verify.studies.questions import choosing_alpha, dirty_data
from gar_verify.studies.questions.choosing_alpha import ALPHAS, CONDITIONS, METHODS


class MadeUp(Evidence):
    """Errors of every alpha, the same function of it in validation and test, by condition."""

    def __init__(self, errors: Mapping[str, Mapping[float, float]]) -> None:
        super().__init__()
        rng = np.random.default_rng(0)
        sizes = {"table": 8, "condition": 4, "method": len(METHODS), "seed": 5, "metric": 4}
        level = np.ones((4, len(METHODS)))
        for i, condition in enumerate(CONDITIONS):
            for alpha, error in errors.get(condition, {}).items():
                level[i, ALPHAS.index(alpha)] = error
        values = level[None, :, :, None, None] * rng.normal(1, 0.02, tuple(sizes.values()))
        coordinates = {
            "condition": list(CONDITIONS),
            "method": list(METHODS),
            "metric": ["MAE", "RMSE", "Pearson", "Spearman"],
        }
        self.made = xr.Dataset(
            {part: (tuple(sizes), values) for part in ("test", "validation")}, coordinates
        )

    def summary(self, study: str) -> xr.Dataset:
        assert study == choosing_alpha.NAME
        return self.made


GOOD = {0.1: 0.7}
"""An alpha that tuning finds, and that is the best elsewhere too."""
ALL = dict.fromkeys(CONDITIONS, GOOD)


@pytest.mark.parametrize(
    ("errors", "expected"),
    [
        (ALL, Verdict.REPRODUCED),
        ({"standardised": GOOD, "raw": {0.5: 0.7}}, Verdict.IN_PART),
        ({condition: {0.5: 0.7} for condition in CONDITIONS}, Verdict.NOT_REPRODUCED),
    ],
)
def test_alpha_needs_tuning_where_the_default_is_beaten(errors: dict, expected: Verdict) -> None:
    (claim,) = catalogue.evaluate("alpha-needs-tuning", evidence=MadeUp(errors))
    assert claim.verdict is expected
    assert claim.measured.startswith("probability of a lower test MAE than with alpha 0.5: ")
    assert claim.reason.count("targets: ") == 4


@pytest.mark.parametrize(
    ("errors", "expected"),
    [
        ({condition: {0.5: 0.7} for condition in CONDITIONS}, Verdict.REPRODUCED),
        ({"standardised": {0.5: 0.7}, "raw": GOOD}, Verdict.IN_PART),
        ({condition: {0.5: 1.5, 0.1: 0.7} for condition in CONDITIONS}, Verdict.NOT_REPRODUCED),
        ({}, Verdict.TIE),
    ],
)
def test_the_default_is_good_where_no_fixed_alpha_beats_it(errors: dict, expected: Verdict) -> None:
    (claim,) = catalogue.evaluate("alpha-default", evidence=MadeUp(errors))
    assert claim.verdict is expected


class Spoiled(Evidence):
    """Errors of GAR relative to those of the MAE loss, by condition."""

    def __init__(self, ratios: Mapping[str, float]) -> None:
        super().__init__()
        conditions, rng = list(dirty_data.CONDITIONS), np.random.default_rng(0)
        level = np.array([[1.0, ratios.get(c, ratios["else"])] for c in conditions])
        values = level[None, :, :, None, None] * rng.normal(1, 0.02, (6, len(conditions), 2, 5, 1))
        dims = ("table", "condition", "method", "seed", "metric")
        coordinates = {"condition": conditions, "method": ["mae", "gar"], "metric": ["MAE"]}
        self.made = xr.Dataset({"test": (dims, values)}, coordinates)

    def summary(self, study: str) -> xr.Dataset:
        assert study == dirty_data.NAME
        return self.made


@pytest.mark.parametrize(
    ("ratios", "expected", "worse"),
    [
        ({"clean": 0.8, "else": 1.3}, Verdict.REPRODUCED, "9 of 9 kinds"),
        ({"clean": 0.8, "outliers": 0.8, "else": 1.3}, Verdict.IN_PART, "8 of 9 kinds"),
        ({"clean": 0.8, "outliers": 1.3, "else": 0.8}, Verdict.NOT_REPRODUCED, "1 of 9 kinds"),
        ({"clean": 0.8, "else": 1.0}, Verdict.TIE, "0 of 9 kinds of spoiled labels, 9 cannot be"),
        ({"else": 0.8}, Verdict.NOT_REPRODUCED, "0 of 9 kinds"),
        ({"else": 1.3}, Verdict.NOT_REPRODUCED, "9 of 9 kinds"),
    ],
)
def test_dirty_data_are_a_limit_where_clean_ones_are_none(
    ratios: dict, expected: Verdict, worse: str
) -> None:
    (claim,) = catalogue.evaluate("clean-data", evidence=Spoiled(ratios))
    assert claim.verdict is expected
    assert claim.counted.startswith(worse)
