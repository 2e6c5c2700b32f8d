"""Judges of the paper's limits: each verdict from made-up evidence, both ways."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest
import xarray as xr

from gar_verify.claims import catalogue
from gar_verify.claims.evidence import Evidence
from gar_verify.claims.model import Verdict
from gar_verify.studies.questions import choosing_alpha
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
    assert claim.reason.count("holds") + claim.reason.count("does not hold") == 4


@pytest.mark.parametrize(
    ("errors", "expected"),
    [
        ({condition: {0.5: 0.7} for condition in CONDITIONS}, Verdict.REPRODUCED),
        ({"standardised": {0.5: 0.7}, "raw": GOOD}, Verdict.IN_PART),
        ({condition: {0.5: 1.5, 0.1: 0.7} for condition in CONDITIONS}, Verdict.NOT_REPRODUCED),
    ],
)
def test_the_default_is_good_where_no_fixed_alpha_beats_it(errors: dict, expected: Verdict) -> None:
    (claim,) = catalogue.evaluate("alpha-default", evidence=MadeUp(errors))
    assert claim.verdict is expected
