import numpy as np
import pytest
import torch
from scipy import stats

from gar_verify import metrics


@pytest.fixture
def batch() -> tuple[torch.Tensor, torch.Tensor]:
    rng = np.random.default_rng(0)
    target = rng.integers(0, 12, 60).astype(float)  # with ties
    prediction = target + rng.normal(size=(7, 60)).round(1)
    return torch.tensor(prediction), torch.tensor(target)


@pytest.mark.parametrize(
    ("name", "oracle"),
    [("pearson", stats.pearsonr), ("spearman", stats.spearmanr)],
)
def test_correlations_equal_scipy(name, oracle, batch):
    prediction, target = batch
    measured = getattr(metrics, name)(prediction, target)
    expected = [oracle(row, target.numpy()).statistic for row in prediction.numpy()]
    assert measured.numpy() == pytest.approx(expected, abs=1e-12)


def test_ranks_equal_scipy_on_any_dimension(batch):
    prediction, _ = batch
    expected = stats.rankdata(prediction.numpy(), axis=0)
    assert (metrics.ranks(prediction, dim=0).numpy() == expected).all()


def test_errors_equal_numpy(batch):
    prediction, target = batch
    error = prediction.numpy() - target.numpy()
    assert metrics.mae(prediction, target).numpy() == pytest.approx(abs(error).mean(-1))
    assert metrics.rmse(prediction, target).numpy() == pytest.approx((error**2).mean(-1) ** 0.5)


def test_scorer_is_the_four_functions_for_any_leading_dimensions(batch):
    prediction, target = batch
    stacked = torch.stack([prediction, prediction * 2 + 1])
    scores = metrics.Scorer(target)(stacked)
    assert scores.shape == (2, 7, 4)
    for k, function in enumerate(
        [metrics.mae, metrics.rmse, metrics.pearson, metrics.spearman],
    ):
        torch.testing.assert_close(scores[..., k], function(stacked, target))


def test_named_dimension(batch):
    prediction, target = batch
    torch.testing.assert_close(
        metrics.spearman(prediction.T, target[:, None], dim=0),
        metrics.spearman(prediction, target),
    )


@pytest.mark.parametrize("level", [0.0, 0.1, 1e8])
def test_constant_prediction_has_no_correlation(level):
    target = torch.arange(9.0)
    scores = metrics.Scorer(target)(torch.full((9,), level))
    assert scores[:2].isfinite().all()
    assert scores[2:].isnan().all()


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_one_bad_model_spoils_only_itself(bad):
    target = torch.arange(9.0)
    prediction = target.expand(3, 9).clone()
    prediction[1, 4] = bad
    scores = metrics.Scorer(target)(prediction)
    assert not scores[1].isfinite().any()
    torch.testing.assert_close(scores[0], torch.tensor([0.0, 0, 1, 1], dtype=torch.float64))
    torch.testing.assert_close(scores[2], scores[0])


def test_float32_far_offset_keeps_its_digits():
    target = torch.linspace(-1, 1, 50)
    prediction = 1000 + target + 0.1 * torch.cos(9 * target)
    expected = stats.pearsonr(prediction.double().numpy(), target.double().numpy()).statistic
    assert metrics.pearson(prediction, target).item() == pytest.approx(expected, abs=1e-12)
