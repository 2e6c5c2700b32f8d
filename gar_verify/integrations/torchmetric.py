"""`RegressionMetrics` as a metric of torchmetrics, which Lightning logs; needs torchmetrics.

>>> import torch
>>> from gar_verify.integrations.torchmetric import RegressionMetric
>>> metric = RegressionMetric()
>>> values = metric(torch.tensor([1.0, 2.0, 5.0]), torch.tensor([1.0, 3.0, 4.0]))
>>> round(values["mae"].item(), 3)
0.667
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torchmetrics import Metric

from gar_verify.metrics import RegressionMetrics


class RegressionMetric(Metric):
    """A dictionary of scalars from `RegressionMetrics`, gathered over all processes.

    ``self.log_dict(metric(predictions, targets))`` logs it; pass ``sample_weight`` and ``groups``
    by name.

    Args:
        options: of `RegressionMetrics`.
    """

    full_state_update = False
    higher_is_better = None
    is_differentiable = False

    def __init__(self, **options: Any) -> None:
        """Nothing is seen yet."""
        super().__init__()
        self.options = options
        self.running = RegressionMetrics(**options)

    def forward(self, *args: Any, **kwargs: Any) -> dict[str, Tensor]:
        """The metrics of this batch alone; it is also seen."""
        batch = RegressionMetrics(**self.options)
        batch.update(*args, **kwargs)
        self.running.merge(batch)
        self._update_count += 1
        self._computed = None
        return _scalars(batch)

    def update(self, *args: Any, **kwargs: Any) -> None:
        """See a batch, as `RegressionMetrics.update` does."""
        self.running.update(*args, **kwargs)

    def compute(self) -> dict[str, Tensor]:
        """The metrics of all batches of all processes."""
        together = torch.distributed.is_available() and torch.distributed.is_initialized()
        return _scalars(self.running.gather(self.process_group) if together else self.running)

    def reset(self) -> None:
        """Forget all samples."""
        super().reset()
        self.running.reset()


def _scalars(metrics: RegressionMetrics) -> dict[str, Tensor]:
    return {name: torch.tensor(value) for name, value in metrics.compute().items()}
