from dataclasses import replace

import numpy as np
import pytest
import torch

from gar_verify.data import load_table
from gar_verify.studies import ablation, sensitivity, tabular
from gar_verify.studies.methods import gar_at, tabular_methods

SHORT = tabular.Protocol(
    replace(tabular.RECIPES["diabetes"], epochs=2, milestones=(1,)), (0.1,), (1e-3,), 3
)


def value(name: str, alpha: float) -> float:
    generator = torch.Generator().manual_seed(0)
    f, y = torch.randn(2, 1, 40, 1, generator=generator, dtype=torch.float64)
    loss = ablation.ablation_method(name).objective.loss
    return loss(f, y, None, torch.tensor([alpha], dtype=torch.float64), None).item()


def sub_losses() -> tuple[float, float, float]:
    """a, b and c of the released code, from their formulas."""
    generator = torch.Generator().manual_seed(0)
    f, y = torch.randn(2, 1, 40, 1, generator=generator, dtype=torch.float64)[:, 0, :, 0].numpy()
    d = f - y
    a = 39 / 40 * (1 - np.corrcoef(f, y)[0, 1]) + 1e-7
    return a, abs(d).mean() + 1e-7, d.var() / 2 + 1e-7


@pytest.mark.parametrize("alpha", [0.1, 1.0, 10.0])
def test_a_pair_is_aggregated_as_gar_is(alpha):
    a, b, c = sub_losses()
    for name, chosen in (("a+b", (a, b)), ("b+c", (b, c)), ("gar", (a, b, c))):
        powers = [loss ** (1 / alpha) for loss in chosen]
        expected = alpha * np.log(np.mean(powers))
        assert value(name, alpha) == pytest.approx(expected, abs=alpha * 1e-6)


def test_a_single_letter_is_the_log_of_its_loss_for_every_alpha():
    for letter, loss in zip("abc", sub_losses(), strict=True):
        assert value(letter, 1.0) == pytest.approx(np.log(loss), abs=1e-6)
        assert value(letter, 0.0) == value(letter, 2.0)


def test_unknown_letters_are_named():
    with pytest.raises(ValueError, match=r"'a\+d' names no sub-losses; join letters of a"):
        ablation.ablation_method("a+d")


def test_every_line_of_the_paper_can_be_trained(tmp_path):
    methods = [ablation.ablation_method(name) for name in ablation.SUB_LOSSES]
    results = tabular.run_methods(load_table("diabetes"), methods, SHORT, store=tmp_path)
    assert results.sizes["method"] == 7
    assert results["metrics"].notnull().mean() > 0.9


def test_sensitivity_selects_for_each_alpha_by_itself(tmp_path):
    alphas = (0.5, 2.0)
    results = tabular.run_methods(load_table("diabetes"), [gar_at(alphas)], SHORT, store=tmp_path)
    summary = sensitivity.summarize(results)
    assert summary["alpha"].to_numpy().tolist() == [0.5, 2.0]
    scores = results["metrics"].sel({"metric": "MAE", "hyperparameter": 1}).squeeze(drop=True)
    best = scores.sel(split="validation").argmin("epoch")
    expected = scores.sel(split="test").isel(epoch=best).mean("fold").item()
    assert summary["mean"].sel(alpha=2.0, metric="MAE").item() == pytest.approx(expected)


def test_the_thirteen_values_of_the_paper():
    assert len(sensitivity.ALPHAS) == 13
    assert (sensitivity.ALPHAS[0], sensitivity.ALPHAS[-1]) == (0.1, 10)


def test_gar_with_released_constants_is_the_ablation_with_all_letters():
    generator = torch.Generator().manual_seed(0)
    f, y = torch.randn(2, 3, 40, 1, generator=generator)
    alpha = torch.tensor([0.1, 1.0, 10.0])
    whole = ablation.ablation_method("gar").objective.loss(f, y, None, alpha, None)
    (released,) = tabular_methods(["gar_released"], 100)
    assert released.label == "GAR (released)"
    torch.testing.assert_close(released.objective.loss(f, y, None, alpha, None), whole)
