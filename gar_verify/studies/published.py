"""The figures that the paper and its authors' released analysis report: data about the paper.

They are stored in ``published.json`` beside this module and read here, nowhere else.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np


@cache
def published() -> dict[str, Any]:
    """Everything published, by study."""
    text = files("gar_verify.studies").joinpath("published.json").read_text(encoding="utf-8")
    figures: dict[str, Any] = json.loads(text)
    return figures


def tabular(table: str, method: str, metric: str) -> tuple[float, float]:
    """Published test mean and standard deviation (1/5, over folds); NaN where not published."""
    line = method.removesuffix("_released")  # what was published comes from the released code
    found = published()["tabular"].get(table, {}).get(line, {}).get(metric, {})
    return found.get("mean", np.nan), found.get("std", np.nan)


def synthetic_runs(curve: str, method: str) -> list[float]:
    """Test MAE of the authors' five stored runs; empty where not published."""
    by_method = published()["synthetic_runs"].get(curve, {})
    runs: list[float] = by_method.get(method.removesuffix("_released"), [])
    return runs


def alpha_sensitivity(metric: str) -> dict[float, float]:
    """Published test means on Concrete by alpha."""
    study = published()["alpha_sensitivity"]
    return dict(zip(study["alpha"], study[metric], strict=True))


def alpha_deviation(metric: str) -> dict[float, float]:
    """Published standard deviations (1/5) of the same, empty for a metric that has none."""
    study = published()["alpha_sensitivity"]
    deviations = study.get(f"{metric}_std")
    return dict(zip(study["alpha"], deviations, strict=True)) if deviations else {}


def seconds_per_epoch(method: str) -> float:
    """Published seconds of an epoch on Concrete; NaN where not published.

    That of RnC is an epoch of its contrastive phase only.
    """
    return float(published()["seconds_per_epoch"].get(method.removesuffix("_released"), np.nan))


def relative_time(method: str) -> float:
    """Training time relative to MAE, as a published summary of the paper claims it; or NaN."""
    return float(published()["relative_time"].get(method.removesuffix("_released"), np.nan))


def ablation(sub_losses: str, metric: str) -> float:
    """Published test mean on Wine Quality for ``a``, ``a+b``, ... or ``gar``; NaN if there is none.

    The letters: a is the Pearson loss, b the MAE, c half the error variance.
    """
    return float(published()["ablation"].get(sub_losses, {}).get(metric, np.nan))


def leaves() -> dict[str, Any]:
    """Everything that is published as one level: figures and statements by their path.

    >>> leaves()["tabular/concrete/gar/MAE/mean"], leaves()["relative_time/gar"]
    (4.603, 1.0)
    """
    return dict(_leaves("", {k: v for k, v in published().items() if k != "source"}))


def _leaves(path: str, node: Any) -> Iterator[tuple[str, Any]]:
    if not isinstance(node, dict):
        yield path, node
        return
    for name, child in node.items():
        yield from _leaves(f"{path}/{name}" if path else name, child)
