"""Scores of targets with gaps against loops over the observed ones."""

import numpy as np
import pytest
import torch
from scipy import stats

from gar_verify.metrics import Scorer
from gar_verify.metrics.gaps import GapScorer

NAN = np.nan


def test_scores_are_those_of_the_observed_entries() -> None:
    rng = np.random.default_rng(0)
    y = rng.normal(size=(3, 5, 20)).round(1)  # with ties
    f = (y + rng.normal(size=y.shape)).round(1)
    y[rng.random(y.shape) < 0.2] = NAN
    y[0, 0, 3:] = NAN
    found = GapScorer(torch.tensor(y))(torch.tensor(f)).numpy()
    for place in np.ndindex(3, 5):
        seen = ~np.isnan(y[place])
        a, b = f[place][seen], y[place][seen]
        wanted = [
            np.abs(a - b).mean(),
            np.sqrt(((a - b) ** 2).mean()),
            stats.pearsonr(a, b).statistic,
            stats.spearmanr(a, b).statistic,
        ]
        assert found[place] == pytest.approx(wanted, abs=1e-12)


def test_without_gaps_they_are_those_of_the_scorer() -> None:
    y, f = torch.randn(2, 3, 9, dtype=torch.float64), torch.randn(2, 3, 9, dtype=torch.float64)
    torch.testing.assert_close(GapScorer(y)(f), Scorer(y)(f), rtol=0, atol=1e-15)


def test_a_prediction_of_what_is_absent_has_no_part() -> None:
    y = torch.tensor([1.0, 2.0, NAN, 4.0])
    one, two = torch.tensor([1.0, 3.0, 0.0, 4.0]), torch.tensor([1.0, 3.0, NAN, 4.0])
    assert torch.equal(GapScorer(y)(one), GapScorer(y)(two))


@pytest.mark.parametrize(
    ("prediction", "errors"), [([1.0, 1, 9, 1], True), ([1, np.inf, 0, 4], False)]
)
def test_no_correlation_of_constants_and_of_what_is_not_finite(prediction, errors) -> None:
    scores = GapScorer(torch.tensor([1.0, 2.0, NAN, 4.0]))(torch.tensor(prediction))
    assert scores[2:].isnan().all()
    assert scores[:2].isfinite().all() == errors


def test_without_any_label_all_is_nan() -> None:
    assert GapScorer(torch.full((3,), NAN))(torch.ones(3)).isnan().all()
