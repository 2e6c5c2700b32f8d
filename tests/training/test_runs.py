import numpy as np
import pytest
import torch
from torch import nn

from gar_verify.training import Architecture, Problem, Recipe, Run
from gar_verify.training.mlp import elu_
from gar_verify.training.runs import epochs

RECIPE = Recipe(hidden=(4,), epochs=3, batch_size=4, milestones=(1, 2))


@pytest.fixture
def problem() -> Problem:
    rows = np.arange(11)
    return Problem(
        np.zeros((11, 1)), np.zeros((11, 1)), [rows[:10], rows[1:]], [rows[10:]] * 2, rows
    )


def test_random_numbers_depend_on_seed_fold_and_index_alone(problem):
    same = [Run(0.1, seed=1), Run(0.2, 0.5, hyperparameter=7, seed=1)]
    other = [Run(0.1, seed=2), Run(0.1, fold=1, seed=1), Run(0.1, hyperparameter_index=1, seed=1)]
    first, second, *others = next(epochs(problem, same + other, RECIPE)).rows
    assert (first == second).all()
    assert all((first != rows).any() for rows in others)
    draws = [run.random().random() for run in same + other]
    assert draws[0] == draws[1]
    assert len(set(draws)) == 4


def test_epochs_shuffle_and_drop_the_incomplete_batch(problem):
    seen = [epoch.rows for epoch in epochs(problem, [Run(0.1)], RECIPE)]
    assert [rows.shape for rows in seen] == [(1, 2, 4)] * 3
    assert all(len(set(rows.ravel())) == 8 for rows in seen)
    assert (seen[0] != seen[1]).any()


def test_random_numbers_for_losses_lie_in_the_unit_interval(problem):
    numbers = next(epochs(problem, [Run(0.1)], RECIPE)).numbers
    assert numbers.shape == (1, 2, 4)
    assert ((numbers >= 0) & (numbers < 1)).all()


def test_schedule_multiplies_at_the_milestones():
    assert [RECIPE.factor(epoch) for epoch in range(4)] == pytest.approx([1, 0.1, 0.01, 0.01])


def test_initial_parameters_have_the_bounds_of_torch():
    architecture = Architecture(9, (25, 4))
    row = torch.from_numpy(architecture.initial(np.random.default_rng(0)))
    assert row.shape == (architecture.size,)
    for (weight, bias), (out, fan_in) in zip(
        architecture.layers(row[None]), architecture.shapes, strict=True
    ):
        layer = nn.Linear(fan_in, out)
        assert weight.shape[1:] == layer.weight.shape
        assert max(weight.abs().max(), bias.abs().max()) <= fan_in**-0.5
    wide = architecture.layers(row[None])[0][0]
    assert wide.std().item() == pytest.approx((1 / 9 / 3) ** 0.5, rel=0.1)


def test_stacked_models_equal_torch_modules():
    architecture = Architecture(3, (5, 4), outputs=2)
    rows = torch.from_numpy(
        np.stack([architecture.initial(np.random.default_rng(seed)) for seed in range(3)])
    )
    inputs = torch.randn(3, 3, 7, generator=torch.Generator().manual_seed(0))
    outputs, entering = architecture.forward(rows, inputs)
    shared, _ = architecture.forward(rows, inputs[1:2])
    torch.testing.assert_close(shared[1], outputs[1])
    for k, row in enumerate(rows):
        body, head = modules(row)
        torch.testing.assert_close(entering[-1][k].T, body(inputs[k].T))
        torch.testing.assert_close(outputs[k].T, head(body(inputs[k].T)))


@pytest.mark.parametrize("reads", ["outputs", "features", "both", "nothing"])
def test_backward_is_autograd(reads):
    architecture = Architecture(3, (5, 4), outputs=2)
    row = torch.from_numpy(architecture.initial(np.random.default_rng(1)))
    inputs = torch.randn(3, 7, generator=torch.Generator().manual_seed(0))
    body, head = modules(row)
    features = body(inputs.T)
    goal = torch.zeros(()) + 0 * sum(p.sum() for p in [*body.parameters(), *head.parameters()])
    goal = goal + head(features).sin().sum() * (reads in ("outputs", "both"))
    goal = goal + features.cos().sum() * (reads in ("features", "both"))
    goal.backward()
    expected = [p.grad.ravel() for p in [*body.parameters(), *head.parameters()]]
    outputs, entering = architecture.forward(row[None], inputs[None])
    measured = architecture.backward(
        row[None],
        entering,
        outputs.cos() if reads in ("outputs", "both") else None,
        -entering[-1].sin() if reads in ("features", "both") else None,
    )
    torch.testing.assert_close(measured[0], torch.cat(expected), rtol=1e-5, atol=1e-6)


def modules(row: torch.Tensor) -> tuple[nn.Sequential, nn.Linear]:
    """Body and head of a perceptron 3-5-4-2 with the given parameters."""
    body = nn.Sequential(nn.Linear(3, 5), nn.ELU(), nn.Linear(5, 4), nn.ELU())
    head = nn.Linear(4, 2)
    nn.utils.vector_to_parameters(row, [*body.parameters(), *head.parameters()])
    return body, head


def test_elu_is_that_of_torch_to_rounding():
    values = torch.linspace(-30, 5, 3001)
    expected = nn.functional.elu(values)
    torch.testing.assert_close(elu_(values.clone()), expected, rtol=0, atol=2e-7)
