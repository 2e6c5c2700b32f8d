import numpy as np
import pytest
import torch

from gar_verify.studies.methods import tabular_methods
from gar_verify.studies.objectives import step_loss
from gar_verify.studies.reference_loop import PlainLoop, train_alone
from gar_verify.training import Problem, Recipe, Run
from gar_verify.training.runs import epochs

RECIPE = Recipe(hidden=(8, 6), epochs=3, batch_size=16, milestones=(2,))
RUN = Run(0.02, 0.001, hyperparameter=1.0, seed=1)


@pytest.fixture
def problem() -> Problem:
    rng = np.random.default_rng(0)
    inputs = rng.normal(size=(60, 3))
    rows = np.arange(60)
    return Problem(inputs, inputs.sum(1, keepdims=True), [rows[:40]], [rows[40:50]], rows[50:])


@pytest.mark.parametrize("name", ["mae", "gar"])
def test_with_and_without_a_loader_it_is_the_same_training(problem, name):
    objective = tabular_methods([name], RECIPE.epochs)[0].objective
    history, expected = train_alone(problem, RUN, RECIPE, objective)
    for processes in (None, 0):
        loop = PlainLoop(problem, RUN, RECIPE, processes)
        scores = []
        for epoch in epochs(problem, [RUN], RECIPE):
            loop.steps(epoch, step_loss(name))
            scores.append(loop.scores())
        found = torch.nn.utils.parameters_to_vector(loop.model.parameters()).detach()
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)
        np.testing.assert_allclose(scores, history, rtol=1e-4)


def test_a_loader_and_the_memory_give_the_same_batches(problem):
    epoch = next(iter(epochs(problem, [RUN], RECIPE)))
    by_loader, by_memory = (
        list(PlainLoop(problem, RUN, RECIPE, processes).batches(epoch)) for processes in (1, None)
    )
    assert len(by_loader) == len(by_memory) == 2
    for one, other in zip(by_loader, by_memory, strict=True):
        torch.testing.assert_close(tuple(one), tuple(other))
