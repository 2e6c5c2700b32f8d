"""`RegressionMetric` behaves as torchmetrics expect; several processes: tests/metrics."""

from __future__ import annotations

import copy
import pickle

import pytest
import torch

torchmetrics = pytest.importorskip(
    "torchmetrics", reason="pip install gar_verify[integrations] brings torchmetrics"
)

from gar_verify.integrations.torchmetric import RegressionMetric  # noqa: E402
from gar_verify.metrics import RegressionMetrics  # noqa: E402


@pytest.fixture
def batches() -> list[tuple[torch.Tensor, torch.Tensor]]:
    labels = torch.randn(3, 40)
    return [(row + torch.randn(40), row) for row in labels]


def test_update_forward_compute_and_reset(batches):
    metric, whole = RegressionMetric(), RegressionMetrics()
    for place, batch in enumerate(batches):
        whole.update(*batch)
        if place:
            value = metric(*batch)
            expected = torchmetrics.functional.pearson_corrcoef(*batch)
            torch.testing.assert_close(value["pearson"], expected)
        else:
            metric.update(*batch)
        found = {name: value.item() for name, value in metric.compute().items()}
        assert found == pytest.approx(whole.compute())
    assert pickle.loads(pickle.dumps(metric)).compute() == metric.compute()
    other = copy.deepcopy(metric)
    metric.reset()
    metric.update(*batches[0])
    assert other.compute() != metric.compute()


def test_it_stands_in_a_collection_with_groups(batches):
    collection = torchmetrics.MetricCollection(
        {"ours": RegressionMetric(), "absolute": torchmetrics.MeanAbsoluteError()}
    )
    for batch in batches:
        collection.update(*batch)
    found = collection.compute()
    torch.testing.assert_close(found["mae"], found["absolute"])
    metric = RegressionMetric()
    metric.update(*batches[0], groups=torch.arange(40) % 2)
    assert "within_pearson" in metric.compute()
