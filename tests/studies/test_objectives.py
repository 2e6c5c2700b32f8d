import pytest
import torch

from gar_verify.studies.methods import RELEASED, TABULAR, tabular_methods
from gar_verify.studies.objectives import CONTRAST, STEP_LOSSES, step_loss


def batch() -> tuple[torch.Tensor, ...]:
    """Predictions, labels without repeats, features and random numbers of 40 rows."""
    generator = torch.Generator().manual_seed(3)
    target = 5 * torch.randn(40, 1, generator=generator)
    prediction = target + torch.randn(40, 1, generator=generator)
    features = torch.randn(40, 8, generator=generator)
    return prediction.requires_grad_(), target, features.requires_grad_(), torch.rand(40)


def slopes(value: torch.Tensor, *leaves: torch.Tensor) -> list[torch.Tensor]:
    found = torch.autograd.grad(value, leaves, allow_unused=True)
    return [torch.zeros_like(t) if g is None else g for t, g in zip(leaves, found, strict=True)]


@pytest.mark.parametrize("name", STEP_LOSSES)
def test_it_is_the_stacked_objective_of_one_model(name: str) -> None:
    method = tabular_methods(["rnc" if name == CONTRAST else name], epochs=2)[0]
    stacked, _ = method.objective.at(0 if name == CONTRAST else 1)
    prediction, target, features, numbers = batch()
    value = torch.tensor([method.hyperparameters[1]])
    expected = stacked(prediction[None], target[None], features[None], value, numbers[None]).sum()
    found = step_loss(name)(prediction, target, features, numbers)
    assert found.ndim == 0
    torch.testing.assert_close(found, expected)
    ours, theirs = (slopes(v, prediction, features) for v in (found, expected))
    torch.testing.assert_close(ours, theirs)


def test_every_method_of_the_tables_has_one() -> None:
    assert set(STEP_LOSSES) == {*TABULAR, RELEASED, CONTRAST}
    with pytest.raises(ValueError, match=r"no step loss 'mae_pearson'; choose from mae, mse"):
        step_loss("mae_pearson")
