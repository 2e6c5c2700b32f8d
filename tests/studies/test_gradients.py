"""The loss taken apart: what notebook 02 says of it."""

from __future__ import annotations

import numpy as np
import pytest

from gar_verify.studies import gradients


def test_gradients_are_those_of_the_formulas() -> None:
    gradient = gradients.gradients(*gradients.batch())
    f, y, n = gradient["prediction"], gradient["label"], len(gradient)
    d = f - y
    np.testing.assert_allclose(gradient["MAE"], np.sign(d) / n)
    np.testing.assert_allclose(gradient["error variance"], 2 * (d - d.mean()) / n)
    rho = np.corrcoef(f, y)[0, 1]
    z_f, z_y = ((v - v.mean()) / v.std(ddof=0) for v in (f, y))
    expected = -(z_y - rho * z_f) / (n * f.std(ddof=0))
    np.testing.assert_allclose(gradient["1 - Pearson"], expected, atol=1e-12)


def test_pairwise_parts_do_not_move_the_mean_nor_the_correlation_the_spread() -> None:
    moved = gradients.moved(gradients.gradients(*gradients.batch()))
    assert (moved.loc[["error variance", "1 - Pearson"], "mean"] == 0).all()
    assert moved.loc["1 - Pearson", "spread"] == 0
    assert moved.loc["MAE", "mean"] < 0
    assert (moved["correlation"] > 0).all()


def test_attention_goes_from_the_largest_part_to_equal_parts() -> None:
    attention = gradients.attention(*gradients.batch(), alphas=(0, 1, float("inf")))
    np.testing.assert_allclose(attention.sum(axis=1), 1)
    assert attention.loc[0].tolist() == [1, 0, 0]
    assert attention.loc[float("inf")].to_numpy() == pytest.approx([1 / 3] * 3)


def test_every_degenerate_batch_is_finite() -> None:
    found = gradients.degenerate()
    assert np.isfinite(found.to_numpy()).all()
    assert found.loc["perfect", "gradient"] == 0
    assert found.loc["constant predictions", "1 - Pearson"] == 0.5
    assert found.loc["both constant", "1 - Pearson"] == 0
    assert (found.loc["one sample", ["error variance", "1 - Pearson"]] == 0).all()
