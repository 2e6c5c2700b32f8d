"""`RegressionMetric` behaves as torchmetrics expect; several processes: tests/metrics.

Importing torchmetrics takes seconds, which only the process that runs these tests spends.
"""

from __future__ import annotations

import copy
import doctest
import pickle
from importlib import import_module
from importlib.util import find_spec

import pytest
import torch

from gar_verify.metrics import RegressionMetrics

pytestmark = pytest.mark.skipif(
    not find_spec("torchmetrics"),
    reason="pip install gar_verify[integrations] brings torchmetrics",
)


def test_the_example_of_the_module():
    tried = doctest.testmod(import_module("gar_verify.integrations.torchmetric"))
    assert tried.attempted > 3
    assert not tried.failed


@pytest.fixture
def batches() -> list[tuple[torch.Tensor, torch.Tensor]]:
    labels = torch.randn(3, 40)
    return [(row + torch.randn(40), row) for row in labels]


def test_update_forward_compute_and_reset(batches):
    import torchmetrics

    from gar_verify.integrations.torchmetric import RegressionMetric

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
    import torchmetrics

    from gar_verify.integrations.torchmetric import RegressionMetric

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
